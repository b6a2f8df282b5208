-- Print docs/sql.md from the catalogs: every public function with its comment, every
-- setting and table, and who may do what. tools/sql-reference writes the page; make check
-- fails where the page and the extension differ.
\pset format unaligned
\pset tuples_only on
\echo '# SQL reference'
\echo
\echo 'Made by `tools/sql-reference` from the comments in the database; `make check` compares them.'
\echo 'All functions are in schema `renderchain` and run with the rights of the caller. SQLSTATEs: [errors](errors.md).'
\echo
\echo '## Functions'
SELECT format(E'\n### %s\n\n`%s(%s)`%s\n\n%s',
              p.proname, p.proname, pg_catalog.pg_get_function_arguments(p.oid),
              CASE p.prokind WHEN 'a' THEN ' (aggregate)' ELSE '' END
              || format(E'\n\nReturns `%s`. %s, %s.', pg_catalog.pg_get_function_result(p.oid),
                        CASE p.provolatile WHEN 'i' THEN 'Immutable' WHEN 's' THEN 'Stable' ELSE 'Volatile' END,
                        CASE p.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted'
                                           ELSE 'not in parallel queries' END),
              coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '(no comment)'))
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'renderchain'::regnamespace AND p.proname NOT LIKE '\_%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid)
  AND p.prorettype <> 'internal'::regtype AND p.prorettype <> 'trigger'::regtype
  AND NOT (coalesce(p.proargtypes[0], 0) = 'internal'::regtype)
ORDER BY p.proname COLLATE "C", pg_catalog.pg_get_function_arguments(p.oid) COLLATE "C";
\echo
\echo '## Settings'
\echo
\echo '| setting | default | range | who sets it | what it does |'
\echo '| --- | --- | --- | --- | --- |'
SELECT format('| `%s` | `%s` | %s | %s | %s |', name,
              coalesce(nullif(boot_val, ''), '''''') || coalesce(' ' || unit, ''),
              coalesce(min_val || ' to ' || max_val, vartype),
              CASE context WHEN 'user' THEN 'anybody' ELSE 'superuser' END,
              short_desc || coalesce(' ' || extra_desc, ''))
FROM (SELECT renderchain.clock()) c, pg_catalog.pg_settings WHERE name LIKE 'renderchain.%' ORDER BY name COLLATE "C";
\echo
\echo '## Tables'
\echo
\echo 'Made by `create_tables` in the schema that `renderchain.schema` names.'
SELECT format(E'\n### %s\n\n%s\n\n| column | type | |\n| --- | --- | --- |\n%s', c.relname,
              coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '(no comment)'),
              string_agg(format('| `%s` | %s%s | %s |', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                                CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
                                coalesce(pg_catalog.col_description(c.oid, a.attnum), '')), E'\n' ORDER BY a.attnum))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C";
