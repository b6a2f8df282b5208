-- Stages -----------------------------------------------------------------------

-- what a list of stage events must look like
CREATE FUNCTION renderchain._event_rule() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT $rule${
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
        "image": {"types": ["string", "null"], "bytes": 64, "shortest": 64, "pattern": "^[0-9a-f]*$",
            "is": "the SHA-256 of an image, 64 hexadecimal digits"}}}}$rule$::jsonb $$;

-- raise what is wrong with a list of events
CREATE FUNCTION renderchain._raise_events(p_events jsonb, p_where text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'invalid stage events' USING ERRCODE = 'RC005',
        DETAIL = p_where || renderchain._list_problem('event'::text, p_events, renderchain._event_rule()),
        HINT = 'An event looks like {"stage": "storage", "status": "success", "outcome": "ok", "durationMs": 12}.';
END
$$;

-- where in a call something is wrong: with which render, where it is about several
CREATE FUNCTION renderchain._where(p_render_ids uuid[], p_place integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE WHEN pg_catalog.cardinality(p_render_ids) > 1
                THEN pg_catalog.format('render %s: '::text, p_render_ids[p_place]) ELSE ''::text END;
END
$$;

-- write events of some attempts, as _write_events does, in one statement
CREATE FUNCTION renderchain._write_stages(p_render_ids uuid[], p_attempts integer[], p_events jsonb[], p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_seq bigint;
BEGIN
    -- not by ON CONFLICT, which locks and confirms every row: the locks on the jobs keep others away
    WITH event AS (
        SELECT l.render_id, l.attempt, l.stage, l.part, l.status, l.outcome, l.model, l.cost, l.place,
               pg_catalog.round(l.ms)::bigint AS duration_ms,
               COALESCE(l.first_start, p_now - COALESCE(l.ms, 0)::double precision * '1 millisecond'::interval) AS started_at,
               NULLIF(l.output, 'null'::jsonb) AS output, NULLIF(l.usage, 'null'::jsonb) AS usage,
               NULLIF(l.error, 'null'::jsonb) AS error
        FROM (SELECT d.render_id, d.attempt, e.stage, COALESCE(e.part, ''::text) AS part, e.status, e.outcome,
                     e."durationMs" AS ms, e.model, e.output, e.usage, e.cost, e.error, place.number AS place,
                     pg_catalog.min(e."startedAt") OVER same AS first_start,
                     pg_catalog.max(place.number) OVER same AS last_place
              FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_attempts), pg_catalog.unnest(p_events))
                       WITH ORDINALITY AS d (render_id, attempt, events, place),
                   ROWS FROM (pg_catalog.jsonb_to_recordset(d.events) AS (stage text, part text, status text, outcome text,
                       "startedAt" timestamptz, "durationMs" numeric, model text, output jsonb, usage jsonb,
                       cost numeric, error jsonb))
                       WITH ORDINALITY AS e (stage, part, status, outcome, "startedAt", "durationMs", model, output, usage,
                                             cost, error, place),
                   LATERAL (SELECT (d.place << 32) + e.place) AS place (number)
              WINDOW same AS (PARTITION BY d.render_id, e.stage, COALESCE(e.part, ''::text))) l
        WHERE l.place = l.last_place
    ), changed AS (
        UPDATE render_stages s
        SET seq = DEFAULT, status = e.status, outcome = e.outcome, duration_ms = e.duration_ms,
            model = COALESCE(e.model, s.model), output = COALESCE(e.output, s.output),
            usage = COALESCE(e.usage, s.usage), cost = COALESCE(e.cost, s.cost), error = e.error
        FROM event e
        WHERE s.render_id = e.render_id AND s.stage = e.stage AND s.part = e.part AND s.attempt = e.attempt
          AND s.render_id = ANY (p_render_ids)
          AND (s.status = 'running' OR e.status <> 'running'::text)
        RETURNING s.seq
    ), added AS (
        INSERT INTO render_stages AS s (render_id, stage, part, attempt, status, outcome, started_at, duration_ms,
                                        model, output, usage, cost, error)
        SELECT e.render_id, e.stage, e.part, e.attempt, e.status, e.outcome, e.started_at, e.duration_ms, e.model,
               e.output, e.usage, e.cost, e.error
        FROM event e
        WHERE NOT EXISTS (SELECT FROM render_stages x WHERE x.render_id = e.render_id AND x.stage = e.stage
                            AND x.part = e.part AND x.attempt = e.attempt AND x.render_id = ANY (p_render_ids))
        ORDER BY e.place
        RETURNING s.seq
    )
    SELECT pg_catalog.max(w.seq) INTO v_seq
    FROM (SELECT c.seq FROM changed c UNION ALL SELECT n.seq FROM added n) w;
    RETURN v_seq;
END
$$;

-- the same for a transaction that keeps its snapshot: it is told to try again where somebody has recorded one of these
-- stages since, which it does not see, instead of which constraint that breaks
CREATE FUNCTION renderchain._write_unseen_stages(p_render_ids uuid[], p_attempts integer[], p_events jsonb[],
    p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_table text;
BEGIN
    RETURN renderchain._write_stages(p_render_ids, p_attempts, p_events, p_now);
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS v_table = TABLE_NAME;
    IF v_table <> 'render_stages'::text THEN
        RAISE;
    END IF;
    RAISE EXCEPTION 'could not serialize access: stages of these renders have been recorded meanwhile'
        USING ERRCODE = 'serialization_failure', HINT = 'Try again, in a new transaction.';
END
$$;

-- write events of attempts whose job rows are locked, a list for each (NULL for none); of several events about one
-- stage and part of a render the last counts, with the first one's start. Every written row takes a new seq: stages that
-- were there before first, then new ones in the order of the events. A stage that has ended is not opened again by an
-- event that comes late. Returns the last seq. Of many attempts 32 at a time, as many as a worker brings: what is planned
-- while there are no rows compares each of a list with each.
CREATE FUNCTION renderchain._write_events(p_render_ids uuid[], p_attempts integer[], p_events jsonb[], p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_sees_others boolean := pg_catalog.current_setting('transaction_isolation'::text) = 'read committed'::text;
    v_with_images jsonb[] := '{}';
    v_seq bigint;
BEGIN
    FOR v_place IN 1 .. pg_catalog.cardinality(p_events) LOOP
        IF p_events[v_place] IS NOT NULL AND NOT renderchain._fits(p_events[v_place], renderchain._event_rule()) THEN
            PERFORM renderchain._raise_events(p_events[v_place], renderchain._where(p_render_ids, v_place));
        END IF;
        IF p_events[v_place] @? '$[*].image'::jsonpath THEN
            v_with_images := pg_catalog.array_append(v_with_images, p_events[v_place]);
        END IF;
    END LOOP;
    FOR v_from IN 1 .. pg_catalog.cardinality(p_events) BY 32 LOOP
        IF v_sees_others THEN
            v_seq := GREATEST(v_seq, renderchain._write_stages(p_render_ids[v_from:v_from + 31],
                p_attempts[v_from:v_from + 31], p_events[v_from:v_from + 31], p_now));
        ELSE
            v_seq := GREATEST(v_seq, renderchain._write_unseen_stages(p_render_ids[v_from:v_from + 31],
                p_attempts[v_from:v_from + 31], p_events[v_from:v_from + 31], p_now));
        END IF;
    END LOOP;
    IF pg_catalog.cardinality(v_with_images) > 0 THEN
        PERFORM renderchain._keep_analyses(v_with_images, p_now);
    END IF;
    RETURN v_seq;
END
$$;

-- Neither sequential scans nor joins by hashing or merging, here and where else much is written: a session that has
-- planned while its tables were empty would keep them until they are analysed, however many rows there are by then. All
-- rows are found by their keys: where a list is joined to a table, that is told the keys of the list once more, or a plan
-- for no rows would read all of the table and compare it with the list.
CREATE FUNCTION renderchain.record_stages(render_id uuid, attempt integer, events jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_state text := renderchain._lock_attempt(record_stages.render_id, record_stages.attempt);
    v_seq bigint;
BEGIN
    IF v_state = 'ended'::text THEN
        PERFORM renderchain._raise_ended(record_stages.render_id);
    END IF;
    v_seq := renderchain._write_events(ARRAY[record_stages.render_id], ARRAY[record_stages.attempt],
                                       ARRAY[COALESCE(record_stages.events, 'null'::jsonb)], renderchain.clock());
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
