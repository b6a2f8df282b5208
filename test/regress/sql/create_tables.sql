-- create_tables: makes, makes again, attaches, and says everything that does not fit
\set SHOW_CONTEXT never
SELECT renderchain.create_tables('t_made');
SELECT renderchain.create_tables('t_made');

-- the tables are the user's own, not members of the extension
SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
WHERE c.relnamespace = 't_made'::regnamespace AND d.deptype = 'e';
SELECT count(*) FROM pg_depend d WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'n'
  AND d.classid = 'pg_class'::regclass AND d.objid IN (SELECT oid FROM pg_class WHERE relnamespace = 't_made'::regnamespace);
SELECT relname FROM pg_class WHERE relnamespace = 't_made'::regnamespace AND relkind = 'r'
  AND obj_description(oid, 'pg_class') IS NULL;

-- what is missing is made again, nothing else is touched
INSERT INTO t_made.models (id, provider, kind, tier, definition, updated_at)
VALUES ('mine', 'local', 'text', 'flash', '{}', '2026-01-01');
DROP TABLE t_made.analysis_cache;
DROP INDEX t_made.renders_chain_memory_idx, t_made.renders_chain_id_chain_position_key;
SELECT renderchain.create_tables('t_made');
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 't_made.renders'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT pg_get_indexdef('t_made.renders_chain_memory_idx'::regclass);

-- the default is the setting's schema
SET renderchain.schema = 't_set';
SELECT renderchain.create_tables() LIKE 'schema t_set: created %';
RESET renderchain.schema;

-- any name that needs quotes
SELECT renderchain.create_tables('t Mixed"Case, with a comma');
SET renderchain.schema = 't Mixed"Case, with a comma';
SELECT chain_position, created FROM renderchain.submit_render('{"prompt": "a villa", "chainName": "c"}');
SELECT status FROM "t Mixed""Case, with a comma".renders;
RESET renderchain.schema;

-- schemas that cannot hold tables of users
SELECT renderchain.create_tables('');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.create_tables('pg_catalog');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.create_tables('pg_temp');
SELECT renderchain.create_tables('information_schema');
SELECT renderchain.create_tables('renderchain');
SELECT renderchain.create_tables(repeat('x', 63)) LIKE 'schema xxx%';
SELECT renderchain.create_tables(repeat('x', 64));

-- constraints live in the schema
SET search_path = t_made;
\set VERBOSITY terse
INSERT INTO renders (prompt, type) VALUES ('x', 'sound');
INSERT INTO renders (prompt, status) VALUES ('x', 'lost');
INSERT INTO renders (prompt, chain_position) VALUES ('x', 1);
INSERT INTO renders (prompt, processing_time) VALUES ('x', -1);
INSERT INTO renders (prompt) VALUES (repeat('x', 20001));
INSERT INTO renders (prompt, chain_id) VALUES ('x', gen_random_uuid());
INSERT INTO render_chains (id, name) VALUES ('00000000-0000-0000-0000-00000000000c', 'c');
INSERT INTO renders (prompt, chain_id, chain_position) VALUES ('x', '00000000-0000-0000-0000-00000000000c', 1);
INSERT INTO renders (prompt, chain_id, chain_position) VALUES ('x', '00000000-0000-0000-0000-00000000000c', 1);
INSERT INTO credit_accounts VALUES (gen_random_uuid(), -1, 0);
INSERT INTO credit_accounts VALUES (gen_random_uuid(), 0, -1);
INSERT INTO memory_pins VALUES ('00000000-0000-0000-0000-00000000000c', '[]');
INSERT INTO stored_objects VALUES ('k', 'file', gen_random_uuid(), 'output', NULL, 1, 'abc', 'live', now(), now());
\set VERBOSITY default
RESET search_path;

-- an application's own tables, with types of its own, are attached as they are
CREATE SCHEMA t_app;
CREATE TABLE t_app.render_chains (id uuid PRIMARY KEY, project_id uuid, name varchar(100) NOT NULL, description text,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(), colour text);
CREATE TABLE t_app.renders (id uuid PRIMARY KEY, project_id uuid, user_id uuid, type varchar(10) NOT NULL,
    prompt text NOT NULL, settings jsonb, output_url varchar, output_key varchar, status varchar(20) NOT NULL,
    error_message text, processing_time bigint, credits_cost numeric, priority smallint, parent_render_id uuid,
    chain_id uuid REFERENCES t_app.render_chains, chain_position bigint, reference_render_id uuid, context_data jsonb,
    metadata jsonb, started_at timestamp, completed_at timestamp, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), votes integer NOT NULL DEFAULT 0,
    CONSTRAINT one_place UNIQUE (chain_position, chain_id));
SELECT renderchain.create_tables('t_app');
-- one_place keeps positions unique, but does not find the last one of a chain
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't_app.renders'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SET renderchain.schema = 't_app';
SELECT chain_position, created FROM renderchain.submit_render('{"prompt": "a villa", "chainName": "c", "priority": 5}');
SELECT chain_position, type, attempt, memory FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT renderchain.complete_render(id, 1, '{"outputUrl": "u", "memory": {"palette": ["navy"]}, "processingTime": 3}')
       ->> 'success' AS success FROM t_app.renders;
SELECT chain_position, previous_output ->> 'url' AS url, memory
FROM renderchain.run_render('{"prompt": "at dusk", "chainName": "c"}', 'w', '1 minute');
SELECT renderchain.cancel_render(id) FROM t_app.renders ORDER BY chain_position;
SELECT chain_position, type, status, priority, processing_time, error_message FROM t_app.renders ORDER BY chain_position;
SELECT * FROM renderchain.check_ledger();
RESET renderchain.schema;

-- what does not fit is said all at once, with what to do
CREATE SCHEMA t_wrong;
CREATE TABLE t_wrong.render_chains (id text, name text, description text, created_at date,
    updated_at timestamptz, owner text NOT NULL);
CREATE TABLE t_wrong.renders (id uuid, user_id uuid, type text, prompt text, settings json, output_url text,
    output_key text, status integer, error_message text, processing_time integer, credits_cost integer,
    priority integer, parent_render_id uuid, chain_id uuid, chain_position text, reference_render_id uuid,
    context_data jsonb, metadata jsonb, started_at timestamptz, completed_at timestamptz, updated_at timestamptz);
CREATE VIEW t_wrong.models AS SELECT 1;
SELECT renderchain.create_tables('t_wrong');
\echo :LAST_ERROR_SQLSTATE
SELECT relname FROM pg_class WHERE relnamespace = 't_wrong'::regnamespace ORDER BY 1;
-- the remedies do remedy
ALTER VIEW t_wrong.models RENAME TO models_old;
ALTER TABLE t_wrong.render_chains ADD COLUMN project_id uuid;
ALTER TABLE t_wrong.render_chains ALTER COLUMN created_at TYPE timestamptz USING created_at::text::timestamptz;
ALTER TABLE t_wrong.render_chains ALTER COLUMN id TYPE uuid USING id::text::uuid;
ALTER TABLE t_wrong.render_chains ALTER COLUMN owner DROP NOT NULL;
ALTER TABLE t_wrong.render_chains ADD UNIQUE (id);
ALTER TABLE t_wrong.renders ADD COLUMN created_at timestamptz;
ALTER TABLE t_wrong.renders ADD COLUMN project_id uuid;
ALTER TABLE t_wrong.renders ALTER COLUMN chain_position TYPE integer USING chain_position::text::integer;
ALTER TABLE t_wrong.renders ALTER COLUMN settings TYPE jsonb USING settings::text::jsonb;
ALTER TABLE t_wrong.renders ALTER COLUMN status TYPE text USING status::text;
ALTER TABLE t_wrong.renders ADD UNIQUE (id);
INSERT INTO t_wrong.renders (id, chain_id, chain_position) SELECT md5(n::text)::uuid, '00000000-0000-0000-0000-00000000000c', 1
FROM generate_series(1, 2) n;
SELECT renderchain.create_tables('t_wrong');
UPDATE t_wrong.renders r SET chain_position = n.n FROM (SELECT id, row_number() OVER (PARTITION BY chain_id ORDER BY
    chain_position, created_at, id) AS n FROM t_wrong.renders WHERE chain_position IS NOT NULL AND chain_id IN (SELECT
    chain_id FROM t_wrong.renders WHERE chain_position IS NOT NULL GROUP BY chain_id
    HAVING count(*) > count(DISTINCT chain_position))) n WHERE r.id = n.id AND r.chain_position <> n.n;
SELECT renderchain.create_tables('t_wrong');

-- columns that cannot hold what is written are found before anything is
CREATE SCHEMA t_narrow;
CREATE TABLE t_narrow.render_chains (LIKE t_wrong.render_chains INCLUDING ALL);
ALTER TABLE t_narrow.render_chains ALTER description SET NOT NULL;
CREATE TABLE t_narrow.renders (LIKE t_wrong.renders, PRIMARY KEY (id));
ALTER TABLE t_narrow.renders ALTER project_id SET NOT NULL, ALTER output_url SET NOT NULL, ALTER completed_at SET NOT NULL,
    ALTER error_message TYPE varchar(255), ALTER status TYPE varchar(9), ALTER type TYPE varchar(5);
SELECT renderchain.create_tables('t_narrow');
ALTER TABLE t_narrow.render_chains ALTER COLUMN description DROP NOT NULL;
ALTER TABLE t_narrow.renders ALTER COLUMN output_url DROP NOT NULL, ALTER COLUMN completed_at DROP NOT NULL,
    ALTER COLUMN error_message TYPE text, ALTER COLUMN status TYPE varchar(10);
-- an index on other columns that only carries the position does not keep it unique
CREATE UNIQUE INDEX other ON t_narrow.renders (chain_id, id) INCLUDE (chain_position);
SELECT renderchain.create_tables('t_narrow') LIKE 'schema t_narrow: created %' AS made;
SELECT indexname FROM pg_indexes WHERE schemaname = 't_narrow' AND indexdef LIKE 'CREATE UNIQUE INDEX % ON t_narrow.renders %' ORDER BY 1;

-- a name that means another schema in a search_path
SELECT renderchain.create_tables('$user');
\echo :LAST_ERROR_SQLSTATE

-- a function planted where ours goes is not adopted
SET client_min_messages = warning;
CREATE ROLE regress_renderchain_planter;
CREATE SCHEMA t_planted;
GRANT ALL ON SCHEMA t_planted TO regress_renderchain_planter;
SET ROLE regress_renderchain_planter;
CREATE FUNCTION t_planted.render_job_deleted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
RESET ROLE;
SELECT renderchain.create_tables('t_planted');
DROP FUNCTION t_planted.render_job_deleted();
SELECT renderchain.create_tables('t_planted') LIKE 'schema t_planted: created analysis_cache, %';
DROP OWNED BY regress_renderchain_planter;
DROP ROLE regress_renderchain_planter;
RESET client_min_messages;

-- a schema without tables is refused wherever it is needed
CREATE SCHEMA t_empty;
SET renderchain.schema = 't_empty';
SELECT renderchain.submit_render('{"prompt": "x"}');
\echo :LAST_ERROR_SQLSTATE
SET renderchain.schema = 't_nowhere';
SELECT renderchain.get_render(gen_random_uuid());
\echo :LAST_ERROR_SQLSTATE
