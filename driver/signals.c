#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Have signals delivered to the loop. */
int signals_watch(Loop *loop, LoopReady *ready, void *context, LoopWatch **watch) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(&set, ending_signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    LoopWatch *made = signals < 0 ? NULL : loop_watch(loop, signals, POLLIN, ready, context);
    if (watch)
        *watch = made;
    return signals;
}
