-- Lookups ------------------------------------------------------------------------
--
-- What programs that show or route renders read: the registry at each render, and
-- chains as a whole.

CREATE FUNCTION renderchain.get_models() RETURNS jsonb
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'rc_sql_get_models';
COMMENT ON FUNCTION renderchain.get_models() IS
'The model registry as a JSON array of definitions, ordered by kind, tier and id; retired models are among them. An empty array where there are none.';

-- the settings that say how long drivers wait, as get_registry() gives them
CREATE FUNCTION renderchain._timeouts() RETURNS jsonb
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'rc_sql_timeouts';

CREATE FUNCTION renderchain.get_registry() RETURNS jsonb
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'rc_sql_get_registry';
COMMENT ON FUNCTION renderchain.get_registry() IS
'What a driver reads before its first render: {"models": what get_models returns, "timeouts": {"connect","idle","stages":{stage: seconds}}, "extension": its version}, the timeouts from the settings renderchain.connect_timeout, idle_timeout and stage_timeouts, in seconds; idle is 0 where a call may be silent for as long as it may take.';

CREATE FUNCTION renderchain.find_chain(id_or_name text) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    PERFORM renderchain.use_schema();
    IF find_chain.id_or_name ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text THEN
        v_ids := ARRAY(SELECT c.id FROM render_chains c WHERE c.id = find_chain.id_or_name::uuid);
    ELSE
        v_ids := ARRAY(SELECT c.id FROM render_chains c WHERE c.name::text = find_chain.id_or_name
                       ORDER BY c.id LIMIT 10);
    END IF;
    IF pg_catalog.cardinality(v_ids) = 0 THEN
        RAISE EXCEPTION 'chain "%" does not exist', COALESCE(find_chain.id_or_name, 'null'::text) USING ERRCODE = 'RC006',
            HINT = pg_catalog.format('renderchain.list_chains() lists those of schema %s; the setting renderchain.schema says in which schema to look.'::text,
                                     pg_catalog.current_setting('renderchain.schema'::text));
    ELSIF pg_catalog.cardinality(v_ids) > 1 THEN
        RAISE EXCEPTION 'more than one chain is named "%"', find_chain.id_or_name USING ERRCODE = 'RC005',
            DETAIL = pg_catalog.format('Their ids: %s.'::text, pg_catalog.array_to_string(v_ids, ', '::text)),
            HINT = 'Name the chain by its id.';
    END IF;
    RETURN v_ids[1];
END
$$;
COMMENT ON FUNCTION renderchain.find_chain(text) IS
'The id of the chain that a text names, by its id or its name. RC006 where there is none; RC005 where several (of different projects) have the name, with up to ten of their ids.';

CREATE FUNCTION renderchain.list_chains(max_rows integer DEFAULT 50) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM renderchain.use_schema();
    IF list_chains.max_rows IS NULL OR list_chains.max_rows NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'invalid number of rows: %', COALESCE(list_chains.max_rows::text, 'null'::text)
            USING ERRCODE = 'RC005', HINT = 'From 1 to 10000 chains are listed in one call.';
    END IF;
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'chainId', c.id, 'name', c.name, 'description', c.description, 'projectId', c.project_id,
                   'renders', n.renders, 'completed', n.completed, 'lastPosition', n.last_position,
                   'createdAt', c.created_at, 'updatedAt', c.updated_at)
               ORDER BY c.updated_at DESC NULLS LAST, c.id)
        FROM (SELECT x.id, x.name::text AS name, x.description::text AS description, x.project_id, x.created_at, x.updated_at
              FROM render_chains x ORDER BY x.updated_at DESC NULLS LAST, x.id LIMIT list_chains.max_rows) c,
             LATERAL (SELECT pg_catalog.count(*) AS renders,
                             pg_catalog.count(*) FILTER (WHERE r.status::text = 'completed'::text) AS completed,
                             pg_catalog.max(r.chain_position::integer) AS last_position
                      FROM renders r WHERE r.chain_id = c.id) n), '[]'::jsonb);
END
$$;
COMMENT ON FUNCTION renderchain.list_chains(integer) IS
'The chains that took a render last, first, as a JSON array of {"chainId","name","description","projectId","renders","completed","lastPosition","createdAt","updatedAt"}; at most max_rows (1 to 10000, else RC005).';

-- the stages of a render for an overview: of each stage and part the latest attempt
CREATE FUNCTION renderchain._stage_overview(p_render_id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'stage', s.stage, 'part', s.part, 'status', s.status, 'outcome', s.outcome,
                   'durationMs', s.duration_ms, 'model', s.model) ORDER BY s.started_at, s.seq)
        FROM (SELECT DISTINCT ON (x.stage, x.part) x.stage::text AS stage, x.part::text AS part, x.status::text AS status,
                     x.outcome::text AS outcome, x.duration_ms, x.model::text AS model, x.started_at, x.seq
              FROM render_stages x WHERE x.render_id = p_render_id
              ORDER BY x.stage, x.part, x.attempt DESC) s), '[]'::jsonb);
END
$$;

CREATE FUNCTION renderchain.get_chain(chain_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_chain jsonb;
BEGIN
    PERFORM renderchain.use_schema();
    SELECT pg_catalog.jsonb_build_object(
               'chainId', c.id, 'name', c.name, 'description', c.description, 'projectId', c.project_id,
               'createdAt', c.created_at, 'updatedAt', c.updated_at,
               'memory', renderchain.get_memory_from_chain(c.id),
               'pins', (SELECT p.pins FROM memory_pins p WHERE p.chain_id = c.id))
    INTO v_chain FROM render_chains c WHERE c.id = get_chain.chain_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'chain % does not exist', COALESCE(get_chain.chain_id::text, 'null'::text) USING ERRCODE = 'RC006',
            HINT = 'renderchain.list_chains() lists chains, renderchain.find_chain() finds one by its name.';
    END IF;
    RETURN v_chain || pg_catalog.jsonb_build_object('renders', COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'renderId', r.id, 'chainId', r.chain_id, 'chainPosition', r.chain_position,
                   'parentRenderId', r.parent_render_id, 'type', r.type, 'status', r.status, 'prompt', r.prompt,
                   'quality', r.settings -> 'quality'::text, 'aspectRatio', r.settings -> 'aspectRatio'::text,
                   'quick', COALESCE(r.settings -> 'quick'::text, 'false'::jsonb),
                   'outputUrl', r.output_url, 'outputKey', r.output_key, 'error', r.error_message,
                   'consistency', r.metadata -> 'consistency'::text,
                   'memory', CASE WHEN pg_catalog.jsonb_typeof(r.context_data -> 'pipelineMemory'::text) = 'object'::text
                                  THEN r.context_data -> 'pipelineMemory'::text END,
                   'selectedModel', r.metadata -> 'selectedModel'::text,
                   'processingMs', r.metadata -> 'processingMs'::text, 'processingTime', r.processing_time,
                   'creditsCost', r.credits_cost, 'createdAt', r.created_at, 'completedAt', r.completed_at,
                   'stages', renderchain._stage_overview(r.id))
               ORDER BY r.chain_position::integer NULLS LAST, r.created_at, r.id)
        FROM renders r WHERE r.chain_id = get_chain.chain_id), '[]'::jsonb));
END
$$;
COMMENT ON FUNCTION renderchain.get_chain(uuid) IS
'A chain as {"chainId","name","description","projectId","createdAt","updatedAt","memory","pins","renders":[...]}: memory is that of the latest completed render that carries one, pins what the user has fixed; each render has its position, parent, status, prompt, quality, output, consistency, memory and the stages of its latest attempt with their durations. RC006 for an unknown chain.';
