/*
 * consensus.c
 *	  merge_memory: what several analyses, or several memories, agree on.
 *
 * - The lists palette, materials and styleCodes.colorPalette: the entries that
 *   more than half of the memories have, in order of first appearance; where
 *   there is none, the last memory's list.
 * - styleCodes (but for its list) and geometry: the last memory's.
 * - extractedAt: the latest.
 * - Every other member: the last memory's.
 * "The last memory's" always means the last one that has such a member (of the
 * right type), so that a memory without geometry does not lose the geometry.
 *
 * A memory without a list counts as having an empty one. Entries are the same
 * where their names are: "Deep navy #1f2a44", "deep navy" and "deep navy
 * #000080" are one entry, kept as it appeared first.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "renderchain.h"

#define DEFAULT_MEMORY \
	"{\"styleCodes\": {\"colorPalette\": [], \"lightingStyle\": \"natural\", " \
	"\"materialStyle\": \"unknown\", \"architecturalStyle\": \"modern\"}, " \
	"\"palette\": [], " \
	"\"geometry\": {\"perspective\": \"perspective\", \"focalLength\": \"normal\", " \
	"\"cameraAngle\": \"eye-level\"}, " \
	"\"materials\": []}"

#define STYLE_KEY "styleCodes"
#define STYLE_PALETTE_KEY "colorPalette"
#define GEOMETRY_KEY "geometry"
#define TIME_KEY "extractedAt"
static const char *const list_keys[] = {"palette", "materials"};

/* The memories that are merged, in order. */
typedef struct Memories
{
	Jsonb	  **items;
	int			count;
	int			capacity;
	MemoryContext context;		/* of the array and of every item */
} Memories;

/* An entry of a list, with the name by which it is compared. */
typedef struct Entry
{
	char	   *name;
	int			name_length;
	int			memory;			/* which memory it is from */
	int			place;			/* among all entries, in order of appearance */
	bool		agreed;			/* first of its name, and the majority has it */
	JsonbValue	value;
} Entry;

typedef struct Entries
{
	Entry	   *items;
	int			count;
	int			capacity;
} Entries;

PG_FUNCTION_INFO_V1(rc_sql_merge_memory);
PG_FUNCTION_INFO_V1(rc_sql_merge_memory_step);
PG_FUNCTION_INFO_V1(rc_sql_merge_memory_final);

/* Begin with no memories. */
static Memories *
NewMemories(MemoryContext context)
{
	Memories   *memories = MemoryContextAllocZero(context, sizeof(Memories));

	memories->context = context;
	memories->capacity = 8;
	memories->items = MemoryContextAlloc(context, memories->capacity * sizeof(Jsonb *));
	return memories;
}

/* Add a copy of a memory, which must be an object. */
static void
AddMemory(Memories *memories, Datum memory)
{
	MemoryContext old_context = MemoryContextSwitchTo(memories->context);
	Jsonb	   *copy = DatumGetJsonbPCopy(memory);

	MemoryContextSwitchTo(old_context);
	if (rc_root_object(copy) == NULL)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("memory must be a JSON object"),
				 errdetail("One of the memories to merge is of type %s.", rc_document_type(copy))));
	if (memories->count == memories->capacity)
	{
		memories->capacity *= 2;
		memories->items = repalloc_huge(memories->items,
										(Size) memories->capacity * sizeof(Jsonb *));
	}
	memories->items[memories->count++] = copy;
}

/* Tell how many bytes are left without trailing spaces. */
static int
TrimmedLength(const char *text, int length)
{
	while (length > 0 && text[length - 1] == ' ')
		length--;
	return length;
}

/*
 * Tell how many bytes of an entry are its name: without the spaces and the
 * colour value ("#rgb", "#rrggbb", with or without alpha) at its end. An entry
 * that is nothing but a value is its own name.
 */
static int
NameLength(const char *text, int length)
{
	int			end = TrimmedLength(text, length);
	int			hash = end;
	int			digits;
	int			name_end;

	while (hash > 0 && isxdigit((unsigned char) text[hash - 1]))
		hash--;
	digits = end - hash;
	if (hash == 0 || text[hash - 1] != '#' ||
		(digits != 3 && digits != 4 && digits != 6 && digits != 8))
		return end;
	name_end = TrimmedLength(text, hash - 1);
	/* "C#bad" is a name: a value stands apart from it */
	if (name_end == 0 || name_end == hash - 1)
		return end;
	return name_end;
}

/* Find the name of an entry: folded text, or the JSON of what is not a text. */
static void
SetName(Entry *entry)
{
	const char *text = entry->value.val.string.val;
	int			length = entry->value.val.string.len;

	if (entry->value.type == jbvString)
	{
		while (length > 0 && *text == ' ')
		{
			text++;
			length--;
		}
		entry->name = str_tolower(text, NameLength(text, length), DEFAULT_COLLATION_OID);
	}
	else
	{
		Jsonb	   *document = JsonbValueToJsonb(&entry->value);

		/* no text contains the character that stands in front */
		entry->name = psprintf("\001%s", JsonbToCString(NULL, &document->root, VARSIZE(document)));
	}
	entry->name_length = (int) strlen(entry->name);
}

/* Add the entries of a memory's list. */
static void
AddEntries(Entries *entries, JsonbContainer *list, int memory)
{
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		Entry	   *entry;

		CHECK_FOR_INTERRUPTS();
		if (token != WJB_ELEM)
			continue;
		if (entries->count == entries->capacity)
		{
			entries->capacity = entries->capacity * 2 + 16;
			entries->items = entries->items == NULL ?
				palloc((Size) entries->capacity * sizeof(Entry)) :
				repalloc_huge(entries->items, (Size) entries->capacity * sizeof(Entry));
		}
		entry = &entries->items[entries->count];
		entry->memory = memory;
		entry->place = entries->count++;
		entry->agreed = false;
		entry->value = value;
		SetName(entry);
	}
}

/* Order entries by name, equal ones by appearance. */
static int
CompareByName(const void *a, const void *b)
{
	const Entry *x = a;
	const Entry *y = b;

	if (x->name_length != y->name_length)
		return x->name_length < y->name_length ? -1 : 1;
	if (memcmp(x->name, y->name, x->name_length) != 0)
		return memcmp(x->name, y->name, x->name_length);
	return x->place < y->place ? -1 : 1;
}

/* Order entries by appearance. */
static int
CompareByPlace(const void *a, const void *b)
{
	return ((const Entry *) a)->place < ((const Entry *) b)->place ? -1 : 1;
}

/* Mark the first entry of every name that more than half of the memories have. */
static int
MarkAgreed(Entries *entries, int memories)
{
	int			agreed = 0;
	int			first;
	int			next;

	for (first = 0; first < entries->count; first = next)
	{
		Entry	   *entry = &entries->items[first];
		int			owners = 1;

		for (next = first + 1; next < entries->count; next++)
		{
			Entry	   *other = &entries->items[next];

			if (other->name_length != entry->name_length ||
				memcmp(other->name, entry->name, entry->name_length) != 0)
				break;
			if (other->memory != other[-1].memory)
				owners++;
		}
		entry->agreed = (owners > memories / 2);
		agreed += entry->agreed;
	}
	return agreed;
}

/* Find a list of a memory: a member of it, or of the object under parent. */
static JsonbContainer *
FindList(Jsonb *memory, const char *parent, const char *key, JsonbValue *holder)
{
	JsonbContainer *object = &memory->root;

	if (parent != NULL)
	{
		if (!rc_get_member(object, parent, holder) || rc_nested_object(holder) == NULL)
			return NULL;
		object = rc_nested_object(holder);
	}
	if (!rc_get_member(object, key, holder))
		return NULL;
	return rc_nested_array(holder);
}

/* Push the list under key that the memories agree on; nothing where none has one. */
static void
PushList(RcJsonbBuilder *builder, Memories *memories, const char *parent, const char *key)
{
	Entries		entries = {0};
	JsonbValue	key_value;
	JsonbValue	last;
	bool		found = false;
	int			i;

	for (i = 0; i < memories->count; i++)
	{
		JsonbValue	list;

		if (FindList(memories->items[i], parent, key, &list) == NULL)
			continue;
		AddEntries(&entries, list.val.binary.data, i);
		last = list;
		found = true;
	}
	if (!found)
		return;

	rc_string_value(key, &key_value);
	rc_push(builder, WJB_KEY, &key_value);
	if (entries.count > 0)
		qsort(entries.items, entries.count, sizeof(Entry), CompareByName);
	if (MarkAgreed(&entries, memories->count) == 0)
	{
		rc_push(builder, WJB_VALUE, &last);
		return;
	}
	qsort(entries.items, entries.count, sizeof(Entry), CompareByPlace);
	rc_push(builder, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < entries.count; i++)
		if (entries.items[i].agreed)
			rc_push(builder, WJB_ELEM, &entries.items[i].value);
	rc_push(builder, WJB_END_ARRAY, NULL);
}

/* Find the last memory's object under the key. */
static JsonbContainer *
FindLastObject(Memories *memories, const char *key, JsonbValue *object)
{
	int			i;

	for (i = memories->count - 1; i >= 0; i--)
		if (rc_get_member(&memories->items[i]->root, key, object) && rc_nested_object(object) != NULL)
			return rc_nested_object(object);
	return NULL;
}

/* Push every member of an object. */
static void
PushMembers(RcJsonbBuilder *builder, JsonbContainer *object)
{
	RcMembers	members;

	for (rc_first_member(&members, object); members.valid; rc_next_member(&members))
	{
		rc_push(builder, WJB_KEY, &members.key);
		rc_push(builder, WJB_VALUE, &members.value);
	}
}

/* Tell whether a time is later than, or as late as, the one before it. */
static bool
IsLater(const JsonbValue *time, const JsonbValue *than)
{
	int64		time_value;
	int64		than_value;
	bool		is_time = rc_parse_iso_time(time->val.string.val, time->val.string.len, &time_value);
	bool		than_is_time = rc_parse_iso_time(than->val.string.val, than->val.string.len, &than_value);

	if (!is_time || !than_is_time)
		return is_time || !than_is_time;
	return time_value >= than_value;
}

/* Push the latest extractedAt; nothing where there is none. What is no time loses. */
static void
PushLatestTime(RcJsonbBuilder *builder, Memories *memories)
{
	JsonbValue	key;
	JsonbValue	latest = {.type = jbvNull};
	int			i;

	for (i = 0; i < memories->count; i++)
	{
		JsonbValue	time;

		if (!rc_get_member(&memories->items[i]->root, TIME_KEY, &time) || time.type != jbvString)
			continue;
		if (latest.type == jbvNull || IsLater(&time, &latest))
			latest = time;
	}
	if (latest.type == jbvNull)
		return;
	rc_string_value(TIME_KEY, &key);
	rc_push(builder, WJB_KEY, &key);
	rc_push(builder, WJB_VALUE, &latest);
}

/* Push the last style with the palette agreed on; nothing where there is none. */
static void
PushStyle(RcJsonbBuilder *builder, Memories *memories)
{
	JsonbValue	style;
	JsonbValue	key;

	if (FindLastObject(memories, STYLE_KEY, &style) == NULL)
		return;
	rc_string_value(STYLE_KEY, &key);
	rc_push(builder, WJB_KEY, &key);
	rc_push(builder, WJB_BEGIN_OBJECT, NULL);
	PushMembers(builder, style.val.binary.data);
	PushList(builder, memories, STYLE_KEY, STYLE_PALETTE_KEY);
	rc_push(builder, WJB_END_OBJECT, NULL);
}

/* Push the last geometry; nothing where there is none. */
static void
PushGeometry(RcJsonbBuilder *builder, Memories *memories)
{
	JsonbValue	geometry;
	JsonbValue	key;

	if (FindLastObject(memories, GEOMETRY_KEY, &geometry) == NULL)
		return;
	rc_string_value(GEOMETRY_KEY, &key);
	rc_push(builder, WJB_KEY, &key);
	rc_push(builder, WJB_VALUE, &geometry);
}

/*
 * Merge the memories. Of members pushed under one key the last one stays, so
 * all members go first and what is decided otherwise after them.
 */
static Datum
MergeMemories(Memories *memories)
{
	RcJsonbBuilder builder = {0};
	int			i;

	if (memories == NULL || memories->count == 0)
		return DirectFunctionCall1(jsonb_in, CStringGetDatum(DEFAULT_MEMORY));

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < memories->count; i++)
		PushMembers(&builder, &memories->items[i]->root);
	for (i = 0; i < (int) lengthof(list_keys); i++)
		PushList(&builder, memories, NULL, list_keys[i]);
	PushStyle(&builder, memories);
	PushGeometry(&builder, memories);
	PushLatestTime(&builder, memories);
	rc_push(&builder, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(rc_built(&builder));
}

/* SQL: merge_memory(VARIADIC memories jsonb[]) -> jsonb */
Datum
rc_sql_merge_memory(PG_FUNCTION_ARGS)
{
	Memories   *memories = NewMemories(CurrentMemoryContext);

	if (!PG_ARGISNULL(0))
	{
		Datum	   *items;
		bool	   *nulls;
		int			count;
		int			i;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), JSONBOID, -1, false, TYPALIGN_INT,
						  &items, &nulls, &count);
		for (i = 0; i < count; i++)
			if (!nulls[i])
				AddMemory(memories, items[i]);
	}
	PG_RETURN_DATUM(MergeMemories(memories));
}

/* SQL: transition function of the aggregate merge_memory(jsonb) */
Datum
rc_sql_merge_memory_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Memories   *memories = PG_ARGISNULL(0) ? NULL : (Memories *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "merge_memory_step called in non-aggregate context");
	if (PG_ARGISNULL(1))
	{
		if (memories == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(memories);
	}
	if (memories == NULL)
		memories = NewMemories(context);
	AddMemory(memories, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(memories);
}

/* SQL: final function of the aggregate merge_memory(jsonb) */
Datum
rc_sql_merge_memory_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(MergeMemories(PG_ARGISNULL(0) ? NULL : (Memories *) PG_GETARG_POINTER(0)));
}
