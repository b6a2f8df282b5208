/*
 * renderchain.c
 *	  Module start: settings and the clock.
 *
 * The extension opens no socket, starts no process and needs no preloading; it
 * is loaded by the first call of one of its C functions in a session. Until
 * then its settings are placeholders, which PostgreSQL checks on loading.
 */
#include "compat.h"

#include "renderchain.h"

PG_MODULE_MAGIC;

/* Settings */
#define DEFAULT_MAX_ATTEMPTS	3
#define MOST_ATTEMPTS			100
#define DEFAULT_DEADLINE		3600
#define LONGEST_DEADLINE		(7 * 24 * 3600)
#define DEFAULT_UPLOAD_GRACE	600
#define LONGEST_UPLOAD_GRACE	(7 * 24 * 3600)
#define MOST_RUNNING			1000000

/* in minutes */
#define ONE_DAY					(24 * 60)
#define LONGEST_KEPT			(36500 * ONE_DAY)

char	   *rc_schema;
bool		rc_notify;
bool		rc_direct_scan;
bool		rc_require_credits;
int			rc_max_attempts;
int			rc_deadline;
static char *clock_override;
static int	upload_grace;
static int	max_running_per_user;
static int	max_running_per_provider;
static bool chain_order;
static int	keep_telemetry;
static int	keep_analyses;

extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(rc_sql_clock);

/*
 * Accept only what timestamptz accepts, and a point in time at that. Not by
 * calling its input function, which raises errors: a check hook reports.
 */
static bool
CheckClock(char **newval, void **extra, GucSource source)
{
	char		buffer[MAXDATELEN + MAXDATEFIELDS];
	char	   *field[MAXDATEFIELDS];
	int			ftype[MAXDATEFIELDS];
	int			nfields;
	int			dtype;
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;
	TimestampTz parsed;

	(void) extra;
	(void) source;
	if (**newval == '\0')
		return true;
	if (ParseDateTime(*newval, buffer, sizeof(buffer), field, ftype,
					  MAXDATEFIELDS, &nfields) != 0 ||
		rc_decode_datetime(field, ftype, nfields, &dtype, &tm, &fsec, &tz) != 0 ||
		dtype != DTK_DATE ||
		tm2timestamp(&tm, fsec, &tz, &parsed) != 0)
	{
		GUC_check_errdetail("The value must be empty or a timestamp with time zone, like \"2026-01-31 12:00:00+00\".");
		return false;
	}
	return true;
}

/* Define the settings. */
void
_PG_init(void)
{
	DefineCustomStringVariable("renderchain.schema",
							   "The schema whose tables this session works with.",
							   "create_tables() makes them.",
							   &rc_schema, "public",
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("renderchain.notify",
							 "Whether changes of renders are announced on the channel \"renderchain\".",
							 NULL,
							 &rc_notify, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("renderchain.direct_scan",
							 "Whether lookups may read tables without the planner where that gives the same answer.",
							 "Off for comparing the two ways.",
							 &rc_direct_scan, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("renderchain.require_credits",
							 "Whether users without a credit account are refused instead of not metered.",
							 NULL,
							 &rc_require_credits, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("renderchain.clock",
							   "The time that renderchain believes it is, for tests of leases and deadlines.",
							   "Empty for the real time.",
							   &clock_override, "",
							   PGC_SUSET, 0, CheckClock, NULL, NULL);
	DefineCustomIntVariable("renderchain.max_attempts",
							"How often a render is attempted before it fails.",
							NULL,
							&rc_max_attempts, DEFAULT_MAX_ATTEMPTS, 1, MOST_ATTEMPTS,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.deadline",
							"How long after its submission a render may take before it fails.",
							NULL,
							&rc_deadline, DEFAULT_DEADLINE, 1, LONGEST_DEADLINE,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.upload_grace",
							"How long an upload may still arrive of a driver that has not been heard of again.",
							"Objects that may be being written are removed no earlier.",
							&upload_grace, DEFAULT_UPLOAD_GRACE, 0, LONGEST_UPLOAD_GRACE,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.max_running_per_user",
							"How many renders of a user may be claimed at a time.",
							"0 for any number.",
							&max_running_per_user, 0, 0, MOST_RUNNING,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.max_running_per_provider",
							"How many renders that ask for a provider may be claimed at a time; those that ask for none count together.",
							"0 for any number.",
							&max_running_per_provider, 0, 0, MOST_RUNNING,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("renderchain.chain_order",
							 "Whether the renders of a chain are claimed one after the other, so that each has the memory of the one before.",
							 "Off for claiming as many at once as there are workers for.",
							 &chain_order, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.keep_telemetry",
							"How long purge() keeps the stages of ended renders.",
							"0 for ever.",
							&keep_telemetry, 90 * ONE_DAY, 0, LONGEST_KEPT,
							PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.keep_analyses",
							"How long purge() keeps analyses of images.",
							"0 for ever.",
							&keep_analyses, 30 * ONE_DAY, 0, LONGEST_KEPT,
							PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
	rc_define_timeouts();
	MarkGUCPrefixReserved("renderchain");
}

/* Return the time: the setting's where it is set, else the real one. */
TimestampTz
rc_clock(void)
{
	if (clock_override == NULL || *clock_override == '\0')
		return GetCurrentTimestamp();
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												   CStringGetDatum(clock_override),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

/* SQL: clock() -> timestamptz */
Datum
rc_sql_clock(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TIMESTAMPTZ(rc_clock());
}
