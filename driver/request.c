#include "request.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "input.h"
#include "query.h"
#include "table.h"

enum { PROMPT_FILE_MAXIMUM = 1 << 20 };

/* Which stages can be skipped, and what the request calls them. */
static const struct {
    const char *stage, *key;
} skippable[] = {
    {"semantic_parsing", "semanticParsing"},
    {"image_understanding", "imageUnderstanding"},
    {"validation", "validation"},
    {"memory_extraction", "memoryExtraction"},
};

static const char notes[] =
    "An IMAGE is a file, a URL (http:, https: or data:), or key:KEY for a stored object.\n"
    "A chain that does not exist is made when it is named, not when it is given by id.\n"
    "The request, the stages and the result are described in docs/driver.md.";

/* Is the text a UUID? */
bool is_uuid(const char *text) {
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[36] == '\0';
}

/* Find what the request calls a stage that can be skipped; NULL where it cannot be. */
static const char *skip_key(const char *stage) {
    for (size_t i = 0; i < OPTION_COUNT(skippable); i++)
        if (strcmp(skippable[i].stage, stage) == 0)
            return skippable[i].key;
    return NULL;
}

/* Read the prompt from standard input, without the line end that an editor or echo leaves.
 * Returns -1, or the exit code where it is no text. */
static int read_prompt(RequestOptions *options, const Settings *settings) {
    Buf buf;
    char *error = NULL;
    size_t length;
    buf_init(&buf, PROMPT_FILE_MAXIMUM);
    if (!buf_read_file(&buf, NULL, &error)) {
        int code = value_error(settings, "the prompt cannot be read: %s", error);
        free(error);
        buf_free(&buf);
        return code;
    }
    char *text = options->read_prompt = buf_take(&buf, &length);
    if (strlen(text) != length || !text_is_utf8(text))
        return value_error(settings, "the prompt on standard input is not text in UTF-8");
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = '\0';
    options->prompt = text;
    return -1;
}

/* Check what only the command line can get wrong. */
static int check(RequestOptions *options, const CommandLine *line, const Settings *settings) {
    if (!options->prompt)
        return usage_error(line, "--prompt is missing");
    if (options->references.count > 3)
        return usage_error(line, "%zu references were given, at most 3 are possible",
                           options->references.count);
    if (options->skip.count > LIST_MAXIMUM)
        return usage_error(line, "--skip was given %zu times", options->skip.count);
    for (size_t i = 0; i < options->skip.count; i++)
        if (!skip_key(options->skip.items[i]))
            return usage_error(line,
                               "stage \"%s\" cannot be skipped; these can: semantic_parsing, "
                               "image_understanding, validation, memory_extraction",
                               options->skip.items[i]);
    return strcmp(options->prompt, "-") == 0 ? read_prompt(options, settings) : -1;
}

/* Parse the command line. */
int request_parse(RequestOptions *options, int argc, char **argv, Settings *settings, bool queued) {
    const Option table[] = {
        {"prompt", "TEXT", OPTION_TEXT, &options->prompt, "what to render; - reads standard input"},
        {"chain", "ID|NAME", OPTION_TEXT, &options->chain, "chain to go on with, or a new name"},
        {"parent", "RENDER", OPTION_TEXT, &options->parent,
         "branch from this render instead of the chain's last"},
        {"reference", "IMAGE", OPTION_LIST, &options->references,
         "image of the subject; up to three times"},
        {"style", "IMAGE", OPTION_TEXT, &options->style, "image whose style is copied"},
        {"mask", "IMAGE", OPTION_TEXT, &options->mask, "image that is white where to edit"},
        {"mask-type", "TYPE", OPTION_TEXT, &options->mask_type, "kind of mask"},
        {"inpainting-prompt", "TEXT", OPTION_TEXT, &options->inpainting_prompt,
         "what belongs inside the mask"},
        {"quality", "Q", OPTION_TEXT, &options->quality, "standard (default), high or ultra"},
        {"aspect-ratio", "W:H", OPTION_TEXT, &options->aspect_ratio,
         "16:9 (default), 1:1, 4:3, ..."},
        {"quick", NULL, OPTION_FLAG, &options->quick,
         "one prompt stage, no validation, no memory extraction"},
        {"skip", "STAGE", OPTION_LIST, &options->skip, "leave a stage out; repeatable"},
        {"model", "ID", OPTION_TEXT, &options->model, "image model instead of automatic routing"},
        {"tool", "ID[,K=V...]", OPTION_TEXT, &options->tool, "tool the request comes from"},
        {"user", "UUID", OPTION_TEXT, &options->user, "user who pays (default: the local user)"},
        {"project", "UUID", OPTION_TEXT, &options->project, "project of the chain"},
        {"priority", "N", OPTION_TEXT, &options->priority, "higher runs earlier (default 0)"},
        {"idempotency-key", "KEY", OPTION_TEXT, &options->idempotency_key,
         "the same key gives the same render back"},
        /* The last but one is of submit alone, the last of render. */
        {"upload", NULL, OPTION_FLAG, &options->upload,
         "store local images first, for workers on other machines (needs the workers' --storage)"},
        {"output", "FILE", OPTION_TEXT, &options->output, "write the picture there as well"},
    };
    Option chosen[OPTION_COUNT(table) - 1];
    memcpy(chosen, table, sizeof chosen);
    if (!queued)
        chosen[OPTION_COUNT(chosen) - 1] = table[OPTION_COUNT(table) - 1];
    const CommandLine line = {
        queued ? "submit --prompt TEXT" : "render --prompt TEXT",
        queued ? "Queue the render of an image, which a worker will run; prints the render's id."
               : "Render an image. With --chain, what the chain remembers (palette, materials,\n"
                 "geometry, style) is fed into the render, and what comes out is remembered.",
        chosen,
        OPTION_COUNT(chosen),
        0,
        0,
        notes};
    char **positional;
    int code = options_parse(&line, argc, argv, settings, &positional);
    return code >= 0 ? code : check(options, &line, settings);
}

/* Free what was read. */
void request_free(RequestOptions *options) {
    free(options->read_prompt);
}

/* Set a text member unless it was not given. */
static void set_text(json_t *request, const char *key, const char *value) {
    if (value)
        json_object_set_new(request, key, json_string(value));
}

/* Say what an input image holds. */
void request_hash(json_t *request, const char *key, int number, const char *sha256) {
    json_t *image = json_object_get(request, key);
    if (number >= 0)
        image = json_array_get(image, (size_t)number);
    if (json_is_object(image) && *sha256)
        json_object_set_new(image, "sha256", json_string(sha256));
}

/* Read "id,key=value,key=value". */
static json_t *tool_json(const char *text) {
    json_t *settings = json_object();
    char *copy = mem_strdup(text), *rest = copy;
    const char *id = strsep(&rest, ",");
    json_t *tool = json_pack("{s:s, s:o}", "toolId", id, "toolSettings", settings);
    for (char *pair; (pair = strsep(&rest, ","));) {
        char *value = strchr(pair, '=');
        if (value)
            *value++ = '\0';
        if (*pair)
            json_object_set_new(settings, pair, value ? json_string(value) : json_true());
    }
    free(copy);
    return tool;
}

/* Set what names the chain. */
static void set_chain(json_t *request, const char *chain) {
    if (chain)
        set_text(request, is_uuid(chain) ? "chainId" : "chainName", chain);
}

/* Add the images and skipped stages. */
static void set_lists(json_t *request, const RequestOptions *options) {
    json_t *references = json_array(), *skip = json_object();
    for (size_t i = 0; i < options->references.count; i++)
        json_array_append_new(references, input_named(options->references.items[i]));
    for (size_t i = 0; i < options->skip.count; i++)
        json_object_set_new(skip, skip_key(options->skip.items[i]), json_true());
    if (json_array_size(references))
        json_object_set(request, "references", references);
    if (json_object_size(skip))
        json_object_set(request, "skipStages", skip);
    json_decref(references);
    json_decref(skip);
}

/* Build the request. */
json_t *request_build(const RequestOptions *options, const char *provider) {
    json_t *request = json_pack("{s:s}", "type", "image");
    set_text(request, "prompt", options->prompt);
    set_text(request, "provider", provider);
    set_text(request, "userId", options->user);
    set_text(request, "projectId", options->project);
    set_text(request, "parentRenderId", options->parent);
    set_text(request, "maskType", options->mask_type);
    set_text(request, "inpaintingPrompt", options->inpainting_prompt);
    set_text(request, "quality", options->quality);
    set_text(request, "aspectRatio", options->aspect_ratio);
    set_text(request, "forceModel", options->model);
    set_text(request, "idempotencyKey", options->idempotency_key);
    set_chain(request, options->chain);
    set_lists(request, options);
    if (options->style)
        json_object_set_new(request, "style", input_named(options->style));
    if (options->mask)
        json_object_set_new(request, "mask", input_named(options->mask));
    if (options->tool)
        json_object_set_new(request, "toolContext", tool_json(options->tool));
    if (options->quick)
        json_object_set_new(request, "quick", json_true());
    if (options->priority) {
        char *end;
        long priority = strtol(options->priority, &end, 10);
        json_object_set_new(request, "priority",
                            *end || !*options->priority ? json_string(options->priority)
                                                        : json_integer(priority));
    }
    return request;
}
