-- settings, the clock and the working schema
\set SHOW_CONTEXT never

-- the settings are there once a function has been called
SELECT renderchain.clock() BETWEEN transaction_timestamp() AND clock_timestamp() AS real_time;
SELECT name, setting, unit, vartype, context, min_val, max_val FROM pg_settings WHERE name LIKE 'renderchain.%' ORDER BY name COLLATE "C";

-- limits, and one past them
\set VERBOSITY sqlstate
SET renderchain.max_attempts = 0;
SET renderchain.max_attempts = 1;
SET renderchain.max_attempts = 100;
SET renderchain.max_attempts = 101;
SET renderchain.max_attempts = 'x';
SHOW renderchain.max_attempts;
SET renderchain.deadline = 0;
SET renderchain.deadline = 1;
SET renderchain.deadline = '7d';
SHOW renderchain.deadline;
SET renderchain.deadline = 604801;
SET renderchain.deadline = '90min';
SELECT current_setting('renderchain.deadline')::interval;
SET renderchain.notify = maybe;
SET renderchain.connect_timeout = 0;
SET renderchain.connect_timeout = 1;
SET renderchain.connect_timeout = '10min';
SET renderchain.connect_timeout = 601;
SET renderchain.idle_timeout = -1;
SET renderchain.idle_timeout = '1h';
SET renderchain.idle_timeout = 3601;
\set VERBOSITY default

-- timeouts of stages: a list, checked as a whole, that drivers get with the registry
SELECT renderchain._timeouts();
SET renderchain.stage_timeouts = 'image_generation=300s, validation=30s,storage = 1d , video_generation=15min,semantic_parsing=1';
SELECT renderchain._timeouts();
SET renderchain.stage_timeouts = ' ';
SELECT renderchain._timeouts();
RESET renderchain.connect_timeout;
RESET renderchain.idle_timeout;
SELECT renderchain._timeouts();
SET renderchain.stage_timeouts = 'image_generation';
SET renderchain.stage_timeouts = 'image_generation=300s,';
SET renderchain.stage_timeouts = 'image_generation=';
SET renderchain.stage_timeouts = 'image_generation=soon';
SET renderchain.stage_timeouts = 'image_generation=0';
SET renderchain.stage_timeouts = 'image_generation=86400';
SET renderchain.stage_timeouts = 'image_generation=86401';
SET renderchain.stage_timeouts = 'image_generation=5 parsecs';
SET renderchain.stage_timeouts = 'model_routing=1s';
SET renderchain.stage_timeouts = '=1s';
SET renderchain.stage_timeouts = 'validation=1s, validation=2s';
SHOW renderchain.stage_timeouts;
RESET renderchain.stage_timeouts;

-- the clock can be set, to a point in time
SET renderchain.clock = '2026-01-31 12:00:00+00';
SELECT renderchain.clock() AT TIME ZONE 'UTC';
SET renderchain.clock = 'half past nine';
SET renderchain.clock = 'infinity';
SET renderchain.clock = '2026-02-30 12:00:00+00';
SET renderchain.clock = '10:00';
SELECT renderchain.clock() AT TIME ZONE 'UTC';
SET renderchain.clock = '';
SELECT renderchain.clock() BETWEEN transaction_timestamp() AND clock_timestamp() AS real_time;

-- only superusers may set the clock and require_credits
CREATE ROLE regress_settings_user;
SET ROLE regress_settings_user;
SET renderchain.clock = '2026-01-31 12:00:00+00';
SET renderchain.require_credits = on;
SET renderchain.max_attempts = 5;
SELECT renderchain.clock();
SELECT renderchain.use_schema();
RESET ROLE;

-- use_schema puts the tenant's schema behind pg_catalog, for as long as the caller runs
CREATE SCHEMA t_settings;
CREATE TABLE t_settings.renders (id int);
CREATE FUNCTION t_settings.path() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM renderchain.use_schema();
    RETURN pg_catalog.current_setting('search_path');
END $$;
SET renderchain.schema = 't_settings';
SET search_path = public;
SELECT t_settings.path();
SHOW search_path;
BEGIN;
SELECT renderchain.use_schema();
SHOW search_path;
SELECT t_settings.path();
SHOW search_path;
SAVEPOINT s;
SET LOCAL search_path = public;
ROLLBACK TO s;
SHOW search_path;
COMMIT;
SHOW search_path;
-- names that need quotes
CREATE SCHEMA "t ""Mixed"", x";
CREATE TABLE "t ""Mixed"", x".renders (id int);
SET renderchain.schema = 't "Mixed", x';
SELECT t_settings.path(), renderchain.use_schema();

-- no schema, no tables, reserved schemas
SET renderchain.schema = 't_settings_none';
SELECT renderchain.use_schema();
\echo :LAST_ERROR_SQLSTATE
SET renderchain.schema = 'T_settings';
SELECT renderchain.use_schema();
CREATE SCHEMA "it's";
SET renderchain.schema = 'it''s';
SELECT renderchain.use_schema();
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
SET renderchain.schema = '';
SELECT renderchain.use_schema();
SET renderchain.schema = 'pg_catalog';
SELECT renderchain.use_schema();
SET renderchain.schema = 'pg_temp';
SELECT renderchain.use_schema();
SET renderchain.schema = 'pg_temp_3';
SELECT renderchain.use_schema();
SET renderchain.schema = 'pg_toast';
SELECT renderchain.use_schema();
SET renderchain.schema = 'information_schema';
SELECT renderchain.use_schema();
-- in a search_path "$user" is the schema named like the role, were there one named so
CREATE SCHEMA "$user";
CREATE TABLE "$user".renders (id int);
SET renderchain.schema = '$user';
SELECT renderchain.use_schema();
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
\echo :LAST_ERROR_SQLSTATE
SET renderchain.schema = 'this_name_is_longer_than_any_name_of_a_schema_could_possibly_be_in_postgresql';
SELECT renderchain.use_schema();

-- without USAGE the tables are not missing but forbidden
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain TO regress_settings_user;
SET renderchain.schema = 't_settings';
SET ROLE regress_settings_user;
SELECT renderchain.use_schema();
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.submit_render('{"prompt": "x"}');
\echo :LAST_ERROR_SQLSTATE
SELECT renderchain.get_memory_from_chain('00000000-0000-0000-0000-000000000001');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA renderchain FROM regress_settings_user;

RESET renderchain.schema;
SET client_min_messages = warning;
DROP SCHEMA t_settings, "$user", "t ""Mixed"", x", "it's" CASCADE;
DROP ROLE regress_settings_user;
