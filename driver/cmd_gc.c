/* renderchain gc: remove doomed objects from storage, or compare storage with the table. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "commands.h"
#include "options.h"
#include "query.h"
#include "table.h"
#include "verify.h"

enum { STEP = 200 }; /* objects */

static const char notes[] =
    "Objects are doomed with renders that fail, are cancelled or deleted; each is removed when\n"
    "nobody can be writing it any more (the setting renderchain.upload_grace). What cannot be\n"
    "removed is tried again by the next gc or worker, later and later.\n"
    "Exit code 8 where something could not be removed, or --verify found a problem.";

/* What was done so far, in as many steps as it took. */
typedef struct Collection {
    App *app;
    bool stepping;
    unsigned removed, absent, failed;
    bool more;
    char *error, *sqlstate;
} Collection;

/* A step is over. */
static void stepped(void *context, const CollectResult *result) {
    Collection *collection = context;
    collection->stepping = false;
    collection->removed += result->removed;
    collection->absent += result->absent;
    collection->failed += result->failed;
    collection->more = result->more && result->removed > 0;
    if (result->error)
        mem_set(&collection->error, "%s", result->error);
    if (result->sqlstate)
        collection->sqlstate = mem_strdup(result->sqlstate);
}

/* Remove until nothing is due. */
static void collect_all(Collection *collection) {
    App *app = collection->app;
    do {
        collection->stepping = true;
        collect_start(app, app->db, STEP, stepped, collection);
        while (collection->stepping)
            loop_turn(http_loop(app->http));
    } while (collection->more && !collection->sqlstate);
}

/* Say what was done. */
static ExitCode print_collection(const Settings *settings, const Collection *collection) {
    if (settings->json) {
        print_json_line(json_pack("{s:b, s:i, s:i, s:i, s:s?}", "success", collection->failed == 0,
                                  "removed", (int)collection->removed, "absent",
                                  (int)collection->absent, "failed", (int)collection->failed,
                                  "error", collection->error));
    } else {
        printf("removed %u object%s", collection->removed, collection->removed == 1 ? "" : "s");
        if (collection->absent)
            printf(" (%u not there any more)", collection->absent);
        if (collection->failed)
            printf(", and could not remove %u", collection->failed);
        putchar('\n');
    }
    if (collection->failed) {
        char *words = text_clean(collection->error);
        fprintf(stderr, "renderchain: %s\n", words);
        free(words);
    }
    return collection->failed ? EXIT_STORAGE : EXIT_OK;
}

/* Remove what is doomed. */
static ExitCode collect(App *app) {
    Collection collection = {.app = app};
    ExitCode code;
    collect_all(&collection);
    if (collection.sqlstate)
        code =
            app_database_error(&app->settings, collection.sqlstate, collection.error, NULL, NULL);
    else
        code = print_collection(&app->settings, &collection);
    free(collection.error);
    free(collection.sqlstate);
    return code;
}

/* What a problem of --verify means for people. */
static const struct {
    const char *problem, *words;
} meanings[] = {
    {"unknown", "in storage, but not in the table"},
    {"missing", "live in the table, but not in storage"},
    {"size", "of another size in storage"},
    {"table", "wrong in the table"},
};

/* Print a problem. */
static void print_problem(void *context, const char *key, const char *what, const char *detail) {
    const Settings *settings = context;
    const char *words = what;
    if (settings->json) {
        print_json_line(json_pack("{s:s, s:s, s:s*, s:s}", "event", "problem", "problem", what,
                                  "key", *key ? key : NULL, "detail", detail));
        return;
    }
    for (size_t i = 0; i < OPTION_COUNT(meanings); i++)
        if (strcmp(meanings[i].problem, what) == 0)
            words = meanings[i].words;
    char *line = mem_printf("%s%s%s: %s", key, *key ? " is " : "", words, detail);
    text_print_lines(stdout, "", line);
    free(line);
}

/* Compare storage with the table. */
static ExitCode compare(App *app) {
    VerifyResult result = verify(app, print_problem, &app->settings);
    if (!result.ok)
        return result.code;
    if (app->settings.json)
        print_json_line(json_pack("{s:b, s:I, s:I, s:I}", "success", result.problems == 0,
                                  "objects", (json_int_t)result.objects, "bytes",
                                  (json_int_t)result.bytes, "problems",
                                  (json_int_t)result.problems));
    else
        printf("%llu object%s in storage, %llu bytes; %llu problem%s\n", result.objects,
               result.objects == 1 ? "" : "s", result.bytes, result.problems,
               result.problems == 1 ? "" : "s");
    return result.problems ? EXIT_STORAGE : EXIT_OK;
}

/* renderchain gc */
int cmd_gc(int argc, char **argv) {
    bool verifying = false;
    const Option table[] = {
        {"verify", NULL, OPTION_FLAG, &verifying,
         "compare storage with the table both ways; nothing is removed"},
    };
    const CommandLine line = {
        "gc",  "Remove objects from storage that belong to no render any more.",
        table, OPTION_COUNT(table),
        0,     0,
        notes};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    App app;
    ExitCode exit_code = EXIT_OK;
    if (app_start(&app, &settings, &exit_code) && app_open_storage(&app, false, &exit_code) &&
        app_connect(&app, &exit_code))
        exit_code = verifying ? compare(&app) : collect(&app);
    app_close(&app);
    return exit_code;
}
