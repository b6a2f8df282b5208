/* What complete_render is told of a render: its picture and what was found on the way. */
#ifndef RC_RESULT_H
#define RC_RESULT_H

#include <jansson.h>

#include "render.h"

/* The result, the caller's to free, without the events of stages. */
json_t *result_of(Render *render);

#endif
