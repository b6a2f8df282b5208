/* Another run of this program beside this one, which ends with it. */
#ifndef RC_CHILD_H
#define RC_CHILD_H

#include <sys/types.h>

#include "loop.h"

/* Told when it has ended by itself, with its exit code (128 and the signal where one ended it). */
typedef void ChildEnded(void *context, int code);

typedef struct Child {
    Loop *loop;
    pid_t pid; /* 0 for none */
    int handle;
    LoopWatch *watch;
    ChildEnded *ended;
    void *context;
} Child;

/* The words for another command with the options of this one: own (NULL at the end) are options
 * with a value that are left out, flag one without. The caller frees the array, not the words. */
char **child_words(const char *command, int argc, char **argv, const char *const *own,
                   const char *flag);

/* Start it, before signals are blocked. False with *error set (caller frees). */
MUSTCHECK bool child_start(Child *child, Loop *loop, char *const *words, ChildEnded *ended,
                           void *context, char **error);

/* Ask it to end, and wait until it has. */
void child_stop(Child *child);

#endif
