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
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_credits);

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
 * SQL: _credits(model jsonb, credits integer, request jsonb, result jsonb) -> integer
 *
 * Return what a render costs that a model makes: as its definition says, else the
 * credits for any render. NULL where neither is known.
 */
Datum
rc_sql_credits(PG_FUNCTION_ARGS)
{
	double		credits;

	if (!GetDependent(RootObject(fcinfo, 0), RootObject(fcinfo, 2), RootObject(fcinfo, 3), &credits))
	{
		if (PG_ARGISNULL(1))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	}
	if (credits > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a render of %.0f credits is too dear", credits),
				 errdetail("A render costs at most %d credits.", PG_INT32_MAX)));
	PG_RETURN_INT32((int32) credits);
}
