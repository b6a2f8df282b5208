-- A session that has planned while its tables were empty finds rows by their keys when they are many
\set SHOW_CONTEXT never
SET renderchain.schema = 't_stages_of_many_plans';
SELECT renderchain.create_tables() LIKE 'schema t_stages_of_many_plans: created %' AS made;
SET search_path = t_stages_of_many_plans, public;
-- nobody else analyses them meanwhile
ALTER TABLE renders SET (autovacuum_enabled = off);
ALTER TABLE render_jobs SET (autovacuum_enabled = off);
ALTER TABLE render_stages SET (autovacuum_enabled = off);
ALTER TABLE credit_entries SET (autovacuum_enabled = off);
VACUUM ANALYZE renders, render_jobs, render_stages, credit_entries;
SELECT count(*) FROM renderchain.grant_credits('00000000-0000-0000-0000-000000000001', 1000000, 'test');
CREATE FUNCTION run(n integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('render', r.render_id, 'attempt', 1,
        'events', '[{"stage": "storage", "status": "running"}]'::jsonb, 'result', '{"outputKey": "k"}'::jsonb))
    FROM generate_series(1, n) i,
         renderchain.run_render(jsonb_build_object('prompt', 'p' || i, 'userId', '00000000-0000-0000-0000-000000000001'),
                                'w', '1 hour') r;
$$;
-- what is recorded of some renders is planned by now
SELECT count(*) FROM renderchain.record_stages(run(3));
INSERT INTO render_stages (render_id, started_at, attempt, stage, status, part)
SELECT (e ->> 'render')::uuid, now(), 1, 'validation', 'success', p::text
FROM jsonb_array_elements(run(400)) e, generate_series(1, 5) p;
-- rows that were looked at by indexes, less than there are in the tables
CREATE FUNCTION rows_read(renders jsonb, OUT tab text, OUT few boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    v_before jsonb := (SELECT jsonb_object_agg(t.relname, t.idx_tup_fetch) FROM pg_stat_xact_user_tables t
                       WHERE t.schemaname = 't_stages_of_many_plans');
BEGIN
    PERFORM renderchain.record_stages(renders);
    RETURN QUERY SELECT t.relname::text, t.idx_tup_fetch - (v_before ->> t.relname)::bigint < 200
    FROM pg_stat_xact_user_tables t
    WHERE t.schemaname = 't_stages_of_many_plans'
      AND t.relname IN ('renders', 'render_jobs', 'render_stages', 'credit_entries') ORDER BY t.relname;
END $$;
SELECT jsonb_agg(jsonb_build_object('render', j.render_id, 'attempt', 1, 'events',
    '[{"stage": "storage", "status": "success"}]'::jsonb, 'result', '{"outputKey": "k"}'::jsonb)) AS some
FROM (SELECT render_id FROM render_jobs WHERE state = 'running' LIMIT 8) j \gset
SELECT * FROM rows_read(:'some');
-- of a long list each is compared with each of at most 32: that many are written by a statement, all of them by one call
CREATE TABLE statements (tab text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_stages_of_many_plans.statements VALUES (TG_TABLE_NAME);
    RETURN NULL;
END $$;
SELECT run(100) AS many \gset
CREATE TRIGGER note AFTER INSERT ON render_stages EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON renders EXECUTE FUNCTION note();
-- one is named again at the end, one is another's by now
SELECT r.render_id = (:'many'::jsonb -> 70 ->> 'render')::uuid AS the_one, r.code
FROM renderchain.record_stages(jsonb_set(:'many', '{70,attempt}', '7') || jsonb_build_array(jsonb_set(:'many'::jsonb -> 0,
    '{events,0,status}', '"success"'))) r;
SELECT tab, count(*) FROM statements GROUP BY 1 ORDER BY 1;
SELECT r.status, s.status AS storage, count(*)
FROM jsonb_array_elements(:'many') m JOIN renders r ON r.id = (m ->> 'render')::uuid
LEFT JOIN render_stages s ON s.render_id = r.id AND s.stage = 'storage' GROUP BY 1, 2 ORDER BY 1, 2;
