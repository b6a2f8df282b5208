-- Random documents through the JSON functions and through the oracles. Prints TAP;
-- of a failing property the first three cases.
\set QUIET on
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS renderchain;
DROP SCHEMA IF EXISTS fuzz CASCADE;
CREATE SCHEMA fuzz;
SET search_path = fuzz, pg_catalog;
\ir generate.sql
\ir oracles.sql
SELECT setseed(:seed) \g /dev/null

CREATE TEMP TABLE pairs AS
SELECT n AS i, a, CASE WHEN random() < 0.6 THEN fuzz.variation(a, 4) ELSE fuzz.document(4) END AS b
FROM (SELECT n, fuzz.document(4) AS a FROM generate_series(1, :cases) n OFFSET 0) s;
CREATE TEMP TABLE memories AS
SELECT n AS i, ARRAY(SELECT fuzz.palette() FROM generate_series(1, 1 + (n % 5))) AS lists FROM generate_series(1, :cases) n;
CREATE TEMP TABLE failures (property text, i int, a text, b text, got text, expected text);

INSERT INTO failures SELECT 'jsonb_merge_patch is RFC 7396', i, a, b, got, want
FROM (SELECT i, a, b, renderchain.jsonb_merge_patch(a, b) AS got, fuzz.merge(a, b) AS want FROM pairs OFFSET 0) s WHERE NOT fuzz.alike(got, want);
INSERT INTO failures SELECT 'jsonb_merge_patch with an absent target', i, NULL, b, got, want
FROM (SELECT i, b, renderchain.jsonb_merge_patch(NULL, b) AS got, fuzz.merge(NULL, b) AS want FROM pairs OFFSET 0) s WHERE NOT fuzz.alike(got, want);
INSERT INTO failures SELECT 'jsonb_merge_patch_agg is a row of merges', i, a, b, got, want
FROM (SELECT p.i, p.a, p.b, (SELECT renderchain.jsonb_merge_patch_agg(d ORDER BY o) FROM (VALUES (1, p.a), (2, p.b), (3, NULL), (4, q.b)) v (o, d)) AS got,
             fuzz.merge(fuzz.merge(fuzz.merge(NULL, p.a), p.b), q.b) AS want
      FROM pairs p JOIN pairs q ON q.i = p.i % :cases + 1 OFFSET 0) s WHERE NOT fuzz.alike(got, want);
INSERT INTO failures SELECT 'jsonb_make_patch is the smallest patch, or an error', i, a, b, got, want
FROM (SELECT i, a, b, fuzz.make_patch(a, b) AS got, fuzz.diff(a, b) AS want FROM pairs OFFSET 0) s WHERE NOT fuzz.alike(got, want);
INSERT INTO failures SELECT 'merging the patch back gives the target', i, a, b, got, b
FROM (SELECT i, a, b, renderchain.jsonb_merge_patch(a, renderchain.jsonb_make_patch(a, b)) AS got
      FROM (SELECT i, a, fuzz.expressible(b) AS b FROM pairs OFFSET 0) e OFFSET 0) s WHERE got IS DISTINCT FROM b;
INSERT INTO failures SELECT 'merge_memory keeps what the majority has', i, lists::text, NULL, got, want
FROM (SELECT i, lists, renderchain.merge_memory(VARIADIC ARRAY(SELECT jsonb_build_object('palette', l) FROM unnest(lists) l)) AS got,
             jsonb_build_object('palette', fuzz.agreed(lists)) AS want FROM memories OFFSET 0) s WHERE NOT fuzz.alike(got, want);

SELECT '1..6';
SELECT CASE WHEN count(f.i) = 0 THEN 'ok ' ELSE 'not ok ' END || p.n || ' - ' || p.property || ' (' || :cases || ' cases, seed ' || :seed || ')'
       || COALESCE(string_agg(format(E'\n# a        %s\n# b        %s\n# got      %s\n# expected %s', f.a, f.b, f.got, f.expected), E'\n#' ORDER BY f.i)
                   FILTER (WHERE f.k <= 3), '')
FROM unnest(ARRAY['jsonb_merge_patch is RFC 7396', 'jsonb_merge_patch with an absent target', 'jsonb_merge_patch_agg is a row of merges',
                  'jsonb_make_patch is the smallest patch, or an error', 'merging the patch back gives the target',
                  'merge_memory keeps what the majority has']) WITH ORDINALITY AS p (property, n)
LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY property ORDER BY length(a) + length(b)) AS k FROM failures) f USING (property)
GROUP BY p.n, p.property ORDER BY p.n;
SELECT count(*) > 0 AS failed FROM failures \gset
DROP SCHEMA fuzz CASCADE;
\if :failed
    DO $$ BEGIN RAISE EXCEPTION 'some property does not hold'; END $$;
\endif
