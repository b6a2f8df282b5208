-- Credits ------------------------------------------------------------------------
--
-- Every change of an account writes one entry in the same statement order: account
-- row (which is the lock), then entry. An unmetered user has neither.

-- reserve credits for a run of a render; NULL where the user is not metered
CREATE FUNCTION renderchain._reserve(p_user_id uuid, p_render_id uuid, p_run integer, p_credits integer,
    p_now timestamptz, OUT o_reserved integer)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM credit_accounts a WHERE a.user_id = p_user_id) THEN
        IF pg_catalog.current_setting('renderchain.require_credits'::text)::boolean THEN
            PERFORM renderchain._raise_no_account(p_user_id);
        END IF;
        RETURN;
    END IF;
    UPDATE credit_accounts a SET balance = a.balance - p_credits::bigint, reserved = a.reserved + p_credits::bigint
    WHERE a.user_id = p_user_id AND a.balance >= p_credits::bigint RETURNING p_credits INTO o_reserved;
    IF NOT FOUND THEN
        PERFORM renderchain._raise_too_few(p_user_id, p_credits);
    END IF;
    INSERT INTO credit_entries (user_id, render_id, run, kind, balance_delta, reserved_delta, amount, created_at)
    VALUES (p_user_id, p_render_id, p_run, 'reserve', -p_credits::bigint, p_credits, p_credits, p_now);
END
$$;

-- raise that a user has no account and must have one
CREATE FUNCTION renderchain._raise_no_account(p_user_id uuid) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'user % has no credit account', p_user_id USING ERRCODE = 'RC007',
        DETAIL = 'The setting renderchain.require_credits is on.',
        HINT = 'renderchain.grant_credits() opens an account.';
END
$$;

-- raise that an account has too few credits
CREATE FUNCTION renderchain._raise_too_few(p_user_id uuid, p_credits integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_account record;
BEGIN
    SELECT a.balance, a.reserved INTO v_account FROM credit_accounts a WHERE a.user_id = p_user_id;
    RAISE EXCEPTION 'not enough credits' USING ERRCODE = 'RC003',
        DETAIL = pg_catalog.format('Needed are %s credits, available are %s, and %s are reserved for renders that have not ended.'::text,
                                   p_credits, v_account.balance, v_account.reserved),
        HINT = 'Grant credits with renderchain.grant_credits(), name a cheaper model by forceModel, or wait for running renders to end.';
END
$$;

-- end a reservation: settle what was used, or refund all of it where that is NULL.
-- Whose it is the ledger says: an application may have given the render to another
-- user since.
CREATE FUNCTION renderchain._release(p_render_id uuid, p_run integer, p_reserved integer, p_used integer,
    p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_user_id uuid;
    v_back bigint := (p_reserved - COALESCE(p_used, 0))::bigint;
BEGIN
    SELECT e.user_id INTO v_user_id FROM credit_entries e
    WHERE e.render_id = p_render_id AND e.run = p_run AND e.kind = 'reserve';
    UPDATE credit_accounts a SET balance = a.balance + v_back, reserved = a.reserved - p_reserved::bigint
    WHERE a.user_id = v_user_id;
    INSERT INTO credit_entries (user_id, render_id, run, kind, balance_delta, reserved_delta, amount, created_at)
    VALUES (v_user_id, p_render_id, p_run, CASE WHEN p_used IS NULL THEN 'refund'::text ELSE 'settle'::text END,
            v_back, -p_reserved, COALESCE(p_used, p_reserved), p_now);
END
$$;

CREATE FUNCTION renderchain.grant_credits(user_id uuid, amount integer, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := renderchain.clock();
    v_balance bigint;
BEGIN
    PERFORM renderchain.use_schema();
    IF grant_credits.user_id IS NULL THEN
        RAISE EXCEPTION 'no user to grant credits to' USING ERRCODE = 'RC005', HINT = 'Give the user''s id, a UUID.';
    END IF;
    IF grant_credits.amount IS NULL OR grant_credits.amount NOT BETWEEN 0 AND 1000000000 THEN
        RAISE EXCEPTION 'invalid amount of credits: %', COALESCE(grant_credits.amount::text, 'null'::text)
            USING ERRCODE = 'RC005', HINT = 'From 0 (which only opens an account) to 1000000000 credits are granted at a time.';
    END IF;
    INSERT INTO credit_accounts AS a (user_id, balance) VALUES (grant_credits.user_id, grant_credits.amount)
    ON CONFLICT (user_id) DO UPDATE SET balance = a.balance + excluded.balance
    -- what is reserved may come back
    WHERE a.balance <= 9223372036854775807::bigint - a.reserved - excluded.balance
    RETURNING a.balance INTO v_balance;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the account of user % cannot hold % credits more', grant_credits.user_id, grant_credits.amount
            USING ERRCODE = 'RC005', HINT = 'An account holds up to 9223372036854775807 credits, reserved ones among them.';
    END IF;
    INSERT INTO credit_entries (user_id, kind, balance_delta, reserved_delta, amount, reason, created_at)
    VALUES (grant_credits.user_id, 'grant', grant_credits.amount, 0, grant_credits.amount, grant_credits.reason, v_now);
    RETURN v_balance;
END
$$;
COMMENT ON FUNCTION renderchain.grant_credits(uuid, integer, text) IS
'Adds credits to a user''s account, which is opened by the first grant and meters the user from then on; returns the balance. RC005 for an amount that is not 0 to 1000000000, or more than an account can hold.';

CREATE FUNCTION renderchain.credit_balance(user_id uuid) RETURNS TABLE (balance bigint, reserved bigint)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    RETURN QUERY SELECT a.balance, a.reserved FROM credit_accounts a WHERE a.user_id = credit_balance.user_id;
END
$$;
COMMENT ON FUNCTION renderchain.credit_balance(uuid) IS
'The credits a user can spend and those reserved for renders that have not ended; no row for a user without an account, who is not metered.';

CREATE FUNCTION renderchain.credit_history(user_id uuid, max_rows integer DEFAULT 50)
RETURNS TABLE (id bigint, created_at timestamptz, kind text, amount bigint, balance bigint, reserved bigint,
               render_id uuid, run integer, reason text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM renderchain.use_schema();
    IF credit_history.max_rows IS NULL OR credit_history.max_rows NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'invalid number of rows: %', COALESCE(credit_history.max_rows::text, 'null'::text)
            USING ERRCODE = 'RC005', HINT = 'From 1 to 10000 entries are listed in one call.';
    END IF;
    RETURN QUERY
    -- what the account holds, less all that came after an entry
    SELECT e.id, e.created_at, e.kind, e.amount,
           (a.balance::numeric - (pg_catalog.sum(e.balance_delta) OVER newer - e.balance_delta))::bigint,
           (a.reserved::numeric - (pg_catalog.sum(e.reserved_delta) OVER newer - e.reserved_delta))::bigint,
           e.render_id, e.run, e.reason
    FROM credit_accounts a,
         LATERAL (SELECT x.id, x.created_at, x.kind, x.amount, x.balance_delta::numeric, x.reserved_delta::numeric,
                         x.render_id, x.run, x.reason
                  FROM credit_entries x WHERE x.user_id = a.user_id ORDER BY x.id DESC LIMIT credit_history.max_rows) e
    WHERE a.user_id = credit_history.user_id
    WINDOW newer AS (ORDER BY e.id DESC)
    ORDER BY e.id DESC;
END
$$;
COMMENT ON FUNCTION renderchain.credit_history(uuid, integer) IS
'The entries that explain a user''s credits, the newest first, at most max_rows (1 to 10000): what each granted, reserved, settled or refunded (amount), for which render and run of it, and the balance and reserved credits after it. What a settle did not use of its reserve goes back to the balance. No row for a user without an account. RC005 for a number out of range.';

CREATE FUNCTION renderchain.check_ledger() RETURNS TABLE (problem text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    RETURN QUERY
    SELECT pg_catalog.format('account %s: balance %s and reserved %s, but its entries sum to %s and %s'::text, a.user_id,
                             a.balance, a.reserved, e.balance, e.reserved)
    FROM credit_accounts a, LATERAL (
        SELECT COALESCE(pg_catalog.sum(x.balance_delta), 0::numeric) AS balance,
               COALESCE(pg_catalog.sum(x.reserved_delta), 0::numeric) AS reserved
        FROM credit_entries x WHERE x.user_id = a.user_id) e
    WHERE a.balance::numeric <> e.balance OR a.reserved::numeric <> e.reserved
  UNION ALL
    SELECT pg_catalog.format('account %s: negative balance %s or reserved %s'::text, a.user_id, a.balance, a.reserved)
    FROM credit_accounts a WHERE a.balance < 0::bigint OR a.reserved < 0::bigint
  UNION ALL
    SELECT pg_catalog.format('account %s: missing, but it has entries'::text, e.user_id)
    FROM credit_entries e WHERE NOT EXISTS (SELECT FROM credit_accounts a WHERE a.user_id = e.user_id)
    GROUP BY e.user_id
  UNION ALL
    SELECT pg_catalog.format('render %s run %s: %s reserve, %s settle and %s refund entries of %s users'::text, e.render_id,
                             e.run, e.reserves, e.settles, e.refunds, e.users)
    FROM (SELECT x.render_id, x.run,
                 pg_catalog.count(*) FILTER (WHERE x.kind = 'reserve') AS reserves,
                 pg_catalog.count(*) FILTER (WHERE x.kind = 'settle') AS settles,
                 pg_catalog.count(*) FILTER (WHERE x.kind = 'refund') AS refunds,
                 pg_catalog.count(DISTINCT x.user_id) AS users,
                 pg_catalog.sum(x.reserved_delta) AS reserved
          FROM credit_entries x WHERE x.kind <> 'grant' GROUP BY x.render_id, x.run) e
    LEFT JOIN render_jobs j ON j.render_id = e.render_id
    WHERE e.reserves <> 1::bigint OR e.users <> 1::bigint
       OR e.settles + e.refunds <> CASE WHEN j.state <> 'ended' AND j.run = e.run THEN 0::bigint ELSE 1::bigint END
       OR e.settles + e.refunds = 1::bigint AND e.reserved <> 0::numeric
  UNION ALL
    SELECT pg_catalog.format('render %s run %s: %s credits reserved, but its entry says %s'::text, j.render_id, j.run,
                             j.credits_reserved, COALESCE(e.amount::text, 'nothing'::text))
    FROM render_jobs j
    LEFT JOIN credit_entries e ON e.render_id = j.render_id AND e.run = j.run AND e.kind = 'reserve'
    WHERE j.credits_reserved::bigint IS DISTINCT FROM e.amount
  UNION ALL
    SELECT pg_catalog.format('render %s: status %s, but its job is %s'::text, r.id, r.status, j.state)
    FROM render_jobs j JOIN renders r ON r.id = j.render_id
    WHERE CASE r.status::text WHEN 'pending' THEN 'queued'::text WHEN 'processing' THEN 'running'::text
          ELSE 'ended'::text END <> CASE j.state WHEN 'waiting' THEN 'queued'::text ELSE j.state END;
END
$$;
COMMENT ON FUNCTION renderchain.check_ledger() IS
'Proves the ledger: every account is the sum of its entries, nothing is negative, every run of a render has one reserve and, once it has ended, one settle or refund of the same user, and jobs agree with both. One row a problem, none if all is well.';
