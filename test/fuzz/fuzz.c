/*
 * fuzz.c
 *	  Running cases and reporting those that fail: the module's SQL functions.
 *
 * Counts and reports are kept for the session, so that a run can be cut into
 * transactions. Of a property that has failed three times no more is run.
 */
#include "server.h"

#include "fuzz.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(fuzz_run);
PG_FUNCTION_INFO_V1(fuzz_report);

#define MOST_FAILURES 3
#define MOST_PROPERTIES 16

/* Longer documents are cut in reports. */
#define MOST_SHOWN 1000
#define BYTES_SHOWN 16

/* So few stored documents need not have met every way of storing them. */
#define ENOUGH_ROWS 120

/* What became of a property so far. */
typedef struct Outcome
{
	int64		cases;
	int			failures;
	char	   *report;
} Outcome;

static Outcome results[MOST_PROPERTIES];
static MemoryContext evaluation;
static uint64 documents;		/* stands for all that were made */

/* Return a property by number; NULL after the last. */
static const Property *
PropertyAt(int number)
{
	if (number < fuzz_value_property_count)
		return &fuzz_value_properties[number];
	number -= fuzz_value_property_count;
	return number < fuzz_row_property_count ? &fuzz_row_properties[number] : NULL;
}

/* A check in a subtransaction of its own. */
typedef struct Check
{
	const Property *property;
	const Case *the_case;
	Verdict    *verdict;
} Check;

/* Check a case. */
static void
TryCheck(void *argument)
{
	Check	   *check = argument;

	check->property->check(check->the_case, check->verdict);
}

/* Judge a case; the verdict lives until the next one. */
static Verdict
Judge(const Property *property, const Case *the_case)
{
	Verdict		verdict = {0};
	Check		check = {property, the_case, &verdict};
	MemoryContext context;
	ErrorData  *error;

	MemoryContextReset(evaluation);
	context = MemoryContextSwitchTo(evaluation);
	if (!fuzz_try(TryCheck, &check, true, &error))
		fuzz_judge(&verdict, "calling", fuzz_error(error), fuzz_said("no error"));
	MemoryContextSwitchTo(context);
	return verdict;
}

/* Tell whether a case fails. */
static bool
Fails(const Property *property, const Case *the_case)
{
	return Judge(property, the_case).fails;
}

/* Append a line of a report: a text, which is cut where it is long. */
static void
AppendLine(StringInfo report, const char *name, const char *text)
{
	int			length = (int) strlen(text);
	int			shown = pg_mbcliplen(text, length, MOST_SHOWN);

	appendStringInfo(report, "\n#   %-10s ", name);
	for (; shown > 0; shown--, text++)
		appendStringInfoChar(report, *text == '\n' ? ' ' : *text);
	if (length > MOST_SHOWN)
		appendStringInfo(report, "... (%d bytes)", length);
}

/* Put the JSON of an answer into its text. */
static void
TryPrint(void *argument)
{
	Answer	   *answer = argument;

	answer->text = JsonbToCString(NULL, &answer->json->root, VARSIZE(answer->json));
}

/* Append an answer. A broken document may well have no text. */
static void
AppendAnswer(StringInfo report, const char *name, Answer answer)
{
	ErrorData  *error = NULL;

	if (answer.json != NULL && !fuzz_try(TryPrint, &answer, true, &error))
		answer.text = psprintf("a document that cannot be printed: %s", error->message);
	AppendLine(report, name, answer.text == NULL ? "NULL" : answer.text);
}

/* Append some bytes of a document. */
static void
AppendBytes(StringInfo report, const char *name, const Jsonb *json, Size from)
{
	Size		i;

	appendStringInfo(report, "\n#   %-10s from %zu of %zu on:", name, from, (Size) VARSIZE(json));
	for (i = from; i < from + BYTES_SHOWN && i < VARSIZE(json); i++)
		appendStringInfo(report, " %02x", ((const unsigned char *) json)[i]);
}

/* Append where two documents begin to differ. */
static void
AppendDifference(StringInfo report, const Jsonb *got, const Jsonb *expected)
{
	Size		at = VARHDRSZ;

	while (at < VARSIZE(got) && at < VARSIZE(expected) && ((const char *) got)[at] == ((const char *) expected)[at])
		at++;
	at -= at % 4;
	AppendBytes(report, "bytes got", got, at);
	AppendBytes(report, "bytes due", expected, at);
}

/*
 * Report a case. The server's log gets the inputs before anything is done with
 * the answer: what is broken may crash whoever reads it.
 */
static void
Report(const Case *the_case, int64 seed, int64 number, const Verdict *verdict, StringInfo report)
{
	int			i;

	appendStringInfo(report, "\n# %s: make fuzz CASES=1 FIRST=" INT64_FORMAT " SEED=" INT64_FORMAT,
					 verdict->what, number, seed);
	for (i = 0; i < the_case->count; i++)
		AppendLine(report, psprintf("input %d", i + 1),
				   the_case->inputs[i] == NULL ? "NULL" : fuzz_json(the_case->inputs[i]));
	if (verdict->got.json != NULL && verdict->expected.json != NULL)
		AppendDifference(report, verdict->got.json, verdict->expected.json);
	elog(LOG, "a case fails:%s", report->data);
	AppendAnswer(report, "got", verdict->got);
	AppendAnswer(report, "expected", verdict->expected);
}

/* Make a failing case small and keep a report of it. */
static void
Fail(const Property *property, Outcome *result, Case *the_case, int64 seed, int64 number)
{
	StringInfoData report;
	Verdict		verdict;
	char	   *all;

	elog(LOG, "case " INT64_FORMAT " of seed " INT64_FORMAT " fails: %s", number, seed, property->name);
	fuzz_shrink(property, the_case, Fails);
	verdict = Judge(property, the_case);
	initStringInfo(&report);
	if (result->report != NULL)
		appendStringInfoString(&report, result->report);
	Report(the_case, seed, number, &verdict, &report);
	all = MemoryContextStrdup(TopMemoryContext, report.data);
	if (result->report != NULL)
		pfree(result->report);
	result->report = all;
	result->failures++;
}

/* Run one case of one property. */
static void
RunCase(int which, int64 seed, int64 number)
{
	const Property *property = PropertyAt(which);
	Outcome	   *result = &results[which];
	Random		random = fuzz_random(seed, number, which);
	Case		the_case = {0};
	int			i;

	if (number % property->every != property->offset || result->failures >= MOST_FAILURES)
		return;
	the_case.choices = fuzz_next(&random);
	property->make(&random, number, &the_case);
	result->cases++;
	for (i = 0; i < the_case.count; i++)
		documents = fuzz_digest(documents, the_case.inputs[i]);
	if (Judge(property, &the_case).fails)
		Fail(property, result, &the_case, seed, number);
}

/* SQL: run(seed bigint, first bigint, last bigint) */
Datum
fuzz_run(PG_FUNCTION_ARGS)
{
	int64		seed = PG_GETARG_INT64(0);
	int64		last = PG_GETARG_INT64(2);
	MemoryContext generation;
	MemoryContext context;
	int64		number;
	int			which;

	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("documents are made of UTF-8, the database is not")));
	SPI_connect();
	generation = AllocSetContextCreate(CurrentMemoryContext, "a case", ALLOCSET_DEFAULT_SIZES);
	evaluation = AllocSetContextCreate(CurrentMemoryContext, "its check", ALLOCSET_DEFAULT_SIZES);
	fuzz_find_functions();
	context = MemoryContextSwitchTo(generation);
	for (number = PG_GETARG_INT64(1); number <= last; number++)
	{
		char		activity[80];

		CHECK_FOR_INTERRUPTS();
		/* the server logs this where a backend crashes */
		snprintf(activity, sizeof(activity), "fuzz: case " INT64_FORMAT " of seed " INT64_FORMAT, number, seed);
		pgstat_report_activity(STATE_RUNNING, activity);
		for (which = 0; PropertyAt(which) != NULL; which++)
			RunCase(which, seed, number);
		MemoryContextReset(generation);
	}
	MemoryContextSwitchTo(context);
	SPI_finish();
	PG_RETURN_VOID();
}

/* SQL: report(seed bigint) -> text; TAP of all that was run in this session */
Datum
fuzz_report(PG_FUNCTION_ARGS)
{
	StringInfoData report;
	StringInfoData met;
	const char *unmet;
	int			count = 0;
	int64		rows = 0;

	initStringInfo(&report);
	initStringInfo(&met);
	for (; PropertyAt(count) != NULL; count++)
	{
		Outcome	   *result = &results[count];

		appendStringInfo(&report, "%sok %d - %s (" INT64_FORMAT " cases, seed " INT64_FORMAT ")%s\n",
						 result->failures > 0 ? "not " : "", count + 1, PropertyAt(count)->name, result->cases,
						 PG_GETARG_INT64(0), result->report == NULL ? "" : result->report);
		if (PropertyAt(count)->every > 1)
			rows += result->cases;
	}
	unmet = fuzz_unmet_storage(&met);
	appendStringInfo(&report, "%sok %d - documents were stored in every way%s\n# %s\n# documents %016llx\n1..%d",
					 unmet != NULL && rows >= ENOUGH_ROWS ? "not " : "", count + 1,
					 rows < ENOUGH_ROWS ? " # SKIP too few cases" : "", met.data,
					 (unsigned long long) documents, count + 1);
	PG_RETURN_TEXT_P(cstring_to_text(report.data));
}
