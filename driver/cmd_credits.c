/* renderchain credits: grants, balances and the ledger. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"
#include "request.h"
#include "table.h"

enum { AMOUNT_MOST = 1000000000 };

/* Is the text a whole number that the database takes? */
static bool is_amount(const char *text) {
    char *end;
    errno = 0;
    long amount = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && amount <= AMOUNT_MOST;
}

/* Say that a user has no account. */
static ExitCode no_account(const Settings *settings) {
    app_error(settings, "this user has no account and is not metered", NULL,
              "Make one: renderchain credits grant --user UUID --amount N");
    return EXIT_NOT_FOUND;
}

/* Refuse a user who is not named, or by no id; -1 to go on. */
static int judge_user(const CommandLine *line, const Settings *settings, const char *user) {
    if (!user)
        return usage_error(line, "--user is missing");
    return is_uuid(user) ? -1 : (int)value_error(settings, "--user \"%s\" is not a UUID", user);
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
    int code = command_parse(&line, argc, argv, &settings, &positional);
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
    const char *parameters[] = {user, amount, reason ? reason : "granted by renderchain credits"};
    DbAnswer answer;
    if (query_once(&settings, "select renderchain.grant_credits($1::uuid, $2::integer, $3::text)",
                   3, parameters, &answer, &exit_code))
        print_balance(&settings, user, PQgetvalue(answer.result, 0, 0), NULL);
    db_answer_free(&answer);
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
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    code = judge_user(&line, &settings, user);
    if (code >= 0)
        return code;
    ExitCode exit_code = EXIT_OK;
    const char *parameters[] = {user};
    DbAnswer answer;
    bool asked =
        query_once(&settings, "select balance, reserved from renderchain.credit_balance($1::uuid)",
                   1, parameters, &answer, &exit_code);
    const char *balance = asked ? db_text(answer.result, 0, "balance") : NULL;
    if (balance)
        print_balance(&settings, user, balance, db_text(answer.result, 0, "reserved"));
    else if (asked)
        exit_code = no_account(&settings);
    db_answer_free(&answer);
    return exit_code;
}

/* Print the ledger, the newest entry first. */
static void print_entries(const Settings *settings, const json_t *entries) {
    static const char *const headings[] = {"when",     "entry",  "credits", "balance",
                                           "reserved", "render", "reason"};
    static const char *const keys[] = {"createdAt", "kind",     "amount", "balance",
                                       "reserved",  "renderId", "reason"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    for (size_t column = 2; column <= 4; column++)
        table_align_right(table, column);
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry) {
        if (settings->json) {
            print_json_line(json_incref(entry));
            continue;
        }
        char *cells[OPTION_COUNT(keys)] = {member_time(entry, keys[0])};
        for (size_t k = 1; k < OPTION_COUNT(keys); k++)
            cells[k] = member_text(entry, keys[k]);
        table_take(table, cells);
    }
    if (!settings->json)
        table_print(table, stdout);
    table_free(table);
}

/* renderchain credits list */
int cmd_credits_list(int argc, char **argv) {
    static const char sql[] =
        "select coalesce(jsonb_agg(jsonb_build_object('createdAt', h.created_at, 'kind', h.kind, "
        "'amount', h.amount, 'balance', h.balance, 'reserved', h.reserved, 'renderId', "
        "h.render_id, "
        "'run', h.run, 'reason', h.reason) order by h.id desc), '[]') "
        "from renderchain.credit_history($1::uuid, $2::integer) h";
    const char *user = NULL, *limit = "50";
    const Option table[] = {
        {"user", "UUID", OPTION_TEXT, &user, "whose"},
        {"limit", "N", OPTION_TEXT, &limit, "at most so many entries (default 50)"},
    };
    const CommandLine line = {
        "credits list --user UUID",
        "List the ledger of a user's credits, the newest entry first, with balance and\n"
        "reserved credits after each.",
        table,
        OPTION_COUNT(table),
        0,
        0,
        "A reserve is settled to what the render cost, or refunded; what is not used goes back."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    code = judge_user(&line, &settings, user);
    if (code >= 0)
        return code;
    if (!is_amount(limit))
        return value_error(&settings, "--limit \"%s\" is not a whole number", limit);
    ExitCode exit_code = EXIT_OK;
    const char *parameters[] = {user, limit};
    json_t *entries = query_json_once(&settings, sql, 2, parameters, &exit_code);
    if (entries && json_array_size(entries))
        print_entries(&settings, entries);
    else if (entries)
        exit_code = no_account(&settings);
    json_decref(entries);
    return exit_code;
}
