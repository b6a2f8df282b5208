-- Tokens ---------------------------------------------------------------------------
--
-- Who may ask the HTTP server what. A token is made by whoever hands it out and never
-- comes here, only its hash does: no log and no dump of the database holds one.

-- raise unless a text is the SHA-256 of something
CREATE FUNCTION renderchain._check_hash(p_hash text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_hash IS NULL OR p_hash !~ '^[0-9a-f]{64}$'::text THEN
        RAISE EXCEPTION 'invalid hash of a token' USING ERRCODE = 'RC005',
            HINT = 'It is the SHA-256 of the token in 64 hexadecimal digits.';
    END IF;
END
$$;

CREATE FUNCTION renderchain.create_token(hash text, user_id uuid, level text, name text, lifetime interval DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_now timestamptz := renderchain.clock();
BEGIN
    PERFORM renderchain._check_hash(create_token.hash);
    IF create_token.user_id IS NULL OR create_token.level IS NULL OR create_token.level NOT IN ('read', 'write', 'admin')
       OR create_token.name IS NULL OR pg_catalog.char_length(create_token.name) NOT BETWEEN 1 AND 200
       OR create_token.lifetime <= '0'::interval THEN
        RAISE EXCEPTION 'invalid token' USING ERRCODE = 'RC005',
            HINT = 'A token has a user, a level (read, write or admin), a name of 1 to 200 characters, and a lifetime that is not over or none.';
    END IF;
    INSERT INTO api_tokens (hash, user_id, level, name, created_at, expires_at)
    VALUES (create_token.hash, create_token.user_id, create_token.level, create_token.name, v_now, v_now + create_token.lifetime);
END
$$;
COMMENT ON FUNCTION renderchain.create_token(text, uuid, text, text, interval) IS
'Lets the bearer of the token with that SHA-256 ask the HTTP server in the name of a user: to read what is the user''s, to write (also submit, cancel, change memory), or as admin for everybody. The name is for people. Without a lifetime it is valid until it is revoked. RC005 for invalid values.';

CREATE FUNCTION renderchain.check_token(hash text, OUT user_id uuid, OUT level text) RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    RETURN QUERY SELECT t.user_id, t.level FROM api_tokens t
                 WHERE t.hash = check_token.hash AND t.revoked_at IS NULL
                   AND (t.expires_at IS NULL OR t.expires_at > renderchain.clock());
END
$$;
COMMENT ON FUNCTION renderchain.check_token(text) IS
'Whose token has that SHA-256, and its level; no row where there is none, or it was revoked or has expired.';

CREATE FUNCTION renderchain.list_tokens() RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
BEGIN
    RETURN COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                         'token', pg_catalog.left(t.hash, 12), 'userId', t.user_id, 'level', t.level, 'name', t.name,
                         'createdAt', t.created_at, 'expiresAt', t.expires_at, 'revokedAt', t.revoked_at)
                     ORDER BY t.created_at, t.hash) FROM api_tokens t), '[]'::jsonb);
END
$$;
COMMENT ON FUNCTION renderchain.list_tokens() IS
'All tokens, also those that are not valid any more, the oldest first: [{"token","userId","level","name","createdAt","expiresAt","revokedAt"}], token being the first 12 digits of the hash.';

CREATE FUNCTION renderchain.revoke_token(token text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := renderchain.use_schema();
    v_count bigint;
BEGIN
    IF revoke_token.token IS NULL OR revoke_token.token !~ '^[0-9a-f]{12,64}$'::text THEN
        RAISE EXCEPTION 'invalid token to revoke' USING ERRCODE = 'RC005',
            HINT = 'Name it as list_tokens() does, by the first 12 digits of its hash or more.';
    END IF;
    UPDATE api_tokens t SET revoked_at = renderchain.clock()
    WHERE pg_catalog.starts_with(t.hash, revoke_token.token) AND t.revoked_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count > 0;
END
$$;
COMMENT ON FUNCTION renderchain.revoke_token(text) IS
'Makes the token invalid that list_tokens() names like this, by the first digits of its hash; false where there is none that is valid. RC005 for fewer than 12 digits.';
