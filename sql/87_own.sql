-- What is whose --------------------------------------------------------------------
--
-- For servers that act for users: everything that is somebody else's is as if it did not
-- exist. A render is its user's. A chain is the user's who has all its renders; one
-- with renders of several users is nobody's. A NULL user stands for an operator, whose
-- everything is.

CREATE FUNCTION renderchain.own_render(render_id uuid, user_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM FROM renders r WHERE r.id = own_render.render_id
                             AND (own_render.user_id IS NULL OR r.user_id = own_render.user_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'render % does not exist', COALESCE(own_render.render_id::text, 'null'::text) USING ERRCODE = 'RC006';
    END IF;
    RETURN own_render.render_id;
END
$$;
COMMENT ON FUNCTION renderchain.own_render(uuid, uuid) IS
'The id of the render if it is the user''s (NULL: anybody''s); RC006 otherwise, whether it exists or not.';

-- is a chain a user's?
CREATE FUNCTION renderchain._is_own_chain(p_chain_id uuid, p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN p_user_id IS NULL
        OR (EXISTS (SELECT FROM renders r WHERE r.chain_id = p_chain_id AND r.user_id = p_user_id)
            AND NOT EXISTS (SELECT FROM renders r WHERE r.chain_id = p_chain_id AND r.user_id <> p_user_id));
END
$$;

CREATE FUNCTION renderchain.own_chain(chain_id uuid, user_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM FROM render_chains c WHERE c.id = own_chain.chain_id;
    IF NOT FOUND OR NOT renderchain._is_own_chain(own_chain.chain_id, own_chain.user_id) THEN
        RAISE EXCEPTION 'chain % does not exist', COALESCE(own_chain.chain_id::text, 'null'::text) USING ERRCODE = 'RC006';
    END IF;
    RETURN own_chain.chain_id;
END
$$;
COMMENT ON FUNCTION renderchain.own_chain(uuid, uuid) IS
'The id of the chain if all its renders are the user''s, and it has one (NULL: anybody''s); RC006 otherwise, whether it exists or not.';

CREATE FUNCTION renderchain.own_object(key text, user_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_object jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT pg_catalog.jsonb_build_object('key', o.key, 'backend', o.backend, 'kind', o.kind, 'mime', o.mime,
                                         'bytes', o.bytes, 'sha256', o.sha256)
    INTO v_object
    FROM stored_objects o JOIN renders r ON r.id = o.render_id
    WHERE o.key = own_object.key AND o.state = 'live' AND (own_object.user_id IS NULL OR r.user_id = own_object.user_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such object' USING ERRCODE = 'RC006';
    END IF;
    RETURN v_object;
END
$$;
COMMENT ON FUNCTION renderchain.own_object(text, uuid) IS
'What is stored under a key, if it belongs to a render of the user (NULL: of anybody): {"key","backend","kind","mime","bytes","sha256"}; RC006 otherwise, whether it exists or not.';

CREATE FUNCTION renderchain.list_own_chains(user_id uuid, max_rows integer DEFAULT 50) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    IF list_own_chains.max_rows IS NULL OR list_own_chains.max_rows NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'invalid number of rows: %', COALESCE(list_own_chains.max_rows::text, 'null'::text)
            USING ERRCODE = 'RC005', HINT = 'From 1 to 10000 chains are listed in one call.';
    END IF;
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'chainId', c.id, 'name', c.name, 'description', c.description, 'renders', n.renders,
                   'completed', n.completed, 'createdAt', c.created_at, 'updatedAt', c.updated_at)
               ORDER BY c.updated_at DESC NULLS LAST, c.id)
        FROM (SELECT x.id, x.name::text AS name, x.description::text AS description, x.created_at, x.updated_at
              FROM render_chains x WHERE renderchain._is_own_chain(x.id, list_own_chains.user_id)
              ORDER BY x.updated_at DESC NULLS LAST, x.id LIMIT list_own_chains.max_rows) c,
             LATERAL (SELECT pg_catalog.count(*) AS renders,
                             pg_catalog.count(*) FILTER (WHERE r.status::text = 'completed'::text) AS completed
                      FROM renders r WHERE r.chain_id = c.id) n), '[]'::jsonb);
END
$$;
COMMENT ON FUNCTION renderchain.list_own_chains(uuid, integer) IS
'The chains of a user (NULL: all) that changed last, first: [{"chainId","name","description","renders","completed","createdAt","updatedAt"}]; at most max_rows (1 to 10000, else RC005).';

-- whether the user has rendered in a chain of that name by now, whatever the transaction's snapshot says
CREATE FUNCTION renderchain._is_own_chain_made(p_name text, p_user_id uuid) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'rc_sql_is_own_chain_made';

-- the user's chain of that name, made if there is none: other users' chains of that name
-- are not his
CREATE FUNCTION renderchain._own_chain_by_name(p_name text, p_user_id uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id uuid;
    v_now timestamptz := renderchain.clock();
BEGIN
    PERFORM renderchain._lock_name('own chain'::text, pg_catalog.concat(p_user_id::text, '/'::text, p_name));
    SELECT c.id INTO v_id FROM render_chains c
    WHERE c.name::text = p_name AND renderchain._is_own_chain(c.id, p_user_id)
    ORDER BY c.updated_at DESC NULLS LAST, c.id LIMIT 1;
    IF v_id IS NULL THEN
        IF NOT renderchain._sees_others() AND renderchain._is_own_chain_made(p_name, p_user_id)
           AND NOT EXISTS (SELECT FROM render_chains c JOIN renders r ON r.chain_id = c.id
                           WHERE c.name::text = p_name AND r.user_id = p_user_id) THEN
            RAISE EXCEPTION 'could not serialize access: chain "%" has been made meanwhile', p_name
                USING ERRCODE = 'serialization_failure', HINT = 'Try again, in a new transaction.';
        END IF;
        PERFORM renderchain._check_required('render_chains'::text, NULL::uuid, NULL::uuid);
        INSERT INTO render_chains (id, name, created_at, updated_at)
        VALUES (pg_catalog.gen_random_uuid(), p_name, v_now, v_now) RETURNING id INTO v_id;
    END IF;
    RETURN v_id;
END
$$;

-- raise unless an image of a request may be read for the user: by a URL, or the key of an
-- object of his own, or of one that was uploaded with the request; never by a path, which
-- would be one of the worker's machine
CREATE FUNCTION renderchain._check_own_image(p_image jsonb, p_user_id uuid, p_uploaded text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(p_image) NOT IN ('object'::text, 'string'::text) THEN
        RETURN; -- submit_render says what is wrong with it
    ELSIF pg_catalog.jsonb_typeof(p_image) = 'string'::text OR p_image ? 'path'::text THEN -- a text is a path
        RAISE EXCEPTION 'invalid request: an image has a path' USING ERRCODE = 'RC005',
            HINT = 'Name images by key or url, or send them with the request.';
    ELSIF p_image ? 'key'::text AND NOT COALESCE(p_image ->> 'key'::text = ANY (p_uploaded), false) THEN
        PERFORM renderchain.own_object(p_image ->> 'key'::text, p_user_id);
    END IF;
END
$$;

CREATE FUNCTION renderchain.submit_own(request jsonb, user_id uuid, uploaded text[] DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_request jsonb := submit_own.request;
    v_image jsonb;
    v_new record;
    v_member text;
BEGIN
    IF pg_catalog.jsonb_typeof(v_request) IS DISTINCT FROM 'object'::text OR submit_own.user_id IS NULL THEN
        RAISE EXCEPTION 'invalid request: it is no object, or nobody''s' USING ERRCODE = 'RC005';
    END IF;
    -- a recipe names renders and objects, whose ever they are
    FOREACH v_member IN ARRAY '{userId,projectId,priority,recipe}'::text[] LOOP
        IF v_request ? v_member THEN
            RAISE EXCEPTION 'invalid request: % is not for users', v_member USING ERRCODE = 'RC005',
                HINT = CASE v_member WHEN 'recipe'::text THEN 'Render from recipes with renderchain render --from-recipe.'::text
                                     ELSE 'The token says whose render it is.'::text END;
        END IF;
    END LOOP;
    FOR v_image IN
        SELECT e.value FROM pg_catalog.jsonb_path_query(v_request, 'lax $.references[*]'::jsonpath) e (value)
        UNION ALL
        SELECT v_request -> m.name FROM pg_catalog.unnest('{style,mask,firstFrame,lastFrame,previousVideo}'::text[]) m (name)
        WHERE v_request ? m.name
    LOOP
        PERFORM renderchain._check_own_image(v_image, submit_own.user_id, submit_own.uploaded);
    END LOOP;
    FOREACH v_member IN ARRAY '{parentRenderId,referenceRenderId,chainId}'::text[] LOOP
        CONTINUE WHEN v_request ->> v_member IS NULL;
        -- in one spelling only: what is not understood here must not be understood later
        IF v_request ->> v_member !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text THEN
            RAISE EXCEPTION 'invalid request: % is no id', v_member USING ERRCODE = 'RC005';
        ELSIF v_member = 'chainId'::text THEN
            PERFORM renderchain.own_chain((v_request ->> v_member)::uuid, submit_own.user_id);
        ELSE
            PERFORM renderchain.own_render((v_request ->> v_member)::uuid, submit_own.user_id);
        END IF;
    END LOOP;
    -- keys of one user say nothing about those of another
    IF pg_catalog.jsonb_typeof(v_request -> 'idempotencyKey'::text) = 'string'::text
       AND pg_catalog.char_length(v_request ->> 'idempotencyKey'::text) BETWEEN 1 AND 160 THEN
        v_request := v_request || pg_catalog.jsonb_build_object('idempotencyKey',
            pg_catalog.concat(submit_own.user_id::text, '/'::text, v_request ->> 'idempotencyKey'::text));
    ELSIF v_request ? 'idempotencyKey'::text THEN
        RAISE EXCEPTION 'invalid request: idempotencyKey has to be a text of 1 to 160 characters' USING ERRCODE = 'RC005';
    END IF;
    IF pg_catalog.jsonb_typeof(v_request -> 'chainName'::text) = 'string'::text AND v_request ->> 'chainId'::text IS NULL
       AND v_request ->> 'chainName'::text <> ''::text THEN
        IF pg_catalog.char_length(v_request ->> 'chainName'::text) > 200 OR v_request ->> 'chainName'::text !~ '\S'::text THEN
            RAISE EXCEPTION 'invalid request: chainName has to be a text of 1 to 200 characters' USING ERRCODE = 'RC005';
        END IF;
        v_request := v_request - 'chainName'::text || pg_catalog.jsonb_build_object('chainId',
            renderchain._own_chain_by_name(v_request ->> 'chainName'::text, submit_own.user_id));
    END IF;
    SELECT s.render_id, s.chain_id, s.chain_position, s.created INTO v_new
    FROM renderchain.submit_render(v_request || pg_catalog.jsonb_build_object('userId', submit_own.user_id)) s;
    RETURN pg_catalog.jsonb_build_object('renderId', v_new.render_id, 'chainId', v_new.chain_id,
                                         'chainPosition', v_new.chain_position, 'created', v_new.created);
END
$$;
COMMENT ON FUNCTION renderchain.submit_own(jsonb, uuid, text[]) IS
'submit_render() for a user who is not trusted: chains, renders and objects that the request names have to be his own (RC006), a chainName means his own chain of that name, images have no path, and userId, projectId, priority and recipe are not for him to say (RC005). uploaded are the keys of images that the server has stored for this request, after register_inputs(). Returns {"renderId","chainId","chainPosition","created"}; fails like submit_render().';
