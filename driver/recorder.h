/* What a worker records of its renders, ends that went well included, gathered by connection: with
 * hundreds in flight most of a small statement is the statement, its commit and its answer. There
 * is at most one out, and what comes meanwhile goes together in the next; nothing waits while there
 * is none out, but for telemetry. That lets pass what models and people wait for, for a while.
 *
 * What is recorded of one render goes one after the other. Where another session has a render
 * locked, or errors pass and come again for one, it is held back and tried again, and the others
 * go on. */
#ifndef RC_RECORDER_H
#define RC_RECORDER_H

#include <jansson.h>

#include "db.h"

typedef struct Recorder Recorder;
typedef struct RecorderItem RecorderItem;
typedef struct Render Render;

Recorder *recorder_new(Db *db, Loop *loop);

/* Forget what waits; no render is told. */
void recorder_free(Recorder *recorder);

/* Record the events that a render has by then, with objects to register in the same transaction
 * (or NULL; taken), and call back when that is committed, or when the render is refused. A render
 * that has ended by then is not recorded, and nobody is called back. */
void recorder_add(Recorder *recorder, Render *render, bool urgent, json_t *objects, DbDone *done,
                  void *context);

/* The same with the result that completes it (taken), which nobody reads again. */
void recorder_complete(Recorder *recorder, Render *render, json_t *result, DbDone *done,
                       void *context);

/* The render has no events any more that could wait. */
void recorder_forget(Render *render);

/* Give the events that are held back to the render, which ends in another way. Gives what has been
 * sent and not been answered, to be said again, since the answer may be that it was not recorded
 * yet; NULL where nothing is out. The caller's. */
json_t *recorder_take_back(Render *render);

#endif
