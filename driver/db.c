#include "db_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "kill_point.h"

enum { LOCKED_AGAIN_MS = 50 };

/* Errors that pass by themselves, by SQLSTATE or its class: serialization and deadlocks, resources,
 * locks, an operator's intervention, a server that is a standby until it is promoted. */
static const char *const passing[] = {"40", "53", "55P", "57", "08", "25006"};

/* Errors of what was to be written: values, constraints, requests, and what triggers raise who name
 * no other. */
static const char *const of_data[] = {"22", "23", "P0001", "RC005"};

static void socket_ready(void *context, short happened);

/* Free a call. */
static void free_call(DbCall *call) {
    PQclear(call->result);
    for (int i = 0; i < call->count; i++)
        free(call->parameters[i]);
    free(call->parameters);
    free(call->sql);
    free(call);
}

/* Free a list of calls. */
static void free_calls(DbCall *call) {
    while (call) {
        DbCall *next = call->next;
        if (call->again)
            loop_cancel(call->db->loop, call->again);
        free_call(call);
        call = next;
    }
}

/* Close; calls that were not answered are forgotten. */
void db_close(Db *db) {
    if (!db)
        return;
    if (db->watch)
        loop_unwatch(db->loop, db->watch);
    LoopTimer *const timers[] = {db->lost_timer, db->connecting};
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (timers[i])
            loop_cancel(db->loop, timers[i]);
    free_calls(db->first);
    free_calls(db->resting);
    PQfinish(db->connection);
    free(db->schema);
    free(db->lock_timeout);
    free(db);
}

/* Come back after a loss. */
void db_stay(Db *db, DbChanged *changed, void *context) {
    db->stays = true;
    db->changed = changed;
    db->changed_context = context;
}

/* How long to wait for locks. */
void db_lock_patience(Db *db, unsigned milliseconds) {
    mem_set(&db->lock_timeout, "%ums", milliseconds);
}

/* Is there a connection? */
bool db_is_up(const Db *db) {
    return !db->lost;
}

/* Which server process it is. */
int db_backend_pid(const Db *db) {
    return PQbackendPID(db->connection);
}

/* Whom to wake. */
void db_on_notify(Db *db, DbWoken *woken, void *context) {
    db->woken = woken;
    db->woken_context = context;
}

/* Put a call at the end of the queue. */
static void enqueue(Db *db, DbCall *call) {
    call->next = NULL;
    *db->last = call;
    db->last = &call->next;
}

/* Take the oldest call off the queue. */
static DbCall *dequeue(Db *db) {
    DbCall *call = db->first;
    db->first = call->next;
    if (!db->first)
        db->last = &db->first;
    return call;
}

/* Put a call that rested back into the queue. */
static void ask_again(void *context);

/* What is set for a call's transaction only: the schema, where one is named; and for how long a
 * call of a connection that stays may wait for a lock. */
static bool write_settings(const Db *db) {
    const char *const both[] = {db->lock_timeout, db->schema};
    const char *const *values = db->stays ? both : both + 1;
    const char *sql = db->schema && db->stays
                          ? "select pg_catalog.set_config('lock_timeout', $1, true), "
                            "pg_catalog.set_config('renderchain.schema', $2, true)"
                      : db->schema ? "select pg_catalog.set_config('renderchain.schema', $1, true)"
                                   : "select pg_catalog.set_config('lock_timeout', $1, true)";
    return (!db->schema && !db->stays) ||
           PQsendQueryParams(db->connection, sql, db->schema && db->stays ? 2 : 1, NULL, values,
                             NULL, NULL, 0) == 1;
}

/* Write a call to the connection; false where that is gone. */
static bool write_call(Db *db, DbCall *call) {
    PGconn *connection = db->connection;
    kill_point();
    trace_write(db->trace, "db_send", call->id, call->sql);
    call->sent = true;
    return write_settings(db) &&
           PQsendQueryParams(connection, call->sql, call->count, NULL,
                             (const char *const *)call->parameters, NULL, NULL, 0) == 1 &&
           PQpipelineSync(connection) == 1;
}

/* Does an SQLSTATE begin as one of a list? */
static bool is_among(const char *sqlstate, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strncmp(sqlstate, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}

/* Is an error one that passes by itself? */
bool db_error_passes(const char *sqlstate) {
    return is_among(sqlstate, passing, sizeof passing / sizeof passing[0]);
}

/* Is it one of what was to be written? */
bool db_error_of_data(const char *sqlstate) {
    return is_among(sqlstate, of_data, sizeof of_data / sizeof of_data[0]);
}

/* Say what an error that the server gave is about. */
static DbReply read_error(const PGresult *result) {
    static const int fields[] = {PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL,
                                 PG_DIAG_MESSAGE_HINT};
    const char *found[4];
    for (int i = 0; i < 4; i++)
        found[i] = PQresultErrorField(result, fields[i]);
    return (DbReply){.result = result,
                     .sqlstate = found[0] ? found[0] : "08006",
                     .message = found[1] ? found[1] : PQresultErrorMessage(result),
                     .detail = found[2] ? found[2] : "",
                     .hint = found[3] ? found[3] : ""};
}

/* Let a call wait before it is asked again: not for long where it has waited for a lock. */
static void rest(Db *db, DbCall *call, bool locked) {
    PQclear(call->result);
    call->result = NULL;
    call->sent = false;
    double wait = locked ? LOCKED_AGAIN_MS : db_backoff(call->tries++);
    call->again = loop_after(db->loop, wait, ask_again, call);
    call->next = db->resting;
    db->resting = call;
}

/* Tell the caller of the oldest call what was answered. */
static void answer(Db *db) {
    DbCall *call = dequeue(db);
    ExecStatusType status = PQresultStatus(call->result);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    DbReply reply = {true, call->result, "00000", "", "", ""};
    if (!ok)
        reply = read_error(call->result);
    kill_point();
    trace_write(db->trace, "db_done", call->id, NULL);
    if (!ok && db->stays && !call->once && !call->told && db_error_passes(reply.sqlstate)) {
        rest(db, call, strcmp(reply.sqlstate, "55P03") == 0);
        return;
    }
    call->done(call->context, &reply);
    free_call(call);
}

/* Tell every caller whose call will not be asked again; the others' calls stay in the queue. */
static void tell_callers(Db *db, const char *message) {
    DbCall *call = db->first, *next;
    db->first = NULL;
    db->last = &db->first;
    DbCall *lost = NULL, **last_lost = &lost;
    for (; call; call = next) {
        next = call->next;
        PQclear(call->result);
        call->result = NULL;
        call->sent = false;
        if (db->stays && !call->once) {
            enqueue(db, call);
            continue;
        }
        call->next = NULL;
        *last_lost = call;
        last_lost = &call->next;
    }
    for (call = lost; call; call = next) {
        DbReply reply = {false, NULL, "08006", message, "", ""};
        next = call->next;
        trace_write(db->trace, "db_done", call->id, NULL);
        call->done(call->context, &reply);
        free_call(call);
    }
}

/* The connection is gone, as libpq has noticed. Callers are told, or what they asked waits for the
 * next one. */
static void lose(Db *db) {
    char *words = db_words(db->connection);
    char *message = mem_printf("lost the connection to the database: %s",
                               *words ? words : "server closed the connection");
    free(words);
    db->lost = true;
    loop_unwatch(db->loop, db->watch);
    db->watch = NULL;
    if (db->stays) {
        db_connect_later(db);
        db->changed(db->changed_context, false, message);
    }
    tell_callers(db, message);
    free(message);
}

/* Tell a caller from the loop that the connection is or has been lost. */
static void tell_lost(void *context) {
    Db *db = context;
    db->lost_timer = NULL;
    if (!db->lost)
        lose(db);
    else if (!db->stays)
        tell_callers(db, "lost the connection to the database");
}

/* Have a loss told from the loop and not from within a caller. */
static void lose_later(Db *db) {
    if (!db->lost_timer)
        db->lost_timer = loop_after(db->loop, 0, tell_lost, db);
}

/* The connection is there. */
void db_begin(Db *db) {
    db->lost = false;
    db->watch = loop_watch(db->loop, PQsocket(db->connection), POLLIN, socket_ready, db);
    bool ok = PQsetnonblocking(db->connection, 1) == 0 && PQenterPipelineMode(db->connection) == 1;
    for (DbCall *call = db->first; call && ok; call = call->next)
        if (!call->sent)
            ok = write_call(db, call);
    if (ok && db->changed)
        db->changed(db->changed_context, true, "");
    int left = ok ? PQflush(db->connection) : -1;
    if (left < 0)
        lose_later(db);
    else if (left)
        loop_watch_for(db->watch, POLLIN | POLLOUT);
}

/* Does the server end the session with this answer? */
static bool ends_session(const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* Keep of a call's results the first error, or else the last result. */
static void keep_result(DbCall *call, PGresult *result) {
    ExecStatusType kept = PQresultStatus(call->result);
    bool have_error = call->result && kept == PGRES_FATAL_ERROR;
    if (have_error || PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
        return;
    }
    PQclear(call->result);
    call->result = result;
}

/* Read what has arrived; a sync ends the oldest call. False where the session ends with it and
 * the call is better asked again. */
static bool read_results(Db *db) {
    int empty = 0;
    while (db->first && db->first->sent && !PQisBusy(db->connection) && empty < 2) {
        PGresult *result = PQgetResult(db->connection);
        if (!result) {
            empty++;
            continue;
        }
        empty = 0;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            answer(db);
        } else if (db->stays && ends_session(result)) {
            PQclear(result);
            return false;
        } else {
            keep_result(db->first, result);
        }
    }
    return true;
}

/* Send what is buffered; wait for room only while something is left. */
static bool flush(Db *db) {
    int left = PQflush(db->connection);
    if (left >= 0)
        loop_watch_for(db->watch, left ? POLLIN | POLLOUT : POLLIN);
    return left >= 0;
}

/* Hand notifications to whoever waits for them. */
static void take_notifications(Db *db) {
    PGnotify *notification;
    while ((notification = PQnotifies(db->connection))) {
        if (db->woken)
            db->woken(db->woken_context, notification->extra);
        PQfreemem(notification);
    }
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
    if (!read_results(db) || PQstatus(db->connection) == CONNECTION_BAD) {
        lose(db);
        return;
    }
    take_notifications(db);
    if (!flush(db))
        lose(db);
}

/* Send a call, or leave it in the queue of a connection that comes back. */
static void send_call(Db *db, DbCall *call) {
    enqueue(db, call);
    if (db->lost ? !db->stays : !write_call(db, call) || !flush(db))
        lose_later(db);
}

/* Its time has come. */
static void ask_again(void *context) {
    DbCall *call = context;
    Db *db = call->db;
    call->again = NULL;
    for (DbCall **slot = &db->resting; *slot; slot = &(*slot)->next) {
        if (*slot != call)
            continue;
        *slot = call->next;
        break;
    }
    send_call(db, call);
}

/* What becomes of a call that fails. */
typedef enum Manner { ASKED_AGAIN, ASKED_ONCE, ERRORS_TOLD } Manner;

/* Make a call and send it. */
static void ask(Db *db, const char *sql, int count, const char *const *parameters, Manner manner,
                DbDone *done, void *context) {
    DbCall *call = mem_alloc(sizeof *call);
    *call = (DbCall){.done = done,
                     .context = context,
                     .id = ++db->next_id,
                     .once = manner == ASKED_ONCE,
                     .told = manner == ERRORS_TOLD,
                     .sql = mem_strdup(sql),
                     .count = count,
                     .db = db};
    if (count) {
        call->parameters = mem_alloc((size_t)count * sizeof *call->parameters);
        for (int i = 0; i < count; i++)
            call->parameters[i] = mem_strdup(parameters[i]);
    }
    send_call(db, call);
}

/* Ask one thing. */
void db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
             void *context) {
    ask(db, sql, count, parameters, ASKED_AGAIN, done, context);
}

/* Ask one thing that must not be asked twice. */
void db_call_once(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                  void *context) {
    ask(db, sql, count, parameters, ASKED_ONCE, done, context);
}

/* Ask one thing whose errors are all told. */
void db_call_told(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                  void *context) {
    ask(db, sql, count, parameters, ERRORS_TOLD, done, context);
}

/* Are calls unanswered? */
bool db_busy(const Db *db) {
    return db->first || db->resting;
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
