/*
 * notify.c
 *	  Waking those who listen for changes of renders.
 */
#include "compat.h"

#include "renderchain.h"

#define CHANNEL "renderchain"

/*
 * Something was queued by the way, for which those who claim are to be woken by
 * whatever notification comes next. Left over from a transaction that was rolled
 * back it wakes them for nothing, which is all.
 */
static bool queued_by_the_way;

PG_FUNCTION_INFO_V1(rc_sql_announce_queued);
PG_FUNCTION_INFO_V1(rc_sql_notify);

/* SQL: _announce_queued() */
Datum
rc_sql_announce_queued(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	queued_by_the_way = true;
	PG_RETURN_VOID();
}

/*
 * SQL: _notify(render_id uuid, event text) -> boolean
 *
 * Queue a notification for the end of the transaction, unless the setting
 * renderchain.notify is off or there is no event (NULL); true where one was queued.
 * A render_id that is NULL stands for several renders. Public functions call this at most once a call.
 */
Datum
rc_sql_notify(PG_FUNCTION_ARGS)
{
	StringInfoData payload;
	bool		queued = queued_by_the_way;

	queued_by_the_way = false;
	if (!rc_notify || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	initStringInfo(&payload);
	appendStringInfoString(&payload, "{\"event\": ");
	escape_json(&payload, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (PG_ARGISNULL(0))
		appendStringInfoString(&payload, ", \"render\": null");
	else
		appendStringInfo(&payload, ", \"render\": \"%s\"",
						 DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0))));
	appendStringInfoString(&payload, ", \"schema\": ");
	escape_json(&payload, rc_schema);
	appendStringInfoString(&payload, queued ? ", \"queued\": true}" : "}");
	Async_Notify(CHANNEL, payload.data);
	PG_RETURN_BOOL(true);
}
