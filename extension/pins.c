/*
 * pins.c
 *	  Pins: what a user has fixed in the memory of a chain.
 *
 * Pins are a merge patch without nulls, applied after every save and once when
 * they are made, to the memory that the chain's next reader gets. Reading knows
 * nothing of them.
 *
 * Concurrency: the chain's row is locked, so that it gets no new render, then
 * the render that carries its memory and those after it, so that none of them
 * is saved to with the old pins afterwards. See save.c for the other side.
 */
#include "compat.h"

#include "draft.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_pin_memory);
PG_FUNCTION_INFO_V1(rc_sql_unpin_memory);

/* Lock the chain and read its pins; {} where there are none. */
static Jsonb *
LockPins(const pg_uuid_t *chain_id)
{
	Datum		id = UUIDPGetDatum(chain_id);
	Jsonb	   *pins;

	if (rc_query(RC_LOCK_CHAIN, &id, 1) == 0)
		ereport(ERROR,
				(errcode(RC_ERRCODE_NOT_FOUND),
				 errmsg("chain %s does not exist", rc_uuid_text(chain_id)),
				 errdetail("There is no such chain in schema \"%s\" that you may change.",
						   rc_working_schema())));
	pins = rc_read_pins(chain_id);
	return pins == NULL ? rc_empty_object() : pins;
}

/* Write the pins where they changed; no row stands for none. */
static void
WritePins(const pg_uuid_t *chain_id, Jsonb *before, Jsonb *pins)
{
	Datum		parameters[2];

	if (rc_same_bytes(before, pins))
		return;
	parameters[0] = UUIDPGetDatum(chain_id);
	parameters[1] = JsonbPGetDatum(pins);
	(void) rc_query(JB_ROOT_COUNT(pins) > 0 ? RC_WRITE_PINS : RC_DELETE_PINS, parameters, 0);
}

/* Apply the pins to the memory that the chain's next reader gets, if it has any. */
static void
PinLatestMemory(const pg_uuid_t *chain_id, Jsonb *pins)
{
	Datum		id = UUIDPGetDatum(chain_id);
	Datum		latest;
	pg_uuid_t	render_id;
	RcMemoryRow row;
	Jsonb	   *memory;
	bool		isnull;

	/* look again after locking: a save that we waited for may be the latest now */
	(void) rc_query(RC_LOCK_LATEST_RENDERS, &id, 0);
	if (rc_query(RC_LATEST_RENDER_ID, &id, 1) == 0)
		return;
	latest = rc_result(0, 1, UUIDOID, &isnull);
	if (isnull)
		return;
	render_id = *DatumGetUUIDP(latest);
	/* gone or emptied while we waited for its lock: nothing to pin */
	if (!rc_lock_row(&render_id, &row))
		return;
	memory = rc_context_memory(row.context);
	if (memory == NULL)
		return;
	memory = rc_merge_patch(memory, pins);
	rc_write_context(&row, rc_set_member(&row.context->root, RC_MEMORY_KEY, memory));
}

/* Refuse what cannot be a pin. */
static void
CheckPatch(Jsonb *patch)
{
	StringInfoData pointer;

	if (rc_root_object(patch) == NULL)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("patch must be a JSON object"),
				 errdetail("It is of type %s.", rc_document_type(patch))));
	initStringInfo(&pointer);
	if (rc_find_null_member(&patch->root, &pointer))
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("null cannot be pinned"),
				 errdetail("The member \"%s\" of the patch is null.", pointer.data),
				 errhint("Use unpin_memory() to remove a pin.")));
}

/* Refuse NULL arguments. */
static void
CheckArguments(FunctionCallInfo fcinfo, const char *second)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("%s must not be null", PG_ARGISNULL(0) ? "chain_id" : second)));
}

/* SQL: pin_memory(chain_id uuid, patch jsonb) -> jsonb */
Datum
rc_sql_pin_memory(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *chain_id;
	Jsonb	   *before;
	Jsonb	   *pins;

	CheckArguments(fcinfo, "patch");
	CheckPatch(PG_GETARG_JSONB_P(1));
	chain_id = PG_GETARG_UUID_P(0);
	rc_begin_queries();
	before = LockPins(chain_id);
	pins = rc_merge_patch(before, PG_GETARG_JSONB_P(1));
	PinLatestMemory(chain_id, pins);
	WritePins(chain_id, before, pins);
	rc_end_queries();
	PG_RETURN_JSONB_P(pins);
}

/* Return the patch that removes the member at a path. */
static Jsonb *
RemovalPatch(JsonbValue *path, int steps)
{
	RcJsonbBuilder builder = {0};
	JsonbValue	null_value = {.type = jbvNull};
	int			i;

	for (i = 0; i < steps; i++)
	{
		rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
		rc_push(&builder, WJB_KEY, &path[i]);
	}
	rc_push(&builder, WJB_VALUE, &null_value);
	for (i = 0; i < steps; i++)
		rc_push(&builder, WJB_END_OBJECT, NULL);
	return rc_built(&builder);
}

/*
 * Return the pins without the member at a path; without the objects around it,
 * too, that would be left empty and pin nothing. Unchanged where there is no
 * such member.
 */
static Jsonb *
RemovePath(Jsonb *pins, JsonbValue *path, int steps)
{
	JsonbContainer *object = &pins->root;
	JsonbValue	value;
	int			remove_at = 0;
	int			i;

	for (i = 0; i < steps; i++)
	{
		if (object == NULL ||
			getKeyJsonValueFromContainer(object, path[i].val.string.val,
										 path[i].val.string.len, &value) == NULL)
			return pins;
		if (JsonContainerSize(object) > 1)
			remove_at = i;
		object = rc_nested_object(&value);
	}
	return rc_merge_patch(pins, RemovalPatch(path, remove_at + 1));
}

/* Return the pins without a key: a member of that name, else at that dotted path. */
static Jsonb *
RemoveKey(Jsonb *pins, const char *key)
{
	JsonbValue	whole;
	JsonbValue *path;
	int			steps = 0;

	if (rc_get_member(&pins->root, key, &whole))
	{
		rc_string_value(key, &whole);
		return RemovePath(pins, &whole, 1);
	}
	path = palloc_extended((strlen(key) + 1) * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	for (;;)
	{
		int			length = (int) strcspn(key, ".");

		path[steps].type = jbvString;
		path[steps].val.string.val = unconstify(char *, key);
		path[steps++].val.string.len = length;
		if (key[length] == '\0')
			break;
		key += length + 1;
	}
	return RemovePath(pins, path, steps);
}

/* SQL: unpin_memory(chain_id uuid, keys text[]) -> jsonb */
Datum
rc_sql_unpin_memory(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *chain_id;
	Datum	   *keys;
	bool	   *nulls;
	int			count;
	int			i;
	Jsonb	   *before;
	Jsonb	   *pins;

	CheckArguments(fcinfo, "keys");
	chain_id = PG_GETARG_UUID_P(0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &keys, &nulls, &count);
	for (i = 0; i < count; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(RC_ERRCODE_INVALID_REQUEST),
					 errmsg("keys must not contain null")));

	rc_begin_queries();
	before = LockPins(chain_id);
	pins = before;
	for (i = 0; i < count; i++)
		pins = RemoveKey(pins, TextDatumGetCString(keys[i]));
	WritePins(chain_id, before, pins);
	rc_end_queries();
	PG_RETURN_JSONB_P(pins);
}
