-- Whoever may call a function may give it anything: NULL in each place and in all,
-- values of the wrong shape, and rules that are none. What comes back is a value or an
-- error of ours or of SQL, never an internal one, and never the end of the server.
SET client_min_messages = error;
SELECT renderchain.create_tables('t_hostile_arguments') IS NOT NULL AS made;
SET renderchain.schema = 't_hostile_arguments';

-- every function of ours but the plumbing of aggregates, with the types of its arguments
CREATE VIEW t_hostile_arguments.functions AS
SELECT p.oid::regprocedure::text AS signature, p.proname::text COLLATE "default" AS name, p.pronargs AS count,
       ARRAY(SELECT t.type::regtype::text FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
             ORDER BY t.place) AS types
FROM pg_proc p
WHERE p.pronamespace = 'renderchain'::regnamespace AND p.prokind = 'f' AND p.pronargs > 0
  AND NOT p.proargtypes::oid[] @> ARRAY['internal'::regtype::oid] AND p.proname <> 'create_tables';

-- call a function with these arguments; what it says that no caller should ever see
CREATE FUNCTION t_hostile_arguments.complaint(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE LIKE 'XX%' THEN format('%s: %s %s', call, SQLSTATE, SQLERRM) END;
END
$$;

-- values to try for a type, NULL first
CREATE FUNCTION t_hostile_arguments.tries(type text) RETURNS text[] LANGUAGE sql AS $$
    SELECT '{NULL}'::text[] || CASE type
        WHEN 'jsonb' THEN ARRAY['{}', '[]', '5', 'null', '"a"', '{"a": 1}', '[1, {"a": null}, [2]]',
            '{"members": {"a": {}}, "needed": [1, {"x": 1}, null]}', '{"members": {"a": "b"}, "one": [1, null, []]}',
            '{"pattern": 12}', '{"pattern": "("}', '{"types": 1, "values": {}, "longest": "NaN", "most": -1e300}',
            '{"members": 1, "others": 2, "items": 3, "time": 4, "blank": 5, "bytes": 1e300}']
        WHEN 'jsonb[]' THEN ARRAY['{}', '{NULL}', '{"5",NULL,"[1]"}']
        WHEN 'text' THEN ARRAY['', 'a', ' ', '2026-02-30', repeat('x', 9000)]
        WHEN 'text[]' THEN ARRAY['{}', '{NULL}', '{{a,b},{c,NULL}}']
        WHEN 'uuid' THEN ARRAY['00000000-0000-0000-0000-000000000000']
        WHEN 'uuid[]' THEN ARRAY['{}', '{NULL}', '{00000000-0000-0000-0000-000000000000}']
        WHEN 'integer' THEN ARRAY['0', '-2147483648', '2147483647']
        WHEN 'integer[]' THEN ARRAY['{}', '{NULL}', '{0,NULL,-1}']
        WHEN 'bigint' THEN ARRAY['0', '-9223372036854775808', '9223372036854775807']
        WHEN 'bigint[]' THEN ARRAY['{}', '{NULL}', '{1,NULL,-1}']
        WHEN 'boolean' THEN ARRAY['true', 'false']
        WHEN 'interval' THEN ARRAY['0', '-1 day', '178000000 years']
        WHEN 'timestamp with time zone' THEN ARRAY['infinity', '-infinity', '2026-01-01']
        WHEN 'date' THEN ARRAY['infinity', '2026-01-01']
        WHEN 'regrole' THEN ARRAY['0']
        WHEN 'oid' THEN ARRAY['0', '1259', '4294967295']
        WHEN 'aclitem[]' THEN ARRAY['{}', '{NULL}']
        ELSE '{}' END
$$;

-- a type that the list above does not know
SELECT DISTINCT t.type FROM t_hostile_arguments.functions f, unnest(f.types) AS t (type)
WHERE cardinality(t_hostile_arguments.tries(t.type)) = 1;

-- every value in each place, with each of the values in the others; of a text parameter many mean a name
CREATE FUNCTION t_hostile_arguments.calls(name text, types text[]) RETURNS SETOF text LANGUAGE sql AS $$
    WITH RECURSIVE list (place, arguments) AS (
        SELECT 0, ''::text COLLATE "C"
        UNION ALL
        SELECT l.place + 1, (l.arguments || CASE WHEN l.place > 0 THEN ', ' ELSE '' END
               || format('%s::%s', quote_nullable(v.value), types[l.place + 1])) COLLATE "C"
        FROM list l, unnest((t_hostile_arguments.tries(types[l.place + 1]))
                            [1 : CASE WHEN cardinality(types) <= 2 THEN 20 WHEN cardinality(types) = 3 THEN 7 ELSE 2 END]) AS v (value)
        WHERE l.place < cardinality(types)
    )
    SELECT format('SELECT renderchain.%I(%s)', name, arguments) FROM list WHERE place = cardinality(types)
$$;

SELECT count(*) > 60 AS functions, bool_or(name LIKE '\_%') AS helpers_too FROM t_hostile_arguments.functions;
BEGIN;
SELECT t_hostile_arguments.complaint(c.call)
FROM t_hostile_arguments.functions f, t_hostile_arguments.calls(f.name, f.types) AS c (call)
WHERE t_hostile_arguments.complaint(c.call) IS NOT NULL;
ROLLBACK;

-- what stands for nothing
SELECT renderchain._notify(NULL, NULL) AS no_event, renderchain._fits('1', NULL) AS no_rule,
       renderchain._check_required(NULL, NULL, NULL) AS no_table;
-- parts of a rule that are not as they should be are passed over
SELECT renderchain._misfit('{"a": 1}', '{"members": {"a": {}}, "needed": [1, {"x": 1}, null, "b"]}') AS needed,
       renderchain._fits('{"a": 1}', '{"members": {"a": {}}, "one": [1, "a"]}') AS one,
       renderchain._fits('"abc"', '{"pattern": 12}') AS pattern;
DROP SCHEMA t_hostile_arguments CASCADE;
