-- Analyses ---------------------------------------------------------------------
--
-- An image is analysed once by a model and a version of the prompts, whoever asks:
-- image_understanding looks at what comes in, memory_extraction at what goes out and
-- sees the same and more. The answers of both are kept as those of
-- image_understanding, so that an output that becomes the next reference is known.

-- keep the answers that lists of events bring about images, which are named by their content
CREATE FUNCTION renderchain._keep_analyses(p_events jsonb[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    -- in one order for all: who brings the same one waits for the other
    INSERT INTO analysis_cache (sha256, task, model, prompt_version, result, created_at)
    SELECT e.image, 'image_understanding', e.model, e.output ->> 'promptVersion'::text, e.output -> 'answer'::text, p_now
    FROM pg_catalog.unnest(p_events) AS l (events),
         pg_catalog.jsonb_to_recordset(l.events) AS e (stage text, status text, outcome text, image text, model text, output jsonb)
    WHERE e.stage IN ('image_understanding', 'memory_extraction') AND e.status = 'success'
      AND e.outcome IS DISTINCT FROM 'cached'::text AND e.image IS NOT NULL AND e.model IS NOT NULL
      AND e.output ->> 'promptVersion'::text IS NOT NULL
      AND pg_catalog.jsonb_typeof(e.output -> 'answer'::text) = 'object'
    ORDER BY e.image, e.model, e.output ->> 'promptVersion'::text
    ON CONFLICT DO NOTHING;
END
$$;

-- the analyses that are known of some images, given by their SHA-256
CREATE FUNCTION renderchain._analyses(p_images text[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('image', c.sha256, 'task', c.task, 'model', c.model,
                   'promptVersion', c.prompt_version, 'result', c.result) ORDER BY c.sha256, c.created_at)
        FROM analysis_cache c WHERE c.sha256 = ANY (p_images)), '[]'::jsonb);
END
$$;

-- the analyses that are known of the images of a request
CREATE FUNCTION renderchain._analyses_for(p_request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF NOT p_request ?| '{references,style,firstFrame,lastFrame}'::text[] THEN
        RETURN '[]'::jsonb;
    END IF;
    RETURN renderchain._analyses(ARRAY(
        SELECT i.value #>> '{}'::text[] FROM pg_catalog.jsonb_path_query(p_request, '$.*.sha256'::jsonpath) AS i (value)));
END
$$;

CREATE FUNCTION renderchain.get_analyses(images text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    RETURN renderchain._analyses(get_analyses.images);
END
$$;
COMMENT ON FUNCTION renderchain.get_analyses(text[]) IS
'What is known of images, given by their SHA-256 (64 hexadecimal digits), as a JSON array of {"image","task","model","promptVersion","result"}. For images whose content is known only after the claim, which brings the analyses of those whose request says it. Only an analysis by the same model and version of the prompts may take the place of a new one.';
