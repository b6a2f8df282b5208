-- Attaching --------------------------------------------------------------------
--
-- An application's own render_chains and renders are used as they are. What is
-- here looks at existing tables and their indexes, through the catalogs alone: no
-- table is read or locked. Every problem comes with the statement that mends it; what has to
-- change, what is in the way of that, and rules that refuse our values are in 15.

-- the columns that the functions use, one row a column; kind is that of _column_problems
CREATE FUNCTION renderchain._columns_needed(OUT tab text, OUT col text, OUT kind text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.tab, c.col, v.kind
    FROM (VALUES
        ('render_chains', 'uuid', '{id,project_id}'::text[]),
        ('render_chains', 'text', '{name,description}'),
        ('render_chains', 'timestamptz', '{created_at,updated_at}'),
        ('renders', 'uuid', '{id,project_id,user_id,parent_render_id,chain_id,reference_render_id}'),
        ('renders', 'text', '{type,prompt,output_url,output_key,status,error_message}'),
        ('renders', 'integer', '{processing_time,credits_cost,priority,chain_position}'),
        ('renders', 'jsonb', '{settings,context_data,metadata}'),
        ('renders', 'timestamptz', '{started_at,completed_at,created_at,updated_at}'),
        ('render_jobs', 'uuid', '{render_id,user_id,chain_id,waits_for}'),
        ('render_jobs', 'jsonb', '{request}'),
        ('render_jobs', 'text', '{state,provider,lease_owner,idempotency_key}'),
        ('render_jobs', 'integer', '{priority,queue_id,chain_position,run,attempt,base_attempt,max_attempts,credits_reserved}'),
        ('render_jobs', 'timestamptz', '{run_after,lease_until,deadline,created_at,ended_at}'),
        ('render_jobs', 'boolean', '{cancel_requested,unheard}'),
        ('render_stages', 'integer', '{seq,attempt,duration_ms}'),
        ('render_stages', 'uuid', '{render_id}'),
        ('render_stages', 'text', '{stage,part,status,outcome,model}'),
        ('render_stages', 'timestamptz', '{started_at}'),
        ('render_stages', 'jsonb', '{output,usage,error}'),
        ('render_stages', 'numeric', '{cost}'),
        ('memory_pins', 'uuid', '{chain_id}'),
        ('memory_pins', 'jsonb', '{pins}'),
        ('credit_accounts', 'uuid', '{user_id}'),
        ('credit_accounts', 'integer', '{balance,reserved}'),
        ('credit_entries', 'uuid', '{user_id,render_id}'),
        ('credit_entries', 'integer', '{id,run,balance_delta,reserved_delta,amount}'),
        ('credit_entries', 'text', '{kind,reason}'),
        ('credit_entries', 'timestamptz', '{created_at}'),
        ('models', 'text', '{id,provider,kind,tier,successor}'),
        ('models', 'integer', '{credits}'),
        ('models', 'date', '{retired}'),
        ('models', 'jsonb', '{definition}'),
        ('models', 'boolean', '{shipped}'),
        ('models', 'timestamptz', '{updated_at}'),
        ('stored_objects', 'text', '{key,backend,kind,mime,sha256,state}'),
        ('stored_objects', 'uuid', '{render_id}'),
        ('stored_objects', 'integer', '{bytes,attempt,tries}'),
        ('stored_objects', 'timestamptz', '{created_at,updated_at,due_at}'),
        ('analysis_cache', 'text', '{sha256,task,model,prompt_version}'),
        ('analysis_cache', 'jsonb', '{result}'),
        ('analysis_cache', 'timestamptz', '{created_at}'),
        ('render_queues', 'integer', '{id,priority,turn}'),
        ('render_queues', 'uuid', '{user_id}'),
        ('render_queues', 'text', '{type,provider}'),
        ('render_queues', 'timestamptz', '{since,due}'),
        ('api_tokens', 'text', '{hash,level,name}'),
        ('api_tokens', 'uuid', '{user_id}'),
        ('api_tokens', 'timestamptz', '{created_at,expires_at,revoked_at}')
    ) AS v (tab, kind, cols), unnest(v.cols) AS c (col)
$$;

-- the relations of a schema that have the names of our tables
CREATE FUNCTION renderchain._existing_tables(p_schema text, OUT id oid, OUT tab text, OUT relkind "char",
    OUT owner oid, OUT sql_name text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid, c.relname::text, c.relkind, c.relowner, format('%I.%I', p_schema, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = p_schema AND c.relname::text IN (SELECT t.tab FROM renderchain._tables_needed() t)
$$;

-- relations that cannot be our tables, or cannot be referred to by our keys
CREATE FUNCTION renderchain._relation_problems(p_schema text, OUT tab text, OUT place integer, OUT problem text,
    OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE tables AS (
        SELECT e.* FROM renderchain._existing_tables(p_schema) e WHERE e.relkind IN ('r', 'p')
    ), unlogged (id, depth) AS (
        SELECT t.id, 0 FROM tables t JOIN pg_class c ON c.oid = t.id WHERE c.relpersistence = 'u'
      UNION
        -- what one that is logged refers to has to be logged before
        SELECT c.oid, u.depth + 1
        FROM unlogged u JOIN pg_constraint k ON k.contype = 'f' AND k.conrelid = u.id AND k.confrelid <> u.id
        JOIN pg_class c ON c.oid = k.confrelid AND c.relpersistence = 'u'
        WHERE u.depth < 50
    ), keyless AS (
        SELECT t.*, (SELECT pg_get_partkeydef(p.partrelid) FROM pg_partitioned_table p
                     WHERE p.partrelid = t.id AND NOT (p.partnatts = 1 AND p.partattrs[0] = a.attnum)) AS other_partkey,
               (SELECT min(c.oid::regclass::text) FROM pg_partition_tree(t.id) p JOIN pg_class c ON c.oid = p.relid
                WHERE c.relkind = 'f') AS foreign_part
        FROM tables t
        JOIN pg_attribute a ON a.attrelid = t.id AND a.attname = 'id' AND NOT a.attisdropped
        WHERE t.tab IN ('render_chains', 'renders')
          AND NOT EXISTS (SELECT FROM pg_index i
                          WHERE i.indrelid = t.id AND i.indisunique AND i.indisvalid AND i.indimmediate
                            AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL)
    )
    SELECT e.tab, 0, format(CASE e.relkind WHEN 'f' THEN '%s is a foreign table, to which no key can refer'
                                           ELSE '%s is not a table' END, e.tab),
           format('ALTER %s %s RENAME TO %I;',
                  CASE e.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                                 WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'INDEX' END,
                  e.sql_name, e.tab || '_old')
    FROM renderchain._existing_tables(p_schema) e WHERE e.relkind NOT IN ('r', 'p')
  UNION ALL
    -- a key of a table that outlives a crash may not refer to one that is emptied by it
    SELECT COALESCE(t.tab, u.id::regclass::text), -max(u.depth),
           format('%s is unlogged', COALESCE(t.tab, u.id::regclass::text)),
           format('ALTER TABLE %s SET LOGGED;', u.id::regclass)
    FROM unlogged u LEFT JOIN tables t ON t.id = u.id GROUP BY u.id, t.tab
  UNION ALL
    -- no ALTER TABLE changes how a table is partitioned
    SELECT k.tab, 5, format('%s.id is not unique, nor can it be: the table is partitioned by %s; partition it by id, or '
                            'let renderchain have a schema of its own', k.tab, k.other_partkey), NULL
    FROM keyless k WHERE k.other_partkey IS NOT NULL
  UNION ALL
    SELECT k.tab, 5, format('%s.id is not unique', k.tab)
               || COALESCE(', nor can it be: its partition ' || k.foreign_part || ' is a foreign table', ''),
           CASE WHEN k.foreign_part IS NULL THEN format('ALTER TABLE %s ADD UNIQUE (id);', k.sql_name) END
    FROM keyless k WHERE k.other_partkey IS NULL
  UNION ALL
    -- replacing a function keeps its owner, who could change it again
    SELECT '', v.place, v.problem, v.remedy
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace,
    LATERAL (
        SELECT 6, format('function %s belongs to another role', f.oid::regprocedure),
               format('DROP FUNCTION %s;', f.oid::regprocedure)
      UNION ALL
        SELECT 5, format('trigger %I of %s uses function %s, which belongs to another role', g.tgname,
                         g.tgrelid::regclass, f.oid::regprocedure),
               format('DROP TRIGGER %I ON %s;', g.tgname, g.tgrelid::regclass)
        FROM pg_trigger g WHERE g.tgfoid = f.oid AND g.tgparentid = 0) AS v (place, problem, remedy)
    WHERE n.nspname = p_schema AND f.proname = 'render_job_deleted' AND f.pronargs = 0
      AND f.proowner <> COALESCE((SELECT e.owner FROM renderchain._existing_tables(p_schema) e
                                  WHERE e.tab = 'render_jobs'),
                                 (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user))
$$;

-- the columns of existing tables that have names of ours: type, what they shall be, whether they must be given
CREATE FUNCTION renderchain._existing_columns(p_schema text, OUT id oid, OUT tab text, OUT sql_name text, OUT col name,
    OUT attnum smallint, OUT type text, OUT kind text, OUT fits boolean, OUT filled boolean, OUT has_default boolean,
    OUT made_by text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.id, t.tab, t.sql_name, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), k.kind,
           format_type(a.atttypid, NULL) = ANY (y.accepted), a.attnotnull, a.atthasdef,
           CASE WHEN a.attgenerated = 's' THEN 'EXPRESSION' WHEN a.attgenerated <> '' THEN 'VIRTUAL'
                WHEN a.attidentity = 'a' THEN 'IDENTITY' END
    FROM renderchain._existing_tables(p_schema) t
    JOIN renderchain._columns_needed() k ON k.tab = t.tab
    JOIN (VALUES
        ('uuid', '{uuid}'::text[]),
        ('text', '{text,character varying}'),
        ('integer', '{integer,smallint,bigint,numeric}'), -- where smallint is too short, 15 says
        ('numeric', '{numeric}'),
        ('jsonb', '{jsonb}'),
        ('boolean', '{boolean}'),
        ('date', '{date}'),
        ('timestamptz', '{timestamp with time zone,timestamp without time zone}')
    ) AS y (kind, accepted) ON y.kind = k.kind
    JOIN pg_attribute a ON a.attrelid = t.id AND a.attname = k.col AND NOT a.attisdropped
    WHERE t.relkind IN ('r', 'p')
$$;

-- an SQL expression as PostgreSQL prints it, with a pattern replaced wherever it is not within a literal
CREATE FUNCTION renderchain._outside_literals(p_expr text, p_pattern text, p_replacement text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(string_agg(COALESCE(m.part[1], regexp_replace(m.part[2], p_pattern, p_replacement, 'g')), ''
                               ORDER BY m.place), '')
    FROM regexp_matches(p_expr, $re$('(?:[^']|'')*')|((?:[^'"]|"(?:[^"]|"")*")+)$re$, 'g')
        WITH ORDINALITY AS m (part, place)
$$;

-- an SQL expression without what pg_get_expr() adds or leaves out, to compare it
CREATE FUNCTION renderchain._bare(p_expr text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT renderchain._outside_literals(p_expr, '[()[:space:]]|::text|::character varying|pg_catalog[.]', '')
$$;

-- our indexes, each with the one that serves for it (NULL: none), and one that would but is not valid; id is NULL for
-- those of tables that are still to be made
CREATE FUNCTION renderchain._indexes(p_schema text, OUT place integer, OUT id oid, OUT tab text, OUT name text,
    OUT sql_name text, OUT definition text, OUT is_unique boolean, OUT serving oid, OUT broken oid)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH needed AS (
        SELECT n.place, t.id, n.tab, n.name, n.fit, n.keys, n.predicates,
               -- a key of a partitioned table has to have what that is partitioned by, which is id
               n.fit = 'unique' AND NOT (n.tab = 'renders' AND COALESCE(t.relkind, 'r') = 'p') AS is_unique
        FROM renderchain._indexes_needed() n
        LEFT JOIN renderchain._existing_tables(p_schema) t ON t.tab = n.tab
    ), existing AS (
        SELECT i.indrelid, i.indexrelid, i.indisunique, i.indnatts = i.indnkeyatts AS is_bare, c.relname::text AS name,
               i.indisvalid AND i.indisready AND i.indislive AS is_valid,
               ARRAY(SELECT renderchain._bare(pg_get_indexdef(i.indexrelid, k, false))
                            || CASE i.indoption[k - 1] WHEN 0 THEN '' WHEN 3 THEN 'DESC' ELSE 'NULLS' END
                            -- comparing as the column does is what it has to serve
                            || CASE WHEN i.indcollation[k - 1] <> a.attcollation THEN 'COLLATE' ELSE '' END
                     FROM generate_series(1, i.indnkeyatts) k
                     LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]
                     ORDER BY k) AS keys,
               renderchain._bare(COALESCE(pg_get_expr(i.indpred, i.indrelid), '')) AS predicate,
               -- a column of PostgreSQL 15 and later
               COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
                   OR m.amname <> 'btree'
                   OR EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass) AND NOT o.opcdefault) AS is_odd
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
        WHERE i.indrelid IN (SELECT n.id FROM needed n)
    ), fitting AS (
        SELECT n.id, n.name, e.indexrelid, e.is_valid
        FROM needed n JOIN existing e ON e.indrelid = n.id
        WHERE NOT e.is_odd
          AND e.predicate IN (SELECT renderchain._bare(p) FROM unnest(n.predicates) p)
          AND CASE n.fit
              WHEN 'exact' THEN e.is_bare AND e.keys = ARRAY(SELECT renderchain._bare(k) FROM unnest(n.keys) k)
              WHEN 'leading' THEN e.keys[:cardinality(n.keys)] = n.keys
              ELSE (e.indisunique OR NOT n.is_unique)
                  AND ARRAY(SELECT regexp_replace(k, '(DESC|NULLS)$', '') FROM unnest(e.keys) k)
                      = ARRAY(SELECT renderchain._bare(k) FROM unnest(n.keys) k) END
    )
    SELECT n.place, n.id, n.tab, n.name, format('%I.%I', p_schema, n.tab),
           format('(%s)%s', array_to_string(n.keys, ', '), ' WHERE ' || NULLIF(n.predicates[1], '')), n.is_unique,
           (SELECT min(f.indexrelid) FROM fitting f WHERE f.id = n.id AND f.name = n.name AND f.is_valid),
           COALESCE((SELECT min(f.indexrelid) FROM fitting f WHERE f.id = n.id AND f.name = n.name AND NOT f.is_valid),
                    (SELECT e.indexrelid FROM existing e
                     WHERE e.indrelid = n.id AND e.name = n.name AND NOT e.is_valid))
    FROM needed n
$$;

-- the indexes that are missing: what builds them, and for tables that exist how many rows those have, about, and what
-- builds them without keeping writers waiting. CONCURRENTLY that is possible only on the partitions of a table;
-- PostgreSQL then adopts them when it builds on the whole.
CREATE FUNCTION renderchain._missing_indexes(p_schema text, OUT place integer, OUT tab text, OUT name text,
    OUT is_unique boolean, OUT row_count bigint, OUT build text, OUT build_beforehand text[])
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.place, i.tab, n.name, i.is_unique, (
               -- as estimated; of a table that was never analyzed by its size
               SELECT sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 500 END)::bigint
               FROM pg_class c
               WHERE c.relkind <> 'p' AND (c.oid = i.id OR c.oid IN (SELECT p.relid FROM pg_partition_tree(i.id) p))),
           format('CREATE %sINDEX IF NOT EXISTS %I ON %s %s', n.kind, n.name, i.sql_name, i.definition),
           CASE t.relkind
           WHEN 'r' THEN ARRAY[format('CREATE %sINDEX CONCURRENTLY %I ON %s %s;', n.kind, n.name, i.sql_name,
                                      i.definition)]
           WHEN 'p' THEN ARRAY(SELECT format('CREATE %sINDEX CONCURRENTLY ON %s %s;', n.kind, p.relid, i.definition)
                               FROM pg_partition_tree(i.id) p JOIN pg_class c ON c.oid = p.relid
                               -- a foreign table has its indexes where it is
                               WHERE p.isleaf AND c.relkind = 'r' ORDER BY p.relid::text) END
    FROM renderchain._indexes(p_schema) i
    LEFT JOIN renderchain._existing_tables(p_schema) t ON t.id = i.id,
    LATERAL (SELECT CASE WHEN i.is_unique THEN 'UNIQUE ' ELSE '' END AS kind,
                    -- the name may be taken by something else than what is to be dropped
                    (SELECT f.free FROM (SELECT i.name || COALESCE(NULLIF(v.n, 0)::text, '') AS free, v.n
                                         FROM generate_series(0, 99) AS v (n)) f
                     WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                                       WHERE s.nspname = p_schema AND c.relname = f.free
                                         AND c.oid IS DISTINCT FROM i.broken)
                     ORDER BY f.n LIMIT 1) AS name) n
    WHERE i.serving IS NULL
$$;
