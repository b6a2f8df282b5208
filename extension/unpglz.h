/*
 * unpglz.h
 *	  Decompressing pglz piece by piece.
 */
#ifndef RC_UNPGLZ_H
#define RC_UNPGLZ_H

/* So many bytes behind those that are wanted may be written. */
#define RC_UNPGLZ_SLACK (8 * 273 + 16)

/* A compressed document, decompressed so far. */
typedef struct RcUnpglz
{
	const unsigned char *next;	/* the compressed bytes that come next ... */
	const unsigned char *end;	/* ... up to here; more may follow */
	unsigned char *begin;		/* the document */
	unsigned char *out;			/* up to here */
} RcUnpglz;

extern bool rc_unpglz(RcUnpglz *state, Size wanted, bool is_all);

#endif							/* RC_UNPGLZ_H */
