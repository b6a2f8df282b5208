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
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_jsonb_merge_patch);

/* An object that is being merged, and those that it is in. */
typedef struct Level
{
	struct Level *parent;
	RcDraft    *draft;
	RcMembers	target;
	RcMembers	patch;			/* the current member is not dealt with */
	uint32		copied;			/* members of the target that are dealt with */
} Level;

/* Begin to merge two objects; a target that is NULL stands for {}. */
static Level *
EnterObject(Level *parent, const JsonbContainer *target, const JsonbContainer *patch)
{
	Level	   *level = palloc(sizeof(Level));

	level->parent = parent;
	level->draft = rc_new_draft();
	rc_first_member(&level->target, target);
	rc_first_member(&level->patch, patch);
	level->copied = 0;
	return level;
}

/*
 * Finish a merged object: make it a member of the one that it is in. Return that
 * one, NULL where it is the whole document.
 */
static Level *
LeaveObject(Level *level)
{
	Level	   *parent = level->parent;

	rc_draft_rest(level->draft, &level->target, level->copied);
	if (parent != NULL)
	{
		rc_draft_object(parent->draft, &parent->patch.key, level->draft);
		rc_next_member(&parent->patch);
	}
	pfree(level);
	return parent;
}

/*
 * Return a draft of the target, {} where it is NULL, with the patch applied. Not
 * by recursion: nested deeper than the stack is what the server can still build.
 */
RcDraft *
rc_draft_merge(const JsonbContainer *target, const JsonbContainer *patch)
{
	Level	   *level = EnterObject(NULL, target, patch);
	RcDraft    *whole = level->draft;

	while (level != NULL)
	{
		RcMembers  *p = &level->patch;
		JsonbContainer *object = p->valid ? rc_nested_object(&p->value) : NULL;
		bool		replaces;

		CHECK_FOR_INTERRUPTS();
		if (!p->valid)
		{
			level = LeaveObject(level);
			continue;
		}
		replaces = rc_draft_until(level->draft, &level->target, &level->copied, &p->key);
		if (object != NULL)
		{
			level = EnterObject(level, replaces ? rc_nested_object(&level->target.value) : NULL, object);
			continue;
		}
		if (p->value.type != jbvNull)
			rc_draft_value(level->draft, &p->key, &p->value);
		rc_next_member(p);
	}
	return whole;
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
