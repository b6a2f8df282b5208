/* Everything a command works with, opened once and closed once. */
#ifndef RC_APP_H
#define RC_APP_H

#include "background.h"
#include "db.h"
#include "http.h"
#include "local_server.h"
#include "provider.h"
#include "registry.h"
#include "storage.h"
#include "trace.h"

/* How JSON is written: a decimal that came in with up to 15 digits goes out the same. */
#define JSON_TEXT (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* Documented in renderchain(1) and docs/errors.md; keep them the same. */
typedef enum ExitCode {
    EXIT_OK = 0,
    EXIT_RENDER_FAILED = 1, /* the render ended failed or cancelled */
    EXIT_USAGE = 2,         /* the command line is wrong */
    EXIT_BAD_INPUT = 3,     /* a file or a value is refused */
    EXIT_DATABASE = 4,      /* unreachable, too old, or without extension or tables */
    EXIT_NOT_FOUND = 5,     /* no such chain, render or user */
    EXIT_CREDITS = 6,       /* not enough credits, or no price */
    EXIT_PROVIDER = 7,      /* no provider could be set up */
    EXIT_STORAGE = 8,       /* the output cannot be written */
    EXIT_INTERRUPTED = 9,   /* stopped by a signal; the render was cancelled */
    EXIT_INTERNAL = 70
} ExitCode;

/* What options and environment say; strings are borrowed from them. */
typedef struct Settings {
    const char *conninfo;
    const char *provider;
    const char *provider_url;
    const char *key_file;
    const char *text_provider, *text_provider_url, *text_key_file; /* of text, where it differs */
    const char *storage;
    StorageOptions storage_options;
    bool private_urls; /* inputs may be fetched from addresses that are not public */
    const char *schema;
    const char *prompts; /* a directory with instructions and schemas in place of ours */
    const char *trace;
    const char *images; /* the directory below which local images are read; NULL for anywhere */
    bool json;          /* JSON lines: asked for, or standard output is no terminal */
    bool text;          /* text even where it is none */
} Settings;

typedef struct App {
    Settings settings;
    Trace *trace;
    Http *http;
    Db *db;
    Provider provider;      /* of pictures and, unless the next one is set, of text */
    Provider text_provider; /* without a name where it is the same */
    Registry registry;
    Storage storage;
    const char *picture_type; /* of the last picture that was stored, such as "png"; static */
    LocalServer local;
    Background *background; /* for what is seldom done beside the loop; NULL until it is */
} App;

/* The provider that is named, or the one that is meant where none is. */
const char *app_provider_name(const Settings *settings);

/* The provider that is asked for text. */
Provider *app_text_provider(App *app);

/* Open the database, for commands that only ask it: app_start and app_connect in one.
 * Commands that render do what else there is between the two: app_open_models adds
 * provider and storage. On failure the message has been printed and *code says how to exit. */
MUSTCHECK bool app_open(App *app, const Settings *settings, ExitCode *code);
MUSTCHECK bool app_start(App *app, const Settings *settings, ExitCode *code);
MUSTCHECK bool app_open_models(App *app, ExitCode *code);
/* Storage only, which app_open_models has too; room: is there to be room for new objects? */
MUSTCHECK bool app_open_storage(App *app, bool room, ExitCode *code);
MUSTCHECK bool app_open_storage_to_read(App *app, ExitCode *code); /* without looking at it */
MUSTCHECK bool app_connect(App *app, ExitCode *code);
void app_close(App *app);

/* Print an error (with detail and hint where they are not empty) to standard error,
 * or with --json as one JSON line to standard output. */
void app_error(const Settings *settings, const char *message, const char *detail, const char *hint);

/* Print a database error and give the exit code that goes with its SQLSTATE. */
ExitCode app_database_error(const Settings *settings, const char *sqlstate, const char *message,
                            const char *detail, const char *hint);

/* The exit code of an SQLSTATE, and a hint for those that the server gives none for. */
ExitCode app_exit_code(const char *sqlstate, const char **hint);

/* Parse JSON as the database writes it; numbers past 64 bits are read as reals. NULL where it
 * is NULL or none. */
json_t *database_json(const char *text);

#endif
