-- Stored objects -------------------------------------------------------------------
--
-- No object is ever in storage without a row here. A row is pending before the upload
-- begins, live from the transaction that completes its render, and doomed from the one
-- that ends it otherwise; from there it never comes back, since keys hold the attempt
-- and no attempt comes twice. A collector takes doomed rows that are due, removes their
-- objects from storage, and then forgets the rows.
--
-- An object is removed only when nobody can be writing it any more: at once where its
-- driver said so (fail_render, disown_objects), else after renderchain.upload_grace. A
-- driver that was stopped for longer than that, and whose upload arrives when the row
-- is forgotten, says so when it finds its render taken (disown_objects), which makes
-- the row again.

-- how long the upload of a driver that is silent may take to arrive
CREATE FUNCTION renderchain._upload_grace() RETURNS interval
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN pg_catalog.current_setting('renderchain.upload_grace'::text)::interval;
END
$$;

-- what a list of objects must look like
CREATE FUNCTION renderchain._object_rule() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '{
    "types": ["array"],
    "items": {"types": ["object"], "needed": ["key", "backend"], "others": {}, "members": {
        "key": {"types": ["string"], "shortest": 1, "bytes": 1024, "is": "a text of 1 to 1024 bytes"},
        "backend": {"types": ["string"], "shortest": 1, "is": "a text"},
        "bytes": {"types": ["number", "null"], "pattern": "^[0-9]{1,18}$", "is": "a whole number from 0"},
        "sha256": {"types": ["string", "null"], "bytes": 64, "shortest": 64, "pattern": "^[0-9a-f]*$", "is": "64 hexadecimal digits"}}}}'::jsonb $$;

-- raise what is wrong with a list of objects
CREATE FUNCTION renderchain._raise_objects(p_objects jsonb, p_where text DEFAULT '') RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'invalid stored objects' USING ERRCODE = 'RC005',
        DETAIL = p_where || renderchain._list_problem('object'::text, p_objects, renderchain._object_rule()),
        HINT = 'An object looks like {"key": ..., "backend": "file", "kind": "output", "mime": "image/png", "bytes": 1, "sha256": ...}.';
END
$$;

-- raise why an object of lists, one a render, cannot be written
CREATE FUNCTION renderchain._raise_object_taken(p_render_ids uuid[], p_objects jsonb[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_object record;
BEGIN
    SELECT o.key, o.render_id, o.state, o.render_id = l.render_id AS own INTO v_object
    FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_objects)) AS l (render_id, objects),
         pg_catalog.jsonb_to_recordset(l.objects) AS e (key text), stored_objects o
    WHERE o.key = e.key ORDER BY o.render_id = l.render_id, o.state, o.key LIMIT 1;
    IF NOT v_object.own THEN
        RAISE EXCEPTION 'a stored object belongs to another render' USING ERRCODE = 'RC005',
            DETAIL = pg_catalog.format('Object %s is of render %s.'::text, v_object.key, v_object.render_id),
            HINT = 'A key holds the id of its render, so that no two renders share an object.';
    END IF;
    RAISE EXCEPTION 'a stored object is % already', v_object.state USING ERRCODE = 'RC005',
        DETAIL = pg_catalog.format('Object %s of render %s.'::text, v_object.key, v_object.render_id),
        HINT = 'A key holds the number of its attempt, so that no object is written twice or comes back.';
END
$$;

-- check the objects of renders, a list for each (NULL for none), and write them in a state; those of another render are
-- refused, and those that have gone further than that
CREATE FUNCTION renderchain._write_objects(p_render_ids uuid[], p_attempts integer[], p_objects jsonb[], p_state text,
    p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_wanted bigint;
    v_written bigint;
BEGIN
    FOR v_place IN 1 .. pg_catalog.cardinality(p_objects) LOOP
        IF p_objects[v_place] IS NOT NULL AND NOT renderchain._fits(p_objects[v_place], renderchain._object_rule()) THEN
            PERFORM renderchain._raise_objects(p_objects[v_place], renderchain._where(p_render_ids, v_place));
        END IF;
    END LOOP;
    WITH object AS (
        SELECT DISTINCT ON (e.key, l.render_id) l.render_id, l.attempt, e.key, e.backend, e.kind, e.mime, e.bytes, e.sha256
        FROM ROWS FROM (pg_catalog.unnest(p_render_ids), pg_catalog.unnest(p_attempts), pg_catalog.unnest(p_objects))
                 AS l (render_id, attempt, objects),
             pg_catalog.jsonb_to_recordset(l.objects) AS e (key text, backend text, kind text, mime text, bytes bigint,
                                                            sha256 text)
    ), written AS (
        INSERT INTO stored_objects AS o (key, backend, render_id, kind, mime, bytes, sha256, state, created_at, updated_at,
                                         attempt, due_at)
        SELECT DISTINCT ON (w.key) w.key, w.backend, w.render_id, COALESCE(NULLIF(w.kind, ''::text), 'output'::text),
               w.mime, w.bytes, w.sha256, p_state, p_now, p_now, COALESCE(w.attempt, 0),
               p_now + pg_catalog.current_setting('renderchain.upload_grace'::text)::interval
        FROM object w
        ON CONFLICT (key) DO UPDATE
        SET backend = excluded.backend, kind = excluded.kind, mime = COALESCE(excluded.mime, o.mime),
            bytes = COALESCE(excluded.bytes, o.bytes), sha256 = COALESCE(excluded.sha256, o.sha256),
            state = excluded.state, updated_at = excluded.updated_at, attempt = excluded.attempt, due_at = excluded.due_at
        WHERE o.render_id = excluded.render_id
          AND (o.state = 'pending' OR o.state = 'live' AND excluded.state = 'live')
        RETURNING o.key
    )
    SELECT (SELECT pg_catalog.count(*) FROM object w), (SELECT pg_catalog.count(*) FROM written w)
    INTO v_wanted, v_written;
    IF v_written < v_wanted THEN
        PERFORM renderchain._raise_object_taken(p_render_ids, p_objects);
    END IF;
END
$$;

CREATE FUNCTION renderchain.register_objects(render_id uuid, attempt integer, objects jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_state text := renderchain._lock_attempt(register_objects.render_id, register_objects.attempt);
BEGIN
    IF v_state = 'ended'::text THEN
        PERFORM renderchain._raise_ended(register_objects.render_id);
    END IF;
    PERFORM renderchain._write_objects(ARRAY[register_objects.render_id], ARRAY[register_objects.attempt],
                                       ARRAY[COALESCE(register_objects.objects, 'null'::jsonb)], 'pending'::text,
                                       renderchain.clock());
END
$$;
COMMENT ON FUNCTION renderchain.register_objects(uuid, integer, jsonb) IS
'Records objects as pending before they are uploaded, so that none is ever in storage without being known: [{"key","backend","kind"?,"mime"?,"bytes"?,"sha256"?}]. complete_render makes them live, any other end dooms them. Errors as of record_stages; RC005 too for an object of another render, and for one that is live or doomed already.';

-- doom the objects of a render that ends without a result. Inputs stay for whoever retries it. What may be being
-- written is left the time that an upload takes to arrive.
CREATE FUNCTION renderchain._doom_objects(p_render_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE stored_objects o SET state = 'doomed', updated_at = p_now, tries = 0,
        due_at = p_now + CASE WHEN o.state = 'pending' THEN
            pg_catalog.current_setting('renderchain.upload_grace'::text)::interval ELSE '0'::interval END
    WHERE o.render_id = p_render_id AND o.state <> 'doomed' AND o.kind <> 'input';
END
$$;

-- have doomed objects of a render removed at once: its driver is with us, so nobody writes them
CREATE FUNCTION renderchain._hurry_objects(p_render_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE stored_objects o SET due_at = p_now
    WHERE o.render_id = p_render_id AND o.state = 'doomed' AND o.tries = 0 AND o.due_at > p_now;
END
$$;

-- whether an object that is pending may still become part of a result: its attempt runs, or what it has stored is
-- recorded, so that the next attempt takes it over; an input is waited for as long as there is a job
CREATE FUNCTION renderchain._object_is_wanted(p_key text, p_kind text, p_render_id uuid, p_attempt integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM render_jobs j
        WHERE j.render_id = p_render_id
          AND (p_kind = 'input'
               OR j.state = 'running' AND j.attempt = p_attempt
               OR j.state <> 'ended' AND EXISTS (
                   SELECT FROM render_stages s
                   WHERE s.render_id = p_render_id AND s.stage = 'storage' AND s.status = 'success'
                     AND s.attempt > j.base_attempt AND s.output ->> 'key'::text = p_key)));
END
$$;

CREATE FUNCTION renderchain.disown_objects(render_id uuid, attempt integer, objects jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_schema text := renderchain.use_schema();
    v_count bigint;
BEGIN
    IF NOT renderchain._fits(disown_objects.objects, renderchain._object_rule()) THEN
        PERFORM renderchain._raise_objects(disown_objects.objects);
    END IF;
    -- whoever completes the render is waited for, so that what it makes live is seen
    PERFORM FROM render_jobs j WHERE j.render_id = disown_objects.render_id FOR NO KEY UPDATE;
    WITH written AS (
        INSERT INTO stored_objects AS o (key, backend, render_id, kind, state, created_at, updated_at, attempt, due_at)
        SELECT DISTINCT ON (e.key) e.key, e.backend, disown_objects.render_id,
               COALESCE(NULLIF(e.kind, ''::text), 'output'::text), 'doomed', v_now, v_now,
               COALESCE(disown_objects.attempt, 0), v_now
        FROM pg_catalog.jsonb_to_recordset(disown_objects.objects) AS e (key text, backend text, kind text)
        WHERE NOT renderchain._object_is_wanted(e.key, e.kind, disown_objects.render_id, NULL::integer)
        ON CONFLICT (key) DO UPDATE
        SET state = 'doomed', updated_at = excluded.updated_at, tries = 0, due_at = excluded.due_at
        WHERE o.render_id = excluded.render_id AND o.state <> 'live'
        RETURNING o.key
    )
    SELECT pg_catalog.count(*) INTO v_count FROM written w;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION renderchain.disown_objects(uuid, integer, jsonb) IS
'Says that an attempt, which may have lost the render, is cancelled or over, writes these objects no more: [{"key","backend","kind"?}]. They are doomed and removed at once, also where nothing is known of them any more; those that are live or recorded as stored stay. Returns how many are doomed. Needs no lease. RC005 for an invalid list.';

CREATE FUNCTION renderchain.register_inputs(upload_id uuid, objects jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
BEGIN
    IF NOT renderchain._fits(register_inputs.objects, renderchain._object_rule()) THEN
        PERFORM renderchain._raise_objects(register_inputs.objects);
    END IF;
    PERFORM renderchain._write_objects(ARRAY[register_inputs.upload_id], '{0}'::integer[],
        ARRAY[(SELECT COALESCE(pg_catalog.jsonb_agg(e.value || '{"kind": "input"}'::jsonb), '[]'::jsonb)
               FROM pg_catalog.jsonb_array_elements(register_inputs.objects) AS e (value))],
        'pending'::text, renderchain.clock());
END
$$;
COMMENT ON FUNCTION renderchain.register_inputs(uuid, jsonb) IS
'Records images before they are uploaded for a render that is to be submitted: [{"key","backend","mime"?,"bytes"?,"sha256"?}]. A request that names a key makes its object the render''s: it stays as long as the render, also where that fails, and goes with it. What no request names within renderchain.upload_grace is removed. upload_id is a new random id, and part of the keys, so that no key is ever written twice; a request with other keys is the same to its idempotencyKey where it names the same sha256. RC005 for an invalid list, or an object that is another''s, live or doomed.';

-- a request without the keys of images whose content it names: they are the same wherever they were uploaded to
CREATE FUNCTION renderchain._without_input_keys(p_request jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN p_request
        || COALESCE((SELECT pg_catalog.jsonb_build_object('references', pg_catalog.jsonb_agg(
                         CASE WHEN e.value ? 'sha256'::text THEN e.value - 'key'::text ELSE e.value END ORDER BY e.place))
                     FROM pg_catalog.jsonb_array_elements(p_request -> 'references'::text) WITH ORDINALITY AS e (value, place)
                     HAVING pg_catalog.count(*) > 0::bigint), '{}'::jsonb)
        || COALESCE((SELECT pg_catalog.jsonb_object_agg(m.name, (p_request -> m.name) - 'key'::text)
                     FROM pg_catalog.unnest('{style,mask,firstFrame,lastFrame,previousVideo}'::text[]) AS m (name)
                     WHERE pg_catalog.jsonb_typeof(p_request -> m.name) = 'object'::text
                       AND (p_request -> m.name) ? 'sha256'::text), '{}'::jsonb);
END
$$;

-- make the inputs that a request names its render's
CREATE FUNCTION renderchain._adopt_inputs(p_render_id uuid, p_request jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_keys text[] := ARRAY(
        SELECT e.value ->> 'key'::text FROM pg_catalog.jsonb_array_elements(p_request -> 'references'::text) AS e (value)
        WHERE e.value ? 'key'::text
      UNION ALL
        SELECT p_request -> m.name ->> 'key'::text
        FROM pg_catalog.unnest('{style,mask,firstFrame,lastFrame,previousVideo}'::text[]) AS m (name)
        WHERE pg_catalog.jsonb_typeof(p_request -> m.name) = 'object'::text AND (p_request -> m.name) ? 'key'::text);
    v_gone text;
BEGIN
    IF pg_catalog.cardinality(v_keys) = 0 THEN
        RETURN;
    END IF;
    UPDATE stored_objects o SET state = 'live', render_id = p_render_id, updated_at = p_now
    WHERE o.key = ANY (v_keys) AND o.kind = 'input' AND o.state = 'pending';
    SELECT pg_catalog.min(o.key) INTO v_gone FROM stored_objects o WHERE o.key = ANY (v_keys) AND o.state = 'doomed';
    IF v_gone IS NOT NULL THEN
        PERFORM renderchain._invalid_request(pg_catalog.format('object %s is being removed'::text, v_gone),
            'Upload the image again, or give its URL.'::text);
    END IF;
END
$$;

-- doom pending objects that nobody will complete, after which they have the time of an upload to arrive
CREATE FUNCTION renderchain._doom_abandoned(p_backend text, p_max integer, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    WITH due AS (
        SELECT o.key, o.kind, o.render_id, o.attempt FROM stored_objects o
        WHERE o.state = 'pending' AND o.due_at <= p_now AND o.backend = p_backend
        ORDER BY o.due_at LIMIT p_max FOR UPDATE SKIP LOCKED
    ), judged AS (
        SELECT d.key, renderchain._object_is_wanted(d.key, d.kind, d.render_id, d.attempt) AS wanted FROM due d
    )
    UPDATE stored_objects o
    SET state = CASE WHEN d.wanted THEN o.state ELSE 'doomed' END,
        updated_at = CASE WHEN d.wanted THEN o.updated_at ELSE p_now END,
        due_at = p_now + pg_catalog.current_setting('renderchain.upload_grace'::text)::interval
    FROM judged d WHERE o.key = d.key;
END
$$;

-- refuse numbers of objects that are not 1 to 1000
CREATE FUNCTION renderchain._check_object_count(p_count integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_count IS NULL OR p_count NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'invalid number of objects: %', COALESCE(p_count::text, 'null'::text) USING ERRCODE = 'RC005',
            HINT = 'From 1 to 1000 objects are dealt with in one call.';
    END IF;
END
$$;

CREATE FUNCTION renderchain.doomed_objects(backend text, max_objects integer DEFAULT 100)
RETURNS TABLE (key text, render_id uuid, tries integer)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
BEGIN
    PERFORM renderchain.use_schema();
    PERFORM renderchain._check_object_count(doomed_objects.max_objects);
    PERFORM renderchain._doom_abandoned(doomed_objects.backend, doomed_objects.max_objects, v_now);
    RETURN QUERY
    WITH due AS (
        SELECT o.key FROM stored_objects o
        WHERE o.state = 'doomed' AND o.due_at <= v_now AND o.backend = doomed_objects.backend
        ORDER BY o.due_at LIMIT doomed_objects.max_objects FOR UPDATE SKIP LOCKED
    )
    -- due again after 1, 2, 4 ... minutes, at most a day: until then it is ours to remove
    UPDATE stored_objects o SET tries = o.tries + 1,
        due_at = v_now + LEAST('1 day'::interval,
            '1 minute'::interval * pg_catalog.power(2::double precision, LEAST(o.tries, 11)::double precision))
    FROM due d WHERE o.key = d.key
    RETURNING o.key, o.render_id, o.tries;
END
$$;
COMMENT ON FUNCTION renderchain.doomed_objects(text, integer) IS
'Gives a collector up to max_objects (1 to 1000) objects of a backend that are to be removed from storage; those that are removed it then names to forget_objects. The others are given to whoever asks after a minute, then after 2, 4 ... minutes, at most a day; tries counts. Dooms first what is pending and will not be completed by anybody. Never waits for other collectors, and no two are given the same. RC005 for a number out of range.';

CREATE FUNCTION renderchain.forget_objects(keys text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM renderchain.use_schema();
    -- one that was disowned since it was given out is to be removed once more
    WITH removed AS (
        -- in the order in which objects are disowned, so that the two cannot block each other
        SELECT o.key FROM stored_objects o
        WHERE o.key = ANY (forget_objects.keys) AND o.state = 'doomed' AND o.tries > 0 ORDER BY o.key FOR UPDATE
    ), gone AS (
        DELETE FROM stored_objects o USING removed r WHERE o.key = r.key RETURNING 1
    )
    SELECT pg_catalog.count(*) INTO v_count FROM gone;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION renderchain.forget_objects(text[]) IS
'Says that objects which doomed_objects gave out are removed from storage: their rows go. Returns how many.';

CREATE FUNCTION renderchain.compare_objects(backend text, listed jsonb, after text DEFAULT NULL, upto text DEFAULT NULL)
RETURNS TABLE (key text, problem text, render_id uuid, bytes bigint, stored_bytes bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    RETURN QUERY
    SELECT COALESCE(o.key, e.key), p.problem, o.render_id, o.bytes, e.bytes
    FROM (SELECT x.key, x.render_id, x.bytes, x.state FROM stored_objects x
          WHERE x.backend = compare_objects.backend
            AND (x.key COLLATE "C" > compare_objects.after) IS NOT FALSE
            AND (x.key COLLATE "C" <= compare_objects.upto) IS NOT FALSE) o
    FULL JOIN pg_catalog.jsonb_to_recordset(compare_objects.listed) AS e (key text, bytes bigint) ON e.key = o.key,
    LATERAL (SELECT CASE WHEN o.key IS NULL THEN 'unknown'::text
                         WHEN o.state <> 'live'::text THEN NULL
                         WHEN e.key IS NULL THEN 'missing'::text
                         WHEN o.bytes <> e.bytes THEN 'size'::text END AS problem) p
    WHERE p.problem IS NOT NULL
    ORDER BY COALESCE(o.key, e.key) COLLATE "C";
END
$$;
COMMENT ON FUNCTION renderchain.compare_objects(text, jsonb, text, text) IS
'Compares what storage lists, [{"key","bytes"}], with the table, among keys after one up to another (in the order of bytes; NULL: no bound). One row a problem: unknown (in storage, not in the table), missing (live, not in storage), size (another one). Pending and doomed objects may be in storage or not.';

CREATE FUNCTION renderchain.check_objects() RETURNS TABLE (problem text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    RETURN QUERY
    SELECT pg_catalog.format('render %s: %s, but its output %s is %s'::text, r.id, r.status, r.output_key,
                             COALESCE(o.state, 'unknown'::text))
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    LEFT JOIN stored_objects o ON o.key = r.output_key::text AND o.render_id = r.id
    WHERE r.status::text = 'completed'::text AND r.output_key IS NOT NULL AND o.state IS DISTINCT FROM 'live'::text
  UNION ALL
    SELECT pg_catalog.format('object %s: live, but render %s %s'::text, o.key, o.render_id,
                             COALESCE('is '::text || r.status::text, 'does not exist'::text))
    FROM stored_objects o LEFT JOIN renders r ON r.id = o.render_id
    WHERE o.state = 'live' AND (r.id IS NULL OR o.kind <> 'input' AND r.status::text <> 'completed'::text)
  UNION ALL
    SELECT pg_catalog.format('render %s: %s live outputs'::text, o.render_id, pg_catalog.count(*))
    FROM stored_objects o WHERE o.state = 'live' AND o.kind = 'output' GROUP BY o.render_id HAVING pg_catalog.count(*) > 1::bigint;
END
$$;
COMMENT ON FUNCTION renderchain.check_objects() IS
'Proves the table of stored objects: the output of every completed render is live, and nothing else is live but inputs. One row a problem, none if all is well. What is in storage renderchain gc --verify compares.';
