/* Streams of what happens to a render, or to all renders of a chain (server-sent events). All
 * viewers share one follower and its one connection. Whoever comes later than another makes the
 * follower tell a render again, and each viewer is sent what is new to it.
 *
 * A viewer that comes back says what it has seen. Of a render the id of an event is the seq of the
 * stage that it is about. In a chain these say nothing, since what has a smaller one may be seen
 * later; there the id is the time up to which all was told, and around it some is told again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "serve_events.h"

enum { BEAT_MS = 15000, CHECK_MS = 5000 /* so long a stream may outlast its token */ };

static const long long SEQ_MOST = 999999999999999999; /* that watch_renders() takes */
static const long long TIME_MOST = 253402300799999;   /* the end of the year 9999 */

/* What a viewer knows of a render. */
json_t *serve_mark(ServeViewer *viewer, const char *render) {
    json_t *mark = json_object_get(viewer->marks, render);
    if (!mark) {
        mark = json_object();
        json_object_set_new(viewer->marks, render, mark);
    }
    return mark;
}

/* Does somebody wait for what happens to a render? In a chain nobody does after its end. */
static bool is_wanted(const Serve *serve, const char *render) {
    const ServeViewer *viewer = serve->viewers;
    for (; viewer; viewer = viewer->next) {
        const json_t *mark = json_object_get(viewer->marks, render);
        if (viewer->of_chain ? mark && !json_object_get(mark, "ended")
                             : strcmp(viewer->id, render) == 0)
            break;
    }
    return viewer;
}

/* Forget a viewer; nobody follows a render that nobody looks at. */
static void gone(void *context) {
    ServeViewer *viewer = context;
    Serve *serve = viewer->serve;
    const char *render;
    json_t *mark;
    bool chains = false;
    for (ServeViewer **slot = &serve->viewers; *slot;) {
        if (*slot == viewer) {
            *slot = viewer->next;
            continue;
        }
        chains = chains || (*slot)->of_chain;
        slot = &(*slot)->next;
    }
    json_object_foreach(viewer->marks, render, mark) {
        if (!is_wanted(serve, render) && serve->follow)
            follow_forget(serve->follow, render);
    }
    if (!chains && serve->follow)
        follow_strangers(serve->follow, false);
    json_decref(viewer->marks);
    free(viewer);
}

/* Send an event; id NULL for one that cannot be gone on from. */
static void send_event(ServeViewer *viewer, const char *event, const char *id, const json_t *data) {
    char *text = json_text(data);
    char *line = id ? mem_printf("id: %s\nevent: %s\ndata: %s\n\n", id, event, text)
                    : mem_printf("event: %s\ndata: %s\n\n", event, text);
    web_stream_send(viewer->stream, line);
    free(line);
    free(text);
}

/* Send what is new about the render itself; a stream of it ends with it. */
static void send_render(ServeViewer *viewer, json_t *mark, const json_t *news) {
    json_t *version = json_object_get(news, "version");
    if (json_equal(json_object_get(mark, "version"), version))
        return;
    json_object_set(mark, "version", version);
    json_object_del(mark, "ended");
    json_t *head = json_copy((json_t *)news);
    json_object_del(head, "events");
    json_object_del(head, "version");
    json_object_del(head, "worker");
    if (render_json_ended(news)) {
        char *id = viewer->of_chain
                       ? NULL
                       : mem_printf("%lld.end", json_integer_value(json_object_get(mark, "seq")));
        json_object_set_new(mark, "ended", json_true());
        send_event(viewer, "end", id, head);
        if (!viewer->of_chain)
            web_stream_end(viewer->stream);
        free(id);
    } else {
        send_event(viewer, "render", NULL, head);
    }
    json_decref(head);
}

/* Send the stages that are new to a viewer. In a chain they say of which render they are. */
static void send_stages(ServeViewer *viewer, json_t *mark, const json_t *news) {
    const json_t *events = json_object_get(news, "events");
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        long long seq = json_integer_value(json_object_get(event, "seq"));
        if (seq <= json_integer_value(json_object_get(mark, "seq")))
            continue;
        json_t *data = json_copy(event);
        char *id = viewer->of_chain ? NULL : mem_printf("%lld", seq);
        if (viewer->of_chain)
            json_object_set(data, "renderId", json_object_get(news, "renderId"));
        send_event(viewer, "stage", id, data);
        json_object_set(mark, "seq", json_object_get(event, "seq"));
        json_decref(data);
        free(id);
    }
}

/* Is a render one that a viewer looks at? One that was deleted is of no chain any more, and one
 * that is told again for somebody who was away is no news to others. */
static bool concerns(const ServeViewer *viewer, const char *id, const json_t *render) {
    const char *chain = json_string_value(json_object_get(render, "chainId"));
    if (!viewer->of_chain)
        return strcmp(viewer->id, id) == 0;
    return json_object_get(viewer->marks, id) ||
           (chain && strcmp(viewer->id, chain) == 0 && !json_object_get(viewer->serve->retold, id));
}

/* A render has changed: its viewers are told. One that is nobody's is forgotten. */
static void news(void *context, const json_t *render) {
    Serve *serve = context;
    const char *id = json_string_value(json_object_get(render, "renderId"));
    bool ended = render_json_ended(render);
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next) {
        if (!viewer->stream || !concerns(viewer, id, render))
            continue;
        json_t *mark = serve_mark(viewer, id);
        if (!ended)
            send_render(viewer, mark, render);
        send_stages(viewer, mark, render);
        if (ended)
            send_render(viewer, mark, render);
        viewer->told = true;
        if (viewer->of_chain)
            serve_chain_told(viewer);
    }
    json_object_del(serve->retold, id);
    if (!is_wanted(serve, id) && serve->follow)
        follow_forget(serve->follow, id);
}

/* Tell a viewer of a chain how far he is: where he would go on from. */
void serve_chain_told(ServeViewer *viewer) {
    const char *render;
    json_t *mark;
    if (!viewer->caught_up)
        return;
    json_object_foreach(viewer->marks, render, mark) {
        if (!json_object_get(mark, "version"))
            return;
    }
    if (viewer->told || !viewer->greeted) {
        char *id = mem_printf("%lld", viewer->caught_up);
        json_t *data = json_pack("{s:s}", "chainId", viewer->id);
        send_event(viewer, "chain", id, data);
        json_decref(data);
        free(id);
    }
    viewer->greeted = true;
    viewer->told = false;
    viewer->caught_up = 0;
}

static void told(void *context) {
    (void)context;
}

/* The connection was lost, or is there again: nobody has heard what happened meanwhile. */
static void changed(void *context, bool up, const char *words) {
    (void)words;
    if (up)
        serve_chains_look(context, NULL);
}

/* The database refuses to tell: viewers come back by themselves, and what was refused for one of
 * them, or for now, is not refused for good. */
void serve_events_refused(void *context, const DbReply *reply) {
    Serve *serve = context;
    app_database_error(&serve->app->settings, reply->sqlstate, reply->message, reply->detail,
                       reply->hint);
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next)
        if (viewer->stream)
            web_stream_end(viewer->stream);
    follow_again(serve->follow);
}

/* Say that we are still here, which also shows us who is not. */
static void beat(void *context) {
    Serve *serve = context;
    serve->beat = loop_after(http_loop(serve->app->http), BEAT_MS, beat, serve);
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next)
        if (viewer->stream)
            web_stream_send(viewer->stream, ": still here\n\n");
}

/* Some tokens are not good any more: their streams end. */
static void checked(void *context, const DbReply *reply) {
    Serve *serve = context;
    for (int i = 0; reply->ok && i < PQntuples(reply->result); i++)
        for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next)
            if (viewer->stream && strcmp(viewer->token, PQgetvalue(reply->result, i, 0)) == 0)
                web_stream_end(viewer->stream);
}

/* Ask which tokens of those who look on are not good any more. */
static void check_tokens(void *context) {
    Serve *serve = context;
    json_t *tokens = json_object();
    serve->check = loop_after(http_loop(serve->app->http), CHECK_MS, check_tokens, serve);
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next)
        if (viewer->stream)
            json_object_set_new(tokens, viewer->token, json_null());
    if (json_object_size(tokens) && db_is_up(serve->app->db)) {
        char *text = json_text(tokens);
        const char *parameters[] = {text};
        db_call_once(serve->app->db,
                     "select t from pg_catalog.jsonb_object_keys($1::jsonb) t "
                     "where not exists (select from renderchain.check_token(t))",
                     1, parameters, checked, serve);
        free(text);
    }
    json_decref(tokens);
}

/* The render or the chain is the viewer's, or it is not. */
static void allowed(void *context, const DbReply *reply) {
    ServeViewer *viewer = context;
    Serve *serve = viewer->serve;
    if (!reply->ok) {
        serve_refuse(viewer->request, reply);
        gone(viewer);
        return;
    }
    if (strcmp(viewer->request->method, "HEAD") == 0) {
        /* The library would end a stream that has no body by a last piece of it, which the client
         * takes for the beginning of the next answer. */
        web_answer(viewer->request, 200, "text/event-stream", NULL, 0);
        gone(viewer);
        return;
    }
    web_add_header(viewer->request, "X-Accel-Buffering", "no");
    viewer->stream = web_answer_stream(viewer->request, gone, viewer);
    web_stream_send(viewer->stream, "retry: 1000\n\n");
    if (viewer->of_chain) {
        follow_strangers(serve->follow, true);
        serve_chains_look(serve, viewer->id);
    } else {
        const json_t *seen = json_object_get(serve_mark(viewer, viewer->id), "seq");
        follow_render(serve->follow, viewer->id, json_integer_value(seen));
    }
}

/* Let a viewer look on, if the database says that he may. */
static ServeViewer *begin(Serve *serve, WebRequest *request, const ServeRoute *route,
                          const char *part) {
    if (!db_is_up(serve->app->db)) {
        serve_unavailable(request);
        return NULL;
    }
    ServeViewer *viewer = mem_alloc(sizeof *viewer);
    *viewer = (ServeViewer){
        .serve = serve, .request = request, .marks = json_object(), .next = serve->viewers};
    snprintf(viewer->token, sizeof viewer->token, "%s", request->token);
    for (size_t i = 0; part[i] && i < sizeof viewer->id - 1; i++)
        viewer->id[i] = part[i] >= 'A' && part[i] <= 'F' ? (char)(part[i] + 32) : part[i];
    serve->viewers = viewer;
    const char *parameters[] = {part, serve_user(request)};
    db_call_once(serve->app->db, route->sql, 2, parameters, allowed, viewer);
    return viewer;
}

/* The number that a client says that it has seen; 0 where it is none of ours. */
static long long last_seen(const char *last, long long most) {
    long long seen = last ? strtoll(last, NULL, 10) : 0;
    return seen < 0 || seen > most ? 0 : seen;
}

/* Stream what happens to a render. */
void serve_events(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    const char *last = web_header(request, "Last-Event-ID");
    if (last && strstr(last, ".end")) {
        /* Browsers come back to a stream that has ended, unless they are told not to. */
        web_answer(request, 204, NULL, NULL, 0);
        return;
    }
    ServeViewer *viewer = begin(serve, request, route, part);
    if (viewer)
        json_object_set_new(serve_mark(viewer, viewer->id), "seq",
                            json_integer((json_int_t)last_seen(last, SEQ_MOST)));
}

/* Stream what happens to the renders of a chain. */
void serve_chain_events(Serve *serve, WebRequest *request, const ServeRoute *route,
                        const char *part) {
    ServeViewer *viewer = begin(serve, request, route, part);
    if (viewer) {
        viewer->of_chain = true;
        viewer->since = last_seen(web_header(request, "Last-Event-ID"), TIME_MOST);
    }
}

/* Connect for the events of all viewers. */
bool serve_events_open(Serve *serve, char **error) {
    const Settings *settings = &serve->app->settings;
    const FollowEars ears = {news, told, changed, serve_events_refused, serve};
    Loop *loop = http_loop(serve->app->http);
    serve->retold = json_object();
    serve->events = db_start(settings->conninfo, settings->schema, serve->app->trace);
    if (!db_connect(serve->events, loop, error))
        return false;
    serve->follow = follow_start(serve->events, loop, NULL, false, &ears);
    serve->beat = loop_after(loop, BEAT_MS, beat, serve);
    serve->check = loop_after(loop, CHECK_MS, check_tokens, serve);
    serve_chains_timed(serve);
    return true;
}

/* Close; the streams have ended before. */
void serve_events_close(Serve *serve) {
    LoopTimer *const timers[] = {serve->beat, serve->check, serve->look};
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (timers[i])
            loop_cancel(http_loop(serve->app->http), timers[i]);
    follow_stop(serve->follow);
    db_close(serve->events);
    json_decref(serve->retold);
    while (serve->viewers) {
        ServeViewer *viewer = serve->viewers;
        serve->viewers = viewer->next;
        json_decref(viewer->marks);
        free(viewer);
    }
}
