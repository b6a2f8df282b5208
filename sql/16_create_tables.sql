-- Making the tables ------------------------------------------------------------
--
-- create_tables() looks first and then does only what is missing, in the order of
-- the places in 10: a second call changes nothing and keeps nobody waiting. On an
-- application's own tables it builds the indexes that are missing, and makes foreign
-- keys that refer to them; both keep writers waiting until the transaction ends,
-- readers never.

-- refuse schemas in which tables of users have no place
CREATE FUNCTION renderchain._check_schema_name(p_schema text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_schema = '' OR octet_length(p_schema) > 63 THEN
        RAISE EXCEPTION 'invalid schema name "%"', p_schema USING ERRCODE = 'RC005',
            DETAIL = 'A schema name has 1 to 63 bytes.';
    END IF;
    -- "$user" in a search_path means the schema named like the role, quoted or not
    IF p_schema IN ('information_schema', 'renderchain', '$user') OR starts_with(p_schema, 'pg_') THEN
        RAISE EXCEPTION 'schema "%" is not for tables of users', p_schema USING ERRCODE = 'RC005',
            HINT = 'Name a schema of your own, for example SELECT renderchain.create_tables(''app'').';
    END IF;
END
$$;

-- refuse existing tables that do not fit, with all that is to be done about them
CREATE FUNCTION renderchain._refuse_problems(p_schema text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_problems text;
    v_remedies text;
BEGIN
    SELECT string_agg(m.problem, E'\n'), string_agg(m.remedy, E'\n')
    INTO v_problems, v_remedies FROM renderchain._table_problems(p_schema) m;
    IF v_problems IS NOT NULL THEN
        RAISE EXCEPTION 'existing tables in schema "%" do not fit renderchain', p_schema
            USING ERRCODE = 'RC008', DETAIL = v_problems,
                  HINT = COALESCE(v_remedies,
                      'Name a schema of its own, for example SELECT renderchain.create_tables(''app_renders'').');
    END IF;
END
$$;

-- refuse a role that may not do what is missing, with all that it lacks
CREATE FUNCTION renderchain._refuse_without_rights(p_schema text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lacks text;
    v_remedies text;
BEGIN
    WITH missing AS (
        SELECT s.tab, s.index_name, s.build_beforehand FROM renderchain._steps(p_schema) s
    ), existing AS (
        SELECT e.tab, e.sql_name, e.id, e.owner FROM renderchain._existing_tables(p_schema) e
    )
    SELECT string_agg(l.lack, E'\n' ORDER BY l.place, l.lack), string_agg(l.remedy, E'\n' ORDER BY l.place, l.lack)
    INTO v_lacks, v_remedies
    FROM (SELECT 1 AS place, format('It may not create schemas in database %I.', current_database()) AS lack,
                 format('CREATE SCHEMA %I AUTHORIZATION %I;', p_schema, current_user) AS remedy
          WHERE to_regnamespace(quote_ident(p_schema)) IS NULL
            AND NOT has_database_privilege(current_database(), 'CREATE')
        UNION ALL
          SELECT 2, format('It lacks %s on schema %I.', p.privilege, p_schema),
                 format('GRANT %s ON SCHEMA %I TO %I;', p.privilege, p_schema, current_user)
          FROM pg_namespace n, (VALUES ('USAGE'), ('CREATE')) AS p (privilege)
          WHERE n.nspname = p_schema AND EXISTS (SELECT FROM missing)
            AND NOT has_schema_privilege(n.oid, p.privilege)
        UNION ALL
          -- our tables refer to them
          SELECT 3, format('It lacks REFERENCES on table %s.', e.tab),
                 format('GRANT REFERENCES ON %s TO %I;', e.sql_name, current_user)
          FROM existing e
          WHERE EXISTS (SELECT FROM missing m
                        WHERE m.build_beforehand IS NULL
                          AND (e.tab, m.tab) IN (('render_chains', 'memory_pins'), ('render_chains', 'renders'),
                                                 ('renders', 'render_jobs')))
            -- only these have a column id, and which condition is tried first is not ours to say
            AND CASE WHEN e.tab IN ('render_chains', 'renders')
                THEN NOT has_table_privilege(e.id, 'REFERENCES') AND NOT has_column_privilege(e.id, 'id', 'REFERENCES') END
        UNION ALL
          SELECT 4, format('It does not own table %s: only %I can build its indexes.', e.tab, pg_get_userbyid(e.owner)),
                 string_agg(array_to_string(m.build_beforehand, E'\n'), E'\n' ORDER BY m.index_name)
          FROM existing e JOIN missing m ON m.tab = e.tab
          WHERE m.build_beforehand IS NOT NULL AND NOT pg_has_role(e.owner, 'USAGE')
          GROUP BY e.tab, e.owner) l;
    IF v_lacks IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" may not make what is missing in schema "%"', current_user, p_schema
            USING ERRCODE = 'insufficient_privilege', DETAIL = v_lacks, HINT = v_remedies;
    END IF;
END
$$;

-- the statements that make what is missing, in order; build_beforehand for an index on an existing table
CREATE FUNCTION renderchain._steps(p_schema text, OUT place integer, OUT tab text, OUT index_name text,
    OUT statement text, OUT build_beforehand text[])
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.place, s.tab, s.name, s.statement, s.build_beforehand
    FROM (SELECT t.place, 0 AS part, t.tab, NULL AS name, t.ddl AS statement, NULL::text[] AS build_beforehand
          FROM renderchain._tables_needed() t
          WHERE t.tab NOT IN (SELECT e.tab FROM renderchain._existing_tables(p_schema) e)
        UNION ALL
          SELECT m.place, 1, m.tab, m.name, m.build, m.build_beforehand FROM renderchain._missing_indexes(p_schema) m
        UNION ALL
          -- also where it is that of an earlier release
          SELECT 99, 0, 'render_jobs', NULL, renderchain._trigger_ddl(), NULL
          WHERE NOT EXISTS (
              SELECT FROM pg_trigger g
              JOIN pg_proc f ON f.oid = g.tgfoid
              JOIN renderchain._existing_tables(p_schema) e ON e.id = g.tgrelid AND e.tab = 'render_jobs'
              WHERE g.tgname = 'render_job_deleted' AND strpos(renderchain._trigger_ddl(), f.prosrc) > 0)) s
    ORDER BY s.place, s.part, s.name
$$;

-- build an index; where that takes too long, or rows are in the way, say what to do
CREATE FUNCTION renderchain._build_index(p_schema text, p_tab text, p_statement text, p_beforehand text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE p_statement;
EXCEPTION
    WHEN unique_violation THEN
        -- which ones, PostgreSQL has found out by building, and says to those who may read the table
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        RAISE EXCEPTION 'existing tables in schema "%" do not fit renderchain', p_schema USING ERRCODE = 'RC008',
            DETAIL = concat_ws(' ', 'renders has chain positions that occur twice.', NULLIF(v_detail, '')),
            HINT = format('UPDATE %1$I.renders r SET chain_position = n.n FROM (SELECT id, row_number() OVER '
                '(PARTITION BY chain_id ORDER BY chain_position, created_at, id) AS n FROM %1$I.renders '
                'WHERE chain_position IS NOT NULL AND chain_id IN (SELECT chain_id FROM %1$I.renders '
                'WHERE chain_position IS NOT NULL GROUP BY chain_id '
                'HAVING count(*) > count(DISTINCT chain_position))) n '
                'WHERE r.id = n.id AND r.chain_position <> n.n;', p_schema);
    WHEN query_canceled OR lock_not_available THEN
        RAISE EXCEPTION 'could not build an index on table %: %', p_tab, SQLERRM USING ERRCODE = SQLSTATE,
            DETAIL = format('The statement was: %s', p_statement),
            HINT = format(E'Build it beforehand, while writers go on, and then call create_tables() again:\n%s',
                          array_to_string(p_beforehand, E'\n'));
END
$$;

-- warn whoever watches that writers of large tables will have to wait
CREATE FUNCTION renderchain._announce_builds(p_schema text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT m.tab, max(m.row_count) AS row_count, count(*) AS indexes,
               string_agg(array_to_string(m.build_beforehand, E'\n'), E'\n' ORDER BY m.name) AS beforehand
        FROM renderchain._missing_indexes(p_schema) m WHERE m.row_count > 1000000 GROUP BY m.tab ORDER BY m.tab
    LOOP
        RAISE NOTICE 'table % has about % rows and lacks % of its indexes; whoever writes to it waits until they are built',
            v_table.tab, v_table.row_count, v_table.indexes
            USING HINT = format(E'To build them beforehand, while writers go on, cancel this and run:\n%s',
                                v_table.beforehand);
    END LOOP;
END
$$;

-- tell whoever attaches tables of the checks that nobody has judged
CREATE FUNCTION renderchain._announce_unjudged(p_schema text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_unjudged text;
BEGIN
    IF EXISTS (SELECT FROM renderchain._existing_tables(p_schema) e WHERE e.tab = 'render_jobs') THEN
        RETURN;
    END IF;
    SELECT string_agg(c.problem, E'\n' ORDER BY c.problem) INTO v_unjudged
    FROM renderchain._check_problems(p_schema) c WHERE NOT c.judged;
    IF v_unjudged IS NOT NULL THEN
        RAISE NOTICE 'existing tables in schema "%" have constraints that could not be judged', p_schema
            USING DETAIL = v_unjudged;
    END IF;
END
$$;

CREATE FUNCTION renderchain.create_tables(schema text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off -- names of types and columns are compared
SET jit = off -- compiling what is run once takes longer than running it
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_schema text := COALESCE(create_tables.schema, current_setting('renderchain.schema', true), 'public');
    v_found text[];
    v_made text[] := '{}';
    v_built text[] := '{}';
    v_step record;
BEGIN
    PERFORM renderchain._check_schema_name(v_schema);
    PERFORM pg_advisory_xact_lock(hashtextextended('renderchain tables ' || v_schema, 0));
    PERFORM renderchain._refuse_problems(v_schema);
    PERFORM renderchain._refuse_without_rights(v_schema);
    PERFORM renderchain._announce_unjudged(v_schema);
    PERFORM renderchain._announce_builds(v_schema);
    IF to_regnamespace(quote_ident(v_schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', v_schema);
    END IF;

    v_found := ARRAY(SELECT e.tab FROM renderchain._existing_tables(v_schema) e ORDER BY e.tab);
    PERFORM set_config('search_path', format('%I, pg_temp', v_schema), true);
    FOR v_step IN SELECT s.tab, s.index_name, s.statement, s.build_beforehand FROM renderchain._steps(v_schema) s LOOP
        IF v_step.build_beforehand IS NOT NULL THEN
            PERFORM renderchain._build_index(v_schema, v_step.tab, v_step.statement, v_step.build_beforehand);
            v_built := v_built || v_step.index_name;
        ELSE
            EXECUTE v_step.statement;
            v_made := v_made || v_step.tab;
        END IF;
    END LOOP;
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', v_schema), true);
    PERFORM renderchain._store_models(renderchain.shipped_models(), true, v_now);

    RETURN format('schema %I: created %s; found %s%s', v_schema,
        COALESCE((SELECT string_agg(DISTINCT t.tab, ', ' ORDER BY t.tab) FROM unnest(v_made) AS t (tab)
                  WHERE t.tab <> ALL (v_found)), 'nothing'),
        COALESCE(NULLIF(array_to_string(v_found, ', '), ''), 'nothing'),
        '; built ' || NULLIF(array_to_string(v_built, ', '), ''));
END
$$;
COMMENT ON FUNCTION renderchain.create_tables(text) IS
'Makes what is missing of renderchain''s tables in a schema (default: the setting renderchain.schema) and the schema itself; says what it made, found and built. May be run again: then nothing changes and nobody waits. Existing render_chains and renders are attached: checked, never changed but for missing indexes (docs/attaching.md). RC008 lists everything that does not fit, and its hint the statements that mend it, in the order in which to run them; a NOTICE tells of checks that could not be judged; RC005 for a schema that cannot hold them; 42501 lists the rights that are missing, each with its GRANT. Where building an index takes too long the error names the CREATE INDEX CONCURRENTLY that does it beforehand.';

CREATE FUNCTION renderchain.check_tables(schema text DEFAULT NULL) RETURNS TABLE (problem text, remedy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off -- names of types and columns are compared
SET jit = off -- compiling what is run once takes longer than running it
AS $$
DECLARE
    v_schema text := COALESCE(check_tables.schema, current_setting('renderchain.schema', true), 'public');
BEGIN
    PERFORM renderchain._check_schema_name(v_schema);
    RETURN QUERY SELECT p.problem, p.remedy FROM renderchain._table_problems(v_schema) p;
    RETURN QUERY SELECT c.problem, c.remedy FROM renderchain._check_problems(v_schema) c WHERE NOT c.judged ORDER BY 1;
    RETURN QUERY
    SELECT format('%s has no index that serves as %s', m.tab, m.name), r.remedy
    FROM renderchain._missing_indexes(v_schema) m, unnest(m.build_beforehand) AS r (remedy)
    ORDER BY m.place, m.name, r.remedy;
END
$$;
COMMENT ON FUNCTION renderchain.check_tables(text) IS
'What create_tables() would find wrong or missing on the tables that a schema (default: the setting renderchain.schema) has already: one row a problem, each with the statement that mends it where there is one, in the order in which to run them. For indexes that is CREATE INDEX CONCURRENTLY, which lets writers go on. A check of the application''s that could not be judged has a row without a statement. Reads the catalogs only; no row if all is well. RC005 for a schema that cannot hold them.';
