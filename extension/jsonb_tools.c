/*
 * jsonb_tools.c
 *	  Reading and rebuilding jsonb objects member by member.
 */
#include "compat.h"

#include "jsonb_tools.h"

/*
 * Read the value that an entry stands for, whose bytes are from begin, gap
 * included, to end. Containers come whole, as jbvBinary. See fillJsonbValue() in
 * src/backend/utils/adt/jsonb_util.c.
 */
static void
ReadEntry(JEntry entry, const char *bytes, uint32 begin, uint32 end, JsonbValue *value)
{
	if (JBE_ISSTRING(entry))
	{
		value->type = jbvString;
		value->val.string.val = unconstify(char *, bytes + begin);
		value->val.string.len = (int) (end - begin);
	}
	else if (JBE_ISNUMERIC(entry))
	{
		value->type = jbvNumeric;
		value->val.numeric = (Numeric) unconstify(char *, bytes + INTALIGN(begin));
	}
	else if (JBE_ISCONTAINER(entry))
	{
		value->type = jbvBinary;
		value->val.binary.data = (JsonbContainer *) unconstify(char *, bytes + INTALIGN(begin));
		value->val.binary.len = (int) (end - INTALIGN(begin));
	}
	else if (JBE_ISNULL(entry))
		value->type = jbvNull;
	else
	{
		value->type = jbvBool;
		value->val.boolean = JBE_ISBOOL_TRUE(entry);
	}
}

/* Say where the bytes of an entry end that begin there. */
static inline uint32
EntryEnd(JEntry entry, uint32 begin)
{
	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : begin + JBE_OFFLENFLD(entry);
}

/* Read the key of the member at an index. */
static inline void
ReadKey(const RcMembers *members, uint32 index, JsonbValue *key)
{
	const JsonbContainer *object = members->object;
	uint32		begin = getJsonbOffset(object, (int) index);

	ReadEntry(object->children[index], (const char *) &object->children[members->count * 2],
			  begin, EntryEnd(object->children[index], begin), key);
}

/* Read the member at members->index, which exists. */
static inline void
ReadMember(RcMembers *members)
{
	const JsonbContainer *object = members->object;
	const char *bytes = (const char *) &object->children[members->count * 2];
	JEntry		key = object->children[members->index];
	JEntry		value = object->children[members->count + members->index];

	members->key_end = EntryEnd(key, members->key_begin);
	members->value_end = EntryEnd(value, members->value_begin);
	ReadEntry(key, bytes, members->key_begin, members->key_end, &members->key);
	ReadEntry(value, bytes, members->value_begin, members->value_end, &members->value);
}

/* Move to the next member; members->valid says whether there is one. */
void
rc_next_member(RcMembers *members)
{
	if (!members->valid)
		return;
	members->valid = (++members->index < members->count);
	if (!members->valid)
		return;
	members->key_begin = members->key_end;
	members->value_begin = members->value_end;
	ReadMember(members);
}

/* Move to the first member of an object; NULL stands for an absent object. */
void
rc_first_member(RcMembers *members, const JsonbContainer *object)
{
	members->object = object;
	members->index = 0;
	members->count = object == NULL ? 0 : JsonContainerSize(object);
	members->valid = (members->count > 0);
	if (!members->valid)
		return;
	members->key_begin = 0;
	members->value_begin = getJsonbOffset(object, (int) members->count);
	ReadMember(members);
}

/*
 * Move forward to the first member whose key is not lower than a key. Steps
 * double until they have passed it, then the last step is searched by halves, so
 * that few members are looked at where the keys that are looked for are few, and
 * none twice where they are many.
 */
void
rc_seek_member(RcMembers *members, const JsonbValue *key)
{
	uint32		low = members->index;	/* lower than the key */
	uint32		high;			/* not lower, or past the end */
	uint32		step = 1;
	JsonbValue	found;

	if (!members->valid || rc_compare_keys(&members->key, key) >= 0)
		return;
	for (high = low + 1; high < members->count; high = Min(members->count, low + step))
	{
		ReadKey(members, high, &found);
		if (rc_compare_keys(&found, key) >= 0)
			break;
		low = high;
		step *= 2;
	}
	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		ReadKey(members, middle, &found);
		if (rc_compare_keys(&found, key) < 0)
			low = middle;
		else
			high = middle;
	}
	members->index = high;
	members->valid = (high < members->count);
	if (!members->valid)
		return;
	members->key_begin = getJsonbOffset(members->object, (int) high);
	members->value_begin = getJsonbOffset(members->object, (int) (members->count + high));
	ReadMember(members);
}

/*
 * Compare two keys in the order of jsonb's members (lengthCompareJsonbString in
 * src/backend/utils/adt/jsonb_util.c).
 */
int
rc_compare_keys(const JsonbValue *a, const JsonbValue *b)
{
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

/*
 * Say which walk has the lower current key, for merging two walks: less than 0
 * for a, greater for b, 0 for both. A finished walk has the highest key.
 */
int
rc_compare_members(const RcMembers *a, const RcMembers *b)
{
	if (!a->valid || !b->valid)
		return a->valid ? -1 : 1;
	return rc_compare_keys(&a->key, &b->key);
}

/* Return the document as an object; NULL where it is none, or NULL itself. */
JsonbContainer *
rc_root_object(Jsonb *document)
{
	return document != NULL && JB_ROOT_IS_OBJECT(document) ? &document->root : NULL;
}

/* Return a value as an object; NULL where it is none, or NULL itself. */
JsonbContainer *
rc_nested_object(const JsonbValue *value)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		return NULL;
	return value->val.binary.data;
}

/* Return a value as an array; NULL where it is none, or NULL itself. */
JsonbContainer *
rc_nested_array(const JsonbValue *value)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		return NULL;
	return value->val.binary.data;
}

/* Find a member by its key; false where there is none. */
bool
rc_get_member(JsonbContainer *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object, key, (int) strlen(key), value) != NULL;
}

/* Make a value of a document, for pushing. The document must live on. */
void
rc_wrap_document(Jsonb *document, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(document))
		(void) JsonbExtractScalar(&document->root, value);
	else
	{
		value->type = jbvBinary;
		value->val.binary.data = &document->root;
		value->val.binary.len = VARSIZE(document) - VARHDRSZ;
	}
}

/* Make a string value of a C string. The string must live on. */
void
rc_string_value(const char *string, JsonbValue *value)
{
	value->type = jbvString;
	value->val.string.len = (int) strlen(string);
	value->val.string.val = unconstify(char *, string);
}

/* Return {}. */
Jsonb *
rc_empty_object(void)
{
	RcJsonbBuilder builder = {0};

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	rc_push(&builder, WJB_END_OBJECT, NULL);
	return rc_built(&builder);
}

/* Tell whether two values are equal in the sense of jsonb's = operator. */
bool
rc_values_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvString:
			return rc_compare_keys(a, b) == 0;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq,
													NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvBinary:
			return compareJsonbContainers(a->val.binary.data, b->val.binary.data) == 0;
		default:
			elog(ERROR, "unexpected jsonb value type: %d", (int) a->type);
			return false;
	}
}

/*
 * Tell whether two documents are stored alike. Stricter than equality, for
 * which 1 and 1.0 are the same.
 */
bool
rc_same_bytes(const Jsonb *a, const Jsonb *b)
{
	return VARSIZE(a) == VARSIZE(b) &&
		memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0;
}

/* Name the type of a document as jsonb_typeof() does. */
const char *
rc_document_type(Jsonb *document)
{
	JsonbValue	value;

	if (JB_ROOT_IS_OBJECT(document))
		return "object";
	if (!JB_ROOT_IS_SCALAR(document))
		return "array";
	(void) JsonbExtractScalar(&document->root, &value);
	return JsonbTypeName(&value);
}

/* Append a reference token of a JSON pointer (RFC 6901, section 3). */
void
rc_append_pointer(StringInfo pointer, const JsonbValue *key)
{
	int			i;

	appendStringInfoChar(pointer, '/');
	for (i = 0; i < key->val.string.len; i++)
	{
		char		c = key->val.string.val[i];

		if (c == '~')
			appendStringInfoString(pointer, "~0");
		else if (c == '/')
			appendStringInfoString(pointer, "~1");
		else
			appendStringInfoChar(pointer, c);
	}
}

/* An object that is being looked through, and those that it is in. */
typedef struct Level
{
	struct Level *parent;
	RcMembers	members;
	int			pointer_length; /* of the object's own JSON pointer */
} Level;

/* Begin to look through an object. */
static Level *
EnterObject(Level *parent, const JsonbContainer *object, int pointer_length)
{
	Level	   *level = palloc(sizeof(Level));

	level->parent = parent;
	level->pointer_length = pointer_length;
	rc_first_member(&level->members, object);
	return level;
}

/*
 * Find a member that is null, in the object or in objects that are members of
 * it (arrays are values for a merge patch and not looked into). Append its JSON
 * pointer.
 */
bool
rc_find_null_member(const JsonbContainer *object, StringInfo pointer)
{
	Level	   *level = EnterObject(NULL, object, pointer->len);

	while (level != NULL)
	{
		JsonbValue *value = &level->members.value;

		CHECK_FOR_INTERRUPTS();
		pointer->len = level->pointer_length;
		pointer->data[pointer->len] = '\0';
		if (!level->members.valid)
		{
			Level	   *done = level;

			level = level->parent;
			pfree(done);
			continue;
		}
		if (value->type != jbvNull && rc_nested_object(value) == NULL)
		{
			rc_next_member(&level->members);
			continue;
		}
		rc_append_pointer(pointer, &level->members.key);
		if (value->type == jbvNull)
			return true;
		object = rc_nested_object(value);
		rc_next_member(&level->members);
		level = EnterObject(level, object, pointer->len);
	}
	return false;
}
