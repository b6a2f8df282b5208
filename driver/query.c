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
        json_error_t where;
        value = none ? json_null()
                     : json_loads(PQgetvalue(answer.result, 0, 0), JSON_DECODE_ANY | JSON_ALLOW_NUL,
                                  &where);
        if (!value) {
            app_error(&app->settings, "the database's answer cannot be read", where.text, NULL);
            *code = EXIT_INTERNAL;
        }
    }
    db_answer_free(&answer);
    return value;
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
    if (!buf_read_file(&buf, standard ? "/dev/stdin" : path, &error)) {
        app_error(settings, error, NULL, NULL);
        free(error);
        buf_free(&buf);
        *code = EXIT_BAD_INPUT;
        return NULL;
    }
    size_t length;
    char *text = buf_take(&buf, &length);
    json_error_t where;
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    bool good = json_is_object(value);
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

/* Print a value. */
void print_json_value(const Settings *settings, const json_t *value) {
    json_dumpf(value, stdout, JSON_ENCODE_ANY | (settings->json ? JSON_COMPACT : JSON_INDENT(2)));
    putchar('\n');
}

/* Print a line and release it. */
void print_json_line(json_t *object) {
    json_dumpf(object, stdout, JSON_COMPACT);
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

/* The path of a picture. */
const char *picture_path(const char *url) {
    return url && strncmp(url, "file://", 7) == 0 ? url + 7 : url;
}
