#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 64, LONGEST_WAIT_MS = 1000 };

#define FIRING SIZE_MAX

/* A descriptor in epoll: the database's, a signal's, or one of libcurl's sockets. */
struct LoopWatch {
    Loop *loop;
    int fd; /* -1 once it is not watched any more */
    short events;
    LoopReady *ready;
    void *context;
    LoopWatch *next; /* among those to be freed at the end of the turn */
};

struct LoopTimer {
    double at;
    uint64_t order; /* among those of the same time */
    LoopFire *fire;
    void *context;
    size_t place; /* in the heap; FIRING while it is out to be fired */
};

struct Loop {
    int epoll;
    CURLM *multi;    /* NULL as long as there was no transfer */
    double curl_due; /* when libcurl wants to be called, whatever happens; -1 for never */
    LoopTransferDone *done;
    void *context;
    LoopWatch *unwatched; /* events of this turn may still point to them */
    LoopTimer **timers;   /* a heap: the first is due first */
    size_t timer_count, timer_room;
    uint64_t timers_made;
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

/* Give up: without a loop nothing can go on. */
static void die(const char *what) {
    perror(what);
    exit(70);
}

/* Tell epoll what a descriptor is watched for; without events it only hears of errors. The
 * number of one that was closed unnoticed may be in use again, or not be there any more. */
static void set_events(LoopWatch *watch, int operation) {
    /* POLLIN and POLLOUT are EPOLLIN and EPOLLOUT. */
    struct epoll_event event = {.events = (uint32_t)watch->events, .data.ptr = watch};
    int epoll = watch->loop->epoll;
    if (epoll_ctl(epoll, operation, watch->fd, &event) == 0)
        return;
    int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if ((errno != EEXIST && errno != ENOENT) || epoll_ctl(epoll, other, watch->fd, &event) != 0)
        die("renderchain: could not watch a descriptor");
}

/* Watch a descriptor. */
LoopWatch *loop_watch(Loop *loop, int fd, short events, LoopReady *ready, void *context) {
    LoopWatch *watch = mem_alloc(sizeof *watch);
    *watch =
        (LoopWatch){.loop = loop, .fd = fd, .events = events, .ready = ready, .context = context};
    set_events(watch, EPOLL_CTL_ADD);
    return watch;
}

/* Change what a descriptor is watched for. */
void loop_watch_for(LoopWatch *watch, short events) {
    if (watch->events == events)
        return;
    watch->events = events;
    set_events(watch, EPOLL_CTL_MOD);
}

/* Stop watching, before the descriptor is closed; one that was closed is out already. */
void loop_unwatch(Loop *loop, LoopWatch *watch) {
    if (!watch)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
    watch->next = loop->unwatched;
    loop->unwatched = watch;
}

/* Free what was unwatched, when no event points there any more. */
static void free_unwatched(Loop *loop) {
    while (loop->unwatched) {
        LoopWatch *watch = loop->unwatched;
        loop->unwatched = watch->next;
        free(watch);
    }
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

/* Let libcurl go on: with what a socket is ready for, or with what it is time for. */
static void perform(Loop *loop, curl_socket_t socket, int bits) {
    int running;
    if (socket == CURL_SOCKET_TIMEOUT)
        loop->curl_due = -1; /* before, since it may be set anew in the call */
    curl_multi_socket_action(loop->multi, socket, bits, &running);
    drain_transfers(loop);
}

/* One of libcurl's sockets is ready; the context is its own watch. */
static void transfer_ready(void *context, short happened) {
    LoopWatch *watch = context;
    int bits = happened & EPOLLIN ? CURL_CSELECT_IN : 0;
    if (happened & EPOLLOUT)
        bits |= CURL_CSELECT_OUT;
    if (happened & (EPOLLERR | EPOLLHUP))
        bits |= CURL_CSELECT_ERR;
    perform(watch->loop, watch->fd, bits);
}

/* libcurl says what it wants to know about a socket (CURLMOPT_SOCKETFUNCTION). */
static int watch_transfer(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    Loop *loop = context;
    LoopWatch *watch = known;
    short events = (short)((what & CURL_POLL_IN ? EPOLLIN : 0) | //
                           (what & CURL_POLL_OUT ? EPOLLOUT : 0));
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(loop, watch);
    } else if (watch) {
        loop_watch_for(watch, events);
    } else {
        watch = loop_watch(loop, fd, events, transfer_ready, NULL);
        watch->context = watch;
        curl_multi_assign(loop->multi, fd, watch);
    }
    return 0;
}

/* libcurl says when it wants to be called (CURLMOPT_TIMERFUNCTION). */
static int set_due(CURLM *multi, long milliseconds, void *context) {
    Loop *loop = context;
    (void)multi;
    loop->curl_due = milliseconds < 0 ? -1 : loop_now() + (double)milliseconds;
    return 0;
}

/* Make a loop whose finished transfers are handed to done. */
Loop *loop_new(LoopTransferDone *done, void *context) {
    Loop *loop = mem_alloc(sizeof *loop);
    *loop = (Loop){
        .epoll = epoll_create1(EPOLL_CLOEXEC), .curl_due = -1, .done = done, .context = context};
    if (loop->epoll < 0)
        die("renderchain: could not start the event loop");
    return loop;
}

/* Start libcurl, unless that was done. */
void loop_prepare_transfers(Loop *loop) {
    if (loop->multi)
        return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    loop->multi = curl_multi_init();
    if (!loop->multi) {
        fputs("renderchain: could not start libcurl\n", stderr);
        exit(70);
    }
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, watch_transfer);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_due);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
}

/* Keep up to so many connections open between transfers. */
void loop_keep_connections(Loop *loop, long most) {
    loop_prepare_transfers(loop);
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, most);
}

/* Have no more connections open at once than that. */
void loop_bound_connections(Loop *loop, long most) {
    loop_prepare_transfers(loop);
    curl_multi_setopt(loop->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
}

/* Free the loop and what still waits in it; transfers must have been dropped. */
void loop_free(Loop *loop) {
    if (!loop)
        return;
    while (loop->timer_count)
        loop_cancel(loop, loop->timers[0]);
    free(loop->timers);
    if (loop->multi) {
        curl_multi_cleanup(loop->multi);
        curl_global_cleanup();
    }
    free_unwatched(loop);
    close(loop->epoll);
    free(loop);
}

/* Is a timer due before another? */
static bool is_before(const LoopTimer *timer, const LoopTimer *other) {
    return timer->at < other->at || (timer->at == other->at && timer->order < other->order);
}

/* Put a timer at a place of the heap. */
static void put_timer(Loop *loop, LoopTimer *timer, size_t place) {
    loop->timers[place] = timer;
    timer->place = place;
}

/* Put a timer where it belongs, from a place on that is free: a thousand renders have some each. */
static void settle(Loop *loop, LoopTimer *timer, size_t place) {
    while (place > 0 && is_before(timer, loop->timers[(place - 1) / 2])) {
        put_timer(loop, loop->timers[(place - 1) / 2], place);
        place = (place - 1) / 2;
    }
    for (size_t below; (below = 2 * place + 1) < loop->timer_count; place = below) {
        if (below + 1 < loop->timer_count &&
            is_before(loop->timers[below + 1], loop->timers[below]))
            below++;
        if (!is_before(loop->timers[below], timer))
            break;
        put_timer(loop, loop->timers[below], place);
    }
    put_timer(loop, timer, place);
}

/* Set a timer. */
LoopTimer *loop_after(Loop *loop, double milliseconds, LoopFire *fire, void *context) {
    LoopTimer *timer = mem_alloc(sizeof *timer);
    *timer = (LoopTimer){.at = loop_now() + milliseconds,
                         .order = loop->timers_made++,
                         .fire = fire,
                         .context = context};
    if (loop->timer_count == loop->timer_room) {
        loop->timer_room = loop->timer_room ? loop->timer_room * 2 : 64;
        loop->timers = mem_grow(loop->timers, loop->timer_room * sizeof *loop->timers);
    }
    loop->timer_count++;
    settle(loop, timer, loop->timer_count - 1);
    return timer;
}

/* Take a timer out of the heap. */
static void take_out(Loop *loop, const LoopTimer *timer) {
    LoopTimer *last = loop->timers[--loop->timer_count];
    if (last != timer)
        settle(loop, last, timer->place);
}

/* Take a timer out without firing it; one that is being fired goes by itself. */
void loop_cancel(Loop *loop, LoopTimer *timer) {
    if (timer->place == FIRING)
        return;
    take_out(loop, timer);
    free(timer);
}

/* Start a transfer. */
bool loop_transfer(Loop *loop, CURL *easy) {
    loop_prepare_transfers(loop);
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

/* Take a transfer out, finished or not. */
void loop_drop(Loop *loop, CURL *easy) {
    curl_multi_remove_handle(loop->multi, easy);
}

/* Fire what is due; a timer that is set meanwhile waits for the next turn. */
static void fire_timers(Loop *loop) {
    double now = loop_now();
    while (loop->timer_count && loop->timers[0]->at <= now) {
        LoopTimer *timer = loop->timers[0];
        take_out(loop, timer);
        timer->place = FIRING;
        timer->fire(timer->context);
        free(timer);
    }
}

/* Say how long the next wait may be. */
static int wait_limit(const Loop *loop) {
    double now = loop_now(), wait = LONGEST_WAIT_MS;
    if (loop->timer_count && loop->timers[0]->at - now < wait)
        wait = loop->timers[0]->at - now;
    if (loop->curl_due >= 0 && loop->curl_due - now < wait)
        wait = loop->curl_due - now;
    return wait <= 0 ? 0 : (int)wait + (wait < LONGEST_WAIT_MS);
}

/* Call libcurl if it is time; new transfers open their sockets and leave here. */
static void perform_if_due(Loop *loop) {
    if (loop->curl_due >= 0 && loop->curl_due <= loop_now())
        perform(loop, CURL_SOCKET_TIMEOUT, 0);
}

/* One turn of the loop. */
void loop_turn(Loop *loop) {
    struct epoll_event events[EVENTS_A_TURN];

    perform_if_due(loop);
    int count = epoll_wait(loop->epoll, events, EVENTS_A_TURN, wait_limit(loop));
    for (int i = 0; i < count; i++) {
        LoopWatch *watch = events[i].data.ptr;
        if (watch->fd >= 0)
            watch->ready(watch->context, (short)events[i].events);
    }
    /* What a timer does may take its time (storing a file); requests leave before. */
    perform_if_due(loop);
    fire_timers(loop);
    free_unwatched(loop);
}
