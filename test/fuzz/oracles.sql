-- What the C functions must answer, written down again as plainly as possible.

-- RFC 7396, section 2, as its pseudocode has it
CREATE FUNCTION fuzz.merge(target jsonb, patch jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    result jsonb := target;
    member record;
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF result IS NULL OR jsonb_typeof(result) <> 'object' THEN
        result := '{}';
    END IF;
    FOR member IN SELECT key, value FROM jsonb_each(patch) LOOP
        IF member.value = 'null' THEN
            result := result - member.key;
        ELSE
            result := result || jsonb_build_object(member.key, fuzz.merge(result -> member.key, member.value));
        END IF;
    END LOOP;
    RETURN result;
END $$;

-- has it a null that a patch would take for a removal?
CREATE FUNCTION fuzz.has_null(document jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT document = 'null' OR fuzz.expressible(document) <> document $$;

-- the smallest patch; SQL NULL where there is none
CREATE FUNCTION fuzz.diff(source jsonb, target jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    result jsonb := '{}';
    name text;
    part jsonb;
BEGIN
    IF jsonb_typeof(target) <> 'object' THEN
        RETURN target;
    END IF;
    IF source IS NULL OR jsonb_typeof(source) <> 'object' THEN
        RETURN CASE WHEN NOT fuzz.has_null(target) THEN target END;
    END IF;
    FOR name IN SELECT jsonb_object_keys(source) UNION SELECT jsonb_object_keys(target) LOOP
        CONTINUE WHEN source -> name = target -> name;
        IF NOT target ? name THEN
            part := 'null';
        ELSIF target -> name = 'null' THEN
            RETURN NULL;
        ELSE
            part := fuzz.diff(source -> name, target -> name);
            IF part IS NULL THEN
                RETURN NULL;
            END IF;
        END IF;
        result := result || jsonb_build_object(name, part);
    END LOOP;
    RETURN result;
END $$;

-- the list of each memory that more than half have, or the last one
CREATE FUNCTION fuzz.agreed(lists jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
    WITH entries AS (
        SELECT l.memory, e.place, e.entry,
               lower(regexp_replace(trim(e.entry), '\s+#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$', '')) AS name
        FROM unnest(lists) WITH ORDINALITY AS l (list, memory), jsonb_array_elements_text(l.list) WITH ORDINALITY AS e (entry, place)
    ), names AS (
        SELECT (array_agg(entry ORDER BY memory, place))[1] AS entry, min(memory * 1000 + place) AS place
        FROM entries GROUP BY name HAVING count(DISTINCT memory) * 2 > cardinality(lists)
    )
    SELECT COALESCE((SELECT jsonb_agg(entry ORDER BY place) FROM names), lists[cardinality(lists)])
$$;

CREATE FUNCTION fuzz.palette() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT COALESCE(jsonb_agg(fuzz.pick('navy', 'Navy', ' navy', 'cream', 'CREAM ', 'oak', 'deep navy', '#123456', '')
                              || fuzz.pick('', '', ' #1f2a44', ' #fff', '  #0000', ' #12345678', ' #12', '#123456', ' #12345g')), '[]')
    FROM generate_series(1, floor(random() * 5)::int)
$$;

-- run the C function; SQL NULL in place of its error
CREATE FUNCTION fuzz.make_patch(source jsonb, target jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN renderchain.jsonb_make_patch(source, target);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL;
END $$;

-- equal, and of the same text, which also shows the scale of numbers
CREATE FUNCTION fuzz.alike(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b AND a::text IS NOT DISTINCT FROM b::text $$;
