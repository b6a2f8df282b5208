#include "follow.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"

enum {
    GATHER_MS = 20, /* what comes one by one is asked for together */
    POLL_LISTENING_MS = 2000,
    POLL_SHORTEST_MS = 200, /* without notifications: more and more seldom while nothing happens */
    POLL_LONGEST_MS = 1000,
    REMEMBER_MS = 300000, /* ended renders; longer than what is asked for again (see ask) */
    STRANGERS_MOST = 10000
};

struct Follow {
    Db *db;
    Loop *loop;
    FollowEars ears;
    char *chain_id;
    bool all;
    json_t *again_from; /* render id: seq from which it is told again at the next asking */
    json_t *seen;       /* as watch_renders() takes it */
    json_t
        *ended; /* render id: when it ended, by loop_now(); those of seen that may be forgotten */
    json_t *strangers; /* render ids that were told of once; NULL: none are */
    char *first_at;    /* the server's time when it was asked first; NULL before */
    char *at;          /* the server's time when it was asked last; NULL before */
    bool asking, again, listening, stopped;
    double poll_ms;
    LoopTimer *timer;
    double timer_at;
};

static void ask(void *context);

/* Ask after so many milliseconds, unless that is to happen sooner anyway. */
static void ask_after(Follow *follow, double milliseconds) {
    double at = loop_now() + milliseconds;
    if (follow->stopped || (follow->timer && follow->timer_at <= at))
        return;
    if (follow->timer)
        loop_cancel(follow->loop, follow->timer);
    follow->timer_at = at;
    follow->timer = loop_after(follow->loop, milliseconds, ask, follow);
}

/* Has a render ended? */
bool render_json_ended(const json_t *render) {
    const char *status = json_string_value(json_object_get(render, "status"));
    return status && strcmp(status, "pending") != 0 && strcmp(status, "processing") != 0;
}

/* Remember what is told of a render. */
static void remember(Follow *follow, const json_t *render) {
    const char *id = json_string_value(json_object_get(render, "renderId"));
    const json_t *events = json_object_get(render, "events");
    json_t *seq = json_object_get(json_array_get(events, json_array_size(events) - 1), "seq");
    json_t *mark = json_object_get(follow->seen, id);
    if (!mark && !follow->chain_id && !follow->all)
        return; /* forgotten while it was asked for */
    if (!mark) {
        mark = json_object();
        json_object_set_new(follow->seen, id, mark);
    }
    json_object_set(mark, "version", json_object_get(render, "version"));
    if (seq)
        json_object_set(mark, "seq", seq);
    if (render_json_ended(render))
        json_object_set_new(follow->ended, id, json_real(loop_now()));
    else
        json_object_del(follow->ended, id);
}

/* Forget renders that ended long ago: who finds renders by himself would remember all that
 * there ever were. */
static void forget_ended(Follow *follow) {
    const char *id;
    void *next;
    json_t *when;
    json_object_foreach_safe(follow->ended, next, id, when) {
        if (json_real_value(when) + REMEMBER_MS > loop_now())
            continue;
        json_object_del(follow->seen, id);
        json_object_del(follow->ended, id);
    }
}

/* Tell what is new. */
static bool tell(Follow *follow, const char *text) {
    json_t *answer = json_loads(text, JSON_ALLOW_NUL, NULL), *render;
    const json_t *renders = json_object_get(answer, "renders");
    const char *at = json_string_value(json_object_get(answer, "at"));
    size_t i;
    if (at)
        mem_set(&follow->at, "%s", at);
    if (at && !follow->first_at)
        follow->first_at = mem_strdup(at);
    json_array_foreach(renders, i, render) {
        remember(follow, render);
        follow->ears.news(follow->ears.context, render);
    }
    json_decref(answer);
    if (follow->chain_id || follow->all)
        forget_ended(follow);
    return i > 0;
}

/* What is new came, or the database refuses. */
static void came(void *context, const DbReply *reply) {
    Follow *follow = context;
    follow->asking = false;
    if (!reply->ok) {
        follow->stopped = true;
        follow->ears.refused(follow->ears.context, reply);
        return;
    }
    bool any = tell(follow, PQgetvalue(reply->result, 0, 0));
    follow->poll_ms = any ? POLL_SHORTEST_MS : follow->poll_ms * 2;
    if (follow->poll_ms > POLL_LONGEST_MS)
        follow->poll_ms = POLL_LONGEST_MS;
    ask_after(follow, follow->again       ? GATHER_MS
                      : follow->listening ? POLL_LISTENING_MS
                                          : follow->poll_ms);
    follow->again = false;
    /* The last, since it may stop us. */
    follow->ears.told(follow->ears.context);
}

/* Forget what was seen of renders that are to be told again. */
static void rewind_seen(Follow *follow) {
    const char *id;
    json_t *seq;
    json_object_foreach(follow->again_from, id, seq) {
        const json_t *mark = json_object_get(follow->seen, id);
        json_int_t had = json_integer_value(json_object_get(mark, "seq"));
        json_int_t from = json_integer_value(seq);
        json_object_set_new(follow->seen, id, json_pack("{s:I}", "seq", had < from ? had : from));
    }
    json_object_clear(follow->again_from);
}

/* Ask for what is new. Whoever finds renders by himself looks back a minute, since what ends in
 * a transaction that lasts is seen later than it ended; but not to before he began. */
static void ask(void *context) {
    Follow *follow = context;
    follow->timer = NULL;
    if (follow->asking) {
        follow->again = true;
        return;
    }
    rewind_seen(follow);
    char *seen = json_text(follow->seen);
    bool finds = follow->chain_id || follow->all;
    const char *since = !finds ? NULL : follow->at ? follow->at : "infinity";
    const char *parameters[] = {seen, follow->chain_id, since, finds ? follow->first_at : NULL};
    follow->asking = true;
    db_call(follow->db,
            "select renderchain.watch_renders($1::jsonb, $2::uuid, "
            "greatest($3::timestamptz - interval '1 minute', $4::timestamptz))",
            4, parameters, came, follow);
    free(seen);
}

/* Follow a render that is not followed, so that it is told of once; false where it was before. */
static bool meets(Follow *follow, const char *id, bool queued) {
    if (!follow->strangers || (!queued && json_object_get(follow->strangers, id)))
        return false;
    if (json_object_size(follow->strangers) >= STRANGERS_MOST)
        json_object_clear(follow->strangers);
    json_object_set_new(follow->strangers, id, json_null());
    json_object_set_new(follow->seen, id, json_object());
    return true;
}

/* Is a notification about something that we follow? */
static bool concerns(Follow *follow, const char *text) {
    json_t *payload = json_loads(text, 0, NULL);
    const char *id = json_string_value(json_object_get(payload, "render"));
    const char *event = json_string_value(json_object_get(payload, "event"));
    bool known = !id || json_object_get(follow->seen, id);
    bool queued = event && strcmp(event, "queued") == 0;
    bool met = !known && meets(follow, id, queued);
    json_decref(payload);
    return known || met || (queued && follow->chain_id) || follow->all;
}

/* Something has happened. */
static void woken(void *context, const char *text) {
    Follow *follow = context;
    if (concerns(follow, text))
        ask_after(follow, follow->asking ? 0 : GATHER_MS);
}

static void heard(void *context, const DbReply *reply) {
    Follow *follow = context;
    follow->listening = reply->ok;
    /* Once more, since what happened before has been notified to nobody. */
    ask_after(follow, 0);
}

/* Which server process runs our statements: another one than the connection says where a pooler
 * stands between, which would give the notifications to somebody else. */
static void pid_came(void *context, const DbReply *reply) {
    Follow *follow = context;
    if (reply->ok && atoi(PQgetvalue(reply->result, 0, 0)) == db_backend_pid(follow->db))
        db_call_once(follow->db, "listen renderchain", 0, NULL, heard, follow);
}

/* Listen, where that is of use. */
static void listen_if_useful(Follow *follow) {
    follow->listening = false;
    db_call_once(follow->db, "select pg_catalog.pg_backend_pid()", 0, NULL, pid_came, follow);
}

/* The connection was lost, or is there again. */
static void changed(void *context, bool up, const char *words) {
    Follow *follow = context;
    if (up) {
        listen_if_useful(follow);
        ask_after(follow, 0);
    }
    follow->ears.changed(follow->ears.context, up, words);
}

/* Begin. */
Follow *follow_start(Db *db, Loop *loop, const char *chain_id, bool all, const FollowEars *ears) {
    Follow *follow = mem_alloc(sizeof *follow);
    *follow = (Follow){.db = db,
                       .loop = loop,
                       .ears = *ears,
                       .chain_id = mem_strdup(chain_id),
                       .all = all,
                       .seen = json_object(),
                       .again_from = json_object(),
                       .ended = json_object(),
                       .poll_ms = POLL_SHORTEST_MS};
    db_stay(db, changed, follow);
    db_on_notify(db, woken, follow);
    listen_if_useful(follow);
    ask_after(follow, 0);
    return follow;
}

/* Stop; the connection is to be closed after, since answers may still be due. */
void follow_stop(Follow *follow) {
    if (!follow)
        return;
    if (follow->timer)
        loop_cancel(follow->loop, follow->timer);
    json_decref(follow->seen);
    json_decref(follow->ended);
    json_decref(follow->again_from);
    json_decref(follow->strangers);
    free(follow->chain_id);
    free(follow->first_at);
    free(follow->at);
    free(follow);
}

/* Go on after a refusal. */
void follow_again(Follow *follow) {
    follow->stopped = false;
    ask_after(follow, POLL_LISTENING_MS);
}

/* Follow a render; one that is followed already is told again, to all. What is being asked now
 * would be remembered over it, so it waits for the next asking. */
void follow_render(Follow *follow, const char *id, long long seq) {
    const json_t *other = json_object_get(follow->again_from, id);
    if (!other || json_integer_value(other) > seq)
        json_object_set_new(follow->again_from, id, json_integer((json_int_t)seq));
    if (!json_object_get(follow->seen, id))
        json_object_set_new(follow->seen, id, json_pack("{s:I}", "seq", (json_int_t)seq));
    if (follow->asking)
        follow->again = true;
    ask_after(follow, 0);
}

/* Do not follow it any more. */
void follow_forget(Follow *follow, const char *id) {
    json_object_del(follow->seen, id);
    json_object_del(follow->ended, id);
    json_object_del(follow->again_from, id);
}

/* Tell of strangers, from now on all of them once. */
void follow_strangers(Follow *follow, bool on) {
    json_decref(follow->strangers);
    follow->strangers = on ? json_object() : NULL;
}

/* Is there hearing? */
bool follow_hears(const Follow *follow) {
    return follow->listening;
}
