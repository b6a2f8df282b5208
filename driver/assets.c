#include "assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "image_file.h"
#include "table.h"

enum { ASSET_MAXIMUM = 1 << 20 }; /* bytes of a file */

#include "embed.h"
#include "json_text.h"

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
    char *text = json_text(value);
    json_decref(value);
    return text;
}

/* The version of what is told. */
static char version[24] = PROMPT_VERSION;
const char *asset_version(void) {
    return version;
}

/* Read one file of the directory; NULL without an error where it is not there. */
static char *read_file(const char *directory, const char *stage, const char *extension,
                       char **error) {
    Buf buf;
    char *path = mem_printf("%s/%s.%s", directory, stage, extension), *text = NULL;
    buf_init(&buf, ASSET_MAXIMUM);
    if (access(path, F_OK) == 0 && buf_read_regular_file(&buf, path, error))
        text = buf_take(&buf, NULL);
    else
        buf_free(&buf);
    if (text && !text_is_utf8(text)) {
        *error = mem_printf("\"%s\" is not text in UTF-8", path);
        free(text);
        text = NULL;
    }
    free(path);
    return text;
}

/* Check a schema: ours asks for the members that later stages read, so it has to ask for them
 * too. */
static bool check_schema(const struct Asset *asset, const char *text, char **error) {
    json_error_t where;
    json_t *own = json_loads(asset->schema ? asset->schema : "{}", 0, NULL);
    json_t *json = json_loads(text, 0, &where);
    const char *key;
    json_t *member;
    if (!json_is_object(json))
        *error = mem_printf("the schema of %s is no JSON object: %s", asset->stage,
                            json ? "another value" : where.text);
    json_object_foreach(json_object_get(own, "properties"), key, member) {
        if (!*error && !json_object_get(json_object_get(json, "properties"), key))
            *error = mem_printf("the schema of %s lacks the property \"%s\"", asset->stage, key);
    }
    json_decref(own);
    json_decref(json);
    return !*error;
}

/* Take what the directory has for one stage, adding it to what is hashed. */
static bool override_stage(struct Asset *asset, const char *directory, Buf *said, char **error) {
    char *prompt = read_file(directory, asset->stage, "txt", error);
    char *schema =
        *error || !asset->schema ? NULL : read_file(directory, asset->stage, "json", error);
    if (!*error && schema)
        check_schema(asset, schema, error);
    if (*error) {
        free(prompt);
        free(schema);
        return false;
    }
    const char *const texts[] = {prompt, schema};
    for (size_t i = 0; i < 2; i++)
        if (texts[i] && (!buf_append(said, asset->stage, strlen(asset->stage) + 1) ||
                         !buf_append(said, texts[i], strlen(texts[i]) + 1)))
            return false;
    asset->prompt = prompt ? prompt : asset->prompt;
    asset->schema = schema ? schema : asset->schema;
    return true;
}

/* Take a directory's files in place of ours; they stay to the end of the program. */
bool assets_override(const char *directory, char **error) {
    Buf said;
    char sha256[65];
    buf_init(&said, ASSET_MAXIMUM * 16);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof assets / sizeof assets[0]; i++)
        ok = override_stage(&assets[i], directory, &said, error);
    if (ok && !said.length) {
        *error = mem_printf("there is neither STAGE.txt nor STAGE.json of any stage in \"%s\"",
                            directory);
        ok = false;
    }
    if (ok) {
        sha256_hex(said.data, said.length, sha256);
        snprintf(version, sizeof version, PROMPT_VERSION "-%.12s", sha256);
    }
    buf_free(&said);
    return ok;
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
