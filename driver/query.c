#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "table.h"

enum { JSON_FILE_MAXIMUM = 4 << 20 };

/* Ask one statement. */
bool query(App *app, const char *sql, int count, const char *const *parameters, DbAnswer *answer,
           ExitCode *code) {
    *answer = db_ask(app->db, sql, count, parameters);
    if (!answer->ok)
        *code = app_database_error(&app->settings, answer->sqlstate, answer->message,
                                   answer->detail, answer->hint);
    return answer->ok;
}

/* Ask for one jsonb value. */
json_t *query_json(App *app, const char *sql, int count, const char *const *parameters,
                   ExitCode *code) {
    DbAnswer answer;
    json_t *value = NULL;
    if (query(app, sql, count, parameters, &answer, code)) {
        bool none = PQntuples(answer.result) == 0 || PQgetisnull(answer.result, 0, 0);
        const char *text = none ? "null" : PQgetvalue(answer.result, 0, 0);
        json_error_t where;
        value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
        /* Integers past 64 bits are rounded; this is for showing only. */
        if (!value && json_error_code(&where) == json_error_numeric_overflow)
            value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                               &where);
        if (!value) {
            app_error(&app->settings, "the database's answer cannot be read", where.text, NULL);
            *code = EXIT_INTERNAL;
        }
    }
    db_answer_free(&answer);
    return value;
}

/* Ask for one jsonb value on a connection of its own. */
json_t *query_json_once(const Settings *settings, const char *sql, int count,
                        const char *const *parameters, ExitCode *code) {
    App app;
    json_t *value = NULL;
    if (app_open(&app, settings, code))
        value = query_json(&app, sql, count, parameters, code);
    app_close(&app);
    return value;
}

/* Ask one statement on a connection of its own. */
bool query_once(const Settings *settings, const char *sql, int count, const char *const *parameters,
                DbAnswer *answer, ExitCode *code) {
    App app;
    *answer = (DbAnswer){0};
    bool ok = app_open(&app, settings, code) && query(&app, sql, count, parameters, answer, code);
    app_close(&app);
    return ok;
}

/* Parse a command line on top of what the environment says. */
int command_parse(const CommandLine *line, int argc, char **argv, Settings *settings,
                  char ***positional) {
    settings_from_environment(settings);
    return options_parse(line, argc, argv, settings, positional);
}

/* Refuse a value on the command line. */
ExitCode value_error(const Settings *settings, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *message = mem_vprintf(format, args);
    va_end(args);
    app_error(settings, message, NULL, NULL);
    free(message);
    return EXIT_BAD_INPUT;
}

/* Say why an input is no JSON object. */
static char *refuse_input(const Settings *settings, const char *name, char *detail,
                          ExitCode *code) {
    char *message = mem_printf("%s is not a JSON object", name);
    app_error(settings, message, detail, NULL);
    free(message);
    free(detail);
    *code = EXIT_BAD_INPUT;
    return NULL;
}

/* Read a JSON object from a file or standard input. */
char *read_json_object(const Settings *settings, const char *path, ExitCode *code) {
    bool standard = !path || strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    char *error = NULL;
    Buf buf;
    buf_init(&buf, JSON_FILE_MAXIMUM);
    if (!buf_read_file(&buf, standard ? NULL : path, &error)) {
        app_error(settings, error, NULL, NULL);
        free(error);
        buf_free(&buf);
        *code = EXIT_BAD_INPUT;
        return NULL;
    }
    size_t length;
    char *text = buf_take(&buf, &length);
    json_error_t where;
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY, &where);
    /* Numbers that only the database can hold are for it to judge. */
    bool good =
        value ? json_is_object(value) : json_error_code(&where) == json_error_numeric_overflow;
    char *detail =
        value ? mem_strdup("It is JSON of another kind.")
              : mem_printf("Line %d, column %d: %s.", where.line, where.column, where.text);
    json_decref(value);
    if (!good) {
        free(text);
        return refuse_input(settings, name, detail, code);
    }
    free(detail);
    return text;
}

/* Ask for one jsonb value and print it. */
ExitCode query_and_print(App *app, const char *expression, int count, const char *const *parameters,
                         const char *when_null) {
    bool json = app->settings.json;
    char *sql = mem_printf(
        json ? "select (%s)::pg_catalog.text" : "select pg_catalog.jsonb_pretty(%s)", expression);
    ExitCode code = EXIT_OK;
    DbAnswer answer;
    if (query(app, sql, count, parameters, &answer, &code)) {
        bool none = PQntuples(answer.result) == 0 || PQgetisnull(answer.result, 0, 0);
        if (none)
            puts(json ? "null" : when_null);
        else if (json)
            puts(PQgetvalue(answer.result, 0, 0));
        else
            text_print_lines(stdout, "", PQgetvalue(answer.result, 0, 0));
    }
    db_answer_free(&answer);
    free(sql);
    return code;
}

/* Print a line and release it. */
void print_json_line(json_t *object) {
    json_dumpf(object, stdout, JSON_TEXT);
    putchar('\n');
    json_decref(object);
}

/* A member for people. */
char *member_text(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        return mem_printf("%lld", (long long)json_integer_value(value));
    if (json_is_real(value))
        return mem_printf("%g", json_real_value(value));
    return text_clean(json_string_value(value));
}

/* A time for people. */
char *member_time(const json_t *object, const char *key) {
    char *text = member_text(object, key);
    char *fraction = strchr(text, '.'), *middle = strchr(text, 'T');
    if (middle)
        *middle = ' ';
    if (fraction) {
        const char *zone = fraction + 1 + strspn(fraction + 1, "0123456789");
        memmove(fraction, zone, strlen(zone) + 1);
    }
    return text;
}

/* The path of a picture. */
const char *picture_path(const char *url) {
    return url && strncmp(url, "file://", 7) == 0 ? url + 7 : url;
}
