/*
 * request.c
 *	  Checking what a render is asked for by.
 *
 * The rule is here and not in SQL, where others are, because a session that has just
 * begun is often asked for one render and no more: what SQL would have to compile,
 * analyze and plan costs more than all the checking.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "query.h"
#include "renderchain.h"
#include "submit.h"

#define IMAGE_MEMBERS \
	"\"members\": {\"key\": {\"types\": [\"string\"], \"shortest\": 1}, \"path\": \"key\", \"url\": \"key\"," \
	" \"mime\": {\"types\": [\"string\", \"null\"]}, \"name\": \"mime\"," \
	" \"sha256\": {\"types\": [\"string\", \"null\"], \"bytes\": 64, \"shortest\": 64, \"pattern\": \"^[0-9a-f]*$\"}," \
	" \"bytes\": {\"types\": [\"number\", \"null\"]}}, \"one\": [\"key\", \"path\", \"url\"]"
#define IMAGE_IS \
	"with one of \\\"key\\\", \\\"path\\\" and \\\"url\\\", and \\\"mime\\\" and \\\"sha256\\\" (64 hexadecimal digits)"

/* What a request must look like; what a rule may say is told in 28_rules.sql. */
static const char rule_text[] =
"{\"types\": [\"object\"],"
" \"needed\": [\"prompt\"],"
" \"members\": {"
"  \"type\": {\"types\": [\"string\", \"null\"], \"values\": [\"image\", \"video\"],"
"   \"is\": \"\\\"image\\\" or \\\"video\\\"\"},"
"  \"prompt\": {\"types\": [\"string\"], \"blank\": false, \"longest\": 20000,"
"   \"is\": \"a text of 1 to 20000 characters\"},"
"  \"userId\": {\"types\": [\"string\", \"null\"], \"is\": \"a UUID\","
"   \"pattern\": \"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$\"},"
"  \"projectId\": \"userId\","
"  \"chainId\": \"userId\","
"  \"chainName\": {\"types\": [\"string\", \"null\"], \"blank\": false, \"longest\": 200,"
"   \"is\": \"a text of 1 to 200 characters\"},"
"  \"parentRenderId\": \"userId\","
"  \"referenceRenderId\": \"userId\","
"  \"quality\": {\"types\": [\"string\", \"null\"], \"values\": [\"standard\", \"high\", \"ultra\"],"
"   \"is\": \"\\\"standard\\\", \\\"high\\\" or \\\"ultra\\\"\"},"
"  \"aspectRatio\": {\"types\": [\"string\", \"null\"],"
"   \"values\": [\"1:1\", \"2:3\", \"3:2\", \"3:4\", \"4:3\", \"4:5\", \"5:4\", \"9:16\", \"16:9\", \"21:9\"],"
"   \"is\": \"\\\"1:1\\\", \\\"2:3\\\", \\\"3:2\\\", \\\"3:4\\\", \\\"4:3\\\", \\\"4:5\\\", \\\"5:4\\\", \\\"9:16\\\", \\\"16:9\\\" or \\\"21:9\\\"\"},"
"  \"references\": {\"types\": [\"array\", \"null\"], \"most\": 3,"
"   \"items\": {\"types\": [\"object\"], " IMAGE_MEMBERS "},"
"   \"is\": \"a list of up to 3 objects, each " IMAGE_IS " where they are known\"},"
"  \"style\": {\"types\": [\"string\", \"object\", \"null\"], \"shortest\": 1, " IMAGE_MEMBERS ","
"   \"is\": \"a text, or an object " IMAGE_IS "\"},"
"  \"mask\": \"style\","
"  \"maskType\": \"chainName\","
"  \"inpaintingPrompt\": {\"types\": [\"string\", \"null\"], \"blank\": false, \"longest\": 20000,"
"   \"is\": \"a text of 1 to 20000 characters\"},"
"  \"firstFrame\": \"style\","
"  \"lastFrame\": \"style\","
"  \"previousVideo\": \"style\","
"  \"durationSeconds\": {\"types\": [\"number\", \"null\"], \"values\": [\"4\", \"6\", \"8\"], \"is\": \"4, 6 or 8\"},"
"  \"toolContext\": {\"types\": [\"object\", \"null\"], \"needed\": [\"toolId\"],"
"   \"members\": {\"toolId\": {\"types\": [\"string\"], \"shortest\": 1}, \"toolName\": \"toolId\","
"    \"toolSettings\": {\"types\": [\"object\"]}},"
"   \"is\": \"an object with \\\"toolId\\\", and \\\"toolName\\\" (texts) and \\\"toolSettings\\\" (an object) where wanted\"},"
"  \"skipStages\": {\"types\": [\"object\", \"null\"],"
"   \"members\": {\"semanticParsing\": {\"types\": [\"boolean\"]}, \"imageUnderstanding\": \"semanticParsing\","
"    \"validation\": \"semanticParsing\", \"memoryExtraction\": \"semanticParsing\"},"
"   \"is\": \"an object with \\\"semanticParsing\\\", \\\"imageUnderstanding\\\", \\\"validation\\\" and \\\"memoryExtraction\\\", each true or false\"},"
"  \"forceModel\": {\"types\": [\"string\", \"null\"], \"blank\": false, \"longest\": 200,"
"   \"is\": \"the id of a model, a text of 1 to 200 characters\"},"
"  \"provider\": {\"types\": [\"string\", \"null\"], \"blank\": false, \"longest\": 200,"
"   \"is\": \"the name of a provider, a text of 1 to 200 characters\"},"
"  \"quick\": {\"types\": [\"boolean\", \"null\"], \"is\": \"true or false\"},"
"  \"recipe\": {\"types\": [\"object\", \"null\"], \"others\": {},"
"   \"is\": \"an object as renderchain.get_recipe() gives it\"},"
"  \"idempotencyKey\": \"chainName\","
"  \"priority\": {\"types\": [\"number\", \"null\"], \"pattern\": \"^-?([0-9]{1,2}|100)$\","
"   \"is\": \"a whole number from -100 to 100\"}"
" }}";

/* What a request leaves out that the render is to say. */
static const struct
{
	const char *key;
	const char *value;
}			defaults[] = {
	{"type", "image"},
	{"quality", "standard"},
	{"aspectRatio", "16:9"},
	{"userId", "00000000-0000-0000-0000-000000000000"},
};

/* Return the rule, read once a session. */
static Jsonb *
Rule(void)
{
	static Jsonb *rule;

	if (rule == NULL)
	{
		Datum		read = DirectFunctionCall1(jsonb_in, CStringGetDatum(rule_text));
		Jsonb	   *kept = MemoryContextAlloc(TopMemoryContext, VARSIZE(DatumGetPointer(read)));

		memcpy(kept, DatumGetPointer(read), VARSIZE(DatumGetPointer(read)));
		rule = kept;
	}
	return rule;
}

/* Tell whether a request has a member that is not null. */
static bool
Says(Jsonb *request, const char *key)
{
	JsonbValue	value;

	return rc_get_member(&request->root, key, &value) && value.type != jbvNull;
}

/* Return a request without its nulls, with what it leaves out. */
static Jsonb *
Completed(Jsonb *request)
{
	RcJsonbBuilder builder = {0};
	RcMembers	members;
	size_t		i;

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < lengthof(defaults); i++)
	{
		JsonbValue	key;
		JsonbValue	value;

		if (Says(request, defaults[i].key))
			continue;
		rc_string_value(defaults[i].key, &key);
		rc_string_value(defaults[i].value, &value);
		rc_push(&builder, WJB_KEY, &key);
		rc_push(&builder, WJB_VALUE, &value);
	}
	for (rc_first_member(&members, &request->root); members.valid; rc_next_member(&members))
	{
		if (members.value.type == jbvNull)
			continue;
		rc_push(&builder, WJB_KEY, &members.key);
		rc_push(&builder, WJB_VALUE, &members.value);
	}
	rc_push(&builder, WJB_END_OBJECT, NULL);
	return rc_built(&builder);
}

/* Refuse a request, NULL too; what is wrong with it is told in SQL. */
static void
Refuse(Jsonb *request)
{
	NullableDatum parameters[] = {
		{JsonbPGetDatum(request), request == NULL}, {JsonbPGetDatum(Rule()), false}
	};

	(void) rc_query_nullable(RC_RAISE_REQUEST, parameters, 0);
	elog(ERROR, "a wrong request was not refused");
}

/*
 * Check a request; returns it with what it leaves out, without its nulls. Between
 * rc_begin_queries() and rc_end_queries().
 */
Jsonb *
rc_checked_request(Jsonb *request)
{
	if (request == NULL || !rc_fits(request, Rule()) ||
		(Says(request, "chainId") && Says(request, "chainName")))
		Refuse(request);
	return Completed(request);
}
