/* Following renders as they change: one connection asks watch_renders() for what is new, at
 * once when a notification says that there is something, and now and then in any case.
 * Notifications are never needed. What was seen is remembered here, so that nothing is missed
 * while the connection was away, and nothing told twice. */
#ifndef RC_FOLLOW_H
#define RC_FOLLOW_H

#include <jansson.h>

#include "db.h"

typedef struct Follow Follow;

/* Whom a follower tells. */
typedef struct FollowEars {
    /* A render has changed: an entry of what watch_renders() gives, with its new events. */
    void (*news)(void *context, const json_t *render);
    /* Everything that had changed when it was asked has been told. */
    void (*told)(void *context);
    /* The connection was lost (up false, with words why), or is there again. */
    void (*changed)(void *context, bool up, const char *words);
    /* The database refuses to tell; nothing more will come, unless by follow_again. */
    void (*refused)(void *context, const DbReply *reply);
    void *context;
} FollowEars;

/* Begin to follow, on a connection that is used for nothing else that waits; it stays from now
 * on. chain_id: all unfinished renders of that chain; all: those of every chain; neither: only
 * what follow_render names. */
Follow *follow_start(Db *db, Loop *loop, const char *chain_id, bool all, const FollowEars *ears);
void follow_stop(Follow *follow);

/* After a refusal: ask again in a while, or when a render is to be followed. */
void follow_again(Follow *follow);

/* Follow a render, whatever its state, from after that seq (0: from its start). One that is
 * followed already is told again from there. */
void follow_render(Follow *follow, const char *id, long long seq);
void follow_forget(Follow *follow, const char *id);

/* Whether renders that are not followed are told of, too, when something is heard of them: once
 * each, and again when they are queued. Whoever does not want one forgets it. */
void follow_strangers(Follow *follow, bool on);

/* Is there hearing? Where there is none renders are only known by their names. */
bool follow_hears(const Follow *follow);

/* Has a render that is reported like this ended? */
bool render_json_ended(const json_t *render);

#endif
