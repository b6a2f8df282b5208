/*
 * memory_row.c
 *	  Locking, reading and writing the row whose memory is being changed.
 *
 * All functions run between rc_begin_queries() and rc_end_queries().
 */
#include "compat.h"

#include "direct.h"
#include "jsonb_tools.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"
#include "stored.h"

static const RcColumn row_columns[] = {RC_COLUMN_CONTEXT_DATA, RC_COLUMN_CHAIN_ID};
static const RcColumn pins_column[] = {RC_COLUMN_PINS};

/* Spell a uuid out, for messages. */
const char *
rc_uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

/* Take a row's values over, copied. */
static void
TakeRow(RcMemoryRow *row, const pg_uuid_t *render_id, NullableDatum context, NullableDatum chain)
{
	memset(row, 0, sizeof(RcMemoryRow));
	row->id = *render_id;
	if (!context.isnull)
		row->context = rc_stored_document(context.value);
	row->has_chain = !chain.isnull;
	if (!chain.isnull)
		row->chain_id = *DatumGetUUIDP(chain.value);
}

/* Lock and read a row without the planner; false where there is none. */
static bool
LockDirectly(RcDirect *direct, const pg_uuid_t *render_id, RcMemoryRow *row)
{
	bool		found;

	rc_direct_find(direct, render_id);
	found = rc_direct_next(direct) && rc_direct_lock(direct);
	if (found)
	{
		NullableDatum context;
		NullableDatum chain;

		context.value = rc_direct_value(direct, RC_COLUMN_CONTEXT_DATA, &context.isnull);
		chain.value = rc_direct_value(direct, RC_COLUMN_CHAIN_ID, &chain.isnull);
		TakeRow(row, render_id, context, chain);
	}
	rc_direct_close(direct);
	return found;
}

/* Lock and read a row with a query; false where there is none. */
static bool
LockByQuery(const pg_uuid_t *render_id, RcMemoryRow *row)
{
	Datum		id = UUIDPGetDatum(render_id);
	NullableDatum context;
	NullableDatum chain;

	if (rc_query(RC_LOCK_RENDER, &id, 1) == 0)
		return false;
	context.value = rc_result(0, 1, JSONBOID, &context.isnull);
	chain.value = rc_result(0, 2, UUIDOID, &chain.isnull);
	TakeRow(row, render_id, context, chain);
	return true;
}

/*
 * Lock a render's row and read its latest version; false where there is no such
 * render, or none that the caller may see and change.
 */
bool
rc_lock_row(const pg_uuid_t *render_id, RcMemoryRow *row)
{
	RcDirect	direct;
	bool		is_direct;
	bool		found = false;

	/* see what the transaction has written so far, as a query of its own would */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	is_direct = rc_direct_open(&direct, RC_TO_SAVE, row_columns, lengthof(row_columns));
	if (is_direct)
		found = LockDirectly(&direct, render_id, row);
	PopActiveSnapshot();
	return is_direct ? found : LockByQuery(render_id, row);
}

/* Refuse a context that cannot hold memory. */
void
rc_require_context(const RcMemoryRow *row)
{
	if (row->context == NULL || rc_root_object(row->context) != NULL)
		return;
	ereport(ERROR,
			(errcode(RC_ERRCODE_INVALID_REQUEST),
			 errmsg("context_data of render %s is not a JSON object", rc_uuid_text(&row->id)),
			 errdetail("It is of type %s; the row is left as it is.", rc_document_type(row->context)),
			 errhint("Set it to NULL or to an object first.")));
}

/* Return the memory in a context, NULL where there is none. A copy. */
Jsonb *
rc_context_memory(Jsonb *context)
{
	JsonbValue	memory;

	if (rc_root_object(context) == NULL ||
		!rc_get_member(&context->root, RC_MEMORY_KEY, &memory) ||
		rc_nested_object(&memory) == NULL)
		return NULL;
	return JsonbValueToJsonb(&memory);
}

/* Write a new context, unless it is the one that is there. */
void
rc_write_context(const RcMemoryRow *row, Jsonb *context)
{
	Datum		parameters[3];

	if (row->context != NULL && rc_same_bytes(row->context, context))
		return;
	parameters[0] = UUIDPGetDatum(&row->id);
	parameters[1] = JsonbPGetDatum(context);
	parameters[2] = TimestampTzGetDatum(rc_clock());
	if (rc_query(RC_WRITE_CONTEXT, parameters, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("context_data of render %s could not be written", rc_uuid_text(&row->id)),
				 errdetail("A trigger or rule of the table suppressed the update.")));
}

/* Return the pins of a chain as they are stored, copied; NULL where there are none. */
static Jsonb *
ReadPins(const pg_uuid_t *chain_id)
{
	Datum		id = UUIDPGetDatum(chain_id);
	Datum		value;
	RcDirect	direct;
	Jsonb	   *pins = NULL;
	bool		isnull;

	if (rc_direct_open(&direct, RC_PINS_OF_CHAIN, pins_column, lengthof(pins_column)))
	{
		rc_direct_find(&direct, chain_id);
		if (rc_direct_next(&direct))
		{
			value = rc_direct_value(&direct, RC_COLUMN_PINS, &isnull);
			pins = isnull ? NULL : rc_stored_document(value);
		}
		rc_direct_close(&direct);
	}
	else if (rc_query(RC_PINS, &id, 1) > 0)
	{
		value = rc_result(0, 1, JSONBOID, &isnull);
		pins = isnull ? NULL : DatumGetJsonbP(value);
	}
	return pins;
}

/*
 * Return the pins of a chain, NULL where there are none (what is no object pins
 * nothing). At every isolation level these are the pins in force now, not those
 * of the transaction's snapshot: what is pinned stays pinned.
 */
Jsonb *
rc_read_pins(const pg_uuid_t *chain_id)
{
	Jsonb	   *pins;

	PushActiveSnapshot(GetLatestSnapshot());
	pins = ReadPins(chain_id);
	PopActiveSnapshot();
	return rc_root_object(pins) == NULL ? NULL : pins;
}
