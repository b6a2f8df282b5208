/*
 * merge_patch.c
 *	  JSON merge patch (RFC 7396, section 2).
 *
 * jsonb keeps the members of an object sorted, so that an object and its patch
 * are merged in one walk over both, recursing only where both have an object;
 * the time is linear in the size of the two documents.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "renderchain.h"

static void MergeObject(RcJsonbBuilder *builder, JsonbContainer *target, JsonbContainer *patch);

PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch);

/* Push what a member of the patch makes of the target's (NULL where it has none). */
static void
MergeMember(RcJsonbBuilder *builder, const JsonbValue *old, JsonbValue *key, JsonbValue *patch)
{
	if (patch->type == jbvNull)
		return;
	rc_push(builder, WJB_KEY, key);
	if (rc_nested_object(patch) != NULL)
		MergeObject(builder, rc_nested_object(old), rc_nested_object(patch));
	else
		rc_push(builder, WJB_VALUE, patch);
}

/* Push the target object, {} where it is NULL, with the patch applied. */
static void
MergeObject(RcJsonbBuilder *builder, JsonbContainer *target, JsonbContainer *patch)
{
	RcMembers	t;
	RcMembers	p;

	check_stack_depth();
	rc_push(builder, WJB_BEGIN_OBJECT, NULL);
	rc_first_member(&t, target);
	rc_first_member(&p, patch);
	while (t.valid || p.valid)
	{
		int			order = rc_compare_members(&t, &p);

		CHECK_FOR_INTERRUPTS();
		if (order < 0)
		{
			rc_push(builder, WJB_KEY, &t.key);
			rc_push(builder, WJB_VALUE, &t.value);
		}
		else
			MergeMember(builder, order == 0 ? &t.value : NULL, &p.key, &p.value);
		if (order <= 0)
			rc_next_member(&t);
		if (order >= 0)
			rc_next_member(&p);
	}
	rc_push(builder, WJB_END_OBJECT, NULL);
}

/*
 * Return the target (NULL where absent) with the patch applied. The result may
 * be one of the arguments itself.
 */
Jsonb *
rc_merge_patch(Jsonb *target, Jsonb *patch)
{
	RcJsonbBuilder builder = {0};
	JsonbContainer *target_object = rc_root_object(target);

	if (rc_root_object(patch) == NULL)
		return patch;
	if (target_object != NULL && JB_ROOT_COUNT(patch) == 0)
		return target;
	MergeObject(&builder, target_object, &patch->root);
	return rc_built(&builder);
}

/* SQL: jsonb_merge_patch(target jsonb, patch jsonb) -> jsonb */
Datum
rc_sql_jsonb_merge_patch(PG_FUNCTION_ARGS)
{
	Jsonb	   *target = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	Jsonb	   *patch = PG_ARGISNULL(1) ? rc_empty_object() : PG_GETARG_JSONB_P(1);

	PG_RETURN_JSONB_P(rc_merge_patch(target, patch));
}
