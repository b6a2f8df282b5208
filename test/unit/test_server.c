/* The server over HTTP: paths, keys, latency, every fault. */
#include "picture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

enum { PATIENCE_MS = 20000 };

typedef struct Answered {
    int status; /* 0: closed without an answer */
    Text text;  /* headers and body */
    const char *body;
    double ms; /* from the last byte sent to the last received */
    bool timed_out;
} Answered;

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int connect_to(const Server *server) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        assert_true(sent > 0);
        data += sent;
        length -= (size_t)sent;
    }
}

/* Receive until the connection is closed, the patience ends or too much has come. */
static Answered receive(int fd, int patience) {
    Answered answered = {0};
    double started = now_ms();
    char buffer[65536];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (answered.text.length < TEXT_MAXIMUM / 2) {
        if (poll(&ready, 1, patience) <= 0) {
            answered.timed_out = true;
            break;
        }
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            break;
        text_add_bytes(&answered.text, buffer, (size_t)got);
    }
    answered.ms = now_ms() - started;
    sscanf(text_string(&answered.text), "HTTP/1.1 %d", &answered.status);
    const char *end = strstr(text_string(&answered.text), "\r\n\r\n");
    answered.body = end ? end + 4 : "";
    return answered;
}

/* Ask on a connection of its own. */
static Answered ask(const Server *server, const char *method, const char *path, const char *headers,
                    const char *body, int patience) {
    int fd = connect_to(server);
    Text request = {0};
    text_add(
        &request,
        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, path, headers, strlen(body), body);
    send_all(fd, request.data, request.length);
    text_free(&request);
    Answered answered = receive(fd, patience);
    close(fd);
    return answered;
}

#define KEY "x-goog-api-key: secret\r\nContent-Type: application/json\r\n"
#define GENERATE "/v1beta/models/local-vision:generateContent"
#define PARSING                                                                                    \
    "{\"contents\":[{\"parts\":[{\"text\":\"User prompt: a stone "                                 \
    "house\"}]}],\"generationConfig\":"                                                            \
    "{\"responseJsonSchema\":{\"type\":\"object\",\"properties\":{\"complexity\":{\"type\":"       \
    "\"string\"},"                                                                                 \
    "\"materials\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}"

static void expect_status(const Server *server, const char *method, const char *path,
                          const char *headers, const char *body, int status, const char *word) {
    Answered answered = ask(server, method, path, headers, body, PATIENCE_MS);
    if (answered.status != status || !strstr(answered.body, word))
        fail_msg("%s %s: %d %s", method, path, answered.status, answered.body);
    text_free(&answered.text);
}

#define BEARER "Authorization: Bearer secret\r\nContent-Type: application/json\r\n"
#define CHAT "/v1/chat/completions"
#define DRAW "/v1/images/generations"
#define SAY(more)                                                                                  \
    "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"a stone "          \
    "house\"}]" more "}"

/* The openai protocol is as strict as the other one. */
static void test_openai(void **state) {
    ServerOptions options = {.key = "secret"};
    const char *why = "";
    Server *server = server_start(&options, &why);
    (void)state;
    assert_non_null(server);
    expect_status(server, "POST", CHAT, BEARER, SAY(""), 200, "stone");
    expect_status(server, "POST", CHAT, BEARER, SAY(""), 200, "chat.completion");
    expect_status(server, "POST", CHAT, "", SAY(""), 401, "invalid_api_key");
    expect_status(server, "POST", CHAT, KEY, SAY(""), 401, "invalid_api_key");
    expect_status(server, "POST", CHAT, BEARER, SAY(",\"nope\":1"), 400, "unknown_parameter");
    expect_status(server, "POST", CHAT, BEARER, "{", 400, "could not parse");
    expect_status(server, "POST", CHAT, BEARER, "{\"model\":\"nope\"}", 404, "model_not_found");
    expect_status(server, "POST", CHAT, BEARER, "{\"model\":\"gemini-3.8-flash\"}", 404,
                  "model_not_found");
    expect_status(server, "POST", CHAT, BEARER,
                  SAY(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                      "\"x\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{"
                      "\"a\":{\"type\":\"string\"}}}}}"),
                  400, "additionalProperties");
    expect_status(server, "POST", DRAW, BEARER,
                  "{\"model\":\"gpt-image-2.6-flare\",\"prompt\":\"x\",\"size\":\"100x100\"}", 400,
                  "invalid_value");
    expect_status(server, "POST", DRAW, BEARER,
                  "{\"model\":\"gpt-image-2.6-flare\",\"prompt\":\"x\",\"response_format\":"
                  "\"b64_json\"}",
                  400, "unknown_parameter");
    expect_status(server, "POST", DRAW, BEARER, "{\"model\":\"gpt-image-2.6-flare\"}", 400,
                  "prompt");
    expect_status(server, "POST", "/v1/images/edits", BEARER, "{}", 400, "multipart");
    expect_status(server, "GET", CHAT, BEARER, "", 405, "");
    expect_status(server, "POST", "/v1beta/models/gpt-4.1-mini:generateContent", KEY, PARSING, 404,
                  "NOT_FOUND");
    server_stop(server);
}

#define PREDICT "/v1beta/models/local-video:predictLongRunning"
#define CLIP(instance, parameters)                                                                 \
    "{\"instances\":[{\"prompt\":\"a house\"" instance "}],\"parameters\":{" parameters "}}"
#define FRAME "{\"bytesBase64Encoded\":\"" PIXEL "\",\"mimeType\":\"image/png\"}"
#define PIXEL                                                                                      \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"

/* Videos: as strict as others have met the real services. */
static void test_videos(void **state) {
    static const struct {
        const char *path, *body;
        int status;
        const char *word;
    } cases[] = {
        {PREDICT, CLIP("", "\"durationSeconds\":4"), 200, "models/local-video/operations/"},
        {PREDICT, CLIP(",\"image\":" FRAME ",\"lastFrame\":" FRAME, "\"durationSeconds\":8"), 200,
         "operations"},
        {PREDICT, CLIP(",\"image\":{\"inlineData\":{}}", ""), 400, "`inlineData` isn't supported"},
        {PREDICT, CLIP("", "\"durationSeconds\":\"8\""), 400, "needs to be a number"},
        {PREDICT, CLIP("", "\"durationSeconds\":5"), 400, "must be 4, 6 or 8"},
        {PREDICT, CLIP("", "\"numberOfVideos\":1"), 400, "numberOfVideos"},
        {PREDICT, CLIP(",\"video\":{\"encodedVideo\":\"x\"}", ""), 400, "Video URI not found"},
        {PREDICT, CLIP(",\"lastFrame\":" FRAME, ""), 400, "`lastFrame` needs `image`"},
        {PREDICT, CLIP("", "\"durationSeconds\":4,\"resolution\":\"1080p\""), 400, "8 seconds"},
        {PREDICT, CLIP("", "\"aspectRatio\":\"1:1\""), 400, "16:9 or 9:16"},
        {PREDICT, CLIP(",\"nope\":1", ""), 400, "nope"},
        {PREDICT, "{}", 400, "instance"},
        {"/v1beta/models/nope:predictLongRunning", CLIP("", ""), 404, "nope"},
        {"/v1beta/interactions",
         "{\"model\":\"local-video-fast\",\"input\":\"a house\",\"background\":true}", 200,
         "in_progress"},
        {"/v1beta/interactions", "{\"model\":\"local-video-fast\",\"input\":\"a house\"}", 200,
         "completed"},
        {"/v1beta/interactions", "{\"model\":\"nope\",\"input\":\"a house\"}", 404, "nope"},
        {"/v1beta/interactions", "{\"model\":\"local-video-fast\",\"input\":\"x\",\"seed\":1}", 400,
         "seed"},
        {"/v1beta/interactions",
         "{\"model\":\"local-video-fast\",\"input\":\"x\",\"generation_config\":{\"video_config\":{"
         "\"task\":\"image_to_video\"}}}",
         400, "one image or two"},
        {"/v1beta/interactions", "{\"model\":\"local-video-fast\",\"input\":[]}", 400, "empty"},
    };
    ServerOptions options = {.key = "secret", .canned = true};
    const char *why = "";
    Server *server = server_start(&options, &why);
    (void)state;
    assert_non_null(server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_status(server, "POST", cases[i].path, KEY, cases[i].body, cases[i].status,
                      cases[i].word);
    expect_status(server, "POST", PREDICT, "", CLIP("", ""), 403, "PERMISSION_DENIED");
    expect_status(server, "GET", "/v1beta/files/none", KEY, "", 404, "NOT_FOUND");
    expect_status(server, "GET", "/v1beta/files/none:download", "", "", 403, "PERMISSION_DENIED");
    expect_status(server, "GET", "/v1beta/models/local-video/operations/none", KEY, "", 404,
                  "NOT_FOUND");
    server_stop(server);
}

static void test_paths_methods_and_keys(void **state) {
    ServerOptions options = {.key = "secret"};
    const char *why = "";
    Server *server = server_start(&options, &why);
    (void)state;
    assert_non_null(server);
    expect_status(server, "POST", GENERATE, KEY, PARSING, 200, "stone");
    expect_status(server, "POST", "/v1/models/local-vision:generateContent", KEY, PARSING, 200,
                  "stone");
    expect_status(server, "POST", GENERATE, "", PARSING, 403, "PERMISSION_DENIED");
    expect_status(server, "POST", GENERATE, "x-goog-api-key: other\r\n", PARSING, 400,
                  "API_KEY_INVALID");
    expect_status(server, "POST", GENERATE, "", "{\"nope\":1}", 400, "Unknown name");
    expect_status(server, "POST", GENERATE,
                  "x-goog-api-key: secret\r\nContent-Type: text/plain\r\n", PARSING, 400,
                  "Content-Type");
    expect_status(server, "POST", "/v1beta/models/nope:generateContent", KEY, PARSING, 404,
                  "NOT_FOUND");
    expect_status(server, "POST", "/v1beta/models/local-vision:streamGenerateContent", KEY, PARSING,
                  404, "streamGenerateContent");
    expect_status(server, "GET", GENERATE, KEY, "", 405, "405");
    expect_status(server, "GET", "/v1beta/models/local-vision", KEY, "", 200,
                  "models/local-vision");
    expect_status(server, "GET", "/v1beta/models/local-vision", "", "", 403, "PERMISSION_DENIED");
    expect_status(server, "GET", "/v1beta/models", KEY, "", 200, "local-image-pro");
    expect_status(server, "GET", "/", KEY, "", 404, "NOT_FOUND");
    expect_status(server, "GET", "/control/calls", "", "", 200, "semantic_parsing");
    server_stop(server);
}

static void test_bodies_over_the_limit(void **state) {
    ServerOptions options = {0};
    const char *why = "";
    Server *server = server_start(&options, &why);
    char *block = mem_new(1024 * 1024, 1);
    int fd = connect_to(server);
    (void)state;
    const char head[] = "POST " GENERATE " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" KEY
                        "Content-Length: 106954752\r\n\r\n";
    memset(block, ' ', 1024 * 1024);
    send_all(fd, head, sizeof head - 1);
    for (int i = 0; i < 102; i++)
        send_all(fd, block, 1024 * 1024);
    Answered answered = receive(fd, PATIENCE_MS);
    assert_int_equal(answered.status, 400);
    assert_non_null(strstr(answered.body, "payload size exceeds"));
    text_free(&answered.text);
    close(fd);
    free(block);
    server_stop(server);
}

static void test_a_client_may_ask_before_it_sends(void **state) {
    ServerOptions options = {0};
    const char *why = "";
    Server *server = server_start(&options, &why);
    int fd = connect_to(server);
    char buffer[64] = "";
    (void)state;
    const char head[] = "POST " GENERATE " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" KEY
                        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    send_all(fd, head, sizeof head - 1);
    assert_true(recv(fd, buffer, sizeof buffer - 1, 0) > 0);
    assert_non_null(strstr(buffer, "100 Continue"));
    send_all(fd, "{}", 2);
    Answered answered = receive(fd, PATIENCE_MS);
    assert_int_equal(answered.status, 400);
    text_free(&answered.text);
    close(fd);
    server_stop(server);
}

static void test_latency_is_exact(void **state) {
    ServerOptions options = {.latency_ms = 80};
    const char *why = "";
    Server *server = server_start(&options, &why);
    double least = 1e9;
    (void)state;
    for (int i = 0; i < 5; i++) {
        Answered answered = ask(server, "POST", GENERATE, KEY, PARSING, PATIENCE_MS);
        assert_int_equal(answered.status, 200);
        assert_true(answered.ms >= 79.9);
        least = answered.ms < least ? answered.ms : least;
        text_free(&answered.text);
    }
    assert_true(least < 100);
    server_stop(server);
}

static void test_canned_images_come_at_once(void **state) {
    ServerOptions options = {.canned = true};
    const char *why = "";
    Server *server = server_start(&options, &why);
    const char body[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"Prompt: x\"}]}],\"generationConfig\":"
        "{\"responseModalities\":[\"IMAGE\"]}}";
    (void)state;
    Answered answered = ask(server, "POST", "/v1beta/models/local-image-flash:generateContent", KEY,
                            body, PATIENCE_MS);
    assert_int_equal(answered.status, 200);
    assert_non_null(strstr(answered.body, "iVBORw0KGgo"));
    text_free(&answered.text);
    expect_status(server, "POST", GENERATE, KEY, PARSING, 200, "concrete");
    server_stop(server);
}

/* A server with one fault on every parsing. */
static Server *faulty(const char *what, ServerOptions *options) {
    char spec[64];
    const char *why = "";
    *options = (ServerOptions){0};
    snprintf(spec, sizeof spec, "semantic_parsing=%s", what);
    assert_true(faults_add(&options->faults, spec, &why));
    Server *server = server_start(options, &why);
    assert_non_null(server);
    return server;
}

static void expect_fault(const char *what, int status, const char *word) {
    ServerOptions options;
    Server *server = faulty(what, &options);
    expect_status(server, "POST", GENERATE, KEY, PARSING, status, word);
    server_stop(server);
}

static void test_faults_that_answer(void **state) {
    (void)state;
    expect_fault("429", 429, "retryDelay");
    expect_fault("503", 503, "UNAVAILABLE");
    expect_fault("401", 401, "UNAUTHENTICATED");
    expect_fault("malformed", 200, "<html>");
    expect_fault("empty", 200, "usageMetadata");
    expect_fault("blocked", 200, "blockReason");
    expect_fault("refused-image", 200, "IMAGE_SAFETY");
    expect_fault("text", 200, "I cannot do that");
    expect_fault("truncated-json", 200, "MAX_TOKENS");
    expect_fault("slow", 200, "stone");
}

static void test_faults_that_do_not(void **state) {
    ServerOptions options;
    Server *server = faulty("reset", &options);
    Answered answered = ask(server, "POST", GENERATE, KEY, PARSING, PATIENCE_MS);
    (void)state;
    assert_int_equal(answered.status, 0);
    assert_false(answered.timed_out);
    text_free(&answered.text);
    server_stop(server);

    server = faulty("cut", &options);
    answered = ask(server, "POST", GENERATE, KEY, PARSING, PATIENCE_MS);
    size_t promised = 0;
    const char *length = strstr(text_string(&answered.text), "Content-Length: ");
    assert_non_null(length);
    assert_int_equal(sscanf(length, "Content-Length: %zu", &promised), 1);
    assert_int_in_range(strlen(answered.body), 1, promised - 1);
    text_free(&answered.text);
    server_stop(server);

    server = faulty("hang", &options);
    answered = ask(server, "POST", GENERATE, KEY, PARSING, 200);
    assert_true(answered.timed_out);
    assert_int_equal(answered.status, 0);
    text_free(&answered.text);
    server_stop(server);

    server = faulty("huge", &options);
    answered = ask(server, "POST", GENERATE, KEY, PARSING, PATIENCE_MS);
    assert_true(answered.text.length >= TEXT_MAXIMUM / 2);
    text_free(&answered.text);
    server_stop(server);
}

/* A hanging call must not keep the server from stopping. */
static void test_stop_while_a_call_hangs(void **state) {
    ServerOptions options;
    Server *server = faulty("hang", &options);
    int fd = connect_to(server);
    Text request = {0};
    (void)state;
    text_add(&request,
             "POST " GENERATE " HTTP/1.1\r\nHost: localhost\r\n" KEY
             "Content-Length: %zu\r\n\r\n%s",
             strlen(PARSING), PARSING);
    send_all(fd, request.data, request.length);
    text_free(&request);
    /* The log shows the call once it hangs. */
    bool seen = false;
    while (!seen) {
        Answered log = ask(server, "GET", "/control/calls", "", "", PATIENCE_MS);
        seen = strstr(log.body, "semantic_parsing") != NULL;
        text_free(&log.text);
    }
    server_stop(server);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_methods_and_keys),
        cmocka_unit_test(test_openai),
        cmocka_unit_test(test_videos),
        cmocka_unit_test(test_bodies_over_the_limit),
        cmocka_unit_test(test_a_client_may_ask_before_it_sends),
        cmocka_unit_test(test_latency_is_exact),
        cmocka_unit_test(test_canned_images_come_at_once),
        cmocka_unit_test(test_faults_that_answer),
        cmocka_unit_test(test_faults_that_do_not),
        cmocka_unit_test(test_stop_while_a_call_hangs),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
