#include "model_limits.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"

/* Does a list of the registry have the value? One that is not there has all. */
static bool in_list(const Model *model, const char *list, const json_t *value) {
    const json_t *values = json_object_get(model->definition, list);
    size_t i;
    json_t *item;
    if (!json_is_array(values) || !value || json_is_null(value))
        return true;
    json_array_foreach(values, i, item) {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

/* Is a count within a number of the registry? */
static bool within(const Model *model, const char *key, size_t count) {
    const json_t *most = json_object_get(model->definition, key);
    return !json_is_number(most) || (double)count <= json_number_value(most);
}

/* How many characters a text has. */
static size_t characters(const char *text) {
    size_t count = 0;
    for (; text && *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* How many pictures the model is to go by: a mask and the frames of a video are other things. */
static size_t pictures(const Render *render) {
    const json_t *style = json_object_get(render->request, "style");
    return json_array_size(json_object_get(render->request, "references")) +
           (style && !json_is_null(style));
}

/* Is a prompt one that the model takes? */
bool limit_takes_prompt(const Model *model, const char *prompt) {
    return within(model, "maxPromptChars", characters(prompt));
}

/* What the provider calls the video to go on from. */
const char *limit_previous_video(const Render *render) {
    const json_t *named = json_object_get(render->request, "previousVideo");
    return render->previous_video ? render->previous_video
                                  : json_string_value(json_object_get(named, "url"));
}

/* Does the model's protocol know that video? Each has names of its own. */
static bool knows_previous(const Render *render, const Model *model) {
    const char *name = limit_previous_video(render);
    const char *wire = json_string_value(json_object_get(model->definition, "wire"));
    if (!render_is_video(render) || !name || !wire)
        return true;
    return strstr(name, "interactions/") ? strcmp(wire, "veo") != 0
                                         : strcmp(wire, "interactions") != 0;
}

/* The first limit that is passed. */
Limit limit_passed(const Render *render, const Model *model) {
    const json_t *request = render->request;
    if (!in_list(model, "aspectRatios", json_object_get(request, "aspectRatio")))
        return LIMIT_SHAPE;
    if (render_is_video(render) &&
        !in_list(model, "durations", json_object_get(request, "durationSeconds")))
        return LIMIT_DURATION;
    if (!within(model, "maxReferences", pictures(render)))
        return LIMIT_REFERENCES;
    if (!limit_takes_prompt(model, request_text(render, "prompt")))
        return LIMIT_PROMPT;
    return knows_previous(render, model) ? LIMIT_NONE : LIMIT_PREVIOUS;
}

/* What is asked for, in words; the caller's. */
static char *asked(const Render *render, Limit limit) {
    switch (limit) {
    case LIMIT_SHAPE:
        return mem_strdup(request_text(render, "aspectRatio"));
    case LIMIT_PREVIOUS:
        return mem_strdup(limit_previous_video(render));
    case LIMIT_DURATION:
        return mem_printf("%d", render_seconds(render));
    case LIMIT_REFERENCES:
        return mem_printf("%zu", pictures(render));
    default:
        return mem_printf("%zu", characters(request_text(render, "prompt")));
    }
}

/* Say what is wrong. */
char *limit_explain(const Render *render, const Model *model, Limit limit) {
    static const struct {
        const char *member, *what, *advice;
    } limits[LIMIT_COUNT] = {
        [LIMIT_NONE] = {"", "", ""},
        [LIMIT_SHAPE] = {"aspectRatios", "the aspect ratio", "ask for one of these"},
        [LIMIT_DURATION] = {"durations", "the length in seconds", "ask for one of these"},
        [LIMIT_REFERENCES] = {"maxReferences", "the number of references and style images",
                              "leave some out"},
        [LIMIT_PROMPT] = {"maxPromptChars", "the number of characters of the prompt", "shorten it"},
        [LIMIT_PREVIOUS] = {"wire", "the video to go on from",
                            "interactions goes on from interactions/ID, veo from .../files/ID"},
    };
    char *wish = asked(render, limit);
    char *can = json_text(json_object_get(model->definition, limits[limit].member));
    char *words = mem_printf("%s is %s, and model \"%s\" has %s %s in the registry: %s, or take "
                             "another model",
                             limits[limit].what, wish, model->id, limits[limit].member,
                             can ? can : "", limits[limit].advice);
    free(wish);
    free(can);
    return words;
}
