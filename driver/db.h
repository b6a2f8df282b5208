/* A database connection: libpq in pipeline mode on the loop. Each call is one
 * statement in a transaction of its own; calls are answered in the order in
 * which they were made. No session state is kept, so a transaction pooler works.
 *
 * A connection ends with the first loss, and every call that waits is told so; or it
 * stays (db_stay): it connects again, with backoff, and asks again what was not answered.
 * The statements of a render may all be asked twice: attempt fences them, and what is
 * recorded already is recorded once. */
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

/* Told when a connection that stays is lost (up false, with words why) and when it is there
 * again, behind what is asked anew. */
typedef void DbChanged(void *context, bool up, const char *words);

/* From now on come back after a loss. Also errors that pass by themselves (a deadlock, a full
 * disk, a statement cancelled by an operator) have the call asked again, with backoff, until
 * db_close. */
void db_stay(Db *db, DbChanged *changed, void *context);

/* How long a call of a connection that stays may wait for a lock, since all others wait behind it:
 * 1 s, unless said here. Then it is an error that passes. */
void db_lock_patience(Db *db, unsigned milliseconds);

/* Is an error (its SQLSTATE) one that passes by itself? */
bool db_error_passes(const char *sqlstate);

/* Is it one of what was to be written, which is refused however often it is asked? */
bool db_error_of_data(const char *sqlstate);

/* Is there a connection at present? */
bool db_is_up(const Db *db);

/* Called with the payload of every notification on channels that the session listens to. */
typedef void DbWoken(void *context, const char *payload);
void db_on_notify(Db *db, DbWoken *woken, void *context);

/* Which server process the connection was given. A pooler gives a number of its own, which
 * pg_backend_pid() does not say. */
int db_backend_pid(const Db *db);

/* Ask one thing. The parameters are copied; NULL is SQL's NULL. */
void db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
             void *context);

/* Ask one thing that must not be asked twice: a loss is answered even where the connection
 * stays. */
void db_call_once(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                  void *context);

/* Ask one thing whose errors are all told, also those that pass by themselves, which are the
 * caller's to ask again after. */
void db_call_told(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                  void *context);

/* How long to wait before that, in milliseconds, after so many tries before. */
double db_backoff(unsigned tries);

/* The same before connecting again: never as long as the shortest lease takes between two times
 * that it is extended, or a worker would lose its renders to one that has come back sooner. */
double db_connect_backoff(unsigned tries);

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
