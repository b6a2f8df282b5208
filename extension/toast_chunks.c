/*
 * toast_chunks.c
 *	  Reading parts of a value that is stored out of line.
 *
 * The server's detoast_attr_slice() opens the TOAST table and its index, makes a
 * scan, reads one part and closes everything, which takes longer than reading the
 * part. Here they stay open for all parts that are wanted of a value. What is
 * read is what it reads (heap_fetch_toast_slice() in
 * src/backend/access/heap/heaptoast.c), under the same snapshot, with the same
 * locks for the same time.
 */
#include "compat.h"

#include "toast_chunks.h"

/* The columns of a TOAST table, which has an index on the first two. */
#define CHUNK_ID 1
#define CHUNK_SEQ 2
#define CHUNK_DATA 3

/* Open the table that holds a value; false where it is of a kind that we do not know. */
bool
rc_chunks_open(RcChunks *chunks, const struct varlena *value)
{
	int			valid;

	VARATT_EXTERNAL_GET_POINTER(chunks->pointer, value);
	chunks->table = table_open(chunks->pointer.va_toastrelid, AccessShareLock);
	if (chunks->table->rd_rel->relam != HEAP_TABLE_AM_OID)
	{
		table_close(chunks->table, AccessShareLock);
		return false;
	}
	valid = toast_open_indexes(chunks->table, AccessShareLock, &chunks->indexes, &chunks->index_count);
	chunks->slot = table_slot_create(chunks->table, NULL);
	chunks->scan = rc_index_beginscan(chunks->table, chunks->indexes[valid], rc_toast_snapshot(), 3);
	return true;
}

/* Report that a chunk is not what it must be. */
static pg_noinline void
ReportChunk(RcChunks *chunks, Size number)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg_internal("missing or wrong chunk number %zu for toast value %u in %s", number,
							 chunks->pointer.va_valueid, RelationGetRelationName(chunks->table))));
}

/* Return the bytes of the current chunk, having made sure of its number and its size. */
static const char *
ChunkBytes(RcChunks *chunks, Size number)
{
	Size		total = VARATT_EXTERNAL_GET_EXTSIZE(chunks->pointer);
	Size		expected = Min(TOAST_MAX_CHUNK_SIZE, total - number * TOAST_MAX_CHUNK_SIZE);
	bool		no_number;
	bool		no_data;
	Datum		found = slot_getattr(chunks->slot, CHUNK_SEQ, &no_number);
	Datum		data = slot_getattr(chunks->slot, CHUNK_DATA, &no_data);
	const struct varlena *chunk = (const struct varlena *) DatumGetPointer(data);

	if (no_number || no_data || (Size) DatumGetInt32(found) != number ||
		VARATT_IS_EXTERNAL(chunk) || VARATT_IS_COMPRESSED(chunk) ||
		VARSIZE_ANY_EXHDR(chunk) != expected)
		ReportChunk(chunks, number);
	return VARDATA_ANY(chunk);
}

/* Read bytes of the value as it is stored; they must be within it. */
void
rc_chunks_read(RcChunks *chunks, Size begin, Size end, char *into)
{
	Size		first = begin / TOAST_MAX_CHUNK_SIZE;
	Size		last = (end - 1) / TOAST_MAX_CHUNK_SIZE;
	Size		number;
	ScanKeyData keys[3];

	Assert(begin < end && end <= VARATT_EXTERNAL_GET_EXTSIZE(chunks->pointer));
	ScanKeyInit(&keys[0], CHUNK_ID, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(chunks->pointer.va_valueid));
	ScanKeyInit(&keys[1], CHUNK_SEQ, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum((int32) first));
	ScanKeyInit(&keys[2], CHUNK_SEQ, BTLessEqualStrategyNumber, F_INT4LE, Int32GetDatum((int32) last));
	index_rescan(chunks->scan, keys, lengthof(keys), NULL, 0);
	for (number = first; number <= last; number++)
	{
		Size		place = number * TOAST_MAX_CHUNK_SIZE;
		Size		from = Max(begin, place);
		Size		to = Min(end, place + TOAST_MAX_CHUNK_SIZE);

		CHECK_FOR_INTERRUPTS();
		if (!index_getnext_slot(chunks->scan, ForwardScanDirection, chunks->slot))
			ReportChunk(chunks, number);
		memcpy(into + (from - begin), ChunkBytes(chunks, number) + (from - place), to - from);
	}
}

/* Close the table. */
void
rc_chunks_close(RcChunks *chunks)
{
	index_endscan(chunks->scan);
	ExecDropSingleTupleTableSlot(chunks->slot);
	toast_close_indexes(chunks->indexes, chunks->index_count, AccessShareLock);
	table_close(chunks->table, AccessShareLock);
}
