-- Stages of many renders --------------------------------------------------------
--
-- A worker with hundreds of renders has so much to record that most of it would be
-- statements, commits and answers. So it records what waits at one time as one
-- statement, ends of renders included, and each table is written once for all of them, or
-- for 32 at a time.
-- Each render is fenced for itself: what is refused of one is told, and does not keep
-- the others from being recorded. Nor does one that somebody has locked: it is told as
-- such, to be recorded later.

-- why an attempt is not among those whose jobs are held: what record_stages, register_objects or complete_render would
-- raise, or that somebody has its job locked; nothing for a completion that is there already
CREATE FUNCTION renderchain._refusal(p_render_id uuid, p_attempt integer, p_completes boolean, OUT o_code text,
    OUT o_message text, OUT o_detail text, OUT o_hint text)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM FROM render_jobs j WHERE j.render_id = p_render_id FOR NO KEY UPDATE NOWAIT;
    IF renderchain._lock_attempt(p_render_id, p_attempt) = 'running'::text THEN
        RAISE lock_not_available; -- it was, a moment ago
    ELSIF NOT p_completes
          OR NOT EXISTS (SELECT FROM renders r WHERE r.id = p_render_id AND r.status::text = 'completed'::text) THEN
        PERFORM renderchain._raise_ended(p_render_id);
    END IF;
EXCEPTION
    WHEN SQLSTATE 'RC001' OR SQLSTATE 'RC002' OR SQLSTATE 'RC006' OR SQLSTATE 'RC010' THEN
        GET STACKED DIAGNOSTICS o_code = RETURNED_SQLSTATE, o_message = MESSAGE_TEXT, o_detail = PG_EXCEPTION_DETAIL,
            o_hint = PG_EXCEPTION_HINT;
    WHEN lock_not_available THEN
        SELECT l.o_code, l.o_message, l.o_detail, l.o_hint INTO o_code, o_message, o_detail, o_hint
        FROM renderchain._locked(p_render_id) l;
END
$$;

-- what is told of a render that somebody has locked, or its account
CREATE FUNCTION renderchain._locked(p_render_id uuid, OUT o_code text, OUT o_message text, OUT o_detail text,
    OUT o_hint text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '55P03'::text, pg_catalog.format('render %s or its account is locked by another session'::text, p_render_id), ''::text,
           'Record it again a little later.'::text
$$;

-- whether somebody has the row of a render locked; not where it is only that it may not be written
CREATE FUNCTION renderchain._is_locked(p_render_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM FROM renders r WHERE r.id = p_render_id FOR NO KEY UPDATE NOWAIT;
    RETURN false;
EXCEPTION WHEN lock_not_available THEN
    RETURN true;
END
$$;

-- raise what is wrong with a list of renders
CREATE FUNCTION renderchain._raise_renders(p_renders jsonb, p_rule jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'invalid list of renders' USING ERRCODE = 'RC005',
        DETAIL = renderchain._list_problem('render'::text, p_renders, p_rule),
        HINT = 'It looks like [{"render": ..., "attempt": 1, "events": [...], "objects": [...], "result": {...}}].';
END
$$;

-- lock the accounts of renders, whose jobs are locked; gives those whose account somebody has locked
CREATE FUNCTION renderchain._with_locked_account(p_render_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids uuid[];
    v_user_ids uuid[];
    v_free uuid[];
BEGIN
    SELECT pg_catalog.array_agg(e.render_id), pg_catalog.array_agg(e.user_id) INTO v_ids, v_user_ids
    FROM render_jobs j JOIN credit_entries e ON e.render_id = j.render_id AND e.run = j.run
    WHERE j.render_id = ANY (p_render_ids) AND e.render_id = ANY (p_render_ids) AND e.kind = 'reserve';
    v_free := ARRAY(SELECT a.user_id FROM credit_accounts a WHERE a.user_id = ANY (v_user_ids)
                    ORDER BY a.user_id FOR NO KEY UPDATE SKIP LOCKED);
    RETURN ARRAY(SELECT u.id FROM ROWS FROM (pg_catalog.unnest(v_ids), pg_catalog.unnest(v_user_ids)) AS u (id, user_id)
                 WHERE u.user_id <> ALL (v_free));
END
$$;

-- complete those of some attempts whose jobs are locked that have a result (the others' is NULL), and whose renders and
-- accounts nobody has locked; gives those where somebody has
CREATE FUNCTION renderchain._complete_some(p_render_ids uuid[], p_attempts integer[], p_results jsonb[], p_metered boolean,
    p_now timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_wanted uuid[] := ARRAY(SELECT u.id FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_results))
                                                  AS u (id, result) WHERE u.result IS NOT NULL);
    v_free uuid[];
    v_without_account uuid[] := '{}';
    v_locked uuid[] := '{}';
    v_ids uuid[] := '{}';
    v_attempts integer[] := '{}';
    v_results jsonb[] := '{}';
BEGIN
    v_free := ARRAY(SELECT r.id FROM renders r WHERE r.id = ANY (v_wanted) ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED);
    IF p_metered THEN
        v_without_account := renderchain._with_locked_account(v_wanted);
    END IF;
    FOR v_place IN 1 .. pg_catalog.cardinality(p_render_ids) LOOP
        IF p_results[v_place] IS NULL OR p_render_ids[v_place] = ANY (v_ids) THEN
            CONTINUE; -- of two results of an attempt the first is it
        ELSIF p_render_ids[v_place] = ANY (v_without_account)
              OR p_render_ids[v_place] <> ALL (v_free) AND renderchain._is_locked(p_render_ids[v_place]) THEN
            v_locked := pg_catalog.array_append(v_locked, p_render_ids[v_place]);
        ELSIF renderchain._check_result(p_results[v_place], renderchain._where(p_render_ids, v_place)) THEN
            v_ids := pg_catalog.array_append(v_ids, p_render_ids[v_place]);
            v_attempts := pg_catalog.array_append(v_attempts, p_attempts[v_place]);
            v_results := pg_catalog.array_append(v_results, p_results[v_place]);
        END IF;
    END LOOP;
    FOR v_from IN 1 .. pg_catalog.cardinality(v_ids) BY 32 LOOP
        PERFORM renderchain._complete(v_ids[v_from:v_from + 31], v_attempts[v_from:v_from + 31],
                                      v_results[v_from:v_from + 31], p_now);
    END LOOP;
    RETURN v_locked;
END
$$;

-- what is told of a list of renders: those of which nothing was recorded, as they are not among the attempts that are
-- held, and those that could not be completed since somebody has them locked
CREATE FUNCTION renderchain._refusals(p_renders jsonb, p_held uuid[], p_held_attempts integer[], p_locked uuid[])
RETURNS TABLE (render_id uuid, code text, message text, detail text, hint text)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.render, f.o_code, f.o_message, f.o_detail, f.o_hint
    FROM (SELECT x.render, x.attempt, pg_catalog.bool_or(x.result IS NOT NULL AND x.result <> 'null'::jsonb) AS completes
          FROM pg_catalog.jsonb_to_recordset(p_renders) AS x (render uuid, attempt integer, result jsonb)
          WHERE NOT EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(p_held), pg_catalog.unnest(p_held_attempts)) AS h (id, attempt)
                            WHERE h.id = x.render AND h.attempt = x.attempt)
          GROUP BY x.render, x.attempt ORDER BY x.render, x.attempt) e,
         LATERAL renderchain._refusal(e.render, e.attempt, e.completes) f
    WHERE f.o_code IS NOT NULL
    UNION ALL
    SELECT l.id, f.o_code, f.o_message, f.o_detail, f.o_hint
    FROM pg_catalog.unnest(p_locked) AS l (id), LATERAL renderchain._locked(l.id) f;
END
$$;

CREATE FUNCTION renderchain.record_stages(renders jsonb)
RETURNS TABLE (render_id uuid, code text, message text, detail text, hint text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_schema text := renderchain.use_schema();
    v_now timestamptz := renderchain.clock();
    v_rule jsonb := '{
    "types": ["array"],
    "items": {"types": ["object"], "needed": ["render", "attempt", "events"], "others": {}, "members": {
        "render": {"types": ["string"], "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", "is": "the id of a render"},
        "attempt": {"types": ["number"], "pattern": "^[0-9]{1,9}$", "is": "the number of an attempt"},
        "events": {"types": ["array"], "is": "a list"},
        "objects": {"types": ["array", "null"], "is": "a list"},
        "result": {"types": ["object", "null"], "others": {}, "members": {"stages": {"types": []}},
            "is": "a result without stages (they are the events)"}}}}'::jsonb;
    v_named uuid[];
    v_named_attempts integer[];
    v_named_events jsonb[];
    v_named_objects jsonb[];
    v_named_results jsonb[];
    v_some uuid[];
    v_ids uuid[];
    v_attempts integer[];
    v_events jsonb[];
    v_objects jsonb[];
    v_results jsonb[];
    v_metered boolean := false;
    v_locked uuid[] := '{}';
BEGIN
    IF NOT renderchain._fits(record_stages.renders, v_rule) THEN
        PERFORM renderchain._raise_renders(record_stages.renders, v_rule);
    END IF;
    -- in one order for all, though nobody waits here
    SELECT pg_catalog.array_agg(x.render), pg_catalog.array_agg(x.attempt), pg_catalog.array_agg(x.events),
           pg_catalog.array_agg(NULLIF(x.objects, 'null'::jsonb)), pg_catalog.array_agg(NULLIF(x.result, 'null'::jsonb))
    INTO v_named, v_named_attempts, v_named_events, v_named_objects, v_named_results
    FROM (SELECT e.render, e.attempt, e.events, e.objects, e.result
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(record_stages.renders)
                          AS (render uuid, attempt integer, events jsonb, objects jsonb, result jsonb)) WITH ORDINALITY
               AS e (render, attempt, events, objects, result, place)
          ORDER BY e.render, e.place) x;
    FOR v_from IN 1 .. COALESCE(pg_catalog.cardinality(v_named), 0) BY 32 LOOP -- as _write_events does
        v_some := v_named[v_from:v_from + 31];
        -- held is asked of what is locked, as _lock_attempt does, which raises, hence OFFSET 0: asked before, it would have
        -- all that runs be read
        SELECT pg_catalog.array_cat(v_ids, pg_catalog.array_agg(l.render)),
               pg_catalog.array_cat(v_attempts, pg_catalog.array_agg(l.attempt)),
               pg_catalog.array_cat(v_events, pg_catalog.array_agg(l.events)),
               pg_catalog.array_cat(v_objects, pg_catalog.array_agg(l.objects)),
               pg_catalog.array_cat(v_results, pg_catalog.array_agg(l.result)),
               v_metered OR COALESCE(pg_catalog.bool_or(l.credits_reserved IS NOT NULL), false)
        INTO v_ids, v_attempts, v_events, v_objects, v_results, v_metered
        FROM (SELECT e.render, e.attempt, e.events, e.objects, e.result, j.credits_reserved,
                     j.attempt = e.attempt AND j.state = 'running' AND NOT j.cancel_requested AS held
              FROM ROWS FROM (pg_catalog.unnest(v_some), pg_catalog.unnest(v_named_attempts[v_from:v_from + 31]),
                              pg_catalog.unnest(v_named_events[v_from:v_from + 31]),
                              pg_catalog.unnest(v_named_objects[v_from:v_from + 31]),
                              pg_catalog.unnest(v_named_results[v_from:v_from + 31])) WITH ORDINALITY
                   AS e (render, attempt, events, objects, result, place)
              JOIN render_jobs j ON j.render_id = e.render JOIN renders r ON r.id = j.render_id
              WHERE j.render_id = ANY (v_some) AND r.id = ANY (v_some)
              ORDER BY e.place OFFSET 0 FOR NO KEY UPDATE OF j SKIP LOCKED) l
        WHERE l.held;
    END LOOP;
    IF v_ids IS NOT NULL THEN
        PERFORM renderchain._write_events(v_ids, v_attempts, v_events, v_now);
        IF pg_catalog.array_remove(v_objects, NULL::jsonb) <> '{}'::jsonb[] THEN
            PERFORM renderchain._write_objects(v_ids, v_attempts, v_objects, 'pending'::text, v_now);
        END IF;
        IF pg_catalog.array_remove(v_results, NULL::jsonb) <> '{}'::jsonb[] THEN
            v_locked := renderchain._complete_some(v_ids, v_attempts, v_results, v_metered, v_now);
        END IF;
        FOR v_place IN 1 .. pg_catalog.cardinality(v_ids) LOOP
            IF v_results[v_place] IS NULL OR v_ids[v_place] = ANY (v_locked) THEN
                PERFORM renderchain._notify(v_ids[v_place], 'stages'::text);
            END IF;
        END LOOP;
    END IF;
    IF pg_catalog.cardinality(v_ids) = pg_catalog.jsonb_array_length(record_stages.renders) AND v_locked = '{}'::uuid[] THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT f.* FROM renderchain._refusals(record_stages.renders, v_ids, v_attempts, v_locked) f;
END
$$;
COMMENT ON FUNCTION renderchain.record_stages(jsonb) IS
'record_stages, register_objects and complete_render of many renders in one transaction, for workers that run many: [{"render","attempt","events","objects"?,"result"?}]. The result is that of complete_render, without stages: those are the events. One row a render that was refused, with the SQLSTATE that record_stages or complete_render would have raised (code: RC001 lease lost, RC002 cancelled, RC006 no such render, RC010 ended) and its words, or with 55P03 for one of which another session has the job, the render or the account locked, which is not waited for: record it again. The others are recorded. RC005, and nothing is recorded, where what is to be recorded of any of them is invalid.';
