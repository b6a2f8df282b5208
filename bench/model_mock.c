/* A model that costs next to nothing: speaks just enough of generateContent that the driver cannot
 * tell, answers from canned results after a latency, and counts. What a benchmark measures beside
 * it is the driver's and the database's work and not a model's.
 *
 * model_mock LATENCY_MS IMAGE_FILE: prints its port, ends when standard input is closed, and then
 * says on standard error how many calls there were. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, READ_MOST = 32 << 10, HEADER_MOST = 16 << 10, SCHEMA_AT_END = 8 << 10 };

/* An HTTP connection, and the one request on it. */
typedef struct Connection {
    int fd;
    char in[READ_MOST + SCHEMA_AT_END]; /* the request, but for the middle of a long one */
    size_t length;
    size_t whole;    /* how much of it will be there; 0 while that is not known */
    size_t skip;     /* how much comes before that and is of no use */
    const char *out; /* the rest of the answer */
    size_t out_left;
    double due; /* when the answer leaves */
    struct Connection *next;
} Connection;

static const struct {
    const char *sign;   /* a member of the schema in the request */
    const char *result; /* as the text of an answer */
} canned[] = {
    {"corrections", "{\\\"valid\\\":true,\\\"score\\\":0.9,\\\"errors\\\":[],\\\"warnings\\\":[],"
                    "\\\"corrections\\\":[]}"},
    {"optimizedPrompt",
     "{\\\"optimizedPrompt\\\":\\\"A modern concrete house with an oak door in the soft light of "
     "an "
     "early morning, wide windows, a gravel path and two birches, seen from the street\\\","
     "\\\"negativePrompt\\\":\\\"people, cars\\\"}"},
    {"complexity",
     "{\\\"elements\\\":[\\\"house\\\",\\\"door\\\",\\\"windows\\\",\\\"path\\\"],"
     "\\\"materials\\\":["
     "\\\"concrete\\\",\\\"oak\\\"],\\\"style\\\":\\\"modern\\\",\\\"lighting\\\":\\\"soft\\\","
     "\\\"timeOfDay\\\":\\\"morning\\\",\\\"weather\\\":\\\"clear\\\",\\\"perspective\\\":"
     "\\\"perspective\\\",\\\"cameraAngle\\\":\\\"eye-level\\\",\\\"palette\\\":[],"
     "\\\"operation\\\":"
     "\\\"create\\\",\\\"complexity\\\":\\\"medium\\\"}"},
    /* understanding and extraction: what their schemas do not name is left out by the driver */
    {"palette",
     "{\\\"palette\\\":[\\\"warm grey #8a857c\\\",\\\"oak #a67b4f\\\",\\\"sky #9fc3e0\\\",\\\"moss "
     "#5d6b3c\\\",\\\"off white #efece4\\\"],\\\"materials\\\":[\\\"concrete\\\",\\\"oak\\\"],"
     "\\\"lighting\\\":{\\\"type\\\":\\\"natural\\\",\\\"direction\\\":\\\"left\\\",\\\"mood\\\":"
     "\\\"calm\\\"},\\\"temperature\\\":\\\"warm\\\",\\\"style\\\":\\\"modern\\\",\\\"geometry\\\":"
     "{"
     "\\\"perspective\\\":\\\"perspective\\\",\\\"focalLength\\\":\\\"normal\\\","
     "\\\"cameraAngle\\\":"
     "\\\"eye-level\\\"},\\\"description\\\":\\\"A concrete house with an oak door in morning "
     "light.\\\",\\\"styleCodes\\\":{\\\"colorPalette\\\":[\\\"warm grey #8a857c\\\",\\\"oak "
     "#a67b4f\\\"],\\\"lightingStyle\\\":\\\"natural\\\",\\\"materialStyle\\\":\\\"concrete\\\","
     "\\\"architecturalStyle\\\":\\\"modern\\\"}}"},
};

enum { CANNED = sizeof canned / sizeof canned[0] };

static char *answers[CANNED + 1]; /* whole HTTP answers; the last is the picture */
static size_t answer_lengths[CANNED + 1];
static unsigned long calls[CANNED + 1];
static double latency;
static int epoll;
static Connection *first, **last = &first; /* in the order in which they are due */

/* End: nothing of this can fail but for want of memory or sockets. */
static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* Make a whole answer of the parts of a candidate. */
static void make_answer(int which, const char *part_begin, const char *value,
                        const char *part_end) {
    static const char head[] = "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{";
    static const char tail[] =
        "}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":700,"
        "\"candidatesTokenCount\":200,\"totalTokenCount\":900},\"modelVersion\":\"mock\"}";
    size_t length =
        strlen(head) + strlen(part_begin) + strlen(value) + strlen(part_end) + strlen(tail);
    size_t room = length + 200;
    char *answer = malloc(room);
    if (!answer)
        die("malloc");
    answer_lengths[which] =
        (size_t)snprintf(answer, room,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                         "%zu\r\n\r\n%s%s%s%s%s",
                         length, head, part_begin, value, part_end, tail);
    answers[which] = answer;
}

/* Read a file as base64. */
static char *base64_of(const char *path) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    FILE *file = fopen(path, "rb");
    unsigned char three[3];
    size_t used = 0, got;
    char *text = NULL;
    if (!file)
        die(path);
    while ((got = fread(three, 1, 3, file)) > 0) {
        if (used % 3072 == 0 && !(text = realloc(text, used + 3072 + 8)))
            die("realloc");
        unsigned bits = (unsigned)three[0] << 16 | (got > 1 ? (unsigned)three[1] << 8 : 0) |
                        (got > 2 ? three[2] : 0);
        for (int i = 0; i < 4; i++)
            text[used++] = (size_t)i <= got ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
    fclose(file);
    if (!text)
        die(path);
    text[used] = '\0';
    return text;
}

/* Close a connection that waits for nothing. */
static void end_connection(Connection *connection) {
    close(connection->fd);
    free(connection);
}

/* Send what is left of an answer. */
static void send_answer(Connection *connection) {
    while (connection->out_left) {
        ssize_t sent = send(connection->fd, connection->out, connection->out_left, MSG_NOSIGNAL);
        if (sent < 0) {
            struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
            if (errno == EAGAIN)
                epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
            return;
        }
        connection->out += sent;
        connection->out_left -= (size_t)sent;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Send the answers that are due. */
static void send_due(void) {
    double at = now();
    while (first && first->due <= at) {
        Connection *connection = first;
        first = connection->next;
        if (!first)
            last = &first;
        send_answer(connection);
    }
}

/* A request is complete: choose its answer by the schema, which stands at its end. */
static void answer(Connection *connection) {
    size_t tail = connection->length < SCHEMA_AT_END ? connection->length : SCHEMA_AT_END;
    const char *from = connection->in + connection->length - tail;
    /* A picture is asked for without a schema, and with a text that may hold any word. */
    bool schema = memmem(from, tail, "\"responseJsonSchema\"", 20) != NULL;
    int which = schema ? 0 : CANNED;
    while (which < CANNED && !memmem(from, tail, canned[which].sign, strlen(canned[which].sign)))
        which++;
    calls[which]++;
    connection->out = answers[which];
    connection->out_left = answer_lengths[which];
    connection->length = connection->whole = 0;
    connection->due = now() + latency;
    connection->next = NULL;
    *last = connection;
    last = &connection->next;
}

/* How long the whole request is; 0 where its header is not complete. */
static size_t request_length(const Connection *connection) {
    size_t look = connection->length < HEADER_MOST ? connection->length : HEADER_MOST;
    const char *end = memmem(connection->in, look, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t length = (size_t)(end + 4 - connection->in);
    for (const char *line = connection->in; line < end; line++) {
        if (strncasecmp(line, "content-length:", 15) == 0)
            return length + strtoul(line + 15, NULL, 10);
        if (strncasecmp(line, "expect:", 7) == 0)
            send(connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
        line = memchr(line, '\n', (size_t)(end + 2 - line));
    }
    return length;
}

/* Do not be woken before so many bytes are there: a server elsewhere would not take the processor
 * from those who are measured. */
static void wake_at(const Connection *connection, size_t bytes) {
    int wanted = (int)bytes;
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
}

/* The header is there: of what comes keep the end only, where that is long. */
static void expect_rest(Connection *connection, size_t whole) {
    size_t left = whole > connection->length ? whole - connection->length : 0;
    connection->skip = left > SCHEMA_AT_END ? left - SCHEMA_AT_END : 0;
    connection->whole = whole - connection->skip;
}

/* Read what has come; false where the other side has closed. */
static bool read_request(Connection *connection) {
    for (;;) {
        size_t most = connection->whole ? connection->whole - connection->length
                                        : READ_MOST - connection->length;
        ssize_t got = connection->skip
                          ? recv(connection->fd, NULL, connection->skip, MSG_TRUNC)
                          : recv(connection->fd, connection->in + connection->length, most, 0);
        if (got < 0 && errno == EAGAIN && connection->whole)
            wake_at(connection, connection->skip + connection->whole - connection->length);
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0)
            return false;
        if (connection->skip) {
            connection->skip -= (size_t)got;
            continue;
        }
        connection->length += (size_t)got;
        size_t whole = connection->whole ? 0 : request_length(connection);
        if (whole)
            expect_rest(connection, whole);
        if (connection->whole && connection->length >= connection->whole) {
            wake_at(connection, 1);
            answer(connection);
            return true;
        }
    }
}

/* Take new connections. */
static void take(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Connection *connection = calloc(1, sizeof *connection);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (!connection)
            die("calloc");
        connection->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Listen on loopback, and print the port. */
static int start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct rlimit files;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Serve until standard input is closed. */
static void serve(int listener) {
    static int input;
    struct epoll_event events[EVENTS];
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event closing = {.events = EPOLLIN, .data.ptr = &input};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening);
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &closing);
    for (;;) {
        double wait = first ? first->due - now() : 1000;
        /* To the microsecond: a latency in whole milliseconds would be half of one too long. */
        struct timespec until = {(time_t)(wait / 1e3), (long)(wait * 1e6) % 1000000000};
        int count =
            epoll_pwait2(epoll, events, EVENTS, wait > 0 ? &until : &(struct timespec){0}, NULL);
        for (int i = 0; i < count; i++) {
            Connection *connection = events[i].data.ptr;
            if (!connection)
                take(listener);
            else if (events[i].data.ptr == &input)
                return;
            else if (connection->out_left)
                send_answer(connection);
            else if (!read_request(connection))
                end_connection(connection);
        }
        send_due();
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: model_mock LATENCY_MS IMAGE_FILE\n", stderr);
        return 2;
    }
    latency = atof(argv[1]);
    for (int i = 0; i < CANNED; i++)
        make_answer(i, "\"text\":\"", canned[i].result, "\"");
    const char *dot = strrchr(argv[2], '.');
    char *image = base64_of(argv[2]);
    make_answer(CANNED,
                dot && strcmp(dot, ".jpg") == 0
                    ? "\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\""
                    : "\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"",
                image, "\"}");
    free(image);
    epoll = epoll_create1(0);
    serve(start());
    fprintf(stderr, "%lu validations, %lu prompts, %lu parsings, %lu looks, %lu pictures\n",
            calls[0], calls[1], calls[2], calls[3], calls[4]);
    return 0;
}
