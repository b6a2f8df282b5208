/* renderchain status: what waits and what runs, for operators. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"
#include "table.h"

/* Read a number of an object. */
static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* A length of time in a few letters, for people; "" where it is not known. */
static char *duration_text(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    double seconds = json_number_value(value);
    const char *sign = seconds < 0 ? "-" : "";
    if (seconds < 0)
        seconds = -seconds;
    if (!json_is_number(value))
        return mem_strdup("");
    if (seconds < 99.95)
        return mem_printf("%s%.1f s", sign, seconds);
    if (seconds < 6000)
        return mem_printf("%s%.0f min", sign, seconds / 60);
    if (seconds < 360000)
        return mem_printf("%s%.0f h", sign, seconds / 3600);
    return mem_printf("%s%.0f d", sign, seconds / 86400);
}

/* Print what waits, with why. */
static void print_waiting(const json_t *status) {
    const json_t *oldest = json_object_get(status, "oldestWaiting");
    printf("queued     %.0f: %.0f ready, %.0f for later, %.0f held back by caps, "
           "%.0f behind others of their chain\n",
           number(status, "queued"), number(status, "ready"), number(status, "later"),
           number(status, "capped"), number(status, "chained"));
    if (!json_is_object(oldest))
        return;
    char *age = duration_text(oldest, "ageSeconds"), *id = member_text(oldest, "renderId");
    printf("oldest     %s, render %s\n", age, id);
    free(age);
    free(id);
}

/* Print what runs, and what nobody has seen to. */
static void print_counts(const json_t *status) {
    const json_t *objects = json_object_get(status, "objects");
    printf("running    %.0f", number(status, "running"));
    if (number(status, "expiredLeases") > 0)
        printf(", %.0f of them with an expired lease", number(status, "expiredLeases"));
    putchar('\n');
    if (number(status, "pastDeadline") > 0)
        printf("overdue    %.0f past their deadline\n", number(status, "pastDeadline"));
    printf("credits    %.0f reserved\n", number(status, "creditsReserved"));
    printf("objects    %.0f pending, %.0f doomed\n", number(objects, "pending"),
           number(objects, "doomed"));
}

/* The stages at which a worker's renders are, with how many. */
static char *stages_text(const json_t *stages) {
    char *out = mem_strdup("");
    const char *stage;
    json_t *renders;
    json_object_foreach((json_t *)stages, stage, renders) {
        char *clean = text_clean(stage);
        mem_set(&out, "%s%s%s %.0f", out, *out ? ", " : "", clean, json_number_value(renders));
        free(clean);
    }
    return out;
}

/* Print the workers. */
static void print_workers(const json_t *workers) {
    static const char *const headings[] = {"worker", "running", "oldest", "lease left", "stages"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    size_t i;
    json_t *worker;
    for (size_t column = 1; column <= 3; column++)
        table_align_right(table, column);
    json_array_foreach(workers, i, worker) {
        char *cells[] = {member_text(worker, "worker"), member_text(worker, "running"),
                         duration_text(worker, "oldestSeconds"),
                         duration_text(worker, "leaseSeconds"),
                         stages_text(json_object_get(worker, "stages"))};
        table_take(table, cells);
    }
    putchar('\n');
    table_print(table, stdout);
    table_free(table);
}

/* Print the renders that run longest. */
static void print_renders(const json_t *renders) {
    static const char *const headings[] = {"render", "type",  "worker", "attempt",
                                           "age",    "stage", "for"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    size_t i;
    json_t *render;
    for (size_t column = 3; column <= 4; column++)
        table_align_right(table, column);
    table_align_right(table, 6);
    json_array_foreach(renders, i, render) {
        char *cells[] = {member_text(render, "renderId"),      member_text(render, "type"),
                         member_text(render, "worker"),        member_text(render, "attempt"),
                         duration_text(render, "ageSeconds"),  member_text(render, "stage"),
                         duration_text(render, "stageSeconds")};
        table_take(table, cells);
    }
    putchar('\n');
    table_print(table, stdout);
    table_free(table);
}

/* Print it all for people. */
static void print_status(const json_t *status) {
    const json_t *workers = json_object_get(status, "workers");
    const json_t *renders = json_object_get(status, "renders");
    print_waiting(status);
    print_counts(status);
    if (json_array_size(workers))
        print_workers(workers);
    if (json_array_size(renders))
        print_renders(renders);
}

/* renderchain status */
int cmd_status(int argc, char **argv) {
    const char *limit = "20";
    const Option table[] = {
        {"limit", "N", OPTION_TEXT, &limit, "list at most so many running renders (default 20)"},
    };
    const CommandLine line = {
        "status",
        "Show what waits and why, what runs, where and for how long, and what waits to be\n"
        "cleaned up.",
        table,
        OPTION_COUNT(table),
        0,
        0,
        "docs/operations.md says what to do when."};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!*limit || strspn(limit, "0123456789") != strlen(limit) || strlen(limit) > 5)
        return value_error(&settings, "--limit \"%s\" is not a whole number from 0 to 10000",
                           limit);
    ExitCode exit_code = EXIT_OK;
    App app;
    if (app_open(&app, &settings, &exit_code)) {
        const char *parameters[] = {limit};
        json_t *status = query_json(&app, "select renderchain.queue_status($1::integer)", 1,
                                    parameters, &exit_code);
        if (status && settings.json)
            print_json_line(json_incref(status));
        else if (status)
            print_status(status);
        json_decref(status);
    }
    app_close(&app);
    return exit_code;
}
