/*
 * shrink.c
 *	  Making a failing case small: leave out whatever it fails without.
 */
#include "server.h"

#include "fuzz.h"

/* No more attempts than this; what is left then is small enough. */
#define MOST_ATTEMPTS 5000

/* A case that is being made smaller. */
typedef struct Shrinking
{
	const Property *property;
	Case	   *the_case;
	bool		(*fails) (const Property *, const Case *);
	int			attempts;
	bool		progress;
} Shrinking;

/* Tell whether the case as it is now still fails. */
static bool
StillFails(Shrinking *shrinking)
{
	CHECK_FOR_INTERRUPTS();
	if (shrinking->attempts++ >= MOST_ATTEMPTS ||
		!shrinking->fails(shrinking->property, shrinking->the_case))
		return false;
	shrinking->progress = true;
	return true;
}

/* Leave out runs of members, long ones first. */
static void
DropMembers(Shrinking *shrinking, Tree *container)
{
	int			run;
	int			start;

	for (run = container->count; run > 0; run /= 2)
		for (start = 0; start + run <= container->count;)
		{
			Tree	   *before = fuzz_shallow_copy(container);

			fuzz_remove(container, start, run);
			if (StillFails(shrinking))
				continue;
			*container = *before;
			start += run;
		}
}

/* Make a tree smaller, in its place. */
static void
ShrinkTree(Shrinking *shrinking, Tree *tree)
{
	Tree		before = *tree;
	int			i;

	check_stack_depth();
	DropMembers(shrinking, tree);
	for (i = 0; i < tree->count; i++)
		ShrinkTree(shrinking, tree->members[i].value);
	if (tree->kind != TREE_STRING && tree->kind != TREE_NUMBER)
		return;
	for (; tree->kind == TREE_STRING && tree->length > 0; before = *tree)
	{
		/* cut only where no character is cut in two */
		tree->length = pg_encoding_mbcliplen(PG_UTF8, tree->text, tree->length, tree->length / 2);
		if (!StillFails(shrinking))
			break;
	}
	*tree = before;
	if (tree->kind == TREE_NUMBER && tree->length > 1)
	{
		tree->text = "1";
		tree->length = 1;
		if (!StillFails(shrinking))
			*tree = before;
	}
}

/* Make a failing case smaller. Its trees become its own. */
void
fuzz_shrink(const Property *property, Case *the_case, bool (*fails) (const Property *, const Case *))
{
	Shrinking	shrinking = {property, the_case, fails, 0, true};
	int			i;

	for (i = 0; i < the_case->count; i++)
		the_case->inputs[i] = fuzz_copy(the_case->inputs[i]);
	while (shrinking.progress)
	{
		shrinking.progress = false;
		for (i = property->list ? the_case->count - 1 : -1; i >= 0; i--)
		{
			Case		before = *the_case;

			memmove(&the_case->inputs[i], &the_case->inputs[i + 1], (the_case->count - i - 1) * sizeof(Tree *));
			the_case->count--;
			if (!StillFails(&shrinking))
				*the_case = before;
		}
		for (i = 0; i < the_case->count; i++)
			if (the_case->inputs[i] != NULL)
				ShrinkTree(&shrinking, the_case->inputs[i]);
	}
}
