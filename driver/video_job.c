#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base_url.h"
#include "video.h"
#include "wire.h"

enum {
    VIDEO_MAXIMUM = 512 << 20, /* bytes of a video */
    STATE_MAXIMUM = 64 << 20,  /* bytes of an answer about one, which may hold it */
    POLL_FIRST_MS = 2000,      /* between polls, at first */
    POLL_LEAST_MS = 100,       /* where the registry says less */
    POLL_LONGEST_MS = 10000,   /* and at most */
    REDIRECTS_MOST = 3,
    /* What is not there at first may come: services tell of an operation, or give out its file, by
     * machines that hear of it later than the one that started it. */
    MISSING_MS = 60000,
    CUT_MOST = 3,     /* how often a video may come in part */
    EXPIRED_MOST = 3, /* how often it may be refused where a redirect leads */
};

typedef enum Phase { PHASE_START, PHASE_POLL, PHASE_FILE, PHASE_DOWNLOAD } Phase;

struct VideoJob {
    Http *http;
    const Provider *provider;
    const Model *model;
    const VideoWire *wire;
    Timeouts timeouts;
    Phase phase;
    Body *body;  /* of the start */
    char *path;  /* of the start, below the base URL */
    char *error; /* why there is no body */
    char *operation, *file;
    char *address; /* where a redirect of the download leads; NULL for none */
    int tries, failures, redirects, cut, expired;
    double wait_ms, deadline;
    double missing_until; /* while answers say that it is not there; 0 for not so */
    json_t *usage;
    HttpCall *sent;
    LoopTimer *timer;
    VideoStarted *started;
    VideoDone *done;
    void *context;
};

/* Free a job that is neither out nor waiting. */
static void free_job(VideoJob *job) {
    char *const texts[] = {job->path, job->error, job->operation, job->file, job->address};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    json_decref(job->usage);
    body_free(job->body);
    free(job);
}

/* Report, and be gone. */
static void finish(VideoJob *job, ModelAnswer *answer) {
    if (!answer->usage && job->usage)
        answer->usage = json_incref(job->usage);
    job->done(job->context, answer, job->tries);
    free_job(job);
}

/* Report a failure in our own words. */
static void fail(VideoJob *job, Outcome outcome, const char *format, ...) PRINTF_LIKE(3, 4);
static void fail(VideoJob *job, Outcome outcome, const char *format, ...) {
    ModelAnswer answer = {.outcome = outcome, .retry_after_ms = -1};
    va_list args;
    va_start(args, format);
    answer.message = mem_vprintf(format, args);
    va_end(args);
    finish(job, &answer);
}

static void came(void *context, const HttpReply *reply);

/* Where the phase's request goes; the caller's. */
static char *url_of(const VideoJob *job) {
    const char *base = job->provider->url;
    if (job->address)
        return mem_strdup(job->address);
    if (job->phase == PHASE_START)
        return mem_printf("%s%s", base, job->path);
    if (job->phase == PHASE_FILE)
        return mem_printf("%s/v1beta/%s", base, job->file);
    if (job->phase == PHASE_DOWNLOAD)
        return mem_printf("%s/v1beta/%s:download?alt=media", base, job->file);
    char *path = job->wire->poll_path(job->operation);
    char *url = mem_printf("%s%s", base, path);
    free(path);
    return url;
}

/* Send the phase's request. The key goes to the provider's own URL and to no other. */
static void send_phase(void *context) {
    VideoJob *job = context;
    bool start = job->phase == PHASE_START, own = !job->address;
    HttpRequest request = {
        .method = start ? "POST" : "GET",
        .url = url_of(job),
        .pieces = start ? job->body : NULL,
        .headers = wire_headers(start ? "application/json" : NULL,
                                "x-goog-api-key: ", own ? job->provider->key : NULL),
        .reply_maximum = job->phase == PHASE_DOWNLOAD ? VIDEO_MAXIMUM : STATE_MAXIMUM,
        .direct = job->provider->loopback,
        .public_only = !own && !base_url_same_host(job->address, job->provider->url),
        .kept = job->phase == PHASE_DOWNLOAD,
        .hashed = true,
        .repeatable = !start,
        .connect_timeout_ms = job->timeouts.connect_ms,
        .idle_timeout_ms = job->timeouts.idle_ms,
        .total_timeout_ms = job->timeouts.total_ms,
    };
    job->timer = NULL;
    job->tries += start;
    job->sent = http_send(job->http, request, came, job);
}

/* Send later. */
static void send_later(VideoJob *job, double milliseconds) {
    job->timer = loop_after(http_loop(job->http), milliseconds, send_phase, job);
}

/* Begin another phase at once. */
static void go_on(VideoJob *job, Phase phase) {
    job->phase = phase;
    job->failures = 0;
    send_later(job, 0);
}

/* Ask again after a while, each time a longer one. */
static void poll_later(VideoJob *job) {
    if (loop_now() > job->deadline) {
        fail(job, OUTCOME_UNKNOWN, "the operation %s has not ended in %ld s; it may end later",
             job->operation, job->timeouts.total_ms / 1000);
        return;
    }
    /* Not past the deadline, however long the registry would have it. */
    send_later(job, fmin(job->wait_ms, job->deadline - loop_now() + POLL_LEAST_MS));
    job->wait_ms = job->wait_ms * 1.5 > POLL_LONGEST_MS ? POLL_LONGEST_MS : job->wait_ms * 1.5;
}

/* Does a poll or download say that there is no such thing? */
static bool is_missing(const VideoJob *job, const ModelAnswer *answer) {
    return job->phase != PHASE_START && answer->status == 404;
}

/* Is a download refused where it was redirected to, maybe since that was good for a while only? */
static bool is_expired(const VideoJob *job, const ModelAnswer *answer) {
    return job->address && outcome_is_expiry(answer->status);
}

/* Is a failure one that passes? A start is only sent again where it certainly was not done. */
static bool passes(const VideoJob *job, const ModelAnswer *answer) {
    const OutcomeRule *rule = outcome_rule(answer->outcome);
    if (answer->final)
        return false;
    if (job->phase == PHASE_START)
        return !(answer->retry_after_ms > OUTCOME_LONGEST_WAIT_MS) &&
               job->tries < rule->generation_tries;
    if (is_missing(job, answer))
        return loop_now() < fmin(job->missing_until, job->deadline);
    if (is_expired(job, answer))
        return job->expired < EXPIRED_MOST && loop_now() < job->deadline;
    return answer->outcome != OUTCOME_REJECTED && answer->outcome != OUTCOME_BLOCKED &&
           loop_now() < job->deadline;
}

/* A request failed: once more, or the end. A poll that fails says nothing of the operation, which
 * may be billed: it is not for the queue to start another. */
static void request_failed(VideoJob *job, ModelAnswer *answer) {
    bool start = job->phase == PHASE_START, missing = is_missing(job, answer);
    if (missing && !job->missing_until)
        job->missing_until = loop_now() + MISSING_MS;
    job->expired += is_expired(job, answer);
    if (!passes(job, answer)) {
        if (missing || (!start && outcome_rule(answer->outcome)->passes))
            answer->outcome = OUTCOME_UNKNOWN;
        if (missing)
            mem_set(&answer->message, "the operation %s or its file is not there (%s)",
                    job->operation, answer->message);
        finish(job, answer);
        return;
    }
    double wait = outcome_wait(++job->failures, answer->retry_after_ms);
    if (!start)
        wait = fmin(wait, job->deadline - loop_now() + POLL_LEAST_MS);
    answer_free(answer);
    /* Where a redirect leads may be good for a while only: the next try asks for another. */
    free(job->address);
    job->address = NULL;
    job->redirects = 0;
    send_later(job, wait);
}

/* Can it be the name of an operation? It becomes part of a URL, is recorded and shown. */
static bool is_name(const char *text) {
    enum { NAME_LONGEST = 1000 };
    size_t length = strcspn(text, "?#%\\ \x7f");
    if (!length || length > NAME_LONGEST || text[length] || strstr(text, ".."))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

/* A start or a poll was answered. */
static void state_came(VideoJob *job, const HttpReply *reply) {
    VideoReply state = {.answer = {.retry_after_ms = -1, .outcome = OUTCOME_OK}};
    LongStrings strings;
    json_t *body = wire_load(reply, &strings, &state.answer);
    if (body)
        job->wire->parse(body, &strings, &state);
    bool readable = body != NULL;
    json_decref(body);
    if (state.operation && !job->operation && is_name(state.operation)) {
        job->operation = state.operation;
        job->started(job->context, job->operation);
    } else {
        free(state.operation);
    }
    job->file = state.file;
    if (!readable && job->phase == PHASE_POLL) {
        request_failed(job, &state.answer);
    } else if (state.answer.outcome != OUTCOME_OK || state.answer.image) {
        finish(job, &state.answer);
    } else if (state.file) {
        job->usage = state.answer.usage;
        state.answer.usage = NULL;
        answer_free(&state.answer);
        go_on(job, job->wire->waits_for_file ? PHASE_FILE : PHASE_DOWNLOAD);
    } else if (!job->operation) {
        answer_free(&state.answer);
        fail(job, OUTCOME_MALFORMED, "the answer names no operation that can be asked for");
    } else {
        answer_free(&state.answer);
        job->phase = PHASE_POLL;
        job->failures = 0;
        poll_later(job);
    }
}

/* What became of a file is known. */
static void file_came(VideoJob *job, const HttpReply *reply) {
    json_t *body =
        json_loadb(reply->body->data ? reply->body->data : "", reply->body->length, 0, NULL);
    const char *state = json_string_value(json_object_get(body, "state"));
    bool processing = state && strcmp(state, "PROCESSING") == 0;
    bool failed = state && strcmp(state, "FAILED") == 0;
    json_decref(body);
    if (failed)
        fail(job, OUTCOME_EMPTY, "the provider could not make the file of the video");
    else if (processing)
        poll_later(job);
    else
        go_on(job, PHASE_DOWNLOAD);
}

/* Can it be the beginning of a video, which the connection or a proxy has cut short? */
static bool is_cut(const Bytes *video) {
    enum { TYPE_AT = 4, TYPE_LENGTH = 4 };
    char type[TYPE_LENGTH];
    return !video || bytes_length(video) < TYPE_AT + TYPE_LENGTH ||
           (bytes_copy(video, TYPE_AT, type, TYPE_LENGTH) &&
            memcmp(type, "ftyp", TYPE_LENGTH) == 0);
}

/* The video is there, or what will be no video however often it is fetched. */
static void video_came(VideoJob *job, const HttpReply *reply) {
    ModelAnswer answer = {.outcome = OUTCOME_OK, .retry_after_ms = -1};
    Bytes *video = reply->kept ? *reply->kept : NULL;
    if (!video || !video_probe(video)) {
        wire_malformed(&answer, "what was fetched is no whole MP4 video (%zu bytes)",
                       video ? bytes_length(video) : 0);
        if (is_cut(video) && job->cut++ < CUT_MOST)
            request_failed(job, &answer);
        else
            finish(job, &answer);
        return;
    }
    *reply->kept = NULL;
    answer.image = video;
    answer.image_length = bytes_length(video);
    answer.image_mime = "video/mp4";
    answer.file = mem_strdup(job->file);
    finish(job, &answer);
}

/* A download is elsewhere: it is followed, without the key, to the provider's own host, which may
 * be on this machine or in its network, or else to the public internet only. */
static bool follow(VideoJob *job, const HttpReply *reply) {
    const char *location = http_redirect(reply);
    if (job->phase != PHASE_DOWNLOAD || reply->status < 301 || reply->status > 308 || !location ||
        job->redirects == REDIRECTS_MOST)
        return false;
    job->redirects++;
    mem_set(&job->address, "%s", location);
    send_later(job, 0);
    return true;
}

/* An answer came, or none. */
static void came(void *context, const HttpReply *reply) {
    VideoJob *job = context;
    ModelAnswer answer = {.retry_after_ms = -1};
    job->sent = NULL;
    if (job->phase != PHASE_DOWNLOAD || reply->status != 200)
        provider_hide_key(job->provider, reply);
    if (reply->code == CURLE_OK && reply->status == 200) {
        job->missing_until = 0;
        if (job->phase == PHASE_DOWNLOAD)
            video_came(job, reply);
        else if (job->phase == PHASE_FILE)
            file_came(job, reply);
        else
            state_came(job, reply);
        return;
    }
    if (reply->code == CURLE_OK && follow(job, reply))
        return;
    if (reply->not_public) {
        fail(job, OUTCOME_MALFORMED,
             "the download is redirected to %.200s, which is neither the "
             "provider's host nor an address of the public internet",
             job->address);
        return;
    }
    if (reply->code != CURLE_OK) {
        answer_from_failure(reply, &answer);
    } else {
        ModelCall call = {.model = job->phase == PHASE_START ? job->model : NULL};
        job->provider->wire->parse(reply, &call, &answer);
        answer.status = reply->status;
    }
    request_failed(job, &answer);
}

/* Report a call that cannot be sent, from the loop and not from within the caller. */
static void report_unsent(void *context) {
    VideoJob *job = context;
    job->timer = NULL;
    fail(job, OUTCOME_REJECTED, "%s", job->error ? job->error : "the request is too large");
}

/* Is the start larger than the model takes? Says so in that case. */
static bool is_too_large(VideoJob *job) {
    job->error = wire_too_large(job->model, body_length(job->body));
    return job->error != NULL;
}

/* Start one, or go on with one. */
VideoJob *video_run(Http *http, const Provider *provider, const VideoCall *call,
                    const char *operation, VideoStarted *started, VideoDone *done, void *context) {
    const json_t *seconds = json_object_get(call->model->definition, "pollSeconds");
    VideoJob *job = mem_alloc(sizeof *job);
    *job = (VideoJob){.http = http,
                      .provider = provider,
                      .model = call->model,
                      .wire = video_wire(call->model),
                      .timeouts = call->timeouts,
                      .operation = mem_strdup(operation),
                      .wait_ms = json_is_number(seconds)
                                     ? fmax(json_number_value(seconds) * 1e3, POLL_LEAST_MS)
                                     : POLL_FIRST_MS,
                      .deadline = loop_now() + (double)call->timeouts.total_ms,
                      .started = started,
                      .done = done,
                      .context = context};
    if (!job->wire)
        job->error = mem_printf("model \"%s\" has no wire for videos in the registry (veo or "
                                "interactions)",
                                call->model->id);
    else if (!operation)
        job->body = job->wire->build(call, &job->path, &job->error);
    if (job->wire && (operation || (job->body && !is_too_large(job))))
        go_on(job, operation ? PHASE_POLL : PHASE_START);
    else
        job->timer = loop_after(http_loop(http), 0, report_unsent, job);
    return job;
}

/* Give up on one. */
void video_drop(VideoJob *job) {
    if (!job)
        return;
    if (job->timer)
        loop_cancel(http_loop(job->http), job->timer);
    http_drop(job->sent);
    free_job(job);
}
