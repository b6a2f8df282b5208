/*
 * query.h
 *	  The queries that the C functions run on the working schema.
 */
#ifndef RC_QUERY_H
#define RC_QUERY_H

/* Queries; their texts, parameters and results are in query.c. */
typedef enum RcQuery
{
	RC_LATEST_RENDER,
	RC_CHAIN_MEMORY,
	RC_RENDER_MEMORY,
	RC_CHAINS_MEMORIES,
	RC_ANCESTOR,
	RC_LOCK_RENDER,
	RC_WRITE_CONTEXT,
	RC_LOCK_CHAIN,
	RC_LOCK_LATEST_RENDERS,
	RC_LATEST_RENDER_ID,
	RC_PINS,
	RC_WRITE_PINS,
	RC_DELETE_PINS,
	RC_CHAIN_BY_NAME,
	RC_OWN_CHAIN_BY_NAME,
	RC_USED_KEY,
	RC_WAITING,
	RC_MODELS,
	RC_RAISE_UNPRICED,
	RC_RAISE_REQUEST,
	RC_SUBMITTED_BEFORE,
	RC_CHAIN_OF,
	RC_MAKE_CHAIN,
	RC_TAKE_CHAIN,
	RC_TAKE_CHAIN_NAMED,
	RC_LAST_PLACE,
	RC_LAST_PLACE_AND_OUTPUT,
	RC_INSERT_RENDER,
	RC_ACCOUNT,
	RC_RESERVE,
	RC_CAN_WAIT_FOR,
	RC_QUEUE_FOR,
	RC_INSERT_JOB,
	RC_ADOPT_INPUTS,
	RC_OUTPUT_OF_CHAIN,
	RC_OUTPUT_OF_RENDER,
	RC_MIME,
	RC_CLAIM_AGAIN,
	RC_QUERY_COUNT				/* must be last */
} RcQuery;

/* The columns of RC_MODELS */
enum
{
	RC_MODEL_DEFINITION = 1,
	RC_MODEL_ID,
	RC_MODEL_PROVIDER,
	RC_MODEL_KIND,
	RC_MODEL_CREDITS,
	RC_MODEL_RETIRED,
	RC_MODEL_TIER
};

extern void rc_begin_queries(void);
extern void rc_end_queries(void);
extern uint64 rc_query(RcQuery query, Datum *parameters, long max_rows);
extern uint64 rc_query_nullable(RcQuery query, const NullableDatum *parameters, long max_rows);
extern Datum rc_result(uint64 row, int column, Oid type, bool *isnull);

#endif							/* RC_QUERY_H */
