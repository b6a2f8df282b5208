/* Connecting to the database: at the start, while the caller does other things, and
 * again after a loss, from the loop. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "db_private.h"

enum {
    OLDEST_SERVER = 140000,
    CONNECT_SECONDS = 10,
    FIRST_BACKOFF_MS = 100,
    BACKOFF_DOUBLINGS = 6,
    CONNECT_DOUBLINGS = 3 /* 0.8 s: leases, of 3 s and more, are to outlive a restart */
};

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
     * holds whatever it or PGCLIENTENCODING says, since JSON is UTF-8. A server that vanishes
     * without a word is noticed after a minute. */
    const char *keys[] = {
        "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",          "dbname",          "client_encoding",     NULL};
    const char *values[] = {"renderchain", "30", "10", "3", "60000", conninfo, "UTF8", NULL};
    Db *db = mem_alloc(sizeof *db);
    db->connection = PQconnectStartParams(keys, values, 1);
    db->trace = trace;
    db->schema = mem_strdup(schema);
    db->lock_timeout = mem_strdup("1s");
    db->last = &db->first;
    db->handshake = PGRES_POLLING_WRITING;
    while (PQstatus(db->connection) != CONNECTION_BAD && db->handshake == PGRES_POLLING_WRITING &&
           wait_for(db->connection, db->handshake, 0))
        db->handshake = PQconnectPoll(db->connection);
    return db;
}

/* How long connecting may take, in milliseconds. */
static double connect_timeout(PGconn *connection) {
    double seconds = CONNECT_SECONDS;
    PQconninfoOption *options = PQconninfo(connection);
    for (PQconninfoOption *option = options; option && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val && atoi(option->val) > 0)
            seconds = atoi(option->val);
    PQconninfoFree(options);
    return seconds * 1e3;
}

/* The first line of libpq's words. */
char *db_words(const PGconn *connection) {
    char *words = mem_strdup(PQerrorMessage(connection));
    words[strcspn(words, "\n")] = '\0';
    return words;
}

/* Say why there is no connection. */
static char *explain_no_connection(PGconn *connection, bool timed_out) {
    char *words = timed_out ? mem_strdup("timeout expired") : db_words(connection);
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
    db_begin(db);
    return true;
}

/* How long to wait before trying again. */
double db_backoff(unsigned tries) {
    double bound =
        FIRST_BACKOFF_MS * (double)(1u << (tries < BACKOFF_DOUBLINGS ? tries : BACKOFF_DOUBLINGS));
    return bound * (0.5 + 0.5 * ((double)rand() / RAND_MAX));
}

/* The same before connecting again. */
double db_connect_backoff(unsigned tries) {
    return db_backoff(tries < CONNECT_DOUBLINGS ? tries : CONNECT_DOUBLINGS);
}

/* ---- connecting again, from the loop ---- */

static void handshake_ready(void *context, short happened);

/* Stop what this attempt waits for. */
static void stop_waiting(Db *db) {
    loop_unwatch(db->loop, db->watch);
    db->watch = NULL;
    if (db->connecting)
        loop_cancel(db->loop, db->connecting);
    db->connecting = NULL;
}

/* Watch the socket as the handshake wants. It may be another one after every step. */
static void watch_handshake(Db *db) {
    loop_unwatch(db->loop, db->watch);
    db->watch =
        loop_watch(db->loop, PQsocket(db->connection),
                   db->handshake == PGRES_POLLING_READING ? POLLIN : POLLOUT, handshake_ready, db);
}

/* The handshake went on: see how far it has come. */
static void handshake_ready(void *context, short happened) {
    Db *db = context;
    (void)happened;
    loop_unwatch(db->loop, db->watch);
    db->watch = NULL;
    db->handshake = PQconnectPoll(db->connection);
    if (db->handshake == PGRES_POLLING_OK) {
        stop_waiting(db);
        db->attempts = 0;
        db_begin(db);
    } else if (db->handshake == PGRES_POLLING_FAILED || PQsocket(db->connection) < 0) {
        stop_waiting(db);
        db_connect_later(db);
    } else {
        watch_handshake(db);
    }
}

/* The attempt takes too long. */
static void give_up(void *context) {
    Db *db = context;
    db->connecting = NULL;
    stop_waiting(db);
    db_connect_later(db);
}

/* Try to connect once. */
static void try_once(void *context) {
    Db *db = context;
    db->connecting = NULL;
    if (!PQresetStart(db->connection) || PQsocket(db->connection) < 0) {
        db_connect_later(db);
        return;
    }
    db->handshake = PGRES_POLLING_WRITING;
    watch_handshake(db);
    db->connecting = loop_after(db->loop, connect_timeout(db->connection), give_up, db);
}

/* Begin to connect again after a while. */
void db_connect_later(Db *db) {
    db->connecting = loop_after(db->loop, db_connect_backoff(db->attempts++), try_once, db);
}
