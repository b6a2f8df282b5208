-- Requests -------------------------------------------------------------------
--
-- A request is checked key by key, then its keys against each other; what it
-- leaves out is filled in, so that a driver finds every decision made.

-- raise the one error that a wrong request gets
CREATE FUNCTION renderchain._invalid_request(p_problem text, p_allowed text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'invalid request: %', p_problem USING ERRCODE = 'RC005', HINT = p_allowed;
END
$$;

-- a JSON value for a message, cut to a length that people read
CREATE FUNCTION renderchain._shown(p_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN length(p_value::text) > 80 THEN left(p_value::text, 77) || '...' ELSE p_value::text END
$$;

-- what is allowed for a key of a request, NULL for an unknown key
CREATE FUNCTION renderchain._key_rule(p_key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE p_key
        WHEN 'type' THEN '"image" or "video"'
        WHEN 'prompt' THEN 'a text of 1 to 20000 characters'
        WHEN 'userId' THEN 'a UUID'
        WHEN 'projectId' THEN 'a UUID'
        WHEN 'chainId' THEN 'a UUID'
        WHEN 'parentRenderId' THEN 'a UUID'
        WHEN 'referenceRenderId' THEN 'a UUID'
        WHEN 'chainName' THEN 'a text of 1 to 200 characters'
        WHEN 'quality' THEN '"standard", "high" or "ultra"'
        WHEN 'aspectRatio' THEN
            '"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9" or "21:9"'
        WHEN 'references' THEN
            'a list of up to 3 objects, each with one of "key", "path" and "url", and "mime" where it is known'
        WHEN 'style' THEN 'a text, or an object with one of "key", "path" and "url", and "mime"'
        WHEN 'mask' THEN 'a text, or an object with one of "key", "path" and "url", and "mime"'
        WHEN 'firstFrame' THEN 'a text, or an object with one of "key", "path" and "url", and "mime"'
        WHEN 'lastFrame' THEN 'a text, or an object with one of "key", "path" and "url", and "mime"'
        WHEN 'previousVideo' THEN 'a text, or an object with one of "key", "path" and "url", and "mime"'
        WHEN 'maskType' THEN 'a text of 1 to 200 characters'
        WHEN 'inpaintingPrompt' THEN 'a text of 1 to 20000 characters'
        WHEN 'durationSeconds' THEN '4, 6 or 8'
        WHEN 'toolContext' THEN
            'an object with "toolId", and "toolName" (texts) and "toolSettings" (an object) where wanted'
        WHEN 'skipStages' THEN
            'an object with "semanticParsing", "imageUnderstanding", "validation" and "memoryExtraction", each true or false'
        WHEN 'forceModel' THEN 'the id of a model, a text of 1 to 200 characters'
        WHEN 'provider' THEN 'the name of a provider, a text of 1 to 200 characters'
        WHEN 'idempotencyKey' THEN 'a text of 1 to 200 characters'
        WHEN 'priority' THEN 'a whole number from -100 to 100'
        WHEN 'quick' THEN 'true or false'
    END;
END
$$;

-- whether an object says where a file is, and nothing but what belongs to a file
CREATE FUNCTION renderchain._is_file(p_value jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_typeof(p_value) = 'object'
       AND (SELECT count(*) FILTER (WHERE e.key IN ('key', 'path', 'url')) = 1
               AND bool_and(CASE
                   WHEN e.key IN ('key', 'path', 'url')
                       THEN jsonb_typeof(e.value) = 'string' AND e.value #>> '{}' <> ''
                   WHEN e.key IN ('mime', 'name', 'sha256') THEN jsonb_typeof(e.value) IN ('string', 'null')
                   WHEN e.key = 'bytes' THEN jsonb_typeof(e.value) IN ('number', 'null')
                   ELSE false END)
            FROM jsonb_each(CASE jsonb_typeof(p_value) WHEN 'object' THEN p_value ELSE '{}' END) e);
END
$$;

-- whether the value of a known key is allowed
CREATE FUNCTION renderchain._key_fits(p_key text, p_value jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_type text := pg_catalog.jsonb_typeof(p_value);
    v_text text := p_value #>> '{}'::text[];
BEGIN
    CASE
    WHEN p_key IN ('prompt', 'inpaintingPrompt') THEN
        RETURN v_type = 'string' AND pg_catalog.length(v_text) <= 20000
           AND pg_catalog.btrim(v_text, E' \t\r\n') <> '';
    WHEN p_key = 'type' THEN
        RETURN v_type = 'string' AND v_text IN ('image', 'video');
    WHEN p_key = 'quality' THEN
        RETURN v_type = 'string' AND v_text IN ('standard', 'high', 'ultra');
    WHEN p_key = 'aspectRatio' THEN
        RETURN v_type = 'string'
           AND v_text IN ('1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9');
    WHEN p_key IN ('userId', 'projectId', 'chainId', 'parentRenderId', 'referenceRenderId') THEN
        RETURN v_type = 'string'
           AND v_text ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$';
    WHEN p_key IN ('chainName', 'maskType', 'forceModel', 'provider', 'idempotencyKey') THEN
        RETURN v_type = 'string' AND pg_catalog.length(v_text) <= 200
           AND pg_catalog.btrim(v_text, E' \t\r\n') <> '';
    WHEN p_key = 'references' THEN
        RETURN v_type = 'array' AND pg_catalog.jsonb_array_length(p_value) <= 3
           AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(p_value) AS e (value)
                           WHERE NOT renderchain._is_file(e.value));
    WHEN p_key IN ('style', 'mask', 'firstFrame', 'lastFrame', 'previousVideo') THEN
        RETURN CASE v_type WHEN 'string' THEN v_text <> '' ELSE renderchain._is_file(p_value) END;
    WHEN p_key = 'durationSeconds' THEN
        RETURN v_type = 'number' AND v_text IN ('4', '6', '8');
    WHEN p_key = 'priority' THEN
        RETURN v_type = 'number' AND v_text ~ '^-?([0-9]{1,2}|100)$';
    WHEN p_key = 'quick' THEN
        RETURN v_type = 'boolean';
    WHEN p_key = 'toolContext' THEN
        RETURN v_type = 'object' AND pg_catalog.jsonb_typeof(p_value -> 'toolId'::text) = 'string'
           AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(p_value) AS e (key, value)
                           WHERE NOT CASE
                               WHEN e.key IN ('toolId', 'toolName') THEN
                                   pg_catalog.jsonb_typeof(e.value) = 'string' AND e.value #>> '{}'::text[] <> ''
                               WHEN e.key = 'toolSettings' THEN pg_catalog.jsonb_typeof(e.value) = 'object'
                               ELSE false END);
    WHEN p_key = 'skipStages' THEN
        RETURN v_type = 'object'
           AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(p_value) AS e (key, value)
                           WHERE e.key NOT IN ('semanticParsing', 'imageUnderstanding', 'validation', 'memoryExtraction')
                              OR pg_catalog.jsonb_typeof(e.value) <> 'boolean');
    END CASE;
END
$$;

-- check a request; returns it with what it leaves out, without its nulls
CREATE FUNCTION renderchain._checked_request(p_request jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_request jsonb;
    v_unknown text;
    v_wrong text;
BEGIN
    IF pg_catalog.jsonb_typeof(p_request) IS DISTINCT FROM 'object'::text THEN
        PERFORM renderchain._invalid_request('not a JSON object'::text,
            'A request looks like {"prompt": "a villa by the sea"}.'::text);
    END IF;
    SELECT pg_catalog.jsonb_object_agg(e.key, e.value),
           pg_catalog.min(e.key) FILTER (WHERE e.rule IS NULL),
           pg_catalog.min(e.key) FILTER (WHERE e.rule IS NOT NULL AND renderchain._key_fits(e.key, e.value) IS NOT TRUE)
    INTO v_request, v_unknown, v_wrong
    FROM (SELECT k.key, k.value, renderchain._key_rule(k.key) AS rule FROM pg_catalog.jsonb_each(p_request) AS k (key, value)
          WHERE pg_catalog.jsonb_typeof(k.value) <> 'null'::text) e;
    IF v_unknown IS NOT NULL THEN
        PERFORM renderchain._invalid_request(pg_catalog.format('unknown key "%s"'::text, pg_catalog.left(v_unknown, 80)),
            'Known are type, prompt, userId, projectId, chainId, chainName, quality, aspectRatio, references, style, mask, maskType, inpaintingPrompt, firstFrame, lastFrame, previousVideo, durationSeconds, toolContext, skipStages, forceModel, provider, quick, parentRenderId, referenceRenderId, idempotencyKey and priority.'::text);
    END IF;
    IF v_wrong IS NOT NULL THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('%s is %s'::text, v_wrong, renderchain._shown(v_request -> v_wrong)),
            pg_catalog.format('%s must be %s.'::text, v_wrong, renderchain._key_rule(v_wrong)));
    END IF;
    IF v_request IS NULL OR NOT v_request ? 'prompt'::text THEN
        PERFORM renderchain._invalid_request('prompt is missing'::text,
            pg_catalog.format('prompt must be %s.'::text, renderchain._key_rule('prompt'::text)));
    END IF;
    IF v_request ?& '{chainId,chainName}'::text[] THEN
        PERFORM renderchain._invalid_request('both chainId and chainName are given'::text,
            'Name the chain one way: by chainId if it exists, by chainName to have it made if it is new.'::text);
    END IF;
    RETURN '{"type": "image", "quality": "standard", "aspectRatio": "16:9",
             "userId": "00000000-0000-0000-0000-000000000000"}'::jsonb || v_request;
END
$$;

-- the credits to reserve for a checked request: the model asked for, or the dearest that routing may choose
CREATE FUNCTION renderchain._price(p_request jsonb, p_now timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_kind text := p_request ->> 'type'::text;
    v_provider text := p_request ->> 'provider'::text;
    v_quality text := p_request ->> 'quality'::text;
    v_ratio text := p_request ->> 'aspectRatio'::text;
    v_today date := pg_catalog.timezone('UTC'::text, p_now)::date;
    v_credits integer;
BEGIN
    IF p_request ? 'forceModel'::text THEN
        RETURN renderchain._price_of_model(p_request, v_today);
    END IF;
    SELECT pg_catalog.max(m.credits) INTO v_credits FROM models m
    WHERE m.kind = v_kind AND (v_provider IS NULL OR m.provider = v_provider)
      AND (m.retired IS NULL OR m.retired > v_today)
      AND COALESCE(m.definition -> 'qualities'::text ? v_quality, true)
      AND COALESCE(m.definition -> 'aspectRatios'::text ? v_ratio, true);
    IF v_credits IS NULL THEN
        RAISE EXCEPTION 'no model with a known price makes this %', v_kind USING ERRCODE = 'RC004',
            DETAIL = pg_catalog.format('Asked for: type %s, quality %s, aspect ratio %s, provider %s.'::text, v_kind, v_quality,
                                       v_ratio, COALESCE(v_provider, 'any'::text)),
            HINT = 'SELECT id, provider, kind, credits, retired FROM models; more are loaded by renderchain.load_models().';
    END IF;
    RETURN v_credits;
END
$$;

-- the credits of the model that a request insists on
CREATE FUNCTION renderchain._price_of_model(p_request jsonb, p_today date) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id text := p_request ->> 'forceModel'::text;
    v_model record;
BEGIN
    SELECT m.provider, m.kind, m.credits, m.retired, m.successor, m.definition INTO v_model FROM models m
    WHERE m.id = v_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown model "%"', v_id USING ERRCODE = 'RC004',
            HINT = 'SELECT id FROM models says which there are; more are loaded by renderchain.load_models().';
    END IF;
    IF v_model.retired <= p_today THEN
        RAISE EXCEPTION 'model "%" is retired', v_id USING ERRCODE = 'RC004',
            DETAIL = pg_catalog.format('It was retired on %s.'::text,
                                       pg_catalog.to_char(v_model.retired::timestamp, 'YYYY-MM-DD'::text)),
            HINT = COALESCE(pg_catalog.format('Its successor is %s.'::text, v_model.successor),
                            'It has no successor; leave out forceModel to have one chosen.'::text);
    END IF;
    IF v_model.credits IS NULL THEN
        RAISE EXCEPTION 'the price of model "%" is unknown', v_id USING ERRCODE = 'RC004',
            HINT = 'Give it "credits" and load it with renderchain.load_models().';
    END IF;
    IF v_model.kind <> p_request ->> 'type'::text THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('forceModel is "%s", a model for %s, but type is "%s"'::text, v_id, v_model.kind,
                              p_request ->> 'type'::text),
            'Name a model of the kind that the type says, or leave out forceModel.'::text);
    END IF;
    IF v_model.provider <> p_request ->> 'provider'::text THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('forceModel is "%s" of provider %s, but provider is "%s"'::text, v_id, v_model.provider,
                              p_request ->> 'provider'::text),
            'Name a model of that provider, or leave out one of the two.'::text);
    END IF;
    PERFORM renderchain._check_capability(v_id, 'quality'::text, p_request, v_model.definition -> 'qualities'::text);
    PERFORM renderchain._check_capability(v_id, 'aspectRatio'::text, p_request, v_model.definition -> 'aspectRatios'::text);
    RETURN v_model.credits;
END
$$;

-- refuse a request for something that the model it insists on cannot do
CREATE FUNCTION renderchain._check_capability(p_model text, p_key text, p_request jsonb, p_can jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF NOT COALESCE(p_can ? (p_request ->> p_key), true) THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('%s is "%s", which model "%s" does not support'::text, p_key, p_request ->> p_key, p_model),
            pg_catalog.format('It supports %s.'::text, p_can::text));
    END IF;
END
$$;
