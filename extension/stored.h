/*
 * stored.h
 *	  A document as a row holds it, of which parts are read.
 */
#ifndef RC_STORED_H
#define RC_STORED_H

#include "toast_chunks.h"
#include "unpglz.h"

/* So many different parts can be read. */
#define RC_MOST_PARTS 4

typedef struct RcStored RcStored;

/* A stored document, and the part of it that has been read. */
struct RcStored
{
	Size		size;			/* bytes of the whole document */
	const char *bytes;			/* what has been read, aligned as in the document */
	Size		begin;
	Size		end;
	void		(*read_part) (RcStored *stored, Size begin, Size end);	/* how more is read */
	struct varlena *value;		/* as it is stored */
	bool		is_external;	/* out of line: then these */
	RcChunks	chunks;
	Size		fetched;		/* of the compressed bytes */
	RcUnpglz	pglz;			/* compressed with pglz: the state of that */
	void	   *parts[RC_MOST_PARTS];	/* to be freed */
	int			part_count;
	char	   *compressed;		/* likewise */
};

extern void rc_stored_open(RcStored *stored, Datum value);
extern const char *rc_stored_read(RcStored *stored, Size begin, Size end);
extern void rc_stored_close(RcStored *stored);
extern Jsonb *rc_stored_document(Datum value);

#endif							/* RC_STORED_H */
