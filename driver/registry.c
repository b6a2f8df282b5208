#include "registry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECT_S = 10, TOTAL_S = 120 };

/* Read a text member, NULL where it is not there. */
static const char *text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* The date of a model's retirement where that has come, as the database counts (UTC), else
 * NULL: one that is only announced is still in use. */
static const char *retired_by_now(const json_t *entry) {
    char today[sizeof "2026-01-31"];
    time_t now = time(NULL);
    struct tm utc;
    const char *retired = text(entry, "retired");
    strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&now, &utc));
    return retired && strcmp(retired, today) <= 0 ? retired : NULL;
}

/* Read the array that the database keeps. */
bool registry_read(Registry *registry, const char *json, char **error) {
    json_error_t where;
    *registry = (Registry){.json = json_loads(json ? json : "[]", 0, &where)};
    const json_t *models = registry->json;
    if (json_is_object(models)) {
        models = json_object_get(registry->json, "models");
        registry->timeouts = json_object_get(registry->json, "timeouts");
        registry->extension_version = text(registry->json, "extension");
        snprintf(where.text, sizeof where.text, "it has no list of models");
    }
    if (!json_is_array(models)) {
        *error = mem_printf("the model registry in the database is not readable: %s", where.text);
        return false;
    }
    registry->count = json_array_size(models);
    registry->models = mem_alloc(registry->count * sizeof *registry->models);
    for (size_t i = 0; i < registry->count; i++) {
        json_t *entry = json_array_get(models, i);
        registry->models[i] = (Model){
            .id = text(entry, "id"),
            .provider = text(entry, "provider"),
            .kind = text(entry, "kind"),
            .tier = text(entry, "tier"),
            .retired = retired_by_now(entry),
            .successor = text(entry, "successor"),
            .credits = (int)json_integer_value(json_object_get(entry, "credits")),
            .timeout_seconds = (int)json_integer_value(json_object_get(entry, "timeoutSeconds")),
            .max_references = (int)json_integer_value(json_object_get(entry, "maxReferences")),
            .definition = entry,
        };
        const Model *model = &registry->models[i];
        if (!model->id || !model->provider || !model->kind || !model->tier) {
            *error =
                mem_printf("model %zu of the registry lacks id, provider, kind or tier", i + 1);
            return false;
        }
    }
    return true;
}

/* Free the registry. */
void registry_free(Registry *registry) {
    free(registry->models);
    json_decref(registry->json);
    *registry = (Registry){0};
}

/* Find a model by id. */
const Model *registry_find(const Registry *registry, const char *id) {
    for (size_t i = 0; id && i < registry->count; i++)
        if (strcmp(registry->models[i].id, id) == 0)
            return &registry->models[i];
    return NULL;
}

/* Does one model go before another? One whose retirement is announced goes last. */
static bool goes_before(const Model *model, const Model *other) {
    double rank = json_number_value(json_object_get(model->definition, "rank"));
    double other_rank = json_number_value(json_object_get(other->definition, "rank"));
    if (rank != other_rank)
        return rank > other_rank;
    return !text(model->definition, "retired") && text(other->definition, "retired");
}

/* Pick the best model in use. */
const Model *registry_pick(const Registry *registry, const char *provider, const char *kind,
                           const char *tier) {
    return registry_pick_fitting(registry, provider, kind, tier, NULL, NULL);
}

/* Pick the best model in use that fits, of equals the first. */
const Model *registry_pick_fitting(const Registry *registry, const char *provider, const char *kind,
                                   const char *tier, ModelFits *fits, const void *context) {
    const Model *best = NULL;
    for (size_t i = 0; i < registry->count; i++) {
        const Model *model = &registry->models[i];
        if (!model->retired && strcmp(model->provider, provider) == 0 &&
            strcmp(model->kind, kind) == 0 && (!tier || strcmp(model->tier, tier) == 0) &&
            (!fits || fits(context, model)) && (!best || goes_before(model, best)))
            best = model;
    }
    return best;
}

/* Read a number of seconds from 1, else take another. */
static long seconds_or(const json_t *object, const char *key, long other) {
    json_int_t seconds = json_integer_value(json_object_get(object, key));
    return seconds > 0 ? (long)seconds : other;
}

/* Look up how long a call may take. */
Timeouts registry_timeouts(const Registry *registry, const char *stage, const Model *model) {
    const json_t *timeouts = registry ? registry->timeouts : NULL;
    long total = model && model->timeout_seconds > 0 ? model->timeout_seconds : TOTAL_S;
    total = seconds_or(json_object_get(timeouts, "stages"), stage, total);
    return (Timeouts){.connect_ms = seconds_or(timeouts, "connect", CONNECT_S) * 1000,
                      .idle_ms = seconds_or(timeouts, "idle", total) * 1000,
                      .total_ms = total * 1000};
}

/* Look a value up in one of the model's lists. */
bool model_supports(const Model *model, const char *list, const char *value) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(model->definition, list), i, item) {
        if (value && json_is_string(item) && strcmp(json_string_value(item), value) == 0)
            return true;
    }
    return false;
}

/* A number of usage, 0 where the provider did not say. */
static double used(const json_t *usage, const char *key) {
    return json_number_value(json_object_get(usage, key));
}

/* A price of the table; false where the table does not have it. */
static bool price_of(const json_t *price, const char *key, double *value) {
    const char *decimal = text(price, key);
    if (decimal)
        *value = strtod(decimal, NULL);
    return decimal != NULL;
}

/* An amount as a text; NULL where it is none, as from a price that is no number. */
static char *amount(double cost) {
    return isfinite(cost) && cost >= 0 ? mem_printf("%.6f", cost) : NULL;
}

/* Work out what a call cost. A figure that is missing makes the whole unknown, never zero. */
char *model_cost(const Model *model, const json_t *usage, const char *size) {
    const json_t *price = json_object_get(model->definition, "price");
    double rate, cost = 0;
    if (!json_is_object(price) || !usage)
        return NULL;
    const json_t *per_image = json_object_get(price, "perImage");
    if (json_is_object(per_image)) {
        if (!size || !price_of(per_image, size, &rate))
            return NULL;
        return amount(rate * used(usage, "images"));
    }
    const json_t *per_second = json_object_get(price, "perSecond");
    if (json_is_object(per_second)) {
        if (!size || !json_object_get(usage, "seconds") || !price_of(per_second, size, &rate))
            return NULL;
        return amount(rate * used(usage, "seconds"));
    }
    /* What is counted, its price, and the price of what has none of its own. */
    static const char *const terms[][3] = {
        {"inputTokens", "inputPerMillion", NULL},
        {"imageInputTokens", "imageInputPerMillion", "inputPerMillion"},
        {"outputTokens", "outputPerMillion", NULL},
        {"imageTokens", "imageOutputPerMillion", NULL},
        {"videoTokens", "videoOutputPerMillion", NULL}};
    bool counted = false;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        double tokens = used(usage, terms[i][0]);
        counted = counted || json_object_get(usage, terms[i][0]);
        if (tokens == 0)
            continue;
        if (!price_of(price, terms[i][1], &rate) &&
            !(terms[i][2] && price_of(price, terms[i][2], &rate)))
            return NULL;
        cost += tokens * rate / 1e6;
    }
    return counted ? amount(cost) : NULL;
}
