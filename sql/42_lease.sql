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
    SELECT j.state, j.attempt = p_attempt AND j.state IN ('running', 'ended') AND NOT j.cancel_requested INTO v_state, v_held
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
        DETAIL = CASE WHEN v_job.state IN ('queued', 'waiting') THEN
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

-- extend the leases on those of some renders whose jobs nobody has locked; gives them
CREATE FUNCTION renderchain._extend_free(p_worker text, p_render_ids uuid[], p_lease interval, p_now timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_extended uuid[];
BEGIN
    WITH locked AS (
        SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.render_id = ANY (p_render_ids)
          AND j.state = 'running' AND j.lease_owner = p_worker AND j.deadline > p_now
        ORDER BY j.render_id FOR NO KEY UPDATE OF j SKIP LOCKED
    ), extended AS (
        UPDATE render_jobs j SET lease_until = LEAST(p_now + p_lease, j.deadline)
        FROM locked l WHERE j.render_id = l.render_id
        RETURNING j.render_id
    )
    SELECT pg_catalog.array_agg(e.render_id) INTO v_extended FROM extended e;
    RETURN COALESCE(v_extended, '{}'::uuid[]);
END
$$;

-- extend the leases on all of some renders that a worker holds; where jobs of some are locked on none, and gives those.
-- What is undone leaves no lock behind, and what is not is locked and written by one subtransaction: with two it would
-- take a multixact for each.
CREATE FUNCTION renderchain._extend_all(p_worker text, p_render_ids uuid[], p_lease interval, p_now timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_extended uuid[];
    v_left uuid[];
BEGIN
    v_extended := renderchain._extend_free(p_worker, p_render_ids, p_lease, p_now);
    v_left := ARRAY(SELECT u.id FROM pg_catalog.unnest(p_render_ids) AS u (id) WHERE u.id <> ALL (v_extended));
    IF v_left <> '{}'::uuid[] THEN
        RAISE lock_not_available;
    END IF;
    RETURN v_left;
EXCEPTION WHEN lock_not_available THEN
    RETURN v_left;
END
$$;

-- those of some renders that a worker holds, extended or not
CREATE FUNCTION renderchain._held(p_worker text, p_render_ids uuid[], p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ARRAY(SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
                 WHERE j.render_id = ANY (p_render_ids)
                   AND j.state = 'running' AND j.lease_owner = p_worker AND j.deadline > p_now);
END
$$;

-- give whoever has locked jobs a moment, in which a statement about them ends; where that is not enough none is kept
-- locked, so that nobody waits for this in a circle
CREATE FUNCTION renderchain._wait_a_moment(p_render_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET lock_timeout = '200ms'
AS $$
BEGIN
    PERFORM FROM render_jobs j WHERE j.render_id = ANY (p_render_ids) ORDER BY j.render_id FOR NO KEY UPDATE;
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$$;

-- One that is locked for long keeps the leases of the others, and the worker's connection, no longer than that moment.
-- Nobody takes it meanwhile: a claim would have to lock it too.
CREATE FUNCTION renderchain.extend_leases(worker text, render_ids uuid[], lease interval)
RETURNS TABLE (render_id uuid, held boolean, cancelled boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_held uuid[];
    v_locked uuid[];
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_worker(extend_leases.worker, extend_leases.lease);
    PERFORM renderchain._may_take_over(); -- who cannot extend leases is to know it when it claims
    v_held := renderchain._held(extend_leases.worker, extend_leases.render_ids, v_now);
    v_now := renderchain.clock(); -- that may have waited for as long as somebody had a table locked
    v_locked := renderchain._extend_all(extend_leases.worker, v_held, extend_leases.lease, v_now);
    IF v_locked <> '{}'::uuid[] THEN
        PERFORM renderchain._wait_a_moment(v_locked);
        PERFORM renderchain._extend_free(extend_leases.worker, v_held, extend_leases.lease, v_now);
    END IF;
    v_held := renderchain._held(extend_leases.worker, extend_leases.render_ids, v_now);
    -- a statement of its own, to see cancellations that the one above waited for
    RETURN QUERY
    SELECT i.id, COALESCE(i.id = ANY (v_held), false), COALESCE(j.cancel_requested, false)
    FROM pg_catalog.unnest(extend_leases.render_ids) WITH ORDINALITY AS i (id, place)
    LEFT JOIN (render_jobs j JOIN renders r ON r.id = j.render_id) ON j.render_id = i.id
    ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION renderchain.extend_leases(text, uuid[], interval) IS
'Extends the leases that a worker holds on renders, to the given interval from now but never past a render''s deadline. One row an id, in their order: held says whether to go on, cancelled whether somebody cancelled it; an id that does not exist is not held. One that another session has locked for longer than a moment is held but not extended: ask again before its lease ends.';

-- before renders, whose job rows are locked, are taken from whoever runs them: who pins memory locks a chain and then its
-- renders, so nobody who has written one of them may wait for the chain or another one, as giving back and claiming do
CREATE FUNCTION renderchain._hold_chains(p_render_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM FROM render_chains c
    WHERE c.id IN (SELECT r.chain_id FROM renders r WHERE r.id = ANY (p_render_ids)) ORDER BY c.id FOR KEY SHARE;
END
$$;

-- lock those jobs of a worker, but those excepted, that nobody has locked; gives them
CREATE FUNCTION renderchain._lock_free(p_worker text, p_except_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ARRAY(SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
                 WHERE j.state = 'running' AND j.lease_owner = p_worker
                   AND (j.render_id = ANY (p_except_ids)) IS NOT TRUE
                 ORDER BY j.render_id FOR NO KEY UPDATE OF j SKIP LOCKED);
END
$$;

-- those jobs of a worker, but those excepted, that somebody has locked; what is locked to find out is let go, or somebody
-- might wait for it in a circle
CREATE FUNCTION renderchain._locked_of(p_worker text, p_except_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_locked uuid[];
BEGIN
    v_locked := p_except_ids || renderchain._lock_free(p_worker, p_except_ids);
    v_locked := ARRAY(SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
                      WHERE j.state = 'running' AND j.lease_owner = p_worker
                        AND (j.render_id = ANY (v_locked)) IS NOT TRUE);
    RAISE lock_not_available; -- only to let them go
EXCEPTION WHEN lock_not_available THEN
    RETURN v_locked;
END
$$;

-- One that is locked for long keeps the others from being given back no longer than a moment.
CREATE FUNCTION renderchain.release_renders(worker text, except_ids uuid[] DEFAULT '{}')
RETURNS TABLE (render_id uuid, status text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_error jsonb := pg_catalog.jsonb_build_object('message',
        pg_catalog.format('worker %s gave it back'::text, release_renders.worker));
    v_held uuid[];
    v_locked uuid[];
    v_id uuid;
    v_ids uuid[] := '{}';
    v_queued boolean := false;
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_worker(release_renders.worker, '1 second'::interval);
    -- a claim of this worker that still runs, on a connection that it has lost, is waited for and undone too
    PERFORM renderchain._lock_name('worker'::text, release_renders.worker);
    v_locked := renderchain._locked_of(release_renders.worker, release_renders.except_ids);
    IF v_locked <> '{}'::uuid[] THEN
        PERFORM renderchain._wait_a_moment(v_locked);
    END IF;
    v_held := renderchain._lock_free(release_renders.worker, release_renders.except_ids);
    PERFORM renderchain._hold_chains(v_held);
    FOR v_id IN
        -- one after the other by the accounts that they lock
        SELECT j.render_id FROM render_jobs j WHERE j.render_id = ANY (v_held) ORDER BY j.user_id, j.render_id
    LOOP
        status := renderchain._try_to_give_back(v_id, v_now, v_error, true);
        CONTINUE WHEN status IS NULL;
        render_id := v_id;
        v_ids := pg_catalog.array_append(v_ids, v_id);
        v_queued := v_queued OR status = 'pending'::text;
        RETURN NEXT;
    END LOOP;
    PERFORM renderchain._notify(CASE WHEN pg_catalog.cardinality(v_ids) = 1 THEN v_ids[1] END,
        CASE WHEN v_queued THEN 'queued'::text WHEN pg_catalog.cardinality(v_ids) > 0 THEN 'ended'::text END);
END
$$;
COMMENT ON FUNCTION renderchain.release_renders(text, uuid[]) IS
'Gives back every running render that a worker holds but those excepted, at once and all together: queued again without having used up an attempt, or, where a generation is recorded as started without an end or the deadline has passed, ended as failed with a refund. For a worker that stops, or that lost its connection while it claimed and does not know what it was given. One row a render given back: its new status, pending or failed; one that another session has locked for longer than a moment is not given back: ask again, or leave it to its lease. RC005 for an invalid name of a worker.';
