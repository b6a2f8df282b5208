/* What a worker records of its renders while they run, gathered by connection: with hundreds in
 * flight most of a small statement is the statement, its commit and its answer. There is at most
 * one out, and what comes meanwhile goes together in the next; nothing waits while there is none
 * out, but for telemetry. That lets pass what models and people wait for, for a while. */
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

/* The render has no events any more that could wait. */
void recorder_forget(Render *render);

#endif
