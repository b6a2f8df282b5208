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

#include "draft.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_save_memory);
PG_FUNCTION_INFO_V1(rc_sql_merge_context);
PG_FUNCTION_INFO_V1(rc_sql_context_to_keep);

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

/* Read the pins of the render's chain; NULL where there are none. */
static Jsonb *
PinsOf(const RcMemoryRow *row)
{
	return row->has_chain ? rc_read_pins(&row->chain_id) : NULL;
}

/* Apply pins to a memory. */
static Jsonb *
ApplyPins(Jsonb *memory, Jsonb *pins)
{
	return pins == NULL ? memory : rc_merge_patch(memory, pins);
}

/*
 * Return the context (an object, or NULL) with a patch and the pins applied to
 * its memory, and that memory. What has no members is no memory: where there
 * was none, none is made of it and the context stays the one that was given.
 */
static Jsonb *
SaveIntoContext(Jsonb *context, Jsonb *patch, Jsonb *pins, Jsonb **memory)
{
	Jsonb	   *before = rc_context_memory(context);

	*memory = ApplyPins(rc_merge_patch(before, patch), pins);
	if (before == NULL && JB_ROOT_COUNT(*memory) == 0)
		return context;
	return rc_set_member(rc_root_object(context), RC_MEMORY_KEY, *memory);
}

/* SQL: save_memory(render_id uuid, memory jsonb) -> jsonb */
Datum
rc_sql_save_memory(PG_FUNCTION_ARGS)
{
	RcMemoryRow row;
	Jsonb	   *memory;
	Jsonb	   *context;

	CheckArguments(fcinfo, "memory");
	rc_begin_queries();
	LockForSaving(PG_GETARG_UUID_P(0), &row);

	context = SaveIntoContext(row.context, PG_GETARG_JSONB_P(1), PinsOf(&row), &memory);
	if (context != NULL)
		rc_write_context(&row, context);
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
						 ApplyPins(JsonbValueToJsonb(&memory), PinsOf(row)));
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

/* Return an argument as a document; NULL where it is SQL's NULL or no object. */
static Jsonb *
ObjectArgument(FunctionCallInfo fcinfo, int argument)
{
	Jsonb	   *document = PG_ARGISNULL(argument) ? NULL : PG_GETARG_JSONB_P(argument);

	return rc_root_object(document) == NULL ? NULL : document;
}

/*
 * SQL: _context_to_keep(context jsonb, patch jsonb, memory jsonb, pins jsonb) -> jsonb
 *
 * What merge_context() and save_memory() make of a context, for a row that is
 * written together with other columns. What is no object counts as absent.
 */
Datum
rc_sql_context_to_keep(PG_FUNCTION_ARGS)
{
	Jsonb	   *context = ObjectArgument(fcinfo, 0);
	Jsonb	   *patch = ObjectArgument(fcinfo, 1);
	Jsonb	   *memory = ObjectArgument(fcinfo, 2);

	context = rc_merge_patch(context, patch == NULL ? rc_empty_object() : patch);
	if (memory != NULL)
		context = SaveIntoContext(context, memory, ObjectArgument(fcinfo, 3), &memory);
	PG_RETURN_JSONB_P(context);
}
