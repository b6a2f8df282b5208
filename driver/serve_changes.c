/* What changes something is asked on a connection of its own, so that whoever only reads never
 * waits for a lock that a change waits for; and of one user one change at a time, so that neither
 * does another user. A change that has met a lock (an account or a chain that some session has
 * locked) stands back behind the others of its user, and its user behind everybody else: those who
 * wait like this are asked one after the other, with a pause between, until they get through or
 * have waited for too long. */
#include <stdlib.h>
#include <string.h>

#include "serve.h"

enum {
    MOST = 1000,
    MOST_OF_USER = 100,
    LOCK_MS = 100,      /* so long one change keeps those of other users waiting for a lock */
    PAUSE_MS = 200,     /* between two that have met a lock before */
    PATIENCE_MS = 10000 /* so long a client is kept waiting */
};

static const char locked_state[] = "55P03";

/* A change that waits, or is asked now. */
typedef struct Change {
    WebRequest *request;
    const ServeRoute *route;
    int count;
    char *parameters[SERVE_PARAMETERS];
    double until; /* by loop_now() */
    struct Change *next;
} Change;

/* The changes of a user: the first of them is asked now, unless he waits for his turn. */
typedef struct Turn {
    Serve *serve;
    char user[37];
    Change *first, **last;
    size_t count;
    bool asked, held; /* held: one has met a lock, and none has got through since */
    struct Turn *next;
} Turn;

struct ServeChanges {
    Db *db;
    Turn *turns; /* of all users who have any; those held that have waited longest come first */
    size_t count;
    bool trying; /* one of those held is asked now */
    LoopTimer *pause;
};

static void changed(void *context, const DbReply *reply);

/* Free a change that was answered. */
static void free_change(Change *change) {
    for (int i = 0; i < change->count; i++)
        free(change->parameters[i]);
    free(change);
}

/* Take the first change of a user. */
static Change *take_first(Turn *turn) {
    Change *change = turn->first;
    turn->first = change->next;
    if (!turn->first)
        turn->last = &turn->first;
    turn->count--;
    turn->serve->changes->count--;
    return change;
}

/* Put a change behind the others of its user. */
static void put_last(Turn *turn, Change *change) {
    change->next = NULL;
    *turn->last = change;
    turn->last = &change->next;
    turn->count++;
    turn->serve->changes->count++;
}

/* Put a user behind all others. */
static void stand_back(ServeChanges *changes, Turn *turn) {
    Turn **slot = &changes->turns;
    while (*slot != turn)
        slot = &(*slot)->next;
    *slot = turn->next;
    while (*slot)
        slot = &(*slot)->next;
    turn->next = NULL;
    *slot = turn;
}

/* Forget a user who has no changes. */
static void forget(ServeChanges *changes, Turn *turn) {
    Turn **slot = &changes->turns;
    while (*slot != turn)
        slot = &(*slot)->next;
    *slot = turn->next;
    free(turn);
}

/* Find the turn of a user, or make it. */
static Turn *find_turn(Serve *serve, const char *user) {
    Turn **slot = &serve->changes->turns;
    while (*slot && strcmp((*slot)->user, user) != 0)
        slot = &(*slot)->next;
    if (!*slot) {
        Turn *turn = *slot = mem_alloc(sizeof *turn);
        *turn = (Turn){.serve = serve};
        memcpy(turn->user, user, strlen(user) + 1);
        turn->last = &turn->first;
    }
    return *slot;
}

/* Ask a user's first change. */
static void ask_first(Turn *turn) {
    const Change *change = turn->first;
    turn->asked = true;
    db_call_once(turn->serve->changes->db, change->route->sql, change->count,
                 (const char *const *)change->parameters, changed, turn);
}

/* Refuse what has waited for too long. */
static void refuse_late(Turn *turn) {
    for (size_t left = turn->count; left > 0; left--) {
        Change *change = take_first(turn);
        if (loop_now() < change->until) {
            put_last(turn, change);
            continue;
        }
        web_add_header(change->request, "Retry-After", "5");
        web_answer_problem(change->request, 503, "what this would change is locked",
                           "Another session of the database has locked the account, the chain or "
                           "the render, and has not ended.",
                           NULL);
        free_change(change);
    }
}

/* Refuse all that waits, as there is no connection. */
static void refuse_all(Turn *turn) {
    while (turn->first) {
        Change *change = take_first(turn);
        serve_unavailable(change->request);
        free_change(change);
    }
}

/* The pause is over: of those who have met a lock the next is asked. */
static void try_next(void *context) {
    Serve *serve = context;
    ServeChanges *changes = serve->changes;
    Turn *next;
    changes->pause = NULL;
    for (Turn *turn = changes->turns; turn; turn = next) {
        next = turn->next;
        if (!turn->held || turn->asked)
            continue;
        refuse_late(turn);
        if (!db_is_up(changes->db))
            refuse_all(turn);
        if (!turn->first) {
            forget(changes, turn);
        } else if (!changes->trying) {
            changes->trying = true;
            ask_first(turn);
        }
    }
}

/* Begin the pause, where somebody waits for its end. */
static void pause_if_held(Serve *serve) {
    ServeChanges *changes = serve->changes;
    const Turn *turn = changes->turns;
    while (turn && !turn->held)
        turn = turn->next;
    if (turn && !changes->trying && !changes->pause)
        changes->pause = loop_after(http_loop(serve->app->http), PAUSE_MS, try_next, serve);
}

/* The database has answered a user's first change: go on with his next. */
static void changed(void *context, const DbReply *reply) {
    Turn *turn = context;
    Serve *serve = turn->serve;
    ServeChanges *changes = serve->changes;
    Change *change = take_first(turn);
    turn->asked = false;
    if (turn->held)
        changes->trying = false;
    turn->held = strcmp(reply->sqlstate, locked_state) == 0;
    if (turn->held) {
        put_last(turn, change);
        stand_back(changes, turn);
        refuse_late(turn);
    } else {
        serve_answer(change->request, change->route, reply);
        free_change(change);
    }
    if (!db_is_up(changes->db))
        refuse_all(turn);
    if (!turn->first)
        forget(changes, turn);
    else if (!turn->held)
        ask_first(turn);
    pause_if_held(serve);
}

/* Have something changed. */
void serve_change(Serve *serve, WebRequest *request, const ServeRoute *route, int count,
                  const char *const *parameters) {
    ServeChanges *changes = serve->changes;
    if (!db_is_up(changes->db)) {
        serve_unavailable(request);
        return;
    }
    Turn *turn = find_turn(serve, request->user);
    if (turn->count == MOST_OF_USER || changes->count == MOST) {
        web_add_header(request, "Retry-After", "5");
        web_answer_problem(request, 503, "too many changes wait already", NULL, NULL);
        if (!turn->first)
            forget(changes, turn);
        return;
    }
    Change *change = mem_alloc(sizeof *change);
    *change = (Change){
        .request = request, .route = route, .count = count, .until = loop_now() + PATIENCE_MS};
    for (int i = 0; i < count; i++)
        change->parameters[i] = mem_strdup(parameters[i]);
    put_last(turn, change);
    if (!turn->asked && !turn->held)
        ask_first(turn);
}

/* Is there a connection for changes? */
bool serve_changes_up(const Serve *serve) {
    return db_is_up(serve->changes->db);
}

/* The connection was lost, or is there again; what is asked now is answered by its callback. */
static void came_or_went(void *context, bool up, const char *words) {
    (void)context;
    (void)up;
    (void)words;
}

/* Connect for changes. */
bool serve_changes_open(Serve *serve, char **error) {
    const Settings *settings = &serve->app->settings;
    ServeChanges *changes = serve->changes = mem_alloc(sizeof *changes);
    *changes =
        (ServeChanges){.db = db_start(settings->conninfo, settings->schema, serve->app->trace)};
    db_lock_patience(changes->db, LOCK_MS);
    if (!db_connect(changes->db, http_loop(serve->app->http), error))
        return false;
    db_stay(changes->db, came_or_went, serve);
    return true;
}

/* Close; who waited has been answered before. */
void serve_changes_close(Serve *serve) {
    ServeChanges *changes = serve->changes;
    if (!changes)
        return;
    if (changes->pause)
        loop_cancel(http_loop(serve->app->http), changes->pause);
    db_close(changes->db);
    while (changes->turns) {
        Turn *turn = changes->turns;
        while (turn->first)
            free_change(take_first(turn));
        forget(changes, turn);
    }
    free(changes);
    serve->changes = NULL;
}
