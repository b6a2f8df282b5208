/*
 * random.c
 *	  Random numbers, and random strings and numbers for documents.
 *
 * The generator is our own (SplitMix64) and everything is done in integers, so
 * that a seed gives the same documents on every machine and every version. For
 * that no two random numbers may be asked for in operands or arguments that the
 * compiler may evaluate in any order.
 */
#include "server.h"

#include "fuzz.h"

/* Beyond these core refuses a number: digits after the point, digits before it. */
#define MOST_FRACTION 16383
#define MOST_DIGITS 131072

/* Return 64 random bits. */
uint64
fuzz_next(Random *random)
{
	uint64		bits = (random->state += UINT64CONST(0x9e3779b97f4a7c15));

	bits = (bits ^ (bits >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	bits = (bits ^ (bits >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return bits ^ (bits >> 31);
}

/* Return a number from 0 to bound - 1. */
int
fuzz_below(Random *random, int bound)
{
	return (int) (((fuzz_next(random) >> 32) * (uint64) bound) >> 32);
}

/* Say yes so many times in a hundred. */
bool
fuzz_chance(Random *random, int percent)
{
	return fuzz_below(random, 100) < percent;
}

/* Begin the random numbers of one case of one property. */
Random
fuzz_random(uint64 seed, uint64 number, uint64 stream)
{
	Random		random = {seed};

	random.state = fuzz_next(&random) ^ (number * UINT64CONST(0xd1342543de82ef95));
	random.state = fuzz_next(&random) ^ stream;
	(void) fuzz_next(&random);
	return random;
}

/* Append a random character: of ASCII, of ASCII with controls, or of all Unicode. */
static void
AppendCharacter(StringInfo text, Random *random, int alphabet)
{
	/* first and last of some stretches of Unicode, none with surrogates */
	static const int stretches[][2] = {
		{0x20, 0x7e}, {0xa0, 0x24f}, {0x370, 0x7ff}, {0x4e00, 0x9fff}, {0xe000, 0xffff}, {0x10000, 0x1f9ff},
		{0x10fff0, 0x10ffff},
	};
	unsigned char bytes[8] = {0};
	const int  *stretch;

	if (alphabet == 0)
		appendStringInfoChar(text, "abcdefghijklmnopqrstuvwxyz ABCDE"[fuzz_below(random, 32)]);
	else if (alphabet == 1)
		appendStringInfoChar(text, (char) (1 + fuzz_below(random, 127)));
	else
	{
		stretch = stretches[fuzz_below(random, lengthof(stretches))];
		unicode_to_utf8(stretch[0] + fuzz_below(random, stretch[1] - stretch[0] + 1), bytes);
		appendStringInfoString(text, (char *) bytes);
	}
}

/* Make a string of up to so many characters. */
static Tree *
StringOf(Random *random, int characters)
{
	StringInfoData text;
	int			alphabet = fuzz_below(random, 4);

	initStringInfo(&text);
	while (characters-- > 0)
		AppendCharacter(&text, random, alphabet > 2 ? 0 : alphabet);
	return fuzz_text_tree(TREE_STRING, text.data, text.len);
}

/* Make a string of exactly so many bytes: repetitive, or nothing to compress. */
Tree *
fuzz_long_string(Random *random, int length)
{
	Tree	   *string = fuzz_tree(TREE_STRING);
	char	   *text = palloc(length + 1);
	int			period = fuzz_chance(random, 50) ? 1 + fuzz_below(random, 30) : length;
	int			i;

	for (i = 0; i < length; i++)
		text[i] = i < period ? (char) ('0' + fuzz_below(random, 75)) : text[i - period];
	text[length] = '\0';
	string->text = text;
	string->length = length;
	return string;
}

/* Make a string: mostly short, of every length modulo 4, now and then long. */
Tree *
fuzz_random_string(Random *random)
{
	int			kind = fuzz_below(random, 1000);

	if (kind < 900)
		return StringOf(random, fuzz_below(random, 13));
	if (kind < 995)
		return StringOf(random, fuzz_below(random, 100));
	return fuzz_long_string(random, fuzz_below(random, fuzz_chance(random, 95) ? 3000 : 70000));
}

/* Append so many digits, the first of which is no zero. */
static void
AppendDigits(StringInfo text, Random *random, int digits)
{
	int			i;

	for (i = 0; i < digits; i++)
		appendStringInfoChar(text, (char) ('0' + (i == 0 ? 1 + fuzz_below(random, 9) : fuzz_below(random, 10))));
}

/* Make an integer that has one spelling only. */
Tree *
fuzz_random_integer(Random *random)
{
	StringInfoData text;

	initStringInfo(&text);
	if (fuzz_chance(random, 15))
		appendStringInfoChar(&text, '0');
	else
	{
		if (fuzz_chance(random, 25))
			appendStringInfoChar(&text, '-');
		AppendDigits(&text, random, fuzz_chance(random, 80) ? 1 + fuzz_below(random, 3) : 1 + fuzz_below(random, 40));
	}
	return fuzz_text_tree(TREE_NUMBER, text.data, text.len);
}

/* Return how many digits one side of a number gets: mostly few, rarely very many. */
static int
SomeDigits(Random *random)
{
	int			kind = fuzz_below(random, 1000);

	if (kind < 700)
		return 1 + fuzz_below(random, 4);
	if (kind < 980)
		return 1 + fuzz_below(random, 30);
	if (kind < 998)
		return 1 + fuzz_below(random, 400);
	return 1 + fuzz_below(random, 6000);
}

/* Append an exponent with which the number stays within what core takes. */
static void
AppendExponent(StringInfo text, Random *random, int digits, int fraction)
{
	int			kind = fuzz_below(random, 1000);
	int			most = kind < 800 ? 20 : kind < 990 ? 400 : MOST_DIGITS;
	char		mark = "eE"[fuzz_below(random, 2)];
	bool		negative = fuzz_chance(random, 50);
	const char *sign = negative ? "-" : fuzz_chance(random, 50) ? "+" : "";
	int			room = negative ? MOST_FRACTION - fraction : MOST_DIGITS - digits;

	appendStringInfo(text, "%c%s%d", mark, sign, fuzz_below(random, Max(1, Min(most, room))));
}

/* Make a number of any size and scale. */
Tree *
fuzz_random_number(Random *random)
{
	/* zeros, and numbers at the borders of core's groups of four digits */
	static const char *const special[] = {
		"0", "-0", "0.0", "0.000", "0e5", "1", "1.0", "1.00", "10", "1e1", "9999", "10000", "10000.0",
		"1e4", "99999999", "100000000", "0.0001", "0.00010",
		"0.00001", "1e-5", "10000.0001", "-1", "-1.0", "0.5", "-0.5", "1e-0", "1E400", "1e-400",
	};
	StringInfoData text;
	int			digits = SomeDigits(random);
	int			fraction = 0;

	if (fuzz_chance(random, 25))
	{
		const char *spelling = special[fuzz_below(random, lengthof(special))];

		return fuzz_text_tree(TREE_NUMBER, spelling, (int) strlen(spelling));
	}
	if (fuzz_chance(random, 35))
		return fuzz_random_integer(random);
	initStringInfo(&text);
	if (fuzz_chance(random, 35))
		appendStringInfoChar(&text, '-');
	if (fuzz_chance(random, 30))
		appendStringInfoChar(&text, '0');
	else
		AppendDigits(&text, random, digits);
	if (fuzz_chance(random, 65))
	{
		int			zeros = fuzz_chance(random, 30) ? fuzz_below(random, 10) : 0;

		fraction = SomeDigits(random);
		appendStringInfoChar(&text, '.');
		appendStringInfoString(&text, &"0000000000"[10 - zeros]);
		AppendDigits(&text, random, fraction);
		fraction += zeros;
		zeros = fuzz_chance(random, 30) ? fuzz_below(random, 10) : 0;
		appendStringInfoString(&text, &"0000000000"[10 - zeros]);
		fraction += zeros;
	}
	if (fuzz_chance(random, 30))
		AppendExponent(&text, random, digits, fraction);
	return fuzz_text_tree(TREE_NUMBER, text.data, text.len);
}
