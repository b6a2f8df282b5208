-- Renders of one chain are claimed one after the other, so that each has the memory of the one before; whatever ends
-- the one before, nothing waits for ever.
\set SHOW_CONTEXT never
SET renderchain.schema = 't_chain_order';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET renderchain.deadline = '10min';
SELECT renderchain.create_tables() LIKE 'schema t_chain_order: created %' AS made;
SET search_path = t_chain_order, public;
-- submit renders of a chain; claim and say what came with which memory; complete one with a memory; see all
CREATE FUNCTION submit(chain text, VARIADIC prompts text[]) RETURNS SETOF integer LANGUAGE sql AS $$
    SELECT s.chain_position FROM unnest(prompts) p,
        LATERAL renderchain.submit_render(jsonb_build_object('prompt', p, 'chainName', chain)) s $$;
CREATE FUNCTION id(prompt text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT r.id FROM renders r WHERE r.prompt = $1 $$;
CREATE FUNCTION claim(most integer DEFAULT 10, OUT prompt text, OUT attempt integer, OUT palette jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT c.request ->> 'prompt', c.attempt, c.memory -> 'palette' FROM renderchain.claim_renders('w', most, '1 minute') c $$;
CREATE FUNCTION complete(prompt text) RETURNS text LANGUAGE sql AS $$
    SELECT renderchain.complete_render(j.render_id, j.attempt, jsonb_build_object('outputUrl', prompt,
        'memory', jsonb_build_object('palette', jsonb_build_array(prompt)))) ->> 'success'
    FROM render_jobs j WHERE j.render_id = id(prompt) $$;
CREATE VIEW jobs AS SELECT r.prompt, r.status, j.state, b.prompt AS waits_for, j.unheard
FROM render_jobs j JOIN renders r ON r.id = j.render_id LEFT JOIN renders b ON b.id = j.waits_for ORDER BY r.prompt;

-- three at once, and one of another chain and one of none: the first of each is claimed, each next one with the memory of
-- the one before
SELECT submit('a', 'a1', 'a2', 'a3'), submit('b', 'b1');
SELECT count(*) FROM renderchain.submit_render('{"prompt": "none"}');
SELECT * FROM jobs;
SELECT renderchain.queue_status() -> 'queued' AS queued, renderchain.queue_status() -> 'ready' AS ready,
       renderchain.queue_status() -> 'chained' AS chained;
SELECT * FROM claim() ORDER BY prompt;
SELECT * FROM claim();
SELECT complete('a1');
-- the time of one that waits does not run
SELECT r.prompt, j.state, j.deadline AT TIME ZONE 'UTC' AS deadline FROM render_jobs j JOIN renders r ON r.id = j.render_id WHERE r.prompt IN ('a2', 'a3') ORDER BY 1;
SELECT * FROM claim();
SELECT complete('a2');
SELECT * FROM claim();
SELECT complete('a3'), complete('b1'), complete('none');

-- whatever ends the one before: it fails
SELECT submit('c', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7');
SELECT * FROM claim();
SELECT renderchain.fail_render(id('c1'), 1, '{"message": "no"}', false);
SELECT * FROM claim();
-- it is to be tried again: then it is not over
SELECT renderchain.fail_render(id('c2'), 1, '{"message": "later", "retryAfterSeconds": 10}', true);
SELECT * FROM claim();
SET renderchain.clock = '2026-11-23 12:00:10+00';
SELECT * FROM claim();
-- it is given back
SELECT status FROM renderchain.release_renders('w');
SELECT * FROM claim();
-- it is cancelled while it runs, or while it waits itself
SELECT renderchain.cancel_render(id('c3')), renderchain.cancel_render(id('c2'));
SELECT * FROM jobs WHERE prompt LIKE 'c%' AND status NOT IN ('failed', 'cancelled');
SELECT * FROM claim();
-- it is deleted while it runs, or while it waits itself
DELETE FROM renders WHERE prompt = 'c5';
DELETE FROM renders WHERE prompt = 'c4';
SELECT * FROM jobs WHERE prompt LIKE 'c%' AND status NOT IN ('failed', 'cancelled');
SELECT * FROM claim();
-- its deadline passes
UPDATE render_jobs SET deadline = '2026-11-23 12:01:00+00', lease_until = '2026-11-23 12:01:00+00' WHERE render_id = id('c6');
SET renderchain.clock = '2026-11-23 12:01:00+00';
SELECT * FROM claim();
SELECT complete('c7');

-- a render that is started again, before one that is queued, and before one that runs
SELECT submit('d', 'd1', 'd2', 'd3');
SELECT * FROM claim();
SELECT renderchain.cancel_render(id('d1'));
SELECT renderchain.retry_render(id('d1'));
SELECT * FROM claim();
SELECT renderchain.cancel_render(id('d1'));
SELECT * FROM claim();
SELECT renderchain.retry_render(id('d1'));
SELECT * FROM claim();
-- d3 waits for both
SELECT complete('d2');
SELECT * FROM claim();
SELECT * FROM jobs WHERE prompt LIKE 'd%';
SELECT complete('d1');
SELECT * FROM claim();
SELECT complete('d3');

-- a branch waits for its parent alone, and what has no parent for branches too; a parent need not be of the chain
SELECT submit('e', 'e1', 'e2');
SELECT s.chain_position FROM renderchain.submit_render(jsonb_build_object('prompt', 'e3 of e1', 'parentRenderId', id('e1'))) s;
SELECT s.chain_position FROM renderchain.submit_render(jsonb_build_object('prompt', 'e4 of e1', 'parentRenderId', id('e1'))) s;
SELECT submit('e', 'e5');
SELECT s.chain_position FROM renderchain.submit_render(jsonb_build_object('prompt', 'f1 of e2', 'parentRenderId', id('e2'), 'chainName', 'f')) s;
SELECT count(*) FROM renderchain.submit_render('{"prompt": "g"}');
SELECT s.chain_position FROM renderchain.submit_render(jsonb_build_object('prompt', 'h of g', 'parentRenderId', id('g'))) s;
SELECT * FROM jobs WHERE status = 'pending';
SELECT * FROM claim() ORDER BY prompt;
SELECT complete('e1'), complete('g');
SELECT * FROM claim() ORDER BY prompt;
SELECT complete('e2'), complete('e4 of e1'), complete('h of g');
SELECT * FROM claim() ORDER BY prompt;
SELECT complete('e3 of e1'), complete('f1 of e2');
SELECT * FROM claim();
SELECT complete('e5');

-- who is to see a render at once has it at once, and what is queued after it waits for it
SELECT submit('i', 'i1', 'i2');
SELECT * FROM claim();
SELECT attempt, memory FROM renderchain.run_render('{"prompt": "i3", "chainName": "i"}', 'w', '1 minute');
SELECT attempt FROM renderchain.submit_render('{"prompt": "i4", "chainName": "i", "idempotencyKey": "i4"}'),
    renderchain.run_render('{"prompt": "i4", "chainName": "i", "idempotencyKey": "i4"}', 'w', '1 minute');
SELECT submit('i', 'i5');
SELECT * FROM jobs WHERE prompt LIKE 'i%';
SELECT complete('i1'), complete('i3');
SELECT * FROM claim();
SELECT complete('i2');
SELECT * FROM claim();
SELECT complete('i4');
SELECT * FROM claim();
SELECT complete('i5');

-- one that waits is refused by its attempt, and neither hides others of its user nor counts for a cap
SELECT submit('j', 'j1', 'j2', 'j3');
SET renderchain.clock = '2026-11-23 12:01:01+00';
SELECT submit('k', 'k1');
SET renderchain.clock = '2026-11-23 12:01:02+00';
SELECT submit('l', 'l1');
\set VERBOSITY sqlstate
SELECT renderchain.fail_render(id('j2'), 0, '{"message": "no"}', false);
\set VERBOSITY default
SET renderchain.max_running_per_user = 2;
SELECT * FROM claim(1);
SELECT * FROM claim(1);
SELECT * FROM claim(1);
SELECT complete('k1');
SELECT * FROM claim(1);
SELECT complete('j1'), complete('l1');
SELECT * FROM claim();
SELECT complete('j2');
SELECT * FROM claim();
SELECT complete('j3');
RESET renderchain.max_running_per_user;

-- a session that keeps its snapshot lets none wait, which it might miss the end of, and yet sees whom an end concerns
SELECT submit('n', 'n1', 'n2', 'n3');
SELECT * FROM claim();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT complete('n1');
SELECT submit('n', 'n4');
COMMIT;
SELECT * FROM jobs WHERE prompt LIKE 'n%';
SELECT * FROM claim();
SELECT * FROM jobs WHERE prompt LIKE 'n%';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM claim();
COMMIT;
SELECT renderchain.cancel_render(id('n2')), renderchain.cancel_render(id('n3')), renderchain.cancel_render(id('n4'));

-- what was put in unseen by claims stands in no queue there: the next of one chain keeps nobody else waiting
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM submit('q', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9') q, submit('r', 'r1') r;
SELECT array_agg(c.request ->> 'prompt' ORDER BY c.request ->> 'prompt') AS prompts
FROM generate_series(1, 3) i, LATERAL renderchain.claim_renders('w' || i, 1, '1 hour') c;
COMMIT;
SELECT complete('r1'), count(*) FROM renders r, renderchain.cancel_render(r.id) WHERE r.prompt LIKE 'q%';

-- without an order all are claimed at once, also those that wait
SELECT submit('o', 'o1', 'o2', 'o3');
SET renderchain.chain_order = off;
SELECT submit('o', 'o4');
SELECT * FROM claim() ORDER BY prompt;
SELECT submit('o', 'o5', 'o6');
RESET renderchain.chain_order;
SELECT * FROM claim();
SELECT complete('o1'), complete('o2'), complete('o3'), complete('o4');
SELECT * FROM claim();
SELECT complete('o5');
SELECT * FROM claim();
SELECT complete('o6');

SELECT * FROM jobs WHERE state <> 'ended' OR unheard;
SELECT * FROM renderchain.check_ledger();
SET client_min_messages = warning;
DROP SCHEMA t_chain_order CASCADE;
