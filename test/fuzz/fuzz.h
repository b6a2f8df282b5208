/*
 * fuzz.h
 *	  What the files of the fuzzer share.
 *
 * A case is a few random documents (trees) and a number that decides everything
 * else, such as how an argument is passed. A property makes cases and says of
 * one whether it holds, by calling the extension's functions as users do and
 * comparing with what an oracle makes of the same trees. Cases are numbered;
 * number and seed determine a case, on every machine and every version.
 */
#ifndef FUZZ_H
#define FUZZ_H

#define MEMORY_KEY "pipelineMemory"
#define MOST_INPUTS 40

/* A JSON value. Trees may share subtrees; whoever changes one copies it first. */
typedef enum TreeKind
{
	TREE_NULL,
	TREE_FALSE,
	TREE_TRUE,
	TREE_NUMBER,
	TREE_STRING,
	TREE_ARRAY,
	TREE_OBJECT
} TreeKind;

typedef struct Tree Tree;

/* A member of an object, or (without a key) an element of an array. */
typedef struct Member
{
	uint32		hash;			/* of the key, so that a search is cheap */
	int			key_length;
	const char *key;
	Tree	   *value;
} Member;

struct Tree
{
	TreeKind	kind;
	int			length;			/* of text */
	const char *text;			/* of a string; of a number, as it is spelled */
	int			count;
	int			capacity;
	Member	   *members;		/* in no order; keys are unique */
};

/* A sequence of random numbers. */
typedef struct Random
{
	uint64		state;
} Random;

/* What the documents of a case are like. */
typedef struct Shape
{
	int			depth;			/* levels of containers */
	int			width;			/* members of an ordinary object, at most */
	int			wide;			/* members of a wide one, 0 for none */
	int			wide_left;		/* so many wide ones */
	int			keys;			/* a pool of keys, see documents.c */
	int			nulls;			/* nulls among a hundred scalars */
	bool		plain_numbers;	/* integers with one spelling each */
	int			nodes;			/* so many values are left to make */
} Shape;

typedef struct Case
{
	int			count;
	Tree	   *inputs[MOST_INPUTS];	/* NULL is SQL's NULL */
	uint64		choices;
} Case;

/* An answer: a document, or a text such as "error 22023"; neither is SQL's NULL. */
typedef struct Answer
{
	Jsonb	   *json;
	const char *text;
} Answer;

/* The first thing in a case that is not as it should be. */
typedef struct Verdict
{
	bool		fails;
	const char *what;
	Answer		got;
	Answer		expected;
} Verdict;

typedef struct Property
{
	const char *name;
	int			every;			/* one of so many cases, */
	int			offset;			/* the one with this remainder */
	bool		list;			/* of its inputs any may be left out */
	void		(*make) (Random *random, int64 number, Case *the_case);
	void		(*check) (const Case *the_case, Verdict *verdict);
} Property;

/* tree.c */
extern Tree *fuzz_tree(TreeKind kind);
extern Tree *fuzz_text_tree(TreeKind kind, const char *text, int length);
extern void fuzz_add(Tree *container, const char *key, int key_length, Tree *value);
extern int	fuzz_find(const Tree *object, const char *key, int key_length);
extern Tree *fuzz_get(const Tree *object, const char *key);
extern void fuzz_remove(Tree *container, int index, int count);
extern bool fuzz_is(const Tree *tree, TreeKind kind);
extern Tree *fuzz_shallow_copy(const Tree *tree);
extern Tree *fuzz_copy(const Tree *tree);
extern bool fuzz_equal(const Tree *a, const Tree *b);
extern uint64 fuzz_digest(uint64 digest, const Tree *tree);
extern bool fuzz_plain_numbers(const Tree *tree);
extern char *fuzz_json(const Tree *tree);
extern Jsonb *fuzz_jsonb(const Tree *tree);

/* random.c */
extern uint64 fuzz_next(Random *random);
extern int	fuzz_below(Random *random, int bound);
extern bool fuzz_chance(Random *random, int percent);
extern Random fuzz_random(uint64 seed, uint64 number, uint64 stream);
extern Tree *fuzz_random_string(Random *random);
extern Tree *fuzz_long_string(Random *random, int length);
extern Tree *fuzz_random_number(Random *random);
extern Tree *fuzz_random_integer(Random *random);

/* documents.c */
extern Shape fuzz_random_shape(Random *random);
extern Shape fuzz_small_shape(Random *random);
extern Tree *fuzz_document(Random *random, Shape *shape);
extern Tree *fuzz_object(Random *random, Shape *shape);
extern Tree *fuzz_patch(Random *random, Shape *shape, const Tree *target);
extern Tree *fuzz_variation(Random *random, Shape *shape, const Tree *tree);
extern Tree *fuzz_respelled(Random *random, const Tree *tree);
extern Tree *fuzz_without_nulls(const Tree *tree);

/* rfc7396.c */
extern Tree *fuzz_oracle_merge(Tree *target, Tree *patch);
extern Tree *fuzz_oracle_diff(Tree *source, Tree *target);

/* agreement.c */
extern Tree *fuzz_oracle_memory(Tree *const *memories, int count);
extern Tree *fuzz_random_memory(Random *random);

/* calls.c */
typedef enum Function
{
	FUZZ_MERGE_PATCH,
	FUZZ_MAKE_PATCH,
	FUZZ_MERGE_MEMORY,
	FUZZ_FUNCTIONS
} Function;

/* A statement that returns at most one row; its plan is made once a session. */
typedef struct Statement
{
	const char *sql;
	int			parameters;
	Oid			types[5];
	bool		read_only;
	SPIPlanPtr	plan;
} Statement;

extern void fuzz_find_functions(void);
extern bool fuzz_try(void (*work) (void *), void *argument, bool keep, ErrorData **error);
extern Answer fuzz_call(Function function, Jsonb *a, Jsonb *b, uint64 forms, Verdict *verdict);
extern Answer fuzz_call_list(Function function, Datum list, Verdict *verdict);
extern Datum fuzz_list(const Case *the_case);
extern bool fuzz_query(Statement *query, const Datum *values, const char *nulls, int columns,
					   Datum *results, bool *result_nulls);
extern Answer fuzz_query_json(Statement *query, const Datum *values, const char *nulls);
extern void fuzz_command(const char *sql);
extern Answer fuzz_error(const ErrorData *error);
extern Answer fuzz_answer(const Tree *tree);
extern Answer fuzz_said(const char *text);
extern void fuzz_judge(Verdict *verdict, const char *what, Answer got, Answer expected);

/* values.c, rows.c */
extern const Property fuzz_value_properties[];
extern const int fuzz_value_property_count;
extern const Property fuzz_row_properties[];
extern const int fuzz_row_property_count;
extern const char *fuzz_unmet_storage(StringInfo met);

/* shrink.c */
extern void fuzz_shrink(const Property *property, Case *the_case,
						bool (*fails) (const Property *, const Case *));

#endif							/* FUZZ_H */
