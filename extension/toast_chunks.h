/*
 * toast_chunks.h
 *	  Reading parts of a value that is stored out of line.
 */
#ifndef RC_TOAST_CHUNKS_H
#define RC_TOAST_CHUNKS_H

/* A value in a TOAST table, being read. */
typedef struct RcChunks
{
	struct varatt_external pointer;
	Relation	table;
	Relation   *indexes;
	int			index_count;
	IndexScanDesc scan;
	TupleTableSlot *slot;
} RcChunks;

extern bool rc_chunks_open(RcChunks *chunks, const struct varlena *value);
extern void rc_chunks_read(RcChunks *chunks, Size begin, Size end, char *into);
extern void rc_chunks_close(RcChunks *chunks);

#endif							/* RC_TOAST_CHUNKS_H */
