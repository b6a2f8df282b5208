-- fail_render, cancel_render, retry_render, deletion: every end without a result
\set SHOW_CONTEXT never
SET renderchain.schema = 't_ends';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_ends: created %' AS made;
SET search_path = t_ends, public;
\set user '00000000-0000-0000-0000-00000000000a'
SELECT renderchain.grant_credits(:'user', 10, 'test');
PREPARE run (text) AS SELECT render_id FROM renderchain.run_render(jsonb_build_object('prompt', $1, 'provider', 'local',
    'userId', '00000000-0000-0000-0000-00000000000a', 'chainName', 'c'), 'w', '1 minute');

-- failed for good: refunded, objects doomed, what was running closed
EXECUTE run ('failed') \gset
SELECT renderchain.register_objects(:'render_id', 1, '[{"key": "f", "backend": "file"}]');
SELECT renderchain.record_stages(:'render_id', 1, '[{"stage": "image_generation", "status": "running"}]') > 0 AS recorded;
SELECT * FROM renderchain.credit_balance(:'user');
SET renderchain.clock = '2026-11-23 12:00:01.5+00';
SELECT renderchain.fail_render(:'render_id', 1, '{"stage": "image_generation", "outcome": "blocked", "message": "refused by the provider", "provider": {"code": 7}}', false);
SELECT status, error_message, credits_cost, completed_at, metadata FROM renders WHERE id = :'render_id';
SELECT key, state FROM stored_objects;
SELECT stage, status, outcome, duration_ms FROM render_stages;
SELECT * FROM renderchain.credit_balance(:'user');
SELECT r -> 'success' AS success, r -> 'error' AS error, r #> '{data,status}' AS status FROM renderchain.get_render(:'render_id') r;
-- once more changes nothing
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "again"}', true);
SELECT renderchain.cancel_render(:'render_id');
SELECT error_message FROM renders WHERE id = :'render_id';
\set VERBOSITY sqlstate
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u"}');
SELECT renderchain.record_stages(:'render_id', 1, '[]');
SELECT renderchain.fail_render(gen_random_uuid(), 1, '{"message": "x"}', true);
SELECT renderchain.cancel_render(gen_random_uuid());
SELECT renderchain.retry_render(gen_random_uuid());
\set VERBOSITY default

-- a person's retry is a new run: reserved again, attempts go on counting, a generation is sent again
SELECT renderchain.retry_render(:'render_id');
SELECT renderchain.retry_render(:'render_id');
SELECT status, error_message, credits_cost, metadata, started_at FROM renders WHERE id = :'render_id';
SELECT run, attempt, base_attempt, state, credits_reserved FROM render_jobs;
SELECT kind, run, balance_delta, reserved_delta, amount FROM credit_entries ORDER BY id;
SELECT attempt, stages FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.retry_render(:'render_id');

-- with retry it is queued again after a while that doubles, until the attempts are used up
SELECT renderchain.fail_render(:'render_id', 2, '{"message": "overloaded", "retryAfterSeconds": 90}', true);
SELECT r.status, j.state, j.run_after, j.lease_owner FROM renders r JOIN render_jobs j ON j.render_id = r.id;
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(:'render_id', 2, '[]');
SELECT renderchain.fail_render(:'render_id', 2, '{"message": "overloaded"}', true);
\set VERBOSITY default
SELECT count(*) FROM renderchain.claim_renders('w', 1, '1 minute');
SET renderchain.clock = '2026-11-23 12:01:31.5+00';
SELECT attempt FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.fail_render(:'render_id', 3, '{"message": "overloaded"}', true);
SELECT run_after - '2026-11-23 12:01:31.5+00' AS wait FROM render_jobs;
SET renderchain.clock = '2026-11-23 12:02:00+00';
SELECT attempt FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.fail_render(:'render_id', 4, '{"message": "overloaded"}', true);
SELECT status, error_message FROM renders WHERE id = :'render_id';
-- handed back at once
SELECT renderchain.retry_render(:'render_id');
SELECT attempt FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.fail_render(:'render_id', 5, '{"message": "the worker stops", "retryAfterSeconds": 0}', true);
SELECT attempt FROM renderchain.claim_renders('w2', 1, '1 minute');
-- not past the deadline
SET renderchain.clock = '2026-11-23 13:02:00+00';
SELECT renderchain.fail_render(:'render_id', 6, '{"message": "overloaded"}', true);
SELECT status, error_message FROM renders WHERE id = :'render_id';
-- nor if it would be that by then, however long the wait that is asked for
EXECUTE run ('too long a wait') \gset
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "overloaded", "retryAfterSeconds": 1e300}', true);
SELECT status, error_message FROM renders WHERE id = :'render_id';
-- nor while a generation may have been paid for
EXECUTE run ('sent') \gset
SELECT renderchain.record_stages(:'render_id', 1, '[{"stage": "image_generation", "status": "running"}]') > 0 AS recorded;
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "connection lost"}', true);
SELECT status, error_message FROM renders WHERE id = :'render_id';

-- errors of errors
SET renderchain.deadline = '2h';
EXECUTE run ('errors') \gset
SELECT renderchain.fail_render(:'render_id', 1, e::jsonb, true) FROM (VALUES ('{}')) v (e);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.fail_render(:'render_id', 1, NULL, true);
SELECT renderchain.fail_render(:'render_id', 1, '"x"', true);
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "x", "retryAfterSeconds": -1}', true);
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "x", "retryAfterSeconds": "soon"}', true);
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "x", "retryAfterSeconds": 999999}', true);
SELECT run_after - '2026-11-23 13:02:00+00' AS wait FROM render_jobs WHERE render_id = :'render_id';
RESET renderchain.deadline;

-- cancelled while it waits
SELECT renderchain.cancel_render(:'render_id');
SELECT renderchain.cancel_render(:'render_id');
-- cancelled while it runs
EXECUTE run ('cancelled') \gset
SELECT renderchain.register_objects(:'render_id', 1, '[{"key": "c", "backend": "file"}]');
SELECT * FROM renderchain.credit_balance(:'user');
SELECT renderchain.cancel_render(:'render_id');
SELECT * FROM renderchain.credit_balance(:'user');
SELECT state FROM stored_objects WHERE key = 'c';
SELECT r -> 'success' AS success, r -> 'error' AS error, r #> '{data,status}' AS status FROM renderchain.get_render(:'render_id') r;
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(:'render_id', 1, '[]');
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u"}');
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "x"}', true);
SELECT renderchain.register_objects(:'render_id', 1, '[]');
\set VERBOSITY default
SELECT held, cancelled FROM renderchain.extend_leases('w', ARRAY[:'render_id']::uuid[], '1 minute');
-- and tried again; the attempt of before stays out
SELECT renderchain.retry_render(:'render_id');
SELECT attempt FROM renderchain.claim_renders('w', 1, '1 minute');
\set VERBOSITY sqlstate
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u"}');
\set VERBOSITY default
SELECT renderchain.complete_render(:'render_id', 2, '{"outputUrl": "u", "selectedModel": "local-image-flash"}') -> 'success' AS success;

-- a retry is priced and paid like a submission
EXECUTE run ('poor') \gset
SELECT renderchain.cancel_render(:'render_id');
UPDATE credit_accounts SET balance = balance - 8;
SELECT renderchain.retry_render(:'render_id');
\echo :LAST_ERROR_SQLSTATE
SELECT status FROM renders WHERE id = :'render_id';
UPDATE credit_accounts SET balance = balance + 8;

-- deleted while it runs: refunded and its objects doomed; the ledger remembers it
EXECUTE run ('deleted') \gset
SELECT renderchain.register_objects(:'render_id', 1, '[{"key": "d", "backend": "file"}]');
SELECT reserved FROM renderchain.credit_balance(:'user');
SET renderchain.schema = 'elsewhere';
DELETE FROM renders WHERE id = :'render_id';
SET renderchain.schema = 't_ends';
SELECT * FROM renderchain.credit_balance(:'user');
SELECT state FROM stored_objects WHERE key = 'd';
SELECT kind, amount FROM credit_entries WHERE render_id = :'render_id' ORDER BY id;
\set VERBOSITY sqlstate
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u"}');
\set VERBOSITY default

-- a render that an application inserted itself is not run
INSERT INTO renders (id, prompt) VALUES ('00000000-0000-0000-0000-0000000000ee', 'own');
SELECT renderchain.cancel_render('00000000-0000-0000-0000-0000000000ee');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM renderchain.check_ledger();

-- a message is a text
EXECUTE run ('message') \gset
SELECT renderchain.fail_render(:'render_id', 1, '{"message": {"a": 1}}', true);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.fail_render(:'render_id', 1, '{"message": null}', true);
SELECT status FROM renders WHERE id = :'render_id';
