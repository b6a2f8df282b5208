-- Reading --------------------------------------------------------------------------

-- raise unless a render exists
CREATE FUNCTION renderchain._check_render(p_render_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM FROM renders r WHERE r.id = p_render_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'render % does not exist', COALESCE(p_render_id::text, 'null'::text) USING ERRCODE = 'RC006',
            HINT = pg_catalog.format('This session works in schema %s; the setting renderchain.schema says in which.'::text,
                                     pg_catalog.current_setting('renderchain.schema'::text));
    END IF;
END
$$;

-- a render in the shape of get_render, NULL if there is none
CREATE FUNCTION renderchain._get_render(p_render_id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.jsonb_build_object(
            'success', r.status::text = 'completed'::text,
            'data', pg_catalog.jsonb_build_object(
                'renderId', r.id, 'chainId', r.chain_id, 'chainPosition', r.chain_position, 'type', r.type,
                'status', r.status, 'prompt', r.prompt,
                CASE r.type::text WHEN 'video' THEN 'videoUrl'::text ELSE 'imageUrl'::text END, r.output_url,
                'outputKey', r.output_key,
                'designIntent', r.metadata -> 'designIntent'::text,
                'imageAnalysis', r.metadata -> 'imageAnalysis'::text,
                'validation', r.metadata -> 'validation'::text,
                'optimizedPrompt', r.metadata -> 'optimizedPrompt'::text,
                'pipelineMemory', CASE WHEN pg_catalog.jsonb_typeof(r.context_data -> 'pipelineMemory'::text) = 'object'::text
                                       THEN r.context_data -> 'pipelineMemory'::text END,
                'selectedModel', r.metadata -> 'selectedModel'::text,
                'processingTime', r.processing_time,
                -- the stages that were run and have ended
                'stageEvents', COALESCE((
                    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                               'stage', s.stage, 'status', s.status, 'part', NULLIF(s.part, ''::text), 'model', s.model,
                               'outcome', NULLIF(s.outcome, 'ok'::text),
                               'attempt', CASE WHEN s.attempt > 1 THEN s.attempt END))
                           || pg_catalog.jsonb_build_object('durationMs', s.duration_ms) ORDER BY s.started_at, s.seq)
                    FROM render_stages s WHERE s.render_id = r.id AND s.status IN ('success', 'failed')), '[]'::jsonb),
                'creditsCost', r.credits_cost),
            'error', CASE WHEN r.status::text IN ('failed', 'cancelled') THEN
                          COALESCE(r.error_message::text, r.status::text) END)
        FROM renders r WHERE r.id = p_render_id);
END
$$;

CREATE FUNCTION renderchain.get_render(render_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_render(get_render.render_id);
    RETURN renderchain._get_render(get_render.render_id);
END
$$;
COMMENT ON FUNCTION renderchain.get_render(uuid) IS
'A render as {"success","data":{"renderId","chainId","chainPosition","type","status","prompt","imageUrl" or "videoUrl","outputKey","designIntent","imageAnalysis","validation","optimizedPrompt","pipelineMemory","selectedModel","processingTime","stageEvents","creditsCost"},"error"}. success is true for a completed render only; error is null unless it failed or was cancelled. RC006 for an unknown render.';

CREATE FUNCTION renderchain.purge(older_than interval, max_rows integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before timestamptz;
    v_stages bigint;
    v_cached bigint;
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
    WITH old AS (
        SELECT s.ctid AS place FROM render_stages s
        JOIN render_jobs j ON j.render_id = s.render_id
        WHERE s.started_at < v_before AND j.state = 'ended' LIMIT purge.max_rows
    ), gone AS (
        DELETE FROM render_stages s USING old WHERE s.ctid = old.place RETURNING 1
    )
    SELECT pg_catalog.count(*) INTO v_stages FROM gone;
    WITH old AS (
        SELECT c.ctid AS place FROM analysis_cache c
        WHERE c.created_at < v_before ORDER BY c.created_at LIMIT purge.max_rows - v_stages
    ), gone AS (
        DELETE FROM analysis_cache c USING old WHERE c.ctid = old.place RETURNING 1
    )
    SELECT pg_catalog.count(*) INTO v_cached FROM gone;
    RETURN v_stages + v_cached;
END
$$;
COMMENT ON FUNCTION renderchain.purge(interval, integer) IS
'Deletes telemetry (stages of ended renders) and cached analyses older than an interval, at most max_rows (1 to 1000000) rows; returns how many, so that the caller goes on until it is 0. Renders, their memory, the ledger and stored objects stay. RC005 for arguments out of range.';
