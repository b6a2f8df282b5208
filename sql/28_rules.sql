-- Rules for JSON ---------------------------------------------------------------
--
-- What requests, stage events, results and stored objects must look like is said by
-- rules, JSON themselves, and judged by C (rules.c). A rule, any part of which may be
-- missing:
--   is       what the value must be, for people
--   types    those of jsonb_typeof() that it may have; null where that is as good as absent
-- for strings, numbers and booleans, by their text
--   values   what it may be
--   pattern  the regular expression that it matches; counting in it is slow, bytes and shortest are not
--   longest  its most characters; bytes: its most bytes, shortest: its least
--   blank    false: it has something other than white space
--   time     true: it is a time with its zone
-- for objects
--   members  {key: rule, ...}, or the name of another key with the same rule
--   others   the rule for every other key, which is not allowed where there is none
--   needed   the keys that must be there
--   one      the keys of which exactly one must be there
-- for lists
--   items    the rule for every value; most: its most values

-- whether a value is as a rule wants it
CREATE FUNCTION renderchain._fits(value jsonb, rule jsonb) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_fits';

-- of an object that does not fit the first key that is not allowed, else the first whose
-- value does not fit, else the first that is missing; NULL where it is none of these
CREATE FUNCTION renderchain._misfit(object jsonb, rule jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_misfit';

-- a JSON value for a message, cut to a length that people read
CREATE FUNCTION renderchain._shown(p_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN length(p_value::text) > 80 THEN left(p_value::text, 77) || '...' ELSE p_value::text END
$$;

-- what a member of an object must be, for people; NULL for a key that is not allowed
CREATE FUNCTION renderchain._must_be(p_rule jsonb, p_key text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(p_rule #>> ARRAY['members', p_key, 'is'], p_rule #>> ARRAY['members', p_rule #>> ARRAY['members', p_key], 'is'])
$$;

-- what is wrong with an object that does not fit a rule
CREATE FUNCTION renderchain._problem(p_object jsonb, p_rule jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_object) IS DISTINCT FROM 'object' THEN 'not a JSON object'
        WHEN COALESCE(jsonb_typeof(p_object -> m.key), 'null') = 'null' THEN format('%s is missing', m.key)
        ELSE format('%s is %s, not %s', m.key, renderchain._shown(p_object -> m.key), renderchain._must_be(p_rule, m.key)) END
    FROM renderchain._misfit(CASE jsonb_typeof(p_object) WHEN 'object' THEN p_object ELSE '{}' END, p_rule) AS m (key)
$$;

-- what is wrong with a list of objects that does not fit a rule
CREATE FUNCTION renderchain._list_problem(p_what text, p_list jsonb, p_rule jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(p_list) IS DISTINCT FROM 'array' THEN
        RETURN format('%ss are not a list', p_what);
    END IF;
    RETURN (
        SELECT format('%s %s: %s', p_what, e.place, renderchain._problem(e.value, p_rule -> 'items'))
        FROM jsonb_array_elements(p_list) WITH ORDINALITY AS e (value, place)
        WHERE NOT renderchain._fits(e.value, p_rule -> 'items') ORDER BY e.place LIMIT 1);
END
$$;
