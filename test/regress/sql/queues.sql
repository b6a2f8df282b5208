-- The order in which renders are claimed, caps, types and providers, under a clock of our own
\set SHOW_CONTEXT never
SET renderchain.schema = 't_queues';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_queues: created %' AS made;
SET search_path = t_queues, public;
\set a '00000000-0000-0000-0000-00000000000a'
\set b '00000000-0000-0000-0000-00000000000b'
\set c '00000000-0000-0000-0000-00000000000c'
-- submits a render a second later than the one before; its prompt starts with the user's letter
CREATE SEQUENCE seconds;
CREATE FUNCTION submit(name text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
    SELECT set_config('renderchain.clock', ('2026-11-23 12:00:00+00'::timestamptz + nextval('seconds') * interval '1 second')::text, false);
    SELECT renderchain.submit_render(jsonb_build_object('prompt', name,
        'userId', '00000000-0000-0000-0000-00000000000' || left(name, 1)) || more);
$$;
CREATE FUNCTION claim(n integer, type text DEFAULT NULL, provider text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(x.request ->> 'prompt', ' ') FROM renderchain.claim_renders('w', n, '1 hour', type, provider) x;
$$;
-- ends what runs, most of it as failed
CREATE FUNCTION finish(which text DEFAULT '%') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(renderchain.fail_render(j.render_id, j.attempt, '{"message": "x"}', false))
    FROM render_jobs j WHERE j.state = 'running' AND j.request ->> 'prompt' LIKE which;
$$;
CREATE VIEW queues AS SELECT right(user_id::text, 1) AS who, priority, type, provider,
    CASE WHEN due IS NULL THEN 'empty' WHEN due = '-infinity' THEN 'has its turn' ELSE to_char(due AT TIME ZONE 'UTC', 'HH24:MI:SS') END AS due
FROM render_queues ORDER BY user_id, priority, type, provider;

-- a user with many renders does not keep another waiting; of one user the oldest first
SELECT submit('a' || n) FROM generate_series(1, 6) n \g /dev/null
SELECT submit('b1') \g /dev/null
SELECT claim(1), claim(1), claim(1), claim(1);
-- both were served, b before a: b first, although it comes later
SELECT submit('b2') \g /dev/null
SELECT claim(1), claim(1);
-- who was never served comes before all
SELECT submit('c1'), submit('b3') \g /dev/null
SELECT claim(1), claim(1), claim(1), claim(1);
TABLE queues;
SELECT finish();

-- in one claim users take turns too
SELECT submit('a' || n) FROM generate_series(1, 4) n \g /dev/null
SELECT submit('b' || n) FROM generate_series(1, 2) n \g /dev/null
SELECT submit('c1') \g /dev/null
SELECT claim(5), claim(100);
-- urgent ones first, whoever was served
SELECT submit('a1'), submit('a2', '{"priority": 3}'), submit('b1', '{"priority": -1}'), submit('b2', '{"priority": 3}'), submit('c1') \g /dev/null
SELECT claim(2), claim(3);
SELECT submit('a1', '{"priority": 3}'), submit('b1', '{"priority": 4}'), submit('c1', '{"priority": 3}') \g /dev/null
SELECT claim(100);
SELECT finish();

-- of one type
SELECT renderchain.load_models('{"models": [{"id": "film", "provider": "local", "kind": "video", "tier": "fast", "credits": 9}]}') > 1 AS loaded;
SELECT submit('a image'), submit('a video', '{"type": "video", "durationSeconds": 4}'), submit('b image') \g /dev/null
SELECT claim(9, 'video'), claim(9, 'video'), claim(1, 'image'), claim(9, NULL);
SELECT count(*) FROM renderchain.claim_renders('w', 1, '1 minute', 'text');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM renderchain.claim_renders('w', 1, '1 minute', '');
-- for one provider: what asks for another is left to others, what asks for none is for all
SELECT submit('a local', '{"provider": "local"}'), submit('a gemini', '{"provider": "gemini"}'), submit('b any') \g /dev/null
SELECT claim(9, NULL, 'gemini'), claim(9, NULL, 'gemini'), claim(9, 'image', 'openai'), claim(9, 'image', NULL);
SELECT count(*) FROM renderchain.claim_renders('w', 1, '1 minute', NULL, '');
\echo :LAST_ERROR_SQLSTATE
SELECT finish();

-- queued for later: not before its time, and then in its turn
SELECT submit('a1'), submit('a2') \g /dev/null
SELECT claim(9);
SELECT renderchain.fail_render(render_id, attempt, jsonb_build_object('message', 'x', 'retryAfterSeconds',
    60 + right(request ->> 'prompt', 1)::integer), true) FROM render_jobs WHERE state = 'running';
SELECT claim(9);
TABLE queues;
-- one that need not wait wakes the queue and no more than itself
SELECT submit('a3') \g /dev/null
SELECT claim(9), claim(9);
SELECT count(*) FROM queues WHERE due <> 'empty';
SET renderchain.clock = '2026-11-23 13:00:00+00';
SELECT request ->> 'prompt' AS prompt FROM renderchain.claim_renders('w', 1, '1 hour');
SELECT request ->> 'prompt' AS prompt FROM renderchain.claim_renders('w', 1, '1 hour');
SELECT finish();
RESET renderchain.clock;

-- at most so many of a user at a time: the limit and one past it, those that run_render started included
ALTER SEQUENCE seconds RESTART 10000;
SET renderchain.max_running_per_user = 2;
SELECT submit('a' || n) FROM generate_series(1, 4) n \g /dev/null
SELECT submit('b1') \g /dev/null
SELECT claim(9), claim(9), claim(1);
SELECT finish('a1');
SELECT claim(9), claim(9);
SELECT finish('a%');
SELECT count(*) FROM renderchain.run_render(jsonb_build_object('prompt', 'a run', 'userId', :'a'), 'w', '1 hour');
SELECT claim(9), claim(9);
SELECT count(*) FROM renderchain.run_render(jsonb_build_object('prompt', 'a run', 'userId', :'a'), 'w', '1 hour');
SELECT submit('a5'), submit('a6', '{"priority": 9}') \g /dev/null
SELECT claim(9);
SELECT finish();
SELECT claim(9);
SELECT finish();
-- at most so many of a provider, whatever the user; no provider named counts as one of its own
SET renderchain.max_running_per_user = 0;
SET renderchain.max_running_per_provider = 2;
SELECT submit('a1', '{"provider": "local"}'), submit('b1', '{"provider": "local"}'), submit('a2', '{"provider": "local"}'),
       submit('a3'), submit('b2'), submit('c1'), submit('c2', '{"provider": "gemini"}') \g /dev/null
SELECT claim(9), claim(9);
SELECT finish('c2'), finish('a%');
SELECT claim(9);
SELECT finish();
-- both
SET renderchain.max_running_per_user = 1;
SELECT submit(u || n) FROM (VALUES ('a'), ('b'), ('c')) v (u), generate_series(1, 2) n \g /dev/null
SELECT claim(9), claim(9);
SELECT finish('a1');
SELECT claim(9), claim(9);
SELECT finish();
SELECT claim(9);
SELECT finish();
SELECT claim(9);
SELECT finish();
-- with a snapshot from before nobody could tell what runs
SELECT submit('a1') \g /dev/null
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT claim(1);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SET renderchain.max_running_per_user = 0;
SET renderchain.max_running_per_provider = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT claim(1);
SELECT submit('a2') \g /dev/null
COMMIT;
SELECT claim(1);
SELECT finish();
SET renderchain.max_running_per_user = -1;
SET renderchain.max_running_per_user = 1000001;
SET renderchain.max_running_per_provider = 1000000;
RESET renderchain.max_running_per_user;
RESET renderchain.max_running_per_provider;

-- put into the table by hand, or found without its queue: it is put in by the next claim
INSERT INTO renders (id, prompt) SELECT gen_random_uuid(), 'by hand ' || n FROM generate_series(1, 3) n;
INSERT INTO render_jobs (render_id, request, max_attempts, run_after, deadline, created_at)
SELECT id, jsonb_build_object('prompt', prompt), 3, renderchain.clock() + (right(prompt, 1)::integer - 3) * interval '1 second',
       renderchain.clock() + interval '1 hour', renderchain.clock() FROM renders WHERE prompt LIKE 'by hand%';
SELECT claim(2), claim(9);
SELECT finish();
-- many queues of which most have nothing
SELECT count(*) FROM generate_series(1, 300) n, LATERAL renderchain.submit_render(jsonb_build_object('prompt', 'x' || n,
    'userId', '00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))) s;
SELECT count(renderchain.cancel_render(id)) FROM renders WHERE prompt LIKE 'x%' AND prompt <> 'x300';
SELECT claim(1), claim(1);
SELECT count(*) FROM render_queues WHERE due IS NOT NULL;
SELECT finish();
SELECT * FROM renderchain.check_ledger();
