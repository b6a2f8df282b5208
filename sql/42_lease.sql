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

-- lock the job of a render, refuse all but its present attempt, and return its state,
-- running or ended. What row security hides of renders does not exist here either,
-- hence the join.
CREATE FUNCTION renderchain._lock_attempt(p_render_id uuid, p_attempt integer) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_state text;
    v_held boolean;
BEGIN
    SELECT j.state, j.attempt = p_attempt AND j.state <> 'queued' AND NOT j.cancel_requested INTO v_state, v_held
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE j.render_id = p_render_id FOR NO KEY UPDATE OF j;
    IF v_held IS NOT TRUE THEN
        PERFORM renderchain._raise_not_held(p_render_id, p_attempt);
    END IF;
    RETURN v_state;
END
$$;

-- raise why a writer is refused whose job row is locked, if there is one: what is
-- cancelled stops, what is lost belongs to another worker by now
CREATE FUNCTION renderchain._raise_not_held(p_render_id uuid, p_attempt integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_job record;
BEGIN
    SELECT j.state, j.attempt, j.lease_owner, j.cancel_requested INTO v_job
    FROM render_jobs j JOIN renders r ON r.id = j.render_id WHERE j.render_id = p_render_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'render % does not exist', p_render_id USING ERRCODE = 'RC006',
            HINT = 'It may have been deleted while it ran; stop running it.';
    ELSIF v_job.cancel_requested THEN
        RAISE EXCEPTION 'render % is cancelled', p_render_id USING ERRCODE = 'RC002',
            HINT = 'Stop running it; nothing more is recorded.';
    END IF;
    RAISE EXCEPTION 'attempt % of render % has lost its lease', COALESCE(p_attempt::text, 'null'::text), p_render_id
        USING ERRCODE = 'RC001',
        DETAIL = CASE WHEN v_job.state = 'queued' THEN
            pg_catalog.format('The render is queued again after attempt %s.'::text, v_job.attempt)
            ELSE pg_catalog.format('The latest attempt is %s%s.'::text, v_job.attempt,
                 COALESCE(', of worker '::text || v_job.lease_owner, ''::text)) END,
        HINT = 'Stop running it; nothing of this attempt is recorded.';
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
