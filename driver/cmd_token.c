/* renderchain token: who may ask the HTTP server what. A token is shown once, when it is made; the
 * database knows only its hash. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "commands.h"
#include "image_file.h"
#include "options.h"
#include "query.h"
#include "table.h"

enum { TOKEN_BYTES = 32 };

/* Make a token: random, with a beginning by which it is recognised where it does not belong. */
static bool make_token(char **token) {
    unsigned char bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    *token = mem_strdup("rct_");
    for (size_t i = 0; i < sizeof bytes; i++)
        mem_set(token, "%s%02x", *token, bytes[i]);
    return true;
}

/* Show the token. */
static void show_token(const Settings *settings, const char *token, const char *hash,
                       const char *level) {
    if (settings->json)
        print_json_line(json_pack("{s:s, s:s%, s:s}", "secret", token, "token", hash, (size_t)12,
                                  "level", level));
    else
        printf("%s\n", token);
}

/* renderchain token create */
int cmd_token_create(int argc, char **argv) {
    const char *user = NULL, *level = "write", *name = "token", *days = NULL;
    const Option table[] = {
        {"user", "UUID", OPTION_TEXT, &user, "whose renders and chains it is for"},
        {"level", "LEVEL", OPTION_TEXT, &level,
         "read, write (default: also submit, cancel, change memory) or admin (everybody's)"},
        {"name", "NAME", OPTION_TEXT, &name, "what people call it"},
        {"days", "N", OPTION_TEXT, &days, "how long it is valid (default: until it is revoked)"},
    };
    const CommandLine line = {"token create --user UUID",
                              "Make a token for the HTTP server and print it, once.",
                              table,
                              OPTION_COUNT(table),
                              0,
                              0,
                              "Only its hash is kept."};
    Settings settings;
    char **positional, *token = NULL, hash[65];
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!user)
        return usage_error(&line, "--user UUID says whose it is");
    if (!make_token(&token))
        return EXIT_INTERNAL;
    sha256_hex(token, strlen(token), hash);
    DbAnswer answer;
    ExitCode exit_code = EXIT_OK;
    const char *parameters[] = {hash, user, level, name, days};
    if (query_once(
            &settings,
            "select renderchain.create_token($1, $2::uuid, $3, $4, $5::numeric * interval '1 day')",
            5, parameters, &answer, &exit_code))
        show_token(&settings, token, hash, level);
    db_answer_free(&answer);
    free(token);
    return exit_code;
}

/* Print the tokens. */
static void print_tokens(const Settings *settings, const json_t *tokens) {
    static const char *const headings[] = {"token",   "name",    "level",  "user",
                                           "created", "expires", "revoked"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    size_t i;
    json_t *token;
    json_array_foreach(tokens, i, token) {
        if (settings->json) {
            print_json_line(json_incref(token));
            continue;
        }
        char *cells[] = {member_text(token, "token"),     member_text(token, "name"),
                         member_text(token, "level"),     member_text(token, "userId"),
                         member_time(token, "createdAt"), member_time(token, "expiresAt"),
                         member_time(token, "revokedAt")};
        table_take(table, cells);
    }
    if (!settings->json)
        table_print(table, stdout);
    table_free(table);
}

/* renderchain token list */
int cmd_token_list(int argc, char **argv) {
    const CommandLine line = {"token list", "List the tokens of the HTTP server.", NULL, 0, 0, 0,
                              NULL};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    ExitCode exit_code = EXIT_OK;
    json_t *tokens =
        query_json_once(&settings, "select renderchain.list_tokens()", 0, NULL, &exit_code);
    if (tokens)
        print_tokens(&settings, tokens);
    json_decref(tokens);
    return exit_code;
}

/* renderchain token revoke */
int cmd_token_revoke(int argc, char **argv) {
    const CommandLine line = {"token revoke TOKEN",
                              "Make a token invalid.",
                              NULL,
                              0,
                              1,
                              1,
                              "TOKEN is what token list shows. A server may take it for up to 5 s "
                              "more."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    DbAnswer answer;
    ExitCode exit_code = EXIT_OK;
    const char *parameters[] = {positional[0]};
    if (query_once(&settings, "select renderchain.revoke_token($1)", 1, parameters, &answer,
                   &exit_code) &&
        strcmp(PQgetvalue(answer.result, 0, 0), "t") != 0) {
        app_error(&settings, "there is no such token that is valid", NULL, NULL);
        exit_code = EXIT_NOT_FOUND;
    }
    db_answer_free(&answer);
    return exit_code;
}
