/* Work that the kernel only does while somebody waits: syncing files. It is done by a few
 * helper threads, so that the loop goes on; everything else stays on its one thread. A piece
 * of work touches nothing but its own context while it runs. */
#ifndef RC_BACKGROUND_H
#define RC_BACKGROUND_H

#include "loop.h"

typedef struct Background Background;
typedef struct Work Work;

typedef void WorkRun(void *context);  /* in a helper thread */
typedef void WorkDone(void *context); /* on the loop, after it */

Background *background_new(Loop *loop);

/* Stop the threads; work that has not been done is forgotten. */
void background_free(Background *background);

/* Have work done; done is called exactly once, from the loop, unless the work is dropped before. */
Work *background_start(Background *background, WorkRun *run, WorkDone *done, void *context);

/* Forget work: it is not begun, or where it has begun waited for; done is not called. */
void background_drop(Work *work);

#endif
