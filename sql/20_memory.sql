-- Memory -----------------------------------------------------------------------
--
-- The C functions: settings' helpers, JSON merge patches, consensus, lookup, saving
-- and pins. What they do for NULL, for other JSON types and under concurrency is
-- said in the comment of each and at the top of its C file.

-- for our own functions: time, schema and what its tables ask for

CREATE FUNCTION renderchain.clock() RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_clock';
COMMENT ON FUNCTION renderchain.clock() IS
'The time by which leases and deadlines are judged: the real one, or that of the setting renderchain.clock (superusers, for tests).';

-- unsafe in parallel plans, because it changes search_path
CREATE FUNCTION renderchain.use_schema() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rc_sql_use_schema';
COMMENT ON FUNCTION renderchain.use_schema() IS
'Sets search_path to pg_catalog, the schema named by the setting renderchain.schema, pg_temp, until the calling function (if it has a SET search_path clause) or the transaction ends; returns the name. RC008 where that schema has no tables or cannot hold any, 42501 without USAGE on it.';

-- refuse a request that leaves open what a table of the working schema, maybe an application's own, asks for;
-- returns true
CREATE FUNCTION renderchain._check_required(tab text, project_id uuid, chain_id uuid) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_check_required';

-- whether a text is an ISO 8601 date, or time with its zone, that the calendar has
CREATE FUNCTION renderchain._is_time(text text, date_only boolean) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_is_time';

-- merge patches

CREATE FUNCTION renderchain.jsonb_merge_patch(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_jsonb_merge_patch';
COMMENT ON FUNCTION renderchain.jsonb_merge_patch(jsonb, jsonb) IS
'The target with a JSON merge patch (RFC 7396) applied: members of the patch replace those of the target, objects are merged member by member, null removes, also in objects that only the patch has. A patch that is an array or scalar replaces the target; a target that is one counts as {} for a patch that is an object. Arrays are values: never merged, nulls in them are kept. NULL target: absent; NULL patch: {}; never returns NULL. 54000 past the limits of jsonb.';

CREATE FUNCTION renderchain.jsonb_merge_patch_step(state internal, patch jsonb) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_jsonb_merge_patch_step';
COMMENT ON FUNCTION renderchain.jsonb_merge_patch_step(internal, jsonb) IS
'Transition function of jsonb_merge_patch_agg(jsonb).';

CREATE FUNCTION renderchain.jsonb_merge_patch_final(state internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_jsonb_merge_patch_final';
COMMENT ON FUNCTION renderchain.jsonb_merge_patch_final(internal) IS
'Final function of jsonb_merge_patch_agg(jsonb).';

-- No combine function: patches have an order, so they are applied in one place.
CREATE AGGREGATE renderchain.jsonb_merge_patch_agg(patch jsonb) (
    SFUNC = renderchain.jsonb_merge_patch_step,
    STYPE = internal,
    FINALFUNC = renderchain.jsonb_merge_patch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE renderchain.jsonb_merge_patch_agg(jsonb) IS
'Applies JSON merge patches (RFC 7396) one after the other, in the order of the rows (say ORDER BY inside the call), the first one to an absent target. NULLs are skipped; NULL where there are no others.';

CREATE FUNCTION renderchain.jsonb_make_patch(source jsonb, target jsonb) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_jsonb_make_patch';
COMMENT ON FUNCTION renderchain.jsonb_make_patch(jsonb, jsonb) IS
'The smallest JSON merge patch with which jsonb_merge_patch(source, patch) = target; {} where there is no difference. A target that is an array or scalar is the patch itself; so is an object where the source is none. NULL source: absent; NULL target: NULL. 22023 where the patch would have to set a member to null, which RFC 7396 cannot express (a null member that both have needs no patch).';

-- consensus

CREATE FUNCTION renderchain.merge_memory(VARIADIC memories jsonb[]) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_merge_memory';
COMMENT ON FUNCTION renderchain.merge_memory(VARIADIC jsonb[]) IS
'What several memories agree on. palette, materials and styleCodes.colorPalette: the entries that more than half of the memories have (compared without case and without the colour value), in order of first appearance, or the last list if there are none; styleCodes, geometry and all other members: the last; extractedAt: the latest. NULLs are skipped; the default memory where there are no others. RC005 for a memory that is not an object.';

CREATE FUNCTION renderchain.merge_memory_step(state internal, memory jsonb) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_merge_memory_step';
COMMENT ON FUNCTION renderchain.merge_memory_step(internal, jsonb) IS
'Transition function of the aggregate merge_memory(jsonb).';

CREATE FUNCTION renderchain.merge_memory_final(state internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_merge_memory_final';
COMMENT ON FUNCTION renderchain.merge_memory_final(internal) IS
'Final function of the aggregate merge_memory(jsonb).';

-- no combine function: "first" and "last" are those of the rows' order
CREATE AGGREGATE renderchain.merge_memory(memory jsonb) (
    SFUNC = renderchain.merge_memory_step,
    STYPE = internal,
    FINALFUNC = renderchain.merge_memory_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE renderchain.merge_memory(jsonb) IS
'What the memories in a column agree on, in the order of the rows; the same as merge_memory(VARIADIC memories).';

-- lookup; all return NULL or no row for a NULL argument

CREATE FUNCTION renderchain.get_latest_completed_render_with_memory(chain_id uuid)
RETURNS TABLE (id uuid, chain_position integer, type text, prompt text, output_url text, output_key text,
               context_data jsonb, memory jsonb, completed_at timestamptz)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'rc_sql_get_latest_completed_render_with_memory';
COMMENT ON FUNCTION renderchain.get_latest_completed_render_with_memory(uuid) IS
'The completed render with the highest chain_position that carries memory (an object under context_data.pipelineMemory), or no row. An array or scalar under the key is no memory, and a context_data that is one carries none: such a render is passed over. No row for NULL or an unknown chain. RC008 where the tables are missing.';

CREATE FUNCTION renderchain.get_memory_from_chain(chain_id uuid) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_get_memory_from_chain';
COMMENT ON FUNCTION renderchain.get_memory_from_chain(uuid) IS
'The memory of a chain: that of its latest completed render that carries one; NULL where there is none, for NULL and for an unknown chain. An array or scalar under the key is no memory. RC008 where the tables are missing.';

CREATE FUNCTION renderchain.get_memory_from_render(render_id uuid) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_get_memory_from_render';
COMMENT ON FUNCTION renderchain.get_memory_from_render(uuid) IS
'The memory that a render carries, whatever its status; NULL where there is none, for NULL and for an unknown render. An array or scalar under the key is no memory. RC008 where the tables are missing.';

CREATE FUNCTION renderchain.get_memories_from_chains(chain_ids uuid[])
RETURNS TABLE (chain_id uuid, render_id uuid, chain_position integer, memory jsonb)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'rc_sql_get_memories_from_chains';
COMMENT ON FUNCTION renderchain.get_memories_from_chains(uuid[]) IS
'The memories of several chains in one call: one row for each chain that has memory, in the order in which the chains are named first. NULLs and unknown chains in the array are passed over; no row for NULL or an empty array; an array of several dimensions is read in its storage order. RC008 where the tables are missing.';

CREATE FUNCTION renderchain.get_memory_from_ancestors(render_id uuid) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_get_memory_from_ancestors';
COMMENT ON FUNCTION renderchain.get_memory_from_ancestors(uuid) IS
'For branches: the memory of the nearest completed ancestor (along parent_render_id, the render itself not counted) that carries one; NULL where there is none, for NULL, for an unknown render, and in a loop of parents. 54000 past 10000 ancestors, RC008 where the tables are missing.';

-- saving

CREATE FUNCTION renderchain.save_memory(render_id uuid, memory jsonb) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rc_sql_save_memory';
COMMENT ON FUNCTION renderchain.save_memory(uuid, jsonb) IS
'Merges memory into the memory of a render as a JSON merge patch, applies the pins of the chain, and returns the result. A result without members is no memory: {} is stored only in place of an earlier memory. No other member of context_data is touched, nothing is written where nothing changes, and concurrent calls lose nothing. A transaction that saves to a chain more than once locks the row of render_chains FOR KEY SHARE before the first, or the server may end it (40P01) where somebody pins the chain''s memory in between. RC005 for NULL, for memory that is not an object, and for a context_data that is not one; RC006 for an unknown render; RC008 where the tables are missing.';

CREATE FUNCTION renderchain.merge_context(render_id uuid, patch jsonb) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rc_sql_merge_context';
COMMENT ON FUNCTION renderchain.merge_context(uuid, jsonb) IS
'Merges a JSON merge patch into the context_data of a render and returns the result; pins of the chain are applied where the patch changes the memory. Same rules and errors as save_memory(), but the patch is taken at its word: a memory {} in it is stored.';

-- the context of a render with a patch applied, and with memory saved into it under the chain's pins
CREATE FUNCTION renderchain._context_to_keep(context jsonb, patch jsonb, memory jsonb, pins jsonb) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rc_sql_context_to_keep';

-- pins

CREATE FUNCTION renderchain.pin_memory(chain_id uuid, patch jsonb) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rc_sql_pin_memory';
COMMENT ON FUNCTION renderchain.pin_memory(uuid, jsonb) IS
'Fixes members of the memory of a chain: merges the patch into the pins of the chain, applies them to the memory that the next reader gets, and to whatever is saved from now on. Returns the pins in force. RC005 for NULL, for a patch that is not an object or has null members; RC006 for an unknown chain; RC008 where the tables are missing.';

CREATE FUNCTION renderchain.unpin_memory(chain_id uuid, keys text[]) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rc_sql_unpin_memory';
COMMENT ON FUNCTION renderchain.unpin_memory(uuid, text[]) IS
'Removes pins of a chain by name ("palette") or dotted path ("styleCodes.lightingStyle"); what is not pinned is passed over. The memory stays as it is. Returns the pins that remain. RC005 for NULL, RC006 for an unknown chain, RC008 where the tables are missing.';

REVOKE ALL ON FUNCTION
    renderchain.clock(),
    renderchain.use_schema(),
    renderchain._check_required(text, uuid, uuid),
    renderchain._is_time(text, boolean),
    renderchain._context_to_keep(jsonb, jsonb, jsonb, jsonb),
    renderchain.jsonb_merge_patch(jsonb, jsonb),
    renderchain.jsonb_merge_patch_step(internal, jsonb),
    renderchain.jsonb_merge_patch_final(internal),
    renderchain.jsonb_merge_patch_agg(jsonb),
    renderchain.jsonb_make_patch(jsonb, jsonb),
    renderchain.merge_memory(VARIADIC jsonb[]),
    renderchain.merge_memory_step(internal, jsonb),
    renderchain.merge_memory_final(internal),
    renderchain.merge_memory(jsonb),
    renderchain.get_latest_completed_render_with_memory(uuid),
    renderchain.get_memory_from_chain(uuid),
    renderchain.get_memory_from_render(uuid),
    renderchain.get_memories_from_chains(uuid[]),
    renderchain.get_memory_from_ancestors(uuid),
    renderchain.save_memory(uuid, jsonb),
    renderchain.merge_context(uuid, jsonb),
    renderchain.pin_memory(uuid, jsonb),
    renderchain.unpin_memory(uuid, text[])
FROM PUBLIC;

-- the functions that only compute; 90_access.sql grants them, too, after it has
-- revoked everything
GRANT EXECUTE ON FUNCTION
    renderchain.jsonb_merge_patch(jsonb, jsonb),
    renderchain.jsonb_merge_patch_agg(jsonb),
    renderchain.jsonb_make_patch(jsonb, jsonb),
    renderchain.merge_memory(VARIADIC jsonb[]),
    renderchain.merge_memory(jsonb)
TO PUBLIC;
