/* renderchain-localmodel: a model server of our own on a loopback port, for working without a
 * network and without a key, and for tests that need a model to be slow or to fail. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "frame.h"
#include "server.h"

#define PROGRAM "renderchain-localmodel"
#define KEY_VARIABLE "RENDERCHAIN_LOCALMODEL_KEY"

enum { EXIT_USAGE = 2, LATENCY_MOST = 600000 };

static const char help[] =
    "Usage: " PROGRAM " [OPTION]...\n"
    "A small model server: parses prompts, measures images, draws architectural scenes.\n"
    "It listens on 127.0.0.1 and prints its port first, on a line of its own.\n"
    "\n"
    "  --port N          listen on this port; 0, the default, lets the system pick one\n"
    "  --latency-ms N    answer exactly N milliseconds after a request has come in\n"
    "  --fault WHEN=WHAT fail on purpose, repeatable.  WHEN: the number of a call, a stage\n"
    "                    (image_generation) or its nth call (image_generation#2).\n"
    "                    WHAT: an HTTP status, or one of malformed, cut, hang, reset, empty,\n"
    "                    blocked, refused-image, text, slow, huge, truncated-json\n"
    "  --canned          work results out once, at the start, so that only latency counts\n"
    "  --key KEY         accept only this key (better: the variable " KEY_VARIABLE ")\n"
    "  --exit-on-eof     end when standard input is closed\n"
    "  --frame           read an MP4 video from standard input and write the frame in its\n"
    "                    middle to standard output as a PNG, and nothing else\n"
    "  --help, --version\n"
    "\n"
    "GET /control/calls shows what was asked so far, as JSON.\n";

/* What the command line says. */
typedef struct Options {
    ServerOptions server;
    bool exit_on_eof, frame, help, version;
} Options;

static bool read_number(const char *text, long most, long *number) {
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 0 && *number <= most;
}

/* Say what is wrong with an option's value. */
static bool complain(const char *option, const char *value, const char *why) {
    fprintf(stderr, PROGRAM ": --%s \"%s\": %s\nTry --help.\n", option, value, why);
    return false;
}

/* Take one option. */
static bool take_option(int option, const char *value, Options *options) {
    const char *why;
    long number;
    switch (option) {
    case 'p':
        if (!read_number(value, 65535, &number))
            return complain("port", value, "not a number from 0 to 65535");
        options->server.port = (uint16_t)number;
        return true;
    case 'l':
        if (!read_number(value, LATENCY_MOST, &number))
            return complain("latency-ms", value, "not a number from 0 to 600000");
        options->server.latency_ms = (int)number;
        return true;
    case 'f':
        return faults_add(&options->server.faults, value, &why) || complain("fault", value, why);
    case 'c':
        options->server.canned = true;
        return true;
    case 'k':
        options->server.key = value;
        return true;
    case 'e':
        options->exit_on_eof = true;
        return true;
    case 'm':
        options->frame = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 'v':
        options->version = true;
        return true;
    default:
        fputs("Try --help.\n", stderr);
        return false;
    }
}

static bool read_options(int argc, char **argv, Options *options) {
    static const struct option table[] = {
        {"port", required_argument, NULL, 'p'},  {"latency-ms", required_argument, NULL, 'l'},
        {"fault", required_argument, NULL, 'f'}, {"canned", no_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},   {"exit-on-eof", no_argument, NULL, 'e'},
        {"frame", no_argument, NULL, 'm'},       {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},     {NULL, 0, NULL, 0},
    };
    int option;
    const char *key = getenv(KEY_VARIABLE);
    options->server.key = key && *key ? key : NULL;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
        if (!take_option(option, optarg, options))
            return false;
    if (optind < argc) {
        fprintf(stderr, PROGRAM ": \"%s\" is not an option\nTry --help.\n", argv[optind]);
        return false;
    }
    return true;
}

/* Wait for SIGINT or SIGTERM, or for the end of standard input. */
static void wait_for_end(int signals, bool exit_on_eof) {
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                           {.fd = exit_on_eof ? STDIN_FILENO : -1, .events = POLLIN}};
    for (;;) {
        char scrap[256];
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents)
            return;
        if (fds[1].revents && read(STDIN_FILENO, scrap, sizeof scrap) <= 0)
            return;
    }
}

int main(int argc, char **argv) {
    Options options = {0};
    const char *why = "";
    sigset_t ending;
    if (!read_options(argc, argv, &options))
        return EXIT_USAGE;
    if (options.help || options.version) {
        fputs(options.help ? help : PROGRAM " " RC_VERSION "\n", stdout);
        return EXIT_SUCCESS;
    }
    if (options.frame) {
        bool ok = frame_print(&why);
        if (!ok)
            fprintf(stderr, PROGRAM ": --frame: %s\n", why);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    /* Before any thread starts, so that all of them leave the signals to us. */
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    Server *server = server_start(&options.server, &why);
    if (!server) {
        fprintf(stderr, PROGRAM ": could not start: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("%u\n", (unsigned)server_port(server));
    fflush(stdout);
    wait_for_end(signals, options.exit_on_eof);
    server_stop(server);
    close(signals);
    return EXIT_SUCCESS;
}
