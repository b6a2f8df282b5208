/*
 * direct_table.c
 *	  What must be known of a table to read it without the planner.
 *
 * Facts that hold for everybody are gathered once and kept until the table
 * changes: that it is a plain table whose rows are all in it, which columns have
 * the types that the C code takes them for, and which indexes do for lookups.
 * What depends on the caller is asked at each call (direct_scan.c).
 *
 * An index on chains is recognised by what it is, not by its name. It must be
 *
 *	  btree (chain_id, chain_position)
 *	  WHERE status = 'completed' AND jsonb_typeof(context_data -> 'pipelineMemory') = 'object'
 *
 * so that its first entry of a chain, from the side of the high positions, is
 * the answer. With any other index the planner decides.
 *
 * Citus keeps the rows of a distributed table elsewhere and leaves an empty
 * table in its place, which nothing but its own catalog tells from a plain one.
 */
#include "compat.h"

#include "direct.h"
#include "renderchain.h"

#define CITUS_CATALOG "pg_dist_partition"
#define CITUS_CATALOG_TABLE 1	/* its column with the distributed table */

/* So many tables are remembered before all are forgotten. */
#define MOST_TABLES 512

/* The columns and the types that they may have; one type may be missing. */
typedef struct ColumnFacts
{
	const char *name;
	Oid			types[2];
} ColumnFacts;

static const ColumnFacts column_facts[RC_COLUMN_COUNT] = {
	[RC_COLUMN_ID] = {"id", {UUIDOID}},
	[RC_COLUMN_CHAIN_ID] = {"chain_id", {UUIDOID}},
	[RC_COLUMN_CHAIN_POSITION] = {"chain_position", {INT4OID}},
	[RC_COLUMN_STATUS] = {"status", {TEXTOID, VARCHAROID}},
	[RC_COLUMN_CONTEXT_DATA] = {"context_data", {JSONBOID}},
	[RC_COLUMN_TYPE] = {"type", {TEXTOID, VARCHAROID}},
	[RC_COLUMN_PROMPT] = {"prompt", {TEXTOID, VARCHAROID}},
	[RC_COLUMN_OUTPUT_URL] = {"output_url", {TEXTOID, VARCHAROID}},
	[RC_COLUMN_OUTPUT_KEY] = {"output_key", {TEXTOID, VARCHAROID}},
	[RC_COLUMN_COMPLETED_AT] = {"completed_at", {TIMESTAMPTZOID}},
	[RC_COLUMN_PINS] = {"pins", {JSONBOID}},
};

static HTAB *tables;
static uint64 changes;			/* of tables, as far as we were told */

/* Forget what is known of a table that has changed; of all where it is InvalidOid. */
static void
ForgetTable(Datum argument, Oid table)
{
	HASH_SEQ_STATUS scan;
	RcTableFacts *facts;

	(void) argument;
	changes++;
	if (OidIsValid(table))
	{
		facts = hash_search(tables, &table, HASH_FIND, NULL);
		if (facts != NULL)
			facts->valid = false;
		return;
	}
	hash_seq_init(&scan, tables);
	while ((facts = hash_seq_search(&scan)) != NULL)
		facts->valid = false;
}

/* Begin to remember tables. */
static void
MakeCache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(RcTableFacts)};

	tables = hash_create("renderchain tables", 16, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(ForgetTable, (Datum) 0);
}

/* Forget all tables when a session has seen very many. */
static void
LimitTables(void)
{
	HASH_SEQ_STATUS scan;
	RcTableFacts *facts;

	if (hash_get_num_entries(tables) < MOST_TABLES)
		return;
	hash_seq_init(&scan, tables);
	while ((facts = hash_seq_search(&scan)) != NULL)
		(void) hash_search(tables, &facts->table, HASH_REMOVE, NULL);
}

/* Tell whether Citus has distributed a table. */
static bool
IsDistributed(Oid table)
{
	Oid			catalog_oid = get_relname_relid(CITUS_CATALOG, PG_CATALOG_NAMESPACE);
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	if (!OidIsValid(catalog_oid))
		return false;
	catalog = try_relation_open(catalog_oid, AccessShareLock);
	if (catalog == NULL)
		return false;
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (!found && (row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		value = heap_getattr(row, CITUS_CATALOG_TABLE, RelationGetDescr(catalog), &isnull);

		found = !isnull && DatumGetObjectId(value) == table;
	}
	systable_endscan(scan);
	relation_close(catalog, AccessShareLock);
	return found;
}

/* Tell whether all rows of a table, and only these, are in its own heap. */
static bool
IsPlain(Relation table)
{
	Form_pg_class form = table->rd_rel;

	return form->relkind == RELKIND_RELATION && form->relam == HEAP_TABLE_AM_OID &&
		(!form->relhassubclass || find_inheritance_children(RelationGetRelid(table), NoLock) == NIL) &&
		!RELATION_IS_OTHER_TEMP(table) && !IsDistributed(RelationGetRelid(table));
}

/* Find the columns, and whether they have the types that they should have. */
static void
FindColumns(RcTableFacts *facts, Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);
	int			i;
	int			column;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		for (column = 0; column < RC_COLUMN_COUNT; column++)
		{
			const ColumnFacts *known = &column_facts[column];

			if (attribute->attisdropped || strcmp(NameStr(attribute->attname), known->name) != 0)
				continue;
			facts->columns[column] = attribute->attnum;
			if (column == RC_COLUMN_STATUS)
				facts->status_collation = attribute->attcollation;
			/* a generated column may be computed when it is read (from 18 on) */
			facts->expected[column] = attribute->attgenerated == '\0' &&
				(attribute->atttypid == known->types[0] || attribute->atttypid == known->types[1]);
		}
	}
}

/* Tell whether an expression is a column, maybe taken for a type that is stored alike. */
static bool
IsColumn(const Node *node, AttrNumber column)
{
	if (IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	return column != InvalidAttrNumber && IsA(node, Var) && ((const Var *) node)->varattno == column;
}

/* Tell whether an expression is a constant text. */
static bool
IsText(const Node *node, const char *expected)
{
	const Const *constant = (const Const *) node;

	return IsA(node, Const) && constant->consttype == TEXTOID && !constant->constisnull &&
		strcmp(TextDatumGetCString(constant->constvalue), expected) == 0;
}

/* Tell whether an expression calls this function, as an operator or by its name. */
static bool
IsCall(const Node *node, Oid function, List **arguments)
{
	if (IsA(node, OpExpr) && ((const OpExpr *) node)->opfuncid == function)
		*arguments = ((const OpExpr *) node)->args;
	else if (IsA(node, FuncExpr) && ((const FuncExpr *) node)->funcid == function)
		*arguments = ((const FuncExpr *) node)->args;
	else
		return false;
	return true;
}

/* Tell whether an expression says that two texts are equal under this collation. */
static bool
IsEquality(const Node *node, Oid collation, List **sides)
{
	return IsA(node, OpExpr) && ((const OpExpr *) node)->inputcollid == collation &&
		IsCall(node, F_TEXTEQ, sides);
}

/* Tell whether an expression is status = 'completed', as a query compares it. */
static bool
IsCompleted(const Node *node, const RcTableFacts *facts)
{
	List	   *sides;

	return IsEquality(node, facts->status_collation, &sides) &&
		IsColumn(linitial(sides), facts->columns[RC_COLUMN_STATUS]) &&
		IsText(lsecond(sides), "completed");
}

/* Tell whether one is jsonb_typeof(context_data -> 'pipelineMemory') = 'object'. */
static bool
HasMemory(const Node *node, const RcTableFacts *facts)
{
	List	   *sides;
	List	   *of;
	List	   *path;

	return IsEquality(node, DEFAULT_COLLATION_OID, &sides) && IsText(lsecond(sides), "object") &&
		IsCall(linitial(sides), F_JSONB_TYPEOF, &of) &&
		IsCall(linitial(of), F_JSONB_OBJECT_FIELD, &path) &&
		IsColumn(linitial(path), facts->columns[RC_COLUMN_CONTEXT_DATA]) &&
		IsText(lsecond(path), RC_MEMORY_KEY);
}

/*
 * Tell whether an index holds the completed renders with memory and no others.
 * Reading its predicate can run functions of the index's owner, as planning does.
 */
static bool
HoldsRendersWithMemory(Relation index, const RcTableFacts *facts)
{
	List	   *clauses = RelationGetIndexPredicate(index);

	return list_length(clauses) == 2 &&
		((IsCompleted(linitial(clauses), facts) && HasMemory(lsecond(clauses), facts)) ||
		 (IsCompleted(lsecond(clauses), facts) && HasMemory(linitial(clauses), facts)));
}

/* Tell whether a column of an index is this one. */
static bool
IsIndexed(Relation index, int place, AttrNumber column)
{
	return column != InvalidAttrNumber && index->rd_index->indkey.values[place] == column;
}

/* Tell whether a column of an index is in the usual order of that type. */
static bool
IsOrdered(Relation index, int place, Oid type)
{
	return index->rd_opfamily[place] == lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/* Tell whether every value of a column stands at most once in an index, and all of them do. */
static bool
IsUnique(Relation index, const RcTableFacts *facts, RcColumn column)
{
	Form_pg_index form = index->rd_index;

	return form->indnkeyatts == 1 && form->indisunique && form->indimmediate &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		IsIndexed(index, 0, facts->columns[column]) && IsOrdered(index, 0, UUIDOID);
}

/* Note what an index of the table is good for. */
static void
ConsiderIndex(RcTableFacts *facts, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID)
		return;
	if (IsUnique(index, facts, RC_COLUMN_ID))
		facts->id_index = RelationGetRelid(index);
	if (IsUnique(index, facts, RC_COLUMN_CHAIN_ID))
		facts->pins_index = RelationGetRelid(index);
	if (form->indnkeyatts >= 2 && !heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		IsIndexed(index, 0, facts->columns[RC_COLUMN_CHAIN_ID]) &&
		IsIndexed(index, 1, facts->columns[RC_COLUMN_CHAIN_POSITION]))
	{
		facts->has_chain_index = true;
		if (form->indnkeyatts == 2 && IsOrdered(index, 0, UUIDOID) && IsOrdered(index, 1, INT4OID) &&
			HoldsRendersWithMemory(index, facts))
		{
			facts->chain_index = RelationGetRelid(index);
			facts->chain_forward = (index->rd_indoption[1] & INDOPTION_DESC) != 0;
		}
	}
}

/* Find out everything about a table. */
static void
GatherFacts(RcTableFacts *facts, Relation table)
{
	List	   *indexes;
	ListCell   *cell;

	memset(facts, 0, sizeof(RcTableFacts));
	facts->table = RelationGetRelid(table);
	facts->plain = IsPlain(table);
	FindColumns(facts, table);

	indexes = RelationGetIndexList(table);
	foreach(cell, indexes)
	{
		Relation	index = try_relation_open(lfirst_oid(cell), AccessShareLock);

		if (index == NULL)
			continue;
		if (index->rd_index != NULL)
			ConsiderIndex(facts, index);
		relation_close(index, AccessShareLock);
	}
	list_free(indexes);
}

/*
 * Tell the facts about a table, which is locked: good as long as the lock is
 * held. Rows of a table that is not plain are not to be read with them.
 *
 * They are gathered outside of the cache, because gathering can fail, and can run
 * functions that look other tables up; what is changed meanwhile is gathered
 * again the next time.
 */
void
rc_table_facts(Relation table, RcTableFacts *facts)
{
	Oid			oid = RelationGetRelid(table);
	RcTableFacts *kept;
	uint64		before;

	if (tables == NULL)
		MakeCache();
	kept = hash_search(tables, &oid, HASH_FIND, NULL);
	if (kept != NULL && kept->valid)
	{
		*facts = *kept;
		return;
	}

	before = changes;
	GatherFacts(facts, table);
	facts->valid = (before == changes);
	LimitTables();
	kept = hash_search(tables, &oid, HASH_ENTER, NULL);
	*kept = *facts;
}
