-- attaching an application's own tables, as an ORM makes them: nothing of theirs changes, and a render's whole life
-- works on them beside their old rows
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA a_app;
SET search_path = a_app;
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL UNIQUE);
CREATE TABLE projects (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE, name text NOT NULL);
CREATE TABLE render_chains (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name varchar(120) NOT NULL,
    description text,
    last_chat_turn integer DEFAULT 0,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE renders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type text NOT NULL,
    prompt text NOT NULL,
    settings jsonb,
    output_url text,
    output_key text,
    status varchar(20) NOT NULL DEFAULT 'pending',
    error_message text,
    processing_time integer,
    credits_cost integer NOT NULL DEFAULT 1,
    priority integer NOT NULL DEFAULT 0,
    queue_position integer,
    started_at timestamp,
    completed_at timestamp,
    parent_render_id uuid REFERENCES renders (id),
    chain_id uuid REFERENCES render_chains (id),
    chain_position integer,
    reference_render_id uuid REFERENCES renders (id),
    context_data jsonb,
    thumbnail_url text,
    platform text CHECK (platform IN ('render', 'tools')),
    is_public boolean NOT NULL DEFAULT false,
    votes bigint NOT NULL DEFAULT 0 CHECK (votes >= 0),
    tags text[] NOT NULL DEFAULT '{}',
    metadata jsonb,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    CHECK (chain_id IS NULL OR platform = 'render')
);
CREATE TABLE gallery (render_id uuid PRIMARY KEY REFERENCES renders (id) ON DELETE CASCADE, likes integer NOT NULL DEFAULT 0);
CREATE INDEX renders_by_chain ON renders (chain_id, chain_position) WHERE chain_id IS NOT NULL;
CREATE INDEX renders_by_user ON renders (user_id, created_at DESC);
COMMENT ON TABLE renders IS 'the application''s own words';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.votes := NEW.votes + 1; RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON renders FOR EACH ROW EXECUTE FUNCTION touched();

-- old rows: a chain with memory, one whose rows have no positions, renders without a chain, contexts of every kind
\set u '''00000000-0000-0000-0000-0000000000aa'''
\set p '''00000000-0000-0000-0000-0000000000bb'''
\set c1 '''00000000-0000-0000-0000-0000000000c1'''
\set c2 '''00000000-0000-0000-0000-0000000000c2'''
INSERT INTO users VALUES (:u, 'a@example.com');
INSERT INTO projects VALUES (:p, :u, 'house');
INSERT INTO render_chains (id, project_id, name) VALUES (:c1, :p, 'old chain'), (:c2, :p, 'without positions');
INSERT INTO renders (id, project_id, user_id, type, prompt, status, output_url, chain_id, chain_position, context_data, settings, completed_at)
VALUES ('00000000-0000-0000-0000-000000000001', :p, :u, 'image', 'one', 'completed', 'u1', :c1, 0,
        '{"pipelineMemory": {"palette": ["navy"], "own": true}, "userFeedback": "nice"}', '{"style": "modern"}', '2025-01-01'),
       ('00000000-0000-0000-0000-000000000002', :p, :u, 'image', 'two', 'completed', 'u2', :c1, 1, '{"previousPrompts": []}', NULL, '2025-01-02'),
       ('00000000-0000-0000-0000-000000000003', :p, :u, 'video', 'three', 'failed', NULL, :c1, 7, '{"pipelineMemory": {"palette": ["red"]}}', '{}', NULL),
       ('00000000-0000-0000-0000-000000000004', :p, :u, 'image', 'four', 'completed', 'u4', :c2, NULL, '{"pipelineMemory": {"palette": ["jade"]}}', NULL, NULL),
       ('00000000-0000-0000-0000-000000000005', :p, :u, 'image', 'five', 'completed', 'u5', :c2, NULL, NULL, NULL, NULL),
       ('00000000-0000-0000-0000-000000000006', :p, :u, 'image', 'six', 'completed', 'u6', NULL, NULL, '[1]', NULL, NULL),
       ('00000000-0000-0000-0000-000000000007', :p, :u, 'image', 'seven', 'processing', NULL, NULL, NULL, '{"pipelineMemory": 5}', NULL, NULL);
INSERT INTO gallery VALUES ('00000000-0000-0000-0000-000000000001', 3);

-- what is theirs, before and after
CREATE VIEW theirs AS
    SELECT 'table' AS what, c.relname::text AS name, concat_ws(' ', pg_relation_filenode(c.oid), c.relrowsecurity, c.relowner::regrole, c.relacl,
           obj_description(c.oid, 'pg_class')) AS is
    FROM pg_class c WHERE c.relnamespace = 'a_app'::regnamespace AND c.relname IN ('users', 'projects', 'render_chains', 'renders', 'gallery')
  UNION ALL
    SELECT 'column', a.attrelid::regclass || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN ('render_chains'::regclass, 'renders'::regclass) AND a.attnum > 0
  UNION ALL
    SELECT 'constraint', k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
    WHERE k.conrelid IN ('render_chains'::regclass, 'renders'::regclass) AND k.contype <> 'n'
  UNION ALL
    SELECT 'trigger', t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
    WHERE t.tgrelid IN ('render_chains'::regclass, 'renders'::regclass) AND NOT t.tgisinternal
  UNION ALL
    SELECT 'row', r.id::text, r.xmin || r::text FROM renders r
  UNION ALL
    SELECT 'row', c.id::text, c.xmin || c::text FROM render_chains c;
CREATE TEMP TABLE before AS SELECT * FROM theirs;
-- writers of the two tables have to wait, readers not
CREATE VIEW waited_for AS
    SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relnamespace = 'a_app'::regnamespace
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock');
BEGIN;
SELECT renderchain.create_tables('a_app');
SELECT * FROM waited_for WHERE relname IN (SELECT name FROM before WHERE what = 'table') ORDER BY relname, mode;
COMMIT;
SELECT what, count(*) FROM before GROUP BY what ORDER BY what;
(TABLE before EXCEPT TABLE theirs) UNION ALL (TABLE theirs EXCEPT TABLE before);
-- and what is new on their tables
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid IN ('render_chains'::regclass, 'renders'::regclass) ORDER BY c.relname;
SELECT conrelid::regclass, confrelid::regclass, confdeltype FROM pg_constraint
WHERE contype = 'f' AND confrelid IN ('render_chains'::regclass, 'renders'::regclass) ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C";
SELECT * FROM renderchain.check_tables('a_app');
-- a second time nothing changes and nobody waits
CREATE TEMP TABLE done AS SELECT c.oid, c.xmin::text AS version FROM pg_class c WHERE c.relnamespace = 'a_app'::regnamespace;
BEGIN;
SELECT renderchain.create_tables('a_app');
SELECT * FROM waited_for;
SELECT count(*) FROM pg_class c FULL JOIN done d USING (oid)
WHERE (c.relnamespace = 'a_app'::regnamespace OR c.oid IS NULL) AND c.xmin::text IS DISTINCT FROM d.version;
COMMIT;

-- whatever the settings of the session are that change how PostgreSQL writes and reads SQL
SET quote_all_identifiers = on;
DO $$ BEGIN
    IF current_setting('server_version_num')::integer < 190000 THEN
        PERFORM set_config('standard_conforming_strings', 'off', false);
    END IF;
END $$;
SELECT * FROM renderchain.check_tables('a_app');
SELECT renderchain.create_tables('a_app');
RESET quote_all_identifiers;
RESET standard_conforming_strings;

-- old memory is found, as old rows have it
SET renderchain.schema = 'a_app';
SELECT id, chain_position, memory, completed_at FROM renderchain.get_latest_completed_render_with_memory(:c1);
SELECT renderchain.get_memory_from_chain(:c2) AS no_position, renderchain.get_memory_from_render('00000000-0000-0000-0000-000000000004') AS by_render;
SELECT chain_id, memory FROM renderchain.get_memories_from_chains(ARRAY[:c2, :c1]::uuid[]);
SELECT renderchain.get_render('00000000-0000-0000-0000-000000000007') #>> '{data,status}' AS old_render;
SELECT r ->> 'renderId' AS id, r ->> 'chainPosition' AS position, r -> 'memory' AS memory
FROM jsonb_array_elements(renderchain.get_chain(:c2) -> 'renders') r;

-- a new render in an old chain comes after the last position, and is the application's render in every column
SET renderchain.clock = '2026-01-31 12:00:00+00';
SELECT render_id AS r8, chain_position, created FROM renderchain.submit_render(
    jsonb_build_object('prompt', 'eight', 'userId', :u, 'projectId', :p, 'chainId', :c1, 'quality', 'high', 'idempotencyKey', 'k8')) \gset
SELECT :chain_position AS position, :'created' AS created;
SELECT project_id = :p AND user_id = :u AS ids, type, status, settings ->> 'quality' AS quality, platform, is_public, tags, created_at, votes
FROM renders WHERE id = :'r8';
SELECT chain_position, attempt, memory, previous_output ->> 'url' AS after FROM renderchain.claim_renders('w', 10, '1 minute');
SELECT renderchain.record_stages(:'r8', 1, '[{"stage": "image_generation", "status": "running"}]');
SET renderchain.clock = '2026-01-31 12:00:09+00';
SELECT renderchain.complete_render(:'r8', 1, '{"outputUrl": "u8", "memory": {"palette": ["teal"]}, "context": {"userFeedback": "new"},
    "stages": [{"stage": "image_generation", "status": "success", "durationMs": 9000}]}') -> 'data' -> 'stageEvents' AS events;
SELECT status, output_url, processing_time, context_data, started_at, completed_at FROM renders WHERE id = :'r8';
SELECT renderchain.get_memory_from_chain(:c1);
SELECT count(*) FROM renderchain.events_since(:'r8', 0);

-- the project of a chain is the render's; a chain without one is refused before anything is written
SELECT render_id AS r9, chain_position, memory IS NULL AS no_memory FROM renderchain.run_render(
    jsonb_build_object('prompt', 'nine', 'userId', :u, 'chainId', :c2), 'w', '1 minute') \gset
SELECT :chain_position AS first_position, :'no_memory' AS no_memory, project_id = :p AS chains_project FROM renders WHERE id = :'r9';
SELECT renderchain.fail_render(:'r9', 1, '{"message": "blocked"}', false);
SELECT status, error_message, credits_cost, metadata FROM renders WHERE id = :'r9';
SELECT renderchain.retry_render(:'r9'), renderchain.cancel_render(:'r9');
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'userId', :u));
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'userId', :u, 'chainName', 'new'));
-- what their own keys ask for stays theirs to ask
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'projectId', :p));
\echo :LAST_ERROR_SQLSTATE
SELECT chain_position FROM renderchain.submit_render(jsonb_build_object('prompt', 'ten', 'userId', :u, 'projectId', :p, 'chainName', 'new'));
SELECT chain_id IS NULL AS no_chain FROM renderchain.submit_render(jsonb_build_object('prompt', 'eleven', 'userId', :u, 'projectId', :p));

-- old renders take memory and pins, and are not run
SELECT renderchain.save_memory('00000000-0000-0000-0000-000000000001', '{"palette": ["gold"]}');
SELECT renderchain.merge_context('00000000-0000-0000-0000-000000000005', '{"userFeedback": "late"}');
SELECT renderchain.save_memory('00000000-0000-0000-0000-000000000006', '{"palette": ["gold"]}');
SELECT renderchain.pin_memory(:c1, '{"palette": ["white"]}');
SELECT renderchain.get_memory_from_chain(:c1);
SELECT renderchain.unpin_memory(:c1, '{palette}');
SELECT renderchain.cancel_render('00000000-0000-0000-0000-000000000007');
SELECT renderchain.grant_credits(:u, 100, 'start');
SELECT chain_position, memory, previous_output ->> 'url' AS after FROM renderchain.run_render(
    jsonb_build_object('prompt', 'twelve', 'userId', :u, 'projectId', :p, 'parentRenderId', :'r8',
    'forceModel', 'gemini-3.1-flash-image'), 'w', '1 minute');

-- telemetry is purged, theirs is not
SET renderchain.clock = '2026-03-31 12:00:00+00';
SELECT renderchain.purge('30 days'), (SELECT count(*) FROM renders) AS renders;

-- a project that goes takes its renders and our rows with it, and what was reserved comes back
SELECT balance < 100 AS reserved FROM credit_accounts;
UPDATE renders SET parent_render_id = NULL;
DELETE FROM projects;
SELECT balance, reserved FROM credit_accounts;
SELECT (SELECT count(*) FROM renders) + (SELECT count(*) FROM render_chains) + (SELECT count(*) FROM render_jobs)
     + (SELECT count(*) FROM render_stages) + (SELECT count(*) FROM memory_pins) AS left_over;
SELECT * FROM renderchain.check_ledger();
RESET renderchain.clock;

RESET renderchain.schema;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA a_app CASCADE;
