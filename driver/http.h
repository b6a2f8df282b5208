/* HTTP by libcurl on the loop: a request goes in, one reply comes back by
 * callback. What a reply means is the provider's business, not this file's. */
#ifndef RC_HTTP_H
#define RC_HTTP_H

#include "body.h"
#include "loop.h"
#include "trace.h"

typedef struct Http Http;
typedef struct HttpCall HttpCall;

typedef struct HttpRequest {
    const char *method; /* "GET", "HEAD", "PUT", "POST" or "DELETE" */
    char *url;          /* taken */
    const char *shown;  /* the URL for traces, where the one above holds a secret; NULL: that one */
    const char *body;   /* borrowed until the call ends; NULL for none */
    size_t body_length;
    Body *pieces; /* the same in pieces, instead; borrowed as well, and held while it is sent */
    struct curl_slist *headers; /* taken */
    size_t reply_maximum;       /* bytes */
    long connect_timeout_ms;
    long idle_timeout_ms; /* no byte for that long once the answer has begun or is due */
    long total_timeout_ms;
    bool direct;       /* by no proxy, whatever the environment says */
    bool kept;         /* the body of an answer of status 200 may be large: it comes as bytes */
    bool hashed;       /* and its hash is wanted */
    bool repeatable;   /* libcurl may send it again where a kept connection dies */
    bool public_only;  /* connect to addresses of the public internet only, by no proxy */
    const char *sigv4; /* sign it: "aws:amz:REGION:s3"; borrowed until the call has been made */
    const char *user, *password; /* for that */
} HttpRequest;

typedef struct HttpReply {
    CURLcode code;         /* CURLE_OK where a whole answer came */
    long status;           /* 0 where none came */
    bool sent;             /* bytes of the request may have reached the other side */
    bool unreadable;       /* it was not sent whole: the rest of it cannot be had any more */
    bool too_large;        /* the body passed reply_maximum */
    bool not_public;       /* the address is none that public_only allows */
    double retry_after_ms; /* from Retry-After (seconds or a date), -1 where there is none */
    Buf *body;             /* valid during the callback, which may take what is in it */
    Bytes **kept;         /* the same as bytes, where it was asked for as those: who takes them sets
                           * NULL; NULL where there are none */
    const char *error;    /* libcurl's words, with where the time went; "" where fine */
    const HttpCall *call; /* for http_header and http_redirect */
} HttpReply;

typedef void HttpDone(void *context, const HttpReply *reply);

Http *http_new(Trace *trace);
void http_free(Http *http);
Loop *http_loop(Http *http);

/* Send; done is called exactly once unless the call is dropped before. */
HttpCall *http_send(Http *http, HttpRequest request, HttpDone *done, void *context);

/* A header of a reply by its name, NULL where it is not there; valid during the callback. */
const char *http_header(const HttpReply *reply, const char *name);

/* The whole URL that a reply's Location leads to, which may be a path only; NULL where there is
 * none of http or https. Valid during the callback. */
const char *http_redirect(const HttpReply *reply);

/* Give up on a call: the connection is closed and done is not called. */
void http_drop(HttpCall *call);

#endif
