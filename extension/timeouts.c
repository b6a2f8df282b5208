/*
 * timeouts.c
 *	  How long drivers wait for what: settings of the server, so that all of them agree.
 *
 * A driver reads them with the model registry, in the same call.
 */
#include "compat.h"

#include "utils/guc.h"

#include "renderchain.h"

#define DEFAULT_CONNECT	10
#define LONGEST_CONNECT	600
#define LONGEST_IDLE	3600
#define LONGEST_STAGE	86400

static int	connect_timeout;
static int	idle_timeout;
static char *stage_timeouts;

PG_FUNCTION_INFO_V1(rc_sql_timeouts);

/* The stages that ask somebody over the network. */
static const char *const stages[] = {
	"semantic_parsing", "image_understanding", "prompt_optimization",
	"prompt_optimization_simple", "image_generation", "video_generation",
	"validation", "memory_extraction", "storage"
};

/* Cut blanks off both ends of a text, in place. */
static char *
Trim(char *text)
{
	char	   *end;

	text += strspn(text, " \t\r\n");
	for (end = text + strlen(text); end > text && strchr(" \t\r\n", end[-1]) != NULL; end--)
		;
	*end = '\0';
	return text;
}

/* Find a stage by its name; -1 where there is none. */
static int
FindStage(const char *name)
{
	int			i;

	for (i = 0; i < (int) lengthof(stages); i++)
	{
		if (strcmp(stages[i], name) == 0)
			return i;
	}
	return -1;
}

/*
 * Read "stage=time, stage=time" into seconds, one a stage, 0 where there is none.
 * Returns what is wrong with the list, NULL where nothing is.
 */
static const char *
ReadStages(const char *list, int seconds[lengthof(stages)])
{
	char	   *rest = pstrdup(list);
	const char *hint = NULL;
	char	   *item;

	memset(seconds, 0, sizeof(int) * lengthof(stages));
	if (*Trim(pstrdup(list)) == '\0')
		return NULL;
	while ((item = strsep(&rest, ",")) != NULL)
	{
		char	   *equals = strchr(item, '=');
		char	   *name;
		int			stage;
		int			value;

		if (equals == NULL)
			return psprintf("\"%s\" is not like \"validation=30s\".", Trim(item));
		*equals = '\0';
		name = Trim(item);
		stage = FindStage(name);
		if (stage < 0)
			return psprintf("\"%s\" is no stage that asks anybody.", name);
		if (seconds[stage] != 0)
			return psprintf("Stage \"%s\" is there twice.", name);
		if (!parse_int(Trim(equals + 1), &value, GUC_UNIT_S, &hint) || value < 1 || value > LONGEST_STAGE)
			return psprintf("\"%s\" for stage \"%s\" is not a time from 1 s to %d s.",
							Trim(equals + 1), name, LONGEST_STAGE);
		seconds[stage] = value;
	}
	return NULL;
}

/* Accept only a list that can be read. */
static bool
CheckStages(char **newval, void **extra, GucSource source)
{
	int			seconds[lengthof(stages)];
	const char *problem = ReadStages(*newval, seconds);

	(void) extra;
	(void) source;
	if (problem == NULL)
		return true;
	GUC_check_errdetail("%s", problem);
	GUC_check_errhint("The value is a list like \"image_generation=300s, validation=30s\".");
	return false;
}

/* Define the settings. */
void
rc_define_timeouts(void)
{
	DefineCustomIntVariable("renderchain.connect_timeout",
							"How long drivers wait for a connection to a provider.",
							NULL,
							&connect_timeout, DEFAULT_CONNECT, 1, LONGEST_CONNECT,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("renderchain.idle_timeout",
							"How long drivers wait for the next byte of a provider, also for the first one of an answer.",
							"0 for as long as the stage may take.",
							&idle_timeout, 0, 0, LONGEST_IDLE,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable("renderchain.stage_timeouts",
							   "How long one call of a stage may take in all, like \"image_generation=300s, validation=30s\".",
							   "Stages that are not in it have the timeoutSeconds of their model.",
							   &stage_timeouts, "",
							   PGC_USERSET, 0, CheckStages, NULL, NULL);
}

/* Return the timeouts, in seconds: {"connect", "idle", "stages": {stage: seconds}} */
Jsonb *
rc_timeouts(void)
{
	int			seconds[lengthof(stages)];
	StringInfoData json;
	const char *separator = "";
	int			i;

	if (ReadStages(stage_timeouts, seconds) != NULL)
		elog(ERROR, "renderchain.stage_timeouts was not checked");
	initStringInfo(&json);
	appendStringInfo(&json, "{\"connect\": %d, \"idle\": %d, \"stages\": {", connect_timeout, idle_timeout);
	for (i = 0; i < (int) lengthof(stages); i++)
	{
		if (seconds[i] == 0)
			continue;
		appendStringInfo(&json, "%s\"%s\": %d", separator, stages[i], seconds[i]);
		separator = ", ";
	}
	appendStringInfoString(&json, "}}");
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* SQL: _timeouts() -> jsonb */
Datum
rc_sql_timeouts(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_JSONB_P(rc_timeouts());
}
