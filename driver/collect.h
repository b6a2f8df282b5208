/* Removing from storage what the database has doomed. */
#ifndef RC_COLLECT_H
#define RC_COLLECT_H

#include "app.h"

typedef struct Collect Collect;

typedef struct CollectResult {
    const char *sqlstate; /* of the database's refusal; NULL where there was none */
    const char *error; /* the refusal, or why the last object that could not be removed could not */
    unsigned taken, removed, absent, failed; /* objects; absent: removed, but not there any more */
    bool more; /* as many as were asked for were due: there may be more */
} CollectResult;

typedef void CollectDone(void *context, const CollectResult *result);

/* Remove up to that many objects that are due; done is called from the loop exactly once, unless
 * the collection is dropped before. What could not be removed is due again later, for whoever asks
 * then. Any number of collectors can be at work, on one database or storage. */
Collect *collect_start(App *app, Db *db, unsigned most, CollectDone *done, void *context);
void collect_drop(Collect *collect);

#endif
