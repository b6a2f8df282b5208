/* Streams of what happens to renders (server-sent events). All viewers share one follower and
 * its one connection. The id of an event is the seq of the stage that it is about, so that a
 * viewer that comes back says what it has seen; whoever comes later than another makes the
 * follower tell that render again, and each viewer is sent what is new to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "serve.h"

enum { BEAT_MS = 15000, CHECK_MS = 5000 /* so long a stream may outlast its token */ };

static const long long SEQ_MOST = 999999999999999999; /* that watch_renders() takes */

struct ServeViewer {
    Serve *serve;
    WebRequest *request;
    WebStream *stream; /* NULL until the render is known to be the viewer's */
    char render[37], token[65];
    long long seen;
    char *version; /* of the render, as it was sent last */
    ServeViewer *next;
};

/* Forget a viewer; nobody follows a render that nobody looks at. */
static void gone(void *context) {
    ServeViewer *viewer = context;
    Serve *serve = viewer->serve;
    bool others = false;
    for (ServeViewer **slot = &serve->viewers; *slot;) {
        if (*slot == viewer) {
            *slot = viewer->next;
            continue;
        }
        others = others || strcmp((*slot)->render, viewer->render) == 0;
        slot = &(*slot)->next;
    }
    if (!others && serve->follow)
        follow_forget(serve->follow, viewer->render);
    free(viewer->version);
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

/* Send what is new about the render itself; the stream ends with it. */
static void send_render(ServeViewer *viewer, const json_t *news) {
    const char *version = json_string_value(json_object_get(news, "version"));
    if (viewer->version && version && strcmp(viewer->version, version) == 0)
        return;
    mem_set(&viewer->version, "%s", version ? version : "");
    json_t *head = json_copy((json_t *)news);
    json_object_del(head, "events");
    json_object_del(head, "version");
    json_object_del(head, "worker");
    if (render_json_ended(news)) {
        char *id = mem_printf("%lld.end", viewer->seen);
        send_event(viewer, "end", id, head);
        web_stream_end(viewer->stream);
        free(id);
    } else {
        send_event(viewer, "render", NULL, head);
    }
    json_decref(head);
}

/* Send the stages that are new to a viewer. */
static void send_stages(ServeViewer *viewer, const json_t *news) {
    const json_t *events = json_object_get(news, "events");
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        long long seq = json_integer_value(json_object_get(event, "seq"));
        if (seq <= viewer->seen)
            continue;
        char *id = mem_printf("%lld", seq);
        send_event(viewer, "stage", id, event);
        free(id);
        viewer->seen = seq;
    }
}

/* A render has changed: its viewers are told. */
static void news(void *context, const json_t *render) {
    Serve *serve = context;
    const char *id = json_string_value(json_object_get(render, "renderId"));
    for (ServeViewer *viewer = serve->viewers; viewer; viewer = viewer->next) {
        if (!viewer->stream || strcmp(viewer->render, id) != 0)
            continue;
        bool ended = render_json_ended(render);
        if (!ended)
            send_render(viewer, render);
        send_stages(viewer, render);
        if (ended)
            send_render(viewer, render);
    }
}

static void told(void *context) {
    (void)context;
}

static void changed(void *context, bool up, const char *words) {
    (void)context;
    (void)up;
    (void)words;
}

/* The database refuses to tell: viewers come back by themselves, and what was refused for one of
 * them, or for now, is not refused for good. */
static void refused(void *context, const DbReply *reply) {
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

/* The render is the viewer's, or it is not. */
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
    follow_render(serve->follow, viewer->render, viewer->seen);
}

/* Stream what happens to a render. */
void serve_events(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    const char *last = web_header(request, "Last-Event-ID");
    if (last && strstr(last, ".end")) {
        /* Browsers come back to a stream that has ended, unless they are told not to. */
        web_answer(request, 204, NULL, NULL, 0);
        return;
    }
    if (!db_is_up(serve->app->db)) {
        serve_unavailable(request);
        return;
    }
    ServeViewer *viewer = mem_alloc(sizeof *viewer);
    *viewer = (ServeViewer){.serve = serve, .request = request, .next = serve->viewers};
    viewer->seen = last ? strtoll(last, NULL, 10) : 0;
    if (viewer->seen < 0 || viewer->seen > SEQ_MOST)
        viewer->seen = 0; /* no id of ours */
    snprintf(viewer->token, sizeof viewer->token, "%s", request->token);
    for (size_t i = 0; part[i] && i < sizeof viewer->render - 1; i++)
        viewer->render[i] = part[i] >= 'A' && part[i] <= 'F' ? (char)(part[i] + 32) : part[i];
    serve->viewers = viewer;
    const char *parameters[] = {part, serve_user(request)};
    db_call_once(serve->app->db, route->sql, 2, parameters, allowed, viewer);
}

/* Connect for the events of all viewers. */
bool serve_events_open(Serve *serve, char **error) {
    const Settings *settings = &serve->app->settings;
    const FollowEars ears = {news, told, changed, refused, serve};
    Loop *loop = http_loop(serve->app->http);
    serve->events = db_start(settings->conninfo, settings->schema, serve->app->trace);
    if (!db_connect(serve->events, loop, error))
        return false;
    serve->follow = follow_start(serve->events, loop, NULL, false, &ears);
    serve->beat = loop_after(loop, BEAT_MS, beat, serve);
    serve->check = loop_after(loop, CHECK_MS, check_tokens, serve);
    return true;
}

/* Close; the streams have ended before. */
void serve_events_close(Serve *serve) {
    if (serve->beat)
        loop_cancel(http_loop(serve->app->http), serve->beat);
    if (serve->check)
        loop_cancel(http_loop(serve->app->http), serve->check);
    follow_stop(serve->follow);
    db_close(serve->events);
    while (serve->viewers) {
        ServeViewer *viewer = serve->viewers;
        serve->viewers = viewer->next;
        free(viewer->version);
        free(viewer);
    }
}
