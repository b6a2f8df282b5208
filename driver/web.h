/* The HTTP side of serve: libmicrohttpd on the loop, by its own epoll inside ours. A request
 * comes in whole (up to a limit), is handled once, and is answered once: at once or later, while
 * its connection sleeps. An answer may also be a stream of events. */
#ifndef RC_WEB_H
#define RC_WEB_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>

#include "buf.h"
#include "loop.h"

typedef struct Web Web;
typedef struct WebStream WebStream;

enum { WEB_HEADERS = 8 };

typedef struct WebRequest {
    Web *web;
    struct MHD_Connection *connection;
    char *method, *path; /* the path without its escapes */
    Buf body;
    size_t discarded; /* of its body, as nobody wants it */
    bool too_large, busy, admitted, whole, handled, asleep;
    bool doubtful;     /* where its body ends */
    bool early;        /* it was answered before its body was here */
    const void *route; /* the handler's own */
    char *part;        /* the same; freed with the request */
    char user[37];     /* whose token it came with; "" for none */
    char token[65];    /* its hash */
    int level;         /* of it, see web_api.h */
    struct {
        char *name, *value;
    } headers[WEB_HEADERS]; /* of the answer; owned */
    size_t header_count;
    struct MHD_Response *response; /* NULL until there is one */
    unsigned status;
    WebStream *stream; /* of an answer that is one */
    double began;
    struct WebRequest *next, *previous;
} WebRequest;

/* Handle a request: it is to be answered now or later, exactly once. One that is to be let in is
 * answered, or let in by web_admit, now or later; its body is read only then. */
typedef void WebHandle(void *context, WebRequest *request);

typedef struct WebOptions {
    const char *listen; /* ADDRESS:PORT, [ADDRESS]:PORT or PORT (of the loopback) */
    const char *cors;   /* the origin that pages may come from, or NULL */
    WebHandle *admit, *handle;
    void *context;
} WebOptions;

/* Counted since the start. */
typedef struct WebCounts {
    size_t requests, by_class[6], streams; /* by_class[4]: answered by 4xx; streams: open now */
} WebCounts;

/* Listen. NULL with *error set (caller frees). */
Web *web_start(Loop *loop, const WebOptions *options, char **error);

/* Answer what waits, and close. No callback for a request may come after. */
void web_stop(Web *web);

/* Where it listens, as a URL without a path. */
const char *web_url(const Web *web);
const WebCounts *web_counts(const Web *web);

/* Let a request in: its body, of at most so many bytes, is read, then it is handled. */
void web_admit(WebRequest *request, size_t body_maximum);

/* A header of the request, or a part of its query; NULL where it is not there. */
const char *web_header(const WebRequest *request, const char *name);
const char *web_query(const WebRequest *request, const char *name);

/* Add a header to the answer. What would break out of it is refused. */
void web_add_header(WebRequest *request, const char *name, const char *value);

/* Answer with bytes, which are taken. */
void web_answer(WebRequest *request, unsigned status, const char *type, char *bytes, size_t length);
void web_answer_file(WebRequest *request, unsigned status, const char *type, int file, size_t from,
                     size_t length); /* the file is closed when it is sent */

/* Answer with JSON, which is released. */
void web_answer_json(WebRequest *request, unsigned status, json_t *json);

/* Answer with a problem (RFC 9457); detail and hint may be NULL. */
void web_answer_problem(WebRequest *request, unsigned status, const char *title, const char *detail,
                        const char *hint);

/* Told when the stream is over, whoever ended it; the stream is gone then. */
typedef void WebGone(void *context);

/* Told when all that was sent was read by the client's side. It may send no more by itself. */
typedef void WebEmpty(void *context);

/* Answer with a stream of events (text/event-stream). */
WebStream *web_answer_stream(WebRequest *request, WebGone *gone, WebEmpty *empty, void *context);

/* Does so much wait to be read that more had better be sent when it is empty? */
bool web_stream_is_full(const WebStream *stream);

/* Send on it; where 1 MB waits it ends, and nothing comes behind what was lost. */
void web_stream_send(WebStream *stream, const char *text);

/* Send what is left and end it. */
void web_stream_end(WebStream *stream);

#endif
