-- credits: grant, reserve, settle, refund, and the checker that proves them
\set SHOW_CONTEXT never
SET renderchain.schema = 't_credits';
SELECT renderchain.create_tables() LIKE 'schema t_credits: created %' AS made;
SET search_path = t_credits, public;
\set user '00000000-0000-0000-0000-00000000000a'
\set other '00000000-0000-0000-0000-00000000000b'

-- an account is opened by its first grant
SELECT * FROM renderchain.credit_balance(:'user');
SELECT renderchain.grant_credits(:'user', 5, 'welcome');
SELECT renderchain.grant_credits(:'user', 1000000000, NULL);
SELECT renderchain.grant_credits(:'other', 0, 'open');
SELECT renderchain.grant_credits(:'user', 1000000001, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.grant_credits(:'user', -1, NULL);
SELECT renderchain.grant_credits(:'user', NULL, NULL);
SELECT renderchain.grant_credits(NULL, 1, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM renderchain.credit_balance(:'user');
SELECT * FROM renderchain.credit_balance(NULL);
UPDATE credit_accounts SET balance = 5 WHERE user_id = :'user';
SELECT problem FROM renderchain.check_ledger();
DELETE FROM credit_entries WHERE amount = 1000000000;
SELECT problem FROM renderchain.check_ledger();

-- reserved at submit: the dearest that routing may choose, of the provider and quality asked for
PREPARE submit (text) AS SELECT render_id FROM renderchain.submit_render('{"prompt": "x", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a"}'::jsonb || $1::jsonb);
EXECUTE submit ('{}') \gset first_
EXECUTE submit ('{"forceModel": "local-image-flash"}') \gset second_
EXECUTE submit ('{"quality": "ultra"}') \gset third_
SELECT * FROM renderchain.credit_balance(:'user');
-- not one credit more than there are; nothing is left of the refused
EXECUTE submit ('{}');
\echo :LAST_ERROR_SQLSTATE
EXECUTE submit ('{"forceModel": "local-image-flash", "chainName": "never"}');
SELECT count(*) FROM renders;
SELECT count(*) FROM render_chains;

-- settled at completion to what was used; the rest is released
SELECT count(*) FROM renderchain.claim_renders('w', 10, '1 minute');
SELECT renderchain.complete_render(:'first_render_id', 1, '{"outputUrl": "u", "selectedModel": "local-image-flash"}') #> '{data,creditsCost}' AS cost;
SELECT * FROM renderchain.credit_balance(:'user');
-- never more than was reserved, and all of it where the model is unknown
SELECT renderchain.complete_render(:'second_render_id', 1, '{"outputUrl": "u", "selectedModel": "gemini-3-pro-image"}') #> '{data,creditsCost}' AS cost;
SELECT renderchain.complete_render(:'third_render_id', 1, '{"outputUrl": "u", "selectedModel": "none such"}') #> '{data,creditsCost}' AS cost;
SELECT * FROM renderchain.credit_balance(:'user');
SELECT kind, run, balance_delta, reserved_delta, amount, reason FROM credit_entries WHERE user_id = :'user' ORDER BY id;

-- the ledger explains the balance, entry by entry, the newest first
SELECT kind, amount, balance, reserved, run, reason, render_id IN (:'first_render_id', :'second_render_id', :'third_render_id') AS ours
FROM renderchain.credit_history(:'user');
SELECT kind, balance, reserved FROM renderchain.credit_history(:'user', 1);
SELECT (SELECT balance FROM renderchain.credit_history(:'user', 1)) = balance AS same FROM renderchain.credit_balance(:'user');
SELECT kind, amount, balance, reserved FROM renderchain.credit_history(:'other', 10000);
SELECT count(*) FROM renderchain.credit_history('00000000-0000-0000-0000-0000000000ff');
SELECT count(*) FROM renderchain.credit_history(NULL);
SELECT renderchain.credit_history(:'user', 0);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.credit_history(:'user', 10001);
SELECT renderchain.credit_history(:'user', NULL);

-- a user without an account is not metered, unless one is required
SELECT render_id FROM renderchain.run_render('{"prompt": "free", "provider": "local"}', 'w', '1 minute') \gset
SELECT credits_cost FROM renders WHERE id = :'render_id';
SELECT credits_reserved FROM render_jobs WHERE render_id = :'render_id';
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u", "selectedModel": "local-image-flash"}') #> '{data,creditsCost}' AS cost;
SET renderchain.require_credits = on;
SELECT renderchain.submit_render('{"prompt": "x"}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.submit_render('{"prompt": "x", "userId": "00000000-0000-0000-0000-00000000000b"}');
\echo :LAST_ERROR_SQLSTATE
RESET renderchain.require_credits;
-- an account opened while a render ran does not pay for it
SELECT render_id FROM renderchain.run_render('{"prompt": "x", "userId": "00000000-0000-0000-0000-00000000000c"}', 'w', '1 minute') \gset
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000c', 7, NULL);
SELECT renderchain.cancel_render(:'render_id');
SELECT * FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000c');
SELECT problem FROM renderchain.check_ledger();

-- a render given to another user is paid for by the one whose credits were reserved, and still ends
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000d', 30, NULL);
PREPARE given (text) AS SELECT render_id FROM renderchain.run_render(jsonb_build_object('prompt', $1,
    'userId', '00000000-0000-0000-0000-00000000000d', 'forceModel', 'local-image-flash'), 'w', '1 minute');
EXECUTE given ('cancelled') \gset
UPDATE renders SET user_id = :'other' WHERE id = :'render_id';
SELECT renderchain.cancel_render(:'render_id');
EXECUTE given ('completed') \gset
UPDATE renders SET user_id = '00000000-0000-0000-0000-0000000000ff' WHERE id = :'render_id';
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u"}') -> 'success' AS success;
EXECUTE given ('deleted') \gset
UPDATE renders SET user_id = :'other' WHERE id = :'render_id';
DELETE FROM renders WHERE id = :'render_id';
SELECT kind, balance_delta, reserved_delta FROM credit_entries WHERE user_id = '00000000-0000-0000-0000-00000000000d' ORDER BY id;
SELECT problem FROM renderchain.check_ledger();

-- an account is never granted more than it can hold, what is reserved included
BEGIN;
UPDATE credit_accounts SET balance = 9223372036854775800, reserved = 5 WHERE user_id = :'other';
SELECT renderchain.grant_credits(:'other', 2, NULL);
SAVEPOINT limited;
SELECT renderchain.grant_credits(:'other', 1, NULL);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO limited;
SELECT * FROM renderchain.credit_balance(:'other');
ROLLBACK;

-- the checker finds what is wrong
SELECT renderchain.grant_credits(:'user', 10, NULL);
EXECUTE submit ('{}') \gset
CREATE FUNCTION problems() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(problem, '[0-9a-f]{8}-(?!0000)[0-9a-f-]+', '(id)') FROM renderchain.check_ledger() ORDER BY 1 $$;
BEGIN; UPDATE credit_accounts SET reserved = 0 WHERE user_id = :'user'; SELECT problems(); ROLLBACK;
BEGIN; DELETE FROM credit_entries WHERE render_id = :'render_id'; SELECT problems(); ROLLBACK;
BEGIN; UPDATE render_jobs SET credits_reserved = 1 WHERE render_id = :'render_id'; SELECT problems(); ROLLBACK;
BEGIN; UPDATE render_jobs SET state = 'ended' WHERE render_id = :'render_id'; SELECT problems(); ROLLBACK;
BEGIN; DELETE FROM credit_entries WHERE kind = 'settle' AND amount = 2; SELECT problems(); ROLLBACK;
-- what the tables refuse by themselves
\set VERBOSITY terse
INSERT INTO credit_entries SELECT 99, user_id, render_id, run, kind, balance_delta, reserved_delta, amount, reason, created_at
FROM credit_entries WHERE render_id = :'render_id';
INSERT INTO credit_entries SELECT 99, user_id, render_id, run, 'refund', 0, reserved_delta, amount, reason, created_at
FROM credit_entries WHERE kind = 'settle' AND amount = 2;
INSERT INTO credit_entries SELECT 99, user_id, render_id, run, 'refund', 2, -2, 2, reason, created_at
FROM credit_entries WHERE kind = 'settle' AND amount = 2;
INSERT INTO credit_entries (user_id, kind, balance_delta, reserved_delta, amount, created_at) VALUES (gen_random_uuid(), 'grant', 1, 0, 1, now());
\set VERBOSITY default
SELECT problem FROM renderchain.check_ledger();
