/*
 * documents.c
 *	  Random documents, and patches and variations that fit them.
 *
 * Keys come from small pools, so that two documents have many in common. Wide
 * objects have more members than the stride with which jsonb stores offsets
 * (32), chains are nested deeply; both are rare, because they are expensive.
 */
#include "server.h"

#include "fuzz.h"

enum
{
	KEYS_FIXED,					/* a few keys of every kind */
	KEYS_NUMBERED,				/* numbers behind a letter, of all lengths */
	KEYS_PREFIX,				/* one long prefix, cut or varied */
	KEYS_RANDOM,				/* any text */
	KEY_POOLS
};

static Tree *Value(Random *random, Shape *shape, int depth);

/* Return small documents: what most are like. */
Shape
fuzz_small_shape(Random *random)
{
	Shape		shape = {0};

	shape.depth = 1 + fuzz_below(random, 4);
	shape.width = 1 + fuzz_below(random, 6);
	shape.nodes = 12;
	shape.keys = fuzz_chance(random, 50) ? KEYS_FIXED : fuzz_below(random, KEY_POOLS);
	shape.nulls = fuzz_below(random, 40);
	shape.plain_numbers = fuzz_chance(random, 40);
	return shape;
}

/* Return what the documents of a case are like: mostly small, some wide or deep. */
Shape
fuzz_random_shape(Random *random)
{
	Shape		shape = fuzz_small_shape(random);
	int			kind = fuzz_below(random, 10000);

	if (kind < 7000)
		return shape;
	shape.nodes = 50;
	if (kind < 9600)
		shape.width += 4;
	else if (kind < 9850)
	{
		/* anywhere, or at the borders of the stride */
		shape.wide = 20 + fuzz_below(random, 230);
		if (fuzz_chance(random, 50))
			shape.wide = (shape.wide / 32 + 1) * 32 - 1 + fuzz_below(random, 3);
		shape.wide_left = 1 + fuzz_below(random, 3);
	}
	else if (kind < 9985)
		shape.depth = 5 + fuzz_below(random, 80);
	else if (kind < 9993)
	{
		shape.wide = 1000 + fuzz_below(random, 500);
		shape.wide_left = 1;
	}
	else
		shape.depth = 100 + fuzz_below(random, 900);
	return shape;
}

/* Make the key of this number. */
static void
NumberedKey(StringInfo key, int number)
{
	/* of a length that has nothing to do with the order of the numbers */
	int			padding = (number * 7) % 11;

	appendStringInfo(key, "k%d", number);
	while (padding-- > 4)
		appendStringInfoChar(key, '_');
}

/* Make a key from the shape's pool. */
static void
RandomKey(StringInfo key, Random *random, const Shape *shape)
{
	static const char *const fixed[] = {
		"", "a", "b", "c", "aa", "ab", "ba", "abc", "abd", "é", "中", "🏠", "a/b", "a~b", "\"", "\\", "\n",
		"null", "0", "abcdefg", "abcdefgh",
		"a rather long key, longer than most", MEMORY_KEY,
	};
	int			length;
	Tree	   *text;

	switch (shape->keys)
	{
		case KEYS_FIXED:
			appendStringInfoString(key, fixed[fuzz_below(random, lengthof(fixed))]);
			break;
		case KEYS_NUMBERED:
			NumberedKey(key, fuzz_below(random, 30));
			break;
		case KEYS_PREFIX:
			for (length = fuzz_below(random, 20); length > 0; length--)
				appendStringInfoChar(key, 'p');
			if (fuzz_chance(random, 30))
				appendStringInfoChar(key, "oqP"[fuzz_below(random, 3)]);
			break;
		default:
			text = fuzz_random_string(random);
			appendBinaryStringInfo(key, text->text, Min(text->length, 5000));
			/* a character that was cut in two ends the key before it */
			key->len = pg_encoding_mbcliplen(PG_UTF8, key->data, key->len, key->len);
			break;
	}
}

/* Make a value that is no container. */
static Tree *
Scalar(Random *random, const Shape *shape)
{
	if (fuzz_chance(random, shape->nulls))
		return fuzz_tree(TREE_NULL);
	switch (fuzz_below(random, 5))
	{
		case 0:
			return fuzz_tree(fuzz_chance(random, 50) ? TREE_TRUE : TREE_FALSE);
		case 1:
		case 2:
			return shape->plain_numbers ? fuzz_random_integer(random) : fuzz_random_number(random);
		default:
			return fuzz_random_string(random);
	}
}

/* Add members to an object: a wide one's are numbered, with gaps. */
static void
AddMembers(Tree *object, Random *random, Shape *shape, int depth)
{
	StringInfoData key;
	int			count = fuzz_below(random, shape->width + 1);
	int			i;

	initStringInfo(&key);
	if (shape->wide_left > 0)
	{
		shape->wide_left--;
		count = shape->wide;
	}
	for (i = 0; i < count; i++)
	{
		resetStringInfo(&key);
		if (count <= shape->width)
			RandomKey(&key, random, shape);
		else if (fuzz_chance(random, 10))
			continue;
		else
			NumberedKey(&key, i);
		fuzz_add(object, key.data, key.len, Value(random, shape, depth - 1));
	}
}

/* Make a value; where a chain shall become deep, a container that holds one. */
static Tree *
Value(Random *random, Shape *shape, int depth)
{
	int			kind = fuzz_below(random, 100);
	Tree	   *tree;
	int			count;

	check_stack_depth();
	if (depth > 8)
	{
		tree = fuzz_tree(kind < 12 ? TREE_ARRAY : TREE_OBJECT);
		if (kind > 95 || (shape->wide_left > 0 && kind >= 12))
			AddMembers(tree, random, shape, 1);
		fuzz_add(tree, tree->kind == TREE_ARRAY ? NULL : kind < 90 ? "in" : "inner", kind < 90 ? 2 : 5,
				 Value(random, shape, depth - 1));
		return tree;
	}
	if (depth <= 0 || shape->nodes-- <= 0 || kind < 30)
		return Scalar(random, shape);
	if (kind < 45)
	{
		tree = fuzz_tree(TREE_ARRAY);
		count = shape->wide > 0 && fuzz_chance(random, 10) ? shape->wide : fuzz_below(random, shape->width + 1);
		while (count-- > 0)
			fuzz_add(tree, NULL, 0, Value(random, shape, depth - 1));
		return tree;
	}
	tree = fuzz_tree(TREE_OBJECT);
	AddMembers(tree, random, shape, depth);
	return tree;
}

/* Make an object. */
Tree *
fuzz_object(Random *random, Shape *shape)
{
	Tree	   *tree = fuzz_tree(TREE_OBJECT);

	AddMembers(tree, random, shape, shape->depth);
	return tree;
}

/* Make a document: nearly always an object. */
Tree *
fuzz_document(Random *random, Shape *shape)
{
	int			kind = fuzz_below(random, 100);
	Tree	   *tree;
	int			count;

	if (kind < 5)
		return Scalar(random, shape);
	if (shape->depth > 8)
		return Value(random, shape, shape->depth);
	if (kind >= 12)
		return fuzz_object(random, shape);
	tree = fuzz_tree(TREE_ARRAY);
	count = shape->wide > 0 ? shape->wide : fuzz_below(random, shape->width + 1);
	while (count-- > 0)
		fuzz_add(tree, NULL, 0, Value(random, shape, shape->depth - 1));
	return tree;
}

/* Return an equal number that is spelled with one digit more. */
static Tree *
Respelled(const Tree *number)
{
	StringInfoData text;

	if (strpbrk(number->text, "eE") != NULL || number->length > 5000)
		return fuzz_shallow_copy(number);
	initStringInfo(&text);
	appendStringInfo(&text, "%s%s", number->text, strchr(number->text, '.') == NULL ? ".0" : "0");
	return fuzz_text_tree(TREE_NUMBER, text.data, text.len);
}

/* Return an equal document in which about half of the numbers are spelled differently. */
Tree *
fuzz_respelled(Random *random, const Tree *tree)
{
	Tree	   *result;
	int			i;

	check_stack_depth();
	if (tree->kind == TREE_NUMBER && fuzz_chance(random, 50))
		return Respelled(tree);
	result = fuzz_shallow_copy(tree);
	for (i = 0; i < result->count; i++)
		result->members[i].value = fuzz_respelled(random, result->members[i].value);
	return result;
}

/* Make a new value for a member that has this one. */
static Tree *
NewValue(Random *random, Shape *shape, Tree *old)
{
	int			kind = fuzz_below(random, 10);

	if (kind < 2)
		return old;
	if (kind < 5 && old->kind == TREE_NUMBER && !shape->plain_numbers)
		return Respelled(old);
	return Value(random, shape, 2);
}

/* Add a few members of the shape's keys; to a wide object maybe many. */
static void
AddSome(Tree *object, Random *random, Shape *shape)
{
	StringInfoData key;
	int			i;

	if (object->count > 20 && fuzz_chance(random, 30))
	{
		shape->wide_left++;
		AddMembers(object, random, shape, 1);
		return;
	}
	initStringInfo(&key);
	for (i = fuzz_below(random, 3); i > 0; i--)
	{
		resetStringInfo(&key);
		RandomKey(&key, random, shape);
		fuzz_add(object, key.data, key.len, Value(random, shape, 2));
	}
}

/* Make a patch for a document: it removes, replaces and changes some of its members. */
Tree *
fuzz_patch(Random *random, Shape *shape, const Tree *target)
{
	Tree	   *patch;
	int			skipped;
	int			i;

	check_stack_depth();
	if (!fuzz_is(target, TREE_OBJECT))
		return fuzz_document(random, shape);
	patch = fuzz_tree(TREE_OBJECT);
	skipped = target->count > 20 ? fuzz_below(random, 100) : target->count < 3 ? 10 : 45;
	for (i = 0; i < target->count; i++)
	{
		const Member *member = &target->members[i];
		int			kind = fuzz_below(random, 100);
		bool		deeper = member->value->kind == TREE_OBJECT && kind < 85;

		if (fuzz_chance(random, skipped))
			continue;
		fuzz_add(patch, member->key, member->key_length,
				 deeper ? fuzz_patch(random, shape, member->value) :
				 kind < 45 ? fuzz_tree(TREE_NULL) :
				 NewValue(random, shape, member->value));
	}
	AddSome(patch, random, shape);
	return patch;
}

/* Return a document with some things in it changed, so that much stays in common. */
Tree *
fuzz_variation(Random *random, Shape *shape, const Tree *tree)
{
	Tree	   *result;
	int			i;

	check_stack_depth();
	if (!fuzz_is(tree, TREE_OBJECT) || fuzz_chance(random, 3))
		return fuzz_document(random, shape);
	result = fuzz_tree(TREE_OBJECT);
	for (i = 0; i < tree->count; i++)
	{
		const Member *member = &tree->members[i];
		Tree	   *value = member->value;
		int			kind = fuzz_below(random, 100);

		if (kind < 12 && tree->count > 1)
			continue;
		if (value->kind == TREE_OBJECT && kind < 75)
			value = fuzz_variation(random, shape, value);
		else if (kind < 30)
			value = NewValue(random, shape, value);
		fuzz_add(result, member->key, member->key_length, value);
	}
	if (fuzz_chance(random, 40))
		AddSome(result, random, shape);
	return result;
}

/* Return a document without null members outside arrays: what a patch can express. */
Tree *
fuzz_without_nulls(const Tree *tree)
{
	Tree	   *result;
	int			i;

	check_stack_depth();
	result = fuzz_shallow_copy(tree);
	if (tree->kind != TREE_OBJECT)
		return result;
	result->count = 0;
	for (i = 0; i < tree->count; i++)
		if (tree->members[i].value->kind != TREE_NULL)
		{
			result->members[result->count] = tree->members[i];
			result->members[result->count++].value = fuzz_without_nulls(tree->members[i].value);
		}
	return result;
}
