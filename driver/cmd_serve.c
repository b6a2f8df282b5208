/* renderchain serve: options, signals, and the loop that the server runs on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "commands.h"
#include "files.h"
#include "options.h"
#include "query.h"
#include "serve.h"
#include "signals.h"

typedef struct ServeCommand {
    App app;
    Serve serve;
    WebOptions web;
    const char *rate;
    bool with_worker, over;
    int signals;
    Child worker;
    ExitCode code;
} ServeCommand;

static const char notes[] =
    "It submits renders to the queue, for workers to run. Every request but /healthz needs a\n"
    "token (renderchain token create); it acts for the token's user, to whom what is somebody\n"
    "else's does not exist. It ends by SIGTERM or SIGINT. See docs/http.md.";

/* Parse; -1 to go on, or the exit code. */
static int parse(ServeCommand *command, int argc, char **argv, Settings *settings) {
    command->web.listen = "127.0.0.1:8080";
    const Option table[] = {
        {"listen", "ADDRESS:PORT", OPTION_TEXT, &command->web.listen,
         "where to listen (default 127.0.0.1:8080); port 0 is a free one"},
        {"cors", "ORIGIN", OPTION_TEXT, &command->web.cors,
         "let pages of that origin ask, * being all (default: none)"},
        {"rate", "N", OPTION_TEXT, &command->rate,
         "requests a second that a token may make, 5 s of them at once (default 50; 0: no limit)"},
        {"with-worker", NULL, OPTION_FLAG, &command->with_worker,
         "run a worker beside it, with the same options, that ends with it"},
    };
    const CommandLine line = {
        "serve", "Answer HTTP requests for users.", table, OPTION_COUNT(table), 0, 0, notes};
    char **positional, *end;
    int code = options_parse(&line, argc, argv, settings, &positional);
    if (code >= 0)
        return code;
    command->serve.rate = 50;
    if (command->rate) {
        command->serve.rate = strtod(command->rate, &end);
        if (*end || end == command->rate || !(command->serve.rate >= 0))
            return usage_error(&line, "--rate is \"%s\"; it is a number from 0", command->rate);
    }
    return -1;
}

/* A signal ends it. */
static void signalled(void *context, short happened) {
    ServeCommand *command = context;
    (void)happened;
    command->over = true;
}

/* Let as many connections be open as we may. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Say a line. */
static void say(const ServeCommand *command, const char *event, const char *words,
                const char *more) {
    if (command->app.settings.json)
        print_json_line(json_pack("{s:s, s:s}", "event", event, "message", more));
    else
        printf("%s%s\n", words, more);
    fflush(stdout);
}

/* The connection for requests was lost, or is there again; requests meanwhile get 503. */
static void changed(void *context, bool up, const char *words) {
    say(context, up ? "database_back" : "database_lost",
        up ? "connected to the database again" : "", words);
}

/* The worker has ended, which it should not before us. */
static void worker_ended(void *context, int code) {
    ServeCommand *command = context;
    if (command->over)
        return;
    say(command, "worker_ended", "the worker has ended; ", "so does the server");
    command->code = code == EXIT_OK ? EXIT_INTERNAL : (ExitCode)code;
    command->over = true;
}

/* Start a worker with the options that are not only ours. */
static bool start_worker(ServeCommand *command, int argc, char **argv, char **error) {
    static const char *const own[] = {"--listen", "--cors", "--rate", NULL};
    char **words = child_words("worker", argc, argv, own, "--with-worker");
    bool ok = child_start(&command->worker, http_loop(command->app.http), words, worker_ended,
                          command, error);
    free(words);
    return ok;
}

/* Serve until a signal. */
static ExitCode run(ServeCommand *command, int argc, char **argv) {
    Serve *serve = &command->serve;
    Loop *loop = http_loop(command->app.http);
    char *error = NULL;
    ExitCode code = EXIT_DATABASE;
    serve->app = &command->app;
    command->web.admit = serve_admit;
    command->web.handle = serve_handle;
    command->web.context = serve;
    db_stay(command->app.db, changed, command);
    if (serve_changes_open(serve, &error) && serve_events_open(serve, &error)) {
        code = EXIT_USAGE;
        serve->web = web_start(loop, &command->web, &error);
    }
    if (serve->web && (!command->with_worker || start_worker(command, argc, argv, &error))) {
        command->signals = signals_watch(loop, signalled, command, NULL);
        say(command, "listening", "listening on ", web_url(serve->web));
        while (!command->over)
            loop_turn(loop);
        code = command->code;
    } else {
        app_error(&command->app.settings, error, NULL, NULL);
    }
    web_stop(serve->web);
    child_stop(&command->worker);
    serve_events_close(serve);
    serve_changes_close(serve);
    serve_metrics_close(serve);
    free(error);
    return code;
}

/* renderchain serve */
int cmd_serve(int argc, char **argv) {
    ServeCommand *command = mem_alloc(sizeof *command);
    Settings settings;
    ExitCode exit_code = EXIT_OK;
    settings_from_environment(&settings);
    int code = parse(command, argc, argv, &settings);
    command->signals = -1;
    if (code < 0) {
        raise_file_limit();
        bytes_allow(0, file_temporary_directory());
        if (app_start(&command->app, &settings, &exit_code) &&
            app_open_storage_to_read(&command->app, &exit_code) &&
            app_connect(&command->app, &exit_code))
            exit_code = run(command, argc, argv);
        app_close(&command->app);
        bytes_allow(0, NULL);
        code = exit_code;
    }
    if (command->signals >= 0)
        close(command->signals);
    free(command);
    return code;
}
