/* The one event loop: HTTP transfers, database sockets, signals and timers wait in a
 * single epoll_wait, so that a turn costs what happened and not what waits. Everything
 * runs on one thread; a callback may start requests and timers but never waits itself. */
#ifndef RC_LOOP_H
#define RC_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

typedef struct Loop Loop;
typedef struct LoopWatch LoopWatch;
typedef struct LoopTimer LoopTimer;
typedef struct LoopTransfers LoopTransfers;

/* events and happened are bits of POLLIN and POLLOUT. */
typedef void LoopReady(void *context, short happened);
typedef void LoopFire(void *context);
typedef void LoopTransferDone(void *context, CURL *easy, CURLcode code);

Loop *loop_new(LoopTransferDone *done, void *context);
void loop_free(Loop *loop);

/* Milliseconds of the monotonic clock; wall clock seconds for time stamps. */
double loop_now(void);
double loop_wall(void);

/* Watch a descriptor; change the events with loop_watch_for. */
LoopWatch *loop_watch(Loop *loop, int fd, short events, LoopReady *ready, void *context);
void loop_watch_for(LoopWatch *watch, short events);
void loop_unwatch(Loop *loop, LoopWatch *watch);

/* Fire once after that many milliseconds. The timer is gone when it has fired. */
LoopTimer *loop_after(Loop *loop, double milliseconds, LoopFire *fire, void *context);
void loop_cancel(Loop *loop, LoopTimer *timer);

/* Set libcurl up, which takes a millisecond, most of it for its TLS. The first transfer does it, or
 * somebody before it who has to wait anyway. */
void loop_prepare_transfers(Loop *loop);

/* Start a transfer, and take it out again: of the group that it was given to. NULL where it could
 * not be started. */
MUSTCHECK LoopTransfers *loop_transfer(Loop *loop, CURL *easy);
void loop_drop(LoopTransfers *group, CURL *easy);

/* Keep up to so many connections open between transfers, those of each group for itself. libcurl by
 * itself keeps four times the transfers that there are just now: of renders that wait for the
 * database it would close what they need next. */
void loop_keep_connections(Loop *loop, long most);

/* Have no more of them open at once than that; transfers wait for one, and their time runs. */
void loop_bound_connections(Loop *loop, long most);

/* Are there more answers of models than a turn takes? What can wait shall wait then. */
bool loop_is_behind(const Loop *loop);

/* One turn: wait (at most until the next timer), then transfers, descriptors, timers. */
void loop_turn(Loop *loop);

#endif
