-- Stages -----------------------------------------------------------------------

-- whether a text is an ISO 8601 date, or time with its zone, that the calendar has
CREATE FUNCTION renderchain._is_time(p_text text, p_date_only boolean DEFAULT false) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN p_text ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])' AND left(p_text, 4) <> '0000'
            AND substr(p_text, 11) ~ CASE WHEN p_date_only THEN '^$'
                ELSE '^[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)$' END
        THEN substr(p_text, 9, 2)::integer
             <= EXTRACT(day FROM make_date(left(p_text, 4)::integer, substr(p_text, 6, 2)::integer, 1)
                                 + interval '1 month - 1 day')
        ELSE false END
$$;

-- what is wrong with the first wrong event of a list, NULL if nothing
CREATE FUNCTION renderchain._event_problem(p_events jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(p_events) IS DISTINCT FROM 'array' THEN
        RETURN 'events are not a list';
    END IF;
    RETURN (
        SELECT format('event %s: %s', e.place, e.problem)
        FROM (SELECT d.place, CASE
                WHEN jsonb_typeof(d.v) <> 'object' THEN 'not an object'
                WHEN COALESCE(d.v ->> 'stage', '') NOT IN ('semantic_parsing', 'image_understanding',
                    'prompt_optimization', 'prompt_optimization_simple', 'model_routing', 'image_generation',
                    'video_generation', 'validation', 'memory_extraction', 'storage')
                    THEN format('unknown stage %s', COALESCE(renderchain._shown(d.v -> 'stage'), 'null'))
                WHEN COALESCE(d.v ->> 'status', '') NOT IN ('running', 'success', 'failed', 'skipped')
                    THEN format('status is %s, not "running", "success", "failed" or "skipped"',
                                COALESCE(renderchain._shown(d.v -> 'status'), 'null'))
                WHEN d.v ->> 'outcome' NOT IN ('ok', 'blocked', 'empty', 'malformed', 'rate_limited', 'overloaded',
                    'rejected', 'unreachable', 'unknown', 'skipped', 'cached')
                    THEN format('unknown outcome %s', renderchain._shown(d.v -> 'outcome'))
                WHEN length(d.v ->> 'part') > 200 THEN 'part is longer than 200 characters'
                WHEN jsonb_typeof(d.v -> 'startedAt') NOT IN ('string', 'null')
                    OR d.v ->> 'startedAt' IS NOT NULL AND NOT renderchain._is_time(d.v ->> 'startedAt')
                    THEN format('startedAt is %s, not a time like "2026-01-31T12:00:00.000Z"',
                                renderchain._shown(d.v -> 'startedAt'))
                WHEN jsonb_typeof(d.v -> 'durationMs') NOT IN ('number', 'null')
                    OR (d.v ->> 'durationMs')::numeric NOT BETWEEN 0 AND 1e12
                    THEN format('durationMs is %s, not a number from 0', renderchain._shown(d.v -> 'durationMs'))
                WHEN jsonb_typeof(d.v -> 'cost') NOT IN ('number', 'string', 'null')
                    OR d.v ->> 'cost' !~ '^\d{1,12}(\.\d{1,255})?([eE]-\d{1,2})?$'
                    THEN format('cost is %s, not a number from 0; leave it out where it is unknown',
                                renderchain._shown(d.v -> 'cost'))
                WHEN jsonb_typeof(d.v -> 'model') NOT IN ('string', 'null') THEN 'model is not a text'
                END AS problem
              FROM jsonb_array_elements(p_events) WITH ORDINALITY AS d (v, place)) e
        WHERE e.problem IS NOT NULL ORDER BY e.place LIMIT 1);
END
$$;

-- write events of an attempt whose job row is locked; of several events about one
-- stage and part in a call the last counts, with the first one's start. Every
-- written row takes a new seq, in the order of the events. A stage that has ended
-- is not opened again by an event that comes late.
CREATE FUNCTION renderchain._write_events(p_render_id uuid, p_attempt integer, p_events jsonb, p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_problem text := renderchain._event_problem(p_events);
    v_seq bigint;
BEGIN
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION 'invalid stage events' USING ERRCODE = 'RC005', DETAIL = v_problem,
            HINT = 'An event looks like {"stage": "storage", "status": "success", "outcome": "ok", "durationMs": 12}.';
    END IF;
    WITH written AS (
        INSERT INTO render_stages AS s (render_id, stage, part, attempt, status, outcome, started_at, duration_ms,
                                        model, output, usage, cost, error)
        SELECT p_render_id, l.stage, COALESCE(l.part, ''::text), p_attempt, l.status, l.outcome,
               COALESCE(l.first_start, p_now - COALESCE(l.ms, 0)::double precision * '1 millisecond'::interval),
               pg_catalog.round(l.ms)::bigint, l.model, NULLIF(l.output, 'null'::jsonb), NULLIF(l.usage, 'null'::jsonb),
               l.cost, NULLIF(l.error, 'null'::jsonb)
        FROM (SELECT e.stage, e.part, e.status, e.outcome, e."durationMs" AS ms, e.model, e.output, e.usage, e.cost,
                     e.error, d.place,
                     pg_catalog.min(e."startedAt") OVER same AS first_start,
                     pg_catalog.max(d.place) OVER same AS last_place
              FROM pg_catalog.jsonb_array_elements(p_events) WITH ORDINALITY AS d (event, place),
                   pg_catalog.jsonb_to_record(d.event) AS e (stage text, part text, status text, outcome text,
                       "startedAt" timestamptz, "durationMs" numeric, model text, output jsonb, usage jsonb,
                       cost numeric, error jsonb)
              WINDOW same AS (PARTITION BY e.stage, COALESCE(e.part, ''::text))) l
        WHERE l.place = l.last_place
        ORDER BY l.place
        ON CONFLICT (render_id, stage, part, attempt) DO UPDATE
        SET seq = DEFAULT, status = excluded.status, outcome = excluded.outcome,
            duration_ms = excluded.duration_ms, model = COALESCE(excluded.model, s.model),
            output = COALESCE(excluded.output, s.output), usage = COALESCE(excluded.usage, s.usage),
            cost = COALESCE(excluded.cost, s.cost), error = excluded.error
        WHERE s.status = 'running' OR excluded.status <> 'running'
        RETURNING s.seq
    )
    SELECT pg_catalog.max(w.seq) INTO v_seq FROM written w;
    RETURN v_seq;
END
$$;

CREATE FUNCTION renderchain.record_stages(render_id uuid, attempt integer, events jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_job record;
    v_seq bigint;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT l.* INTO v_job FROM renderchain._lock_attempt(record_stages.render_id, record_stages.attempt) l;
    IF v_job.o_state = 'ended'::text THEN
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
'Records starts and ends of stages of an attempt: [{"stage","part"?,"status","outcome"?,"startedAt"?,"durationMs"?,"model"?,"output"?,"usage"?,"cost"?,"error"?}]; returns the last seq of the render. One row a stage, part and attempt: the end replaces the start. An empty list checks the lease. RC001 lease lost, RC002 cancelled, RC005 invalid or unknown stage, RC006 no such render, RC010 ended.';

-- the stages of a render that were run and have ended, in the order of their starts, as stage_events() shows them
CREATE FUNCTION renderchain._stage_events(p_render_id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'stage', s.stage, 'status', s.status, 'part', NULLIF(s.part, ''::text), 'model', s.model,
                   'outcome', NULLIF(s.outcome, 'ok'::text),
                   'attempt', CASE WHEN s.attempt > 1 THEN s.attempt END))
               || pg_catalog.jsonb_build_object('durationMs', s.duration_ms) ORDER BY s.started_at, s.seq)
        FROM render_stages s WHERE s.render_id = p_render_id AND s.status IN ('success', 'failed')), '[]'::jsonb);
END
$$;

CREATE FUNCTION renderchain.stage_events(render_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_render(stage_events.render_id);
    RETURN renderchain._stage_events(stage_events.render_id);
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
