-- Completion ---------------------------------------------------------------------

-- check the result of a render; raise what is wrong with it, and where
CREATE FUNCTION renderchain._check_result(p_result jsonb, p_where text DEFAULT '') RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_rule jsonb := '{
    "types": ["object"], "others": {}, "members": {
        "outputUrl": {"types": ["string", "null"], "is": "a text"},
        "outputKey": "outputUrl",
        "selectedModel": "outputUrl",
        "size": "outputUrl",
        "seconds": "processingTime",
        "memory": {"types": ["object", "null"], "is": "an object"},
        "context": {"types": ["object", "null"], "members": {"pipelineMemory": {"types": []}}, "others": {},
            "is": "an object without pipelineMemory (give it as memory)"},
        "processingTime": {"types": ["number", "null"], "pattern": "^[0-9]{1,9}([.][0-9]+)?$",
            "is": "a number of seconds from 0"},
        "objects": {"types": ["array", "null"], "is": "a list"},
        "quiet": {"types": ["boolean", "null"], "is": "true or false"}}}'::jsonb;
BEGIN
    IF NOT renderchain._fits(p_result, v_rule)
       OR COALESCE(p_result ->> 'outputUrl'::text, ''::text) = ''::text
          AND COALESCE(p_result ->> 'outputKey'::text, ''::text) = ''::text THEN
        RAISE EXCEPTION 'invalid result' USING ERRCODE = 'RC005',
            DETAIL = p_where || CASE WHEN renderchain._fits(p_result, v_rule) THEN 'outputUrl and outputKey are both missing'::text
                          ELSE renderchain._problem(p_result, v_rule) END,
            HINT = 'A result looks like {"outputUrl": ..., "outputKey": ..., "objects": [...], "memory": {...}, "selectedModel": ..., "processingTime": 12}.';
    END IF;
    RETURN true;
END
$$;

-- what complete_render answers for a render that has ended: a driver that lost its connection asks again
CREATE FUNCTION renderchain._completed_before(p_render_id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM FROM renders r WHERE r.id = p_render_id AND r.status::text = 'completed'::text;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_ended(p_render_id);
    END IF;
    RETURN renderchain._get_render(p_render_id);
END
$$;

-- end reservations of completed renders, the accounts in the order of their users
CREATE FUNCTION renderchain._settle(p_render_ids uuid[], p_runs integer[], p_reserved integer[], p_used integer[],
    p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_one record;
BEGIN
    FOR v_one IN
        SELECT u.render_id, u.run, u.reserved, u.used
        FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_runs), pg_catalog.unnest(p_reserved),
                        pg_catalog.unnest(p_used)) AS u (render_id, run, reserved, used)
        LEFT JOIN credit_entries e ON e.render_id = u.render_id AND e.run = u.run AND e.kind = 'reserve'
        WHERE u.reserved IS NOT NULL ORDER BY e.user_id, u.render_id
    LOOP
        PERFORM renderchain._release(v_one.render_id, v_one.run, v_one.reserved, v_one.used, p_now);
    END LOOP;
END
$$;

-- write what ends renders whose job rows are locked as completed, and tell about it. For an id that is NULL it writes
-- nothing.
CREATE FUNCTION renderchain._complete(p_render_ids uuid[], p_attempts integer[], p_results jsonb[], p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_objects jsonb[] := '{}';
    v_ids uuid[];
    v_runs integer[];
    v_reserved integer[];
    v_used integer[];
    v_chain_ids uuid[];
BEGIN
    -- pins are read under the lock that pin_memory takes too: either it is seen below or it sees this memory
    PERFORM FROM renders r WHERE r.id = ANY (p_render_ids) ORDER BY r.id FOR NO KEY UPDATE;
    WITH ended AS (
        UPDATE render_jobs j SET state = 'ended', lease_owner = NULL, lease_until = NULL, ended_at = p_now
        FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_results)) AS u (id, result)
        WHERE j.render_id = u.id
        RETURNING j.render_id, j.run, j.credits_reserved, j.request, j.chain_id, u.result
    ), completed AS (
        UPDATE renders r SET status = 'completed', error_message = NULL, completed_at = p_now, updated_at = p_now,
            output_url = NULLIF(e.result ->> 'outputUrl'::text, ''::text),
            output_key = NULLIF(e.result ->> 'outputKey'::text, ''::text),
            -- what it used of the model, never more than was reserved or, where nothing was, than it was quoted
            credits_cost = LEAST(COALESCE(e.credits_reserved, r.credits_cost::integer),
                (SELECT renderchain._credits(m.definition, m.credits, e.request, e.result) FROM models m WHERE m.id = e.result ->> 'selectedModel'::text)),
            processing_time = COALESCE(pg_catalog.ceil((e.result ->> 'processingTime'::text)::numeric)::integer,
                GREATEST(0, pg_catalog.ceil(EXTRACT(epoch FROM p_now - r.started_at::timestamptz)::numeric)::integer)),
            context_data = renderchain._context_to_keep(r.context_data, e.result -> 'context'::text,
                e.result -> 'memory'::text, (SELECT p.pins FROM memory_pins p WHERE p.chain_id = r.chain_id)),
            metadata = renderchain.jsonb_merge_patch(r.metadata, '{"error": null}'::jsonb)
                || (SELECT COALESCE(pg_catalog.jsonb_object_agg(m.key, m.value), '{}'::jsonb)
                    FROM pg_catalog.jsonb_each(e.result) AS m (key, value)
                    WHERE m.value <> 'null'::jsonb AND m.key IN ('selectedModel', 'processingMs', 'designIntent',
                        'imageAnalysis', 'validation', 'optimizedPrompt', 'turn', 'consistency', 'recipe', 'correction'))
        FROM ended e
        WHERE r.id = e.render_id
        RETURNING r.id, e.run, e.credits_reserved, r.credits_cost::integer AS used, e.chain_id
    )
    SELECT pg_catalog.array_agg(c.id), pg_catalog.array_agg(c.run), pg_catalog.array_agg(c.credits_reserved),
           pg_catalog.array_agg(c.used), pg_catalog.array_agg(c.chain_id)
    INTO v_ids, v_runs, v_reserved, v_used, v_chain_ids FROM completed c;
    FOR v_place IN 1 .. pg_catalog.cardinality(p_render_ids) LOOP
        IF p_render_ids[v_place] IS NOT NULL AND p_render_ids[v_place] <> ALL (COALESCE(v_ids, '{}'::uuid[])) THEN
            PERFORM renderchain._raise_not_writable(p_render_ids[v_place]);
        END IF;
        v_objects := pg_catalog.array_append(v_objects, NULLIF(p_results[v_place] -> 'objects'::text, 'null'::jsonb));
    END LOOP;
    PERFORM renderchain._write_objects(p_render_ids, p_attempts, v_objects, 'live'::text, p_now);
    IF pg_catalog.array_remove(v_reserved, NULL::integer) <> '{}'::integer[] THEN
        PERFORM renderchain._settle(v_ids, v_runs, v_reserved, v_used, p_now);
    END IF;
    PERFORM renderchain._end_wait(COALESCE(v_ids, p_render_ids), COALESCE(v_chain_ids, p_render_ids), p_now);
    FOR v_place IN 1 .. pg_catalog.cardinality(p_render_ids) LOOP
        PERFORM renderchain._notify(p_render_ids[v_place], 'ended'::text);
    END LOOP;
END
$$;

CREATE FUNCTION renderchain.complete_render(render_id uuid, attempt integer, result jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_state text := renderchain._lock_attempt(complete_render.render_id, complete_render.attempt);
    v_ids uuid[] := ARRAY[complete_render.render_id];
    v_attempts integer[] := ARRAY[complete_render.attempt];
    v_now timestamptz;
    v_valid boolean;
BEGIN
    IF v_state = 'ended'::text THEN
        RETURN renderchain._completed_before(complete_render.render_id);
    END IF;
    v_valid := renderchain._check_result(complete_render.result);
    v_now := renderchain.clock();
    IF pg_catalog.jsonb_typeof(complete_render.result -> 'stages'::text) <> 'null'::text THEN
        PERFORM renderchain._write_events(v_ids, v_attempts, ARRAY[complete_render.result -> 'stages'::text], v_now);
    END IF;
    PERFORM renderchain._complete(v_ids, v_attempts, ARRAY[complete_render.result], v_now);
    IF complete_render.result -> 'quiet'::text = 'true'::jsonb THEN
        RETURN NULL;
    END IF;
    RETURN renderchain._get_render(complete_render.render_id);
END
$$;
COMMENT ON FUNCTION renderchain.complete_render(uuid, integer, jsonb) IS
'Ends a render as completed in one transaction: result, memory and context merged (a memory without members is none and makes none), last stage events, objects live, credits settled to what selectedModel costs for the size or the seconds of the result (never more than were reserved). Returns what get_render returns, or NULL where the result has "quiet": true; so does the same attempt when it asks again, and nothing changes. RC001 lease lost, RC002 cancelled, RC005 invalid result, RC006 no such render, RC010 ended otherwise.';

-- Most of what a completion costs in a young session is preparing its statements. So they are run on no render at all,
-- while there is time; even triggers on the tables, which may fire for no rows, write nothing that stays. Whatever is in
-- the way (tables that are missing or locked, a transaction that may not write, a trigger that raises) is left for the
-- completion to tell: what has been prepared until then stays prepared.
CREATE FUNCTION renderchain.warm_up() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET lock_timeout = '1ms'
SET client_min_messages = error
AS $$
DECLARE
    v_result jsonb := '{"outputKey": "none", "memory": {}}'::jsonb;
    v_ids uuid[] := ARRAY[NULL::uuid];
    v_none integer[] := ARRAY[NULL::integer];
    v_lists jsonb[] := '{[]}';
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_result(v_result);
    PERFORM renderchain._write_events(v_ids, v_none, v_lists, renderchain.clock());
    PERFORM renderchain._keep_analyses(v_lists, renderchain.clock());
    PERFORM renderchain._complete(v_ids, v_none, ARRAY[v_result], renderchain.clock());
    -- ends in the error that undoes the above: there is no such render
    PERFORM renderchain.complete_render(NULL::uuid, NULL::integer, NULL::jsonb);
EXCEPTION WHEN OTHERS THEN
    NULL; -- OTHERS does not take in cancellation
END
$$;
COMMENT ON FUNCTION renderchain.warm_up() IS
'Makes this session ready for complete_render, whose first call in a session otherwise takes three times as long; changes nothing, waits for no lock and raises nothing. For drivers that complete few renders a session and have time to spare while a model works. Never needed.';
