-- purge: telemetry and caches have an end; renders, memory and ledger stay
\set SHOW_CONTEXT never
SET renderchain.schema = 't_purge';
SET renderchain.clock = '2026-11-01 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_purge: created %' AS made;
SET search_path = t_purge, public;
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
SELECT * FROM renderchain.check_ledger();
