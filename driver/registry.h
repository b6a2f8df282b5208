/* The model registry as the database has it: which models there are, what they
 * can do and what they cost. The driver never knows a model that the table
 * "models" does not know. */
#ifndef RC_REGISTRY_H
#define RC_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "mem.h"

typedef struct Model {
    const char *id; /* all strings are borrowed from the registry */
    const char *provider;
    const char *kind;    /* text, image, video */
    const char *tier;    /* flash, pro; standard, fast for video */
    const char *retired; /* NULL while it is in use */
    const char *successor;
    int credits;
    int timeout_seconds;
    int max_references;
    json_t *definition;
} Model;

typedef struct Registry {
    json_t *json; /* as the database gave it; owned */
    const json_t *timeouts;
    const char *extension_version; /* NULL where the database did not say */
    Model *models;
    size_t count;
} Registry;

/* How long to wait for what, in milliseconds. */
typedef struct Timeouts {
    long connect_ms;
    long idle_ms; /* for the next byte, also the first one of an answer */
    long total_ms;
} Timeouts;

/* Read what renderchain.get_registry() gives, or the array of models alone. False with *error set
 * (caller frees). */
MUSTCHECK bool registry_read(Registry *registry, const char *json, char **error);
void registry_free(Registry *registry);

/* A model by id, or NULL. */
const Model *registry_find(const Registry *registry, const char *id);

/* The model in use of a provider, kind and tier (NULL tier: any) whose "rank" is the highest, of
 * equals the first whose retirement is not announced; or NULL. */
const Model *registry_pick(const Registry *registry, const char *provider, const char *kind,
                           const char *tier);

/* The same of the models that fit in the eyes of the caller (NULL: all do). */
typedef bool ModelFits(const void *context, const Model *model);
const Model *registry_pick_fitting(const Registry *registry, const char *provider, const char *kind,
                                   const char *tier, ModelFits *fits, const void *context);

/* How long a call of a stage may take: by the server's settings, else the model's timeoutSeconds.
 * Without a registry what holds where neither says anything. */
Timeouts registry_timeouts(const Registry *registry, const char *stage, const Model *model);

/* Does the model's list "qualities" (or "sizes", "aspectRatios") have the value? */
bool model_supports(const Model *model, const char *list, const char *value);

/* Cost in US dollars of a call as a decimal text that the caller frees, from
 * usage as the provider normalised it ({"inputTokens","outputTokens","imageTokens",
 * "images"}); NULL where the price is unknown. */
char *model_cost(const Model *model, const json_t *usage, const char *size);

#endif
