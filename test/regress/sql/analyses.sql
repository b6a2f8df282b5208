-- The analysis cache: what is kept of stages, what claims bring, what get_analyses knows
\set SHOW_CONTEXT never
SET renderchain.schema = 't_analyses';
SELECT renderchain.create_tables() LIKE 'schema t_analyses: created %' AS made;
SET search_path = t_analyses, public;
\set a 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
\set b 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'
\set c 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc'
-- an event of a stage that looked at an image
CREATE FUNCTION looked(image text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"stage": "image_understanding", "status": "success", "outcome": "ok", "model": "m",
             "output": {"answer": {"style": "modern"}, "promptVersion": "1"}}'::jsonb || jsonb_build_object('image', image) || more;
$$;
CREATE VIEW cache AS SELECT left(sha256, 1) AS image, task, model, prompt_version AS version, result
FROM analysis_cache ORDER BY sha256, task, model, prompt_version;

-- nothing is known; run_render does not look
SELECT analyses, stages FROM renderchain.run_render('{"prompt": "x"}', 'w', '1 minute');
SELECT count(*) FROM renderchain.submit_render(jsonb_build_object('prompt', 'first',
    'references', jsonb_build_array(jsonb_build_object('path', 'p', 'sha256', :'a'), '{"path": "q"}'::jsonb)));
SELECT render_id, analyses FROM renderchain.claim_renders('w', 1, '1 minute') \gset
\echo :analyses

-- kept: answers that went well, of the image, the model and the version of the prompts
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(looked(:'a', '{"part": "reference 1"}'))) > 0 AS recorded;
TABLE cache;
-- once: who comes later changes nothing, but another model or version is another analysis
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(
    looked(:'a', '{"part": "reference 2", "output": {"answer": {"style": "other"}, "promptVersion": "1"}}'),
    looked(:'a', '{"part": "reference 3", "model": "n"}'), looked(:'a', '{"part": "style", "output": {"answer": {"style": "newer"}, "promptVersion": "2"}}'))) > 0 AS recorded;
TABLE cache;
-- not kept: failures, what is running, what came from the cache, what has no answer, model, version or image, and answers about more than an image
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(looked(:'b', e.event::jsonb))) > 0 AS recorded
FROM (VALUES ('{"status": "failed", "outcome": "malformed"}'), ('{"status": "running", "part": "r"}'), ('{"outcome": "cached"}'), ('{"output": {"promptVersion": "1"}}'),
    ('{"output": {"answer": null, "promptVersion": "1"}}'), ('{"output": {"answer": "text", "promptVersion": "1"}}'), ('{"output": {"answer": {}}}'),
    ('{"output": null}'), ('{"model": null}'), ('{"image": null}'), ('{"stage": "validation"}'), ('{"stage": "semantic_parsing"}')) e (event);
SELECT count(*) FROM cache;
-- what a refused write brings is not kept either
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(:'render_id', 2, jsonb_build_array(looked(:'b')));
\set VERBOSITY default
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(looked(e.image)))
FROM (SELECT left(:'b', 63) AS image) e;
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(looked(upper(:'b'))));
SELECT renderchain.record_stages(:'render_id', 1, jsonb_build_array(looked(:'b', '{"image": 5}')));
SELECT count(*) FROM cache;

-- of an output, what its extraction saw, with the completion; a name of the stage is no part of it
SELECT renderchain.complete_render(:'render_id', 1, jsonb_build_object('outputUrl', 'u', 'stages', jsonb_build_array(
    looked(:'c', '{"stage": "memory_extraction", "output": {"answer": {"palette": ["red"], "style": "modern"}, "promptVersion": "1"}}')))) -> 'success' AS success;
TABLE cache;

-- the next claim brings what is known of its images
SELECT jsonb_array_length(analyses) AS known, analyses #> '{0,result}' AS result FROM renderchain.run_render(jsonb_build_object('prompt', 'next', 'idempotencyKey', 'next',
    'references', jsonb_build_array(jsonb_build_object('path', 'out', 'sha256', :'c'))), 'w', '1 minute');
-- who takes over one that was given back is told as by a claim
SELECT renderchain.fail_render(id, 1, '{"message": "x"}', true) FROM renders WHERE prompt = 'next';
SELECT attempt, analyses FROM renderchain.run_render(jsonb_build_object('prompt', 'next', 'idempotencyKey', 'next',
    'references', jsonb_build_array(jsonb_build_object('path', 'out', 'sha256', :'c'))), 'w', '1 minute');
SELECT count(*) FROM renderchain.submit_render(jsonb_build_object('prompt', 'queued',
    'references', jsonb_build_array(jsonb_build_object('path', 'p', 'sha256', :'b'), jsonb_build_object('path', 'p', 'sha256', :'c')),
    'style', jsonb_build_object('path', 'p', 'sha256', :'a')));
SELECT left(k ->> 'image', 1) AS image, k - 'image' AS known FROM renderchain.claim_renders('w', 1, '1 minute'), jsonb_array_elements(analyses) k ORDER BY 1, 2;
SELECT renderchain.cancel_render(id) FROM renders WHERE prompt IN ('queued', 'next');
-- asked for beside
SELECT left(k ->> 'image', 1) AS image, k - 'image' AS known FROM jsonb_array_elements(renderchain.get_analyses(ARRAY[:'c', :'b', NULL])) k;
SELECT renderchain.get_analyses('{}'), renderchain.get_analyses(NULL), renderchain.get_analyses('{none}');

-- a request names content by 64 lower-case digits
CREATE FUNCTION refused(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_hint text;
BEGIN
    PERFORM renderchain.submit_render('{"prompt": "x"}'::jsonb || request);
    RETURN 'accepted';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
    RETURN v_hint;
END $$;
SELECT s.sha, refused(jsonb_build_object('references', jsonb_build_array(jsonb_build_object('path', 'p', 'sha256', s.sha)))) AS reference,
       refused(jsonb_build_object('style', jsonb_build_object('path', 'p', 'sha256', s.sha))) = 'accepted' AS style
FROM (VALUES (:'a'), (left(:'a', 63)), (:'a' || 'a'), (upper(:'a')), (NULL)) s (sha);
SELECT * FROM renderchain.check_ledger();
