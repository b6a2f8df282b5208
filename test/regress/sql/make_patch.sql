-- jsonb_make_patch: the smallest merge patch from one document to another
\set SHOW_CONTEXT never
\pset null '(null)'

-- result, whether merging it back gives the target, and its size where it matters
SELECT source, target, p AS patch, renderchain.jsonb_merge_patch(source, p) = target AS round_trip
FROM (VALUES
    (1, '{"a":1}'::jsonb, '{"a":1}'::jsonb),
    (2, '{"a":1}', '{"a":2}'),
    (3, '{"a":1,"b":2}', '{"b":2}'),
    (4, '{"b":2}', '{"a":1,"b":2}'),
    (5, '{"a":{"x":1,"y":2}}', '{"a":{"x":1,"y":3}}'),
    (6, '{"a":{"x":{"y":{"z":1}}},"b":1}', '{"a":{"x":{"y":{}}},"b":1}'),
    (7, '{"a":{"x":1}}', '{"a":{}}'),
    (8, '{"a":{"x":1}}', '{}'),
    (9, '{"a":{"x":1}}', '{"a":5}'),
    (10, '{"a":5}', '{"a":{"x":1}}'),
    (11, '{"a":5}', '{"a":{}}'),
    (12, '{}', '{"a":{}}'),
    (13, '{"a":[1,2]}', '{"a":[1,2]}'),
    (14, '{"a":[1,2]}', '{"a":[2,1]}'),
    (15, '{"a":[1,{"b":null}]}', '{"a":[{"b":null}]}'),
    (16, '{"a":"1"}', '{"a":1}'),
    (17, '{"a":true}', '{"a":false}'),
    (18, '{"a":null,"b":1}', '{"a":null,"b":2}'),
    (19, '{"a":{"n":null,"x":1}}', '{"a":{"n":null,"x":1,"y":2}}'),
    (20, '{"a":null}', '{}'),
    (21, '{"a":null}', '{"a":1}'),
    (22, '{"a":{"n":null}}', '{"a":1}'),
    (23, '{"a":1}', '[1]'),
    (24, '[1]', '{"a":1}'),
    (25, '[1]', '{}'),
    (26, '[1]', '[1]'),
    (27, '"x"', 'null'),
    (28, 'null', 'null'),
    (29, '{"a":1}', 'null'),
    (30, NULL, '{"a":{"b":1}}'),
    (31, NULL, '"x"'),
    (32, '{"":{"":1}}', '{"":{"":2}}')
) AS v (i, source, target), renderchain.jsonb_make_patch(source, target) AS p
ORDER BY i;

-- 1 and 1.0 are equal, so there is nothing to patch
SELECT renderchain.jsonb_make_patch('{"a":1,"b":[1]}', '{"a":1.0,"b":[1.00]}');

-- no target, no patch
SELECT renderchain.jsonb_make_patch('{"a":1}', NULL), renderchain.jsonb_make_patch(NULL, NULL);

-- a null member cannot be expressed; the error says where it is
SELECT renderchain.jsonb_make_patch('{"a":1}', '{"a":null}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.jsonb_make_patch('{}', '{"a":null}');
SELECT renderchain.jsonb_make_patch(NULL, '{"a":{"b":null}}');
SELECT renderchain.jsonb_make_patch('[]', '{"a":{"b":[null],"c":null}}');
SELECT renderchain.jsonb_make_patch('{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":null}}}');
SELECT renderchain.jsonb_make_patch('{"a":{"b":1}}', '{"a":{"b":{"a/b~c":null}}}');
SELECT renderchain.jsonb_make_patch('{"a":{"b":[1]}}', '{"a":{"b":{"x":{"y":null}}}}');

-- deep and wide
SELECT renderchain.jsonb_make_patch(
    (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb,
    (repeat('{"a":', 3000) || '2' || repeat('}', 3000))::jsonb)
    = (repeat('{"a":', 3000) || '2' || repeat('}', 3000))::jsonb AS whole,
  renderchain.jsonb_make_patch(
    (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb,
    (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb) AS nothing;
SELECT count(*) AS members, count(*) FILTER (WHERE value = 'null') AS removed
FROM jsonb_each(renderchain.jsonb_make_patch(
    (SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 1000) i),
    (SELECT jsonb_object_agg('k' || i, i + (i % 10 = 0)::int) FROM generate_series(101, 1100) i)));
