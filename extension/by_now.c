/*
 * by_now.c
 *	  What others have committed by now, whatever the transaction's snapshot says.
 *
 * Who is to make a chain looks for its name under a lock, who brings an
 * idempotency key for the key, and who ends a render for others that wait for it.
 * In a transaction that keeps its snapshot that says nothing: what has been
 * committed since is not in it, and there would be two chains of one name, an
 * error that does not say to try again, or a render that waits for what has ended.
 */
#include "compat.h"

#include "query.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_is_chain_made);
PG_FUNCTION_INFO_V1(rc_sql_is_own_chain_made);
PG_FUNCTION_INFO_V1(rc_sql_is_key_used);
PG_FUNCTION_INFO_V1(rc_sql_is_waited_for);

/* Tell whether a query has a row by now. */
static bool
HasRow(RcQuery query, Datum *parameters)
{
	bool		has_row;

	PushActiveSnapshot(GetLatestSnapshot());
	rc_begin_queries();
	has_row = rc_query(query, parameters, 1) > 0;
	rc_end_queries();
	PopActiveSnapshot();
	return has_row;
}

/*
 * SQL: _is_chain_made(name text, project text) -> boolean
 *
 * Tell whether there is a chain of that name in a project ('' for none).
 */
Datum
rc_sql_is_chain_made(PG_FUNCTION_ARGS)
{
	Datum		parameters[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};

	PG_RETURN_BOOL(HasRow(RC_CHAIN_BY_NAME, parameters));
}

/*
 * SQL: _is_own_chain_made(name text, user_id uuid) -> boolean
 *
 * Tell whether there is a chain of that name with a render of the user.
 */
Datum
rc_sql_is_own_chain_made(PG_FUNCTION_ARGS)
{
	Datum		parameters[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};

	PG_RETURN_BOOL(HasRow(RC_OWN_CHAIN_BY_NAME, parameters));
}

/*
 * SQL: _is_key_used(key text) -> boolean
 *
 * Tell whether a render has been made with that idempotency key.
 */
Datum
rc_sql_is_key_used(PG_FUNCTION_ARGS)
{
	Datum		parameters[] = {PG_GETARG_DATUM(0)};

	PG_RETURN_BOOL(HasRow(RC_USED_KEY, parameters));
}

/*
 * SQL: _is_waited_for(render_id uuid) -> boolean
 *
 * Tell whether a render waits for that one.
 */
Datum
rc_sql_is_waited_for(PG_FUNCTION_ARGS)
{
	Datum		parameters[] = {PG_GETARG_DATUM(0)};

	PG_RETURN_BOOL(HasRow(RC_WAITING, parameters));
}
