/* The last turn of a chain: what was said, and the picture that came. Generation is told it as
 * conversation history, so that the model goes on with its own picture. It is fetched beside the
 * stages before generation and holds up none of them. */
#ifndef RC_HISTORY_H
#define RC_HISTORY_H

#include "render.h"

enum {
    HISTORY_TURNS = 1,         /* the claim brings the last output */
    HISTORY_MAXIMUM = 8 << 20, /* bytes of its picture */
    /* Bytes of what was said and of what the model wrote around its picture, with its signatures,
     * that are stored and sent back; answers may have ten times as much. */
    HISTORY_TURN_MAXIMUM = 4 << 20,
};

/* Begin to fetch the last output, if the chain has one. */
void history_start(Render *render);

/* Is it still on its way? Then ready is called, once, when that has changed. */
bool history_awaited(Render *render, LoopFire *ready, void *context);

/* Tell a call the last turn, if it is there and fits into what the model takes. */
void history_tell(Render *render, ModelCall *call);

/* Was the call refused because of it? Then it is forgotten, and the call is to be made again. */
bool history_refused(Render *render, const ModelAnswer *answer);

/* What is recorded about it, the caller's; NULL where the chain has no earlier output. */
json_t *history_record(const Render *render);

/* What a recipe says about it, the caller's; NULL where it was not told. */
json_t *history_recipe(const Render *render);

/* Hold a turn that has come against what is kept of one. Of a larger one only its size is, which
 * the run's output says then: the picture goes on without it. */
void history_bound(StageRun *run, ModelAnswer *answer);

/* What the next render needs of this one; the caller's. */
json_t *history_keep(const Render *render, const Picture *picture, const char *prompt);

void history_drop(Render *render);

#endif
