-- Stages of many renders --------------------------------------------------------
--
-- A worker with hundreds of renders has so much to record that most of it would be
-- statements, commits and answers. So it records what waits at one time as one
-- statement. Each render is fenced for itself: what is refused of one is told, and
-- does not keep the others from being recorded.

-- what record_stages and register_objects would raise about an attempt that holds no lease
CREATE FUNCTION renderchain._refusal(p_render_id uuid, p_attempt integer, OUT o_code text, OUT o_message text,
    OUT o_detail text, OUT o_hint text)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF renderchain._lock_attempt(p_render_id, p_attempt) = 'ended'::text THEN
        PERFORM renderchain._raise_ended(p_render_id);
    END IF;
EXCEPTION WHEN SQLSTATE 'RC001' OR SQLSTATE 'RC002' OR SQLSTATE 'RC006' OR SQLSTATE 'RC010' THEN
    GET STACKED DIAGNOSTICS o_code = RETURNED_SQLSTATE, o_message = MESSAGE_TEXT, o_detail = PG_EXCEPTION_DETAIL,
        o_hint = PG_EXCEPTION_HINT;
END
$$;

CREATE FUNCTION renderchain.record_stages(renders jsonb)
RETURNS TABLE (render_id uuid, code text, message text, detail text, hint text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
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
        "objects": {"types": ["array", "null"], "is": "a list"}}}}'::jsonb;
    v_one record;
    v_held boolean;
    v_recorded jsonb := '[]'::jsonb;
BEGIN
    IF NOT renderchain._fits(record_stages.renders, v_rule) THEN
        RAISE EXCEPTION 'invalid list of renders' USING ERRCODE = 'RC005',
            DETAIL = renderchain._list_problem('render'::text, record_stages.renders, v_rule),
            HINT = 'It looks like [{"render": ..., "attempt": 1, "events": [...], "objects": [...]}].';
    END IF;
    FOR v_one IN
        -- in one order for all, so that two calls about the same renders cannot block each other
        SELECT e.render, e.attempt, e.events, e.objects
        FROM ROWS FROM (pg_catalog.jsonb_to_recordset(record_stages.renders)
                        AS (render uuid, attempt integer, events jsonb, objects jsonb)) WITH ORDINALITY
             AS e (render, attempt, events, objects, place)
        ORDER BY e.render, e.place
    LOOP
        -- as _lock_attempt does, which raises
        SELECT j.attempt = v_one.attempt AND j.state = 'running' AND NOT j.cancel_requested INTO v_held
        FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.render_id = v_one.render FOR NO KEY UPDATE OF j;
        IF v_held THEN
            PERFORM renderchain._write_events(v_one.render, v_one.attempt, v_one.events, v_now, false);
            v_recorded := v_recorded || v_one.events;
            IF pg_catalog.jsonb_typeof(v_one.objects) = 'array'::text THEN
                PERFORM renderchain._write_objects(v_one.render, v_one.attempt, v_one.objects, 'pending'::text, v_now);
            END IF;
            PERFORM renderchain._notify(v_one.render, 'stages'::text);
        ELSE
            SELECT f.o_code, f.o_message, f.o_detail, f.o_hint INTO code, message, detail, hint
            FROM renderchain._refusal(v_one.render, v_one.attempt) f;
            render_id := v_one.render;
            RETURN NEXT;
        END IF;
    END LOOP;
    -- those of all renders at once, so that they are in one order, too
    IF v_recorded @? '$[*].image'::jsonpath THEN
        PERFORM renderchain._keep_analyses(v_recorded, v_now);
    END IF;
END
$$;
COMMENT ON FUNCTION renderchain.record_stages(jsonb) IS
'record_stages and register_objects of many renders in one transaction, for workers that run many: [{"render","attempt","events","objects"?}]. One row a render that was refused, with the SQLSTATE that record_stages would have raised (code: RC001 lease lost, RC002 cancelled, RC006 no such render, RC010 ended) and its words; the others are recorded. RC005, and nothing is recorded, where what is to be recorded of any of them is invalid.';
