/* What a person sees while a render runs: on a terminal a line for every stage that
 * updates in place; otherwise a JSON object a line. */
#ifndef RC_PROGRESS_H
#define RC_PROGRESS_H

#include "render.h"

typedef struct Progress Progress;

/* json: lines of JSON to standard output, else lines on the terminal. */
Progress *progress_new(Loop *loop, bool json);
void progress_free(Progress *progress);

/* Follow a render; say that it begins. */
void progress_begin(Progress *progress, Render *render);

/* Stop drawing and print the result line, which is the render's result. */
void progress_end(Progress *progress, const Render *render);

#endif
