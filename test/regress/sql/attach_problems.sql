-- tables that do not fit: everything is said in one error, and the statements it gives mend all of it
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- call create_tables and run what the error says until there is none
CREATE FUNCTION mended(schema text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_said text;
    v_problems text;
    v_remedies text;
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            RETURN NEXT regexp_replace(renderchain.create_tables(schema), 'created.*found', 'found');
            RETURN;
        EXCEPTION WHEN SQLSTATE 'RC008' THEN
            GET STACKED DIAGNOSTICS v_said = MESSAGE_TEXT, v_problems = PG_EXCEPTION_DETAIL, v_remedies = PG_EXCEPTION_HINT;
        END;
        RETURN NEXT v_said;
        RETURN QUERY SELECT '  ' || p FROM regexp_split_to_table(v_problems, E'\n') p;
        RETURN QUERY SELECT '    ' || r FROM regexp_split_to_table(v_remedies, E'\n') r;
        EXECUTE v_remedies;
    END LOOP;
END $$;

-- ids and status of other types, tied by keys and with defaults; columns that fill themselves; rules that refuse
CREATE SCHEMA p_all;
SET search_path = p_all, public;
CREATE TYPE render_status AS ENUM ('pending', 'processing', 'completed', 'failed', 'cancelled');
CREATE UNLOGGED TABLE render_chains (id text PRIMARY KEY DEFAULT gen_random_uuid()::text, project_id varchar(36), name text NOT NULL,
    description text NOT NULL, created_at date NOT NULL DEFAULT current_date, updated_at timestamp);
CREATE UNLOGGED TABLE renders (id text PRIMARY KEY, project_id uuid, user_id uuid, type char(5), prompt text,
    settings json DEFAULT '{}', output_url text NOT NULL, output_key text GENERATED ALWAYS AS ('key/' || id) STORED,
    status render_status NOT NULL DEFAULT 'pending', error_message varchar(200), processing_time text DEFAULT '0',
    credits_cost numeric(6, 2), priority integer GENERATED ALWAYS AS IDENTITY,
    parent_render_id text CONSTRAINT renders_parent_fkey REFERENCES renders ON DELETE SET NULL,
    chain_id text CONSTRAINT "Chain Key" REFERENCES render_chains (id) DEFERRABLE, chain_position smallint NOT NULL,
    reference_render_id text, context_data json, metadata jsonb, started_at timestamptz,
    completed_at timestamp, created_at timestamptz, updated_at timestamptz, tenant integer NOT NULL);
ALTER TABLE renders ADD FOREIGN KEY (reference_render_id) REFERENCES renders NOT VALID;
INSERT INTO render_chains VALUES ('00000000-0000-0000-0000-0000000000c1', NULL, 'old', 'd');
INSERT INTO renders (id, type, prompt, output_url, status, chain_id, chain_position, context_data, tenant, processing_time, parent_render_id)
VALUES ('00000000-0000-0000-0000-000000000001', 'image', 'one', 'u1', 'completed', '00000000-0000-0000-0000-0000000000c1', 1,
        '{"pipelineMemory": {"palette": ["navy"]}}', 1, '7', NULL),
       ('00000000-0000-0000-0000-000000000002', 'image', 'two', 'u2', 'failed', '00000000-0000-0000-0000-0000000000c1', 1, NULL, 1, '8',
        '00000000-0000-0000-0000-000000000001'),
       ('00000000-0000-0000-0000-000000000003', 'video', 'three', 'u3', 'failed', NULL, 0, NULL, 1, DEFAULT, NULL);
SELECT problem FROM renderchain.check_tables('p_all') WHERE problem NOT LIKE '%no index%' LIMIT 3;
SELECT * FROM mended('p_all');
SELECT id, type, status, processing_time, output_key, chain_position, parent_render_id FROM renders ORDER BY id;
SELECT attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
WHERE adrelid IN ('renders'::regclass, 'render_chains'::regclass) ORDER BY adrelid, adnum;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'renders'::regclass AND contype = 'f' ORDER BY conname;
SET renderchain.schema = 'p_all';
SELECT chain_position, memory FROM renderchain.run_render('{"prompt": "x", "chainId": "00000000-0000-0000-0000-0000000000c1"}', 'w', '1 minute');
SELECT chain_id IS NULL AS no_chain FROM renderchain.submit_render('{"prompt": "y"}');
SELECT renderchain.cancel_render(id) FROM renders WHERE prompt = 'y';
RESET renderchain.schema;

-- for use below
ALTER TABLE renders ALTER priority DROP NOT NULL;

-- a check that knows no 'cancelled' would keep every cancelled render running for ever; others are none of our business
CREATE SCHEMA p_rules;
SET search_path = p_rules, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE p_all.renders INCLUDING ALL, CONSTRAINT known CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT all_known CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled', 'archived')),
    CONSTRAINT never CHECK (status <> 'never'), CONSTRAINT kinds CHECK (type IN ('image')));
INSERT INTO renders (id, prompt, status) VALUES ('00000000-0000-0000-0000-000000000001', 'one', 'completed');
ALTER TABLE renders DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (status IN ('pending', 'failed', 'archived', 'processing')) NOT VALID;
SELECT * FROM mended('p_rules');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'renders'::regclass AND contype = 'c' ORDER BY conname;
SET renderchain.schema = 'p_rules';
SELECT chain_position FROM renderchain.submit_render('{"prompt": "x"}');
SELECT renderchain.cancel_render(id) FROM renders WHERE prompt = 'x';
RESET renderchain.schema;

-- positions: rows of chains that have none twice are left alone, and so are rows without one
CREATE SCHEMA p_twice;
SET search_path = p_twice, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE p_all.renders INCLUDING DEFAULTS, PRIMARY KEY (id));
INSERT INTO renders (id, chain_id, chain_position, created_at)
SELECT ('00000000-0000-0000-0000-0000000000' || v.i)::uuid, ('00000000-0000-0000-0000-0000000000' || v.c)::uuid, v.p, '2026-01-01'::timestamptz - v.i * '1 day'::interval
FROM (VALUES (11, 'c1', 0), (12, 'c1', 5), (13, 'c1', 5), (14, 'c1', 9), (15, 'c1', NULL), (21, 'c2', 3), (22, 'c2', 8), (31, NULL, NULL), (32, NULL, NULL)) v (i, c, p);
CREATE TEMP TABLE before AS SELECT id, xmin::text AS version FROM renders;
SELECT * FROM mended('p_twice');
SELECT right(r.id::text, 2) AS id, right(r.chain_id::text, 2) AS chain, r.chain_position, r.xmin::text <> b.version AS written
FROM renders r JOIN before b USING (id) ORDER BY 1;

-- indexes that do not serve: one whose building has failed, and others under our names
CREATE SCHEMA p_index;
SET search_path = p_index, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING DEFAULTS, PRIMARY KEY (id));
CREATE TABLE renders (LIKE p_all.renders INCLUDING DEFAULTS, PRIMARY KEY (id));
INSERT INTO renders (id, chain_id, chain_position) SELECT gen_random_uuid(), '00000000-0000-0000-0000-0000000000c1', 1 FROM generate_series(1, 2);
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY renders_chain_id_chain_position_key ON renders (chain_id, chain_position);
\set VERBOSITY default
CREATE INDEX renders_chain_memory_idx ON renders (chain_id, chain_position DESC) WHERE status = 'completed';
CREATE INDEX renders_parent_render_id_idx ON renders (parent_render_id) WHERE chain_id IS NULL;
CREATE INDEX renders_reference_render_id_idx ON renders USING hash (reference_render_id);
CREATE INDEX by_name ON render_chains (name text_pattern_ops);
CREATE INDEX by_name_otherwise ON render_chains (name COLLATE "POSIX");
CREATE INDEX by_memory ON renders (chain_id, chain_position DESC) WHERE status = '( completed)' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object';
CREATE TABLE render_chains_name_idx ();
SELECT renderchain.create_tables('p_index');
SELECT problem, remedy FROM renderchain.check_tables('p_index');
DELETE FROM renders;
SELECT remedy FROM renderchain.check_tables('p_index') LIMIT 2 \gexec
-- whoever has a large table hears what will take long
BEGIN;
SET LOCAL client_min_messages = notice;
UPDATE pg_class SET reltuples = 10000000 WHERE oid = 'renders'::regclass;
SELECT renderchain.create_tables('p_index') IS NOT NULL AS made;
ROLLBACK;
SELECT renderchain.create_tables('p_index');
SELECT count(*) FROM renderchain.check_tables('p_index');

-- what is no table, or none that keys can refer to
CREATE SCHEMA p_kinds;
SET search_path = p_kinds, public;
CREATE FOREIGN DATA WRAPPER regress_renderchain_nothing;
CREATE SERVER regress_renderchain_nowhere FOREIGN DATA WRAPPER regress_renderchain_nothing;
CREATE FOREIGN TABLE renders (id uuid) SERVER regress_renderchain_nowhere;
CREATE VIEW render_chains AS SELECT 1;
CREATE MATERIALIZED VIEW models AS SELECT 1;
CREATE SEQUENCE memory_pins;
CREATE TYPE render_jobs AS (a integer);
CREATE TABLE other (id integer);
CREATE INDEX render_stages ON other (id);
SELECT * FROM mended('p_kinds');
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'p_kinds'::regnamespace AND relname LIKE '%\_old' ORDER BY 1;

-- one tenant's tables inherit from or are attached to others': only rows of the table itself are run
CREATE SCHEMA p_inherit;
SET search_path = p_inherit, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE p_all.renders INCLUDING ALL);
CREATE TABLE renders_archive () INHERITS (renders);
INSERT INTO renders_archive (id, status, chain_id, chain_position, context_data)
VALUES ('00000000-0000-0000-0000-000000000001', 'completed', '00000000-0000-0000-0000-0000000000c1', 4, '{"pipelineMemory": {"palette": ["navy"]}}');
INSERT INTO render_chains (id, name) VALUES ('00000000-0000-0000-0000-0000000000c1', 'c');
SELECT * FROM mended('p_inherit');
SET renderchain.schema = 'p_inherit';
SELECT chain_position, memory FROM renderchain.run_render('{"prompt": "x", "chainId": "00000000-0000-0000-0000-0000000000c1"}', 'w', '1 minute');
RESET renderchain.schema;

-- partitioned by id: attached, with a plain index in place of the unique one. By anything else: id cannot be unique
CREATE SCHEMA p_parts;
SET search_path = p_parts, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE render_chains_0 PARTITION OF render_chains FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE renders (LIKE p_all.renders INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE renders_0 PARTITION OF renders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE renders_1 PARTITION OF renders FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- as many rows as they say, not twice as many
BEGIN;
SET LOCAL client_min_messages = notice;
INSERT INTO renders (id) SELECT gen_random_uuid() FROM generate_series(1, 100);
ANALYZE renders;
UPDATE pg_class SET reltuples = reltuples * 12000 WHERE oid IN ('renders'::regclass, 'renders_0'::regclass, 'renders_1'::regclass);
\set VERBOSITY terse
SELECT renderchain.create_tables('p_parts') IS NOT NULL AS made;
\set VERBOSITY default
ROLLBACK;
SELECT remedy FROM renderchain.check_tables('p_parts') \gexec
CREATE TEMP TABLE beforehand AS SELECT indexrelid FROM pg_index WHERE indrelid IN ('renders_0'::regclass, 'renders_1'::regclass);
SELECT * FROM mended('p_parts');
-- what was built on the partitions has been adopted, and nothing else built there
SELECT p.inhparent::regclass, count(*), count(b.indexrelid) AS adopted
FROM pg_index i JOIN pg_inherits p ON p.inhrelid = i.indexrelid LEFT JOIN beforehand b USING (indexrelid)
WHERE i.indrelid IN ('renders_0'::regclass, 'renders_1'::regclass) GROUP BY 1 ORDER BY p.inhparent::regclass::text COLLATE "C";
SELECT renderchain.create_tables('p_parts') LIKE '%; built %' AS built_again;
SET renderchain.schema = 'p_parts';
SELECT chain_position FROM renderchain.submit_render('{"prompt": "1", "chainName": "c"}');
SELECT chain_position FROM renderchain.submit_render('{"prompt": "2", "chainName": "c"}');
SELECT renderchain.complete_render(render_id, attempt, '{"outputUrl": "u", "memory": {"palette": ["navy"]}}') ->> 'success' FROM renderchain.claim_renders('w', 9, '1 minute');
SELECT renderchain.get_memory_from_chain(id) FROM render_chains;
RESET renderchain.schema;
CREATE SCHEMA p_parts_by_time;
SET search_path = p_parts_by_time, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE p_all.renders INCLUDING DEFAULTS, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
SELECT renderchain.create_tables('p_parts_by_time');
SELECT problem, remedy FROM renderchain.check_tables('p_parts_by_time') WHERE problem NOT LIKE '%no index%';

-- a schema of one's own, tables of another's: what is missing is said with the GRANT that gives it
CREATE ROLE regress_attach_owner;
CREATE ROLE regress_attach_admin;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_attach_admin;
CREATE SCHEMA p_rights;
SET search_path = p_rights, public;
CREATE TABLE render_chains (LIKE p_all.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE p_all.renders INCLUDING ALL);
ALTER TABLE render_chains OWNER TO regress_attach_owner;
ALTER TABLE renders OWNER TO regress_attach_owner;
ALTER TABLE renders ENABLE ROW LEVEL SECURITY;
ALTER TABLE renders FORCE ROW LEVEL SECURITY;
DROP INDEX renders_chain_id_chain_position_idx, render_chains_name_idx;
INSERT INTO renders (id, chain_id, chain_position) SELECT gen_random_uuid(), '00000000-0000-0000-0000-0000000000c1', 1 FROM generate_series(1, 2);
SET ROLE regress_attach_admin;
SELECT renderchain.create_tables('p_rights');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- the owner cannot see the rows that are there twice, but building the index does
SET ROLE regress_attach_owner;
SELECT renderchain.create_tables('p_rights_new');
RESET ROLE;
GRANT USAGE, CREATE ON SCHEMA p_rights TO regress_attach_owner;
GRANT USAGE, CREATE ON SCHEMA p_rights TO regress_attach_admin;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_attach_owner;
SET ROLE regress_attach_owner;
SELECT renderchain.create_tables('p_rights');
SELECT renderchain.create_tables('p_rights_new');
RESET ROLE;
DELETE FROM renders;
-- the owner builds the indexes and lets the other refer to the tables; then the other makes the rest
SET ROLE regress_attach_owner;
SELECT remedy FROM renderchain.check_tables('p_rights') \gexec
GRANT REFERENCES ON p_rights.render_chains, p_rights.renders TO regress_attach_admin;
SET ROLE regress_attach_admin;
SELECT renderchain.create_tables('p_rights');
SELECT renderchain.create_tables('p_rights') LIKE 'schema p_rights: created nothing; found %' AS again;
RESET ROLE;
SELECT relowner::regrole, count(*) FROM pg_class WHERE relnamespace = 'p_rights'::regnamespace AND relkind = 'r' GROUP BY 1 ORDER BY 1;

RESET search_path;
DROP FOREIGN DATA WRAPPER regress_renderchain_nothing CASCADE;
DROP SCHEMA p_all, p_rules, p_twice, p_index, p_kinds, p_inherit, p_parts, p_parts_by_time, p_rights CASCADE;
DROP FUNCTION mended(text);
DROP OWNED BY regress_attach_owner, regress_attach_admin;
DROP ROLE regress_attach_owner, regress_attach_admin;
