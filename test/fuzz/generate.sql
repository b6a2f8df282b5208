-- Random documents, the same for the same seed. Keys come from a small set, so that
-- two documents have some in common; now and then an object has more keys than the
-- offset stride of jsonb (32).

CREATE FUNCTION fuzz.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT choices[1 + floor(random() * array_length(choices, 1))::int] $$;

CREATE FUNCTION fuzz.scalar() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT fuzz.pick('null', 'null', 'true', 'false', '0', '1', '1.0', '1.00', '-7', '0.000123', '1e30', '123456789012345678901234567890.5',
                     '""', '"a"', '"b"', '"null"', '"\u00e9\u4e2d\ud83c\udfe0"', '"a longer text, with \"quotes\" and \\ in it"')::jsonb
$$;

CREATE FUNCTION fuzz.key() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT fuzz.pick('', 'a', 'b', 'c', 'aa', 'ab', 'ba', 'abc', 'é', '中', 'a/b', 'a~b', '"', 'null', 'a rather long key, longer than most') $$;

CREATE FUNCTION fuzz.document(depth int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    kind float8 := random();
    result jsonb;
BEGIN
    IF depth <= 0 OR kind < 0.25 THEN
        RETURN fuzz.scalar();
    ELSIF kind < 0.35 THEN
        RETURN COALESCE((SELECT jsonb_agg(fuzz.document(depth - 1)) FROM generate_series(1, floor(random() * 4)::int)), '[]');
    END IF;
    SELECT jsonb_object_agg(fuzz.key(), fuzz.document(depth - 1)) INTO result FROM generate_series(1, floor(random() * 7)::int);
    IF kind > 0.97 THEN
        result := COALESCE(result, '{}') || (SELECT jsonb_object_agg('k' || floor(random() * 90)::int, fuzz.document(depth - 3)) FROM generate_series(1, 60));
    END IF;
    RETURN COALESCE(result, '{}');
END $$;

-- the document with some things in it changed, so that much stays in common
CREATE FUNCTION fuzz.variation(document jsonb, depth int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF jsonb_typeof(document) <> 'object' OR random() < 0.1 THEN
        RETURN CASE WHEN random() < 0.5 THEN document ELSE fuzz.document(depth) END;
    END IF;
    RETURN COALESCE((SELECT jsonb_object_agg(key, CASE WHEN random() < 0.7 THEN value ELSE fuzz.variation(value, depth - 1) END)
                     FROM jsonb_each(document) WHERE random() < 0.85), '{}')
           || CASE WHEN random() < 0.4 THEN jsonb_build_object(fuzz.key(), fuzz.document(depth - 1)) ELSE '{}' END;
END $$;

-- the document without null members outside arrays: what a merge patch can express
CREATE FUNCTION fuzz.expressible(document jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RETURN document;
    END IF;
    RETURN COALESCE((SELECT jsonb_object_agg(key, fuzz.expressible(value)) FROM jsonb_each(document) WHERE value <> 'null'), '{}');
END $$;
