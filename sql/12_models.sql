-- Model registry -------------------------------------------------------------

CREATE FUNCTION renderchain.shipped_models() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $_$ SELECT @MODELS_JSON@::pg_catalog.jsonb $_$;
COMMENT ON FUNCTION renderchain.shipped_models() IS
'The model registry of this release: {"version":1,"models":[...]}.';

-- insert or update the models of a registry; the shipped ones never replace a user's
CREATE FUNCTION renderchain._store_models(p_registry jsonb, p_shipped boolean, p_now timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_count integer;
BEGIN
    INSERT INTO models AS m (id, provider, kind, tier, credits, retired, successor, definition, shipped, updated_at)
    SELECT e.id, e.provider, e.kind, e.tier, e.credits, e.retired, e.successor, d.definition, p_shipped, p_now
    FROM pg_catalog.jsonb_array_elements(p_registry -> 'models'::text) AS d (definition),
         pg_catalog.jsonb_to_record(d.definition) AS e (id text, provider text, kind text, tier text,
                                                        credits integer, retired date, successor text)
    ON CONFLICT (id) DO UPDATE
    SET provider = excluded.provider, kind = excluded.kind, tier = excluded.tier, credits = excluded.credits,
        retired = excluded.retired, successor = excluded.successor, definition = excluded.definition,
        shipped = excluded.shipped, updated_at = excluded.updated_at
    WHERE (m.shipped OR NOT excluded.shipped)
      -- what is so already is not written again
      AND (m.provider, m.kind, m.tier, m.credits, m.retired, m.successor, m.definition, m.shipped)
          IS DISTINCT FROM (excluded.provider, excluded.kind, excluded.tier, excluded.credits, excluded.retired,
                            excluded.successor, excluded.definition, excluded.shipped);
    SELECT pg_catalog.count(*) INTO v_count FROM models m;
    RETURN v_count;
END
$$;

CREATE FUNCTION renderchain.load_models(registry jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_bad text;
BEGIN
    PERFORM renderchain.use_schema();
    IF jsonb_typeof(load_models.registry -> 'models'::text) IS DISTINCT FROM 'array'::text THEN
        RAISE EXCEPTION 'not a model registry' USING ERRCODE = 'RC005',
            HINT = 'A registry looks like {"version": 1, "models": [{"id": ..., "provider": ..., "kind": ...}]}.';
    END IF;
    SELECT format('model %s (%s): %s', d.place, left(COALESCE(d.definition ->> 'id'::text, 'no id'::text), 80), p.problem)
    INTO v_bad
    FROM jsonb_array_elements(load_models.registry -> 'models'::text) WITH ORDINALITY AS d (definition, place),
         renderchain._model_problem(d.definition) AS p (problem)
    WHERE p.problem IS NOT NULL ORDER BY d.place LIMIT 1;
    IF v_bad IS NULL THEN
        SELECT format('model %s is there twice', left(d.definition ->> 'id'::text, 80)) INTO v_bad
        FROM jsonb_array_elements(load_models.registry -> 'models'::text) AS d (definition)
        GROUP BY d.definition ->> 'id'::text HAVING count(*) > 1::bigint ORDER BY 1 LIMIT 1;
    END IF;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'invalid model registry' USING ERRCODE = 'RC005', DETAIL = v_bad;
    END IF;
    RETURN renderchain._store_models(load_models.registry, false, renderchain.clock());
END
$$;
COMMENT ON FUNCTION renderchain.load_models(jsonb) IS
'Adds or replaces models, given as {"models":[...]} like driver/models.json; returns how many models there are now. Models loaded so are not replaced by create_tables(). "credits" is what a render costs, "creditsBy" what depends: {"size": {"4K": 27}}, {"quality": {"high": 2}} or, of a video, {"second": 7}; what that does not name costs "credits", and is refused (RC004) where there are none. RC005 names the first entry that is wrong; nothing is loaded then.';

-- what is wrong with a registry entry, NULL if nothing
CREATE FUNCTION renderchain._model_problem(p_model jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_model) <> 'object' THEN 'not an object'
        WHEN jsonb_typeof(p_model -> 'id') IS DISTINCT FROM 'string' OR p_model ->> 'id' = '' THEN 'id is missing'
        WHEN length(p_model ->> 'id') > 200 THEN 'id is longer than 200 characters'
        WHEN jsonb_typeof(p_model -> 'provider') IS DISTINCT FROM 'string' OR p_model ->> 'provider' = ''
            THEN 'provider is missing'
        WHEN COALESCE(p_model ->> 'kind', '') NOT IN ('text', 'image', 'video') THEN 'kind is not text, image or video'
        WHEN COALESCE(p_model ->> 'tier', '') NOT IN ('flash', 'pro', 'standard', 'fast')
            THEN 'tier is not flash, pro, standard or fast'
        WHEN jsonb_typeof(p_model -> 'credits') NOT IN ('number', 'null')
            OR p_model ->> 'credits' !~ '^[0-9]{1,9}$' THEN 'credits is not a whole number from 0 to 999999999'
        WHEN jsonb_typeof(p_model -> 'creditsBy') <> 'null' AND NOT renderchain._fits(p_model -> 'creditsBy', '{
                "types": ["object"], "one": ["size", "quality", "second"], "members": {
                    "size": {"types": ["object"], "members": {}, "others": {"types": ["number"], "pattern": "^[0-9]{1,9}$"}},
                    "quality": "size",
                    "second": {"types": ["number"], "pattern": "^[0-9]{1,6}$"}}}')
            THEN 'creditsBy is not an object with one of size, quality (each an object with whole numbers) and second (a whole number up to 999999)'
        WHEN jsonb_typeof(p_model -> 'price') <> 'null' AND NOT renderchain._fits(p_model -> 'price', '{
                "types": ["object"], "others": {"types": ["string"], "pattern": "^[0-9]{1,9}([.][0-9]{1,12})?$"}, "members": {
                    "perImage": {"types": ["object"], "members": {},
                                 "others": {"types": ["string"], "pattern": "^[0-9]{1,9}([.][0-9]{1,12})?$"}},
                    "perSecond": "perImage"}}')
            THEN 'price is not an object with decimals up to 999999999 as texts'
        -- a driver reads numbers as its machine has them, and all models at once
        WHEN jsonb_path_exists(p_model, 'strict $.** ? (@.type() == "number" && (@ > 1e15 || @ < -1e15))')
            THEN 'a number in it is beyond 1e15'
        WHEN jsonb_typeof(p_model -> 'retired') NOT IN ('string', 'null')
            OR p_model ->> 'retired' IS NOT NULL AND NOT renderchain._is_time(p_model ->> 'retired', true)
            THEN 'retired is not a date like 2026-01-31'
        WHEN jsonb_typeof(p_model -> 'successor') NOT IN ('string', 'null') THEN 'successor is not a text'
        WHEN p_model ? 'qualities' AND jsonb_typeof(p_model -> 'qualities') <> 'array' THEN 'qualities is not a list'
        WHEN p_model ? 'aspectRatios' AND jsonb_typeof(p_model -> 'aspectRatios') <> 'array' THEN 'aspectRatios is not a list'
    END
$$;
