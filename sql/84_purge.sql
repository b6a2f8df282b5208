-- Retention --------------------------------------------------------------------------
--
-- Telemetry (the stages of ended renders) and cached analyses have an end; renders, their
-- memory, the ledger and stored objects stay. What is old is found through indexes, in
-- steps that hold few locks for a short time.

-- delete the stages of renders that ended before a time, at most so many; returns how many
CREATE FUNCTION renderchain._purge_stages(p_before timestamptz, p_most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_renders uuid[];
    v_gone bigint;
    v_done bigint;
    v_all bigint := 0::bigint;
BEGIN
    WHILE v_all < p_most LOOP
        v_renders := ARRAY(SELECT j.render_id FROM render_jobs j WHERE j.ended_at < p_before
                           ORDER BY j.ended_at LIMIT LEAST(p_most, 100::bigint) FOR NO KEY UPDATE SKIP LOCKED);
        EXIT WHEN pg_catalog.cardinality(v_renders) = 0;
        WITH old AS (
            SELECT s.ctid AS place FROM render_stages s WHERE s.render_id = ANY (v_renders) LIMIT p_most - v_all
        ), gone AS (
            DELETE FROM render_stages s USING old WHERE s.ctid = old.place RETURNING 1
        )
        SELECT pg_catalog.count(*) INTO v_gone FROM gone;
        v_all := v_all + v_gone;
        UPDATE render_jobs j SET ended_at = NULL
        WHERE j.render_id = ANY (v_renders)
          AND NOT EXISTS (SELECT FROM render_stages s WHERE s.render_id = j.render_id);
        GET DIAGNOSTICS v_done = ROW_COUNT;
        -- stages that are not to be deleted (a trigger, a policy) would be found again and again
        EXIT WHEN v_gone = 0::bigint AND v_done = 0::bigint;
    END LOOP;
    RETURN v_all;
END
$$;

-- delete analyses that were cached before a time, at most so many; returns how many
CREATE FUNCTION renderchain._purge_analyses(p_before timestamptz, p_most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_gone bigint;
BEGIN
    WITH old AS (
        SELECT c.ctid AS place FROM analysis_cache c WHERE c.created_at < p_before ORDER BY c.created_at LIMIT p_most
    ), gone AS (
        DELETE FROM analysis_cache c USING old WHERE c.ctid = old.place RETURNING 1
    )
    SELECT pg_catalog.count(*) INTO v_gone FROM gone;
    RETURN v_gone;
END
$$;

CREATE FUNCTION renderchain.purge(older_than interval, max_rows integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before timestamptz;
    v_stages bigint;
BEGIN
    PERFORM renderchain.use_schema();
    IF purge.older_than IS NULL OR purge.older_than NOT BETWEEN '0'::interval AND '1000 years'::interval THEN
        RAISE EXCEPTION 'invalid age %', COALESCE(purge.older_than::text, 'null'::text) USING ERRCODE = 'RC005',
            HINT = 'Say how old what is purged must be, for example ''90 days''.';
    END IF;
    IF purge.max_rows IS NULL OR purge.max_rows NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'invalid number of rows: %', COALESCE(purge.max_rows::text, 'null'::text) USING ERRCODE = 'RC005',
            HINT = 'From 1 to 1000000 rows are purged in one call.';
    END IF;
    v_before := renderchain.clock() - purge.older_than;
    v_stages := renderchain._purge_stages(v_before, purge.max_rows::bigint);
    RETURN v_stages + renderchain._purge_analyses(v_before, purge.max_rows::bigint - v_stages);
END
$$;
COMMENT ON FUNCTION renderchain.purge(interval, integer) IS
'Deletes telemetry (the stages of renders that ended longer ago than an interval) and analyses cached before, at most max_rows (1 to 1000000) rows; returns how many, so that the caller goes on until it is 0. Renders, their memory, the ledger and stored objects stay. RC005 for arguments out of range.';

CREATE FUNCTION renderchain.purge() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_telemetry interval := pg_catalog.current_setting('renderchain.keep_telemetry'::text)::interval;
    v_analyses interval := pg_catalog.current_setting('renderchain.keep_analyses'::text)::interval;
    v_most bigint := 1000::bigint;
    v_gone bigint := 0::bigint;
BEGIN
    PERFORM renderchain.use_schema();
    IF v_telemetry > '0'::interval THEN
        v_gone := renderchain._purge_stages(v_now - v_telemetry, v_most);
    END IF;
    IF v_analyses > '0'::interval THEN
        v_gone := v_gone + renderchain._purge_analyses(v_now - v_analyses, v_most - v_gone);
    END IF;
    RETURN v_gone;
END
$$;
COMMENT ON FUNCTION renderchain.purge() IS
'One step of what the settings renderchain.keep_telemetry and keep_analyses ask for (0: for ever): deletes stages of renders that ended longer ago, and older analyses, at most 1000 rows in all; returns how many. For workers, which call it now and then.';
