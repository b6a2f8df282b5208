-- Stages -----------------------------------------------------------------------

-- write events of an attempt whose job row is locked; of several events about one
-- stage and part in a call the last counts, with the first one's start. Every
-- written row takes a new seq: stages that were there before first, then new ones in
-- the order of the events. A stage that has ended is not opened again by an event
-- that comes late.
CREATE FUNCTION renderchain._write_events(p_render_id uuid, p_attempt integer, p_events jsonb, p_now timestamptz,
    p_with_analyses boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_rule jsonb := $rule${
    "types": ["array"],
    "items": {"types": ["object"], "needed": ["stage", "status"], "others": {}, "members": {
        "stage": {"types": ["string"], "is": "a stage of the pipeline",
            "values": ["semantic_parsing", "image_understanding", "prompt_optimization", "prompt_optimization_simple",
                "model_routing", "image_generation", "video_generation", "validation", "memory_extraction", "storage"]},
        "status": {"types": ["string"], "values": ["running", "success", "failed", "skipped"],
            "is": "\"running\", \"success\", \"failed\" or \"skipped\""},
        "outcome": {"types": ["string", "null"], "is": "an outcome",
            "values": ["ok", "blocked", "empty", "malformed", "rate_limited", "overloaded", "rejected", "unreachable",
                "unknown", "skipped", "cached"]},
        "part": {"types": ["string", "null"], "longest": 200, "is": "a text of up to 200 characters"},
        "startedAt": {"types": ["string", "null"], "time": true, "is": "a time like \"2026-01-31T12:00:00.000Z\""},
        "durationMs": {"types": ["number", "null"], "pattern": "^([0-9]{1,12}([.][0-9]+)?|10{12}([.]0+)?)$",
            "is": "a number from 0"},
        "cost": {"types": ["number", "string", "null"], "longest": 300,
            "pattern": "^[0-9]{1,12}([.][0-9]+)?([eE]-[0-9]{1,2})?$",
            "is": "a number from 0; leave it out where it is unknown"},
        "model": {"types": ["string", "null"], "is": "a text"},
        "image": {"types": ["string", "null"], "pattern": "^[0-9a-f]{64}$",
            "is": "the SHA-256 of an image, 64 hexadecimal digits"}}}}$rule$::jsonb;
    v_seq bigint;
BEGIN
    IF NOT renderchain._fits(p_events, v_rule) THEN
        RAISE EXCEPTION 'invalid stage events' USING ERRCODE = 'RC005',
            DETAIL = renderchain._list_problem('event'::text, p_events, v_rule),
            HINT = 'An event looks like {"stage": "storage", "status": "success", "outcome": "ok", "durationMs": 12}.';
    END IF;
    -- not by ON CONFLICT, which locks and confirms every row: the lock on the job keeps others away
    WITH event AS (
        SELECT l.stage, l.part, l.status, l.outcome, l.model, l.cost, l.place, pg_catalog.round(l.ms)::bigint AS duration_ms,
               COALESCE(l.first_start, p_now - COALESCE(l.ms, 0)::double precision * '1 millisecond'::interval) AS started_at,
               NULLIF(l.output, 'null'::jsonb) AS output, NULLIF(l.usage, 'null'::jsonb) AS usage,
               NULLIF(l.error, 'null'::jsonb) AS error
        FROM (SELECT e.stage, COALESCE(e.part, ''::text) AS part, e.status, e.outcome, e."durationMs" AS ms, e.model,
                     e.output, e.usage, e.cost, e.error, d.place,
                     pg_catalog.min(e."startedAt") OVER same AS first_start,
                     pg_catalog.max(d.place) OVER same AS last_place
              FROM pg_catalog.jsonb_array_elements(p_events) WITH ORDINALITY AS d (event, place),
                   pg_catalog.jsonb_to_record(d.event) AS e (stage text, part text, status text, outcome text,
                       "startedAt" timestamptz, "durationMs" numeric, model text, output jsonb, usage jsonb,
                       cost numeric, error jsonb)
              WINDOW same AS (PARTITION BY e.stage, COALESCE(e.part, ''::text))) l
        WHERE l.place = l.last_place
    ), changed AS (
        UPDATE render_stages s
        SET seq = DEFAULT, status = e.status, outcome = e.outcome, duration_ms = e.duration_ms,
            model = COALESCE(e.model, s.model), output = COALESCE(e.output, s.output),
            usage = COALESCE(e.usage, s.usage), cost = COALESCE(e.cost, s.cost), error = e.error
        FROM event e
        WHERE s.render_id = p_render_id AND s.stage = e.stage AND s.part = e.part AND s.attempt = p_attempt
          AND (s.status = 'running' OR e.status <> 'running'::text)
        RETURNING s.seq
    ), added AS (
        INSERT INTO render_stages AS s (render_id, stage, part, attempt, status, outcome, started_at, duration_ms,
                                        model, output, usage, cost, error)
        SELECT p_render_id, e.stage, e.part, p_attempt, e.status, e.outcome, e.started_at, e.duration_ms, e.model,
               e.output, e.usage, e.cost, e.error
        FROM event e
        WHERE NOT EXISTS (SELECT FROM render_stages x WHERE x.render_id = p_render_id AND x.stage = e.stage
                            AND x.part = e.part AND x.attempt = p_attempt)
        ORDER BY e.place
        RETURNING s.seq
    )
    SELECT pg_catalog.max(w.seq) INTO v_seq
    FROM (SELECT c.seq FROM changed c UNION ALL SELECT n.seq FROM added n) w;
    IF p_with_analyses AND p_events @? '$[*].image'::jsonpath THEN
        PERFORM renderchain._keep_analyses(p_events, p_now);
    END IF;
    RETURN v_seq;
END
$$;

-- no sequential scans, here and where else much is written: a session that has planned while its tables were empty
-- would keep them until they are analysed, however many rows there are by then
CREATE FUNCTION renderchain.record_stages(render_id uuid, attempt integer, events jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_state text := renderchain._lock_attempt(record_stages.render_id, record_stages.attempt);
    v_seq bigint;
BEGIN
    IF v_state = 'ended'::text THEN
        PERFORM renderchain._raise_ended(record_stages.render_id);
    END IF;
    v_seq := renderchain._write_events(record_stages.render_id, record_stages.attempt, record_stages.events,
                                       renderchain.clock());
    IF v_seq IS NOT NULL THEN
        PERFORM renderchain._notify(record_stages.render_id, 'stages'::text);
        RETURN v_seq;
    END IF;
    RETURN COALESCE((SELECT pg_catalog.max(s.seq) FROM render_stages s
                     WHERE s.render_id = record_stages.render_id), 0::bigint);
END
$$;
COMMENT ON FUNCTION renderchain.record_stages(uuid, integer, jsonb) IS
'Records starts and ends of stages of an attempt: [{"stage","part"?,"status","outcome"?,"startedAt"?,"durationMs"?,"model"?,"output"?,"usage"?,"cost"?,"error"?,"image"?}]; returns the last seq of the render. "image" is the SHA-256 of the image that image_understanding or memory_extraction has looked at: an answer that went well (output.answer, with output.promptVersion) is kept and comes with the claim of the next render that has this image; that of memory_extraction must have all that image_understanding answers. One row a stage, part and attempt: the end replaces the start. An empty list checks the lease. RC001 lease lost, RC002 cancelled, RC005 invalid or unknown stage, RC006 no such render, RC010 ended.';

CREATE FUNCTION renderchain.stage_events(render_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_render(stage_events.render_id);
    RETURN renderchain._get_render(stage_events.render_id) #> '{data,stageEvents}'::text[];
END
$$;
COMMENT ON FUNCTION renderchain.stage_events(uuid) IS
'The stages of a render that were run, in the order of their starts: [{"stage","status","durationMs"}], status success or failed, with "part", "model", "outcome" (other than ok) and "attempt" (after the first) where they say something. Stages that are running or were skipped are in render_stages and events_since() only. RC006 for an unknown render.';

-- seq is both argument and result
CREATE FUNCTION renderchain.events_since(IN render_id uuid, INOUT seq bigint, OUT stage text, OUT part text,
    OUT attempt integer, OUT status text, OUT outcome text, OUT started_at timestamptz, OUT duration_ms bigint,
    OUT model text, OUT output jsonb, OUT usage jsonb, OUT cost numeric, OUT error jsonb)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_render(events_since.render_id);
    RETURN QUERY
    SELECT s.seq, s.stage, s.part, s.attempt, s.status, s.outcome, s.started_at, s.duration_ms, s.model, s.output,
           s.usage, s.cost, s.error
    FROM render_stages s
    WHERE s.render_id = events_since.render_id AND s.seq > COALESCE(events_since.seq, 0::bigint) ORDER BY s.seq;
END
$$;
COMMENT ON FUNCTION renderchain.events_since(uuid, bigint) IS
'Every stage of a render whose row was written after seq (0 or NULL: all of them), the oldest change first. Within a render seq follows the order of commits, so a viewer that asks again with the last seq it saw misses nothing. RC006 for an unknown render.';
