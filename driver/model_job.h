/* One model call with its retries, by the rules of outcome.c. */
#ifndef RC_MODEL_JOB_H
#define RC_MODEL_JOB_H

#include "provider.h"

typedef struct ModelJob ModelJob;

/* The answer is the callee's, to be freed with answer_free; tries is how often it was sent. */
typedef void ModelDone(void *context, ModelAnswer *answer, int tries);

/* Send a call. The call is taken (its texts are freed; what it borrows is needed
 * only until this returns, but for the schema and the model). generation: it
 * costs real money, so that only what certainly was not done is sent again. */
ModelJob *model_send(Http *http, const Provider *provider, ModelCall call, bool generation,
                     ModelDone *done, void *context);

/* Give up; done is not called. */
void model_drop(ModelJob *job);

#endif
