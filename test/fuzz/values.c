/*
 * values.c
 *	  The properties of the functions that only compute.
 */
#include "server.h"

#include "fuzz.h"

/* Make a document and a patch for it, or another document. */
static void
MakeMerge(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_random_shape(random);

	(void) number;
	the_case->count = 2;
	the_case->inputs[0] = fuzz_document(random, &shape);
	the_case->inputs[1] = fuzz_chance(random, 75) ? fuzz_patch(random, &shape, the_case->inputs[0]) :
		fuzz_document(random, &shape);
}

/* Merge: result, and arguments that nobody wrote to. */
static void
CheckMerge(const Case *the_case, Verdict *verdict)
{
	Answer		got = fuzz_call(FUZZ_MERGE_PATCH, fuzz_jsonb(the_case->inputs[0]), fuzz_jsonb(the_case->inputs[1]),
								the_case->choices, verdict);

	fuzz_judge(verdict, "the result", got,
			   fuzz_answer(fuzz_oracle_merge(the_case->inputs[0], the_case->inputs[1])));
}

/* Make one document. */
static void
MakeDocument(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_random_shape(random);

	(void) number;
	the_case->count = 1;
	the_case->inputs[0] = fuzz_document(random, &shape);
}

/* Merge with SQL's NULL: an absent target, the patch {}. */
static void
CheckNulls(const Case *the_case, Verdict *verdict)
{
	Tree	   *nothing = fuzz_tree(TREE_OBJECT);
	Jsonb	   *document = fuzz_jsonb(the_case->inputs[0]);

	fuzz_judge(verdict, "merging into NULL",
			   fuzz_call(FUZZ_MERGE_PATCH, NULL, document, the_case->choices, verdict),
			   fuzz_answer(fuzz_oracle_merge(NULL, the_case->inputs[0])));
	fuzz_judge(verdict, "merging NULL",
			   fuzz_call(FUZZ_MERGE_PATCH, document, NULL, the_case->choices, verdict),
			   fuzz_answer(fuzz_oracle_merge(the_case->inputs[0], nothing)));
	if (the_case->choices % 64 == 0)
		fuzz_judge(verdict, "merging NULL into NULL",
				   fuzz_call(FUZZ_MERGE_PATCH, NULL, NULL, 0, verdict), fuzz_answer(nothing));
}

#define FEW_INPUTS 5

/* Return how many documents an aggregate gets: a few, sometimes none, sometimes many. */
static int
SomeInputs(Random *random)
{
	int			kind = fuzz_below(random, 200);

	return kind < 3 ? 0 : 1 + fuzz_below(random, kind < 196 ? FEW_INPUTS : MOST_INPUTS);
}

/*
 * Make a few patches, each for what the ones before it give, with NULLs between
 * them. Some are so long that an aggregate may want to merge before its end.
 */
static void
MakePatches(Random *random, int64 number, Case *the_case)
{
	int			count = SomeInputs(random);
	bool		is_long = fuzz_below(random, 150) == 0;
	Shape		shape = is_long || count > FEW_INPUTS ? fuzz_small_shape(random) : fuzz_random_shape(random);
	Tree	   *document = NULL;
	int			i;

	(void) number;
	the_case->count = count;
	for (i = 0; i < count; i++)
	{
		/* of many patches the first must still show in the end */
		Tree	   *patch = count > FEW_INPUTS ? fuzz_object(random, &shape) :
			fuzz_chance(random, 75) ? fuzz_patch(random, &shape, document) :
			fuzz_document(random, &shape);

		if (fuzz_chance(random, 10))
			continue;
		if (is_long && patch->kind == TREE_OBJECT)
			fuzz_add(patch, "text", 4, fuzz_long_string(random, fuzz_below(random, 70000)));
		the_case->inputs[i] = patch;
		document = fuzz_oracle_merge(document, patch);
	}
}

/* The aggregate is the fold of merges over what is not NULL; in a window also of every beginning. */
static void
CheckAggregate(const Case *the_case, Verdict *verdict)
{
	static Statement whole = {
		"SELECT renderchain.jsonb_merge_patch_agg(patch ORDER BY place)"
		" FROM pg_catalog.unnest($1::pg_catalog.jsonb[]) WITH ORDINALITY AS patches (patch, place)",
		1, {JSONBARRAYOID}, true, NULL
	};
	static Statement window = {
		"SELECT pg_catalog.jsonb_agg(merged ORDER BY place)"
		" FROM (SELECT place, renderchain.jsonb_merge_patch_agg(patch) OVER (ORDER BY place) AS merged"
		"       FROM pg_catalog.unnest($1::pg_catalog.jsonb[]) WITH ORDINALITY AS patches (patch, place)) AS beginnings",
		1, {JSONBARRAYOID}, true, NULL
	};
	Datum		list = fuzz_list(the_case);
	Tree	   *beginnings = fuzz_tree(TREE_ARRAY);
	Tree	   *expected = NULL;
	int			i;

	for (i = 0; i < the_case->count; i++)
	{
		if (the_case->inputs[i] != NULL)
			expected = fuzz_oracle_merge(expected, the_case->inputs[i]);
		fuzz_add(beginnings, NULL, 0, expected == NULL ? fuzz_tree(TREE_NULL) : expected);
	}
	fuzz_judge(verdict, "the aggregate", fuzz_query_json(&whole, &list, NULL), fuzz_answer(expected));
	if (the_case->choices % 8 == 0)
		fuzz_judge(verdict, "the aggregate in a window", fuzz_query_json(&window, &list, NULL),
				   the_case->count == 0 ? fuzz_said(NULL) : fuzz_answer(beginnings));
}

/* Make a source, rarely NULL, and a target that has much in common with it. */
static void
MakePair(Random *random, Shape *shape, Case *the_case)
{
	the_case->count = 2;
	the_case->inputs[0] = fuzz_document(random, shape);
	the_case->inputs[1] = fuzz_chance(random, 80) ? fuzz_variation(random, shape, the_case->inputs[0]) :
		fuzz_document(random, shape);
	if (fuzz_chance(random, 2))
		the_case->inputs[0] = NULL;
}

/* Make a pair of which most need no null to be set. */
static void
MakeDiff(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_random_shape(random);

	(void) number;
	MakePair(random, &shape, the_case);
	if (fuzz_chance(random, 50))
		the_case->inputs[1] = fuzz_without_nulls(the_case->inputs[1]);
	if (fuzz_chance(random, 1))
		the_case->inputs[1] = NULL;
}

/* What a call of jsonb_make_patch is tried with, and what comes of it. */
typedef struct Attempt
{
	const Case *the_case;
	Verdict    *verdict;
	Answer		answer;
} Attempt;

/* Make a patch, or fail. */
static void
TryMakePatch(void *argument)
{
	Attempt    *attempt = argument;

	attempt->answer = fuzz_call(FUZZ_MAKE_PATCH, fuzz_jsonb(attempt->the_case->inputs[0]),
								fuzz_jsonb(attempt->the_case->inputs[1]), attempt->the_case->choices, attempt->verdict);
}

/* The patch between two documents is the smallest, or an error where there is none. */
static void
CheckDiff(const Case *the_case, Verdict *verdict)
{
	Tree	   *target = the_case->inputs[1];
	Tree	   *expected = target == NULL ? NULL : fuzz_oracle_diff(the_case->inputs[0], target);
	Attempt		attempt = {the_case, verdict, {NULL, NULL}};
	ErrorData  *error;

	if (!fuzz_try(TryMakePatch, &attempt, true, &error))
		attempt.answer = fuzz_error(error);
	fuzz_judge(verdict, "the patch", attempt.answer,
			   target != NULL && expected == NULL ? fuzz_said("error 22023") : fuzz_answer(expected));
}

/* Make a pair for which there is a patch. */
static void
MakeRoundTrip(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_random_shape(random);

	(void) number;
	MakePair(random, &shape, the_case);
	the_case->inputs[1] = fuzz_without_nulls(the_case->inputs[1]);
}

/*
 * Merging the patch gives the target: equal, and in the very bytes that the
 * oracle's patch gives (a member that is equal keeps the source's spelling of
 * its numbers).
 */
static void
CheckRoundTrip(const Case *the_case, Verdict *verdict)
{
	Tree	   *source = the_case->inputs[0];
	Tree	   *target = the_case->inputs[1];
	Jsonb	   *source_json = fuzz_jsonb(source);
	Jsonb	   *target_json = fuzz_jsonb(target);
	Answer		patch = fuzz_call(FUZZ_MAKE_PATCH, source_json, target_json, the_case->choices, verdict);
	Answer		got = fuzz_call(FUZZ_MERGE_PATCH, source_json, patch.json, the_case->choices >> 6, verdict);

	if (got.json == NULL ||
		!DatumGetBool(DirectFunctionCall2(jsonb_eq, JsonbPGetDatum(got.json), JsonbPGetDatum(target_json))))
		fuzz_judge(verdict, "the merged patch and the target", fuzz_said("they differ"), fuzz_said("they are equal"));
	fuzz_judge(verdict, "the merged patch", got,
			   fuzz_answer(fuzz_oracle_merge(source, fuzz_oracle_diff(source, target))));
	if (fuzz_plain_numbers(source) && fuzz_plain_numbers(target))
		fuzz_judge(verdict, "the merged patch beside the target", got, (Answer) {target_json, NULL});
}

/* Make a few memories, with NULLs between them. */
static void
MakeMemories(Random *random, int64 number, Case *the_case)
{
	int			i;

	(void) number;
	the_case->count = SomeInputs(random);
	for (i = 0; i < the_case->count; i++)
		the_case->inputs[i] = fuzz_chance(random, 10) ? NULL : fuzz_random_memory(random);
}

/* Merge memories, or fail. */
static void
TryMergeMemory(void *argument)
{
	Attempt    *attempt = argument;

	attempt->answer = fuzz_call_list(FUZZ_MERGE_MEMORY, fuzz_list(attempt->the_case), attempt->verdict);
}

/* Merge memories with the aggregate, or fail. */
static void
TryAggregateMemory(void *argument)
{
	static Statement query = {
		"SELECT renderchain.merge_memory(memory ORDER BY place)"
		" FROM pg_catalog.unnest($1::pg_catalog.jsonb[]) WITH ORDINALITY AS memories (memory, place)",
		1, {JSONBARRAYOID}, true, NULL
	};
	Attempt    *attempt = argument;
	Datum		list = fuzz_list(attempt->the_case);

	attempt->answer = fuzz_query_json(&query, &list, NULL);
}

/* Return what merge_memory must answer. */
static Answer
ExpectedMemory(const Case *the_case)
{
	static const char *const none =
		"{\"styleCodes\": {\"colorPalette\": [], \"lightingStyle\": \"natural\","
		" \"materialStyle\": \"unknown\", \"architecturalStyle\": \"modern\"}, \"palette\": [], \"materials\": [],"
		" \"geometry\": {\"perspective\": \"perspective\", \"focalLength\": \"normal\", \"cameraAngle\": \"eye-level\"}}";
	Tree	   *memories[MOST_INPUTS];
	int			count = 0;
	int			i;

	for (i = 0; i < the_case->count; i++)
	{
		if (the_case->inputs[i] != NULL && the_case->inputs[i]->kind != TREE_OBJECT)
			return fuzz_said("error RC005");
		if (the_case->inputs[i] != NULL)
			memories[count++] = the_case->inputs[i];
	}
	if (count == 0)
		return (Answer) {DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(none))), NULL};
	return fuzz_answer(fuzz_oracle_memory(memories, count));
}

/* merge_memory, function and aggregate: what most have, or the last. */
static void
CheckMemories(const Case *the_case, Verdict *verdict)
{
	Answer		expected = ExpectedMemory(the_case);
	Attempt		attempt = {the_case, verdict, {NULL, NULL}};
	ErrorData  *error;

	if (!fuzz_try(TryMergeMemory, &attempt, true, &error))
		attempt.answer = fuzz_error(error);
	fuzz_judge(verdict, "the function", attempt.answer, expected);
	if (the_case->choices % 4 != 0)
		return;
	if (!fuzz_try(TryAggregateMemory, &attempt, true, &error))
		attempt.answer = fuzz_error(error);
	fuzz_judge(verdict, "the aggregate", attempt.answer, expected);
}

/* How often each is checked: the cheaper and the more there is to find, the oftener. */
const Property fuzz_value_properties[] = {
	{"jsonb_merge_patch is RFC 7396, byte for byte", 1, 0, false, MakeMerge, CheckMerge},
	{"jsonb_merge_patch takes a NULL target for absent and a NULL patch for {}", 4, 1, false, MakeDocument, CheckNulls},
	{"jsonb_merge_patch_agg is a row of merges", 3, 0, true, MakePatches, CheckAggregate},
	{"jsonb_make_patch gives the smallest patch, or an error where there is none", 2, 1, false, MakeDiff, CheckDiff},
	{"merging the patch gives the target", 2, 0, false, MakeRoundTrip, CheckRoundTrip},
	{"merge_memory keeps what most memories have", 4, 3, true, MakeMemories, CheckMemories},
};
const int	fuzz_value_property_count = lengthof(fuzz_value_properties);
