/* Holds a model's answer against the JSON schema that was sent: the part of
 * JSON Schema (draft 2020-12) that our schemas use: type, properties, required,
 * items, enum, minimum and maximum. Counts of items are the model's taste and
 * only checked at their maximum. */
#ifndef RC_SCHEMA_H
#define RC_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "mem.h"

/* False with *why (path and reason; caller frees) where the value disobeys. */
MUSTCHECK bool schema_check(const json_t *schema, const json_t *value, char **why);

/* Take out of a value what the schema does not name, in objects of which it says that they
 * have nothing else (additionalProperties false). */
void schema_prune(const json_t *schema, json_t *value);

#endif
