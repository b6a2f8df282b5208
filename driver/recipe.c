#include "recipe.h"

#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "correction.h"
#include "data_uri.h"
#include "history.h"
#include "json_text.h"

const char *const recipe_parameters[] = {
    "quality",  "aspectRatio",      "durationSeconds", "quick", "skipStages",
    "maskType", "inpaintingPrompt", "toolContext",     NULL};

/* What is left out first where a recipe would be too large. */
static const char *const dispensable[] = {"parameters.toolContext", "memory", "corrections",
                                          "negativePrompt"};

/* ---- keeping one ---- */

/* Set a member unless it is NULL. */
static void set_if(json_t *object, const char *key, const json_t *value) {
    if (value && !json_is_null(value))
        json_object_set(object, key, (json_t *)value);
}

/* An address without user, password and query: these hold keys and signatures. NULL where it would
 * not be the same address any more; *shown (the caller's) is what can be told of it then. */
static const char *address_without_secrets(const char *url, char **shown) {
    static const char media[] = "?alt=media";
    const char *host = strstr(url, "://"), *query = strpbrk(url, "?#");
    *shown = NULL;
    if (!host)
        return url;
    const char *path = host + 3 + strcspn(host + 3, "/?#");
    const char *user = memrchr(host + 3, '@', (size_t)(path - host - 3));
    if (!user && (!query || strcmp(query, media) == 0))
        return url;
    const char *from = user ? user + 1 : host + 3;
    size_t length = query ? (size_t)(query - from) : strlen(from);
    *shown = mem_printf("%.*s://%.*s", (int)(host - url), url, (int)length, from);
    return NULL;
}

/* Describe where an image came from, and what it was. image: NULL for what is not read here. */
static json_t *describe_input(const json_t *named, const ImageFile *image) {
    json_t *input = json_object();
    const char *url = json_string_value(json_object_get(named, "url"));
    char *shown = NULL;
    if (json_is_string(named))
        json_object_set(input, "path", (json_t *)named);
    set_if(input, "path", json_object_get(named, "path"));
    set_if(input, "key", json_object_get(named, "key"));
    if (url && data_uri_is(url))
        json_object_set_new(input, "name", json_string("data"));
    else if (url && address_without_secrets(url, &shown))
        json_object_set_new(input, "url", json_string(url));
    else if (shown)
        json_object_set_new(input, "name", json_string(shown));
    free(shown);
    if (image && image->bytes) {
        json_object_set_new(input, "sha256", json_string(image->sha256));
        json_object_set_new(input, "mime", json_string(image->mime));
        json_object_set_new(input, "bytes", json_integer((json_int_t)image->length));
    }
    return input;
}

/* Describe one input that the request may name. */
static void add_input(json_t *inputs, const Render *render, const char *key,
                      const ImageFile *image) {
    const json_t *named = json_object_get(render->request, key);
    if (named && !json_is_null(named))
        json_object_set_new(inputs, key, describe_input(named, image));
}

/* Describe all inputs under the request's names. */
static json_t *describe_inputs(const Render *render) {
    json_t *inputs = json_object(), *references = json_array();
    const json_t *named = json_object_get(render->request, "references");
    for (size_t i = 0; i < render->reference_count; i++)
        json_array_append_new(references,
                              describe_input(json_array_get(named, i), &render->references[i]));
    if (json_array_size(references))
        json_object_set(inputs, "references", references);
    json_decref(references);
    add_input(inputs, render, "style", &render->style);
    add_input(inputs, render, "mask", &render->mask);
    add_input(inputs, render, "firstFrame", &render->first_frame);
    add_input(inputs, render, "lastFrame", &render->last_frame);
    add_input(inputs, render, "previousVideo", NULL);
    return inputs;
}

/* Describe the parameters, with the size that was chosen. */
static json_t *describe_parameters(const Render *render) {
    json_t *parameters = json_object();
    for (size_t i = 0; recipe_parameters[i]; i++)
        set_if(parameters, recipe_parameters[i],
               json_object_get(render->request, recipe_parameters[i]));
    if (render_is_video(render))
        json_object_set_new(parameters, "durationSeconds", json_integer(render_seconds(render)));
    if (render->image_size)
        json_object_set_new(parameters, "size", json_string(render->image_size));
    return parameters;
}

/* Name something that is left out. */
static void leave_out(json_t *recipe, const char *name) {
    json_t *left_out = json_object_get(recipe, "leftOut");
    if (!left_out) {
        left_out = json_array();
        json_object_set_new(recipe, "leftOut", left_out);
    }
    json_array_append_new(left_out, json_string(name));
}

/* Hash a memory, in whatever order its members are; "" where there is none. */
static void hash_memory(const json_t *memory, char hex[65]) {
    char *text = memory ? json_dumps(memory, JSON_TEXT | JSON_SORT_KEYS) : NULL;
    *hex = '\0';
    if (text)
        sha256_hex(text, strlen(text), hex);
    free(text);
}

/* Note which memory a generation was told. */
void recipe_note(json_t *output, const Render *render) {
    char hex[65];
    hash_memory(render->memory, hex);
    if (*hex)
        json_object_set_new(output, "memorySha256", json_string(hex));
}

/* Add the memory that was used. A picture that was taken over was drawn with what the chain
 * remembered then: where that is something else by now, nobody knows it any more. */
static void add_memory(json_t *recipe, const Render *render, const Picture *kept) {
    const char *then = json_string_value(json_object_get(kept->recorded, "memorySha256"));
    char hex[65];
    hash_memory(render->memory, hex);
    if (kept->recorded && !render_is_video(render) && strcmp(then ? then : "", hex) != 0)
        leave_out(recipe, "memory");
    else
        set_if(recipe, "memory", render->memory);
}

/* Add the last turn that the model was told, if it was; of a picture that was taken over as it is
 * recorded. */
static void add_history(json_t *recipe, const Render *render, const Picture *kept) {
    const json_t *told = json_object_get(kept->recorded, "history");
    if (!kept->recorded) {
        json_t *history = history_recipe(render);
        if (history)
            json_object_set_new(recipe, "history", history);
    } else if (json_is_true(json_object_get(told, "sent"))) {
        set_if(recipe, "history", told);
    }
}

/* Add the prompt that was drawn. The optimised one is the result's, where get_recipe() finds it,
 * unless another was drawn or it is too large. */
static void add_prompt(json_t *recipe, const Render *render) {
    const char *final = render_final_prompt(render);
    bool large = strlen(final) > RECIPE_MAXIMUM;
    if (large)
        leave_out(recipe, "finalPrompt");
    if (large || (render->prompt && strcmp(render->prompt, final) != 0))
        json_object_set_new(recipe, "finalPrompt", large ? json_null() : json_string(final));
}

/* Leave members out until the recipe is as small as it has to be. */
static void bound(json_t *recipe) {
    for (size_t i = 0; i < sizeof dispensable / sizeof dispensable[0]; i++) {
        char *text = json_text(recipe);
        bool fits = strlen(text) <= RECIPE_MAXIMUM;
        free(text);
        if (fits)
            break;
        const char *dot = strchr(dispensable[i], '.');
        json_t *object = dot ? json_object_get(recipe, "parameters") : recipe;
        if (json_object_del(object, dot ? dot + 1 : dispensable[i]) == 0)
            leave_out(recipe, dispensable[i]);
    }
}

/* What the model was told to correct in the picture that is kept. */
static const json_t *corrections(const Render *render, const Picture *kept) {
    if (kept == &render->corrected)
        return json_object_get(render->validation, "corrections");
    return recipe_repeats(render) ? json_object_get(recipe_given(render), "corrections") : NULL;
}

/* What is kept. */
json_t *recipe_of(const Render *render, const Picture *kept) {
    const App *app = render->app;
    const Model *model = render->image_model;
    const char *version = kept->answer.model_version;
    if (!version)
        version = json_string_value(json_object_get(kept->recorded, "modelVersion"));
    json_t *recipe =
        json_pack("{s:i, s:s?, s:{s:s, s:s, s:s?}, s:o, s:o, s:s, s:s, s:s?}", "version", 1,
                  "negativePrompt", render->negative, "model", "id", model->id, "provider",
                  model->provider, "version", version, "parameters", describe_parameters(render),
                  "inputs", describe_inputs(render), "promptVersion", asset_version(),
                  "driverVersion", RC_VERSION, "extensionVersion", app->registry.extension_version);
    add_prompt(recipe, render);
    set_if(recipe, "parentRenderId", json_object_get(render->request, "parentRenderId"));
    add_memory(recipe, render, kept);
    set_if(recipe, "corrections", corrections(render, kept));
    set_if(recipe, "repeats", json_object_get(recipe_given(render), "renderId"));
    add_history(recipe, render, kept);
    if (*kept->sha256)
        json_object_set_new(recipe, "output", json_pack("{s:s}", "sha256", kept->sha256));
    bound(recipe);
    return recipe;
}

/* ---- drawing from one ---- */

/* The recipe that the request brings. */
const json_t *recipe_given(const Render *render) {
    const json_t *recipe = json_object_get(render->request, "recipe");
    return json_is_object(recipe) ? recipe : NULL;
}

/* Is its prompt drawn as it stands? */
bool recipe_repeats(const Render *render) {
    return json_is_string(json_object_get(recipe_given(render), "finalPrompt"));
}

/* A member of the recipe, NULL where it is null. */
static json_t *member(const json_t *recipe, const char *key) {
    json_t *value = json_object_get(recipe, key);
    return json_is_object(value) ? json_incref(value) : NULL;
}

/* Take over what was known then. */
void recipe_take(Render *render) {
    const json_t *recipe = recipe_given(render);
    if (!recipe)
        return;
    json_decref(render->memory);
    json_decref(render->previous);
    render->memory = member(recipe, "memory");
    render->previous = member(recipe, "history");
    if (!recipe_repeats(render))
        return;
    render->prompt = mem_strdup(json_string_value(json_object_get(recipe, "finalPrompt")));
    render->negative = mem_strdup(json_string_value(json_object_get(recipe, "negativePrompt")));
}

/* The size of the picture. */
const char *recipe_size(const Render *render) {
    const json_t *parameters = json_object_get(recipe_given(render), "parameters");
    return json_string_value(json_object_get(parameters, "size"));
}
