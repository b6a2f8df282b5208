/* The data files of prompts/ and schemas/, which the build puts into the program. */
#ifndef RC_ASSETS_H
#define RC_ASSETS_H

#include <jansson.h>
#include <stdbool.h>

#include "mem.h"

/* What the instructions and schemas say as a whole; it goes into stage records, so
 * that a result can be traced to the words that asked for it, and an analysis is only
 * taken for another where the same words were asked. Those of a directory add to it a
 * hash of what they say. */
#define PROMPT_VERSION "2"
const char *asset_version(void);

/* Take the instructions (STAGE.txt) and schemas (STAGE.json) that a directory has in place of
 * ours. False with *error set (caller frees) where one cannot be used or there are none. */
MUSTCHECK bool assets_override(const char *directory, char **error);

/* The instruction of a stage by its name, as a JSON string with its quotes; NULL where there is
 * none. Static, as is all that these give. */
const char *asset_prompt(const char *stage);

/* The answer's schema of a stage by its name, and its text as it is sent; NULL where there is
 * none. */
const json_t *asset_schema(const char *stage);
const char *asset_schema_text(const char *stage);

/* The schema of a model registry, driver/models.schema.json. */
const json_t *asset_models_schema(void);

#endif
