/* The signals that end a command, delivered to its loop instead. */
#ifndef RC_SIGNALS_H
#define RC_SIGNALS_H

#include "loop.h"

/* Those signals, of which there are so many. */
extern const int ending_signals[];
enum { ENDING_SIGNALS = 3 };

/* Have them delivered to the loop from now on. The descriptor that they are read from (a struct
 * signalfd_siginfo each), the caller's to close, -1 where there is none; *watch (where it is not
 * NULL) is the loop's watch on it. */
int signals_watch(Loop *loop, LoopReady *ready, void *context, LoopWatch **watch);

#endif
