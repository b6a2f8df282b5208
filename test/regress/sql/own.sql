-- tokens, and what servers do for users: what is somebody else's does not exist
\set SHOW_CONTEXT never
SET renderchain.schema = 't_own';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET timezone = 'UTC';
SELECT renderchain.create_tables() LIKE 'schema t_own: created %' AS made;
SET search_path = t_own, public;
\set a '00000000-0000-0000-0000-00000000000a'
\set b '00000000-0000-0000-0000-00000000000b'
CREATE FUNCTION hash(t text) RETURNS text LANGUAGE sql AS $$ SELECT encode(sha256(convert_to(t, 'UTF8')), 'hex') $$;

-- tokens
SELECT renderchain.create_token(hash('one'), :'a', 'write', 'first');
SELECT renderchain.create_token(hash('two'), :'b', 'read', 'second', '1 hour');
SELECT * FROM renderchain.check_token(hash('one'));
SELECT * FROM renderchain.check_token(hash('two'));
SELECT * FROM renderchain.check_token(hash('three'));
SELECT * FROM renderchain.check_token('one');
SET renderchain.clock = '2026-11-23 13:00:00+00';
SELECT * FROM renderchain.check_token(hash('two'));
SELECT renderchain.revoke_token(left(hash('one'), 12)), renderchain.revoke_token(left(hash('one'), 12)) AS again;
SELECT * FROM renderchain.check_token(hash('one'));
SELECT jsonb_pretty(renderchain.list_tokens());
SELECT renderchain.create_token('one', :'a', 'write', 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.create_token(hash('x'), :'a', 'owner', 'x');
SELECT renderchain.create_token(hash('x'), NULL, 'read', 'x');
SELECT renderchain.create_token(hash('x'), :'a', 'read', '');
SELECT renderchain.create_token(hash('x'), :'a', 'read', 'x', '-1 hour');
SELECT renderchain.create_token(hash('one'), :'a', 'read', 'x');
SELECT renderchain.revoke_token('abc');

-- submitting: each user has chains of his own, whatever their names
SELECT renderchain.submit_own('{"prompt": "a1", "chainName": "villa", "idempotencyKey": "k"}', :'a') AS a1 \gset
SELECT renderchain.submit_own('{"prompt": "a1", "chainName": "villa", "idempotencyKey": "k"}', :'a')::jsonb = :'a1'::jsonb || '{"created": false}' AS same;
SELECT renderchain.submit_own('{"prompt": "b1", "chainName": "villa", "idempotencyKey": "k"}', :'b') AS b1 \gset
SELECT renderchain.submit_own('{"prompt": "a2", "chainName": "villa"}', :'a') AS a2 \gset
SELECT :'a1'::jsonb -> 'chainId' = :'a2'::jsonb -> 'chainId' AS same, :'a1'::jsonb -> 'chainId' <> :'b1'::jsonb -> 'chainId' AS other, :'a2'::jsonb -> 'chainPosition' AS position;
SELECT prompt, right(user_id::text, 1) AS "user", chain_position FROM renders ORDER BY prompt;
SELECT c ->> 'name' AS name, c -> 'renders' AS renders FROM jsonb_array_elements(renderchain.list_own_chains(:'a')) c;
SELECT count(*) FROM jsonb_array_elements(renderchain.list_own_chains(NULL)) c;
SELECT renderchain.list_own_chains(:'a', 0);

-- what is another's
\set QUIET on
SELECT :'a1'::jsonb ->> 'renderId' AS render, :'a1'::jsonb ->> 'chainId' AS chain, :'b1'::jsonb ->> 'chainId' AS theirs \gset
\set QUIET off
SELECT renderchain.own_render(:'render', :'a') = :'render' AS own, renderchain.own_chain(:'chain', :'a') = :'chain' AS chain,
       renderchain.own_render(:'render', NULL) IS NOT NULL AS operator, renderchain.own_chain(:'chain', NULL) IS NOT NULL AS operators;
\set VERBOSITY sqlstate
SELECT renderchain.own_render(:'render', :'b');
SELECT renderchain.own_chain(:'chain', :'b');
SELECT renderchain.own_render(gen_random_uuid(), NULL);
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'chainId', :'chain'), :'b');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'parentRenderId', :'render'), :'b');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'referenceRenderId', :'render'), :'b');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'chainId', replace(:'chain', '-', '')), :'b');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'parentRenderId', '{' || :'render' || '}'), :'b');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'parentRenderId', jsonb_build_array(:'render')), :'b');
-- a chain that is shared is nobody's
SELECT count(*) FROM renderchain.submit_render(jsonb_build_object('prompt', 'shared', 'chainId', :'theirs', 'userId', :'a'));
SELECT renderchain.own_chain(:'theirs', :'a');
SELECT renderchain.own_chain(:'theirs', :'b');
-- objects
INSERT INTO stored_objects (key, backend, render_id, mime, bytes, state, created_at, updated_at)
VALUES ('k1', 'file', :'render', 'image/png', 3, 'live', now(), now()), ('k2', 'file', :'render', 'image/png', 3, 'doomed', now(), now());
SELECT renderchain.own_object('k1', :'a');
SELECT renderchain.own_object('k1', NULL) IS NOT NULL AS operator;
SELECT renderchain.own_object('k1', :'b');
SELECT renderchain.own_object('k2', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "references": [{"key": "k1"}]}', :'b');
SELECT renderchain.submit_own('{"prompt": "x", "style": {"key": "k1"}}', :'b');
SELECT renderchain.submit_own('{"prompt": "x", "references": [{"path": "/etc/passwd"}]}', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "mask": {"path": "/etc/passwd"}}', :'a');
-- a text is a path, too
SELECT renderchain.submit_own('{"prompt": "x", "style": "/etc/passwd"}', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "lastFrame": "photo.png", "type": "video"}', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "references": ["/etc/passwd"]}', :'a');
-- a chainId of null is none, and no way into another's chain
SELECT renderchain.submit_own('{"prompt": "mine", "chainName": "of a only", "chainId": null}', :'a') AS mine \gset
SELECT renderchain.submit_own('{"prompt": "theirs", "chainName": "of a only", "chainId": null}', :'b')::jsonb -> 'chainId' = :'mine'::jsonb -> 'chainId' AS intruded;
-- a chain's name is no longer than elsewhere
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'chainName', repeat('x', 201)), :'a');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'chainName', E' \t'), :'a');
-- one that was uploaded with the request is nobody's yet
SELECT renderchain.register_inputs('00000000-0000-0000-0000-0000000000cc', '[{"key": "up-00000000-0000-0000-0000-0000000000cc", "backend": "file"}]');
SELECT renderchain.submit_own('{"prompt": "up", "references": [{"key": "up-00000000-0000-0000-0000-0000000000cc"}]}', :'b');
SELECT renderchain.submit_own('{"prompt": "up", "references": [{"key": "up-00000000-0000-0000-0000-0000000000cc"}]}', :'b', '{up-00000000-0000-0000-0000-0000000000cc}') -> 'created' AS created;
SELECT renderchain.submit_own('{"prompt": "x", "references": [{"key": "k1"}]}', :'b', '{up}');
SELECT renderchain.submit_own('{"prompt": "x", "references": [{"key": "k1"}]}', :'b', NULL);
-- what users do not say
SELECT renderchain.submit_own('{"prompt": "x", "userId": "00000000-0000-0000-0000-00000000000b"}', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "priority": 9}', :'a');
SELECT renderchain.submit_own('{"prompt": "x", "projectId": null}', :'a');
SELECT renderchain.submit_own('[]', :'a');
SELECT renderchain.submit_own('{"prompt": "x"}', NULL);
SELECT renderchain.submit_own('{"prompt": ""}', :'a');
SELECT renderchain.submit_own(jsonb_build_object('prompt', 'x', 'idempotencyKey', repeat('x', 161)), :'a');
SELECT count(*) FROM renders;
