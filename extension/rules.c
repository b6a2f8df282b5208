/*
 * rules.c
 *	  Judging JSON by rules, which are JSON themselves.
 *
 * The rules for requests, stage events, results and stored objects stand where
 * these are read, in the SQL functions; what a rule may say is told in
 * 28_rules.sql. Judging is done here because it is on the way of every render,
 * often in a session that has just begun, where an expression of SQL costs more
 * to prepare than to evaluate.
 *
 * The rules in use are ours, but whoever may submit may call these functions with
 * any rule: a part that is not as it should be is passed over.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_fits);
PG_FUNCTION_INFO_V1(rc_sql_misfit);

static bool Fits(JsonbValue *value, JsonbContainer *rule);

/* Return a part of a rule that is an object; NULL where there is none. */
static JsonbContainer *
ObjectPart(JsonbContainer *rule, const char *name)
{
	JsonbValue	part;

	return rc_get_member(rule, name, &part) ? rc_nested_object(&part) : NULL;
}

/* Return a part of a rule that is a list; NULL where there is none. */
static JsonbContainer *
ListPart(JsonbContainer *rule, const char *name)
{
	JsonbValue	part;

	return rc_get_member(rule, name, &part) ? rc_nested_array(&part) : NULL;
}

/* Return a part of a rule that is a number; -1 where there is none. */
static int
NumberPart(JsonbContainer *rule, const char *name)
{
	JsonbValue	part;

	if (!rc_get_member(rule, name, &part) || part.type != jbvNumeric)
		return -1;
	/* raises 22003 for one that no length has */
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(part.val.numeric)));
}

/* Tell whether a part of a rule that is a list, if there, has a string. */
static bool
PartHas(JsonbContainer *rule, const char *name, const char *string, int length)
{
	JsonbContainer *list = ListPart(rule, name);
	JsonbValue	wanted;

	if (list == NULL)
		return true;
	wanted.type = jbvString;
	wanted.val.string.val = unconstify(char *, string);
	wanted.val.string.len = length;
	return findJsonbValueFromContainer(list, JB_FARRAY, &wanted) != NULL;
}

/*
 * Look a key up that a list of a rule names; false where the list has something
 * other than a string there.
 */
static bool
ListedKey(JsonbContainer *list, uint32 place, JsonbValue *key)
{
	JsonbValue *found = getIthJsonbValueFromContainer(list, place);

	if (found == NULL || found->type != jbvString)
		return false;
	*key = *found;
	return true;
}

/* Tell whether an object has a member of that key. */
static bool
HasMember(JsonbContainer *object, const JsonbValue *key)
{
	JsonbValue	found;

	return getKeyJsonValueFromContainer(object, key->val.string.val, key->val.string.len, &found) != NULL;
}

/* Tell whether a text is nothing but white space. */
static bool
IsBlank(const char *text, int length)
{
	int			i;

	for (i = 0; i < length && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0'; i++)
		;
	return i == length;
}

/* Judge the text of a string, number or boolean. */
static bool
TextFits(const char *text, int length, JsonbContainer *rule)
{
	JsonbValue	part;
	int			longest = NumberPart(rule, "longest");
	int			most_bytes = NumberPart(rule, "bytes");

	if (!PartHas(rule, "values", text, length) ||
		length < NumberPart(rule, "shortest") ||
		(most_bytes >= 0 && length > most_bytes) ||
		(longest >= 0 && pg_mbstrlen_with_len(text, length) > longest) ||
		(rc_get_member(rule, "blank", &part) && IsBlank(text, length)))
		return false;
	if (rc_get_member(rule, "time", &part) && !rc_is_time(text, length, false))
		return false;
	return !rc_get_member(rule, "pattern", &part) || part.type != jbvString ||
		RE_compile_and_execute(cstring_to_text_with_len(part.val.string.val, part.val.string.len),
							   unconstify(char *, text), length, REG_ADVANCED | REG_NOSUB,
							   C_COLLATION_OID, 0, NULL);
}

/* Return the rule for a member; NULL where the member is not allowed. */
static JsonbContainer *
RuleFor(const JsonbValue *key, JsonbContainer *rules)
{
	JsonbContainer *members = ObjectPart(rules, "members");
	JsonbValue	rule;
	JsonbValue	same;

	if (members == NULL ||
		getKeyJsonValueFromContainer(members, key->val.string.val, key->val.string.len, &rule) == NULL)
		return ObjectPart(rules, "others");
	/* a string names another member with the same rule */
	if (rule.type == jbvString &&
		getKeyJsonValueFromContainer(members, rule.val.string.val, rule.val.string.len, &same) != NULL)
		return rc_nested_object(&same);
	return rc_nested_object(&rule);
}

/*
 * Return the key of the first member that is not allowed, else of the first that
 * does not fit, else the first that is missing; NULL where all is well.
 */
static const char *
Misfit(JsonbContainer *object, JsonbContainer *rules)
{
	JsonbContainer *needed = ListPart(rules, "needed");
	RcMembers	members;
	const char *unfit = NULL;
	JsonbValue	key;
	uint32		i;

	for (rc_first_member(&members, object); members.valid; rc_next_member(&members))
	{
		JsonbContainer *rule = RuleFor(&members.key, rules);

		CHECK_FOR_INTERRUPTS();
		if (rule == NULL)
			return pnstrdup(members.key.val.string.val, members.key.val.string.len);
		if (unfit == NULL && !Fits(&members.value, rule))
			unfit = pnstrdup(members.key.val.string.val, members.key.val.string.len);
	}
	for (i = 0; unfit == NULL && needed != NULL && i < JsonContainerSize(needed); i++)
	{
		if (ListedKey(needed, i, &key) && !HasMember(object, &key))
			unfit = pnstrdup(key.val.string.val, key.val.string.len);
	}
	return unfit;
}

/* Tell whether an object has exactly one of the members that a rule lists, if it does. */
static bool
HasOne(JsonbContainer *object, JsonbContainer *rule)
{
	JsonbContainer *keys = ListPart(rule, "one");
	JsonbValue	key;
	uint32		count = 0;
	uint32		i;

	if (keys == NULL)
		return true;
	for (i = 0; i < JsonContainerSize(keys); i++)
	{
		if (ListedKey(keys, i, &key) && HasMember(object, &key))
			count++;
	}
	return count == 1;
}

/* Judge a list and every value in it. */
static bool
ListFits(JsonbContainer *list, JsonbContainer *rule)
{
	JsonbContainer *items = ObjectPart(rule, "items");
	int			most = NumberPart(rule, "most");
	uint32		i;

	if (most >= 0 && JsonContainerSize(list) > (uint32) most)
		return false;
	for (i = 0; items != NULL && i < JsonContainerSize(list); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!Fits(getIthJsonbValueFromContainer(list, i), items))
			return false;
	}
	return true;
}

/* Judge a value by a rule. */
static bool
Fits(JsonbValue *value, JsonbContainer *rule)
{
	JsonbContainer *object = rc_nested_object(value);
	JsonbContainer *list = rc_nested_array(value);
	const char *type = JsonbTypeName(value);
	const char *number;

	check_stack_depth();
	if (!PartHas(rule, "types", type, (int) strlen(type)))
		return false;
	if (object != NULL)
		return ObjectPart(rule, "members") == NULL ||
			(Misfit(object, rule) == NULL && HasOne(object, rule));
	if (list != NULL)
		return ListFits(list, rule);
	switch (value->type)
	{
		case jbvString:
			return TextFits(value->val.string.val, value->val.string.len, rule);
		case jbvNumeric:
			number = DatumGetCString(DirectFunctionCall1(numeric_out,
														  NumericGetDatum(value->val.numeric)));
			return TextFits(number, (int) strlen(number), rule);
		default:
			return true;
	}
}

/* Return the rule that a document is; one that is not an object has no parts. */
static JsonbContainer *
RootRule(Jsonb *document)
{
	static JsonbContainer none = {.header = JB_FOBJECT};
	JsonbContainer *rule = rc_root_object(document);

	return rule != NULL ? rule : &none;
}

/* Tell whether a document is as a rule wants it. */
bool
rc_fits(Jsonb *document, Jsonb *rule)
{
	JsonbValue	value;

	rc_wrap_document(document, &value);
	return Fits(&value, RootRule(rule));
}

/* SQL: _fits(value jsonb, rule jsonb) -> boolean; false where either is SQL's NULL */
Datum
rc_sql_fits(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && !PG_ARGISNULL(1) &&
				   rc_fits(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)));
}

/*
 * SQL: _misfit(object jsonb, rule jsonb) -> text
 *
 * The key of the member to complain of; NULL where it is none of them.
 */
Datum
rc_sql_misfit(PG_FUNCTION_ARGS)
{
	JsonbContainer *object = rc_root_object(PG_GETARG_JSONB_P(0));
	const char *key = object == NULL ? NULL : Misfit(object, RootRule(PG_GETARG_JSONB_P(1)));

	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}
