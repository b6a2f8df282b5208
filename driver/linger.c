#include "linger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SILENCE_MS = 5000,
    TIME_MS = 30000,
    BYTES_MOST = 64 << 20,
    LINGERING_MOST = 256, /* the next ones are closed at once, as the files that are open are few */
    PIECE = 64 << 10
};

typedef struct Linger Linger;
struct Linger {
    Lingers *lingers;
    int fd;
    size_t bytes;
    double until;
    LoopWatch *watch;
    LoopTimer *timer;
    Linger *next, *previous;
};

struct Lingers {
    Loop *loop;
    Linger *first;
    size_t count;
    char piece[PIECE]; /* what nobody reads */
};

/* Begin with none. */
Lingers *lingers_new(Loop *loop) {
    Lingers *lingers = mem_alloc(sizeof *lingers);
    lingers->loop = loop;
    return lingers;
}

/* Close a socket for good. */
static void let_go(Linger *linger) {
    Lingers *lingers = linger->lingers;
    loop_unwatch(lingers->loop, linger->watch);
    if (linger->timer)
        loop_cancel(lingers->loop, linger->timer);
    close(linger->fd);
    *(linger->previous ? &linger->previous->next : &lingers->first) = linger->next;
    if (linger->next)
        linger->next->previous = linger->previous;
    lingers->count--;
    free(linger);
}

/* Nothing has come for a while, or all the time is over. */
static void timed(void *context) {
    Linger *linger = context;
    linger->timer = NULL;
    let_go(linger);
}

/* Wait for the next bytes. */
static void wait_on(Linger *linger) {
    Loop *loop = linger->lingers->loop;
    double left = linger->until - loop_now();
    if (linger->timer)
        loop_cancel(loop, linger->timer);
    linger->timer = loop_after(loop, left < SILENCE_MS ? left : SILENCE_MS, timed, linger);
}

/* Something has come: throw it away. One piece a turn, as others wait for theirs. */
static void came(void *context, short happened) {
    Linger *linger = context;
    ssize_t got = recv(linger->fd, linger->lingers->piece, PIECE, 0);
    (void)happened;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        linger->bytes += (size_t)got;
    if (got <= 0 || linger->bytes > BYTES_MOST)
        let_go(linger);
    else
        wait_on(linger);
}

/* Keep one. */
void linger_on(Lingers *lingers, int fd) {
    int own = lingers->count < LINGERING_MOST ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (own < 0)
        return;
    /* The client sees the end of the answer. */
    shutdown(own, SHUT_WR);
    Linger *linger = mem_alloc(sizeof *linger);
    *linger = (Linger){
        .lingers = lingers, .fd = own, .until = loop_now() + TIME_MS, .next = lingers->first};
    if (lingers->first)
        lingers->first->previous = linger;
    lingers->first = linger;
    lingers->count++;
    linger->watch = loop_watch(lingers->loop, own, POLLIN, came, linger);
    wait_on(linger);
}

/* Close them all. */
void lingers_free(Lingers *lingers) {
    while (lingers && lingers->first)
        let_go(lingers->first);
    free(lingers);
}
