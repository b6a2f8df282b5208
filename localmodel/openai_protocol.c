#include "openai_protocol.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "form.h"
#include "text.h"

/* The fields of each call; the service refuses others, and so do we. */
static const char *const chat_fields[] = {"model",
                                          "messages",
                                          "response_format",
                                          "temperature",
                                          "top_p",
                                          "max_completion_tokens",
                                          "max_tokens",
                                          "seed",
                                          "n",
                                          "stop",
                                          "user",
                                          "store",
                                          "reasoning_effort",
                                          NULL};
static const char *const image_fields[] = {"model",      "prompt",         "n",
                                           "size",       "quality",        "output_format",
                                           "background", "moderation",     "output_compression",
                                           "user",       "image",          "image[]",
                                           "mask",       "input_fidelity", NULL};

static bool is_chat(const char *path) {
    return strcmp(path, "/v1/chat/completions") == 0;
}

bool openai_path(const char *path) {
    return is_chat(path) || strcmp(path, "/v1/images/generations") == 0 ||
           strcmp(path, "/v1/images/edits") == 0;
}

/* Refuse with the error's code. */
static bool refuse_code(Refusal *refusal, int status, const char *code, const char *words,
                        const char *about) {
    refuse(refusal, status, words, about);
    refusal->reason = code;
    return false;
}

/* Is a field one of the call's? */
static bool field_known(const char *const *fields, const char *name, Refusal *refusal) {
    while (*fields && strcmp(*fields, name) != 0)
        fields++;
    if (*fields)
        return true;
    refuse_code(refusal, 400, "unknown_parameter", "Unknown parameter: '%.60s'.", name);
    snprintf(refusal->field, sizeof refusal->field, "%.60s", name);
    return false;
}

/* Find the model that is named. */
static bool take_model(const char *id, Request *request, Refusal *refusal) {
    request->model = id ? model_find(id, strlen(id), "openai") : NULL;
    return request->model ||
           refuse_code(refusal, id ? 404 : 400, id ? "model_not_found" : "missing_parameter",
                       id ? "The model `%.80s` does not exist or you do not have access to it."
                          : "you must provide a model parameter%s",
                       id ? id : "");
}

/* ---- chat ---- */

/* A part with an image, from a data: URI. */
static json_t *image_part(const char *url) {
    const char *comma = url ? strstr(url, ";base64,") : NULL;
    if (!comma || strncmp(url, "data:", 5) != 0)
        return NULL;
    return json_pack("{s:{s:s%, s:s}}", "inlineData", "mimeType", url + 5,
                     (size_t)(comma - url - 5), "data", comma + strlen(";base64,"));
}

/* Translate a message's content: a text, or a list of parts. */
static json_t *parts_of(const json_t *content, Refusal *refusal) {
    json_t *parts = json_array(), *item;
    size_t i;
    if (json_is_string(content)) {
        json_array_append_new(parts, json_pack("{s:O}", "text", content));
        return parts;
    }
    json_array_foreach(content, i, item) {
        const json_t *text = json_object_get(item, "text");
        const json_t *image = json_object_get(item, "image_url");
        json_t *part = json_is_string(text)
                           ? json_pack("{s:O}", "text", text)
                           : image_part(json_string_value(json_object_get(image, "url")));
        if (!part) {
            refuse_code(refusal, 400, "invalid_value",
                        "Invalid content: only texts and images as data: URIs are served here%s.",
                        "");
            json_decref(parts);
            return NULL;
        }
        json_array_append_new(parts, part);
    }
    return parts;
}

/* An instruction can have a schema in words, which is obeyed like one in the request. */
static void obey_words(const json_t *parts, json_t *body) {
    static const char mark[] = "JSON schema: ";
    const char *text = json_string_value(json_object_get(json_array_get(parts, 0), "text"));
    const char *at = text ? strstr(text, mark) : NULL;
    json_t *schema = at ? json_loads(at + strlen(mark), 0, NULL) : NULL;
    if (schema)
        json_object_set_new(body, "generationConfig",
                            json_pack("{s:s, s:o}", "responseMimeType", "application/json",
                                      "responseJsonSchema", schema));
}

/* Translate the messages into turns and an instruction. */
static bool translate_messages(const json_t *messages, json_t *body, Refusal *refusal) {
    json_t *contents = json_object_get(body, "contents"), *message;
    size_t i;
    json_array_foreach(messages, i, message) {
        const char *role = json_string_value(json_object_get(message, "role"));
        json_t *parts = parts_of(json_object_get(message, "content"), refusal);
        if (!parts)
            return false;
        bool system = role && (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0);
        bool model = role && strcmp(role, "assistant") == 0;
        if (system)
            obey_words(parts, body);
        if (system)
            json_object_set_new(body, "systemInstruction", json_pack("{s:o}", "parts", parts));
        else
            json_array_append_new(contents, json_pack("{s:s, s:o}", "role",
                                                      model ? "model" : "user", "parts", parts));
    }
    return true;
}

/* A strict schema has to be closed, with every member required. */
static bool check_strict(const json_t *format, Refusal *refusal) {
    const json_t *schema = json_object_get(format, "schema");
    const char *name = json_string_value(json_object_get(format, "name"));
    if (!name || !*name)
        return refuse_code(refusal, 400, "missing_required_parameter",
                           "Missing required parameter: 'response_format.json_schema.name'%s.", "");
    if (!json_is_true(json_object_get(format, "strict")) ||
        (json_is_false(json_object_get(schema, "additionalProperties")) &&
         json_array_size(json_object_get(schema, "required")) ==
             json_object_size(json_object_get(schema, "properties"))))
        return true;
    refuse_code(refusal, 400, NULL,
                "Invalid schema for response_format '%.60s': 'additionalProperties' is "
                "required to be supplied and to be false, and every property required.",
                name);
    snprintf(refusal->field, sizeof refusal->field, "response_format");
    return false;
}

/* Translate a chat completion. */
static bool translate_chat(const json_t *asked, json_t *body, Refusal *refusal) {
    const json_t *format = json_object_get(asked, "response_format");
    const json_t *schema = json_object_get(format, "json_schema");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)asked, name, value) {
        if (!field_known(chat_fields, name, refusal))
            return false;
    }
    if (schema && !check_strict(schema, refusal))
        return false;
    if (schema)
        json_object_set_new(body, "generationConfig",
                            json_pack("{s:s, s:O}", "responseMimeType", "application/json",
                                      "responseJsonSchema", json_object_get(schema, "schema")));
    return translate_messages(json_object_get(asked, "messages"), body, refusal);
}

/* ---- images ---- */

/* What a prompt of the pipeline is put together from. */
static const char *const labels[] = {"Reference image",
                                     "Style image",
                                     "Mask (",
                                     "Previous render",
                                     "Memory of this chain",
                                     "Inside the mask:",
                                     "Prompt:",
                                     "Avoid:",
                                     NULL};

/* Where the next labelled line of a prompt begins; its end where there is none. */
static const char *next_label(const char *text) {
    for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
        for (const char *const *label = labels; *label; label++)
            if (text_starts(line + 1, *label))
                return line;
    return text + strlen(text);
}

/* Take a prompt apart into texts, each image behind its label; those without one come first. */
static void put_parts(const char *prompt, json_t *images, json_t *parts) {
    json_t *texts = json_array();
    size_t image = 0, labelled = 0, i;
    json_t *text;
    for (const char *at = prompt; *at;) {
        const char *end = next_label(at);
        json_array_append_new(texts, json_stringn(at, (size_t)(end - at)));
        labelled += end > at && end[-1] == ':' && strchr(at, ':') == end - 1;
        at = *end ? end + 1 : end;
    }
    while (image + labelled < json_array_size(images))
        json_array_append(parts, json_array_get(images, image++));
    json_array_foreach(texts, i, text) {
        const char *words = json_string_value(text);
        json_array_append_new(parts, json_pack("{s:O}", "text", text));
        if (strlen(words) && strchr(words, ':') == words + strlen(words) - 1 &&
            image < json_array_size(images))
            json_array_append(parts, json_array_get(images, image++));
    }
    json_decref(texts);
}

/* The aspect ratio and size class that are nearest to a size in pixels. */
static bool image_config(const char *size, json_t *config, Refusal *refusal) {
    static const struct {
        const char *name;
        double ratio;
    } ratios[] = {{"1:1", 1},         {"2:3", 2.0 / 3},  {"3:2", 1.5},  {"3:4", 0.75},
                  {"4:3", 4.0 / 3},   {"4:5", 0.8},      {"5:4", 1.25}, {"9:16", 9.0 / 16},
                  {"16:9", 16.0 / 9}, {"21:9", 21.0 / 9}};
    unsigned width = 1024, height = 1024;
    size_t nearest = 0;
    if (size && strcmp(size, "auto") != 0 && sscanf(size, "%ux%u", &width, &height) != 2)
        width = 0;
    if (!width || !height || width % 16 || height % 16 || width > 3840 || height > 3840 ||
        width > 3 * height || height > 3 * width) {
        refuse_code(refusal, 400, "invalid_value", "Invalid value: '%.40s'.", size);
        snprintf(refusal->field, sizeof refusal->field, "size");
        return false;
    }
    for (size_t i = 1; i < sizeof ratios / sizeof ratios[0]; i++)
        if (fabs(log(ratios[i].ratio * height / width)) <
            fabs(log(ratios[nearest].ratio * height / width)))
            nearest = i;
    double area = (double)width * height;
    json_object_set_new(config, "aspectRatio", json_string(ratios[nearest].name));
    json_object_set_new(config, "imageSize",
                        json_string(area > 6e6     ? "4K"
                                    : area > 2.5e6 ? "2K"
                                                   : "1K"));
    return true;
}

/* Put prompt, images and size into a body. */
static bool translate_image(const char *prompt, const char *size, json_t *images, json_t *body,
                            Refusal *refusal) {
    json_t *parts = json_array(), *config = json_object();
    json_array_append_new(json_object_get(body, "contents"),
                          json_pack("{s:s, s:o}", "role", "user", "parts", parts));
    json_object_set_new(
        body, "generationConfig",
        json_pack("{s:[s, s], s:o}", "responseModalities", "TEXT", "IMAGE", "imageConfig", config));
    if (!prompt || !*prompt)
        return refuse_code(refusal, 400, "missing_required_parameter",
                           "Missing required parameter: 'prompt'%s.", "");
    put_parts(prompt, images, parts);
    return image_config(size, config, refusal);
}

/* A form's image as a part. */
static json_t *form_image(const FormPart *part) {
    size_t encoded;
    char *base64 = base64_encode((const unsigned char *)part->bytes, part->length, &encoded);
    json_t *image =
        json_pack("{s:{s:s, s:s}}", "inlineData", "mimeType", part->mime, "data", base64);
    free(base64);
    return image;
}

/* Translate an edit. */
static bool translate_edit(const Form *form, Request *request, json_t *body, Refusal *refusal) {
    json_t *images = json_array(), *mask = NULL;
    char *prompt = form_text(form, "prompt"), *size = form_text(form, "size");
    char *model = form_text(form, "model");
    bool ok = take_model(model, request, refusal);
    for (size_t i = 0; ok && i < form->count; i++) {
        const FormPart *part = &form->parts[i];
        ok = field_known(image_fields, part->name, refusal);
        if (strcmp(part->name, "mask") == 0 && !mask)
            mask = form_image(part);
        else if (strncmp(part->name, "image", 5) == 0)
            json_array_append_new(images, form_image(part));
    }
    if (mask)
        json_array_append_new(images, mask);
    if (ok && !json_array_size(images))
        ok = refuse_code(refusal, 400, "missing_required_parameter",
                         "Missing required parameter: 'image'%s.", "");
    ok = ok && translate_image(prompt, size, images, body, refusal);
    json_decref(images);
    free(prompt);
    free(size);
    free(model);
    return ok;
}

/* Translate a picture that is made from words. */
static bool translate_generation(const json_t *asked, json_t *body, Refusal *refusal) {
    const char *name;
    json_t *value, *images = json_array();
    bool ok = true;
    json_object_foreach((json_t *)asked, name, value) {
        ok = ok && field_known(image_fields, name, refusal);
    }
    ok = ok &&
         translate_image(json_string_value(json_object_get(asked, "prompt")),
                         json_string_value(json_object_get(asked, "size")), images, body, refusal);
    json_decref(images);
    return ok;
}

/* ---- the whole ---- */

/* Read a body that is JSON. */
static bool read_json(const char *path, const char *body, size_t length, Request *request,
                      json_t *translated, Refusal *refusal) {
    json_error_t where;
    json_t *asked = json_loadb(body, length, 0, &where);
    bool ok = json_is_object(asked);
    if (!ok)
        refuse_code(refusal, 400, NULL, "We could not parse the JSON body of your request. (%.80s)",
                    where.text);
    ok = ok && take_model(json_string_value(json_object_get(asked, "model")), request, refusal) &&
         (is_chat(path) ? translate_chat(asked, translated, refusal)
                        : translate_generation(asked, translated, refusal));
    json_decref(asked);
    return ok;
}

bool openai_request(const char *path, const char *type, const char *body, size_t length,
                    Request *request, Refusal *refusal) {
    json_t *translated = json_pack("{s:[]}", "contents");
    Form form;
    bool ok;
    *request = (Request){0};
    *refusal = (Refusal){0};
    if (strcmp(path, "/v1/images/edits") != 0)
        ok = read_json(path, body, length, request, translated, refusal);
    else if (form_read(type, body, length, &form))
        ok = translate_edit(&form, request, translated, refusal);
    else
        ok = refuse_code(refusal, 400, NULL, "The body is no multipart/form-data%s.", "");
    const ModelInfo *model = request->model;
    if (!ok) {
        json_decref(translated);
        return false;
    }
    ok = request_from_json(request, translated, refusal);
    request->model = model;
    return ok;
}

/* ---- answers ---- */

/* Turn a document into a reply; takes the reference. */
static Reply finish(int status, json_t *body) {
    Reply reply = {.status = status, .body = json_dumps(body, JSON_INDENT(2))};
    json_decref(body);
    reply.length = strlen(reply.body);
    return reply;
}

static Reply error_reply(int status, const char *words, const char *param, const char *code) {
    return finish(status, json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", words, "type",
                                    status >= 500   ? "server_error"
                                    : status == 429 ? "requests"
                                                    : "invalid_request_error",
                                    "param", param, "code", code));
}

Reply openai_refusal(const Refusal *refusal) {
    return error_reply(refusal->status, refusal->message, *refusal->field ? refusal->field : NULL,
                       refusal->reason);
}

static json_int_t count_of(const json_t *usage, const char *key) {
    return json_integer_value(json_object_get(usage, key));
}

/* Answer a chat. */
static json_t *chat_answer(const Request *request, const json_t *body, const char *text,
                           const char *reason, bool blocked) {
    const json_t *usage = json_object_get(body, "usageMetadata");
    bool cut = reason && strcmp(reason, "MAX_TOKENS") == 0;
    json_t *message = json_pack("{s:s, s:s?, s:s?}", "role", "assistant", "content",
                                blocked ? NULL
                                : text  ? text
                                        : "",
                                "refusal", blocked ? "I'm sorry, I can't help with that." : NULL);
    json_t *choices = json_array();
    if (text || blocked)
        json_array_append_new(choices,
                              json_pack("{s:i, s:o, s:n, s:s}", "index", 0, "message", message,
                                        "logprobs", "finish_reason", cut ? "length" : "stop"));
    else
        json_decref(message);
    return json_pack("{s:O, s:s, s:i, s:s, s:o, s:{s:I, s:I, s:I}}", "id",
                     json_object_get(body, "responseId"), "object", "chat.completion", "created", 0,
                     "model", request->model->id, "choices", choices, "usage", "prompt_tokens",
                     count_of(usage, "promptTokenCount"), "completion_tokens",
                     count_of(usage, "candidatesTokenCount"), "total_tokens",
                     count_of(usage, "totalTokenCount"));
}

/* Answer with a picture, or with a list that has none. */
static json_t *image_answer(const json_t *body, const char *base64) {
    const json_t *usage = json_object_get(body, "usageMetadata");
    json_t *data = json_array();
    if (base64)
        json_array_append_new(data, json_pack("{s:s}", "b64_json", base64));
    return json_pack("{s:i, s:o, s:s, s:{s:I, s:I, s:I, s:{s:I, s:i}}}", "created", 0, "data", data,
                     "output_format", "png", "usage", "input_tokens",
                     count_of(usage, "promptTokenCount"), "output_tokens",
                     count_of(usage, "candidatesTokenCount"), "total_tokens",
                     count_of(usage, "totalTokenCount"), "output_tokens_details", "image_tokens",
                     count_of(usage, "candidatesTokenCount"), "text_tokens", 0);
}

/* The last value of a member that the parts have. */
static const char *last_of(const json_t *parts, bool image) {
    const char *found = NULL;
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part) {
        const json_t *value = image ? json_object_get(json_object_get(part, "inlineData"), "data")
                                    : json_object_get(part, "text");
        if (json_is_string(value) && !json_is_true(json_object_get(part, "thought")))
            found = json_string_value(value);
    }
    return found;
}

/* Turn a whole answer. */
static Reply turn_answer(const Request *request, const json_t *body) {
    const json_t *candidate = json_array_get(json_object_get(body, "candidates"), 0);
    const json_t *parts = json_object_get(json_object_get(candidate, "content"), "parts");
    const char *reason = json_string_value(json_object_get(candidate, "finishReason"));
    bool blocked = json_object_get(body, "promptFeedback") ||
                   (reason && (strstr(reason, "SAFETY") || strstr(reason, "PROHIBITED")));
    if (request->task != TASK_IMAGE_GENERATION)
        return finish(200, chat_answer(request, body, last_of(parts, false), reason, blocked));
    if (blocked)
        return error_reply(400, "Your request was rejected by the safety system.", NULL,
                           "moderation_blocked");
    return finish(200, image_answer(body, last_of(parts, true)));
}

Reply openai_turn(const Request *request, Reply reply) {
    json_t *body = json_loadb(reply.body, reply.length, 0, NULL);
    Reply turned = reply;
    if (body && reply.status != 200)
        turned = error_reply(
            reply.status,
            json_string_value(json_object_get(json_object_get(body, "error"), "message")), NULL,
            reply.status == 429 ? "rate_limit_exceeded" : NULL);
    else if (body)
        turned = turn_answer(request, body);
    if (body)
        reply_free(&reply);
    json_decref(body);
    return turned;
}
