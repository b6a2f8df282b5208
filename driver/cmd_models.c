/* renderchain models: the registry as the database has it, and loading another. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "commands.h"
#include "options.h"
#include "query.h"
#include "schema.h"
#include "table.h"

static const char notes[] =
    "FILE has the shape of the shipped registry, {\"version\": 1, \"models\": [...]}; its models\n"
    "are added to those that are there or replace them. Prices are US dollars; a price that\n"
    "is not known is shown as \"unknown\" and never counted as zero.";

/* Join a list's texts. */
static char *list_text(const json_t *list) {
    char *out = mem_strdup("");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        char *text = text_clean(json_string_value(item));
        mem_set(&out, "%s%s%s", out, i ? " " : "", text);
        free(text);
    }
    return out;
}

/* A price in a few words: per picture by size, or per million tokens in, out and image. */
static char *price_text(const json_t *price) {
    static const char *const rates[][2] = {
        {"inputPerMillion", "in"}, {"outputPerMillion", "out"}, {"imageOutputPerMillion", "image"}};
    if (!json_is_object(price))
        return mem_strdup("unknown");
    char *out = mem_strdup("");
    const char *size;
    json_t *value;
    json_object_foreach(json_object_get(price, "perImage"), size, value) {
        char *rate = text_clean(json_string_value(value)), *name = text_clean(size);
        mem_set(&out, "%s%s%s %s", out, *out ? ", " : "each ", name, rate);
        free(rate);
        free(name);
    }
    for (size_t i = 0; i < OPTION_COUNT(rates); i++) {
        const char *rate = json_string_value(json_object_get(price, rates[i][0]));
        if (!rate)
            continue;
        char *clean = text_clean(rate);
        mem_set(&out, "%s%s%s %s", out, *out ? ", " : "per million: ", rates[i][1], clean);
        free(clean);
    }
    if (!*out)
        mem_set(&out, "unknown");
    return out;
}

/* Credits in a few words: for any render, then what depends on size, quality or length. */
static char *credits_text(const json_t *model) {
    char *out = member_text(model, "credits");
    const char *kind, *name;
    json_t *prices, *price;
    json_object_foreach(json_object_get(model, "creditsBy"), kind, prices) {
        if (json_is_number(prices))
            mem_set(&out, "%s%s%.0f a %s", out, *out ? ", " : "", json_number_value(prices), kind);
        json_object_foreach(prices, name, price) {
            char *clean = text_clean(name);
            mem_set(&out, "%s%s%s %.0f", out, *out ? ", " : "", clean, json_number_value(price));
            free(clean);
        }
    }
    return out;
}

/* Whether a model is in use, and what took its place. */
static char *state_text(const json_t *model) {
    const char *retired = json_string_value(json_object_get(model, "retired"));
    const char *successor = json_string_value(json_object_get(model, "successor"));
    if (!retired)
        return mem_strdup("");
    char *text = mem_printf("retired %s%s%s", retired, successor ? ", now " : "",
                            successor ? successor : "");
    char *clean = text_clean(text);
    free(text);
    return clean;
}

/* Add a model's row. */
static void add_model(Table *table, const json_t *model) {
    char *cells[] = {member_text(model, "id"),
                     member_text(model, "provider"),
                     member_text(model, "kind"),
                     member_text(model, "tier"),
                     list_text(json_object_get(model, "qualities")),
                     credits_text(model),
                     price_text(json_object_get(model, "price")),
                     member_text(model, "priceDate"),
                     state_text(model)};
    table_take(table, cells);
}

/* Print the registry. */
static ExitCode list_models(App *app) {
    static const char *const headings[] = {"model",   "provider", "kind",  "tier", "qualities",
                                           "credits", "US$",      "as of", "state"};
    ExitCode code = EXIT_OK;
    json_t *models = query_json(app, "select renderchain.get_models()", 0, NULL, &code);
    if (!models)
        return code;
    Table *table = table_new(headings, OPTION_COUNT(headings));
    table_align_right(table, 5);
    size_t i;
    json_t *model;
    json_array_foreach(models, i, model) {
        if (app->settings.json)
            print_json_line(json_incref(model));
        else
            add_model(table, model);
    }
    if (!app->settings.json)
        table_print(table, stdout);
    table_free(table);
    json_decref(models);
    return EXIT_OK;
}

/* Check a registry by its schema, which names the member that is wrong. */
static bool check_registry(const Settings *settings, const char *registry, ExitCode *code) {
    json_t *json = json_loads(registry, 0, NULL);
    char *why = NULL;
    bool good = schema_check(asset_models_schema(), json, &why);
    if (!good)
        *code = value_error(settings, "this is no model registry: %s", why);
    free(why);
    json_decref(json);
    return good;
}

/* Load a registry. */
static ExitCode load_models(App *app, const char *registry) {
    const char *parameters[] = {registry};
    ExitCode code = EXIT_OK;
    DbAnswer answer;
    if (!check_registry(&app->settings, registry, &code))
        return code;
    if (query(app, "select renderchain.load_models($1::jsonb)", 1, parameters, &answer, &code)) {
        long long count = strtoll(PQgetvalue(answer.result, 0, 0), NULL, 10);
        if (app->settings.json)
            print_json_line(json_pack("{s:b, s:I}", "success", 1, "models", (json_int_t)count));
        else
            printf("loaded; the registry has %lld models now\n", count);
    }
    db_answer_free(&answer);
    return code;
}

/* renderchain models */
int cmd_models(int argc, char **argv) {
    const char *file = NULL;
    const Option table[] = {{"load", "FILE", OPTION_TEXT, &file,
                             "add or replace models; - reads "
                             "standard input"}};
    const CommandLine line = {"models", "List the models that renders are routed to and priced by.",
                              table,    OPTION_COUNT(table),
                              0,        0,
                              notes};
    Settings settings;
    char **positional, *registry = NULL;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    App app;
    ExitCode exit_code = EXIT_OK;
    if (file && !(registry = read_json_object(&settings, file, &exit_code)))
        return exit_code;
    if (app_open(&app, &settings, &exit_code))
        exit_code = registry ? load_models(&app, registry) : list_models(&app);
    app_close(&app);
    free(registry);
    return exit_code;
}
