-- Lookups go through an index without the planner only where the planner could not
-- answer otherwise; at level debug1 the server says why it asks the planner.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT renderchain.create_tables('t_direct');
SET renderchain.schema = 't_direct';
SET search_path = t_direct, pg_catalog;
CREATE ROLE regress_direct_user;
GRANT USAGE ON SCHEMA renderchain, t_direct TO regress_direct_user;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_direct_user;
GRANT SELECT ON renders TO regress_direct_user;

-- chains a (memory at 1 and 2, none at 3), b (one render of another user), c (none)
\set a '00000000-0000-0000-0000-00000000000a'
\set b '00000000-0000-0000-0000-00000000000b'
\set c '00000000-0000-0000-0000-00000000000c'
INSERT INTO render_chains (id, name) VALUES (:'a', 'a'), (:'b', 'b'), (:'c', 'c');
INSERT INTO renders (id, user_id, prompt, chain_id, chain_position, status, context_data, completed_at) VALUES
    ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000001', 'a1', :'a', 1, 'completed', '{"pipelineMemory": {"m": "a1"}}', '2026-01-01'),
    ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000002', 'a2', :'a', 2, 'completed', '{"pipelineMemory": {"m": "a2"}}', '2026-01-02'),
    ('00000000-0000-0000-0000-0000000000a3', '00000000-0000-0000-0000-000000000001', 'a3', :'a', 3, 'completed', '{"pipelineMemory": ["none"]}', '2026-01-03'),
    ('00000000-0000-0000-0000-0000000000a4', '00000000-0000-0000-0000-000000000001', 'a4', :'a', 4, 'failed', '{"pipelineMemory": {"m": "a4"}}', NULL),
    ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-000000000002', 'b1', :'b', 1, 'completed', '{"pipelineMemory": {"m": "b1"}}', '2026-01-01'),
    ('00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-000000000002', 'b2', :'b', NULL, 'completed', '{"pipelineMemory": {"m": "b2"}}', '2026-01-01');

-- all lookups as one text; NULLs and repeated chains among the arguments
CREATE FUNCTION public.answers() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.concat_ws(E'\n',
        pg_catalog.concat_ws(' ', 'chain',
            coalesce(renderchain.get_memory_from_chain('00000000-0000-0000-0000-00000000000a') ->> 'm', '-'),
            coalesce(renderchain.get_memory_from_chain('00000000-0000-0000-0000-00000000000b') ->> 'm', '-'),
            coalesce(renderchain.get_memory_from_chain('00000000-0000-0000-0000-00000000000c') ->> 'm', '-')),
        pg_catalog.concat_ws(' ', 'render',
            coalesce(renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000a1') ->> 'm', '-'),
            coalesce(renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000a3') ->> 'm', '-'),
            coalesce(renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000a4') ->> 'm', '-'),
            coalesce(renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000ff') ->> 'm', '-')),
        'latest ' || (SELECT pg_catalog.concat_ws(' ', l.chain_position, l.prompt, l.context_data, l.memory, l.completed_at::date)
                      FROM renderchain.get_latest_completed_render_with_memory('00000000-0000-0000-0000-00000000000a') l),
        'chains ' || (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.right(m.chain_id::text, 2), pg_catalog.right(m.render_id::text, 2), m.chain_position, m.memory ->> 'm'), ', ')
                      FROM renderchain.get_memories_from_chains('{00000000-0000-0000-0000-00000000000b,NULL,00000000-0000-0000-0000-00000000000c,00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-00000000000b}') m))
$$;

-- the reason for asking the planner (nothing where it is not asked), and whether that gives the same answers
CREATE PROCEDURE public.compare() LANGUAGE plpgsql AS $$
DECLARE
    direct text;
    planned text;
BEGIN
    -- plans are made first, so that nothing else has anything to say at that level
    direct := public.answers();
    SET LOCAL client_min_messages = debug1;
    PERFORM renderchain.get_memory_from_chain('00000000-0000-0000-0000-00000000000a');
    SET LOCAL client_min_messages = warning;
    SET LOCAL renderchain.direct_scan = off;
    planned := public.answers();
    SET LOCAL renderchain.direct_scan = on;
    IF direct IS DISTINCT FROM planned THEN
        RAISE EXCEPTION 'not the same' USING DETAIL = pg_catalog.format(E'direct:\n%s\nplanned:\n%s', direct, planned);
    END IF;
END $$;
SELECT public.answers();
CALL public.compare();
SET renderchain.direct_scan = off;
CALL public.compare();
RESET renderchain.direct_scan;

-- what this transaction wrote, at every isolation level
BEGIN;
UPDATE renders SET status = 'failed' WHERE prompt = 'a2';
SELECT public.answers();
CALL public.compare();
SAVEPOINT s;
UPDATE renders SET chain_position = 9 WHERE prompt = 'a1';
DELETE FROM renders WHERE prompt = 'b1';
SELECT public.answers();
CALL public.compare();
ROLLBACK TO s;
CALL public.compare();
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO renders (prompt, chain_id, chain_position, status, context_data) VALUES ('c1', :'c', 1, 'completed', '{"pipelineMemory": {"m": "c1"}}');
CALL public.compare();
SELECT renderchain.get_memory_from_chain(:'c');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL public.compare();
ROLLBACK;
BEGIN READ ONLY;
CALL public.compare();
ROLLBACK;

-- a cursor that was opened before a change sees what was there then
BEGIN;
DECLARE before CURSOR FOR SELECT renderchain.get_memory_from_chain(:'a') FROM generate_series(1, 2);
FETCH 1 FROM before;
UPDATE renders SET context_data = '{"pipelineMemory": {"m": "new"}}' WHERE prompt = 'a2';
FETCH 1 FROM before;
SELECT renderchain.get_memory_from_chain(:'a');
ROLLBACK;

-- row-level security: not for the owner, for others the planner decides
ALTER TABLE renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON renders FOR SELECT TO regress_direct_user USING (user_id = '00000000-0000-0000-0000-000000000001');
CALL public.compare();
SET ROLE regress_direct_user;
CALL public.compare();
SELECT public.answers();
SET row_security = off;
SELECT renderchain.get_memory_from_chain(:'a');
RESET row_security;
RESET ROLE;
-- a security definer function reads as its owner
CREATE FUNCTION public.as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'SELECT public.answers()';
SET ROLE regress_direct_user;
SELECT public.as_owner() = public.answers() AS same;
RESET ROLE;
-- roles change within a statement, and each sees and changes what it may, whatever was found out or planned before
SET client_min_messages = warning;
CREATE ROLE regress_direct_other;
GRANT regress_direct_user, regress_direct_other TO CURRENT_USER;
GRANT USAGE ON SCHEMA renderchain, t_direct TO regress_direct_other;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_direct_other;
GRANT SELECT, UPDATE ON renders TO regress_direct_other;
GRANT UPDATE ON renders TO regress_direct_user;
GRANT SELECT ON memory_pins TO regress_direct_user, regress_direct_other;
CREATE POLICY own_update ON renders FOR UPDATE TO regress_direct_user USING (user_id = '00000000-0000-0000-0000-000000000001');
CREATE POLICY other ON renders TO regress_direct_other USING (user_id = '00000000-0000-0000-0000-000000000002');
CREATE FUNCTION public.memory_for(chain uuid) RETURNS text LANGUAGE sql VOLATILE
AS $$ SELECT coalesce(renderchain.get_memory_from_chain(chain) ->> 'm', '-') $$;
CREATE FUNCTION public.memory_for_user(chain uuid) RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT public.memory_for(chain) $$;
CREATE FUNCTION public.memory_for_other(chain uuid) RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT public.memory_for(chain) || public.memory_for_user(chain) || public.memory_for(chain) $$;
CREATE FUNCTION public.save_for_other(render uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN renderchain.save_memory(render, '{"saved": true}'); EXCEPTION WHEN SQLSTATE 'RC006' THEN RETURN 'no such render'; END $$;
ALTER FUNCTION public.memory_for_user(uuid) OWNER TO regress_direct_user;
ALTER FUNCTION public.memory_for_other(uuid) OWNER TO regress_direct_other;
ALTER FUNCTION public.save_for_other(uuid) OWNER TO regress_direct_other;
PREPARE mixed AS SELECT n, public.memory_for(:'a') AS mine, public.memory_for_other(:'a') AS other_user_other, public.memory_for_user(:'b') AS user_b,
    public.memory_for(:'b') AS mine_b, public.save_for_other('00000000-0000-0000-0000-0000000000a1') AS save_users,
    public.save_for_other('00000000-0000-0000-0000-0000000000b1') AS save_others FROM generate_series(1, 2) n;
EXECUTE mixed;
SET renderchain.direct_scan = off;
EXECUTE mixed;
SET ROLE regress_direct_user;
EXECUTE mixed;
SET renderchain.direct_scan = on;
EXECUTE mixed;
RESET ROLE;
EXECUTE mixed;
DEALLOCATE mixed;
DROP FUNCTION public.memory_for_user(uuid), public.memory_for_other(uuid), public.save_for_other(uuid), public.memory_for(uuid);
UPDATE renders SET context_data = '{"pipelineMemory": {"m": "b1"}}' WHERE prompt = 'b1';
DROP POLICY own_update ON renders;
DROP OWNED BY regress_direct_other;
DROP ROLE regress_direct_other;
ALTER TABLE renders FORCE ROW LEVEL SECURITY;
CALL public.compare();
ALTER TABLE renders NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- privileges on columns are the planner's matter; without any, both ways refuse
REVOKE SELECT ON renders FROM regress_direct_user;
GRANT SELECT (chain_id, chain_position, status, context_data) ON renders TO regress_direct_user;
SET ROLE regress_direct_user;
SET client_min_messages = debug1;
SELECT renderchain.get_memory_from_chain(:'a');
SELECT renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000a1');
SELECT * FROM renderchain.get_latest_completed_render_with_memory(:'a');
SELECT * FROM renderchain.get_memories_from_chains(ARRAY[:'a', :'b']::uuid[]);
RESET client_min_messages;
SET client_min_messages = warning;
RESET ROLE;
REVOKE SELECT (chain_id, chain_position, status, context_data) ON renders FROM regress_direct_user;
SET ROLE regress_direct_user;
SELECT renderchain.get_memory_from_chain(:'a');
SELECT renderchain.get_memory_from_render('00000000-0000-0000-0000-0000000000a1');
SELECT * FROM renderchain.get_latest_completed_render_with_memory(:'a');
SELECT * FROM renderchain.get_memories_from_chains(ARRAY[:'a']::uuid[]);
RESET ROLE;
GRANT SELECT ON renders TO regress_direct_user;
REVOKE USAGE ON SCHEMA t_direct FROM regress_direct_user;
SET ROLE regress_direct_user;
SELECT renderchain.get_memory_from_chain(:'a');
RESET ROLE;
GRANT USAGE ON SCHEMA t_direct TO regress_direct_user;

-- pins are read like lookups read, when memory is saved; at debug1 the server says why it asks the planner
GRANT SELECT, UPDATE ON renders TO regress_direct_user;
GRANT SELECT ON memory_pins TO regress_direct_user;
SELECT renderchain.pin_memory(:'b', '{"pinned": 1}');
CREATE PROCEDURE public.save() LANGUAGE plpgsql AS $$
DECLARE
    memory text;
BEGIN
    -- plans are made first, as in compare()
    PERFORM renderchain.save_memory('00000000-0000-0000-0000-0000000000b1', '{"pinned": 0}');
    SET LOCAL client_min_messages = debug1;
    memory := renderchain.save_memory('00000000-0000-0000-0000-0000000000b1', '{"pinned": 0}');
    RAISE NOTICE '%', memory;
END $$;
CALL public.save();
SET ROLE regress_direct_user;
CALL public.save();
RESET ROLE;
-- a user who may not see the pins of others is not bound by them
ALTER TABLE memory_pins ENABLE ROW LEVEL SECURITY;
CREATE POLICY hidden ON memory_pins FOR SELECT TO regress_direct_user USING (chain_id <> :'b');
CALL public.save();
SET ROLE regress_direct_user;
CALL public.save();
RESET ROLE;
ALTER TABLE memory_pins DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON memory_pins FROM regress_direct_user;
GRANT SELECT (chain_id, pins) ON memory_pins TO regress_direct_user;
SET ROLE regress_direct_user;
CALL public.save();
RESET ROLE;
REVOKE SELECT (chain_id, pins) ON memory_pins FROM regress_direct_user;
SET ROLE regress_direct_user;
CALL public.save();
RESET ROLE;
-- a value that is read as another type than it has would be read wrongly
ALTER TABLE memory_pins DROP CONSTRAINT memory_pins_pins_check, ALTER COLUMN pins TYPE text;
CALL public.save();
ALTER TABLE memory_pins ALTER COLUMN pins TYPE jsonb USING pins::jsonb;
CALL public.save();
ALTER TABLE memory_pins DROP CONSTRAINT memory_pins_pkey;
CALL public.save();
CREATE UNIQUE INDEX ON memory_pins (chain_id) WHERE chain_id <> '00000000-0000-0000-0000-00000000000b';
CALL public.save();
CREATE UNIQUE INDEX ON memory_pins (chain_id);
CALL public.save();
ALTER TABLE memory_pins RENAME TO old_pins;
CREATE VIEW memory_pins AS SELECT chain_id, pins || '{"view": true}' AS pins FROM old_pins;
CALL public.save();
DROP VIEW memory_pins;
CALL public.save();
ALTER TABLE old_pins RENAME TO memory_pins;
CALL public.save();
DROP PROCEDURE public.save();

-- the table changes while the session goes on
ALTER TABLE renders ADD COLUMN extra text DEFAULT 'x', DROP COLUMN settings;
CALL public.compare();
ALTER INDEX renders_chain_memory_idx RENAME TO other_name;
CALL public.compare();
ALTER TABLE renders ALTER COLUMN status TYPE varchar(20);
CALL public.compare();
ALTER TABLE renders ALTER COLUMN chain_position TYPE bigint;
CALL public.compare();
ALTER TABLE renders ALTER COLUMN chain_position TYPE integer;
CALL public.compare();
ALTER TABLE renders RENAME TO old_renders;
SELECT renderchain.get_memory_from_chain(:'a');
CREATE VIEW renders AS SELECT * FROM old_renders;
CALL public.compare();
DROP VIEW renders;
ALTER TABLE old_renders RENAME TO renders;
CALL public.compare();
SELECT public.answers();

-- without its index a lookup still answers, and says once what is missing
DROP INDEX other_name;
CALL public.compare();
CALL public.compare();
-- an index that is not the one that is needed
CREATE INDEX almost ON renders (chain_id, chain_position DESC)
    WHERE status::text = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'array';
CALL public.compare();
DROP INDEX almost;
CREATE INDEX almost ON renders (chain_id, chain_position DESC) WHERE status::text = 'completed';
CALL public.compare();
-- one that compares otherwise than the query does
CREATE INDEX otherwise ON renders (chain_id, chain_position DESC)
    WHERE status COLLATE "C" = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object';
CALL public.compare();
DROP INDEX otherwise;
CREATE INDEX otherwise ON renders (chain_id, chain_position DESC)
    WHERE status::text = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') COLLATE "C" = 'object';
CALL public.compare();
DROP INDEX otherwise;
CREATE INDEX otherwise ON renders (chain_id, chain_position DESC)
    WHERE status::text = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object' COLLATE "C";
CALL public.compare();
DROP INDEX otherwise;
-- invalid, as a failed CREATE INDEX CONCURRENTLY leaves it
CREATE INDEX ascending ON renders (chain_id, chain_position)
    WHERE jsonb_typeof(context_data -> 'pipelineMemory') = 'object' AND status::text = 'completed';
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_direct.ascending'::regclass;
CALL public.compare();
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 't_direct.ascending'::regclass;
ALTER TABLE renders SET (fillfactor = 80);
-- the other way round, and clauses in the other order
CALL public.compare();
SELECT public.answers();

-- inherited, and no longer so
CREATE TABLE child () INHERITS (renders);
INSERT INTO child (prompt, chain_id, chain_position, status, context_data) VALUES ('c1', :'c', 1, 'completed', '{"pipelineMemory": {"m": "child"}}');
CALL public.compare();
SELECT renderchain.get_memory_from_chain(:'c');
DROP TABLE child;

-- distributed by Citus, as far as can be told by its catalog
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass NOT NULL);
ALTER TABLE renders SET (fillfactor = 90);
CALL public.compare();
INSERT INTO pg_catalog.pg_dist_partition VALUES ('t_direct.renders');
ALTER TABLE renders SET (fillfactor = 100);
CALL public.compare();
DROP TABLE pg_catalog.pg_dist_partition;
RESET allow_system_table_mods;
ALTER TABLE renders RESET (fillfactor);
CALL public.compare();

-- partitioned
ALTER TABLE renders RENAME TO old_renders;
CREATE TABLE renders (LIKE old_renders) PARTITION BY HASH (chain_id);
CREATE TABLE renders_0 PARTITION OF renders FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE renders_1 PARTITION OF renders FOR VALUES WITH (modulus 2, remainder 1);
INSERT INTO renders SELECT * FROM old_renders;
CALL public.compare();
CREATE INDEX ON renders (chain_id, chain_position DESC)
    WHERE status::text = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object';
CALL public.compare();
SELECT public.answers();
-- dropped and made again
DROP TABLE renders;
SELECT renderchain.get_memory_from_chain(:'a');
CREATE TEMP TABLE renders (LIKE old_renders INCLUDING INDEXES);
SELECT renderchain.get_memory_from_chain(:'a');
CREATE TABLE t_direct.renders (LIKE t_direct.old_renders INCLUDING INDEXES);
INSERT INTO t_direct.renders SELECT * FROM t_direct.old_renders;
CALL public.compare();
SELECT public.answers();

-- parallel workers read as their leader does
ALTER TABLE t_direct.old_renders SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT string_agg(DISTINCT renderchain.get_memory_from_chain(o.chain_id) ->> 'm', ', ') FROM t_direct.old_renders o;

DROP PROCEDURE public.compare();
DROP FUNCTION public.as_owner(), public.answers();
DROP SCHEMA t_direct CASCADE;
REVOKE ALL ON SCHEMA renderchain FROM regress_direct_user;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA renderchain FROM regress_direct_user;
DROP ROLE regress_direct_user;
