/*
 * rows.c
 *	  The properties of the functions that read and write a stored row.
 *
 * Each case stores a random context in one row of the schema fuzz_rows, in one
 * of the ways in which the server stores a document (inline or out of line,
 * plain or compressed by either method), calls the functions, and undoes it all.
 */
#include "server.h"

#include "fuzz.h"

#define CHAIN "00000000-0000-0000-0000-00000000000c"
#define RENDER "00000000-0000-0000-0000-00000000000d"
#define ID(id) "'" id "'::pg_catalog.uuid"

/* A row with PLAIN storage must fit into a page. */
#define MOST_PLAIN 6000

#define STORAGES 6

/* How a stored document was met. */
static const char *const ways[] = {
	"inline", "inline with a short header", "inline pglz", "out of line", "out of line pglz", "inline lz4",
	"out of line lz4",
};
static int64 times_met[lengthof(ways)];

/* A stored row, and what tells whether it was written to. */
typedef struct Stored
{
	Answer		context;
	const char *version;
} Stored;

/* A save that is tried, and what comes of it. */
typedef struct Save
{
	const Case *the_case;
	Verdict    *verdict;
	bool		whole;			/* merge_context, not save_memory */
	Answer		answer;
} Save;

/* Return a size: from tiny to 300 kB. */
static int
RandomSize(Random *random)
{
	int			kind = fuzz_below(random, 100);

	return fuzz_below(random, kind < 30 ? 60 : kind < 60 ? 2000 : kind < 90 ? 10000 : kind < 98 ? 60000 : 300000);
}

/* Add members of about so many bytes to an object: one string, many values, or many strings. */
static void
AddBulk(Tree *object, Random *random, Shape *shape, int bytes)
{
	int			kind = fuzz_below(random, 3);
	int			i;

	if (kind == 0)
	{
		fuzz_add(object, "text", 4, fuzz_long_string(random, bytes));
		return;
	}
	for (i = 0; bytes > 0; i++)
	{
		int			length = kind == 1 ? fuzz_below(random, 12) : fuzz_below(random, 3000);
		char	   *key = psprintf("member %d", i);
		bool		number = kind == 1 && fuzz_chance(random, 50);

		fuzz_add(object, key, (int) strlen(key), number ? fuzz_random_integer(random) :
				 fuzz_chance(random, 3) ? fuzz_document(random, shape) : fuzz_long_string(random, Min(length, bytes)));
		bytes -= length + 12;
	}
}

/* Add members whose keys stand before or after the memory's in the order of jsonb. */
static void
AddNeighbours(Tree *context, Random *random, Shape *shape, bool before)
{
	/* jsonb orders keys by length and then by bytes */
	static const char *const near[2][4] = {
		{"pipelineMemorz", "pipelineMemory ", "pipelineMemory2", "qipelineMemory"},
		{"pipelineMemorx", "pipelinememor", "pipelineMemor", "PipelineMemory"},
	};
	static const int counts[] = {0, 0, 0, 1, 1, 2, 2, 5, 5, 20, 30, 31, 32, 33, 34, 100, 300};
	int			count = counts[fuzz_below(random, lengthof(counts))];
	const char *neighbour = near[before][fuzz_below(random, 4)];
	int			i;

	for (i = 0; i < count; i++)
	{
		char	   *key = psprintf(before ? "k%d" : "a key beside the memory %d", i);

		fuzz_add(context, key, (int) strlen(key), fuzz_chance(random, 70) ? fuzz_random_string(random) :
				 fuzz_document(random, shape));
	}
	if (fuzz_chance(random, 40))
		fuzz_add(context, neighbour, (int) strlen(neighbour), fuzz_document(random, shape));
	if (fuzz_chance(random, 20))
		fuzz_add(context, before ? "bulk" : "bulk that stands after the memory", before ? 4 : 33,
				 fuzz_long_string(random, RandomSize(random)));
}

/* Make a value that is no object, maybe a long one. */
static Tree *
NoObject(Random *random, Shape *shape)
{
	Tree	   *array;

	switch (fuzz_below(random, 4))
	{
		case 0:
			return fuzz_tree(TREE_NULL);
		case 1:
			return fuzz_random_number(random);
		case 2:
			return fuzz_long_string(random, RandomSize(random));
		default:
			array = fuzz_tree(TREE_ARRAY);
			fuzz_add(array, NULL, 0, fuzz_object(random, shape));
			return array;
	}
}

/* Make a context: nearly always an object, mostly with a memory in it. */
static Tree *
RandomContext(Random *random, Shape *shape)
{
	Tree	   *context = fuzz_tree(TREE_OBJECT);
	int			kind = fuzz_below(random, 100);
	Tree	   *memory;

	if (kind < 4)
		return NULL;
	if (kind < 8)
		return NoObject(random, shape);
	if (kind < 90)
	{
		AddNeighbours(context, random, shape, true);
		AddNeighbours(context, random, shape, false);
	}
	if (kind < 16)
		return context;
	memory = kind < 24 ? NoObject(random, shape) : fuzz_object(random, shape);
	if (memory->kind == TREE_OBJECT && kind < 85)
		AddBulk(memory, random, shape, RandomSize(random));
	fuzz_add(context, MEMORY_KEY, (int) strlen(MEMORY_KEY), memory);
	return context;
}

/* Make a context, and how it is stored: every way in turn. */
static void
MakeContext(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_small_shape(random);

	the_case->choices = (the_case->choices << 3) + (number / 100) % STORAGES;
	the_case->count = 1;
	the_case->inputs[0] = RandomContext(random, &shape);
}

/* Make a patch for an object that changes nothing, or nothing but how numbers are spelled. */
static Tree *
IdlePatch(Random *random, Tree *target)
{
	Tree	   *patch = fuzz_tree(TREE_OBJECT);

	int			kind = fuzz_below(random, 4);

	if (fuzz_is(target, TREE_OBJECT) && kind == 0)
		return fuzz_without_nulls(target);
	if (fuzz_is(target, TREE_OBJECT) && kind == 1)
		return fuzz_respelled(random, fuzz_without_nulls(target));
	if (kind == 2)
		fuzz_add(patch, "nobody has this", 15, fuzz_tree(TREE_NULL));
	return patch;
}

/* Make a patch for what a save changes, and sometimes pins. */
static void
AddPatchAndPins(Random *random, Case *the_case, Shape *shape, Tree *target)
{
	Tree	   *memory = fuzz_get(the_case->inputs[0], MEMORY_KEY);
	Tree	   *pins = fuzz_without_nulls(fuzz_patch(random, shape, memory));

	the_case->count = 3;
	if (!fuzz_is(target, TREE_OBJECT))
		target = NULL;
	the_case->inputs[1] = fuzz_chance(random, 20) ? IdlePatch(random, target) :
		target == NULL ? fuzz_object(random, shape) :
		fuzz_patch(random, shape, target);
	if (fuzz_chance(random, 3))
		the_case->inputs[1] = fuzz_chance(random, 50) ? NULL : fuzz_document(random, shape);
	if (pins->kind == TREE_OBJECT && fuzz_chance(random, 25))
		the_case->inputs[2] = pins;
}

/* Make a context, a patch for its memory, and pins. */
static void
MakeSave(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_small_shape(random);

	MakeContext(random, number, the_case);
	AddPatchAndPins(random, the_case, &shape, fuzz_get(the_case->inputs[0], MEMORY_KEY));
}

/* Make a context, a patch for all of it, and pins. */
static void
MakeMergeContext(Random *random, int64 number, Case *the_case)
{
	Shape		shape = fuzz_small_shape(random);

	MakeContext(random, number, the_case);
	AddPatchAndPins(random, the_case, &shape, the_case->inputs[0]);
}

/* Set how the column is stored. */
static void
SetStorage(const Case *the_case)
{
	static const char *const storages[STORAGES][2] = {
		{"PLAIN", "pglz"}, {"EXTERNAL", "pglz"}, {"EXTENDED", "pglz"},
		{"MAIN", "pglz"}, {"EXTENDED", "lz4"}, {"MAIN", "lz4"},
	};
	static const int targets[] = {128, 500, 2032, 8160};
	int			storage = the_case->choices & 7;
	Size		size = 0;
	int			i;

	for (i = 0; i < the_case->count; i++)
		if (the_case->inputs[i] != NULL)
			size += VARSIZE(fuzz_jsonb(the_case->inputs[i]));
	if (storage == 0 && size > MOST_PLAIN)
		storage = 1;
#ifndef USE_LZ4
	storage &= 3;
#endif
	fuzz_command(psprintf("ALTER TABLE fuzz_rows.renders ALTER COLUMN context_data SET STORAGE %s,"
						  " ALTER COLUMN context_data SET COMPRESSION %s, SET (toast_tuple_target = %d)",
						  storages[storage][0], storages[storage][1], targets[(the_case->choices >> 3) & 3]));
}

/* Store the context of a case. */
static void
Store(const Case *the_case)
{
	static Statement render = {
		"INSERT INTO fuzz_rows.renders (id, prompt, status, chain_id, chain_position, context_data)"
		" VALUES (" ID(RENDER) ", 'fuzz', 'completed', " ID(CHAIN) ", 1, $1)",
		1, {JSONBOID}, false, NULL
	};
	static Statement pins = {
		"INSERT INTO fuzz_rows.memory_pins (chain_id, pins) VALUES (" ID(CHAIN) ", $1)",
		1, {JSONBOID}, false, NULL
	};
	Datum		value = PointerGetDatum(fuzz_jsonb(the_case->inputs[0]));

	SetStorage(the_case);
	fuzz_query(&render, &value, the_case->inputs[0] == NULL ? "n" : " ", 0, NULL, NULL);
	if (the_case->count < 3 || the_case->inputs[2] == NULL)
		return;
	value = PointerGetDatum(fuzz_jsonb(the_case->inputs[2]));
	fuzz_query(&pins, &value, NULL, 0, NULL, NULL);
}

/* Count the way in which a document is stored. */
static void
Meet(struct varlena *document)
{
	bool		lz4 = false;
	int			way;

	if (VARATT_IS_EXTERNAL_ONDISK(document))
	{
		struct varatt_external pointer;

		VARATT_EXTERNAL_GET_POINTER(pointer, document);
		lz4 = VARATT_EXTERNAL_GET_COMPRESS_METHOD(pointer) == TOAST_LZ4_COMPRESSION_ID;
		way = fuzz_is_compressed(pointer) ? 4 + (lz4 ? 2 : 0) : 3;
	}
	else if (VARATT_IS_COMPRESSED(document))
	{
		lz4 = VARDATA_COMPRESSED_GET_COMPRESS_METHOD(document) == TOAST_LZ4_COMPRESSION_ID;
		way = lz4 ? 5 : 2;
	}
	else
		way = VARATT_IS_SHORT(document) ? 1 : 0;
	times_met[way]++;
}

/* Say in which ways documents were stored; return one that was not met, or NULL. */
const char *
fuzz_unmet_storage(StringInfo met)
{
	const char *unmet = NULL;
	int			i;

	for (i = 0; i < (int) lengthof(ways); i++)
	{
#ifndef USE_LZ4
		if (strstr(ways[i], "lz4") != NULL)
			continue;
#endif
		appendStringInfo(met, "%s%s " INT64_FORMAT, i == 0 ? "" : ", ", ways[i], times_met[i]);
		if (times_met[i] == 0)
			unmet = ways[i];
	}
	return unmet;
}

/* Read the stored row. */
static Stored
ReadRow(void)
{
	static Statement query = {
		"SELECT pg_catalog.concat_ws(' ', ctid, xmin, cmin), context_data FROM fuzz_rows.renders WHERE id = " ID(RENDER),
		0, {0}, false, NULL
	};
	Datum		values[2];
	bool		nulls[2];
	Stored		stored = {{NULL, NULL}, NULL};

	if (!fuzz_query(&query, NULL, NULL, 2, values, nulls))
		elog(ERROR, "the row is gone");
	stored.version = TextDatumGetCString(values[0]);
	if (!nulls[1])
	{
		Meet((struct varlena *) DatumGetPointer(values[1]));
		stored.context.json = DatumGetJsonbP(values[1]);
	}
	return stored;
}

/* Return the memory in a context; NULL where there is no object. */
static Tree *
MemoryOf(const Tree *context)
{
	Tree	   *memory = fuzz_get(context, MEMORY_KEY);

	return fuzz_is(memory, TREE_OBJECT) ? memory : NULL;
}

/* Store a context and read the memory out of it. */
static void
TryGet(void *argument)
{
	static const char *const names[] = {
		"get_memory_from_render", "get_memory_from_chain", "get_memories_from_chains",
		"get_latest_completed_render_with_memory",
	};
	static Statement readers[lengthof(names)] = {
		{.sql = "SELECT renderchain.get_memory_from_render(" ID(RENDER) ")"},
		{.sql = "SELECT renderchain.get_memory_from_chain(" ID(CHAIN) ")"},
		{.sql = "SELECT memory FROM renderchain.get_memories_from_chains(ARRAY[" ID(CHAIN) "])"},
		{.sql = "SELECT memory FROM renderchain.get_latest_completed_render_with_memory(" ID(CHAIN) ")"},
	};
	Save	   *get = argument;
	Tree	   *memory = MemoryOf(get->the_case->inputs[0]);
	int			i;

	Store(get->the_case);
	fuzz_judge(get->verdict, "the stored context", ReadRow().context, fuzz_answer(get->the_case->inputs[0]));
	for (i = 0; i < (int) lengthof(readers); i++)
		fuzz_judge(get->verdict, names[i], fuzz_query_json(&readers[i], NULL, NULL), fuzz_answer(memory));
}

/* Return what a save must answer; in *after what the context must be then. */
static Answer
ExpectedSave(const Case *the_case, bool whole, Tree **after)
{
	Tree	   *context = the_case->inputs[0];
	Tree	   *patch = the_case->inputs[1];
	Tree	   *pins = the_case->inputs[2];
	Tree	   *memory;

	*after = context;
	if (!fuzz_is(patch, TREE_OBJECT) || (context != NULL && context->kind != TREE_OBJECT))
		return fuzz_said("error RC005");
	if (whole)
	{
		Tree	   *merged = fuzz_oracle_merge(context, patch);

		memory = fuzz_get(merged, MEMORY_KEY);
		if (memory != NULL && fuzz_get(patch, MEMORY_KEY) != NULL)
		{
			if (memory->kind != TREE_OBJECT)
				return fuzz_said("error RC005");
			if (pins != NULL)
				fuzz_add(merged, MEMORY_KEY, (int) strlen(MEMORY_KEY), fuzz_oracle_merge(memory, pins));
		}
		/* an empty patch leaves NULL as it is */
		if (context != NULL || merged->count > 0)
			*after = merged;
		return fuzz_answer(merged);
	}
	memory = fuzz_oracle_merge(MemoryOf(context), patch);
	if (pins != NULL)
		memory = fuzz_oracle_merge(memory, pins);
	/* what has no members is no memory, unless it takes the place of one */
	if (memory->count > 0 || MemoryOf(context) != NULL)
	{
		*after = context == NULL ? fuzz_tree(TREE_OBJECT) : fuzz_shallow_copy(context);
		fuzz_add(*after, MEMORY_KEY, (int) strlen(MEMORY_KEY), memory);
	}
	return fuzz_answer(memory);
}

/* Save, or fail. */
static void
TrySave(void *argument)
{
	static Statement save = {"SELECT renderchain.save_memory(" ID(RENDER) ", $1)", 1, {JSONBOID}, false, NULL};
	static Statement merge = {"SELECT renderchain.merge_context(" ID(RENDER) ", $1)", 1, {JSONBOID}, false, NULL};
	Save	   *attempt = argument;
	Tree	   *patch = attempt->the_case->inputs[1];
	Datum		value = PointerGetDatum(fuzz_jsonb(patch));

	attempt->answer = fuzz_query_json(attempt->whole ? &merge : &save, &value, patch == NULL ? "n" : " ");
}

/* Store a context, save into it, and read it again. */
static void
TryStoreAndSave(void *argument)
{
	Save	   *save = argument;
	Stored		before;
	Stored		after;
	Tree	   *expected_after;
	Answer		expected = ExpectedSave(save->the_case, save->whole, &expected_after);
	Answer		expected_context = fuzz_answer(expected_after);
	Verdict		changes = {0};
	ErrorData  *error;

	Store(save->the_case);
	before = ReadRow();
	if (!fuzz_try(TrySave, save, true, &error))
		save->answer = fuzz_error(error);
	after = ReadRow();
	fuzz_judge(save->verdict, "the result", save->answer, expected);
	fuzz_judge(save->verdict, "the stored context", after.context, expected_context);
	fuzz_judge(&changes, "", before.context, expected_context);
	if ((strcmp(before.version, after.version) != 0) != changes.fails)
		fuzz_judge(save->verdict, "whether the row is written", fuzz_said(changes.fails ? "not written" : "written"),
				   fuzz_said(changes.fails ? "written, it changes" : "not written, nothing changes"));
}

/* Do something with the row and undo it; an error fails the case. */
static void
CheckRow(const Case *the_case, Verdict *verdict, void (*work) (void *), bool whole)
{
	Save		save = {the_case, verdict, whole, {NULL, NULL}};
	ErrorData  *error;

	if (!fuzz_try(work, &save, false, &error))
		fuzz_judge(verdict, "storing, calling and reading", fuzz_error(error), fuzz_said("no error"));
}

/* The memory of a stored context. */
static void
CheckGet(const Case *the_case, Verdict *verdict)
{
	CheckRow(the_case, verdict, TryGet, false);
}

/* save_memory into a stored context. */
static void
CheckSave(const Case *the_case, Verdict *verdict)
{
	CheckRow(the_case, verdict, TryStoreAndSave, false);
}

/* merge_context into a stored context. */
static void
CheckMergeContext(const Case *the_case, Verdict *verdict)
{
	CheckRow(the_case, verdict, TryStoreAndSave, true);
}

const Property fuzz_row_properties[] = {
	{"the memory of a stored context is read as it is",
	100, 0, false, MakeContext, CheckGet},
	{"save_memory merges into a stored context, and writes nothing where nothing changes",
	100, 33, false, MakeSave, CheckSave},
	{"merge_context merges into a stored context, and writes nothing where nothing changes",
	100, 66, false, MakeMergeContext, CheckMergeContext},
};
const int	fuzz_row_property_count = lengthof(fuzz_row_properties);
