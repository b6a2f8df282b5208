-- complete_render and get_render: result, memory, pins, objects, metadata, repetition
\set SHOW_CONTEXT never
SET renderchain.schema = 't_complete';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_complete: created %' AS made;
SET search_path = t_complete, public;
SELECT render_id AS r, chain_id AS c FROM renderchain.run_render('{"prompt": "a villa", "chainName": "c"}', 'w', '1 minute') \gset
\set shown '{data,renderId}' '{data,chainId}'
SELECT renderchain.get_render(:'r') #- '{data,renderId}' #- '{data,chainId}';
INSERT INTO memory_pins VALUES (:'c', '{"palette": ["navy"], "styleCodes": {"lightingStyle": "dusk"}}');
UPDATE renders SET context_data = '{"note": "kept", "pipelineMemory": {"mood": "calm", "palette": ["red"]}}', metadata = '{"votes": 3}';
SELECT renderchain.register_objects(:'r', 1, '[{"key": "r/1.png", "backend": "file"}, {"key": "r/in.png", "backend": "file", "kind": "input"}]');
SELECT key, backend, kind, state FROM stored_objects ORDER BY key;
SET renderchain.clock = '2026-11-23 12:00:02.1+00';
SELECT renderchain.complete_render(:'r', 1, '{"outputUrl": "file:///r/1.png", "outputKey": "r/1.png",
    "objects": [{"key": "r/1.png", "backend": "file", "kind": "output", "mime": "image/png", "bytes": 10,
                 "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
                {"key": "r/in.png", "backend": "file", "kind": "input"}],
    "memory": {"palette": ["white"], "materials": ["stone"], "mood": null}, "context": {"extra": {"a": 1}},
    "selectedModel": "local-image-flash", "processingTime": 2.1, "processingMs": 2100, "designIntent": {"style": "modern"},
    "imageAnalysis": [{"style": "modern"}], "validation": null, "optimizedPrompt": "a white villa", "secret": "dropped",
    "stages": [{"stage": "storage", "status": "success", "outcome": "ok", "durationMs": 7}]}')
    #- '{data,renderId}' #- '{data,chainId}' AS result;
SELECT status, output_url, output_key, processing_time, credits_cost, completed_at, context_data, metadata FROM renders;
SELECT key, kind, mime, bytes, state FROM stored_objects ORDER BY key;
SELECT state, lease_owner, lease_until FROM render_jobs;

-- the same attempt asks again: the same answer, and nothing changes
SELECT xmin AS before FROM renders \gset
SET renderchain.clock = '2026-11-23 12:00:09+00';
SELECT renderchain.complete_render(:'r', 1, '{"outputUrl": "other"}') = renderchain.get_render(:'r') AS same;
SELECT xmin = :'before' AS untouched, output_url FROM renders;
\set VERBOSITY sqlstate
SELECT renderchain.complete_render(:'r', 2, '{"outputUrl": "other"}');
SELECT renderchain.record_stages(:'r', 1, '[]');
SELECT renderchain.register_objects(:'r', 1, '[]');
SELECT renderchain.fail_render(:'r', 1, '{"message": "no"}', false);
SELECT renderchain.retry_render(:'r');
SELECT renderchain.complete_render(gen_random_uuid(), 1, '{"outputUrl": "other"}');
SELECT renderchain.get_render(gen_random_uuid());
SELECT renderchain.get_render(NULL);
\set VERBOSITY default
SELECT renderchain.cancel_render(:'r');

-- the next render of the chain starts from it, under the pins
SELECT chain_position, memory, previous_output - 'renderId' AS previous_output, previous_output ->> 'renderId' = :'r' AS its_id
FROM renderchain.run_render('{"prompt": "at dusk", "chainName": "c"}', 'w', '1 minute');
-- as long as that goes on, others follow the one before it; with the turn of a conversation that it was made in
BEGIN;
UPDATE renders SET metadata = metadata || '{"turn": [{"text": "white"}]}' WHERE id = :'r';
SELECT chain_position, previous_output - 'renderId' AS previous_output, previous_output ->> 'renderId' = :'r' AS its_id
FROM renderchain.run_render('{"prompt": "meanwhile", "chainName": "c"}', 'w', '1 minute');
-- one that says nothing but where its picture is, in a turn that is null
UPDATE renders SET output_url = 'u', status = 'completed', metadata = '{"turn": null}' WHERE prompt = 'meanwhile';
SELECT chain_position, previous_output - 'renderId' AS previous_output
FROM renderchain.run_render('{"prompt": "after it", "chainName": "c"}', 'w', '1 minute');
ROLLBACK;
-- a branch starts from its parent, here one without memory, so from its grandparent's
SELECT id AS second FROM renders WHERE chain_position = 2 \gset
UPDATE renders SET parent_render_id = :'r' WHERE id = :'second';
SELECT renderchain.complete_render(:'second', 1, '{"outputKey": "s/1.png"}') #> '{data,pipelineMemory}' AS memory;
SELECT chain_position, memory, previous_output ->> 'key' AS key, previous_output ->> 'mime' AS mime
FROM renderchain.run_render(jsonb_build_object('prompt', 'branch', 'parentRenderId', :'second', 'chainName', 'other'), 'w', '1 minute');
-- pins alone where there is no memory yet; nothing where there is neither
SELECT chain_id AS p FROM renderchain.submit_render('{"prompt": "x", "chainName": "pinned"}') \gset
INSERT INTO memory_pins VALUES (:'p', '{"palette": ["navy"]}');
SELECT chain_position, memory, previous_output FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT memory, previous_output FROM renderchain.run_render('{"prompt": "x"}', 'w', '1 minute');

-- no time given: counted from the start, rounded up; a video's output has its own name
SELECT renderchain.load_models('{"models": [{"id": "clip", "provider": "p", "kind": "video", "tier": "fast", "credits": 20}]}') > 0 AS loaded;
SELECT render_id AS v FROM renderchain.run_render('{"prompt": "clip", "type": "video", "provider": "p"}', 'w', '1 minute') \gset
SET renderchain.clock = '2026-11-23 12:00:10.001+00';
SELECT renderchain.complete_render(:'v', 1, '{"outputUrl": "v.mp4", "selectedModel": "no longer known"}') #- '{data,renderId}';

-- what is wrong with a result is said; the render goes on
SELECT render_id AS w FROM renderchain.run_render('{"prompt": "wrong"}', 'w', '1 minute') \gset
CREATE FUNCTION refused(render uuid, result jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    PERFORM renderchain.complete_render(render, 1, result);
    RETURN 'completed';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || d;
END $$;
SELECT refused(:'w', NULL);
SELECT refused(:'w', v.e::jsonb) FROM (VALUES ('[]'), ('{}'), ('{"outputUrl": ""}'), ('{"outputUrl": "", "outputKey": ""}'),
    ('{"outputUrl": {"a": 1}}'), ('{"outputKey": 5}')) v (e);
SELECT refused(:'w', '{"outputUrl": "u"}'::jsonb || v.e::jsonb) FROM (VALUES ('{"memory": []}'), ('{"memory": "x"}'), ('{"context": 1}'),
    ('{"context": {"pipelineMemory": {}}}'), ('{"processingTime": -1}'), ('{"processingTime": "2"}'), ('{"processingTime": 2147483648}'),
    ('{"selectedModel": ["m"]}'), (jsonb_build_object('objects', jsonb_build_array(jsonb_build_object('key', repeat('k', 1025), 'backend', 'file')))::text),
    ('{"objects": {}}'), ('{"objects": [1]}'), ('{"objects": [{"backend": "file"}]}'), ('{"objects": [{"key": "k"}]}'),
    ('{"objects": [{"key": "k", "backend": "file", "bytes": -1}]}'), ('{"objects": [{"key": "k", "backend": "file", "sha256": "x"}]}'),
    ('{"stages": {}}'), ('{"stages": [{"stage": "dreaming", "status": "success"}]}')) v (e);
SELECT renderchain.register_objects(:'w', 1, '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.register_objects(:'w', 1, NULL);
-- an object of another render is not taken over
\set VERBOSITY sqlstate
SELECT renderchain.complete_render(:'w', 1, '{"outputUrl": "u", "objects": [{"key": "r/1.png", "backend": "file"}]}');
\set VERBOSITY default
SELECT status, output_url FROM renders WHERE id = :'w';
SELECT count(*) FROM render_stages WHERE render_id = :'w';
SELECT refused(:'w', '{"outputUrl": "u", "memory": null, "context": null, "objects": null, "stages": null, "processingTime": null}');
SELECT status, processing_time, context_data, metadata FROM renders WHERE id = :'w';

-- a memory that is no object is not shown as one
UPDATE renders SET context_data = '{"pipelineMemory": [1]}' WHERE id = :'w';
SELECT renderchain.get_render(:'w') #> '{data,pipelineMemory}' AS memory;
SELECT * FROM renderchain.check_ledger();

-- what has no members is no memory: none is made of it, but an earlier one can be emptied
SELECT count(*) FROM unnest('{none,some}'::text[]) p, renderchain.run_render(jsonb_build_object('prompt', p), 'w', '1 minute');
UPDATE renders SET context_data = '{"pipelineMemory": {"a": 1}}' WHERE prompt = 'some';
SELECT prompt, renderchain.complete_render(id, 1, '{"outputUrl": "u", "memory": {"a": null}}') #> '{data,pipelineMemory}' AS memory
FROM renders WHERE prompt IN ('none', 'some') ORDER BY prompt;
SELECT prompt, context_data FROM renders WHERE prompt IN ('none', 'some') ORDER BY prompt;

-- an empty text is no output; the longest key is one
SELECT render_id AS k FROM renderchain.run_render('{"prompt": "key only"}', 'w', '1 minute') \gset
SELECT refused(:'k', jsonb_build_object('outputUrl', '', 'outputKey', 'k',
    'objects', jsonb_build_array(jsonb_build_object('key', repeat('k', 1024), 'backend', 'file'))));
SELECT output_url, output_key FROM renders WHERE id = :'k';

-- warm_up leaves the statements of a completion prepared, and nothing else
\c -
SET renderchain.schema = 't_complete';
SET search_path = t_complete, public;
CREATE VIEW prepared AS SELECT DISTINCT substring(ident FROM '^\s*(\w+( INTO)? \w+)') AS statement
FROM pg_backend_memory_contexts WHERE name = 'CachedPlan' AND ident ~ '^\s*(UPDATE|WITH|INSERT)';
SELECT * FROM prepared ORDER BY 1;
LISTEN renderchain;
BEGIN;
SELECT renderchain.warm_up();
SELECT pg_current_xact_id_if_assigned() AS xid, current_setting('search_path');
COMMIT;
SELECT * FROM prepared ORDER BY 1;
-- not even what a trigger writes that fires for no rows
CREATE TABLE fired (what text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_complete.fired VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER fire AFTER UPDATE ON renders FOR EACH STATEMENT EXECUTE FUNCTION fire();
SELECT renderchain.warm_up();
SELECT count(*) FROM fired;
UNLISTEN renderchain;
-- whatever is in its way it says nothing: a transaction that may not write, a trigger that raises, no tables
BEGIN READ ONLY;
SELECT renderchain.warm_up();
SELECT 1 AS goes_on;
COMMIT;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'loud'; RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON renders FOR EACH STATEMENT EXECUTE FUNCTION refuse();
SELECT renderchain.warm_up();
DROP TRIGGER refuse ON renders;
SET renderchain.schema = 'no_tables_here';
SELECT renderchain.warm_up();
SET renderchain.schema = 't_complete';
-- cancellation is not swallowed
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled USING MESSAGE = 'cancelled'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON renders FOR EACH STATEMENT EXECUTE FUNCTION refuse();
SELECT renderchain.warm_up();
DROP TRIGGER refuse ON renders;
SELECT renderchain.complete_render(render_id, attempt, '{"outputKey": "k", "memory": {"palette": ["navy"]}}') #> '{data,pipelineMemory}' AS memory
FROM renderchain.run_render('{"prompt": "warm"}', 'w', '1 minute');
SELECT count(*) FROM fired;

-- who reads no answer is given none
SELECT renderchain.complete_render(render_id, attempt, '{"outputKey": "q", "quiet": true}') IS NULL AS nothing
FROM renderchain.run_render('{"prompt": "quiet"}', 'w', '1 minute');
SELECT status, output_key FROM renders WHERE prompt = 'quiet';
