/*
 * jsonb_tools.c
 *	  Reading and rebuilding jsonb objects member by member.
 */
#include "compat.h"

#include "jsonb_tools.h"

/* Move to the next member; members->valid says whether there is one. */
void
rc_next_member(RcMembers *members)
{
	if (!members->valid)
		return;
	members->valid = (JsonbIteratorNext(&members->iterator, &members->key, true) == WJB_KEY);
	if (members->valid)
		(void) JsonbIteratorNext(&members->iterator, &members->value, true);
}

/* Move to the first member of an object; NULL stands for an absent object. */
void
rc_first_member(RcMembers *members, JsonbContainer *object)
{
	members->valid = (object != NULL);
	if (object == NULL)
		return;
	members->iterator = JsonbIteratorInit(object);
	(void) JsonbIteratorNext(&members->iterator, &members->key, true);
	rc_next_member(members);
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

/*
 * Return the object (NULL stands for {}) with one member set, all others as
 * they are.
 */
Jsonb *
rc_set_member(JsonbContainer *object, const char *key, Jsonb *value)
{
	RcJsonbBuilder builder = {0};
	RcMembers	members;
	JsonbValue	new_key;
	JsonbValue	new_value;

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	for (rc_first_member(&members, object); members.valid; rc_next_member(&members))
	{
		rc_push(&builder, WJB_KEY, &members.key);
		rc_push(&builder, WJB_VALUE, &members.value);
	}
	/* Of two members with one key the one that was pushed last stays. */
	rc_string_value(key, &new_key);
	rc_wrap_document(value, &new_value);
	rc_push(&builder, WJB_KEY, &new_key);
	rc_push(&builder, WJB_VALUE, &new_value);
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

/*
 * Find a member that is null, in the object or in objects that are members of
 * it (arrays are values for a merge patch and not looked into). Append its JSON
 * pointer.
 */
bool
rc_find_null_member(JsonbContainer *object, StringInfo pointer)
{
	RcMembers	members;
	int			length = pointer->len;

	check_stack_depth();
	for (rc_first_member(&members, object); members.valid; rc_next_member(&members))
	{
		JsonbContainer *nested = rc_nested_object(&members.value);

		CHECK_FOR_INTERRUPTS();
		if (members.value.type != jbvNull && nested == NULL)
			continue;
		rc_append_pointer(pointer, &members.key);
		if (members.value.type == jbvNull || rc_find_null_member(nested, pointer))
			return true;
		pointer->len = length;
		pointer->data[length] = '\0';
	}
	return false;
}
