/*
 * query.c
 *	  The queries that the C functions run on the working schema, through SPI.
 *
 * All SQL of the C functions is in the table below. Plans are made once a
 * session for each schema and query. Every name and operator carries its
 * schema, so that neither the search_path nor objects planted in it matter,
 * and the caller's privileges and row-level security apply as in any query.
 * Every column of a result is cast: whoever can name a schema of their own can
 * give its columns any type, and C code must not take one for another.
 * Lookups repeat the predicate of the index renders_chain_memory_idx (see
 * 10_tables.sql) word for word.
 *
 * A caller wraps its queries in rc_begin_queries() and rc_end_queries(). The
 * current memory context stays the caller's in between.
 */
#include "compat.h"

#include "query.h"
#include "renderchain.h"

/* So many plans are kept before all are thrown away. */
#define MOST_PLANS 512
#define MOST_PARAMETERS 18

#define COMPLETED(render) \
	" (" render ".status)::pg_catalog.text OPERATOR(pg_catalog.=) 'completed'::pg_catalog.text"
#define HAS_MEMORY(render) \
	COMPLETED(render) \
	" AND pg_catalog.jsonb_typeof(" MEMORY(render) ") OPERATOR(pg_catalog.=) 'object'::pg_catalog.text"
#define MEMORY(render) \
	render ".context_data OPERATOR(pg_catalog.->) '" RC_MEMORY_KEY "'::pg_catalog.text"
#define CONTEXT(render) render ".context_data::pg_catalog.jsonb"
#define LATEST_OF_CHAIN(chain) \
	" FROM @.renders r" \
	" WHERE r.chain_id OPERATOR(pg_catalog.=) " chain \
	" AND r.chain_position IS NOT NULL AND" HAS_MEMORY("r") \
	" ORDER BY r.chain_position DESC LIMIT 1"
#define IS_OUTPUT(render) \
	COMPLETED(render) " AND (" render ".output_url IS NOT NULL OR " render ".output_key IS NOT NULL)"
/* what rc_found_output() puts together; it asks for the rest, which planning it here would cost more than */
#define OUTPUT(render) \
	render ".id::pg_catalog.uuid, " render ".status::pg_catalog.text, " render ".output_url::pg_catalog.text, " \
	render ".output_key::pg_catalog.text, " render ".prompt::pg_catalog.text, " render ".metadata::pg_catalog.jsonb"
#define TAKE_CHAIN(time) "UPDATE @.render_chains AS c SET updated_at = " time
#define TAKEN_CHAIN " RETURNING c.id::pg_catalog.uuid, c.project_id::pg_catalog.uuid"
#define LAST_OF_CHAIN \
	" FROM @.renders r WHERE r.chain_id OPERATOR(pg_catalog.=) $1 AND r.chain_position IS NOT NULL" \
	" ORDER BY r.chain_position DESC LIMIT 1"

/* A query; @ in its text is the working schema. */
typedef struct QueryText
{
	const char *text;
	int			parameters;
	Oid			types[MOST_PARAMETERS];
	bool		read_only;		/* sees the caller's snapshot; else a new one */
} QueryText;

static const QueryText query_texts[RC_QUERY_COUNT] = {
	/* (chain) -> the columns of get_latest_completed_render_with_memory() but for the memory */
	[RC_LATEST_RENDER] = {
		"SELECT r.id::pg_catalog.uuid, r.chain_position::pg_catalog.int4, r.type::pg_catalog.text,"
		" r.prompt::pg_catalog.text, r.output_url::pg_catalog.text, r.output_key::pg_catalog.text,"
		" r.context_data::pg_catalog.jsonb, r.completed_at::pg_catalog.timestamptz"
		LATEST_OF_CHAIN("$1"),
	1, {UUIDOID}, true},
	/* (chain) -> the context with its memory */
	[RC_CHAIN_MEMORY] = {
		"SELECT " CONTEXT("r") LATEST_OF_CHAIN("$1"),
	1, {UUIDOID}, true},
	/* (render) -> its context */
	[RC_RENDER_MEMORY] = {
		"SELECT " CONTEXT("r") " FROM @.renders r WHERE r.id OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, true},
	/* (chains) -> chain, render, position, context with its memory, in the order of the chains */
	[RC_CHAINS_MEMORIES] = {
		"SELECT c.chain_id, m.render_id, m.chain_position, m.context"
		" FROM (SELECT u.chain_id, pg_catalog.min(u.place) AS place"
		"       FROM pg_catalog.unnest($1) WITH ORDINALITY AS u (chain_id, place)"
		"       GROUP BY u.chain_id) c"
		" CROSS JOIN LATERAL (SELECT r.id::pg_catalog.uuid AS render_id,"
		"                            r.chain_position::pg_catalog.int4 AS chain_position,"
		"                            " CONTEXT("r") " AS context" LATEST_OF_CHAIN("c.chain_id") ") m"
		" ORDER BY c.place",
	1, {UUIDARRAYOID}, true},
	/* (render) -> its parent, its context if it is completed */
	[RC_ANCESTOR] = {
		"SELECT r.parent_render_id::pg_catalog.uuid,"
		" CASE WHEN" COMPLETED("r") " THEN " CONTEXT("r") " END"
		" FROM @.renders r WHERE r.id OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, true},
	/* (render) -> its context and chain, the row locked */
	[RC_LOCK_RENDER] = {
		"SELECT r.context_data::pg_catalog.jsonb, r.chain_id::pg_catalog.uuid FROM @.renders r"
		" WHERE r.id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE OF r",
	1, {UUIDOID}, false},
	/* (render, context, time) */
	[RC_WRITE_CONTEXT] = {
		"UPDATE @.renders AS r SET context_data = $2, updated_at = $3"
		" WHERE r.id OPERATOR(pg_catalog.=) $1",
	3, {UUIDOID, JSONBOID, TIMESTAMPTZOID}, false},
	/* (chain) -> a row if it exists, locked against new renders and other pins */
	[RC_LOCK_CHAIN] = {
		"SELECT 1 FROM @.render_chains c WHERE c.id OPERATOR(pg_catalog.=) $1 FOR UPDATE OF c",
	1, {UUIDOID}, false},
	/* (chain) -> the render that carries its memory and all after it, locked against saving */
	[RC_LOCK_LATEST_RENDERS] = {
		"SELECT r.id::pg_catalog.uuid FROM @.renders r WHERE r.chain_id OPERATOR(pg_catalog.=) $1"
		" AND r.chain_position::pg_catalog.int4 OPERATOR(pg_catalog.>=) COALESCE("
		"(SELECT r.chain_position::pg_catalog.int4" LATEST_OF_CHAIN("$1") "), 0)"
		" ORDER BY r.id FOR NO KEY UPDATE OF r",
	1, {UUIDOID}, false},
	/* (chain) -> the render that carries its memory */
	[RC_LATEST_RENDER_ID] = {
		"SELECT r.id::pg_catalog.uuid" LATEST_OF_CHAIN("$1"),
	1, {UUIDOID}, false},
	/* (chain) -> its pins */
	[RC_PINS] = {
		"SELECT p.pins::pg_catalog.jsonb FROM @.memory_pins p WHERE p.chain_id OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, true},
	/* (chain, pins) */
	[RC_WRITE_PINS] = {
		"INSERT INTO @.memory_pins (chain_id, pins) VALUES ($1, $2)"
		" ON CONFLICT (chain_id) DO UPDATE SET pins = excluded.pins",
	2, {UUIDOID, JSONBOID}, false},
	/* (chain) */
	[RC_DELETE_PINS] = {
		"DELETE FROM @.memory_pins AS p WHERE p.chain_id OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, false},
	/* (name, project or '') -> a row for each chain of that name */
	[RC_CHAIN_BY_NAME] = {
		"SELECT 1 FROM @.render_chains c WHERE c.name::pg_catalog.text OPERATOR(pg_catalog.=) $1"
		" AND COALESCE(c.project_id::pg_catalog.text, '') OPERATOR(pg_catalog.=) $2",
	2, {TEXTOID, TEXTOID}, true},
	/* (name, user) -> a row for each chain of that name that has a render of the user */
	[RC_OWN_CHAIN_BY_NAME] = {
		"SELECT 1 FROM @.render_chains c WHERE c.name::pg_catalog.text OPERATOR(pg_catalog.=) $1"
		" AND EXISTS (SELECT FROM @.renders r WHERE r.chain_id OPERATOR(pg_catalog.=) c.id"
		" AND r.user_id OPERATOR(pg_catalog.=) $2)",
	2, {TEXTOID, UUIDOID}, true},
	/* (idempotency key) -> a row if a render has been made with it */
	[RC_USED_KEY] = {
		"SELECT 1 FROM @.render_jobs j WHERE j.idempotency_key OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}, true},
	/* (render) -> a row for each that waits for it */
	[RC_WAITING] = {
		"SELECT 1 FROM @.render_jobs j WHERE j.waits_for OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, true},
	/* () -> every model: its definition, id, provider, kind, credits, day of retirement and tier */
	[RC_MODELS] = {
		"SELECT m.definition::pg_catalog.jsonb, m.id::pg_catalog.text, m.provider::pg_catalog.text,"
		" m.kind::pg_catalog.text, m.credits::pg_catalog.int4, m.retired::pg_catalog.date, m.tier::pg_catalog.text"
		" FROM @.models m",
	0, {0}, true},
	/* (request, day): raises why it has no price */
	[RC_RAISE_UNPRICED] = {
		"SELECT renderchain._raise_unpriced($1, $2)",
	2, {JSONBOID, DATEOID}, false},
	/* (request, rule): raises what is wrong with it */
	[RC_RAISE_REQUEST] = {
		"SELECT renderchain._raise_request($1, $2)",
	2, {JSONBOID, JSONBOID}, false},
	/* (idempotency key, request) -> the render that they made, its chain and place */
	[RC_SUBMITTED_BEFORE] = {
		"SELECT b.o_render_id, b.o_chain_id, b.o_chain_position FROM renderchain._submitted_before($1, $2) b",
	2, {TEXTOID, JSONBOID}, false},
	/* (member of a request, render) -> the chain of the render that it names, which must exist */
	[RC_CHAIN_OF] = {
		"SELECT renderchain._chain_of($1, $2)",
	2, {TEXTOID, UUIDOID}, false},
	/* (name, project, time) -> the chain of that name, made if there is none */
	[RC_MAKE_CHAIN] = {
		"SELECT renderchain._chain_by_name($1, $2, $3)",
	3, {TEXTOID, UUIDOID, TIMESTAMPTZOID}, false},
	/* (chain, time) -> the chain and its project, the row locked by being written */
	[RC_TAKE_CHAIN] = {
		TAKE_CHAIN("$2") " WHERE c.id OPERATOR(pg_catalog.=) $1" TAKEN_CHAIN,
	2, {UUIDOID, TIMESTAMPTZOID}, false},
	/* (name, project, time) -> the same for the chains of that name */
	[RC_TAKE_CHAIN_NAMED] = {
		TAKE_CHAIN("$3") " WHERE c.name::pg_catalog.text OPERATOR(pg_catalog.=) $1"
		" AND (c.project_id OPERATOR(pg_catalog.=) $2 OR (c.project_id IS NULL AND $2 IS NULL))" TAKEN_CHAIN,
	3, {TEXTOID, UUIDOID, TIMESTAMPTZOID}, false},
	/* (chain) -> its last place that is taken */
	[RC_LAST_PLACE] = {
		"SELECT r.chain_position::pg_catalog.int4" LAST_OF_CHAIN,
	1, {UUIDOID}, false},
	/* (chain) -> the same, and the render that has it */
	[RC_LAST_PLACE_AND_OUTPUT] = {
		"SELECT r.chain_position::pg_catalog.int4, " OUTPUT("r") LAST_OF_CHAIN,
	1, {UUIDOID}, false},
	/* (id, project, user, type, prompt, settings, status, credits, priority, parent, chain, position, reference, start, time) */
	[RC_INSERT_RENDER] = {
		"INSERT INTO @.renders (id, project_id, user_id, type, prompt, settings, status, credits_cost, priority,"
		" parent_render_id, chain_id, chain_position, reference_render_id, started_at, created_at, updated_at,"
		" context_data, metadata)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15,"
		" '{}'::pg_catalog.jsonb, '{}'::pg_catalog.jsonb)",
		15, {UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, INT4OID, INT4OID, UUIDOID, UUIDOID,
		INT4OID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	false},
	/* (user) -> a row if there is an account */
	[RC_ACCOUNT] = {
		"SELECT 1 FROM @.credit_accounts a WHERE a.user_id OPERATOR(pg_catalog.=) $1",
	1, {UUIDOID}, false},
	/* (user, render, run, credits, time) -> what is reserved */
	[RC_RESERVE] = {
		"SELECT renderchain._reserve($1, $2, $3, $4, $5)",
	5, {UUIDOID, UUIDOID, INT4OID, INT4OID, TIMESTAMPTZOID}, false},
	/* (parent, chain, position) -> the render that it can wait for */
	[RC_CAN_WAIT_FOR] = {
		"SELECT renderchain._can_wait_for($1, $2, $3)",
	3, {UUIDOID, UUIDOID, INT4OID}, false},
	/* (user, priority, type, provider, time) -> the queue */
	[RC_QUEUE_FOR] = {
		"SELECT renderchain._queue_for($1, $2, $3, $4, $5, $5)",
	5, {UUIDOID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}, false},
	/* (render, request, user, provider, state, priority, queue, chain, position, waits for, attempt, most
	   attempts, time, lease's owner, its end, deadline, idempotency key, credits) */
	[RC_INSERT_JOB] = {
		"INSERT INTO @.render_jobs (render_id, request, user_id, provider, state, priority, queue_id, chain_id,"
		" chain_position, waits_for, attempt, max_attempts, run_after, created_at, lease_owner, lease_until,"
		" deadline, idempotency_key, credits_reserved)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17, $18)",
		18, {UUIDOID, JSONBOID, UUIDOID, TEXTOID, TEXTOID, INT4OID, INT8OID, UUIDOID, INT4OID, UUIDOID, INT4OID,
		INT4OID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID},
	false},
	/* (render, request, time) */
	[RC_ADOPT_INPUTS] = {
		"SELECT renderchain._adopt_inputs($1, $2, $3)",
	3, {UUIDOID, JSONBOID, TIMESTAMPTZOID}, false},
	/* (chain) -> its latest render that has put something out */
	[RC_OUTPUT_OF_CHAIN] = {
		"SELECT " OUTPUT("r") " FROM @.renders r"
		" WHERE r.chain_id OPERATOR(pg_catalog.=) $1 AND" IS_OUTPUT("r") " AND r.chain_position IS NOT NULL"
		" ORDER BY r.chain_position DESC LIMIT 1",
	1, {UUIDOID}, true},
	/* (render) -> the same of that one */
	[RC_OUTPUT_OF_RENDER] = {
		"SELECT " OUTPUT("r") " FROM @.renders r"
		" WHERE r.id OPERATOR(pg_catalog.=) $1 AND" IS_OUTPUT("r"),
	1, {UUIDOID}, true},
	/* (key) -> the type of what is stored there */
	[RC_MIME] = {
		"SELECT o.mime::pg_catalog.text FROM @.stored_objects o WHERE o.key OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}, false},
	/* (render, chain, position, request, worker, lease) -> a row of run_render */
	[RC_CLAIM_AGAIN] = {
		"SELECT a.* FROM renderchain._claim_again($1, $2, $3, $4, $5, $6) a",
	6, {UUIDOID, UUIDOID, INT4OID, JSONBOID, TEXTOID, INTERVALOID}, false},
};

/* A plan that is kept, by schema and query. */
typedef struct KeptPlanKey
{
	char		schema[NAMEDATALEN];
	RcQuery		query;
} KeptPlanKey;

typedef struct KeptPlan
{
	KeptPlanKey key;			/* must be first */
	SPIPlanPtr	plan;
} KeptPlan;

static HTAB *plans;
static int	running;			/* queries that are being executed, nested ones too */

/* Connect to SPI, but go on in the caller's memory context. */
void
rc_begin_queries(void)
{
	MemoryContext caller_context = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(caller_context);
}

/* Disconnect; an error does it without us. */
void
rc_end_queries(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not disconnect from SPI");
}

/* Put the schema into the text of a query. */
static char *
QueryWithSchema(const char *text, const char *schema)
{
	StringInfoData result;
	const char *quoted = quote_identifier(schema);

	initStringInfo(&result);
	for (; *text != '\0'; text++)
	{
		if (*text == '@')
			appendStringInfoString(&result, quoted);
		else
			appendStringInfoChar(&result, *text);
	}
	return result.data;
}

/* Plan a query, for good. */
static SPIPlanPtr
MakePlan(const KeptPlanKey *key)
{
	const QueryText *query = &query_texts[key->query];
	const Oid  *types = query->types;
	SPIPlanPtr	plan;

	plan = SPI_prepare(QueryWithSchema(query->text, key->schema), query->parameters,
					   unconstify(Oid *, types));
	if (plan == NULL)
		elog(ERROR, "could not prepare query: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep query plan");
	return plan;
}

/*
 * Throw all plans away when a session has used very many schemas. Not while
 * one is running further up the stack (a trigger or policy may call us).
 */
static void
LimitPlans(void)
{
	HASH_SEQ_STATUS scan;
	KeptPlan   *entry;

	if (running > 0 || hash_get_num_entries(plans) < MOST_PLANS)
		return;
	hash_seq_init(&scan, plans);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		SPI_freeplan(entry->plan);
		(void) hash_search(plans, &entry->key, HASH_REMOVE, NULL);
	}
}

/* Return the plan of a query for the working schema. */
static SPIPlanPtr
GetPlan(RcQuery query)
{
	KeptPlanKey key = {.query = query};
	KeptPlan   *entry;
	SPIPlanPtr	plan;

	strlcpy(key.schema, rc_working_schema(), NAMEDATALEN);
	if (plans == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(KeptPlanKey), .entrysize = sizeof(KeptPlan)};

		plans = hash_create("renderchain plans", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->plan;

	LimitPlans();
	plan = MakePlan(&key);
	entry = hash_search(plans, &key, HASH_ENTER, NULL);
	entry->plan = plan;
	return plan;
}

/* Execute a plan, counted as running until it ends or fails. */
static pg_noinline int
ExecutePlan(SPIPlanPtr plan, Datum *parameters, const char *nulls, bool read_only, long max_rows)
{
	volatile int code = 0;

	running++;
	PG_TRY();
	{
		code = SPI_execute_plan(plan, parameters, nulls, read_only, max_rows);
	}
	PG_FINALLY();
	{
		running--;
	}
	PG_END_TRY();
	return code;
}

/* Run a query; nulls as SPI has them, NULL for none. */
static uint64
RunQuery(RcQuery query, Datum *parameters, const char *nulls, long max_rows)
{
	MemoryContext caller_context = CurrentMemoryContext;
	int			code = ExecutePlan(GetPlan(query), parameters, nulls,
								   query_texts[query].read_only, max_rows);

	/* SPI leaves its own context behind */
	MemoryContextSwitchTo(caller_context);
	if (code < 0)
		elog(ERROR, "could not execute query: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/*
 * Run a query and return the number of rows read or written; at most max_rows
 * (0: no limit). Parameters are not null.
 */
uint64
rc_query(RcQuery query, Datum *parameters, long max_rows)
{
	return RunQuery(query, parameters, NULL, max_rows);
}

/* The same with parameters that may be null. */
uint64
rc_query_nullable(RcQuery query, const NullableDatum *parameters, long max_rows)
{
	Datum		values[MOST_PARAMETERS];
	char		nulls[MOST_PARAMETERS];
	int			i;

	for (i = 0; i < query_texts[query].parameters; i++)
	{
		values[i] = parameters[i].value;
		nulls[i] = parameters[i].isnull ? 'n' : ' ';
	}
	return RunQuery(query, values, nulls, max_rows);
}

/*
 * Make sure that a column (counted from 1) of the last query's result is there
 * and of the type that the C code takes it for. The casts in the queries see to
 * that; this is in case one is forgotten.
 */
static void
RequireColumn(int column, Oid type)
{
	if (SPI_tuptable == NULL || column > SPI_tuptable->tupdesc->natts)
		elog(ERROR, "query result has no column %d", column);
	if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %d of a query on schema \"%s\" has the wrong type", column, rc_schema),
				 errdetail("It is of type %s, not %s.",
						   format_type_be(SPI_gettypeid(SPI_tuptable->tupdesc, column)),
						   format_type_be(type))));
}

/*
 * Return a value of the last query's result, columns counted from 1, copied
 * into the caller's memory context; 0 for NULL. The type is the one that the
 * caller takes the value for.
 */
Datum
rc_result(uint64 row, int column, Oid type, bool *isnull)
{
	TupleDesc	desc;
	Form_pg_attribute attribute;
	Datum		value;

	RequireColumn(column, type);
	if (row >= SPI_tuptable->numvals)
		elog(ERROR, "query result has no row " UINT64_FORMAT, row);
	desc = SPI_tuptable->tupdesc;
	attribute = TupleDescAttr(desc, column - 1);
	value = SPI_getbinval(SPI_tuptable->vals[row], desc, column, isnull);
	if (*isnull)
		return (Datum) 0;
	return SPI_datumTransfer(value, attribute->attbyval, attribute->attlen);
}
