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
	RC_WAITING,
	RC_QUERY_COUNT				/* must be last */
} RcQuery;

extern void rc_begin_queries(void);
extern void rc_end_queries(void);
extern uint64 rc_query(RcQuery query, Datum *parameters, long max_rows);
extern Datum rc_result(uint64 row, int column, Oid type, bool *isnull);

#endif							/* RC_QUERY_H */
