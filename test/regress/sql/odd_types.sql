-- a role's own schema whose tables have columns of other types: ordinary errors, or values converted; never a crash
\set SHOW_CONTEXT never
-- a missing index is told of once a table
SET client_min_messages = error;
CREATE ROLE regress_odd_types;
CREATE SCHEMA t_odd AUTHORIZATION regress_odd_types;
GRANT USAGE ON SCHEMA renderchain TO regress_odd_types;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_odd_types;
SET ROLE regress_odd_types;
SET renderchain.schema = 't_odd';
SET search_path = t_odd, pg_catalog;
SET TimeZone = 'UTC';

-- how a statement ends; what it did is undone
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE SQLSTATE 'OK000';
EXCEPTION WHEN OTHERS THEN
    RETURN replace(SQLSTATE, 'OK000', 'ok');
END $$;

-- the tables with one column of another type, holding a value
CREATE FUNCTION with_column(tab text, col text, type text, value text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS renders, render_chains, memory_pins CASCADE;
    CREATE TABLE render_chains (id uuid);
    CREATE TABLE memory_pins (chain_id uuid PRIMARY KEY, pins jsonb);
    CREATE TABLE renders (id uuid, chain_id uuid, chain_position integer, type text, prompt text, output_url text, output_key text,
        status text, parent_render_id uuid, context_data jsonb, completed_at timestamptz, updated_at timestamptz);
    INSERT INTO render_chains VALUES ('00000000-0000-0000-0000-00000000000c');
    INSERT INTO memory_pins VALUES ('00000000-0000-0000-0000-00000000000c', '{"pinned": 1}');
    INSERT INTO renders VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c', 1, 'image', 'x', 'u', 'k',
        'completed', '00000000-0000-0000-0000-00000000000a', '{"pipelineMemory": {"m": 1}}', '2026-01-01', '2026-01-01');
    IF col IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE %s USING %L', tab, col, type, value);
    END IF;
    -- the indexes by which lookups go without the planner, where the types allow them
    BEGIN
        CREATE UNIQUE INDEX ON renders (id);
        CREATE INDEX ON renders (chain_id, chain_position DESC)
            WHERE status::text = 'completed' AND pg_catalog.jsonb_typeof(context_data -> 'pipelineMemory') = 'object';
    EXCEPTION WHEN OTHERS THEN
    END;
END $$;

CREATE FUNCTION statements() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT unnest(ARRAY[
        $s$get_latest_completed_render_with_memory('00000000-0000-0000-0000-00000000000c')$s$,
        $s$get_memory_from_chain('00000000-0000-0000-0000-00000000000c')$s$,
        $s$get_memory_from_render('00000000-0000-0000-0000-00000000000a')$s$,
        $s$get_memories_from_chains('{00000000-0000-0000-0000-00000000000c}')$s$,
        $s$get_memory_from_ancestors('00000000-0000-0000-0000-00000000000a')$s$,
        $s$save_memory('00000000-0000-0000-0000-00000000000a', '{"s": 1}')$s$,
        $s$merge_context('00000000-0000-0000-0000-00000000000a', '{"pipelineMemory": {"c": 1}}')$s$,
        $s$pin_memory('00000000-0000-0000-0000-00000000000c', '{"p": 1}')$s$,
        $s$unpin_memory('00000000-0000-0000-0000-00000000000c', '{a}')$s$])
$$;

-- every function on such tables
CREATE FUNCTION tried(tab text, col text, type text, value text, OUT called text, OUT answered text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE s text;
BEGIN
    PERFORM with_column(tab, col, type, value);
    FOR s IN SELECT * FROM statements() LOOP
        called := split_part(s, '(', 1);
        answered := answer('SELECT x::text FROM renderchain.' || s || ' x');
        RETURN NEXT;
    END LOOP;
END $$;

\pset format unaligned
\pset tuples_only on
SELECT * FROM tried(NULL, NULL, NULL, NULL);
SELECT format('%s.%s %s %s: ', v.tab, v.col, v.type, v.value),
       (SELECT string_agg(f.answered, ' ') FROM tried(v.tab, v.col, v.type, v.value) f) FROM (VALUES
    ('renders', 'id', 'integer', '7'), ('renders', 'id', 'text', 'x'), ('renders', 'id', 'uuid', NULL),
    ('renders', 'chain_id', 'integer', '7'), ('renders', 'chain_id', 'inet', '10.0.0.7'),
    ('renders', 'chain_position', 'boolean', 'true'), ('renders', 'chain_position', 'text', 'x'),
    ('renders', 'chain_position', 'bigint', '9000000000'),
    ('renders', 'status', 'integer', '7'), ('renders', 'type', 'integer', '7'), ('renders', 'prompt', 'bytea', '\x07'),
    ('renders', 'output_url', 'jsonb', '[]'), ('renders', 'completed_at', 'integer', '7'),
    ('renders', 'completed_at', 'date', '2026-01-01'), ('renders', 'updated_at', 'integer', '7'),
    ('renders', 'parent_render_id', 'integer', '7'), ('renders', 'parent_render_id', 'text', 'x'),
    ('renders', 'context_data', 'text', '{"pipelineMemory": {}}'), ('renders', 'context_data', 'json', '{"pipelineMemory": {}}'),
    ('renders', 'context_data', 'integer', '7'), ('renders', 'context_data', 'jsonb', '[{}]'),
    ('renders', 'context_data', 'jsonb', '7'),
    ('render_chains', 'id', 'integer', '7'),
    ('memory_pins', 'chain_id', 'integer', '7'),
    ('memory_pins', 'pins', 'text', 'x'), ('memory_pins', 'pins', 'integer', '7'), ('memory_pins', 'pins', 'jsonb', NULL),
    ('memory_pins', 'pins', 'jsonb', '7'), ('memory_pins', 'pins', 'jsonb', '["a", "b", {"c": 1}]')) AS v (tab, col, type, value);

-- columns whose types change under kept plans
SELECT with_column(NULL, NULL, NULL, NULL) \g /dev/null
SELECT renderchain.save_memory('00000000-0000-0000-0000-00000000000a', '{"s": 1}');
DROP INDEX renders_chain_id_chain_position_idx;
ALTER TABLE renders ALTER chain_id TYPE integer USING 7, ALTER parent_render_id TYPE integer USING 7, ALTER context_data TYPE text;
SELECT split_part(s, '(', 1), answer('SELECT x::text FROM renderchain.' || s || ' x') FROM statements() s;

RESET ROLE;
DROP SCHEMA t_odd CASCADE;
DROP OWNED BY regress_odd_types;
DROP ROLE regress_odd_types;
