-- Status ---------------------------------------------------------------------------
--
-- What an operator looks at. It costs what is unfinished, however much has ended: jobs
-- and objects are found through indexes that hold nothing else.

-- how long ago a time was, in seconds with a tenth; negative for one to come
CREATE FUNCTION renderchain._seconds_since(p_time timestamptz, p_now timestamptz) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN pg_catalog.round(EXTRACT(epoch FROM p_now - p_time), 1);
END
$$;

-- the renders that run, those that run longest first, each with the stage at which it is
CREATE FUNCTION renderchain._running_renders(p_now timestamptz,
    OUT worker text, OUT age numeric, OUT lease numeric, OUT stage text, OUT render jsonb)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT j.lease_owner, renderchain._seconds_since(r.started_at::timestamptz, p_now),
           -renderchain._seconds_since(LEAST(j.lease_until, j.deadline), p_now), s.stage,
           pg_catalog.jsonb_build_object('renderId', j.render_id, 'userId', j.user_id, 'type', r.type, 'worker', j.lease_owner,
               'attempt', j.attempt, 'ageSeconds', renderchain._seconds_since(r.started_at::timestamptz, p_now),
               'leaseSeconds', -renderchain._seconds_since(LEAST(j.lease_until, j.deadline), p_now), 'stage', s.stage,
               'stageSeconds', renderchain._seconds_since(s.started_at, p_now))
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    LEFT JOIN LATERAL (SELECT x.stage, x.started_at FROM render_stages x
                       WHERE x.render_id = j.render_id AND x.attempt = j.attempt AND x.status = 'running'
                       ORDER BY x.seq DESC LIMIT 1) s ON true
    WHERE j.state = 'running'
    ORDER BY r.started_at, j.render_id;
END
$$;

-- what waits, by why it waits
CREATE FUNCTION renderchain._waiting_renders(p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_per_user integer := pg_catalog.current_setting('renderchain.max_running_per_user'::text)::integer;
    v_per_provider integer := pg_catalog.current_setting('renderchain.max_running_per_provider'::text)::integer;
    v_full_users uuid[] := ARRAY(SELECT j.user_id FROM render_jobs j WHERE j.state = 'running' AND v_per_user > 0
                                 GROUP BY j.user_id HAVING pg_catalog.count(*) >= v_per_user);
    v_full_providers text[] := ARRAY(SELECT j.provider FROM render_jobs j WHERE j.state = 'running' AND v_per_provider > 0
                                     GROUP BY j.provider HAVING pg_catalog.count(*) >= v_per_provider);
    v_counts jsonb;
    v_oldest jsonb;
BEGIN
    SELECT pg_catalog.jsonb_build_object('queued', pg_catalog.count(*),
               'ready', pg_catalog.count(*) FILTER (WHERE j.state = 'queued' AND j.run_after <= p_now AND NOT c.capped),
               'later', pg_catalog.count(*) FILTER (WHERE j.state = 'queued' AND j.run_after > p_now),
               'capped', pg_catalog.count(*) FILTER (WHERE j.state = 'queued' AND j.run_after <= p_now AND c.capped),
               'chained', pg_catalog.count(*) FILTER (WHERE j.state = 'waiting'))
    INTO v_counts
    FROM render_jobs j, LATERAL (SELECT j.user_id = ANY (v_full_users) OR j.provider = ANY (v_full_providers) AS capped) c
    WHERE j.state <> 'ended' AND j.state <> 'running';
    SELECT pg_catalog.jsonb_build_object('renderId', j.render_id, 'userId', j.user_id, 'type', r.type, 'priority', j.priority,
               'ageSeconds', renderchain._seconds_since(j.run_after, p_now))
    INTO v_oldest
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE j.state = 'queued' AND j.run_after <= p_now ORDER BY j.run_after, j.render_id LIMIT 1;
    RETURN v_counts || pg_catalog.jsonb_build_object('oldestWaiting', v_oldest);
END
$$;

CREATE FUNCTION renderchain.queue_status(max_renders integer DEFAULT 100) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_running jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    IF queue_status.max_renders IS NULL OR queue_status.max_renders NOT BETWEEN 0 AND 10000 THEN
        RAISE EXCEPTION 'invalid number of renders: %', COALESCE(queue_status.max_renders::text, 'null'::text)
            USING ERRCODE = 'RC005', HINT = 'From 0 to 10000 renders are listed in one call.';
    END IF;
    WITH running AS (
        SELECT n.* FROM renderchain._running_renders(v_now) WITH ORDINALITY AS n (worker, age, lease, stage, render, place)
    ), workers AS (
        SELECT w.worker, pg_catalog.count(*) AS running, pg_catalog.max(w.age) AS age, pg_catalog.min(w.lease) AS lease
        FROM running w GROUP BY w.worker
    ), stages AS (
        SELECT s.worker, pg_catalog.jsonb_object_agg(COALESCE(s.stage, 'none'::text), s.renders) AS stages
        FROM (SELECT w.worker, w.stage, pg_catalog.count(*) AS renders FROM running w GROUP BY w.worker, w.stage) s
        GROUP BY s.worker
    )
    SELECT pg_catalog.jsonb_build_object(
        'running', (SELECT pg_catalog.count(*) FROM running),
        'expiredLeases', (SELECT pg_catalog.count(*) FROM running w WHERE w.lease <= 0::numeric),
        'workers', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('worker', w.worker, 'running', w.running,
                       'oldestSeconds', w.age, 'leaseSeconds', w.lease, 'stages', s.stages) ORDER BY w.worker)
                   FROM workers w JOIN stages s ON s.worker = w.worker), '[]'::jsonb),
        'renders', COALESCE((SELECT pg_catalog.jsonb_agg(w.render ORDER BY w.place) FROM running w
                             WHERE w.place <= queue_status.max_renders), '[]'::jsonb))
    INTO v_running;
    RETURN pg_catalog.jsonb_build_object(
            'at', v_now,
            'schema', pg_catalog.current_setting('renderchain.schema'::text),
            'maxRunningPerUser', pg_catalog.current_setting('renderchain.max_running_per_user'::text)::integer,
            'maxRunningPerProvider', pg_catalog.current_setting('renderchain.max_running_per_provider'::text)::integer,
            'pastDeadline', (SELECT pg_catalog.count(*) FROM render_jobs j
                             WHERE j.state <> 'ended' AND LEAST(j.lease_until, j.deadline) <= v_now AND j.deadline <= v_now),
            'creditsReserved', (SELECT COALESCE(pg_catalog.sum(j.credits_reserved), 0::bigint) FROM render_jobs j
                                WHERE j.state <> 'ended'),
            'objects', (SELECT pg_catalog.jsonb_build_object(
                            'pending', pg_catalog.count(*) FILTER (WHERE o.state = 'pending'),
                            'doomed', pg_catalog.count(*) FILTER (WHERE o.state = 'doomed'))
                        FROM stored_objects o WHERE o.state <> 'live'))
        || renderchain._waiting_renders(v_now) || v_running;
END
$$;
COMMENT ON FUNCTION renderchain.queue_status(integer) IS
'What waits and what runs: {"at","schema","queued","ready","later","capped","chained","oldestWaiting","running","expiredLeases","pastDeadline","creditsReserved","objects":{"pending","doomed"},"maxRunningPerUser","maxRunningPerProvider","workers":[{"worker","running","oldestSeconds","leaseSeconds","stages":{stage: renders}}],"renders":[...]}. Of the queued renders ready ones can be claimed now, later ones wait for their next attempt, capped ones for another of their user or provider to end, chained ones for another of their chain, or their parent. renders are the max_renders (0 to 10000) that run longest, each with its stage. RC005 for a number out of range.';
