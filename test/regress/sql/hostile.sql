-- nothing planted in the caller's search_path, in the tenant's schema or in pg_temp is run
\set SHOW_CONTEXT never
SET renderchain.schema = 't_hostile';
SELECT renderchain.create_tables() LIKE 'schema t_hostile: created %' AS made;
-- as in an application's own table
ALTER TABLE t_hostile.renders ALTER started_at TYPE timestamp;

-- every built-in function, operator and type name that could be mistaken for one that
-- the functions use, as an exact match for other argument types: all of them raise
CREATE FUNCTION t_hostile.sprung() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a planted object was run'; END $$;
DO $do$
DECLARE
    f record;
    o record;
    n integer := 0;
BEGIN
    -- functions: a copy of every function of pg_catalog that our source names, for the same and for text arguments
    FOR f IN SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid) AS args, format_type(p.prorettype, NULL) AS result, p.proretset
             FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
               AND p.prorettype <> ALL ('{internal,cstring,trigger,event_trigger,record}'::regtype[]) AND NOT p.proretset
               AND p.pronargs BETWEEN 1 AND 4 AND p.provariadic = 0
               AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p')
               AND p.prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p')
               AND EXISTS (SELECT FROM pg_proc ours WHERE ours.pronamespace = 'renderchain'::regnamespace
                             AND ours.prosrc ~ ('\m' || p.proname || '\('))
    LOOP
        EXECUTE format('CREATE FUNCTION t_hostile.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM t_hostile.sprung(); RETURN NULL; END $f$',
                       f.proname, f.args, f.result);
        n := n + 1;
    END LOOP;
    RAISE NOTICE 'planted functions: %', n > 20;
END $do$;
CREATE FUNCTION t_hostile.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM t_hostile.sprung(); END $$;
CREATE FUNCTION t_hostile.trap(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM t_hostile.sprung(); END $$;
CREATE FUNCTION t_hostile.trap_j(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM t_hostile.sprung(); END $$;
CREATE FUNCTION t_hostile.trap_t(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM t_hostile.sprung(); END $$;
DO $do$
DECLARE
    o text;
    t text;
BEGIN
    -- operators on jsonb taken for unknown literals:  jsonb -> 'key'  would be  jsonb -> jsonb  here
    FOREACH o IN ARRAY '{->,->>,#>,#>>,-,||,#-}'::text[] LOOP
        EXECUTE format('CREATE OPERATOR t_hostile.%s (FUNCTION = t_hostile.trap_j, LEFTARG = jsonb, RIGHTARG = jsonb)', o);
    END LOOP;
    FOREACH o IN ARRAY '{?,?|,?&,=,<>,<,>,<=,>=,@>}'::text[] LOOP
        EXECUTE format('CREATE OPERATOR t_hostile.%s (FUNCTION = t_hostile.trap, LEFTARG = jsonb, RIGHTARG = jsonb)', o);
        EXECUTE format('CREATE OPERATOR t_hostile.%s (FUNCTION = t_hostile.trap, LEFTARG = text, RIGHTARG = text)', o);
    END LOOP;
    -- comparisons and sums of mixed types, where a built-in one needs a cast
    FOREACH t IN ARRAY '{varchar:text,text:varchar,varchar:varchar,varchar:unknown,bpchar:text,integer:numeric,numeric:integer,bigint:numeric,numeric:bigint,smallint:numeric,timestamp:timestamptz,timestamptz:timestamp,date:timestamptz,double precision:numeric,numeric:double precision,double precision:integer,integer:double precision,text:integer,integer:text,text:name,name:text,text:uuid,uuid:text,text:jsonb,jsonb:text}'::text[] LOOP
        CONTINUE WHEN t LIKE '%unknown';
        EXECUTE format('CREATE FUNCTION t_hostile.trap_m(%s, %s) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN PERFORM t_hostile.sprung(); END $f$',
                       split_part(t, ':', 1), split_part(t, ':', 2));
        FOREACH o IN ARRAY '{=,<>,<,>,<=,>=,+,-,*,/,||,~,!~,~*}'::text[] LOOP
            EXECUTE format('CREATE OPERATOR t_hostile.%s (FUNCTION = t_hostile.trap_m, LEFTARG = %s, RIGHTARG = %s)',
                           o, split_part(t, ':', 1), split_part(t, ':', 2));
        END LOOP;
    END LOOP;
END $do$;
-- types, tables and functions of the caller's temporary schema
CREATE TEMP TABLE renders (id uuid, mine text);
CREATE TEMP TABLE render_jobs (id uuid, mine text);
CREATE TEMP TABLE models (id text);
CREATE DOMAIN pg_temp.uuid AS text CHECK (false);
CREATE DOMAIN pg_temp.jsonb AS text CHECK (false);

SET renderchain.max_running_per_user = 1000;
SET renderchain.max_running_per_provider = 1000;
-- backslashes in plain literals are escapes where a role or database says so, which servers up to 18 allow
DO $$BEGIN
    IF current_setting('server_version_num')::integer < 190000 THEN
        PERFORM set_config('standard_conforming_strings', 'off', false);
    END IF;
END$$;
SET search_path = t_hostile, pg_temp, pg_catalog;
SELECT chain_position OPERATOR(pg_catalog.=) 1 AS first FROM renderchain.submit_render('{"prompt": "x", "chainName": "c", "quality": "high",
    "references": [{"key": "k"}], "style": {"url": "u"}, "priority": 5, "durationSeconds": 4, "quick": true, "idempotencyKey": "k",
    "toolContext": {"toolId": "t"}, "skipStages": {"validation": true}, "provider": "local"}'::pg_catalog.jsonb);
\set VERBOSITY sqlstate
SELECT renderchain.submit_render('{"prompt": "x", "chainName": "c", "idempotencyKey": "k"}'::pg_catalog.jsonb) IS NULL AS made;
\set VERBOSITY default
SELECT renderchain.submit_render('{"prompt": "x", "forceModel": "gemini-3.1-flash-image"}'::pg_catalog.jsonb) IS NULL AS made;
SELECT renderchain.grant_credits('00000000-0000-0000-0000-00000000000a'::pg_catalog.uuid, 100, 'x') AS balance;
SELECT attempt, stages FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT attempt, memory, previous_output FROM renderchain.run_render('{"prompt": "y", "chainName": "c",
    "userId": "00000000-0000-0000-0000-00000000000a", "forceModel": "local-image-pro"}'::pg_catalog.jsonb, 'w', '1 minute');
SELECT renderchain.record_stages(id, 1, '[{"stage": "storage", "status": "running"}, {"stage": "image_generation", "part": "1",
    "status": "success", "outcome": "ok", "durationMs": 5.5, "cost": "0.1", "startedAt": "2026-01-01T00:00:00Z"}]') IS NULL AS nothing
FROM t_hostile.renders;
SELECT held, cancelled FROM renderchain.extend_leases('w', (SELECT pg_catalog.array_agg(id) FROM t_hostile.renders), '1 minute');
SELECT renderchain.pin_memory(id, '{"palette": ["navy"]}') FROM t_hostile.render_chains;
SELECT id AS y FROM t_hostile.renders WHERE prompt OPERATOR(pg_catalog.=) 'y' \gset
SELECT id AS x FROM t_hostile.renders WHERE prompt OPERATOR(pg_catalog.=) 'x' \gset
SELECT renderchain.register_objects(:'y', 1, '[{"key": "k", "backend": "file", "bytes": 5}]');
SELECT renderchain.complete_render(:'y', 1, '{"outputUrl": "u", "outputKey": "k", "objects": [{"key": "k", "backend": "file", "bytes": 5}],
    "memory": {"palette": ["red"], "materials": ["stone"]}, "context": {"a": 1}, "selectedModel": "local-image-flash", "processingTime": 1.5,
    "stages": [{"stage": "storage", "status": "success", "durationMs": 3}]}') IS NULL AS nothing;
SELECT render_id AS z FROM renderchain.run_render('{"prompt": "z"}'::pg_catalog.jsonb, 'w', '1 minute') \gset
SELECT renderchain.complete_render(:'z', 1, '{"outputUrl": "u"}') IS NULL AS nothing;
SELECT renderchain.get_render(:'y') IS NULL AS nothing, renderchain.stage_events(:'y') IS NULL AS none;
SELECT seq FROM renderchain.events_since(:'y', 3);
SELECT renderchain.fail_render(:'x', 1, '{"message": "x", "retryAfterSeconds": 0}', true);
SELECT renderchain.cancel_render(:'x');
SELECT renderchain.retry_render(:'x');
SELECT attempt, memory, stages FROM renderchain.claim_renders('w', 1, '1 minute');
SELECT status FROM renderchain.release_renders('w');
SELECT renderchain.get_analyses('{x}');
SELECT renderchain.queue_status() IS NULL AS nothing;
SELECT renderchain.watch_renders(since => '-infinity') IS NULL AS nothing;
SELECT count(*) OPERATOR(pg_catalog.>=) 0 AS counted FROM renderchain.expected_durations();
SELECT renderchain.expire_renders();
SELECT renderchain.purge('0 seconds', 10);
SELECT renderchain.purge();
SELECT renderchain.load_models('{"models": [{"id": "m", "provider": "p", "kind": "text", "tier": "pro", "credits": 3, "retired": "2026-01-01"}]}'::pg_catalog.jsonb) IS NULL AS nothing;
SELECT kind, amount FROM renderchain.credit_history('00000000-0000-0000-0000-00000000000a'::pg_catalog.uuid);
SELECT balance, reserved FROM renderchain.credit_balance('00000000-0000-0000-0000-00000000000a'::pg_catalog.uuid);
SELECT pg_catalog.length(renderchain.get_registry()::pg_catalog.text) OPERATOR(pg_catalog.>) 100 AS models;
SELECT renderchain.find_chain('c') IS NULL AS nothing, renderchain.list_chains() IS NULL AS none;
SELECT renderchain.get_chain(id) IS NULL AS nothing FROM t_hostile.render_chains;
SELECT renderchain.get_timelines(id) IS NULL AS nothing FROM t_hostile.render_chains;
SELECT renderchain.create_tables() LIKE 'x' AS again;
DELETE FROM t_hostile.renders WHERE id OPERATOR(pg_catalog.=) :'x'::pg_catalog.uuid;
SELECT problem FROM renderchain.check_ledger();
SHOW search_path;
RESET search_path;
RESET standard_conforming_strings;
SET client_min_messages = warning;
DROP SCHEMA t_hostile CASCADE;
