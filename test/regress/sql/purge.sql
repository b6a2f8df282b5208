-- purge: telemetry and caches have an end; renders, memory and ledger stay
\set SHOW_CONTEXT never
SET renderchain.schema = 't_purge';
SET renderchain.clock = '2026-11-01 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_purge: created %' AS made;
SET search_path = t_purge, public;
SET timezone = 'UTC';
SELECT render_id AS old FROM renderchain.run_render('{"prompt": "old", "chainName": "c"}', 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'old', 1, '{"outputUrl": "u", "memory": {"a": 1}, "stages": [{"stage": "storage", "status": "success"},
    {"stage": "validation", "status": "success"}, {"stage": "model_routing", "status": "success"}]}') -> 'success' AS success;
SELECT render_id AS hangs FROM renderchain.run_render('{"prompt": "runs"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'hangs', 1, '[{"stage": "storage", "status": "running"}]') > 0 AS recorded;
INSERT INTO analysis_cache SELECT repeat('0', 63) || n, 'task', 'model', '1', '{}', '2026-11-01 12:00:00+00' FROM generate_series(1, 3) n;
SET renderchain.clock = '2026-11-11 12:00:00+00';
INSERT INTO analysis_cache SELECT repeat('1', 64), 'task', 'model', '1', '{}', renderchain.clock();

SELECT renderchain.purge('-1 days');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.purge(NULL);
SELECT renderchain.purge('300000 years');
SELECT renderchain.purge('1 day', 0);
SELECT renderchain.purge('1 day', 1000001);
SELECT renderchain.purge('1 day', NULL);
-- not older than that: nothing
SELECT renderchain.purge('10 days');
-- in bounded steps
SELECT renderchain.purge('9 days', 2);
SELECT renderchain.purge('9 days', 2);
SELECT renderchain.purge('9 days', 2);
SELECT renderchain.purge('9 days', 1000000);
SELECT prompt, status, context_data FROM renders ORDER BY prompt;
SELECT stage, status FROM render_stages;
SELECT count(*) FROM analysis_cache;
SELECT count(*) FROM render_jobs;
-- a render that runs again keeps its stages; nothing is left to be found
SELECT count(*) FROM render_jobs WHERE ended_at IS NOT NULL;
SELECT renderchain.fail_render(:'hangs', 1, '{"message": "x"}', false);
SELECT renderchain.retry_render(:'hangs');
SET renderchain.clock = '2026-12-11 12:00:00+00';
SELECT renderchain.purge('1 day', 1);
SELECT stage, status FROM render_stages;
SELECT count(*) FROM renderchain.expire_renders();

-- by the settings, each for itself
DELETE FROM render_stages;
DELETE FROM analysis_cache;
SET renderchain.clock = '2027-01-01 00:00:00+00';
SELECT render_id AS kept FROM renderchain.run_render('{"prompt": "kept"}', 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'kept', 1, jsonb_build_object('outputUrl', 'u', 'stages',
    (SELECT jsonb_agg(jsonb_build_object('stage', 'storage', 'part', n::text, 'status', 'success')) FROM generate_series(1, 1500) n))) -> 'success' AS success;
INSERT INTO analysis_cache SELECT lpad(n::text, 64, '0'), 'task', 'model', '1', '{}', renderchain.clock() FROM generate_series(1, 3) n;
SELECT renderchain.purge();
SET renderchain.clock = '2027-01-31 00:00:00+00';
SELECT renderchain.purge();
SET renderchain.clock = '2027-01-31 00:00:01+00';
SET renderchain.keep_analyses = 0;
SELECT renderchain.purge();
RESET renderchain.keep_analyses;
SELECT renderchain.purge();
SET renderchain.clock = '2027-04-01 00:00:00+00';
SELECT renderchain.purge();
SET renderchain.clock = '2027-04-01 00:00:01+00';
SET renderchain.keep_telemetry = 0;
SELECT renderchain.purge();
RESET renderchain.keep_telemetry;
SELECT renderchain.purge(), renderchain.purge(), renderchain.purge();
SELECT count(*) FROM render_stages;
-- however many ended without stages, a step goes on to those that have some
SELECT count(renderchain.cancel_render(s.render_id)) FROM generate_series(1, 1100) n, LATERAL renderchain.submit_render(jsonb_build_object('prompt', n::text)) s;
SET renderchain.clock = '2027-04-02 00:00:00+00';
SELECT render_id AS late FROM renderchain.run_render('{"prompt": "late"}', 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'late', 1, '{"outputUrl": "u", "stages": [{"stage": "storage", "status": "success"}]}') -> 'success' AS success;
SET renderchain.clock = '2028-01-01 00:00:00+00';
SELECT renderchain.purge(), renderchain.purge();
-- stages that are kept by a trigger do not keep it busy for ever
INSERT INTO render_stages (render_id, stage, attempt, status, started_at) VALUES (:'late', 'storage', 1, 'success', renderchain.clock());
UPDATE render_jobs SET ended_at = renderchain.clock() - interval '1 year' WHERE render_id = :'late';
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON render_stages FOR EACH ROW EXECUTE FUNCTION keep();
SELECT renderchain.purge();
DROP TRIGGER keep ON render_stages;
SELECT renderchain.purge();
\set VERBOSITY sqlstate
SET renderchain.keep_telemetry = '36500d';
SET renderchain.keep_telemetry = '36501d';
SET renderchain.keep_analyses = -1;
\set VERBOSITY default
SELECT renderchain.purge();
SELECT * FROM renderchain.check_ledger();
