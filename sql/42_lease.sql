-- Leases and fencing -----------------------------------------------------------

-- raise that a render is seen but may not be changed, by row security
CREATE FUNCTION renderchain._raise_not_writable(p_render_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RAISE EXCEPTION 'permission denied to change render %', p_render_id USING ERRCODE = 'insufficient_privilege',
        DETAIL = 'A row security policy of the table renders does not let this role update it.';
END
$$;

-- lock the job of a render and refuse all but its present attempt. What row
-- security hides of renders does not exist here either, hence the join. The writer is
-- told why: what is cancelled stops, what is lost belongs to another worker by
-- now, what has ended is closed.
CREATE FUNCTION renderchain._lock_attempt(p_render_id uuid, p_attempt integer,
    OUT o_state text, OUT o_run integer, OUT o_max_attempts integer, OUT o_base_attempt integer)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_attempt integer;
    v_owner text;
    v_cancelled boolean;
BEGIN
    SELECT j.state, j.run, j.max_attempts, j.base_attempt, j.attempt, j.lease_owner, j.cancel_requested
    INTO o_state, o_run, o_max_attempts, o_base_attempt, v_attempt, v_owner, v_cancelled
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE j.render_id = p_render_id FOR NO KEY UPDATE OF j;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'render % does not exist', p_render_id USING ERRCODE = 'RC006',
            HINT = 'It may have been deleted while it ran; stop running it.';
    ELSIF v_cancelled THEN
        RAISE EXCEPTION 'render % is cancelled', p_render_id USING ERRCODE = 'RC002',
            HINT = 'Stop running it; nothing more is recorded.';
    ELSIF v_attempt IS DISTINCT FROM p_attempt OR o_state = 'queued' THEN
        RAISE EXCEPTION 'attempt % of render % has lost its lease', COALESCE(p_attempt::text, 'null'::text), p_render_id
            USING ERRCODE = 'RC001',
            DETAIL = CASE WHEN o_state = 'queued' THEN
                pg_catalog.format('The render is queued again after attempt %s.'::text, v_attempt)
                ELSE pg_catalog.format('The latest attempt is %s%s.'::text, v_attempt,
                     COALESCE(', of worker '::text || v_owner, ''::text)) END,
            HINT = 'Stop running it; nothing of this attempt is recorded.';
    END IF;
END
$$;

-- raise that a render has ended and takes no more writes
CREATE FUNCTION renderchain._raise_ended(p_render_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RAISE EXCEPTION 'render % has ended', p_render_id USING ERRCODE = 'RC010',
        DETAIL = pg_catalog.format('Its status is %s.'::text,
                                   (SELECT r.status::text FROM renders r WHERE r.id = p_render_id)),
        HINT = 'Nothing more is recorded; renderchain.retry_render() starts a failed or cancelled render again.';
END
$$;

CREATE FUNCTION renderchain.extend_leases(worker text, render_ids uuid[], lease interval)
RETURNS TABLE (render_id uuid, held boolean, cancelled boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_held uuid[];
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_worker(extend_leases.worker, extend_leases.lease);
    WITH locked AS (
        -- in one order for all, so that two calls about the same renders cannot block each other
        SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.render_id = ANY (extend_leases.render_ids)
          AND j.state = 'running' AND j.lease_owner = extend_leases.worker AND j.deadline > v_now
        ORDER BY j.render_id FOR NO KEY UPDATE OF j
    ), extended AS (
        UPDATE render_jobs j SET lease_until = LEAST(v_now + extend_leases.lease, j.deadline)
        FROM locked l WHERE j.render_id = l.render_id
        RETURNING j.render_id
    )
    SELECT pg_catalog.array_agg(e.render_id) INTO v_held FROM extended e;
    -- a statement of its own, to see cancellations that the one above waited for
    RETURN QUERY
    SELECT i.id, COALESCE(i.id = ANY (v_held), false), COALESCE(j.cancel_requested, false)
    FROM pg_catalog.unnest(extend_leases.render_ids) WITH ORDINALITY AS i (id, place)
    LEFT JOIN (render_jobs j JOIN renders r ON r.id = j.render_id) ON j.render_id = i.id
    ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION renderchain.extend_leases(text, uuid[], interval) IS
'Extends the leases that a worker holds on renders, to the given interval from now but never past a render''s deadline. One row an id, in their order: held says whether to go on, cancelled whether somebody cancelled it; an id that does not exist is not held.';
