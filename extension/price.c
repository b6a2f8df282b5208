/*
 * price.c
 *	  What a render costs in credits.
 *
 * A model of the registry has a price for any render ("credits"), or one that
 * depends ("creditsBy"): on the size of the image, on the quality that is asked
 * for, or on the seconds of a video. Before a render is made the size and length
 * that it may have at most count, afterwards what the result says.
 *
 * In C because it is on the way of every render, often in a session that has
 * just begun.
 */
#include "compat.h"

#include <math.h>

#include "jsonb_tools.h"
#include "query.h"
#include "renderchain.h"
#include "submit.h"

PG_FUNCTION_INFO_V1(rc_sql_credits);
PG_FUNCTION_INFO_V1(rc_sql_price);

/* The length of a video whose request does not say it */
#define LONGEST_VIDEO	8

/* Sizes of images, the largest first, with the quality from which on they are drawn: driver/routing.c */
static const struct
{
	const char *size;
	const char *quality;
}			sizes[] = {{"4K", "ultra"}, {"2K", "high"}, {"1K", "standard"}};

/* Return the object that a document is; NULL for none. */
static JsonbContainer *
RootObject(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : rc_root_object(PG_GETARG_JSONB_P(argument));
}

/* Look a number from 0 up in an object, which may be NULL. */
static bool
GetNumber(JsonbContainer *object, const char *key, double *number)
{
	JsonbValue	value;

	if (object == NULL || !rc_get_member(object, key, &value) || value.type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(value.val.numeric)));
	return *number >= 0 && !isinf(*number);
}

/* Look a text up in an object, which may be NULL; NULL where there is none. */
static char *
GetText(JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	if (object == NULL || !rc_get_member(object, key, &value) || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* Return the largest size that a model has of those that a quality is worth; NULL where it has none. */
static const char *
SizeFor(JsonbContainer *model, const char *quality)
{
	JsonbValue	list;
	JsonbValue	wanted;
	bool		worth = false;
	size_t		i;

	if (!rc_get_member(model, "sizes", &list) || rc_nested_array(&list) == NULL)
		return NULL;
	for (i = 0; i < lengthof(sizes); i++)
	{
		worth = worth || i == lengthof(sizes) - 1 ||
			(quality != NULL && strcmp(quality, sizes[i].quality) == 0);
		rc_string_value(sizes[i].size, &wanted);
		if (worth && findJsonbValueFromContainer(rc_nested_array(&list), JB_FARRAY, &wanted) != NULL)
			return sizes[i].size;
	}
	return NULL;
}

/* Look the price up that depends on what is asked for or was made; false where there is none. */
static bool
GetDependent(JsonbContainer *model, JsonbContainer *request, JsonbContainer *result, double *credits)
{
	JsonbValue	value;
	JsonbContainer *by;
	JsonbValue	tiers;
	const char *key = GetText(request, "quality");
	double		seconds;

	if (model == NULL || !rc_get_member(model, "creditsBy", &value) ||
		(by = rc_nested_object(&value)) == NULL)
		return false;
	if (GetNumber(by, "second", credits))
	{
		if (!GetNumber(result, "seconds", &seconds) && !GetNumber(request, "durationSeconds", &seconds))
			seconds = LONGEST_VIDEO;
		*credits = ceil(*credits * seconds);
		return true;
	}
	if (rc_get_member(by, "size", &tiers))
	{
		const char *size = GetText(result, "size");

		key = size != NULL ? size : SizeFor(model, key);
	}
	else if (!rc_get_member(by, "quality", &tiers))
		return false;
	return key != NULL && GetNumber(rc_nested_object(&tiers), key, credits);
}

/*
 * Tell what a render costs that a model makes: as its definition says, else the
 * credits for any render; NULL where neither is known.
 */
static NullableDatum
Credits(JsonbContainer *model, NullableDatum any, JsonbContainer *request, JsonbContainer *result)
{
	double		credits;

	if (!GetDependent(model, request, result, &credits))
		return any;
	if (credits > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a render of %.0f credits is too dear", credits),
				 errdetail("A render costs at most %d credits.", PG_INT32_MAX)));
	return (NullableDatum) {Int32GetDatum((int32) credits), false};
}

/* SQL: _credits(model jsonb, credits integer, request jsonb, result jsonb) -> integer */
Datum
rc_sql_credits(PG_FUNCTION_ARGS)
{
	NullableDatum any = {PG_GETARG_DATUM(1), PG_ARGISNULL(1)};
	NullableDatum credits = Credits(RootObject(fcinfo, 0), any, RootObject(fcinfo, 2), RootObject(fcinfo, 3));

	if (credits.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(credits.value);
}

/* Return a member of an object as a document; NULL where there is none. */
static Jsonb *
Member(Jsonb *object, const char *key)
{
	JsonbValue	value;

	/* a definition may be any JSON in a table of an application's own */
	if (rc_root_object(object) == NULL || !rc_get_member(&object->root, key, &value))
		return NULL;
	return JsonbValueToJsonb(&value);
}

/* Tell whether a column of a model is as a request asks; where it does not ask, any is. */
static bool
ColumnFits(uint64 row, int column, Jsonb *request, const char *key)
{
	char	   *wanted = GetText(&request->root, key);
	bool		isnull;
	Datum		value = rc_result(row, column, TEXTOID, &isnull);

	return wanted == NULL || isnull || strcmp(TextDatumGetCString(value), wanted) == 0;
}

/* Tell whether a list of a definition, if there, has what a request asks for. */
static bool
ListFits(Jsonb *definition, const char *list, Jsonb *request, const char *key)
{
	char	   *wanted = GetText(&request->root, key);
	Jsonb	   *known = Member(definition, list);

	return wanted == NULL || known == NULL ||
		DatumGetBool(DirectFunctionCall2(jsonb_exists, JsonbPGetDatum(known),
										 PointerGetDatum(cstring_to_text(wanted))));
}

/* Tell whether a limit of a definition, if there, is kept. Other than numbers compare as jsonb does. */
static bool
LimitFits(Jsonb *definition, const char *limit, int count)
{
	Jsonb	   *most = Member(definition, limit);
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric = int64_to_numeric(count);
	return most == NULL ||
		DatumGetBool(DirectFunctionCall2(jsonb_ge, JsonbPGetDatum(most),
										 JsonbPGetDatum(JsonbValueToJsonb(&value))));
}

/* Tell whether a video may be as long as a request asks. */
static bool
LengthFits(Jsonb *definition, Jsonb *request)
{
	Jsonb	   *known = Member(definition, "durations");
	Jsonb	   *wanted = Member(request, "durationSeconds");

	return known == NULL || wanted == NULL ||
		DatumGetBool(DirectFunctionCall2(jsonb_contains, JsonbPGetDatum(known), JsonbPGetDatum(wanted)));
}

/* Count the pictures that a model is shown. */
static int
CountPictures(Jsonb *request)
{
	JsonbValue	value;
	int			count = rc_get_member(&request->root, "style", &value);

	if (rc_get_member(&request->root, "references", &value) && rc_nested_array(&value) != NULL)
		count += JsonContainerSize(rc_nested_array(&value));
	return count;
}

/* Count the characters of a prompt. */
static int
CountCharacters(Jsonb *request)
{
	JsonbValue	value;

	if (!rc_get_member(&request->root, "prompt", &value) || value.type != jbvString)
		return 0;
	return pg_mbstrlen_with_len(value.val.string.val, value.val.string.len);
}

/* Tell whether the model in a row of the last query makes what a request is for: images, or videos. */
static bool
IsOfKind(uint64 row, Jsonb *request)
{
	return GetText(&request->root, "type") != NULL && ColumnFits(row, RC_MODEL_KIND, request, "type");
}

/* Tell whether it may make what is asked for. */
static bool
MayMake(uint64 row, Jsonb *definition, Jsonb *request, DateADT today)
{
	NullableDatum retired;

	retired.value = rc_result(row, RC_MODEL_RETIRED, DATEOID, &retired.isnull);
	return (retired.isnull || DatumGetDateADT(retired.value) > today) &&
		ColumnFits(row, RC_MODEL_ID, request, "forceModel") &&
		ColumnFits(row, RC_MODEL_PROVIDER, request, "provider") &&
		ListFits(definition, "qualities", request, "quality") &&
		ListFits(definition, "aspectRatios", request, "aspectRatio") &&
		LengthFits(definition, request) &&
		LimitFits(definition, "maxReferences", CountPictures(request)) &&
		LimitFits(definition, "maxPromptChars", CountCharacters(request));
}

/* Return the day, by UTC. */
static DateADT
DayOf(TimestampTz now)
{
	int64		days = now / USECS_PER_DAY;

	if (TIMESTAMP_NOT_FINITE(now))
		return TIMESTAMP_IS_NOBEGIN(now) ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	if (now % USECS_PER_DAY < 0)
		days--;
	return (DateADT) days;
}

/*
 * Return the credits to reserve for a checked request: of the model asked for, or the
 * dearest that routing may choose. Between rc_begin_queries() and rc_end_queries().
 */
int32
rc_price(Jsonb *request, TimestampTz now)
{
	uint64		count = rc_query(RC_MODELS, NULL, 0);
	int32		dearest = -1;
	uint64		row;

	for (row = 0; row < count; row++)
	{
		NullableDatum definition;
		NullableDatum credits;

		if (!IsOfKind(row, request))
			continue;
		definition.value = rc_result(row, RC_MODEL_DEFINITION, JSONBOID, &definition.isnull);
		if (definition.isnull || !MayMake(row, DatumGetJsonbP(definition.value), request, DayOf(now)))
			continue;
		credits.value = rc_result(row, RC_MODEL_CREDITS, INT4OID, &credits.isnull);
		credits = Credits(rc_root_object(DatumGetJsonbP(definition.value)), credits, &request->root, NULL);
		if (!credits.isnull)
			dearest = Max(dearest, DatumGetInt32(credits.value));
	}
	if (dearest < 0)
	{
		Datum		parameters[] = {JsonbPGetDatum(request), DateADTGetDatum(DayOf(now))};

		(void) rc_query(RC_RAISE_UNPRICED, parameters, 0);
		elog(ERROR, "a request without a price was not refused");
	}
	return dearest;
}

/* SQL: _price(request jsonb, now timestamptz) -> integer */
Datum
rc_sql_price(PG_FUNCTION_ARGS)
{
	Jsonb	   *request = PG_GETARG_JSONB_P(0);
	int32		credits;

	/* whoever may submit may call this with anything */
	if (rc_root_object(request) == NULL)
		request = rc_empty_object();
	rc_begin_queries();
	credits = rc_price(request, PG_GETARG_TIMESTAMPTZ(1));
	rc_end_queries();
	PG_RETURN_INT32(credits);
}
