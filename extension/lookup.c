/*
 * lookup.c
 *	  Reading memory: by chain, by render, along the ancestors of a render.
 *
 * Each lookup has two ways that give the same answer: through an index without
 * the planner (direct_scan.c), and through a planned query where the first one
 * cannot be gone (query.c). Either way the memory is cut out of its context
 * (memory_slice.c). All of it reads under the caller's snapshot and writes
 * nothing, so it works on hot standbys, in read-only transactions and in
 * parallel workers.
 */
#include "compat.h"

#include "direct.h"
#include "memory_slice.h"
#include "query.h"
#include "renderchain.h"

/* No honest branch is that long. */
#define MOST_ANCESTORS 10000

PG_FUNCTION_INFO_V1(rc_sql_get_latest_completed_render_with_memory);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_chain);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_render);
PG_FUNCTION_INFO_V1(rc_sql_get_memories_from_chains);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_ancestors);

/* The result columns of get_latest_completed_render_with_memory(). */
#define LATEST_MEMORY 7			/* place of the memory, which is in no column of the table */
static const RcColumn latest_columns[] = {
	RC_COLUMN_ID, RC_COLUMN_CHAIN_POSITION, RC_COLUMN_TYPE, RC_COLUMN_PROMPT, RC_COLUMN_OUTPUT_URL,
	RC_COLUMN_OUTPUT_KEY, RC_COLUMN_CONTEXT_DATA, RC_COLUMN_COMPLETED_AT
};

/* The result columns of get_memories_from_chains(). */
enum
{
	MEMORIES_CHAIN,
	MEMORIES_RENDER,
	MEMORIES_POSITION,
	MEMORIES_MEMORY,
	MEMORIES_COUNT
};
static const RcColumn memories_columns[] = {
	RC_COLUMN_ID, RC_COLUMN_CHAIN_POSITION, RC_COLUMN_CONTEXT_DATA
};

static const RcColumn context_column[] = {RC_COLUMN_CONTEXT_DATA};

/* Return the memory of the current row; NULL where it has none. */
static Jsonb *
DirectMemory(RcDirect *direct)
{
	bool		isnull;
	Datum		context = rc_direct_value(direct, RC_COLUMN_CONTEXT_DATA, &isnull);

	return isnull ? NULL : rc_slice_memory(context);
}

/* Return the memory in a column of the last query's result; NULL where it has none. */
static Jsonb *
QueriedMemory(uint64 row, int column)
{
	bool		isnull;
	Datum		context = rc_result(row, column, JSONBOID, &isnull);

	return isnull ? NULL : rc_slice_memory(context);
}

/* Look for the first row with memory, going by an id. */
static Jsonb *
FindDirectMemory(RcDirect *direct, const pg_uuid_t *id)
{
	Jsonb	   *memory = NULL;

	rc_direct_find(direct, id);
	while (memory == NULL && rc_direct_next(direct))
		memory = DirectMemory(direct);
	return memory;
}

/* Return the memory that is found directly by a key, else by the query for it; NULL for none. */
static Jsonb *
FindMemory(const pg_uuid_t *id, RcDirectKey key, RcQuery query)
{
	Datum		parameter = UUIDPGetDatum(id);
	RcDirect	direct;
	Jsonb	   *memory = NULL;

	if (rc_direct_open(&direct, key, context_column, lengthof(context_column)))
	{
		memory = FindDirectMemory(&direct, id);
		rc_direct_close(&direct);
	}
	else
	{
		rc_begin_queries();
		if (rc_query(query, &parameter, 1) > 0)
			memory = QueriedMemory(0, 1);
		rc_end_queries();
	}
	return memory;
}

/* Return the memory of a chain, NULL where it has none. */
Jsonb *
rc_chain_memory(const pg_uuid_t *chain_id)
{
	return FindMemory(chain_id, RC_BY_CHAIN, RC_CHAIN_MEMORY);
}

/* Return a memory from an SQL function. */
static Datum
ReturnMemory(FunctionCallInfo fcinfo, Jsonb *memory)
{
	if (memory == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(memory);
}

/* SQL: get_memory_from_chain(chain_id uuid) -> jsonb */
Datum
rc_sql_get_memory_from_chain(PG_FUNCTION_ARGS)
{
	return ReturnMemory(fcinfo, rc_chain_memory(PG_GETARG_UUID_P(0)));
}

/* SQL: get_memory_from_render(render_id uuid) -> jsonb */
Datum
rc_sql_get_memory_from_render(PG_FUNCTION_ARGS)
{
	return ReturnMemory(fcinfo, FindMemory(PG_GETARG_UUID_P(0), RC_BY_ID, RC_RENDER_MEMORY));
}

/* Add a row to the result of a set-returning function (InitMaterializedSRF). */
static void
AddRow(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * SQL: get_latest_completed_render_with_memory(chain_id uuid) -> a row or none
 */
Datum
rc_sql_get_latest_completed_render_with_memory(PG_FUNCTION_ARGS)
{
	const int	count = lengthof(latest_columns) + 1;
	Datum		chain = PG_GETARG_DATUM(0);
	Datum		values[lengthof(latest_columns) + 1] = {0};
	bool		nulls[lengthof(latest_columns) + 1] = {0};
	Jsonb	   *memory = NULL;
	RcDirect	direct;
	bool		is_direct;
	int			place;
	int			column = 0;

	InitMaterializedSRF(fcinfo, 0);
	rc_begin_queries();
	is_direct = rc_direct_open(&direct, RC_BY_CHAIN, latest_columns, lengthof(latest_columns));
	if (is_direct)
		memory = FindDirectMemory(&direct, DatumGetUUIDP(chain));
	else if (rc_query(RC_LATEST_RENDER, &chain, 1) > 0)
		memory = QueriedMemory(0, LATEST_MEMORY);
	for (place = 0; memory != NULL && place < count; place++)
	{
		Oid			type = TupleDescAttr(((ReturnSetInfo *) fcinfo->resultinfo)->setDesc, place)->atttypid;

		if (place == LATEST_MEMORY)
			values[place] = JsonbPGetDatum(memory);
		else if (is_direct)
			values[place] = rc_direct_value(&direct, latest_columns[column++], &nulls[place]);
		else
			values[place] = rc_result(0, ++column, type, &nulls[place]);
	}
	if (memory != NULL)
		AddRow(fcinfo, values, nulls);
	if (is_direct)
		rc_direct_close(&direct);
	rc_end_queries();
	return (Datum) 0;
}

/* Return a set for uuids. */
static HTAB *
MakeSet(int size)
{
	HASHCTL		control = {
		.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(pg_uuid_t), .hcxt = CurrentMemoryContext
	};

	return hash_create("renderchain chains", size, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Add the memory of every chain that has one, in the order of their first appearance. */
static void
AddDirectMemories(FunctionCallInfo fcinfo, RcDirect *direct, ArrayType *chains)
{
	Datum	   *ids;
	bool	   *ids_null;
	int			count;
	int			i;
	HTAB	   *seen;

	deconstruct_array(chains, UUIDOID, sizeof(pg_uuid_t), false, TYPALIGN_CHAR, &ids, &ids_null, &count);
	seen = MakeSet(count);
	for (i = 0; i < count; i++)
	{
		Datum		values[MEMORIES_COUNT];
		bool		nulls[MEMORIES_COUNT] = {0};
		Jsonb	   *memory;
		bool		again;

		if (ids_null[i])
			continue;
		(void) hash_search(seen, DatumGetUUIDP(ids[i]), HASH_ENTER, &again);
		if (again || (memory = FindDirectMemory(direct, DatumGetUUIDP(ids[i]))) == NULL)
			continue;
		values[MEMORIES_CHAIN] = ids[i];
		values[MEMORIES_RENDER] = rc_direct_value(direct, RC_COLUMN_ID, &nulls[MEMORIES_RENDER]);
		values[MEMORIES_POSITION] = rc_direct_value(direct, RC_COLUMN_CHAIN_POSITION, &nulls[MEMORIES_POSITION]);
		values[MEMORIES_MEMORY] = JsonbPGetDatum(memory);
		AddRow(fcinfo, values, nulls);
		pfree(memory);
	}
	hash_destroy(seen);
}

/* Add the memories that the last query found. */
static void
AddQueriedMemories(FunctionCallInfo fcinfo, uint64 count)
{
	uint64		row;

	for (row = 0; row < count; row++)
	{
		Datum		values[MEMORIES_COUNT];
		bool		nulls[MEMORIES_COUNT] = {0};
		Jsonb	   *memory = QueriedMemory(row, MEMORIES_MEMORY + 1);

		if (memory == NULL)
			continue;
		values[MEMORIES_CHAIN] = rc_result(row, MEMORIES_CHAIN + 1, UUIDOID, &nulls[MEMORIES_CHAIN]);
		values[MEMORIES_RENDER] = rc_result(row, MEMORIES_RENDER + 1, UUIDOID, &nulls[MEMORIES_RENDER]);
		values[MEMORIES_POSITION] = rc_result(row, MEMORIES_POSITION + 1, INT4OID, &nulls[MEMORIES_POSITION]);
		values[MEMORIES_MEMORY] = JsonbPGetDatum(memory);
		AddRow(fcinfo, values, nulls);
		pfree(memory);
	}
}

/* SQL: get_memories_from_chains(chain_ids uuid[]) -> rows */
Datum
rc_sql_get_memories_from_chains(PG_FUNCTION_ARGS)
{
	Datum		chains = PG_GETARG_DATUM(0);
	RcDirect	direct;

	InitMaterializedSRF(fcinfo, 0);
	if (rc_direct_open(&direct, RC_BY_CHAIN, memories_columns, lengthof(memories_columns)))
	{
		AddDirectMemories(fcinfo, &direct, DatumGetArrayTypeP(chains));
		rc_direct_close(&direct);
		return (Datum) 0;
	}
	rc_begin_queries();
	AddQueriedMemories(fcinfo, rc_query(RC_CHAINS_MEMORIES, &chains, 0));
	rc_end_queries();
	return (Datum) 0;
}

/*
 * Return the memory of the nearest ancestor that has one, NULL where none has.
 *
 * Step from parent to parent until one has memory. A loop of parents is noticed
 * by Brent's method: compare with a render that was passed earlier, and move
 * that one up whenever the number of steps has doubled.
 */
Jsonb *
rc_ancestors_memory(const pg_uuid_t *render_id)
{
	pg_uuid_t	render = *render_id;
	pg_uuid_t	passed = render;
	Jsonb	   *memory = NULL;
	int			steps;
	int			move_at = 1;

	rc_begin_queries();
	for (steps = 0;; steps++)
	{
		Datum		id = UUIDPGetDatum(&render);
		Datum		parent;
		bool		no_parent;

		CHECK_FOR_INTERRUPTS();
		if (rc_query(RC_ANCESTOR, &id, 1) == 0)
			break;
		if (steps > 0)
			memory = QueriedMemory(0, 2);
		parent = rc_result(0, 1, UUIDOID, &no_parent);
		if (memory != NULL || no_parent)
			break;
		render = *DatumGetUUIDP(parent);
		pfree(DatumGetPointer(parent));
		SPI_freetuptable(SPI_tuptable);

		if (memcmp(&render, &passed, sizeof(pg_uuid_t)) == 0)
			break;
		if (steps == move_at)
		{
			passed = render;
			move_at *= 2;
		}
		if (steps >= MOST_ANCESTORS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("render has more than %d ancestors", MOST_ANCESTORS),
					 errdetail("None of the first %d carries memory.", MOST_ANCESTORS)));
	}
	rc_end_queries();
	return memory;
}

/* SQL: get_memory_from_ancestors(render_id uuid) -> jsonb */
Datum
rc_sql_get_memory_from_ancestors(PG_FUNCTION_ARGS)
{
	return ReturnMemory(fcinfo, rc_ancestors_memory(PG_GETARG_UUID_P(0)));
}
