#include "db.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_SERVER = 140000 };

/* A call that waits for its answer. */
typedef struct Pending {
    DbDone *done;
    void *context;
    PGresult *result; /* the first error, else the last result */
    unsigned id;
    struct Pending *next;
} Pending;

struct Db {
    PGconn *connection;
    PostgresPollingStatusType handshake; /* while connecting: what it waits for */
    Loop *loop;
    LoopWatch *watch;
    Trace *trace;
    char *schema;
    Pending *first, **last;
    unsigned next_id;
    bool lost;
    LoopTimer *lost_timer; /* set while tell_lost is due */
};

static void socket_ready(void *context, short happened);

/* Keep libpq's notices out of standard error: progress lines live there. */
static void ignore_notice(void *context, const PGresult *result) {
    (void)context;
    (void)result;
}

/* Wait until the socket can be read or written, as the handshake wants; false when time is up. */
static bool wait_for(PGconn *connection, PostgresPollingStatusType wanted, double until) {
    struct pollfd fd = {.fd = PQsocket(connection),
                        .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int ready;
    do {
        double left = until - loop_now();
        ready = poll(&fd, 1, left > 0 ? (int)left + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Begin to connect: far enough that the server has heard of us, without waiting for it. */
Db *db_start(const char *conninfo, const char *schema, Trace *trace) {
    /* What a conninfo string says wins over what stands before it; what stands after it
     * holds whatever it or PGCLIENTENCODING says, since JSON is UTF-8. */
    const char *keys[] = {"fallback_application_name", "dbname", "client_encoding", NULL};
    const char *values[] = {"renderchain", conninfo, "UTF8", NULL};
    Db *db = mem_alloc(sizeof *db);
    db->connection = PQconnectStartParams(keys, values, 1);
    db->trace = trace;
    db->schema = mem_strdup(schema);
    db->last = &db->first;
    db->handshake = PGRES_POLLING_WRITING;
    while (PQstatus(db->connection) != CONNECTION_BAD && db->handshake == PGRES_POLLING_WRITING &&
           wait_for(db->connection, db->handshake, 0))
        db->handshake = PQconnectPoll(db->connection);
    return db;
}

/* How long connecting may take, in milliseconds. */
static double connect_timeout(PGconn *connection) {
    double seconds = 10;
    PQconninfoOption *options = PQconninfo(connection);
    for (PQconninfoOption *option = options; option && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val && atoi(option->val) > 0)
            seconds = atoi(option->val);
    PQconninfoFree(options);
    return seconds * 1e3;
}

/* Say why there is no connection. */
static char *explain_no_connection(PGconn *connection, bool timed_out) {
    if (timed_out)
        return mem_strdup("could not connect to the database: timeout expired");
    char *words = mem_strdup(PQerrorMessage(connection));
    words[strcspn(words, "\n")] = '\0';
    char *error = mem_printf("could not connect to the database: %s", words);
    free(words);
    return error;
}

/* Wait for the connection and enter pipeline mode. */
bool db_connect(Db *db, Loop *loop, char **error) {
    db->loop = loop;
    double until = loop_now() + connect_timeout(db->connection);
    bool timed_out = false;
    while (PQstatus(db->connection) != CONNECTION_BAD && db->handshake != PGRES_POLLING_OK &&
           db->handshake != PGRES_POLLING_FAILED && !timed_out) {
        if (wait_for(db->connection, db->handshake, until))
            db->handshake = PQconnectPoll(db->connection);
        else
            timed_out = true;
    }
    if (PQstatus(db->connection) != CONNECTION_OK) {
        *error = explain_no_connection(db->connection, timed_out);
        return false;
    }
    int version = PQserverVersion(db->connection);
    if (version < OLDEST_SERVER) {
        *error = mem_printf("the server is PostgreSQL %d.%d; renderchain needs 14 or later",
                            version / 10000, version % 10000);
        return false;
    }
    PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
    db->lost = PQsetnonblocking(db->connection, 1) != 0 || PQenterPipelineMode(db->connection) != 1;
    db->watch = loop_watch(db->loop, PQsocket(db->connection), POLLIN, socket_ready, db);
    return true;
}

/* Close; calls that were not answered are forgotten. */
void db_close(Db *db) {
    if (!db)
        return;
    if (db->watch)
        loop_unwatch(db->loop, db->watch);
    if (db->lost_timer)
        loop_cancel(db->loop, db->lost_timer);
    while (db->first) {
        Pending *call = db->first;
        db->first = call->next;
        PQclear(call->result);
        free(call);
    }
    PQfinish(db->connection);
    free(db->schema);
    free(db);
}

/* Take the oldest call off the queue and tell its caller. */
static void answer(Db *db, const char *lost_message) {
    Pending *call = db->first;
    db->first = call->next;
    if (!db->first)
        db->last = &db->first;
    ExecStatusType status = PQresultStatus(call->result);
    DbReply reply = {.result = lost_message ? NULL : call->result, .sqlstate = "08006"};
    reply.ok = !lost_message && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    reply.message = reply.detail = reply.hint = "";
    if (lost_message) {
        reply.message = lost_message;
    } else if (!reply.ok) {
        const char *state = PQresultErrorField(call->result, PG_DIAG_SQLSTATE);
        const char *message = PQresultErrorField(call->result, PG_DIAG_MESSAGE_PRIMARY);
        const char *detail = PQresultErrorField(call->result, PG_DIAG_MESSAGE_DETAIL);
        const char *hint = PQresultErrorField(call->result, PG_DIAG_MESSAGE_HINT);
        reply.sqlstate = state ? state : "08006";
        reply.message = message ? message : PQresultErrorMessage(call->result);
        reply.detail = detail ? detail : "";
        reply.hint = hint ? hint : "";
    } else {
        reply.sqlstate = "00000";
    }
    trace_write(db->trace, "db_done", call->id, NULL);
    call->done(call->context, &reply);
    PQclear(call->result);
    free(call);
}

/* The connection is gone: every call that waits is told so. */
static void lose(Db *db) {
    db->lost = true;
    loop_watch_for(db->watch, 0);
    char *words = mem_strdup(PQerrorMessage(db->connection));
    words[strcspn(words, "\n")] = '\0';
    char *message = mem_printf("lost the connection to the database: %s",
                               *words ? words : "server closed the connection");
    while (db->first)
        answer(db, message);
    free(message);
    free(words);
}

/* Keep of a call's results the first error, or else the last result. */
static void keep_result(Pending *call, PGresult *result) {
    ExecStatusType kept = PQresultStatus(call->result);
    bool have_error = call->result && kept == PGRES_FATAL_ERROR;
    if (have_error || PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
        return;
    }
    PQclear(call->result);
    call->result = result;
}

/* Read what has arrived; a sync ends the oldest call. */
static void read_results(Db *db) {
    int empty = 0;
    while (db->first && !PQisBusy(db->connection) && empty < 2) {
        PGresult *result = PQgetResult(db->connection);
        if (!result) {
            empty++;
        } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            empty = 0;
            answer(db, NULL);
        } else {
            empty = 0;
            keep_result(db->first, result);
        }
    }
}

/* Send what is buffered; wait for room only while something is left. */
static void flush(Db *db) {
    int left = PQflush(db->connection);
    if (left < 0)
        lose(db);
    else
        loop_watch_for(db->watch, left ? POLLIN | POLLOUT : POLLIN);
}

/* The socket can be read or written. */
static void socket_ready(void *context, short happened) {
    Db *db = context;
    if (db->lost)
        return;
    if (happened & ~POLLOUT && !PQconsumeInput(db->connection)) {
        lose(db);
        return;
    }
    read_results(db);
    if (PQstatus(db->connection) == CONNECTION_BAD)
        lose(db);
    else
        flush(db);
}

/* Tell a caller from the loop that the connection had been lost before. */
static void tell_lost(void *context) {
    Db *db = context;
    db->lost_timer = NULL;
    if (db->first)
        lose(db);
}

/* Queue one statement; the schema, where one is named, is set for its transaction only. */
void db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
             void *context) {
    Pending *call = mem_alloc(sizeof *call);
    *call = (Pending){.done = done, .context = context, .id = ++db->next_id};
    *db->last = call;
    db->last = &call->next;
    trace_write(db->trace, "db_send", call->id, sql);
    bool sent = !db->lost;
    if (sent && db->schema) {
        const char *schema[] = {db->schema};
        sent = PQsendQueryParams(db->connection,
                                 "select pg_catalog.set_config('renderchain.schema', $1, true)", 1,
                                 NULL, schema, NULL, NULL, 0) == 1;
    }
    sent = sent &&
           PQsendQueryParams(db->connection, sql, count, NULL, parameters, NULL, NULL, 0) == 1 &&
           PQpipelineSync(db->connection) == 1;
    if (!sent) {
        db->lost = true;
        if (!db->lost_timer)
            db->lost_timer = loop_after(db->loop, 0, tell_lost, db);
        return;
    }
    flush(db);
}

/* Are calls unanswered? */
bool db_busy(const Db *db) {
    return db->first != NULL;
}

/* Copy a reply for db_ask. */
static void keep_answer(void *context, const DbReply *reply) {
    DbAnswer *answer = context;
    answer->ok = reply->ok;
    strncpy(answer->sqlstate, reply->sqlstate, 5);
    answer->message = mem_strdup(reply->message);
    answer->detail = mem_strdup(reply->detail);
    answer->hint = mem_strdup(reply->hint);
    answer->result =
        reply->result ? PQcopyResult(reply->result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES) : NULL;
}

/* Ask and wait. */
DbAnswer db_ask(Db *db, const char *sql, int count, const char *const *parameters) {
    DbAnswer reply = {0};
    db_call(db, sql, count, parameters, keep_answer, &reply);
    while (db_busy(db))
        loop_turn(db->loop);
    return reply;
}

/* Free an answer. */
void db_answer_free(DbAnswer *answer) {
    PQclear(answer->result);
    free(answer->message);
    free(answer->detail);
    free(answer->hint);
    *answer = (DbAnswer){0};
}

/* A column by name, NULL where it is SQL's NULL or not there. */
const char *db_text(const PGresult *result, int row, const char *column) {
    int number = PQfnumber(result, column);
    if (number < 0 || row >= PQntuples(result) || PQgetisnull(result, row, number))
        return NULL;
    return PQgetvalue(result, row, number);
}
