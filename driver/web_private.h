/* What the two halves of the HTTP server share: web.c takes requests and answers them at once,
 * web_stream.c with what goes on. */
#ifndef RC_WEB_PRIVATE_H
#define RC_WEB_PRIVATE_H

#include "linger.h"
#include "web.h"

struct Web {
    Loop *loop;
    WebOptions options;
    struct MHD_Daemon *daemon;
    LoopWatch *watch;
    LoopTimer *timer;
    double timer_at;
    char *url;
    bool stopping;
    size_t bodies; /* bytes of the bodies that are kept */
    WebCounts counts;
    WebRequest *requests;
    Lingers *lingers;
};

/* Let a connection that was put to sleep go on. */
void web_wake(WebRequest *request);

/* The response of a request is there: answer, or wake the connection that is to answer. */
void web_finish(WebRequest *request, unsigned status, const char *type);

/* The client of a request is gone, or its stream has ended. */
void web_stream_over(WebRequest *request);

#endif
