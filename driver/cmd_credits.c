/* renderchain credits: grants and balances. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"
#include "request.h"

enum { AMOUNT_MOST = 1000000000 };

/* Is the text a whole number that the database takes? */
static bool is_amount(const char *text) {
    char *end;
    errno = 0;
    long amount = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && amount <= AMOUNT_MOST;
}

/* Print what a user has. */
static void print_balance(const Settings *settings, const char *user, const char *balance,
                          const char *reserved) {
    json_int_t have = strtoll(balance, NULL, 10), held = reserved ? strtoll(reserved, NULL, 10) : 0;
    if (settings->json) {
        json_t *object = json_pack("{s:s, s:I}", "userId", user, "balance", have);
        if (reserved)
            json_object_set_new(object, "reserved", json_integer(held));
        print_json_line(object);
    } else {
        printf("balance %lld", (long long)have);
        if (held)
            printf(", and %lld reserved by renders that are not done", (long long)held);
        putchar('\n');
    }
}

/* renderchain credits grant */
int cmd_credits_grant(int argc, char **argv) {
    const char *user = NULL, *amount = NULL, *reason = NULL;
    const Option table[] = {
        {"user", "UUID", OPTION_TEXT, &user, "who gets them; the account is made if there is none"},
        {"amount", "N", OPTION_TEXT, &amount, "how many; 0 only opens the account"},
        {"reason", "TEXT", OPTION_TEXT, &reason, "kept in the ledger"},
    };
    const CommandLine line = {
        "credits grant --user UUID --amount N",
        "Give credits to a user.",
        table,
        OPTION_COUNT(table),
        0,
        0,
        "A user without an account is not metered; the first grant makes one."};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!user || !amount)
        return usage_error(&line, "%s is missing", user ? "--amount" : "--user");
    if (!is_uuid(user))
        return value_error(&settings, "--user \"%s\" is not a UUID", user);
    if (!is_amount(amount))
        return value_error(&settings, "--amount \"%s\" is not a whole number from 0 to %d", amount,
                           AMOUNT_MOST);
    ExitCode exit_code = EXIT_OK;
    App app;
    if (app_open(&app, &settings, &exit_code)) {
        const char *parameters[] = {user, amount,
                                    reason ? reason : "granted by renderchain credits"};
        DbAnswer answer;
        if (query(&app, "select renderchain.grant_credits($1::uuid, $2::integer, $3::text)", 3,
                  parameters, &answer, &exit_code))
            print_balance(&settings, user, PQgetvalue(answer.result, 0, 0), NULL);
        db_answer_free(&answer);
    }
    app_close(&app);
    return exit_code;
}

/* renderchain credits balance */
int cmd_credits_balance(int argc, char **argv) {
    const char *user = NULL;
    const Option table[] = {{"user", "UUID", OPTION_TEXT, &user, "whose"}};
    const CommandLine line = {"credits balance --user UUID",
                              "Print a user's credits.",
                              table,
                              OPTION_COUNT(table),
                              0,
                              0,
                              NULL};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!user)
        return usage_error(&line, "--user is missing");
    if (!is_uuid(user))
        return value_error(&settings, "--user \"%s\" is not a UUID", user);
    App app;
    ExitCode exit_code = EXIT_OK;
    if (app_open(&app, &settings, &exit_code)) {
        const char *parameters[] = {user};
        DbAnswer answer;
        if (query(&app, "select balance, reserved from renderchain.credit_balance($1::uuid)", 1,
                  parameters, &answer, &exit_code)) {
            const char *balance = db_text(answer.result, 0, "balance");
            if (balance) {
                print_balance(&settings, user, balance, db_text(answer.result, 0, "reserved"));
            } else {
                app_error(&app.settings, "this user has no account and is not metered", NULL,
                          "Make one: renderchain credits grant --user UUID --amount N");
                exit_code = EXIT_NOT_FOUND;
            }
        }
        db_answer_free(&answer);
    }
    app_close(&app);
    return exit_code;
}
