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

/* Refuse what a recipe says itself. */
static int check_recipe(const RequestOptions *options, const CommandLine *line) {
    const struct {
        const char *option;
        bool given;
    } said[] = {{"--prompt", options->prompt},
                {"--quality", options->quality},
                {"--aspect-ratio", options->aspect_ratio},
                {"--duration", options->duration},
                {"--quick", options->quick},
                {"--skip", options->skip.count},
                {"--tool", options->tool},
                {"--mask-type", options->mask_type},
                {"--inpainting-prompt", options->inpainting_prompt}};
    if (!options->from_recipe)
        return options->analyze ? usage_error(line, "--analyze needs --from-recipe") : -1;
    for (size_t i = 0; i < OPTION_COUNT(said); i++)
        if (said[i].given)
            return usage_error(line, "%s cannot be given with --from-recipe, which says it",
                               said[i].option);
    return -1;
}

/* Check what only the command line can get wrong. */
static int check(RequestOptions *options, const CommandLine *line, const Settings *settings) {
    int code = check_recipe(options, line);
    if (code >= 0)
        return code;
    if (!options->prompt && !options->from_recipe)
        return usage_error(line, "--prompt is missing");
    if (options->previous_video && strncmp(options->previous_video, "key:", 4) != 0 &&
        !strstr(options->previous_video, "files/") &&
        !strstr(options->previous_video, "interactions/"))
        return usage_error(
            line,
            "--previous-video is \"%s\"; services go on only from videos of their own: "
            "key:KEY (the outputKey of a render), .../files/ID or interactions/ID",
            options->previous_video);
    if (options->last_frame && !options->first_frame && !options->from_recipe)
        return usage_error(line, "--last-frame needs --first-frame");
    if (options->duration && (strlen(options->duration) != 1 || !strchr("468", *options->duration)))
        return usage_error(line, "--duration is \"%s\", not 4, 6 or 8", options->duration);
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
    return options->prompt && strcmp(options->prompt, "-") == 0 ? read_prompt(options, settings)
                                                                : -1;
}

/* Which commands take an option. */
enum {
    FOR_RENDER = 1 << REQUEST_RENDER,
    FOR_VIDEO = 1 << REQUEST_VIDEO,
    FOR_SUBMIT = 1 << REQUEST_SUBMIT,
    FOR_ALL = FOR_RENDER | FOR_VIDEO | FOR_SUBMIT,
    OPTIONS_MOST = 32
};

/* Choose the options of a kind of command. */
static size_t choose_options(RequestOptions *options, RequestKind kind, Option *chosen) {
    const struct {
        int commands;
        Option option;
    } table[] = {
        {FOR_ALL,
         {"prompt", "TEXT", OPTION_TEXT, &options->prompt,
          "what to render; - reads standard input"}},
        {FOR_ALL,
         {"from-recipe", "FILE|RENDER", OPTION_TEXT, &options->from_recipe,
          "draw what a recipe says, instead of --prompt; see renderchain show --recipe"}},
        {FOR_ALL,
         {"analyze", NULL, OPTION_FLAG, &options->analyze,
          "run the stages before the picture anew, for --from-recipe"}},
        {FOR_ALL,
         {"chain", "ID|NAME", OPTION_TEXT, &options->chain, "chain to go on with, or a new name"}},
        {FOR_ALL,
         {"parent", "RENDER", OPTION_TEXT, &options->parent,
          "branch from this render instead of the chain's last"}},
        {FOR_ALL,
         {"reference", "IMAGE", OPTION_LIST, &options->references,
          "image of the subject; up to three times"}},
        {FOR_ALL, {"style", "IMAGE", OPTION_TEXT, &options->style, "image whose style is copied"}},
        {FOR_RENDER | FOR_SUBMIT,
         {"mask", "IMAGE", OPTION_TEXT, &options->mask, "image that is white where to edit"}},
        {FOR_RENDER | FOR_SUBMIT,
         {"mask-type", "TYPE", OPTION_TEXT, &options->mask_type, "kind of mask"}},
        {FOR_RENDER | FOR_SUBMIT,
         {"inpainting-prompt", "TEXT", OPTION_TEXT, &options->inpainting_prompt,
          "what belongs inside the mask"}},
        {FOR_SUBMIT, {"video", NULL, OPTION_FLAG, &options->video, "a video instead of an image"}},
        {FOR_VIDEO | FOR_SUBMIT,
         {"first-frame", "IMAGE", OPTION_TEXT, &options->first_frame,
          "image with which the video begins"}},
        {FOR_VIDEO | FOR_SUBMIT,
         {"last-frame", "IMAGE", OPTION_TEXT, &options->last_frame,
          "image with which it ends; needs --first-frame"}},
        {FOR_VIDEO | FOR_SUBMIT,
         {"previous-video", "VIDEO", OPTION_TEXT, &options->previous_video,
          "video to go on from: key:KEY of one that was rendered here, or as the provider calls "
          "it: .../files/ID or interactions/ID"}},
        {FOR_VIDEO | FOR_SUBMIT,
         {"duration", "SECONDS", OPTION_TEXT, &options->duration, "4, 6 or 8 (default)"}},
        {FOR_ALL,
         {"quality", "Q", OPTION_TEXT, &options->quality, "standard (default), high or ultra"}},
        {FOR_ALL,
         {"aspect-ratio", "W:H", OPTION_TEXT, &options->aspect_ratio,
          "16:9 (default), 1:1, 4:3, ...; of a video 16:9 or 9:16"}},
        {FOR_ALL,
         {"quick", NULL, OPTION_FLAG, &options->quick,
          "one prompt stage, no validation, no memory extraction"}},
        {FOR_ALL, {"skip", "STAGE", OPTION_LIST, &options->skip, "leave a stage out; repeatable"}},
        {FOR_ALL,
         {"model", "ID", OPTION_TEXT, &options->model, "model instead of automatic routing"}},
        {FOR_ALL,
         {"tool", "ID[,K=V...]", OPTION_TEXT, &options->tool, "tool the request comes from"}},
        {FOR_ALL,
         {"user", "UUID", OPTION_TEXT, &options->user, "user who pays (default: the local user)"}},
        {FOR_ALL, {"project", "UUID", OPTION_TEXT, &options->project, "project of the chain"}},
        {FOR_ALL,
         {"priority", "N", OPTION_TEXT, &options->priority, "higher runs earlier (default 0)"}},
        {FOR_ALL,
         {"idempotency-key", "KEY", OPTION_TEXT, &options->idempotency_key,
          "the same key gives the same render back"}},
        {FOR_SUBMIT,
         {"upload", NULL, OPTION_FLAG, &options->upload,
          "store local images first, for workers on other machines (needs the workers' "
          "--storage)"}},
        {FOR_RENDER | FOR_VIDEO,
         {"output", "FILE", OPTION_TEXT, &options->output, "write the result there as well"}},
    };
    size_t count = 0;
    for (size_t i = 0; i < OPTION_COUNT(table); i++)
        if (table[i].commands & 1 << kind)
            chosen[count++] = table[i].option;
    return count;
}

/* Parse the command line. */
int request_parse(RequestOptions *options, int argc, char **argv, Settings *settings,
                  RequestKind kind) {
    static const char *const words[][2] = {
        [REQUEST_RENDER] = {"render --prompt TEXT",
                            "Render an image. With --chain, what the chain remembers (palette, "
                            "materials,\ngeometry, style) is fed into the render, and what comes "
                            "out is remembered."},
        [REQUEST_VIDEO] = {"video --prompt TEXT",
                           "Render a video. References and frames are looked at at once; what they "
                           "agree on\nand what the chain remembers are fed into it."},
        [REQUEST_SUBMIT] = {"submit --prompt TEXT",
                            "Queue the render of an image, or with --video of a video, which a "
                            "worker will run;\nprints the render's id."},
    };
    Option chosen[OPTIONS_MOST];
    size_t count = choose_options(options, kind, chosen);
    const CommandLine line = {words[kind][0], words[kind][1], chosen, count, 0, 0, notes};
    char **positional;
    options->video = kind == REQUEST_VIDEO;
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

/* Set what only videos have. */
static void set_video(json_t *request, const RequestOptions *options) {
    const char *duration = options->duration ? options->duration : "8";
    if (!options->video)
        return;
    json_object_set_new(request, "durationSeconds", json_integer(*duration - '0'));
    if (options->first_frame)
        json_object_set_new(request, "firstFrame", input_named(options->first_frame));
    if (options->last_frame)
        json_object_set_new(request, "lastFrame", input_named(options->last_frame));
    if (options->previous_video) {
        bool key = strncmp(options->previous_video, "key:", 4) == 0;
        json_object_set_new(
            request, "previousVideo",
            json_pack("{s:s}", key ? "key" : "url", options->previous_video + (key ? 4 : 0)));
    }
}

/* Build the request. */
json_t *request_build(const RequestOptions *options, const char *provider) {
    json_t *request = json_pack("{s:s}", "type", options->video ? "video" : "image");
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
    set_video(request, options);
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
