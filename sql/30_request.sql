-- Requests -------------------------------------------------------------------
--
-- A request is checked key by key, by rules (28), then its keys against each other;
-- what it leaves out is filled in, so that a driver finds every decision made. Both, and
-- the price, are C (request.c, price.c); here is what is said of a request that is refused.

-- raise the one error that a wrong request gets
CREATE FUNCTION renderchain._invalid_request(p_problem text, p_allowed text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'invalid request: %', p_problem USING ERRCODE = 'RC005', HINT = p_allowed;
END
$$;

-- raise what is wrong with a request that does not fit its rule, else with keys that exclude each other
CREATE FUNCTION renderchain._raise_request(p_request jsonb, p_rule jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := renderchain._misfit(p_request, p_rule);
    v_must_be text := renderchain._must_be(p_rule, v_key);
BEGIN
    IF jsonb_typeof(p_request) IS DISTINCT FROM 'object' THEN
        PERFORM renderchain._invalid_request('not a JSON object',
            'A request looks like {"prompt": "a villa by the sea"}.');
    ELSIF v_key IS NULL THEN
        PERFORM renderchain._invalid_request('both chainId and chainName are given',
            'Name the chain one way: by chainId if it exists, by chainName to have it made if it is new.');
    ELSIF v_must_be IS NULL THEN
        PERFORM renderchain._invalid_request(format('unknown key "%s"', left(v_key, 80)),
            'Known are type, prompt, userId, projectId, chainId, chainName, quality, aspectRatio, references, style, mask, maskType, inpaintingPrompt, firstFrame, lastFrame, previousVideo, durationSeconds, toolContext, skipStages, forceModel, provider, quick, recipe, parentRenderId, referenceRenderId, idempotencyKey and priority.');
    ELSIF p_request ->> v_key IS NULL THEN
        PERFORM renderchain._invalid_request(format('%s is missing', v_key), format('%s must be %s.', v_key, v_must_be));
    ELSE
        PERFORM renderchain._invalid_request(format('%s is %s', v_key, renderchain._shown(p_request -> v_key)),
            format('%s must be %s.', v_key, v_must_be));
    END IF;
END
$$;

-- what a render costs that a model makes: by its definition, else the credits for any render; before there is a
-- result (NULL) the most that it may come to. NULL where it is unknown.
CREATE FUNCTION renderchain._credits(model jsonb, credits integer, request jsonb, result jsonb) RETURNS integer
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_credits';

-- the credits to reserve for a checked request: of the model asked for, or the dearest that routing may choose
CREATE FUNCTION renderchain._price(request jsonb, now timestamptz) RETURNS integer
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'rc_sql_price';

-- raise why a request has no price: nothing makes what it asks for, or not the model that it insists on
CREATE FUNCTION renderchain._raise_unpriced(p_request jsonb, p_today date) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id text := p_request ->> 'forceModel'::text;
    v_model record;
BEGIN
    IF v_id IS NULL THEN
        PERFORM renderchain._check_limits(p_request, p_today, NULL::text);
        RAISE EXCEPTION 'no model with a known price makes this %', p_request ->> 'type'::text USING ERRCODE = 'RC004',
            DETAIL = pg_catalog.format('Asked for: type %s, quality %s, aspect ratio %s, provider %s.'::text,
                                       p_request ->> 'type'::text, p_request ->> 'quality'::text,
                                       p_request ->> 'aspectRatio'::text, COALESCE(p_request ->> 'provider'::text, 'any'::text)),
            HINT = 'SELECT id, provider, kind, credits, retired FROM models; more are loaded by renderchain.load_models().';
    END IF;
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
    PERFORM renderchain._check_limits(p_request, p_today, v_id);
    RAISE EXCEPTION 'the price of model "%" is unknown', v_id USING ERRCODE = 'RC004',
        HINT = 'Give it "credits", or "creditsBy" for what is asked, and load it with renderchain.load_models().';
END
$$;

-- refuse a request that passes a limit of the model that it insists on, or of every one that it may be made by
CREATE FUNCTION renderchain._check_limits(p_request jsonb, p_today date, p_model text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_who text := CASE WHEN p_model IS NULL THEN 'any model'::text ELSE pg_catalog.format('model "%s"'::text, p_model) END;
    v_pictures jsonb := pg_catalog.to_jsonb(pg_catalog.jsonb_array_length(COALESCE(p_request -> 'references'::text, '[]'::jsonb))
                                           + (p_request ? 'style'::text)::integer);
    v_characters integer := pg_catalog.char_length(p_request ->> 'prompt'::text);
    v_can record;
BEGIN
    SELECT pg_catalog.jsonb_path_query_array(pg_catalog.jsonb_agg(m.definition -> 'durations'::text), '$[*][*]'::jsonpath) AS durations,
           pg_catalog.max(CASE pg_catalog.jsonb_typeof(m.definition -> 'maxReferences'::text) WHEN 'number'::text
                               THEN (m.definition ->> 'maxReferences'::text)::numeric END) AS pictures,
           pg_catalog.max(CASE pg_catalog.jsonb_typeof(m.definition -> 'maxPromptChars'::text) WHEN 'number'::text
                               THEN (m.definition ->> 'maxPromptChars'::text)::numeric END) AS characters,
           pg_catalog.bool_or((m.definition -> 'durations'::text @> (p_request -> 'durationSeconds'::text)) IS NOT FALSE) AS has_duration,
           pg_catalog.bool_or((m.definition -> 'maxReferences'::text >= v_pictures) IS NOT FALSE) AS takes_pictures,
           pg_catalog.bool_or((m.definition -> 'maxPromptChars'::text >= pg_catalog.to_jsonb(v_characters)) IS NOT FALSE) AS takes_prompt
    INTO v_can
    FROM models m
    WHERE m.kind = p_request ->> 'type'::text AND (m.id = p_model) IS NOT FALSE
      AND (m.provider = p_request ->> 'provider'::text) IS NOT FALSE AND (m.retired <= p_today) IS NOT TRUE;
    IF NOT v_can.has_duration THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('durationSeconds is %s, not a length of %s'::text, p_request ->> 'durationSeconds'::text, v_who),
            pg_catalog.format('Supported: %s.'::text, v_can.durations::text));
    ELSIF NOT v_can.takes_pictures THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('there are %s references and style images, more than %s takes'::text, v_pictures::text, v_who),
            pg_catalog.format('At most %s: leave some out, or name another model.'::text, v_can.pictures::text));
    ELSIF NOT v_can.takes_prompt THEN
        PERFORM renderchain._invalid_request(
            pg_catalog.format('prompt has %s characters, more than %s takes'::text, v_characters, v_who),
            pg_catalog.format('At most %s: shorten it, or name another model.'::text, v_can.characters::text));
    END IF;
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
