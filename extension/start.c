/*
 * start.c
 *	  What a render starts from: memory, and the picture or video that it follows.
 *
 * The memory is its ancestors' if it branches off, else its chain's, under the chain's
 * pins. The output is its parent's if it has one, else the chain's latest.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"
#include "submit.h"

PG_FUNCTION_INFO_V1(rc_sql_starting_point);

static const NullableDatum none = {(Datum) 0, true};

/* The columns of a render that has put something out, from one on: OUTPUT in query.c */
enum
{
	OUTPUT_RENDER,
	OUTPUT_STATUS,
	OUTPUT_URL,
	OUTPUT_KEY,
	OUTPUT_PROMPT,
	OUTPUT_METADATA,
	OUTPUT_COUNT
};

static const Oid output_types[OUTPUT_COUNT] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID};

/* Add a member that is a text or null. */
static void
PushText(RcJsonbBuilder *builder, const char *name, NullableDatum words)
{
	JsonbValue	key;
	JsonbValue	value = {.type = jbvNull};

	rc_string_value(name, &key);
	rc_push(builder, WJB_KEY, &key);
	if (!words.isnull)
	{
		rc_string_value(TextDatumGetCString(words.value), &value);
		if (value.val.string.len > JENTRY_OFFLENMASK)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("string too long to represent as jsonb string"),
					 errdetail("The %s of an output is longer than %d bytes.", name, JENTRY_OFFLENMASK)));
	}
	rc_push(builder, WJB_VALUE, &value);
}

/* Return the type of what is stored under a key. */
static NullableDatum
MimeOf(NullableDatum key)
{
	NullableDatum mime = none;

	if (!key.isnull && rc_query(RC_MIME, &key.value, 1) > 0)
		mime.value = rc_result(0, 1, TEXTOID, &mime.isnull);
	return mime;
}

/* Return an output: {"renderId", "url", "key", "prompt", "mime"}, and "turn" where it was made in a conversation. */
static Jsonb *
MakeOutput(const NullableDatum *row)
{
	RcJsonbBuilder builder = {0};
	JsonbValue	turn;
	JsonbValue	key;
	Jsonb	   *metadata = row[OUTPUT_METADATA].isnull ? NULL : DatumGetJsonbP(row[OUTPUT_METADATA].value);

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	rc_string_value("renderId", &key);
	rc_push(&builder, WJB_KEY, &key);
	rc_string_value(rc_uuid_text(DatumGetUUIDP(row[OUTPUT_RENDER].value)), &key);
	rc_push(&builder, WJB_VALUE, &key);
	PushText(&builder, "url", row[OUTPUT_URL]);
	PushText(&builder, "key", row[OUTPUT_KEY]);
	PushText(&builder, "prompt", row[OUTPUT_PROMPT]);
	PushText(&builder, "mime", MimeOf(row[OUTPUT_KEY]));
	if (metadata != NULL && rc_root_object(metadata) != NULL && rc_get_member(&metadata->root, "turn", &turn))
	{
		rc_string_value("turn", &key);
		rc_push(&builder, WJB_KEY, &key);
		rc_push(&builder, WJB_VALUE, &turn);
	}
	rc_push(&builder, WJB_END_OBJECT, NULL);
	return rc_built(&builder);
}

/* Return the output of the render that the last query found, in that column and those behind it. */
NullableDatum
rc_found_output(int column)
{
	NullableDatum row[OUTPUT_COUNT];
	int			i;

	for (i = 0; i < OUTPUT_COUNT; i++)
		row[i].value = rc_result(0, column + i, output_types[i], &row[i].isnull);
	if (row[OUTPUT_RENDER].isnull || row[OUTPUT_STATUS].isnull ||
		strcmp(TextDatumGetCString(row[OUTPUT_STATUS].value), "completed") != 0 ||
		(row[OUTPUT_URL].isnull && row[OUTPUT_KEY].isnull))
		return none;
	return (NullableDatum) {JsonbPGetDatum(MakeOutput(row)), false};
}

/* Return the output that a render follows. */
static NullableDatum
FindOutput(NullableDatum chain, NullableDatum parent)
{
	bool		has_parent = !parent.isnull;
	Datum		id = has_parent ? parent.value : chain.value;

	if (chain.isnull && !has_parent)
		return none;
	if (rc_query(has_parent ? RC_OUTPUT_OF_RENDER : RC_OUTPUT_OF_CHAIN, &id, 1) == 0)
		return none;
	return rc_found_output(1);
}

/* Return the memory that a render starts with. */
static NullableDatum
FindMemory(NullableDatum render, NullableDatum chain, NullableDatum parent)
{
	Jsonb	   *memory = NULL;
	Jsonb	   *pins = NULL;

	if (!parent.isnull)
		memory = render.isnull ? NULL : rc_ancestors_memory(DatumGetUUIDP(render.value));
	else if (!chain.isnull)
		memory = rc_chain_memory(DatumGetUUIDP(chain.value));
	if (!chain.isnull)
		pins = rc_read_pins(DatumGetUUIDP(chain.value));
	if (pins != NULL)
		memory = rc_merge_patch(memory, pins);
	return memory == NULL ? none : (NullableDatum) {JsonbPGetDatum(memory), false};
}

/*
 * Find what a render starts from, as others have left it by now: who waited for the chain
 * must not miss what came meanwhile. The output may be known already.
 */
void
rc_find_start(RcStart *start, NullableDatum render, NullableDatum chain, NullableDatum parent,
			  const NullableDatum *known_output)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	start->memory = FindMemory(render, chain, parent);
	start->previous_output = known_output != NULL ? *known_output : FindOutput(chain, parent);
	PopActiveSnapshot();
}

/* SQL: _starting_point(render_id uuid, chain_id uuid, parent_id uuid) -> memory, previous output */
Datum
rc_sql_starting_point(PG_FUNCTION_ARGS)
{
	NullableDatum render = {PG_GETARG_DATUM(0), PG_ARGISNULL(0)};
	NullableDatum chain = {PG_GETARG_DATUM(1), PG_ARGISNULL(1)};
	NullableDatum parent = {PG_GETARG_DATUM(2), PG_ARGISNULL(2)};
	RcStart		start;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rc_begin_queries();
	rc_find_start(&start, render, chain, parent, NULL);
	rc_end_queries();
	values[0] = start.memory.value;
	nulls[0] = start.memory.isnull;
	values[1] = start.previous_output.value;
	nulls[1] = start.previous_output.isnull;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
