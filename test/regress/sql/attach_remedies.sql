-- the statements of the error, run once and in their order as they are, make tables fit, whatever depends on what they
-- change; and all that depended on it is there again
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE FUNCTION mended(schema text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_problems text;
    v_remedies text;
BEGIN
    PERFORM renderchain.create_tables(schema);
    RETURN NEXT 'nothing was wrong';
EXCEPTION WHEN SQLSTATE 'RC008' THEN
    GET STACKED DIAGNOSTICS v_problems = PG_EXCEPTION_DETAIL, v_remedies = PG_EXCEPTION_HINT;
    RETURN QUERY SELECT p FROM regexp_split_to_table(v_problems, E'\n') p;
    -- what a view selects is written in another way by each version
    RETURN QUERY SELECT '    ' || CASE WHEN r LIKE 'CREATE %VIEW %'
        THEN split_part(r, ' AS SELECT ', 1) || ' AS SELECT ...' || substring(r FROM ';.*$') ELSE r END
    FROM regexp_split_to_table(v_remedies, E'\n') r;
    EXECUTE v_remedies;
    RETURN NEXT regexp_replace(renderchain.create_tables(schema), '; built.*', '');
END $$;
-- what a schema holds, by name, with owners, privileges and comments
CREATE FUNCTION held(schema regnamespace) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', c.relkind, c.relname, c.relowner::regrole, c.relacl, c.reloptions, obj_description(c.oid, 'pg_class'))
    FROM pg_class c WHERE c.relnamespace = schema
  UNION ALL
    SELECT concat_ws(' ', a.attrelid::regclass || '.' || a.attname, a.attgenerated, a.attacl, col_description(a.attrelid, a.attnum))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = schema AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT concat_ws(' ', k.contype, k.conrelid::regclass, k.conname, k.convalidated, k.confdeltype, k.condeferrable,
           obj_description(k.oid, 'pg_constraint'))
    FROM pg_constraint k WHERE k.connamespace = schema AND k.contype <> 'n'
  UNION ALL
    SELECT concat_ws(' ', 'trigger', t.tgrelid::regclass, t.tgname, t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = schema AND NOT t.tgisinternal
  UNION ALL
    SELECT concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]) FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = schema
  UNION ALL
    SELECT concat_ws(' ', 'rule', r.ev_class::regclass, r.rulename) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = schema
  UNION ALL
    SELECT concat_ws(' ', 'function', f.proname, f.proowner::regrole, f.proacl, obj_description(f.oid, 'pg_proc')) FROM pg_proc f
    WHERE f.pronamespace = schema
  UNION ALL
    SELECT concat_ws(' ', 'publication', p.pubname, p.tablename, p.attnames, p.rowfilter IS NOT NULL) FROM pg_publication_tables p
    WHERE p.schemaname = schema::text
$$;
CREATE ROLE regress_remedy_reader;
CREATE ROLE regress_remedy_owner;

-- text ids tied to tables of the application's own, an enum of a quoted name, and everything that can depend on columns
CREATE SCHEMA r_text;
SET search_path = r_text, public;
CREATE TYPE "RenderStatus" AS ENUM ('pending', 'processing', 'completed', 'failed', 'cancelled');
CREATE TABLE users (id text PRIMARY KEY CHECK (length(id) = 36), "fullName" text);
CREATE TABLE sessions (token text PRIMARY KEY, "userId" text NOT NULL REFERENCES users (id) ON DELETE CASCADE);
CREATE TABLE projects (id varchar(36) PRIMARY KEY, owner_id text NOT NULL REFERENCES users, title text);
CREATE TABLE render_chains (id text PRIMARY KEY, project_id varchar(36) NOT NULL CONSTRAINT "of a project" REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL, description text, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());
CREATE TABLE renders (id text PRIMARY KEY DEFAULT gen_random_uuid()::text, project_id varchar(36) REFERENCES projects, user_id text REFERENCES users,
    type varchar(3), prompt text, settings json, output_url text, output_key text, status "RenderStatus" NOT NULL DEFAULT 'pending',
    error_message varchar(100), processing_time smallint, credits_cost double precision, priority integer, parent_render_id text,
    chain_id text REFERENCES render_chains, chain_position smallint, reference_render_id text REFERENCES renders, context_data jsonb,
    metadata jsonb, started_at timestamp, completed_at date, created_at timestamp, updated_at timestamp,
    is_done boolean GENERATED ALWAYS AS (status IN ('completed', 'failed')) STORED,
    label text GENERATED ALWAYS AS ('status of ' || id) STORED,
    CHECK (status <> 'failed' OR error_message IS NOT NULL), CHECK (json_typeof(settings) = 'object'));
COMMENT ON COLUMN renders.is_done IS 'whether ''status'' is final';
COMMENT ON CONSTRAINT "of a project" ON render_chains IS 'kept';
CREATE TABLE likes (render_id text REFERENCES renders ON DELETE CASCADE, user_id text REFERENCES users, PRIMARY KEY (render_id, user_id));
CREATE INDEX renders_done ON renders (is_done, created_at);
CREATE INDEX renders_waiting ON renders (created_at) WHERE status = 'pending';
CREATE INDEX renders_id_like ON renders (user_id text_pattern_ops);
CREATE INDEX renders_of_chain ON renders (chain_id) WHERE chain_id IS NOT NULL;
CREATE VIEW done WITH (security_barrier = true) AS
    SELECT r.id, r.status, r.error_message, 'a  ''status'' (of ::r_text."RenderStatus")' AS what FROM renders r WHERE r.status = 'completed' AND r.is_done;
COMMENT ON VIEW done IS 'it''s done';
COMMENT ON COLUMN done.what IS 'words';
GRANT SELECT ON done TO regress_remedy_reader WITH GRANT OPTION;
GRANT SELECT (id), UPDATE (error_message) ON done TO PUBLIC;
CREATE VIEW "Done By" AS SELECT d.id, p.title, c.name FROM done d JOIN renders r USING (id) JOIN render_chains c ON c.id = r.chain_id JOIN projects p ON p.id = c.project_id;
CREATE MATERIALIZED VIEW counts AS SELECT user_id, status, count(*) AS n FROM renders GROUP BY 1, 2 WITH NO DATA;
CREATE UNIQUE INDEX counts_key ON counts (user_id, status);
CREATE VIEW messages AS SELECT id, error_message FROM renders;
ALTER VIEW messages OWNER TO regress_remedy_owner;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER noted BEFORE UPDATE OF status ON renders FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION noted();
CREATE TRIGGER never AFTER INSERT ON renders FOR EACH ROW WHEN (NEW.id = 'x') EXECUTE FUNCTION noted();
DROP TRIGGER never ON renders;
CREATE TRIGGER noted_not BEFORE UPDATE OF chain_position ON renders FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE renders DISABLE TRIGGER noted_not;
CREATE TRIGGER instead INSTEAD OF UPDATE ON done FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON renders AS RESTRICTIVE FOR UPDATE TO regress_remedy_reader, regress_remedy_owner
    USING (user_id IN (SELECT u.id FROM users u WHERE u."fullName" = current_user)) WITH CHECK (status <> 'failed');
CREATE POLICY all_of_them ON renders USING (true);
CREATE RULE no_chain AS ON DELETE TO render_chains WHERE OLD.id IN (SELECT chain_id FROM renders WHERE status = 'processing') DO INSTEAD NOTHING;
CREATE FUNCTION running() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM r_text.renders r WHERE r.status = 'processing'; END;
COMMENT ON FUNCTION running() IS 'how many';
REVOKE ALL ON FUNCTION running() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION running() TO regress_remedy_reader;
CREATE VIEW running_now AS SELECT running() AS n;
CREATE FUNCTION all_done() RETURNS SETOF done LANGUAGE sql AS 'SELECT * FROM r_text.done';
SET client_min_messages = error; -- of wal_level
CREATE PUBLICATION regress_remedy FOR TABLE users, renders (id, status, created_at) WHERE (chain_id IS NOT NULL), projects;
SET client_min_messages = warning;
\set u '''00000000-0000-0000-0000-0000000000aa'''
\set p '''00000000-0000-0000-0000-0000000000bb'''
INSERT INTO users VALUES (:u, 'a');
INSERT INTO sessions VALUES ('t', :u);
INSERT INTO projects VALUES (:p, :u, 'house');
INSERT INTO render_chains (id, project_id, name) VALUES ('00000000-0000-0000-0000-0000000000c1', :p, 'c');
INSERT INTO renders (id, project_id, user_id, type, prompt, settings, status, chain_id, chain_position, credits_cost, output_url)
VALUES ('00000000-0000-0000-0000-000000000001', :p, :u, 'vid', 'one', '{}', 'completed', '00000000-0000-0000-0000-0000000000c1', 1, 4, 'u');
INSERT INTO likes SELECT id, user_id FROM renders;
CREATE TEMP TABLE before AS SELECT * FROM held('r_text') AS held (what);
SELECT * FROM mended('r_text');
-- but for the index that fits text only nothing is lost
SELECT * FROM before EXCEPT SELECT * FROM held('r_text');
SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid IN ('users'::regclass, 'sessions'::regclass, 'projects'::regclass, 'likes'::regclass, 'done'::regclass) AND attnum > 0 ORDER BY 1, 2;
SELECT pg_get_viewdef('done') LIKE '%status = ''completed''::text%' AS is_text, pg_get_viewdef('done') LIKE '%(of ::r_text."RenderStatus")%' AS literal_kept;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype = 'c';
SELECT is_done, label, count(*) FROM done JOIN renders USING (id) GROUP BY 1, 2;
SELECT count(*) FROM "Done By";
SET renderchain.schema = 'r_text';
SELECT chain_position FROM renderchain.run_render(jsonb_build_object('prompt', 'x', 'userId', :u, 'chainId', '00000000-0000-0000-0000-0000000000c1'), 'w', '1 minute');
RESET renderchain.schema;
DROP PUBLICATION regress_remedy;

-- numbers as ids, made by a sequence and by an identity, and a table that another one refers to by two columns
CREATE SCHEMA r_numbers;
SET search_path = r_numbers, public;
CREATE TABLE projects (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, name text);
CREATE TABLE render_chains (id bigserial PRIMARY KEY, project_id integer NOT NULL REFERENCES projects, name text, description text,
    created_at timestamp, updated_at timestamp, UNIQUE (project_id, id));
CREATE TABLE renders (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, project_id integer REFERENCES projects, user_id uuid, type text,
    prompt text, settings jsonb, output_url text, output_key text, status text, error_message text, processing_time real, credits_cost numeric(3, 2),
    priority integer, parent_render_id bigint REFERENCES renders, chain_id bigint, chain_position integer, reference_render_id bigint REFERENCES renders,
    context_data jsonb, metadata jsonb, started_at timestamp, completed_at timestamp, created_at timestamp, updated_at timestamp,
    FOREIGN KEY (project_id, chain_id) REFERENCES render_chains (project_id, id) ON UPDATE CASCADE);
INSERT INTO projects DEFAULT VALUES;
INSERT INTO render_chains (project_id, name) VALUES (1, 'c');
INSERT INTO renders (project_id, chain_id, chain_position, processing_time) VALUES (1, 1, 1, 2.7);
INSERT INTO renders (project_id, chain_id, chain_position, parent_render_id) VALUES (1, 1, 2, 1);
SELECT * FROM mended('r_numbers');
SELECT r.id, r.parent_render_id, r.chain_id, r.processing_time FROM renders r JOIN render_chains c ON c.id = r.chain_id JOIN projects p ON p.id = c.project_id ORDER BY 1;
INSERT INTO projects DEFAULT VALUES;

-- a primary key that holds what renderchain does not fill, with keys and a view that need it
CREATE SCHEMA r_keys;
SET search_path = r_keys, public;
SELECT renderchain.create_tables('r_keys_like') IS NOT NULL AS made;
CREATE TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE DOMAIN given AS varchar(10) NOT NULL;
CREATE TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS, tenant integer, region text NOT NULL, origin given, PRIMARY KEY (tenant, id));
ALTER TABLE render_chains DROP CONSTRAINT render_chains_pkey, ADD shard integer, ADD PRIMARY KEY (shard, name), ADD UNIQUE (id);
CREATE TABLE likes (tenant integer, render_id uuid, FOREIGN KEY (tenant, render_id) REFERENCES renders);
CREATE VIEW by_key AS SELECT tenant, id, prompt, count(*) FROM renders LEFT JOIN likes USING (tenant) GROUP BY tenant, id;
CREATE UNIQUE INDEX of_region ON renders (region, id);
ALTER TABLE renders REPLICA IDENTITY USING INDEX of_region;
CREATE TEMP TABLE before_keys AS SELECT * FROM held('r_keys') AS held (what);
SELECT * FROM mended('r_keys');
SELECT * FROM before_keys EXCEPT SELECT * FROM held('r_keys');
SELECT relreplident FROM pg_class WHERE oid = 'renders'::regclass;
SET renderchain.schema = 'r_keys';
SELECT chain_position FROM renderchain.submit_render('{"prompt": "x"}');
RESET renderchain.schema;

-- checks: those of one column that only compute are tried, whatever they look like; those that could do more are not
CREATE SCHEMA r_checks;
SET search_path = r_checks, public;
CREATE TYPE kind AS ENUM ('image', 'photo');
CREATE FUNCTION known(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'executed'; RETURN $1 <> 'cancelled'; END $$;
CREATE DOMAIN state AS text CHECK (r_checks.known(VALUE));
CREATE OPERATOR <> (LEFTARG = text, RIGHTARG = text, FUNCTION = text_gt);
CREATE TABLE base (error_message text, CONSTRAINT base_check CHECK (error_message IS NOT NULL));
CREATE TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS, PRIMARY KEY (id),
    CONSTRAINT one_of CHECK (status = 'pending' OR status = 'processing' OR lower(status) LIKE 'c%'),
    CONSTRAINT one_way CHECK (CASE WHEN status ~ '^(fa|co|pe|pro)' THEN true ELSE status IS NULL END),
    CONSTRAINT any_way CHECK (length(status) > 3),
    CONSTRAINT own_words CHECK (known(status)),
    CONSTRAINT own_operator CHECK (status OPERATOR(r_checks.<>) 'never'),
    CONSTRAINT reads CHECK (length(query_to_xml('SELECT known(''cancelled'')', true, true, '')::text) > 0 OR status = 'x'),
    CONSTRAINT sets CHECK (set_config('application_name', status, false) IS NOT NULL),
    CONSTRAINT pair CHECK (status <> 'completed' OR output_url IS NOT NULL),
    CONSTRAINT raises CHECK (status::integer > 0 OR true),
    CONSTRAINT "Given" CHECK (output_key IS NOT NULL) NO INHERIT,
    CONSTRAINT positive CHECK (processing_time > 0), CONSTRAINT paid CHECK (credits_cost > 0), CONSTRAINT counted CHECK (chain_position BETWEEN 0 AND 20)
) INHERITS (base);
ALTER TABLE renders DROP CONSTRAINT raises, ADD CONSTRAINT raises CHECK (status::integer > 0) NOT VALID;
ALTER TABLE renders ALTER type DROP DEFAULT, ALTER type TYPE kind USING NULL, ADD CONSTRAINT kinds CHECK (type IN ('image', 'photo'));
SET client_min_messages = notice;
SELECT problem, remedy FROM renderchain.check_tables('r_checks') WHERE problem NOT LIKE '%no index%';
SET client_min_messages = warning;
SELECT * FROM mended('r_checks');
ALTER TABLE renders DROP CONSTRAINT own_words, DROP CONSTRAINT own_operator, DROP CONSTRAINT reads, DROP CONSTRAINT sets, DROP CONSTRAINT pair, DROP CONSTRAINT raises;
SET renderchain.schema = 'r_checks';
SELECT renderchain.cancel_render(render_id) FROM renderchain.submit_render('{"prompt": "x"}');
SELECT renderchain.complete_render(render_id, attempt, '{"outputUrl": "u"}') ->> 'success' AS completed FROM renderchain.run_render('{"prompt": "x"}', 'w', '1 minute');
RESET renderchain.schema;
-- they are told of when the tables are attached, and not again
DROP TABLE render_jobs CASCADE;
ALTER TABLE renders ADD CONSTRAINT own_words CHECK (known(status)) NOT VALID;
SET client_min_messages = notice;
SELECT renderchain.create_tables('r_checks') IS NOT NULL AS made;
SELECT renderchain.create_tables('r_checks') IS NOT NULL AS made;
SET client_min_messages = warning;

-- tables that a crash would empty, and one that they refer to
CREATE SCHEMA r_unlogged;
SET search_path = r_unlogged, public;
CREATE UNLOGGED TABLE accounts (id uuid PRIMARY KEY);
CREATE UNLOGGED TABLE users (id uuid PRIMARY KEY, account uuid REFERENCES accounts);
CREATE UNLOGGED TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE UNLOGGED TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS, PRIMARY KEY (id), FOREIGN KEY (user_id) REFERENCES users,
    FOREIGN KEY (parent_render_id) REFERENCES renders, FOREIGN KEY (chain_id) REFERENCES render_chains);
SELECT * FROM mended('r_unlogged');

-- the trigger function is another's, and used
CREATE SCHEMA r_function;
SET search_path = r_function, public;
SELECT renderchain.create_tables('r_function') IS NOT NULL AS made;
CREATE TABLE other (id integer);
CREATE TRIGGER "also this" AFTER DELETE ON other FOR EACH ROW EXECUTE FUNCTION render_job_deleted();
ALTER FUNCTION render_job_deleted() OWNER TO regress_remedy_owner;
SELECT * FROM mended('r_function');
SELECT tgname, tgfoid::regproc, proowner::regrole FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid = 'render_jobs'::regclass AND NOT tgisinternal;

-- tables in parts: what stands on the parts is in the way as well
CREATE SCHEMA r_parts;
SET search_path = r_parts, public;
CREATE TYPE kind AS ENUM ('image', 'video');
CREATE TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE renders_0 PARTITION OF renders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE renders_1 PARTITION OF renders FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE renders ALTER type DROP DEFAULT, ALTER type TYPE kind USING NULL, ALTER reference_render_id TYPE text;
CREATE INDEX videos ON renders (created_at) WHERE type = 'video';
CREATE VIEW half AS SELECT id, type FROM renders_0;
CREATE TABLE likes (render_id uuid REFERENCES renders);
CREATE TRIGGER typed BEFORE UPDATE OF type ON renders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TEMP TABLE before_parts AS SELECT * FROM held('r_parts') AS held (what);
ALTER TABLE renders ADD CONSTRAINT escaped CHECK (type <> 'video' OR prompt <> E'\\''video''::r_parts.kind');
DO $$ BEGIN
    IF current_setting('server_version_num')::integer < 190000 THEN
        PERFORM set_config('standard_conforming_strings', 'off', false), set_config('escape_string_warning', 'off', false);
    END IF;
END $$;
SELECT * FROM mended('r_parts');
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT * FROM before_parts EXCEPT SELECT * FROM held('r_parts');

-- what no statement can change is said
CREATE SCHEMA r_never;
SET search_path = r_never, public;
CREATE TABLE base (status integer);
CREATE TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS, PRIMARY KEY (id));
ALTER TABLE renders ALTER status DROP DEFAULT, ALTER status TYPE integer USING 0, INHERIT base;
ALTER TABLE render_chains ALTER project_id TYPE text;
CREATE TABLE copies (chain render_chains);
CREATE FUNCTION of_project(text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    BEGIN ATOMIC SELECT count(*) FROM r_never.render_chains WHERE project_id = $1; END;
ALTER FUNCTION of_project(text) OWNER TO regress_remedy_owner;
SELECT problem, remedy FROM renderchain.check_tables('r_never') WHERE problem NOT LIKE '%no index%';
-- of a partition elsewhere neither a key nor an index
CREATE SCHEMA r_foreign;
SET search_path = r_foreign, public;
CREATE FOREIGN DATA WRAPPER regress_remedy_nothing;
CREATE SERVER regress_remedy_nowhere FOREIGN DATA WRAPPER regress_remedy_nothing;
CREATE TABLE render_chains (LIKE r_keys_like.render_chains INCLUDING ALL);
CREATE TABLE renders (LIKE r_keys_like.renders INCLUDING DEFAULTS) PARTITION BY RANGE (id);
CREATE TABLE renders_here PARTITION OF renders FOR VALUES FROM (MINVALUE) TO ('80000000-0000-0000-0000-000000000000');
CREATE FOREIGN TABLE renders_there PARTITION OF renders FOR VALUES FROM ('80000000-0000-0000-0000-000000000000') TO (MAXVALUE)
    SERVER regress_remedy_nowhere;
SELECT problem, remedy FROM renderchain.check_tables('r_foreign') WHERE remedy IS NULL OR problem LIKE '%position_key';

RESET search_path;
DROP SCHEMA r_text, r_numbers, r_keys, r_keys_like, r_checks, r_function, r_parts, r_never, r_unlogged, r_foreign CASCADE;
DROP FUNCTION mended(text), held(regnamespace);
DROP FOREIGN DATA WRAPPER regress_remedy_nothing CASCADE;
DROP OWNED BY regress_remedy_owner, regress_remedy_reader;
DROP ROLE regress_remedy_owner, regress_remedy_reader;
