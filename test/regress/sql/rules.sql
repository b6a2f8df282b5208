-- rules for JSON: each part, each limit and one past it
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.judge(rule jsonb, VARIADIC vals jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(v::text || CASE WHEN renderchain._fits(v, rule) THEN ' yes' ELSE ' no' END, ', ' ORDER BY place)
    FROM unnest(vals) WITH ORDINALITY AS u (v, place)
$$;
SELECT pg_temp.judge('{}', 'null', '1', '"x"', 'true', '[]', '{}');
SELECT renderchain._fits(NULL, '{}'), renderchain._fits('{}', '{"types": ["array"]}');
SELECT pg_temp.judge('{"types": ["string", "null"]}', 'null', '1', '"x"', 'true', '[]', '{}');
SELECT pg_temp.judge('{"types": ["number"]}', 'null', '1', '"x"', '-1.50');
SELECT pg_temp.judge('{"types": ["boolean"]}', 'true', 'false', '"true"');
SELECT pg_temp.judge('{"types": []}', 'null', '1', '{}');
-- texts
SELECT pg_temp.judge('{"values": ["a", "4"]}', '"a"', '"A"', '""', '4', '4.0', 'null');
SELECT pg_temp.judge('{"pattern": "^[0-9]{1,3}$"}', '"12"', '"1234"', '123', '1234', '1.5', 'null');
SELECT pg_temp.judge('{"longest": 3}', '"äöü"', '"abcd"', '""', '123', '1234');
SELECT pg_temp.judge('{"shortest": 1}', '""', '"x"', '"ä"');
SELECT pg_temp.judge('{"bytes": 4}', '"äö"', '"äöü"', '"abcd"', '"abcde"');
SELECT pg_temp.judge('{"blank": false}', '""', '" \t\r\n"', '" x"', '"\u00a0"');
SELECT pg_temp.judge('{"time": true}', '"2026-01-31T12:00:00Z"', '"2026-02-29T12:00:00Z"', '"2028-02-29 23:59:59.123456+01"',
    '"2026-01-31T24:00:00Z"', '"2026-01-31T12:60:00Z"', '"2026-01-31T12:00:60Z"', '"2026-01-31T12:00:00."', '"2026-01-31T12:00:00+15:59"',
    '"2026-01-31T12:00:00+16:00"', '"2026-01-31T12:00:00+0130"', '"2026-01-31T12:00:00+01:"', '"2026-01-31T12:00:00"', '"2026-01-31"', '""');
-- objects
SELECT pg_temp.judge('{"members": {"a": {"types": ["number"]}, "b": "a"}}', '{}', '{"a": 1, "b": 2}', '{"b": "x"}', '{"c": 1}', '{"c": null}', '[]');
SELECT pg_temp.judge('{"members": {"a": {"types": ["number"]}}, "others": {"types": ["string"]}}', '{"c": "x"}', '{"c": 1}');
SELECT pg_temp.judge('{"members": {"a": {}, "b": {}}, "needed": ["a", "b"]}', '{"a": 1, "b": null}', '{"a": 1}', '{}');
SELECT pg_temp.judge('{"members": {"a": {}, "b": {}}, "one": ["a", "b"]}', '{"a": 1}', '{"a": 1, "b": null}', '{}');
SELECT pg_temp.judge('{"members": {"a": {"members": {"b": {"types": ["null"]}}}}}', '{"a": {"b": null}}', '{"a": {"b": 1}}', '{"a": {"c": null}}');
SELECT pg_temp.judge('{"members": {"a": "b", "b": "a"}}', '{"a": 1}', '{}');
-- lists
SELECT pg_temp.judge('{"most": 2}', '[]', '[1, 2]', '[1, 2, 3]');
SELECT pg_temp.judge('{"items": {"types": ["number"]}}', '[]', '[1, 2]', '[1, "x"]', '[[1]]');

-- which member to complain of: what is not allowed, what does not fit, what is missing
SELECT renderchain._misfit(v::jsonb, '{"members": {"a": {"types": ["number"]}, "b": "a", "n": {}}, "needed": ["n"]}')
FROM (VALUES ('{"n": 1}'), ('{"zz": 1, "a": "x"}'), ('{"a": 1, "b": "x"}'), ('{"a": 1}'), ('[]'), (NULL)) AS v (v);
-- a rule that is not an object has no parts, and nothing is read past its end
SELECT pg_temp.judge(rule, '1', '"x"', '[1]', '{"a": 1}'), renderchain._misfit('{"a": 1}', rule)
FROM (VALUES ('[]'::jsonb), ('["types", ["string"]]'), ('1'), ('"types"'), ('null')) AS r (rule);
SELECT renderchain._fits('"x"', jsonb_agg(NULL::text)), renderchain._misfit('{}', jsonb_agg(NULL::text)) IS NULL
FROM generate_series(1, 1000);
