-- What a database with renderchain may hold when it is dumped or upgraded: finished, failed,
-- running and queued renders, memory in line and out of line, pins, credits, an application's
-- own attached tables under row security, and things of the user that call our functions.
CREATE ROLE kept_worker;
CREATE ROLE kept_reader;
CREATE EXTENSION renderchain;
ALTER DATABASE kept SET renderchain.schema = 'App 1';
SET renderchain.schema = 'App 1';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables();
SELECT renderchain.grant_access('kept_worker', 'work');
SET search_path = "App 1", public;
\set user '00000000-0000-0000-0000-00000000000a'
SELECT renderchain.grant_credits(:'user', 50, 'kept');
SELECT renderchain.load_models('{"models": [{"id": "kept-model", "provider": "local", "kind": "image", "tier": "flash", "credits": 2}]}');

-- a chain: completed with memory, completed with much memory, failed, running, queued
SELECT render_id, chain_id FROM renderchain.run_render('{"prompt": "a villa", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a", "idempotencyKey": "first"}', 'w', '1 minute') \gset
SELECT renderchain.record_stages(:'render_id', 1, '[{"stage": "image_generation", "status": "running"}]');
SELECT renderchain.register_objects(:'render_id', 1, '[{"key": "a.png", "backend": "file"}]');
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "file:///a.png", "outputKey": "a.png",
    "objects": [{"key": "a.png", "backend": "file", "kind": "output", "mime": "image/png", "bytes": 10}],
    "memory": {"palette": ["white #ffffff"], "materials": ["stone"]}, "context": {"note": "kept"},
    "stages": [{"stage": "image_generation", "status": "success", "outcome": "ok", "durationMs": 7}]}');
SELECT renderchain.pin_memory(:'chain_id', '{"palette": ["navy #1f2a44"], "styleCodes": {"lightingStyle": "dusk"}}');
SELECT render_id AS second FROM renderchain.run_render('{"prompt": "at dusk", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a"}', 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'second', 1, jsonb_build_object('outputKey', 'b.png', 'memory',
    jsonb_build_object('materials', '["slate"]'::jsonb, 'notes', (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 1000) n)))) IS NOT NULL;
SELECT render_id AS failed FROM renderchain.run_render('{"prompt": "in fog", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a"}', 'w', '1 minute') \gset
SELECT renderchain.fail_render(:'failed', 1, '{"message": "refused", "outcome": "blocked"}', false);
SELECT render_id AS running FROM renderchain.run_render(jsonb_build_object('prompt', 'a branch', 'chainName', 'other',
    'parentRenderId', :'second', 'provider', 'local', 'userId', :'user'), 'kept', '1 minute') \gset
SELECT renderchain.record_stages(:'running', 1, '[{"stage": "model_routing", "status": "success", "outcome": "ok", "cost": "0.0134"}]');
SELECT count(*) FROM renderchain.submit_render('{"prompt": "queued", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a", "idempotencyKey": "queued"}');

-- the user's own: an index, a column, views over our functions
CREATE INDEX kept_expression ON renders ((renderchain.jsonb_merge_patch(settings, '{"quality": null}')));
CREATE TABLE kept_documents (id integer PRIMARY KEY, document jsonb,
    patched jsonb GENERATED ALWAYS AS (renderchain.jsonb_merge_patch(document, '{"x": 1}')) STORED,
    CHECK (renderchain.jsonb_make_patch(document, document) = '{}'));
INSERT INTO kept_documents VALUES (1, '{"x": 0, "y": null}'), (2, '{"z": {"x": [1.50, "\u00e9"]}}');
CREATE VIEW kept_memories AS SELECT c.name, renderchain.get_memory_from_chain(c.id) AS memory FROM render_chains c;
CREATE MATERIALIZED VIEW kept_consensus AS SELECT renderchain.merge_memory(m.memory ORDER BY m.name) FROM kept_memories m;

-- an application's tables, with its types, its policies and a column of its own
CREATE SCHEMA attached;
CREATE TABLE attached.render_chains (id uuid PRIMARY KEY, project_id uuid, name varchar(100) NOT NULL, description text,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(), colour text);
CREATE TABLE attached.renders (id uuid PRIMARY KEY, project_id uuid, user_id uuid, type varchar(10) NOT NULL,
    prompt text NOT NULL, settings jsonb, output_url varchar, output_key varchar, status varchar(20) NOT NULL,
    error_message text, processing_time bigint, credits_cost numeric, priority smallint, parent_render_id uuid,
    chain_id uuid REFERENCES attached.render_chains, chain_position bigint, reference_render_id uuid, context_data jsonb,
    metadata jsonb, started_at timestamp, completed_at timestamp, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), votes integer NOT NULL DEFAULT 0);
SELECT renderchain.create_tables('attached');
SET renderchain.schema = 'attached';
SELECT renderchain.grant_access('kept_reader', 'submit');
SELECT render_id FROM renderchain.run_render('{"prompt": "a tower", "chainName": "tower"}', 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'render_id', 1, '{"outputUrl": "u", "memory": {"palette": ["navy"]}}') ->> 'success';
INSERT INTO attached.render_chains (id, name) VALUES ('00000000-0000-0000-0000-00000000000c', 'hidden');
INSERT INTO attached.renders (id, type, prompt, status, chain_id, chain_position, context_data, votes)
VALUES ('00000000-0000-0000-0000-0000000000cc', 'image', 'hidden', 'completed', '00000000-0000-0000-0000-00000000000c', 1,
        '{"pipelineMemory": {"secret": true}}', 3);
ALTER TABLE attached.renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON attached.renders USING (prompt <> 'hidden');
