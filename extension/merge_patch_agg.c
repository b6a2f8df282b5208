/*
 * merge_patch_agg.c
 *	  The aggregate jsonb_merge_patch_agg: many merge patches, one after the other.
 *
 * Applying each patch as it comes would rebuild the document for every row, and
 * take time that grows with the square of the number of rows. So patches are
 * kept until they are as large as the document, and then applied all at once:
 * the members of all of them are sorted by key, equal keys by order of arrival,
 * and merged with the document in one go (draft.c). Every byte is then moved a
 * constant number of times on average, sorting apart.
 */
#include "compat.h"

#include "draft.h"
#include "jsonb_tools.h"
#include "renderchain.h"

/* So many bytes of patches are kept at least. */
#define LEAST_KEPT (64 * 1024)

/* State of the aggregate; it and all it points to are in its own memory context. */
typedef struct State
{
	MemoryContext context;
	Jsonb	   *document;		/* what is applied so far, NULL before the first */
	Jsonb	  **patches;		/* to be applied, in order */
	int			count;
	int			capacity;
	Size		bytes;			/* size of the patches */
} State;

/* A member of one of several patches. */
typedef struct Member
{
	JsonbValue	key;
	JsonbValue	value;
	int			order;			/* position among all members of all patches */
} Member;

static RcDraft *MergeObjects(const JsonbContainer *target, JsonbContainer **patches, int count);

PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch_step);
PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch_final);

/* Order members by key, those of one key by arrival. */
static int
CompareMembers(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;
	int			order = rc_compare_keys(&x->key, &y->key);

	if (order != 0)
		return order;
	return x->order < y->order ? -1 : 1;
}

/* Return the members of all patches, sorted. */
static Member *
SortMembers(JsonbContainer **patches, int patch_count, int *count)
{
	Size		total = 0;
	Member	   *result;
	int			i;

	for (i = 0; i < patch_count; i++)
		total += JsonContainerSize(patches[i]);
	/* their documents are far smaller than INT_MAX together, see AddPatch */
	result = palloc_extended((total + 1) * sizeof(Member), MCXT_ALLOC_HUGE);
	*count = 0;
	for (i = 0; i < patch_count; i++)
	{
		RcMembers	members;

		for (rc_first_member(&members, patches[i]); members.valid; rc_next_member(&members))
		{
			result[*count].key = members.key;
			result[*count].value = members.value;
			result[*count].order = *count;
			(*count)++;
		}
	}
	qsort(result, *count, sizeof(Member), CompareMembers);
	return result;
}

/*
 * Add what the members of one key make of the target's value (NULL where it has
 * none). The last value that is no object counts, and the objects after it.
 */
static void
MergeGroup(RcDraft *draft, const JsonbValue *old, Member *group, int count)
{
	JsonbContainer **objects = palloc(count * sizeof(JsonbContainer *));
	const JsonbValue *base = old;
	int			object_count = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		JsonbContainer *object = rc_nested_object(&group[i].value);

		if (object != NULL)
			objects[object_count++] = object;
		else
		{
			base = &group[i].value;
			object_count = 0;
		}
	}
	if (object_count > 0)
		rc_draft_object(draft, &group[0].key, MergeObjects(rc_nested_object(base), objects, object_count));
	else if (base->type != jbvNull)
		rc_draft_value(draft, &group[0].key, base);
	pfree(objects);
}

/* Return a draft of the target, {} where it is NULL, with all patches applied in order. */
static RcDraft *
MergeObjects(const JsonbContainer *target, JsonbContainer **patches, int count)
{
	RcDraft    *draft = rc_new_draft();
	RcMembers	t;
	uint32		copied = 0;		/* members of the target that are dealt with */
	int			member_count;
	Member	   *members;
	int			next;
	int			i;

	check_stack_depth();
	members = SortMembers(patches, count, &member_count);
	rc_first_member(&t, target);
	for (i = 0; i < member_count; i = next)
	{
		bool		replaces;

		CHECK_FOR_INTERRUPTS();
		for (next = i + 1; next < member_count; next++)
			if (rc_compare_keys(&members[i].key, &members[next].key) != 0)
				break;
		rc_seek_member(&t, &members[i].key);
		replaces = (t.valid && rc_compare_keys(&t.key, &members[i].key) == 0);
		if (t.index > copied)
			rc_draft_run(draft, target, copied, t.index - copied);
		copied = t.index + replaces;
		MergeGroup(draft, replaces ? &t.value : NULL, &members[i], next - i);
	}
	if (t.count > copied)
		rc_draft_run(draft, target, copied, t.count - copied);
	pfree(members);
	return draft;
}

/*
 * Return the document with the kept patches applied. The result is new, or one
 * of those in the state.
 */
static Jsonb *
ApplyPatches(State *state)
{
	JsonbContainer **objects;
	Jsonb	   *base = state->document;
	int			object_count = 0;
	int			i;

	objects = palloc((state->count + 1) * sizeof(JsonbContainer *));
	for (i = 0; i < state->count; i++)
	{
		if (rc_root_object(state->patches[i]) != NULL)
			objects[object_count++] = &state->patches[i]->root;
		else
		{
			base = state->patches[i];
			object_count = 0;
		}
	}
	if (object_count > 0)
		base = rc_write_draft(MergeObjects(rc_root_object(base), objects, object_count));
	pfree(objects);
	return base;
}

/* Return a copy of a document in the memory context of the state. */
static Jsonb *
KeepCopy(State *state, Datum document)
{
	MemoryContext old_context = MemoryContextSwitchTo(state->context);
	Jsonb	   *copy = DatumGetJsonbPCopy(document);

	MemoryContextSwitchTo(old_context);
	return copy;
}

/* Replace the document and the kept patches by the outcome. */
static void
Collapse(State *state)
{
	Jsonb	   *outcome = KeepCopy(state, JsonbPGetDatum(ApplyPatches(state)));
	int			i;

	if (state->document != NULL)
		pfree(state->document);
	for (i = 0; i < state->count; i++)
		pfree(state->patches[i]);
	state->document = outcome;
	state->count = 0;
	state->bytes = 0;
}

/* Begin with an absent document. */
static State *
NewState(MemoryContext context)
{
	State	   *state = MemoryContextAllocZero(context, sizeof(State));

	state->context = context;
	state->capacity = 16;
	state->patches = MemoryContextAlloc(context, state->capacity * sizeof(Jsonb *));
	return state;
}

/* Keep a copy of a patch; apply what is kept when it has become large. */
static void
AddPatch(State *state, Datum patch)
{
	if (state->count == state->capacity)
	{
		state->capacity *= 2;
		state->patches = repalloc(state->patches, state->capacity * sizeof(Jsonb *));
	}
	state->patches[state->count] = KeepCopy(state, patch);
	state->bytes += VARSIZE(state->patches[state->count++]);
	if (state->bytes > LEAST_KEPT &&
		(state->document == NULL || state->bytes > VARSIZE(state->document)))
		Collapse(state);
}

/* SQL: transition function of jsonb_merge_patch_agg(jsonb); skips NULLs */
Datum
rc_sql_jsonb_merge_patch_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	State	   *state = PG_ARGISNULL(0) ? NULL : (State *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "jsonb_merge_patch_step called in non-aggregate context");
	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
			state = NewState(context);
		AddPatch(state, PG_GETARG_DATUM(1));
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * SQL: final function of jsonb_merge_patch_agg(jsonb). Leaves the state as it
 * is, because a window function goes on with it.
 */
Datum
rc_sql_jsonb_merge_patch_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(ApplyPatches((State *) PG_GETARG_POINTER(0)));
}
