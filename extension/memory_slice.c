/*
 * memory_slice.c
 *	  Taking the memory out of a stored context without reading all of it.
 *
 * A context of some kilobytes is stored out of line or compressed, and the
 * operator -> fetches and decompresses all of it for one member. But where that
 * member is can be told from the entries at the beginning (draft.c says how jsonb
 * is laid out), and keys are sorted by length first, so that of the keys only
 * those as long as the wanted one have to be looked at. What is read:
 * - out of line, not compressed: the beginning, and then the bytes of the member;
 * - compressed: the document up to the end of the member, since decompression
 *	 can only begin at the beginning (of what is out of line only the chunks
 *	 needed for that are fetched, with pglz; lz4 has no bound to tell them by).
 *	 Where that is a large part of it, all of it, which is cheaper than a slice.
 */
#include "compat.h"

#include "memory_slice.h"
#include "renderchain.h"

/*
 * So many bytes are read first, which hold the entries and keys of most contexts:
 * two chunks of the TOAST table.
 */
#define FIRST_BYTES (2 * TOAST_MAX_CHUNK_SIZE)

/*
 * What can only be read from the beginning is read again from there when more of
 * it is needed: then at least so many times as much, and all of it when that is
 * no less than that part of it.
 */
#define GROWTH 4

/* The beginning, all entries, keys of the right length, the member. */
#define MOST_PARTS 4

/* A stored document, and the part of it that has been read. */
typedef struct Stored
{
	struct varlena *value;		/* as it is stored; NULL where all has been read */
	bool		from_start;		/* can only be read from the beginning */
	Size		size;			/* bytes of the whole document */
	const char *bytes;			/* what has been read, aligned as in the document */
	Size		begin;
	Size		end;
	struct varlena *parts[MOST_PARTS];	/* to be freed */
	int			part_count;
} Stored;

/* Take what is in memory as it is, and read the beginning of what is not. */
static void
OpenStored(Stored *stored, Datum context)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(context);

	memset(stored, 0, sizeof(Stored));
	if (VARATT_IS_EXTERNAL_ONDISK(value) || VARATT_IS_COMPRESSED(value))
	{
		stored->value = value;
		stored->size = toast_raw_datum_size(context) - VARHDRSZ;
		stored->from_start = VARATT_IS_COMPRESSED(value);
		if (VARATT_IS_EXTERNAL_ONDISK(value))
		{
			struct varatt_external pointer;

			VARATT_EXTERNAL_GET_POINTER(pointer, value);
			/* as VARATT_EXTERNAL_IS_COMPRESSED() says, which compares int32 with uint32 */
			stored->from_start = VARATT_EXTERNAL_GET_EXTSIZE(pointer) < stored->size;
		}
		return;
	}
	value = PG_DETOAST_DATUM(context);
	if (value != (struct varlena *) DatumGetPointer(context))
		stored->parts[stored->part_count++] = value;
	stored->bytes = VARDATA(value);
	stored->size = stored->end = VARSIZE(value) - VARHDRSZ;
}

/* Read a part of the document that has been chosen well. */
static void
ReadPart(Stored *stored, Size begin, Size end)
{
	struct varlena *part;

	if (begin == 0 && end == stored->size)
		part = detoast_attr(stored->value);
	else
		part = detoast_attr_slice(stored->value, (int32) begin, (int32) (end - begin));
	Assert(stored->part_count < MOST_PARTS);
	stored->parts[stored->part_count++] = part;
	stored->bytes = VARDATA(part);
	stored->begin = begin;
	stored->end = begin + (VARSIZE(part) - VARHDRSZ);
}

/*
 * Return bytes of the document, good until it is closed, and aligned if their
 * place in the document is.
 */
static const char *
ReadStored(Stored *stored, Size begin, Size end)
{
	if (end > stored->size || begin > end)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("context_data is shorter than its own entries say")));
	if (begin < stored->begin || end > stored->end)
	{
		if (!stored->from_start)
			ReadPart(stored, TYPEALIGN_DOWN(ALIGNOF_INT, begin), end);
		else
		{
			Size		enough = Max(end, stored->end * GROWTH);

			ReadPart(stored, 0, enough >= stored->size / GROWTH ? stored->size : enough);
		}
		if (end > stored->end)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("context_data is shorter than it was stored")));
	}
	return stored->bytes + (begin - stored->begin);
}

/* Free what has been read. */
static void
CloseStored(Stored *stored)
{
	while (stored->part_count > 0)
		pfree(stored->parts[--stored->part_count]);
}

/* Find the first key that is not shorter than a length, in an object of so many. */
static uint32
FirstOfLength(const JsonbContainer *object, uint32 count, uint32 length)
{
	uint32		low = 0;
	uint32		high = count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (getJsonbLength(object, (int) middle) < length)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Find the member that is the memory; false where there is none. The entries are
 * in memory; its keys begin at that place of the document.
 */
static bool
FindMemory(Stored *stored, const JsonbContainer *object, uint32 count, Size keys, uint32 *index)
{
	const uint32 length = strlen(RC_MEMORY_KEY);
	uint32		low = FirstOfLength(object, count, length);
	uint32		high = FirstOfLength(object, count, length + 1);
	uint32		first = getJsonbOffset(object, (int) low);
	uint32		end = getJsonbOffset(object, (int) high);
	uint32		first_key = low;
	const char *bytes;

	if (low == high)
		return false;
	bytes = ReadStored(stored, keys + first, keys + end);
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		int			order = memcmp(bytes + (Size) (middle - first_key) * length, RC_MEMORY_KEY, length);

		*index = middle;
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Return the bytes of an object's beginning that hold all its entries. */
static const JsonbContainer *
ReadEntries(Stored *stored)
{
	const JsonbContainer *object;
	Size		size;

	object = (const JsonbContainer *) ReadStored(stored, 0, Min(stored->size, FIRST_BYTES));
	if (!JsonContainerIsObject(object))
		return NULL;
	size = offsetof(JsonbContainer, children) + (Size) JsonContainerSize(object) * 2 * sizeof(JEntry);
	return (const JsonbContainer *) ReadStored(stored, 0, size);
}

/* Find the bytes of the memory; NULL where there is none. */
static const char *
FindBytes(Stored *stored, Size *length)
{
	const JsonbContainer *object = ReadEntries(stored);
	const char *bytes;
	uint32		count;
	uint32		index;
	Size		keys;
	Size		begin;
	Size		end;

	if (object == NULL)
		return NULL;
	count = JsonContainerSize(object);
	keys = offsetof(JsonbContainer, children) + (Size) count * 2 * sizeof(JEntry);
	if (!FindMemory(stored, object, count, keys, &index) ||
		!JBE_ISCONTAINER(object->children[count + index]))
		return NULL;
	begin = keys + INTALIGN(getJsonbOffset(object, (int) (count + index)));
	end = keys + getJsonbOffset(object, (int) (count + index + 1));
	bytes = ReadStored(stored, begin, end);
	*length = end - begin;
	return JsonContainerIsObject((const JsonbContainer *) bytes) ? bytes : NULL;
}

/*
 * Return the memory in a context as it came out of a row, NULL where it has none
 * (is no object, has no such member, or one that is no object). A copy.
 */
Jsonb *
rc_slice_memory(Datum context)
{
	Stored		stored;
	Jsonb	   *memory = NULL;
	const char *bytes;
	Size		length;

	OpenStored(&stored, context);
	bytes = FindBytes(&stored, &length);
	if (bytes != NULL)
	{
		memory = palloc(VARHDRSZ + length);
		SET_VARSIZE(memory, VARHDRSZ + length);
		memcpy(VARDATA(memory), bytes, length);
	}
	CloseStored(&stored);
	return memory;
}
