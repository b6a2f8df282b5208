-- Credits that depend on size, quality and seconds: reserved the dearest that routing may choose, settled to what was used
\set SHOW_CONTEXT never
SET renderchain.schema = 't_prices';
SELECT renderchain.create_tables() LIKE 'schema t_prices: created %' AS made;
SET search_path = t_prices, public;
\set user '00000000-0000-0000-0000-00000000000a'
SELECT renderchain.grant_credits(:'user', 100000, 'test');
SELECT renderchain.load_models('{"models": [
    {"id": "sized", "provider": "p", "kind": "image", "tier": "pro", "sizes": ["1K", "2K", "4K"], "creditsBy": {"size": {"1K": 3, "2K": 6, "4K": 12}}},
    {"id": "sized-but-4K", "provider": "q", "kind": "image", "tier": "pro", "sizes": ["1K", "2K", "4K"], "creditsBy": {"size": {"1K": 3, "2K": 6}}},
    {"id": "sized-beside", "provider": "r", "kind": "image", "tier": "pro", "sizes": ["2K", "4K"], "credits": 5, "creditsBy": {"size": {"4K": 20}}},
    {"id": "sizeless", "provider": "s", "kind": "image", "tier": "pro", "creditsBy": {"size": {"1K": 3}}},
    {"id": "graded", "provider": "t", "kind": "image", "tier": "pro", "creditsBy": {"quality": {"standard": 1, "high": 2}}},
    {"id": "cheap", "provider": "u", "kind": "image", "tier": "flash", "credits": 2, "qualities": ["standard", "high"]},
    {"id": "dear", "provider": "u", "kind": "image", "tier": "pro", "sizes": ["1K", "4K"], "creditsBy": {"size": {"1K": 1, "4K": 9}}},
    {"id": "film", "provider": "p", "kind": "video", "tier": "standard", "creditsBy": {"second": 7}},
    {"id": "clip", "provider": "p", "kind": "video", "tier": "fast", "credits": 30}]}') > 9 AS loaded;

-- what is reserved for a request, or why it is refused
CREATE FUNCTION price(more jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_hint text; v_id uuid;
BEGIN
    v_id := (SELECT s.render_id FROM renderchain.submit_render('{"prompt": "x", "userId": "00000000-0000-0000-0000-00000000000a"}'::jsonb || more) s);
    RETURN (SELECT j.credits_reserved FROM render_jobs j WHERE j.render_id = v_id);
EXCEPTION WHEN SQLSTATE 'RC004' OR SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s. %s', SQLSTATE, SQLERRM, v_hint);
END $$;
SELECT m.model, q.quality, price(jsonb_build_object('forceModel', m.model, 'quality', q.quality))
FROM unnest('{sized,sized-but-4K,sized-beside,sizeless,graded}'::text[]) WITH ORDINALITY m (model, n),
     unnest('{standard,high,ultra}'::text[]) WITH ORDINALITY q (quality, n) ORDER BY m.n, q.n;
-- routing may choose the dearer
SELECT q.quality, price(jsonb_build_object('provider', 'u', 'quality', q.quality))
FROM unnest('{standard,high,ultra}'::text[]) WITH ORDINALITY q (quality, n) ORDER BY q.n;
SELECT s.seconds, price(jsonb_strip_nulls(jsonb_build_object('type', 'video', 'forceModel', 'film', 'durationSeconds', s.seconds))) AS film,
       price(jsonb_strip_nulls(jsonb_build_object('type', 'video', 'provider', 'p', 'durationSeconds', s.seconds))) AS dearest
FROM (VALUES (4), (6), (8), (NULL)) s (seconds);
SELECT price('{"type": "video", "forceModel": "sized"}'), price('{"forceModel": "film"}');

-- settled to what was made, the rest released; never more than was reserved
CREATE FUNCTION settled(request jsonb, result jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_id uuid; v_result jsonb;
BEGIN
    v_id := (SELECT r.render_id FROM renderchain.run_render('{"prompt": "x", "userId": "00000000-0000-0000-0000-00000000000a"}'::jsonb || $1, 'w', '1 minute') r);
    v_result := renderchain.complete_render(v_id, 1, '{"outputUrl": "u"}'::jsonb || $2);
    RETURN format('%s of %s', v_result #>> '{data,creditsCost}', (SELECT credits_reserved FROM render_jobs j WHERE j.render_id = v_id));
END $$;
SELECT settled('{"forceModel": "sized", "quality": "ultra"}', '{"selectedModel": "sized", "size": "4K"}'),
       settled('{"forceModel": "sized", "quality": "ultra"}', '{"selectedModel": "sized", "size": "1K"}'),
       settled('{"forceModel": "sized", "quality": "ultra"}', '{"selectedModel": "sized"}'),
       settled('{"forceModel": "sized", "quality": "high"}', '{"selectedModel": "sized", "size": "4K"}'),
       settled('{"forceModel": "sized", "quality": "high"}', '{"selectedModel": "sized", "size": "none such"}');
SELECT settled('{"provider": "u", "quality": "ultra"}', '{"selectedModel": "cheap", "size": "1K"}'),
       settled('{"forceModel": "graded", "quality": "high"}', '{"selectedModel": "graded"}'),
       settled('{"forceModel": "sized-beside", "quality": "ultra"}', '{"selectedModel": "sized-beside", "size": "2K"}');
SELECT settled('{"type": "video", "forceModel": "film"}', '{"selectedModel": "film", "seconds": 4}'),
       settled('{"type": "video", "forceModel": "film", "durationSeconds": 6}', '{"selectedModel": "film"}'),
       settled('{"type": "video", "forceModel": "film", "durationSeconds": 6}', '{"selectedModel": "film", "seconds": 5.1}'),
       settled('{"type": "video", "forceModel": "film", "durationSeconds": 6}', '{"selectedModel": "film", "seconds": 60}'),
       settled('{"type": "video", "provider": "p", "durationSeconds": 4}', '{"selectedModel": "film"}');
SELECT settled('{"forceModel": "sized"}', '{"selectedModel": "sized", "size": 4}');
SELECT settled('{"type": "video", "forceModel": "film"}', '{"selectedModel": "film", "seconds": -1}');

-- a retry is priced anew, by the registry as it is then
SELECT render_id FROM renderchain.run_render(jsonb_build_object('prompt', 'x', 'userId', :'user', 'forceModel', 'sized', 'quality', 'ultra'), 'w', '1 minute') \gset
SELECT renderchain.fail_render(:'render_id', 1, '{"message": "x"}', false);
SELECT renderchain.load_models('{"models": [{"id": "sized", "provider": "p", "kind": "image", "tier": "pro", "sizes": ["2K"], "creditsBy": {"size": {"2K": 8}}}]}') > 9 AS loaded;
SELECT renderchain.retry_render(:'render_id');
SELECT credits_reserved FROM render_jobs WHERE render_id = :'render_id';

-- the shipped models have one that costs more for the largest
SELECT price('{"forceModel": "gemini-3-pro-image", "quality": "high"}'), price('{"forceModel": "gemini-3-pro-image", "quality": "ultra"}');

-- at the limits and past them: what a registry may say
CREATE FUNCTION loaded(credits_by jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_detail text;
BEGIN
    PERFORM renderchain.load_models(jsonb_build_object('models', jsonb_build_array(jsonb_build_object(
        'id', 'm', 'provider', 'p', 'kind', 'image', 'tier', 'pro', 'creditsBy', credits_by))));
    RETURN 'loaded';
EXCEPTION WHEN SQLSTATE 'RC005' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END $$;
SELECT c, loaded(c::jsonb) FROM unnest(ARRAY['null', '{"size": {}}', '{"size": {"1K": 999999999}}', '{"size": {"1K": 1000000000}}', '{"quality": {"high": 0}}',
    '{"quality": {"high": -1}}', '{"quality": {"high": 1.5}}', '{"quality": {"high": null}}', '{"size": 5}', '{"second": 999999}', '{"second": 1000000}',
    '{"second": {"4K": 5}}', '{"second": 1, "size": {}}', '{"size": {"1K": "5"}}', '{}', '[]', '5', '{"minute": 5}']) WITH ORDINALITY AS v (c, n) ORDER BY n;
SELECT renderchain._credits('{"creditsBy": {"second": 999999}}', NULL, NULL, '{"seconds": 2147}') AS most;
SELECT renderchain._credits('{"creditsBy": {"second": 999999}}', NULL, NULL, '{"seconds": 2148}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM renderchain.check_ledger();
