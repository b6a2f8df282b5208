/*
 * stored.c
 *	  Reading parts of a document from where it is stored.
 *
 * A document of some kilobytes is stored out of line or compressed, and the usual
 * way is to fetch and decompress all of it. What is done here instead:
 * - out of line, not compressed: the chunks that hold the part are fetched;
 * - compressed with pglz: decompression begins at the beginning and ends with the
 *	 part, but goes on from there when another part is wanted; of what is out of
 *	 line only the chunks needed for that are fetched;
 * - compressed in another way (lz4): the server decompresses from the beginning to
 *	 the end of the part, each time anew, so that all is read at once where a part
 *	 is a large piece of it.
 */
#include "compat.h"

#include "stored.h"

/* The size and method of compression, in front of compressed bytes. */
#define COMPRESSION_HEADER (VARHDRSZ_COMPRESSED - VARHDRSZ)

/* Compressed bytes are fetched by so many at first: two chunks of the TOAST table. */
#define FIRST_FETCH (2 * TOAST_MAX_CHUNK_SIZE)

/*
 * What can only be read from the beginning is read again from there when more of
 * it is needed: then at least so many times as much, and all of it when that is
 * no less than that part of it.
 */
#define GROWTH 4

/* Take over a part that has been read. */
static void
KeepPart(RcStored *stored, void *allocated, const char *bytes, Size begin, Size end)
{
	if (stored->part_count >= RC_MOST_PARTS)
		elog(ERROR, "too many parts of a document are read");
	stored->parts[stored->part_count++] = allocated;
	stored->bytes = bytes;
	stored->begin = begin;
	stored->end = end;
}

/* Read a part of what is out of line and not compressed. */
static void
ReadPlain(RcStored *stored, Size begin, Size end)
{
	Size		aligned = TYPEALIGN_DOWN(ALIGNOF_INT, begin);
	char	   *part = palloc(end - aligned);

	rc_chunks_read(&stored->chunks, aligned, end, part);
	KeepPart(stored, part, part, aligned, end);
}

/* Fetch more of what is out of line and compressed. */
static void
FetchCompressed(RcStored *stored)
{
	Size		total = VARATT_EXTERNAL_GET_EXTSIZE(stored->chunks.pointer);
	Size		end = Min(total, stored->fetched + Max(stored->fetched, FIRST_FETCH));

	rc_chunks_read(&stored->chunks, stored->fetched, end, stored->compressed + stored->fetched);
	stored->fetched = end;
	stored->pglz.end = (const unsigned char *) stored->compressed + end;
	if (stored->pglz.next == NULL)
		stored->pglz.next = (const unsigned char *) stored->compressed + COMPRESSION_HEADER;
}

/* Tell whether all compressed bytes are in memory. */
static bool
HasAllCompressed(const RcStored *stored)
{
	return !stored->is_external ||
		stored->fetched == VARATT_EXTERNAL_GET_EXTSIZE(stored->chunks.pointer);
}

/* Decompress up to the end of a part; what was decompressed before is taken along. */
static void
ReadPglz(RcStored *stored, Size begin, Size end)
{
	RcUnpglz   *pglz = &stored->pglz;
	Size		done = pglz->out - pglz->begin;
	unsigned char *document = palloc(end + RC_UNPGLZ_SLACK);

	(void) begin;
	if (done > 0)
		memcpy(document, pglz->begin, done);
	pglz->begin = document;
	pglz->out = document + done;
	if (stored->is_external && stored->fetched == 0)
		FetchCompressed(stored);
	while (!rc_unpglz(pglz, end, HasAllCompressed(stored)))
		FetchCompressed(stored);
	KeepPart(stored, document, (const char *) document, 0, Min(stored->size, (Size) (pglz->out - document)));
}

/* Have the server read from the beginning to the end of a part. */
static void
ReadBeginning(RcStored *stored, Size begin, Size end)
{
	Size		enough = Max(end, stored->end * GROWTH);
	struct varlena *part;

	(void) begin;
	if (enough >= stored->size / GROWTH)
		part = detoast_attr(stored->value);
	else
		part = detoast_attr_slice(stored->value, 0, (int32) enough);
	KeepPart(stored, part, VARDATA(part), 0, VARSIZE(part) - VARHDRSZ);
}

/* Prepare to read what is out of line. */
static void
OpenExternal(RcStored *stored)
{
	struct varatt_external pointer;
	bool		is_plain;

	VARATT_EXTERNAL_GET_POINTER(pointer, stored->value);
	/* as VARATT_EXTERNAL_IS_COMPRESSED() says, which compares int32 with uint32 */
	is_plain = VARATT_EXTERNAL_GET_EXTSIZE(pointer) >= stored->size;
	if (!is_plain && VARATT_EXTERNAL_GET_COMPRESS_METHOD(pointer) != TOAST_PGLZ_COMPRESSION_ID)
		return;
	stored->is_external = rc_chunks_open(&stored->chunks, stored->value);
	if (!stored->is_external)
		return;
	stored->read_part = is_plain ? ReadPlain : ReadPglz;
	if (!is_plain)
		stored->compressed = palloc(VARATT_EXTERNAL_GET_EXTSIZE(pointer));
}

/* Begin to read a document. What is in memory as it is counts as read. */
void
rc_stored_open(RcStored *stored, Datum document)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(document);

	memset(stored, 0, sizeof(RcStored));
	stored->value = value;
	stored->read_part = ReadBeginning;
	if (VARATT_IS_EXTERNAL_ONDISK(value))
	{
		stored->size = toast_raw_datum_size(document) - VARHDRSZ;
		OpenExternal(stored);
	}
	else if (VARATT_IS_COMPRESSED(value))
	{
		stored->size = VARDATA_COMPRESSED_GET_EXTSIZE(value);
		if (VARDATA_COMPRESSED_GET_COMPRESS_METHOD(value) != TOAST_PGLZ_COMPRESSION_ID)
			return;
		stored->read_part = ReadPglz;
		stored->pglz.next = (const unsigned char *) value + VARHDRSZ_COMPRESSED;
		stored->pglz.end = (const unsigned char *) value + VARSIZE(value);
	}
	else
	{
		value = PG_DETOAST_DATUM(document);
		if (value != stored->value)
			stored->parts[stored->part_count++] = value;
		stored->bytes = VARDATA(value);
		stored->size = stored->end = VARSIZE(value) - VARHDRSZ;
	}
}

/*
 * Return bytes of the document, good until it is closed, and aligned if their
 * place in the document is.
 */
const char *
rc_stored_read(RcStored *stored, Size begin, Size end)
{
	if (end > stored->size || begin > end)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("context_data is shorter than its own entries say")));
	if (begin < stored->begin || end > stored->end)
	{
		stored->read_part(stored, begin, end);
		if (end > stored->end)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("context_data is shorter than it was stored")));
	}
	return stored->bytes + (begin - stored->begin);
}

/* End reading, and free what has been read. */
void
rc_stored_close(RcStored *stored)
{
	while (stored->part_count > 0)
		pfree(stored->parts[--stored->part_count]);
	if (stored->compressed != NULL)
		pfree(stored->compressed);
	if (stored->is_external)
		rc_chunks_close(&stored->chunks);
}

/* Return a copy of a whole document as it came out of a row. */
Jsonb *
rc_stored_document(Datum value)
{
	RcStored	stored;
	Jsonb	   *document;

	rc_stored_open(&stored, value);
	document = palloc(VARHDRSZ + stored.size);
	SET_VARSIZE(document, VARHDRSZ + stored.size);
	memcpy(VARDATA(document), rc_stored_read(&stored, 0, stored.size), stored.size);
	rc_stored_close(&stored);
	return document;
}
