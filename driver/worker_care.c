/* What a render needs beside models, and without which a worker would pay for the pictures of its
 * whole queue and lose each: storage that takes objects (a disk that is full, access keys that
 * have ended, a bucket that is gone), and a database that takes what was found (a constraint or
 * trigger of the application's refuses every completion). So after a few failures of one of these
 * in a row a worker claims no more, waits, the longer the longer it is so, and claims one render:
 * if that goes well, it goes on. Storage is asked before whether it can be written, which costs
 * nothing. Whether the database takes a render is only known at the price of its picture, and so
 * it is tried less often in the end. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { FAILURES_TO_PAUSE = 3, SHORTEST_PAUSE_MS = 1000 };

static void wait_longer(Worker *worker, CareKind kind);

/* How storing what a render has made has ended: 1 stored, -1 failed, 0 it never came to that. */
static int stored(const Render *render) {
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

/* How recording a render has ended: 1 completed, -1 refused, 0 neither. That a render is not ours
 * any more, or not there, is no refusal. */
static int recorded(const Render *render) {
    static const char *const not_ours[] = {"RC001", "RC002", "RC006", "RC010"};
    if (render->end == RENDER_COMPLETED)
        return 1;
    for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++)
        if (render->sqlstate && strcmp(render->sqlstate, not_ours[i]) == 0)
            return 0;
    return render->sqlstate ? -1 : 0;
}

static const struct {
    const char *event; /* of the lines about it */
    int (*verdict)(const Render *render);
    const char *failed, *until, *well;
    double longest_ms; /* of a pause */
    ExitCode code;     /* where the queue is to be drained, which cannot wait */
    bool asks;         /* storage, before a render is tried */
} cares[CARES] = {
    [CARE_STORAGE] = {"storage", stored, "could not be stored", "until storage can be written",
                      "storage takes objects again", 60e3, EXIT_STORAGE, true},
    [CARE_RECORDS] = {"refusals", recorded, "were refused by the database",
                      "for a while, then one render will tell",
                      "the database takes completions again", 600e3, EXIT_DATABASE, false},
};

/* Claim one render, to see. */
static void try_one(Worker *worker, CareKind kind) {
    worker->cares[kind].state = CARE_ON_TRIAL;
    worker_claim_soon(worker);
}

/* Storage has answered whether it can be written. */
static void asked(void *context, StorageReply *reply) {
    Worker *worker = context;
    worker->cares[CARE_STORAGE].job = NULL;
    if (worker->state != WORKER_CLAIMING)
        return;
    if (!reply->ok) {
        worker_say(worker, "storage", "%s; nothing is claimed yet", reply->error);
        wait_longer(worker, CARE_STORAGE);
        return;
    }
    worker_say(worker, "storage", "storage can be written again, it seems; one render will tell");
    try_one(worker, CARE_STORAGE);
}

/* A pause is over. */
static void pause_over(void *context) {
    Care *care = context;
    Worker *worker = care->worker;
    CareKind kind = (CareKind)(care - worker->cares);
    care->timer = NULL;
    if (cares[kind].asks)
        care->job = storage_check(&worker->app->storage, true, asked, worker);
    else
        try_one(worker, kind);
}

/* Pause, the longer the longer it does not go well. */
static void wait_longer(Worker *worker, CareKind kind) {
    Care *care = &worker->cares[kind];
    double jitter = 0.75 + 0.5 * ((double)rand() / RAND_MAX);
    care->pause_ms = care->pause_ms > 0 ? care->pause_ms * 2 : SHORTEST_PAUSE_MS;
    if (care->pause_ms > cares[kind].longest_ms)
        care->pause_ms = cares[kind].longest_ms;
    care->worker = worker;
    care->timer =
        loop_after(http_loop(worker->app->http), care->pause_ms * jitter, pause_over, care);
}

/* Claim no more for now; who is to drain the queue cannot wait for that. */
static void pause_claims(Worker *worker, CareKind kind, const Render *render) {
    Care *care = &worker->cares[kind];
    bool drain = worker->options.drain;
    care->state = CARE_DOWN;
    worker_say(worker, cares[kind].event, "%zu renders in a row %s (%s)%s%s", care->failures,
               cares[kind].failed, render->error ? render->error : "no reason given",
               drain ? "" : "; nothing is claimed ", drain ? "" : cares[kind].until);
    if (drain) {
        worker->exit_code = cares[kind].code;
        worker_stop(worker);
    } else {
        wait_longer(worker, kind);
    }
}

/* Learn one thing from a render that is over. */
static void mind(Worker *worker, CareKind kind, const Render *render) {
    Care *care = &worker->cares[kind];
    int verdict = cares[kind].verdict(render);
    bool trial = care->state == CARE_ON_TRIAL;
    if (verdict > 0) {
        if (trial)
            worker_say(worker, cares[kind].event, "%s", cares[kind].well);
        if (care->state != CARE_DOWN)
            *care = (Care){0};
    } else if (verdict < 0) {
        care->failures++;
        if (worker->state == WORKER_CLAIMING && care->state != CARE_DOWN &&
            (trial || care->failures >= FAILURES_TO_PAUSE))
            pause_claims(worker, kind, render);
    }
    if (trial)
        worker_claim_soon(worker);
}

/* Learn from a render that is over. */
void worker_mind(Worker *worker, const Render *render) {
    for (int kind = 0; kind < CARES; kind++)
        mind(worker, (CareKind)kind, render);
}

/* How many of some free places may be claimed for. */
int worker_places_with_care(const Worker *worker, int places) {
    for (int kind = 0; kind < CARES; kind++) {
        CareState state = worker->cares[kind].state;
        if (state == CARE_DOWN || (state == CARE_ON_TRIAL && worker->running))
            return 0;
        if (state == CARE_ON_TRIAL && places > 1)
            places = 1;
    }
    return places;
}

/* Forget it. */
void worker_end_care(Worker *worker) {
    for (int kind = 0; kind < CARES; kind++) {
        Care *care = &worker->cares[kind];
        if (care->timer)
            loop_cancel(http_loop(worker->app->http), care->timer);
        storage_drop(care->job);
        care->timer = NULL;
        care->job = NULL;
    }
}
