-- submit_render: what is allowed, what is not, chains, positions, idempotency
\set SHOW_CONTEXT never
SET renderchain.schema = 't_submit';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_submit: created %' AS made;
SET search_path = t_submit, public;

-- the least: no chain, all else by default
SELECT chain_id, chain_position, created FROM renderchain.submit_render('{"prompt": "a villa"}');
SELECT user_id, type, prompt, settings, status, credits_cost, priority, context_data, metadata, created_at AT TIME ZONE 'UTC' AS created
FROM renders;
SELECT request, state, run, attempt, max_attempts, (deadline - created_at) AS allowed, lease_owner FROM render_jobs;

-- the most
SELECT chain_position, created FROM renderchain.submit_render(format('{"type": "image", "prompt": %s,
    "userId": "00000000-0000-0000-0000-00000000000A", "projectId": "00000000-0000-0000-0000-00000000000b",
    "chainName": "house", "quality": "ultra", "aspectRatio": "21:9",
    "references": [{"key": "k", "mime": "image/png"}, {"path": "/a.png", "bytes": 5, "sha256": "abababababababababababababababababababababababababababababababab", "name": "a"}, {"url": "http://x/"}],
    "style": {"path": "/s.png"}, "mask": {"key": "m"}, "maskType": "inpaint", "inpaintingPrompt": "a door",
    "firstFrame": "f", "lastFrame": {"url": "l"}, "previousVideo": "v", "durationSeconds": 8,
    "toolContext": {"toolId": "cad", "toolName": "CAD", "toolSettings": {"a": null}},
    "skipStages": {"semanticParsing": true, "imageUnderstanding": false, "validation": true, "memoryExtraction": true},
    "forceModel": "local-image-pro", "provider": "local", "quick": false, "idempotencyKey": "most", "priority": 100}',
    to_json(repeat('p', 20000)))::jsonb);
SELECT r.user_id, r.project_id, c.name, r.settings, r.credits_cost, r.priority, length(r.prompt) AS prompt, j.idempotency_key
FROM renders r JOIN render_chains c ON c.id = r.chain_id JOIN render_jobs j ON j.render_id = r.id;

-- null is as good as absent
SELECT chain_position, created FROM renderchain.submit_render('{"prompt": "x", "chainId": null, "style": null, "priority": null}');

-- what is refused says which key, its value and what is allowed
CREATE FUNCTION refused(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text;
BEGIN
    PERFORM renderchain.submit_render(request);
    RETURN 'accepted';
EXCEPTION WHEN SQLSTATE 'RC003' OR SQLSTATE 'RC004' OR SQLSTATE 'RC005' OR SQLSTATE 'RC006' THEN
    GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || h;
END $$;
\pset format unaligned
\pset tuples_only on
SELECT refused(v.request::jsonb) FROM (VALUES
    ('null'), ('[]'), ('"x"'), ('{}'), ('{"promt": "x"}'), ('{"prompt": "x", "Type": "image"}')) v (request);
SELECT refused(jsonb_build_object('prompt', v.prompt)) FROM (VALUES
    ('""'::jsonb), ('" \n\t "'), ('5'), ('["x"]'), ('{}'), (to_jsonb(repeat('x', 20000))), (to_jsonb(repeat('x', 20001)))) v (prompt);
SELECT refused('{"prompt": "x"}'::jsonb || v.rest::jsonb) FROM (VALUES
    ('{"type": "audio"}'), ('{"type": 1}'), ('{"quality": "best"}'), ('{"quality": "High"}'), ('{"aspectRatio": "16:10"}'),
    ('{"userId": "me"}'), ('{"userId": 7}'), ('{"projectId": "{00000000-0000-0000-0000-000000000000}"}'),
    ('{"chainId": "x"}'), ('{"parentRenderId": "x"}'), ('{"referenceRenderId": ""}'),
    ('{"chainName": ""}'), ('{"chainName": "a", "chainId": "00000000-0000-0000-0000-00000000000a"}'),
    ('{"references": {}}'), ('{"references": []}'), ('{"references": [{}]}'), ('{"references": [{"mime": "image/png"}]}'),
    ('{"references": [{"key": ""}]}'), ('{"references": [{"key": "k", "url": "u"}]}'), ('{"references": ["k"]}'),
    ('{"references": [{"key": "k", "colour": "red"}]}'), ('{"references": [{"key": "k", "mime": 1}]}'),
    ('{"references": [{"key": "1"}, {"key": "2"}, {"key": "3"}]}'),
    ('{"references": [{"key": "1"}, {"key": "2"}, {"key": "3"}, {"key": "4"}]}'),
    ('{"style": ""}'), ('{"style": 1}'), ('{"mask": {}}'), ('{"maskType": false}'), ('{"inpaintingPrompt": ""}'),
    ('{"durationSeconds": 4}'), ('{"durationSeconds": 5}'), ('{"durationSeconds": "4"}'), ('{"durationSeconds": 4.5}'),
    ('{"toolContext": {}}'), ('{"toolContext": {"toolId": ""}}'), ('{"toolContext": {"toolId": "t", "x": 1}}'),
    ('{"toolContext": {"toolId": "t", "toolSettings": []}}'), ('{"skipStages": []}'), ('{"skipStages": {"storage": true}}'),
    ('{"skipStages": {"validation": "yes"}}'), ('{"quick": "yes"}'), ('{"forceModel": ""}'), ('{"provider": 1}'), ('{"recipe": "x"}'),
    ('{"priority": 100}'), ('{"priority": 101}'), ('{"priority": -100}'), ('{"priority": -101}'), ('{"priority": 1.5}'),
    ('{"priority": "1"}'), ('{"idempotencyKey": ""}'), ('{"idempotencyKey": 1}')) v (rest);
SELECT refused(jsonb_build_object('prompt', 'x', k, repeat('n', n)))
FROM (VALUES ('chainName'), ('idempotencyKey'), ('maskType'), ('style')) v (k), (VALUES (200), (201)) w (n);
-- models: unknown, retired, of the wrong kind, quality, shape or provider
SELECT refused('{"prompt": "x"}'::jsonb || v.rest::jsonb) FROM (VALUES
    ('{"forceModel": "none-such"}'), ('{"forceModel": "gemini-3.1-flash-image"}'), ('{"forceModel": "gemini-3-pro-image-preview"}'),
    ('{"forceModel": "local-vision"}'), ('{"forceModel": "local-image-flash", "type": "video"}'),
    ('{"forceModel": "local-image-flash", "quality": "ultra"}'), ('{"forceModel": "local-image-flash", "provider": "gemini"}'),
    ('{"forceModel": "local-image-flash", "quality": "high", "provider": "local"}'), ('{"provider": "none-such"}')) v (rest);
SELECT renderchain.load_models('{"models": [
    {"id": "square", "provider": "p", "kind": "image", "tier": "pro", "credits": 4, "aspectRatios": ["1:1"]},
    {"id": "priceless", "provider": "p2", "kind": "image", "tier": "pro"},
    {"id": "clip", "provider": "p", "kind": "video", "tier": "fast", "credits": 20}]}') > 3;
SELECT refused('{"prompt": "x"}'::jsonb || v.rest::jsonb) FROM (VALUES ('{"forceModel": "square"}'),
    ('{"forceModel": "square", "aspectRatio": "1:1"}'), ('{"forceModel": "priceless"}'), ('{"provider": "p2"}'),
    ('{"type": "video", "durationSeconds": 6}')) v (rest);
-- limits: of the model asked for, and of all there are
SELECT renderchain.load_models('{"models": [
    {"id": "brief", "provider": "p3", "kind": "image", "tier": "pro", "credits": 4, "maxReferences": 1, "maxPromptChars": 10},
    {"id": "terse", "provider": "p3", "kind": "image", "tier": "flash", "credits": 9, "maxReferences": 2, "maxPromptChars": 5},
    {"id": "short", "provider": "p3", "kind": "video", "tier": "fast", "credits": 2, "durations": [4, 6]}]}') > 3;
SELECT refused('{"prompt": "x", "provider": "p3"}'::jsonb || v.rest::jsonb) FROM (VALUES ('{"forceModel": "brief"}'),
    ('{"forceModel": "brief", "references": [{"key": "a"}, {"key": "b"}]}'), ('{"forceModel": "brief", "references": [{"key": "a"}], "style": "s"}'),
    ('{"references": [{"key": "a"}, {"key": "b"}]}'), ('{"references": [{"key": "a"}, {"key": "b"}, {"key": "c"}]}'),
    ('{"forceModel": "brief", "prompt": "änderung10"}'), ('{"forceModel": "brief", "prompt": "änderung 11"}'),
    ('{"prompt": "a long one"}'), ('{"prompt": "a longer one"}'),
    ('{"type": "video", "durationSeconds": 4}'), ('{"type": "video"}'), ('{"type": "video", "durationSeconds": 8}'),
    ('{"type": "video", "durationSeconds": 8, "forceModel": "short"}')) v (rest);
-- what is reserved is what the dearest costs that can do it
SELECT render_id AS limited FROM renderchain.submit_render('{"prompt": "a long one", "provider": "p3"}') \gset
SELECT credits_cost FROM t_submit.renders WHERE id = :'limited';
\pset format aligned
\pset tuples_only off
-- a model is retired from its day on
SET renderchain.clock = '2026-10-28 23:59:59+00';
SELECT refused('{"prompt": "x", "forceModel": "gemini-3.1-flash-image"}') AS the_day_before;
SET renderchain.clock = '2026-10-29 00:00:00+00';
SELECT refused('{"prompt": "x", "forceModel": "gemini-3.1-flash-image"}') LIKE 'RC004%' AS the_day;
RESET renderchain.clock;

-- chains and renders that do not exist
\set VERBOSITY default
SELECT renderchain.submit_render('{"prompt": "x", "chainId": "00000000-0000-0000-0000-0000000000ff"}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.submit_render('{"prompt": "x", "parentRenderId": "00000000-0000-0000-0000-0000000000ff"}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.submit_render('{"prompt": "x", "referenceRenderId": "00000000-0000-0000-0000-0000000000ff"}');
\echo :LAST_ERROR_SQLSTATE

-- positions count from 1 in every chain; nothing refused takes one
SELECT chain_id AS house FROM renderchain.submit_render('{"prompt": "1", "chainName": "h"}') \gset
SELECT chain_position FROM renderchain.submit_render('{"prompt": "2", "chainName": "h"}');
SELECT refused(jsonb_build_object('prompt', 'x', 'chainId', :'house', 'forceModel', 'none')) LIKE 'RC004%' AS refused;
BEGIN;
SELECT chain_position FROM renderchain.submit_render('{"prompt": "3", "chainName": "h"}');
ROLLBACK;
SELECT chain_position, chain_id = :'house' AS same FROM renderchain.submit_render(jsonb_build_object('prompt', '3', 'chainId', :'house'));
SELECT chain_position FROM renderchain.submit_render('{"prompt": "1", "chainName": "i"}');
-- with a parent alone a render joins its parent's chain; another chain may be named
SELECT id AS first FROM renders WHERE chain_id = :'house' AND chain_position = 1 \gset
SELECT chain_position, chain_id = :'house' AS same
FROM renderchain.submit_render(jsonb_build_object('prompt', 'branch', 'parentRenderId', :'first'));
SELECT chain_position, chain_id = :'house' AS same
FROM renderchain.submit_render(jsonb_build_object('prompt', 'branch', 'parentRenderId', :'first', 'chainName', 'j'));
-- a chain's name is looked for within the project
SELECT chain_position FROM renderchain.submit_render('{"prompt": "x", "chainName": "h", "projectId": "00000000-0000-0000-0000-00000000000b"}');
SELECT chain_position FROM renderchain.submit_render('{"prompt": "x", "chainName": "h", "projectId": "00000000-0000-0000-0000-00000000000b"}');
-- the chain's project is the render's
SELECT chain_position, r.project_id FROM renders r JOIN render_chains c ON c.id = r.chain_id
WHERE c.name = 'h' AND c.project_id IS NOT NULL ORDER BY 1;
INSERT INTO render_chains (name) VALUES ('twin'), ('twin');
SELECT renderchain.submit_render('{"prompt": "x", "chainName": "twin"}');
\echo :LAST_ERROR_SQLSTATE

-- one key, one render
SELECT render_id AS once FROM renderchain.submit_render('{"prompt": "k", "chainName": "h", "idempotencyKey": "key"}') \gset
SELECT render_id = :'once' AS same, chain_position, created
FROM renderchain.submit_render('{"idempotencyKey": "key", "chainName": "h", "prompt": "k", "quality": "standard", "style": null}');
\set VERBOSITY sqlstate
SELECT renderchain.submit_render('{"prompt": "k", "chainName": "h", "quality": "high", "idempotencyKey": "key"}');
\set VERBOSITY default
SELECT chain_position, created FROM renderchain.submit_render('{"prompt": "k", "chainName": "h", "idempotencyKey": "key2"}');
SELECT array_agg(chain_position ORDER BY chain_position) FROM renders WHERE chain_id = :'house';

-- one wake-up a render, none where the setting says so
SELECT pg_listening_channels();
LISTEN renderchain;
SET renderchain.notify = off;
SELECT created FROM renderchain.submit_render('{"prompt": "x"}');
RESET renderchain.notify;
UNLISTEN renderchain;
SELECT * FROM renderchain.check_ledger();

-- what no model makes is refused before anything is reserved
SELECT renderchain.load_models('{"models": [{"id": "wide", "provider": "narrow-minded", "kind": "video", "tier": "fast", "credits": 4,
    "qualities": ["standard"], "aspectRatios": ["16:9"]}]}') > 1 AS loaded;
SELECT created FROM renderchain.submit_render('{"prompt": "x", "type": "video", "provider": "narrow-minded", "aspectRatio": "16:9"}');
SELECT renderchain.submit_render('{"prompt": "x", "type": "video", "provider": "narrow-minded", "aspectRatio": "21:9"}');
\echo :LAST_ERROR_SQLSTATE

-- an application's own tables may ask for what a request may leave out
SET renderchain.schema = 't_submit_required';
SELECT renderchain.create_tables() LIKE 'schema t_submit_required: created %' AS made;
ALTER TABLE t_submit_required.renders ALTER project_id SET NOT NULL;
SELECT renderchain.create_tables() LIKE '% created nothing; %' AS attached;
\pset format unaligned
\pset tuples_only on
SELECT refused(v.request::jsonb) FROM (VALUES ('{"prompt": "x"}'), ('{"prompt": "x", "chainName": "without project"}'),
    ('{"prompt": "x", "chainName": "c", "projectId": "00000000-0000-0000-0000-00000000000b"}')) v (request);
-- the project of the chain will do
SELECT refused(jsonb_build_object('prompt', 'x', 'chainId', c.id)) FROM t_submit_required.render_chains c;
ALTER TABLE t_submit_required.render_chains ALTER project_id SET NOT NULL;
SELECT refused('{"prompt": "x", "chainName": "without project"}');
ALTER TABLE t_submit_required.renders ALTER project_id DROP NOT NULL, ALTER chain_id SET NOT NULL;
SELECT refused('{"prompt": "x"}');
SELECT (SELECT count(*) FROM t_submit_required.renders), (SELECT count(*) FROM t_submit_required.render_chains);
\pset format aligned
\pset tuples_only off

-- a session may read backslashes in strings as escapes
\c -
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET renderchain.schema = 't_submit';
SELECT attempt FROM renderchain.run_render('{"prompt": "x"}', 'w', '1 minute');
\set VERBOSITY default
SELECT renderchain.submit_render('{"prompt": "x", "type": "music"}');

-- at the end of time there is no deadline
SET renderchain.clock = '294276-12-31 23:59:00+00';
SELECT renderchain.submit_render('{"prompt": "a last house"}');
RESET renderchain.clock;
