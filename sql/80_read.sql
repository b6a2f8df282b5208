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
                'creditsCost', r.credits_cost)
                || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                    'consistency', r.metadata -> 'consistency'::text, 'correction', r.metadata -> 'correction'::text,
                    'repeats', r.metadata #> '{recipe,repeats}'::text[])),
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
'A render as {"success","data":{"renderId","chainId","chainPosition","type","status","prompt","imageUrl" or "videoUrl","outputKey","designIntent","imageAnalysis","validation","optimizedPrompt","pipelineMemory","selectedModel","processingTime","stageEvents","creditsCost"},"error"}, with "consistency" (how near its memory is to the chain''s), "correction" (how both pictures were judged where there were two) and "repeats" (the render whose recipe it was made from) where they are known. success is true for a completed render only; error is null unless it failed or was cancelled. RC006 for an unknown render.';

CREATE FUNCTION renderchain.get_recipe(render_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_recipe jsonb;
    v_status text;
    v_turn jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_render(get_recipe.render_id);
    -- what the row has anyway is not kept a second time
    SELECT CASE pg_catalog.jsonb_typeof(r.metadata -> 'recipe'::text) WHEN 'object'::text THEN
               pg_catalog.jsonb_build_object('type', r.type, 'renderId', r.id, 'chainId', r.chain_id,
                   'chainPosition', r.chain_position, 'prompt', r.prompt,
                   'finalPrompt', COALESCE(r.metadata ->> 'optimizedPrompt'::text, r.prompt::text))
               || (r.metadata -> 'recipe'::text) END, r.status::text INTO v_recipe, v_status
    FROM renders r WHERE r.id = get_recipe.render_id;
    IF v_recipe IS NULL THEN
        RAISE EXCEPTION 'render % has no recipe', get_recipe.render_id USING ERRCODE = 'RC006',
            DETAIL = pg_catalog.format('It is %s.'::text, v_status),
            HINT = 'A render keeps a recipe when a driver that knows recipes completes it.';
    END IF;
    -- what the model was told of the chain's last turn stays with the render that it is about
    IF pg_catalog.jsonb_typeof(v_recipe -> 'history'::text) = 'object'::text THEN
        SELECT pg_catalog.jsonb_build_object('prompt', r.prompt)
               || CASE WHEN r.metadata ? 'turn'::text
                       THEN pg_catalog.jsonb_build_object('turn', r.metadata -> 'turn'::text) ELSE '{}'::jsonb END INTO v_turn
        FROM renders r WHERE r.id::text = v_recipe #>> '{history,renderId}'::text[];
        v_recipe := pg_catalog.jsonb_set(v_recipe, '{history}'::text[],
                                         v_recipe -> 'history'::text || COALESCE(v_turn, '{}'::jsonb));
    END IF;
    RETURN v_recipe;
END
$$;
COMMENT ON FUNCTION renderchain.get_recipe(uuid) IS
'What is needed to make the render once more: {"version","type","renderId","chainId","chainPosition","prompt" (as asked),"finalPrompt","negativePrompt","model":{"id","provider","version"},"parameters","inputs" (with the SHA-256 of each),"memory" (as it was used),"history" (the last turn that the model was told),"corrections","promptVersion","driverVersion","extensionVersion","output"}, with "repeats" where it was made from a recipe itself and "leftOut" where a member would have made it too large. Given as "recipe" of a request it is drawn from. RC006 for an unknown render and one without a recipe.';

CREATE FUNCTION renderchain.get_video_origin(key text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    RETURN (
        SELECT pg_catalog.jsonb_build_object('renderId', o.render_id, 'model', s.model,
                                             'operation', s.output -> 'operation'::text, 'file', s.output -> 'file'::text)
        FROM stored_objects o JOIN render_stages s ON s.render_id = o.render_id
        WHERE o.key = get_video_origin.key AND o.kind = 'output' AND o.state = 'live'
          AND s.stage = 'video_generation' AND s.status = 'success'
        ORDER BY s.attempt DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION renderchain.get_video_origin(text) IS
'By what name a provider knows the video that is stored under a key: {"renderId","model","operation","file"}, so that another one can go on from it; NULL where the key is no video that was rendered here, or its stages are gone.';
