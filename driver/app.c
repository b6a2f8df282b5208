#include "app.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assets.h"
#include "table.h"

/* Which SQLSTATE ends the driver how. A prefix stands for its whole class. */
static const struct {
    const char *sqlstate;
    ExitCode code;
    const char *hint;
} states[] = {
    {"RC001", EXIT_RENDER_FAILED, "Another driver has taken this render over."},
    {"RC002", EXIT_RENDER_FAILED, NULL},
    {"RC003", EXIT_CREDITS, NULL},
    {"RC004", EXIT_CREDITS, NULL},
    {"RC005", EXIT_BAD_INPUT, NULL},
    {"RC006", EXIT_NOT_FOUND, NULL},
    {"RC007", EXIT_CREDITS, NULL},
    {"RC008", EXIT_DATABASE, "Run: renderchain init"},
    {"RC009", EXIT_BAD_INPUT, NULL},
    {"RC010", EXIT_RENDER_FAILED, NULL},
    {"3F000", EXIT_DATABASE, "The extension is not in this database. Run: renderchain init"},
    {"42883", EXIT_DATABASE,
     "The extension is older than this program. Run: ALTER EXTENSION renderchain UPDATE"},
    {"25006", EXIT_DATABASE,
     "Connect to the primary server (target_session_attrs=read-write), as a role that may write: "
     "default_transaction_read_only has to be off for it."},
    {"42501", EXIT_DATABASE, "Ask the owner to run renderchain.grant_access for this role."},
    {"08", EXIT_DATABASE, NULL},
    {"22", EXIT_BAD_INPUT, NULL},
};

/* Find the exit code of an SQLSTATE. */
ExitCode app_exit_code(const char *sqlstate, const char **hint) {
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strncmp(sqlstate, states[i].sqlstate, strlen(states[i].sqlstate)) != 0)
            continue;
        if (hint)
            *hint = states[i].hint;
        return states[i].code;
    }
    return EXIT_DATABASE;
}

/* Words for JSON, which has to be UTF-8: messages from before a connection's encoding is
 * agreed on need not be. */
static json_t *words(const char *text) {
    json_t *json = json_string(text);
    if (json)
        return json;
    char *clean = text_clean(text);
    json = json_string(clean);
    free(clean);
    return json;
}

/* Print an error. */
void app_error(const Settings *settings, const char *message, const char *detail,
               const char *hint) {
    bool has_detail = detail && *detail, has_hint = hint && *hint;
    if (settings->json) {
        json_t *line = json_pack("{s:b, s:n, s:o}", "success", 0, "data", "error", words(message));
        if (has_detail)
            json_object_set_new(line, "detail", words(detail));
        if (has_hint)
            json_object_set_new(line, "hint", words(hint));
        json_dumpf(line, stdout, JSON_TEXT);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
    }
    fputs("renderchain: ", stderr);
    text_print_lines(stderr, "", message);
    if (has_detail)
        text_print_lines(stderr, "  ", detail);
    if (has_hint)
        text_print_lines(stderr, "  ", hint);
}

/* Print a database error. */
ExitCode app_database_error(const Settings *settings, const char *sqlstate, const char *message,
                            const char *detail, const char *hint) {
    const char *own_hint = NULL;
    ExitCode code = app_exit_code(sqlstate, &own_hint);
    char *with_state = mem_printf("%s (SQLSTATE %s)", message, sqlstate);
    app_error(settings, with_state, detail, hint && *hint ? hint : own_hint);
    free(with_state);
    return code;
}

/* Print, free the message, and say no. */
static bool refuse(const App *app, char *error, ExitCode code, ExitCode *out) {
    app_error(&app->settings, error, NULL, NULL);
    free(error);
    *out = code;
    return false;
}

/* Open trace and loop, and begin to connect. */
bool app_start(App *app, const Settings *settings, ExitCode *code) {
    char *error = NULL;
    *app = (App){.settings = *settings};
    app->trace = trace_open(settings->trace, &error);
    if (error)
        return refuse(app, error, EXIT_STORAGE, code);
    /* First, since the server needs the longest to get ready. */
    app->db = db_start(settings->conninfo, settings->schema, app->trace);
    app->http = http_new(app->trace);
    return true;
}

/* Wait for the database. */
bool app_connect(App *app, ExitCode *code) {
    char *error = NULL;
    return db_connect(app->db, http_loop(app->http), &error) ||
           refuse(app, error, EXIT_DATABASE, code);
}

/* Open the database. */
bool app_open(App *app, const Settings *settings, ExitCode *code) {
    return app_start(app, settings, code) && app_connect(app, code);
}

/* Where pictures go when nobody says: the user's data directory. */
static char *default_storage(void) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data)
        return mem_printf("file:%s/renderchain", data);
    return mem_printf("file:%s/.local/share/renderchain", home ? home : ".");
}

/* The provider that is meant. */
const char *app_provider_name(const Settings *settings) {
    if (settings->provider)
        return settings->provider;
    return settings->provider_url ? "gemini" : "local";
}

/* The provider that is asked for text. */
Provider *app_text_provider(App *app) {
    return app->text_provider.name ? &app->text_provider : &app->provider;
}

/* Storage was looked at. */
typedef struct Check {
    bool done;
    char *error;
} Check;

static void checked(void *context, StorageReply *reply) {
    Check *check = context;
    check->done = true;
    if (!reply->ok)
        check->error = mem_strdup(reply->error);
}

/* See whether storage can be written, before anything is paid for. */
static bool check_storage(App *app, bool room, char **error) {
    Check check = {0};
    storage_check(&app->storage, room, checked, &check);
    while (!check.done)
        loop_turn(http_loop(app->http));
    *error = check.error;
    return !check.error;
}

/* Open storage. */
static bool open_storage(App *app, char **error) {
    const Settings *settings = &app->settings;
    char *where = settings->storage ? mem_strdup(settings->storage) : default_storage();
    bool opened = storage_open(&app->storage, where, &settings->storage_options, app->http, error);
    free(where);
    return opened;
}

/* Open storage for commands that only read. */
bool app_open_storage_to_read(App *app, ExitCode *code) {
    char *error = NULL;
    return open_storage(app, &error) || refuse(app, error, EXIT_STORAGE, code);
}

/* Open storage and see whether it can be written. */
bool app_open_storage(App *app, bool room, ExitCode *code) {
    char *error = NULL;
    bool opened = open_storage(app, &error) && check_storage(app, room, &error);
    return opened || refuse(app, error, EXIT_STORAGE, code);
}

/* Set one provider up; the local server is started where it is meant and no URL is given. */
static bool open_provider(App *app, Provider *provider, const char *name, const char *url,
                          const char *key_file, ExitCode *code) {
    char *error = NULL;
    if (strcmp(name, "local") == 0 && !url) {
        if (!app->local.url && !local_server_start(&app->local, &error))
            return refuse(app, error, EXIT_PROVIDER, code);
        url = app->local.url;
        key_file = NULL; /* it is for another provider: this server has a key of its own */
    }
    return provider_open(provider, name, url, key_file, &error) ||
           refuse(app, error, EXIT_PROVIDER, code);
}

/* A directory of images that is not there would fail every render that names a file. */
static bool check_images(const App *app, ExitCode *code) {
    const char *images = app->settings.images;
    struct stat st;
    if (!images || (stat(images, &st) == 0 && S_ISDIR(st.st_mode)))
        return true;
    return refuse(app, mem_printf("--images \"%s\" is not a directory", images), EXIT_BAD_INPUT,
                  code);
}

/* Open providers and storage. */
bool app_open_models(App *app, ExitCode *code) {
    const Settings *settings = &app->settings;
    char *error = NULL;
    if (settings->prompts && !assets_override(settings->prompts, &error))
        return refuse(app, error, EXIT_BAD_INPUT, code);
    if (!check_images(app, code) || !app_open_storage(app, true, code) ||
        !open_provider(app, &app->provider, app_provider_name(settings), settings->provider_url,
                       settings->key_file, code))
        return false;
    const char *text = settings->text_provider, *text_url = settings->text_provider_url;
    if (!text && !text_url)
        return true;
    return open_provider(app, &app->text_provider, text ? text : app->provider.name, text_url,
                         settings->text_key_file, code);
}

/* Close everything, in the opposite order. */
void app_close(App *app) {
    provider_close(&app->text_provider);
    provider_close(&app->provider);
    registry_free(&app->registry);
    storage_close(&app->storage);
    db_close(app->db);
    if (app->background)
        background_free(app->background);
    http_free(app->http);
    local_server_stop(&app->local);
    trace_close(app->trace);
}

/* Parse JSON as the database writes it: jsonb has numbers of any size. */
json_t *database_json(const char *text) {
    json_t *json = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return json || !text ? json : json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
}
