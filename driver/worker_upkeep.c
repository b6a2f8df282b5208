/* What somebody has to do now and then, wherever there is no claim that does it: see after renders
 * whose lease or deadline has passed, remove what is doomed or too old, and notice that the
 * registry of models has changed. Every worker does it, at its own times. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { UPKEEP_MS = 30000, OBJECTS_AT_ONCE = 100 };

/* A registry that is not in use any more, but for renders that began with it. */
typedef struct OldRegistry {
    Registry registry;
    struct OldRegistry *next;
} OldRegistry;

struct Upkeep {
    LoopTimer *timer;
    Collect *collect; /* while doomed objects are removed */
    char *models;     /* the registry's text when it was last looked at */
    OldRegistry *old; /* few: somebody has to load another */
};

static void later(Worker *worker);
static void collect(Worker *worker);

static void ignore_reply(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* Objects were removed, or could not be; more are removed at once. */
static void collected(void *context, const CollectResult *result) {
    Worker *worker = context;
    worker->upkeep->collect = NULL;
    if (result->error)
        worker_say(worker, "warning", "doomed objects could not be removed: %s", result->error);
    else if (result->more)
        collect(worker);
}

/* Remove doomed objects. */
static void collect(Worker *worker) {
    worker->upkeep->collect =
        collect_start(worker->app, worker->lanes[0].db, OBJECTS_AT_ONCE, collected, worker);
}

/* Go on with the registry that has come, if it is another; renders that run keep the models that
 * they have. */
static void change_models(Worker *worker, const char *text) {
    Upkeep *upkeep = worker->upkeep;
    Registry changed;
    char *error = NULL;
    if (!registry_read(&changed, text, &error)) {
        worker_say(worker, "warning", "the models cannot be read: %s", error);
        free(error);
        registry_free(&changed);
        return;
    }
    if (json_equal(changed.json, worker->app->registry.json)) {
        registry_free(&changed);
        return;
    }
    OldRegistry *old = mem_alloc(sizeof *old);
    *old = (OldRegistry){worker->app->registry, upkeep->old};
    upkeep->old = old;
    worker->app->registry = changed;
    worker_say(worker, "models", "the registry of models has changed");
}

/* The registry was read. */
static void models_came(void *context, const DbReply *reply) {
    Worker *worker = context;
    Upkeep *upkeep = worker->upkeep;
    if (!reply->ok)
        return;
    const char *text = PQgetvalue(reply->result, 0, 0);
    if (upkeep->models && strcmp(upkeep->models, text) == 0)
        return;
    mem_set(&upkeep->models, "%s", text);
    change_models(worker, text);
}

/* It is time. */
static void upkeep(void *context) {
    Worker *worker = context;
    Db *db = worker->lanes[0].db;
    worker->upkeep->timer = NULL;
    if (db_is_up(db)) {
        db_call_once(db, "select renderchain.expire_renders(100)", 0, NULL, ignore_reply, NULL);
        db_call_once(db, "select renderchain.purge()", 0, NULL, ignore_reply, NULL);
        db_call_once(db, "select renderchain.get_registry()", 0, NULL, models_came, worker);
        if (!worker->upkeep->collect)
            collect(worker);
    }
    later(worker);
}

/* Do it now. */
void worker_upkeep_now(Worker *worker) {
    if (worker->upkeep && worker->upkeep->timer) {
        loop_cancel(http_loop(worker->app->http), worker->upkeep->timer);
        upkeep(worker);
    }
}

/* Workers that were started together do not all do it together. */
static void later(Worker *worker) {
    double jitter = 0.5 + (double)rand() / RAND_MAX;
    worker->upkeep->timer =
        loop_after(http_loop(worker->app->http), UPKEEP_MS * jitter, upkeep, worker);
}

/* Begin. */
void worker_upkeep(Worker *worker) {
    worker->upkeep = mem_alloc(sizeof *worker->upkeep);
    later(worker);
}

/* Stop, and free what was kept. */
void worker_end_upkeep(Worker *worker) {
    Upkeep *upkeep = worker->upkeep;
    if (!upkeep)
        return;
    if (upkeep->timer)
        loop_cancel(http_loop(worker->app->http), upkeep->timer);
    if (upkeep->collect)
        collect_drop(upkeep->collect);
    while (upkeep->old) {
        OldRegistry *old = upkeep->old;
        upkeep->old = old->next;
        registry_free(&old->registry);
        free(old);
    }
    free(upkeep->models);
    free(upkeep);
    worker->upkeep = NULL;
}
