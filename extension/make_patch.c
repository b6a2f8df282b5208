/*
 * make_patch.c
 *	  The smallest merge patch that turns one document into another.
 *
 * Between two objects a patch holds: null for every member that only the source
 * has; the value for every member that only the target has, or has differently;
 * for members that are objects on both sides, the patch between these. There is
 * no other patch with fewer members. Equality is that of jsonb's = operator, so
 * that 1 becomes no patch for 1.0.
 *
 * A null member of the target cannot be expressed, because null in a patch means
 * removal (RFC 7396, section 1): an error, unless the source has the same null
 * member, which then needs no patch. Null as the whole document, or inside an
 * array, is a value like others.
 */
#include "compat.h"

#include "draft.h"
#include "renderchain.h"

/* Two objects that are being compared, and those that they are in. */
typedef struct Level
{
	struct Level *parent;
	RcDraft    *draft;			/* of the patch between them */
	RcMembers	source;
	RcMembers	target;
} Level;

PG_FUNCTION_INFO_V1(rc_sql_jsonb_make_patch);

/* Append the JSON pointer of the target's member that is compared in a level. */
static void
AppendPointer(StringInfo pointer, const Level *level)
{
	List	   *keys = NIL;
	ListCell   *cell;

	for (; level != NULL; level = level->parent)
		keys = lappend(keys, unconstify(JsonbValue *, &level->target.key));
	for (cell = list_tail(keys); cell != NULL; cell = cell == list_head(keys) ? NULL : cell - 1)
		rc_append_pointer(pointer, lfirst(cell));
	list_free(keys);
}

/*
 * Report a target that no patch can reach, if this one is: if the value, which
 * would have to stand in the patch, is null or has a null member. It is that of
 * the level's present member, or the whole target where level is NULL.
 */
static void
CheckExpressible(const Level *level, const JsonbValue *value)
{
	StringInfoData pointer;

	if (value->type != jbvNull && rc_nested_object(value) == NULL)
		return;
	initStringInfo(&pointer);
	AppendPointer(&pointer, level);
	if (value->type == jbvNull || rc_find_null_member(rc_nested_object(value), &pointer))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no merge patch can produce the target"),
				 errdetail("The target's member \"%s\" is null, and null in a merge patch means removal.",
						   pointer.data),
				 errhint("Leave the member out of the target.")));
	pfree(pointer.data);
}

/* Begin to compare two objects. */
static Level *
EnterObjects(Level *parent, const JsonbContainer *source, const JsonbContainer *target)
{
	Level	   *level = palloc(sizeof(Level));

	level->parent = parent;
	level->draft = rc_new_draft();
	rc_first_member(&level->source, source);
	rc_first_member(&level->target, target);
	return level;
}

/*
 * Finish two objects: where they differ, make the patch between them a member of
 * the one between those that they are in. Return these, NULL where there are none.
 */
static Level *
LeaveObjects(Level *level)
{
	Level	   *parent = level->parent;

	if (parent != NULL)
	{
		/* objects without a difference leave no trace */
		if (rc_draft_is_empty(level->draft))
			rc_free_draft(level->draft);
		else
			rc_draft_object(parent->draft, &parent->target.key, level->draft);
		rc_next_member(&parent->source);
		rc_next_member(&parent->target);
	}
	pfree(level);
	return parent;
}

/*
 * Return a draft of the patch between two objects; empty where there is no
 * difference. Not by recursion: nested deeper than the stack is what the server
 * can still build.
 */
static RcDraft *
DraftPatch(const JsonbContainer *source, const JsonbContainer *target)
{
	const JsonbValue null_value = {.type = jbvNull};
	Level	   *level = EnterObjects(NULL, source, target);
	RcDraft    *whole = level->draft;

	while (level != NULL)
	{
		RcMembers  *s = &level->source;
		RcMembers  *t = &level->target;
		int			order;

		CHECK_FOR_INTERRUPTS();
		if (!s->valid && !t->valid)
		{
			level = LeaveObjects(level);
			continue;
		}
		order = rc_compare_members(s, t);
		if (order < 0)
			rc_draft_value(level->draft, &s->key, &null_value);
		else if (order == 0 && rc_nested_object(&s->value) != NULL && rc_nested_object(&t->value) != NULL)
		{
			level = EnterObjects(level, rc_nested_object(&s->value), rc_nested_object(&t->value));
			continue;
		}
		else if (order > 0 || !rc_values_equal(&s->value, &t->value))
		{
			CheckExpressible(level, &t->value);
			rc_draft_value(level->draft, &t->key, &t->value);
		}
		if (order <= 0)
			rc_next_member(s);
		if (order >= 0)
			rc_next_member(t);
	}
	return whole;
}

/* SQL: jsonb_make_patch(source jsonb, target jsonb) -> jsonb */
Datum
rc_sql_jsonb_make_patch(PG_FUNCTION_ARGS)
{
	Jsonb	   *source = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	Jsonb	   *target;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	target = PG_GETARG_JSONB_P(1);
	if (rc_root_object(target) == NULL)
		PG_RETURN_JSONB_P(target);
	if (rc_root_object(source) == NULL)
	{
		JsonbValue	value;

		rc_wrap_document(target, &value);
		CheckExpressible(NULL, &value);
		PG_RETURN_JSONB_P(target);
	}
	PG_RETURN_JSONB_P(rc_write_draft(DraftPatch(&source->root, &target->root)));
}
