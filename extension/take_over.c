/*
 * take_over.c
 *	  Whether leases that have run out may be taken over just now.
 *
 * A lease runs out because its worker is gone, or because the worker could not
 * extend it: somebody has the tables locked, as ALTER TABLE does. When such a lock
 * goes, whoever sweeps first would take over what all others still run, and most of
 * it would be paid for twice. So nothing is taken over by who has found the tables
 * locked, until they have been free for so long that the others have come: they
 * wait for the lock too, or ask again many times a second.
 *
 * What this server process has seen is a hint and nothing more. Who knows nothing
 * of the lock takes over as ever, and writes are fenced by the attempt.
 */
#include "compat.h"

#include "renderchain.h"

#define GRACE	(2 * USECS_PER_SEC)

PG_FUNCTION_INFO_V1(rc_sql_may_take_over);

/* What was found when this was last asked, and since when the tables have been free again. */
static bool was_locked = false;
static bool was_freed = false;
static TimestampTz freed_at;

/* Lock a table unless somebody has it locked; true too where there is none. */
static bool
TryLock(const char *name, LOCKMODE mode)
{
	Oid			table_oid = rc_working_table(name);

	return !OidIsValid(table_oid) || ConditionalLockRelationOid(table_oid, mode);
}

/*
 * SQL: _may_take_over() -> boolean
 *
 * The locks are those that extending a lease takes. They are kept, as those of
 * the statements that follow, which wait where these do not.
 */
Datum
rc_sql_may_take_over(PG_FUNCTION_ARGS)
{
	TimestampTz now = rc_clock();
	bool		is_free = TryLock("render_jobs", RowExclusiveLock) && TryLock(RC_RENDERS, AccessShareLock);

	(void) fcinfo;
	if (is_free && was_locked)
		freed_at = now;
	was_freed = is_free && (was_locked || was_freed) && now >= freed_at && now - freed_at < GRACE;
	was_locked = !is_free;
	PG_RETURN_BOOL(is_free && !was_freed);
}
