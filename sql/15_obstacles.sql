-- What is in the way of changes ------------------------------------------------
--
-- PostgreSQL rebuilds indexes and constraints when a column changes its type, and refuses where anything else depends
-- on it. What that is, is found in pg_depend, and so is what depends on it in turn; here each kind has the statement
-- that drops it and the one that makes it again as it was, owner, privileges and comment included.

-- whether an index makes sense for the old type of a column only: by its operator class, or in an expression
CREATE FUNCTION renderchain._fits_old_type_only(p_schema text, p_index oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_index i JOIN renderchain._changes(p_schema) c ON c.id = i.indrelid
        WHERE i.indexrelid = p_index AND c.new_type <> 'text'
          AND (strpos(i.indexprs::text, format(':varattno %s ', c.attnum)) > 0
               OR EXISTS (SELECT FROM unnest(i.indkey, i.indclass) AS k (attnum, class) JOIN pg_opclass o ON o.oid = k.class
                          WHERE k.attnum = c.attnum AND NOT o.opcdefault)))
$$;

-- owner, privileges and comment of an object that is made again, as statements
CREATE FUNCTION renderchain._dressed(p_kind text, p_name text, p_owner oid, p_acl aclitem[], p_comment text)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ',
        CASE WHEN pg_get_userbyid(p_owner) <> current_user
             THEN format('ALTER %s %s OWNER TO %I;', p_kind, p_name, pg_get_userbyid(p_owner)) END,
        (SELECT string_agg(format('GRANT %s ON %s %s TO %s%s;', x.privilege_type,
                                  CASE WHEN p_kind = 'FUNCTION' THEN p_kind ELSE 'TABLE' END, p_name,
                                  CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
                                  CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' '
                           ORDER BY x.grantee, x.privilege_type)
         FROM aclexplode(p_acl) x WHERE x.grantee <> p_owner),
        -- what everybody may do unless it is taken away
        CASE WHEN p_kind = 'FUNCTION' AND p_acl IS NOT NULL
                  AND NOT EXISTS (SELECT FROM aclexplode(p_acl) x WHERE x.grantee = 0)
             THEN format('REVOKE ALL ON FUNCTION %s FROM PUBLIC;', p_name) END,
        format('COMMENT ON %s %s IS ', p_kind, p_name) || quote_literal(p_comment) || ';')
$$;

-- what a relation or a column of one is called, what drops it and what makes it again (NULL: nothing does)
CREATE FUNCTION renderchain._relation_obstacle(p_schema text, p_id oid, p_column integer, OUT what text, OUT dropped text,
    OUT made text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%s %s', lower(k.kind), c.oid::regclass), format('DROP %s %s;', k.kind, c.oid::regclass),
           concat_ws(' ',
               format('CREATE %s %s%s AS %s%s;', k.kind, c.oid::regclass,
                      ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
                      renderchain._outside_literals(btrim(renderchain._restated(p_schema, pg_get_viewdef(c.oid)), ' ;'),
                                                    '[[:space:]]+', ' '),
                      CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN ' WITH NO DATA' ELSE '' END),
               NULLIF(renderchain._dressed(k.kind, c.oid::regclass::text, c.relowner, c.relacl,
                                           obj_description(c.oid, 'pg_class')), ''),
               (SELECT string_agg(s.statement, ' ' ORDER BY s.statement)
                FROM pg_attribute a,
                LATERAL (SELECT format('GRANT %s (%I) ON %s TO %s;', x.privilege_type, a.attname, c.oid::regclass,
                                       CASE x.grantee WHEN 0 THEN 'PUBLIC'
                                                      ELSE quote_ident(pg_get_userbyid(x.grantee)) END) AS statement
                         FROM aclexplode(a.attacl) x
                       UNION ALL
                         SELECT format('COMMENT ON COLUMN %s.%I IS %L;', c.oid::regclass, a.attname,
                                       col_description(c.oid, a.attnum))
                         WHERE col_description(c.oid, a.attnum) IS NOT NULL) s
                WHERE a.attrelid = c.oid AND a.attnum > 0))
    FROM pg_class c
    JOIN (VALUES ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW')) AS k (relkind, kind) ON k.relkind = c.relkind::text
    WHERE c.oid = p_id AND p_column = 0
  UNION ALL
    SELECT format('index %s', c.oid::regclass), format('DROP INDEX %s;', c.oid::regclass),
           CASE WHEN NOT renderchain._fits_old_type_only(p_schema, c.oid)
                -- on the whole of a partitioned table, not only on its root
                THEN regexp_replace(renderchain._restated(p_schema, pg_get_indexdef(c.oid)), ' ON ONLY ', ' ON ') || ';'
                END
    FROM pg_class c WHERE c.oid = p_id AND p_column = 0 AND c.relkind IN ('i', 'I')
  UNION ALL
    SELECT format('generated column %s.%I', a.attrelid::regclass, a.attname),
           format('ALTER TABLE %s DROP COLUMN %I;', a.attrelid::regclass, a.attname),
           concat_ws(' ',
               format('ALTER TABLE %s ADD COLUMN %I %s GENERATED ALWAYS AS (%s) %s%s;', a.attrelid::regclass, a.attname,
                      format_type(a.atttypid, a.atttypmod),
                      renderchain._restated(p_schema, pg_get_expr(d.adbin, d.adrelid), a.attrelid),
                      CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END,
                      CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END),
               format('COMMENT ON COLUMN %s.%I IS ', a.attrelid::regclass, a.attname)
                   || quote_literal(col_description(a.attrelid, a.attnum)) || ';')
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = p_id AND a.attnum = p_column AND a.attgenerated <> '' AND a.attinhcount = 0
$$;

-- the same of what is no relation
CREATE FUNCTION renderchain._other_obstacle(p_schema text, p_class oid, p_id oid, OUT what text, OUT dropped text,
    OUT made text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%s %I of %s', CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END, k.conname,
                  k.conrelid::regclass),
           format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname),
           concat_ws(' ', format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::regclass, k.conname,
                                 CASE k.contype WHEN 'c' THEN renderchain._restated(p_schema, k.def, k.conrelid)
                                                ELSE k.def END),
                     format('COMMENT ON CONSTRAINT %I ON %s IS ', k.conname, k.conrelid::regclass)
                         || quote_literal(obj_description(k.oid, 'pg_constraint')) || ';')
    FROM (SELECT *, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE oid = p_id AND conrelid <> 0) k
    WHERE p_class = 'pg_constraint'::regclass
  UNION ALL
    SELECT format('rule %I of %s', r.rulename, r.ev_class::regclass),
           format('DROP RULE %I ON %s;', r.rulename, r.ev_class::regclass),
           renderchain._outside_literals(renderchain._restated(p_schema, pg_get_ruledef(r.oid)), '[[:space:]]+', ' ')
    FROM pg_rewrite r WHERE p_class = 'pg_rewrite'::regclass AND r.oid = p_id
  UNION ALL
    SELECT format('trigger %I of %s', g.tgname, g.tgrelid::regclass),
           format('DROP TRIGGER %I ON %s;', g.tgname, g.tgrelid::regclass),
           concat_ws(' ', renderchain._restated(p_schema, pg_get_triggerdef(g.oid)) || ';',
                     CASE WHEN s.state IS NOT NULL
                          THEN format('ALTER TABLE %s %s TRIGGER %I;', g.tgrelid::regclass, s.state, g.tgname) END)
    FROM pg_trigger g
    LEFT JOIN (VALUES ('D', 'DISABLE'), ('R', 'ENABLE REPLICA'), ('A', 'ENABLE ALWAYS')) AS s (enabled, state)
        ON s.enabled = g.tgenabled::text
    WHERE p_class = 'pg_trigger'::regclass AND g.oid = p_id
  UNION ALL
    SELECT format('policy %I of %s', p.polname, p.polrelid::regclass),
           format('DROP POLICY %I ON %s;', p.polname, p.polrelid::regclass),
           renderchain._restated(p_schema, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s;', p.polname,
               p.polrelid::regclass, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
               CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                             ELSE 'ALL' END,
               (SELECT string_agg(CASE r.role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.role)) END, ', ')
                FROM unnest(p.polroles) AS r (role)),
               ' USING (' || renderchain._outside_literals(pg_get_expr(p.polqual, p.polrelid), '[[:space:]]+', ' ') || ')',
               ' WITH CHECK (' || renderchain._outside_literals(pg_get_expr(p.polwithcheck, p.polrelid), '[[:space:]]+', ' ')
                   || ')'))
    FROM pg_policy p WHERE p_class = 'pg_policy'::regclass AND p.oid = p_id
  UNION ALL
    SELECT format('function %s', f.oid::regprocedure), format('DROP ROUTINE %s;', f.oid::regprocedure),
           concat_ws(' ', renderchain._restated(p_schema, rtrim(pg_get_functiondef(f.oid), E' ;\n')) || ';',
                     NULLIF(renderchain._dressed('FUNCTION', f.oid::regprocedure::text, f.proowner, f.proacl,
                                                 obj_description(f.oid, 'pg_proc')), ''))
    FROM pg_proc f
    WHERE p_class = 'pg_proc'::regclass AND f.oid = p_id AND f.prokind = 'f'
      -- what runs with its owner's rights must not be another's for a moment
      AND NOT (f.prosecdef AND pg_get_userbyid(f.proowner) <> current_user)
  UNION ALL
    SELECT format('publication %I of %s', b.pubname, p.prrelid::regclass),
           format('ALTER PUBLICATION %I DROP TABLE %s;', b.pubname, p.prrelid::regclass),
           -- columns and conditions are of PostgreSQL 15 and later
           renderchain._restated(p_schema, format('ALTER PUBLICATION %I ADD TABLE %s%s%s;', b.pubname,
               p.prrelid::regclass,
               CASE WHEN to_jsonb(p) ->> 'prattrs' IS NOT NULL
                    THEN (SELECT ' (' || string_agg(quote_ident(v.col), ', ') || ')'
                          FROM jsonb_array_elements_text(t.published -> 'attnames') AS v (col)) END,
               ' WHERE (' || (t.published ->> 'rowfilter') || ')'))
    FROM pg_publication_rel p JOIN pg_publication b ON b.oid = p.prpubid
    JOIN pg_class c ON c.oid = p.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL (SELECT to_jsonb(v) AS published FROM pg_publication_tables v
                       WHERE v.pubname = b.pubname AND v.schemaname = n.nspname AND v.tablename = c.relname) t ON true
    WHERE p_class = 'pg_publication_rel'::regclass AND p.oid = p_id
  UNION ALL
    SELECT format('default of %s.%I', d.adrelid::regclass, a.attname),
           format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT;', d.adrelid::regclass, a.attname),
           format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s;', d.adrelid::regclass, a.attname,
                  renderchain._restated(p_schema, pg_get_expr(d.adbin, d.adrelid)))
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE p_class = 'pg_attrdef'::regclass AND d.oid = p_id
  UNION ALL
    SELECT format('statistics %I.%I', n.nspname, s.stxname), format('DROP STATISTICS %I.%I;', n.nspname, s.stxname),
           pg_get_statisticsobjdef(s.oid) || ';'
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE p_class = 'pg_statistic_ext'::regclass AND s.oid = p_id
$$;

-- what depends on an object, by its own name: a view where the catalogs say its rule, a generated column where they
-- say its default
CREATE FUNCTION renderchain._dependents(p_class oid, p_id oid, p_column integer, OUT classid oid, OUT objid oid,
    OUT objsubid integer)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT o.classid, o.objid, o.objsubid
    FROM (VALUES (p_class, p_id), ('pg_type'::regclass::oid, (SELECT c.reltype FROM pg_class c
                                                             WHERE p_class = 'pg_class'::regclass AND c.oid = p_id))
         ) AS r (classid, objid)
    JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid
        -- who uses the type of a table's rows uses each of its columns
        AND (p_column = 0 OR d.refobjsubid = p_column OR d.refclassid = 'pg_type'::regclass AND d.objsubid <> 0)
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid AND w.rulename = '_RETURN'
    LEFT JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
    LEFT JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum AND a.attgenerated <> '',
    LATERAL (SELECT CASE WHEN w.oid IS NOT NULL OR a.attnum IS NOT NULL THEN 'pg_class'::regclass::oid
                         ELSE d.classid END AS classid,
                    COALESCE(w.ev_class, a.attrelid, d.objid) AS objid, COALESCE(a.attnum, d.objsubid) AS objsubid) o
    WHERE d.deptype IN ('n', 'a') AND (o.classid, o.objid, o.objsubid) <> (p_class, p_id, p_column)
      -- parts of something that is dropped and made as a whole
      AND NOT EXISTS (SELECT FROM pg_trigger g WHERE o.classid = 'pg_trigger'::regclass AND g.oid = o.objid
                                               AND (g.tgisinternal OR g.tgparentid <> 0))
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE o.classid = 'pg_constraint'::regclass AND k.oid = o.objid
                                                  AND (k.conparentid <> 0 OR NOT k.conislocal OR k.contype = 'n'))
      AND NOT EXISTS (SELECT FROM pg_class c WHERE o.classid = 'pg_class'::regclass AND c.oid = o.objid
                                             AND (c.relkind IN ('S', 't') OR c.relkind IN ('i', 'I') AND c.relispartition))
      AND NOT (o.classid = 'pg_type'::regclass)
$$;

-- what stands in the way: of changing a column that which PostgreSQL does not rebuild by itself; then all that depends
-- on what is dropped, and on a primary key that is. depth: what is dropped sooner and made later has the greater one.
CREATE FUNCTION renderchain._obstacles(p_schema text, OUT depth integer, OUT what text, OUT dropped text, OUT made text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE columns (id, attnum, col, widened) AS (
        SELECT c.id, c.attnum, c.col, c.widened FROM renderchain._changes(p_schema) c
      UNION
        SELECT c.id, c.attnum, c.col, true FROM renderchain._existing_columns(p_schema) c WHERE c.made_by = 'VIRTUAL'
      UNION
        -- as they are in partitions and other tables that inherit them
        SELECT a.attrelid, a.attnum, c.col, c.widened
        FROM columns c JOIN pg_inherits h ON h.inhparent = c.id
        JOIN pg_attribute a ON a.attrelid = h.inhrelid AND a.attname = c.col AND NOT a.attisdropped
    ), found (classid, objid, objsubid, depth) AS (
        (SELECT o.classid, o.objid, o.objsubid, 1
         FROM columns c, renderchain._dependents('pg_class'::regclass, c.id, c.attnum) o
         LEFT JOIN pg_class r ON o.classid = 'pg_class'::regclass AND r.oid = o.objid
         LEFT JOIN pg_constraint k ON o.classid = 'pg_constraint'::regclass AND k.oid = o.objid
         WHERE o.classid NOT IN ('pg_attrdef'::regclass, 'pg_statistic_ext'::regclass)
           AND (k.oid IS NULL OR k.contype IN ('f', 'c') AND NOT c.widened)
           AND CASE WHEN o.objsubid <> 0 OR r.oid IS NULL OR r.relkind NOT IN ('i', 'I') THEN true
               WHEN c.widened OR EXISTS (SELECT FROM pg_constraint x WHERE x.conindid = r.oid) THEN false
               ELSE renderchain._restated(p_schema, pg_get_indexdef(r.oid)) <> pg_get_indexdef(r.oid)
                    OR renderchain._fits_old_type_only(p_schema, r.oid) END
       UNION
         SELECT o.classid, o.objid, o.objsubid, 1
         FROM renderchain._key_problems(p_schema) k,
              LATERAL (VALUES ('pg_constraint'::regclass::oid, k.key_id), ('pg_class'::regclass::oid, k.index_id)
                      ) AS r (classid, objid),
              renderchain._dependents(r.classid, r.objid, 0) o)
      UNION
        SELECT o.classid, o.objid, o.objsubid, f.depth + 1
        FROM found f, renderchain._dependents(f.classid, f.objid, f.objsubid) o
        WHERE f.depth < 200
    )
    SELECT max(f.depth), COALESCE(r.what, o.what, pg_describe_object(f.classid, f.objid, f.objsubid)),
           COALESCE(r.dropped, o.dropped), COALESCE(r.made, o.made)
    FROM found f
    LEFT JOIN LATERAL renderchain._relation_obstacle(p_schema, f.objid, f.objsubid) r
        ON f.classid = 'pg_class'::regclass
    LEFT JOIN LATERAL renderchain._other_obstacle(p_schema, f.classid, f.objid) o ON r.what IS NULL
    -- one of ours that is generated becomes a plain column
    WHERE NOT EXISTS (SELECT FROM renderchain._existing_columns(p_schema) c
                      WHERE f.classid = 'pg_class'::regclass AND c.id = f.objid AND c.attnum = f.objsubid
                        AND c.made_by IS NOT NULL)
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE f.classid = 'pg_class'::regclass AND a.attrelid = f.objid
                                                   AND a.attnum = f.objsubid AND a.attgenerated <> '' AND a.attinhcount > 0)
    GROUP BY f.classid, f.objid, f.objsubid, r.what, r.dropped, r.made, o.what, o.dropped, o.made
$$;
