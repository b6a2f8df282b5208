/* A thread a connection, so that a slow or hanging answer holds up no other.  An answer leaves at
 * an absolute deadline counted from the moment the request was complete: work done in between does
 * not add to the latency that a test asked for. */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "calls_log.h"
#include "openai_protocol.h"
#include "sending.h"
#include "tasks.h"
#include "text.h"
#include "video_request.h"
#include "videos.h"

struct Server {
    const ServerOptions *options;
    struct MHD_Daemon *daemon;
    CallsLog *log;
    Canned *canned;
    Videos *videos;
    struct timespec started;
    atomic_bool stopping;
};

/* One request while its body comes in. */
typedef struct Upload {
    char *data;
    size_t length, capacity;
    bool too_large;
    struct timespec complete;
} Upload;

static double since(const Server *server, const struct timespec *at) {
    return (double)(at->tv_sec - server->started.tv_sec) * 1e3 +
           (double)(at->tv_nsec - server->started.tv_nsec) / 1e6;
}

static double now_ms(const Server *server) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return since(server, &now);
}

/* ---- generateContent ---- */

static Reply work(const Server *server, const Request *request) {
    if (request->task == TASK_VIDEO_GENERATION)
        return videos_start(server->videos, request, FAULT_NONE);
    return server->canned ? canned_reply(server->canned, request) : task_reply(request);
}

/* The right answer, cut: its text where it is JSON, else the whole body. */
static Reply truncated(const Server *server, const Request *request) {
    Reply reply = work(server, request);
    if (request->task == TASK_IMAGE_GENERATION || reply.status != 200) {
        reply.length /= 2;
        reply.body[reply.length] = '\0';
        return reply;
    }
    json_t *body = json_loadb(reply.body, reply.length, 0, NULL);
    json_t *candidate = json_array_get(json_object_get(body, "candidates"), 0);
    json_t *part =
        json_array_get(json_object_get(json_object_get(candidate, "content"), "parts"), 0);
    const char *text = json_string_value(json_object_get(part, "text"));
    char *half = mem_copy(text ? text : "{", text ? strlen(text) / 2 : 1);
    reply_free(&reply);
    reply = reply_answer(request, &(Answer){.text = half, .finish_reason = "MAX_TOKENS"});
    free(half);
    json_decref(body);
    return reply;
}

/* The reply that a fault puts in place of the right one. */
static Reply faulty_reply(const Server *server, const Request *request, const Fault *fault) {
    static const char garbage[] = "<html><body>Bad things happened</body></html>";
    /* A video starts well and ends badly. */
    if (request->task == TASK_VIDEO_GENERATION &&
        (fault->kind == FAULT_EMPTY || fault->kind == FAULT_BLOCKED ||
         fault->kind == FAULT_REFUSED_IMAGE || fault->kind == FAULT_TEXT))
        return videos_start(server->videos, request, fault->kind);
    switch (fault->kind) {
    case FAULT_STATUS:
        return reply_status(fault->status);
    case FAULT_MALFORMED:
        return (Reply){200, mem_copy(garbage, sizeof garbage), sizeof garbage - 1};
    case FAULT_EMPTY:
        return reply_nothing(request);
    case FAULT_BLOCKED:
        return reply_blocked(request);
    case FAULT_REFUSED_IMAGE:
        return reply_answer(request, &(Answer){.finish_reason = "IMAGE_SAFETY",
                                               .finish_message = "Unable to show the generated "
                                                                 "image. It was filtered out. You "
                                                                 "will not be charged."});
    case FAULT_TEXT:
        return reply_answer(request, &(Answer){.text = "I cannot do that, but here are some "
                                                       "words.",
                                               .finish_reason = "STOP"});
    case FAULT_TRUNCATED_JSON:
        return truncated(server, request);
    default:
        return work(server, request);
    }
}

/* Is the method's key missing or wrong? */
static bool check_key(const Server *server, struct MHD_Connection *connection, Reply *refused) {
    const char *key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "x-goog-api-key");
    Refusal refusal;
    if (!key || !*key) {
        *refused = reply_status(403);
        return false;
    }
    if (!server->options->key || strcmp(key, server->options->key) == 0)
        return true;
    refuse(&refusal, 400, "API key not valid. Please pass a valid API key.");
    refusal.reason = "API_KEY_INVALID";
    *refused = reply_refusal(&refusal);
    return false;
}

static Reply unknown_model(const char *name, size_t length, const char *method) {
    Refusal refusal;
    refuse(&refusal, 404,
           "models/%.*s is not found for API version v1beta, or is not supported "
           "for %.40s. Call ListModels to see the list of available models and "
           "their supported methods.",
           (int)(length > 80 ? 80 : length), name, method);
    return reply_refusal(&refusal);
}

/* Is the body JSON by its own account?  No content type counts as JSON. */
static bool is_json(struct MHD_Connection *connection) {
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    return !type || text_starts(type, "application/json");
}

/* Read, check the key, check the request: in the order of the real service. */
static bool admit(const Server *server, struct MHD_Connection *connection, const Upload *upload,
                  const ModelInfo *model, Request *request, Reply *refused) {
    Refusal refusal;
    *request = (Request){0};
    if (!is_json(connection)) {
        refuse(&refusal, 400, "Invalid request: the Content-Type must be application/json.");
        *refused = reply_refusal(&refusal);
        return false;
    }
    if (!request_parse(request, upload->data ? upload->data : "", upload->length, &refusal)) {
        *refused = reply_refusal(&refusal);
        return false;
    }
    if (!check_key(server, connection, refused))
        return false;
    if (!request_check(request, model, !server->canned, &refusal)) {
        *refused = reply_refusal(&refusal);
        return false;
    }
    return true;
}

/* Put an answer into the words of another protocol. */
typedef Reply Turn(const Request *request, Reply reply);

/* Answer an admitted request, with its fault where it has one; turn is NULL for generateContent. */
static enum MHD_Result answer(Server *server, struct MHD_Connection *connection,
                              const Upload *upload, const Request *request, Turn *turn) {
    unsigned long nth;
    char *prompt = request_all_text(request);
    unsigned long call = calls_log_begin(server->log, request->task, request->model->id, prompt,
                                         since(server, &upload->complete), &nth);
    free(prompt);
    Fault fault = faults_find(&server->options->faults, call, request->task, nth);
    if (fault.kind == FAULT_HANG) {
        wait_for_end(&server->stopping, connection);
        calls_log_end(server->log, call, 0, now_ms(server));
        return MHD_NO;
    }
    if (fault.kind == FAULT_RESET) {
        sleep_until(&upload->complete, server->options->latency_ms);
        calls_log_end(server->log, call, 0, now_ms(server));
        return MHD_NO;
    }
    Reply reply = faulty_reply(server, request, &fault);
    if (turn)
        reply = turn(request, reply);
    sleep_until(&upload->complete, server->options->latency_ms);
    calls_log_end(server->log, call, reply.status, now_ms(server));
    if (fault.kind == FAULT_CUT || fault.kind == FAULT_SLOW || fault.kind == FAULT_HUGE)
        return send_stream(&server->stopping, connection, reply, fault.kind);
    return send_reply(connection, reply);
}

/* POST /v1beta/models/MODEL:generateContent. */
static enum MHD_Result generate(Server *server, struct MHD_Connection *connection,
                                const Upload *upload, const char *name, size_t length) {
    const ModelInfo *model = model_find(name, length, "gemini");
    Request request;
    Reply refused;
    enum MHD_Result result;
    if (upload->too_large) {
        Refusal refusal;
        refuse(&refusal, 400, "Request payload size exceeds the limit: %u bytes.", SERVER_MAX_BODY);
        return send_reply(connection, reply_refusal(&refusal));
    }
    if (!model)
        return send_reply(connection, unknown_model(name, length, "generateContent"));
    if (admit(server, connection, upload, model, &request, &refused))
        result = answer(server, connection, upload, &request, NULL);
    else
        result = send_reply(connection, refused);
    request_free(&request);
    return result;
}

/* ---- videos ---- */

/* Admit a request for a video, and answer it. */
static enum MHD_Result start_video(Server *server, struct MHD_Connection *connection,
                                   const Upload *upload, const ModelInfo *model) {
    const char *body = upload->data ? upload->data : "";
    Request request;
    Refusal refusal;
    Reply refused;
    enum MHD_Result result;
    bool read = model ? veo_read(model, body, upload->length, &request, &refusal)
                      : interaction_read(body, upload->length, &request, &refusal);
    if (!read || upload->too_large) {
        result = send_reply(connection, reply_refusal(&refusal));
    } else if (!check_key(server, connection, &refused)) {
        result = send_reply(connection, refused);
    } else if (!request_check(&request, request.model, true, &refusal)) {
        result = send_reply(connection, reply_refusal(&refusal));
    } else {
        video_roles(&request);
        result = answer(server, connection, upload, &request, NULL);
    }
    request_free(&request);
    return result;
}

/* POST models/MODEL:predictLongRunning. */
static enum MHD_Result predict(Server *server, struct MHD_Connection *connection,
                               const Upload *upload, const char *name, size_t length) {
    const ModelInfo *model = model_find(name, length, "video");
    if (!model)
        return send_reply(connection, unknown_model(name, length, "predictLongRunning"));
    return start_video(server, connection, upload, model);
}

/* GET files/ID and files/ID:download. */
static enum MHD_Result get_file(const Server *server, struct MHD_Connection *connection,
                                const char *name) {
    const char *colon = strchr(name, ':');
    if (!colon)
        return send_reply(connection, videos_file(server->videos, name));
    size_t length;
    char *id = mem_copy(name, (size_t)(colon - name));
    const unsigned char *bytes = videos_bytes(server->videos, id, &length);
    free(id);
    return bytes ? send_video(connection, bytes, length)
                 : send_reply(connection, reply_status(404));
}

/* Answer a GET about videos: operations, interactions, files. */
static enum MHD_Result get_video(const Server *server, struct MHD_Connection *connection,
                                 const char *rest) {
    Reply refused;
    if (!check_key(server, connection, &refused))
        return send_reply(connection, refused);
    if (strncmp(rest, "files/", 6) == 0)
        return get_file(server, connection, rest + 6);
    if (strncmp(rest, "interactions/", 13) == 0)
        return send_reply(connection, videos_interaction(server->videos, rest + 13));
    return send_reply(connection, videos_operation(server->videos, rest));
}

/* ---- the openai protocol ---- */

/* The key of a request, which that protocol calls a bearer token; NULL where there is none. */
static const char *bearer(struct MHD_Connection *connection) {
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    return value && text_starts(value, "Bearer ") ? value + strlen("Bearer ") : NULL;
}

/* POST /v1/chat/completions, /v1/images/generations or /v1/images/edits. */
static enum MHD_Result complete(Server *server, struct MHD_Connection *connection,
                                const Upload *upload, const char *path) {
    const char *key = bearer(connection), *wanted = server->options->key;
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    Request request = {0};
    Refusal refusal;
    enum MHD_Result result;
    if (wanted && (!key || strcmp(key, wanted) != 0)) {
        refuse(&refusal, 401, "Incorrect API key provided.");
        refusal.reason = "invalid_api_key";
        return send_reply(connection, openai_refusal(&refusal));
    }
    if (upload->too_large) {
        refuse(&refusal, 413, "The request is larger than %u bytes.", SERVER_MAX_BODY);
        return send_reply(connection, openai_refusal(&refusal));
    }
    if (openai_request(path, type ? type : "", upload->data ? upload->data : "", upload->length,
                       &request, &refusal) &&
        request_check(&request, request.model, !server->canned, &refusal))
        result = answer(server, connection, upload, &request, openai_turn);
    else
        result = send_reply(connection, openai_refusal(&refusal));
    request_free(&request);
    return result;
}

/* ---- paths ---- */

/* The part of a path after /v1beta/ or /v1/; NULL where it is another. */
static const char *after_version(const char *path) {
    if (strncmp(path, "/v1beta/", 8) == 0)
        return path + 8;
    return strncmp(path, "/v1/", 4) == 0 ? path + 4 : NULL;
}

static enum MHD_Result get_model(const Server *server, struct MHD_Connection *connection,
                                 const char *name) {
    Reply refused;
    const ModelInfo *model = model_find(name, strlen(name), "gemini");
    if (!check_key(server, connection, &refused))
        return send_reply(connection, refused);
    if (!model)
        return send_reply(connection, unknown_model(name, strlen(name), "getModel"));
    return send_reply(connection, reply_model(model));
}

/* Send a complete request to whom it may concern. */
static enum MHD_Result route(Server *server, struct MHD_Connection *connection, const char *path,
                             const char *method, const Upload *upload) {
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool post = strcmp(method, "POST") == 0;
    const char *rest = after_version(path);
    if (strcmp(path, "/control/calls") == 0) {
        char *log = get ? calls_log_json(server->log) : NULL;
        return log ? send_body(connection, 200, log, strlen(log))
                   : send_reply(connection, reply_status(405));
    }
    if (openai_path(path))
        return post ? complete(server, connection, upload, path)
                    : send_reply(connection, reply_status(405));
    if (rest && post && strcmp(rest, "interactions") == 0)
        return start_video(server, connection, upload, NULL);
    if (rest && get &&
        (strncmp(rest, "interactions/", 13) == 0 || strncmp(rest, "files/", 6) == 0 ||
         strstr(rest, "/operations/")))
        return get_video(server, connection, rest);
    if (!rest || (strncmp(rest, "models/", 7) != 0 && strcmp(rest, "models") != 0))
        return send_reply(connection, reply_status(404));
    if (strcmp(rest, "models") == 0) {
        Reply refused;
        if (!get)
            return send_reply(connection, reply_status(405));
        bool known = check_key(server, connection, &refused);
        return send_reply(connection, known ? reply_model(NULL) : refused);
    }
    const char *name = rest + 7, *colon = strrchr(name, ':');
    if (!colon)
        return get ? get_model(server, connection, name)
                   : send_reply(connection, reply_status(405));
    if (post && strcmp(colon, ":predictLongRunning") == 0)
        return predict(server, connection, upload, name, (size_t)(colon - name));
    if (strcmp(colon, ":generateContent") != 0)
        return send_reply(connection, unknown_model(name, (size_t)(colon - name), colon + 1));
    return post ? generate(server, connection, upload, name, (size_t)(colon - name))
                : send_reply(connection, reply_status(405));
}

/* ---- receiving ---- */

/* Keep what has come of a body; what is too large is read and dropped, so that the refusal
 * reaches the client. */
static void receive(Upload *upload, const char *data, size_t length) {
    if (upload->too_large || upload->length + length > SERVER_MAX_BODY) {
        free(upload->data);
        *upload = (Upload){.too_large = true};
        return;
    }
    if (upload->length + length + 1 > upload->capacity) {
        size_t capacity = upload->capacity ? upload->capacity : 65536;
        while (capacity < upload->length + length + 1)
            capacity *= 2;
        char *larger = realloc(upload->data, capacity);
        if (!larger) {
            free(upload->data);
            *upload = (Upload){.too_large = true};
            return;
        }
        upload->data = larger;
        upload->capacity = capacity;
    }
    memcpy(upload->data + upload->length, data, length);
    upload->length += length;
    upload->data[upload->length] = '\0';
}

/* libmicrohttpd calls this for the headers, for pieces of the body and at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *data_size, void **state) {
    Server *server = context;
    Upload *upload = *state;
    (void)version;
    if (!upload) {
        prctl(PR_SET_TIMERSLACK, 1UL); /* sleep to the microsecond */
        *state = mem_new(1, sizeof *upload);
        return MHD_YES;
    }
    if (*data_size > 0) {
        receive(upload, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    clock_gettime(CLOCK_MONOTONIC, &upload->complete);
    return route(server, connection, path, method, upload);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how) {
    Upload *upload = *state;
    (void)context, (void)connection, (void)how;
    if (upload)
        free(upload->data);
    free(upload);
    *state = NULL;
}

/* ---- life ---- */

Server *server_start(const ServerOptions *options, const char **why) {
    Server *server = mem_new(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(options->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server->options = options;
    server->log = calls_log_new();
    server->canned = options->canned ? canned_new() : NULL;
    server->videos = videos_new(options->canned);
    clock_gettime(CLOCK_MONOTONIC, &server->started);
    server->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC,
        options->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_LIMIT, 512u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (server->daemon)
        return server;
    *why = errno == EADDRINUSE ? "the port is in use" : "cannot listen on 127.0.0.1";
    videos_free(server->videos);
    canned_free(server->canned);
    calls_log_free(server->log);
    free(server);
    return NULL;
}

uint16_t server_port(const Server *server) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void server_stop(Server *server) {
    atomic_store(&server->stopping, true);
    MHD_stop_daemon(server->daemon);
    videos_free(server->videos);
    canned_free(server->canned);
    calls_log_free(server->log);
    free(server);
}
