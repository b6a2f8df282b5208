-- the model registry: shipped models, models loaded by hand
\set SHOW_CONTEXT never
SET renderchain.schema = 't_models';
SELECT renderchain.create_tables() LIKE 'schema t_models: created %' AS made;
SELECT count(*) = jsonb_array_length(renderchain.shipped_models() -> 'models') AS all_shipped FROM t_models.models;
SELECT id, provider, kind, tier, credits, shipped FROM t_models.models WHERE id LIKE 'local-%' ORDER BY id;

-- a loaded model replaces a shipped one and stays when the tables are made again
SELECT renderchain.load_models('{"models": [
    {"id": "local-image-pro", "provider": "local", "kind": "image", "tier": "pro", "credits": 7},
    {"id": "mine", "provider": "me", "kind": "video", "tier": "fast", "credits": 3, "retired": "2026-01-31", "successor": "x"},
    {"id": "priceless", "provider": "me", "kind": "video", "tier": "standard"}]}')
     = jsonb_array_length(renderchain.shipped_models() -> 'models') + 2 AS loaded;
SELECT renderchain.create_tables() LIKE 'schema t_models: created nothing; %' AS again;
SELECT id, credits, retired, successor, shipped FROM t_models.models
WHERE id IN ('local-image-pro', 'local-image-flash', 'mine', 'priceless') ORDER BY id;

-- nothing of a registry with a mistake is loaded
CREATE FUNCTION t_models.refused(registry jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    PERFORM renderchain.load_models(registry);
    RETURN 'loaded';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || d;
END $$;
SELECT t_models.refused(format('{"models": [{"id": "good", "provider": "p", "kind": "text", "tier": "pro"}, %s]}', m)::jsonb)
FROM (VALUES ('1'), ('{}'), ('{"id": "a"}'), ('{"id": "a", "provider": "p", "kind": "sound"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "gold"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "credits": -1}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "credits": 1000000000}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "credits": "5"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "retired": "soon"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "retired": "2026-02-29"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "retired": "2026-01-01T00:00:00Z"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "successor": {}}'),
    ('{"id": 5, "provider": "p", "kind": "image", "tier": "pro"}'),
    ('{"id": "a", "provider": ["p"], "kind": "image", "tier": "pro"}'),
    ('{"id": "good", "provider": "p", "kind": "image", "tier": "pro"}'),
    ('{"id": "' || repeat('i', 201) || '", "provider": "p", "kind": "image", "tier": "pro"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "qualities": "high"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "aspectRatios": {}}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "price": "1"}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "price": {"inputPerMillion": "1e308"}}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "price": {"outputPerMillion": "-1"}}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "price": {"outputPerMillion": 1}}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "price": {"perImage": {"1K": "nan"}}}'),
    ('{"id": "a", "provider": "p", "kind": "video", "tier": "pro", "price": {"perSecond": "1"}}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "timeoutSeconds": 1e300}'),
    ('{"id": "a", "provider": "p", "kind": "image", "tier": "pro", "imageOptions": {"a": [-1e300]}}')) v (m);
SELECT renderchain.load_models('[]');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.load_models(NULL);
SELECT count(*) FROM t_models.models WHERE id IN ('good', 'a');
