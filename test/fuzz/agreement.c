/*
 * agreement.c
 *	  What several memories agree on: the oracle of merge_memory(), and memories
 *	  for it that agree on something.
 *
 * The rules are those of the function's comment in sql/20_memory.sql.
 */
#include "server.h"

#include "fuzz.h"

#define HEXADECIMAL "0123456789abcdefABCDEF"

/* Times by which memories are told apart; equal ranks are the same instant. */
static const struct
{
	const char *text;
	int			rank;			/* 0: no time */
}			times[] = {
	{"2024-05-01T10:00:00Z", 2},
	{"2024-05-01T12:00:00+02:00", 2},
	{"2024-05-01T09:59:59.999Z", 1},
	{"2024-05-01T23:00:00-11:00", 4},
	{"2024-05-01T10:00:00.000001Z", 3},
	{"2025-01-01T00:00:00Z", 5},
	{"yesterday", 0},
	{"", 0},
	{"2025-13-01T00:00:00Z", 0},
};

/* Where a list stands in a memory. */
typedef struct Place
{
	const char *parent;
	const char *key;
} Place;

/* An entry of a list: what it is, and by what it is compared. */
typedef struct Entry
{
	Tree	   *value;
	char	   *name;
	int			memory;
} Entry;

/* Return a text in lower case, as the database's collation has it. */
static char *
Lower(const char *string, int length)
{
	Datum		folded = DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID,
												 PointerGetDatum(cstring_to_text_with_len(string, length)));

	return TextDatumGetCString(folded);
}

/* Return the part of a string before a colour value that stands apart from it, if there is one. */
static int
WithoutColour(const char *text, int length)
{
	static const int digits[] = {3, 4, 6, 8};
	int			i;

	for (i = 0; i < (int) lengthof(digits); i++)
	{
		const char *hash = text + length - digits[i] - 1;

		if (length < digits[i] + 3 || hash[0] != '#' || hash[-1] != ' ' ||
			strspn(hash + 1, HEXADECIMAL) < (size_t) digits[i])
			continue;
		for (length -= digits[i] + 1; length > 0 && text[length - 1] == ' '; length--)
			;
		return length;
	}
	return length;
}

/* Return the name of an entry: of no string it is its JSON as core prints it, marked. */
static char *
NameOf(const Tree *entry)
{
	const char *text = entry->text;
	int			length = entry->length;

	if (entry->kind != TREE_STRING)
	{
		Jsonb	   *json = fuzz_jsonb(entry);

		return psprintf("json %s", JsonbToCString(NULL, &json->root, VARSIZE(json)));
	}
	for (; length > 0 && text[length - 1] == ' '; length--)
		;
	for (; length > 0 && *text == ' '; length--)
		text++;
	return psprintf("text %s", Lower(text, WithoutColour(text, length)));
}

/* Return the list at a place in a memory; NULL where there is no array. */
static Tree *
ListAt(const Tree *memory, Place place)
{
	Tree	   *list = fuzz_get(place.parent == NULL ? memory : fuzz_get(memory, place.parent), place.key);

	return fuzz_is(list, TREE_ARRAY) ? list : NULL;
}

/* Tell whether more than half of the memories have an entry of this name. */
static bool
MostHave(const Entry *entries, int count, const char *name, int memories)
{
	int			owners = 0;
	int			last = -1;
	int			i;

	for (i = 0; i < count; i++)
		if (entries[i].memory != last && strcmp(entries[i].name, name) == 0)
		{
			owners++;
			last = entries[i].memory;
		}
	return owners * 2 > memories;
}

/* Return the entries at a place that most memories have, or the last list; NULL without any. */
static Tree *
AgreedList(Tree *const *memories, int count, Place place)
{
	Tree	   *result = fuzz_tree(TREE_ARRAY);
	Tree	   *last = NULL;
	Entry	   *entries;
	int			entry_count = 0;
	int			i;
	int			j;

	for (i = 0; i < count; i++)
		if (ListAt(memories[i], place) != NULL)
		{
			last = ListAt(memories[i], place);
			entry_count += last->count;
		}
	entries = palloc((entry_count + 1) * sizeof(Entry));
	entry_count = 0;
	for (i = 0; i < count; i++)
	{
		Tree	   *list = ListAt(memories[i], place);

		for (j = 0; list != NULL && j < list->count; j++)
			entries[entry_count++] = (Entry) {list->members[j].value, NameOf(list->members[j].value), i};
	}
	for (i = 0; i < entry_count; i++)
	{
		for (j = 0; j < i && strcmp(entries[j].name, entries[i].name) != 0; j++)
			;
		if (j == i && MostHave(entries, entry_count, entries[i].name, count))
			fuzz_add(result, NULL, 0, entries[i].value);
	}
	return result->count > 0 ? result : last;
}

/* Return the last object under a key; NULL where there is none. */
static Tree *
LastObject(Tree *const *memories, int count, const char *key)
{
	while (count-- > 0)
		if (fuzz_is(fuzz_get(memories[count], key), TREE_OBJECT))
			return fuzz_get(memories[count], key);
	return NULL;
}

/* Return the rank of a time among those above; 0 for what is none. */
static int
RankOf(const Tree *time)
{
	int			i;

	for (i = 0; i < (int) lengthof(times); i++)
		if (strcmp(time->text, times[i].text) == 0)
			return times[i].rank;
	return 0;
}

/* Return the latest time, of equal ones the last; NULL where no memory has a string. */
static Tree *
LatestTime(Tree *const *memories, int count)
{
	Tree	   *latest = NULL;
	int			i;

	for (i = 0; i < count; i++)
	{
		Tree	   *time = fuzz_get(memories[i], "extractedAt");

		if (fuzz_is(time, TREE_STRING) && (latest == NULL || RankOf(time) >= RankOf(latest)))
			latest = time;
	}
	return latest;
}

/* Set a member, unless there is nothing to set it to. */
static void
SetUnlessNull(Tree *object, const char *key, Tree *value)
{
	if (value != NULL)
		fuzz_add(object, key, (int) strlen(key), value);
}

/* Return what memories, at least one and all objects, agree on. */
Tree *
fuzz_oracle_memory(Tree *const *memories, int count)
{
	Tree	   *result = fuzz_tree(TREE_OBJECT);
	Tree	   *style = LastObject(memories, count, "styleCodes");
	int			i;
	int			j;

	for (i = 0; i < count; i++)
		for (j = 0; j < memories[i]->count; j++)
			fuzz_add(result, memories[i]->members[j].key, memories[i]->members[j].key_length,
					 memories[i]->members[j].value);
	SetUnlessNull(result, "palette", AgreedList(memories, count, (Place) {NULL, "palette"}));
	SetUnlessNull(result, "materials", AgreedList(memories, count, (Place) {NULL, "materials"}));
	if (style != NULL)
	{
		style = fuzz_shallow_copy(style);
		SetUnlessNull(style, "colorPalette", AgreedList(memories, count, (Place) {"styleCodes", "colorPalette"}));
		SetUnlessNull(result, "styleCodes", style);
	}
	SetUnlessNull(result, "geometry", LastObject(memories, count, "geometry"));
	SetUnlessNull(result, "extractedAt", LatestTime(memories, count));
	return result;
}

/* Make a list of entries of which many have the same name; now and then anything. */
static Tree *
RandomList(Random *random, Shape *shape)
{
	static const char *const names[] = {
		"navy", "Navy", " navy", "cream", "CREAM  ", "oak", "deep navy", "#123456", "", "Été", "C#bad", "#fff",
	};
	static const char *const colours[] = {
		"", "", "", " #1f2a44", " #fff", "  #0000", " #12345678", " #12", "#123456", " #12345g", " #FFF ", "\t#fff",
		" #12345",
	};
	Tree	   *list = fuzz_tree(TREE_ARRAY);
	int			count = fuzz_chance(random, 3) ? fuzz_below(random, 70) : fuzz_below(random, 5);

	if (fuzz_chance(random, 4))
		return fuzz_document(random, shape);
	while (count-- > 0)
	{
		const char *name = names[fuzz_below(random, lengthof(names))];
		char	   *text = psprintf("%s%s", name, colours[fuzz_below(random, lengthof(colours))]);

		fuzz_add(list, NULL, 0, fuzz_chance(random, 8) ? fuzz_document(random, shape) :
				 fuzz_chance(random, 8) ? fuzz_random_number(random) :
				 fuzz_text_tree(TREE_STRING, text, (int) strlen(text)));
	}
	return list;
}

/* Make a memory; now and then something else. */
Tree *
fuzz_random_memory(Random *random)
{
	Shape		shape = fuzz_small_shape(random);
	Tree	   *memory;
	Tree	   *style;
	const char *time = times[fuzz_below(random, lengthof(times))].text;

	if (fuzz_chance(random, 1))
		return fuzz_document(random, &shape);
	memory = fuzz_object(random, &shape);
	if (fuzz_chance(random, 80))
		fuzz_add(memory, "palette", 7, RandomList(random, &shape));
	if (fuzz_chance(random, 60))
		fuzz_add(memory, "materials", 9, RandomList(random, &shape));
	if (fuzz_chance(random, 50))
		fuzz_add(memory, "extractedAt", 11, fuzz_chance(random, 10) ? fuzz_document(random, &shape) :
				 fuzz_text_tree(TREE_STRING, time, (int) strlen(time)));
	if (fuzz_chance(random, 40))
		fuzz_add(memory, "geometry", 8, fuzz_document(random, &shape));
	if (fuzz_chance(random, 50))
	{
		style = fuzz_document(random, &shape);
		if (style->kind == TREE_OBJECT && fuzz_chance(random, 70))
			fuzz_add(style, "colorPalette", 12, RandomList(random, &shape));
		fuzz_add(memory, "styleCodes", 10, style);
	}
	return memory;
}
