/*
 * merge_patch.c
 *	  JSON merge patch (RFC 7396, section 2).
 *
 * jsonb keeps the members of an object sorted, so that the place of each member
 * of the patch in the target is found by searching forward only, and what
 * stands between two of these places is copied as it is (draft.c). Objects are
 * gone into only where the patch has one, too. The time is linear in the size of
 * the two documents, and for a small patch most of it is one copy of bytes.
 */
#include "compat.h"

#include "draft.h"
#include "jsonb_tools.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch);

/* Return a draft of the target, {} where it is NULL, with the patch applied. */
RcDraft *
rc_draft_merge(const JsonbContainer *target, const JsonbContainer *patch)
{
	RcDraft    *draft = rc_new_draft();
	RcMembers	t;
	RcMembers	p;
	uint32		copied = 0;		/* members of the target that are dealt with */

	check_stack_depth();
	rc_first_member(&t, target);
	for (rc_first_member(&p, patch); p.valid; rc_next_member(&p))
	{
		JsonbContainer *object = rc_nested_object(&p.value);
		bool		replaces;

		CHECK_FOR_INTERRUPTS();
		rc_seek_member(&t, &p.key);
		replaces = (t.valid && rc_compare_keys(&t.key, &p.key) == 0);
		if (t.index > copied)
			rc_draft_run(draft, target, copied, t.index - copied);
		copied = t.index + replaces;

		if (object != NULL)
			rc_draft_object(draft, &p.key, rc_draft_merge(replaces ? rc_nested_object(&t.value) : NULL,
														  object));
		else if (p.value.type != jbvNull)
			rc_draft_value(draft, &p.key, &p.value);
	}
	if (t.count > copied)
		rc_draft_run(draft, target, copied, t.count - copied);
	return draft;
}

/*
 * Return the target (NULL where absent) with the patch applied. The result may
 * be one of the arguments itself.
 */
Jsonb *
rc_merge_patch(Jsonb *target, Jsonb *patch)
{
	JsonbContainer *target_object = rc_root_object(target);

	if (rc_root_object(patch) == NULL)
		return patch;
	if (target_object != NULL && JB_ROOT_COUNT(patch) == 0)
		return target;
	return rc_write_draft(rc_draft_merge(target_object, &patch->root));
}

/* SQL: jsonb_merge_patch(target jsonb, patch jsonb) -> jsonb */
Datum
rc_sql_jsonb_merge_patch(PG_FUNCTION_ARGS)
{
	Jsonb	   *target = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	Jsonb	   *patch = PG_ARGISNULL(1) ? rc_empty_object() : PG_GETARG_JSONB_P(1);

	PG_RETURN_JSONB_P(rc_merge_patch(target, patch));
}
