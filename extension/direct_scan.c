/*
 * direct_scan.c
 *	  Reading rows of our tables through an index, without the planner and executor.
 *
 * A lookup by one key in one index is most of what an application asks of a
 * chain, and most of the time of the usual way goes into setting up and taking
 * down an executor. Here the index is scanned as the executor would scan it:
 * under the active snapshot, with the table and the index locked, taking part in
 * serializable transactions.
 *
 * Where the answer could be another one than that of a query, rc_direct_open()
 * says so, and the caller asks the planner (query.c): row-level security that
 * applies to the caller; no privilege to read the whole table (the planner knows
 * about columns); views, foreign, partitioned, inherited and distributed tables;
 * columns of other types; no index; a module that watches what is read. Rows are
 * what the planner's way finds, in the same order; test/regress is run both ways.
 */
#include "compat.h"

#include "direct.h"
#include "renderchain.h"

/* So many tables are known to have been warned of. */
#define MOST_TOLD 512

/* What a kind of lookup takes. */
typedef struct KeyFacts
{
	const char *table;
	LOCKMODE	lock;
	AclMode		privileges;
	RcColumn	column;			/* what is looked for is found in this one */
	int			scan_keys;		/* by chain: the chain, and that there is a position */
} KeyFacts;

static const KeyFacts key_facts[] = {
	[RC_BY_CHAIN] = {RC_RENDERS, AccessShareLock, ACL_SELECT, RC_COLUMN_CHAIN_ID, 2},
	[RC_BY_ID] = {RC_RENDERS, AccessShareLock, ACL_SELECT, RC_COLUMN_ID, 1},
	[RC_TO_SAVE] = {RC_RENDERS, RowExclusiveLock, ACL_SELECT | ACL_UPDATE, RC_COLUMN_ID, 1},
	[RC_PINS_OF_CHAIN] = {"memory_pins", AccessShareLock, ACL_SELECT, RC_COLUMN_CHAIN_ID, 1},
};

/*
 * Open a table of the working schema, locked; NULL where it is missing, or gone by
 * the time that it is locked.
 */
static Relation
OpenTable(const char *name, LOCKMODE lock)
{
	for (;;)
	{
		uint64		changes = SharedInvalidMessageCounter;
		Oid			oid = rc_working_table(name);
		Relation	table = OidIsValid(oid) ? try_relation_open(oid, lock) : NULL;

		/* nothing was renamed or dropped while we waited for the lock */
		if (changes == SharedInvalidMessageCounter)
			return table;
		if (table != NULL)
			relation_close(table, lock);
	}
}

/*
 * Tell, once a session for each table, whether it is the first time that this is
 * asked. When very many tables were asked for, all are forgotten.
 */
static bool
IsFirstTime(Oid table)
{
	static HTAB *told;
	bool		found;

	if (told != NULL && hash_get_num_entries(told) >= MOST_TOLD)
	{
		hash_destroy(told);
		told = NULL;
	}
	if (told == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Oid)};

		told = hash_create("renderchain warnings", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	(void) hash_search(told, &table, HASH_ENTER, &found);
	return !found;
}

/* Warn, once a session, that lookups by chain have no index to go by. */
static void
WarnOfMissingIndex(Relation table, const RcTableFacts *facts)
{
	bool		is_partitioned = (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE);
	const char *name;

	if (facts->has_chain_index ||
		(table->rd_rel->relkind != RELKIND_RELATION && !is_partitioned) ||
		!IsFirstTime(RelationGetRelid(table)))
		return;
	name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
									  RelationGetRelationName(table));
	ereport(WARNING,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table %s has no index for the memory of chains", name),
			 errdetail("Lookups by chain work, but read more rows than they need."),
			 errhint("CREATE INDEX %sON %s (chain_id, chain_position DESC)"
					 " WHERE status::text = 'completed'::text"
					 " AND pg_catalog.jsonb_typeof(context_data -> '%s'::text) = 'object'::text;",
					 is_partitioned ? "" : "CONCURRENTLY ", name, RC_MEMORY_KEY)));
}

/* Tell whether the keys of a lookup and the columns that it wants are as expected. */
static bool
HasColumns(const RcTableFacts *facts, RcDirectKey key, const RcColumn *columns, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		if (!facts->expected[columns[i]])
			return false;
	return facts->expected[key_facts[key].column] &&
		(key != RC_BY_CHAIN ||
		 (facts->expected[RC_COLUMN_CHAIN_POSITION] && facts->expected[RC_COLUMN_STATUS]));
}

/* Say why the planner must be asked; NULL where it need not, as far as the table goes. */
static const char *
ObstacleOfTable(Relation table, const RcTableFacts *facts, RcDirectKey key)
{
	Oid			oid = RelationGetRelid(table);
	AclMode		privileges = key_facts[key].privileges;

	if (!rc_direct_scan)
		return "renderchain.direct_scan is off";
	if (!facts->plain)
		return "it is not a plain table";
	if (ExecutorCheckPerms_hook != NULL)
		return "a module watches what the executor reads";
	if (pg_class_aclmask(oid, GetUserId(), privileges, ACLMASK_ALL) != privileges)
		return "the role has no privilege on all columns";
	if (table->rd_rel->relrowsecurity && check_enable_rls(oid, InvalidOid, true) == RLS_ENABLED)
		return "row-level security applies to the role";
	/* the executor has an error for it */
	if (key == RC_TO_SAVE && (XactReadOnly || IsInParallelMode()))
		return "rows cannot be locked in this transaction";
	return NULL;
}

/*
 * Tell whether an index may be used now: it is valid, and not younger than the
 * snapshot where it was built over rows that older snapshots see differently
 * (get_relation_info() in src/backend/optimizer/util/plancat.c).
 */
static bool
IsUsable(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form != NULL && form->indisvalid &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin));
}

/* Open the index of a table that does for a kind of lookup; NULL where there is none. */
static Relation
OpenIndex(const RcTableFacts *facts, RcDirectKey key)
{
	Oid			oid = key == RC_BY_CHAIN ? facts->chain_index :
		key == RC_PINS_OF_CHAIN ? facts->pins_index : facts->id_index;
	Relation	index = OidIsValid(oid) ? try_relation_open(oid, AccessShareLock) : NULL;

	if (index != NULL && !IsUsable(index))
	{
		relation_close(index, AccessShareLock);
		index = NULL;
	}
	return index;
}

/*
 * Begin to look up rows whose values of these columns are wanted. False where
 * the planner must be asked; everything is closed then, and the server's log says
 * why at level DEBUG1.
 */
bool
rc_direct_open(RcDirect *direct, RcDirectKey key, const RcColumn *columns, int count)
{
	LOCKMODE	lock = key_facts[key].lock;
	Relation	table = OpenTable(key_facts[key].table, lock);
	RcTableFacts *facts = &direct->facts;
	const char *obstacle;

	if (table == NULL)
		return false;
	rc_table_facts(table, facts);
	if (key == RC_BY_CHAIN)
		WarnOfMissingIndex(table, facts);
	obstacle = ObstacleOfTable(table, facts, key);
	if (obstacle == NULL && !HasColumns(facts, key, columns, count))
		obstacle = "a column has another type";
	if (obstacle == NULL)
	{
		direct->index = OpenIndex(facts, key);
		if (direct->index == NULL)
			obstacle = "it has no fitting index";
	}
	if (obstacle != NULL)
	{
		ereport(DEBUG1,
				(errmsg_internal("looking up table \"%s\" with the planner: %s",
								 RelationGetRelationName(table), obstacle)));
		relation_close(table, lock);
		return false;
	}
	direct->table = table;
	direct->key = key;
	direct->direction = key == RC_BY_CHAIN && !facts->chain_forward ?
		BackwardScanDirection : ForwardScanDirection;
	direct->slot = table_slot_create(table, NULL);
	direct->scan = rc_index_beginscan(table, direct->index, GetActiveSnapshot(),
									  key_facts[key].scan_keys);
	return true;
}

/* Look for the rows of a chain, the row of a render, or pins. Good for many in turn. */
void
rc_direct_find(RcDirect *direct, const pg_uuid_t *id)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
	ScanKeyEntryInitialize(&keys[1], SK_ISNULL | SK_SEARCHNOTNULL, 2, InvalidStrategy,
						   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	index_rescan(direct->scan, keys, key_facts[direct->key].scan_keys, NULL, 0);
}

/* Move to the first or next row that was looked for; false where there is none. */
bool
rc_direct_next(RcDirect *direct)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(direct->scan, direct->direction, direct->slot);
}

/* Tell whether the current row is still the one of that id. */
static bool
HasId(RcDirect *direct, const pg_uuid_t *id)
{
	bool		isnull;
	Datum		value = rc_direct_value(direct, RC_COLUMN_ID, &isnull);

	return !isnull && memcmp(DatumGetUUIDP(value), id, sizeof(pg_uuid_t)) == 0;
}

/*
 * Lock the current row, waiting for others that have it locked, and read its
 * latest version; false where it is gone by then. As nodeLockRows.c does for FOR
 * NO KEY UPDATE, with its error where the isolation level keeps to a snapshot.
 */
bool
rc_direct_lock(RcDirect *direct)
{
	ItemPointerData place = direct->slot->tts_tid;
	TM_FailureData failure;
	TM_Result	result;
	pg_uuid_t	id;
	bool		isnull;
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;

	id = *DatumGetUUIDP(rc_direct_value(direct, RC_COLUMN_ID, &isnull));
	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	ExecClearTuple(direct->slot);
	result = table_tuple_lock(direct->table, &place, GetActiveSnapshot(), direct->slot,
							  GetCurrentCommandId(true), LockTupleNoKeyExclusive, LockWaitBlock,
							  flags, &failure);
	switch (result)
	{
		case TM_Ok:
			return !failure.traversed || HasId(direct, &id);
		case TM_SelfModified:
			/* by a command that goes on further up: the planner's way passes it over, too */
			return false;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("could not serialize access due to concurrent update")));
			return false;
		default:
			elog(ERROR, "unexpected result of locking a row: %d", (int) result);
			return false;
	}
}

/*
 * Return a value of the current row, as it is stored. It points into the row: good
 * until the next one.
 */
Datum
rc_direct_value(RcDirect *direct, RcColumn column, bool *isnull)
{
	return slot_getattr(direct->slot, direct->facts.columns[column], isnull);
}

/*
 * End the scan. The locks are kept until the transaction ends, as a query's are.
 */
void
rc_direct_close(RcDirect *direct)
{
	index_endscan(direct->scan);
	ExecDropSingleTupleTableSlot(direct->slot);
	index_close(direct->index, NoLock);
	table_close(direct->table, NoLock);
}
