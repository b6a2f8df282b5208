-- merge_memory: what several memories agree on
\set SHOW_CONTEXT never
\pset null '(null)'

-- the default memory for no input
SELECT renderchain.merge_memory(VARIADIC '{}'::jsonb[]);
SELECT renderchain.merge_memory(VARIADIC NULL::jsonb[]) = renderchain.merge_memory(VARIADIC '{}'::jsonb[]) AS null_array,
       renderchain.merge_memory(NULL::jsonb, NULL) = renderchain.merge_memory(VARIADIC '{}'::jsonb[]) AS nulls,
       (SELECT renderchain.merge_memory(m) FROM (VALUES ('{}'::jsonb)) v (m) WHERE false)
           = renderchain.merge_memory(VARIADIC '{}'::jsonb[]) AS no_rows,
       (SELECT renderchain.merge_memory(m) FROM (VALUES (NULL::jsonb)) v (m))
           = renderchain.merge_memory(VARIADIC '{}'::jsonb[]) AS null_rows;

-- one memory comes back as it is
SELECT m = renderchain.merge_memory(VARIADIC ARRAY[m]) AS same
FROM (VALUES
    ('{"styleCodes":{"colorPalette":["a"],"lightingStyle":"dusk","x":1},"palette":["deep navy #1f2a44","cream"],"geometry":{"perspective":"isometric"},"materials":["oak"],"extractedAt":"2026-01-31T12:00:00Z","own":{"k":[null]}}'::jsonb),
    ('{}'), ('{"palette":[]}'), ('{"palette":"odd","styleCodes":null,"geometry":7,"extractedAt":12}')) AS v (m);

-- an entry needs more than half: 1 of 1, 2 of 2, 2 of 3, 3 of 4
SELECT renderchain.merge_memory('{"palette":["a","b"]}', '{"palette":["b","c"]}') AS two;
SELECT renderchain.merge_memory('{"palette":["a","b"]}', '{"palette":["b","c"]}', '{"palette":["c","d"]}') AS three;
SELECT renderchain.merge_memory('{"palette":["a","b"]}', '{"palette":["b","c"]}', '{"palette":["c","d","b"]}', '{"palette":["c"]}') AS four;
-- in order of first appearance, or the last list where they agree on nothing
SELECT renderchain.merge_memory('{"palette":["z","a","m"]}', '{"palette":["m","z"]}', '{"palette":["a","z"]}') AS by_appearance;
SELECT renderchain.merge_memory('{"palette":["a"]}', '{"palette":["b"]}') AS last_list;
SELECT renderchain.merge_memory('{"palette":["a"]}', '{"palette":[]}') AS last_list_empty;
-- a memory without the list counts, and does not take the list away
SELECT renderchain.merge_memory('{"palette":["a","b"]}', '{"palette":["a"]}', '{}') AS two_of_three,
       renderchain.merge_memory('{"palette":["a"]}', '{}', '{}') AS last_that_has_one;
-- said twice in one memory is said once
SELECT renderchain.merge_memory('{"palette":["a","A","a #000"]}', '{"palette":["b"]}', '{"palette":["c"]}') AS last_list,
       renderchain.merge_memory('{"palette":["a","A","a #000"]}', '{"palette":["a"]}') AS once;

-- entries are compared by name: without case, value and outer spaces
SELECT renderchain.merge_memory(jsonb_build_object('materials', jsonb_build_array(a)), jsonb_build_object('materials', jsonb_build_array(b)))
       = jsonb_build_object('materials', jsonb_build_array(a)) AS same, a, b
FROM (VALUES
    ('Deep Navy #1f2a44', 'deep navy'), ('deep navy', 'DEEP NAVY #000080'), ('navy #fff', 'navy  #1234'), ('navy #12345678', ' navy '),
    ('#1F2A44', '#1f2a44'),
    ('navy #12345', 'navy'), ('navy#123456', 'navy'), ('navy #12345g', 'navy'), ('#123456', '#654321'), ('deep navy', 'deepnavy'),
    ('', ' '), ('a', '')) AS v (a, b);
-- what is not a text is compared as JSON
SELECT renderchain.merge_memory('{"palette":[1,{"name":"a"},null,["x"]]}', '{"palette":[1.0,{"name":"a"},"1",null]}') AS mixed;

-- styleCodes and geometry from the last that has them, the style's palette by agreement
SELECT jsonb_pretty(renderchain.merge_memory(
    '{"styleCodes":{"colorPalette":["a","b"],"lightingStyle":"dawn","first":1},"geometry":{"perspective":"isometric"},"k":1,"first":1}',
    '{"styleCodes":{"colorPalette":["b","c"],"lightingStyle":"dusk"},"geometry":{"perspective":"perspective","focalLength":"wide"},"k":2}',
    '{"k":3}'));
SELECT renderchain.merge_memory('{"styleCodes":{"colorPalette":["a"]}}', '{"styleCodes":{"lightingStyle":"x"}}') AS style,
       renderchain.merge_memory('{"styleCodes":{"colorPalette":["a"]}}', '{"styleCodes":{"colorPalette":["b"]}}') AS last_list;

-- extractedAt: the latest point in time, not the greatest text
SELECT renderchain.merge_memory(VARIADIC array_agg(jsonb_build_object('extractedAt', t) ORDER BY i)) ->> 'extractedAt' AS latest
FROM (VALUES (1, '2026-01-01T00:00:00Z'), (2, '2026-01-01T01:00:00+02:00')) AS v (i, t);
SELECT renderchain.merge_memory(jsonb_build_object('extractedAt', a), jsonb_build_object('extractedAt', b)) ->> 'extractedAt' AS latest, a, b
FROM (VALUES
    ('2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z'), ('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.001Z'),
    ('2026-01-01T00:00:00Z', '2026-01-01T00:30:00-00:30'), ('2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00.49Z'),
    ('2026-01-01T00:00', '2025-12-31 23:00:00Z'), ('2026-01-01T00:00:00Z', 'zzz'), ('zzz', '2026-01-01T00:00:00Z'),
    ('aaa', 'zzz'), ('2026-01-01T00:00:00Z', '2026-13-01T00:00:00Z'), ('2026-01-01T00:00:00Z', '2027-01-01'),
    ('2026-01-01T00:00:00Z', '2027-01-01T00:00:00X'), ('2026-01-01T00:00:00Z', '2027-01-01T00:00:00.Z')) AS v (a, b);
SELECT renderchain.merge_memory('{"extractedAt":"2026-01-01T00:00:00Z"}', '{"extractedAt":7}', '{}') AS of_the_right_type;

-- the result does not depend on the session's settings
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Tokyo';
SELECT renderchain.merge_memory('{"extractedAt":"2026-02-01T00:00:00"}', '{"extractedAt":"2026-01-31T23:00:00Z"}');
RESET DateStyle;
RESET TimeZone;

-- the aggregate is the same in the order of the rows, NULLs skipped
SELECT renderchain.merge_memory(m ORDER BY i), renderchain.merge_memory(m ORDER BY i DESC)
FROM (VALUES (1, '{"palette":["a","b"],"k":1}'::jsonb), (2, NULL), (3, '{"palette":["b","c"],"k":3}'), (4, '{"palette":["d","c"],"k":4}')) AS v (i, m);
SELECT i % 2 AS grp, renderchain.merge_memory(jsonb_build_object('palette', jsonb_build_array('x', i), 'k', i) ORDER BY i)
FROM generate_series(1, 40) i GROUP BY 1 ORDER BY 1;
SELECT i, renderchain.merge_memory(jsonb_build_object('palette', jsonb_build_array(i % 2))) OVER (ORDER BY i) FROM generate_series(1, 4) i;

-- something other than an object is no memory
SELECT renderchain.merge_memory('{}', '[1]');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.merge_memory('"x"'::jsonb, '{}');
SELECT renderchain.merge_memory(m) FROM (VALUES ('{}'::jsonb), ('null')) AS v (m);
