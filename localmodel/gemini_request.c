/* Which of the pipeline's tasks a request is can be seen from what it asks for: an image, or the
 * properties of the schema.  So the driver needs no private field, and the same requests work with
 * the real service. */
#include "gemini_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "gemini_reply.h"
#include "image_load.h"
#include "request_fields.h"
#include "text.h"
#include "video_file.h"

const char *const task_names[TASK_COUNT] = {
    [TASK_TEXT] = "unknown",
    [TASK_SEMANTIC_PARSING] = "semantic_parsing",
    [TASK_IMAGE_UNDERSTANDING] = "image_understanding",
    [TASK_PROMPT_OPTIMIZATION] = "prompt_optimization",
    [TASK_PROMPT_OPTIMIZATION_SIMPLE] = "prompt_optimization_simple",
    [TASK_IMAGE_GENERATION] = "image_generation",
    [TASK_VALIDATION] = "validation",
    [TASK_MEMORY_EXTRACTION] = "memory_extraction",
    [TASK_VIDEO_GENERATION] = "video_generation",
};

const ModelInfo model_infos[] = {
    {"local-vision", "Local vision", false, false, false, "", NULL},
    {"local-image-flash", "Local image, flash", true, true, false, "1K", NULL},
    {"local-image-pro", "Local image, pro", true, true, false, "1K 2K", NULL},
    {"gemini-3.8-flash", "Stand-in for a text model", false, false, false, "", "gemini"},
    {"gemini-nano-banana-2.1", "Stand-in for an image model", true, true, false, "1K 2K 4K",
     "gemini"},
    {"gemini-3-pro-image", "Stand-in for a pro image model", true, true, true, "1K 2K 4K",
     "gemini"},
    {"local-video-fast", "Local video, fast", false, false, false, "", "video"},
    {"local-video", "Local video", false, false, false, "", "video"},
    {"gemini-omni-1.1-flash", "Stand-in for a video model", false, false, false, "", "video"},
    {"veo-3.1-generate-preview", "Stand-in for a video model", false, false, false, "", "video"},
    {"gpt-4.1-mini", "Stand-in for a text model", false, false, false, "", "openai"},
    {"gpt-image-2.6-flare", "Stand-in for an image model", true, false, false, "1K 2K", "openai"},
    {"gpt-image-2.6-sunburst", "Stand-in for a pro image model", true, false, false, "1K 2K 4K",
     "openai"},
    {NULL, NULL, false, false, false, NULL, NULL},
};

/* The property of a schema that tells its task; the first that is there counts, since an
 * extraction answers all that an understanding does. */
static const struct {
    const char *property;
    Task task;
} marks[] = {
    {"complexity", TASK_SEMANTIC_PARSING},         {"styleCodes", TASK_MEMORY_EXTRACTION},
    {"temperature", TASK_IMAGE_UNDERSTANDING},     {"valid", TASK_VALIDATION},
    {"optimizedPrompt", TASK_PROMPT_OPTIMIZATION},
};

static const char *const ratios[] = {"1:1",  "2:3",  "3:2",  "3:4", "4:3", "4:5", "5:4",
                                     "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"};

const ModelInfo *model_find(const char *id, size_t length, const char *wire) {
    for (const ModelInfo *model = model_infos; model->id; model++)
        if (strlen(model->id) == length && memcmp(model->id, id, length) == 0 &&
            (!model->wire || strcmp(model->wire, wire) == 0))
            return model;
    return NULL;
}

void refuse(Refusal *refusal, int status, const char *format, ...) {
    va_list arguments;
    *refusal = (Refusal){.status = status};
    va_start(arguments, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, arguments);
    va_end(arguments);
}

/* Does the list of modalities hold IMAGE? */
static bool wants_image(const json_t *config) {
    size_t i;
    json_t *item;
    json_array_foreach(field_get(config, "responseModalities"), i, item) {
        const char *word = json_string_value(item);
        if (word && strcasecmp(word, "IMAGE") == 0)
            return true;
    }
    return false;
}

static const json_t *find_schema(const json_t *config) {
    const json_t *schema = field_get(config, "responseJsonSchema");
    if (!json_is_object(schema))
        schema = field_get(config, "responseSchema");
    if (!json_is_object(schema)) {
        const json_t *text = json_object_get(field_get(config, "responseFormat"), "text");
        schema = json_object_get(text, "schema");
    }
    return json_is_object(schema) ? schema : NULL;
}

/* Do the request's user turns hold an image? */
static bool has_images(const Request *request) {
    size_t i, j;
    json_t *turn, *part;
    json_array_foreach(json_object_get(request->body, "contents"), i, turn) {
        json_array_foreach(json_object_get(turn, "parts"), j, part) {
            if (field_get(part, "inlineData"))
                return true;
        }
    }
    return false;
}

static Task tell_task(const Request *request, const json_t *config) {
    const json_t *properties = json_object_get(request->schema, "properties");
    if (wants_image(config))
        return TASK_IMAGE_GENERATION;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!json_object_get(properties, marks[i].property))
            continue;
        if (marks[i].task == TASK_PROMPT_OPTIMIZATION && has_images(request))
            return TASK_PROMPT_OPTIMIZATION_SIMPLE;
        return marks[i].task;
    }
    return TASK_TEXT;
}

bool request_parse(Request *request, const char *body, size_t length, Refusal *refusal) {
    json_error_t error;
    json_t *json = json_loadb(body, length, 0, &error);
    if (json)
        return request_from_json(request, json, refusal);
    *request = (Request){0};
    refuse(refusal, 400, "Invalid JSON payload received. %.200s (line %d, column %d).",
           length == 0 ? "The body is empty" : error.text, error.line, error.column);
    return false;
}

bool request_from_json(Request *request, json_t *body, Refusal *refusal) {
    *request = (Request){.aspect_ratio = "16:9", .image_size = "1K", .body = body};
    if (!fields_check(request->body, refusal))
        return false;
    const json_t *config = field_get(request->body, "generationConfig");
    request->schema = find_schema(config);
    request->task = tell_task(request, config);
    return true;
}

/* What the image after a text part is for. */
static ImageRole role_of_label(const char *label) {
    if (text_starts(label, "Style image"))
        return ROLE_STYLE_IMAGE;
    if (text_starts(label, "Mask"))
        return ROLE_MASK;
    if (text_starts(label, "Rendered image") || text_starts(label, "Rendered video"))
        return ROLE_RENDERED;
    return ROLE_REFERENCE;
}

/* Put one frame of a video in its place. */
static bool keep_frame(RequestImage *video) {
    Image frame;
    unsigned char *png = NULL;
    size_t length = 0;
    bool ok = video_frame(video->bytes, video->length, 0.5, &frame) &&
              image_encode_png(&frame, NULL, &png, &length);
    image_free(&frame);
    if (!ok)
        return false;
    free(video->bytes);
    video->bytes = png;
    video->length = length;
    return true;
}

/* Take one inlineData part out of the request. */
static bool take_image(Request *request, const json_t *blob, ImageRole role, size_t turn,
                       size_t part, Refusal *refusal) {
    const json_t *data = json_object_get(blob, "data");
    const char *mime = json_string_value(field_get(blob, "mimeType"));
    ImageHeader header;
    bool video = mime && strcmp(mime, "video/mp4") == 0;
    if (!video && (!mime || strncmp(mime, "image/", 6) != 0)) {
        refuse(refusal, 400, "Unsupported MIME type: %.80s", mime ? mime : "");
        return false;
    }
    if (!json_is_string(data) || json_string_length(data) == 0) {
        refuse(refusal, 400, "Unable to process input image: contents[%zu].parts[%zu] has no data.",
               turn, part);
        return false;
    }
    if (request->image_count == REQUEST_IMAGES) {
        refuse(refusal, 400, "Please send fewer images: at most %d are taken.", REQUEST_IMAGES);
        return false;
    }
    RequestImage *image = &request->images[request->image_count];
    if (!base64_decode(json_string_value(data), json_string_length(data), &image->bytes,
                       &image->length)) {
        refuse(refusal, 400,
               "Invalid value at 'contents[%zu].parts[%zu].inline_data.data' "
               "(TYPE_BYTES), Base64 decoding failed",
               turn, part);
        return false;
    }
    image->role = role;
    request->image_count++;
    if (video && !keep_frame(image)) {
        refuse(refusal, 400, "Unable to process input video: contents[%zu].parts[%zu].", turn,
               part);
        return false;
    }
    if (!image_header(image->bytes, image->length, &header)) {
        refuse(refusal, 400,
               "Unable to process input image: contents[%zu].parts[%zu] is not a "
               "JPEG, PNG or WebP image.",
               turn, part);
        return false;
    }
    return true;
}

/* A model's image must come back as it went, with the signature that it had. */
static bool check_signature(const Request *request, const json_t *part, size_t turn, size_t at,
                            Refusal *refusal) {
    const char *given = json_string_value(field_get(part, "thoughtSignature"));
    const char *image = json_string_value(json_object_get(field_get(part, "inlineData"), "data"));
    if (!request->model->signs || json_is_true(json_object_get(part, "thought")))
        return true;
    json_t *wanted = reply_signature(image ? image : "");
    bool right = given && strcmp(given, json_string_value(wanted)) == 0;
    json_decref(wanted);
    if (right)
        return true;
    if (given && *given) {
        refuse(refusal, 400, "Thought signature is not valid.");
        return false;
    }
    refuse(refusal, 400,
           "Image part is missing a thought_signature in content position %zu, "
           "part position %zu.",
           turn + 1, at + 1);
    return false;
}

/* Check one turn's parts and take out its images. */
static bool check_turn(Request *request, const json_t *turn, size_t position, bool decode,
                       Refusal *refusal) {
    const json_t *parts = json_object_get(turn, "parts");
    const char *role = json_string_value(json_object_get(turn, "role"));
    const char *label = "";
    bool is_model = role && strcmp(role, "model") == 0;
    size_t i;
    json_t *part;
    if (role && !is_model && strcmp(role, "user") != 0) {
        refuse(refusal, 400, "Please use a valid role: user, model.");
        return false;
    }
    if (json_array_size(parts) == 0) {
        refuse(refusal, 400,
               "Unable to submit request because it must have at least one part in "
               "contents[%zu].",
               position);
        return false;
    }
    json_array_foreach(parts, i, part) {
        const json_t *text = json_object_get(part, "text");
        const json_t *blob = field_get(part, "inlineData");
        if (json_is_string(text) == json_is_object(blob)) {
            refuse(refusal, 400,
                   "contents[%zu].parts[%zu].data: exactly one of text and "
                   "inline_data must be set; other kinds of data are not served here.",
                   position, i);
            return false;
        }
        label = json_is_string(text) ? json_string_value(text) : label;
        request->text_length += json_string_length(text);
        if (!json_is_object(blob) || !decode)
            continue;
        if (is_model && !check_signature(request, part, position, i, refusal))
            return false;
        if (is_model && json_is_true(json_object_get(part, "thought")))
            continue;
        if (!take_image(request, blob, is_model ? ROLE_EARLIER : role_of_label(label), position, i,
                        refusal))
            return false;
    }
    return true;
}

static bool in_words(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = words; length > 0 && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

/* Check what is asked of an image model. */
static bool check_image_config(Request *request, const json_t *config, Refusal *refusal) {
    const json_t *image = field_get(config, "imageConfig");
    const char *ratio = json_string_value(field_get(image, "aspectRatio"));
    const char *size = json_string_value(field_get(image, "imageSize"));
    bool draws = request->task == TASK_IMAGE_GENERATION;
    if (draws && !request->model->draws) {
        refuse(refusal, 400,
               "Model does not support the requested response modalities: text,image");
        return false;
    }
    if (image && !request->model->draws) {
        refuse(refusal, 400, "Image config is not supported by models/%s.", request->model->id);
        return false;
    }
    for (size_t i = 0; ratio && i < sizeof ratios / sizeof ratios[0]; i++)
        if (strcmp(ratios[i], ratio) == 0)
            request->aspect_ratio = ratios[i];
    if (ratio && strcmp(request->aspect_ratio, ratio) != 0) {
        refuse(refusal, 400, "Invalid aspect ratio: \"%.20s\".", ratio);
        return false;
    }
    if (size && !in_words(request->model->sizes, size)) {
        refuse(refusal, 400, "Invalid image size: \"%.20s\"; supported: %s.", size,
               request->model->sizes);
        return false;
    }
    request->image_size = size ? size : "1K";
    return true;
}

bool request_check(Request *request, const ModelInfo *model, bool decode, Refusal *refusal) {
    const json_t *contents = json_object_get(request->body, "contents");
    const json_t *config = field_get(request->body, "generationConfig");
    size_t i;
    json_t *turn;
    request->model = model;
    if (json_array_size(contents) == 0) {
        refuse(refusal, 400, "* GenerateContentRequest.contents: contents is not specified");
        return false;
    }
    if (field_get(config, "responseJsonSchema") && field_get(config, "responseSchema")) {
        refuse(refusal, 400, "Only one of response_schema and response_json_schema may be set.");
        return false;
    }
    if (!check_image_config(request, config, refusal))
        return false;
    json_array_foreach(contents, i, turn) {
        if (!check_turn(request, turn, i, decode, refusal))
            return false;
    }
    return true;
}

void request_free(Request *request) {
    for (size_t i = 0; i < request->image_count; i++)
        free(request->images[i].bytes);
    json_decref(request->body);
    *request = (Request){0};
}

const char *request_labelled(const Request *request, const char *label, size_t nth) {
    const json_t *contents = json_object_get(request->body, "contents");
    const json_t *turn = json_array_get(contents, json_array_size(contents) - 1);
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(turn, "parts"), i, part) {
        const char *text = json_string_value(json_object_get(part, "text"));
        if (!text || !text_starts(text, label) || nth-- > 0)
            continue;
        text += strlen(label);
        return text + strspn(text, " \t\n");
    }
    return NULL;
}

char *request_all_text(const Request *request) {
    Text all = {0};
    size_t i, j;
    json_t *turn, *part;
    json_array_foreach(json_object_get(request->body, "contents"), i, turn) {
        json_array_foreach(json_object_get(turn, "parts"), j, part) {
            const char *text = json_string_value(json_object_get(part, "text"));
            if (text)
                text_add(&all, "%s%s", all.length ? "\n" : "", text);
        }
    }
    return all.data ? all.data : mem_copy("", 0);
}
