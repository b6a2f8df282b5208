/* The strictness of the real services, as others have met it: image bytes have a name of their own,
 * lengths are numbers, and what goes with what is checked before anything is drawn. */
#include "video_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char *const veo_names[] = {"instances", "parameters", NULL};
static const char *const instance_names[] = {"prompt",          "image", "lastFrame",
                                             "referenceImages", "video", NULL};
static const char *const parameter_names[] = {"sampleCount", "durationSeconds",  "aspectRatio",
                                              "resolution",  "personGeneration", "negativePrompt",
                                              NULL};
static const char *const interaction_names[] = {
    "model", "input",      "generation_config",  "response_format", "previous_interaction_id",
    "store", "background", "system_instruction", "stream",          NULL};

/* Refuse names that are not listed; the words hold the name. */
static bool names_known(const json_t *object, const char *const *names, const char *words,
                        Refusal *refusal) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const char *const *name = names;
        while (*name && strcmp(*name, key) != 0)
            name++;
        if (!*name) {
            char shown[64];
            snprintf(shown, sizeof shown, "%.60s", key);
            refuse(refusal, 400, "%s: `%s`.", words, shown);
            return false;
        }
    }
    return true;
}

static bool say(Refusal *refusal, const char *words) {
    refuse(refusal, 400, "%s", words);
    return false;
}

/* Add an image to the scene's request. */
static void add_image(json_t *parts, const char *mime, const json_t *data) {
    json_array_append_new(
        parts, json_pack("{s:{s:s?, s:O}}", "inlineData", "mimeType", mime, "data", data));
}

/* Read one of Veo's images. */
static bool take_veo_image(const json_t *image, json_t *parts, Refusal *refusal) {
    const json_t *data = json_object_get(image, "bytesBase64Encoded");
    if (json_object_get(image, "inlineData"))
        return say(refusal, "`inlineData` isn't supported by this model.");
    if (!json_is_string(data))
        return say(refusal, "An image needs `bytesBase64Encoded` and `mimeType`.");
    add_image(parts, json_string_value(json_object_get(image, "mimeType")), data);
    return true;
}

/* Check what goes with what. */
static bool check_veo(const Request *request, const json_t *instance, const json_t *parameters,
                      Refusal *refusal) {
    const json_t *duration = json_object_get(parameters, "durationSeconds");
    const json_t *video = json_object_get(instance, "video");
    size_t references = json_array_size(json_object_get(instance, "referenceImages"));
    bool full = request->seconds == 8;
    if (duration && !json_is_number(duration))
        return say(refusal, "The value type for `durationSeconds` needs to be a number.");
    if (request->seconds != 4 && request->seconds != 6 && !full)
        return say(refusal, "`durationSeconds` must be 4, 6 or 8.");
    if (video && !json_is_string(json_object_get(video, "uri")))
        return say(refusal, "Video URI not found in the request.");
    if (json_object_get(instance, "lastFrame") && !json_object_get(instance, "image"))
        return say(refusal, "`lastFrame` needs `image`.");
    if (references > 3)
        return say(refusal, "At most 3 reference images are supported.");
    if ((references > 0 || video || strcmp(request->image_size, "1080p") == 0) && !full)
        return say(refusal, "Your use case is currently not supported: it needs a duration of 8 "
                            "seconds.");
    return true;
}

/* Keep length, shape and size. */
static bool keep_shape(Request *request, const char *ratio, const char *resolution,
                       Refusal *refusal) {
    bool known = !ratio || strcmp(ratio, "16:9") == 0 || strcmp(ratio, "9:16") == 0;
    if (!known)
        return say(refusal, "The aspect ratio must be 16:9 or 9:16.");
    if (resolution && strcmp(resolution, "720p") != 0 && strcmp(resolution, "1080p") != 0)
        return say(refusal, "The resolution must be 720p or 1080p.");
    request->aspect_ratio = ratio && strcmp(ratio, "9:16") == 0 ? "9:16" : "16:9";
    request->image_size = resolution && strcmp(resolution, "1080p") == 0 ? "1080p" : "720p";
    return true;
}

/* Make the scene's request of the parts, which are taken. */
static void make_scene(Request *request, const ModelInfo *model, json_t *parts) {
    Refusal refusal;
    json_t *body = json_pack("{s:[{s:s, s:o}]}", "contents", "role", "user", "parts", parts);
    if (!request_from_json(request, body, &refusal))
        request->body = body;
    request->model = model;
    request->task = TASK_VIDEO_GENERATION;
}

bool veo_read(const ModelInfo *model, const char *body, size_t length, Request *request,
              Refusal *refusal) {
    json_error_t where;
    json_t *json = json_loadb(body, length, 0, &where), *parts = json_array();
    const json_t *instance = json_array_get(json_object_get(json, "instances"), 0);
    const json_t *parameters = json_object_get(json, "parameters");
    const json_t *prompt = json_object_get(instance, "prompt"), *reference;
    const char *const words[] = {"prompt", "image", "lastFrame"};
    static const char unsupported[] = "Invalid or unsupported name";
    size_t i;
    *request = (Request){.seconds = 8};
    bool ok = json_is_object(instance) && json_is_string(prompt);
    if (!ok)
        say(refusal, "Invalid JSON payload received. An instance with a prompt is needed.");
    ok = ok && names_known(json, veo_names, unsupported, refusal) &&
         names_known(instance, instance_names, unsupported, refusal) &&
         names_known(parameters, parameter_names, "This isn't supported by this model", refusal);
    json_t *said =
        json_sprintf("Prompt: %s", json_string_value(prompt) ? json_string_value(prompt) : "");
    json_array_append_new(parts, json_pack("{s:o}", "text", said));
    for (i = 1; ok && i < 3; i++)
        if (json_object_get(instance, words[i]))
            ok = take_veo_image(json_object_get(instance, words[i]), parts, refusal);
    json_array_foreach(json_object_get(instance, "referenceImages"), i, reference) {
        ok = ok && take_veo_image(json_object_get(reference, "image"), parts, refusal);
    }
    make_scene(request, model, parts);
    const json_t *duration = json_object_get(parameters, "durationSeconds");
    request->seconds = duration ? (int)json_number_value(duration) : 8;
    request->veo = true;
    request->first_frame = json_object_get(instance, "image") != NULL;
    request->last_frame = json_object_get(instance, "lastFrame") != NULL;
    ok = ok &&
         keep_shape(request, json_string_value(json_object_get(parameters, "aspectRatio")),
                    json_string_value(json_object_get(parameters, "resolution")), refusal) &&
         check_veo(request, instance, parameters, refusal);
    json_decref(json);
    return ok;
}

/* Read an interaction's input: a text, or a list of texts and images. */
static bool take_input(const json_t *input, json_t *parts, size_t *images, Refusal *refusal) {
    size_t i;
    json_t *item;
    if (json_is_string(input))
        json_array_append_new(parts, json_pack("{s:O}", "text", input));
    json_array_foreach(input, i, item) {
        const json_t *text = json_object_get(item, "text"), *data = json_object_get(item, "data");
        if (json_is_string(text)) {
            json_t *said = json_sprintf("Prompt: %s", json_string_value(text));
            json_array_append_new(parts, json_pack("{s:o}", "text", said));
        } else if (json_is_string(data)) {
            add_image(parts, json_string_value(json_object_get(item, "mime_type")), data);
            ++*images;
        } else {
            return say(refusal, "Invalid input: texts and images with data are served here.");
        }
    }
    return json_array_size(parts) > 0 || say(refusal, "The input is empty.");
}

/* The length that is asked for in words. */
static int seconds_said(const json_t *parts) {
    const char *text = json_string_value(json_object_get(json_array_get(parts, 0), "text"));
    const char *at = text ? strstr(text, " seconds") : NULL;
    return at && at > text && strchr("3456789", at[-1]) ? at[-1] - '0' : 8;
}

bool interaction_read(const char *body, size_t length, Request *request, Refusal *refusal) {
    json_error_t where;
    json_t *json = json_loadb(body, length, 0, &where), *parts = json_array();
    const char *id = json_string_value(json_object_get(json, "model"));
    const ModelInfo *model = id ? model_find(id, strlen(id), "video") : NULL;
    const json_t *format = json_object_get(json, "response_format");
    const json_t *config =
        json_object_get(json_object_get(json, "generation_config"), "video_config");
    const char *task = json_string_value(json_object_get(config, "task"));
    size_t images = 0;
    *request = (Request){.seconds = 8};
    bool ok = json_is_object(json);
    if (!ok)
        say(refusal, "Invalid JSON payload received.");
    ok = ok && names_known(json, interaction_names, "Unknown name", refusal) &&
         take_input(json_object_get(json, "input"), parts, &images, refusal);
    if (ok && !model) {
        refuse(refusal, 404, "models/%.80s is not found.", id ? id : "");
        ok = false;
    }
    request->seconds = seconds_said(parts);
    int seconds = request->seconds;
    make_scene(request, model, parts);
    request->seconds = seconds;
    bool frames = task && strcmp(task, "image_to_video") == 0;
    request->first_frame = frames && images > 0;
    request->last_frame = frames && images > 1;
    request->background = json_is_true(json_object_get(json, "background"));
    if (ok && frames && (images == 0 || images > 2))
        ok = say(refusal, "image_to_video takes one image or two.");
    ok = ok && keep_shape(request, json_string_value(json_object_get(format, "aspect_ratio")),
                          json_string_value(json_object_get(format, "resolution")), refusal);
    json_decref(json);
    return ok;
}

void video_roles(Request *request) {
    size_t at = 0;
    if (request->first_frame && at < request->image_count)
        request->images[at++].role = ROLE_FIRST_FRAME;
    if (request->last_frame && at < request->image_count)
        request->images[at++].role = ROLE_LAST_FRAME;
    for (; at < request->image_count; at++)
        request->images[at].role = ROLE_REFERENCE;
}
