-- Submitting -------------------------------------------------------------------

-- the number of the advisory lock on a name within the present schema
CREATE FUNCTION renderchain._lock_number(p_kind text, p_name text) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN pg_catalog.hashtextextended(pg_catalog.concat_ws(E'\x1f'::text, 'renderchain'::text,
        pg_catalog.current_setting('renderchain.schema'::text), p_kind, p_name), 0::bigint);
END
$$;

-- a lock that lasts as long as the transaction, on a name within the present schema
CREATE FUNCTION renderchain._lock_name(p_kind text, p_name text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(renderchain._lock_number(p_kind, p_name));
END
$$;

-- wake those who listen, at most once a call of a public function (render_id NULL: about several renders)
CREATE FUNCTION renderchain._notify(render_id uuid, event text) RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'rc_sql_notify';

-- whether there is a chain of that name in a project ('' for none) by now, whatever the transaction's snapshot says
CREATE FUNCTION renderchain._is_chain_made(p_name text, p_project text) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'rc_sql_is_chain_made';

-- the chain of that name in a project, made if there is none
CREATE FUNCTION renderchain._chain_by_name(p_name text, p_project_id uuid, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_ids uuid[];
    v_id uuid;
    v_locked boolean;
BEGIN
    LOOP
        v_ids := ARRAY(SELECT c.id FROM render_chains c
                       WHERE c.name::text = p_name AND c.project_id IS NOT DISTINCT FROM p_project_id LIMIT 2);
        IF pg_catalog.cardinality(v_ids) = 1 THEN
            RETURN v_ids[1];
        ELSIF pg_catalog.cardinality(v_ids) > 1 THEN
            PERFORM renderchain._invalid_request(
                pg_catalog.format('chainName is "%s", and more than one chain has that name'::text, p_name),
                'Name the chain by chainId.'::text);
        END IF;
        EXIT WHEN v_locked;
        -- two who bring the same new name must not both make it: look again under a lock
        PERFORM renderchain._lock_name('chain'::text, pg_catalog.concat(p_project_id::text, '/'::text, p_name));
        v_locked := true;
    END LOOP;
    IF NOT renderchain._sees_others() AND renderchain._is_chain_made(p_name, COALESCE(p_project_id::text, ''::text)) THEN
        RAISE EXCEPTION 'could not serialize access: chain "%" has been made meanwhile', p_name
            USING ERRCODE = 'serialization_failure', HINT = 'Try again, in a new transaction.';
    END IF;
    PERFORM renderchain._check_required('render_chains'::text, p_project_id, NULL::uuid);
    INSERT INTO render_chains (id, project_id, name, created_at, updated_at)
    VALUES (pg_catalog.gen_random_uuid(), p_project_id, p_name, p_now, p_now)
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;

-- raise unless the render that a request refers to, if any, exists; returns its chain
CREATE FUNCTION renderchain._chain_of(p_key text, p_render_id uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_chain_id uuid;
BEGIN
    SELECT r.chain_id INTO v_chain_id FROM renders r WHERE r.id = p_render_id;
    IF NOT FOUND AND p_render_id IS NOT NULL THEN
        RAISE EXCEPTION 'render % does not exist', p_render_id USING ERRCODE = 'RC006',
            DETAIL = pg_catalog.format('The request names it as %s.'::text, p_key);
    END IF;
    RETURN v_chain_id;
END
$$;

-- the render that an idempotency key has made, if any; the same key must bring the same request
CREATE FUNCTION renderchain._submitted_before(p_key text, p_request jsonb,
    OUT o_render_id uuid, OUT o_chain_id uuid, OUT o_chain_position integer)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_request jsonb;
    v_seen uuid;
BEGIN
    PERFORM renderchain._lock_name('idempotency key'::text, p_key);
    SELECT j.render_id, r.id, r.chain_id, r.chain_position::integer, j.request
    INTO o_render_id, v_seen, o_chain_id, o_chain_position, v_request
    FROM render_jobs j LEFT JOIN renders r ON r.id = j.render_id WHERE j.idempotency_key = p_key;
    IF o_render_id IS NOT NULL AND v_seen IS NULL THEN
        RAISE EXCEPTION 'idempotency key "%" was used for another request', p_key USING ERRCODE = 'RC009',
            DETAIL = 'A row security policy of the table renders hides the render that was made with it.',
            HINT = 'Take a new key.';
    END IF;
    IF v_request <> p_request
       AND renderchain._without_input_keys(v_request) <> renderchain._without_input_keys(p_request) THEN
        RAISE EXCEPTION 'idempotency key "%" was used for another request', p_key USING ERRCODE = 'RC009',
            DETAIL = pg_catalog.format('Render %s was made with it; different now: %s.'::text, o_render_id,
                (SELECT pg_catalog.string_agg(k.key, ', '::text ORDER BY k.key)
                 FROM pg_catalog.jsonb_object_keys(v_request || p_request) AS k (key)
                 WHERE v_request -> k.key IS DISTINCT FROM p_request -> k.key)),
            HINT = 'Send the first request again to have its render back, or take a new key.';
    END IF;
END
$$;

-- raise that a chain does not exist
CREATE FUNCTION renderchain._raise_no_chain(p_chain_id uuid) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'chain % does not exist', p_chain_id USING ERRCODE = 'RC006',
        HINT = 'Leave out chainId and give a chainName to have a chain made.';
END
$$;

-- make a render and its job; with a worker it is claimed at once, as if by
-- claim_renders, which saves writing both rows twice. The chain stays locked until the
-- end of the transaction, so that positions are handed out in the order of commits and
-- one that is rolled back is taken by the next.
CREATE FUNCTION renderchain._submit(p_request jsonb, p_worker text, p_lease interval,
    OUT o_render_id uuid, OUT o_chain_id uuid, OUT o_chain_position integer, OUT o_created boolean,
    OUT o_request jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_now timestamptz := renderchain.clock();
    v_deadline timestamptz;
    v_project_id uuid;
    v_chain_name text;
    v_parent_id uuid;
    v_reference_id uuid;
    v_key text;
    v_user_id uuid;
    v_priority integer;
    v_before record;
    v_parent_chain uuid;
    v_complete boolean;
    v_credits integer;
    v_reserved integer;
    v_provider text;
    v_queue_id bigint;
    v_waits_for uuid;
    v_state text := CASE WHEN p_worker IS NULL THEN 'queued'::text ELSE 'running'::text END;
BEGIN
    o_request := renderchain._checked_request(p_request);
    SELECT pg_catalog.gen_random_uuid(), true, v_now + pg_catalog.current_setting('renderchain.deadline'::text)::interval,
           q."userId", q."projectId", q."chainId", q."chainName", q."parentRenderId", q."referenceRenderId",
           COALESCE(q."priority", 0), q."idempotencyKey", COALESCE(q."provider", 'any'::text)
    INTO o_render_id, o_created, v_deadline, v_user_id, v_project_id, o_chain_id, v_chain_name, v_parent_id,
         v_reference_id, v_priority, v_key, v_provider
    FROM pg_catalog.jsonb_to_record(o_request) AS q ("userId" uuid, "projectId" uuid, "chainId" uuid, "chainName" text,
        "parentRenderId" uuid, "referenceRenderId" uuid, "priority" integer, "idempotencyKey" text,
        "provider" text);
    IF v_key IS NOT NULL THEN
        v_before := renderchain._submitted_before(v_key, o_request);
        IF v_before.o_render_id IS NOT NULL THEN
            o_render_id := v_before.o_render_id;
            o_chain_id := v_before.o_chain_id;
            o_chain_position := v_before.o_chain_position;
            o_created := false;
            RETURN;
        END IF;
    END IF;

    v_credits := renderchain._price(o_request, v_now);
    IF COALESCE(v_parent_id, v_reference_id) IS NOT NULL THEN
        v_parent_chain := renderchain._chain_of('parentRenderId'::text, v_parent_id);
        o_chain_id := COALESCE(o_chain_id, v_parent_chain);
        PERFORM renderchain._chain_of('referenceRenderId'::text, v_reference_id);
    END IF;
    IF v_chain_name IS NOT NULL THEN
        o_chain_id := renderchain._chain_by_name(v_chain_name, v_project_id, v_now);
    END IF;
    IF o_chain_id IS NOT NULL THEN
        UPDATE render_chains c SET updated_at = v_now WHERE c.id = o_chain_id
        RETURNING COALESCE(v_project_id, c.project_id) INTO v_project_id;
        IF NOT FOUND THEN
            PERFORM renderchain._raise_no_chain(o_chain_id);
        END IF;
        o_chain_position := 1 + COALESCE((
            SELECT r.chain_position::integer FROM renders r
            WHERE r.chain_id = o_chain_id AND r.chain_position IS NOT NULL
            ORDER BY r.chain_position DESC LIMIT 1), 0);
    END IF;
    v_complete := renderchain._check_required('renders'::text, v_project_id, o_chain_id);
    INSERT INTO renders (id, project_id, user_id, type, prompt, settings, status, credits_cost, priority,
                         parent_render_id, chain_id, chain_position, reference_render_id, context_data, metadata,
                         started_at, created_at, updated_at)
    VALUES (o_render_id, v_project_id, v_user_id, o_request ->> 'type'::text, o_request ->> 'prompt'::text,
            o_request - '{type,prompt,userId,projectId,chainId,chainName,parentRenderId,referenceRenderId,idempotencyKey,priority}'::text[],
            CASE WHEN p_worker IS NULL THEN 'pending'::text ELSE 'processing'::text END,
            v_credits, v_priority, v_parent_id, o_chain_id, o_chain_position, v_reference_id,
            '{}'::jsonb, '{}'::jsonb, CASE WHEN p_worker IS NOT NULL THEN v_now END, v_now, v_now);
    v_reserved := renderchain._reserve(v_user_id, o_render_id, 1, v_credits, v_now);
    IF p_worker IS NULL THEN
        v_waits_for := renderchain._can_wait_for(v_parent_id, o_chain_id, o_chain_position);
        IF v_waits_for IS NULL THEN
            v_queue_id := renderchain._queue_for(v_user_id, v_priority, o_request ->> 'type'::text, v_provider, v_now, v_now);
        ELSE
            v_state := 'waiting'::text;
            v_deadline := 'infinity'::timestamptz;
        END IF;
    END IF;
    INSERT INTO render_jobs (render_id, request, user_id, provider, state, priority, queue_id, chain_id, chain_position,
                             waits_for, attempt, max_attempts, run_after, lease_owner, lease_until, deadline,
                             idempotency_key, credits_reserved, created_at)
    VALUES (o_render_id, o_request, v_user_id, v_provider, v_state, v_priority, v_queue_id, o_chain_id, o_chain_position,
            v_waits_for, CASE WHEN p_worker IS NULL THEN 0 ELSE 1 END,
            pg_catalog.current_setting('renderchain.max_attempts'::text)::integer, v_now, p_worker,
            LEAST(v_now + p_lease, CASE WHEN p_worker IS NOT NULL THEN v_deadline END), v_deadline,
            v_key, v_reserved, v_now);
    IF o_request ?| '{references,style,mask,firstFrame,lastFrame,previousVideo}'::text[] THEN
        PERFORM renderchain._adopt_inputs(o_render_id, o_request, v_now);
    END IF;
END
$$;

CREATE FUNCTION renderchain.submit_render(request jsonb)
RETURNS TABLE (render_id uuid, chain_id uuid, chain_position integer, created boolean)
LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_new record := renderchain._submit(submit_render.request, NULL::text, NULL::interval);
BEGIN
    IF v_new.o_created THEN
        PERFORM renderchain._notify(v_new.o_render_id, 'queued'::text);
    END IF;
    RETURN QUERY SELECT v_new.o_render_id, v_new.o_chain_id, v_new.o_chain_position, v_new.o_created;
END
$$;
COMMENT ON FUNCTION renderchain.submit_render(jsonb) IS
'Checks a request, makes its chain if it names a new one, takes the next position in the chain (first is 1), reserves credits and queues the render. With only parentRenderId the render joins its parent''s chain; with no chain at all it has none. created is false where the idempotencyKey had made the render before. RC003 too few credits, RC004 unknown or retired model or price, RC005 invalid request, RC006 unknown chain or render, RC007 no credit account, RC009 idempotency key used for another request.';
