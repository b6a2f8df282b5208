-- Access ---------------------------------------------------------------------------
--
-- Nobody may do anything but merge and compare JSON until grant_access says so. All
-- functions run with the rights of the caller, so a level is rights on functions and
-- on the tables that they touch; row security and column privileges come on top.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA renderchain FROM PUBLIC;
GRANT USAGE ON SCHEMA renderchain TO PUBLIC;
GRANT EXECUTE ON FUNCTION
    renderchain.jsonb_merge_patch(jsonb, jsonb),
    renderchain.jsonb_merge_patch_agg(jsonb),
    renderchain.jsonb_make_patch(jsonb, jsonb),
    renderchain.merge_memory(VARIADIC jsonb[]),
    renderchain.merge_memory(jsonb)
TO PUBLIC;

-- what each level adds to the one below it; rights NULL for a function, all of that name
-- unless its arguments are named. Helpers
-- (names starting with an underscore) come with the lowest level.
CREATE FUNCTION renderchain._access_rules(OUT level text, OUT name text, OUT rights text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.level, n.name, v.rights
    FROM (VALUES
        ('submit', NULL, '{clock,use_schema,submit_render,register_inputs,cancel_render,retry_render,get_render,get_recipe,stage_events,events_since,credit_balance,credit_history,get_models,get_registry,find_chain,list_chains,get_chain,get_timelines,watch_renders,check_token,own_render,own_chain,own_object,submit_own,list_own_chains,expected_durations,get_latest_completed_render_with_memory,get_memory_from_chain,get_memory_from_render,get_memories_from_chains,get_memory_from_ancestors,save_memory,merge_context,pin_memory,unpin_memory}'::text[]),
        ('submit', 'SELECT, INSERT, UPDATE', '{render_chains,renders,render_jobs,render_queues}'),
        ('submit', 'SELECT, INSERT, UPDATE, DELETE', '{memory_pins}'),
        ('submit', 'SELECT, UPDATE', '{render_stages,credit_accounts}'),
        ('submit', 'SELECT, INSERT, UPDATE', '{stored_objects}'),
        ('submit', 'SELECT, INSERT', '{credit_entries}'),
        ('submit', 'SELECT', '{models,api_tokens}'),
        ('work', NULL, '{claim_renders,run_render,extend_leases,release_renders,get_analyses,get_video_origin,record_stages,register_objects,disown_objects,doomed_objects,forget_objects,compare_objects,check_objects,complete_render,fail_render,expire_renders,queue_status,warm_up,purge()}'),
        ('work', 'INSERT, DELETE', '{render_stages}'),
        ('work', 'DELETE', '{stored_objects}'),
        ('work', 'SELECT, INSERT, UPDATE, DELETE', '{analysis_cache}'),
        ('admin', NULL, '{create_tables,check_tables,shipped_models,load_models,grant_credits,check_ledger,purge,grant_access,create_token,list_tokens,revoke_token}'),
        ('admin', 'DELETE', '{render_chains,renders,render_jobs,render_queues}'),
        ('admin', 'INSERT', '{credit_accounts}'),
        ('admin', 'INSERT, UPDATE', '{api_tokens}'),
        ('admin', 'INSERT, UPDATE, DELETE', '{models}')
    ) AS v (level, rights, names), unnest(v.names) AS n (name)
$$;

CREATE FUNCTION renderchain.grant_access(role regrole, level text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_levels text[] := '{submit,work,admin}';
    v_schema text;
    v_command text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = grant_access.role::oid) THEN
        RAISE EXCEPTION 'no role to grant access to' USING ERRCODE = 'RC005', HINT = 'Name an existing role.';
    END IF;
    IF grant_access.level IS NULL OR grant_access.level <> ALL (v_levels) THEN
        RAISE EXCEPTION 'unknown level "%"', COALESCE(grant_access.level, 'null') USING ERRCODE = 'RC005',
            HINT = 'Levels are submit (submit, read, cancel), work (and run renders) and admin (and make tables, grant credits, purge).';
    END IF;
    v_schema := renderchain.use_schema();
    v_levels := v_levels[1:array_position(v_levels, grant_access.level)];
    FOR v_command IN
        SELECT format('GRANT USAGE ON SCHEMA %I TO %s', v_schema, grant_access.role)
      UNION ALL
        SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', p.oid::regprocedure, grant_access.role)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'renderchain'
          AND (starts_with(p.proname::text, '_'::text)
               OR EXISTS (SELECT FROM renderchain._access_rules() a
                          WHERE a.level = ANY (v_levels) AND a.rights IS NULL
                            AND a.name IN (p.proname::text, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')')))
      UNION ALL
        SELECT format('GRANT %s ON %I.%I TO %s', a.rights, v_schema, a.name, grant_access.role)
        FROM renderchain._access_rules() a WHERE a.level = ANY (v_levels) AND a.rights IS NOT NULL
    LOOP
        EXECUTE v_command;
    END LOOP;
END
$$;
COMMENT ON FUNCTION renderchain.grant_access(regrole, text) IS
'Gives a role what it needs on the functions and on the tables of the present renderchain.schema: submit (submit, read, cancel, retry, memory and pins), work (also claim, run and end renders), admin (also make tables, load models, grant credits, purge). For the roles of servers, not of end users; needs the right to grant all of that. RC005 for an unknown level.';

REVOKE ALL ON FUNCTION renderchain._access_rules(), renderchain.grant_access(regrole, text) FROM PUBLIC;
