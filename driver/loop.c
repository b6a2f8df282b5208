#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_A_TURN = 16,
    LONGEST_WAIT_MS = 1000,
    /* libcurl looks through all connections of a group for one that is free, and again when a
     * transfer ends: with thousands in one group that took longer than sending. Where there are
     * few of them, each is of use to all. */
    CONNECTIONS_FEW = 256,
    CONNECTIONS_A_GROUP = 64,
    GROUPS_MOST = 64,
    PIECES_A_TURN = 32 /* that a request is sent in */
};

#define FIRING SIZE_MAX

/* A descriptor in an epoll: the database's, a signal's, or one of libcurl's sockets. */
struct LoopWatch {
    int epoll;
    int fd; /* -1 once it is not watched any more */
    short events;
    LoopReady *ready;
    void *context;
    LoopTransfers *group; /* whose socket it is */
    bool sends;           /* it is among those that have something to send */
    LoopWatch *next_sender;
    LoopWatch *next; /* among those to be freed at the end of the turn */
};

struct LoopTimer {
    double at;
    uint64_t order; /* among those of the same time */
    LoopFire *fire;
    void *context;
    size_t place; /* in the heap; FIRING while it is out to be fired */
};

/* Transfers that share their connections. */
struct LoopTransfers {
    Loop *loop;
    CURLM *multi;
    double due; /* when libcurl wants to be called, whatever happens; -1 for never */
};

struct Loop {
    int epoll;
    /* libcurl's sockets have an epoll of their own, which is one descriptor in the other: else the
     * database would wait for its turn behind all answers of models that have come, and what it
     * has to do next for the database. */
    int transfers_epoll;
    LoopWatch *transfers_watch;
    LoopWatch *senders; /* of which sending has begun in this turn */
    bool transfers_ready;
    bool behind;                       /* more of them were ready than were looked at */
    LoopTransfers groups[GROUPS_MOST]; /* that take turns */
    size_t group_count, next_group;
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
    int epoll = watch->epoll;
    if (epoll_ctl(epoll, operation, watch->fd, &event) == 0)
        return;
    int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if ((errno != EEXIST && errno != ENOENT) || epoll_ctl(epoll, other, watch->fd, &event) != 0)
        die("renderchain: could not watch a descriptor");
}

/* Watch a descriptor in one of the two. */
static LoopWatch *watch_in(int epoll, int fd, short events, LoopReady *ready, void *context) {
    LoopWatch *watch = mem_alloc(sizeof *watch);
    *watch =
        (LoopWatch){.epoll = epoll, .fd = fd, .events = events, .ready = ready, .context = context};
    set_events(watch, EPOLL_CTL_ADD);
    return watch;
}

/* Watch a descriptor. */
LoopWatch *loop_watch(Loop *loop, int fd, short events, LoopReady *ready, void *context) {
    return watch_in(loop->epoll, fd, events, ready, context);
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
    epoll_ctl(watch->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
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
static void drain_transfers(LoopTransfers *group) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(group->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        curl_multi_remove_handle(group->multi, easy);
        group->loop->done(group->loop->context, easy, code);
    }
}

/* Let libcurl go on: with what a socket is ready for, or with what it is time for. */
static void perform(LoopTransfers *group, curl_socket_t socket, int bits) {
    int running;
    if (socket == CURL_SOCKET_TIMEOUT)
        group->due = -1; /* before, since it may be set anew in the call */
    curl_multi_socket_action(group->multi, socket, bits, &running);
    drain_transfers(group);
}

/* Is there more to send on a socket that takes it at once? */
static bool can_go_on_sending(const LoopWatch *watch) {
    struct pollfd poll_for = {.fd = watch->fd, .events = POLLOUT};
    return watch->fd >= 0 && watch->events & POLLOUT && poll(&poll_for, 1, 0) == 1 &&
           poll_for.revents == POLLOUT;
}

/* Have the rest sent at the end of what is being done. */
static void add_sender(Loop *loop, LoopWatch *watch) {
    if (watch->sends)
        return;
    watch->sends = true;
    watch->next_sender = loop->senders;
    loop->senders = watch;
}

/* One of libcurl's sockets is ready; the context is its own watch. */
static void transfer_ready(void *context, short happened) {
    LoopWatch *watch = context;
    int bits = happened & EPOLLIN ? CURL_CSELECT_IN : 0;
    if (happened & EPOLLOUT)
        bits |= CURL_CSELECT_OUT;
    if (happened & (EPOLLERR | EPOLLHUP))
        bits |= CURL_CSELECT_ERR;
    perform(watch->group, watch->fd, bits);
    if (bits & CURL_CSELECT_OUT)
        add_sender(watch->group->loop, watch);
}

/* Send what is to be sent as far as it is taken at once. libcurl sends a piece, and then waits for
 * its turn: if all took turns with every piece, the answers to all would come as late as that to
 * the last. */
static void send_on(Loop *loop) {
    while (loop->senders) {
        LoopWatch *watch = loop->senders;
        loop->senders = watch->next_sender;
        watch->sends = false;
        for (int i = 0; i < PIECES_A_TURN && can_go_on_sending(watch); i++)
            perform(watch->group, watch->fd, CURL_CSELECT_OUT);
    }
}

/* libcurl says what it wants to know about a socket (CURLMOPT_SOCKETFUNCTION). */
static int watch_transfer(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    LoopTransfers *group = context;
    LoopWatch *watch = known;
    short events = (short)((what & CURL_POLL_IN ? EPOLLIN : 0) | //
                           (what & CURL_POLL_OUT ? EPOLLOUT : 0));
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(group->loop, watch);
    } else if (watch) {
        if (events & ~watch->events & EPOLLOUT)
            add_sender(group->loop, watch);
        loop_watch_for(watch, events);
    } else {
        watch = watch_in(group->loop->transfers_epoll, fd, events, transfer_ready, NULL);
        watch->context = watch;
        watch->group = group;
        curl_multi_assign(group->multi, fd, watch);
        if (events & EPOLLOUT)
            add_sender(group->loop, watch);
    }
    return 0;
}

/* libcurl says when it wants to be called (CURLMOPT_TIMERFUNCTION). */
static int set_due(CURLM *multi, long milliseconds, void *context) {
    LoopTransfers *group = context;
    (void)multi;
    group->due = milliseconds < 0 ? -1 : loop_now() + (double)milliseconds;
    return 0;
}

/* Add a group of transfers. */
static void add_group(Loop *loop) {
    LoopTransfers *group = &loop->groups[loop->group_count++];
    *group = (LoopTransfers){.loop = loop, .multi = curl_multi_init(), .due = -1};
    if (!group->multi) {
        fputs("renderchain: could not start libcurl\n", stderr);
        exit(70);
    }
    curl_multi_setopt(group->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, watch_transfer);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, set_due);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
}

/* Some of libcurl's sockets are ready; they are looked at when all else has been. */
static void transfers_ready(void *context, short happened) {
    Loop *loop = context;
    (void)happened;
    loop->transfers_ready = true;
}

/* Make a loop whose finished transfers are handed to done. */
Loop *loop_new(LoopTransferDone *done, void *context) {
    Loop *loop = mem_alloc(sizeof *loop);
    *loop = (Loop){.epoll = epoll_create1(EPOLL_CLOEXEC),
                   .transfers_epoll = epoll_create1(EPOLL_CLOEXEC),
                   .done = done,
                   .context = context};
    if (loop->epoll < 0 || loop->transfers_epoll < 0)
        die("renderchain: could not start the event loop");
    loop->transfers_watch =
        watch_in(loop->epoll, loop->transfers_epoll, EPOLLIN, transfers_ready, loop);
    return loop;
}

/* Start libcurl, unless that was done. */
void loop_prepare_transfers(Loop *loop) {
    if (loop->group_count)
        return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    add_group(loop);
}

/* Keep up to so many connections open between transfers, which are given to more groups. */
void loop_keep_connections(Loop *loop, long most) {
    loop_prepare_transfers(loop);
    while (most > CONNECTIONS_FEW && loop->group_count < GROUPS_MOST &&
           (long)loop->group_count * CONNECTIONS_A_GROUP < most)
        add_group(loop);
    for (size_t i = 0; i < loop->group_count; i++)
        curl_multi_setopt(loop->groups[i].multi, CURLMOPT_MAXCONNECTS,
                          most / (long)loop->group_count + 1);
}

/* Have no more connections open at once than that; of a loop that keeps none. */
void loop_bound_connections(Loop *loop, long most) {
    loop_prepare_transfers(loop);
    curl_multi_setopt(loop->groups[0].multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
}

/* Free the loop and what still waits in it; transfers must have been dropped. */
void loop_free(Loop *loop) {
    if (!loop)
        return;
    while (loop->timer_count)
        loop_cancel(loop, loop->timers[0]);
    free(loop->timers);
    for (size_t i = 0; i < loop->group_count; i++)
        curl_multi_cleanup(loop->groups[i].multi);
    if (loop->group_count)
        curl_global_cleanup();
    loop_unwatch(loop, loop->transfers_watch);
    free_unwatched(loop);
    close(loop->transfers_epoll);
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
LoopTransfers *loop_transfer(Loop *loop, CURL *easy) {
    loop_prepare_transfers(loop);
    LoopTransfers *group = &loop->groups[loop->next_group++ % loop->group_count];
    return curl_multi_add_handle(group->multi, easy) == CURLM_OK ? group : NULL;
}

/* Take a transfer out, finished or not. */
void loop_drop(LoopTransfers *group, CURL *easy) {
    curl_multi_remove_handle(group->multi, easy);
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
    for (size_t i = 0; i < loop->group_count; i++)
        if (loop->groups[i].due >= 0 && loop->groups[i].due - now < wait)
            wait = loop->groups[i].due - now;
    return wait <= 0 ? 0 : (int)wait + (wait < LONGEST_WAIT_MS);
}

/* Call libcurl if it is time; new transfers open their sockets and leave here. */
static void perform_if_due(Loop *loop) {
    double now = loop_now();
    for (size_t i = 0; i < loop->group_count; i++)
        if (loop->groups[i].due >= 0 && loop->groups[i].due <= now)
            perform(&loop->groups[i], CURL_SOCKET_TIMEOUT, 0);
    send_on(loop);
}

/* Wait, and serve what is ready: a few, however many there are. */
static int serve(int epoll, int limit) {
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(epoll, events, EVENTS_A_TURN, limit);
    for (int i = 0; i < count; i++) {
        LoopWatch *watch = events[i].data.ptr;
        if (watch->fd >= 0)
            watch->ready(watch->context, (short)events[i].events);
    }
    return count;
}

/* Does work wait that models or people wait for? */
bool loop_is_behind(const Loop *loop) {
    return loop->behind;
}

/* One turn of the loop. */
void loop_turn(Loop *loop) {
    perform_if_due(loop);
    serve(loop->epoll, wait_limit(loop));
    loop->behind = loop->transfers_ready && serve(loop->transfers_epoll, 0) == EVENTS_A_TURN;
    loop->transfers_ready = false;
    /* What a timer does may take its time (storing a file); requests leave before. */
    perform_if_due(loop);
    fire_timers(loop);
    send_on(loop);
    free_unwatched(loop);
}
