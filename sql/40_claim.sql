-- Claiming -------------------------------------------------------------------
--
-- A job is queued, running under a lease, or ended. Running jobs whose lease has
-- run out, and any whose deadline has passed, are found through one index on
-- LEAST(lease_until, deadline) by whoever claims next. Locked rows are skipped:
-- claimers never wait for each other. Which of those that wait is next: 36.

-- refuse names and leases that make no sense; returns true
CREATE FUNCTION renderchain._check_worker(worker text, lease interval) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_check_worker';

-- what a render starts from: memory, and the output that it follows
CREATE FUNCTION renderchain._starting_point(render_id uuid, chain_id uuid, parent_id uuid,
    OUT o_memory jsonb, OUT o_previous_output jsonb)
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'rc_sql_starting_point';

-- what earlier attempts have done that need not be done again: the latest success
-- of every stage and part, a video still being generated, by its operation, and
-- that a second picture was asked for, which is asked for once only.
-- Of a generation only what this run has paid for counts, since its bytes may
-- be gone with the run's end.
CREATE FUNCTION renderchain._stages_done(p_render_id uuid, p_attempt integer, p_base_attempt integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('stage', d.stage, 'part', d.part,
                   'attempt', d.attempt, 'status', d.status, 'output', d.output, 'model', d.model) ORDER BY d.seq)
        FROM (SELECT DISTINCT ON (s.stage, s.part) s.stage, s.part, s.attempt, s.status, s.output, s.model, s.seq
              FROM render_stages s
              WHERE s.render_id = p_render_id AND s.attempt < p_attempt
                AND (s.status = 'success' OR s.status = 'running' AND s.stage = 'video_generation'
                     OR s.stage = 'image_generation' AND s.part = 'correction')
                AND (s.attempt > p_base_attempt
                     OR s.stage NOT IN ('image_generation', 'video_generation', 'storage'))
              ORDER BY s.stage, s.part, s.attempt DESC) d), '[]'::jsonb);
END
$$;

-- start the next attempt of jobs that do not run and whose rows are locked already
CREATE FUNCTION renderchain._start(p_render_ids uuid[], p_worker text, p_lease interval, p_now timestamptz)
RETURNS TABLE (o_render_id uuid, o_chain_id uuid, o_chain_position integer, o_type text, o_request jsonb,
               o_attempt integer, o_memory jsonb, o_previous_output jsonb, o_stages jsonb, o_analyses jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_started bigint;
    v_refused uuid;
BEGIN
    RETURN QUERY
    WITH taken AS (
        UPDATE render_jobs j SET state = 'running', attempt = j.attempt + 1, lease_owner = p_worker,
               lease_until = LEAST(p_now + p_lease, CASE j.state WHEN 'waiting' THEN renderchain._deadline_from(p_now)
                                                                 ELSE j.deadline END),
               deadline = CASE j.state WHEN 'waiting' THEN renderchain._deadline_from(p_now) ELSE j.deadline END,
               waits_for = NULL
        -- by its key: said plainly, the state would have the planner read the index of all that is queued
        WHERE j.render_id = ANY (p_render_ids) AND COALESCE(j.state, ''::text) IN ('queued', 'waiting')
        RETURNING j.render_id, j.request, j.attempt, j.base_attempt
    ), marked AS (
        UPDATE renders r SET status = 'processing', started_at = COALESCE(r.started_at, p_now), updated_at = p_now
        -- in the order in which pin_memory locks those of a chain
        FROM (SELECT x.render_id FROM taken x ORDER BY x.render_id) t WHERE r.id = t.render_id
        RETURNING r.id, r.chain_id, r.chain_position::integer AS chain_position, r.type::text AS type, r.parent_render_id
    )
    SELECT m.id, m.chain_id, m.chain_position, m.type, t.request, t.attempt, p.o_memory, p.o_previous_output,
           CASE WHEN t.attempt > 1 THEN renderchain._stages_done(m.id, t.attempt, t.base_attempt)
                ELSE '[]'::jsonb END, renderchain._analyses_for(t.request)
    FROM taken t JOIN marked m ON m.id = t.render_id,
         renderchain._starting_point(m.id, m.chain_id, m.parent_render_id) p
    ORDER BY pg_catalog.array_position(p_render_ids, t.render_id);
    GET DIAGNOSTICS v_started = ROW_COUNT;
    IF v_started < pg_catalog.cardinality(p_render_ids)::bigint THEN
        SELECT r.id INTO v_refused FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.render_id = ANY (p_render_ids) AND j.state = 'running' AND r.status::text <> 'processing'::text LIMIT 1;
        IF FOUND THEN
            PERFORM renderchain._raise_not_writable(v_refused);
        END IF;
    END IF;
END
$$;

-- whether leases that have run out may be taken over: not while their workers cannot extend them, since the tables are
-- locked, nor for two seconds after who knows of that has found them free
CREATE FUNCTION renderchain._may_take_over() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'rc_sql_may_take_over';

-- give back or end jobs whose lease or deadline has passed; returns how many
CREATE FUNCTION renderchain._sweep(p_now timestamptz, p_max integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids uuid[];
    v_job record;
    v_status text;
    v_count integer := 0;
    v_first_id uuid;
BEGIN
    IF NOT renderchain._may_take_over() THEN
        RETURN 0;
    END IF;
    v_ids := ARRAY(SELECT j.render_id FROM render_jobs j JOIN renders r ON r.id = j.render_id
                   WHERE j.state <> 'ended' AND LEAST(j.lease_until, j.deadline) <= p_now
                   ORDER BY LEAST(j.lease_until, j.deadline) LIMIT p_max
                   FOR NO KEY UPDATE OF j SKIP LOCKED);
    IF pg_catalog.cardinality(v_ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM renderchain._hold_chains(v_ids);
    FOR v_job IN
        SELECT j.render_id, j.attempt, j.deadline, j.lease_owner
        FROM render_jobs j JOIN renders r ON r.id = j.render_id
        WHERE j.render_id = ANY (v_ids)
        -- the user whose credits are reserved, whoever has the render by now
        ORDER BY j.user_id, LEAST(j.lease_until, j.deadline)
    LOOP
        CONTINUE WHEN renderchain._is_locked(v_job.render_id); -- claims wait for nobody's transaction
        v_status := renderchain._try_to_give_back(v_job.render_id, p_now, CASE
            WHEN v_job.deadline <= p_now THEN NULL::jsonb
            ELSE pg_catalog.jsonb_build_object('message',
                pg_catalog.format('the lease of worker %s on attempt %s ran out'::text, v_job.lease_owner, v_job.attempt)) END,
            false);
        CONTINUE WHEN v_status IS NULL;
        v_count := v_count + 1;
        v_first_id := CASE WHEN v_count = 1 THEN v_job.render_id END;
    END LOOP;
    IF v_count > 0 THEN
        PERFORM renderchain._notify(v_first_id, CASE WHEN v_count = 1 AND v_status = 'pending'::text
                                                     THEN 'queued'::text ELSE 'ended'::text END);
    END IF;
    RETURN v_count;
END
$$;

CREATE FUNCTION renderchain.expire_renders(max_renders integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_count(expire_renders.max_renders);
    RETURN renderchain._sweep(renderchain.clock(), expire_renders.max_renders);
END
$$;
COMMENT ON FUNCTION renderchain.expire_renders(integer) IS
'Queues renders again whose lease has run out, and ends as failed, with a refund, those whose attempts or deadline have run out; at most max_renders (1 to 1000) of them. Returns how many it dealt with. claim_renders does the same first. Neither does while the tables are locked, so that leases cannot be extended, nor for two seconds after this session has found that they are no more.';

-- refuse numbers of renders that are not 1 to 1000
CREATE FUNCTION renderchain._check_count(p_count integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_count IS NULL OR p_count NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'invalid number of renders: %', COALESCE(p_count::text, 'null'::text) USING ERRCODE = 'RC005',
            HINT = 'From 1 to 1000 renders are dealt with in one call.';
    END IF;
END
$$;

-- type is both argument and result, which is why the results stand among the arguments
CREATE FUNCTION renderchain.claim_renders(OUT render_id uuid, OUT chain_id uuid, OUT chain_position integer, IN worker text,
    IN max_renders integer, IN lease interval, INOUT type text DEFAULT NULL, IN provider text DEFAULT NULL,
    OUT request jsonb, OUT attempt integer, OUT memory jsonb, OUT previous_output jsonb, OUT stages jsonb, OUT analyses jsonb)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_schema text := renderchain.use_schema();
    v_now timestamptz := renderchain.clock();
    v_valid boolean := renderchain._check_worker(claim_renders.worker, claim_renders.lease);
    v_left_out boolean := false;
    v_chosen record;
BEGIN
    PERFORM renderchain._check_count(claim_renders.max_renders);
    IF claim_renders.type NOT IN ('image', 'video') OR claim_renders.provider = ''::text THEN
        PERFORM renderchain._raise_claim(claim_renders.type, claim_renders.provider);
    END IF;
    -- shared: only release_renders of the same worker waits for it
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(renderchain._lock_number('worker'::text, claim_renders.worker));
    PERFORM renderchain._sweep(v_now, GREATEST(claim_renders.max_renders, 100));
    -- the first in the order of an index, not whether there is any: however many the planner believes there are
    IF (SELECT q.id FROM render_queues q WHERE q.due > '-infinity' AND q.due <= v_now ORDER BY q.due LIMIT 1) IS NOT NULL
       OR (SELECT j.render_id FROM render_jobs j WHERE j.state = 'queued' AND j.queue_id IS NULL
           ORDER BY j.queue_id, j.run_after, j.render_id LIMIT 1) IS NOT NULL
       OR (SELECT j.render_id FROM render_jobs j WHERE j.unheard OR (j.state = 'waiting' AND j.waits_for IS NULL)
           ORDER BY j.render_id LIMIT 1) IS NOT NULL
       OR NOT pg_catalog.current_setting('renderchain.chain_order'::text)::boolean THEN
        PERFORM renderchain._queue_overlooked(v_now);
        v_left_out := renderchain._fill_queues(v_now);
    END IF;
    v_chosen := renderchain._choose(claim_renders.max_renders, claim_renders.type, claim_renders.provider, v_left_out,
                                       v_now);
    IF pg_catalog.cardinality(v_chosen.o_taken) > 0 THEN
        -- a lease counts from when it is given, which may be long after the call where somebody had a table locked
        RETURN QUERY SELECT s.* FROM renderchain._start(v_chosen.o_taken, claim_renders.worker, claim_renders.lease,
                                                        renderchain.clock()) s;
    END IF;
    IF pg_catalog.cardinality(v_chosen.o_taken) > 0 OR pg_catalog.cardinality(v_chosen.o_spent) > 0 THEN
        PERFORM renderchain._turn(v_chosen.o_taken, v_chosen.o_spent, v_now);
    END IF;
END
$$;
COMMENT ON FUNCTION renderchain.claim_renders(text, integer, interval, text, text) IS
'Leases up to max_renders (1 to 1000) queued renders to a worker for an interval (1 second to 1 day) and returns all that is needed to run them. The order: by priority, then by the user served least lately, then the oldest first; never more of a user or a provider at a time than the settings renderchain.max_running_per_user and max_running_per_provider allow, counting what run_render has started too. A render of a chain is passed over as long as one that it builds on has not ended: its parent where it names one, else any with an earlier position; the setting renderchain.chain_order turns that off. With a type, image or video, only such renders are claimed; with a provider none that ask for another one. attempt is the fencing token that every later write must name. stages has the stages that need not be run again: [{"stage","part","attempt","status","output","model"}], status "running" only for a video whose operation goes on, others than "success" also for the part "correction" of image_generation, which is paid for once. analyses has what is known of the images of the request that say their sha256: [{"image","task","model","promptVersion","result"}]. Never waits for other claimers. RC005 for arguments out of range.';

-- raise what is wrong with the kind of renders that a worker wants
CREATE FUNCTION renderchain._raise_claim(p_type text, p_provider text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_provider = ''::text THEN
        RAISE EXCEPTION 'invalid provider ""' USING ERRCODE = 'RC005',
            HINT = 'Name the provider whose models the worker can use, or NULL for renders of any.';
    END IF;
    RAISE EXCEPTION 'invalid type "%"', pg_catalog.left(p_type, 80) USING ERRCODE = 'RC005',
        HINT = 'A type is image or video; NULL is both.';
END
$$;

-- run_render() with a key that had made the render before: claim it where it is free to be claimed. The results are
-- those of run_render().
CREATE FUNCTION renderchain._claim_again(p_render_id uuid, p_chain_id uuid, p_chain_position integer, p_request jsonb,
    p_worker text, p_lease interval)
RETURNS TABLE (render_id uuid, chain_id uuid, chain_position integer, type text, request jsonb, attempt integer,
               memory jsonb, previous_output jsonb, stages jsonb, analyses jsonb)
LANGUAGE plpgsql VOLATILE ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_status text;
    v_ids uuid[] := ARRAY(SELECT j.render_id FROM render_jobs j
                          WHERE j.render_id = p_render_id AND j.state <> 'ended'
                            AND (j.state IN ('queued', 'waiting') OR j.lease_until <= v_now)
                          FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    IF pg_catalog.cardinality(v_ids) > 0 THEN
        v_status := (SELECT renderchain._give_back(j.render_id, v_now, v_now, NULL::jsonb) FROM render_jobs j
                     WHERE j.render_id = v_ids[1] AND LEAST(j.lease_until, j.deadline) <= v_now);
        IF v_status = 'failed'::text THEN
            PERFORM renderchain._notify(v_ids[1], 'ended'::text);
        END IF;
        RETURN QUERY SELECT s.* FROM renderchain._start(v_ids, p_worker, p_lease, v_now) s;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT p_render_id, p_chain_id, p_chain_position, p_request ->> 'type'::text,
        p_request, NULL::integer, NULL::jsonb, NULL::jsonb, '[]'::jsonb, NULL::jsonb;
END
$$;

-- request is both argument and result, which is why the results stand among the arguments
CREATE FUNCTION renderchain.run_render(OUT render_id uuid, OUT chain_id uuid, OUT chain_position integer, OUT type text,
    INOUT request jsonb, IN worker text, IN lease interval, OUT attempt integer, OUT memory jsonb,
    OUT previous_output jsonb, OUT stages jsonb, OUT analyses jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS 'MODULE_PATHNAME', 'rc_sql_run_render';
COMMENT ON FUNCTION renderchain.run_render(jsonb, text, interval) IS
'submit_render and claim_renders in one: makes the render and leases it to the worker at once, whatever goes on in its chain. Where the idempotencyKey had made it before it is claimed if it can be; if it has ended or is leased, its row comes back with attempt NULL. analyses is NULL for a new render: who waits for it asks renderchain.get_analyses() beside its first model calls. Errors as of the two.';
