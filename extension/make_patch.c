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
#include "jsonb_tools.h"
#include "renderchain.h"

/* An object on the way from the whole document to the present member. */
typedef struct Level
{
	const struct Level *parent; /* NULL for the whole document */
	const JsonbValue *key;		/* its key in the parent */
} Level;

PG_FUNCTION_INFO_V1(rc_sql_jsonb_make_patch);

/* Append the JSON pointer of a level. */
static void
AppendLevel(StringInfo pointer, const Level *level)
{
	check_stack_depth();
	if (level->parent == NULL)
		return;
	AppendLevel(pointer, level->parent);
	rc_append_pointer(pointer, level->key);
}

/*
 * Report a target that no patch can reach, if this one is: if the value, which
 * would have to stand in the patch, is null or has a null member.
 */
static void
CheckExpressible(const Level *level, const JsonbValue *key, const JsonbValue *value)
{
	StringInfoData pointer;

	if (value->type != jbvNull && rc_nested_object(value) == NULL)
		return;
	initStringInfo(&pointer);
	AppendLevel(&pointer, level);
	if (key != NULL)
		rc_append_pointer(&pointer, key);
	if (value->type == jbvNull || rc_find_null_member(rc_nested_object(value), &pointer))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no merge patch can produce the target"),
				 errdetail("The target's member \"%s\" is null, and null in a merge patch means removal.",
						   pointer.data),
				 errhint("Leave the member out of the target.")));
	pfree(pointer.data);
}

/* Return a draft of the patch between two objects; empty where there is no difference. */
static RcDraft *
DraftPatch(const Level *level, const JsonbContainer *source, const JsonbContainer *target)
{
	RcDraft    *draft = rc_new_draft();
	RcMembers	s;
	RcMembers	t;
	const JsonbValue null_value = {.type = jbvNull};

	check_stack_depth();
	rc_first_member(&s, source);
	rc_first_member(&t, target);
	while (s.valid || t.valid)
	{
		int			order = rc_compare_members(&s, &t);

		CHECK_FOR_INTERRUPTS();
		if (order < 0)
			rc_draft_value(draft, &s.key, &null_value);
		else if (order == 0 && rc_nested_object(&s.value) != NULL &&
				 rc_nested_object(&t.value) != NULL)
		{
			Level		nested = {.parent = level, .key = &t.key};
			RcDraft    *patch = DraftPatch(&nested, rc_nested_object(&s.value),
										   rc_nested_object(&t.value));

			/* objects without a difference leave no trace */
			if (rc_draft_is_empty(patch))
				rc_free_draft(patch);
			else
				rc_draft_object(draft, &t.key, patch);
		}
		else if (order > 0 || !rc_values_equal(&s.value, &t.value))
		{
			CheckExpressible(level, &t.key, &t.value);
			rc_draft_value(draft, &t.key, &t.value);
		}
		if (order <= 0)
			rc_next_member(&s);
		if (order >= 0)
			rc_next_member(&t);
	}
	return draft;
}

/* SQL: jsonb_make_patch(source jsonb, target jsonb) -> jsonb */
Datum
rc_sql_jsonb_make_patch(PG_FUNCTION_ARGS)
{
	const Level top = {0};
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
		CheckExpressible(&top, NULL, &value);
		PG_RETURN_JSONB_P(target);
	}
	PG_RETURN_JSONB_P(rc_write_draft(DraftPatch(&top, &source->root, &target->root)));
}
