/* Timers fire in the order in which they are due, however many there are and whichever are taken
 * out again; a request is sent whole before another one is begun; and the state of a stage that
 * waits to be recorded takes the place of the one before.
 */
#include "driver_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "render.h"

enum { TIMERS = 500, REQUESTS = 6, BODY = 48 << 10, PIECE = 16 << 10 };

static Loop *loop;
static double due[TIMERS], last_due;
static unsigned fired;
static LoopTimer *own;

static void ignore_transfer(void *context, CURL *easy, CURLcode code) {
    (void)context;
    (void)easy;
    (void)code;
}

/* Fire: never before one that is due earlier. */
static void fire(void *context) {
    double at = *(double *)context;
    assert_true(at >= last_due);
    last_due = at;
    fired++;
}

/* Take the timer out that is being fired: it goes by itself. */
static void fire_and_cancel(void *context) {
    (void)context;
    loop_cancel(loop, own);
    fired++;
}

static void in_order(void **state) {
    (void)state;
    LoopTimer *timers[TIMERS];
    unsigned left = 0, random = 1;
    fired = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        random = random * 1103515245 + 12345;
        due[i] = random >> 16 & 15;
        timers[i] = loop_after(loop, due[i], fire, &due[i]);
    }
    for (size_t i = 0; i < TIMERS; i++)
        if (i % 3)
            left++;
        else
            loop_cancel(loop, timers[i]);
    while (fired < left)
        loop_turn(loop);
    assert_int_equal(fired, left);
}

static void cancels_itself(void **state) {
    (void)state;
    fired = 0;
    own = loop_after(loop, 0, fire_and_cancel, NULL);
    LoopTimer *later = loop_after(loop, 1, fire, &(double){1e9});
    while (!fired)
        loop_turn(loop);
    loop_cancel(loop, later);
    loop_after(loop, 2, fire, &(double){1e9}); /* freed with the loop */
    assert_int_equal(fired, 1);
}

static char order[REQUESTS * BODY / PIECE * 2 + 1]; /* which request each piece was of */
static size_t left[REQUESTS];

/* Give libcurl a piece of a request's body, and note whose. */
static size_t give_piece(char *data, size_t size, size_t count, void *context) {
    size_t which = (size_t)((size_t *)context - left), length = size * count;
    if (length > left[which])
        length = left[which];
    memset(data, 'x', length);
    left[which] -= length;
    if (length)
        order[strlen(order)] = (char)('0' + which);
    return length;
}

/* Listen on loopback, for connections that nobody takes: what is sent stays in their buffers. */
static int listen_for(char *url, size_t room) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, REQUESTS * 2), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, room, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    return fd;
}

/* Of requests that begin together the pieces of each leave one after the other; on groups of
 * connections as well. */
static void sent_whole(void **state) {
    (void)state;
    char url[64];
    int fd = listen_for(url, sizeof url);
    CURL *easy[REQUESTS];
    LoopTransfers *groups[REQUESTS];
    loop_keep_connections(loop, 512);
    for (size_t i = 0; i < REQUESTS; i++) {
        left[i] = BODY;
        easy[i] = curl_easy_init();
        curl_easy_setopt(easy[i], CURLOPT_URL, url);
        curl_easy_setopt(easy[i], CURLOPT_NOPROXY, "*");
        curl_easy_setopt(easy[i], CURLOPT_POST, 1L);
        curl_easy_setopt(easy[i], CURLOPT_POSTFIELDSIZE, (long)BODY);
        curl_easy_setopt(easy[i], CURLOPT_UPLOAD_BUFFERSIZE, (long)PIECE);
        curl_easy_setopt(easy[i], CURLOPT_READFUNCTION, give_piece);
        curl_easy_setopt(easy[i], CURLOPT_READDATA, &left[i]);
        groups[i] = loop_transfer(loop, easy[i]);
        assert_non_null(groups[i]);
    }
    assert_ptr_not_equal(groups[0], groups[1]);
    for (size_t i = 0; i < REQUESTS; i++)
        while (left[i])
            loop_turn(loop);
    unsigned changes = 0;
    for (const char *at = order; at[1]; at++)
        changes += at[0] != at[1];
    assert_int_equal(changes, REQUESTS - 1);
    for (size_t i = 0; i < REQUESTS; i++) {
        loop_drop(groups[i], easy[i]);
        curl_easy_cleanup(easy[i]);
    }
    close(fd);
}

static void one_event_a_stage(void **state) {
    (void)state;
    App app = {0};
    Render render;
    render_init(&render, &app);
    StageRun parsing = {
        .render = &render, .kind = &stage_kinds[STAGE_SEMANTIC_PARSING], .part = ""};
    StageRun looks[] = {
        {.render = &render, .kind = &stage_kinds[STAGE_IMAGE_UNDERSTANDING], .part = "reference 1"},
        {.render = &render, .kind = &stage_kinds[STAGE_IMAGE_UNDERSTANDING], .part = "style"}};
    parsing.state = looks[0].state = looks[1].state = STATE_RUNNING;
    events_add(&parsing);
    events_add(&looks[0]);
    events_add(&looks[1]);
    looks[0].state = STATE_SUCCESS;
    looks[0].duration = 1.6;
    events_add(&looks[0]);
    assert_int_equal(json_array_size(render.events), 3);
    const json_t *last = json_array_get(render.events, 2);
    assert_string_equal(json_string_value(json_object_get(last, "part")), "reference 1");
    assert_string_equal(json_string_value(json_object_get(last, "status")), "success");
    assert_int_equal(json_integer_value(json_object_get(last, "durationMs")), 2);
    assert_null(json_object_get(last, "output"));
    json_decref(render.events);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(sent_whole),
                                       cmocka_unit_test(cancels_itself),
                                       cmocka_unit_test(one_event_a_stage)};
    loop = loop_new(ignore_transfer, NULL);
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(loop);
    return status;
}
