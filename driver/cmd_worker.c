/* renderchain worker: options, signals, and the loop that a worker runs on. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "query.h"
#include "signals.h"
#include "worker.h"

enum {
    CONCURRENCY_MOST = 10000,
    LEASE_LONGEST = 86400,
    GRACE_LONGEST = 86400,
    RENDERS_A_LANE = 32, /* up to 4 connections */
    LANES_BY_DEFAULT = 4,
    FILES_A_RENDER = 8,        /* connections to models and storage */
    IMAGES_A_RENDER = 4,       /* which stay open where they can be read from again */
    KEPT_A_RENDER = 192 << 10, /* bytes of images in memory while nobody sends them ... */
    KEEPING_RENDERS = 64,      /* ... of at most so many renders */
    FILES_BESIDE = 64,
    FILES_AT_LEAST = 16 /* the loop's own, the database's, standard output ... */
};

typedef struct WorkerCommand {
    App app;
    Worker worker;
    WorkerOptions options;
    const char *concurrency, *lease, *grace, *connections;
    int signals;
    LoopWatch *watch; /* of signals */
} WorkerCommand;

static const char notes[] =
    "It ends by SIGTERM or SIGINT: no more is claimed, renders have --grace seconds to end, what\n"
    "has not ended goes back into the queue; a second signal gives back at once. What a worker\n"
    "holds in memory when the database goes away is recorded when it is there again.\n"
    "See docs/operations.md.";

/* Read a whole number between two; false where it is none, which has been explained. */
static bool number(const Settings *settings, const char *option, const char *text, int least,
                   int most, int *value) {
    char *end;
    if (!text)
        return true;
    errno = 0;
    long read = strtol(text, &end, 10);
    if (errno || end == text || *end || read < least || read > most) {
        value_error(settings, "--%s is \"%s\"; it is a whole number from %d to %d", option, text,
                    least, most);
        return false;
    }
    *value = (int)read;
    return true;
}

/* Parse; -1 to go on, or the exit code. */
static int parse(WorkerCommand *command, int argc, char **argv, Settings *settings) {
    WorkerOptions *options = &command->options;
    const Option table[] = {
        {"concurrency", "N", OPTION_TEXT, &command->concurrency,
         "renders at once (default 64, most 10000)"},
        {"lease", "SECONDS", OPTION_TEXT, &command->lease,
         "how long a render stays with a worker that is not heard of (default 60, from 3)"},
        {"grace", "SECONDS", OPTION_TEXT, &command->grace,
         "how long renders may take to end after a signal (default 30)"},
        {"drain", NULL, OPTION_FLAG, &options->drain, "stop when the queue is empty"},
        {"type", "TYPE", OPTION_TEXT, &options->type, "claim only image or only video renders"},
        {"name", "NAME", OPTION_TEXT, &options->name,
         "what the worker's name begins with (default: the host's name)"},
        {"connections", "N", OPTION_TEXT, &command->connections,
         "to the database (default: one for every 32 renders at once, at most 4; most 16)"},
    };
    const CommandLine line = {"worker", "Claims renders from the queue and runs many at once.",
                              table,    OPTION_COUNT(table),
                              0,        0,
                              notes};
    char **positional;
    int code = options_parse(&line, argc, argv, settings, &positional);
    if (code >= 0)
        return code;
    *options = (WorkerOptions){.concurrency = 64,
                               .lease_seconds = 60,
                               .grace_seconds = 30,
                               .type = options->type,
                               .name = options->name,
                               .drain = options->drain};
    if (!number(settings, "concurrency", command->concurrency, 1, CONCURRENCY_MOST,
                &options->concurrency) ||
        !number(settings, "lease", command->lease, 3, LEASE_LONGEST, &options->lease_seconds) ||
        !number(settings, "grace", command->grace, 0, GRACE_LONGEST, &options->grace_seconds))
        return EXIT_USAGE;
    options->connections = (options->concurrency + RENDERS_A_LANE - 1) / RENDERS_A_LANE;
    if (options->connections > LANES_BY_DEFAULT)
        options->connections = LANES_BY_DEFAULT;
    if (!number(settings, "connections", command->connections, 1, WORKER_LANES_MOST,
                &options->connections))
        return EXIT_USAGE;
    if (options->type && strcmp(options->type, "image") != 0 && strcmp(options->type, "video") != 0)
        return usage_error(&line, "--type is \"%s\"; it is image or video", options->type);
    return -1;
}

/* How many files the renders may need for connections. */
static rlim_t files_wanted(int concurrency) {
    return (rlim_t)concurrency * FILES_A_RENDER + FILES_BESIDE;
}

/* Let as many files be open as that, as far as we may. */
static void raise_file_limit(int concurrency) {
    struct rlimit limit;
    rlim_t wanted = files_wanted(concurrency) + (rlim_t)concurrency * IMAGES_A_RENDER;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Keep connections open between requests, as many as there may be requests at once, where that
 * leaves enough files to others. Where there are few, requests take turns, as what they bring has
 * to be written to a file. */
static void keep_connections(Loop *loop, int concurrency) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur >= files_wanted(concurrency))
        loop_keep_connections(loop, (long)concurrency * FILES_A_RENDER / 2);
    else
        loop_bound_connections(loop, limit.rlim_cur > FILES_AT_LEAST
                                         ? (long)(limit.rlim_cur - FILES_AT_LEAST + 1) / 2
                                         : 1);
}

/* Have images put away while nobody sends them, but for those of a few renders, which take less
 * time than reading them again: with as many files open as are left by connections. */
static void put_images_away(int concurrency) {
    struct rlimit limit;
    rlim_t most = (rlim_t)concurrency * IMAGES_A_RENDER, taken = files_wanted(concurrency);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < taken)
        most = 0;
    else if (limit.rlim_cur - taken < most)
        most = limit.rlim_cur - taken;
    bytes_allow(most, file_temporary_directory());
    bytes_keep((size_t)(concurrency < KEEPING_RENDERS ? concurrency : KEEPING_RENDERS) *
               KEPT_A_RENDER);
}

/* A signal stops the worker, and the second one makes it hurry; SIGHUP has it read the models
 * again and do what else it does now and then. */
static void signalled(void *context, short happened) {
    WorkerCommand *command = context;
    struct signalfd_siginfo info;
    (void)happened;
    if (read(command->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGHUP)
        worker_upkeep_now(&command->worker);
    else
        worker_stop(&command->worker);
}

/* Read the models that renders are routed to. */
static bool read_models(App *app, ExitCode *code) {
    DbAnswer answer;
    char *error = NULL;
    bool ok = query(app, "select renderchain.get_registry()", 0, NULL, &answer, code);
    if (ok && !registry_read(&app->registry, PQgetvalue(answer.result, 0, 0), &error)) {
        app_error(&app->settings, error, NULL, NULL);
        *code = EXIT_DATABASE;
        ok = false;
    }
    free(error);
    db_answer_free(&answer);
    return ok;
}

/* Run until stopped. */
static ExitCode run(WorkerCommand *command) {
    Worker *worker = &command->worker;
    char *error = NULL;
    ExitCode code = EXIT_DATABASE;
    command->signals =
        signals_watch(http_loop(command->app.http), signalled, command, &command->watch);
    keep_connections(http_loop(command->app.http), command->options.concurrency);
    put_images_away(command->options.concurrency);
    if (worker_start(worker, &command->app, &command->options, &error)) {
        while (worker->state != WORKER_STOPPED)
            loop_turn(http_loop(command->app.http));
        char *left = worker->unreturned ? mem_printf(", %zu not given back", worker->unreturned)
                                        : mem_strdup("");
        worker_say(worker, "stopped", "%zu completed, %zu failed, %zu requeued, %zu dropped%s",
                   worker->completed, worker->failed, worker->requeued, worker->lost, left);
        free(left);
        code = worker->exit_code;
    } else {
        app_error(&command->app.settings, error, NULL, NULL);
        free(error);
    }
    worker_close(worker);
    if (command->watch)
        loop_unwatch(http_loop(command->app.http), command->watch);
    return code;
}

/* renderchain worker */
int cmd_worker(int argc, char **argv) {
    WorkerCommand *command = mem_alloc(sizeof *command);
    Settings settings;
    ExitCode exit_code = EXIT_OK;
    settings_from_environment(&settings);
    int code = parse(command, argc, argv, &settings);
    if (code >= 0) {
        free(command);
        return code;
    }
    command->signals = -1;
    raise_file_limit(command->options.concurrency);
    if (app_start(&command->app, &settings, &exit_code) &&
        app_open_models(&command->app, &exit_code) && app_connect(&command->app, &exit_code) &&
        read_models(&command->app, &exit_code))
        exit_code = run(command);
    app_close(&command->app);
    bytes_allow(0, NULL);
    bytes_keep(0);
    if (command->signals >= 0)
        close(command->signals);
    free(command);
    return exit_code;
}
