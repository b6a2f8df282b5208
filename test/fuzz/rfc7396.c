/*
 * rfc7396.c
 *	  JSON merge patch as RFC 7396 has it, on plain trees.
 *
 * The oracle: written from section 2 of the RFC alone, as simple as it is there.
 */
#include "server.h"

#include "fuzz.h"

/*
 * Apply a patch to a target (NULL: absent). The RFC's pseudocode, with the
 * target copied where it is changed:
 *
 *	  define MergePatch(Target, Patch):
 *	    if Patch is an Object:
 *	      if Target is not an Object:
 *	        Target = {}
 *	      for each Name/Value pair in Patch:
 *	        if Value is null:
 *	          if Name exists in Target:
 *	            remove the Name/Value pair from Target
 *	        else:
 *	          Target[Name] = MergePatch(Target[Name], Value)
 *	      return Target
 *	    else:
 *	      return Patch
 */
Tree *
fuzz_oracle_merge(Tree *target, Tree *patch)
{
	Tree	   *result;
	int			i;

	check_stack_depth();
	if (patch->kind != TREE_OBJECT)
		return patch;
	result = fuzz_is(target, TREE_OBJECT) ? fuzz_shallow_copy(target) : fuzz_tree(TREE_OBJECT);
	for (i = 0; i < patch->count; i++)
	{
		const Member *member = &patch->members[i];
		int			index = fuzz_find(result, member->key, member->key_length);
		Tree	   *old = index < 0 ? NULL : result->members[index].value;

		if (member->value->kind != TREE_NULL)
			fuzz_add(result, member->key, member->key_length, fuzz_oracle_merge(old, member->value));
		else if (index >= 0)
			fuzz_remove(result, index, 1);
	}
	return result;
}

/* Return the patch that makes the target where there was nothing; NULL where there is none. */
static Tree *
FromNothing(Tree *target)
{
	int			i;

	check_stack_depth();
	if (target->kind != TREE_OBJECT)
		return target;
	for (i = 0; i < target->count; i++)
		if (target->members[i].value->kind == TREE_NULL || FromNothing(target->members[i].value) == NULL)
			return NULL;
	return target;
}

/*
 * Return the smallest patch that makes the target of the source (NULL: absent),
 * both as values; NULL where there is none, because it would have to set a
 * member to null. Every member is looked at by itself: what is equal needs
 * nothing, what is gone a null, and there is one way to make anything else.
 */
Tree *
fuzz_oracle_diff(Tree *source, Tree *target)
{
	Tree	   *result;
	int			i;

	check_stack_depth();
	if (target->kind != TREE_OBJECT || !fuzz_is(source, TREE_OBJECT))
		return FromNothing(target);
	result = fuzz_tree(TREE_OBJECT);
	for (i = 0; i < source->count; i++)
		if (fuzz_find(target, source->members[i].key, source->members[i].key_length) < 0)
			fuzz_add(result, source->members[i].key, source->members[i].key_length, fuzz_tree(TREE_NULL));
	for (i = 0; i < target->count; i++)
	{
		const Member *member = &target->members[i];
		int			index = fuzz_find(source, member->key, member->key_length);
		Tree	   *old = index < 0 ? NULL : source->members[index].value;
		Tree	   *part;

		if (old != NULL && fuzz_equal(old, member->value))
			continue;
		part = member->value->kind == TREE_NULL ? NULL : fuzz_oracle_diff(old, member->value);
		if (part == NULL)
			return NULL;
		fuzz_add(result, member->key, member->key_length, part);
	}
	return result;
}
