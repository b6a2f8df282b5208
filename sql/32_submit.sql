-- Submitting -------------------------------------------------------------------
--
-- submit_render() and run_render() (40) are C (submit.c). Here is what they call where a
-- render is not simply the next one of a chain.

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

-- whether a render has been made with that idempotency key by now, likewise
CREATE FUNCTION renderchain._is_key_used(p_key text) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'rc_sql_is_key_used';

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
    IF NOT FOUND AND pg_catalog.current_setting('transaction_isolation'::text) <> 'read committed'::text
       AND renderchain._is_key_used(p_key) THEN
        RAISE EXCEPTION 'could not serialize access: idempotency key "%" has been used meanwhile', p_key
            USING ERRCODE = 'serialization_failure', HINT = 'Try again, in a new transaction.';
    ELSIF o_render_id IS NOT NULL AND v_seen IS NULL THEN
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

CREATE FUNCTION renderchain.submit_render(request jsonb)
RETURNS TABLE (render_id uuid, chain_id uuid, chain_position integer, created boolean)
LANGUAGE c VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS 'MODULE_PATHNAME', 'rc_sql_submit_render';
COMMENT ON FUNCTION renderchain.submit_render(jsonb) IS
'Checks a request, makes its chain if it names a new one, takes the next position in the chain (first is 1), reserves credits and queues the render. With only parentRenderId the render joins its parent''s chain; with no chain at all it has none. created is false where the idempotencyKey had made the render before. RC003 too few credits, RC004 unknown or retired model or price, RC005 invalid request, RC006 unknown chain or render, RC007 no credit account, RC009 idempotency key used for another request.';
