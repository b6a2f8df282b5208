-- claim_renders, run_render, extend_leases, expire_renders, under a clock of our own
\set SHOW_CONTEXT never
SET renderchain.schema = 't_claim';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET renderchain.deadline = '10min';
SELECT renderchain.create_tables() LIKE 'schema t_claim: created %' AS made;
SET search_path = t_claim, public;

-- an empty queue
SELECT * FROM renderchain.claim_renders('w1', 10, '1 minute');

-- the most urgent first, then the oldest; never more than asked for (chain_order.sql has what a chain does to that)
SELECT count(*) FROM (VALUES ('a', 0), ('b', 5), ('c', 0), ('d', -5)) v (p, n),
    LATERAL renderchain.submit_render(jsonb_build_object('prompt', p, 'priority', n, 'chainName', p)) s;
UPDATE render_jobs SET run_after = run_after + '1 second' WHERE request ->> 'prompt' = 'c';
SET renderchain.clock = '2026-11-23 12:00:01+00';
SELECT request ->> 'prompt' AS prompt, type, attempt, memory, previous_output, stages FROM renderchain.claim_renders('w1', 2, '1 minute');
SELECT request ->> 'prompt' AS prompt FROM renderchain.claim_renders('w2', 10, '1 minute');
SELECT request ->> 'prompt' AS prompt FROM renderchain.claim_renders('w3', 10, '1 minute');
SELECT r.prompt, r.status, to_char(r.started_at AT TIME ZONE 'UTC', 'HH24:MI:SS') AS started, j.state, j.attempt,
       j.lease_owner, to_char(j.lease_until AT TIME ZONE 'UTC', 'HH24:MI:SS') AS until
FROM renders r JOIN render_jobs j ON j.render_id = r.id ORDER BY r.prompt;

-- arguments at their limits and past them
SELECT count(*) FROM renderchain.claim_renders(repeat('w', 200), 1000, '1 day');
SELECT renderchain.claim_renders(repeat('w', 201), 1, '1 minute');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.claim_renders(' ', 1, '1 minute');
SELECT renderchain.claim_renders(NULL, 1, '1 minute');
SELECT renderchain.claim_renders('w', 0, '1 minute');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.claim_renders('w', 1001, '1 minute');
SELECT renderchain.claim_renders('w', NULL, '1 minute');
SELECT renderchain.claim_renders('w', 1, '0.999 seconds');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM renderchain.claim_renders('w', 1, '1 second');
SELECT renderchain.claim_renders('w', 1, '1 day 1 second');
SELECT renderchain.claim_renders('w', 1, NULL);
SELECT renderchain.expire_renders(0);

-- heartbeats: only one's own, never past the deadline, in the order asked
SELECT array_agg(id ORDER BY prompt) AS ids FROM renders \gset
SET renderchain.clock = '2026-11-23 12:00:31+00';
SELECT (SELECT prompt FROM renders WHERE id = render_id) AS prompt, held, cancelled
FROM renderchain.extend_leases('w1', :'ids'::uuid[] || gen_random_uuid(), '1 minute');
SELECT renderchain.cancel_render(id) FROM renders WHERE prompt = 'a';
SELECT (SELECT prompt FROM renders WHERE id = render_id) AS prompt, held, cancelled
FROM renderchain.extend_leases('w1', :'ids'::uuid[], '1 hour');
SELECT r.prompt, to_char(j.lease_until AT TIME ZONE 'UTC', 'HH24:MI:SS') AS until
FROM renders r JOIN render_jobs j ON j.render_id = r.id ORDER BY r.prompt;
SELECT * FROM renderchain.extend_leases('w1', '{}', '1 minute');
SELECT * FROM renderchain.extend_leases('w1', NULL, '1 minute');
SELECT renderchain.extend_leases('w1', '{}', '0 seconds');
\echo :LAST_ERROR_SQLSTATE

-- a lease that has run out is claimed again, with the next attempt; one second earlier it is not
SET renderchain.clock = '2026-11-23 12:01:00+00';
SELECT count(*) FROM renderchain.claim_renders('w4', 10, '1 minute');
SET renderchain.clock = '2026-11-23 12:01:01+00';
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w4', 10, '1 minute');
-- the old owner is told so, and is refused
SELECT held, cancelled FROM renderchain.extend_leases('w2', (SELECT array_agg(id) FROM renders WHERE prompt IN ('c', 'd')), '1 minute');
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(id, 1, '[]') FROM renders WHERE prompt = 'c';
\set VERBOSITY default
SELECT renderchain.record_stages(id, 2, '[]') FROM renders WHERE prompt = 'c';
-- after the last attempt it ends as failed
SET renderchain.clock = '2026-11-23 12:03:00+00';
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w5', 10, '1 minute');
SET renderchain.clock = '2026-11-23 12:05:00+00';
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w6', 10, '1 minute');
SELECT prompt, status, error_message, metadata -> 'error' ->> 'reason' AS reason FROM renders ORDER BY prompt;

-- at its deadline a render ends, whether it waits or runs; whoever looks first ends it
SET renderchain.clock = '2026-11-23 12:09:59+00';
SELECT count(*) FROM renderchain.submit_render('{"prompt": "waits"}');
SELECT renderchain.expire_renders();
SET renderchain.clock = '2026-11-23 12:10:00+00';
SELECT renderchain.expire_renders();
SELECT prompt, status, error_message, metadata -> 'error' ->> 'reason' AS reason FROM renders WHERE prompt IN ('b', 'waits') ORDER BY prompt;
SET renderchain.clock = '2026-11-23 12:19:59+00';
SELECT count(*) FROM renderchain.claim_renders('w7', 10, '1 minute');
SELECT prompt, status, metadata -> 'error' ->> 'reason' AS reason FROM renders WHERE prompt = 'waits';
SELECT state, count(*) FROM render_jobs GROUP BY 1;

-- a sweep is bounded by what it is asked for
SELECT count(*) FROM generate_series(1, 5) n, LATERAL renderchain.submit_render(jsonb_build_object('prompt', 'late ' || n)) s;
SET renderchain.clock = '2026-11-23 13:00:00+00';
SELECT renderchain.expire_renders(2);
SELECT renderchain.expire_renders();
SELECT renderchain.expire_renders();

-- run_render is submit and claim in one
SELECT chain_position, type, request ->> 'prompt' AS prompt, attempt, memory, previous_output, stages
FROM renderchain.run_render('{"prompt": "now", "chainName": "r", "idempotencyKey": "k"}', 'w8', '1 minute');
SELECT r.status, j.state, j.attempt, j.lease_owner, j.lease_until - j.created_at AS lease
FROM renders r JOIN render_jobs j ON j.render_id = r.id WHERE r.prompt = 'now';
-- repeated while it is leased: its row, without an attempt
SELECT chain_position, type, attempt, stages FROM renderchain.run_render('{"prompt": "now", "chainName": "r", "idempotencyKey": "k"}', 'w9', '1 minute');
-- the lease has run out: claimed
SET renderchain.clock = '2026-11-23 13:01:00+00';
SELECT chain_position, attempt FROM renderchain.run_render('{"prompt": "now", "chainName": "r", "idempotencyKey": "k"}', 'w9', '1 minute');
-- given back: claimed, before its time
SELECT renderchain.fail_render(id, 2, '{"message": "busy"}', true) FROM renders WHERE prompt = 'now';
SELECT count(*) FROM renderchain.claim_renders('w9', 10, '1 minute');
SELECT chain_position, attempt FROM renderchain.run_render('{"prompt": "now", "chainName": "r", "idempotencyKey": "k"}', 'w9', '1 minute');
-- its attempts used up: ended by the one who asked
SET renderchain.clock = '2026-11-23 13:02:00+00';
SELECT chain_position, attempt FROM renderchain.run_render('{"prompt": "now", "chainName": "r", "idempotencyKey": "k"}', 'w9', '1 minute');
SELECT status FROM renders WHERE prompt = 'now';
SELECT renderchain.run_render('{"prompt": ""}', 'w9', '1 minute');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.run_render('{"prompt": "x"}', '', '1 minute');
\echo :LAST_ERROR_SQLSTATE
-- the lease never outlives the deadline
SELECT attempt FROM renderchain.run_render('{"prompt": "long"}', 'w', '1 hour');
SELECT j.lease_until = j.deadline AS cut FROM render_jobs j JOIN renders r ON r.id = j.render_id WHERE r.prompt = 'long';

-- max_attempts counts for those submitted under it
SET renderchain.max_attempts = 1;
SELECT attempt FROM renderchain.run_render('{"prompt": "once"}', 'w', '1 minute');
SET renderchain.clock = '2026-11-23 13:03:00+00';
SELECT request ->> 'prompt' AS prompt FROM renderchain.claim_renders('w', 10, '1 minute');
SELECT status, error_message FROM renders WHERE prompt = 'once';
SELECT * FROM renderchain.check_ledger();

-- a render that cannot be written does not keep the others from being given back and claimed
RESET renderchain.max_attempts;
SET renderchain.clock = '2026-11-23 14:00:00+00';
SELECT count(*) FROM renderchain.expire_renders();
SELECT id AS stuck FROM (SELECT render_id AS id FROM renderchain.run_render('{"prompt": "stuck"}', 'w', '1 minute')) r \gset
SELECT attempt FROM renderchain.run_render('{"prompt": "behind it"}', 'w', '2 minutes');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON renders FOR EACH ROW WHEN (OLD.prompt = 'stuck') EXECUTE FUNCTION refuse();
SET renderchain.clock = '2026-11-23 14:02:00+00';
SET client_min_messages = error;
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w', 10, '1 minute');
RESET client_min_messages;
DROP TRIGGER refuse ON renders;
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w', 10, '1 minute');
SELECT * FROM renderchain.check_ledger();
