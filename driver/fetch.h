/* Fetching what a URL of a request names. Whoever wrote the request is not trusted: only http and
 * https, only addresses of the public internet unless that is allowed, no proxy, few redirects,
 * each judged like the first, and limits on size and time. */
#ifndef RC_FETCH_H
#define RC_FETCH_H

#include "http.h"

typedef struct Fetch Fetch;

/* error: NULL where the bytes are there; they are the callee's, and large ones not in memory where
 * there is a file for them. */
typedef void FetchDone(void *context, const char *error, Bytes *bytes);

/* Fetch; done is called exactly once, from the loop, unless the fetch is dropped before. */
Fetch *fetch_start(Http *http, const char *url, bool allow_private, size_t maximum, FetchDone *done,
                   void *context);
void fetch_drop(Fetch *fetch);

/* Why a URL cannot be fetched (static), NULL where it can be tried. */
const char *fetch_judge(const char *url);

/* A URL without what may be secret: user, password, query and fragment; the caller's. */
char *fetch_shown(const char *url);

#endif
