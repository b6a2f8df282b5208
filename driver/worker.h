/* A worker: claims renders from the queue and runs many at once on one event loop.
 * worker.c claims and stops, worker_lease.c keeps what was claimed, worker_upkeep.c does what has
 * to be done now and then, worker_care.c pauses while storage or the database takes nothing,
 * worker_log.c says what happens, cmd_worker.c is the command. */
#ifndef RC_WORKER_H
#define RC_WORKER_H

#include "collect.h"
#include "render.h"

enum { WORKER_LANES_MOST = 16 };

typedef struct WorkerOptions {
    int concurrency;   /* renders at once */
    int lease_seconds; /* extended at every third of it */
    int grace_seconds; /* for running renders once it is to stop */
    int connections;   /* to the database; renders are spread over them */
    const char *type;  /* image or video; NULL for both */
    const char *name;  /* what stands before the unique part of its name */
    bool drain;        /* stop when the queue is empty */
} WorkerOptions;

typedef enum WorkerState {
    WORKER_CLAIMING,
    WORKER_FINISHING, /* claims no more, lets renders end */
    WORKER_RETURNING, /* gives back what has not ended */
    WORKER_STOPPED
} WorkerState;

/* What all renders depend on. */
typedef enum CareKind { CARE_STORAGE, CARE_RECORDS, CARES } CareKind;

typedef enum CareState {
    CARE_WELL,
    CARE_DOWN,    /* nothing is claimed */
    CARE_ON_TRIAL /* one render is claimed, to see */
} CareState;

typedef struct Worker Worker;
typedef struct Upkeep Upkeep;

/* What is known of one of them; worker_care.c. */
typedef struct Care {
    Worker *worker;
    CareState state;
    size_t failures; /* renders that failed by it, since one that did not */
    double pause_ms;
    LoopTimer *timer; /* while it is down */
    StorageJob *job;  /* while storage is asked */
} Care;

/* A claimed render. */
typedef struct Running {
    Worker *worker;
    Render render;
    struct Running *next, *previous;
} Running;

/* One connection. All come back by themselves; the first also claims and keeps leases. */
typedef struct Lane {
    Worker *worker;
    Db *db;
    Recorder *recorder; /* of its renders */
} Lane;

struct Worker {
    App *app;
    WorkerOptions options;
    char name[160]; /* unique, so that two workers of one name are two */
    char lease[32]; /* as an interval */
    Lane lanes[WORKER_LANES_MOST];
    size_t lane_count, next_lane;
    WorkerState state;
    ExitCode exit_code;

    Running *running; /* the latest first */
    size_t running_count;
    size_t completed, failed, requeued, lost; /* renders, since the start */

    bool claiming; /* a claim has been asked, for so many */
    int claim_asked;
    bool claim_lost;    /* and its answer will never come: what it took is to be given back */
    unsigned returning; /* statements that give back and have not been answered yet */
    size_t unreturned;  /* renders that are to be given back and have not been */
    bool has_claimed, read_only; /* a claim was answered; the database cannot be written just now */
    bool more;                   /* the last claim brought all it asked for */
    bool last_look;              /* nothing is left to wait for; one more claim decides */
    double poll_ms;
    LoopTimer *claim_timer;
    double claim_at;

    bool extending;
    LoopTimer *lease_timer;
    LoopTimer *grace_timer;
    Upkeep *upkeep;
    Care cares[CARES];
};

/* Open the other connections, and begin to claim. The app is connected, its models are read.
 * False with *error set (caller frees). */
MUSTCHECK bool worker_start(Worker *worker, App *app, const WorkerOptions *options, char **error);

/* Stop: let renders end within the grace time; the second time give them back at once. It has
 * stopped when its state says so. */
void worker_stop(Worker *worker);

/* Free what it holds. */
void worker_close(Worker *worker);

/* Claim for what is free, now. */
void worker_claim_soon(Worker *worker);

/* worker_care.c: learn from a render that is over whether storage and the database take anything;
 * how many of some free places may be claimed for. */
void worker_mind(Worker *worker, const Render *render);
int worker_places_with_care(const Worker *worker, int places);
void worker_end_care(Worker *worker);

/* worker_lease.c: keep leases from now on; look at them at once (a render of ours may have been
 * cancelled); take the verdict of extend_leases on a render: drops one that is not ours. */
void worker_keep_leases(Worker *worker);
void worker_check_leases(Worker *worker);
void lease_verdict(Render *render, const PGresult *result, int row);

/* worker_upkeep.c: do what has to be done now and then, until the end. */
void worker_upkeep(Worker *worker);
void worker_upkeep_now(Worker *worker);
void worker_end_upkeep(Worker *worker);

/* The ids of the running renders for which wanted says so, as an array's text; caller frees. */
char *worker_ids(const Worker *worker, bool (*wanted)(const Render *render));

/* A running render by its id, or NULL. */
Running *worker_find(const Worker *worker, const char *id);

/* worker_log.c: a line about the worker itself, about a render that was claimed, and about one
 * that is over. */
void worker_say(const Worker *worker, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
void worker_say_claimed(const Worker *worker, const Render *render);
void worker_say_over(const Worker *worker, const Render *render);

#endif
