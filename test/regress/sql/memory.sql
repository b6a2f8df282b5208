-- memory of renders and chains: lookup, saving, pins, privileges
\set SHOW_CONTEXT never
\pset null '(null)'
SET client_min_messages = warning;
SELECT renderchain.create_tables('t_memory') LIKE 'schema t_memory: created %' AS made;
SET renderchain.schema = 't_memory';
SET search_path = t_memory, public;
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET TimeZone = 'UTC';

-- ids people can read
CREATE FUNCTION id(n int) RETURNS uuid LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS
$$ SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO render_chains (id, name) SELECT id(n), 'chain ' || n FROM generate_series(1, 9) n;
-- renders of chain 1 at 101.., of chain 2 at 201..
INSERT INTO renders (id, prompt, chain_id, chain_position, status, context_data, completed_at, output_url, updated_at)
SELECT id(v.n), 'render ' || n, id(n / 100), n % 100, status, context::jsonb, '2026-01-01 00:00:00+00', 'file:' || n, '2026-01-01'
FROM (VALUES
    (101, 'completed', '{"pipelineMemory":{"palette":["first"]},"other":{"k":null}}'),
    (102, 'completed', '{"pipelineMemory":{"palette":["second"]},"other":[1]}'),
    (103, 'completed', NULL),
    (104, 'completed', '{"other":1}'),
    (105, 'completed', '{"pipelineMemory":null}'),
    (106, 'completed', '{"pipelineMemory":[1]}'),
    (107, 'completed', '{"pipelineMemory":"x"}'),
    (108, 'completed', '[{"pipelineMemory":{}}]'),
    (109, 'failed', '{"pipelineMemory":{"palette":["failed"]}}'),
    (110, 'processing', '{"pipelineMemory":{"palette":["processing"]}}'),
    (111, 'pending', '{"pipelineMemory":{"palette":["pending"]}}'),
    (112, 'cancelled', '{"pipelineMemory":{"palette":["cancelled"]}}'),
    (201, 'completed', '{"pipelineMemory":{}}'),
    (301, 'failed', '{"pipelineMemory":{"palette":["failed"]}}'),
    (401, 'completed', '{"pipelineMemory":{"k":401}}'),
    (402, 'completed', '{"pipelineMemory":{"k":402}}')) AS v (n, status, context);

-- what does not carry memory, or did not end well, is passed over
SELECT * FROM renderchain.get_latest_completed_render_with_memory(id(1));
SELECT renderchain.get_memory_from_chain(id(n)) FROM generate_series(1, 5) n;
SELECT n, renderchain.get_memory_from_chain(id(n)) IS NULL AS none FROM (VALUES (77), (NULL)) v (n);
SELECT count(*) FROM renderchain.get_latest_completed_render_with_memory(id(3));
SELECT count(*) FROM renderchain.get_latest_completed_render_with_memory(NULL);

-- by render: whatever its status
SELECT n, renderchain.get_memory_from_render(id(n)) FROM (VALUES (101), (103), (105), (106), (108), (109), (111), (201), (999), (NULL)) v (n);

-- several chains: one row each, in the order in which they are named
SELECT chain_id, render_id, chain_position, memory FROM renderchain.get_memories_from_chains(ARRAY[id(4), id(3), id(1), NULL, id(4), id(2), id(99)]);
SELECT count(*) FROM renderchain.get_memories_from_chains('{}');
SELECT count(*) FROM renderchain.get_memories_from_chains(NULL);
SELECT count(*) FROM renderchain.get_memories_from_chains(ARRAY[[id(1), id(2)], [id(3), id(4)]]);

-- one index probe, with the plan that the functions use
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT r.context_data OPERATOR(pg_catalog.->) 'pipelineMemory'::pg_catalog.text FROM t_memory.renders r
WHERE r.chain_id OPERATOR(pg_catalog.=) id(1) AND r.chain_position IS NOT NULL
AND (r.status)::pg_catalog.text OPERATOR(pg_catalog.=) 'completed'::pg_catalog.text
AND pg_catalog.jsonb_typeof(r.context_data OPERATOR(pg_catalog.->) 'pipelineMemory'::pg_catalog.text) OPERATOR(pg_catalog.=) 'object'::pg_catalog.text
ORDER BY r.chain_position DESC LIMIT 1;
RESET enable_seqscan;

-- ancestors: nearest completed one with memory; loops and missing parents end the search
ALTER TABLE renders DISABLE TRIGGER USER;
INSERT INTO renders (id, prompt, status, context_data, parent_render_id)
SELECT id(v.n), 'ancestor', status, context::jsonb, id(parent)
FROM (VALUES
    (501, 'completed', '{"pipelineMemory":{"k":501}}', NULL),
    (502, 'completed', NULL, 501),
    (503, 'failed', '{"pipelineMemory":{"k":503}}', 502),
    (504, 'pending', '{"pipelineMemory":{"k":504}}', 503),
    (505, 'completed', '{"pipelineMemory":{"k":505}}', 504),
    (506, 'pending', NULL, 505)) AS v (n, status, context, parent);
SELECT n, renderchain.get_memory_from_ancestors(id(n)) FROM (VALUES (501), (502), (503), (504), (505), (506), (999), (NULL)) v (n);
INSERT INTO renders (id, prompt, status) SELECT id(n), 'loop', 'completed' FROM generate_series(600, 620) n;
UPDATE renders SET parent_render_id = id(600) WHERE id = id(600);
SELECT renderchain.get_memory_from_ancestors(id(600));
UPDATE renders SET parent_render_id = id(CASE WHEN substr(id::text, 34)::int = 620 THEN 604 ELSE substr(id::text, 34)::int + 1 END) WHERE prompt = 'loop';
SELECT renderchain.get_memory_from_ancestors(id(600));
-- many generations; one past the most
INSERT INTO renders (id, prompt, status, parent_render_id) SELECT id(100000 + n), 'line', 'completed', CASE WHEN n > 1 THEN id(100000 + n - 1) END
FROM generate_series(1, 10002) n;
UPDATE renders SET context_data = '{"pipelineMemory":{"k":"root"}}' WHERE id = id(100001);
SELECT renderchain.get_memory_from_ancestors(id(110001));
SELECT renderchain.get_memory_from_ancestors(id(110002));
\echo :LAST_ERROR_SQLSTATE
DELETE FROM renders WHERE prompt IN ('line', 'loop');

-- reading writes nothing and takes no lock
BEGIN READ ONLY;
SELECT renderchain.get_memory_from_chain(id(1)), renderchain.get_memory_from_render(id(101)), renderchain.get_memory_from_ancestors(id(506));
SELECT count(*) FROM renderchain.get_latest_completed_render_with_memory(id(1)), renderchain.get_memories_from_chains(ARRAY[id(1)]);
SELECT renderchain.save_memory(id(101), '{"a":1}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- parallel workers look up in the session's schema, too
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE render_chains SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT id FROM render_chains WHERE renderchain.get_memory_from_chain(id) IS NOT NULL;
SELECT id FROM render_chains WHERE renderchain.get_memory_from_chain(id) IS NOT NULL ORDER BY id;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- lookups see what the transaction wrote, and a cursor what its snapshot had
BEGIN;
DECLARE c CURSOR FOR SELECT renderchain.get_memory_from_render(id(101)) FROM generate_series(1, 2);
FETCH c;
UPDATE renders SET context_data = '{"pipelineMemory":{"palette":["new"]}}' WHERE id = id(101);
FETCH c;
SELECT renderchain.get_memory_from_render(id(101));
ROLLBACK;

-- save_memory: deep merge under pipelineMemory, no other key touched
SELECT renderchain.save_memory(id(101), '{"palette":["a"],"geometry":{"perspective":"isometric","cameraAngle":"low"},"own":{"x":null}}');
SELECT renderchain.save_memory(id(101), '{"geometry":{"cameraAngle":null,"focalLength":"wide"},"own":null}');
SELECT context_data, updated_at FROM renders WHERE id = id(101);
-- NULL context counts as {}; what is not an object under the key is replaced
SELECT renderchain.save_memory(id(103), '{"a":1}'), renderchain.save_memory(id(105), '{"a":{"b":null}}'), renderchain.save_memory(id(106), '{}');
SELECT renderchain.save_memory(id(106), '{"k":106}');
SELECT id, context_data FROM renders WHERE id IN (id(103), id(105), id(106)) ORDER BY id;
-- what has no members is no memory: none is made of it, not of NULL, of {} or of what is no object; an earlier one can be emptied
INSERT INTO renders (id, prompt, status, context_data) VALUES (id(701), 'x', 'completed', NULL), (id(702), 'x', 'completed', '{"other":1}'),
    (id(703), 'x', 'completed', '{"pipelineMemory":[1]}'), (id(704), 'x', 'completed', '{"pipelineMemory":{"a":1}}');
SELECT n, renderchain.save_memory(id(n), '{"a":null}'), renderchain.save_memory(id(n), '{}'), renderchain.get_memory_from_render(id(n))
FROM generate_series(701, 704) n;
SELECT id, context_data FROM renders WHERE id BETWEEN id(701) AND id(704) ORDER BY id;
DELETE FROM renders WHERE id BETWEEN id(701) AND id(704);
-- nothing is written where nothing changes
SELECT xmin AS before, ctid AS place FROM renders WHERE id = id(101) \gset
SET renderchain.clock = '2026-11-23 13:00:00+00';
SELECT renderchain.save_memory(id(101), '{"geometry":{"focalLength":"wide"}}'), renderchain.save_memory(id(101), '{}'), renderchain.save_memory(id(101), '{"gone":null}');
SELECT renderchain.merge_context(id(101), '{}'), renderchain.merge_context(id(101), '{"other":{"j":null}}');
SELECT xmin::text = :'before' AND ctid::text = :'place' AS unwritten, updated_at FROM renders WHERE id = id(101);
-- a number of another scale is a change
SELECT renderchain.save_memory(id(401), '{"k":401.0}');
SELECT context_data, updated_at FROM renders WHERE id = id(401);

-- errors leave the row as it was
SELECT renderchain.save_memory(id(101), '[1]');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.save_memory(id(101), '"x"');
SELECT renderchain.save_memory(id(101), 'null');
SELECT renderchain.save_memory(id(101), NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.save_memory(NULL, '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.save_memory(id(999), '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.save_memory(id(108), '{"a":1}');
\echo :LAST_ERROR_SQLSTATE
UPDATE renders SET context_data = 'null' WHERE id = id(107);
SELECT renderchain.save_memory(id(107), '{"a":1}');
SELECT context_data FROM renders WHERE id IN (id(107), id(108)) ORDER BY id;

-- merge_context: the same for the whole document
SELECT renderchain.merge_context(id(102), '{"other":null,"tool":{"id":"cad","x":null},"pipelineMemory":{"k":1}}');
SELECT context_data, updated_at FROM renders WHERE id = id(102);
SELECT renderchain.merge_context(id(104), '{"pipelineMemory":null}');
SELECT renderchain.merge_context(id(112), '{"pipelineMemory":null,"a":{}}');
INSERT INTO renders (id, prompt, chain_id, chain_position) VALUES (id(113), 'no context', id(1), 13);
SELECT renderchain.merge_context(id(113), '{}'), renderchain.merge_context(id(113), '{"a":null}');
SELECT context_data FROM renders WHERE id = id(113);
SELECT renderchain.merge_context(id(102), '{"pipelineMemory":[1]}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.merge_context(id(102), '[]');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.merge_context(id(102), NULL);
SELECT renderchain.merge_context(NULL, '{}');
SELECT renderchain.merge_context(id(999), '{}');
SELECT renderchain.merge_context(id(108), '{}');
SELECT context_data FROM renders WHERE id = id(102);

-- large contexts, stored out of line
UPDATE renders SET context_data = context_data || jsonb_build_object('big', (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 5000) n)) WHERE id = id(402);
SELECT renderchain.save_memory(id(402), '{"x":1}');
SELECT context_data -> 'pipelineMemory' AS memory, jsonb_array_length(context_data -> 'big') AS big, renderchain.get_memory_from_chain(id(4)) FROM renders WHERE id = id(402);

-- pins: in force at once for the next reader, and kept by every save
SELECT renderchain.pin_memory(id(2), '{"palette":["deep navy #1f2a44"],"styleCodes":{"lightingStyle":"dusk"}}');
SELECT renderchain.get_memory_from_chain(id(2));
SELECT renderchain.pin_memory(id(2), '{"styleCodes":{"materialStyle":"raw"}}');
SELECT * FROM memory_pins;
SELECT renderchain.save_memory(id(201), '{"palette":["other"],"styleCodes":{"lightingStyle":"noon","architecturalStyle":"modern"},"materials":["oak"]}');
SELECT renderchain.save_memory(id(201), '{"styleCodes":null}');
SELECT renderchain.merge_context(id(201), '{"x":1,"pipelineMemory":{"palette":null}}');
SELECT renderchain.merge_context(id(201), '{"pipelineMemory":null}');
-- the other chains are as they were; a chain without memory takes pins for later
SELECT renderchain.get_memory_from_chain(id(1));
SELECT renderchain.pin_memory(id(5), '{"a":{"b":[null],"c":{"d":1}}}');
INSERT INTO renders (id, prompt, chain_id, chain_position, status) VALUES (id(550), 'pinned', id(5), 0, 'completed');
SELECT renderchain.save_memory(id(550), '{"a":1}');
SELECT renderchain.pin_memory(id(5), '{}');
-- unpinning by name or path; the memory stays; empty objects on the way go
SELECT renderchain.unpin_memory(id(5), '{nothing,a.x,a.b.c,a.c.d.e,"",a..b}');
SELECT renderchain.unpin_memory(id(5), '{a.c.d}');
SELECT renderchain.unpin_memory(id(5), '{a.b}');
SELECT count(*) FROM memory_pins WHERE chain_id = id(5);
SELECT renderchain.unpin_memory(id(5), '{a}'), renderchain.unpin_memory(id(5), '{}');
SELECT renderchain.get_memory_from_chain(id(5));
SELECT renderchain.unpin_memory(id(2), '{palette,styleCodes.lightingStyle}');
SELECT renderchain.save_memory(id(201), '{"palette":["free"]}');
SELECT renderchain.pin_memory(id(6), '{"a.b":1,"a":{"b":2}}'), renderchain.unpin_memory(id(6), '{a.b}'), renderchain.unpin_memory(id(6), '{a.b}');
-- errors
SELECT renderchain.pin_memory(id(2), '{"a":{"b":null}}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.pin_memory(id(2), '[1]');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.pin_memory(id(2), NULL);
SELECT renderchain.pin_memory(NULL, '{}');
SELECT renderchain.pin_memory(id(99), '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.unpin_memory(id(99), '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.unpin_memory(id(2), '{a,NULL}');
SELECT renderchain.unpin_memory(id(2), NULL);
SELECT renderchain.unpin_memory(NULL, '{a}');
SELECT * FROM memory_pins ORDER BY chain_id;

-- a trigger that suppresses the update does not go unnoticed
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER suppress BEFORE UPDATE ON renders FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT renderchain.save_memory(id(101), '{"never":1}');
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER suppress ON renders;

-- another schema in the same session; tables altered, dropped and made again under kept plans
SELECT renderchain.create_tables('t_memory_2') LIKE '%created%' AS made;
SET renderchain.schema = 't_memory_2';
SELECT renderchain.get_memory_from_chain(t_memory.id(1));
SET renderchain.schema = 't_memory';
SELECT renderchain.get_memory_from_chain(id(1));
SET renderchain.schema = 't_memory_2';
ALTER TABLE t_memory_2.renders ADD COLUMN first_of_its_kind int;
SELECT renderchain.get_memory_from_chain(t_memory.id(1));
DROP SCHEMA t_memory_2 CASCADE;
SELECT renderchain.get_memory_from_chain(t_memory.id(1));
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.save_memory(t_memory.id(1), '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.create_tables('t_memory_2') LIKE '%created%' AS made;
SELECT renderchain.get_memory_from_chain(t_memory.id(1));
DROP SCHEMA t_memory_2 CASCADE;
SET renderchain.schema = 't_memory';

-- privileges: nothing without a grant, columns and row-level security on every path
CREATE ROLE regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
SELECT renderchain.save_memory('00000000-0000-0000-0000-000000000101', '{}');
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain, t_memory TO regress_memory_user;
SET ROLE regress_memory_user;
\set VERBOSITY sqlstate
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA t_memory TO regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain(id(1));
RESET ROLE;
GRANT SELECT (id, chain_id, chain_position, status) ON renders TO regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain(id(1));
RESET ROLE;
GRANT SELECT (context_data) ON renders TO regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain(id(1));
SELECT * FROM renderchain.get_latest_completed_render_with_memory(id(1));
SELECT renderchain.save_memory(id(101), '{"stolen":true}');
RESET ROLE;
GRANT SELECT ON memory_pins TO regress_memory_user;
GRANT UPDATE (updated_at) ON renders TO regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.save_memory(id(101), '{"stolen":true}');
RESET ROLE;
GRANT UPDATE (context_data) ON renders TO regress_memory_user;
SET ROLE regress_memory_user;
SELECT renderchain.save_memory(id(101), '{"granted":true}');
RESET ROLE;
-- the same plans, kept by this session, serve a role that sees less
ALTER TABLE renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_first ON renders TO regress_memory_user USING (chain_position <= 1);
SELECT renderchain.get_memory_from_chain(id(1));
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain(id(1)), renderchain.get_memory_from_render(id(102)), renderchain.get_memory_from_render(id(101));
SELECT render_id, memory FROM renderchain.get_memories_from_chains(ARRAY[id(1), id(4)]);
SELECT renderchain.save_memory(id(102), '{"stolen":true}');
SELECT renderchain.save_memory(id(101), '{"allowed":true}');
RESET ROLE;
DROP POLICY only_first ON renders;
CREATE POLICY read_all ON renders FOR SELECT TO regress_memory_user USING (true);
CREATE POLICY write_first ON renders FOR UPDATE TO regress_memory_user USING (chain_position <= 1) WITH CHECK (NOT context_data ? 'forbidden');
SET ROLE regress_memory_user;
SELECT renderchain.get_memory_from_chain(id(1));
SELECT renderchain.save_memory(id(102), '{"stolen":true}');
SELECT renderchain.merge_context(id(101), '{"forbidden":1}');
RESET ROLE;
SELECT renderchain.get_memory_from_chain(id(1)), renderchain.get_memory_from_render(id(101));
ALTER TABLE renders DISABLE ROW LEVEL SECURITY;

-- hostile objects, planted first in the path and in the working schema itself
CREATE SCHEMA t_memory_trap;
CREATE FUNCTION t_memory_trap.trap_text(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured text ='; END $$;
CREATE FUNCTION t_memory_trap.trap_uuid(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured uuid ='; END $$;
CREATE FUNCTION t_memory_trap.trap_get(jsonb, text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured ->'; END $$;
CREATE FUNCTION t_memory_trap.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured jsonb_typeof'; END $$;
CREATE FUNCTION t_memory_trap.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured unnest'; END $$;
CREATE FUNCTION t_memory_trap.jsonb_merge_patch(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured jsonb_merge_patch'; END $$;
CREATE FUNCTION t_memory_trap.clock() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured clock'; END $$;
CREATE TABLE t_memory_trap.renders (LIKE renders);
CREATE TABLE t_memory_trap.render_chains (LIKE render_chains);
CREATE TABLE t_memory_trap.memory_pins (LIKE memory_pins);
CREATE OPERATOR t_memory_trap.= (FUNCTION = t_memory_trap.trap_text, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR t_memory_trap.= (FUNCTION = t_memory_trap.trap_uuid, LEFTARG = uuid, RIGHTARG = uuid);
CREATE OPERATOR t_memory_trap.-> (FUNCTION = t_memory_trap.trap_get, LEFTARG = jsonb, RIGHTARG = text);
CREATE DOMAIN t_memory_trap.text AS int;
CREATE DOMAIN t_memory_trap.jsonb AS int;
-- the same in the working schema
CREATE OPERATOR t_memory.= (FUNCTION = t_memory_trap.trap_text, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR t_memory.= (FUNCTION = t_memory_trap.trap_uuid, LEFTARG = uuid, RIGHTARG = uuid);
CREATE OPERATOR t_memory.-> (FUNCTION = t_memory_trap.trap_get, LEFTARG = jsonb, RIGHTARG = text);
CREATE FUNCTION t_memory.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured jsonb_typeof'; END $$;
-- plans are made anew under the hostile path
\c
\pset null '(null)'
\set SHOW_CONTEXT never
SET renderchain.schema = 't_memory';
SET search_path = t_memory_trap, t_memory, pg_catalog;
SELECT renderchain.get_memory_from_chain(id(1));
SELECT prompt, memory FROM renderchain.get_latest_completed_render_with_memory(id(1));
SELECT renderchain.get_memory_from_render(id(101)), renderchain.get_memory_from_ancestors(id(506));
SELECT render_id, memory FROM renderchain.get_memories_from_chains(ARRAY[id(4), id(1)]);
SELECT renderchain.save_memory(id(101), '{"safe":1}');
SELECT renderchain.merge_context(id(101), '{"safe":1}');
SELECT renderchain.pin_memory(id(1), '{"pinned":1}');
SELECT renderchain.get_memory_from_chain(id(1));
SELECT renderchain.unpin_memory(id(1), '{pinned}');
SELECT renderchain.jsonb_merge_patch('{}', '{"a":1}'), renderchain.jsonb_make_patch('{}', '{"a":1}'), renderchain.merge_memory('{}', '{"a":1}');

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA t_memory_trap, t_memory CASCADE;
DROP OWNED BY regress_memory_user;
DROP ROLE regress_memory_user;
