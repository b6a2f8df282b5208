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
 * Queue a notification for the end of the transaction, unless the setting
 * renderchain.notify is off or there is no event (NULL); true where one was queued.
 * A render that is NULL stands for several renders. Public functions call this at most once a call.
 */
bool
rc_announce(const pg_uuid_t *render, const char *event)
{
	StringInfoData payload;
	bool		queued = queued_by_the_way;

	queued_by_the_way = false;
	if (!rc_notify || event == NULL)
		return false;
	initStringInfo(&payload);
	appendStringInfoString(&payload, "{\"event\": ");
	escape_json(&payload, event);
	if (render == NULL)
		appendStringInfoString(&payload, ", \"render\": null");
	else
		appendStringInfo(&payload, ", \"render\": \"%s\"",
						 DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(render))));
	appendStringInfoString(&payload, ", \"schema\": ");
	escape_json(&payload, rc_schema);
	appendStringInfoString(&payload, queued ? ", \"queued\": true}" : "}");
	Async_Notify(CHANNEL, payload.data);
	return true;
}

/* SQL: _notify(render_id uuid, event text) -> boolean */
Datum
rc_sql_notify(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rc_announce(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0),
							   PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1))));
}
