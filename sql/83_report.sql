-- Reports ------------------------------------------------------------------------
--
-- What happened when, for whoever explains a chain afterwards: get_chain() says what came
-- of it, this how it went.

-- every stage of every attempt of a render, in the order of their starts, in milliseconds
-- since the render was submitted
CREATE FUNCTION renderchain._timeline(p_render_id uuid, p_since timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                       'stage', s.stage, 'part', NULLIF(s.part, ''::text), 'attempt', s.attempt, 'status', s.status,
                       'outcome', s.outcome, 'startMs', renderchain._milliseconds_since(p_since, s.started_at),
                       'durationMs', s.duration_ms, 'model', s.model,
                       'tries', CASE WHEN pg_catalog.jsonb_typeof(s.output -> 'tries'::text) = 'number'::text
                                     THEN s.output -> 'tries'::text END,
                       'cost', s.cost, 'error', pg_catalog.left(COALESCE(s.error ->> 'message'::text, s.error::text), 1000)))
                   ORDER BY s.started_at, s.seq)
            FROM render_stages s WHERE s.render_id = p_render_id);
END
$$;

CREATE FUNCTION renderchain.get_timelines(chain_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_now timestamptz := renderchain.clock();
BEGIN
    IF NOT EXISTS (SELECT FROM render_chains c WHERE c.id = get_timelines.chain_id) THEN
        RAISE EXCEPTION 'chain % does not exist', COALESCE(get_timelines.chain_id::text, 'null'::text) USING ERRCODE = 'RC006',
            HINT = 'renderchain.list_chains() lists chains, renderchain.find_chain() finds one by its name.';
    END IF;
    RETURN pg_catalog.jsonb_build_object('at', v_now, 'renders', COALESCE((
        SELECT pg_catalog.jsonb_object_agg(w.id, pg_catalog.jsonb_build_object(
                   'submittedAt', w.submitted_at, 'ageMs', renderchain._milliseconds_since(w.submitted_at, v_now),
                   'attempt', w.attempt, 'stages', COALESCE(renderchain._timeline(w.id, w.submitted_at), '[]'::jsonb)))
        FROM (SELECT r.id, j.attempt, COALESCE(j.created_at, r.created_at::timestamptz) AS submitted_at
              FROM renders r LEFT JOIN render_jobs j ON j.render_id = r.id
              WHERE r.chain_id = get_timelines.chain_id) w), '{}'::jsonb));
END
$$;
COMMENT ON FUNCTION renderchain.get_timelines(uuid) IS
'When the stages of a chain''s renders ran: {"at","renders":{"<render id>":{"submittedAt","ageMs","attempt","stages":[{"stage","part"?,"attempt","status","outcome"?,"startMs","durationMs"?,"model"?,"tries"?,"cost"?,"error"?}]}}}, all attempts, in the order of their starts; startMs and ageMs count from when the render was submitted. Starts are by the clock of the driver that ran the stage, so that startMs may be negative where clocks disagree. RC006 for an unknown chain.';
