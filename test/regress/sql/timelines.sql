-- get_timelines, under a clock of our own
\set SHOW_CONTEXT never
SET renderchain.schema = 't_timelines';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_timelines: created %' AS made;
SET search_path = t_timelines, public;
CREATE FUNCTION timelines() RETURNS text LANGUAGE sql AS $$
    SELECT jsonb_pretty(regexp_replace(renderchain.get_timelines(renderchain.find_chain('villa'))::text,
        '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '...', 'g')::jsonb) $$;
INSERT INTO render_chains (name) VALUES ('villa');
SELECT timelines();
SELECT count(*) FROM renderchain.submit_render('{"prompt": "a", "chainName": "villa"}');
SELECT timelines();

-- two attempts, the first of which was lost
SET renderchain.clock = '2026-11-23 12:00:02+00';
SELECT count(*) FROM renderchain.claim_renders('w1', 1, '10 seconds');
SELECT renderchain.record_stages(id, 1, '[{"stage": "semantic_parsing", "status": "success", "startedAt": "2026-11-23T12:00:02.1Z", "durationMs": 500, "model": "m", "cost": 0.25, "output": {"tries": 3}},
    {"stage": "image_understanding", "part": "style", "status": "failed", "outcome": "overloaded", "startedAt": "2026-11-23T12:00:02Z", "durationMs": 700, "error": {"message": "no"}}]') > 0 AS recorded FROM renders;
SET renderchain.clock = '2026-11-23 12:00:20+00';
SELECT count(*) FROM renderchain.claim_renders('w2', 1, '1 minute');
SELECT renderchain.record_stages(id, 2, '[{"stage": "semantic_parsing", "status": "running", "startedAt": "2026-11-23T11:59:59Z"}, {"stage": "validation", "status": "skipped", "outcome": "skipped"}]') > 0 AS recorded FROM renders;
SELECT timelines();
SELECT renderchain.get_timelines('00000000-0000-0000-0000-000000000001');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.get_timelines(NULL);
