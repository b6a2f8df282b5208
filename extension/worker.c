/*
 * worker.c
 *	  Checking who wants to lease renders, and for how long.
 */
#include "compat.h"

#include "renderchain.h"

#define LONGEST_NAME 200
#define SHORTEST_LEASE	USECS_PER_SEC
#define LONGEST_LEASE	USECS_PER_DAY

PG_FUNCTION_INFO_V1(rc_sql_check_worker);

/* Tell whether a text can be the name of a worker. */
static bool
IsName(const char *name, int length)
{
	int			i;

	for (i = 0; i < length && name[i] == ' '; i++)
		;
	return i < length && pg_mbstrlen_with_len(name, length) <= LONGEST_NAME;
}

/* Compare a lease with a number of microseconds, as intervals are compared. */
static int
CompareLease(Interval *lease, int64 microseconds)
{
	Interval	limit = {.time = microseconds};

	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(lease),
											 IntervalPGetDatum(&limit)));
}

/* Refuse names and leases that make no sense, NULL too. */
void
rc_check_worker(const text *name, Interval *lease)
{
	if (name == NULL || !IsName(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)))
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("invalid worker name"),
				 errhint("A worker has a name of 1 to %d characters that no other worker has, such as host and process id.",
						 LONGEST_NAME)));
	if (lease == NULL || CompareLease(lease, SHORTEST_LEASE) < 0 || CompareLease(lease, LONGEST_LEASE) > 0)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("invalid lease %s",
						lease == NULL ? "null" :
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(lease)))),
				 errhint("A lease lasts from 1 second to 1 day; it is extended by renderchain.extend_leases() while work goes on.")));
}

/* SQL: _check_worker(worker text, lease interval) -> boolean; true unless it is refused */
Datum
rc_sql_check_worker(PG_FUNCTION_ARGS)
{
	rc_check_worker(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0),
					PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1));
	PG_RETURN_BOOL(true);
}
