/* OpenAI's protocol: chat completions for text and vision, the images API for pictures. The
 * facts are from its public reference and from what its official clients send. Many servers speak
 * it (llama.cpp, vLLM, LocalAI, Ollama) without all of it: what one lacks is told from its
 * refusal. What models differ in is data of the registry:
 *   "imageOptions": {...}   members that every request for a picture gets as they are
 *   "qualityWords": {...}   what the request's quality is called
 *   "pixelSizes": [...]     the only sizes there are, as "WIDTHxHEIGHT"; else any are */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image_file.h"
#include "json_text.h"
#include "long_strings.h"
#include "mask.h"
#include "multipart.h"
#include "wire.h"

/* Sides of pictures are multiples of 16, none longer than these (pixels). */
enum { STEP = 16, LONGER_MOST = 3840, SHORTER_MOST = 2160 };

/* ---- text and vision ---- */

/* Append a system message: the instruction, and the schema in words where the server takes
 * none. */
static bool append_instruction(Body *body, const Provider *provider, const ModelCall *call) {
    if (!call->instruction)
        return true;
    if (!provider->without_schema || !call->schema_text)
        return wire_append(body, "{\"role\":\"system\",\"content\":") &&
               wire_append(body, call->instruction) && wire_append(body, "},");
    json_t *instruction = json_loads(call->instruction, JSON_DECODE_ANY, NULL);
    char *words = mem_printf("%s\nAnswer with one JSON object and nothing else. It obeys this JSON "
                             "schema: %s",
                             json_string_value(instruction), call->schema_text);
    bool ok = wire_append_json(body, json_pack("{s:s, s:s}", "role", "system", "content", words)) &&
              wire_append(body, ",");
    json_decref(instruction);
    free(words);
    return ok;
}

/* Append a call's parts. Images go straight into the body. */
static bool append_parts(Body *body, const ModelCall *call) {
    for (size_t i = 0; i < call->part_count; i++) {
        const CallPart *part = &call->parts[i];
        if (i && !wire_append(body, ","))
            return false;
        if (part->text) {
            if (!wire_append_json(body,
                                  json_pack("{s:s, s:s}", "type", "text", "text", part->text)))
                return false;
        } else if (!wire_append(body, "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:") ||
                   !wire_append(body, part->mime) || !wire_append(body, ";base64,") ||
                   !body_append_base64(body, part->bytes) || !wire_append(body, "\"}}")) {
            return false;
        }
    }
    return true;
}

/* May a schema be called strict? Each object has to be closed and each member required. */
static bool is_strict(const json_t *schema) {
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *items = json_object_get(schema, "items");
    const char *key;
    json_t *member;
    if (properties &&
        (!json_is_false(json_object_get(schema, "additionalProperties")) ||
         json_array_size(json_object_get(schema, "required")) != json_object_size(properties)))
        return false;
    json_object_foreach((json_t *)properties, key, member) {
        if (!is_strict(member))
            return false;
    }
    return !items || is_strict(items);
}

/* Append the schema of the answer. */
static bool append_schema(Body *body, const Provider *provider, const ModelCall *call) {
    if (provider->without_schema)
        return true;
    return wire_append(body, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                             "\"name\":\"answer\",\"strict\":") &&
           wire_append(body, is_strict(call->schema) ? "true" : "false") &&
           wire_append(body, ",\"schema\":") && wire_append(body, call->schema_text) &&
           wire_append(body, "}}");
}

/* Build a request for text. */
static Body *build_chat(const Provider *provider, const ModelCall *call, char **url,
                        struct curl_slist **headers) {
    Body *body = body_new(REQUEST_MAXIMUM);
    bool ok =
        wire_append(body, "{\"model\":") && wire_append_json(body, json_string(call->model->id)) &&
        wire_append(body, ",\"messages\":[") && append_instruction(body, provider, call) &&
        wire_append(body, "{\"role\":\"user\",\"content\":[") && append_parts(body, call) &&
        wire_append(body, "]}]") && append_schema(body, provider, call) && wire_append(body, "}");
    if (!ok) {
        body_free(body);
        return NULL;
    }
    *url = mem_printf("%s/chat/completions", provider->url);
    *headers = wire_headers("application/json", "Authorization: Bearer ", provider->key);
    return body;
}

/* ---- pictures ---- */

/* The listed size that is nearest in shape; NULL where none is listed. */
static char *listed_size(const json_t *sizes, double ratio) {
    const char *nearest = NULL;
    double least = INFINITY;
    size_t i;
    json_t *size;
    json_array_foreach(sizes, i, size) {
        unsigned width, height;
        const char *text = json_string_value(size);
        if (!text || sscanf(text, "%ux%u", &width, &height) != 2 || !width || !height)
            continue;
        double off = fabs(log(ratio * height / width));
        if (off < least) {
            least = off;
            nearest = text;
        }
    }
    return mem_strdup(nearest);
}

/* A side that is a multiple of the step. */
static int side_of(double pixels, int most) {
    int side = (int)lround(pixels / STEP) * STEP;
    return side > most ? most : side < STEP ? STEP : side;
}

/* The size in pixels of a shape and a class of sizes. */
static char *size_of(const ModelCall *call) {
    unsigned across = 0, down = 0;
    if (!call->aspect_ratio || sscanf(call->aspect_ratio, "%u:%u", &across, &down) != 2 ||
        !across || !down)
        return NULL;
    double ratio = (double)across / down;
    char *listed = listed_size(json_object_get(call->model->definition, "pixelSizes"), ratio);
    if (listed)
        return listed;
    double area = 1024 * 1024;
    if (call->image_size && strcmp(call->image_size, "2K") == 0)
        area = 2048 * 2048;
    else if (call->image_size && strcmp(call->image_size, "4K") == 0)
        area = (double)LONGER_MOST * SHORTER_MOST;
    double longer = sqrt(ratio > 1 ? area * ratio : area / ratio);
    double shorter = area / longer, scale = 1;
    scale = longer > LONGER_MOST ? LONGER_MOST / longer : scale;
    scale = shorter * scale > SHORTER_MOST ? SHORTER_MOST / shorter : scale;
    int sides[] = {side_of(longer * scale, LONGER_MOST), side_of(shorter * scale, SHORTER_MOST)};
    return mem_printf("%dx%d", sides[ratio <= 1], sides[ratio > 1]);
}

/* The whole of what is said, as one prompt. The caller's. */
static char *prompt_of(const ModelCall *call) {
    json_t *instruction =
        call->instruction ? json_loads(call->instruction, JSON_DECODE_ANY, NULL) : NULL;
    Buf prompt;
    buf_init(&prompt, REQUEST_MAXIMUM);
    bool ok = true;
    if (instruction)
        ok = buf_append(&prompt, json_string_value(instruction), json_string_length(instruction));
    for (size_t i = 0; ok && i < call->part_count; i++)
        if (call->parts[i].text)
            ok = (!prompt.length || buf_append(&prompt, "\n", 1)) &&
                 buf_append(&prompt, call->parts[i].text, strlen(call->parts[i].text));
    static const char before[] = "\nPrevious render of this chain (go on from it):";
    if (ok && call->history)
        ok = buf_append(&prompt, before, sizeof before - 1);
    json_decref(instruction);
    return buf_take(&prompt, NULL);
}

/* What is asked of a picture beside images: model, prompt, size, quality, the model's own
 * options. */
static json_t *picture_options(const ModelCall *call) {
    char *prompt = prompt_of(call), *size = size_of(call);
    const json_t *words = json_object_get(call->model->definition, "qualityWords");
    const json_t *quality = json_object_get(words, call->quality ? call->quality : "");
    json_t *options =
        json_pack("{s:s, s:s, s:i}", "model", call->model->id, "prompt", prompt, "n", 1);
    json_object_update(options, json_object_get(call->model->definition, "imageOptions"));
    if (size)
        json_object_set_new(options, "size", json_string(size));
    if (quality)
        json_object_set(options, "quality", (json_t *)quality);
    free(prompt);
    free(size);
    return options;
}

/* How many images a call has, the mask left out. */
static size_t count_images(const ModelCall *call) {
    size_t count = call->history ? 1 : 0;
    for (size_t i = 0; i < call->part_count; i++)
        count += !call->parts[i].text && !call->parts[i].mask;
    return count;
}

/* Add the options as text fields. */
static void add_options(Multipart *form, const json_t *options) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)options, key, value) {
        char *text =
            json_is_string(value) ? mem_strdup(json_string_value(value)) : json_text(value);
        multipart_text(form, key, text);
        free(text);
    }
}

/* Make what the protocol has as a mask of ours, whose bytes are held. */
static char *mask_of(const Bytes *bytes, unsigned width, unsigned height, size_t *made,
                     char **error) {
    char *copy = bytes_data(bytes) ? NULL : bytes_all(bytes), *png = NULL;
    const char *data = copy ? copy : bytes_data(bytes);
    if (data)
        png = mask_to_alpha(data, bytes_length(bytes), width, height, made, error);
    else
        *error = mem_strdup("the mask cannot be read again");
    free(copy);
    return png;
}

/* Add the mask, as large as the first image, which it is about. */
static bool add_mask(Multipart *form, const CallPart *mask, const CallPart *first, char **error) {
    const char *mime;
    unsigned width, height;
    size_t made;
    char *png = NULL;
    if (!bytes_hold(first->bytes, error))
        return false;
    bool known = image_probe_bytes(first->bytes, &mime, &width, &height, error);
    bytes_let_go(first->bytes);
    if (known && bytes_hold(mask->bytes, error)) {
        png = mask_of(mask->bytes, width, height, &made, error);
        bytes_let_go(mask->bytes);
    }
    if (png)
        multipart_made_file(form, "mask", "mask.png", "image/png", png, made);
    free(png);
    return png != NULL;
}

/* Add the images in their order. */
static bool add_images(Multipart *form, const ModelCall *call, char **error) {
    size_t count = count_images(call), number = 0;
    const CallPart *first = NULL, *mask = NULL;
    for (size_t i = 0; i < call->part_count; i++) {
        const CallPart *part = &call->parts[i];
        if (part->text)
            continue;
        if (part->mask) {
            mask = part;
            continue;
        }
        char *name = mem_printf("image-%zu.%s", ++number, strchr(part->mime, '/') + 1);
        multipart_file(form, count > 1 ? "image[]" : "image", name, part->mime, part->bytes);
        free(name);
        first = first ? first : part;
    }
    const CallTurn *turn = call->history;
    CallPart last = {0};
    if (turn) {
        char *name = mem_printf("image-%zu.%s", ++number, strchr(turn->mime, '/') + 1);
        last = (CallPart){.bytes = turn->bytes, .mime = turn->mime};
        multipart_file(form, count > 1 ? "image[]" : "image", name, last.mime, last.bytes);
        free(name);
        first = first ? first : &last;
    }
    return !mask || add_mask(form, mask, first, error);
}

/* Build a request for a picture that is made from others. */
static Body *build_edit(const Provider *provider, const ModelCall *call, char **url,
                        struct curl_slist **headers, char **error) {
    Multipart form;
    json_t *options = picture_options(call);
    multipart_begin(&form, REQUEST_MAXIMUM);
    add_options(&form, options);
    json_decref(options);
    bool ok = add_images(&form, call, error);
    char *type = multipart_end(&form);
    if (ok && !form.full) {
        *url = mem_printf("%s/images/edits", provider->url);
        *headers = wire_headers(type, "Authorization: Bearer ", provider->key);
    }
    free(type);
    if (ok && !form.full)
        return form.body;
    body_free(form.body);
    return NULL;
}

/* Build a request for a picture out of nothing but words. */
static Body *build_generation(const Provider *provider, const ModelCall *call, char **url,
                              struct curl_slist **headers) {
    Body *body = body_new(REQUEST_MAXIMUM);
    if (!wire_append_json(body, picture_options(call))) {
        body_free(body);
        return NULL;
    }
    *url = mem_printf("%s/images/generations", provider->url);
    *headers = wire_headers("application/json", "Authorization: Bearer ", provider->key);
    return body;
}

/* Build a request. A mask alone marks nothing. */
static Body *build(const Provider *provider, const ModelCall *call, char **url,
                   struct curl_slist **headers, char **error) {
    if (call->schema)
        return build_chat(provider, call, url, headers);
    if (count_images(call) > 0)
        return build_edit(provider, call, url, headers, error);
    return build_generation(provider, call, url, headers);
}

/* ---- refusals ---- */

/* Read a duration such as "6m0s", "1.5s" or "120ms" in milliseconds; -1 where it is none. */
static double duration_ms(const char *text) {
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    double sum = 0;
    while (*text) {
        char *end;
        double number = strtod(text, &end);
        size_t i = 0, count = sizeof units / sizeof units[0];
        while (i < count && strncmp(end, units[i].unit, strlen(units[i].unit)) != 0)
            i++;
        if (end == text || i == count || number < 0)
            return -1;
        sum += number * units[i].ms;
        text = end + strlen(units[i].unit);
    }
    return sum;
}

/* How long the server asks to wait, by whichever header says so; -1 where none does. */
static double wait_of(const HttpReply *reply) {
    static const char *const budgets[] = {"requests", "tokens"};
    const char *milliseconds = http_header(reply, "retry-after-ms");
    double wait = -1;
    if (milliseconds)
        return strtod(milliseconds, NULL);
    if (reply->retry_after_ms >= 0 || reply->status != 429)
        return reply->retry_after_ms;
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        char remaining[48], reset[48];
        snprintf(remaining, sizeof remaining, "x-ratelimit-remaining-%s", budgets[i]);
        snprintf(reset, sizeof reset, "x-ratelimit-reset-%s", budgets[i]);
        const char *left = http_header(reply, remaining), *until = http_header(reply, reset);
        double ms = left && until && strcmp(left, "0") == 0 ? duration_ms(until) : -1;
        wait = ms > wait ? ms : wait;
    }
    return wait;
}

/* Does a text have one of the words, in letters of any case? */
static bool says_one_of(const char *text, const char *const *words) {
    for (; text && *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

/* What a server lacks that refuses a call in such words. */
static Lack lack_of(const HttpReply *reply, const ModelCall *call, const char *code,
                    const char *param, const char *words) {
    static const char *const schema[] = {"response_format", "json_schema", "json schema", "grammar",
                                         NULL};
    static const char *const vision[] = {"multimodal", "vision", "mmproj",     "image input",
                                         "image_url",  "images", "image data", NULL};
    bool path_is_unknown = reply->status == 404 || reply->status == 405 || reply->status == 501;
    if (!call->schema)
        return path_is_unknown && !(code && strcmp(code, "model_not_found") == 0) ? LACKS_IMAGES
                                                                                  : LACKS_NOTHING;
    if (reply->status == 401 || reply->status == 403 || reply->status == 429)
        return LACKS_NOTHING;
    if (says_one_of(param, schema) || says_one_of(words, schema))
        return LACKS_SCHEMA;
    return call->shows && says_one_of(words, vision) ? LACKS_VISION : LACKS_NOTHING;
}

/* Say what a server lacks, and what can be done. */
static void say_lack(const ModelCall *call, ModelAnswer *answer) {
    static const char *const advice[] = {
        [LACKS_SCHEMA] = "the server takes no JSON schema",
        [LACKS_VISION] = "its model sees no images; name one that does in the registry, or "
                         "another provider with --text-provider",
        [LACKS_IMAGES] = "the server draws no pictures; name another provider for them with "
                         "--provider and keep this one with --text-provider",
    };
    if (answer->lacks == LACKS_NOTHING)
        return;
    answer->outcome = OUTCOME_REJECTED;
    mem_set(&answer->message, "%s (model \"%s\": %s)", answer->message, call->model->id,
            advice[answer->lacks]);
}

/* Read an answer whose status is not 200. Some servers put the words where others put an object
 * with them. */
static void parse_error(const HttpReply *reply, const ModelCall *call, ModelAnswer *answer) {
    static const char *const refusals[] = {"moderation_blocked", "content_policy_violation",
                                           "content_filter", NULL};
    static const char *const quotas[] = {"insufficient_quota", "billing", NULL};
    json_t *body =
        json_loadb(reply->body->data ? reply->body->data : "", reply->body->length, 0, NULL);
    const json_t *error = json_object_get(body, "error");
    const char *words = json_string_value(json_object_get(error, "message"));
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *param = json_string_value(json_object_get(error, "param"));
    const char *again = http_header(reply, "x-should-retry");
    if (!words)
        words = json_string_value(error);
    if (!words)
        words = json_string_value(json_object_get(body, "message"));
    wire_error(reply, call, words, answer);
    answer->retry_after_ms = wait_of(reply);
    answer->final = again && strcmp(again, "false") == 0;
    if (says_one_of(code, refusals)) {
        answer->outcome = OUTCOME_BLOCKED;
    } else if (says_one_of(code, quotas)) {
        answer->outcome = OUTCOME_REJECTED;
        answer->final = true;
    } else if (reply->status == 409) {
        answer->outcome = OUTCOME_OVERLOADED;
    } else {
        answer->lacks = lack_of(reply, call, code, param, words);
        say_lack(call, answer);
    }
    json_decref(body);
}

/* ---- answers ---- */

/* Read usage, which is called differently by the two kinds of answers. What a picture's tokens
 * are is not always told from its text's. */
static json_t *parse_usage(const json_t *body, bool picture) {
    const json_t *usage = json_object_get(body, "usage");
    if (!json_is_object(usage))
        return NULL;
    if (!picture)
        return json_pack("{s:I, s:I}", "inputTokens", wire_tokens(usage, "prompt_tokens"),
                         "outputTokens", wire_tokens(usage, "completion_tokens"));
    const json_t *in = json_object_get(usage, "input_tokens_details");
    const json_t *out = json_object_get(usage, "output_tokens_details");
    json_int_t all_in = wire_tokens(usage, "input_tokens");
    json_int_t image_in = wire_tokens(in, "image_tokens");
    json_int_t text_out = wire_tokens(out, "text_tokens");
    json_int_t all_out = wire_tokens(usage, "output_tokens");
    return json_pack("{s:I, s:I, s:I, s:I}", "inputTokens",
                     all_in > image_in ? all_in - image_in : 0, "imageInputTokens", image_in,
                     "outputTokens", text_out, "imageTokens",
                     all_out > text_out ? all_out - text_out : 0);
}

/* Say that nothing usable came. */
static void say_nothing_came(ModelAnswer *answer, const char *reason, const char *words) {
    answer->outcome = OUTCOME_EMPTY;
    answer->message = mem_printf("the model gave no result (%s)%s%s", reason ? reason : "no reason",
                                 words && *words ? "; it said: " : "", words ? words : "");
}

/* Read the first choice. */
static void parse_choice(const json_t *body, const LongStrings *strings, const ModelCall *call,
                         ModelAnswer *answer) {
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    const char *refusal = json_string_value(json_object_get(message, "refusal"));
    LongString text = long_string_find(strings, json_object_get(message, "content"));
    char *content = text.at ? mem_strndup(text.at, text.length) : NULL;
    if (refusal && *refusal) {
        answer->outcome = OUTCOME_BLOCKED;
        answer->message = mem_printf("the model refused: %s", refusal);
    } else if (reason && strcmp(reason, "content_filter") == 0) {
        answer->outcome = OUTCOME_BLOCKED;
        answer->message = mem_strdup("the answer was refused (content_filter)");
    } else if (!content || !*content) {
        say_nothing_came(answer, reason, NULL);
    } else {
        bool stopped = !reason || strcmp(reason, "stop") == 0;
        wire_take_json(answer, content, call, stopped ? NULL : reason);
    }
    free(content);
}

/* Read the first picture. */
static void parse_picture(const json_t *body, const LongStrings *strings, ModelAnswer *answer) {
    const json_t *first = json_array_get(json_object_get(body, "data"), 0);
    LongString base64 = long_string_find(strings, json_object_get(first, "b64_json"));
    const char *url = json_string_value(json_object_get(first, "url"));
    if (base64.at) {
        wire_take_picture(answer, base64);
        if (answer->outcome == OUTCOME_OK && !answer->usage)
            answer->usage = json_pack("{s:i}", "images", 1);
    } else if (url) {
        say_nothing_came(answer, "a URL instead of a picture", NULL);
        answer->final = true;
        mem_set(&answer->message,
                "%s; give the model \"imageOptions\": {\"response_format\": \"b64_json\"} in the "
                "registry",
                answer->message);
    } else {
        say_nothing_came(answer, "no picture", NULL);
    }
}

/* Read a reply. */
static void parse(const HttpReply *reply, const ModelCall *call, ModelAnswer *answer) {
    if (reply->status != 200) {
        parse_error(reply, call, answer);
        return;
    }
    LongStrings strings;
    json_t *body = wire_load(reply, &strings, answer);
    if (!body)
        return;
    answer->usage = parse_usage(body, !call->schema);
    answer->model_version = wire_version(body, "model");
    if (call->schema)
        parse_choice(body, &strings, call, answer);
    else
        parse_picture(body, &strings, answer);
    json_decref(body);
}

const Wire wire_openai = {
    .name = "openai",
    .default_url = "https://api.openai.com/v1",
    .key_variable = "OPENAI_API_KEY",
    .default_path = "/v1",
    .build = build,
    .parse = parse,
};
