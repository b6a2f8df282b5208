-- grant_access: what each level may do, and that nobody else may do anything
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_renderchain_nobody;
CREATE ROLE regress_renderchain_submit;
CREATE ROLE regress_renderchain_work;
CREATE ROLE regress_renderchain_admin;
RESET client_min_messages;
SET renderchain.schema = 't_access';
SELECT renderchain.create_tables() LIKE 'schema t_access: created %' AS made;
SELECT renderchain.grant_access('regress_renderchain_submit', 'submit');
SELECT renderchain.grant_access('regress_renderchain_work', 'work');
SELECT renderchain.grant_access('regress_renderchain_admin', 'admin');
SELECT renderchain.grant_access('regress_renderchain_admin', 'admin');
SELECT renderchain.grant_access('regress_renderchain_admin', 'owner');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.grant_access('regress_renderchain_admin', NULL);
SELECT renderchain.grant_access(NULL, 'admin');
SELECT renderchain.grant_access('-', 'admin');
\echo :LAST_ERROR_SQLSTATE
SET renderchain.schema = 't_access_nowhere';
SELECT renderchain.grant_access('regress_renderchain_admin', 'admin');
\echo :LAST_ERROR_SQLSTATE
SET renderchain.schema = 't_access';

-- PUBLIC: pure functions of JSON, nothing else
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'renderchain'::regnamespace
  AND has_function_privilege('regress_renderchain_nobody', p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'renderchain'::regnamespace AND p.prosecdef;
SELECT has_schema_privilege('regress_renderchain_nobody', 't_access', 'USAGE') AS schema;
-- public functions by the lowest level that has them
SELECT p.proname, CASE WHEN has_function_privilege('regress_renderchain_submit', p.oid, 'EXECUTE') THEN 'submit'
                       WHEN has_function_privilege('regress_renderchain_work', p.oid, 'EXECUTE') THEN 'work'
                       WHEN has_function_privilege('regress_renderchain_admin', p.oid, 'EXECUTE') THEN 'admin' ELSE 'none' END AS level
FROM pg_proc p WHERE p.pronamespace = 'renderchain'::regnamespace AND p.proname !~ '^_'
  AND NOT has_function_privilege('regress_renderchain_nobody', p.oid, 'EXECUTE') ORDER BY 2 DESC, 1;
SELECT c.relname,
       string_agg(CASE WHEN has_table_privilege('regress_renderchain_submit', c.oid, p.p) THEN left(p.p, 1) END, '' ORDER BY p.n) AS submit,
       string_agg(CASE WHEN has_table_privilege('regress_renderchain_work', c.oid, p.p) THEN left(p.p, 1) END, '' ORDER BY p.n) AS work,
       string_agg(CASE WHEN has_table_privilege('regress_renderchain_admin', c.oid, p.p) THEN left(p.p, 1) END, '' ORDER BY p.n) AS admin,
       string_agg(CASE WHEN has_table_privilege('regress_renderchain_nobody', c.oid, p.p) THEN left(p.p, 1) END, '' ORDER BY p.n) AS nobody
FROM pg_class c, (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE'), (5, 'TRUNCATE'), (6, 'REFERENCES')) p (n, p)
WHERE c.relnamespace = 't_access'::regnamespace AND c.relkind = 'r'
GROUP BY c.relname ORDER BY 1;

SET ROLE regress_renderchain_nobody;
SELECT renderchain.jsonb_merge_patch('{"a": 1}', '{"b": 2}');
SELECT renderchain.submit_render('{"prompt": "x"}');
SELECT * FROM renderchain.check_ledger();
RESET ROLE;

-- submit: submits, reads, cancels, tries again, pins
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000a', 50, 'test');
SET ROLE regress_renderchain_submit;
SELECT chain_position FROM renderchain.submit_render('{"prompt": "1", "chainName": "c", "idempotencyKey": "k", "userId": "00000000-0000-0000-0000-00000000000a"}');
SELECT renderchain.cancel_render(id) FROM t_access.renders;
SELECT renderchain.retry_render(id) FROM t_access.renders;
SELECT renderchain.get_render(id) #>> '{data,status}' AS status FROM t_access.renders;
SELECT renderchain.stage_events(id) FROM t_access.renders;
SELECT count(*) FROM t_access.renders, renderchain.events_since(id, 0);
SELECT * FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000a');
SELECT renderchain.pin_memory(id, '{"palette": ["navy"]}') FROM t_access.render_chains;
SELECT renderchain.get_memory_from_chain(id) FROM t_access.render_chains;
SELECT renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000a', 50, 'a gift to myself');
DELETE FROM t_access.renders;
RESET ROLE;

-- work: runs, and all of the above
SET ROLE regress_renderchain_work;
SELECT chain_position, attempt, memory FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT held FROM t_access.renders, renderchain.extend_leases('w', ARRAY[id], '1 minute');
SELECT renderchain.record_stages(id, 1, '[{"stage": "storage", "status": "running"}]') > 0 AS recorded FROM t_access.renders;
SELECT renderchain.register_objects(id, 1, '[{"key": "k", "backend": "file"}]') FROM t_access.renders;
SELECT renderchain.complete_render(id, 1, '{"outputUrl": "u", "objects": [{"key": "k", "backend": "file"}], "memory": {"palette": ["red"]},
    "stages": [{"stage": "storage", "status": "success"}]}') #> '{data,pipelineMemory}' AS memory FROM t_access.renders;
SELECT attempt FROM renderchain.run_render('{"prompt": "2", "chainName": "c", "userId": "00000000-0000-0000-0000-00000000000a"}', 'w', '1 minute');
SELECT renderchain.fail_render(id, 1, '{"message": "no"}', false) FROM t_access.renders WHERE prompt = '2';
SELECT status FROM renderchain.release_renders('w');
SELECT renderchain.expire_renders();
SELECT renderchain.purge();
SELECT renderchain.purge('1 day');
SELECT renderchain.load_models('{"models": []}');
RESET ROLE;

-- admin
SET ROLE regress_renderchain_admin;
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000b', 50, 'test');
SELECT renderchain.load_models('{"models": [{"id": "m", "provider": "p", "kind": "text", "tier": "pro"}]}') > 1 AS loaded;
SELECT renderchain.purge('0 seconds');
DELETE FROM t_access.renders WHERE prompt = '2';
SELECT * FROM renderchain.check_ledger();
UPDATE t_access.credit_entries SET amount = 0;
RESET ROLE;

-- of models these columns are read, all of them by any level
BEGIN;
REVOKE SELECT ON t_access.models FROM regress_renderchain_submit;
GRANT SELECT (id, provider, kind, tier, credits, retired, successor, definition) ON t_access.models TO regress_renderchain_submit;
SET ROLE regress_renderchain_submit;
SELECT jsonb_array_length(renderchain.get_models()) > 1 AS models, jsonb_array_length(renderchain.get_registry() -> 'models') > 1 AS registry;
SELECT created FROM renderchain.submit_render('{"prompt": "x"}');
SAVEPOINT before;
SELECT renderchain.submit_render('{"prompt": "x", "forceModel": "none"}');
ROLLBACK TO before;
SELECT renderchain.submit_render('{"prompt": "x", "provider": "nobody"}');
ROLLBACK;

-- row security holds: a tenant's back end sees and writes its own project only
ALTER TABLE t_access.renders ENABLE ROW LEVEL SECURITY;
ALTER TABLE t_access.render_chains ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON t_access.renders TO regress_renderchain_submit
    USING (project_id = '00000000-0000-0000-0000-00000000000b');
CREATE POLICY own ON t_access.render_chains TO regress_renderchain_submit
    USING (project_id = '00000000-0000-0000-0000-00000000000b');
SELECT id AS foreign_render, chain_id AS foreign_chain FROM t_access.renders WHERE prompt = '1' \gset
SET ROLE regress_renderchain_submit;
SELECT chain_position FROM renderchain.submit_render('{"prompt": "own", "chainName": "c", "projectId": "00000000-0000-0000-0000-00000000000b"}');
SELECT renderchain.submit_render('{"prompt": "x", "chainName": "c", "projectId": "00000000-0000-0000-0000-00000000000c"}');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT renderchain.get_render(:'foreign_render');
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'chainId', :'foreign_chain'));
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'parentRenderId', :'foreign_render'));
SELECT renderchain.pin_memory(:'foreign_chain', '{"palette": ["black"]}');
SELECT renderchain.cancel_render(:'foreign_render');
SELECT renderchain.retry_render(:'foreign_render');
\set VERBOSITY default
-- a key that was used for a render which it may not see
SELECT renderchain.submit_render('{"prompt": "own", "projectId": "00000000-0000-0000-0000-00000000000b", "idempotencyKey": "k"}');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM t_access.renders;
RESET ROLE;
-- of two chains that have a name and may be seen, the one that may be written is not taken silently
INSERT INTO t_access.render_chains (id, project_id, name, created_at, updated_at)
SELECT id, '00000000-0000-0000-0000-00000000000b', 'twice', now(), now()
FROM unnest('{00000000-0000-0000-0000-0000000000c1,00000000-0000-0000-0000-0000000000c2}'::uuid[]) AS id;
CREATE POLICY one ON t_access.render_chains AS RESTRICTIVE FOR UPDATE TO regress_renderchain_submit
    USING (id <> '00000000-0000-0000-0000-0000000000c1');
CREATE POLICY visible ON t_access.render_chains AS RESTRICTIVE FOR SELECT TO regress_renderchain_submit USING (true);
SET ROLE regress_renderchain_submit;
SELECT renderchain.submit_render('{"prompt": "x", "chainName": "twice", "projectId": "00000000-0000-0000-0000-00000000000b"}');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- what it may not see is no matter to it
ALTER POLICY visible ON t_access.render_chains USING (id <> '00000000-0000-0000-0000-0000000000c1');
BEGIN;
SET ROLE regress_renderchain_submit;
SELECT chain_id, chain_position FROM renderchain.submit_render('{"prompt": "x", "chainName": "twice", "projectId": "00000000-0000-0000-0000-00000000000b"}');
ROLLBACK;
DROP POLICY one ON t_access.render_chains;
DROP POLICY visible ON t_access.render_chains;
-- a worker under row security takes and changes what it may, and leaves alone the rest
CREATE POLICY seen ON t_access.renders FOR SELECT TO regress_renderchain_work USING (prompt <> 'hidden');
CREATE POLICY changed ON t_access.renders FOR UPDATE TO regress_renderchain_work USING (prompt NOT IN ('hidden', 'read only'));
CREATE POLICY seen ON t_access.render_chains TO regress_renderchain_work USING (true);
SELECT renderchain.cancel_render(id) FROM t_access.renders WHERE prompt = 'own';
SELECT count(*) FROM unnest('{own,hidden}'::text[]) p, renderchain.submit_render(jsonb_build_object('prompt', p));
SELECT id AS hidden FROM t_access.renders WHERE prompt = 'hidden' \gset
SET ROLE regress_renderchain_work;
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w', 10, '1 minute');
SELECT held, cancelled FROM renderchain.extend_leases('w', ARRAY[:'hidden']::uuid[], '1 minute');
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(:'hidden', 1, '[]');
SELECT renderchain.complete_render(:'hidden', 1, '{"outputUrl": "u"}');
SELECT renderchain.fail_render(:'hidden', 1, '{"message": "x"}', false);
SELECT renderchain.cancel_render(:'hidden');
RESET ROLE;
SELECT count(*) FROM renderchain.submit_render('{"prompt": "read only"}');
SELECT id AS read_only FROM t_access.renders WHERE prompt = 'read only' \gset
SET ROLE regress_renderchain_work;
SELECT renderchain.claim_renders('w', 10, '1 minute');
SELECT renderchain.cancel_render(:'read_only');
RESET ROLE;
UPDATE t_access.render_jobs SET state = 'running', attempt = 1, lease_owner = 'w', lease_until = deadline WHERE render_id = :'read_only';
SET ROLE regress_renderchain_work;
SELECT renderchain.complete_render(:'read_only', 1, '{"outputUrl": "u"}');
SELECT renderchain.fail_render(:'read_only', 1, '{"message": "x"}', true);
\set VERBOSITY default
RESET ROLE;
SELECT r.prompt, r.status, j.state FROM t_access.renders r JOIN t_access.render_jobs j ON j.render_id = r.id ORDER BY r.prompt, r.status;

SET client_min_messages = warning;

DROP SCHEMA t_access CASCADE;
DROP OWNED BY regress_renderchain_submit, regress_renderchain_work, regress_renderchain_admin, regress_renderchain_nobody;
DROP ROLE regress_renderchain_submit, regress_renderchain_work, regress_renderchain_admin, regress_renderchain_nobody;
