-- queue_status, under a clock of our own
\set SHOW_CONTEXT never
SET renderchain.schema = 't_status';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_status: created %' AS made;
SET search_path = t_status, public;
\set user '00000000-0000-0000-0000-00000000000a'
-- without what is different in every run
CREATE FUNCTION status(max_renders integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
    SELECT jsonb_pretty(regexp_replace(renderchain.queue_status(max_renders)::text, '"renderId": "[^"]*"', '"renderId": "..."', 'g')::jsonb);
$$;

-- nothing there
SELECT status();

SELECT renderchain.grant_credits(:'user', 100, 'test');
SELECT count(*) FROM (VALUES ('a', 5), ('b', 4), ('c', 3), ('d', 2), ('e', 1)) v (p, n), LATERAL renderchain.submit_render(
    jsonb_build_object('prompt', p, 'priority', n, 'userId', :'user', 'forceModel', 'local-image-pro')) s;
SET renderchain.clock = '2026-11-23 12:00:01+00';
SELECT count(*) FROM renderchain.submit_render('{"prompt": "other", "priority": -9}');
SET renderchain.clock = '2026-11-23 12:00:09+00';
SELECT count(*) FROM renderchain.claim_renders('w1', 1, '1 minute');
SET renderchain.clock = '2026-11-23 12:00:10+00';
SELECT count(*) FROM renderchain.claim_renders('w1', 1, '1 minute');
SET renderchain.clock = '2026-11-23 12:00:20+00';
SELECT count(*) FROM renderchain.claim_renders('w2', 1, '10 minutes');
SELECT renderchain.record_stages(id, 1, '[{"stage": "semantic_parsing", "status": "running"}, {"stage": "image_understanding", "status": "success"}]') > 0 AS recorded
FROM renders WHERE prompt = 'a';
SELECT renderchain.record_stages(id, 1, '[{"stage": "image_generation", "status": "running", "startedAt": "2026-11-23T12:00:18.5Z"}]') > 0 AS recorded
FROM renders WHERE prompt = 'c';
SELECT renderchain.register_objects(id, 1, '[{"key": "k", "backend": "file"}]') FROM renders WHERE prompt = 'c';
SELECT renderchain.cancel_render(id) FROM renders WHERE prompt = 'e';
INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at)
SELECT n::text, 'file', gen_random_uuid(), s, renderchain.clock(), renderchain.clock() FROM generate_series(1, 3) n, unnest('{live,doomed}'::text[]) s WHERE s = 'live' OR n > 3;
INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at) VALUES ('d', 'file', gen_random_uuid(), 'doomed', renderchain.clock(), renderchain.clock());
SELECT status(2);

-- by reason: one that waits for its next attempt, those of a user who runs as many as may be, one that can be claimed
SELECT renderchain.fail_render(id, 1, '{"message": "x", "retryAfterSeconds": 60}', true) FROM renders WHERE prompt = 'b';
SET renderchain.max_running_per_user = 2;
SELECT renderchain.queue_status() - '{renders,workers,schema,at}'::text[] - 'oldestWaiting' AS status;
SET renderchain.max_running_per_user = 3;
SELECT s -> 'ready' AS ready, s -> 'capped' AS capped, s -> 'later' AS later FROM renderchain.queue_status() s;
SET renderchain.max_running_per_user = 0;
SET renderchain.max_running_per_provider = 2;
SELECT s -> 'ready' AS ready, s -> 'capped' AS capped, s -> 'later' AS later FROM renderchain.queue_status() s;
RESET renderchain.max_running_per_user;
RESET renderchain.max_running_per_provider;

-- leases that have run out, and deadlines, that nobody has seen to yet
SET renderchain.clock = '2026-11-23 12:01:10+00';
SELECT s -> 'expiredLeases' AS expired, s -> 'pastDeadline' AS overdue FROM renderchain.queue_status() s;
SET renderchain.clock = '2026-11-23 13:00:00+00';
SELECT s -> 'expiredLeases' AS expired, s -> 'pastDeadline' AS overdue, jsonb_array_length(s -> 'renders') AS listed FROM renderchain.queue_status(0) s;

-- limits and one past them
SELECT renderchain.queue_status(10000) IS NOT NULL AS ok;
SELECT renderchain.queue_status(10001);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.queue_status(-1);
SELECT renderchain.queue_status(NULL);
SELECT * FROM renderchain.check_ledger();
