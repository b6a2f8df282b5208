/* Command lines: each command describes its options in a table, from which both
 * the parsing (getopt_long) and --help are made, so that neither can drift. */
#ifndef RC_OPTIONS_H
#define RC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "app.h"

enum { LIST_MAXIMUM = 16 };

typedef struct TextList {
    const char *items[LIST_MAXIMUM];
    size_t count; /* may pass LIST_MAXIMUM: how often the option was given */
} TextList;

typedef enum OptionKind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST } OptionKind;

typedef struct Option {
    const char *name;     /* without the dashes; "o,output" is --output or -o */
    const char *argument; /* its name in the help; NULL for a flag */
    OptionKind kind;
    void *target; /* bool *, const char ** or TextList * */
    const char *help;
} Option;

typedef struct CommandLine {
    const char *usage;   /* after "renderchain", without the options */
    const char *summary; /* a line or a few */
    const Option *options;
    size_t option_count;
    size_t least, most; /* positional arguments */
    const char *notes;  /* after the options, or NULL */
} CommandLine;

#define OPTION_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Parse argv[1..]. Returns -1 to go on, or the exit code (--help, or a mistake that
 * has been explained). *positional is the first positional argument. */
int options_parse(const CommandLine *line, int argc, char **argv, Settings *settings,
                  char ***positional);

/* Fill settings from the environment; options are parsed over them. */
void settings_from_environment(Settings *settings);

/* See, before anything is parsed, whether mistakes are also told in JSON. */
void options_look(int argc, char **argv);

/* Tell a mistake in the command line, with a hint or NULL; returns EXIT_USAGE. */
int usage_mistake(const char *message, const char *hint);

/* The same of a command's arguments. */
int usage_error(const CommandLine *line, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
