/*
 * tree.c
 *	  JSON values as plain trees, and their way into jsonb: as JSON text through
 *	  the server's own input function, so that core builds the expected bytes.
 *
 * Everything is palloc'd in the current memory context and never freed singly.
 */
#include "server.h"

#include "fuzz.h"

/* A number without its spelling: digits * 10^exponent. */
typedef struct Decimal
{
	bool		negative;
	int			length;
	char	   *digits;
	long		exponent;
} Decimal;

/* Make a tree without text or members. */
Tree *
fuzz_tree(TreeKind kind)
{
	Tree	   *tree = palloc0(sizeof(Tree));

	tree->kind = kind;
	return tree;
}

/* Make a string, or a number from its spelling. */
Tree *
fuzz_text_tree(TreeKind kind, const char *text, int length)
{
	Tree	   *tree = fuzz_tree(kind);

	tree->text = pnstrdup(text, length);
	tree->length = length;
	return tree;
}

/* Tell whether there is a tree, and of this kind. */
bool
fuzz_is(const Tree *tree, TreeKind kind)
{
	return tree != NULL && tree->kind == kind;
}

/* Hash a key (FNV-1a). */
static uint32
HashKey(const char *key, int length)
{
	uint32		hash = 2166136261u;
	int			i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) key[i]) * 16777619u;
	return hash;
}

/* Find a member; -1 where there is none. */
int
fuzz_find(const Tree *object, const char *key, int key_length)
{
	uint32		hash = HashKey(key, key_length);
	int			i;

	for (i = 0; i < object->count; i++)
	{
		const Member *member = &object->members[i];

		if (member->hash == hash && member->key_length == key_length &&
			memcmp(member->key, key, key_length) == 0)
			return i;
	}
	return -1;
}

/* Return the value of a member; NULL where there is none, or no object. */
Tree *
fuzz_get(const Tree *object, const char *key)
{
	int			index;

	if (!fuzz_is(object, TREE_OBJECT))
		return NULL;
	index = fuzz_find(object, key, (int) strlen(key));
	return index < 0 ? NULL : object->members[index].value;
}

/* Set a member of an object, or append an element (key NULL) to an array. */
void
fuzz_add(Tree *container, const char *key, int key_length, Tree *value)
{
	int			index = key == NULL ? -1 : fuzz_find(container, key, key_length);
	Member	   *member;

	if (index >= 0)
	{
		container->members[index].value = value;
		return;
	}
	if (container->count == container->capacity)
	{
		container->capacity = container->capacity * 2 + 4;
		container->members = container->members == NULL ?
			palloc(container->capacity * sizeof(Member)) :
			repalloc(container->members, container->capacity * sizeof(Member));
	}
	member = &container->members[container->count++];
	member->key = key == NULL ? NULL : pnstrdup(key, key_length);
	member->key_length = key_length;
	member->hash = key == NULL ? 0 : HashKey(key, key_length);
	member->value = value;
}

/* Remove a run of members or elements. */
void
fuzz_remove(Tree *container, int index, int count)
{
	memmove(&container->members[index], &container->members[index + count],
			(container->count - index - count) * sizeof(Member));
	container->count -= count;
}

/* Copy a tree whose members may then be exchanged, but not changed. */
Tree *
fuzz_shallow_copy(const Tree *tree)
{
	Tree	   *copy = palloc(sizeof(Tree));

	*copy = *tree;
	copy->capacity = tree->count;
	copy->members = NULL;
	if (tree->count > 0)
	{
		copy->members = palloc(tree->count * sizeof(Member));
		memcpy(copy->members, tree->members, tree->count * sizeof(Member));
	}
	return copy;
}

/* Copy a tree that may then be changed anywhere. */
Tree *
fuzz_copy(const Tree *tree)
{
	Tree	   *copy;
	int			i;

	check_stack_depth();
	if (tree == NULL)
		return NULL;
	copy = fuzz_shallow_copy(tree);
	for (i = 0; i < copy->count; i++)
		copy->members[i].value = fuzz_copy(copy->members[i].value);
	return copy;
}

/* Mix a tree into a number that stands for all documents so far. */
uint64
fuzz_digest(uint64 digest, const Tree *tree)
{
	int			i;

	check_stack_depth();
	digest = digest * UINT64CONST(0xd1342543de82ef95) + (tree == NULL ? 99 : tree->kind) + 1;
	if (tree == NULL)
		return digest;
	if (tree->text != NULL)
		digest = (digest ^ HashKey(tree->text, tree->length)) * UINT64CONST(0x9e3779b97f4a7c15);
	for (i = 0; i < tree->count; i++)
		digest = fuzz_digest(digest ^ tree->members[i].hash, tree->members[i].value);
	return digest;
}

/* Read a number into digits that neither begin nor end with a zero. */
static Decimal
ReadNumber(const Tree *number)
{
	const char *at = number->text;
	Decimal		decimal = {0};
	bool		fraction = false;

	decimal.digits = palloc(number->length + 1);
	decimal.negative = (*at == '-');
	for (at += decimal.negative; *at != '\0' && *at != 'e' && *at != 'E'; at++)
	{
		if (*at == '.')
		{
			fraction = true;
			continue;
		}
		decimal.exponent -= fraction;
		if (decimal.length > 0 || *at != '0')
			decimal.digits[decimal.length++] = *at;
	}
	if (*at != '\0')
		decimal.exponent += strtol(at + 1, NULL, 10);
	while (decimal.length > 0 && decimal.digits[decimal.length - 1] == '0')
	{
		decimal.length--;
		decimal.exponent++;
	}
	if (decimal.length == 0)
	{
		decimal.negative = false;
		decimal.exponent = 0;
	}
	return decimal;
}

/* Tell whether two numbers are equal, however they are spelled. */
static bool
EqualNumbers(const Tree *a, const Tree *b)
{
	Decimal		x = ReadNumber(a);
	Decimal		y = ReadNumber(b);

	return x.negative == y.negative && x.exponent == y.exponent && x.length == y.length &&
		memcmp(x.digits, y.digits, x.length) == 0;
}

/* Tell whether two values are equal: objects in any order, numbers by value. */
bool
fuzz_equal(const Tree *a, const Tree *b)
{
	int			i;

	check_stack_depth();
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == TREE_NUMBER)
		return EqualNumbers(a, b);
	if (a->kind == TREE_STRING)
		return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
	for (i = 0; i < a->count; i++)
	{
		const Member *member = &a->members[i];
		int			other = a->kind == TREE_ARRAY ? i :
			fuzz_find(b, member->key, member->key_length);

		if (other < 0 || !fuzz_equal(member->value, b->members[other].value))
			return false;
	}
	return true;
}

/* Tell whether all numbers are integers in digits, so that equal ones are spelled alike. */
bool
fuzz_plain_numbers(const Tree *tree)
{
	int			i;

	check_stack_depth();
	if (tree == NULL)
		return true;
	if (tree->kind == TREE_NUMBER)
		return strpbrk(tree->text, ".eE") == NULL;
	for (i = 0; i < tree->count; i++)
		if (!fuzz_plain_numbers(tree->members[i].value))
			return false;
	return true;
}

/* Append a JSON string. */
static void
AppendString(StringInfo json, const char *text, int length)
{
	int			plain = 0;			/* so many bytes need no escape */
	int			i;

	appendStringInfoChar(json, '"');
	for (i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		plain++;
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		appendBinaryStringInfo(json, &text[i - plain + 1], plain - 1);
		appendStringInfo(json, c < 0x20 ? "\\u%04x" : "\\%c", c);
		plain = 0;
	}
	appendBinaryStringInfo(json, &text[length - plain], plain);
	appendStringInfoChar(json, '"');
}

/* Append a tree as JSON text. */
static void
AppendTree(StringInfo json, const Tree *tree)
{
	static const char *const words[] = {"null", "false", "true"};
	int			i;

	check_stack_depth();
	if (tree->kind == TREE_STRING)
		AppendString(json, tree->text, tree->length);
	else if (tree->kind == TREE_NUMBER)
		appendBinaryStringInfo(json, tree->text, tree->length);
	else if (tree->kind < TREE_NUMBER)
		appendStringInfoString(json, words[tree->kind]);
	else
	{
		appendStringInfoChar(json, tree->kind == TREE_ARRAY ? '[' : '{');
		for (i = 0; i < tree->count; i++)
		{
			const Member *member = &tree->members[i];

			if (i > 0)
				appendStringInfoChar(json, ',');
			if (tree->kind == TREE_OBJECT)
			{
				AppendString(json, member->key, member->key_length);
				appendStringInfoChar(json, ':');
			}
			AppendTree(json, member->value);
		}
		appendStringInfoChar(json, tree->kind == TREE_ARRAY ? ']' : '}');
	}
}

/* Return a tree as JSON text. */
char *
fuzz_json(const Tree *tree)
{
	StringInfoData json;

	initStringInfo(&json);
	AppendTree(&json, tree);
	return json.data;
}

/* Return a tree as core's jsonb; NULL for NULL. */
Jsonb *
fuzz_jsonb(const Tree *tree)
{
	if (tree == NULL)
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(fuzz_json(tree))));
}
