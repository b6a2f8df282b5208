/* Asking the database: one statement a request, whose answer is the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

enum { LEVELS_MOST = 1000 };

/* What a refusal is in HTTP, by SQLSTATE or its class. words: what to say instead of what the
 * database says, where that is nobody's business. */
static const struct {
    const char *sqlstate;
    unsigned status;
    const char *words;
} refusals[] = {
    {"RC001", 409, NULL},
    {"RC002", 409, NULL},
    {"RC003", 402, NULL},
    {"RC004", 422, NULL},
    {"RC005", 400, NULL},
    {"RC006", 404, "there is no such thing"},
    {"RC007", 402, NULL},
    {"RC009", 409, NULL},
    {"RC010", 409, NULL},
    {"22", 400, NULL},
    {"08", 503, "the database is away"},
    {"53", 503, "the database is busy"},
    {"57", 503, "the database is away"},
    {"40", 503, "the database is busy"},
    {"55P", 503, "the database is busy"},
    {"25006", 503, "the database takes no changes"},
};

/* The database is not there. */
void serve_unavailable(WebRequest *request) {
    web_add_header(request, "Retry-After", "5");
    web_answer_problem(request, 503, "the database is away", NULL, NULL);
}

/* Answer with what the database refused. What nobody expects is said to the operator only. */
void serve_refuse(WebRequest *request, const DbReply *reply) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strncmp(reply->sqlstate, refusals[i].sqlstate, strlen(refusals[i].sqlstate)) != 0)
            continue;
        if (refusals[i].status == 503)
            web_add_header(request, "Retry-After", "5");
        bool plain = refusals[i].words;
        web_answer_problem(request, refusals[i].status, plain ? refusals[i].words : reply->message,
                           plain ? NULL : reply->detail, plain ? NULL : reply->hint);
        return;
    }
    fprintf(stderr, "renderchain: %s %s: %s (SQLSTATE %s)\n", request->method, request->path,
            reply->message, reply->sqlstate);
    web_answer_problem(request, 500, "something went wrong", NULL, NULL);
}

/* Pictures are found here, wherever the driver has put them. */
static void point_here(json_t *value) {
    static const char *const urls[] = {"imageUrl", "videoUrl", "outputUrl"};
    const char *member, *key = json_string_value(json_object_get(value, "outputKey"));
    json_t *inner;
    size_t i;
    for (i = 0; i < sizeof urls / sizeof urls[0]; i++)
        if (json_object_get(value, urls[i]))
            json_object_set_new(value, urls[i],
                                key ? json_sprintf("/outputs/%s", key) : json_null());
    json_object_foreach(value, member, inner) point_here(inner);
    json_array_foreach(value, i, inner) point_here(inner);
}

/* Answer with what the database said. */
void serve_answer(WebRequest *request, const ServeRoute *route, const DbReply *reply) {
    if (!reply->ok) {
        serve_refuse(request, reply);
        return;
    }
    const char *text = PQntuples(reply->result) ? PQgetvalue(reply->result, 0, 0) : "";
    json_t *value = json_loads(*text ? text : "null", JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!value) /* numbers that only the database can hold */
        value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    if (!value) {
        fprintf(stderr, "renderchain: %s %s: the database's answer cannot be read\n",
                request->method, request->path);
        web_answer_problem(request, 500, "something went wrong", NULL, NULL);
        return;
    }
    const char *id = json_string_value(json_object_get(value, "renderId"));
    if (route->status == 202 && id) {
        char *place = mem_printf("/api/renders/%s", id);
        web_add_header(request, "Location", place);
        free(place);
    }
    point_here(value);
    web_answer_json(request, route->status, value);
}

/* What an answer is waited for. */
typedef struct Asked {
    WebRequest *request;
    const ServeRoute *route;
} Asked;

/* The database has answered. */
static void answered(void *context, const DbReply *reply) {
    Asked *asked = context;
    serve_answer(asked->request, asked->route, reply);
    free(asked);
}

/* Ask, with a body that was read. */
void serve_ask_with(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part,
                    const char *body, const char *keys) {
    const char *parameters[SERVE_PARAMETERS];
    int count = 0;
    for (const char *at = route->parameters; *at; at++)
        parameters[count++] = *at == 'u'   ? serve_user(request)
                              : *at == 'U' ? request->user
                              : *at == 'i' ? part
                              : *at == 'k' ? keys
                                           : body;
    if (route->level == LEVEL_WRITE) {
        serve_change(serve, request, route, count, parameters);
        return;
    }
    if (!db_is_up(serve->app->db)) {
        serve_unavailable(request);
        return;
    }
    Asked *asked = mem_alloc(sizeof *asked);
    *asked = (Asked){request, route};
    db_call_once(serve->app->db, route->sql, count, parameters, answered, asked);
}

/* Is a value nested deeper than so many levels? */
static bool is_deeper(const json_t *value, int levels) {
    const char *member;
    json_t *inner;
    size_t i;
    if (levels < 0)
        return true;
    json_object_foreach((json_t *)value, member,
                        inner) if (is_deeper(inner, levels - 1)) return true;
    json_array_foreach(value, i, inner) if (is_deeper(inner, levels - 1)) return true;
    return false;
}

/* Is it too deep for us? What comes out of the database is wrapped in more, and still has to be
 * read, by us and by workers. */
bool serve_is_too_deep(const json_t *value) {
    return is_deeper(value, LEVELS_MOST);
}

/* Read the body, which is to be a JSON object; NULL where it is none, which has been answered. */
json_t *serve_read_body(WebRequest *request) {
    const char *type = web_header(request, "Content-Type");
    if (!type || strncasecmp(type, "application/json", 16) != 0) {
        web_answer_problem(request, 415, "the body has to be application/json", NULL, NULL);
        return NULL;
    }
    json_error_t where = {.text = "it is empty"};
    json_t *body =
        json_loadb(request->body.data ? request->body.data : "", request->body.length, 0, &where);
    bool deep = serve_is_too_deep(body);
    if (json_is_object(body) && !deep)
        return body;
    char *detail =
        deep   ? mem_printf("It is nested deeper than %d levels.", LEVELS_MOST)
        : body ? mem_strdup("It is JSON of another kind.")
               : mem_printf("Line %d, column %d: %s.", where.line, where.column, where.text);
    web_answer_problem(request, 400, "the body is not a JSON object", detail, NULL);
    free(detail);
    json_decref(body);
    return NULL;
}

/* Ask what a route says. */
void serve_ask(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    char *text = NULL;
    if (strchr(route->parameters, 'b')) {
        json_t *body = serve_read_body(request);
        if (!body)
            return;
        /* As it came: no number is rounded on its way. */
        text = mem_strndup(request->body.data, request->body.length);
        json_decref(body);
    }
    serve_ask_with(serve, request, route, part, text, "{}");
    free(text);
}
