-- The order of a chain ---------------------------------------------------------------
--
-- A render is to look like the one before it, whose memory is there only when that has
-- ended. So claims pass over a render as long as another goes on that it builds on: its
-- parent where it names one, else whatever has an earlier place in its chain and has not
-- ended. That is asked of each render that is about to be claimed, so it always holds.
--
-- So that nobody has to ask it of the same thousands again and again, a render that has
-- to wait stands in no queue: its state is waiting, with the one that it waits for
-- (waits_for), and the end of that one queues it. Who lets a render wait and who ends
-- the one before must not miss each other, and yet neither may be kept waiting. So both
-- try for a lock on the chain: one that lets wait and does not get it leaves the render
-- in the queue, one that ends and does not get it leaves the mark unheard on its job,
-- which the next claims see to. A transaction that keeps its snapshot lets none wait,
-- and where it ends one it looks by a new snapshot whether there is more that waits.

-- the deadline of a render that can be claimed from a time on: as long as it waits for others its time does not run, or
-- the last of a long chain would fail without having had a turn
CREATE FUNCTION renderchain._deadline_from(p_now timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN p_now + pg_catalog.current_setting('renderchain.deadline'::text)::interval;
END
$$;

-- the lock that those who let wait share, and those who end have for themselves. There are few, since one
-- transaction may end thousands; sharing one with another chain costs no more than a mark.
CREATE FUNCTION renderchain._wait_lock(p_id uuid) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN renderchain._lock_number('chain order'::text, (pg_catalog.hashtextextended(p_id::text, 0::bigint) & 1023::bigint)::text);
END
$$;

-- whether what other transactions have committed by now can be seen
CREATE FUNCTION renderchain._sees_others() RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN pg_catalog.current_setting('transaction_isolation'::text) = 'read committed'::text;
END
$$;

-- a render that has not ended and on which one builds that has that parent, or else that place in a chain: of several
-- the last
CREATE FUNCTION renderchain._goes_on_before(p_parent_id uuid, p_chain_id uuid, p_position integer) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF p_parent_id IS NOT NULL THEN
        RETURN (SELECT j.render_id FROM render_jobs j WHERE j.render_id = p_parent_id AND j.state <> 'ended');
    ELSIF p_chain_id IS NULL THEN
        RETURN NULL::uuid;
    END IF;
    RETURN (SELECT j.render_id FROM render_jobs j
            WHERE j.chain_id = p_chain_id AND j.chain_position < p_position AND j.state <> 'ended'
            ORDER BY j.chain_position DESC LIMIT 1);
END
$$;

-- what a render may be let wait for, surely not to miss its end; NULL where there is nothing, or somebody is at it
CREATE FUNCTION renderchain._can_wait_for(p_parent_id uuid, p_chain_id uuid, p_position integer) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id uuid;
BEGIN
    IF NOT pg_catalog.current_setting('renderchain.chain_order'::text)::boolean OR NOT renderchain._sees_others() THEN
        RETURN NULL::uuid;
    END IF;
    v_id := renderchain._goes_on_before(p_parent_id, p_chain_id, p_position);
    IF v_id IS NULL OR NOT pg_catalog.pg_try_advisory_xact_lock_shared(renderchain._wait_lock((
                           SELECT COALESCE(j.chain_id, j.render_id) FROM render_jobs j WHERE j.render_id = v_id))) THEN
        RETURN NULL::uuid;
    END IF;
    -- a statement of its own, to see an end that came before the lock
    RETURN (SELECT j.render_id FROM render_jobs j WHERE j.render_id = v_id AND j.state <> 'ended' FOR KEY SHARE SKIP LOCKED);
END
$$;

-- take queued renders, whose rows are locked, out of their queues, to wait for what goes on before them
CREATE FUNCTION renderchain._let_wait(p_render_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE render_jobs j SET state = 'waiting', waits_for = w.id, queue_id = NULL, deadline = 'infinity'
    FROM (SELECT x.render_id, renderchain._can_wait_for((x.request ->> 'parentRenderId'::text)::uuid, x.chain_id,
                                                        x.chain_position) AS id
          FROM render_jobs x WHERE x.render_id = ANY (p_render_ids) AND x.state = 'queued') w
    WHERE j.render_id = w.render_id AND w.id IS NOT NULL;
END
$$;

-- the next notification says to those who claim that there is something in the queue, whatever else it is about
CREATE FUNCTION renderchain._announce_queued() RETURNS void
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'rc_sql_announce_queued';

-- queue renders that wait; those that somebody has locked stay. Whether another goes on before them the claim asks.
CREATE FUNCTION renderchain._queue_waiting(p_render_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE render_jobs j SET state = 'queued', waits_for = NULL, deadline = renderchain._deadline_from(p_now), queue_id = renderchain._queue_for(w.user_id, w.priority,
        COALESCE(w.request ->> 'type'::text, 'image'::text), w.provider, w.run_after, p_now)
    FROM (SELECT x.render_id, x.user_id, x.priority, x.request, x.provider, x.run_after FROM render_jobs x
          WHERE x.render_id = ANY (p_render_ids) AND x.state = 'waiting' FOR NO KEY UPDATE SKIP LOCKED) w
    WHERE j.render_id = w.render_id;
    IF FOUND THEN
        PERFORM renderchain._announce_queued();
    END IF;
END
$$;

-- whether a render waits for that one by now, whatever the transaction's snapshot says
CREATE FUNCTION renderchain._is_waited_for(p_render_id uuid) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'rc_sql_is_waited_for';

-- queue what waits for renders that end in this transaction, or have ended, and whose job rows are locked; gives those
-- of which it is not sure that this was all
CREATE FUNCTION renderchain._queue_next(p_render_ids uuid[], p_chain_ids uuid[], p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_sure uuid[] := '{}';
    v_waiting uuid[];
    v_waited_for uuid[];
BEGIN
    FOR v_place IN 1 .. pg_catalog.cardinality(p_render_ids) LOOP
        IF pg_catalog.pg_try_advisory_xact_lock(renderchain._wait_lock(COALESCE(p_chain_ids[v_place],
                                                                                p_render_ids[v_place]))) THEN
            v_sure := pg_catalog.array_append(v_sure, p_render_ids[v_place]);
        END IF;
    END LOOP;
    -- a statement of its own, to see who let a render wait before the lock
    SELECT pg_catalog.array_agg(j.render_id), pg_catalog.array_agg(j.waits_for) INTO v_waiting, v_waited_for
    FROM render_jobs j WHERE j.waits_for = ANY (p_render_ids);
    IF v_waiting IS NOT NULL THEN
        PERFORM renderchain._queue_waiting(v_waiting, p_now);
    ELSIF renderchain._sees_others() THEN
        RETURN ARRAY(SELECT u.id FROM pg_catalog.unnest(p_render_ids) AS u (id) WHERE u.id <> ALL (v_sure));
    END IF;
    RETURN ARRAY(
        SELECT u.id FROM pg_catalog.unnest(p_render_ids) AS u (id)
        WHERE u.id <> ALL (v_sure)
           OR (u.id = ANY (v_waited_for) OR NOT renderchain._sees_others()) AND renderchain._is_waited_for(u.id));
END
$$;

-- as _queue_next, in the end of renders: leaves the mark if need be
CREATE FUNCTION renderchain._end_wait(p_render_ids uuid[], p_chain_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_unsure uuid[] := renderchain._queue_next(p_render_ids, p_chain_ids, p_now);
BEGIN
    IF pg_catalog.cardinality(v_unsure) > 0 THEN
        UPDATE render_jobs j SET unheard = true WHERE j.render_id = ANY (v_unsure);
    END IF;
END
$$;

-- queue some of the renders of whose turn nobody has told: of one that ended unheard, or was deleted (NULL is what its
-- foreign key leaves), or any while chains have no order
CREATE FUNCTION renderchain._queue_overlooked(p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    -- from anywhere on and round: marks may have to stay, as long as somebody keeps the lock of their chain
    v_from uuid := pg_catalog.gen_random_uuid();
    v_job record;
    v_heard uuid[] := '{}';
    v_orphans uuid[] := '{}';
BEGIN
    FOR v_job IN
        WITH further AS (
            SELECT j.render_id, j.chain_id, j.unheard FROM render_jobs j
            WHERE (j.unheard OR (j.state = 'waiting' AND j.waits_for IS NULL)) AND j.render_id >= v_from
            ORDER BY j.render_id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
        ), from_start AS (
            SELECT j.render_id, j.chain_id, j.unheard FROM render_jobs j
            WHERE (j.unheard OR (j.state = 'waiting' AND j.waits_for IS NULL)) AND j.render_id < v_from
            ORDER BY j.render_id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT * FROM further UNION ALL SELECT * FROM from_start LIMIT 100
    LOOP
        IF NOT v_job.unheard THEN
            v_orphans := pg_catalog.array_append(v_orphans, v_job.render_id);
        ELSIF renderchain._queue_next(ARRAY[v_job.render_id], ARRAY[v_job.chain_id], p_now) = '{}'::uuid[] THEN
            v_heard := pg_catalog.array_append(v_heard, v_job.render_id);
        END IF;
    END LOOP;
    UPDATE render_jobs j SET unheard = false WHERE j.render_id = ANY (v_heard);
    PERFORM renderchain._queue_waiting(v_orphans, p_now);
    IF NOT pg_catalog.current_setting('renderchain.chain_order'::text)::boolean THEN
        PERFORM renderchain._queue_waiting(ARRAY(
            SELECT j.render_id FROM render_jobs j WHERE j.waits_for IS NOT NULL ORDER BY j.waits_for LIMIT 1000), p_now);
    END IF;
END
$$;
