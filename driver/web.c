#include "web_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "framing.h"
#include "json_text.h"
#include "listening.h"
#include "table.h"

enum {
    CONNECTIONS_MOST = 20000,
    CONNECTION_MEMORY = 16 << 10, /* headers of a request; streams cost little more than this */
    SILENCE_SECONDS = 60,         /* a client that sends or reads nothing for that long */
    HEAD_SECONDS = 10,            /* the same, in the middle of a head, or of what is refused */
    AWAITED_MOST = 64 << 10,      /* a body that is read before its request is refused */
    DISCARDED_MOST = 16 << 20,    /* of the body of a request that is refused in the middle of it */
    BODIES_MOST = 256 << 20,      /* of all bodies at once: handling them takes twice as much */
    BODY_SMALL = 1 << 20          /* one that is taken in any case */
};

static void run_after(Web *web, double milliseconds);

/* ---- libmicrohttpd on the loop ---- */

/* Let it do what there is to do, and find out when it wants to be called next. */
static void run(Web *web) {
    unsigned long long milliseconds;
    MHD_run(web->daemon);
    if (MHD_get_timeout(web->daemon, &milliseconds) == MHD_YES)
        run_after(web, (double)milliseconds);
}

static void ready(void *context, short happened) {
    (void)happened;
    run(context);
}

static void timed(void *context) {
    Web *web = context;
    web->timer = NULL;
    run(web);
}

/* Run it after so many milliseconds, unless that is to happen sooner anyway. Never from within
 * one of its callbacks. */
static void run_after(Web *web, double milliseconds) {
    double at = loop_now() + milliseconds;
    if (web->stopping || (web->timer && web->timer_at <= at))
        return;
    if (web->timer)
        loop_cancel(web->loop, web->timer);
    web->timer_at = at;
    web->timer = loop_after(web->loop, milliseconds, timed, web);
}

/* Wake a connection that sleeps. */
void web_wake(WebRequest *request) {
    MHD_resume_connection(request->connection);
    run_after(request->web, 0);
}

/* ---- answers ---- */

/* A header of the request. */
const char *web_header(const WebRequest *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* A part of its query. */
const char *web_query(const WebRequest *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Add a header. */
void web_add_header(WebRequest *request, const char *name, const char *value) {
    if (request->header_count == WEB_HEADERS || strpbrk(value, "\r\n"))
        return;
    request->headers[request->header_count].name = mem_strdup(name);
    request->headers[request->header_count++].value = mem_strdup(value);
}

/* Headers that every answer has, and its own. */
static void add_headers(WebRequest *request, const char *type) {
    struct MHD_Response *response = request->response;
    bool caches = false;
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (type)
        MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; i < request->header_count; i++) {
        caches = caches || strcmp(request->headers[i].name, "Cache-Control") == 0;
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    }
    if (!caches)
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (request->web->options.cors) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin",
                                request->web->options.cors);
        MHD_add_response_header(response, "Vary", "Origin");
        MHD_add_response_header(response, "Access-Control-Expose-Headers",
                                "Location, Retry-After, ETag, Content-Range");
    }
}

/* The answer is there: give it, or wake the connection that is to give it. */
void web_finish(WebRequest *request, unsigned status, const char *type) {
    request->status = status;
    add_headers(request, type);
    if (status / 100 < 6)
        request->web->counts.by_class[status / 100]++;
    if (request->asleep) {
        request->asleep = false;
        web_wake(request);
    }
}

/* Answer with bytes. */
void web_answer(WebRequest *request, unsigned status, const char *type, char *bytes,
                size_t length) {
    request->response = MHD_create_response_from_buffer(
        length, bytes, bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    web_finish(request, status, type);
}

/* Answer with a part of a file, which is read as it is sent. */
void web_answer_file(WebRequest *request, unsigned status, const char *type, int file, size_t from,
                     size_t length) {
    request->response = MHD_create_response_from_fd_at_offset64(length, file, from);
    web_finish(request, status, type);
}

/* Answer with JSON. */
void web_answer_json(WebRequest *request, unsigned status, json_t *json) {
    char *text = json_text(json);
    json_decref(json);
    web_answer(request, status, "application/json", text, strlen(text));
}

/* Set a text, which may hold what a client has sent: what is no UTF-8 in it is replaced, as JSON
 * has no word for it. */
static void set_words(json_t *problem, const char *name, const char *words) {
    if (!words || !*words || json_object_set_new(problem, name, json_string(words)) == 0)
        return;
    char *clean = text_clean(words);
    json_object_set_new(problem, name, json_string(clean));
    free(clean);
}

/* Say what a problem is. */
static char *problem_text(unsigned status, const char *title, const char *detail,
                          const char *hint) {
    json_t *problem = json_pack("{s:s}", "type", "about:blank");
    set_words(problem, "title", title);
    json_object_set_new(problem, "status", json_integer((json_int_t)status));
    set_words(problem, "detail", detail);
    set_words(problem, "hint", hint);
    char *text = json_text(problem);
    json_decref(problem);
    return text;
}

static const char problem_type[] = "application/problem+json";

/* Answer with a problem. */
void web_answer_problem(WebRequest *request, unsigned status, const char *title, const char *detail,
                        const char *hint) {
    char *text = problem_text(status, title, detail, hint);
    web_answer(request, status, problem_type, text, strlen(text));
}

/* ---- answers in the middle of a body ---- */

/* Write a header behind others. */
static enum MHD_Result write_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
    char **head = context;
    (void)kind;
    mem_set(head, "%s%s: %s\r\n", *head, name, value);
    return MHD_YES;
}

/* Answer with a problem before the body has ended, and have no more of it read: for libmicrohttpd
 * it is too late to answer and too early, so that the answer is written to its socket, where
 * nothing else waits to be sent. What the client still sends is read by others. */
static void answer_now(WebRequest *request, unsigned status, const char *title) {
    int fd =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    char date[64], *text = problem_text(status, title, NULL, NULL);
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    char *head = mem_printf("HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n"
                            "Content-Length: %zu\r\n",
                            status, MHD_get_reason_phrase_for(status), date, strlen(text));
    web_answer(request, status, problem_type, mem_strdup(text), strlen(text));
    MHD_get_response_headers(request->response, write_header, &head);
    mem_set(&head, "%s\r\n%s", head, text);
    if (send(fd, head, strlen(head), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)strlen(head))
        linger_on(request->web->lingers, fd);
    free(head);
    free(text);
}

/* ---- requests ---- */

static const char too_large[] = "the request is too large";

/* A request begins. */
static WebRequest *begin(Web *web, struct MHD_Connection *connection, const char *path,
                         const char *method) {
    WebRequest *request = mem_alloc(sizeof *request);
    *request = (WebRequest){.web = web,
                            .connection = connection,
                            .method = mem_strdup(method),
                            .path = mem_strdup(path),
                            .began = loop_now(),
                            .next = web->requests};
    buf_init(&request->body, 0);
    if (web->requests)
        web->requests->previous = request;
    web->requests = request;
    web->counts.requests++;
    return request;
}

/* Let a request in; what is too large already is refused before it is read. */
void web_admit(WebRequest *request, size_t body_maximum) {
    const char *length = web_header(request, "Content-Length");
    if (length && strtoull(length, NULL, 10) > body_maximum) {
        web_answer_problem(request, 413, too_large, NULL, NULL);
        return;
    }
    buf_init(&request->body, body_maximum);
    request->admitted = true;
    if (request->asleep) {
        request->asleep = false;
        web_wake(request);
    }
}

/* Let go of a body. */
static void forget_body(WebRequest *request) {
    request->web->bodies -= request->body.length;
    buf_free(&request->body);
}

/* A request is over. */
static void over(void *context, struct MHD_Connection *connection, void **own,
                 enum MHD_RequestTerminationCode how) {
    Web *web = context;
    WebRequest *request = *own;
    if (!request)
        return;
    if (request->early && how == MHD_REQUEST_TERMINATED_COMPLETED_OK && !web->stopping)
        linger_on(
            web->lingers,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    web_stream_over(request);
    *(request->previous ? &request->previous->next : &web->requests) = request->next;
    if (request->next)
        request->next->previous = request->previous;
    for (size_t i = 0; i < request->header_count; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
    if (request->response)
        MHD_destroy_response(request->response);
    forget_body(request);
    free(request->part);
    free(request->method);
    free(request->path);
    free(request);
    *own = NULL;
}

/* Why a body was not kept, and when to send it again where that is of use. */
static const char *say_why(WebRequest *request, unsigned *status) {
    *status = request->busy ? 503 : 413;
    if (!request->busy)
        return too_large;
    web_add_header(request, "Retry-After", "5");
    return "too much is being uploaded at once";
}

/* Handle a request that is here. */
static void handle(Web *web, WebRequest *request) {
    unsigned status;
    request->handled = true;
    if (request->busy || request->too_large) {
        const char *title = say_why(request, &status);
        web_answer_problem(request, status, title, NULL, NULL);
    } else if (web->stopping) {
        web_answer_problem(request, 503, "the server stops", NULL, NULL);
    } else {
        web->options.handle(web->options.context, request);
    }
}

/* Tell whether a refused request's body, which is small and may be here already, is to be read and
 * thrown away first, so that its connection can go on. Not where the client waits to be told to
 * send. */
static bool discards(const WebRequest *request) {
    const char *length = web_header(request, "Content-Length");
    return request->response && !request->doubtful && !web_header(request, "Expect") && length &&
           strtoull(length, NULL, 10) <= AWAITED_MOST;
}

/* Set how long a client may be silent. */
static void set_patience(struct MHD_Connection *connection, unsigned seconds) {
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

/* Keep a piece of a body, where there is room for it. */
static bool keep(WebRequest *request, const char *data, size_t size) {
    Web *web = request->web;
    bool small = request->body.length + size <= BODY_SMALL;
    if (request->response || request->too_large || request->busy)
        return false;
    if (!small && web->bodies + size > BODIES_MOST) {
        request->busy = true;
        forget_body(request);
        return false;
    }
    request->too_large = !buf_append(&request->body, data, size);
    if (!request->too_large)
        web->bodies += size;
    return !request->too_large;
}

/* Take a piece of a body: keep it where the request was let in, count it where it is thrown away.
 * Whoever sends without end is told so, and cut off. */
static enum MHD_Result take(WebRequest *request, const char *data, size_t size) {
    if (keep(request, data, size))
        return MHD_YES;
    set_patience(request->connection, HEAD_SECONDS);
    size_t most = request->busy ? request->body.maximum + DISCARDED_MOST : DISCARDED_MOST;
    unsigned status;
    request->discarded += size;
    if (request->discarded <= most)
        return MHD_YES;
    if (request->busy || request->too_large) {
        const char *title = say_why(request, &status);
        answer_now(request, status, title);
    }
    return MHD_NO;
}

/* Give the answer, or let the connection sleep until there is one, or until it is let in. Where its
 * body has not been read it is the connection's last one. */
static enum MHD_Result answer_or_sleep(WebRequest *request) {
    request->early =
        request->response && !request->whole &&
        (web_header(request, "Content-Length") || web_header(request, "Transfer-Encoding"));
    if (request->response && request->whole)
        set_patience(request->connection, SILENCE_SECONDS);
    if (request->response)
        return MHD_queue_response(request->connection, request->status, request->response);
    request->asleep = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* ---- heads ---- */

/* A client has connected. */
static void connected(void *context, struct MHD_Connection *connection, void **own,
                      enum MHD_ConnectionNotificationCode what) {
    (void)context;
    (void)own;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        set_patience(connection, HEAD_SECONDS);
}

/* The first line of a request is here, maybe after a long while without any. */
static void *first_line_came(void *context, const char *line, struct MHD_Connection *connection) {
    (void)context;
    (void)line;
    set_patience(connection, HEAD_SECONDS);
    return NULL;
}

/* Refuse a request whose end can be told in two ways, or in none; nothing more is read. */
static bool refuses_framing(WebRequest *request) {
    const char *why;
    unsigned status = framing_refusal(request->connection, &why);
    if (!status)
        return false;
    request->doubtful = true;
    web_add_header(request, "Connection", "close");
    web_answer_problem(request, status, why, NULL, NULL);
    return true;
}

/* libmicrohttpd has something of a request: its head, a piece of its body, or that it is whole.
 * After a sleep it says the same again. */
static enum MHD_Result access_came(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *data, size_t *size, void **own) {
    Web *web = context;
    WebRequest *request = *own;
    (void)version;
    if (!request) {
        *own = request = begin(web, connection, path, method);
        set_patience(connection, SILENCE_SECONDS);
        if (!refuses_framing(request))
            web->options.admit(web->options.context, request);
    } else if (*size) {
        size_t given = *size;
        *size = 0;
        return take(request, data, given);
    } else if (request->whole && !request->handled && !request->response) {
        handle(web, request);
    }
    if (!request->whole && (request->admitted || discards(request))) {
        /* The next time that there is nothing to read, all of it is here. */
        request->whole = true;
        if (request->response)
            set_patience(connection, HEAD_SECONDS);
        return MHD_YES;
    }
    return answer_or_sleep(request);
}

/* Take the escapes out of a path or a query. A NUL would end it for us, and what stands behind it
 * would have been said to nobody: it becomes another control character, which nothing has in its
 * name. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    for (char *at = text; (at = strstr(at, "%00")); at += 3)
        at[2] = '1';
    return MHD_http_unescape(text);
}

/* ---- listening ---- */

/* Listen. */
Web *web_start(Loop *loop, const WebOptions *options, char **error) {
    int fd = listening_open(options->listen, error);
    if (fd < 0)
        return NULL;
    Web *web = mem_alloc(sizeof *web);
    *web = (Web){
        .loop = loop, .options = *options, .url = listening_url(fd), .lingers = lingers_new(loop)};
    web->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, access_came, web,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, over, web,
        MHD_OPTION_NOTIFY_CONNECTION, connected, NULL, MHD_OPTION_URI_LOG_CALLBACK, first_line_came,
        NULL, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        web->daemon ? MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        *error = mem_strdup("the HTTP server could not be started");
        if (web->daemon)
            MHD_stop_daemon(web->daemon);
        else
            close(fd);
        lingers_free(web->lingers);
        free(web->url);
        free(web);
        return NULL;
    }
    web->watch = loop_watch(loop, info->epoll_fd, POLLIN, ready, web);
    run(web);
    return web;
}

/* Where it listens. */
const char *web_url(const Web *web) {
    return web->url;
}

const WebCounts *web_counts(const Web *web) {
    return &web->counts;
}

/* Answer what waits, and close. Streams end when they are woken. */
void web_stop(Web *web) {
    if (!web)
        return;
    if (web->timer)
        loop_cancel(web->loop, web->timer);
    web->timer = NULL;
    web->stopping = true;
    for (WebRequest *request = web->requests; request; request = request->next) {
        if (request->asleep)
            web_answer_problem(request, 503, "the server stops", NULL, NULL);
        else if (request->stream)
            web_stream_end(request->stream);
    }
    MHD_run(web->daemon);
    MHD_run(web->daemon);
    loop_unwatch(web->loop, web->watch);
    MHD_stop_daemon(web->daemon);
    lingers_free(web->lingers);
    free(web->url);
    free(web);
}
