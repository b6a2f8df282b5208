/* Which runs of stages a render has, and which of them an earlier attempt has done. */
#ifndef RC_PLAN_H
#define RC_PLAN_H

#include "render.h"

/* Lay out the runs of a render by its request. */
void plan_runs(Render *render);

/* Take over what earlier attempts have recorded: answers, pictures that are paid for and stored,
 * a video that is being made. */
void plan_reuse(Render *render, const json_t *stages);

#endif
