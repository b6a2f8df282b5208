#include "fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "outcome.h"

enum {
    MOST_REDIRECTS = 3,
    MOST_TRIES = 3,
    CONNECT_TIMEOUT_MS = 10000,
    IDLE_TIMEOUT_MS = 15000,
    TOTAL_TIMEOUT_MS = 60000
};

struct Fetch {
    Http *http;
    char *origin, *url; /* what the request names, and where redirects have led */
    bool allow_private;
    size_t maximum;
    int redirects; /* of this try */
    int tries;
    HttpCall *call;
    LoopTimer *timer; /* until the next try, or to report what was refused at once */
    char *error;
    FetchDone *done;
    void *context;
};

static void reply_came(void *context, const HttpReply *reply);

/* A part of a URL; NULL where it is not there. To be freed with curl_free. */
static char *part_of(CURLU *url, CURLUPart part) {
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* Why a URL cannot be fetched. */
const char *fetch_judge(const char *text) {
    CURLU *url = curl_url();
    bool parsed = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    char *scheme = parsed ? part_of(url, CURLUPART_SCHEME) : NULL;
    char *host = parsed ? part_of(url, CURLUPART_HOST) : NULL;
    char *user = parsed ? part_of(url, CURLUPART_USER) : NULL;
    char *password = parsed ? part_of(url, CURLUPART_PASSWORD) : NULL;
    const char *why = NULL;
    if (!scheme || !host || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
        why = "it is no URL that begins with http:// or https:// and names a host";
    else if (user || password)
        why = "it has a user or password in it";
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(url);
    return why;
}

/* A URL without what may be secret. */
char *fetch_shown(const char *text) {
    const char *host = strstr(text, "://");
    size_t start = host ? (size_t)(host - text) + 3 : 0;
    size_t end = start + strcspn(text + start, "?#");
    size_t authority = strcspn(text + start, "/?#");
    for (size_t i = 0; i < authority; i++)
        if (text[start + i] == '@')
            return mem_printf("%.*s...%.*s", (int)start, text, (int)(end - start - i),
                              text + start + i);
    return mem_strndup(text, end);
}

/* Free a fetch that is over. */
static void free_fetch(Fetch *fetch) {
    free(fetch->origin);
    free(fetch->url);
    free(fetch->error);
    free(fetch);
}

/* Report a failure. */
static void fail(Fetch *fetch, const char *words) {
    char *shown = fetch_shown(fetch->url);
    char *error = mem_printf("%s cannot be fetched: %s", shown, words);
    fetch->done(fetch->context, error, NULL);
    free(error);
    free(shown);
    free_fetch(fetch);
}

/* Report what was refused at once. */
static void report_refusal(void *context) {
    Fetch *fetch = context;
    fetch->timer = NULL;
    fail(fetch, fetch->error);
}

/* Send it once, unless the URL is none. */
static void send_once(Fetch *fetch) {
    const char *why = fetch_judge(fetch->url);
    if (why) {
        mem_set(&fetch->error, "%s", why);
        fetch->timer = loop_after(http_loop(fetch->http), 0, report_refusal, fetch);
        return;
    }
    char *shown = fetch_shown(fetch->url);
    HttpRequest request = {.method = "GET",
                           .url = mem_strdup(fetch->url),
                           .shown = shown,
                           .headers =
                               curl_slist_append(NULL, "Accept: image/png, image/jpeg, image/webp"),
                           .reply_maximum = fetch->maximum,
                           .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                           .idle_timeout_ms = IDLE_TIMEOUT_MS,
                           .total_timeout_ms = TOTAL_TIMEOUT_MS,
                           .direct = true,
                           .kept = true,
                           .repeatable = true,
                           .public_only = !fetch->allow_private};
    fetch->call = http_send(fetch->http, request, reply_came, fetch);
    free(shown);
}

/* Try once, from the beginning: where a redirect leads may be good for a while only. */
static void try_once(void *context) {
    Fetch *fetch = context;
    fetch->timer = NULL;
    fetch->tries++;
    fetch->redirects = 0;
    mem_set(&fetch->url, "%s", fetch->origin);
    send_once(fetch);
}

/* Go where a redirect leads; false where it leads nowhere. */
static bool follow(Fetch *fetch, const char *location) {
    CURLU *url = curl_url();
    bool known = location && curl_url_set(url, CURLUPART_URL, fetch->url, 0) == CURLUE_OK &&
                 curl_url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK;
    char *target = known ? part_of(url, CURLUPART_URL) : NULL;
    if (target)
        mem_set(&fetch->url, "%s", target);
    curl_free(target);
    curl_url_cleanup(url);
    return target != NULL;
}

/* A redirect came. */
static void redirected(Fetch *fetch, const HttpReply *reply) {
    if (fetch->redirects++ == MOST_REDIRECTS) {
        fail(fetch, "it is redirected too often");
    } else if (!follow(fetch, http_header(reply, "Location"))) {
        fail(fetch, "it is redirected to nowhere");
    } else {
        send_once(fetch);
    }
}

/* Is a failure one of the moment? */
static bool may_pass(const Fetch *fetch, const HttpReply *reply) {
    if (reply->code != CURLE_OK)
        return !reply->not_public && !reply->too_large && reply->code != CURLE_OPERATION_TIMEDOUT &&
               reply->code != CURLE_PEER_FAILED_VERIFICATION;
    return reply->status == 429 || reply->status >= 500 ||
           (fetch->redirects && outcome_is_expiry(reply->status));
}

/* Report why nothing usable came. */
static void explain(Fetch *fetch, const HttpReply *reply) {
    if (reply->too_large) {
        char *words = mem_printf("it is larger than the limit of %zu bytes", fetch->maximum);
        fail(fetch, words);
        free(words);
    } else if (reply->not_public) {
        fail(fetch, "its address is not one of the public internet, and others are only fetched "
                    "from with --allow-private-urls");
    } else if (reply->code != CURLE_OK) {
        fail(fetch, reply->error);
    } else {
        char *words = mem_printf("its server answers with HTTP status %ld", reply->status);
        fail(fetch, words);
        free(words);
    }
}

/* Judge a reply. */
static void reply_came(void *context, const HttpReply *reply) {
    Fetch *fetch = context;
    double wait = outcome_wait(fetch->tries, reply->retry_after_ms);
    fetch->call = NULL;
    if (reply->code == CURLE_OK && reply->status == 200) {
        Bytes *bytes = reply->kept ? *reply->kept : bytes_begin(0);
        if (reply->kept)
            *reply->kept = NULL;
        fetch->done(fetch->context, NULL, bytes);
        free_fetch(fetch);
    } else if (reply->code == CURLE_OK && reply->status >= 301 && reply->status <= 308 &&
               reply->status != 304 && reply->status != 305 && reply->status != 306) {
        redirected(fetch, reply);
    } else if (may_pass(fetch, reply) && fetch->tries < MOST_TRIES && wait <= TOTAL_TIMEOUT_MS) {
        fetch->timer = loop_after(http_loop(fetch->http), wait, try_once, fetch);
    } else {
        explain(fetch, reply);
    }
}

/* Fetch. */
Fetch *fetch_start(Http *http, const char *url, bool allow_private, size_t maximum, FetchDone *done,
                   void *context) {
    Fetch *fetch = mem_alloc(sizeof *fetch);
    *fetch = (Fetch){.http = http,
                     .origin = mem_strdup(url),
                     .allow_private = allow_private,
                     .maximum = maximum,
                     .done = done,
                     .context = context};
    try_once(fetch);
    return fetch;
}

/* Give up. */
void fetch_drop(Fetch *fetch) {
    if (!fetch)
        return;
    if (fetch->timer)
        loop_cancel(http_loop(fetch->http), fetch->timer);
    http_drop(fetch->call);
    free_fetch(fetch);
}
