/*
 * server.h
 *	  The server's headers, and what differs between PostgreSQL 14 and 18.
 *
 * The server's headers do not compile cleanly with -Wextra, so this header
 * declares itself and what it includes a system header. It is not the
 * extension's: the fuzzer shares nothing with what it tests.
 */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#pragma GCC system_header

#include "postgres.h"

#include "access/detoast.h"
#include "access/toast_compression.h"
#include "access/toast_internals.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Tell whether a value out of line is compressed; the macro compares signed with unsigned. */
static inline bool
fuzz_is_compressed(struct varatt_external pointer)
{
	return VARATT_EXTERNAL_IS_COMPRESSED(pointer);
}

#endif							/* FUZZ_SERVER_H */
