/* Finding the renders of chains that are looked at. The follower knows renders only, by their ids.
 * It tells of each render once of which it hears, and so of those that are new in a chain. Here the
 * database is asked for the rest: what there is when a viewer comes, what ended while he was away,
 * and now and then for what nobody has heard of, which is all where there are no notifications. */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "serve_events.h"

enum { LOOK_HEARING_MS = 15000, LOOK_MS = 2000 };

/* Each chain with its renders that are unfinished or have ended since, or in the minute before,
 * since the end of one in a transaction that lasts is seen later than it was. */
static const char sql[] =
    "select c.key as chain, w.value ->> 'renderId' as render, w.value ->> 'version' as version, "
    "w.value #>> '{events,-1,seq}' as seq, "
    "w.value ->> 'status' not in ('pending', 'processing') as ended, "
    "(extract(epoch from renderchain.clock()) * 1000)::bigint as at "
    "from pg_catalog.jsonb_each_text($1::jsonb) c left join lateral "
    "pg_catalog.jsonb_array_elements(renderchain.watch_renders('{}', c.key::uuid, "
    "case c.value when '0' then renderchain.clock() "
    "else pg_catalog.to_timestamp(c.value::float8 / 1000) end - interval '1 minute') -> 'renders') "
    "w on true";

/* A look at chains. */
typedef struct Look {
    Serve *serve;
    unsigned number;
} Look;

/* Is a viewer one of a chain that he may look at? */
static bool looks_at(const ServeViewer *viewer, const char *chain) {
    return viewer->of_chain && viewer->stream && (!chain || strcmp(viewer->id, chain) == 0);
}

/* Does a viewer who has just come know that a render had ended before? He does from now on. */
static bool knows_end(ServeViewer *viewer, const char *render, const PGresult *rows, int i) {
    const char *seq = db_text(rows, i, "seq");
    if (viewer->since || *db_text(rows, i, "ended") == 'f' ||
        json_object_get(viewer->marks, render))
        return false;
    json_t *mark = serve_mark(viewer, render);
    json_object_set_new(mark, "version", json_string(db_text(rows, i, "version")));
    json_object_set_new(mark, "seq", json_integer(seq ? strtoll(seq, NULL, 10) : 0));
    json_object_set_new(mark, "ended", json_true());
    return true;
}

/* A render of a chain was found: it is told to those who do not know it as it is. */
static void found(const Look *look, const char *chain, const char *render, const PGresult *rows,
                  int i) {
    Serve *serve = look->serve;
    bool news = false;
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next) {
        if (!looks_at(viewer, chain) || viewer->first_look > look->number ||
            knows_end(viewer, render, rows, i))
            continue;
        const char *known =
            json_string_value(json_object_get(serve_mark(viewer, render), "version"));
        news = news || !known || strcmp(known, db_text(rows, i, "version")) != 0;
    }
    if (news && *db_text(rows, i, "ended") == 't')
        json_object_set_new(serve->retold, render, json_null());
    if (news)
        follow_render(serve->follow, render, 0);
}

/* All renders of a chain were found, up to a time. */
static void found_all(const Look *look, const char *chain, long long at) {
    for (ServeViewer *viewer = look->serve->viewers; viewer; viewer = viewer->next) {
        if (!looks_at(viewer, chain) || viewer->first_look > look->number)
            continue;
        viewer->since = viewer->caught_up = at;
        serve_chain_told(viewer);
    }
}

/* The database has answered. Where it was away or busy there will be another look. */
static void looked(void *context, const DbReply *reply) {
    Look *look = context;
    const PGresult *rows = reply->result;
    look->serve->looking = look->number != look->serve->looks && look->serve->looking;
    if (!reply->ok && !db_error_passes(reply->sqlstate))
        serve_events_refused(look->serve, reply);
    for (int i = 0; reply->ok && i < PQntuples(rows); i++) {
        const char *chain = db_text(rows, i, "chain"), *render = db_text(rows, i, "render");
        if (chain && render)
            found(look, chain, render, rows, i);
    }
    for (int i = 0; reply->ok && i < PQntuples(rows); i++) {
        const char *chain = db_text(rows, i, "chain"), *at = db_text(rows, i, "at");
        const char *next = db_text(rows, i + 1, "chain");
        if (chain && at && (!next || strcmp(chain, next) != 0))
            found_all(look, chain, strtoll(at, NULL, 10));
    }
    free(look);
}

/* Note from when on a viewer is to be told of a chain: of several, who has been away longest. */
static void add_since(json_t *chains, const ServeViewer *viewer) {
    const json_t *other = json_object_get(chains, viewer->id);
    long long since = json_integer_value(other);
    if (since == 0 || (viewer->since != 0 && viewer->since < since))
        json_object_set_new(chains, viewer->id, json_integer((json_int_t)viewer->since));
}

/* Look for renders. */
void serve_chains_look(Serve *serve, const char *chain) {
    json_t *chains = json_object();
    unsigned number = serve->looks + 1;
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next) {
        if (!looks_at(viewer, chain))
            continue;
        add_since(chains, viewer);
        if (!viewer->first_look)
            viewer->first_look = number;
    }
    if (json_object_size(chains)) {
        char *text = json_text(chains);
        const char *parameters[] = {text};
        Look *look = mem_alloc(sizeof *look);
        *look = (Look){serve, number};
        serve->looks = number;
        serve->looking = true;
        db_call_once(serve->events, sql, 1, parameters, looked, look);
        free(text);
    }
    json_decref(chains);
}

/* Look at all of them now and then. */
void serve_chains_timed(void *context) {
    Serve *serve = context;
    double wait = follow_hears(serve->follow) ? LOOK_HEARING_MS : LOOK_MS;
    serve->look = loop_after(http_loop(serve->app->http), wait, serve_chains_timed, serve);
    if (!serve->looking && db_is_up(serve->events))
        serve_chains_look(serve, NULL);
}
