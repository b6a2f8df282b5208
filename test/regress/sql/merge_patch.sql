-- jsonb_merge_patch and its aggregate: RFC 7396
\set SHOW_CONTEXT never
\pset null '(null)'

-- every case of appendix A
SELECT target, patch, renderchain.jsonb_merge_patch(target, patch) AS result,
       renderchain.jsonb_merge_patch(target, patch) = expected AS ok
FROM (VALUES
    ('{"a":"b"}'::jsonb, '{"a":"c"}'::jsonb, '{"a":"c"}'::jsonb),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', '{}'),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', 'null', 'null'),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ('[1,2]', '{"a":"b","c":null}', '{"a":"b"}'),
    ('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')
) AS v (target, patch, expected);

-- the example of section 3
SELECT renderchain.jsonb_merge_patch(
    '{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"This will be unchanged"}',
    '{"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]}');

-- every type at the top level on either side
SELECT t.target, p.patch, renderchain.jsonb_merge_patch(t.target, p.patch)
FROM (VALUES (1, '{"a":1}'::jsonb), (2, '[1]'), (3, '"s"'), (4, '1.50'), (5, 'true'), (6, 'null'), (7, NULL)) AS t (i, target),
     (VALUES (1, '{"a":null,"b":{"c":null,"d":[null]}}'::jsonb), (2, '{}'), (3, '[{"a":null}]'), (4, '"p"'), (5, '2.0'), (6, 'false'), (7, 'null'), (8, NULL)) AS p (i, patch)
ORDER BY t.i, p.i;

-- key order by length and bytes, empty keys, keys with anything in them, many keys
SELECT renderchain.jsonb_merge_patch('{"":1,"b":2,"aa":3,"é":4,"zz":{"":5}}', '{"":null,"a":6,"ab":7,"é":null,"zz":{"":null,"x":8},"\"\\/":9}');
SELECT count(*), min(value::int), max(value::int), sum(value::int)
FROM jsonb_each_text(renderchain.jsonb_merge_patch(
    (SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 1000) i),
    (SELECT jsonb_object_agg('k' || i, CASE WHEN i % 3 = 0 THEN NULL ELSE 0 END) FROM generate_series(500, 1500) i)));

-- numbers keep their scale, and replace an equal one of another scale
SELECT renderchain.jsonb_merge_patch('{"a":1,"b":1.10}', '{"a":1.0,"c":1e3}');

-- arguments are unchanged, toasted ones too
CREATE TEMP TABLE documents (doc jsonb);
INSERT INTO documents SELECT jsonb_object_agg('key' || i, repeat(md5(i::text), 10)) FROM generate_series(1, 200) i;
SELECT renderchain.jsonb_merge_patch(doc, '{"key7":null}') = doc - 'key7' AS removed,
       renderchain.jsonb_merge_patch(doc, '{}') = doc AS same,
       renderchain.jsonb_merge_patch('{"x":1}', doc) = doc || '{"x":1}' AS added, count(*)
FROM documents, jsonb_object_keys(doc) GROUP BY doc;

-- deep documents are merged in linear time
SELECT length(renderchain.jsonb_merge_patch(
    (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb,
    (repeat('{"a":', 3000) || '{"b":2}' || repeat('}', 3000))::jsonb)::text);
-- whatever the server could build is merged, however little stack is left
CREATE TEMP TABLE deep AS
SELECT (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb AS doc,
       (repeat('{"a":', 3000) || '2' || repeat('}', 3000))::jsonb AS other,
       (repeat('{"a":', 3000) || 'null' || repeat('}', 3000))::jsonb AS removal,
       (repeat('{"a":', 2999) || '{}' || repeat('}', 2999))::jsonb AS emptied;
SET max_stack_depth = '100kB';
SELECT renderchain.jsonb_merge_patch(doc, other) = other AS merged,
       renderchain.jsonb_merge_patch(doc, removal) = emptied AS removed,
       renderchain.jsonb_make_patch(doc, other) = other AS patch,
       renderchain.jsonb_make_patch(doc, doc) AS no_patch,
       (SELECT renderchain.jsonb_merge_patch_agg(p) = other FROM unnest(ARRAY[doc, removal, other]) p) AS aggregated
FROM deep;
\set VERBOSITY sqlstate
SELECT renderchain.jsonb_make_patch('{}', removal) FROM deep;
\set VERBOSITY default
RESET max_stack_depth;

-- volatility: usable in an index and a generated column
CREATE TEMP TABLE computed (a jsonb, b jsonb, c jsonb GENERATED ALWAYS AS (renderchain.jsonb_merge_patch(a, b)) STORED);
INSERT INTO computed VALUES ('{"a":1}', '{"a":null}') RETURNING c;

-- the aggregate: in order, NULLs skipped, nulls of the first patch removed
SELECT renderchain.jsonb_merge_patch_agg(p ORDER BY i)
FROM (VALUES (1, '{"a":1,"n":null,"o":{"x":1}}'::jsonb), (2, NULL), (3, '{"a":null,"o":{"y":2}}'), (4, '{"b":3}')) AS v (i, p);
SELECT renderchain.jsonb_merge_patch_agg(p ORDER BY i DESC)
FROM (VALUES (1, '{"a":1,"n":null,"o":{"x":1}}'::jsonb), (2, NULL), (3, '{"a":null,"o":{"y":2}}'), (4, '{"b":3}')) AS v (i, p);
SELECT renderchain.jsonb_merge_patch_agg(p ORDER BY i) FROM (VALUES (1, '{"a":1}'::jsonb), (2, '[2]'), (3, '{"b":null}')) AS v (i, p);
SELECT renderchain.jsonb_merge_patch_agg(p) FROM (VALUES (NULL::jsonb), (NULL)) AS v (p);
SELECT renderchain.jsonb_merge_patch_agg(p) FROM (VALUES ('{}'::jsonb)) AS v (p) WHERE false;
SELECT i % 2 AS grp, renderchain.jsonb_merge_patch_agg(jsonb_build_object('k' || i, i, 'last', i) ORDER BY i)
FROM generate_series(1, 6) i GROUP BY 1 ORDER BY 1;
-- as a window function every row sees the state up to it
SELECT i, renderchain.jsonb_merge_patch_agg(jsonb_build_object('k', i, 'k' || i, 1)) OVER (ORDER BY i) FROM generate_series(1, 3) i;
-- more patches than are kept before they are applied, in linear time
SELECT count(*), sum(value::int) FROM jsonb_each((SELECT renderchain.jsonb_merge_patch_agg(
    jsonb_build_object('k' || i % 20000, CASE WHEN i % 10 = 0 THEN NULL ELSE i END) ORDER BY i) FROM generate_series(1, 50000) i));
-- whatever stands between objects under one key starts it anew
SELECT renderchain.jsonb_merge_patch_agg(jsonb_build_object('k', v, 'o', jsonb_build_object('k', v)) ORDER BY i)
FROM (VALUES (1, '{"a":1}'::jsonb), (2, '5'), (3, '{"b":{"c":null}}'), (4, '{"d":4}')) AS x (i, v);
SELECT renderchain.jsonb_merge_patch_agg(jsonb_build_object('k', v) ORDER BY i)
FROM (VALUES (1, '{"a":1}'::jsonb), (2, 'null'), (3, '{"b":2}'), (4, '{"b":null}')) AS x (i, v);
SELECT renderchain.jsonb_merge_patch_agg(v ORDER BY i) FROM (VALUES (1, '{"a":1}'::jsonb), (2, 'null')) AS x (i, v);
SELECT renderchain.jsonb_merge_patch_agg(v ORDER BY i) FROM (VALUES (1, '{"a":1}'::jsonb), (2, '{"a":{"b":1}}'), (3, '"x"'), (4, '{"a":{"c":null}}')) AS x (i, v);

-- PUBLIC may use them, and nothing behind them
CREATE ROLE regress_merge_user;
SET ROLE regress_merge_user;
SELECT renderchain.jsonb_merge_patch('{"a":1}', '{"b":2}');
SELECT renderchain.jsonb_merge_patch_agg('{"a":1}');
RESET ROLE;
SELECT p.oid::regprocedure AS executable FROM pg_proc p
WHERE p.pronamespace = 'renderchain'::regnamespace AND has_function_privilege('regress_merge_user', p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text COLLATE "C";
DROP ROLE regress_merge_user;
