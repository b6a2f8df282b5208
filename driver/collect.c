#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Removals at once, so that a collector is no burden on storage. */
enum { REMOVALS_AT_ONCE = 8, ROOM_FOR_KEYS = 4 << 20 };

typedef struct Removal {
    Collect *collect;
    char *key; /* owned */
    StorageJob *job;
    bool removed;
} Removal;

struct Collect {
    App *app;
    Db *db;
    unsigned most;
    CollectDone *done;
    void *context;
    Removal *removals;
    unsigned count, begun, ended;
    CollectResult result;
    char *error;
    bool dropped; /* while the database is to answer: forget it then */
};

static void remove_next(Collect *collect);

/* Free a collection that is over. */
static void free_collect(Collect *collect) {
    for (unsigned i = 0; i < collect->count; i++)
        free(collect->removals[i].key);
    free(collect->removals);
    free(collect->error);
    free(collect);
}

/* Report. */
static void report(Collect *collect) {
    collect->result.error = collect->error;
    collect->done(collect->context, &collect->result);
    free_collect(collect);
}

/* The database refused. */
static void refused(Collect *collect, const DbReply *reply) {
    mem_set(&collect->error, "%s%s%s", reply->message, *reply->detail ? ": " : "", reply->detail);
    collect->result.sqlstate = reply->sqlstate;
    report(collect);
}

/* The rows of what was removed are gone. */
static void forgotten(void *context, const DbReply *reply) {
    Collect *collect = context;
    if (collect->dropped)
        free_collect(collect);
    else if (!reply->ok)
        refused(collect, reply);
    else
        report(collect);
}

/* Write the keys that were removed as an array of SQL; the caller frees. */
static char *removed_keys(const Collect *collect) {
    Buf buf;
    bool fits = true;
    buf_init(&buf, ROOM_FOR_KEYS);
    for (unsigned i = 0; i < collect->count; i++) {
        if (!collect->removals[i].removed)
            continue;
        fits = fits && buf_append(&buf, buf.length ? ",\"" : "{\"", 2);
        for (const char *at = collect->removals[i].key; *at; at++)
            fits = fits && (*at != '"' && *at != '\\' ? true : buf_append(&buf, "\\", 1)) &&
                   buf_append(&buf, at, 1);
        fits = fits && buf_append(&buf, "\"", 1);
    }
    if (!fits || !buf.length || !buf_append(&buf, "}", 1)) {
        buf_free(&buf);
        return mem_strdup("{}");
    }
    return buf_take(&buf, NULL);
}

/* All removals have ended: have the rows of those that went well forgotten. */
static void forget(Collect *collect) {
    if (collect->result.removed == 0) {
        report(collect);
        return;
    }
    char *keys = removed_keys(collect);
    const char *parameters[] = {keys};
    db_call(collect->db, "select renderchain.forget_objects($1::text[])", 1, parameters, forgotten,
            collect);
    free(keys);
}

/* One removal has ended. */
static void removal_ended(void *context, StorageReply *reply) {
    Removal *removal = context;
    Collect *collect = removal->collect;
    removal->job = NULL;
    removal->removed = reply->ok;
    collect->ended++;
    if (reply->ok) {
        collect->result.removed++;
        collect->result.absent += reply->absent;
    } else {
        collect->result.failed++;
        mem_set(&collect->error, "%s", reply->error);
    }
    if (collect->ended == collect->count)
        forget(collect);
    else
        remove_next(collect);
}

/* Begin as many removals as may be out. */
static void remove_next(Collect *collect) {
    while (collect->begun < collect->count && collect->begun - collect->ended < REMOVALS_AT_ONCE) {
        Removal *removal = &collect->removals[collect->begun++];
        removal->job = storage_remove(&collect->app->storage, removal->key, removal_ended, removal);
    }
}

/* The database has given out what is due. */
static void given_out(void *context, const DbReply *reply) {
    Collect *collect = context;
    if (collect->dropped) {
        free_collect(collect);
        return;
    }
    if (!reply->ok) {
        refused(collect, reply);
        return;
    }
    collect->count = (unsigned)PQntuples(reply->result);
    collect->result.taken = collect->count;
    collect->result.more = collect->count == collect->most;
    collect->removals = mem_alloc(collect->count * sizeof *collect->removals);
    for (unsigned i = 0; i < collect->count; i++)
        collect->removals[i] =
            (Removal){.collect = collect, .key = mem_strdup(db_text(reply->result, (int)i, "key"))};
    if (collect->count == 0)
        report(collect);
    else
        remove_next(collect);
}

/* Begin. */
Collect *collect_start(App *app, Db *db, unsigned most, CollectDone *done, void *context) {
    Collect *collect = mem_alloc(sizeof *collect);
    *collect = (Collect){.app = app, .db = db, .most = most, .done = done, .context = context};
    char limit[16];
    snprintf(limit, sizeof limit, "%u", most);
    const char *parameters[] = {app->storage.backend, limit};
    db_call(db, "select * from renderchain.doomed_objects($1, $2::integer)", 2, parameters,
            given_out, collect);
    return collect;
}

/* Give up. A statement that is out is answered to nobody; removals that are out are dropped. */
void collect_drop(Collect *collect) {
    if (!collect)
        return;
    bool removing = collect->count > 0 && collect->ended < collect->count;
    if (!removing) {
        collect->dropped = true;
        return;
    }
    for (unsigned i = 0; i < collect->begun; i++)
        storage_drop(collect->removals[i].job);
    free_collect(collect);
}
