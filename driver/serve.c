/* Letting requests in: by their token, which is looked up by its hash and remembered for a few
 * seconds, and by their route. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"
#include "request.h"

enum {
    TOKEN_MS = 5000, /* for so long a revoked token may still be good */
    TOKEN_LONGEST = 512,
    JSON_MAXIMUM = 1 << 20,
    FILES_MAXIMUM = 64 << 20,
    BURST_SECONDS = 5 /* who has not asked for a while may ask more at once */
};

static void health(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part);

/* More exact ones first. */
static const ServeRoute routes[] = {
    {"GET", "/healthz", LEVEL_NONE, health, NULL, NULL, 200},
    {"GET", "/openapi.json", LEVEL_NONE, serve_openapi, NULL, NULL, 200},
    {"GET", "/metrics", LEVEL_ADMIN, serve_metrics, NULL, NULL, 200},
    {"GET", "/", LEVEL_NONE, serve_page, NULL, NULL, 200},
    {"GET", "/renderchain.js", LEVEL_NONE, serve_page, NULL, NULL, 200},
    {"GET", "/page/...", LEVEL_NONE, serve_page, NULL, NULL, 200},
    {"POST", "/api/renders", LEVEL_WRITE, serve_submit,
     "select renderchain.submit_own($1::jsonb, $2::uuid, $3::text[])", "bUk", 202},
    {"POST", "/api/video", LEVEL_WRITE, serve_submit,
     "select renderchain.submit_own($1::jsonb, $2::uuid, $3::text[])", "bUk", 202},
    {"GET", "/api/renders/{}", LEVEL_READ, serve_ask,
     "select renderchain.get_render(renderchain.own_render($1::uuid, $2::uuid))", "iu", 200},
    {"GET", "/api/renders/{}/events", LEVEL_READ, serve_events,
     "select renderchain.own_render($1::uuid, $2::uuid)", "iu", 200},
    {"POST", "/api/renders/{}/cancel", LEVEL_WRITE, serve_ask,
     "select pg_catalog.jsonb_build_object('status', "
     "renderchain.cancel_render(renderchain.own_render($1::uuid, $2::uuid)))",
     "iu", 200},
    {"POST", "/api/renders/{}/retry", LEVEL_WRITE, serve_ask,
     "select pg_catalog.jsonb_build_object('status', "
     "renderchain.retry_render(renderchain.own_render($1::uuid, $2::uuid)))",
     "iu", 202},
    {"GET", "/api/renders/{}/memory", LEVEL_READ, serve_ask,
     "select renderchain.get_memory_from_render(renderchain.own_render($1::uuid, $2::uuid))", "iu",
     200},
    {"PATCH", "/api/renders/{}/memory", LEVEL_WRITE, serve_ask,
     "select renderchain.save_memory(renderchain.own_render($1::uuid, $2::uuid), $3::jsonb)", "iub",
     200},
    {"GET", "/api/chains", LEVEL_READ, serve_ask, "select renderchain.list_own_chains($1::uuid)",
     "u", 200},
    {"GET", "/api/chains/{}", LEVEL_READ, serve_ask,
     "select renderchain.get_chain(renderchain.own_chain($1::uuid, $2::uuid))", "iu", 200},
    {"GET", "/api/chains/{}/events", LEVEL_READ, serve_chain_events,
     "select renderchain.own_chain($1::uuid, $2::uuid)", "iu", 200},
    {"GET", "/api/chains/{}/memory", LEVEL_READ, serve_ask,
     "select renderchain.get_memory_from_chain(renderchain.own_chain($1::uuid, $2::uuid))", "iu",
     200},
    {"PATCH", "/api/chains/{}/pins", LEVEL_WRITE, serve_ask,
     "select renderchain.pin_memory(renderchain.own_chain($1::uuid, $2::uuid), $3::jsonb)", "iub",
     200},
    {"POST", "/api/chains/{}/unpin", LEVEL_WRITE, serve_ask,
     "select renderchain.unpin_memory(renderchain.own_chain($1::uuid, $2::uuid), "
     "case when pg_catalog.jsonb_typeof($3::jsonb -> 'keys') = 'array' then "
     "array(select pg_catalog.jsonb_array_elements_text($3::jsonb -> 'keys')) end)",
     "iub", 200},
    {"GET", "/api/credits", LEVEL_READ, serve_ask,
     "select (select pg_catalog.to_jsonb(b) from renderchain.credit_balance($1::uuid) b)", "U",
     200},
    {"GET", "/outputs/...", LEVEL_READ, serve_output,
     "select renderchain.own_object($1::text, $2::uuid)", "iu", 200},
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

/* ---- routes ---- */

/* All routes. */
const ServeRoute *serve_routes(size_t *count) {
    *count = ROUTES;
    return routes;
}

/* Does a path fit a route's? *part is what stands for "{}" or "..."; the caller's. */
static bool fits(const char *pattern, const char *path, char **part) {
    const char *id = strstr(pattern, "{}"), *hole = id ? id : strstr(pattern, "...");
    *part = NULL;
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    const char *from = path + before, *after = *hole == '{' ? hole + 2 : hole + 3;
    size_t length = *hole == '{' ? strcspn(from, "/") : strlen(from);
    if (length == 0 || strcmp(from + length, after) != 0)
        return false;
    *part = mem_strndup(from, length);
    return true;
}

/* Find the route of a request. Where there is none, *allowed says which methods there would be;
 * the caller's. A HEAD is a GET, of which the library leaves the body out. */
static const ServeRoute *find_route(const WebRequest *request, char **part, char **allowed) {
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    *allowed = mem_strdup("");
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(routes[i].path, request->path, part))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        free(*part);
        *part = NULL;
        mem_set(allowed, "%s%s%s", *allowed, **allowed ? ", " : "", routes[i].method);
    }
    return NULL;
}

/* Whom a request acts for. */
const char *serve_user(const WebRequest *request) {
    return request->level == LEVEL_ADMIN ? NULL : request->user;
}

/* How large the body of a request may be: files are larger than JSON. */
static size_t body_maximum(const WebRequest *request, const ServeRoute *route) {
    const char *type = web_header(request, "Content-Type");
    bool files = type && strncasecmp(type, "multipart/form-data", 19) == 0;
    return route->handle == serve_submit && files ? FILES_MAXIMUM : JSON_MAXIMUM;
}

/* Let a request of a known user in, where there is something at its path that he may ask. */
static void find_place(WebRequest *request) {
    char *part = NULL, *allowed = NULL;
    const ServeRoute *route = find_route(request, &part, &allowed);
    if (!route && *allowed) {
        web_add_header(request, "Allow", allowed);
        web_answer_problem(request, 405, "this method is not for this path", NULL, NULL);
    } else if (!route || (strstr(route->path, "{}") && !is_uuid(part))) {
        web_answer_problem(request, 404, "there is no such thing", NULL, NULL);
    } else if (request->level < (int)route->level) {
        web_answer_problem(request, 403, "the token is not good for this", NULL, NULL);
    } else {
        request->route = route;
        request->part = part;
        part = NULL;
        web_admit(request, body_maximum(request, route));
    }
    free(part);
    free(allowed);
}

/* Handle a request that was let in. */
void serve_handle(void *context, WebRequest *request) {
    const ServeRoute *route = request->route;
    route->handle(context, request, route, request->part);
}

/* ---- tokens ---- */

/* Ask for a token. */
static void demand_token(Serve *serve, WebRequest *request, const char *why) {
    serve->refused++;
    web_add_header(request, "WWW-Authenticate", "Bearer");
    web_answer_problem(request, 401, why, NULL, "Send the header Authorization: Bearer TOKEN.");
}

/* Find a token that is known; NULL where there is none. */
static ServeToken *find_token(Serve *serve, const char *hash) {
    for (size_t i = 0; i < TOKENS_KNOWN; i++)
        if (strcmp(serve->tokens[i].hash, hash) == 0)
            return &serve->tokens[i];
    return NULL;
}

/* Is a token to be forgotten before another? Those that are none are, so that nobody gets a new
 * allowance by asking with many of them. */
static bool goes_before(const ServeToken *token, const ServeToken *other) {
    bool none = token->level == LEVEL_NONE, other_none = other->level == LEVEL_NONE;
    return none != other_none ? none : token->until < other->until;
}

/* Make room for a token: that which is to be forgotten first. */
static ServeToken *make_token(Serve *serve, const char *hash) {
    ServeToken *oldest = serve->tokens;
    for (size_t i = 1; i < TOKENS_KNOWN; i++)
        if (goes_before(&serve->tokens[i], oldest))
            oldest = &serve->tokens[i];
    *oldest = (ServeToken){.allowance = serve->rate * BURST_SECONDS, .counted = loop_now()};
    snprintf(oldest->hash, sizeof oldest->hash, "%s", hash);
    return oldest;
}

/* May a token ask once more? */
static bool may_ask(const Serve *serve, ServeToken *token) {
    double now = loop_now(), most = serve->rate * BURST_SECONDS;
    if (serve->rate == 0)
        return true;
    token->allowance += (now - token->counted) / 1e3 * serve->rate;
    if (token->allowance > most)
        token->allowance = most;
    token->counted = now;
    if (token->allowance < 1)
        return false;
    token->allowance -= 1;
    return true;
}

/* Let a request in, whose token is known. */
static void let_in(Serve *serve, WebRequest *request, ServeToken *token) {
    if (token->level == LEVEL_NONE) {
        demand_token(serve, request, "the token is not valid");
    } else if (!may_ask(serve, token)) {
        web_add_header(request, "Retry-After", "1");
        web_answer_problem(request, 429, "too many requests", NULL, NULL);
    } else {
        snprintf(request->user, sizeof request->user, "%s", token->user);
        snprintf(request->token, sizeof request->token, "%s", token->hash);
        request->level = (int)token->level;
        find_place(request);
    }
}

/* What a looked up token is needed for. */
typedef struct Lookup {
    Serve *serve;
    WebRequest *request;
    char hash[65];
} Lookup;

/* A token was looked up. */
static void looked_up(void *context, const DbReply *reply) {
    static const char *const names[] = {"", "read", "write", "admin"};
    Lookup *lookup = context;
    if (!reply->ok) {
        serve_refuse(lookup->request, reply);
        free(lookup);
        return;
    }
    ServeToken *token = find_token(lookup->serve, lookup->hash);
    if (!token)
        token = make_token(lookup->serve, lookup->hash);
    const char *level = db_text(reply->result, 0, "level");
    const char *user = db_text(reply->result, 0, "user_id");
    token->level = LEVEL_NONE;
    for (size_t i = LEVEL_READ; level && i <= LEVEL_ADMIN; i++)
        if (strcmp(names[i], level) == 0)
            token->level = (ServeLevel)i;
    snprintf(token->user, sizeof token->user, "%s", user ? user : "");
    token->until = loop_now() + TOKEN_MS;
    let_in(lookup->serve, lookup->request, token);
    free(lookup);
}

/* Look a token up, unless it is known. */
static void check_token(Serve *serve, WebRequest *request, const char *text) {
    char hash[65];
    sha256_hex(text, strlen(text), hash);
    ServeToken *token = find_token(serve, hash);
    if (token && token->until > loop_now()) {
        let_in(serve, request, token);
        return;
    }
    if (!db_is_up(serve->app->db)) {
        serve_unavailable(request);
        return;
    }
    Lookup *lookup = mem_alloc(sizeof *lookup);
    *lookup = (Lookup){.serve = serve, .request = request};
    snprintf(lookup->hash, sizeof lookup->hash, "%s", hash);
    const char *parameters[] = {lookup->hash};
    db_call_once(serve->app->db, "select * from renderchain.check_token($1)", 1, parameters,
                 looked_up, lookup);
}

/* Is it one of the few things that anybody may ask? */
static bool is_open(const WebRequest *request) {
    for (size_t i = 0; i < ROUTES; i++)
        if (routes[i].level == LEVEL_NONE && strcmp(routes[i].path, request->path) == 0)
            return true;
    return serve_is_page(request->path);
}

/* A page of another origin asks what it may ask. */
static void answer_preflight(WebRequest *request) {
    web_add_header(request, "Access-Control-Allow-Methods", "GET, POST, PATCH");
    web_add_header(request, "Access-Control-Allow-Headers",
                   "Authorization, Content-Type, Last-Event-ID");
    web_add_header(request, "Access-Control-Max-Age", "600");
    web_answer(request, 204, NULL, NULL, 0);
}

/* Let a request in, or not. */
void serve_admit(void *context, WebRequest *request) {
    static const char bearer[] = "Bearer ";
    Serve *serve = context;
    const char *header = web_header(request, "Authorization");
    if (strcmp(request->method, "OPTIONS") == 0 && web_header(request, "Origin")) {
        answer_preflight(request);
    } else if (web_query(request, "token") || web_query(request, "access_token")) {
        web_answer_problem(request, 400, "a token does not belong in a URL", NULL,
                           "Send the header Authorization: Bearer TOKEN.");
    } else if (is_open(request)) {
        find_place(request);
    } else if (!header || strncasecmp(header, bearer, strlen(bearer)) != 0 ||
               strlen(header) > TOKEN_LONGEST) {
        demand_token(serve, request, "a token is needed");
    } else {
        check_token(serve, request, header + strlen(bearer));
    }
}

/* ---- health ---- */

/* Is the database there? */
static void health(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    bool up = db_is_up(serve->app->db) && serve_changes_up(serve);
    (void)route;
    (void)part;
    web_answer_json(request, up ? 200 : 503,
                    json_pack("{s:s, s:b}", "status", up ? "ok" : "no database", "database", up));
}
