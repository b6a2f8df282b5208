/* renderchain init: the extension and the tables, in the database that -d names. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"

static const char notes[] =
    "Running it again changes nothing. Tables of an application that are named render_chains\n"
    "and renders are attached: checked, and given what is missing beside them.";

/* Did somebody else make the extension between our look and our CREATE? */
static bool made_meanwhile(const char *sqlstate) {
    return strcmp(sqlstate, "23505") == 0 || strcmp(sqlstate, "42710") == 0;
}

/* Are the extension's files missing on the server? PostgreSQL 14 and 15 could not open the
 * control file (58P01); later ones say that it is not available (0A000). */
static bool files_missing(const DbAnswer *answer) {
    return strcmp(answer->sqlstate, "58P01") == 0 || strcmp(answer->sqlstate, "0A000") == 0;
}

/* Create the extension unless it is there; *version is the caller's, *created tells. */
static bool create_extension(App *app, char **version, bool *created, ExitCode *code) {
    static const char find[] = "select extversion from pg_catalog.pg_extension"
                               " where extname operator(pg_catalog.=) 'renderchain'";
    static const char create[] = "create extension if not exists renderchain";
    DbAnswer answer;
    if (!query(app, find, 0, NULL, &answer, code)) {
        db_answer_free(&answer);
        return false;
    }
    *created = PQntuples(answer.result) == 0;
    bool ok = true;
    if (*created) {
        db_answer_free(&answer);
        answer = db_ask(app->db, create, 0, NULL);
        if (!answer.ok && made_meanwhile(answer.sqlstate)) {
            db_answer_free(&answer);
            answer = db_ask(app->db, create, 0, NULL);
        }
        ok = answer.ok;
    }
    if (!ok) {
        const char *hint = answer.hint;
        if (files_missing(&answer))
            hint = "Install it on the machine that the server runs on, with that server's "
                   "pg_config: make install";
        else if (strcmp(answer.sqlstate, "42501") == 0 && !*hint)
            hint = "Creating it needs a superuser, or a role with CREATE on the database.";
        *code = app_database_error(&app->settings, answer.sqlstate, answer.message, answer.detail,
                                   hint);
    }
    db_answer_free(&answer);
    if (!ok)
        return false;
    ok = query(app, find, 0, NULL, &answer, code) && PQntuples(answer.result) == 1;
    if (ok)
        *version = mem_strdup(PQgetvalue(answer.result, 0, 0));
    db_answer_free(&answer);
    return ok;
}

/* Create what is missing of the tables and print what was done. */
static ExitCode create_tables(App *app, const char *version, bool created) {
    const Settings *settings = &app->settings;
    const char *parameters[] = {settings->schema};
    ExitCode code = EXIT_OK;
    DbAnswer answer;
    if (query(app, "select renderchain.create_tables($1::text)", 1, parameters, &answer, &code)) {
        const char *summary = PQgetvalue(answer.result, 0, 0);
        if (settings->json)
            print_json_line(json_pack("{s:b, s:s, s:b, s:s}", "success", 1, "version", version,
                                      "extensionCreated", created, "tables", summary));
        else
            printf("extension renderchain %s: %s\n%s\n", version,
                   created ? "created" : "was there already", summary);
    }
    db_answer_free(&answer);
    return code;
}

/* renderchain init */
int cmd_init(int argc, char **argv) {
    const CommandLine line = {
        "init", "Create the extension and the tables in a database.", NULL, 0, 0, 0, notes};
    Settings settings;
    char **positional, *version = NULL;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    App app;
    bool created = false;
    ExitCode exit_code = EXIT_OK;
    if (app_open(&app, &settings, &exit_code) &&
        create_extension(&app, &version, &created, &exit_code))
        exit_code = create_tables(&app, version, created);
    free(version);
    app_close(&app);
    return exit_code;
}
