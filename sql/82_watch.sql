-- Watching -------------------------------------------------------------------------
--
-- What somebody who looks on asks, again and again: everything that has changed since
-- he last asked, in one call for any number of renders. He says what he has seen, so
-- that nothing is missed however long he was away, and nothing is told twice.

-- raise unless a text for what was seen looks like {"<render>": {"version": ..., "seq": ...}}
CREATE FUNCTION renderchain._check_seen(p_seen jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_key text;
BEGIN
    IF pg_catalog.jsonb_typeof(p_seen) IS DISTINCT FROM 'object'::text THEN
        RAISE EXCEPTION 'invalid list of what was seen' USING ERRCODE = 'RC005',
            HINT = 'It looks like {"<render id>": {"version": "...", "seq": 12}}; {} is nothing.';
    END IF;
    SELECT e.key INTO v_key FROM pg_catalog.jsonb_each(p_seen) e
    WHERE e.key !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text
       OR pg_catalog.jsonb_typeof(e.value) <> 'object'::text
       OR COALESCE(e.value ->> 'seq'::text, '0'::text) !~ '^[0-9]{1,18}$'::text
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invalid list of what was seen' USING ERRCODE = 'RC005',
            DETAIL = pg_catalog.format('The entry "%s" is none.'::text, pg_catalog.left(v_key, 80)),
            HINT = 'It looks like {"<render id>": {"version": "...", "seq": 12}}; {} is nothing.';
    END IF;
END
$$;

-- the renders to look at: those named, and from a time on those that are unfinished or
-- have ended since, those that run first; of one chain or of all
CREATE FUNCTION renderchain._watched(p_seen jsonb, p_chain_id uuid, p_since timestamptz, p_max integer) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids uuid[] := ARRAY(SELECT k.key::uuid FROM pg_catalog.jsonb_object_keys(p_seen) k (key));
BEGIN
    IF p_since IS NULL THEN
        RETURN v_ids;
    ELSIF p_chain_id IS NOT NULL THEN
        RETURN v_ids || ARRAY(
            SELECT j.render_id FROM renders r JOIN render_jobs j ON j.render_id = r.id
            WHERE r.chain_id = p_chain_id AND (j.state <> 'ended' OR j.ended_at >= p_since) AND NOT p_seen ? r.id::text
            ORDER BY LEAST(j.lease_until, j.deadline), j.render_id LIMIT p_max);
    END IF;
    RETURN v_ids
        || ARRAY(SELECT j.render_id FROM render_jobs j WHERE j.state <> 'ended'
                 ORDER BY LEAST(j.lease_until, j.deadline) LIMIT p_max)
        || ARRAY(SELECT j.render_id FROM render_jobs j WHERE j.ended_at >= p_since
                 ORDER BY j.ended_at DESC LIMIT p_max);
END
$$;

-- how long ago a time was; negative for one to come
CREATE FUNCTION renderchain._milliseconds_since(p_time timestamptz, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN pg_catalog.round(EXTRACT(epoch FROM p_now - p_time) * 1000::numeric);
END
$$;

-- the stages of a render that were written after a seq, oldest change first
CREATE FUNCTION renderchain._events_after(p_render_id uuid, p_seq bigint, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                       'seq', s.seq, 'stage', s.stage, 'part', NULLIF(s.part, ''::text), 'attempt', s.attempt,
                       'status', s.status, 'outcome', s.outcome, 'startedAt', s.started_at,
                       'runningMs', CASE WHEN s.status = 'running' THEN renderchain._milliseconds_since(s.started_at, p_now) END,
                       'durationMs', s.duration_ms,
                       'model', s.model, 'cost', s.cost,
                       'error', pg_catalog.left(COALESCE(s.error ->> 'message'::text, s.error::text), 1000))) ORDER BY s.seq)
            FROM render_stages s WHERE s.render_id = p_render_id AND s.seq > p_seq);
END
$$;

CREATE FUNCTION renderchain.watch_renders(seen jsonb DEFAULT '{}', chain_id uuid DEFAULT NULL,
    since timestamptz DEFAULT NULL, max_renders integer DEFAULT 1000) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_now timestamptz := renderchain.clock();
    v_ids uuid[];
BEGIN
    PERFORM renderchain._check_seen(watch_renders.seen);
    PERFORM renderchain._check_count(watch_renders.max_renders);
    v_ids := renderchain._watched(watch_renders.seen, watch_renders.chain_id, watch_renders.since, watch_renders.max_renders);
    RETURN pg_catalog.jsonb_build_object('at', v_now, 'renders', COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'renderId', w.id, 'version', w.version, 'userId', w.user_id, 'chainId', w.chain_id,
                   'chainName', (SELECT c.name::text FROM render_chains c WHERE c.id = w.chain_id),
                   'chainPosition', w.chain_position, 'type', w.type, 'prompt', w.prompt, 'status', COALESCE(w.status, 'deleted'::text),
                   'attempt', w.attempt, 'worker', w.lease_owner, 'error', w.error_message,
                   'submittedAt', w.submitted_at, 'startedAt', w.started_at, 'completedAt', w.completed_at,
                   'waitingMs', CASE WHEN w.state IN ('queued', 'waiting') THEN renderchain._milliseconds_since(w.run_after, v_now) END,
                   'runningMs', CASE WHEN w.state = 'running'::text THEN renderchain._milliseconds_since(w.started_at, v_now) END,
                   'processingMs', w.processing_ms, 'creditsCost', w.credits_cost,
                   'palette', pg_catalog.jsonb_path_query_array(
                       COALESCE(w.palette, renderchain.get_memory_from_chain(w.chain_id) -> 'palette'::text),
                       'strict $[*] ? (@.type() == "string")'::jsonpath, '{}', true),
                   'events', COALESCE(renderchain._events_after(w.id, w.seen_seq, v_now), '[]'::jsonb))
               ORDER BY w.submitted_at NULLS FIRST, w.id)
        FROM (SELECT d.id, r.user_id, r.chain_id, r.chain_position::integer AS chain_position, r.type::text AS type, r.prompt::text AS prompt,
                     r.status::text AS status, r.error_message::text AS error_message, r.credits_cost, r.started_at::timestamptz AS started_at, r.completed_at,
                     j.state, j.attempt, j.lease_owner, j.run_after, COALESCE(j.created_at, r.created_at) AS submitted_at,
                     r.metadata -> 'processingMs'::text AS processing_ms,
                     r.context_data #> '{pipelineMemory,palette}'::text[] AS palette,
                     pg_catalog.concat_ws('/'::text, COALESCE(r.status::text, 'deleted'::text), j.run, j.attempt,
                         CASE WHEN j.state IN ('queued', 'waiting') THEN EXTRACT(epoch FROM j.run_after) END) AS version,
                     COALESCE((d.mark ->> 'seq'::text)::bigint, 0::bigint) AS seen_seq, d.mark ->> 'version'::text AS seen_version
              FROM (SELECT i.id, watch_renders.seen -> i.id::text AS mark
                    FROM (SELECT DISTINCT u.id FROM pg_catalog.unnest(v_ids) u (id)) i) d
              LEFT JOIN renders r ON r.id = d.id LEFT JOIN render_jobs j ON j.render_id = r.id) w
        WHERE w.seen_version IS DISTINCT FROM w.version
           OR EXISTS (SELECT FROM render_stages s WHERE s.render_id = w.id AND s.seq > w.seen_seq)), '[]'::jsonb));
END
$$;
COMMENT ON FUNCTION renderchain.watch_renders(jsonb, uuid, timestamptz, integer) IS
'What has changed in many renders at once: {"at","renders":[{"renderId","version","userId","chainId","chainName","chainPosition","type","prompt","status","attempt","worker","error","submittedAt","startedAt","completedAt","waitingMs","runningMs","processingMs","creditsCost","palette","events":[{"seq","stage","part"?,"attempt","status","outcome"?,"startedAt","runningMs"?,"durationMs"?,"model"?,"cost"?,"error"?}]}]}. seen says what the caller knows already: {"<render id>": {"version", "seq"}}, as it got them last, or {} for a render that is new to him; renders of which nothing is new are left out. With since also renders that are unfinished or have ended at that time or later are looked at, of the chain or of all, at most max_renders (1 to 1000) of either, those of a chain beside those that seen names; with infinity only unfinished ones. waitingMs and runningMs are measured by the server''s clock, so that nobody needs to compare clocks; waitingMs is negative for a render that waits for its next attempt. palette is that of the chain as long as the render has none. A render that is not there (any more) has the status "deleted". RC005 for arguments out of range.';

CREATE FUNCTION renderchain.expected_durations(max_renders integer DEFAULT 200, OUT stage text, OUT model text,
    OUT runs bigint, OUT median_ms bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_count(expected_durations.max_renders);
    RETURN QUERY
    SELECT s.stage, s.model, pg_catalog.count(*),
           pg_catalog.percentile_disc(0.5::double precision) WITHIN GROUP (ORDER BY s.duration_ms)
    FROM (SELECT x.render_id FROM render_jobs x WHERE x.ended_at IS NOT NULL
          ORDER BY x.ended_at DESC LIMIT expected_durations.max_renders) j
    JOIN render_stages s ON s.render_id = j.render_id
    WHERE s.status = 'success' AND s.outcome IS DISTINCT FROM 'cached'::text AND s.duration_ms IS NOT NULL
    GROUP BY GROUPING SETS ((s.stage, s.model), (s.stage))
    -- the two are the same row where no model was named
    HAVING s.model IS NOT NULL OR GROUPING(s.model) = 1
    ORDER BY s.stage, s.model NULLS FIRST;
END
$$;
COMMENT ON FUNCTION renderchain.expected_durations(integer) IS
'How long stages take: the median of those that went well in the max_renders (1 to 1000) renders that ended last, by stage and model, and with model NULL by stage alone. Answers out of the cache of analyses do not count. RC005 for a number out of range.';
