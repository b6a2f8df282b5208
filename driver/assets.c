#include "assets.h"

#include <string.h>

#include "embed.h"

EMBED(prompt_semantic, "prompts/semantic_parsing.txt");
EMBED(prompt_understanding, "prompts/image_understanding.txt");
EMBED(prompt_optimization, "prompts/prompt_optimization.txt");
EMBED(prompt_simple, "prompts/prompt_optimization_simple.txt");
EMBED(prompt_generation, "prompts/image_generation.txt");
EMBED(prompt_validation, "prompts/validation.txt");
EMBED(prompt_extraction, "prompts/memory_extraction.txt");
EMBED(schema_semantic, "schemas/semantic_parsing.json");
EMBED(schema_understanding, "schemas/image_understanding.json");
EMBED(schema_optimization, "schemas/prompt_optimization.json");
EMBED(schema_validation, "schemas/validation.json");
EMBED(schema_extraction, "schemas/memory_extraction.json");
EMBED(schema_models, "models.schema.json");

static struct Asset {
    const char *stage;
    const char *prompt;
    const char *schema;
    /* Made once, when they are first asked for. */
    json_t *parsed;
    char *prompt_json, *schema_json;
} assets[] = {
    {"semantic_parsing", prompt_semantic, schema_semantic, NULL, NULL, NULL},
    {"image_understanding", prompt_understanding, schema_understanding, NULL, NULL, NULL},
    {"prompt_optimization", prompt_optimization, schema_optimization, NULL, NULL, NULL},
    {"prompt_optimization_simple", prompt_simple, schema_optimization, NULL, NULL, NULL},
    {"image_generation", prompt_generation, NULL, NULL, NULL, NULL},
    {"validation", prompt_validation, schema_validation, NULL, NULL, NULL},
    {"memory_extraction", prompt_extraction, schema_extraction, NULL, NULL, NULL},
};

/* Find a stage's row. */
static struct Asset *find(const char *stage) {
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++)
        if (strcmp(assets[i].stage, stage) == 0)
            return &assets[i];
    return NULL;
}

/* The schema of a model registry. */
const json_t *asset_models_schema(void) {
    static json_t *parsed;
    if (!parsed)
        parsed = json_loads(schema_models, 0, NULL);
    return parsed;
}

/* The text of a JSON value, which is freed. */
static char *text_of(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}

/* The instruction of a stage as a JSON string. */
const char *asset_prompt(const char *stage) {
    struct Asset *asset = find(stage);
    if (asset && !asset->prompt_json)
        asset->prompt_json = text_of(json_string(asset->prompt));
    return asset ? asset->prompt_json : NULL;
}

/* The schema of a stage's answer. */
const json_t *asset_schema(const char *stage) {
    struct Asset *asset = find(stage);
    if (asset && asset->schema && !asset->parsed)
        asset->parsed = json_loads(asset->schema, 0, NULL);
    return asset ? asset->parsed : NULL;
}

/* The same as it is sent. */
const char *asset_schema_text(const char *stage) {
    struct Asset *asset = find(stage);
    if (asset && asset->schema && !asset->schema_json)
        asset->schema_json = text_of(json_incref((json_t *)asset_schema(stage)));
    return asset ? asset->schema_json : NULL;
}
