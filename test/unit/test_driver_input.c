/* Images that a request names: which addresses are public, data URIs, URLs with their redirects
 * and failures, and what of all that is fetched. */
#include "driver_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.h"
#include "app.h"
#include "data_uri.h"
#include "fetch.h"
#include "files.h"
#include "input.h"

static Http *http;
static char *top, *server;
static pid_t child;
static int lifeline;

/* ---- addresses ---- */

static bool is_public(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_public((struct sockaddr *)(void *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_public((struct sockaddr *)(void *)&v6);
}

static void addresses(void **state) {
    (void)state;
    static const char *const public[] = {
        "1.1.1.1",           "8.8.8.8",     "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",    "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "169.253.255.255",   "169.255.0.0", "172.15.255.255",  "172.32.0.0",
        "191.255.255.255",   "192.0.1.0",   "192.167.255.255", "192.169.0.0",
        "198.17.255.255",    "198.20.0.0",  "223.255.255.255", "2606:4700::1111",
        "2a00:1450:4001::1", "2001:200::1", "2003::1",         "3ffe::1"};
    static const char *const special[] = {"0.0.0.0",
                                          "0.1.2.3",
                                          "10.0.0.0",
                                          "10.255.255.255",
                                          "100.64.0.0",
                                          "100.100.100.200",
                                          "100.127.255.255",
                                          "127.0.0.1",
                                          "127.255.255.255",
                                          "168.63.129.16",
                                          "169.254.0.0",
                                          "169.254.169.254",
                                          "169.254.255.255",
                                          "172.16.0.0",
                                          "172.31.255.255",
                                          "192.0.0.192",
                                          "192.0.2.1",
                                          "192.88.99.1",
                                          "192.168.0.0",
                                          "192.168.255.255",
                                          "198.18.0.0",
                                          "198.19.255.255",
                                          "198.51.100.1",
                                          "203.0.113.1",
                                          "224.0.0.1",
                                          "239.255.255.255",
                                          "240.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:8.8.8.8",
                                          "::127.0.0.1",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b:1::1",
                                          "100::1",
                                          "2001::1",
                                          "2001:db8::1",
                                          "2002:7f00:1::1",
                                          "3fff::1",
                                          "fc00::1",
                                          "fd00:ec2::254",
                                          "fe80::1",
                                          "fec0::1",
                                          "ff02::1"};
    for (size_t i = 0; i < COUNT(public); i++)
        if (!is_public(public[i]))
            fail_msg("%s", public[i]);
    for (size_t i = 0; i < COUNT(special); i++)
        if (is_public(special[i]))
            fail_msg("%s", special[i]);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&other));
}

/* ---- data URIs ---- */

static void data_uris(void **state) {
    (void)state;
    static const struct {
        const char *text, *bytes, *error;
    } cases[] = {
        {"data:image/png;base64,d29yZHM=", "words", NULL},
        {"DATA:;BASE64,d29yZHM", "words", NULL},
        {"data:;base64,d29yZHM%3D", "words", NULL},
        {"data:;base64,d29yZA==", "word", NULL},
        {"data:;base64,d29yZA", "word", NULL},
        {"data:,a%20b+c%2", "a b+c%2", NULL},
        {"data:image/png;x=base64,YQ", "YQ", NULL},
        {"data:,", "", NULL},
        {"data:;base64,", "", NULL},
        {"data:;base64", NULL, "no comma"},
        {"data:;base64,d29yZ", NULL, "damaged"},
        {"data:;base64,d2=yZHM=", NULL, "damaged"},
        {"data:;base64,d29yZHM==", NULL, "damaged"},
        {"data:;base64,d29y ZHM=", NULL, "damaged"},
        {"data:;base64,\xff\xff\xff\xff", NULL, "damaged"},
        {"data:,12345678901", NULL, "more than 10 bytes"},
        {"data:;base64,MTIzNDU2Nzg5MDE=", NULL, "more than 10 bytes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *bytes = NULL, *error = NULL;
        size_t length = 0;
        bool ok = data_uri_read(cases[i].text, 10, &bytes, &length, &error);
        assert_true(ok == (cases[i].bytes != NULL));
        if (ok) {
            assert_int_equal(length, strlen(cases[i].bytes));
            assert_memory_equal(bytes, cases[i].bytes, length);
        } else if (!strstr(error, cases[i].error)) {
            fail_msg("%s", error);
        }
        free(bytes);
        free(error);
    }
    assert_true(data_uri_is("Data:x"));
    assert_false(data_uri_is("date:x"));
}

/* ---- URLs ---- */

static void judged(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "image.png",
                                      "ftp://host/x",
                                      "file:///etc/passwd",
                                      "http://",
                                      "gopher://host/",

                                      "http://u@host/",
                                      "http://u:p@host/",
                                      "//host/x",
                                      "http://host:99999/"};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (!fetch_judge(bad[i]))
            fail_msg("%s", bad[i]);
    assert_null(fetch_judge("http://host/x"));
    assert_null(fetch_judge("HTTPS://host:8443/x?y#z"));
    static const char *const shown[][2] = {
        {"https://host/x?signature=secret#part", "https://host/x"},
        {"https://user:word@host:1/x", "https://...@host:1/x"},
        {"https://host#secret", "https://host"},
        {"no URL?secret", "no URL"}};
    for (size_t i = 0; i < COUNT(shown); i++) {
        char *text = fetch_shown(shown[i][0]);
        assert_string_equal(text, shown[i][1]);
        free(text);
    }
}

typedef struct Got {
    bool done;
    char *error;
    Bytes *bytes;
} Got;

static void keep(void *context, const char *error, Bytes *bytes) {
    *(Got *)context = (Got){true, mem_strdup(error), bytes};
}

/* Fetch a path of the server; gives the error, NULL where an image of the right size came. */
static char *fetch_path(const char *host, const char *path, bool allow_private) {
    Got got = {0};
    char *url = mem_printf("http://%s%s%s", host, strrchr(server, ':'), path);
    fetch_start(http, url, allow_private, 20 << 20, keep, &got);
    assert_false(got.done);
    while (!got.done)
        loop_turn(http_loop(http));
    assert_true(got.error ? !got.bytes
                          : bytes_length(got.bytes) > 0 || strcmp(path, "/empty") == 0);
    bytes_free(got.bytes);
    free(url);
    return got.error;
}

static void expect(const char *path, const char *words) {
    char *error = fetch_path("127.0.0.1", path, true);
    if (words ? !error || !strstr(error, words) : error != NULL)
        fail_msg("%s: %s", path, error ? error : "fetched");
    free(error);
}

static void fetched(void **state) {
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    expect("/image", NULL);
    unsetenv("http_proxy");
    expect("/hop0", NULL);
    expect("/hop2", NULL);
    expect("/hop3", "redirected too often");
    expect("/absolute", NULL);
    expect("/empty", NULL);
    expect("/file", "begins with http");
    expect("/ftp", "begins with http");
    expect("/user", "user or password");
    expect("/nowhere", "redirected to nowhere");
    expect("/unchanged", "HTTP status 304");
    expect("/status404", "HTTP status 404");
    expect("/once", NULL);
    expect("/status503", "HTTP status 503");
    expect("/cut", "cannot be fetched");
    expect("/large", "larger than the limit");
    expect("/image?secret=1", NULL);
    expect("/gone?secret=1", "/gone cannot be fetched");
}

static void keep_reply(void *context, const HttpReply *reply) {
    assert_int_equal(reply->status, 200);
    *(bool *)context = true;
}

/* Addresses that are not public are not connected to, by whatever name or detour; not even where
 * somebody else keeps a connection open. */
static void not_public(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1",  "localhost", "127.1",        "2130706433",
                                        "0x7f.0.0.1", "0",         "any.localhost"};
    bool done = false;
    HttpRequest request = {.method = "GET",
                           .url = mem_printf("%s/image", server),
                           .reply_maximum = 1 << 20,
                           .connect_timeout_ms = 60000,
                           .idle_timeout_ms = 60000,
                           .total_timeout_ms = 60000};
    http_send(http, request, keep_reply, &done);
    while (!done)
        loop_turn(http_loop(http));
    for (size_t i = 0; i < COUNT(hosts); i++) {
        setenv("http_proxy", server, 1);
        char *error = fetch_path(hosts[i], "/image/not-public", false);
        unsetenv("http_proxy");
        if (!error || !strstr(error, "--allow-private-urls"))
            fail_msg("%s: %s", hosts[i], error ? error : "fetched");
        free(error);
    }
}

/* ---- inputs ---- */

static void keep_input(void *context, const char *error) {
    Got *got = context;
    got->done = true;
    got->error = mem_strdup(error);
}

/* Load an input; gives the error, NULL where it came. */
static char *load(App *app, json_t *named) {
    Got got = {0};
    ImageFile image = {0};
    input_load(app, named, "reference 1", &image, keep_input, &got);
    assert_false(got.done);
    while (!got.done)
        loop_turn(http_loop(http));
    assert_true(got.error ? !image.bytes : image.width == 3 && strlen(image.sha256) == 64);
    image_file_free(&image);
    json_decref(named);
    return got.error;
}

static void expect_load(App *app, json_t *named, const char *words) {
    char *error = load(app, named);
    if (words ? !error || !strstr(error, words) || strncmp(error, "reference 1: ", 13) != 0
              : error != NULL)
        fail_msg("%s", error ? error : "it came");
    free(error);
}

/* Every kind of input, well and badly. */
static void inputs(void **state) {
    (void)state;
    App app = {.http = http, .settings = {.private_urls = true}};
    Buf png = make_png(3, 2);
    char *error = NULL, *where = mem_printf("file:%s/objects", top);
    char *path = mem_printf("%s/image.png", top), *url = mem_printf("%s/image", server);
    char *page = mem_printf("%s/page", server), *half = mem_printf("%s/half", server);
    char *stored = mem_printf("%s/objects/in.png", top), *uri;
    assert_true(storage_open(&app.storage, where, NULL, http, &error));
    assert_true(write_whole(stored, png.data, png.length, &error));
    char *base64 = base64_of(png.data, png.length);
    uri = mem_printf("data:image/png;base64,%s", base64);
    expect_load(&app, json_pack("s", path), NULL);
    expect_load(&app, json_pack("{s:s}", "path", path), NULL);
    expect_load(&app, json_pack("{s:s}", "path", "/nowhere.png"), "machine that runs the render");
    expect_load(&app, json_pack("{s:s}", "key", "in.png"), NULL);
    expect_load(&app, json_pack("{s:s}", "key", "none.png"), "could not open");
    expect_load(&app, json_pack("{s:s}", "key", "../image.png"), "is no key");
    expect_load(&app, json_pack("{s:s}", "url", uri), NULL);
    expect_load(&app, json_pack("{s:s}", "url", "data:,words"), "cannot be used");
    expect_load(&app, json_pack("{s:s}", "url", url), NULL);
    expect_load(&app, json_pack("{s:s}", "url", page), "not a PNG, JPEG or WebP");
    expect_load(&app, json_pack("{s:s}", "url", half), "truncated");
    expect_load(&app, json_pack("{s:s}", "url", "ftp://host/x"), "begins with http");
    expect_load(&app, json_pack("{}"), "neither");
    expect_load(&app, json_pack("{s:i}", "url", 1), "neither");
    app.settings.private_urls = false;
    expect_load(&app, json_pack("{s:s}", "url", url), "--allow-private-urls");
    storage_close(&app.storage);
    free(base64);
    buf_free(&png);
    char *const texts[] = {where, path, url, page, half, stored, uri};
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
}

/* Of inputs that are asked for together none is in memory before the one before it has been told
 * of, so that who asks can let it go first. */
static void one_by_one(void **state) {
    (void)state;
    App app = {.http = http};
    ImageFile images[3] = {{0}};
    Got got[3] = {{0}};
    char *path = mem_printf("%s/image.png", top);
    json_t *named = json_pack("{s:s}", "path", path);
    size_t before = bytes_in_memory();
    for (size_t i = 0; i < COUNT(images); i++)
        input_load(&app, named, "x", &images[i], keep_input, &got[i]);
    json_decref(named);
    assert_int_equal(bytes_in_memory(), before);
    while (!got[0].done || !got[1].done || !got[2].done)
        loop_turn(http_loop(http));
    for (size_t i = 0; i < COUNT(images); i++) {
        assert_null(got[i].error);
        assert_int_equal(images[i].width, 3);
        image_file_free(&images[i]);
    }
    free(path);
}

/* Images from elsewhere that are large are not in memory, however many are asked for together;
 * where no more files may be open they are until they are let go. */
static void elsewhere(void **state) {
    (void)state;
    enum { LARGE = 3 << 20, EACH = 4, ALL = 2 * EACH };
    App app = {.http = http, .settings = {.private_urls = true}};
    char *error = NULL, *where = mem_printf("file:%s/objects", top);
    char *stored = mem_printf("%s/objects/large.png", top), *url = mem_printf("%s/more", server);
    Buf png = make_png(3, 2);
    char *large = mem_alloc(LARGE);
    memcpy(large, png.data, png.length);
    assert_true(storage_open(&app.storage, where, NULL, http, &error));
    assert_true(write_whole(stored, large, LARGE, &error));
    json_t *named[] = {json_pack("{s:s}", "key", "large.png"), json_pack("{s:s}", "url", url)};
    for (size_t files = 0; files <= ALL; files += ALL) {
        ImageFile images[ALL] = {{0}};
        Got got[ALL] = {{0}};
        bytes_allow(files, top);
        size_t before = bytes_in_memory(), most = files ? 0 : LARGE;
        for (size_t i = 0; i < ALL; i++)
            input_load(&app, named[i / EACH], "x", &images[i], keep_input, &got[i]);
        for (size_t i = 0; i < ALL; i++) {
            while (!got[i].done)
                loop_turn(http_loop(http));
            if (got[i].error)
                fail_msg("%s", got[i].error);
        }
        assert_int_equal(bytes_in_memory() - before, ALL * most);
        for (size_t i = 0; i < ALL; i++) {
            assert_int_equal(images[i].width, 3);
            assert_string_equal(images[i].sha256, images[i / EACH * EACH].sha256);
            bytes_let_go(images[i].bytes);
        }
        assert_int_equal(bytes_in_memory(), before);
        for (size_t i = 0; i < ALL; i++) {
            assert_true(bytes_hold(images[i].bytes, &error));
            char *all = bytes_all(images[i].bytes);
            assert_non_null(all);
            assert_memory_equal(all, png.data, png.length);
            free(all);
            image_file_free(&images[i]);
        }
    }
    bytes_allow(16, NULL);
    storage_close(&app.storage);
    for (size_t i = 0; i < COUNT(named); i++)
        json_decref(named[i]);
    buf_free(&png);
    free(large);
    free(stored);
    free(where);
    free(url);
}

/* What words of the command line name. */
static void words(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"key:ab/x.png", "key", "ab/x.png"},          {"https://host/x", "url", "https://host/x"},
        {"HTTP://host/x", "url", "HTTP://host/x"},    {"data:,x", "url", "data:,x"},
        {"/nowhere/x.png", "path", "/nowhere/x.png"}, {"ftp://x", "path", "ftp://x"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *named = input_named(cases[i][0]);
        assert_string_equal(json_string_value(json_object_get(named, cases[i][1])), cases[i][2]);
        assert_int_equal(json_object_size(named), 1);
        json_decref(named);
    }
}

/* A dropped input or fetch reports nothing. */
static void dropped(void **state) {
    (void)state;
    App app = {.http = http, .settings = {.private_urls = true}};
    ImageFile image = {0};
    Got got = {0};
    char *url = mem_printf("%s/hang", server);
    json_t *named = json_pack("{s:s}", "url", url), *bad = json_pack("{}");
    Input *fetching = input_load(&app, named, "x", &image, keep_input, &got);
    Input *waiting = input_load(&app, bad, "x", &image, keep_input, &got);
    for (int i = 0; i < 5; i++)
        input_drop(i == 0 ? fetching : i == 1 ? waiting : NULL);
    bool done = false;
    HttpRequest request = {.method = "GET",
                           .url = mem_printf("%s/image", server),
                           .reply_maximum = 1 << 20,
                           .connect_timeout_ms = 60000,
                           .idle_timeout_ms = 60000,
                           .total_timeout_ms = 60000};
    http_send(http, request, keep_reply, &done);
    while (!done)
        loop_turn(http_loop(http));
    assert_false(got.done);
    json_decref(named);
    json_decref(bad);
    free(url);
}

/* ---- setting up ---- */

static int start_server(const char *image) {
    int in[2], out[2];
    char port[16] = "";
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("perl", "perl", TEST_SERVERS "/WebServer.pm", image, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    lifeline = in[1];
    for (size_t at = 0; at < sizeof port - 1 && read(out[0], port + at, 1) == 1; at++)
        if (port[at] == '\n')
            break;
    close(out[0]);
    server = mem_printf("http://127.0.0.1:%d", atoi(port));
    return atoi(port) > 0 ? 0 : -1;
}

static int set_up(void **state) {
    (void)state;
    char *error = NULL;
    Buf png = make_png(3, 2);
    top = mem_strdup("/tmp/renderchain-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    char *path = mem_printf("%s/image.png", top);
    bool ok = write_whole(path, png.data, png.length, &error);
    http = http_new(NULL);
    int status = ok ? start_server(path) : -1;
    buf_free(&png);
    free(path);
    return status;
}

static int tear_down(void **state) {
    (void)state;
    char *command = mem_printf("rm -rf '%s'", top);
    close(lifeline);
    waitpid(child, NULL, 0);
    http_free(http);
    free(server);
    free(top);
    int status = system(command);
    free(command);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(data_uris),  cmocka_unit_test(judged),
        cmocka_unit_test(fetched),   cmocka_unit_test(not_public), cmocka_unit_test(inputs),
        cmocka_unit_test(words),     cmocka_unit_test(dropped),    cmocka_unit_test(one_by_one),
        cmocka_unit_test(elsewhere),
    };
    return cmocka_run_group_tests_name("driver input", tests, set_up, tear_down);
}
