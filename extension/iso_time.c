/*
 * iso_time.c
 *	  Reading ISO-8601 timestamps as JSON has them (RFC 3339 profile).
 *
 * The server's own parser depends on the session's TimeZone and DateStyle, so
 * it cannot be used in an immutable function, and it raises what a caller may
 * want to say better.
 */
#include "compat.h"

#include "renderchain.h"

/* Zones of the server's parser end there. */
#define MOST_ZONE_HOURS 15

PG_FUNCTION_INFO_V1(rc_sql_is_time);

/* What is left of the text that is being read. */
typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

/* Read exactly this many digits. */
static bool
ReadDigits(Reader *reader, int count, int *number)
{
	*number = 0;
	for (; count > 0; count--, reader->at++)
	{
		if (reader->at >= reader->end || *reader->at < '0' || *reader->at > '9')
			return false;
		*number = *number * 10 + (*reader->at - '0');
	}
	return true;
}

/* Read one of these characters. */
static bool
ReadOneOf(Reader *reader, const char *characters)
{
	if (reader->at >= reader->end || *reader->at == '\0' ||
		strchr(characters, *reader->at) == NULL)
		return false;
	reader->at++;
	return true;
}

/* Read a number of two digits, up to a most. */
static bool
ReadPart(Reader *reader, int most)
{
	int			number;

	return ReadDigits(reader, 2, &number) && number <= most;
}

/* Read a date that the calendar has. */
static bool
ReadCalendarDate(Reader *reader)
{
	int			year;
	int			month;
	int			day;

	return ReadDigits(reader, 4, &year) && ReadOneOf(reader, "-") &&
		ReadDigits(reader, 2, &month) && ReadOneOf(reader, "-") &&
		ReadDigits(reader, 2, &day) &&
		year >= 1 && month >= 1 && month <= MONTHS_PER_YEAR &&
		day >= 1 && day <= day_tab[isleap(year)][month - 1];
}

/* Read a decimal fraction of a second, of any length; digits past six are dropped. */
static bool
ReadFraction(Reader *reader, int64 *microseconds)
{
	int64		unit = USECS_PER_SEC / 10;
	const char *start = reader->at;

	*microseconds = 0;
	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
	{
		*microseconds += (*reader->at - '0') * unit;
		unit /= 10;
	}
	return reader->at > start;
}

/* Read the zone, "Z" or "+hh:mm"; none means UTC. */
static bool
ReadZone(Reader *reader, int64 *offset)
{
	int			sign;
	int			hours;
	int			minutes;

	*offset = 0;
	if (reader->at == reader->end || ReadOneOf(reader, "Zz"))
		return true;
	sign = (*reader->at == '-') ? -1 : 1;
	if (!ReadOneOf(reader, "+-") || !ReadDigits(reader, 2, &hours))
		return false;
	(void) ReadOneOf(reader, ":");
	if (!ReadDigits(reader, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = sign * (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE) * USECS_PER_SEC;
	return true;
}

/*
 * Read a time like "2026-01-31T12:00:00.5+01:00" (seconds, fraction and zone
 * may be missing) as microseconds from some fixed point. False where the text
 * is something else.
 */
bool
rc_parse_iso_time(const char *text, int length, int64 *microseconds)
{
	Reader		reader = {.at = text, .end = text + length};
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second = 0;
	int64		fraction = 0;
	int64		offset;

	if (!ReadDigits(&reader, 4, &year) || !ReadOneOf(&reader, "-") ||
		!ReadDigits(&reader, 2, &month) || !ReadOneOf(&reader, "-") ||
		!ReadDigits(&reader, 2, &day) || !ReadOneOf(&reader, "Tt ") ||
		!ReadDigits(&reader, 2, &hour) || !ReadOneOf(&reader, ":") ||
		!ReadDigits(&reader, 2, &minute))
		return false;
	if (ReadOneOf(&reader, ":") && !ReadDigits(&reader, 2, &second))
		return false;
	if (ReadOneOf(&reader, ".,") && !ReadFraction(&reader, &fraction))
		return false;
	if (!ReadZone(&reader, &offset) || reader.at != reader.end)
		return false;
	/* 60 is a leap second */
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	*microseconds = (((int64) date2j(year, month, day) * HOURS_PER_DAY + hour) * MINS_PER_HOUR + minute)
		* SECS_PER_MINUTE * USECS_PER_SEC + second * USECS_PER_SEC + fraction - offset;
	return true;
}

/* Read a time of day with seconds and a zone, both of them needed. */
static bool
ReadZonedTime(Reader *reader)
{
	int64		fraction;

	if (!ReadOneOf(reader, "T ") || !ReadPart(reader, HOURS_PER_DAY - 1) ||
		!ReadOneOf(reader, ":") || !ReadPart(reader, MINS_PER_HOUR - 1) ||
		!ReadOneOf(reader, ":") || !ReadPart(reader, SECS_PER_MINUTE - 1) ||
		(ReadOneOf(reader, ".") && !ReadFraction(reader, &fraction)))
		return false;
	if (ReadOneOf(reader, "Z"))
		return true;
	if (!ReadOneOf(reader, "+-") || !ReadPart(reader, MOST_ZONE_HOURS))
		return false;
	return reader->at == reader->end ||
		((void) ReadOneOf(reader, ":"), ReadPart(reader, MINS_PER_HOUR - 1));
}

/*
 * Tell whether a text is a date, or a time with its zone, that the calendar has
 * and that timestamptz accepts under every setting.
 */
bool
rc_is_time(const char *text, int length, bool date_only)
{
	Reader		reader = {.at = text, .end = text + length};

	return ReadCalendarDate(&reader) && (date_only || ReadZonedTime(&reader)) &&
		reader.at == reader.end;
}

/* SQL: _is_time(text text, date_only boolean) -> boolean */
Datum
rc_sql_is_time(PG_FUNCTION_ARGS)
{
	text	   *whole = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(rc_is_time(VARDATA_ANY(whole), VARSIZE_ANY_EXHDR(whole), PG_GETARG_BOOL(1)));
}
