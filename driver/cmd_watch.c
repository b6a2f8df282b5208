/* renderchain watch: a render, a chain, or everything, live. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "follow.h"
#include "options.h"
#include "query.h"
#include "request.h"
#include "signals.h"
#include "table.h"
#include "watch_show.h"

enum { EXPECT_MS = 60000 };

typedef struct WatchCommand {
    App app;
    Follow *follow;
    WatchedList list;
    WatchScreen *screen; /* NULL where lines are printed */
    LoopTimer *expect_timer;
    const char *render; /* the one render that is watched, or NULL */
    char *chain;        /* its id, or NULL; owned */
    bool heard, failed, over;
    int signals;
    ExitCode code;
} WatchCommand;

static const char notes[] =
    "Without RENDER or CHAIN (its id or name) it watches everything until it is interrupted.\n"
    "Of a chain it watches what has not ended, and what comes while it watches, until nothing is\n"
    "left. How long stages usually take is the median of the renders that ended last.\n"
    "The exit code is 0 where all that was watched completed, 1 where a render failed or was\n"
    "cancelled, 5 where there is none, 9 after an interrupt, which ends only the watching.";

/* What is known of how long stages take; without it, nothing is expected. */
static void expected_came(void *context, const DbReply *reply) {
    WatchCommand *command = context;
    if (reply->ok)
        watched_expect(&command->list, reply->result);
}

/* Ask for it now and again. */
static void ask_expected(void *context) {
    WatchCommand *command = context;
    db_call_once(command->app.db, "select * from renderchain.expected_durations()", 0, NULL,
                 expected_came, command);
    command->expect_timer =
        loop_after(http_loop(command->app.http), EXPECT_MS, ask_expected, command);
}

/* A render has changed. */
static void news(void *context, const json_t *render) {
    WatchCommand *command = context;
    const char *status = json_string_value(json_object_get(render, "status"));
    bool deleted = status && strcmp(status, "deleted") == 0;
    if (deleted && !command->heard)
        return; /* there never was one: end says so */
    command->heard = true;
    Watched *watched = watched_news(&command->list, render);
    command->failed = command->failed || (watched->ended && strcmp(status, "completed") != 0);
    if (command->screen)
        return;
    watch_lines_news(watched, render, command->app.settings.json);
    watched->shown = watched->ended;
}

/* Forget what has ended and been shown; is anything left that has not ended? */
static bool any_left(WatchCommand *command) {
    bool left = false;
    for (Watched *watched = command->list.first, *next; watched; watched = next) {
        next = watched->next;
        left = left || !watched->ended;
        if (watched->ended && watched->shown)
            watched_drop(&command->list, watched);
    }
    return left;
}

/* All that had changed has been told. */
static void told(void *context) {
    WatchCommand *command = context;
    if (command->screen)
        watch_screen_draw(command->screen);
    bool left = any_left(command);
    if (!left && (command->render || command->chain))
        command->over = true;
}

/* The connection was lost, or is there again. */
static void changed(void *context, bool up, const char *words) {
    WatchCommand *command = context;
    char *line = mem_printf("%s; connecting again", words);
    if (command->screen)
        watch_screen_notice(command->screen, up ? NULL : line);
    else
        watch_lines_database(up, line, command->app.settings.json);
    free(line);
}

/* The database refuses to tell. */
static void refused(void *context, const DbReply *reply) {
    WatchCommand *command = context;
    command->code = app_database_error(&command->app.settings, reply->sqlstate, reply->message,
                                       reply->detail, reply->hint);
    command->over = true;
}

/* A signal ends the watching. */
static void signalled(void *context, short happened) {
    WatchCommand *command = context;
    (void)happened;
    command->over = true;
    command->code = command->render || command->chain ? EXIT_INTERRUPTED : EXIT_OK;
}

/* Find out what is meant: an id may be a render's or a chain's. */
static bool find_watched(WatchCommand *command, const char *name) {
    const char *parameters[] = {name};
    DbAnswer answer;
    if (is_uuid(name)) {
        static const char sql[] =
            "select renderchain.watch_renders(pg_catalog.jsonb_build_object($1::text, "
            "'{}'::jsonb)) #>> '{renders,0,status}'";
        if (!query(&command->app, sql, 1, parameters, &answer, &command->code)) {
            db_answer_free(&answer);
            return false;
        }
        bool there = strcmp(PQgetvalue(answer.result, 0, 0), "deleted") != 0;
        db_answer_free(&answer);
        if (there) {
            command->render = name;
            return true;
        }
    }
    bool found = query(&command->app, "select renderchain.find_chain($1::text)", 1, parameters,
                       &answer, &command->code);
    if (found)
        command->chain = mem_strdup(PQgetvalue(answer.result, 0, 0));
    db_answer_free(&answer);
    return found;
}

/* Print the result of the one render that was watched, as every command that ends with one. */
static void print_result(WatchCommand *command) {
    const char *parameters[] = {command->render};
    ExitCode code =
        query_and_print(&command->app, "renderchain.get_render($1::uuid)", 1, parameters, "");
    if (code != EXIT_OK)
        command->code = code;
}

/* Watch until it is over. */
static void run(WatchCommand *command) {
    const FollowEars ears = {news, told, changed, refused, command};
    const Settings *settings = &command->app.settings;
    Loop *loop = http_loop(command->app.http);
    const char *terminal = getenv("TERM");
    command->signals = signals_watch(loop, signalled, command, NULL);
    if (!settings->json && isatty(STDOUT_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0)) {
        command->screen = watch_screen_new(loop, &command->list);
        ask_expected(command);
    }
    command->follow = follow_start(command->app.db, loop, command->chain,
                                   !command->render && !command->chain, &ears);
    if (command->render)
        follow_render(command->follow, command->render, 0);
    while (!command->over)
        loop_turn(loop);
    if (command->code == EXIT_OK && command->failed && (command->render || command->chain))
        command->code = EXIT_RENDER_FAILED;
    if (command->chain && !command->heard && !settings->json)
        puts("nothing waits or runs in this chain");
    if (command->render && settings->json && command->code <= EXIT_RENDER_FAILED)
        print_result(command);
}

/* Close everything. */
static void close_command(WatchCommand *command) {
    Loop *loop = http_loop(command->app.http);
    if (command->expect_timer)
        loop_cancel(loop, command->expect_timer);
    watch_screen_free(command->screen);
    follow_stop(command->follow);
    app_close(&command->app);
    watched_free(&command->list);
    free(command->chain);
    if (command->signals >= 0)
        close(command->signals);
}

/* renderchain watch */
int cmd_watch(int argc, char **argv) {
    const CommandLine line = {"watch [RENDER|CHAIN]",
                              "Watch renders as they run: stages, times, costs.",
                              NULL,
                              0,
                              0,
                              1,
                              notes};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    WatchCommand command = {.signals = -1};
    if (app_open(&command.app, &settings, &command.code) &&
        (!positional[0] || find_watched(&command, positional[0])))
        run(&command);
    close_command(&command);
    return command.code;
}
