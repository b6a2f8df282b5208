-- lookups of models and chains
\set SHOW_CONTEXT never
SET renderchain.schema = 't_lookups';
SELECT renderchain.create_tables() LIKE 'schema t_lookups: created %' AS made;
SET TimeZone = 'UTC';

-- models by kind, tier and id; retired ones are among them
SELECT row_number() OVER (ORDER BY m.place), m.definition ->> 'id' AS id
FROM jsonb_array_elements(renderchain.get_models()) WITH ORDINALITY AS m (definition, place)
WHERE m.definition ->> 'id' IN ('local-vision', 'gemini-3.8-flash', 'gemini-3-pro-image-preview', 'gemini-nano-banana-2.1') ORDER BY m.place;
SELECT jsonb_array_length(renderchain.get_models()) = jsonb_array_length(renderchain.shipped_models() -> 'models') AS all;
-- with how long drivers wait
SET renderchain.stage_timeouts = 'validation=5min';
SELECT renderchain.get_registry() -> 'timeouts' AS timeouts, renderchain.get_registry() -> 'models' = renderchain.get_models() AS same,
       ARRAY(SELECT jsonb_object_keys(renderchain.get_registry())) AS members;
RESET renderchain.stage_timeouts;
BEGIN;
DELETE FROM t_lookups.models;
SELECT renderchain.get_models(), renderchain.get_registry() -> 'models' AS models;
ROLLBACK;

-- chains with renders in every state; times are fixed
SELECT renderchain.list_chains();
INSERT INTO t_lookups.render_chains (id, name, project_id, created_at, updated_at) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'villa', NULL, '2026-01-01', '2026-01-04'),
    ('00000000-0000-0000-0000-00000000000b', 'twin', '00000000-0000-0000-0000-0000000000f1', '2026-01-01', '2026-01-02'),
    ('00000000-0000-0000-0000-00000000000c', 'twin', '00000000-0000-0000-0000-0000000000f2', '2026-01-01', '2026-01-03'),
    ('00000000-0000-0000-0000-00000000000d', '00000000-0000-0000-0000-00000000000A', NULL, '2026-01-01', '2026-01-01');
INSERT INTO t_lookups.renders (id, chain_id, chain_position, parent_render_id, prompt, status, output_url, context_data,
    metadata, processing_time, error_message, created_at, completed_at) VALUES
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', 1, NULL, 'first', 'completed', 'file:///1.png',
     '{"pipelineMemory": {"palette": ["navy"]}, "other": 1}', '{"selectedModel": "m", "processingMs": 1234.5}', 2, NULL,
     '2026-01-01', '2026-01-01 00:00:02'),
    ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-00000000000a', 2, NULL, 'second', 'failed', NULL,
     '{"pipelineMemory": "broken"}', NULL, NULL, 'it broke', '2026-01-02', NULL),
    ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-00000000000a', 3, '00000000-0000-0000-0000-000000000001',
     'third', 'pending', NULL, NULL, NULL, NULL, NULL, '2026-01-03', NULL);
INSERT INTO t_lookups.render_jobs (render_id, request, max_attempts, run_after, deadline, created_at)
SELECT id, '{}', 3, created_at, created_at, created_at FROM t_lookups.renders;
INSERT INTO t_lookups.render_stages (render_id, stage, part, attempt, status, outcome, started_at, duration_ms, model) VALUES
    ('00000000-0000-0000-0000-000000000001', 'storage', '', 2, 'success', 'ok', '2026-01-01 00:00:04', 5, NULL),
    ('00000000-0000-0000-0000-000000000001', 'image_generation', '', 1, 'failed', 'overloaded', '2026-01-01 00:00:01', 100, 'm'),
    ('00000000-0000-0000-0000-000000000001', 'image_generation', '', 2, 'success', 'ok', '2026-01-01 00:00:03', 900, 'm'),
    ('00000000-0000-0000-0000-000000000001', 'image_understanding', 'style', 1, 'success', 'ok', '2026-01-01 00:00:00', 40, 'eye'),
    ('00000000-0000-0000-0000-000000000001', 'image_understanding', 'reference 1', 1, 'running', NULL, '2026-01-01 00:00:01', NULL, 'eye');

-- the one that changed last comes first
SELECT c.place, c.chain ->> 'chainId' AS chain, c.chain ->> 'name' AS name, c.chain - '{chainId,name}'::text[] AS rest
FROM jsonb_array_elements(renderchain.list_chains()) WITH ORDINALITY AS c (chain, place) ORDER BY c.place;
SELECT jsonb_array_length(renderchain.list_chains(2)) AS two, jsonb_array_length(renderchain.list_chains(10000)) AS four;
SELECT renderchain.list_chains(0);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.list_chains(10001);
SELECT renderchain.list_chains(NULL);

-- by id in either case, by name; what looks like an id is one
SELECT renderchain.find_chain('villa'), renderchain.find_chain('00000000-0000-0000-0000-00000000000A');
SELECT renderchain.find_chain('nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.find_chain('00000000-0000-0000-0000-00000000000e');
SELECT renderchain.find_chain(NULL);
SELECT renderchain.find_chain('Villa');
SELECT renderchain.find_chain('twin');
\echo :LAST_ERROR_SQLSTATE

-- a chain as a whole
UPDATE t_lookups.renders SET settings = '{"quality": "high", "aspectRatio": "3:2", "quick": true}', metadata = metadata || '{"consistency": {"score": 0.5}}'
WHERE chain_position = 1;
SELECT jsonb_pretty(renderchain.get_chain('00000000-0000-0000-0000-00000000000a'));
SELECT renderchain.pin_memory('00000000-0000-0000-0000-00000000000b', '{"note": "door"}');
SELECT renderchain.get_chain('00000000-0000-0000-0000-00000000000b');
SELECT renderchain.get_chain('00000000-0000-0000-0000-00000000000e');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.get_chain(NULL);

-- recipes: with the last turn of the render that they go on from, as it is there
SELECT renderchain.get_recipe('00000000-0000-0000-0000-000000000002');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.get_recipe('00000000-0000-0000-0000-00000000000e');
UPDATE t_lookups.renders SET metadata = metadata || '{"turn": {"text": "drawn", "parts": [{"text": null}]}}' WHERE chain_position = 1;
UPDATE t_lookups.renders SET metadata = '{"recipe": {"version": 1, "repeats": "x", "history": {"renderId": "00000000-0000-0000-0000-000000000001", "key": "k"}}}'
WHERE chain_position = 2;
SELECT renderchain.get_recipe('00000000-0000-0000-0000-000000000002'),
       renderchain.get_render('00000000-0000-0000-0000-000000000002') #> '{data,repeats}' AS repeats;
UPDATE t_lookups.renders SET metadata = '{"recipe": {"version": 1, "history": {"renderId": "gone", "key": "k"}}}' WHERE chain_position = 2;
SELECT renderchain.get_recipe('00000000-0000-0000-0000-000000000002');

-- attached tables with other types of columns
ALTER TABLE t_lookups.renders ALTER COLUMN prompt TYPE varchar(20000), ALTER COLUMN output_url TYPE varchar(500),
    ALTER COLUMN processing_time TYPE numeric, ALTER COLUMN created_at TYPE timestamp, ALTER COLUMN chain_position TYPE bigint;
ALTER TABLE t_lookups.render_chains ALTER COLUMN name TYPE varchar(100), ALTER COLUMN updated_at TYPE timestamp;
SELECT renderchain.find_chain('villa') = '00000000-0000-0000-0000-00000000000a' AS found,
       jsonb_path_query_array(renderchain.get_chain('00000000-0000-0000-0000-00000000000a'), '$.renders[*].chainPosition') AS positions,
       jsonb_array_length(renderchain.list_chains()) AS chains;

-- a schema without the tables
SET renderchain.schema = 't_lookups_none';
SELECT renderchain.get_models();
SELECT renderchain.get_registry();
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.list_chains();
SET client_min_messages = warning;
DROP SCHEMA t_lookups CASCADE;
