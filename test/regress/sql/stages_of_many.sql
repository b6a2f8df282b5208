-- record_stages of many renders: each is fenced for itself
\set SHOW_CONTEXT never
SET renderchain.schema = 't_stages_of_many';
SET renderchain.clock = '2026-11-26 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_stages_of_many: created %' AS made;
SET search_path = t_stages_of_many, public;
CREATE TABLE named (name text PRIMARY KEY, id uuid);
INSERT INTO named
SELECT v.name, s.render_id
FROM (VALUES ('a'), ('b'), ('lost'), ('cancelled'), ('ended')) v (name),
     renderchain.run_render(jsonb_build_object('prompt', v.name), 'w', '1 minute') s;
CREATE FUNCTION id(name text) RETURNS uuid LANGUAGE sql AS 'SELECT n.id FROM named n WHERE n.name = $1';
-- events about some renders, each in its own words
CREATE FUNCTION entry(name text, attempt integer, events text, objects text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('render', id(name), 'attempt', attempt, 'events', events::jsonb)
        || CASE WHEN objects IS NULL THEN '{}' ELSE jsonb_build_object('objects', objects::jsonb) END
$$;
CREATE VIEW written AS
SELECT n.name, s.stage, s.part, s.attempt, s.status FROM named n JOIN render_stages s ON s.render_id = n.id
ORDER BY n.name, s.stage, s.part;

-- several at once, with objects; nothing is refused, so nothing is returned
SELECT * FROM renderchain.record_stages(jsonb_build_array(
    entry('a', 1, '[{"stage": "semantic_parsing", "status": "running"}, {"stage": "image_understanding", "part": "style", "status": "running"}]'),
    entry('b', 1, '[{"stage": "image_generation", "status": "running"}]', '[{"key": "r/b", "backend": "file"}]')));
TABLE written;
SELECT key, state, attempt FROM stored_objects;
-- one that is named twice: in the order of the list
SELECT * FROM renderchain.record_stages(jsonb_build_array(
    entry('a', 1, '[{"stage": "semantic_parsing", "status": "failed", "outcome": "empty"}]'),
    entry('b', 1, '[{"stage": "image_generation", "status": "success"}]'),
    entry('a', 1, '[{"stage": "semantic_parsing", "status": "success"}]')));
TABLE written;
-- viewers are told of each
SELECT count(*) FROM renderchain.events_since(id('a'), 0);
SELECT * FROM renderchain.record_stages('[]');

-- what is refused of some renders is told, and the others are recorded
SELECT renderchain.cancel_render(id('cancelled'));
SELECT renderchain.fail_render(id('ended'), 1, '{"message": "no"}', false);
SELECT renderchain.release_renders('w', ARRAY[id('a'), id('b')]) IS NOT NULL AS released;
SELECT COALESCE(n.name, 'unknown') AS name, r.code, replace(r.message, r.render_id::text, 'ID') AS message, r.detail, r.hint
FROM renderchain.record_stages(jsonb_build_array(
    entry('lost', 1, '[{"stage": "storage", "status": "running"}]', '[{"key": "r/lost", "backend": "file"}]'),
    entry('cancelled', 1, '[{"stage": "storage", "status": "running"}]'),
    entry('a', 1, '[{"stage": "validation", "status": "running"}]'),
    entry('ended', 1, '[{"stage": "storage", "status": "running"}]'),
    entry('b', 2, '[{"stage": "validation", "status": "running"}]'),
    '{"render": "00000000-0000-0000-0000-000000000001", "attempt": 1, "events": []}'::jsonb)) r
LEFT JOIN named n ON n.id = r.render_id ORDER BY 1, 2, 3;
TABLE written;
SELECT key FROM stored_objects;

-- what is invalid of one is raised, and nothing of the call is kept
CREATE FUNCTION refused(renders jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    PERFORM renderchain.record_stages(renders);
    RETURN 'recorded';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || replace(d, id('b')::text, 'ID');
END $$;
SELECT refused(jsonb_build_array(entry('a', 1, '[{"stage": "storage", "status": "running"}]'), v.entry))
FROM (VALUES (entry('b', 1, '[{"stage": "dreaming", "status": "running"}]')),
             (entry('b', 1, '[]', '[{"key": "r/b"}]')),
             (entry('a', 1, '[]', '[{"key": "r/b", "backend": "file"}]')), -- of another render
             (entry('b', 1, '[]') - 'events'), (entry('b', 1, '[]') - 'attempt'), (entry('b', 1, '[]') - 'render'),
             (entry('b', 1, '{}')), (entry('b', NULL, '[]')), (entry('nobody', 1, '[]')), (entry('b', 1, '[]', '{}')),
             (entry('b', 1, '[]') || '{"render": "no id"}'), (entry('b', 1, '[]') || '{"attempt": 1.5}'),
             (entry('b', 1, '[]') || '{"result": {"outputUrl": "u", "stages": []}}'), ('1')) v (entry);
SELECT refused(v.list::jsonb) FROM (VALUES (NULL), ('{}'), ('"x"')) v (list);
SELECT count(*) FROM render_stages WHERE stage = 'storage';

-- results complete renders, among others that go on: each with its objects, credits, memory, and what waits for it
SELECT renderchain.grant_credits(u.id::uuid, 100, 'gift') FROM (VALUES ('00000000-0000-0000-0000-00000000000b'), ('00000000-0000-0000-0000-00000000000a')) u (id);
INSERT INTO named
SELECT v.name, s.render_id
FROM (VALUES ('c', '{"chainName": "one", "userId": "00000000-0000-0000-0000-00000000000b"}'::jsonb),
             ('d', '{"chainName": "two", "userId": "00000000-0000-0000-0000-00000000000a"}'),
             ('e', '{"userId": "00000000-0000-0000-0000-00000000000b"}'), ('f', '{}'), ('g', '{}')) v (name, more),
     renderchain.run_render(jsonb_build_object('prompt', v.name, 'provider', 'local') || v.more, 'w', '1 minute') s;
SELECT count(*) FROM renderchain.submit_render('{"prompt": "next", "chainName": "one"}');
SELECT count(*) FROM renderchain.claim_renders('w', 9, '1 minute');
SELECT state FROM render_jobs WHERE request ->> 'prompt' = 'next';
SELECT renderchain.pin_memory(c.id, '{"palette": ["navy"]}') FROM render_chains c WHERE c.name = 'two';
CREATE FUNCTION result(name text, more text DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('outputKey', 'out/' || $1, 'selectedModel', 'local-image-flash', 'size', '1K',
        'objects', jsonb_build_array(jsonb_build_object('key', 'out/' || $1, 'backend', 'file')),
        'memory', jsonb_build_object('palette', jsonb_build_array($1), 'materials', jsonb_build_array('stone'))) || more::jsonb
$$;
SELECT * FROM renderchain.record_stages(jsonb_build_array(
    entry('f', 1, '[{"stage": "image_generation", "status": "running"}]', '[{"key": "out/f", "backend": "file"}]'),
    entry('e', 1, '[{"stage": "storage", "status": "success"}]') || jsonb_build_object('result', result('e')),
    entry('c', 1, '[{"stage": "storage", "status": "success"}]') || jsonb_build_object('result', result('c')),
    entry('d', 1, '[]') || jsonb_build_object('result', result('d', '{"validation": {"valid": true}}')),
    entry('g', 1, '[]') || '{"result": null}'));
SELECT n.name, r.status, r.credits_cost, r.output_key, r.context_data, r.metadata, j.state, j.ended_at IS NOT NULL AS ended, j.lease_owner
FROM named n JOIN renders r USING (id) JOIN render_jobs j ON j.render_id = n.id WHERE n.name BETWEEN 'c' AND 'g' ORDER BY 1;
SELECT key, state FROM stored_objects WHERE key LIKE 'out/%' ORDER BY 1;
SELECT user_id, balance, reserved FROM credit_accounts ORDER BY 1;
SELECT user_id, kind, balance_delta, reserved_delta FROM credit_entries WHERE kind <> 'grant' ORDER BY id;
SELECT state FROM render_jobs WHERE request ->> 'prompt' = 'next';
-- once more, by a driver that lost the answer: nothing is refused, nothing changes
SELECT * FROM renderchain.record_stages(jsonb_build_array(entry('c', 1, '[]') || jsonb_build_object('result', result('c', '{"outputKey": "other"}'))));
-- but without a result it has ended, and so has what ended otherwise, whatever the result
SELECT n.name, r.code FROM renderchain.record_stages(jsonb_build_array(entry('d', 1, '[]'), entry('ended', 1, '[]') || jsonb_build_object('result', result('ended')),
    entry('cancelled', 1, '[]') || jsonb_build_object('result', result('cancelled')))) r JOIN named n ON n.id = r.render_id ORDER BY 1;
-- of two results of one render the first is it
SELECT * FROM renderchain.record_stages(jsonb_build_array(entry('g', 1, '[]') || jsonb_build_object('result', result('g')),
    entry('g', 1, '[]') || jsonb_build_object('result', result('g', '{"outputKey": "second"}'))));
SELECT output_key FROM renders WHERE id = id('g');
SELECT key, state FROM stored_objects WHERE key = 'out/g';
-- an invalid one is raised with its render, and nothing of the call is kept
INSERT INTO named SELECT 'h', s.render_id FROM renderchain.run_render('{"prompt": "h"}', 'w', '1 minute') s;
SELECT replace(replace(refused(jsonb_build_array(entry('f', 1, '[]') || jsonb_build_object('result', result('f')), v.entry)), id('h')::text, 'ID'), id('c')::text, 'C')
FROM (VALUES (entry('h', 1, '[]') || '{"result": {}}'), (entry('h', 1, '[]') || '{"result": []}'),
             (entry('h', 1, '[]') || jsonb_build_object('result', result('h', '{"memory": 1}'))),
             (entry('h', 1, '[]') || jsonb_build_object('result', result('h', '{"objects": [{"key": "out/c", "backend": "file"}]}'))),
             (entry('h', 1, '[{"stage": "dreaming", "status": "running"}]') || jsonb_build_object('result', result('h')))) v (entry);
SELECT name, status FROM named JOIN renders USING (id) WHERE name IN ('f', 'h') ORDER BY 1;
-- nor is one kept that row security does not let be written: it is refused, not taken for locked
CREATE ROLE t_stages_of_many_worker;
GRANT USAGE ON SCHEMA t_stages_of_many, renderchain TO t_stages_of_many_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA t_stages_of_many TO t_stages_of_many_worker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO t_stages_of_many_worker;
ALTER TABLE renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY sees ON renders FOR SELECT USING (true);
CREATE POLICY writes ON renders FOR UPDATE USING (prompt <> 'h');
SET ROLE t_stages_of_many_worker;
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(jsonb_build_array(entry('f', 1, '[]') || jsonb_build_object('result', result('f')), entry('h', 1, '[]') || jsonb_build_object('result', result('h'))));
\set VERBOSITY default
SELECT count(*) FROM renderchain.record_stages(jsonb_build_array(entry('f', 1, '[]') || jsonb_build_object('result', result('f'))));
RESET ROLE;
ALTER TABLE renders DISABLE ROW LEVEL SECURITY;
DROP OWNED BY t_stages_of_many_worker;
DROP ROLE t_stages_of_many_worker;
SELECT name, status FROM named JOIN renders USING (id) WHERE name IN ('f', 'h') ORDER BY 1;
SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects();
