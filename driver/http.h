/* HTTP by libcurl on the loop: a request goes in, one reply comes back by
 * callback. What a reply means is the provider's business, not this file's. */
#ifndef RC_HTTP_H
#define RC_HTTP_H

#include "buf.h"
#include "loop.h"
#include "trace.h"

typedef struct Http Http;
typedef struct HttpCall HttpCall;

typedef struct HttpRequest {
    const char *method; /* "GET" or "POST" */
    char *url;          /* taken */
    const char *body;   /* borrowed until the call ends; NULL for none */
    size_t body_length;
    struct curl_slist *headers; /* taken */
    size_t reply_maximum;       /* bytes */
    long connect_timeout_ms;
    long idle_timeout_ms; /* no byte for that long once the answer has begun or is due */
    long total_timeout_ms;
    bool direct; /* by no proxy, whatever the environment says */
} HttpRequest;

typedef struct HttpReply {
    CURLcode code;         /* CURLE_OK where a whole answer came */
    long status;           /* 0 where none came */
    bool sent;             /* bytes of the request may have reached the other side */
    bool too_large;        /* the body passed reply_maximum */
    double retry_after_ms; /* from Retry-After (seconds or a date), -1 where there is none */
    const Buf *body;       /* valid during the callback */
    const char *error;     /* libcurl's words, with where the time went; "" where fine */
} HttpReply;

typedef void HttpDone(void *context, const HttpReply *reply);

Http *http_new(Trace *trace);
void http_free(Http *http);
Loop *http_loop(Http *http);

/* Send; done is called exactly once unless the call is dropped before. */
HttpCall *http_send(Http *http, HttpRequest request, HttpDone *done, void *context);

/* Give up on a call: the connection is closed and done is not called. */
void http_drop(HttpCall *call);

#endif
