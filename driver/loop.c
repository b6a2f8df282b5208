#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_WATCHES = 16, LONGEST_WAIT_MS = 1000 };

struct LoopWatch {
    int fd; /* -1 when the slot is free */
    short events;
    LoopReady *ready;
    void *context;
};

struct LoopTimer {
    double at;
    LoopFire *fire;
    void *context;
    LoopTimer *next; /* ordered by time */
};

struct Loop {
    CURLM *multi;
    LoopTransferDone *done;
    void *context;
    LoopWatch watches[MAX_WATCHES];
    LoopTimer *timers;
    bool added; /* transfers that have not been started yet */
};

/* Read a clock in milliseconds. */
static double read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Milliseconds of the monotonic clock. */
double loop_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

/* Seconds since 1970. */
double loop_wall(void) {
    return read_clock(CLOCK_REALTIME) / 1e3;
}

/* Make a loop whose finished transfers are handed to done. */
Loop *loop_new(LoopTransferDone *done, void *context) {
    Loop *loop = mem_alloc(sizeof *loop);
    loop->multi = curl_multi_init();
    if (!loop->multi) {
        fputs("renderchain: could not start libcurl\n", stderr);
        exit(70);
    }
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    loop->done = done;
    loop->context = context;
    for (int i = 0; i < MAX_WATCHES; i++)
        loop->watches[i].fd = -1;
    return loop;
}

/* Free the loop and what still waits in it; transfers must have been dropped. */
void loop_free(Loop *loop) {
    if (!loop)
        return;
    while (loop->timers)
        loop_cancel(loop, loop->timers);
    curl_multi_cleanup(loop->multi);
    free(loop);
}

/* Watch a descriptor. */
LoopWatch *loop_watch(Loop *loop, int fd, short events, LoopReady *ready, void *context) {
    for (int i = 0; i < MAX_WATCHES; i++) {
        if (loop->watches[i].fd >= 0)
            continue;
        loop->watches[i] = (LoopWatch){fd, events, ready, context};
        return &loop->watches[i];
    }
    fputs("renderchain: too many descriptors watched\n", stderr);
    exit(70);
}

/* Change what a descriptor is watched for. */
void loop_watch_for(LoopWatch *watch, short events) {
    watch->events = events;
}

/* Stop watching. */
void loop_unwatch(Loop *loop, LoopWatch *watch) {
    (void)loop;
    if (watch)
        watch->fd = -1;
}

/* Put a timer into the ordered list. */
LoopTimer *loop_after(Loop *loop, double milliseconds, LoopFire *fire, void *context) {
    LoopTimer *timer = mem_alloc(sizeof *timer);
    *timer = (LoopTimer){.at = loop_now() + milliseconds, .fire = fire, .context = context};
    LoopTimer **slot = &loop->timers;
    while (*slot && (*slot)->at <= timer->at)
        slot = &(*slot)->next;
    timer->next = *slot;
    *slot = timer;
    return timer;
}

/* Take a timer out without firing it. */
void loop_cancel(Loop *loop, LoopTimer *timer) {
    for (LoopTimer **slot = &loop->timers; *slot; slot = &(*slot)->next) {
        if (*slot == timer) {
            *slot = timer->next;
            free(timer);
            return;
        }
    }
}

/* Start a transfer. */
bool loop_transfer(Loop *loop, CURL *easy) {
    loop->added = true;
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

/* Take a transfer out, finished or not. */
void loop_drop(Loop *loop, CURL *easy) {
    curl_multi_remove_handle(loop->multi, easy);
}

/* Report every finished transfer; the message is read before the handle goes. */
static void drain_transfers(Loop *loop) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        curl_multi_remove_handle(loop->multi, easy);
        loop->done(loop->context, easy, code);
    }
}

/* Fire what is due; a timer that is set meanwhile waits for the next turn. */
static void fire_timers(Loop *loop) {
    double now = loop_now();
    while (loop->timers && loop->timers->at <= now) {
        LoopTimer *timer = loop->timers;
        loop->timers = timer->next;
        timer->fire(timer->context);
        free(timer);
    }
}

/* Say how long the next wait may be. */
static int wait_limit(const Loop *loop) {
    if (!loop->timers)
        return LONGEST_WAIT_MS;
    double wait = loop->timers->at - loop_now();
    if (wait <= 0)
        return 0;
    return wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : (int)wait + 1;
}

/* Let transfers go on, and report those that have finished. */
static void perform(Loop *loop) {
    int running;
    loop->added = false;
    curl_multi_perform(loop->multi, &running);
    drain_transfers(loop);
}

/* One turn of the loop. */
void loop_turn(Loop *loop) {
    struct curl_waitfd fds[MAX_WATCHES];
    LoopWatch *watches[MAX_WATCHES];
    unsigned count = 0;

    /* New transfers open their sockets here, so that the wait knows them. */
    perform(loop);
    for (int i = 0; i < MAX_WATCHES; i++) {
        LoopWatch *watch = &loop->watches[i];
        if (watch->fd < 0 || !watch->events)
            continue;
        watches[count] = watch;
        fds[count++] = (struct curl_waitfd){.fd = watch->fd, .events = watch->events};
    }
    curl_multi_poll(loop->multi, fds, count, wait_limit(loop), NULL);
    perform(loop);
    for (unsigned i = 0; i < count; i++)
        if (fds[i].revents && watches[i]->fd == fds[i].fd)
            watches[i]->ready(watches[i]->context, fds[i].revents);
    /* What a timer does may take its time (storing a file); requests leave before. */
    if (loop->added)
        perform(loop);
    fire_timers(loop);
}
