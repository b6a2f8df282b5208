/* Storage that takes nothing (a disk that is full, access keys that have ended, a bucket that is
 * gone) would have a worker pay for the pictures of its whole queue and lose each. So after a few
 * failures in a row it claims no more, asks storage again and again, at growing intervals, and
 * when that says that it can be written claims one render: if its picture is stored, it goes on. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { FAILURES_TO_PAUSE = 3, SHORTEST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 60000 };

static void ask_later(Worker *worker);

/* How storing what a render has made has ended: 1 stored, -1 failed, 0 it never came to that. */
static int verdict(const Render *render) {
    for (size_t i = 0; i < render->run_count; i++) {
        const StageRun *run = &render->runs[i];
        if (strcmp(run->kind->name, "storage") != 0 || run->reused)
            continue;
        if (run->state == STATE_SUCCESS)
            return 1;
        if (run->state == STATE_FAILED)
            return -1;
    }
    return 0;
}

/* Storage has answered whether it can be written. */
static void asked(void *context, StorageReply *reply) {
    Worker *worker = context;
    StorageCare *care = &worker->storage;
    care->job = NULL;
    if (worker->state != WORKER_CLAIMING)
        return;
    if (!reply->ok) {
        worker_say(worker, "storage", "%s; nothing is claimed yet", reply->error);
        ask_later(worker);
        return;
    }
    care->state = STORAGE_ON_TRIAL;
    worker_say(worker, "storage", "storage can be written again, it seems; one render will tell");
    worker_claim_soon(worker);
}

/* Ask storage now. */
static void ask(void *context) {
    Worker *worker = context;
    worker->storage.timer = NULL;
    worker->storage.job = storage_check(&worker->app->storage, true, asked, worker);
}

/* Ask storage in a while, the longer the longer it takes nothing. */
static void ask_later(Worker *worker) {
    StorageCare *care = &worker->storage;
    double jitter = 0.75 + 0.5 * ((double)rand() / RAND_MAX);
    care->pause_ms = care->pause_ms > 0 ? care->pause_ms * 2 : SHORTEST_PAUSE_MS;
    if (care->pause_ms > LONGEST_PAUSE_MS)
        care->pause_ms = LONGEST_PAUSE_MS;
    care->timer = loop_after(http_loop(worker->app->http), care->pause_ms * jitter, ask, worker);
}

/* Claim no more until storage takes something; who is to drain the queue cannot wait for that. */
static void pause_claims(Worker *worker, const Render *render) {
    worker->storage.state = STORAGE_DOWN;
    worker_say(worker, "storage", "%zu renders in a row could not be stored (%s)%s",
               worker->storage.failures, render->error ? render->error : "no reason given",
               worker->options.drain ? "" : "; nothing is claimed until storage can be written");
    if (worker->options.drain) {
        worker->exit_code = EXIT_STORAGE;
        worker_stop(worker);
    } else {
        ask_later(worker);
    }
}

/* Learn from a render that is over. */
void worker_mind_storage(Worker *worker, const Render *render) {
    StorageCare *care = &worker->storage;
    int stored = verdict(render);
    bool trial = care->state == STORAGE_ON_TRIAL;
    if (stored > 0) {
        if (trial)
            worker_say(worker, "storage", "storage takes objects again");
        if (care->state != STORAGE_DOWN)
            *care = (StorageCare){0};
    } else if (stored < 0) {
        care->failures++;
        if (worker->state == WORKER_CLAIMING && care->state != STORAGE_DOWN &&
            (trial || care->failures >= FAILURES_TO_PAUSE))
            pause_claims(worker, render);
    }
    if (trial)
        worker_claim_soon(worker);
}

/* How many of some free places may be claimed for. */
int worker_places_with_storage(const Worker *worker, int places) {
    if (worker->storage.state == STORAGE_DOWN)
        return 0;
    if (worker->storage.state == STORAGE_ON_TRIAL)
        return worker->running ? 0 : 1;
    return places;
}

/* Forget it. */
void worker_end_storage(Worker *worker) {
    if (worker->storage.timer)
        loop_cancel(http_loop(worker->app->http), worker->storage.timer);
    storage_drop(worker->storage.job);
    worker->storage.timer = NULL;
    worker->storage.job = NULL;
}
