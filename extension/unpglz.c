/*
 * unpglz.c
 *	  Decompressing pglz piece by piece.
 *
 * The server's own function begins at the beginning each time, so that who reads
 * the entries of a document first and one of its members afterwards decompresses
 * the beginning twice, or all of it. This one goes on where it stopped, with as
 * little of the compressed bytes as it has been given. It also copies eight and
 * sixteen bytes at a time where the server copies one: in a lookup most of the
 * time was spent there.
 *
 * The format (src/common/pg_lzcompress.c): a control byte whose bits, from the
 * lowest, tell what each of the next eight items is. 0: a byte to be taken as it
 * is. 1: two bytes or three that say how much to repeat (3 to 273 bytes) of what
 * was written so far, and how far back that is (1 to 4095). The last group may
 * end early.
 */
#include "compat.h"

#include "unpglz.h"

#define ITEMS 8
#define LEAST_MATCH 3
#define LONG_MATCH 18			/* a third byte adds to it */

/*
 * The most bytes of a group of items, and what is read behind it when bytes are
 * copied by the eight.
 */
#define MOST_GROUP (1 + ITEMS * 3 + 8)

/* Report what no compressor wrote. */
static pg_noinline void
ReportCorruption(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("compressed context_data is corrupt")));
}

/* Repeat what was written some bytes before; more may be written behind it. */
static inline unsigned char *
Repeat(unsigned char *out, int distance, int length)
{
	const unsigned char *from = out - distance;
	unsigned char *end = out + length;

	if (distance >= 16)
		for (; out < end; out += 16, from += 16)
			memcpy(out, from, 16);
	else
		while (out < end)
			*out++ = *from++;
	return end;
}

/* Repeat what a match says; returns the compressed bytes behind it. */
static inline const unsigned char *
TakeMatch(RcUnpglz *state, const unsigned char *next)
{
	int			length = (next[0] & 0x0f) + LEAST_MATCH;
	int			distance = (next[0] & 0xf0) << 4 | next[1];

	next += 2;
	if (length == LONG_MATCH)
		length += *next++;
	if (distance == 0 || distance > state->out - state->begin)
		ReportCorruption();
	state->out = Repeat(state->out, distance, length);
	return next;
}

/*
 * Decompress a group of items that is there as a whole. A bit above the eight
 * marks their end; the literals before the next match are copied at once.
 */
static inline void
TakeGroup(RcUnpglz *state)
{
	const unsigned char *next = state->next;
	uint32		control = *next++ | 1 << ITEMS;

	for (;;)
	{
		int			literals = pg_rightmost_one_pos32(control);

		memcpy(state->out, next, ITEMS);
		state->out += literals;
		next += literals;
		control >>= literals;
		if (control == 1)
			break;
		next = TakeMatch(state, next);
		control >>= 1;
	}
	state->next = next;
}

/* Decompress a group at the end of the compressed bytes, which may end early. */
static void
TakeLastGroup(RcUnpglz *state)
{
	unsigned char padded[MOST_GROUP] = {0};
	const unsigned char *next = padded + 1;
	const unsigned char *end = padded + (state->end - state->next);
	uint32		control;

	/* behind the end there is something to read, which is then seen to be too much */
	memcpy(padded, state->next, state->end - state->next);
	for (control = padded[0] | 1 << ITEMS; control != 1 && next < end; control >>= 1)
	{
		if (control & 1)
			next = TakeMatch(state, next);
		else
			*state->out++ = *next++;
	}
	if (next > end)
		ReportCorruption();
	state->next += next - padded;
}

/*
 * Decompress until so many bytes of the document are there, and a few more. There
 * must be room for RC_UNPGLZ_SLACK bytes behind them. False where more of the
 * compressed bytes is needed for it; it is an error where these are all.
 */
bool
rc_unpglz(RcUnpglz *state, Size wanted, bool is_all)
{
	const unsigned char *enough = state->begin + wanted;

	while (state->out < enough)
	{
		CHECK_FOR_INTERRUPTS();
		if (state->end - state->next >= MOST_GROUP)
			TakeGroup(state);
		else if (!is_all)
			return false;
		else if (state->next < state->end)
			TakeLastGroup(state);
		else
			ReportCorruption();
	}
	return true;
}
