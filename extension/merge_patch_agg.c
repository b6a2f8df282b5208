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

/* An object that several patches are applied to, and those that it is in. */
typedef struct Level
{
	struct Level *parent;
	RcDraft    *draft;
	RcMembers	target;
	uint32		copied;			/* members of the target that are dealt with */
	Member	   *members;		/* of all patches, sorted */
	int			count;
	int			group;			/* the first member of the present key */
	int			next_group;		/* the first one after these */
} Level;

PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch_step);
PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch_final);

/* Order members by key, those of one key by arrival. */
static int
CompareMembers(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;
	int			order = rc_compare_keys(&x->key, &y->key);

	CHECK_FOR_INTERRUPTS();
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
			CHECK_FOR_INTERRUPTS();
			result[*count].key = members.key;
			result[*count].value = members.value;
			result[*count].order = *count;
			(*count)++;
		}
	}
	qsort(result, *count, sizeof(Member), CompareMembers);
	return result;
}

/* Begin to apply patches to an object; a target that is NULL stands for {}. */
static Level *
EnterObject(Level *parent, const JsonbContainer *target, JsonbContainer **patches, int count)
{
	Level	   *level = palloc(sizeof(Level));

	level->parent = parent;
	level->draft = rc_new_draft();
	rc_first_member(&level->target, target);
	level->copied = 0;
	level->members = SortMembers(patches, count, &level->count);
	level->group = level->next_group = 0;
	return level;
}

/*
 * Finish an object: make it a member of the one that it is in. Return that one,
 * NULL where it is the whole document.
 */
static Level *
LeaveObject(Level *level)
{
	Level	   *parent = level->parent;

	rc_draft_rest(level->draft, &level->target, level->copied);
	if (parent != NULL)
		rc_draft_object(parent->draft, &parent->members[parent->group].key, level->draft);
	pfree(level->members);
	pfree(level);
	return parent;
}

/*
 * Add what the members of the next key make of the target's value: the last value
 * that is no object counts, and the objects after it. Where there are such
 * objects, return the level on which they are merged.
 */
static Level *
MergeGroup(Level *level)
{
	Member	   *group = &level->members[level->next_group];
	JsonbContainer **objects;
	const JsonbValue *base;
	int			object_count = 0;
	int			next;
	int			i;

	level->group = level->next_group;
	for (next = level->group + 1; next < level->count; next++)
		if (rc_compare_keys(&group->key, &level->members[next].key) != 0)
			break;
	level->next_group = next;
	base = rc_draft_until(level->draft, &level->target, &level->copied, &group->key) ?
		&level->target.value : NULL;

	objects = palloc((next - level->group) * sizeof(JsonbContainer *));
	for (i = 0; i < next - level->group; i++)
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
		level = EnterObject(level, rc_nested_object(base), objects, object_count);
	else if (base->type != jbvNull)
		rc_draft_value(level->draft, &group->key, base);
	pfree(objects);
	return level;
}

/*
 * Return a draft of the target, {} where it is NULL, with all patches applied in
 * order. Not by recursion: nested deeper than the stack is what the server can
 * still build.
 */
static RcDraft *
MergeObjects(const JsonbContainer *target, JsonbContainer **patches, int count)
{
	Level	   *level = EnterObject(NULL, target, patches, count);
	RcDraft    *whole = level->draft;

	while (level != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		level = level->next_group < level->count ? MergeGroup(level) : LeaveObject(level);
	}
	return whole;
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
