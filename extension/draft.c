/*
 * draft.c
 *	  Objects that are put together from pieces of others and written at once.
 *
 * The functions of the server take a document apart value by value and build
 * another one from the values. But what stands between two changes can be copied
 * as it is. In jsonb (src/include/utils/jsonb.h) an object is
 *
 *	  header | entries of the keys | entries of the values | keys | values
 *
 * with one entry of four bytes for each key and value, which says the type and
 * the length; every 32nd entry says the offset of its end instead. Keys and
 * strings follow each other without gaps, numbers and nested containers start at
 * a multiple of four, and the gap before them counts in their length. So of
 * neighbouring members that are taken over
 * - the keys are one copy of bytes;
 * - the values are one copy, too, unless the first number or container among
 *   them gets another gap than it had: then two, since everything after it has
 *   moved by a multiple of four;
 * - only the entries are gone through one by one, since where the 32nd are has
 *   changed.
 * A nested object that changes is a draft itself. The outcome is, byte for byte,
 * what the server would have built for the same value.
 *
 * Every piece knows the most bytes that it can take when it is added, so that
 * the document is allocated once and written without looking at its size.
 */
#include "compat.h"

#include "draft.h"

/* As in src/backend/utils/adt/jsonb_util.c, which keeps it to itself. */
#define MOST_PAIRS (Min(MaxAllocSize / sizeof(JsonbPair), JB_CMASK))

/* The most bytes that alignment can add. */
#define MOST_GAP (ALIGNOF_INT - 1)

#define FIRST_CAPACITY 8

/* Members that are next to each other: a run of another object's, or a single one. */
typedef struct Piece
{
	/* a run: count members of the source from the first on; NULL for a single one */
	const JsonbContainer *source;
	uint32		first;
	uint32		count;

	/* a single one: its key, and either an object or the bytes of a value */
	uint32		key_length;
	const char *key;
	RcDraft    *object;
	const char *data;
	uint32		length;
	JEntry		type;			/* of JENTRY_TYPEMASK */
} Piece;

/* Where the next member's entry and bytes go, in an object that is being written. */
typedef struct Place
{
	JEntry	   *entries;
	uint32		index;			/* of the next entry */
	Size		end;			/* of the bytes so far, counted from the first key */
	char	   *at;				/* the next byte; aligned as its offset from the first key is */
} Place;

struct RcDraft
{
	Piece	   *pieces;
	uint32		piece_count;
	uint32		capacity;
	uint64		members;
	Size		most_bytes;		/* of the container, its alignment included */

	/* while it is written */
	Place		place;
	uint32		next_piece;		/* whose value is written next */
	RcDraft    *parent;			/* the draft that it is a member of */
};

/* Begin an object without members. */
RcDraft *
rc_new_draft(void)
{
	RcDraft    *draft = palloc0(sizeof(RcDraft));

	draft->capacity = FIRST_CAPACITY;
	draft->pieces = palloc(draft->capacity * sizeof(Piece));
	draft->most_bytes = MOST_GAP + offsetof(JsonbContainer, children);
	return draft;
}

/* Free a draft, but for the drafts in it. */
void
rc_free_draft(RcDraft *draft)
{
	pfree(draft->pieces);
	pfree(draft);
}

/* Tell whether an object has no members so far. */
bool
rc_draft_is_empty(const RcDraft *draft)
{
	return draft->members == 0;
}

/* Add a piece, zeroed, of so many members and at most so many bytes besides entries. */
static Piece *
AddPiece(RcDraft *draft, uint32 members, Size bytes)
{
	Piece	   *piece;

	if (draft->piece_count == draft->capacity)
	{
		draft->capacity *= 2;
		draft->pieces = repalloc_huge(draft->pieces, (Size) draft->capacity * sizeof(Piece));
	}
	piece = &draft->pieces[draft->piece_count++];
	memset(piece, 0, sizeof(Piece));
	draft->members += members;
	draft->most_bytes += bytes + (Size) members * 2 * sizeof(JEntry) + MOST_GAP;
	return piece;
}

/* Add members of another object, its keys and values as they are. */
void
rc_draft_run(RcDraft *draft, const JsonbContainer *source, uint32 first, uint32 count)
{
	uint32		values;
	Piece	   *piece;

	if (count == 0)
		return;
	values = JsonContainerSize(source) + first;
	piece = AddPiece(draft, count,
					 (Size) (getJsonbOffset(source, first + count) - getJsonbOffset(source, first)) +
					 (getJsonbOffset(source, values + count) - getJsonbOffset(source, values)));
	piece->source = source;
	piece->first = first;
	piece->count = count;
}

/* Add a member. */
void
rc_draft_value(RcDraft *draft, const JsonbValue *key, const JsonbValue *value)
{
	JEntry		type = JENTRY_ISNULL;
	const char *data = NULL;
	Size		length = 0;
	Piece	   *piece;

	switch (value->type)
	{
		case jbvNull:
			break;
		case jbvBool:
			type = value->val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
			break;
		case jbvString:
			type = JENTRY_ISSTRING;
			data = value->val.string.val;
			length = value->val.string.len;
			break;
		case jbvNumeric:
			type = JENTRY_ISNUMERIC;
			data = (const char *) value->val.numeric;
			length = VARSIZE_ANY(data);
			break;
		case jbvBinary:
			type = JENTRY_ISCONTAINER;
			data = (const char *) value->val.binary.data;
			length = value->val.binary.len;
			break;
		default:
			elog(ERROR, "unexpected jsonb value type: %d", (int) value->type);
	}
	piece = AddPiece(draft, 1, key->val.string.len + length);
	piece->key = key->val.string.val;
	piece->key_length = key->val.string.len;
	piece->type = type;
	piece->data = data;
	piece->length = length;
}

/* Add a member that is an object, which gets no more members. */
void
rc_draft_object(RcDraft *draft, const JsonbValue *key, RcDraft *object)
{
	Piece	   *piece = AddPiece(draft, 1, key->val.string.len + object->most_bytes);

	piece->key = key->val.string.val;
	piece->key_length = key->val.string.len;
	piece->type = JENTRY_ISCONTAINER;
	piece->object = object;
}

/*
 * Take over the members of an object with keys lower than a key, from the one
 * that is numbered copied on; true where the object has that key itself. It is
 * then the walk's current member and counts as copied, so that it is left out.
 */
bool
rc_draft_until(RcDraft *draft, RcMembers *object, uint32 *copied, const JsonbValue *key)
{
	bool		has_key;

	rc_seek_member(object, key);
	has_key = (object->valid && rc_compare_keys(&object->key, key) == 0);
	rc_draft_run(draft, object->object, *copied, object->index - *copied);
	*copied = object->index + has_key;
	return has_key;
}

/* Take over all members of an object from the one that is numbered copied on. */
void
rc_draft_rest(RcDraft *draft, RcMembers *object, uint32 copied)
{
	rc_draft_run(draft, object->object, copied, object->count - copied);
}

/* Write the entry of a key or value of that many bytes, the gap before it included. */
static inline void
WriteEntry(Place *place, JEntry type, Size length)
{
	place->end += length;
	if (place->index % JB_OFFSET_STRIDE == 0)
		place->entries[place->index] = type | (JEntry) (place->end & JENTRY_OFFLENMASK) | JENTRY_HAS_OFF;
	else
		place->entries[place->index] = type | (JEntry) (length & JENTRY_OFFLENMASK);
	place->index++;
}

/* Report an object that has become too large, as convertJsonbObject() does. */
static void
CheckSize(const Place *place)
{
	if (place->end > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb object elements exceeds the maximum of %d bytes",
						JENTRY_OFFLENMASK)));
}

/* Copy bytes. */
static inline void
WriteBytes(Place *place, const char *bytes, Size length)
{
	if (length == 0)
		return;
	memcpy(place->at, bytes, length);
	place->at += length;
}

/* Write the gap before a number or container; return its length. */
static inline Size
WriteGap(char **at)
{
	char	   *aligned = (char *) INTALIGN(*at);
	Size		length = aligned - *at;

	memset(*at, 0, length);
	*at = aligned;
	return length;
}

/*
 * Write entries of the source, from first on. The offset is that of the first
 * one's bytes; the entry called resized gets so many bytes more.
 */
static void
WriteEntries(Place *place, const JsonbContainer *source, uint32 first, uint32 count,
			 uint32 offset, uint32 resized, int more)
{
	uint32		i;

	for (i = first; i < first + count; i++)
	{
		JEntry		entry = source->children[i];
		uint32		length = JBE_OFFLENFLD(entry);

		if (JBE_HAS_OFF(entry))
			length -= offset;
		offset += length;
		WriteEntry(place, entry & JENTRY_TYPEMASK, i == resized ? (Size) length + more : length);
	}
}

/* Write the keys of a run. */
static void
WriteRunKeys(Place *place, const Piece *run)
{
	const JsonbContainer *source = run->source;
	const char *bytes = (const char *) &source->children[JsonContainerSize(source) * 2];
	uint32		begin = getJsonbOffset(source, run->first);
	uint32		end = getJsonbOffset(source, run->first + run->count);

	WriteBytes(place, bytes + begin, end - begin);
	WriteEntries(place, source, run->first, run->count, begin, PG_UINT32_MAX, 0);
}

/* Write the values of a run. */
static void
WriteRunValues(Place *place, const Piece *run)
{
	const JsonbContainer *source = run->source;
	const char *bytes = (const char *) &source->children[JsonContainerSize(source) * 2];
	uint32		first = JsonContainerSize(source) + run->first;
	uint32		begin = getJsonbOffset(source, first);
	uint32		end = getJsonbOffset(source, first + run->count);
	uint32		aligned = first;
	uint32		middle = begin;
	Size		old_gap;
	Size		new_gap;

	/* what comes before the first value that is aligned */
	for (; aligned < first + run->count; aligned++)
	{
		JEntry		entry = source->children[aligned];

		if (JBE_ISNUMERIC(entry) || JBE_ISCONTAINER(entry))
			break;
		middle = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : middle + JBE_OFFLENFLD(entry);
	}
	WriteBytes(place, bytes + begin, middle - begin);
	if (aligned == first + run->count)
	{
		WriteEntries(place, source, first, run->count, begin, PG_UINT32_MAX, 0);
		return;
	}

	/* that one with its new gap, and all after it */
	old_gap = INTALIGN(middle) - middle;
	new_gap = WriteGap(&place->at);
	WriteBytes(place, bytes + middle + old_gap, end - middle - old_gap);
	WriteEntries(place, source, first, run->count, begin, aligned, (int) new_gap - (int) old_gap);
}

/* Write the value of a single member, which is not an object. */
static void
WriteSingleValue(Place *place, const Piece *piece)
{
	char	   *begin = place->at;

	if (piece->type == JENTRY_ISNUMERIC || piece->type == JENTRY_ISCONTAINER)
		(void) WriteGap(&place->at);
	WriteBytes(place, piece->data, piece->length);
	WriteEntry(place, piece->type, place->at - begin);
}

/* Write the header and the keys of an object at the next multiple of four. */
static void
BeginObject(RcDraft *draft, char *at)
{
	JsonbContainer *container;
	Place	   *place = &draft->place;
	uint32		i;

	if (draft->members > MOST_PAIRS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("number of jsonb object pairs exceeds the maximum allowed (%zu)",
						(Size) MOST_PAIRS)));
	(void) WriteGap(&at);
	container = (JsonbContainer *) at;
	container->header = (uint32) draft->members | JB_FOBJECT;
	memset(place, 0, sizeof(Place));
	place->entries = container->children;
	place->at = (char *) &container->children[draft->members * 2];
	draft->next_piece = 0;
	for (i = 0; i < draft->piece_count; i++)
	{
		const Piece *piece = &draft->pieces[i];

		CHECK_FOR_INTERRUPTS();
		if (piece->source != NULL)
			WriteRunKeys(place, piece);
		else
		{
			WriteBytes(place, piece->key, piece->key_length);
			WriteEntry(place, JENTRY_ISSTRING, piece->key_length);
		}
	}
}

/* Make an object that has been written whole the value of its member. */
static void
EndObject(const RcDraft *draft)
{
	Place	   *outer = &draft->parent->place;
	char	   *begin = outer->at;

	outer->at = draft->place.at;
	WriteEntry(outer, JENTRY_ISCONTAINER, outer->at - begin);
}

/*
 * Write a draft and those in it; return where it ends. Not by recursion: nested
 * deeper than the stack is what the server can still build.
 */
static char *
WriteObjects(RcDraft *draft, char *at)
{
	RcDraft    *current = draft;

	draft->parent = NULL;
	BeginObject(draft, at);
	for (;;)
	{
		const Piece *piece;

		CHECK_FOR_INTERRUPTS();
		if (current->next_piece == current->piece_count)
		{
			CheckSize(&current->place);
			if (current->parent == NULL)
				return current->place.at;
			EndObject(current);
			current = current->parent;
			continue;
		}
		piece = &current->pieces[current->next_piece++];
		if (piece->object != NULL)
		{
			piece->object->parent = current;
			BeginObject(piece->object, current->place.at);
			current = piece->object;
		}
		else if (piece->source != NULL)
			WriteRunValues(&current->place, piece);
		else
			WriteSingleValue(&current->place, piece);
	}
}

/* Write the document; palloc'd in the current memory context. */
Jsonb *
rc_write_draft(RcDraft *draft)
{
	Jsonb	   *document = palloc_extended(VARHDRSZ + draft->most_bytes, MCXT_ALLOC_HUGE);
	char	   *end = WriteObjects(draft, VARDATA(document));

	Assert((Size) (end - (char *) document) <= VARHDRSZ + draft->most_bytes);
	SET_VARSIZE(document, end - (char *) document);
	return document;
}

/*
 * Return an object (NULL stands for {}) with one member set to a document, all
 * others as they are.
 */
Jsonb *
rc_set_member(const JsonbContainer *object, const char *key, Jsonb *value)
{
	RcDraft    *draft = rc_new_draft();
	RcMembers	members;
	JsonbValue	new_key;
	JsonbValue	new_value;
	uint32		copied = 0;

	rc_string_value(key, &new_key);
	rc_wrap_document(value, &new_value);
	rc_first_member(&members, object);
	(void) rc_draft_until(draft, &members, &copied, &new_key);
	rc_draft_value(draft, &new_key, &new_value);
	rc_draft_rest(draft, &members, copied);
	return rc_write_draft(draft);
}
