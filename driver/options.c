#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MAXIMUM = 48 };

/* The options that every command takes. */
static size_t common_options(Settings *settings, Option *into) {
    const Option common[] = {
        {"dbname", "CONNINFO", OPTION_TEXT, &settings->conninfo,
         "database to use: a name, a conninfo string or a URI (also -d; default: libpq's PG* "
         "variables)"},
        {"schema", "NAME", OPTION_TEXT, &settings->schema,
         "schema of the tables (RENDERCHAIN_SCHEMA; default: the server's setting, public)"},
        {"provider", "NAME", OPTION_TEXT, &settings->provider,
         "local, gemini or openai (RENDERCHAIN_PROVIDER; default: gemini with --provider-url, else "
         "local)"},
        {"provider-url", "URL", OPTION_TEXT, &settings->provider_url,
         "base URL of the provider (RENDERCHAIN_PROVIDER_URL)"},
        {"key-file", "FILE", OPTION_TEXT, &settings->key_file,
         "file with the API key (default: GEMINI_API_KEY or OPENAI_API_KEY)"},
        {"text-provider", "NAME", OPTION_TEXT, &settings->text_provider,
         "another provider for everything but pictures (RENDERCHAIN_TEXT_PROVIDER)"},
        {"text-provider-url", "URL", OPTION_TEXT, &settings->text_provider_url,
         "base URL of that one (RENDERCHAIN_TEXT_PROVIDER_URL)"},
        {"text-key-file", "FILE", OPTION_TEXT, &settings->text_key_file,
         "file with its API key (RENDERCHAIN_TEXT_KEY_FILE)"},
        {"storage", "WHERE", OPTION_TEXT, &settings->storage,
         "file:DIRECTORY or s3://BUCKET/PREFIX (RENDERCHAIN_STORAGE; default: the user's data "
         "directory)"},
        {"storage-endpoint", "URL", OPTION_TEXT, &settings->storage_options.endpoint,
         "URL of the S3 service (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL; default: that of the "
         "region "
         "at AWS)"},
        {"storage-region", "NAME", OPTION_TEXT, &settings->storage_options.region,
         "region of the bucket (AWS_REGION, AWS_DEFAULT_REGION; default: us-east-1)"},
        {"storage-style", "STYLE", OPTION_TEXT, &settings->storage_options.style,
         "path (default) or virtual: where the bucket stands in a URL (RENDERCHAIN_STORAGE_STYLE)"},
        {"storage-key-file", "FILE", OPTION_TEXT, &settings->storage_options.key_file,
         "file with the access keys of the bucket (RENDERCHAIN_STORAGE_KEY_FILE; default: "
         "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else ~/.aws/credentials)"},
        {"images", "DIR", OPTION_TEXT, &settings->images,
         "read local images only below this directory (RENDERCHAIN_IMAGES; default: anywhere)"},
        {"allow-private-urls", NULL, OPTION_FLAG, &settings->private_urls,
         "fetch images also from private addresses (RENDERCHAIN_ALLOW_PRIVATE_URLS=1)"},
        {"prompts", "DIRECTORY", OPTION_TEXT, &settings->prompts,
         "instructions (STAGE.txt) and schemas (STAGE.json) in place of the built-in ones "
         "(RENDERCHAIN_PROMPTS)"},
        {"trace", "FILE", OPTION_TEXT, &settings->trace,
         "write when each request and statement was sent and answered, as JSON lines"},
        {"json", NULL, OPTION_FLAG, &settings->json,
         "JSON lines instead of text (the default where standard output is no terminal)"},
        {"text", NULL, OPTION_FLAG, &settings->text, "text where JSON lines are the default"},
    };
    memcpy(into, common, sizeof common);
    return OPTION_COUNT(common);
}

/* The short form of an option, or NUL. */
static char letter_of(const Option *option) {
    return option->name[0] && option->name[1] == ',' ? option->name[0] : '\0';
}

/* Its name without that. */
static const char *name_of(const Option *option) {
    return option->name + (letter_of(option) ? 2 : 0);
}

/* Print one option of the help. */
static void print_option(const Option *option) {
    char letter[] = {'-', letter_of(option), ',', ' ', '\0'};
    char *head = mem_printf("%s--%s%s%s", letter_of(option) ? letter : "", name_of(option),
                            option->argument ? " " : "", option->argument ? option->argument : "");
    printf("  %-28s %s\n", head, option->help);
    free(head);
}

/* Print the help of a command. */
static void print_help(const CommandLine *line, const Option *common, size_t common_count) {
    printf("usage: renderchain %s [OPTION]...\n\n%s\n\n", line->usage, line->summary);
    for (size_t i = 0; i < line->option_count; i++)
        print_option(&line->options[i]);
    printf("%severy command also takes:\n", line->option_count ? "\n" : "");
    for (size_t i = 0; i < common_count; i++)
        print_option(&common[i]);
    print_option(&(Option){"help", NULL, OPTION_FLAG, NULL, "show this help"});
    if (line->notes)
        printf("\n%s\n", line->notes);
}

/* Whether mistakes are also told in JSON: known before anything is parsed, as they are made there.
 */
static bool mistakes_in_json;

/* See how mistakes are told. */
void options_look(int argc, char **argv) {
    mistakes_in_json = !isatty(STDOUT_FILENO);
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--text") == 0)
            mistakes_in_json = false;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            mistakes_in_json = true;
}

/* Tell a mistake. */
int usage_mistake(const char *message, const char *hint) {
    app_error(&(Settings){.json = mistakes_in_json}, message, NULL, hint);
    return EXIT_USAGE;
}

/* Explain a mistake in a command's arguments. */
int usage_error(const CommandLine *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *message = mem_vprintf(format, args);
    va_end(args);
    char *command = mem_strndup(line->usage, strcspn(line->usage, "-[ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    size_t length = strlen(command);
    while (length && command[length - 1] == ' ')
        command[--length] = '\0';
    char *hint = mem_printf("See: renderchain %s --help", command);
    usage_mistake(message, hint);
    free(hint);
    free(command);
    free(message);
    return EXIT_USAGE;
}

/* Put an option's value where it belongs. */
static void store_option(const Option *option, const char *value) {
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->target = true;
    } else if (option->kind == OPTION_TEXT) {
        *(const char **)option->target = value;
    } else {
        TextList *list = option->target;
        if (list->count < LIST_MAXIMUM)
            list->items[list->count] = value;
        list->count++;
    }
}

/* The letters of short forms as getopt takes them: those of every command, then the command's. */
static void list_letters(const Option *options, size_t count, char *letters) {
    letters = stpcpy(letters, ":d:h");
    for (size_t i = 0; i < count; i++)
        if (letter_of(&options[i])) {
            *letters++ = letter_of(&options[i]);
            if (options[i].kind != OPTION_FLAG)
                *letters++ = ':';
        }
    *letters = '\0';
}

/* The option that has a letter, which is one of those listed. */
static const Option *by_letter(const Option *options, char letter) {
    while (letter_of(options) != letter)
        options++;
    return options;
}

/* Parse a command's arguments. */
int options_parse(const CommandLine *line, int argc, char **argv, Settings *settings,
                  char ***positional) {
    Option all[OPTIONS_MAXIMUM];
    struct option table[OPTIONS_MAXIMUM + 2];
    memset(table, 0, sizeof table);
    size_t count = line->option_count;
    if (count)
        memcpy(all, line->options, count * sizeof *all);
    size_t common_count = common_options(settings, all + count);
    count += common_count;
    for (size_t i = 0; i < count; i++)
        table[i] = (struct option){name_of(&all[i]), all[i].kind == OPTION_FLAG ? 0 : 1, NULL, 0};
    table[count] = (struct option){"help", 0, NULL, 0};

    int which, got;
    char letters[2 * OPTIONS_MAXIMUM + 5];
    list_letters(all, line->option_count, letters);
    opterr = 0;
    optind = 1;
    while ((got = getopt_long(argc, argv, letters, table, &which)) != -1) {
        if (got == 'd') {
            settings->conninfo = optarg;
        } else if (got == 'h' || (got == 0 && (size_t)which == count)) {
            print_help(line, all + line->option_count, common_count);
            return EXIT_OK;
        } else if (got == ':') {
            return usage_error(line, "option %s needs a value", argv[optind - 1]);
        } else if (got == '?') {
            return usage_error(line, "unknown option %s", argv[optind - 1]);
        } else {
            store_option(got ? by_letter(all, (char)got) : &all[which], optarg);
        }
    }
    size_t given = (size_t)(argc - optind);
    if (given < line->least)
        return usage_error(line, "an argument is missing: %s", line->usage);
    if (given > line->most)
        return usage_error(line, "unexpected argument \"%s\"", argv[optind + (int)line->most]);
    *positional = argv + optind;
    if (!isatty(STDOUT_FILENO) && !settings->text)
        settings->json = true;
    return -1;
}

/* Fill settings from the environment. */
void settings_from_environment(Settings *settings) {
    *settings = (Settings){
        .provider = getenv("RENDERCHAIN_PROVIDER"),
        .provider_url = getenv("RENDERCHAIN_PROVIDER_URL"),
        .key_file = getenv("RENDERCHAIN_KEY_FILE"),
        .text_provider = getenv("RENDERCHAIN_TEXT_PROVIDER"),
        .text_provider_url = getenv("RENDERCHAIN_TEXT_PROVIDER_URL"),
        .text_key_file = getenv("RENDERCHAIN_TEXT_KEY_FILE"),
        .storage = getenv("RENDERCHAIN_STORAGE"),
        .storage_options = {.key_file = getenv("RENDERCHAIN_STORAGE_KEY_FILE"),
                            .style = getenv("RENDERCHAIN_STORAGE_STYLE")},
        .schema = getenv("RENDERCHAIN_SCHEMA"),
        .images = getenv("RENDERCHAIN_IMAGES"),
        .prompts = getenv("RENDERCHAIN_PROMPTS"),
    };
    const char *private_urls = getenv("RENDERCHAIN_ALLOW_PRIVATE_URLS");
    settings->private_urls = private_urls && strcmp(private_urls, "1") == 0;
    const char **const texts[] = {&settings->provider,
                                  &settings->provider_url,
                                  &settings->key_file,
                                  &settings->text_provider,
                                  &settings->text_provider_url,
                                  &settings->text_key_file,
                                  &settings->storage,
                                  &settings->storage_options.key_file,
                                  &settings->storage_options.style,
                                  &settings->schema,
                                  &settings->images,
                                  &settings->prompts};
    for (size_t i = 0; i < OPTION_COUNT(texts); i++)
        if (*texts[i] && !**texts[i])
            *texts[i] = NULL;
}
