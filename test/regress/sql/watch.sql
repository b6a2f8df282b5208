-- watch_renders and expected_durations, under a clock of our own
\set SHOW_CONTEXT never
SET renderchain.schema = 't_watch';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_watch: created %' AS made;
SET search_path = t_watch, public;
-- a render by its prompt, and what is reported, without what is different in every run
CREATE FUNCTION id(p text) RETURNS uuid LANGUAGE sql AS $$ SELECT r.id FROM renders r WHERE r.prompt = p $$;
CREATE FUNCTION short(w jsonb) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', r ->> 'prompt', r ->> 'status', r ->> 'version', r ->> 'chainName', r ->> 'chainPosition', r ->> 'worker',
        (SELECT string_agg(concat_ws(' ', e ->> 'stage', e ->> 'part', e ->> 'attempt', e ->> 'status', e ->> 'durationMs', e ->> 'cost', e ->> 'error'), ', ' ORDER BY n)
         FROM jsonb_array_elements(r -> 'events') WITH ORDINALITY x (e, n)))
    FROM jsonb_array_elements(w -> 'renders') r $$;
-- what one knows who was told this
CREATE FUNCTION seen(w jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(r ->> 'renderId', jsonb_build_object('version', r ->> 'version',
        'seq', coalesce((SELECT max((e ->> 'seq')::bigint) FROM jsonb_array_elements(r -> 'events') e), 0))), '{}')
    FROM jsonb_array_elements(w -> 'renders') r $$;

-- nothing there
SELECT renderchain.watch_renders(since => '-infinity');
SELECT * FROM renderchain.expected_durations();

SELECT renderchain.submit_render('{"prompt": "a", "chainName": "villa"}') IS NOT NULL AS submitted;
SET renderchain.clock = '2026-11-23 12:00:01+00';
SELECT renderchain.submit_render('{"prompt": "b", "chainName": "villa"}') IS NOT NULL AS submitted;
SET renderchain.clock = '2026-11-23 12:00:02+00';
SELECT renderchain.submit_render('{"prompt": "c", "chainName": "barn"}') IS NOT NULL AS submitted;
SELECT renderchain.watch_renders() -> 'renders' AS of_none;
SELECT short(renderchain.watch_renders(since => 'infinity'));
SELECT short(renderchain.watch_renders(chain_id => renderchain.find_chain('villa'), since => 'infinity'));
SELECT short(renderchain.watch_renders(chain_id => renderchain.find_chain('villa'), since => 'infinity', max_renders => 1)) IS NOT NULL AS one;
SELECT short(renderchain.watch_renders(jsonb_build_object(id('c'), '{}'::jsonb)));

-- only what is new is told, to everybody what is new to him
SELECT renderchain.watch_renders(since => 'infinity') AS told \gset
SELECT short(renderchain.watch_renders(seen(:'told'), since => 'infinity'));
SELECT count(*) FROM renderchain.claim_renders('w1', 1, '1 minute');
SELECT short(renderchain.watch_renders(seen(:'told'), since => 'infinity'));
SELECT renderchain.watch_renders(since => 'infinity') AS told \gset
SELECT renderchain.record_stages(id('a'), 1, '[{"stage": "semantic_parsing", "status": "running", "model": "m"},
    {"stage": "image_understanding", "part": "style", "status": "running"}]') > 0 AS recorded;
SELECT short(renderchain.watch_renders(seen(:'told'), since => 'infinity'));
SELECT renderchain.watch_renders(since => 'infinity') AS now \gset
SELECT renderchain.record_stages(id('a'), 1, '[{"stage": "semantic_parsing", "status": "success", "durationMs": 120, "model": "m", "cost": 0.25},
    {"stage": "image_understanding", "part": "style", "status": "failed", "durationMs": 20, "error": {"message": "no"}}]') > 0 AS recorded;
SELECT short(renderchain.watch_renders(seen(:'now'), since => 'infinity'));
SELECT short(renderchain.watch_renders(seen(:'told'), since => 'infinity'));

-- who was away while renders ended is told
SET renderchain.clock = '2026-11-23 12:01:30+00';
SELECT renderchain.watch_renders(since => 'infinity') AS told \gset
SELECT renderchain.cancel_render(id('b'));
SELECT short(renderchain.watch_renders(seen(:'told'), since => '2026-11-23 12:01:30+00'));
SELECT short(renderchain.watch_renders('{}', since => '2026-11-23 12:01:30+00'));
SELECT short(renderchain.watch_renders('{}', since => '2026-11-23 12:01:31+00'));
DELETE FROM renders WHERE prompt = 'b';
SELECT r - 'renderId' AS deleted FROM jsonb_array_elements(renderchain.watch_renders(seen(:'told')) -> 'renders') r WHERE r ->> 'status' = 'deleted';

-- a palette is the chain's until the render has its own; one that was started again is told
SET renderchain.clock = '2026-11-23 12:01:40+00';
SELECT count(*) FROM renderchain.claim_renders('w2', 10, '10 minutes');
SELECT renderchain.complete_render(id('a'), 2, '{"outputKey": "k", "stages": [{"stage": "storage", "status": "success", "durationMs": 10}, {"stage": "semantic_parsing", "status": "success", "outcome": "cached", "durationMs": 1},
    {"stage": "model_routing", "status": "success", "durationMs": 30, "model": "m"}, {"stage": "validation", "status": "success", "durationMs": 50, "model": "n"}], "memory": {"palette": ["red"]}}') IS NOT NULL AS completed;
SELECT renderchain.submit_render('{"prompt": "d", "chainName": "villa"}') IS NOT NULL AS submitted;
SELECT r ->> 'prompt' AS prompt, r -> 'palette' AS palette FROM jsonb_array_elements(renderchain.watch_renders(since => '-infinity') -> 'renders') r ORDER BY 1;
-- nothing in a palette but texts is told, as one answer is for all who look on
SELECT renderchain.save_memory(id('a'), '{"palette": ["red", 1e308, [[1]], {"a": 1}, null, "blue"]}') IS NOT NULL AS saved;
SELECT r ->> 'prompt' AS prompt, r -> 'palette' AS palette FROM jsonb_array_elements(renderchain.watch_renders(since => '-infinity') -> 'renders') r WHERE r ->> 'prompt' IN ('a', 'd') ORDER BY 1;
SELECT renderchain.save_memory(id('a'), '{"palette": "red"}') IS NOT NULL AS saved;
SELECT r -> 'palette' AS palette FROM jsonb_array_elements(renderchain.watch_renders(since => '-infinity') -> 'renders') r WHERE r ->> 'prompt' = 'a';
SELECT renderchain.watch_renders(since => 'infinity') AS told \gset
SELECT renderchain.fail_render(id('c'), 1, '{"message": "x", "retryAfterSeconds": 60}', true);
SELECT short(renderchain.watch_renders(seen(:'told'), since => 'infinity'));
SELECT renderchain.cancel_render(id('d'));
SELECT renderchain.watch_renders(jsonb_build_object(id('d'), '{}'::jsonb)) AS told \gset
SELECT renderchain.retry_render(id('d'));
SELECT short(renderchain.watch_renders(seen(:'told')));
-- how long something waits and runs, by the server's clock
SELECT count(*) FROM renderchain.submit_render('{"prompt": "e"}');
SET renderchain.clock = '2026-11-23 12:01:41.5+00';
SELECT count(*) FROM renderchain.claim_renders('w3', 10, '10 minutes');
SET renderchain.clock = '2026-11-23 12:01:42.5+00';
SELECT renderchain.record_stages(id('e'), 1, '[{"stage": "image_generation", "status": "running", "startedAt": "2026-11-23T12:01:42.25Z"}]') > 0 AS recorded;
SELECT r ->> 'prompt' AS prompt, r -> 'waitingMs' AS waiting, r -> 'runningMs' AS running, r #> '{events,0,runningMs}' AS stage
FROM jsonb_array_elements(renderchain.watch_renders(since => 'infinity') -> 'renders') r ORDER BY 1;
SELECT * FROM renderchain.expected_durations();
SELECT * FROM renderchain.expected_durations(1);

-- bad arguments
SELECT renderchain.watch_renders(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.watch_renders('[]');
SELECT renderchain.watch_renders('{"x": {}}');
SELECT renderchain.watch_renders('{"00000000-0000-0000-0000-000000000001": 1}');
SELECT renderchain.watch_renders('{"00000000-0000-0000-0000-000000000001": {"seq": "x"}}');
SELECT renderchain.watch_renders('{"00000000-0000-0000-0000-000000000001": {"seq": -1}}');
SELECT renderchain.watch_renders(max_renders => 0);
SELECT renderchain.watch_renders(max_renders => 1001);
SELECT * FROM renderchain.expected_durations(NULL);
SELECT * FROM renderchain.expected_durations(1001);
