/* What the commands share that ask the database one thing and print the answer. */
#ifndef RC_QUERY_H
#define RC_QUERY_H

#include <jansson.h>

#include "app.h"
#include "options.h"

/* Parse a command line on top of what the environment says; -1 to go on, or the exit code. */
int command_parse(const CommandLine *line, int argc, char **argv, Settings *settings,
                  char ***positional);

/* Ask one statement. False where it failed: that has been printed and *code says how
 * to exit. *answer is to be freed in both cases. */
MUSTCHECK bool query(App *app, const char *sql, int count, const char *const *parameters,
                     DbAnswer *answer, ExitCode *code);

/* Ask for one jsonb value, parsed; NULL in SQL is JSON's null. NULL where it failed, as above. */
json_t *query_json(App *app, const char *sql, int count, const char *const *parameters,
                   ExitCode *code);

/* The same on a connection of its own, for a command that asks nothing else. */
json_t *query_json_once(const Settings *settings, const char *sql, int count,
                        const char *const *parameters, ExitCode *code);

/* Ask one statement on a connection of its own, as query does. */
MUSTCHECK bool query_once(const Settings *settings, const char *sql, int count,
                          const char *const *parameters, DbAnswer *answer, ExitCode *code);

/* Read a JSON object from a file ("-" or NULL: standard input), as the text that goes to the
 * database, which has the last word. NULL with *code set where it is none, which has been
 * printed. The caller frees. */
char *read_json_object(const Settings *settings, const char *path, ExitCode *code);

/* Ask for one jsonb value, given as an SQL expression, and print it as the database writes it,
 * so that no number is rounded: a line with --json (null for SQL's), else indented, or the
 * words for null. */
ExitCode query_and_print(App *app, const char *expression, int count, const char *const *parameters,
                         const char *when_null);

/* Refuse a value on the command line, with words; gives EXIT_BAD_INPUT. */
ExitCode value_error(const Settings *settings, const char *format, ...) PRINTF_LIKE(2, 3);

/* Print an object as a line and release it. */
void print_json_line(json_t *object);

/* A text, or a number's digits, of an object's member for people; "" where it is not there.
 * Clean for a terminal; the caller frees. */
char *member_text(const json_t *object, const char *key);

/* A member that is a time as the database writes it, without fractions of a second. */
char *member_time(const json_t *object, const char *key);

/* The path of a picture: a file: URL without its scheme, other URLs as they are. */
const char *picture_path(const char *url);

#endif
