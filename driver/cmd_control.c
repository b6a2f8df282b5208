/* renderchain cancel and retry: what a person decides about a render. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"
#include "request.h"

/* What the two have in common: one render, one function, which gives the status after it. */
typedef struct Control {
    CommandLine line;
    const char *sql;
    const char *status;  /* that it has if all went well */
    const char *done;    /* what is said then */
    const char *instead; /* what is said where it has another one */
} Control;

static const Control cancelling = {
    .line = {"cancel RENDER",
             "Cancels a render that waits or runs: its credits come back, and whoever runs it is\n"
             "told to stop.",
             NULL, 0, 1, 1, NULL},
    .sql = "select renderchain.cancel_render($1::uuid)",
    .status = "cancelled",
    .done = "cancelled",
    .instead = "not cancelled: it had ended before, as"};

static const Control retrying = {
    .line =
        {"retry RENDER",
         "Starts a failed or cancelled render again, for a worker to run: credits are reserved\n"
         "anew, analyses are reused, the picture is made (and paid for) again.",
         NULL, 0, 1, 1, NULL},
    .sql = "select renderchain.retry_render($1::uuid)",
    .status = "pending",
    .done = "queued again",
    .instead = "not queued again: it is"};

/* Ask, and say what came of it. */
static ExitCode ask(App *app, const Control *control, const char *id) {
    const char *parameters[] = {id};
    DbAnswer answer;
    ExitCode code = EXIT_OK;
    if (query(app, control->sql, 1, parameters, &answer, &code)) {
        const char *status = PQgetvalue(answer.result, 0, 0);
        bool done = strcmp(status, control->status) == 0;
        if (app->settings.json)
            print_json_line(json_pack("{s:s, s:s}", "renderId", id, "status", status));
        else if (done)
            printf("render %s %s\n", id, control->done);
        else
            printf("render %s was %s %s\n", id, control->instead, status);
        code = done ? EXIT_OK : EXIT_RENDER_FAILED;
    }
    db_answer_free(&answer);
    return code;
}

/* Run one of the two. */
static int run(const Control *control, int argc, char **argv) {
    Settings settings;
    char **positional;
    App app = {0};
    ExitCode exit_code = EXIT_OK;
    int code = command_parse(&control->line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!is_uuid(positional[0]))
        return value_error(&settings, "\"%s\" is no render: its id is a UUID", positional[0]);
    if (app_open(&app, &settings, &exit_code))
        exit_code = ask(&app, control, positional[0]);
    app_close(&app);
    return exit_code;
}

/* renderchain cancel */
int cmd_cancel(int argc, char **argv) {
    return run(&cancelling, argc, argv);
}

/* renderchain retry */
int cmd_retry(int argc, char **argv) {
    return run(&retrying, argc, argv);
}
