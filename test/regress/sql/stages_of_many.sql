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
             (entry('b', 1, '[]') || '{"render": "no id"}'), (entry('b', 1, '[]') || '{"attempt": 1.5}'), ('1')) v (entry);
SELECT refused(v.list::jsonb) FROM (VALUES (NULL), ('{}'), ('"x"')) v (list);
SELECT count(*) FROM render_stages WHERE stage = 'storage';
SELECT * FROM renderchain.check_ledger();
