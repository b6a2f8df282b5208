-- Changing an application's tables ---------------------------------------------
--
-- Which columns of existing tables have to change, and what else has to go for that and come back after. The promise
-- is that the statements, run as they are and in their order, make the tables fit. So they come in phases:
--   0  what PostgreSQL does not let stand while columns change is dropped: keys, views, policies, triggers and so on
--   1  columns that fill themselves become plain ones
--   2  columns are added and change; what may not be empty so far may be
--   3  what was dropped is made again
--   4  checks learn the values that they would refuse
-- Only catalogs are read, and what checks say of single values is tried where that can do no harm (_refused_values).

-- the columns that have to change their type, with the statement: those of ours, and those of any other table that
-- foreign keys tie to them, because a key has one type on both sides
CREATE FUNCTION renderchain._changes(p_schema text, OUT id oid, OUT attnum smallint, OUT tab text, OUT col name,
    OUT type_id oid, OUT old_type text, OUT new_type text, OUT widened boolean, OUT fills_itself boolean,
    OUT problem text, OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE columns AS (
        SELECT * FROM renderchain._existing_columns(p_schema)
    ), pairs AS (
        SELECT k.conrelid, p.own, k.confrelid, p.other
        FROM pg_constraint k, unnest(k.conkey, k.confkey) AS p (own, other)
        WHERE k.contype = 'f' AND k.conparentid = 0
    ), ties (id, attnum, other_id, other_attnum) AS (
        SELECT * FROM pairs UNION SELECT p.confrelid, p.other, p.conrelid, p.own FROM pairs p
    ), misfits (id, attnum, new_type) AS (
        SELECT c.id, c.attnum, c.kind FROM columns c WHERE NOT c.fits
      UNION
        SELECT t.other_id, t.other_attnum, m.new_type
        FROM misfits m JOIN ties t ON t.id = m.id AND t.attnum = m.attnum
        JOIN pg_attribute a ON a.attrelid = t.other_id AND a.attnum = t.other_attnum
        WHERE format_type(a.atttypid, NULL) <> m.new_type
    ), short (id, attnum, new_type) AS (
        SELECT c.id, c.attnum, s.new_type
        FROM columns c
        JOIN (VALUES
            -- an error is as long as the provider's words; of numbers these are digits before the point
            ('renders', 'type', 5), ('renders', 'status', 10), ('renders', 'error_message', 100000000),
            ('renders', 'chain_position', 9), ('renders', 'processing_time', 9), ('renders', 'credits_cost', 4)
        ) AS l (tab, col, needed) ON l.tab = c.tab AND l.col = c.col
        JOIN (VALUES
            ('character varying[(]([0-9]+)[)]', 'text', NULL), ('numeric[(]([0-9]+),(-?[0-9]+)[)]', 'numeric', NULL),
            ('smallint', 'integer', 4)
        ) AS s (pattern, new_type, fixed) ON c.type ~ ('^' || s.pattern || '$'),
        regexp_match(c.type, s.pattern) AS m (length)
        WHERE c.fits AND COALESCE(s.fixed, m.length[1]::integer - COALESCE(m.length[2]::integer, 0)) < l.needed
    ), wanted AS (
        SELECT m.id, m.attnum, min(m.new_type) AS new_type, false AS widened, NULL AS lack
        FROM misfits m GROUP BY m.id, m.attnum
      UNION ALL
        SELECT s.id, s.attnum, s.new_type, true, 'too short' FROM short s
      UNION ALL
        -- a column of the application's own that must be given by its type
        SELECT t.id, a.attnum, format_type(y.typbasetype, y.typtypmod), true, 'which does not take NULL'
        FROM renderchain._existing_tables(p_schema) t
        JOIN pg_attribute a ON a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef
        JOIN pg_type y ON y.oid = a.atttypid AND y.typtype = 'd' AND y.typnotnull AND y.typdefault IS NULL
        WHERE t.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM renderchain._columns_needed() k WHERE k.tab = t.tab AND k.col = a.attname)
    )
    SELECT w.id, w.attnum, n.tab, a.attname, a.atttypid, n.old_type, w.new_type, w.widened, n.fills_itself,
           format('%s.%s is %s, %s%s', n.tab, a.attname,
                  CASE WHEN w.widened THEN n.old_type ELSE regexp_replace(n.old_type, '[(].*[)]', '') END,
                  COALESCE(w.lack, 'not ' || w.new_type),
                  CASE WHEN n.barrier IS NOT NULL THEN '; ' || n.barrier
                       WHEN NOT w.widened AND c.id IS NULL THEN ', to which keys of these tables are tied' END),
           CASE WHEN n.barrier IS NULL THEN format('ALTER TABLE %s ', w.id::regclass) || concat_ws(', ',
                CASE WHEN d.expr IS NOT NULL THEN format('ALTER COLUMN %I DROP DEFAULT', a.attname) END,
                format('ALTER COLUMN %I TYPE %s', a.attname, w.new_type)
                    || CASE WHEN w.widened THEN '' ELSE ' USING ' || format(n.conversion, quote_ident(a.attname)) END,
                CASE WHEN n.fills_itself AND w.new_type = 'uuid' AND a.attgenerated = ''
                     THEN format('ALTER COLUMN %I SET DEFAULT gen_random_uuid()', a.attname)
                     -- the old default may have no cast to the new type
                     WHEN d.expr IS NOT NULL
                     THEN format('ALTER COLUMN %I SET DEFAULT %s', a.attname, format(n.conversion, '(' || d.expr || ')'))
                     END) || ';' END
    FROM wanted w
    LEFT JOIN columns c ON c.id = w.id AND c.attnum = w.attnum
    LEFT JOIN renderchain._existing_tables(p_schema) o ON o.id = w.id
    JOIN pg_attribute a ON a.attrelid = w.id AND a.attnum = w.attnum
    JOIN pg_class r ON r.oid = w.id
    -- the default of one that is generated is what makes it
    LEFT JOIN LATERAL (SELECT pg_get_expr(e.adbin, e.adrelid) AS expr FROM pg_attrdef e
                       WHERE e.adrelid = w.id AND e.adnum = w.attnum AND a.attgenerated = '' AND NOT w.widened
                      ) d ON true,
    LATERAL (SELECT COALESCE(o.tab, w.id::regclass::text) AS tab, format_type(a.atttypid, a.atttypmod) AS old_type,
                    a.attidentity <> '' OR d.expr LIKE 'nextval(%' AS fills_itself,
                    CASE WHEN w.new_type = 'text' THEN '%s::text'
                         -- 42 becomes 00000000-0000-0000-0000-000000000042, on both sides of a key
                         WHEN w.new_type = 'uuid' AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                         THEN 'lpad(%s::text, 32, ''0'')::uuid'
                         WHEN w.new_type = 'integer' AND a.atttypid IN ('float4'::regtype, 'float8'::regtype)
                         THEN 'round(%s)::integer'
                         ELSE '%s::text::' || w.new_type END AS conversion,
                    CASE WHEN a.attinhcount > 0 THEN 'it is inherited, so the table it comes from has to be changed'
                         WHEN r.reloftype <> 0 THEN 'the table is one OF a type, which has to be changed'
                         WHEN EXISTS (SELECT FROM pg_partitioned_table p
                                      WHERE p.partrelid = w.id AND w.attnum = ANY (p.partattrs))
                         THEN 'the table is partitioned by it, so a new one has to be made' END AS barrier) n
$$;

-- columns that have to be changed or made; those that change fill themselves no more
CREATE FUNCTION renderchain._type_problems(p_schema text, OUT phase integer, OUT tab text, OUT place integer,
    OUT problem text, OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH columns AS (
        SELECT * FROM renderchain._existing_columns(p_schema)
    ), changes AS (
        SELECT * FROM renderchain._changes(p_schema)
    )
    -- also in the way of changing what it is made of; a virtual one holds nothing that could be lost
    SELECT 1, c.tab, 1, format('%s.%s is generated, and renderchain writes it', c.tab, c.col),
           format(CASE c.made_by WHEN 'VIRTUAL' THEN 'ALTER TABLE %1$s DROP COLUMN %2$I, ADD COLUMN %2$I %4$s;'
                  ELSE 'ALTER TABLE %1$s ALTER COLUMN %2$I DROP %3$s;' END, c.sql_name, c.col, c.made_by, c.kind)
    FROM columns c WHERE c.made_by IS NOT NULL AND c.col <> 'description'
  UNION ALL
    SELECT 1, c.tab, 1, format('%s.%s is an identity column, which %s cannot be', c.tab, c.col, c.new_type),
           format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY;', c.id::regclass, c.col)
    FROM changes c JOIN pg_attribute a ON a.attrelid = c.id AND a.attnum = c.attnum AND a.attidentity <> ''
    WHERE c.new_type <> 'integer'
      AND NOT EXISTS (SELECT FROM columns o WHERE o.id = c.id AND o.attnum = c.attnum AND o.made_by IS NOT NULL)
  UNION ALL
    SELECT 2, t.tab, 1, format('%s.%s is missing', t.tab, k.col),
           format('ALTER TABLE %s ADD COLUMN %I %s;', t.sql_name, k.col, k.kind)
    FROM renderchain._existing_tables(p_schema) t JOIN renderchain._columns_needed() k ON k.tab = t.tab
    WHERE t.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM columns c WHERE c.tab = t.tab AND c.col = k.col)
  UNION ALL
    SELECT 2, c.tab, 2, c.problem, c.remedy FROM changes c
$$;

-- columns that must take NULL, and do not
CREATE FUNCTION renderchain._unfillable(p_schema text, OUT id oid, OUT tab text, OUT sql_name text, OUT col name,
    OUT attnum smallint, OUT problem text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH columns AS (
        SELECT * FROM renderchain._existing_columns(p_schema)
    )
    -- what stays empty until there is something to put in
    SELECT c.id, c.tab, c.sql_name, c.col, c.attnum, format('%s.%s is NOT NULL', c.tab, c.col)
    FROM columns c
    WHERE c.filled AND (
        c.tab = 'renders' AND c.col IN ('output_url', 'output_key', 'error_message', 'processing_time',
                                        'parent_render_id', 'reference_render_id', 'started_at', 'completed_at')
        OR c.tab = 'render_chains' AND c.col = 'description' AND NOT c.has_default
        -- a render without a chain has no position in one
        OR c.tab = 'renders' AND c.col = 'chain_position'
           AND NOT (SELECT o.filled FROM columns o WHERE o.tab = 'renders' AND o.col = 'chain_id'))
  UNION ALL
    SELECT t.id, t.tab, t.sql_name, a.attname, a.attnum, format('%s.%s is NOT NULL and has no default', t.tab, a.attname)
    FROM renderchain._existing_tables(p_schema) t
    JOIN pg_attribute a ON a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.relkind IN ('r', 'p') AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
      AND NOT EXISTS (SELECT FROM renderchain._columns_needed() k WHERE k.tab = t.tab AND k.col = a.attname)
$$;

-- primary keys that hold such a column: id becomes the primary key, and what they were stays unique. An index that holds
-- one cannot tell rows apart for logical replication any longer (key_id is NULL then).
CREATE FUNCTION renderchain._key_problems(p_schema text, OUT key_id oid, OUT index_id oid, OUT table_id oid, OUT tab text,
    OUT problem text, OUT remedy text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.oid, k.conindid, k.conrelid, u.tab,
           format('primary key %I of %s holds %s, which renderchain does not fill', k.conname, u.tab,
                  string_agg(u.col, ', ' ORDER BY u.attnum)),
           format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I PRIMARY KEY (id), ADD UNIQUE (%3$s);',
                  u.sql_name, k.conname,
                  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                   FROM unnest(k.conkey) WITH ORDINALITY AS x (attnum, n)
                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum))
    FROM renderchain._unfillable(p_schema) u
    JOIN pg_constraint k ON k.contype = 'p' AND k.conrelid = u.id AND u.attnum = ANY (k.conkey)
    WHERE u.tab IN ('render_chains', 'renders')
    GROUP BY k.oid, k.conindid, k.conrelid, k.conname, k.conkey, u.tab, u.sql_name
  UNION
    SELECT NULL, NULL, u.id, u.tab, format('the replica identity of %s needs %s to be NOT NULL', u.tab, u.col),
           format('ALTER TABLE %s REPLICA IDENTITY FULL;', u.sql_name)
    FROM renderchain._unfillable(p_schema) u
    JOIN pg_index i ON i.indrelid = u.id AND i.indisreplident AND u.attnum = ANY (i.indkey)
$$;

-- a definition as it has to be when the columns have changed: values of types that are no longer used become those of
-- the new type. In a CHECK or a generated column of p_table a column of another old type is cast back to that, so that
-- it says what it said.
CREATE FUNCTION renderchain._restated(p_schema text, p_definition text, p_table oid DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_definition text := p_definition;
    v_change record;
BEGIN
    FOR v_change IN
        SELECT DISTINCT ON (c.type_id >= 16384, CASE WHEN c.type_id >= 16384 THEN c.type_id::text ELSE c.col END)
               c.new_type, c.old_type, quote_ident(c.col) AS col, c.type_id >= 16384 AS of_user,
               regexp_replace(format_type(c.type_id, NULL), '([^[:alnum:]_])', repeat(chr(92), 3) || '1', 'g') AS type_pattern,
               regexp_replace(quote_ident(c.col), '([^[:alnum:]_])', repeat(chr(92), 3) || '1', 'g') AS col_pattern
        FROM renderchain._changes(p_schema) c
        WHERE NOT c.widened AND (c.type_id >= 16384 OR c.id = p_table)
    LOOP
        v_definition := CASE WHEN v_change.of_user
            THEN renderchain._outside_literals(v_definition, '::' || v_change.type_pattern || '(?![[:alnum:]_."])',
                                               '::' || v_change.new_type)
            ELSE renderchain._outside_literals(v_definition,
                     '(?<![.:[:alnum:]_"])' || v_change.col_pattern || '(?![[:alnum:]_"]|[[:space:]]*[(])',
                     format('(%s)::%s', replace(v_change.col, chr(92), repeat(chr(92), 2)), v_change.old_type)) END;
    END LOOP;
    RETURN v_definition;
END
$$;
