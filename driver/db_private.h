/* What the two halves of a database connection share: db.c asks and answers, db_connect.c
 * connects, now and again. */
#ifndef RC_DB_PRIVATE_H
#define RC_DB_PRIVATE_H

#include "db.h"

/* A call that waits for its answer. */
typedef struct DbCall {
    DbDone *done;
    void *context;
    PGresult *result; /* the first error, else the last result */
    unsigned id;
    bool once; /* never asked again */
    bool told; /* not asked again after errors, only after a loss */
    bool sent; /* on the connection that there is now */
    char *sql; /* owned, as are the parameters */
    int count;
    char **parameters;
    unsigned tries;   /* how often an error that passes has answered it */
    LoopTimer *again; /* until it is asked again after such an error */
    Db *db;
    struct DbCall *next;
} DbCall;

struct Db {
    PGconn *connection;
    PostgresPollingStatusType handshake; /* while connecting: what it waits for */
    Loop *loop;
    LoopWatch *watch;
    Trace *trace;
    char *schema;
    char *lock_timeout;    /* as the setting takes it */
    DbCall *first, **last; /* in the order in which they are answered */
    DbCall *resting;       /* that wait for their time to be asked again */
    unsigned next_id;
    bool lost;             /* for good, or until it is there again */
    LoopTimer *lost_timer; /* set while callers are to be told of a loss from the loop */

    bool stays;
    unsigned attempts;     /* to connect again since the loss */
    LoopTimer *connecting; /* until the next attempt, or the end of this one */
    DbChanged *changed;
    void *changed_context;
    DbWoken *woken;
    void *woken_context;
};

/* db.c: the connection is there: enter pipeline mode, watch it, send what waits. */
void db_begin(Db *db);

/* db_connect.c: begin to connect again after a while. */
void db_connect_later(Db *db);

/* The first line of libpq's words about a connection; the caller frees. */
char *db_words(const PGconn *connection);

#endif
