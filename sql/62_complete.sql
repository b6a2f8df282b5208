-- Completion ---------------------------------------------------------------------

-- check the result of a render; raise what is wrong with it
CREATE FUNCTION renderchain._check_result(p_result jsonb) RETURNS boolean
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
            DETAIL = CASE WHEN renderchain._fits(p_result, v_rule) THEN 'outputUrl and outputKey are both missing'::text
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

-- write what ends a render whose job row is locked as completed, and tell about it. Without a render (its id is NULL)
-- it writes nothing and returns NULL.
CREATE FUNCTION renderchain._complete(p_render_id uuid, p_attempt integer, p_result jsonb, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_run integer;
    v_reserved integer;
    v_request jsonb;
    v_used integer;
    v_chain_id uuid;
BEGIN
    IF pg_catalog.jsonb_typeof(p_result -> 'stages'::text) <> 'null'::text THEN
        PERFORM renderchain._write_events(p_render_id, p_attempt, p_result -> 'stages'::text, p_now);
    END IF;
    UPDATE render_jobs j SET state = 'ended', lease_owner = NULL, lease_until = NULL, ended_at = p_now
    WHERE j.render_id = p_render_id RETURNING j.run, j.credits_reserved, j.request, j.chain_id
    INTO v_run, v_reserved, v_request, v_chain_id;
    IF p_result ? 'memory'::text THEN
        -- pins are read under the lock that pin_memory takes too: either it is seen below or it sees this memory
        PERFORM FROM renders r WHERE r.id = p_render_id FOR NO KEY UPDATE;
    END IF;
    UPDATE renders r SET status = 'completed', error_message = NULL, completed_at = p_now, updated_at = p_now,
        output_url = NULLIF(p_result ->> 'outputUrl'::text, ''::text),
        output_key = NULLIF(p_result ->> 'outputKey'::text, ''::text),
        -- what it used of the model, never more than was reserved or, where nothing was, than it was quoted
        credits_cost = LEAST(COALESCE(v_reserved, r.credits_cost::integer),
            (SELECT renderchain._credits(m.definition, m.credits, v_request, p_result) FROM models m WHERE m.id = p_result ->> 'selectedModel'::text)),
        processing_time = COALESCE(pg_catalog.ceil((p_result ->> 'processingTime'::text)::numeric)::integer,
            GREATEST(0, pg_catalog.ceil(EXTRACT(epoch FROM p_now - r.started_at::timestamptz)::numeric)::integer)),
        context_data = renderchain._context_to_keep(r.context_data, p_result -> 'context'::text,
            p_result -> 'memory'::text, (SELECT p.pins FROM memory_pins p WHERE p.chain_id = r.chain_id)),
        metadata = renderchain.jsonb_merge_patch(r.metadata, '{"error": null}'::jsonb)
            || (SELECT COALESCE(pg_catalog.jsonb_object_agg(m.key, m.value), '{}'::jsonb)
                FROM pg_catalog.jsonb_each(p_result) AS m (key, value)
                WHERE m.value <> 'null'::jsonb AND m.key IN ('selectedModel', 'processingMs', 'designIntent',
                    'imageAnalysis', 'validation', 'optimizedPrompt', 'turn', 'consistency', 'recipe', 'correction'))
    WHERE r.id = p_render_id RETURNING r.credits_cost::integer INTO v_used;
    IF NOT FOUND AND p_render_id IS NOT NULL THEN
        PERFORM renderchain._raise_not_writable(p_render_id);
    END IF;
    IF pg_catalog.jsonb_typeof(p_result -> 'objects'::text) = 'array'::text THEN
        PERFORM renderchain._write_objects(p_render_id, p_attempt, p_result -> 'objects'::text, 'live'::text, p_now);
    END IF;
    IF v_reserved IS NOT NULL THEN
        PERFORM renderchain._release(p_render_id, v_run, v_reserved, v_used, p_now);
    END IF;
    PERFORM renderchain._end_wait(p_render_id, v_chain_id, p_now);
    PERFORM renderchain._notify(p_render_id, 'ended'::text);
    IF p_result -> 'quiet'::text = 'true'::jsonb THEN
        RETURN NULL;
    END IF;
    RETURN renderchain._get_render(p_render_id);
END
$$;

CREATE FUNCTION renderchain.complete_render(render_id uuid, attempt integer, result jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_state text := renderchain._lock_attempt(complete_render.render_id, complete_render.attempt);
    v_valid boolean;
BEGIN
    IF v_state = 'ended'::text THEN
        RETURN renderchain._completed_before(complete_render.render_id);
    END IF;
    v_valid := renderchain._check_result(complete_render.result);
    RETURN renderchain._complete(complete_render.render_id, complete_render.attempt, complete_render.result,
                                 renderchain.clock());
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
SET lock_timeout = '1ms'
SET client_min_messages = error
AS $$
DECLARE
    v_result jsonb := '{"outputKey": "none", "stages": [], "objects": [], "memory": {}}'::jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_result(v_result);
    PERFORM renderchain._keep_analyses('[]'::jsonb, renderchain.clock());
    PERFORM renderchain._complete(NULL::uuid, NULL::integer, v_result, renderchain.clock());
    -- ends in the error that undoes the above: there is no such render
    PERFORM renderchain.complete_render(NULL::uuid, NULL::integer, NULL::jsonb);
EXCEPTION WHEN OTHERS THEN
    NULL; -- OTHERS does not take in cancellation
END
$$;
COMMENT ON FUNCTION renderchain.warm_up() IS
'Makes this session ready for complete_render, whose first call in a session otherwise takes three times as long; changes nothing, waits for no lock and raises nothing. For drivers that complete few renders a session and have time to spare while a model works. Never needed.';
