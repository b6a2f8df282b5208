/* Keeping leases: one statement for all running renders, at every third of a lease, and at
 * once where a notification says that one of them has ended elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "worker.h"

enum { LEASES_A_LEASE = 3, IDS_MAXIMUM = 1 << 20 };

static bool is_of(const Running *running, const char *id) {
    return running->render.id && strcmp(running->render.id, id) == 0;
}

/* Find a running render. */
Running *worker_find(const Worker *worker, const char *id) {
    for (Running *running = worker->running; running; running = running->next)
        if (is_of(running, id))
            return running;
    return NULL;
}

/* The ids of running renders as an array. */
char *worker_ids(const Worker *worker, bool (*wanted)(const Render *render)) {
    Buf buf;
    bool fits = true;
    const char *separator = "{";
    buf_init(&buf, IDS_MAXIMUM);
    for (const Running *running = worker->running; running; running = running->next) {
        const Render *render = &running->render;
        if (!render->id || !wanted(render))
            continue;
        fits = fits && buf_append(&buf, separator, 1) &&
               buf_append(&buf, render->id, strlen(render->id));
        separator = ",";
    }
    fits = fits && (*separator == ',' || buf_append(&buf, "{", 1)) && buf_append(&buf, "}", 1);
    char *ids = fits ? buf_take(&buf, NULL) : mem_strdup("{}");
    buf_free(&buf);
    return ids;
}

/* Is a render kept by its lease? Also one that is about to end, for as long as that is held back.
 */
static bool is_kept(const Render *render) {
    return render->end == RENDER_RUNNING;
}

/* Take a verdict; what is ending already will hear from its last statement. */
void lease_verdict(Render *render, const PGresult *result, int row) {
    const char *held = db_text(result, row, "held");
    const char *cancelled = db_text(result, row, "cancelled");
    if (!is_kept(render) || render->ending)
        return;
    if (cancelled && *cancelled == 't')
        render_drop(render, "RC002", "the render was cancelled", "");
    else if (!held || *held != 't')
        render_drop(render, "RC001", "the lease on the render is lost", "");
}

/* The leases were extended, or not. */
static void extended(void *context, const DbReply *reply) {
    Worker *worker = context;
    worker->extending = false;
    if (!reply->ok) {
        worker_say(worker, "warning", "leases could not be extended: %s", reply->message);
        return;
    }
    /* In the order in which they were asked about, so that the next is mostly the next. */
    Running *next = worker->running;
    for (int row = 0; row < PQntuples(reply->result); row++) {
        const char *id = PQgetvalue(reply->result, row, 0);
        Running *running = next && is_of(next, id) ? next : worker_find(worker, id);
        if (!running)
            continue;
        next = running->next;
        lease_verdict(&running->render, reply->result, row);
    }
}

/* Extend the leases of all running renders. */
void worker_check_leases(Worker *worker) {
    if (worker->extending || !worker->running)
        return;
    char *ids = worker_ids(worker, is_kept);
    const char *parameters[] = {worker->name, ids, worker->lease};
    worker->extending = true;
    db_call(worker->lanes[0].db,
            "select * from renderchain.extend_leases($1, $2::uuid[], $3::interval)", 3, parameters,
            extended, worker);
    free(ids);
}

/* A third of a lease has passed. */
static void lease_due(void *context) {
    Worker *worker = context;
    worker->lease_timer = NULL;
    worker_check_leases(worker);
    worker_keep_leases(worker);
}

/* Look at the leases in a while. */
void worker_keep_leases(Worker *worker) {
    worker->lease_timer =
        loop_after(http_loop(worker->app->http),
                   worker->options.lease_seconds * 1e3 / LEASES_A_LEASE, lease_due, worker);
}
