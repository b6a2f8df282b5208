/* Claiming and stopping. There is at most one claim out. It asks for as many renders as there
 * are free places; as long as the queue gives all that was asked for, the next follows as places
 * become free, else the queue is asked again after a while that grows, or when a notification
 * says that there is something in it. Notifications are never needed. */
#include "worker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    CLAIM_MOST = 64, /* while those that it brings are started, the next are claimed */
    POLL_SHORTEST_MS = 50,
    POLL_LONGEST_MS = 2000,
    GATHER_MS = 5,         /* places that become free one by one are claimed for together */
    GATHERED_FRACTION = 8, /* or once this part of all is free */
    RETURN_MS = 5000       /* how long the database may take to hear what is given back */
};

static void claim(void *context);
static void return_claimed(Worker *worker, int rows);
static void stop_if_done(Worker *worker);

/* ---- claiming ---- */

/* Claim after so many milliseconds, unless that is to happen sooner anyway. */
static void claim_after(Worker *worker, double milliseconds) {
    Loop *loop = http_loop(worker->app->http);
    double at = loop_now() + milliseconds;
    if (worker->state != WORKER_CLAIMING || (worker->claim_timer && worker->claim_at <= at))
        return;
    if (worker->claim_timer)
        loop_cancel(loop, worker->claim_timer);
    worker->claim_at = at;
    worker->claim_timer = loop_after(loop, milliseconds, claim, worker);
}

/* How many more renders there is room for. */
static int free_places(const Worker *worker) {
    int places = worker->options.concurrency - (int)worker->running_count;
    return worker_places_with_care(worker, places > CLAIM_MOST ? CLAIM_MOST : places);
}

/* Claim now. */
void worker_claim_soon(Worker *worker) {
    claim_after(worker, 0);
}

/* A place has become free: claim for it if the queue had more, or if what it was taken by may have
 * made the next of its chain free to go. */
static void place_freed(Worker *worker, bool of_chain) {
    bool many = free_places(worker) * GATHERED_FRACTION >= worker->options.concurrency;
    if (worker->more || of_chain || (worker->options.drain && !worker->running))
        claim_after(worker, many && worker->more ? 0 : GATHER_MS);
}

/* A render is over. */
static void render_over(void *context, Render *render) {
    Running *running = context;
    Worker *worker = running->worker;
    bool of_chain = render->chain_id != NULL;
    worker_say_over(worker, render);
    worker->completed += render->end == RENDER_COMPLETED;
    worker->failed += render->end == RENDER_FAILED;
    worker->requeued += render->end == RENDER_REQUEUED;
    worker->lost += render->end == RENDER_LOST || render->end == RENDER_CANCELLED;
    *(running->previous ? &running->previous->next : &worker->running) = running->next;
    if (running->next)
        running->next->previous = running->previous;
    worker->running_count--;
    worker_mind(worker, render);
    render_free(render);
    free(running);
    place_freed(worker, of_chain);
    stop_if_done(worker);
}

/* Run a render that was claimed. */
static void run_row(Worker *worker, const PGresult *result, int row) {
    Running *running = mem_alloc(sizeof *running);
    Render *render = &running->render;
    char *error = NULL;
    running->worker = worker;
    running->next = worker->running;
    if (worker->running)
        worker->running->previous = running;
    worker->running = running;
    worker->running_count++;
    render_init(render, worker->app);
    const Lane *lane = &worker->lanes[worker->next_lane++ % worker->lane_count];
    render->db = lane->db;
    render->recorder = lane->recorder;
    render->unread = true;
    render->may_requeue = true;
    render->over = render_over;
    render->over_context = running;
    bool readable = render_from_row(render, result, row, &error);
    worker_say_claimed(worker, render);
    if (readable)
        render_start(render);
    else
        render_refuse(render, error);
    free(error);
}

/* The queue has nothing more for now: ask again later, and the later the longer it is so. */
static void claim_later(Worker *worker, bool any) {
    double jitter = 0.75 + 0.5 * ((double)rand() / RAND_MAX);
    worker->poll_ms = any ? POLL_SHORTEST_MS : worker->poll_ms * 2;
    if (worker->poll_ms > POLL_LONGEST_MS)
        worker->poll_ms = POLL_LONGEST_MS;
    claim_after(worker, worker->poll_ms * jitter);
}

/* A claim failed: by a loss, which may have left us renders that we do not know; by something
 * that passes; or for good, so that there is no use in going on. A database that cannot be written
 * is one that fails over, if it could be before. */
static void claim_failed(Worker *worker, const DbReply *reply) {
    bool read_only = strcmp(reply->sqlstate, "25006") == 0;
    if (!reply->result) { /* a trigger may raise what is said of lost connections, too */
        worker->claim_lost = true;
    } else if (db_error_passes(reply->sqlstate) && (worker->has_claimed || !read_only)) {
        if (!worker->read_only)
            worker_say(worker, "warning", "could not claim: %s", reply->message);
        worker->read_only = read_only;
        claim_later(worker, false);
    } else {
        worker->exit_code = app_database_error(&worker->app->settings, reply->sqlstate,
                                               reply->message, reply->detail, reply->hint);
        worker_stop(worker);
    }
}

/* Is there anything left that this worker could wait for? Where not, it may have become free to go
 * since the claim that found nothing: only one that comes after this answer tells. */
static void waiting_came(void *context, const DbReply *reply) {
    Worker *worker = context;
    if (worker->state != WORKER_CLAIMING || worker->running)
        return;
    bool waits = reply->ok && strcmp(PQgetvalue(reply->result, 0, 0), "t") == 0;
    if (!reply->ok && reply->result && db_error_passes(reply->sqlstate)) {
        claim_later(worker, false);
        return;
    }
    if (!reply->ok || (!waits && worker->last_look))
        worker_stop(worker);
    else if (!waits)
        worker_claim_soon(worker);
    worker->last_look = !waits;
}

/* Nothing can be claimed and nothing runs: the queue is empty, unless something of ours waits in
 * it for its next attempt, or something of a chain for what another driver runs. */
static void drained(Worker *worker) {
    const char *parameters[] = {worker->requeued ? "true" : "false"};
    db_call_once(worker->lanes[0].db,
                 "select $1::boolean and s -> 'later' <> '0' or s -> 'chained' <> '0' and "
                 "s -> 'running' <> '0' from renderchain.queue_status(0) s",
                 1, parameters, waiting_came, worker);
}

/* The claim was answered. */
static void claimed(void *context, const DbReply *reply) {
    Worker *worker = context;
    worker->claiming = false;
    if (!reply->ok) {
        claim_failed(worker, reply);
        stop_if_done(worker);
        return;
    }
    worker->has_claimed = true;
    worker->read_only = false;
    int rows = PQntuples(reply->result);
    if (worker->state != WORKER_CLAIMING) {
        return_claimed(worker, rows);
        return;
    }
    for (int row = 0; row < rows; row++)
        run_row(worker, reply->result, row);
    worker->more = rows >= worker->claim_asked;
    if (rows > 0)
        worker->last_look = false;
    if (!worker->more)
        claim_later(worker, rows > 0);
    else if (free_places(worker) > 0)
        claim_after(worker, 0);
    if (worker->options.drain && !worker->running)
        drained(worker);
}

/* Claim for the places that are free. */
static void claim(void *context) {
    Worker *worker = context;
    worker->claim_timer = NULL;
    Db *db = worker->lanes[0].db;
    if (worker->claiming || worker->claim_lost || worker->state != WORKER_CLAIMING ||
        free_places(worker) == 0 || !db_is_up(db))
        return;
    char number[16];
    worker->claim_asked = free_places(worker);
    snprintf(number, sizeof number, "%d", worker->claim_asked);
    const char *parameters[] = {worker->name, number, worker->lease, worker->options.type,
                                worker->app->provider.name};
    worker->claiming = true;
    db_call_once(db,
                 "select * from renderchain.claim_renders($1, $2::integer, $3::interval, $4, $5)",
                 5, parameters, claimed, worker);
}

/* ---- being woken ---- */

/* Does a notification's payload say this of its event? */
static bool payload_is(const json_t *payload, const char *event) {
    const char *its = json_string_value(json_object_get(payload, "event"));
    return its && strcmp(its, event) == 0;
}

/* Something was queued, or has ended: perhaps a render of ours, which was cancelled then. */
static void woken(void *context, const char *text) {
    Worker *worker = context;
    /* Most are about stages. */
    if (strstr(text, "\"stages\""))
        return;
    json_t *payload = json_loads(text, 0, NULL);
    const char *id = json_string_value(json_object_get(payload, "render"));
    if (payload_is(payload, "queued") || json_is_true(json_object_get(payload, "queued"))) {
        worker->poll_ms = POLL_SHORTEST_MS;
        claim_after(worker, GATHER_MS);
    }
    if (payload_is(payload, "ended")) {
        const Running *ours = id ? worker_find(worker, id) : worker->running;
        if (ours && !ours->render.ending)
            worker_check_leases(worker);
    }
    json_decref(payload);
}

static void ignore_reply(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* Which server process runs our statements: another one than the connection says where a pooler
 * stands between. Then listening is of no use, and somebody else would get what we asked for. */
static void pid_came(void *context, const DbReply *reply) {
    Worker *worker = context;
    Db *db = worker->lanes[0].db;
    if (!reply->ok || atoi(PQgetvalue(reply->result, 0, 0)) != db_backend_pid(db))
        return;
    db_call_once(db, "listen renderchain", 0, NULL, ignore_reply, NULL);
}

/* Listen, where that is of use. */
static void listen_if_useful(Worker *worker) {
    db_call_once(worker->lanes[0].db, "select pg_catalog.pg_backend_pid()", 0, NULL, pid_came,
                 worker);
}

/* ---- a connection goes and comes ---- */

static bool is_running(const Render *render) {
    return render->end == RENDER_RUNNING;
}

/* What a lost claim had taken is back in the queue. */
static void returned_lost(void *context, const DbReply *reply) {
    Worker *worker = context;
    worker->returning--;
    if (!reply->ok)
        worker_say(worker, "warning", "a lost claim could not be undone: %s", reply->message);
    worker->claim_lost = false;
    claim_after(worker, 0);
    stop_if_done(worker);
}

/* Give back all renders that we hold but those. Takes the ids. */
static void give_back_but(Worker *worker, char *ids, DbDone *done) {
    const char *parameters[] = {worker->name, ids};
    worker->returning++;
    db_call(worker->lanes[0].db, "select * from renderchain.release_renders($1, $2::uuid[])", 2,
            parameters, done, worker);
    free(ids);
}

/* A connection was lost, or is there again. */
static void lane_changed(void *context, bool up, const char *words) {
    Lane *lane = context;
    Worker *worker = lane->worker;
    if (lane != worker->lanes || worker->state == WORKER_STOPPED)
        return;
    if (!up) {
        worker_say(worker, "database_lost", "%s; renders go on, their results wait", words);
        return;
    }
    worker_say(worker, "database_back", "connected to the database again");
    listen_if_useful(worker);
    if (worker->claim_lost)
        give_back_but(worker, worker_ids(worker, is_running), returned_lost);
    else
        claim_after(worker, 0);
}

/* ---- starting and stopping ---- */

/* Make a name that no other worker has: a process id comes again, in a container always. */
static void choose_name(Worker *worker) {
    char host[64] = "localhost";
    unsigned unique = 0;
    gethostname(host, sizeof host - 1);
    if (getrandom(&unique, sizeof unique, 0) != sizeof unique)
        unique = (unsigned)rand();
    snprintf(worker->name, sizeof worker->name, "%.100s:%d:%08x",
             worker->options.name ? worker->options.name : host, (int)getpid(), unique);
}

/* Open connections beside the app's own. */
static bool open_lanes(Worker *worker, char **error) {
    const Settings *settings = &worker->app->settings;
    for (int i = 0; i < worker->options.connections; i++) {
        Lane *lane = &worker->lanes[i];
        *lane = (Lane){.worker = worker, .db = worker->app->db};
        if (i > 0) {
            lane->db = db_start(settings->conninfo, settings->schema, worker->app->trace);
            worker->lane_count = (size_t)i + 1;
            if (!db_connect(lane->db, http_loop(worker->app->http), error))
                return false;
        }
        worker->lane_count = (size_t)i + 1;
        lane->recorder = recorder_new(lane->db, http_loop(worker->app->http));
        db_stay(lane->db, lane_changed, lane);
        db_call_once(lane->db, "select renderchain.warm_up()", 0, NULL, ignore_reply, NULL);
    }
    return true;
}

/* Begin. */
bool worker_start(Worker *worker, App *app, const WorkerOptions *options, char **error) {
    *worker = (Worker){.app = app, .options = *options, .poll_ms = POLL_SHORTEST_MS};
    choose_name(worker);
    snprintf(worker->lease, sizeof worker->lease, "%d seconds", options->lease_seconds);
    if (!open_lanes(worker, error))
        return false;
    db_on_notify(worker->lanes[0].db, woken, worker);
    listen_if_useful(worker);
    worker_say(worker, "worker", "worker %s runs up to %d renders at once", worker->name,
               options->concurrency);
    worker_keep_leases(worker);
    worker_upkeep(worker);
    claim(worker);
    return true;
}

/* Everything has ended that will. */
static void stop_if_done(Worker *worker) {
    if (worker->state != WORKER_CLAIMING && !worker->running && !worker->claiming &&
        !worker->returning)
        worker->state = WORKER_STOPPED;
}

/* The database has not heard in time what we give back; the leases will end. */
static void return_timed_out(void *context) {
    Worker *worker = context;
    worker->grace_timer = NULL;
    for (const Running *running = worker->running; running; running = running->next)
        worker->unreturned += is_running(&running->render); /* its end is not heard of, either */
    worker_say(worker, "warning",
               "the database did not hear of %zu renders in time; their leases will end",
               worker->unreturned);
    worker->exit_code = EXIT_DATABASE;
    worker->state = WORKER_STOPPED;
}

/* What was given back is in the queue again, or has failed, but for what is not among the rows. */
static void returned(void *context, const DbReply *reply) {
    Worker *worker = context;
    size_t rows = reply->ok ? (size_t)PQntuples(reply->result) : 0;
    worker->returning--;
    worker->unreturned -= rows < worker->unreturned ? rows : worker->unreturned;
    if (!reply->ok) {
        worker_say(worker, "warning", "%zu renders could not be given back: %s", worker->unreturned,
                   reply->message);
        worker->exit_code = EXIT_DATABASE;
    } else if (!worker->returning && worker->unreturned) {
        worker_say(worker, "warning",
                   "%zu renders were not given back: they are not ours any more, another session "
                   "has them locked, or the database refuses it, as its log says",
                   worker->unreturned);
    }
    stop_if_done(worker);
}

/* A claim was answered that is not wanted any more. */
static void return_claimed(Worker *worker, int rows) {
    if (rows > 0) {
        worker->unreturned += (size_t)rows;
        give_back_but(worker, worker_ids(worker, is_running), returned);
    }
    stop_if_done(worker);
}

static bool is_ending(const Render *render) {
    return render->end == RENDER_RUNNING && render->ending;
}

/* Give back what runs, but for renders that are being recorded as ended. */
static void give_back(void *context) {
    Worker *worker = context;
    worker->state = WORKER_RETURNING;
    worker->grace_timer =
        loop_after(http_loop(worker->app->http), RETURN_MS, return_timed_out, worker);
    for (Running *running = worker->running; running; running = running->next) {
        if (!is_running(&running->render) || running->render.ending)
            continue;
        worker->unreturned++;
        render_drop(&running->render, "RC001", "given back", "");
    }
    give_back_but(worker, worker_ids(worker, is_ending), returned);
}

/* Stop, in good order at first. */
void worker_stop(Worker *worker) {
    Loop *loop = http_loop(worker->app->http);
    if (worker->state == WORKER_CLAIMING) {
        worker->state = WORKER_FINISHING;
        if (worker->claim_timer)
            loop_cancel(loop, worker->claim_timer);
        worker->claim_timer = NULL;
        if (worker->running)
            worker_say(worker, "stopping", "%zu renders have %d s to end", worker->running_count,
                       worker->options.grace_seconds);
        worker->grace_timer =
            loop_after(loop, worker->options.grace_seconds * 1e3, give_back, worker);
        stop_if_done(worker);
    } else if (worker->state == WORKER_FINISHING) {
        loop_cancel(loop, worker->grace_timer);
        give_back(worker);
    }
}

/* Free everything. */
void worker_close(Worker *worker) {
    Loop *loop = http_loop(worker->app->http);
    LoopTimer *const timers[] = {worker->claim_timer, worker->lease_timer, worker->grace_timer};
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (timers[i])
            loop_cancel(loop, timers[i]);
    worker_end_upkeep(worker);
    worker_end_care(worker);
    while (worker->running) {
        Running *running = worker->running;
        worker->running = running->next;
        render_free(&running->render);
        free(running);
    }
    for (size_t i = 0; i < worker->lane_count; i++) {
        recorder_free(worker->lanes[i].recorder);
        if (i > 0)
            db_close(worker->lanes[i].db);
    }
}
