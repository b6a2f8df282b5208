-- What the database of fill.sql answers; printed before and after it was dumped or upgraded.
-- renderchain.schema is that of the database, unless a part says otherwise.
\set QUIET on
SET renderchain.clock = '2026-11-23 12:00:30+00';
SET timezone = 'UTC';
SHOW renderchain.schema;

\echo # the extension and what belongs to it
SELECT extname, extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'renderchain';
SELECT d.classid::regclass::text, count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'renderchain'
  AND d.classid <> 'pg_type'::regclass GROUP BY 1 ORDER BY 1;
-- Where nothing is noted the rights are the usual ones; pg_upgrade does not write those out.
SELECT p.oid::regprocedure::text, a.grantee::regrole::text, a.privilege_type
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'renderchain'::regnamespace ORDER BY 1, 2, 3;

\echo # tables: every row, definition, comment and right
SELECT format('SELECT %L, count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C")) FROM %s t', c.oid::regclass, c.oid::regclass)
FROM pg_class c WHERE c.relnamespace::regnamespace::text IN ('"App 1"', 'attached') AND c.relkind IN ('r', 'v', 'm') ORDER BY 1 \gexec
-- From 17 on an owner's rights are one more.
SELECT c.oid::regclass::text, a.grantee::regrole::text, a.privilege_type
FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
WHERE c.relnamespace::regnamespace::text IN ('"App 1"', 'attached') AND c.relkind IN ('r', 'v', 'm', 'S')
  AND NOT (a.privilege_type = 'MAINTAIN' AND a.grantee = c.relowner) ORDER BY 1, 2, 3;
SELECT indexdef FROM pg_indexes WHERE schemaname IN ('App 1', 'attached') ORDER BY 1;
SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
-- 18 keeps NOT NULL here too
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace::regnamespace::text IN ('"App 1"', 'attached') AND contype <> 'n' ORDER BY 1, 2;
SELECT tgrelid::regclass::text, tgname, tgfoid::regproc, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;
SELECT classoid::regclass::text, description FROM pg_description WHERE description LIKE 'renderchain: %' ORDER BY 1, 2;
SELECT polrelid::regclass::text, polname, pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1, 2;

\echo # lookups
SELECT c.name, m.chain_position, m.prompt, m.memory FROM "App 1".render_chains c,
    LATERAL renderchain.get_latest_completed_render_with_memory(c.id) m ORDER BY 1;
SELECT c.name, renderchain.get_memory_from_chain(c.id) FROM "App 1".render_chains c ORDER BY 1;
SELECT m.chain_position, m.memory ->> 'materials' FROM renderchain.get_memories_from_chains(
    ARRAY(SELECT id FROM "App 1".render_chains ORDER BY name)) m;
SELECT prompt, renderchain.get_memory_from_render(id) ->> 'palette', renderchain.get_memory_from_ancestors(id) ->> 'palette',
    renderchain.get_render(id) FROM "App 1".renders ORDER BY prompt;
SELECT r.prompt, e.seq, e.stage, e.status, e.cost FROM "App 1".renders r, LATERAL renderchain.events_since(r.id, 0) e ORDER BY 1, 2;
SELECT renderchain.get_chain(renderchain.find_chain('villa'));
SELECT renderchain.get_models();
SELECT * FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000a');
SELECT problem FROM renderchain.check_ledger();
SELECT * FROM "App 1".kept_documents ORDER BY id;

\echo # the indexes are used
SET enable_seqscan = off;
CREATE FUNCTION pg_temp.plan_has(name text, query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan::text LIKE '%' || name || '%';
END $$;
SELECT pg_temp.plan_has('renders_chain_memory_idx', format($$SELECT context_data -> 'pipelineMemory' FROM %s.renders
    WHERE chain_id = gen_random_uuid() AND status::text = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object'
    ORDER BY chain_position DESC LIMIT 1$$, s)) FROM unnest('{"\"App 1\"",attached}'::text[]) s;
SELECT pg_temp.plan_has('kept_expression',
    $$SELECT FROM "App 1".renders WHERE renderchain.jsonb_merge_patch(settings, '{"quality": null}') = '{}'$$);
RESET enable_seqscan;

\echo # what changes something, as the role of a driver; undone at the end
BEGIN;
SELECT max(seq) AS last FROM "App 1".render_stages \gset
SELECT id AS first FROM "App 1".renders WHERE prompt = 'a villa' \gset
SELECT id AS running, chain_id AS other FROM "App 1".renders WHERE prompt = 'a branch' \gset
SELECT renderchain.create_tables();
SET ROLE kept_worker;
SELECT renderchain.save_memory(:'first', '{"materials": ["cork"], "palette": ["red"]}');
SELECT renderchain.merge_context(:'first', '{"note": null, "more": {"a": [1]}}');
SELECT renderchain.pin_memory(:'other', '{"geometry": {"perspective": "isometric"}}');
SELECT renderchain.unpin_memory(renderchain.find_chain('villa'), '{palette}');
SELECT held, cancelled FROM renderchain.extend_leases('kept', ARRAY[:'running'::uuid], '1 minute');
SELECT renderchain.record_stages(:'running', 1, '[{"stage": "image_generation", "status": "running"}]') > :last;
SELECT renderchain.complete_render(:'running', 1, '{"outputKey": "c.png", "memory": {"palette": ["green"]}}') ->> 'success';
SELECT request, attempt, chain_position, memory ->> 'palette', previous_output ->> 'key' FROM renderchain.claim_renders('kept', 9, '1 minute');
SELECT created, render_id = :'first' FROM renderchain.submit_render('{"prompt": "a villa", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a", "idempotencyKey": "first"}');
SELECT created, chain_position FROM renderchain.submit_render('{"prompt": "new", "chainName": "villa", "provider": "local",
    "userId": "00000000-0000-0000-0000-00000000000a"}');
SELECT renderchain.cancel_render(id) FROM "App 1".renders WHERE prompt = 'queued';
SELECT * FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000a');
SELECT kind, run, balance_delta, reserved_delta FROM "App 1".credit_entries ORDER BY id;
RESET ROLE;
SELECT problem FROM renderchain.check_ledger();
DELETE FROM "App 1".renders WHERE prompt = 'new';
SELECT * FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000a');
ROLLBACK;

\echo # the attached tables
BEGIN;
SET LOCAL renderchain.schema = 'attached';
SELECT renderchain.create_tables();
SELECT c.name, renderchain.get_memory_from_chain(c.id) FROM attached.render_chains c ORDER BY 1;
SET LOCAL ROLE kept_reader;
SELECT c.name, renderchain.get_memory_from_chain(c.id) FROM attached.render_chains c ORDER BY 1;
SELECT chain_position, created FROM renderchain.submit_render('{"prompt": "at night", "chainName": "tower"}');
ROLLBACK;
