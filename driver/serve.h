/* renderchain serve: what the HTTP API answers. cmd_serve.c is the command, serve.c lets requests
 * in and finds who handles them, serve_api.c asks the database, serve_changes.c what
 * changes something, serve_submit.c takes renders with their images, serve_events.c streams what
 * happens to a render or a chain, serve_chains.c finds the renders of chains that are looked at,
 * serve_outputs.c gives out what is stored, serve_page.c the page for people, serve_openapi.c
 * describes all of this, serve_metrics.c has the figures. */
#ifndef RC_SERVE_H
#define RC_SERVE_H

#include "app.h"
#include "follow.h"
#include "web.h"

typedef enum ServeLevel { LEVEL_NONE, LEVEL_READ, LEVEL_WRITE, LEVEL_ADMIN } ServeLevel;

enum { TOKENS_KNOWN = 256, SERVE_PARAMETERS = 4 /* of a statement, at most */ };

/* A token that was looked up: nobody's where level is LEVEL_NONE. */
typedef struct ServeToken {
    char hash[65], user[37];
    ServeLevel level;
    double until;     /* by loop_now(); then it is looked up again */
    double allowance; /* requests that it may make now */
    double counted;   /* when that was worked out */
} ServeToken;

typedef struct ServeViewer ServeViewer;
typedef struct ServeFigures ServeFigures;
typedef struct ServeChanges ServeChanges;

typedef struct Serve {
    App *app;
    Web *web;
    ServeChanges *changes;
    Db *events; /* the connection that hears of what happens, for all viewers */
    Follow *follow;
    ServeViewer *viewers;
    LoopTimer *beat, *check, *look;
    unsigned looks; /* at chains, so far */
    bool looking;   /* the last of them is not answered */
    json_t *retold; /* ids of ended renders that were found, for those who did not know of them */
    double rate;    /* requests a second and token; 0: as many as they like */
    ServeToken tokens[TOKENS_KNOWN];
    size_t refused;        /* requests by tokens that are none, since the start */
    ServeFigures *figures; /* of the queue; made when they are first asked for */
} Serve;

/* A route: what is asked of whom. */
typedef struct ServeRoute {
    const char *method, *path; /* "{}" stands for an id, "..." for all that follows */
    ServeLevel level;
    void (*handle)(Serve *serve, WebRequest *request, const struct ServeRoute *route,
                   const char *part);
    const char *sql;        /* for serve_ask */
    const char *parameters; /* of it, see serve_ask */
    unsigned status;        /* where it went well */
} ServeRoute;

/* All routes, so that what describes them can be checked. */
const ServeRoute *serve_routes(size_t *count);

/* Let a request in, and handle it (for Web). */
void serve_admit(void *context, WebRequest *request);
void serve_handle(void *context, WebRequest *request);

/* Whom a request acts for: NULL for an admin, who may see everything. */
const char *serve_user(const WebRequest *request);

/* Ask the database what a route says, and answer with what it gives. Its parameters, in order:
 * u the user (none for an admin), U the user of the token, i the part, b the body, which is JSON.
 */
void serve_ask(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

/* The same with a body that was read, and k being those keys, as an array's text. */
void serve_ask_with(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part,
                    const char *body, const char *keys);

/* Answer with what the database said. */
void serve_answer(WebRequest *request, const ServeRoute *route, const DbReply *reply);

/* Have something changed, as serve_ask asks it: it waits for those of its user that came before,
 * and for locks, without anybody else waiting for it. */
void serve_change(Serve *serve, WebRequest *request, const ServeRoute *route, int count,
                  const char *const *parameters);
bool serve_changes_up(const Serve *serve);
bool serve_changes_open(Serve *serve, char **error);
void serve_changes_close(Serve *serve);

/* Read the body, which is to be a JSON object; NULL where it is none, which has been answered. */
json_t *serve_read_body(WebRequest *request);

/* Is JSON of a client nested too deep? */
bool serve_is_too_deep(const json_t *value);

/* Submit a render, in JSON or as a form with files. */
void serve_submit(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

/* The fields of such a form, one after the other; NULL after the last. */
const char *serve_form_field(size_t i);

/* Answer with what the database refused, or that it is not there. */
void serve_refuse(WebRequest *request, const DbReply *reply);
void serve_unavailable(WebRequest *request);

/* Stream what happens to a render or to all renders of a chain, from after Last-Event-ID. */
void serve_events(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);
void serve_chain_events(Serve *serve, WebRequest *request, const ServeRoute *route,
                        const char *part);
bool serve_events_open(Serve *serve, char **error);
void serve_events_close(Serve *serve);

/* Give out an object. */
void serve_output(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

/* Describe what there is (OpenAPI). */
void serve_openapi(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

/* Give figures about the server and the queue, as Prometheus reads them. */
void serve_metrics(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);
void serve_metrics_close(Serve *serve);

/* Is it a file of the page, which anybody may read? Give it out. */
bool serve_is_page(const char *path);
void serve_page(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

#endif
