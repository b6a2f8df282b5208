/* What a render needs before its stages start: the images that its request names, and the
 * output that an earlier attempt has stored. Everything is fetched at once. */
#ifndef RC_PREPARE_H
#define RC_PREPARE_H

#include "render.h"

/* Fetch what is missing, then start the render, or refuse it where something cannot be had. */
void prepare_start(Render *render);

/* Drop what is still being fetched. */
void prepare_drop(Render *render);

#endif
