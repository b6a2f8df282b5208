-- Ends -------------------------------------------------------------------------

-- the metadata of a render as an object, whatever an application has put there
CREATE FUNCTION renderchain._as_object(p_value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE WHEN pg_catalog.jsonb_typeof(p_value) = 'object' THEN p_value ELSE '{}'::jsonb END;
END
$$;

-- end a render without a result: stages closed, objects doomed, credits given
-- back, all at once. The job row is locked by the caller.
CREATE FUNCTION renderchain._end_without_result(p_render_id uuid, p_status text, p_error jsonb, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_run integer;
    v_reserved integer;
    v_chain_id uuid;
BEGIN
    PERFORM renderchain._close_stages(p_render_id, p_now);
    UPDATE render_jobs j SET state = 'ended', lease_owner = NULL, lease_until = NULL, ended_at = p_now,
           cancel_requested = p_status = 'cancelled', waits_for = NULL
    WHERE j.render_id = p_render_id RETURNING j.run, j.credits_reserved, j.chain_id INTO v_run, v_reserved, v_chain_id;
    UPDATE renders r SET status = p_status, error_message = p_error ->> 'message'::text, credits_cost = 0,
           metadata = renderchain._as_object(r.metadata) || pg_catalog.jsonb_build_object('error', p_error),
           updated_at = p_now
    WHERE r.id = p_render_id;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_not_writable(p_render_id);
    END IF;
    PERFORM renderchain._doom_objects(p_render_id, p_now);
    IF v_reserved IS NOT NULL THEN
        PERFORM renderchain._release(p_render_id, v_run, v_reserved, NULL::integer, p_now);
    END IF;
    PERFORM renderchain._end_wait(ARRAY[p_render_id], ARRAY[v_chain_id], p_now);
END
$$;

-- close what is still running of a render's stages: nobody will, and nobody knows
-- how it ended. A video's operation may stay open: it goes on at the provider.
CREATE FUNCTION renderchain._close_stages(p_render_id uuid, p_now timestamptz, p_keep_operations boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE render_stages s SET seq = DEFAULT, status = 'failed', outcome = 'unknown',
           duration_ms = GREATEST(0, pg_catalog.round(EXTRACT(epoch FROM p_now - s.started_at) * 1000::numeric)::bigint),
           error = '{"message": "nobody recorded how it ended"}'::jsonb
    WHERE s.render_id = p_render_id AND s.status = 'running'
      AND NOT (p_keep_operations AND s.stage = 'video_generation' AND s.output ? 'operation'::text);
END
$$;

-- take a render whose job row is locked from whoever runs it: queue it again, or
-- end it as failed where nothing is left to try. A paid call that was sent and
-- never answered is not sent again by itself. A free one has used up no attempt.
-- Returns the new status.
CREATE FUNCTION renderchain._give_back(p_render_id uuid, p_now timestamptz, p_run_after timestamptz, p_error jsonb,
    p_free boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_job record;
    v_error jsonb;
BEGIN
    SELECT j.attempt, j.base_attempt, j.max_attempts, j.deadline, j.user_id, j.priority, j.provider,
           COALESCE(j.request ->> 'type'::text, 'image'::text) AS type INTO v_job
    FROM render_jobs j WHERE j.render_id = p_render_id;
    IF v_job.deadline <= GREATEST(p_now, p_run_after) THEN
        -- neither it nor what waits for it is kept waiting for nothing
        v_error := pg_catalog.jsonb_build_object('reason', 'deadline', 'message',
            COALESCE((p_error ->> 'message'::text) || '; '::text, ''::text)
            || CASE WHEN v_job.deadline <= p_now THEN 'the deadline of the render has passed'::text
                    ELSE 'the next attempt would be after the deadline of the render'::text END);
    ELSIF EXISTS (SELECT FROM render_stages s
                  WHERE s.render_id = p_render_id AND s.status = 'running'
                    -- the second picture of a render is not needed
                    AND (s.stage = 'image_generation' AND s.part <> 'correction'
                         OR s.stage = 'video_generation' AND NOT COALESCE(s.output ? 'operation'::text, false))) THEN
        v_error := pg_catalog.jsonb_build_object('reason', 'unknown', 'outcome', 'unknown', 'message',
            COALESCE((p_error ->> 'message'::text) || '; '::text, ''::text)
            || 'a generation was sent and nobody knows how it ended, so it is not paid for a second time; '::text
            || 'retry the render to send it again'::text);
    ELSIF NOT p_free AND v_job.attempt - v_job.base_attempt >= v_job.max_attempts THEN
        v_error := pg_catalog.jsonb_build_object('reason', 'attempts', 'message',
            COALESCE((p_error ->> 'message'::text) || '; '::text, ''::text)
            || pg_catalog.format('all %s attempts are used up'::text, v_job.max_attempts));
    ELSE
        PERFORM renderchain._close_stages(p_render_id, p_now, true);
        UPDATE render_jobs j SET state = 'queued', lease_owner = NULL, lease_until = NULL, run_after = p_run_after,
               max_attempts = j.max_attempts + p_free::integer,
               queue_id = renderchain._queue_for(v_job.user_id, v_job.priority, v_job.type, v_job.provider, p_run_after, p_now)
        WHERE j.render_id = p_render_id;
        -- whoever starts it in this same transaction writes its row a second time, which
        -- PostgreSQL answers by checking that its chain exists: lock that first, as pin_memory does
        PERFORM FROM render_chains c
        WHERE c.id = (SELECT r.chain_id FROM renders r WHERE r.id = p_render_id) FOR KEY SHARE;
        UPDATE renders r SET status = 'pending', updated_at = p_now WHERE r.id = p_render_id;
        IF NOT FOUND THEN
            PERFORM renderchain._raise_not_writable(p_render_id);
        END IF;
        RETURN 'pending'::text;
    END IF;
    PERFORM renderchain._end_without_result(p_render_id, 'failed'::text, COALESCE(p_error, '{}'::jsonb) || v_error, p_now);
    RETURN 'failed'::text;
END
$$;

-- as _give_back, for one of several renders: one that cannot be written (a trigger, a policy) must not keep the
-- others from it. NULL for such a one.
CREATE FUNCTION renderchain._try_to_give_back(p_render_id uuid, p_now timestamptz, p_error jsonb, p_free boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN renderchain._give_back(p_render_id, p_now, p_now, p_error, p_free);
EXCEPTION WHEN OTHERS THEN
    -- serialization and deadlock, resources, lock timeout, intervention: of the moment, not of the render
    IF pg_catalog.left(SQLSTATE, 2) IN ('40', '53', '55', '57') THEN
        RAISE;
    END IF;
    RAISE WARNING 'render % could neither be queued again nor ended: %', p_render_id, SQLERRM USING ERRCODE = SQLSTATE;
    RETURN NULL;
END
$$;

CREATE FUNCTION renderchain.fail_render(render_id uuid, attempt integer, error jsonb, retry boolean) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_state text;
    v_status text;
    v_runs integer;
    v_wait numeric;
    v_error jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    v_state := renderchain._lock_attempt(fail_render.render_id, fail_render.attempt);
    IF v_state = 'ended'::text THEN
        SELECT r.status::text INTO v_status FROM renders r WHERE r.id = fail_render.render_id;
        IF v_status = 'failed'::text THEN
            RETURN v_status;
        END IF;
        PERFORM renderchain._raise_ended(fail_render.render_id);
    END IF;
    IF pg_catalog.jsonb_typeof(fail_render.error) IS DISTINCT FROM 'object'::text
       OR pg_catalog.jsonb_typeof(fail_render.error -> 'message'::text) IS DISTINCT FROM 'string'::text
       OR fail_render.error ->> 'message'::text = ''::text
       OR pg_catalog.jsonb_typeof(fail_render.error -> 'retryAfterSeconds'::text) NOT IN ('number', 'null')
       OR (fail_render.error ->> 'retryAfterSeconds'::text)::numeric < 0::numeric THEN
        RAISE EXCEPTION 'invalid error' USING ERRCODE = 'RC005',
            DETAIL = pg_catalog.format('It is %s.'::text, COALESCE(renderchain._shown(fail_render.error), 'null'::text)),
            HINT = 'An error looks like {"stage": "image_generation", "outcome": "blocked", "message": "..."}, with "provider", "retryAfterSeconds" and more where they are known.';
    END IF;
    v_error := fail_render.error - 'retryAfterSeconds'::text;

    IF COALESCE(fail_render.retry, false) THEN
        -- 1, 2, 4 ... seconds, at most 5 minutes, or as long as the error says, at most an hour
        SELECT j.attempt - j.base_attempt INTO v_runs FROM render_jobs j WHERE j.render_id = fail_render.render_id;
        v_wait := LEAST(COALESCE((fail_render.error ->> 'retryAfterSeconds'::text)::numeric,
            LEAST(300::numeric, pg_catalog.power(2::numeric,
                LEAST(9, v_runs - 1)::numeric))), 3600::numeric);
        v_status := renderchain._give_back(fail_render.render_id, v_now,
            v_now + v_wait::double precision * '1 second'::interval, v_error);
    ELSE
        PERFORM renderchain._end_without_result(fail_render.render_id, 'failed'::text, v_error, v_now);
        v_status := 'failed'::text;
    END IF;
    IF v_status = 'failed'::text THEN
        PERFORM renderchain._hurry_objects(fail_render.render_id, v_now);
    END IF;
    PERFORM renderchain._notify(fail_render.render_id, CASE WHEN v_status = 'pending'::text
                                                            THEN 'queued'::text ELSE 'ended'::text END);
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION renderchain.fail_render(uuid, integer, jsonb, boolean) IS
'Ends an attempt without a result. With retry the render is queued again, after 1, 2, 4 ... seconds or the error''s retryAfterSeconds, at most an hour, as long as attempts last, it is not past the deadline by then and no generation is recorded as started without an end; otherwise it ends as failed: credits refunded, objects doomed. error: {"stage","outcome","message","provider"?,"retryAfterSeconds"?}. Returns the new status, pending or failed; failing again what failed changes nothing. RC001 lease lost, RC002 cancelled, RC005 invalid error, RC006 no such render, RC010 completed.';

CREATE FUNCTION renderchain.cancel_render(render_id uuid) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state text;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT j.state INTO v_state FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE j.render_id = cancel_render.render_id FOR NO KEY UPDATE OF j;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_no_job(cancel_render.render_id);
    ELSIF v_state = 'ended'::text THEN
        RETURN (SELECT r.status::text FROM renders r WHERE r.id = cancel_render.render_id);
    END IF;
    PERFORM renderchain._end_without_result(cancel_render.render_id, 'cancelled'::text,
                                            '{"message": "cancelled"}'::jsonb, renderchain.clock());
    PERFORM renderchain._notify(cancel_render.render_id, 'ended'::text);
    RETURN 'cancelled'::text;
END
$$;
COMMENT ON FUNCTION renderchain.cancel_render(uuid) IS
'Ends a pending or processing render as cancelled at once: credits refunded, objects doomed; whoever runs it is told at its next write or heartbeat (RC002). Returns the status after the call: one that had ended before keeps its own. RC006 for an unknown render.';

-- raise why there is no job for a render
CREATE FUNCTION renderchain._raise_no_job(p_render_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM renderchain._check_render(p_render_id);
    RAISE EXCEPTION 'render % was not submitted through renderchain', p_render_id USING ERRCODE = 'RC006',
        DETAIL = 'It has no row in render_jobs.',
        HINT = 'Renders that an application inserts itself are read, not run; renderchain.submit_render() makes those that are run.';
END
$$;

CREATE FUNCTION renderchain.retry_render(render_id uuid) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_job record;
    v_render record;
    v_credits integer;
    v_reserved integer;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT j.state, j.run, j.request, j.priority, j.provider INTO v_job
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE j.render_id = retry_render.render_id FOR NO KEY UPDATE OF j;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_no_job(retry_render.render_id);
    END IF;
    SELECT r.status::text AS status, r.user_id INTO v_render FROM renders r WHERE r.id = retry_render.render_id;
    IF v_job.state <> 'ended'::text THEN
        RETURN v_render.status;
    ELSIF v_render.status = 'completed'::text THEN
        RAISE EXCEPTION 'render % is completed', retry_render.render_id USING ERRCODE = 'RC010',
            HINT = 'Submit the request again, without its idempotencyKey, for another result.';
    END IF;
    v_credits := renderchain._price(v_job.request, v_now);
    UPDATE renders r SET status = 'pending', error_message = NULL, credits_cost = v_credits, started_at = NULL,
           metadata = renderchain._as_object(r.metadata) - 'error'::text, updated_at = v_now
    WHERE r.id = retry_render.render_id;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_not_writable(retry_render.render_id);
    END IF;
    v_reserved := renderchain._reserve(v_render.user_id, retry_render.render_id, v_job.run + 1, v_credits, v_now);
    UPDATE render_jobs j SET state = 'queued', run = j.run + 1, base_attempt = j.attempt, run_after = v_now,
           max_attempts = pg_catalog.current_setting('renderchain.max_attempts'::text)::integer,
           deadline = v_now + pg_catalog.current_setting('renderchain.deadline'::text)::interval,
           cancel_requested = false, ended_at = NULL, unheard = false, credits_reserved = v_reserved, user_id = v_render.user_id,
           queue_id = renderchain._queue_for(v_render.user_id, v_job.priority, v_job.request ->> 'type'::text,
                                             v_job.provider, v_now, v_now)
    WHERE j.render_id = retry_render.render_id;
    PERFORM renderchain._notify(retry_render.render_id, 'queued'::text);
    RETURN 'pending'::text;
END
$$;
COMMENT ON FUNCTION renderchain.retry_render(uuid) IS
'Queues a failed or cancelled render again as a new run, with its credits reserved anew, its attempts and deadline fresh and its analyses reused; a generation is sent again. Returns pending; a render that is pending or processing keeps its status. RC003 too few credits, RC004 model or price gone, RC006 no such render, RC007 no credit account, RC010 completed.';
