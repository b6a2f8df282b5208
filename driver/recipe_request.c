#include "recipe_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "query.h"
#include "recipe.h"

/* Refuse, with words and advice. */
static void refuse(const Settings *settings, ExitCode *code, const char *hint, const char *format,
                   ...) PRINTF_LIKE(4, 5);
static void refuse(const Settings *settings, ExitCode *code, const char *hint, const char *format,
                   ...) {
    va_list args;
    va_start(args, format);
    char *words = mem_vprintf(format, args);
    va_end(args);
    app_error(settings, words, NULL, hint);
    free(words);
    *code = EXIT_BAD_INPUT;
}

/* A text of the recipe, NULL where it is not there. */
static const char *text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* ---- reading one ---- */

/* Is it a recipe that this driver can follow, for this command? */
static bool is_usable(const Settings *settings, const json_t *recipe, bool video, ExitCode *code) {
    const char *type = text(recipe, "type");
    if (json_integer_value(json_object_get(recipe, "version")) != 1 || !type ||
        !text(recipe, "prompt") || !text(json_object_get(recipe, "model"), "id"))
        refuse(settings, code, "renderchain show --recipe RENDER prints one.",
               "this is no recipe of version 1");
    else if (strcmp(type, video ? "video" : "image") != 0)
        refuse(settings, code,
               video ? "Use renderchain render, or submit without --video."
                     : "Use renderchain video, or submit with --video.",
               "the recipe is of %s", video ? "an image" : "a video");
    else
        return true;
    return false;
}

/* Read it. */
json_t *recipe_read(App *app, const RequestOptions *options, ExitCode *code) {
    json_t *recipe = NULL;
    if (is_uuid(options->from_recipe)) {
        const char *parameters[] = {options->from_recipe};
        recipe = query_json(app, "select renderchain.get_recipe($1::uuid)", 1, parameters, code);
    } else {
        char *file = read_json_object(&app->settings, options->from_recipe, code);
        recipe = file ? json_loads(file, 0, NULL) : NULL;
        if (file && !recipe)
            refuse(&app->settings, code, NULL, "the recipe has numbers that are too large");
        free(file);
    }
    if (recipe && !is_usable(&app->settings, recipe, options->video, code)) {
        json_decref(recipe);
        return NULL;
    }
    return recipe;
}

/* ---- its images ---- */

/* Is an image what it was? */
bool recipe_image_fits(const char *label, const ImageFile *image, const json_t *named,
                       char **error) {
    const char *sha256 = text(named, "sha256");
    if (!sha256 || !image->bytes || strcmp(sha256, image->sha256) == 0)
        return true;
    *error = mem_printf("%s: \"%s\" is not the image of the recipe: its SHA-256 is %s, not %s",
                        label, image->path, image->sha256, sha256);
    return false;
}

/* Say of an input where it is: as the option says (given, not NULL), else as the recipe does. NULL
 * where neither does. */
static json_t *locate(const Settings *settings, const json_t *input, const char *option,
                      json_t *given, ExitCode *code) {
    static const char *const kept[] = {"path", "key", "url", "sha256", "mime"};
    json_t *located = given ? json_copy(given) : json_object();
    for (size_t i = given ? 3 : 0; i < sizeof kept / sizeof kept[0]; i++)
        if (json_is_string(json_object_get(input, kept[i])))
            json_object_set(located, kept[i], json_object_get(input, kept[i]));
    if (text(located, "path") || text(located, "key") || text(located, "url"))
        return located;
    char *hint = mem_printf("Give the same image with %s; its SHA-256 is %s.", option,
                            text(input, "sha256") ? text(input, "sha256") : "not known");
    const char *name = text(input, "name");
    refuse(settings, code, hint, "the recipe does not hold an image of its inputs%s%s%s",
           name ? " (" : "", name ? name : "", name ? ")" : "");
    free(hint);
    json_decref(located);
    return NULL;
}

/* Add the references. */
static bool add_references(const Settings *settings, json_t *request, const json_t *inputs,
                           ExitCode *code) {
    const json_t *references = json_object_get(inputs, "references");
    const json_t *given = json_object_get(request, "references");
    json_t *list = json_array();
    bool ok = true;
    if (given && json_array_size(given) != json_array_size(references)) {
        refuse(settings, code, "Give all of them in their order, or none.",
               "%zu references were given, and the recipe has %zu", json_array_size(given),
               json_array_size(references));
        ok = false;
    }
    for (size_t i = 0; ok && i < json_array_size(references); i++) {
        json_t *located = locate(settings, json_array_get(references, i), "--reference",
                                 json_array_get(given, i), code);
        ok = located != NULL;
        if (ok)
            json_array_append_new(list, located);
    }
    if (ok && json_array_size(list))
        json_object_set(request, "references", list);
    json_decref(list);
    return ok;
}

/* Add every image, each where it is now. */
static bool add_inputs(const Settings *settings, json_t *request, const json_t *recipe,
                       ExitCode *code) {
    static const struct {
        const char *key, *option;
    } places[] = {{"style", "--style"},
                  {"mask", "--mask"},
                  {"firstFrame", "--first-frame"},
                  {"lastFrame", "--last-frame"},
                  {"previousVideo", "--previous-video"}};
    const json_t *inputs = json_object_get(recipe, "inputs");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const json_t *input = json_object_get(inputs, places[i].key);
        json_t *given = json_object_get(request, places[i].key);
        if (!input && given) {
            refuse(settings, code, NULL, "%s was given, and the recipe has no such image",
                   places[i].option);
            return false;
        }
        json_t *located = input ? locate(settings, input, places[i].option, given, code) : NULL;
        if (input && !located)
            return false;
        if (located)
            json_object_set_new(request, places[i].key, located);
    }
    return add_references(settings, request, inputs, code);
}

/* ---- the request ---- */

/* The recipe as the request brings it: what the options change is not in it. */
static json_t *to_bring(const json_t *recipe, const RequestOptions *options) {
    static const char *const drawn[] = {"finalPrompt", "negativePrompt", "corrections"};
    json_t *brought = json_copy((json_t *)recipe);
    json_object_del(brought, "inputs");
    json_object_del(brought, "output");
    for (size_t i = 0; options->analyze && i < sizeof drawn / sizeof drawn[0]; i++)
        json_object_del(brought, drawn[i]);
    const char *model = text(json_object_get(recipe, "model"), "id");
    if (options->model && strcmp(options->model, model) != 0)
        json_object_set_new(brought, "parameters", json_object());
    return brought;
}

/* Refuse a recipe that lacks what is needed, since it was too large to be kept. The tool is told
 * only to who writes the prompt; what was written is not told to who writes it anew. */
static bool is_whole(const Settings *settings, const json_t *recipe, const RequestOptions *options,
                     ExitCode *code) {
    const json_t *left_out = json_object_get(recipe, "leftOut");
    const char *lacks = !options->analyze && !text(recipe, "finalPrompt") ? "finalPrompt" : NULL;
    size_t i;
    json_t *name;
    json_array_foreach(left_out, i, name) {
        const char *words = json_string_value(name);
        bool tool = words && strcmp(words, "parameters.toolContext") == 0;
        if (words && (strcmp(words, "memory") == 0 || tool == options->analyze))
            lacks = words;
    }
    if (lacks)
        refuse(settings, code,
               options->analyze ? NULL : "Have the prompt written anew with --analyze.",
               "the recipe is not whole: it was kept without %s, which was too large, or not "
               "known any more",
               lacks);
    return !lacks;
}

/* Warn where our own words to the model are not those of then. */
void recipe_warn(const json_t *request) {
    const char *then = text(json_object_get(request, "recipe"), "promptVersion");
    if (then && strcmp(then, asset_version()) != 0)
        fprintf(stderr,
                "renderchain: the recipe was made with instructions of version %s, these are %s: "
                "the result may differ\n",
                then, asset_version());
}

/* Say where in which chain it goes: where the recipe was, unless the options say otherwise. */
static void set_place(json_t *request, const json_t *recipe, const RequestOptions *options) {
    if (!options->chain && !options->parent) {
        const char *parent = text(recipe, "parentRenderId");
        const char *chain = text(recipe, "chainId");
        if (chain)
            json_object_set_new(request, "chainId", json_string(chain));
        if (parent)
            json_object_set_new(request, "parentRenderId", json_string(parent));
    }
}

/* Build the request. */
json_t *recipe_request(const Settings *settings, const json_t *recipe,
                       const RequestOptions *options, const char *provider, ExitCode *code) {
    const json_t *parameters = json_object_get(recipe, "parameters");
    if (!is_whole(settings, recipe, options, code))
        return NULL;
    json_t *request = request_build(options, provider);
    json_object_set(request, "prompt", json_object_get(recipe, "prompt"));
    for (size_t i = 0; recipe_parameters[i]; i++)
        if (json_object_get(parameters, recipe_parameters[i]))
            json_object_set(request, recipe_parameters[i],
                            json_object_get(parameters, recipe_parameters[i]));
    const json_t *model = json_object_get(recipe, "model");
    if (!options->model)
        json_object_set(request, "forceModel", json_object_get(model, "id"));
    if (!options->model && !provider)
        json_object_set(request, "provider", json_object_get(model, "provider"));
    json_object_set_new(request, "recipe", to_bring(recipe, options));
    set_place(request, recipe, options);
    if (add_inputs(settings, request, recipe, code))
        return request;
    json_decref(request);
    return NULL;
}
