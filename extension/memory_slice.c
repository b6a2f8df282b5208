/*
 * memory_slice.c
 *	  Taking the memory out of a stored context without reading all of it.
 *
 * A context of some kilobytes is stored out of line or compressed, and the
 * operator -> fetches and decompresses all of it for one member. But where that
 * member is can be told from the entries at the beginning (draft.c says how jsonb
 * is laid out), and keys are sorted by length first, so that of the keys only
 * those as long as the wanted one have to be looked at. What is read is the
 * beginning, and then the bytes of the member (stored.c says what that takes).
 */
#include "compat.h"

#include "memory_slice.h"
#include "renderchain.h"
#include "stored.h"

/*
 * So many bytes are read first, which hold the entries and keys of most contexts:
 * two chunks of the TOAST table.
 */
#define FIRST_BYTES (2 * TOAST_MAX_CHUNK_SIZE)

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
FindMemory(RcStored *stored, const JsonbContainer *object, uint32 count, Size keys, uint32 *index)
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
	bytes = rc_stored_read(stored, keys + first, keys + end);
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
ReadEntries(RcStored *stored)
{
	const JsonbContainer *object;
	Size		size;

	object = (const JsonbContainer *) rc_stored_read(stored, 0, Min(stored->size, FIRST_BYTES));
	if (!JsonContainerIsObject(object))
		return NULL;
	size = offsetof(JsonbContainer, children) + (Size) JsonContainerSize(object) * 2 * sizeof(JEntry);
	return (const JsonbContainer *) rc_stored_read(stored, 0, size);
}

/* Find the bytes of the memory; NULL where there is none. */
static const char *
FindBytes(RcStored *stored, Size *length)
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
	bytes = rc_stored_read(stored, begin, end);
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
	RcStored	stored;
	Jsonb	   *memory = NULL;
	const char *bytes;
	Size		length;

	rc_stored_open(&stored, context);
	bytes = FindBytes(&stored, &length);
	if (bytes != NULL)
	{
		memory = palloc(VARHDRSZ + length);
		SET_VARSIZE(memory, VARHDRSZ + length);
		memcpy(VARDATA(memory), bytes, length);
	}
	rc_stored_close(&stored);
	return memory;
}
