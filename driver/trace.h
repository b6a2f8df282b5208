/* An optional record of what the driver waited for: one JSON object a line for
 * every request and statement sent and answered, in --trace FILE. Bodies,
 * parameters and keys never enter it. */
#ifndef RC_TRACE_H
#define RC_TRACE_H

#include "mem.h"

typedef struct Trace Trace;

/* NULL path: no trace, and every call below does nothing. NULL with *error set
 * (caller frees) where the file cannot be written. */
Trace *trace_open(const char *path, char **error);
void trace_close(Trace *trace);

/* kind: http_send, http_done, http_drop, db_send, db_done; what: URL or statement, or NULL. */
void trace_write(Trace *trace, const char *kind, unsigned id, const char *what);

#endif
