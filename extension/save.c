/*
 * save.c
 *	  Saving memory: save_memory and merge_context.
 *
 * Concurrency: the render's row is locked before it is read, so that at READ
 * COMMITTED a save waits for the one before it and merges into what that left;
 * at higher levels the later save fails to serialize. The pins are read after
 * the row is locked. pin_memory() locks the rows that may be read next before it
 * writes the pins: a save either sees a pin or is seen by it. Lock order: chain,
 * render, pins, see 00_head.sql.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_save_memory);
PG_FUNCTION_INFO_V1(rc_sql_merge_context);

/* Refuse a NULL id, and a patch that is NULL or no object. */
static void
CheckArguments(FunctionCallInfo fcinfo, const char *what)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("render_id must not be null")));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("%s must not be null", what)));
	if (rc_root_object(PG_GETARG_JSONB_P(1)) == NULL)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("%s must be a JSON object", what),
				 errdetail("It is of type %s.", rc_document_type(PG_GETARG_JSONB_P(1)))));
}

/* Lock and read the row of the render to save into. */
static void
LockForSaving(const pg_uuid_t *render_id, RcMemoryRow *row)
{
	if (!rc_lock_row(render_id, row))
		ereport(ERROR,
				(errcode(RC_ERRCODE_NOT_FOUND),
				 errmsg("render %s does not exist", rc_uuid_text(render_id)),
				 errdetail("There is no such render in schema \"%s\" that you may change.",
						   rc_working_schema())));
	rc_require_context(row);
}

/* Apply the pins of the render's chain to a memory. */
static Jsonb *
ApplyPins(const RcMemoryRow *row, Jsonb *memory)
{
	Jsonb	   *pins = row->has_chain ? rc_read_pins(&row->chain_id) : NULL;

	return pins == NULL ? memory : rc_merge_patch(memory, pins);
}

/* SQL: save_memory(render_id uuid, memory jsonb) -> jsonb */
Datum
rc_sql_save_memory(PG_FUNCTION_ARGS)
{
	RcMemoryRow row;
	Jsonb	   *before;
	Jsonb	   *memory;

	CheckArguments(fcinfo, "memory");
	rc_begin_queries();
	LockForSaving(PG_GETARG_UUID_P(0), &row);

	before = rc_row_memory(&row);
	memory = rc_merge_patch(before, PG_GETARG_JSONB_P(1));
	memory = ApplyPins(&row, memory);
	/* what has no members is no memory, so none is made of it */
	if (JB_ROOT_COUNT(memory) > 0 || before != NULL)
		rc_write_context(&row, rc_set_member(rc_root_object(row.context), RC_MEMORY_KEY, memory));
	rc_end_queries();
	PG_RETURN_JSONB_P(memory);
}

/*
 * Return the context with the pins applied to its memory, after a patch that
 * changed the memory. The patch may remove it, but not put something else in
 * its place.
 */
static Jsonb *
PinContext(const RcMemoryRow *row, Jsonb *context)
{
	JsonbValue	memory;

	if (!rc_get_member(&context->root, RC_MEMORY_KEY, &memory))
		return context;
	if (rc_nested_object(&memory) == NULL)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("memory must be a JSON object"),
				 errdetail("The patch has a member \"%s\" that is neither an object nor null.",
						   RC_MEMORY_KEY)));
	return rc_set_member(&context->root, RC_MEMORY_KEY,
						 ApplyPins(row, JsonbValueToJsonb(&memory)));
}

/* SQL: merge_context(render_id uuid, patch jsonb) -> jsonb */
Datum
rc_sql_merge_context(PG_FUNCTION_ARGS)
{
	RcMemoryRow row;
	JsonbValue	memory_patch;
	Jsonb	   *patch;
	Jsonb	   *context;

	CheckArguments(fcinfo, "patch");
	patch = PG_GETARG_JSONB_P(1);
	rc_begin_queries();
	LockForSaving(PG_GETARG_UUID_P(0), &row);

	context = rc_merge_patch(row.context, patch);
	if (rc_get_member(&patch->root, RC_MEMORY_KEY, &memory_patch))
		context = PinContext(&row, context);
	/* an empty patch leaves NULL as it is */
	if (row.context != NULL || JB_ROOT_COUNT(context) > 0)
		rc_write_context(&row, context);
	rc_end_queries();
	PG_RETURN_JSONB_P(context);
}
