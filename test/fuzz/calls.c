/*
 * calls.c
 *	  Calling what is tested, by its SQL name, and judging what it answers.
 *
 * Arguments are passed in every form in which they may come: plain, with a short
 * header at an odd address, compressed. Around them lies a pattern, so that
 * reading past the end shows in the result, and they are compared with a copy
 * afterwards, so that writing to them shows.
 */
#include "server.h"

#include "fuzz.h"

#define MARGIN 16
#define PATTERN 0xa5

/* An argument as it is passed, with its surroundings, and a copy of both. */
typedef struct Argument
{
	Datum		datum;
	char	   *memory;
	char	   *copy;
	Size		size;
} Argument;

static FmgrInfo functions[FUZZ_FUNCTIONS];

/* Look the functions up by name. */
void
fuzz_find_functions(void)
{
	const Oid	jsonb[] = {JSONBOID, JSONBOID};
	const Oid	list[] = {get_array_type(JSONBOID)};
	static const char *const names[FUZZ_FUNCTIONS] = {"jsonb_merge_patch", "jsonb_make_patch", "merge_memory"};
	int			i;

	for (i = 0; i < FUZZ_FUNCTIONS; i++)
	{
		List	   *name = list_make2(makeString("renderchain"), makeString(unconstify(char *, names[i])));
		bool		takes_list = (i == FUZZ_MERGE_MEMORY);

		fmgr_info_cxt(LookupFuncName(name, takes_list ? 1 : 2, takes_list ? list : jsonb, false),
					  &functions[i], TopMemoryContext);
	}
}

/*
 * Do some work in a subtransaction, which is undone where it fails, and also
 * where it is not to be kept. False, with the error, where it failed.
 */
bool
fuzz_try(void (*work) (void *), void *argument, bool keep, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	*error = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		if (keep)
			ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (!done || !keep)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (*error != NULL && (*error)->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(*error);
	return done;
}

/* Put a document where it is passed from, in one of the forms. */
static void
PutArgument(Argument *argument, Jsonb *json, int form)
{
	char	   *value = (char *) json;
	Size		size = VARSIZE(json);
	int			shift = 0;

	if (form == 4)
		shift = 4;
	else if (form == 5 || form == 6)
		shift = form - 4;
	else if (form == 7)
	{
		Datum		compressed = toast_compress_datum(PointerGetDatum(json), TOAST_PGLZ_COMPRESSION);

		if (DatumGetPointer(compressed) != NULL)
		{
			value = DatumGetPointer(compressed);
			size = VARSIZE(value);
		}
	}
	if (shift > 0 && shift < 4 && VARATT_CAN_MAKE_SHORT(json))
	{
		size = VARATT_CONVERTED_SHORT_SIZE(json);
		value = palloc(size);
		SET_VARSIZE_SHORT(value, size);
		memcpy(value + VARHDRSZ_SHORT, VARDATA(json), size - VARHDRSZ_SHORT);
	}
	else if (shift < 4)
		shift = 0;
	argument->size = size + 2 * MARGIN;
	argument->memory = palloc(argument->size);
	memset(argument->memory, PATTERN, argument->size);
	memcpy(argument->memory + MARGIN + shift, value, size);
	argument->copy = palloc(argument->size);
	memcpy(argument->copy, argument->memory, argument->size);
	argument->datum = PointerGetDatum(argument->memory + MARGIN + shift);
}

/* Call a function with arguments that it must leave as they are. */
static Answer
Call(Function function, Argument *arguments, const bool *nulls, int count, Verdict *verdict)
{
	LOCAL_FCINFO(call, 2);
	Datum		result;
	int			i;

	InitFunctionCallInfoData(*call, &functions[function], count, InvalidOid, NULL, NULL);
	for (i = 0; i < count; i++)
	{
		call->args[i].value = arguments[i].datum;
		call->args[i].isnull = nulls[i];
	}
	result = FunctionCallInvoke(call);
	for (i = 0; i < count; i++)
		if (!nulls[i] && memcmp(arguments[i].memory, arguments[i].copy, arguments[i].size) != 0)
			fuzz_judge(verdict, "arguments stay as they are", fuzz_said(psprintf("argument %d was written to", i + 1)),
					   fuzz_said("arguments that nobody wrote to"));
	return (Answer) {call->isnull ? NULL : DatumGetJsonbP(result), NULL};
}

/* Call a function of two documents, either of which may be NULL. */
Answer
fuzz_call(Function function, Jsonb *a, Jsonb *b, uint64 forms, Verdict *verdict)
{
	Argument	arguments[2] = {{0}};
	bool		nulls[2] = {a == NULL, b == NULL};

	if (a != NULL)
		PutArgument(&arguments[0], a, forms & 7);
	if (b != NULL)
		PutArgument(&arguments[1], b, (forms >> 3) & 7);
	return Call(function, arguments, nulls, 2, verdict);
}

/* Call a function of a list of documents. */
Answer
fuzz_call_list(Function function, Datum list, Verdict *verdict)
{
	Argument	argument = {list, DatumGetPointer(list), NULL, VARSIZE(DatumGetPointer(list))};
	bool		isnull = false;

	argument.copy = palloc(argument.size);
	memcpy(argument.copy, argument.memory, argument.size);
	return Call(function, &argument, &isnull, 1, verdict);
}

/* Return the inputs of a case as an array. */
Datum
fuzz_list(const Case *the_case)
{
	Datum		items[MOST_INPUTS] = {0};
	bool		nulls[MOST_INPUTS] = {0};
	int			lower_bound = 1;
	int			count = the_case->count;
	int			i;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(JSONBOID));
	for (i = 0; i < count; i++)
	{
		nulls[i] = (the_case->inputs[i] == NULL);
		if (!nulls[i])
			items[i] = PointerGetDatum(fuzz_jsonb(the_case->inputs[i]));
	}
	return PointerGetDatum(construct_md_array(items, nulls, 1, &count, &lower_bound,
											  JSONBOID, -1, false, TYPALIGN_INT));
}

/* Run a statement; true, with copies of the first columns, where it returned a row. */
bool
fuzz_query(Statement *query, const Datum *values, const char *nulls, int columns, Datum *results, bool *result_nulls)
{
	MemoryContext context = CurrentMemoryContext;
	bool		found;
	int			status;
	int			i;

	if (query->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(query->sql, query->parameters, query->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare \"%s\"", query->sql);
		query->plan = plan;
	}
	status = SPI_execute_plan(query->plan, unconstify(Datum *, values), nulls, query->read_only, 0);
	MemoryContextSwitchTo(context);
	if (status < 0)
		elog(ERROR, "could not run \"%s\"", query->sql);
	found = (SPI_tuptable != NULL && SPI_processed > 0);
	for (i = 0; found && i < columns; i++)
	{
		TupleDesc	row = SPI_tuptable->tupdesc;
		Form_pg_attribute column = TupleDescAttr(row, i);

		results[i] = SPI_getbinval(SPI_tuptable->vals[0], row, i + 1, &result_nulls[i]);
		if (!result_nulls[i])
			results[i] = datumCopy(results[i], column->attbyval, column->attlen);
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* Run a statement that returns a document; no row is the same as NULL. */
Answer
fuzz_query_json(Statement *query, const Datum *values, const char *nulls)
{
	Datum		result;
	bool		isnull;

	if (!fuzz_query(query, values, nulls, 1, &result, &isnull) || isnull)
		return (Answer) {NULL, NULL};
	return (Answer) {DatumGetJsonbP(result), NULL};
}

/* Run a command. */
void
fuzz_command(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;

	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	MemoryContextSwitchTo(context);
}

/* Return an error as an answer. */
Answer
fuzz_error(const ErrorData *error)
{
	return fuzz_said(psprintf("error %s: %s", unpack_sql_state(error->sqlerrcode), error->message));
}

/* Return what core makes of a tree as an answer. */
Answer
fuzz_answer(const Tree *tree)
{
	return (Answer) {fuzz_jsonb(tree), NULL};
}

/* Return a text as an answer. */
Answer
fuzz_said(const char *text)
{
	return (Answer) {NULL, text};
}

/*
 * Judge an answer: documents must be the same byte for byte. Of an error that is
 * expected only the SQLSTATE is given, so a text may go on.
 */
void
fuzz_judge(Verdict *verdict, const char *what, Answer got, Answer expected)
{
	bool		same;

	if (verdict->fails)
		return;
	if (expected.json != NULL)
		same = got.json != NULL && VARSIZE(got.json) == VARSIZE(expected.json) &&
			memcmp(got.json, expected.json, VARSIZE(got.json)) == 0;
	else if (expected.text != NULL)
		same = got.text != NULL && strncmp(got.text, expected.text, strlen(expected.text)) == 0;
	else
		same = got.json == NULL && got.text == NULL;
	if (!same)
		*verdict = (Verdict) {true, what, got, expected};
}
