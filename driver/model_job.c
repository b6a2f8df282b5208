#include "model_job.h"

#include <stdlib.h>

#include "wire.h"

enum {
    IMAGE_REPLY_MAXIMUM = 64 << 20, /* bytes; a 4K image is about 20 MB in base64 */
    JSON_REPLY_MAXIMUM = 4 << 20    /* an answer by one of our schemas is a few kB */
};

struct ModelJob {
    Http *http;
    const Provider *provider;
    ModelCall call;
    Body *body;
    char *url;
    struct curl_slist *headers;
    char *error; /* why there is no body */
    bool generation;
    int tries;
    HttpCall *sent;   /* while a request is out */
    LoopTimer *timer; /* while waiting for the next try */
    ModelDone *done;
    void *context;
};

static void reply_came(void *context, const HttpReply *reply);

/* Free a job that is neither out nor waiting. */
static void free_job(ModelJob *job) {
    curl_slist_free_all(job->headers);
    free(job->url);
    body_free(job->body);
    free(job->error);
    free(job);
}

/* Copy a header list, since each request takes one. */
static struct curl_slist *copy_headers(const struct curl_slist *from) {
    struct curl_slist *to = NULL;
    for (; from; from = from->next)
        to = curl_slist_append(to, from->data);
    return to;
}

/* Send it once. */
static void send_once(void *context) {
    ModelJob *job = context;
    const Timeouts *timeouts = &job->call.timeouts;
    HttpRequest request = {
        .method = "POST",
        .url = mem_strdup(job->url),
        .pieces = job->body,
        .headers = copy_headers(job->headers),
        .reply_maximum = job->call.schema ? JSON_REPLY_MAXIMUM : IMAGE_REPLY_MAXIMUM,
        .direct = job->provider->loopback,
        .connect_timeout_ms = timeouts->connect_ms,
        .idle_timeout_ms = timeouts->idle_ms,
        .total_timeout_ms = timeouts->total_ms,
    };
    job->timer = NULL;
    job->tries++;
    job->sent = http_send(job->http, request, reply_came, job);
}

/* Is another try allowed after this outcome? */
static bool may_try_again(const ModelJob *job, const ModelAnswer *answer) {
    const OutcomeRule *rule = outcome_rule(answer->outcome);
    int tries = job->generation ? rule->generation_tries : rule->tries;
    return !answer->final && !(answer->retry_after_ms > OUTCOME_LONGEST_WAIT_MS) &&
           job->tries < tries;
}

/* Judge a reply, then try again or report. */
static void reply_came(void *context, const HttpReply *reply) {
    ModelJob *job = context;
    ModelAnswer answer = {.retry_after_ms = -1};
    job->sent = NULL;
    provider_hide_key(job->provider, reply);
    answer.status = reply->code == CURLE_OK ? reply->status : 0;
    if (reply->code != CURLE_OK)
        answer_from_failure(reply, &answer);
    else
        job->provider->wire->parse(reply, &job->call, &answer);
    if (may_try_again(job, &answer)) {
        double wait = outcome_wait(job->tries, answer.retry_after_ms);
        answer_free(&answer);
        job->timer = loop_after(http_loop(job->http), wait, send_once, job);
        return;
    }
    job->done(job->context, &answer, job->tries);
    free_job(job);
}

/* Is a request larger than its model takes? Says so in that case. */
static bool is_too_large(ModelJob *job) {
    job->error = wire_too_large(job->call.model, body_length(job->body));
    return job->error != NULL;
}

/* Report a call that cannot be sent, from the loop and not from within the caller. */
static void report_unsent(void *context) {
    ModelJob *job = context;
    ModelAnswer answer = {.outcome = OUTCOME_REJECTED, .unsent = true, .retry_after_ms = -1};
    answer.message =
        mem_strdup(job->error ? job->error : "the request with its images is too large to be sent");
    job->done(job->context, &answer, 0);
    free_job(job);
}

/* Send a call. */
ModelJob *model_send(Http *http, const Provider *provider, ModelCall call, bool generation,
                     ModelDone *done, void *context) {
    ModelJob *job = mem_alloc(sizeof *job);
    *job = (ModelJob){.http = http,
                      .provider = provider,
                      .generation = generation,
                      .done = done,
                      .context = context};
    job->body = provider->wire->build(provider, &call, &job->url, &job->headers, &job->error);
    call_free(&call);
    job->call = call;
    if (job->body && !is_too_large(job))
        send_once(job);
    else
        job->timer = loop_after(http_loop(http), 0, report_unsent, job);
    return job;
}

/* Give up on a call. */
void model_drop(ModelJob *job) {
    if (!job)
        return;
    if (job->timer)
        loop_cancel(http_loop(job->http), job->timer);
    http_drop(job->sent);
    free_job(job);
}
