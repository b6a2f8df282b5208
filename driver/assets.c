#include "assets.h"

#include <string.h>

/* Put a file's bytes into the program, with a NUL after them (GNU as, .incbin). */
#define EMBED(symbol, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".local " #symbol "\n" #symbol ":\n"                                                   \
            ".incbin \"" file "\"\n"                                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char symbol[] __attribute__((visibility("hidden")))

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

static struct Asset {
    const char *stage;
    const char *prompt;
    const char *schema;
    json_t *parsed; /* read once, when it is first asked for */
} assets[] = {
    {"semantic_parsing", prompt_semantic, schema_semantic, NULL},
    {"image_understanding", prompt_understanding, schema_understanding, NULL},
    {"prompt_optimization", prompt_optimization, schema_optimization, NULL},
    {"prompt_optimization_simple", prompt_simple, schema_optimization, NULL},
    {"image_generation", prompt_generation, NULL, NULL},
    {"validation", prompt_validation, schema_validation, NULL},
    {"memory_extraction", prompt_extraction, schema_extraction, NULL},
};

/* Find a stage's row. */
static struct Asset *find(const char *stage) {
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++)
        if (strcmp(assets[i].stage, stage) == 0)
            return &assets[i];
    return NULL;
}

/* The instruction of a stage. */
const char *asset_prompt(const char *stage) {
    const struct Asset *asset = find(stage);
    return asset ? asset->prompt : NULL;
}

/* The schema of a stage's answer. */
const json_t *asset_schema(const char *stage) {
    struct Asset *asset = find(stage);
    if (asset && asset->schema && !asset->parsed)
        asset->parsed = json_loads(asset->schema, 0, NULL);
    return asset ? asset->parsed : NULL;
}
