/*
 * compat.h
 *	  The server's headers, and what differs between PostgreSQL 14 and 19.
 *
 * Every file includes this first. The server's headers do not compile cleanly
 * with -Wextra, so this header declares itself and what it includes a system
 * header; our own code is not excused.
 */
#ifndef RC_COMPAT_H
#define RC_COMPAT_H

#pragma GCC system_header

#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "port/pg_bitutils.h"
#include "regex/regex.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#if PG_VERSION_NUM < 140000
#error "renderchain needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#if PG_VERSION_NUM < 160000
/* 16 has one function for the privileges on every kind of object. */
#define rc_namespace_aclcheck(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#else
#define rc_namespace_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

#if PG_VERSION_NUM < 160000
/* 16 added an output argument for more about the error. */
#define rc_decode_datetime(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz)
#else
static inline int
rc_decode_datetime(char **field, int *ftype, int nf, int *dtype,
				   struct pg_tm *tm, fsec_t *fsec, int *tz)
{
	DateTimeErrorExtra extra;

	return DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz, &extra);
}
#endif

/*
 * 18 added a place for the statistics of EXPLAIN, and 19 flags: hints that
 * are not needed here.
 */
#if PG_VERSION_NUM < 180000
#define rc_index_beginscan(heap, index, snapshot, keys) \
	index_beginscan(heap, index, snapshot, keys, 0)
#elif PG_VERSION_NUM < 190000
#define rc_index_beginscan(heap, index, snapshot, keys) \
	index_beginscan(heap, index, snapshot, NULL, keys, 0)
#else
#define rc_index_beginscan(heap, index, snapshot, keys) \
	index_beginscan(heap, index, snapshot, NULL, keys, 0, SO_NONE)
#endif

/* Return the snapshot for values out of line; 18 made it one that is filled in once. */
static inline Snapshot
rc_toast_snapshot(void)
{
#if PG_VERSION_NUM >= 180000
	return get_toast_snapshot();
#else
	static SnapshotData snapshot;

	init_toast_snapshot(&snapshot);
	return &snapshot;
#endif
}

#if PG_VERSION_NUM < 150000
/*
 * Prepare to return a set of rows as a tuplestore, as 15's function of the
 * same name does.
 */
static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old_context;
	TupleDesc	desc;

	Assert(flags == 0);
	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		!(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));

	old_context = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	rsinfo->setDesc = desc;
	MemoryContextSwitchTo(old_context);
}
#endif

/*
 * 19 gives pushJsonbValue a state struct and no result; here is that shape for
 * every version.
 */
typedef struct RcJsonbBuilder
{
#if PG_VERSION_NUM >= 190000
	JsonbInState state;
#else
	JsonbParseState *state;
	JsonbValue *result;
#endif
} RcJsonbBuilder;

static inline void
rc_push(RcJsonbBuilder *builder, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(&builder->state, token, value);
#else
	builder->result = pushJsonbValue(&builder->state, token, value);
#endif
}

/* Return the finished document, palloc'd in the current memory context. */
static inline Jsonb *
rc_built(RcJsonbBuilder *builder)
{
#if PG_VERSION_NUM >= 190000
	return JsonbValueToJsonb(builder->state.result);
#else
	return JsonbValueToJsonb(builder->result);
#endif
}

#endif							/* RC_COMPAT_H */
