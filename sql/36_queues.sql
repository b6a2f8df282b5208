-- Queues -----------------------------------------------------------------------
--
-- Renders wait in queues: one for each user, priority, type and provider. Queues take
-- turns, the one whose user was served least lately first, so that a claim looks at as
-- many queues as it takes renders, however many wait in each.
--
-- A queue's due says whether there is something in it: '-infinity' when it may have
-- its turn, a later time where all that waits in it waits for that, NULL where it is
-- empty. Whoever puts a render in keeps its queue's row from being locked FOR UPDATE
-- until the end of the transaction, and only who has it locked so may say that it is
-- empty. Nobody ever waits for such a row: a render that finds its queue locked goes
-- without (queue_id NULL). The next claim puts it in, or takes it as it is.

-- the queue for a render that is to be claimed from a time on; NULL where somebody else is at it
CREATE FUNCTION renderchain._queue_for(p_user_id uuid, p_priority integer, p_type text, p_provider text,
    p_run_after timestamptz, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id bigint;
BEGIN
    -- a snapshot from before would have to fail on what claims have written since
    IF pg_catalog.current_setting('transaction_isolation'::text) <> 'read committed'::text THEN
        RETURN NULL;
    END IF;
    SELECT q.id INTO v_id FROM render_queues q
    WHERE q.user_id = p_user_id AND q.priority = p_priority AND q.type = p_type AND q.provider = p_provider
      AND q.due = '-infinity' FOR KEY SHARE SKIP LOCKED;
    IF FOUND THEN
        RETURN v_id;
    END IF;
    SELECT q.id INTO v_id FROM render_queues q
    WHERE q.user_id = p_user_id AND q.priority = p_priority AND q.type = p_type AND q.provider = p_provider
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE render_queues q SET since = CASE WHEN q.due IS NULL THEN p_run_after ELSE q.since END,
               due = CASE WHEN p_run_after <= p_now THEN '-infinity'::timestamptz ELSE LEAST(q.due, p_run_after) END
        WHERE q.id = v_id;
    ELSIF NOT EXISTS (SELECT FROM render_queues q WHERE q.user_id = p_user_id AND q.priority = p_priority
                        AND q.type = p_type AND q.provider = p_provider)
          AND pg_catalog.pg_try_advisory_xact_lock(renderchain._lock_number('queue'::text,
              pg_catalog.concat_ws('/'::text, p_user_id::text, p_priority::text, p_type, p_provider))) THEN
        -- it is not there and nobody else is making it, so this waits for nobody
        INSERT INTO render_queues (user_id, priority, type, provider, turn, since, due)
        SELECT p_user_id, p_priority, p_type, p_provider, COALESCE(pg_catalog.max(q.turn), 0::bigint), p_run_after,
               CASE WHEN p_run_after <= p_now THEN '-infinity'::timestamptz ELSE p_run_after END
        FROM render_queues q WHERE q.user_id = p_user_id
        ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    END IF;
    RETURN v_id;
END
$$;

-- bring what is due by now into its turn: queues that had nothing to give before, and renders without a queue; tells
-- whether some of these are still without
CREATE FUNCTION renderchain._fill_queues(p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE render_queues q SET due = '-infinity'
    WHERE q.id IN (SELECT x.id FROM render_queues x WHERE x.due > '-infinity' AND x.due <= p_now
                   ORDER BY x.due LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED);
    UPDATE render_jobs j SET queue_id = n.queue_id
    FROM (SELECT w.render_id, renderchain._queue_for(w.user_id, w.priority, COALESCE(w.request ->> 'type'::text, 'image'::text),
                                                     w.provider, w.run_after, p_now) AS queue_id
          FROM (SELECT x.render_id, x.user_id, x.priority, x.request, x.provider, x.run_after FROM render_jobs x
                WHERE x.state = 'queued' AND x.queue_id IS NULL
                ORDER BY x.queue_id, x.run_after, x.render_id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED) w) n
    WHERE j.render_id = n.render_id AND n.queue_id IS NOT NULL;
    RETURN EXISTS (SELECT FROM render_jobs j WHERE j.state = 'queued' AND j.queue_id IS NULL);
END
$$;

-- take renders that are without a queue, because some transaction that goes on keeps it from being made or changed:
-- lock up to some of them, the oldest first. Those that may not be taken now do not count: others are behind them.
CREATE FUNCTION renderchain._take_left_out(p_taken uuid[], p_most integer, p_type text, p_provider text,
    p_per_user integer, p_per_provider integer, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_in_order boolean := pg_catalog.current_setting('renderchain.chain_order'::text)::boolean;
    v_most integer := pg_catalog.cardinality(p_taken) + p_most;
    v_job record;
    v_taken uuid[] := p_taken;
    v_passed uuid[] := '{}';
BEGIN
    FOR v_job IN
        SELECT j.render_id, j.user_id, j.provider, j.request, j.chain_id, j.chain_position FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.state = 'queued' AND j.queue_id IS NULL AND j.run_after <= p_now AND j.deadline > p_now
          AND (p_type IS NULL OR COALESCE(j.request ->> 'type'::text, 'image'::text) = p_type)
          AND (p_provider IS NULL OR j.provider IN ('any', p_provider))
        ORDER BY j.queue_id, j.run_after, j.render_id FOR NO KEY UPDATE OF j SKIP LOCKED
    LOOP
        IF v_in_order AND renderchain._goes_on_before((v_job.request ->> 'parentRenderId'::text)::uuid, v_job.chain_id,
                                                      v_job.chain_position) IS NOT NULL THEN
            v_passed := pg_catalog.array_append(v_passed, v_job.render_id);
            CONTINUE;
        END IF;
        CONTINUE WHEN p_per_user > 0
            AND (NOT renderchain._try_cap('user'::text, v_job.user_id::text)
                 OR (SELECT pg_catalog.count(*) FROM render_jobs j
                     WHERE (j.state = 'running' OR j.render_id = ANY (v_taken)) AND j.user_id = v_job.user_id) >= p_per_user);
        CONTINUE WHEN p_per_provider > 0
            AND (NOT renderchain._try_cap('provider'::text, v_job.provider)
                 OR (SELECT pg_catalog.count(*) FROM render_jobs j
                     WHERE (j.state = 'running' OR j.render_id = ANY (v_taken)) AND j.provider = v_job.provider) >= p_per_provider);
        v_taken := pg_catalog.array_append(v_taken, v_job.render_id);
        EXIT WHEN pg_catalog.cardinality(v_taken) = v_most;
    END LOOP;
    PERFORM renderchain._let_wait(v_passed);
    RETURN v_taken;
END
$$;

-- whether we are the one claimer who may take of a user or provider that has a cap; it then sees all that runs
CREATE FUNCTION renderchain._try_cap(p_kind text, p_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN pg_catalog.pg_try_advisory_xact_lock(renderchain._lock_number('running of '::text || p_kind, p_name));
END
$$;

-- of some queues those from which may be taken under the caps; at the others another claimer is just now
CREATE FUNCTION renderchain._queues_to_cap(p_queues bigint[], p_per_user integer, p_per_provider integer) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ARRAY(
        SELECT q.id FROM render_queues q
        WHERE q.id = ANY (p_queues)
          AND CASE WHEN p_per_user > 0 THEN renderchain._try_cap('user'::text, q.user_id::text) ELSE true END
          AND CASE WHEN p_per_provider > 0 THEN renderchain._try_cap('provider'::text, q.provider) ELSE true END);
END
$$;

-- take up to some renders from queues of the same priority whose turn it is, at most a quota from each: lock them
-- and say in which order, which are passed over since another goes on before them (38), and which queues had less to
-- give. Users take turns; what somebody else has locked is passed over.
CREATE FUNCTION renderchain._take(p_queues bigint[], p_taken uuid[], p_passed uuid[], p_most integer, p_quota integer,
    p_per_user integer, p_per_provider integer, p_now timestamptz, OUT o_taken uuid[], OUT o_passed uuid[], OUT o_spent bigint[])
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_in_order boolean := pg_catalog.current_setting('renderchain.chain_order'::text)::boolean;
BEGIN
    WITH next AS (
        SELECT q.id, q.user_id, q.provider, q.turn, w.render_id, w.run_after, w.parent_id, w.chain_id, w.chain_position
        FROM render_queues q CROSS JOIN LATERAL (
            SELECT j.render_id, j.run_after, (j.request ->> 'parentRenderId'::text)::uuid AS parent_id, j.chain_id, j.chain_position
            FROM render_jobs j JOIN renders r ON r.id = j.render_id
            WHERE j.queue_id = q.id AND j.state = 'queued' AND j.run_after <= p_now AND j.deadline > p_now
              AND j.render_id <> ALL (p_taken) AND j.render_id <> ALL (p_passed)
            ORDER BY j.run_after, j.render_id LIMIT p_quota FOR NO KEY UPDATE OF j SKIP LOCKED) w
        WHERE q.id = ANY (p_queues)
    ), asked AS MATERIALIZED (
        SELECT n.*, v_in_order AND COALESCE(n.parent_id, n.chain_id) IS NOT NULL
               AND renderchain._goes_on_before(n.parent_id, n.chain_id, n.chain_position) IS NOT NULL AS is_passed
        FROM next n
    ), found AS (
        SELECT a.id, a.user_id, a.provider, a.turn, a.render_id, a.run_after FROM asked a WHERE NOT a.is_passed
    ), user_room AS (
        SELECT u.user_id, p_per_user
               - (SELECT pg_catalog.count(*) FROM render_jobs j WHERE j.state = 'running' AND j.user_id = u.user_id)
               - (SELECT pg_catalog.count(*) FROM render_jobs j WHERE j.render_id = ANY (p_taken) AND j.user_id = u.user_id) AS room
        FROM (SELECT DISTINCT f.user_id FROM found f WHERE p_per_user > 0) u
    ), provider_room AS (
        SELECT n.provider, p_per_provider - pg_catalog.count(*) AS room
        FROM (SELECT j.provider FROM render_jobs j WHERE j.state = 'running' AND p_per_provider > 0
            UNION ALL
              SELECT j.provider FROM render_jobs j WHERE j.render_id = ANY (p_taken) AND p_per_provider > 0) n
        GROUP BY n.provider
    ), by_user AS (
        SELECT f.*, pg_catalog.row_number() OVER (PARTITION BY f.user_id ORDER BY f.run_after, f.render_id) AS round
        FROM found f
    ), by_provider AS (
        SELECT u.*, pg_catalog.row_number() OVER (PARTITION BY u.provider ORDER BY u.round, u.turn, u.run_after, u.render_id) AS nth
        FROM by_user u LEFT JOIN user_room m ON m.user_id = u.user_id
        WHERE (u.round <= m.room) IS NOT FALSE
    ), chosen AS (
        SELECT p.id, p.render_id, pg_catalog.row_number() OVER (ORDER BY p.round, p.turn, p.run_after, p.render_id) AS place
        FROM by_provider p LEFT JOIN provider_room m ON m.provider = p.provider
        WHERE p_per_provider = 0 OR p.nth <= COALESCE(m.room, p_per_provider::bigint)
        ORDER BY p.round, p.turn, p.run_after, p.render_id LIMIT p_most
    )
    SELECT ARRAY(SELECT c.render_id FROM chosen c ORDER BY c.place),
           ARRAY(SELECT a.render_id FROM asked a WHERE a.is_passed),
           ARRAY(SELECT q.id FROM pg_catalog.unnest(p_queues) AS q (id)
                 WHERE (SELECT pg_catalog.count(*) FROM chosen c WHERE c.id = q.id)
                       + (SELECT pg_catalog.count(*) FROM asked a WHERE a.id = q.id AND a.is_passed) < p_quota)
    INTO o_taken, o_passed, o_spent;
END
$$;

-- raise that a claim could not see what runs by now
CREATE FUNCTION renderchain._raise_blind() RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'renders with caps cannot be claimed at isolation level repeatable read'
        USING ERRCODE = 'object_not_in_prerequisite_state',
        DETAIL = 'renderchain.max_running_per_user or renderchain.max_running_per_provider is set, and what others run by now cannot be seen.',
        HINT = 'Claim at isolation level read committed.';
END
$$;

-- choose and lock up to some queued renders, the most urgent first, then of the user who was served least lately,
-- then the oldest; at last those that were left out of the queues. Says too which queues may have nothing left.
CREATE FUNCTION renderchain._choose(p_most integer, p_type text, p_provider text, p_left_out boolean, p_now timestamptz,
    OUT o_taken uuid[], OUT o_spent bigint[])
LANGUAGE plpgsql VOLATILE
-- only a scan in the order of an index leaves behind, for the next one, what is dead at its front, where all claims
-- take from; the planner does not know of it
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    v_per_user integer := pg_catalog.current_setting('renderchain.max_running_per_user'::text)::integer;
    v_per_provider integer := pg_catalog.current_setting('renderchain.max_running_per_provider'::text)::integer;
    v_full_users uuid[] := '{}';
    v_full_providers text[] := '{}';
    v_width integer := 1;
    v_depth integer := 1;
    v_passed uuid[] := '{}';
    v_left integer;
    v_queues bigint[];
    v_allowed bigint[];
    v_found record;
BEGIN
    o_taken := '{}';
    o_spent := '{}';
    IF v_per_user > 0 OR v_per_provider > 0 THEN
        IF pg_catalog.current_setting('transaction_isolation'::text) = 'repeatable read'::text THEN
            PERFORM renderchain._raise_blind();
        END IF;
        -- not looked at below; a first sieve only, others may claim meanwhile
        v_full_users := ARRAY(SELECT j.user_id FROM render_jobs j WHERE j.state = 'running' AND v_per_user > 0
                              GROUP BY j.user_id HAVING pg_catalog.count(*) >= v_per_user);
        v_full_providers := ARRAY(SELECT j.provider FROM render_jobs j WHERE j.state = 'running' AND v_per_provider > 0
                                  GROUP BY j.provider HAVING pg_catalog.count(*) >= v_per_provider);
    END IF;
    LOOP
        v_left := p_most - pg_catalog.cardinality(o_taken);
        EXIT WHEN v_left = 0;
        -- as many as could be needed, more after those before gave nothing
        v_queues := ARRAY(
            SELECT s.id
            FROM (SELECT q.id, q.priority, pg_catalog.max(q.priority) OVER () AS top
                  FROM (SELECT x.id, x.priority FROM render_queues x
                        WHERE x.due = '-infinity' AND (p_type IS NULL OR x.type = p_type)
                          AND (p_provider IS NULL OR x.provider IN ('any', p_provider))
                          AND x.id <> ALL (o_spent) AND x.user_id <> ALL (v_full_users)
                          AND x.provider <> ALL (v_full_providers)
                        ORDER BY x.priority DESC, x.turn, x.since, x.id LIMIT GREATEST(v_left, v_width)) q) s
            WHERE s.priority = s.top);
        EXIT WHEN pg_catalog.cardinality(v_queues) = 0;
        v_allowed := v_queues;
        IF v_per_user > 0 OR v_per_provider > 0 THEN
            v_allowed := renderchain._queues_to_cap(v_queues, v_per_user, v_per_provider);
        END IF;
        v_found := renderchain._take(v_allowed, o_taken, v_passed, v_left,
            GREATEST(v_depth, (v_left + pg_catalog.cardinality(v_queues) - 1) / pg_catalog.cardinality(v_queues)),
            v_per_user, v_per_provider, p_now);
        v_width := CASE WHEN pg_catalog.cardinality(v_found.o_taken) = 0 THEN LEAST(2 * v_width, 1000) ELSE 1 END;
        IF pg_catalog.cardinality(v_found.o_passed) > 0 THEN
            -- where one has to wait it is often many, of which none was let wait when it was put in
            PERFORM renderchain._let_wait(v_found.o_passed);
            v_passed := pg_catalog.array_cat(v_passed, v_found.o_passed);
            v_depth := LEAST(4 * v_depth, 1000);
        END IF;
        o_taken := pg_catalog.array_cat(o_taken, v_found.o_taken);
        o_spent := pg_catalog.array_cat(pg_catalog.array_cat(o_spent, v_found.o_spent), ARRAY(
            SELECT q.id FROM pg_catalog.unnest(v_queues) AS q (id) WHERE q.id <> ALL (v_allowed)));
    END LOOP;
    IF p_left_out AND v_left > 0 THEN
        o_taken := renderchain._take_left_out(o_taken, v_left, p_type, p_provider, v_per_user, v_per_provider, p_now);
    END IF;
END
$$;

-- of some queues, whose rows are locked, those that have nothing to give now, with when they will have
CREATE FUNCTION renderchain._empty_queues(p_queues bigint[], p_now timestamptz)
RETURNS TABLE (id bigint, next_due timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.id, e.next_due
    FROM (SELECT l.id, (SELECT j.run_after FROM render_jobs j WHERE j.queue_id = l.id AND j.state = 'queued'
                        ORDER BY j.run_after LIMIT 1) AS next_due
          FROM pg_catalog.unnest(p_queues) AS l (id)) e
    WHERE (e.next_due > p_now) IS NOT FALSE;
END
$$;

-- note which users have been served by some renders, in this order, so that others have their turn before them, and
-- take queues out of their turn that have nothing to give. Queues at which somebody else is just now are passed over.
CREATE FUNCTION renderchain._turn(p_render_ids uuid[], p_spent bigint[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_empty bigint[] := ARRAY(
        SELECT q.id FROM render_queues q
        WHERE q.id = ANY (p_spent) AND q.due = '-infinity'
          AND (SELECT j.render_id FROM render_jobs j WHERE j.queue_id = q.id AND j.state = 'queued' AND j.run_after <= p_now
               ORDER BY j.run_after, j.render_id LIMIT 1) IS NULL
        FOR UPDATE SKIP LOCKED);
    v_queue record;
    v_served bigint[] := '{}';
BEGIN
    -- a statement of its own, to see what had been put in before they were locked. One after the other: a join would
    -- give out the turns in the order of its plan.
    FOR v_queue IN
        WITH served AS (
            SELECT q.id, u.place
            FROM (SELECT j.user_id, pg_catalog.max(t.place) AS place
                  FROM pg_catalog.unnest(p_render_ids) WITH ORDINALITY AS t (id, place)
                  JOIN render_jobs j ON j.render_id = t.id GROUP BY j.user_id) u
            JOIN render_queues q ON q.user_id = u.user_id
            ORDER BY u.place, q.id FOR NO KEY UPDATE OF q SKIP LOCKED
        )
        SELECT s.id, a.id IS NOT NULL AS is_aside, a.next_due
        FROM served s LEFT JOIN renderchain._empty_queues(v_empty, p_now) a ON a.id = s.id
        ORDER BY s.place, s.id
    LOOP
        UPDATE render_queues q SET turn = DEFAULT, due = CASE WHEN v_queue.is_aside THEN v_queue.next_due ELSE q.due END
        WHERE q.id = v_queue.id;
        v_served := pg_catalog.array_append(v_served, v_queue.id);
    END LOOP;
    UPDATE render_queues q SET due = a.next_due FROM renderchain._empty_queues(v_empty, p_now) a
    WHERE q.id = a.id AND a.id <> ALL (v_served);
END
$$;
