-- record_stages, stage_events, events_since; stages across attempts
\set SHOW_CONTEXT never
SET renderchain.schema = 't_stages';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_stages: created %' AS made;
SET search_path = t_stages, public;
SELECT render_id AS r FROM renderchain.run_render('{"prompt": "a villa"}', 'w', '1 minute') \gset

-- starts, then ends of the same rows, each with a new seq
SELECT renderchain.record_stages(:'r', 1, '[
    {"stage": "semantic_parsing", "status": "running", "startedAt": "2026-11-23T12:00:01Z"},
    {"stage": "image_understanding", "part": "1", "status": "running"},
    {"stage": "image_understanding", "part": "2", "status": "running"}]');
SELECT renderchain.record_stages(:'r', 1, '[
    {"stage": "image_understanding", "part": "2", "status": "success", "outcome": "cached", "durationMs": 0, "model": "m", "output": {"style": "modern"}},
    {"stage": "semantic_parsing", "status": "failed", "outcome": "malformed", "durationMs": 12.5, "usage": {"in": 1}, "cost": "0.0134", "error": {"message": "no"}}]');
SELECT seq, stage, part, status, outcome, to_char(started_at, 'HH24:MI:SS') AS started, duration_ms, model, output, usage, cost, error
FROM renderchain.events_since(:'r', 0);
SELECT seq, stage FROM renderchain.events_since(:'r', 3);
SELECT count(*) FROM renderchain.events_since(:'r', NULL);
SELECT count(*) FROM renderchain.events_since(:'r', 4);
-- a start and an end of one stage in a call are one row; the start's time counts
SELECT renderchain.record_stages(:'r', 1, '[
    {"stage": "model_routing", "status": "running", "startedAt": "2026-11-23T12:00:02.500+00:00"},
    {"stage": "storage", "status": "skipped", "outcome": "skipped"},
    {"stage": "model_routing", "status": "success", "outcome": "ok", "durationMs": 1}]');
SELECT seq, stage, status, to_char(started_at, 'SS.MS') AS started FROM renderchain.events_since(:'r', 4);
-- no start: the end less its duration
SELECT renderchain.record_stages(:'r', 1, '[{"stage": "validation", "status": "success", "durationMs": 1500}]');
SELECT to_char(started_at, 'HH24:MI:SS.MS') AS started, duration_ms FROM renderchain.events_since(:'r', 5);
-- a late start does not open what has ended; an end may be corrected
SELECT renderchain.record_stages(:'r', 1, '[{"stage": "validation", "status": "running"}]');
SELECT renderchain.record_stages(:'r', 1, '[{"stage": "validation", "status": "success", "durationMs": 1600, "model": "v"}]');
SELECT seq, status, duration_ms, model FROM renderchain.events_since(:'r', 6);
-- an empty list only asks whether the attempt still counts
SELECT renderchain.record_stages(:'r', 1, '[]');
SELECT renderchain.stage_events(:'r');

-- refused, and nothing of the call is kept
CREATE FUNCTION refused(render uuid, events jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    PERFORM renderchain.record_stages(render, 1, events);
    RETURN 'recorded';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || d;
END $$;
SELECT refused(:'r', v.e::jsonb) FROM (VALUES ('null'), ('{}'), ('[1]'), ('[{}]'), ('[{"stage": "dreaming", "status": "running"}]'),
    ('[{"stage": "storage"}]'), ('[{"stage": "storage", "status": "done"}]')) v (e);
SELECT refused(:'r', jsonb_build_array('{"stage": "storage", "status": "failed"}'::jsonb,
    '{"stage": "storage", "status": "success"}'::jsonb || v.e::jsonb)) FROM (VALUES
    ('{"outcome": "fine"}'), ('{"startedAt": "noon"}'), ('{"startedAt": 5}'), ('{"durationMs": -1}'), ('{"durationMs": "x"}'),
    ('{"durationMs": 1e12}'), ('{"durationMs": 1000000000001}'), ('{"cost": -1}'), ('{"cost": true}'), ('{"model": 1}')) v (e);
SELECT refused(:'r', jsonb_build_array(jsonb_build_object('stage', 'storage', 'status', 'success', 'part', repeat('p', n))))
FROM (VALUES (200), (201)) v (n);
SELECT stage, length(part), status FROM renderchain.events_since(:'r', 8);

-- who may write: the present attempt of a running render
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(gen_random_uuid(), 1, '[]');
SELECT renderchain.record_stages(:'r', 0, '[]');
SELECT renderchain.record_stages(:'r', 2, '[]');
SELECT renderchain.record_stages(:'r', NULL, '[]');
SELECT renderchain.stage_events(gen_random_uuid());
SELECT renderchain.events_since(gen_random_uuid(), 0);
SELECT renderchain.events_since(NULL, 0);
\set VERBOSITY default

SELECT renderchain.cancel_render(:'r');
-- the next attempt is handed the successes of those before; what hung is closed
SELECT render_id AS q FROM renderchain.run_render('{"prompt": "resumed"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'q', 1, '[
    {"stage": "semantic_parsing", "status": "success", "outcome": "ok", "durationMs": 5, "output": {"style": "modern"}, "model": "m"},
    {"stage": "image_understanding", "part": "1", "status": "failed", "outcome": "overloaded", "durationMs": 5},
    {"stage": "prompt_optimization", "status": "running"}]') IS NOT NULL AS recorded;
SET renderchain.clock = '2026-11-23 12:01:00+00';
SELECT attempt, stages FROM renderchain.claim_renders('w2', 1, '1 minute');
SELECT stage, attempt, status, outcome, duration_ms, error FROM render_stages WHERE render_id = :'q' ORDER BY seq;
SELECT renderchain.record_stages(:'q', 2, '[
    {"stage": "semantic_parsing", "status": "success", "outcome": "cached", "durationMs": 0, "output": {"style": "old"}},
    {"stage": "image_generation", "status": "running"},
    {"stage": "image_generation", "status": "success", "outcome": "ok", "durationMs": 900, "output": {"key": "k"}, "model": "g"}]') IS NOT NULL AS recorded;
SET renderchain.clock = '2026-11-23 12:02:00+00';
SELECT attempt, jsonb_path_query_array(stages, '$[*].stage') AS stages, stages -> 0 ->> 'attempt' AS latest
FROM renderchain.claim_renders('w3', 1, '1 minute');
SELECT renderchain.stage_events(:'q');

-- a generation that was sent and never answered is not sent again by itself
SELECT render_id AS u FROM renderchain.run_render('{"prompt": "unknown"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'u', 1, '[{"stage": "image_generation", "status": "running"}]') IS NOT NULL AS recorded;
SET renderchain.clock = '2026-11-23 12:03:00+00';
SELECT attempt FROM renderchain.claim_renders('w4', 10, '1 minute');
SELECT status, error_message, metadata -> 'error' ->> 'outcome' AS outcome FROM renders WHERE id = :'u';
SELECT stage, status, outcome FROM render_stages WHERE render_id = :'u';
-- but a video is picked up by its operation
SELECT renderchain.load_models('{"models": [{"id": "clip", "provider": "p", "kind": "video", "tier": "fast", "credits": 20}]}') > 0 AS loaded;
SELECT render_id AS v FROM renderchain.run_render('{"prompt": "clip", "type": "video"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'v', 1, '[{"stage": "video_generation", "status": "running", "output": {"operation": "op/1"}}]') IS NOT NULL AS recorded;
SET renderchain.clock = '2026-11-23 12:04:00+00';
SELECT attempt, stages FROM renderchain.claim_renders('w5', 10, '1 minute');
SELECT render_id AS o FROM renderchain.run_render('{"prompt": "clip without", "type": "video"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'o', 1, '[{"stage": "video_generation", "status": "running"}]') IS NOT NULL AS recorded;
SET renderchain.clock = '2026-11-23 12:05:00+00';
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w6', 10, '1 minute');
SELECT prompt, status FROM renders ORDER BY prompt;
SELECT * FROM renderchain.check_ledger();

-- times that no calendar has are refused like other wrong values; costs of any precision are kept
SELECT render_id AS t FROM renderchain.run_render('{"prompt": "times"}', 'w', '1 minute') \gset
CREATE FUNCTION answer(render uuid, key text, value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    PERFORM renderchain.record_stages(render, 1, jsonb_build_array('{"stage": "storage", "status": "running"}'::jsonb || jsonb_build_object(key, value)));
    RETURN 'recorded';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || d;
END $$;
SELECT v.t, answer(:'t', 'startedAt', to_jsonb(v.t)) FROM (VALUES ('2026-02-28T00:00:00Z'), ('2026-02-29T00:00:00Z'),
    ('2028-02-29T00:00:00Z'), ('2026-04-31T00:00:00Z'), ('2026-12-31T23:59:59.999Z'), ('0000-01-01T00:00:00Z'), ('0001-01-01T00:00:00Z'),
    ('2026-01-01T00:00:00+15:59'), ('2026-01-01T00:00:00+16'), ('2026-01-01T00:00:00-99:00'), ('2026-01-01T00:00:00+0060'),
    ('2026-01-01T24:00:00Z'), ('2026-01-01'), ('2026-01-01T00:00:00'), ('now'), ('')) v (t);
SELECT v.c, answer(:'t', 'cost', v.c) FROM (VALUES ('0.10000000000000001'::jsonb), ('1e-30'), ('"0.039000000000000003"'), ('1e13'), ('-1'), ('"x"')) v (c);

-- a session that plans while its tables are empty finds rows by their keys all the same
SET renderchain.schema = 't_stages_empty';
SELECT renderchain.create_tables() LIKE 'schema t_stages_empty: created %' AS made;
SET search_path = t_stages_empty, public;
VACUUM ANALYZE render_jobs, renders, render_stages, stored_objects, analysis_cache;
SELECT renderchain.warm_up();
SELECT count(*) AS submitted FROM generate_series(1, 3) i, LATERAL renderchain.submit_render(jsonb_build_object('prompt', 'villa ' || i));
SELECT count(*) AS claimed FROM renderchain.claim_renders('w', 3, '1 minute');
BEGIN;
CREATE TEMPORARY VIEW scans AS SELECT sum(seq_scan) FROM pg_stat_xact_user_tables
WHERE schemaname = 't_stages_empty' AND relname IN ('render_stages', 'stored_objects');
SELECT sum AS before FROM scans \gset
DO $$
DECLARE r uuid;
BEGIN
    FOR r IN SELECT render_id FROM render_jobs LOOP
        PERFORM renderchain.record_stages(r, 1, '[{"stage": "semantic_parsing", "status": "running"}]');
        PERFORM renderchain.register_objects(r, 1, jsonb_build_array(jsonb_build_object('key', r, 'backend', 'file')));
        PERFORM renderchain.complete_render(r, 1, '{"outputKey": "k", "stages": [{"stage": "storage", "status": "success"}]}');
    END LOOP;
END $$;
SELECT sum - :before AS sequential_scans FROM scans;
COMMIT;
