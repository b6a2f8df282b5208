/* Figures for Prometheus (text format 0.0.4). Those of the queue are asked for at most every few
 * seconds, however many scrape: queue_status() costs what is unfinished. Without the database, or
 * where it does not tell, they are left out, and a gauge says so; they are never old. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

enum { FIGURES_MS = 5000 };

/* A scrape that waits for the figures of the queue. */
typedef struct Scrape {
    WebRequest *request;
    struct Scrape *next;
} Scrape;

struct ServeFigures {
    json_t *queue; /* what queue_status() said last; NULL where it did not */
    double until;  /* by loop_now(); then it is asked again */
    bool asked, refused;
    Scrape *waiting;
};

/* The figures of the queue: where they are in what queue_status() says. */
static const struct {
    const char *name, *state, *object, *member, *help;
} rows[] = {
    {"renderchain_queue_renders", "ready", NULL, "ready", "Renders that have not ended, by state."},
    {"renderchain_queue_renders", "later", NULL, "later", NULL},
    {"renderchain_queue_renders", "capped", NULL, "capped", NULL},
    {"renderchain_queue_renders", "chained", NULL, "chained", NULL},
    {"renderchain_queue_renders", "running", NULL, "running", NULL},
    {"renderchain_queue_oldest_waiting_seconds", NULL, "oldestWaiting", "ageSeconds",
     "For how long the render has waited that has waited longest; 0 where none waits."},
    {"renderchain_queue_expired_leases", NULL, NULL, "expiredLeases",
     "Renders whose worker has not been heard of for too long."},
    {"renderchain_queue_past_deadline", NULL, NULL, "pastDeadline",
     "Renders past their deadline that nobody has ended yet."},
    {"renderchain_credits_reserved", NULL, NULL, "creditsReserved",
     "Credits reserved for renders that have not ended."},
    {"renderchain_objects", "pending", "objects", "pending",
     "Stored objects that are not live, by state."},
    {"renderchain_objects", "doomed", "objects", "doomed", NULL},
};

/* Append what a metric is. */
static void add_head(char **text, const char *name, const char *type, const char *help) {
    mem_set(text, "%s# HELP %s %s\n# TYPE %s %s\n", *text, name, help, name, type);
}

/* Append a metric that is one number. */
static void add_one(char **text, const char *name, const char *type, const char *help,
                    double value) {
    add_head(text, name, type, help);
    mem_set(text, "%s%s %.15g\n", *text, name, value);
}

/* Append the figures of the queue. */
static void add_queue(char **text, const json_t *queue) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *from = rows[i].object ? json_object_get(queue, rows[i].object) : queue;
        double value = json_number_value(json_object_get(from, rows[i].member));
        if (rows[i].help)
            add_head(text, rows[i].name, "gauge", rows[i].help);
        if (rows[i].state)
            mem_set(text, "%s%s{state=\"%s\"} %.15g\n", *text, rows[i].name, rows[i].state, value);
        else
            mem_set(text, "%s%s %.15g\n", *text, rows[i].name, value);
    }
    add_one(text, "renderchain_workers_busy", "gauge", "Workers that run a render.",
            (double)json_array_size(json_object_get(queue, "workers")));
}

/* Answer a scrape with what is known now. */
static void answer(Serve *serve, WebRequest *request) {
    const WebCounts *counts = web_counts(serve->web);
    const json_t *queue = serve->figures->queue;
    char *text = mem_strdup("");
    add_head(&text, "renderchain_build_info", "gauge", "Which version this is.");
    mem_set(&text, "%srenderchain_build_info{version=\"%s\"} 1\n", text, RC_VERSION);
    add_one(&text, "renderchain_up", "gauge", "Is there a connection to the database?",
            db_is_up(serve->app->db));
    add_one(&text, "renderchain_queue_known", "gauge", "Does the database tell about the queue?",
            queue != NULL);
    if (queue)
        add_queue(&text, queue);
    add_one(&text, "renderchain_http_requests_total", "counter", "Requests that came.",
            (double)counts->requests);
    add_one(&text, "renderchain_http_refused_total", "counter", "Requests without a valid token.",
            (double)serve->refused);
    add_one(&text, "renderchain_http_streams", "gauge", "Event streams that are open.",
            (double)counts->streams);
    add_head(&text, "renderchain_http_answers_total", "counter",
             "Answers by the class of their status.");
    for (int i = 2; i <= 5; i++)
        mem_set(&text, "%srenderchain_http_answers_total{class=\"%dxx\"} %zu\n", text, i,
                counts->by_class[i]);
    web_answer(request, 200, "text/plain; version=0.0.4", text, strlen(text));
}

/* The database has told of the queue, or not. */
static void told(void *context, const DbReply *reply) {
    Serve *serve = context;
    ServeFigures *figures = serve->figures;
    if (!reply->ok && !figures->refused)
        fprintf(stderr, "renderchain: no figures of the queue: %s\n", reply->message);
    figures->refused = !reply->ok;
    json_decref(figures->queue);
    figures->queue = reply->ok ? json_loads(PQgetvalue(reply->result, 0, 0), 0, NULL) : NULL;
    figures->until = loop_now() + FIGURES_MS;
    figures->asked = false;
    while (figures->waiting) {
        Scrape *scrape = figures->waiting;
        figures->waiting = scrape->next;
        answer(serve, scrape->request);
        free(scrape);
    }
}

/* Give figures. */
void serve_metrics(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    (void)route;
    (void)part;
    if (!serve->figures)
        serve->figures = mem_alloc(sizeof *serve->figures);
    ServeFigures *figures = serve->figures;
    bool up = db_is_up(serve->app->db);
    if (!up && !figures->asked) {
        json_decref(figures->queue);
        figures->queue = NULL;
        figures->until = 0;
    }
    if (!figures->asked && (!up || loop_now() < figures->until)) {
        answer(serve, request);
        return;
    }
    Scrape *scrape = mem_alloc(sizeof *scrape);
    *scrape = (Scrape){request, figures->waiting};
    figures->waiting = scrape;
    if (!figures->asked) {
        figures->asked = true;
        db_call_once(serve->app->db, "select renderchain.queue_status(0)", 0, NULL, told, serve);
    }
}

/* Forget the figures; who waited for them has been answered. */
void serve_metrics_close(Serve *serve) {
    if (!serve->figures)
        return;
    while (serve->figures->waiting) {
        Scrape *scrape = serve->figures->waiting;
        serve->figures->waiting = scrape->next;
        free(scrape);
    }
    json_decref(serve->figures->queue);
    free(serve->figures);
    serve->figures = NULL;
}
