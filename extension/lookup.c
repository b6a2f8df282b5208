/*
 * lookup.c
 *	  Reading memory: by chain, by render, along the ancestors of a render.
 *
 * All of it reads under the caller's snapshot and writes nothing, so it works
 * on hot standbys, in read-only transactions and in parallel workers.
 */
#include "compat.h"

#include "query.h"
#include "renderchain.h"

/* No honest branch is that long. */
#define MOST_ANCESTORS 10000

PG_FUNCTION_INFO_V1(rc_sql_get_latest_completed_render_with_memory);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_chain);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_render);
PG_FUNCTION_INFO_V1(rc_sql_get_memories_from_chains);
PG_FUNCTION_INFO_V1(rc_sql_get_memory_from_ancestors);

/* Return the memory that a query of one parameter finds, NULL where it finds none. */
static Datum
ReturnMemory(FunctionCallInfo fcinfo, RcQuery query)
{
	Datum		id = PG_GETARG_DATUM(0);
	Datum		memory = (Datum) 0;
	bool		isnull = true;

	rc_begin_queries();
	if (rc_query(query, &id, 1) > 0)
		memory = rc_result(0, 1, JSONBOID, &isnull);
	rc_end_queries();
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(memory);
}

/* Return the rows that a query of one parameter finds. */
static Datum
ReturnRows(FunctionCallInfo fcinfo, RcQuery query)
{
	Datum		parameter = PG_GETARG_DATUM(0);

	InitMaterializedSRF(fcinfo, 0);
	rc_begin_queries();
	(void) rc_query(query, &parameter, 0);
	rc_return_rows(fcinfo);
	rc_end_queries();
	return (Datum) 0;
}

/* SQL: get_memory_from_chain(chain_id uuid) -> jsonb */
Datum
rc_sql_get_memory_from_chain(PG_FUNCTION_ARGS)
{
	return ReturnMemory(fcinfo, RC_CHAIN_MEMORY);
}

/* SQL: get_memory_from_render(render_id uuid) -> jsonb */
Datum
rc_sql_get_memory_from_render(PG_FUNCTION_ARGS)
{
	return ReturnMemory(fcinfo, RC_RENDER_MEMORY);
}

/* SQL: get_latest_completed_render_with_memory(chain_id uuid) -> a row or none */
Datum
rc_sql_get_latest_completed_render_with_memory(PG_FUNCTION_ARGS)
{
	return ReturnRows(fcinfo, RC_LATEST_RENDER);
}

/* SQL: get_memories_from_chains(chain_ids uuid[]) -> rows */
Datum
rc_sql_get_memories_from_chains(PG_FUNCTION_ARGS)
{
	return ReturnRows(fcinfo, RC_CHAINS_MEMORIES);
}

/*
 * SQL: get_memory_from_ancestors(render_id uuid) -> jsonb
 *
 * Step from parent to parent until one has memory. A loop of parents is noticed
 * by Brent's method: compare with a render that was passed earlier, and move
 * that one up whenever the number of steps has doubled.
 */
Datum
rc_sql_get_memory_from_ancestors(PG_FUNCTION_ARGS)
{
	pg_uuid_t	render = *PG_GETARG_UUID_P(0);
	pg_uuid_t	passed = render;
	Datum		memory = (Datum) 0;
	bool		no_memory = true;
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
			memory = rc_result(0, 2, JSONBOID, &no_memory);
		parent = rc_result(0, 1, UUIDOID, &no_parent);
		if (!no_memory || no_parent)
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
	if (no_memory)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(memory);
}
