-- documents at the limits of the format: the same errors as the server's own functions
-- give, and nothing changed
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TEMP TABLE large (a jsonb, b jsonb);
ALTER TABLE large ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
INSERT INTO large SELECT jsonb_build_object('a', repeat('x', 140000000)), jsonb_build_object('b', repeat('y', 140000000));
SELECT a || b FROM large;
SELECT renderchain.jsonb_merge_patch(a, b) FROM large;
SELECT renderchain.jsonb_merge_patch(jsonb_build_object('in', a), jsonb_build_object('in', b)) FROM large;
SELECT renderchain.jsonb_merge_patch_agg(p) FROM large, unnest(ARRAY[a, b]) p;
SELECT renderchain.jsonb_make_patch('{}', jsonb_build_object('in', a) || '{"c": 1}') = jsonb_build_object('in', a) || '{"c": 1}' AS patched FROM large;
-- just below: a value replaced by another one fits
SELECT pg_column_size(renderchain.jsonb_merge_patch(a, jsonb_build_object('a', b -> 'b'))) FROM large;
DROP TABLE large;

-- keys of 64 kB, more than one, and next to short ones
CREATE TEMP TABLE keys AS SELECT jsonb_build_object(repeat('k', 65536), 1, repeat('k', 65535) || 'l', '{"x": 1}'::jsonb, 'k', 2) AS doc;
SELECT pg_column_size(m) AS bytes, m = doc || jsonb_build_object(repeat('k', 65535) || 'l', '{"x": 1, "y": 2}'::jsonb) AS as_expected
FROM keys, renderchain.jsonb_merge_patch(doc, jsonb_build_object(repeat('k', 65535) || 'l', '{"y": 2}'::jsonb)) m;
SELECT renderchain.jsonb_merge_patch(doc, jsonb_build_object(repeat('k', 65536), NULL, repeat('k', 65535) || 'l', NULL)) FROM keys;
SELECT renderchain.jsonb_merge_patch('{"k": 2}', renderchain.jsonb_make_patch('{"k": 2}', doc)) = doc AS round_trip FROM keys;
SELECT renderchain.create_tables('t_limits');
SET renderchain.schema = 't_limits';
INSERT INTO t_limits.renders (id, prompt, context_data) SELECT '00000000-0000-0000-0000-00000000000a', 'x', doc FROM keys;
SELECT length(renderchain.save_memory('00000000-0000-0000-0000-00000000000a', doc)::text) AS saved FROM keys;
SELECT renderchain.get_memory_from_render('00000000-0000-0000-0000-00000000000a') = doc AS read,
       (SELECT context_data = k.doc || jsonb_build_object('pipelineMemory', k.doc) FROM t_limits.renders) AS stored
FROM keys k;

-- as many members as there are, in order and against it
WITH wide AS (SELECT jsonb_object_agg('key ' || i, i) AS doc, jsonb_object_agg('key ' || i, NULL) FILTER (WHERE i % 2 = 0) AS patch
              FROM generate_series(1, 100000) i)
SELECT count(*), min(value::integer), max(value::integer), bool_and(value::integer % 2 = 1) AS odd
FROM wide, jsonb_each_text(renderchain.jsonb_merge_patch(doc, patch));
DROP SCHEMA t_limits CASCADE;
