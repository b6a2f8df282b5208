/* What a model can do of what a request asks: shape, length, how many references, how long a
 * prompt. The registry says it; a list or a number that is not there is no limit. */
#ifndef RC_MODEL_LIMITS_H
#define RC_MODEL_LIMITS_H

#include "render.h"

typedef enum Limit {
    LIMIT_NONE,
    LIMIT_SHAPE,
    LIMIT_DURATION,
    LIMIT_REFERENCES,
    LIMIT_PROMPT,
    LIMIT_PREVIOUS, /* the video to go on from is one of another protocol */
    LIMIT_COUNT
} Limit;

/* The first limit of a model that the request passes, LIMIT_NONE where it keeps all. */
Limit limit_passed(const Render *render, const Model *model);

/* Say which one, by how much and what to do; the caller's. */
char *limit_explain(const Render *render, const Model *model, Limit limit);

/* What the provider calls the video to go on from; NULL for none, or where it is not known yet. */
const char *limit_previous_video(const Render *render);

/* Is a prompt one that the model takes? */
bool limit_takes_prompt(const Model *model, const char *prompt);

#endif
