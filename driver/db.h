/* The database connection: libpq in pipeline mode on the loop. Each call is one
 * statement in a transaction of its own; calls are answered in the order in
 * which they were made. No session state is kept, so a transaction pooler works. */
#ifndef RC_DB_H
#define RC_DB_H

#include <libpq-fe.h>

#include "loop.h"
#include "trace.h"

typedef struct Db Db;

typedef struct DbReply {
    bool ok;
    const PGresult *result; /* NULL where the connection was lost; valid during the callback */
    const char *sqlstate;   /* "08006" where the connection was lost */
    const char *message;    /* primary, detail and hint; "" where ok */
    const char *detail;
    const char *hint;
} DbReply;

typedef void DbDone(void *context, const DbReply *reply);

/* Begin to connect (libpq's conninfo and PG* variables), so that the server starts its
 * process while the caller does other things. schema: what renderchain.schema is for
 * every call, or NULL for the server's own setting. */
Db *db_start(const char *conninfo, const char *schema, Trace *trace);

/* Wait for the connection, and put it on the loop. False with *error set (caller frees) where the
 * server cannot be reached within connect_timeout (libpq's; 10 s by default) or is older than 14.
 */
MUSTCHECK bool db_connect(Db *db, Loop *loop, char **error);
void db_close(Db *db);

/* Ask one thing. The parameters are copied; NULL is SQL's NULL. */
void db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
             void *context);

/* Are calls unanswered? */
bool db_busy(const Db *db);

/* Ask, and turn the loop until the answer is there; for commands that do one thing.
 * The reply is the caller's, to be freed with db_answer_free. */
typedef struct DbAnswer {
    bool ok;
    PGresult *result;
    char sqlstate[6];
    char *message;
    char *detail;
    char *hint;
} DbAnswer;
DbAnswer db_ask(Db *db, const char *sql, int count, const char *const *parameters);
void db_answer_free(DbAnswer *answer);

/* A column of row 0 of a result by name, or NULL. */
const char *db_text(const PGresult *result, int row, const char *column);

#endif
