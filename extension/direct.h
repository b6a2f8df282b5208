/*
 * direct.h
 *	  Reading rows of our tables through an index, without the planner and executor.
 */
#ifndef RC_DIRECT_H
#define RC_DIRECT_H

/* Columns that are read directly; those of one name are of one type in every table. */
typedef enum RcColumn
{
	RC_COLUMN_ID,
	RC_COLUMN_CHAIN_ID,
	RC_COLUMN_CHAIN_POSITION,
	RC_COLUMN_STATUS,
	RC_COLUMN_CONTEXT_DATA,
	RC_COLUMN_TYPE,
	RC_COLUMN_PROMPT,
	RC_COLUMN_OUTPUT_URL,
	RC_COLUMN_OUTPUT_KEY,
	RC_COLUMN_COMPLETED_AT,
	RC_COLUMN_PINS,
	RC_COLUMN_COUNT				/* must be last */
} RcColumn;

/* What is known of a table "renders" or "memory_pins". */
typedef struct RcTableFacts
{
	Oid			table;			/* must be first: key of the cache */
	bool		valid;			/* false after any change of the table */
	bool		plain;			/* rows can be read without the planner at all */
	AttrNumber	columns[RC_COLUMN_COUNT];	/* 0 where one is missing */
	bool		expected[RC_COLUMN_COUNT];	/* has it the type that we take it for? */
	Oid			status_collation;
	bool		has_chain_index;	/* there is some index on part of the chains */
	Oid			chain_index;	/* on chains with memory; InvalidOid where there is none */
	bool		chain_forward;	/* it has the highest position first */
	Oid			id_index;		/* unique on the id; InvalidOid where there is none */
	Oid			pins_index;		/* unique on the chain; likewise */
} RcTableFacts;

/* direct_table.c */
extern void rc_table_facts(Relation table, RcTableFacts *facts);

/* What is looked for: */
typedef enum RcDirectKey
{
	RC_BY_CHAIN,				/* completed renders of a chain that carry memory, last first */
	RC_BY_ID,					/* a render */
	RC_TO_SAVE,					/* a render, to lock its row before it is written */
	RC_PINS_OF_CHAIN			/* the pins of a chain */
} RcDirectKey;

/* A scan of a table of the working schema. */
typedef struct RcDirect
{
	Relation	table;
	Relation	index;
	RcTableFacts facts;
	ScanDirection direction;
	TupleTableSlot *slot;		/* the current row */
	IndexScanDesc scan;
	RcDirectKey key;
} RcDirect;

/* direct_scan.c */
extern bool rc_direct_open(RcDirect *direct, RcDirectKey key, const RcColumn *columns, int count);
extern void rc_direct_find(RcDirect *direct, const pg_uuid_t *id);
extern bool rc_direct_next(RcDirect *direct);
extern bool rc_direct_lock(RcDirect *direct);
extern Datum rc_direct_value(RcDirect *direct, RcColumn column, bool *isnull);
extern void rc_direct_close(RcDirect *direct);

#endif							/* RC_DIRECT_H */
