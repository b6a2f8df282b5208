-- Completion ---------------------------------------------------------------------

-- check the result of a render; raise what is wrong with it
CREATE FUNCTION renderchain._check_result(p_result jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_problem text;
BEGIN
    v_problem := CASE
        WHEN jsonb_typeof(p_result) IS DISTINCT FROM 'object' THEN 'the result is not a JSON object'
        WHEN jsonb_typeof(p_result -> 'outputUrl') NOT IN ('string', 'null')
            THEN format('outputUrl is not a text but %s', renderchain._shown(p_result -> 'outputUrl'))
        WHEN jsonb_typeof(p_result -> 'outputKey') NOT IN ('string', 'null')
            THEN format('outputKey is not a text but %s', renderchain._shown(p_result -> 'outputKey'))
        WHEN COALESCE(p_result ->> 'outputUrl', '') = '' AND COALESCE(p_result ->> 'outputKey', '') = ''
            THEN 'outputUrl and outputKey are both missing'
        WHEN jsonb_typeof(p_result -> 'selectedModel') NOT IN ('string', 'null')
            THEN format('selectedModel is not a text but %s', renderchain._shown(p_result -> 'selectedModel'))
        WHEN jsonb_typeof(p_result -> 'memory') NOT IN ('object', 'null')
            THEN format('memory is not an object but %s', renderchain._shown(p_result -> 'memory'))
        WHEN jsonb_typeof(p_result -> 'context') NOT IN ('object', 'null')
            THEN format('context is not an object but %s', renderchain._shown(p_result -> 'context'))
        WHEN p_result -> 'context' ? 'pipelineMemory' THEN 'context has pipelineMemory; give it as memory'
        WHEN jsonb_typeof(p_result -> 'processingTime') NOT IN ('number', 'null')
            OR (p_result ->> 'processingTime')::numeric NOT BETWEEN 0 AND 2147483647
            THEN format('processingTime is %s, not seconds', renderchain._shown(p_result -> 'processingTime'))
        WHEN jsonb_typeof(p_result -> 'objects') NOT IN ('array', 'null') THEN 'objects is not a list'
        END;
    IF v_problem IS NULL AND p_result ? 'objects' THEN
        v_problem := renderchain._object_problem(p_result -> 'objects');
    END IF;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION 'invalid result' USING ERRCODE = 'RC005', DETAIL = v_problem,
            HINT = 'A result looks like {"outputUrl": ..., "outputKey": ..., "objects": [...], "memory": {...}, "selectedModel": ..., "processingTime": 12}.';
    END IF;
END
$$;

-- what is wrong with the first wrong one of a list of stored objects, NULL if nothing
CREATE FUNCTION renderchain._object_problem(p_objects jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT format('object %s: %s', o.place, o.problem)
    FROM (SELECT d.place, CASE
            WHEN jsonb_typeof(d.v) <> 'object' THEN 'not a JSON object'
            WHEN COALESCE(d.v ->> 'key', '') = '' THEN 'key is missing'
            WHEN octet_length(d.v ->> 'key') > 1024 THEN 'key is longer than 1024 bytes'
            WHEN COALESCE(d.v ->> 'backend', '') = '' THEN 'backend is missing'
            WHEN jsonb_typeof(d.v -> 'bytes') NOT IN ('number', 'null') OR d.v ->> 'bytes' !~ '^\d{1,18}$'
                THEN format('bytes is %s, not a whole number from 0', renderchain._shown(d.v -> 'bytes'))
            WHEN d.v ->> 'sha256' !~ '^[0-9a-f]{64}$'
                THEN format('sha256 is %s, not 64 hexadecimal digits', renderchain._shown(d.v -> 'sha256'))
            END AS problem
          FROM jsonb_array_elements(CASE jsonb_typeof(p_objects) WHEN 'array' THEN p_objects ELSE '[]' END)
               WITH ORDINALITY AS d (v, place)) o
    WHERE o.problem IS NOT NULL ORDER BY o.place LIMIT 1);
END
$$;

-- write the objects of a render in a state; those of another render are refused
CREATE FUNCTION renderchain._write_objects(p_render_id uuid, p_objects jsonb, p_state text, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_written bigint;
BEGIN
    WITH written AS (
        INSERT INTO stored_objects AS o (key, backend, render_id, kind, mime, bytes, sha256, state, created_at, updated_at)
        SELECT DISTINCT ON (e.key) e.key, e.backend, p_render_id, COALESCE(NULLIF(e.kind, ''::text), 'output'::text),
               e.mime, e.bytes, e.sha256, p_state, p_now, p_now
        FROM pg_catalog.jsonb_to_recordset(p_objects) AS e (key text, backend text, kind text, mime text, bytes bigint,
                                                            sha256 text)
        ON CONFLICT (key) DO UPDATE
        SET backend = excluded.backend, kind = excluded.kind, mime = COALESCE(excluded.mime, o.mime),
            bytes = COALESCE(excluded.bytes, o.bytes), sha256 = COALESCE(excluded.sha256, o.sha256),
            state = excluded.state, updated_at = excluded.updated_at
        WHERE o.render_id = excluded.render_id
        RETURNING o.key
    )
    SELECT pg_catalog.count(*) INTO v_written FROM written w;
    IF v_written < (SELECT pg_catalog.count(DISTINCT e.key)
                    FROM pg_catalog.jsonb_to_recordset(p_objects) AS e (key text)) THEN
        RAISE EXCEPTION 'a stored object belongs to another render' USING ERRCODE = 'RC005',
            DETAIL = (SELECT pg_catalog.format('Object %s is of render %s.'::text, o.key, o.render_id)
                      FROM stored_objects o, pg_catalog.jsonb_to_recordset(p_objects) AS e (key text)
                      WHERE o.key = e.key AND o.render_id <> p_render_id ORDER BY o.key LIMIT 1),
            HINT = 'A key holds the id of its render, so that no two renders share an object.';
    END IF;
END
$$;

CREATE FUNCTION renderchain.register_objects(render_id uuid, attempt integer, objects jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job record;
    v_problem text;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT l.* INTO v_job FROM renderchain._lock_attempt(register_objects.render_id, register_objects.attempt) l;
    IF v_job.o_state = 'ended'::text THEN
        PERFORM renderchain._raise_ended(register_objects.render_id);
    END IF;
    v_problem := CASE WHEN pg_catalog.jsonb_typeof(register_objects.objects) IS DISTINCT FROM 'array'::text
                      THEN 'objects is not a list'::text
                      ELSE renderchain._object_problem(register_objects.objects) END;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION 'invalid stored objects' USING ERRCODE = 'RC005', DETAIL = v_problem,
            HINT = 'An object looks like {"key": ..., "backend": "file", "kind": "output", "mime": "image/png", "bytes": 1, "sha256": ...}.';
    END IF;
    PERFORM renderchain._write_objects(register_objects.render_id, register_objects.objects, 'pending'::text,
                                       renderchain.clock());
END
$$;
COMMENT ON FUNCTION renderchain.register_objects(uuid, integer, jsonb) IS
'Records objects as pending before they are uploaded, so that none is ever in storage without being known: [{"key","backend","kind"?,"mime"?,"bytes"?,"sha256"?}]. complete_render makes them live, any other end dooms them. Errors as of record_stages.';

-- the memory that a render keeps, as a member of its context: its own, the new one over it, the chain's pins over
-- both. What has no members is no memory, so none is made of it.
CREATE FUNCTION renderchain._memory_to_keep(p_old jsonb, p_new jsonb, p_pins jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_old jsonb := CASE WHEN pg_catalog.jsonb_typeof(p_old) = 'object'::text THEN p_old END;
    v_memory jsonb;
BEGIN
    IF p_new IS NOT NULL THEN
        v_memory := renderchain.jsonb_merge_patch(renderchain.jsonb_merge_patch(v_old, p_new), p_pins);
    END IF;
    IF v_memory IS NULL OR v_old IS NULL AND v_memory = '{}'::jsonb THEN
        RETURN '{}'::jsonb;
    END IF;
    RETURN pg_catalog.jsonb_build_object('pipelineMemory', v_memory);
END
$$;

-- write a checked result into the render's row
CREATE FUNCTION renderchain._write_result(p_render_id uuid, p_result jsonb, p_credits integer, p_pins jsonb,
    p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_memory jsonb := NULLIF(p_result -> 'memory'::text, 'null'::jsonb);
    v_patch jsonb := renderchain._as_object(p_result -> 'context'::text);
BEGIN
    UPDATE renders r SET status = 'completed', error_message = NULL, completed_at = p_now, updated_at = p_now,
        output_url = NULLIF(p_result ->> 'outputUrl'::text, ''::text),
        output_key = NULLIF(p_result ->> 'outputKey'::text, ''::text),
        credits_cost = p_credits,
        processing_time = COALESCE(pg_catalog.ceil((p_result ->> 'processingTime'::text)::numeric)::integer,
            GREATEST(0, pg_catalog.ceil(EXTRACT(epoch FROM p_now - r.started_at::timestamptz)::numeric)::integer)),
        context_data = renderchain.jsonb_merge_patch(renderchain._as_object(r.context_data), v_patch)
            || renderchain._memory_to_keep(r.context_data -> 'pipelineMemory'::text, v_memory, p_pins),
        metadata = (renderchain._as_object(r.metadata) - 'error'::text)
            || (SELECT COALESCE(pg_catalog.jsonb_object_agg(m.key, m.value), '{}'::jsonb)
                FROM pg_catalog.jsonb_each(p_result) AS m (key, value)
                WHERE m.value <> 'null'::jsonb AND m.key IN ('selectedModel', 'processingMs', 'designIntent',
                    'imageAnalysis', 'validation', 'optimizedPrompt'))
    WHERE r.id = p_render_id;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_not_writable(p_render_id);
    END IF;
END
$$;

CREATE FUNCTION renderchain.complete_render(render_id uuid, attempt integer, result jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_chain_id uuid;
    v_status text;
    v_job record;
    v_pins jsonb;
    v_run integer;
    v_reserved integer;
    v_used integer;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT l.* INTO v_job FROM renderchain._lock_attempt(complete_render.render_id, complete_render.attempt) l;
    IF v_job.o_state = 'ended'::text THEN
        -- a driver that lost its connection asks again
        SELECT r.status::text INTO v_status FROM renders r WHERE r.id = complete_render.render_id;
        IF v_status = 'completed'::text THEN
            RETURN renderchain._get_render(complete_render.render_id);
        END IF;
        PERFORM renderchain._raise_ended(complete_render.render_id);
    END IF;
    PERFORM renderchain._check_result(complete_render.result);

    IF pg_catalog.jsonb_typeof(complete_render.result -> 'stages'::text) <> 'null'::text THEN
        PERFORM renderchain._write_events(complete_render.render_id, complete_render.attempt,
                                          complete_render.result -> 'stages'::text, v_now);
    END IF;
    UPDATE render_jobs j SET state = 'ended', lease_owner = NULL, lease_until = NULL
    WHERE j.render_id = complete_render.render_id RETURNING j.run, j.credits_reserved INTO v_run, v_reserved;
    IF complete_render.result ? 'memory'::text THEN
        -- pins are read under the lock that pin_memory takes too: either it is seen here or it sees this memory
        SELECT r.chain_id INTO v_chain_id FROM renders r WHERE r.id = complete_render.render_id FOR NO KEY UPDATE;
        SELECT p.pins INTO v_pins FROM memory_pins p WHERE p.chain_id = v_chain_id;
    END IF;
    v_used := renderchain._credits_used(complete_render.render_id, complete_render.result ->> 'selectedModel'::text,
                                        v_reserved);
    PERFORM renderchain._write_result(complete_render.render_id, complete_render.result, v_used, v_pins, v_now);
    IF pg_catalog.jsonb_typeof(complete_render.result -> 'objects'::text) = 'array'::text THEN
        PERFORM renderchain._write_objects(complete_render.render_id, complete_render.result -> 'objects'::text,
                                           'live'::text, v_now);
    END IF;
    IF v_reserved IS NOT NULL THEN
        PERFORM renderchain._release(complete_render.render_id, v_run, v_reserved, v_used, v_now);
    END IF;
    PERFORM renderchain._notify(complete_render.render_id, 'ended'::text);
    RETURN renderchain._get_render(complete_render.render_id);
END
$$;
COMMENT ON FUNCTION renderchain.complete_render(uuid, integer, jsonb) IS
'Ends a render as completed in one transaction: result, memory and context merged (a memory without members is none and makes none), last stage events, objects live, credits settled to those of selectedModel (never more than were reserved). Returns what get_render returns; so does the same attempt when it asks again, and nothing changes. RC001 lease lost, RC002 cancelled, RC005 invalid result, RC006 no such render, RC010 ended otherwise.';
