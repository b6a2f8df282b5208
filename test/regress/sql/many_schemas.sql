-- a session that looks up in more schemas than it remembers, also while it is finding out about one of them: an
-- index of the hostile schema calls a function that looks up everywhere else
\set SHOW_CONTEXT never
SET client_min_messages = error;
CREATE ROLE regress_many;
GRANT USAGE ON SCHEMA renderchain TO regress_many;
GRANT EXECUTE ON FUNCTION renderchain.get_memory_from_render(uuid), renderchain.get_memory_from_chain(uuid) TO regress_many;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_many', current_database()); END $$;
SET ROLE regress_many;
DO $$
BEGIN
    FOR i IN 1..600 LOOP
        EXECUTE format('CREATE SCHEMA t_many_%s', i);
        EXECUTE format('CREATE TABLE t_many_%s.renders (id uuid UNIQUE, context_data jsonb, chain_id uuid, chain_position integer, status text)', i);
    END LOOP;
END $$;
CREATE SCHEMA t_many;
CREATE TABLE t_many.renders (id uuid, filler bigint, more_filler bigint, context_data jsonb, chain_id uuid, chain_position integer, status text);
CREATE FUNCTION t_many.look_everywhere(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF pg_catalog.current_setting('t_many.armed', true) = 'on' THEN
        PERFORM pg_catalog.set_config('t_many.armed', 'off', false);
        FOR i IN 1..1200 LOOP
            PERFORM pg_catalog.set_config('renderchain.schema', 't_many_' || (i % 600 + 1), false);
            PERFORM renderchain.get_memory_from_render('00000000-0000-0000-0000-000000000001');
        END LOOP;
        PERFORM pg_catalog.set_config('renderchain.schema', 't_many', false);
    END IF;
    RETURN true;
END $$;
CREATE INDEX ON t_many.renders (chain_id, chain_position) WHERE t_many.look_everywhere(1);
ALTER TABLE t_many.renders ADD UNIQUE (id);
INSERT INTO t_many.renders VALUES ('00000000-0000-0000-0000-000000000001', 3735928559, 3735928559, '{"pipelineMemory": {"a": 1}}',
    '00000000-0000-0000-0000-000000000001', 1, 'completed');
\c -
SET client_min_messages = error;
SET ROLE regress_many;
SET t_many.armed = on;
SET renderchain.schema = t_many;
SELECT renderchain.get_memory_from_render('00000000-0000-0000-0000-000000000001');
SELECT current_setting('t_many.armed') AS looked_everywhere;
SELECT renderchain.get_memory_from_render('00000000-0000-0000-0000-000000000001');
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');

-- what a session remembers has an end: after very many tables it warns again of one that lacks an index, and it has
-- no more plans than it may (by what each of them is for: schemas and queries)
CREATE PROCEDURE t_many.look_up(a integer, b integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN a..b LOOP
        PERFORM pg_catalog.set_config('renderchain.schema', 't_many_' || i, false);
        PERFORM renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
    END LOOP;
END $$;
\c -
SET client_min_messages = warning;
SET ROLE regress_many;
CALL t_many.look_up(1, 1);
CALL t_many.look_up(1, 1);
SET client_min_messages = error;
CALL t_many.look_up(2, 600);
SET client_min_messages = warning;
CALL t_many.look_up(1, 1);
SET client_min_messages = error;
RESET ROLE;
SELECT count(*) BETWEEN 1 AND 512 AS bounded FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND ident LIKE '%FROM t\_many%';
DO $$ BEGIN FOR i IN 1..600 LOOP EXECUTE format('DROP SCHEMA t_many_%s CASCADE', i); END LOOP; END $$;
DROP SCHEMA t_many CASCADE;
RESET ROLE;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_many', current_database()); END $$;
REVOKE ALL ON SCHEMA renderchain FROM regress_many;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA renderchain FROM regress_many;
DROP ROLE regress_many;
