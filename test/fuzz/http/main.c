/* Send requests, and judge what came of them: http_fuzz [CASES [SEED [FIRST]]]. Prints TAP. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fuzz.h"

enum { ANSWER_MOST = 8 << 20, WATCHDOG_MS = 60000, PATIENCE_MS = 5 };

static const char *const kinds[] = {"forms",         "documents", "ranges",
                                    "ids of events", "paths",     "mutated requests"};
static App app;
static Serve serve;

/* ---- talking ---- */

/* A conversation: a request that is sent, an answer that comes. */
typedef struct Talk {
    Case *made;
    int fd;
    LoopWatch *watch;
    size_t sent;
    Buf answer;
    bool over, late;
    LoopTimer *patience; /* with what is broken */
    size_t progress;
} Talk;

/* Send a piece of the request; in small pieces where the case says so. */
static void send_some(Talk *talk) {
    Random *random = &talk->made->random;
    size_t left = talk->made->request.length - talk->sent;
    size_t piece = chance(random, 30) ? 1 + below(random, 2000) : left;
    piece = piece < left ? piece : left;
    ssize_t sent =
        piece ? send(talk->fd, talk->made->request.data + talk->sent, piece, MSG_NOSIGNAL) : 0;
    if (sent > 0)
        talk->sent += (size_t)sent;
    else if (piece && errno != EAGAIN)
        talk->sent = talk->made->request.length; /* it has heard enough; what does it say? */
    if (talk->sent < talk->made->request.length)
        return;
    loop_watch_for(talk->watch, POLLIN);
}

/* Read what there is of the answer. */
static void read_some(Talk *talk) {
    char bytes[16384];
    ssize_t got = recv(talk->fd, bytes, sizeof bytes, 0);
    if (got > 0 && buf_append(&talk->answer, bytes, (size_t)got))
        return;
    talk->over = talk->over || got >= 0 || errno != EAGAIN;
}

static void ready(void *context, short happened) {
    Talk *talk = context;
    if ((happened & POLLOUT) && talk->sent < talk->made->request.length)
        send_some(talk);
    if (happened & ~POLLOUT)
        read_some(talk);
}

static void too_late(void *context) {
    Talk *talk = context;
    talk->over = talk->late = true;
}

/* What is broken may wait for more that never comes: go away in the middle of it, when nothing has
 * happened for a while. */
static void lose_patience(void *context) {
    Talk *talk = context;
    size_t progress = talk->sent + talk->answer.length;
    talk->over = talk->over || progress == talk->progress;
    talk->progress = progress;
    talk->patience = loop_after(http_loop(app.http), PATIENCE_MS, lose_patience, talk);
}

/* Connect to the server. */
static int connect_to_server(void) {
    const char *colon = strrchr(web_url(serve.web), ':');
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(colon + 1)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)) {
        perror("http_fuzz: could not connect");
        exit(2);
    }
    return fd;
}

/* Send a request and take the answer; false where none came in time. */
static bool talk_about(Case *made, Buf *answer) {
    Loop *loop = http_loop(app.http);
    Talk talk = {.made = made, .fd = connect_to_server()};
    buf_init(&talk.answer, ANSWER_MOST);
    talk.watch = loop_watch(loop, talk.fd, POLLIN | POLLOUT, ready, &talk);
    LoopTimer *watchdog = loop_after(loop, WATCHDOG_MS, too_late, &talk);
    if (made->mutated)
        talk.patience = loop_after(loop, PATIENCE_MS, lose_patience, &talk);
    while (!talk.over)
        loop_turn(loop);
    if (talk.patience)
        loop_cancel(loop, talk.patience);
    if (!talk.late)
        loop_cancel(loop, watchdog);
    loop_unwatch(loop, talk.watch);
    close(talk.fd);
    *answer = talk.answer;
    return !talk.late;
}

/* ---- judging ---- */

/* The value of a header of an answer; NULL where it is not there; the caller's. */
static char *header_of(const char *head, const char *name) {
    char *start = mem_printf("\r\n%s: ", name);
    const char *at = strcasestr(head, start);
    char *value = at ? mem_strndup(at + strlen(start), strcspn(at + strlen(start), "\r")) : NULL;
    free(start);
    return value;
}

/* What is wrong with any answer; NULL where nothing is. */
static const char *unsound(const Case *made, unsigned status, const char *head, const char *body,
                           size_t length) {
    const char *problem = NULL;
    char *type = header_of(head, "Content-Type");
    if (status < 100 || status > 599)
        problem = "it has no status";
    else if (strstr(head, "\nX-Injected"))
        problem = "a header was injected";
    else if (status == 500 && !made->mutated && played.asked == 0)
        problem = "it failed";
    else if (type && strcmp(type, "application/problem+json") == 0 &&
             strncmp(made->request.data ? made->request.data : "", "HEAD", 4) != 0) {
        json_t *json = json_loadb(body, length, JSON_DISABLE_EOF_CHECK, NULL);
        if (json_integer_value(json_object_get(json, "status")) != (json_int_t)status ||
            !json_is_string(json_object_get(json, "title")))
            problem = "its problem is none";
        json_decref(json);
    }
    free(type);
    return problem;
}

/* Do two texts mean the same? */
static bool means(const char *text, const char *other) {
    json_t *one = json_loads(text, 0, NULL), *two = json_loads(other, 0, NULL);
    bool same = json_equal(one, two);
    json_decref(one);
    json_decref(two);
    return same;
}

/* What did not come to the other side as it was made. */
static const char *misunderstood(const Case *made) {
    if (made->part && (!played.part || strcasecmp(played.part, made->part) != 0))
        return "its id or key came otherwise";
    if (!made->part && !made->document && !made->form && played.asked)
        return "the database was asked";
    if (made->form && !json_equal(made->form, played.form))
        return "its form came otherwise";
    if (made->document &&
        (!played.document || (made->parsed ? !means(played.document, made->document)
                                           : strcmp(played.document, made->document) != 0)))
        return "its document came otherwise";
    return NULL;
}

/* What is wrong with the bytes or events that were given out. The database may have refused. */
static const char *misgiven(const Case *made, unsigned status, const char *head, const char *body,
                            size_t length) {
    const char *problem = NULL;
    char *range = header_of(head, "Content-Range");
    bool given = status == 200 || status == 206 || status == 416;
    if (made->kind == RANGES && given && strncmp(body, "null", length) != 0) {
        if (status != made->status || !range != !made->range ||
            (range && strcmp(range, made->range) != 0))
            problem = "it is another part";
        for (size_t i = 0; status != 416 && i < length; i++)
            if (length != made->to - made->from || body[i] != object_byte(made->from + i))
                problem = "its bytes are others";
    } else if (made->kind == EVENT_IDS && made->seen < 0) {
        problem = status == 204 ? NULL : "the stream goes on";
    } else if (made->kind == EVENT_IDS && status == 200) {
        if (played.followed != made->seen)
            problem = "it goes on from elsewhere";
        else if (!strstr(body, "event: end") ||
                 !strstr(body, "event: stage") != (made->seen >= LAST_SEQ))
            problem = "its events are others";
    } else if (made->kind == PATHS && made->status && status != made->status) {
        problem = "it is somewhere";
    }
    free(range);
    return problem;
}

/* Judge an answer; NULL where all is well. */
static const char *judge(const Case *made, const Buf *answer) {
    const char *text = answer->length ? answer->data : "";
    const char *blank = strstr(text, "\r\n\r\n"), *problem = NULL;
    unsigned status = strncmp(text, "HTTP/1.1 ", 9) == 0 ? (unsigned)atoi(text + 9) : 0;
    size_t head = blank ? (size_t)(blank - text) : strlen(text);
    size_t body = blank ? head + 4 : answer->length;
    char *head_text = mem_strndup(text, head);
    if (played.wrong)
        problem = played.wrong;
    else if (answer->length || !made->mutated)
        problem = unsound(made, status, head_text, text + body, answer->length - body);
    if (!problem && !made->mutated)
        problem = misunderstood(made);
    if (!problem && !made->mutated)
        problem = misgiven(made, status, head_text, text + body, answer->length - body);
    free(head_text);
    return problem;
}

/* ---- cases ---- */

/* Show bytes as a comment of TAP. */
static void show(const char *name, const Buf *bytes) {
    printf("# %s, %zu bytes: ", name, bytes->length);
    for (size_t i = 0; i < bytes->length && i < 3000; i++) {
        unsigned char byte = (unsigned char)bytes->data[i];
        if (byte == '\n')
            printf("\\n\n#   ");
        else if (byte < ' ' || byte > '~' || byte == '\\')
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
    printf("\n");
}

/* Run a case; false where something is wrong with it, which has been said. */
static bool run_case(uint64_t seed, uint64_t number) {
    Case made = {.random = random_of(seed, number), .kind = (Kind)(number % KINDS)};
    Buf answer;
    make_case(&made);
    play_anew(&made.random);
    bool came = talk_about(&made, &answer);
    const char *problem = came ? judge(&made, &answer) : "no answer came";
    if (problem) {
        printf("# case %llu of seed %llu (%s): %s\n", (unsigned long long)number,
               (unsigned long long)seed, kinds[made.kind], problem);
        show("request", &made.request);
        show("answer", &answer);
    }
    buf_free(&answer);
    free_case(&made);
    return !problem;
}

/* Start the server. */
static bool start(uint64_t seed) {
    char *error = NULL;
    app.http = http_new(NULL);
    serve.app = &app;
    play_start(&app, seed);
    const WebOptions options = {
        .listen = "127.0.0.1:0", .admit = serve_admit, .handle = serve_handle, .context = &serve};
    if (serve_changes_open(&serve, &error) && serve_events_open(&serve, &error))
        serve.web = web_start(http_loop(app.http), &options, &error);
    if (!serve.web)
        fprintf(stderr, "http_fuzz: %s\n", error);
    free(error);
    return serve.web != NULL;
}

int main(int argc, char **argv) {
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    size_t failures[KINDS] = {0}, counts[KINDS] = {0};
    int status = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* What is refused is said to the operator, thousands of times; sanitizers still say theirs. */
    stderr = fopen("/dev/null", "w");
    if (!stderr || !start(seed))
        return 2;
    for (uint64_t number = first; number < first + cases; number++) {
        size_t kind = number % KINDS;
        counts[kind]++;
        if (failures[kind] < 3 && !run_case(seed, number))
            failures[kind]++;
    }
    web_stop(serve.web);
    if (serve.viewers) {
        printf("# viewers are left that have gone\n");
        failures[MUTATIONS]++;
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        printf("%s %zu - %s (%zu cases of seed %llu)\n", failures[kind] ? "not ok" : "ok", kind + 1,
               kinds[kind], counts[kind], (unsigned long long)seed);
        status = failures[kind] ? 1 : status;
    }
    printf("1..%d\n", KINDS);
    return status;
}
