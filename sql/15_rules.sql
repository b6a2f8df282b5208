-- Rules of existing tables -----------------------------------------------------
--
-- A CHECK that refuses what the functions write would show late: cancelled renders that run for ever, pictures that are
-- paid for and cannot be stored. So checks of a single column are tried with our values. What a check does is for the
-- owner of the table to say, and whoever attaches may be a superuser: only such are tried as are made of PostgreSQL's own
-- immutable functions, which can do nothing but compute. Of others it is said that they could not be judged.

-- the values that the functions write themselves (what comes with a request is the caller's to answer for)
CREATE FUNCTION renderchain._values_written(OUT tab text, OUT col text, OUT written text[])
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('renders', 'status', '{pending,processing,completed,failed,cancelled}'::text[]),
           ('renders', 'type', '{image,video}'),
           ('renders', 'priority', '{-100,0,100}'),
           ('renders', 'credits_cost', '{0,1}'),
           ('renders', 'processing_time', '{0,1,NULL}'),
           ('renders', 'chain_position', '{1,2,NULL}'),
           ('renders', 'output_url', '{NULL}'),
           ('renders', 'output_key', '{NULL}'),
           ('renders', 'error_message', '{NULL}'),
           ('renders', 'parent_render_id', '{NULL}'),
           ('renders', 'reference_render_id', '{NULL}'),
           ('renders', 'started_at', '{NULL}'),
           ('renders', 'completed_at', '{NULL}'),
           ('renders', 'context_data', '{"{}"}'),
           ('renders', 'metadata', '{"{}"}')
$$;

-- whether a stored expression (a pg_node_tree as text) does nothing but compute, by the kinds of its nodes and the
-- functions and types in them: those that initdb made (ids below 16384), immutable and written in C, and enums. Anything
-- not known is not harmless.
CREATE FUNCTION renderchain._is_harmless(p_expr text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT EXISTS (
        SELECT FROM regexp_matches(p_expr, '[{]([[:alnum:]_]+)', 'g') AS m (node)
        WHERE m.node[1] NOT IN ('VAR', 'CONST', 'OPEXPR', 'SCALARARRAYOPEXPR', 'FUNCEXPR', 'BOOLEXPR', 'RELABELTYPE',
            'COERCEVIAIO', 'ARRAYCOERCEEXPR', 'CASETESTEXPR', 'NULLTEST', 'BOOLEANTEST', 'CASEEXPR', 'CASE', 'WHEN',
            'CASEWHEN', 'CASETEST', 'ARRAYEXPR', 'ARRAY', 'COALESCEEXPR', 'COALESCE', 'MINMAXEXPR', 'MINMAX',
            'DISTINCTEXPR', 'NULLIFEXPR'))
      AND NOT EXISTS (
        SELECT FROM regexp_matches(p_expr, ':[a-z_]*funcid ([0-9]+)', 'g') AS m (id)
        WHERE m.id[1] <> '0'
          AND NOT EXISTS (SELECT FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang
                          WHERE f.oid = m.id[1]::oid AND f.oid < 16384 AND l.lanname = 'internal' AND f.provolatile = 'i'))
      AND NOT EXISTS (
        SELECT FROM regexp_matches(p_expr, ':opno ([0-9]+)', 'g') AS m (id)
        WHERE NOT EXISTS (SELECT FROM pg_operator o JOIN pg_proc f ON f.oid = o.oprcode
                          WHERE o.oid = m.id[1]::oid AND o.oid < 16384 AND f.oid < 16384 AND f.provolatile = 'i'))
      AND NOT EXISTS (
        SELECT FROM regexp_matches(p_expr, ':(?!nulltest|booltest|varreturning)[a-z_]*type(?:id)? ([0-9]+)', 'gi') AS m (id)
        WHERE NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
                          WHERE t.oid = m.id[1]::oid AND (t.oid < 16384 OR t.typtype = 'e' OR e.typtype = 'e')))
$$;

-- the values that a condition refuses; NULL where it cannot be told
CREATE FUNCTION renderchain._refused_values(p_condition text, p_column text, p_type text, p_values text[])
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_refused text[];
BEGIN
    EXECUTE format('SELECT COALESCE(array_agg(v ORDER BY n), ''{}'') '
                   'FROM (SELECT u.v, u.n, u.v::%2$s AS %1$I FROM unnest($1) WITH ORDINALITY AS u (v, n)) t '
                   'WHERE (%3$s) IS FALSE', p_column, p_type, p_condition) INTO v_refused USING p_values;
    RETURN v_refused;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

-- checks that refuse what the functions write, or could not be judged (then without a remedy)
CREATE FUNCTION renderchain._check_problems(p_schema text, OUT tab text, OUT judged boolean, OUT problem text,
    OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH checks AS (
        SELECT c.tab, c.id, c.col, k.conname, k.connoinherit, w.written, cardinality(k.conkey) = 1 AS is_alone,
               renderchain._outside_literals(renderchain._restated(p_schema, pg_get_expr(k.conbin, k.conrelid), c.id),
                                             '[[:space:]]+', ' ') AS condition,
               cardinality(k.conkey) = 1 AND renderchain._is_harmless(k.conbin::text) AS can_be_tried,
               COALESCE(g.new_type, format_type(a.atttypid, NULL)) AS type,
               -- an inherited one is changed where it comes from
               COALESCE((WITH RECURSIVE up (id, depth) AS (
                             SELECT h.inhparent, 1 FROM pg_inherits h WHERE h.inhrelid = c.id AND NOT k.coninhcount = 0
                           UNION ALL
                             SELECT h.inhparent, u.depth + 1 FROM up u JOIN pg_inherits h ON h.inhrelid = u.id)
                         SELECT u.id FROM up u JOIN pg_constraint p ON p.conrelid = u.id AND p.conname = k.conname
                         WHERE p.coninhcount = 0 ORDER BY u.depth DESC LIMIT 1), c.id)::regclass AS owner
        FROM renderchain._existing_columns(p_schema) c
        JOIN renderchain._values_written() w ON w.tab = c.tab AND w.col = c.col
        JOIN pg_attribute a ON a.attrelid = c.id AND a.attnum = c.attnum
        LEFT JOIN renderchain._changes(p_schema) g ON g.id = c.id AND g.attnum = c.attnum
        JOIN pg_constraint k ON k.contype = 'c' AND k.conrelid = c.id AND c.attnum = ANY (k.conkey)
             -- a column of PostgreSQL 18 and later
             AND COALESCE((to_jsonb(k) ->> 'conenforced')::boolean, true)
    ), tried AS MATERIALIZED (
        SELECT c.*, CASE WHEN c.can_be_tried
                    THEN renderchain._refused_values(c.condition, c.col::text, c.type, c.written) END AS refused
        FROM checks c
    )
    SELECT t.tab, true, format('%s.%s may not be %s, by constraint %I', t.tab, t.col, l.list, t.conname),
           format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I CHECK (%3$s)%4$s NOT VALID;', t.owner,
                  t.conname,
                  concat_ws(' OR ', '(' || t.condition || ')', format('%I IN (', t.col) || l.listed || ')',
                            CASE WHEN l.has_null THEN format('%I IS NULL', t.col) END),
                  CASE WHEN t.connoinherit THEN ' NO INHERIT' ELSE '' END)
    FROM tried t,
    LATERAL (SELECT string_agg(quote_nullable(v), ', ' ORDER BY n) AS list,
                    string_agg(quote_literal(v), ', ' ORDER BY n) AS listed, bool_or(v IS NULL) AS has_null
             FROM unnest(t.refused) WITH ORDINALITY AS u (v, n)) l
    WHERE cardinality(t.refused) > 0
  UNION ALL
    SELECT t.tab, false, format('constraint %I of %s could not be judged: see that it allows %s %s', t.conname, t.tab,
                                t.col, array_to_string(t.written, ', ', 'NULL')), NULL
    FROM tried t
    WHERE t.refused IS NULL AND (t.is_alone OR t.col IN ('status', 'type'))
$$;

-- every way in which existing tables of the schema do not fit, each with its remedy, in the order in which to run them
CREATE FUNCTION renderchain._table_problems(p_schema text, OUT problem text, OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH obstacles AS MATERIALIZED (
        SELECT * FROM renderchain._obstacles(p_schema)
    ), keys AS MATERIALIZED (
        SELECT * FROM renderchain._key_problems(p_schema)
    )
    SELECT p.problem, p.remedy
    FROM (SELECT 0 AS phase, -o.depth AS rank, '' AS tab, 0 AS place,
                 format(CASE WHEN o.dropped IS NULL THEN '%s is in the way of changing columns: drop it, and make it again'
                             WHEN o.made IS NULL THEN '%s is in the way of changing columns, and would not fit them then'
                             ELSE '%s is in the way of changing columns' END, o.what) AS problem, o.dropped AS remedy
          FROM obstacles o
        UNION ALL
          SELECT 3, o.depth, '', 0, format('%s is wanted back then', o.what), o.made
          FROM obstacles o WHERE o.made IS NOT NULL
        UNION ALL
          SELECT 2, LEAST(r.place, 0), r.tab, r.place, r.problem, r.remedy FROM renderchain._relation_problems(p_schema) r
          -- id that becomes the primary key becomes unique
          WHERE NOT (r.place = 5 AND EXISTS (SELECT FROM keys k WHERE k.tab = r.tab AND k.key_id IS NOT NULL))
        UNION ALL
          SELECT t.phase, 0, t.tab, t.place, t.problem, t.remedy FROM renderchain._type_problems(p_schema) t
        UNION ALL
          SELECT 2, 0, k.tab, 3, k.problem, k.remedy FROM keys k
        UNION ALL
          SELECT 2, 0, u.tab, 4, u.problem,
                 format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL;', u.sql_name, u.col)
          FROM renderchain._unfillable(p_schema) u
        UNION ALL
          SELECT DISTINCT 2, 0, i.tab, 6,
                 format('index %s of %s is not valid: its building has failed, or goes on', i.broken::regclass, i.tab),
                 format('DROP INDEX %s%s;', CASE c.relkind WHEN 'i' THEN 'CONCURRENTLY ' ELSE '' END,
                        i.broken::regclass)
          FROM renderchain._indexes(p_schema) i JOIN pg_class c ON c.oid = i.broken
          WHERE i.serving IS NULL
        UNION ALL
          SELECT 4, 0, c.tab, 0, c.problem, c.remedy FROM renderchain._check_problems(p_schema) c WHERE c.judged) p
    ORDER BY p.phase, p.rank, p.tab, p.place, p.problem
$$;
