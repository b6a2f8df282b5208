-- stored objects: registered, live, doomed, disowned, collected, compared
\set SHOW_CONTEXT never
SET renderchain.schema = 't_objects';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_objects: created %' AS made;
SET search_path = t_objects, public;
CREATE VIEW shown AS SELECT key, kind, state, attempt, tries, due_at - renderchain.clock() AS due FROM stored_objects ORDER BY key;
PREPARE run (text) AS SELECT render_id FROM renderchain.run_render(jsonb_build_object('prompt', $1), 'w', '1 minute');
PREPARE register (uuid, int, text) AS SELECT renderchain.register_objects($1, $2, jsonb_build_array(jsonb_build_object('key', $3, 'backend', 'file')));
PREPARE disown (uuid, int, text) AS SELECT renderchain.disown_objects($1, $2, jsonb_build_array(jsonb_build_object('key', $3, 'backend', 'file')));
PREPARE complete (uuid, int, text) AS SELECT renderchain.complete_render($1, $2, jsonb_build_object('outputKey', $3,
    'objects', jsonb_build_array(jsonb_build_object('key', $3, 'backend', 'file', 'bytes', 5)))) -> 'success' AS success;
PREPARE collect AS SELECT key, tries FROM renderchain.doomed_objects('file') ORDER BY key;

-- nothing to do
EXECUTE collect;
SELECT renderchain.forget_objects('{}');
SELECT renderchain.doomed_objects('file', 0);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.doomed_objects('file', 1001);
SELECT renderchain.disown_objects(gen_random_uuid(), 1, '{}');
\echo :LAST_ERROR_SQLSTATE

-- a failure that the driver itself reports: removed at once; another backend's is not ours
EXECUTE run ('fails') \gset
EXECUTE register (:'render_id', 1, 'f/1');
SELECT renderchain.register_objects(:'render_id', 1, '[{"key": "f/2", "backend": "s3"}, {"key": "f/in", "backend": "file", "kind": "input"}]');
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "no"}', false);
SELECT * FROM shown;
EXECUTE collect;
-- it is given out once
EXECUTE collect;
SELECT key FROM renderchain.doomed_objects('s3');
-- what was not removed is given out again, later and later
SET renderchain.clock = '2026-11-23 12:00:59+00';
EXECUTE collect;
SET renderchain.clock = '2026-11-23 12:01:00+00';
EXECUTE collect;
SELECT * FROM shown;
UPDATE stored_objects SET tries = 30, due_at = renderchain.clock() WHERE key = 'f/1';
EXECUTE collect;
SELECT * FROM shown;
SELECT renderchain.forget_objects('{f/1,f/2,f/in,none}');
SELECT * FROM shown;

-- cancelled: the driver may be writing, unless it says that it is not
EXECUTE run ('cancelled') \gset
EXECUTE register (:'render_id', 1, 'c/1');
SELECT renderchain.cancel_render(:'render_id');
SELECT * FROM shown WHERE key = 'c/1';
EXECUTE collect;
EXECUTE disown (:'render_id', 1, 'c/1');
EXECUTE collect;
-- a late one: it had been removed and is there again; who removed it before forgets it too early
EXECUTE disown (:'render_id', 1, 'c/1');
SELECT renderchain.forget_objects('{c/1}');
EXECUTE collect;
SELECT renderchain.forget_objects('{c/1}');
-- even when nothing is known of it any more
EXECUTE disown (:'render_id', 1, 'c/1');
EXECUTE collect;
SELECT renderchain.forget_objects('{c/1}');
SELECT count(*) FROM shown WHERE key = 'c/1';

-- a lost lease: what the next attempt takes over stays, what it does not goes
EXECUTE run ('taken') \gset
\set first :render_id
EXECUTE register (:'first', 1, 't/1');
SELECT renderchain.record_stages(:'first', 1, '[{"stage": "image_generation", "status": "success", "output": {}},
    {"stage": "storage", "status": "success", "output": {"key": "t/1"}}]') > 0 AS recorded;
SET renderchain.clock = '2026-11-23 12:03:00+00';
SELECT attempt, jsonb_array_length(stages) AS stages FROM renderchain.claim_renders('v', 1, '1 hour');
EXECUTE register (:'first', 2, 't/2');
\set VERBOSITY sqlstate
EXECUTE register (:'first', 1, 't/3');
\set VERBOSITY default
EXECUTE disown (:'first', 1, 't/1');
EXECUTE disown (:'first', 1, 't/3');
SET renderchain.clock = '2026-11-23 12:30:00+00';
EXECUTE collect;
SELECT renderchain.forget_objects('{t/3}');
-- both are wanted: one is recorded, the other being written
SELECT * FROM shown WHERE key ~ '^t';
EXECUTE complete (:'first', 2, 't/1');
SELECT * FROM shown WHERE key ~ '^t';
-- a zombie that comes now changes nothing; what nobody wants is doomed in its time
EXECUTE disown (:'first', 1, 't/1');
SET renderchain.clock = '2026-11-23 12:40:00+00';
EXECUTE collect;
SELECT * FROM shown WHERE key ~ '^t';
SET renderchain.clock = '2026-11-23 12:50:00+00';
EXECUTE collect;
SELECT renderchain.forget_objects('{t/2}');
-- live objects are never forgotten
SELECT renderchain.forget_objects('{t/1}');
SELECT * FROM renderchain.check_objects();

-- what is doomed does not come back, nor is what is live written again
EXECUTE run ('final') \gset
EXECUTE register (:'render_id', 1, 'd/1');
EXECUTE disown (:'render_id', 1, 'd/1');
\set VERBOSITY terse
EXECUTE register (:'render_id', 1, 'd/1');
\echo :LAST_ERROR_SQLSTATE
EXECUTE complete (:'render_id', 1, 'd/1');
EXECUTE register (:'render_id', 1, 't/1');
SELECT status FROM renders WHERE id = :'render_id';
EXECUTE register (:'render_id', 1, 'd/2');
EXECUTE register (:'render_id', 1, 'd/2');
SELECT * FROM shown WHERE key ~ '^d';
-- not even by a retry, whose attempt has another number
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "no"}', false);
SELECT renderchain.retry_render(:'render_id');
SELECT attempt, stages FROM renderchain.claim_renders('w', 1, '1 minute');
EXECUTE complete (:'render_id', 2, 'd/2');
\set VERBOSITY default
EXECUTE complete (:'render_id', 2, 'd/3');
EXECUTE collect;
SELECT renderchain.forget_objects('{d/1,d/2}');

-- what an earlier run has recorded is no longer wanted: a zombie of it disowns
EXECUTE run ('two runs') \gset
EXECUTE register (:'render_id', 1, 'r/1');
SELECT renderchain.record_stages(:'render_id', 1, '[{"stage": "storage", "status": "success", "output": {"key": "r/1"}}]') > 0 AS recorded;
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "no"}', false);
EXECUTE collect;
SELECT renderchain.forget_objects('{r/1}');
SELECT renderchain.retry_render(:'render_id');
SELECT attempt FROM renderchain.claim_renders('w', 1, '1 minute');
EXECUTE disown (:'render_id', 1, 'r/1');
EXECUTE collect;
SELECT renderchain.forget_objects('{r/1}');
SELECT renderchain.cancel_render(:'render_id');

-- a deleted render: live ones go at once, what may be being written later
EXECUTE run ('deleted') \gset
EXECUTE register (:'render_id', 1, 'x/1');
UPDATE stored_objects SET due_at = '2030-01-01 00:00:00+00' WHERE key = 'x/1';
INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at) VALUES ('x/2', 'file', :'render_id', 'live', now(), now());
DELETE FROM renders WHERE id = :'render_id';
SELECT key, state, CASE WHEN due_at > clock_timestamp() THEN 'later' ELSE 'now' END AS due FROM stored_objects WHERE key ~ '^x' ORDER BY key;
DELETE FROM stored_objects WHERE key ~ '^x';

-- the grace is a setting
SET renderchain.upload_grace = 0;
EXECUTE run ('no grace') \gset
EXECUTE register (:'render_id', 1, 'g/1');
SELECT renderchain.cancel_render(:'render_id');
EXECUTE collect;
SELECT renderchain.forget_objects('{g/1}');
RESET renderchain.upload_grace;

-- inputs: registered before there is a render, which takes them over
\set upload '00000000-0000-0000-0000-00000000000f'
\set inputs '[{"key": "i/1", "backend": "file", "bytes": 3}, {"key": "i/2", "backend": "file"}, {"key": "i/3", "backend": "file", "kind": "other"}]'
SELECT renderchain.register_inputs(:'upload', :'inputs');
SELECT renderchain.register_inputs(:'upload', '[{"key": ""}]');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM shown WHERE key ~ '^i';
SELECT render_id AS with_inputs FROM renderchain.run_render('{"prompt": "inputs", "references": [{"key": "i/1"}, {"url": "http://host/"}, {"key": "elsewhere"}], "mask": {"key": "i/2"}, "style": "/path"}', 'w', '1 minute') \gset
SELECT key, state, render_id = :'with_inputs' AS its FROM stored_objects WHERE key ~ '^i' ORDER BY key;
-- what a render has is not written again; another upload has other keys
\set VERBOSITY terse
SELECT renderchain.register_inputs(:'upload', :'inputs');
SELECT renderchain.register_inputs(gen_random_uuid(), '[{"key": "i/3", "backend": "file"}]');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
-- the same images elsewhere are the same request, others are not
PREPARE same (text) AS SELECT created FROM renderchain.submit_render($1::jsonb || '{"prompt": "same", "idempotencyKey": "same"}');
EXECUTE same ('{"references": [{"key": "s/1", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"url": "u"}], "mask": {"key": "s/2", "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}');
EXECUTE same ('{"references": [{"key": "s/3", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"url": "u"}], "mask": {"key": "s/4", "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}');
\set VERBOSITY sqlstate
EXECUTE same ('{"references": [{"key": "s/1", "sha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}, {"url": "u"}], "mask": {"key": "s/2", "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}');
EXECUTE same ('{"references": [{"key": "s/1", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"url": "u"}], "mask": {"key": "s/2", "sha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}}');
EXECUTE same ('{"references": [{"key": "s/1"}, {"url": "u"}], "mask": {"key": "s/2", "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}');
\set VERBOSITY default
-- a failure keeps them for a retry, deletion dooms them; what nobody took goes
SELECT renderchain.fail_render(:'with_inputs', 1, '{"message": "no"}', false);
SELECT * FROM renderchain.check_objects();
SET renderchain.clock = '2026-11-23 13:00:00+00';
EXECUTE collect;
SELECT key, state FROM stored_objects WHERE key ~ '^i' ORDER BY key;
SELECT renderchain.submit_render('{"prompt": "late", "style": {"key": "i/3"}}');
\echo :LAST_ERROR_SQLSTATE
DELETE FROM renders WHERE id = :'with_inputs';
SELECT key, state FROM stored_objects WHERE key ~ '^i' ORDER BY key;
DELETE FROM stored_objects WHERE key ~ '^i';

-- in bounded steps
INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at, due_at)
SELECT 'n/' || n, 'file', :'render_id', CASE n % 2 WHEN 0 THEN 'doomed' ELSE 'pending' END, now(), now(), '2026-01-01 00:00:00+00'
FROM generate_series(1, 10) n;
INSERT INTO stored_objects (key, backend, render_id, created_at, updated_at, due_at) VALUES ('n/other', 's3', :'render_id', now(), now(), '2026-01-01 00:00:00+00');
SELECT count(*) FROM renderchain.doomed_objects('file', 3);
SELECT count(*) FROM renderchain.doomed_objects('file', 3);
SELECT count(*) FROM renderchain.doomed_objects('file', 3);
SELECT backend, state, tries, count(*) FROM stored_objects WHERE key ~ '^n' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
DELETE FROM stored_objects WHERE key ~ '^n';

-- storage and table, compared both ways
SELECT * FROM shown;
SELECT * FROM renderchain.check_objects();
INSERT INTO stored_objects (key, backend, render_id, bytes, state, created_at, updated_at)
SELECT v.key, 'file', '00000000-0000-0000-0000-000000000001', v.bytes, v.state, now(), now()
FROM (VALUES ('v/B', 1, 'live'), ('v/a', 2, 'live'), ('v/pending', 3, 'pending'), ('v/doomed', 4, 'doomed'), ('v/size', 5, 'live'), ('v/unsized', NULL, 'live')) v (key, bytes, state);
\set listed '[{"key": "t/1", "bytes": 5}, {"key": "d/3", "bytes": 5}, {"key": "v/a", "bytes": 2}, {"key": "v/doomed", "bytes": 9}, {"key": "v/size", "bytes": 6}, {"key": "v/unknown", "bytes": 7}, {"key": "v/unsized", "bytes": 8}]'
SELECT key, problem, bytes, stored_bytes FROM renderchain.compare_objects('file', :'listed');
SELECT key, problem FROM renderchain.compare_objects('file', '[]', 'v', 'v/a');
SELECT key, problem FROM renderchain.compare_objects('file', '[]', 'v/B', 'v/a');
SELECT key, problem FROM renderchain.compare_objects('s3', '[]');
SELECT key, problem FROM renderchain.compare_objects('s3', '[{"key": "t/1", "bytes": 5}]');
SELECT * FROM renderchain.check_objects();
UPDATE stored_objects SET state = 'doomed' WHERE key = 't/1';
DELETE FROM stored_objects WHERE key ~ '^v';
SELECT replace(problem, :'first', 'first') AS problem FROM renderchain.check_objects();
