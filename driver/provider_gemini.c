/* Google's generateContent protocol. The facts are from its public reference and
 * from what its official clients send: images are plain inlineData parts told
 * apart by the text before them; a key goes into a header, never into the URL; an
 * answer of status 200 may still hold a refusal, nothing at all, or an image that
 * is only a draft ("thought"). */
#include <stdlib.h>
#include <string.h>

#include "long_strings.h"
#include "table.h"
#include "wire.h"

/* Append a call's parts. Images go straight into the body: as JSON values they would be
 * copied and looked at character by character. */
static bool append_parts(Body *body, const ModelCall *call) {
    for (size_t i = 0; i < call->part_count; i++) {
        const CallPart *part = &call->parts[i];
        if (i && !wire_append(body, ","))
            return false;
        if (part->text) {
            if (!wire_append_json(body, json_pack("{s:s}", "text", part->text)))
                return false;
        } else if (!wire_append(body, "{\"inlineData\":{\"mimeType\":\"") ||
                   !wire_append(body, part->mime) || !wire_append(body, "\",\"data\":\"") ||
                   !body_append_base64(body, part->bytes) || !wire_append(body, "\"}}")) {
            return false;
        }
    }
    return true;
}

/* Append one part of what the model wrote; the picture is put back where it stood. */
static bool append_turn_part(Body *body, const CallTurn *turn, const json_t *part) {
    const char *signature = json_string_value(json_object_get(part, "thoughtSignature"));
    if (!json_is_true(json_object_get(part, "image")))
        return wire_append_json(body, json_incref((json_t *)part));
    return wire_append(body, "{\"inlineData\":{\"mimeType\":\"") && wire_append(body, turn->mime) &&
           wire_append(body, "\",\"data\":\"") && body_append_base64(body, turn->bytes) &&
           wire_append(body, "\"}") &&
           (!signature || (wire_append(body, ",\"thoughtSignature\":") &&
                           wire_append_json(body, json_string(signature)))) &&
           wire_append(body, "}");
}

/* Append the turn before this one, which has its user's and its model's part. */
static bool append_history(Body *body, const CallTurn *turn) {
    json_t *only = json_pack("[{s:b}]", "image", 1), *part;
    const json_t *parts = json_array_size(turn->parts) ? turn->parts : only;
    size_t i;
    bool ok = wire_append(body, "{\"role\":\"user\",\"parts\":[") &&
              wire_append_json(body, json_pack("{s:s}", "text", turn->text ? turn->text : "")) &&
              wire_append(body, "]},{\"role\":\"model\",\"parts\":[");
    json_array_foreach(parts, i, part) {
        ok = ok && (!i || wire_append(body, ",")) && append_turn_part(body, turn, part);
    }
    json_decref(only);
    return ok && wire_append(body, "]},");
}

/* Append what kind of answer is wanted. */
static bool append_config(Body *body, const ModelCall *call) {
    if (call->schema_text)
        return wire_append(body,
                           "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":") &&
               wire_append(body, call->schema_text) && wire_append(body, "}");
    json_t *image = json_object();
    if (call->aspect_ratio)
        json_object_set_new(image, "aspectRatio", json_string(call->aspect_ratio));
    if (call->image_size)
        json_object_set_new(image, "imageSize", json_string(call->image_size));
    return wire_append_json(body, json_pack("{s:[s, s], s:o}", "responseModalities", "TEXT",
                                            "IMAGE", "imageConfig", image));
}

/* Append everything but the contents. */
static bool append_rest(Body *body, const ModelCall *call) {
    if (call->instruction &&
        (!wire_append(body, ",\"systemInstruction\":{\"role\":\"user\",\"parts\":[{\"text\":") ||
         !wire_append(body, call->instruction) || !wire_append(body, "}]}")))
        return false;
    return wire_append(body, ",\"generationConfig\":") && append_config(body, call) &&
           wire_append(body, "}");
}

/* Build a request. */
static Body *build(const Provider *provider, const ModelCall *call, char **url,
                   struct curl_slist **headers, char **error) {
    Body *body = body_new(REQUEST_MAXIMUM);
    (void)error;
    bool ok = wire_append(body, "{\"contents\":[") &&
              (!call->history || append_history(body, call->history)) &&
              wire_append(body, "{\"role\":\"user\",\"parts\":[") && append_parts(body, call) &&
              wire_append(body, "]}]") && append_rest(body, call);
    if (!ok) {
        body_free(body);
        return NULL;
    }
    char *model = curl_easy_escape(NULL, call->model->id, 0);
    *url = mem_printf("%s/v1beta/models/%s:generateContent", provider->url, model ? model : "");
    curl_free(model);
    *headers = wire_headers("application/json", "x-goog-api-key: ", provider->key);
    return body;
}

/* Read RetryInfo's delay, "15.002899939s", out of an error's details. */
static double retry_delay(const json_t *error) {
    size_t i;
    json_t *detail;
    json_array_foreach(json_object_get(error, "details"), i, detail) {
        const char *delay = json_string_value(json_object_get(detail, "retryDelay"));
        if (delay)
            return strtod(delay, NULL) * 1e3;
    }
    return -1;
}

/* Is it a quota that only another day refills? */
static bool quota_of_the_day(const json_t *error) {
    size_t i, j;
    json_t *detail, *violation;
    json_array_foreach(json_object_get(error, "details"), i, detail) {
        json_array_foreach(json_object_get(detail, "violations"), j, violation) {
            const char *id = json_string_value(json_object_get(violation, "quotaId"));
            if (id && strstr(id, "PerDay"))
                return true;
        }
    }
    return false;
}

/* Read an answer whose status is not 200. */
static void parse_error(const HttpReply *reply, const ModelCall *call, ModelAnswer *answer) {
    json_t *body =
        json_loadb(reply->body->data ? reply->body->data : "", reply->body->length, 0, NULL);
    const json_t *error = json_object_get(body, "error");
    const char *words = json_string_value(json_object_get(error, "message"));
    wire_error(reply, call, words, answer);
    if (answer->retry_after_ms < 0)
        answer->retry_after_ms = retry_delay(error);
    if (quota_of_the_day(error)) {
        answer->outcome = OUTCOME_REJECTED;
        answer->final = true;
    }
    json_decref(body);
}

/* Read usageMetadata; the image's tokens are counted apart from the text's. */
static json_t *parse_usage(const json_t *body) {
    const json_t *meta = json_object_get(body, "usageMetadata");
    if (!json_is_object(meta))
        return NULL;
    json_int_t image = 0;
    size_t i;
    json_t *detail;
    json_array_foreach(json_object_get(meta, "candidatesTokensDetails"), i, detail) {
        const char *modality = json_string_value(json_object_get(detail, "modality"));
        if (modality && strcmp(modality, "IMAGE") == 0)
            image += wire_tokens(detail, "tokenCount");
    }
    json_int_t out = wire_tokens(meta, "candidatesTokenCount");
    json_int_t thoughts = wire_tokens(meta, "thoughtsTokenCount");
    json_t *usage =
        json_pack("{s:I, s:I}", "inputTokens", wire_tokens(meta, "promptTokenCount"),
                  "outputTokens", out > image ? out - image + thoughts : thoughts);
    if (image)
        json_object_set_new(usage, "imageTokens", json_integer(image));
    return usage;
}

/* Is the reason a refusal by a safety or copyright rule? */
static bool is_refusal(const char *reason) {
    static const char *const refusals[] = {"SAFETY", "PROHIBITED", "BLOCKLIST", "SPII",
                                           "RECITATION"};
    for (size_t i = 0; reason && i < sizeof refusals / sizeof refusals[0]; i++)
        if (strstr(reason, refusals[i]))
            return true;
    return false;
}

/* Collect what the parts hold: all text that is not a thought, and the last image
 * that is none. */
static char *collect_parts(const json_t *parts, const LongStrings *strings, const json_t **image) {
    Buf text;
    size_t i;
    json_t *part;
    buf_init(&text, SIZE_MAX / 2);
    json_array_foreach(parts, i, part) {
        if (json_is_true(json_object_get(part, "thought")))
            continue;
        LongString words = long_string_find(strings, json_object_get(part, "text"));
        const json_t *data = json_object_get(json_object_get(part, "inlineData"), "data");
        if (words.at && !buf_append(&text, words.at, words.length))
            break;
        if (json_is_string(data))
            *image = data;
    }
    return buf_take(&text, NULL);
}

/* Copy a text member, which may be one of the long strings. */
static void copy_text(const json_t *from, const char *key, const LongStrings *strings, json_t *to) {
    LongString text = long_string_find(strings, json_object_get(from, key));
    if (text.at)
        json_object_set_new(to, key, json_stringn(text.at, text.length));
}

/* Keep what the model wrote, so that it can be sent back: texts, thoughts and signatures, and
 * where the picture stood. Drafts are left out: they are as large as the picture. */
static json_t *keep_turn(const json_t *parts, const json_t *image, const LongStrings *strings) {
    json_t *kept = json_array(), *part;
    size_t i;
    json_array_foreach(parts, i, part) {
        const json_t *data = json_object_get(json_object_get(part, "inlineData"), "data");
        if (data && data != image)
            continue;
        json_t *copy = json_object();
        if (data)
            json_object_set_new(copy, "image", json_true());
        copy_text(part, "text", strings, copy);
        copy_text(part, "thoughtSignature", strings, copy);
        if (json_is_true(json_object_get(part, "thought")))
            json_object_set_new(copy, "thought", json_true());
        if (json_object_size(copy))
            json_array_append(kept, copy);
        json_decref(copy);
    }
    return kept;
}

/* Say that nothing usable came, with every word the provider left about it. */
static void say_nothing_came(ModelAnswer *answer, const char *reason, const char *finish,
                             const char *text) {
    char *said = text_clip(text, 400);
    answer->outcome = is_refusal(reason) ? OUTCOME_BLOCKED : OUTCOME_EMPTY;
    answer->message =
        mem_printf("the model gave no result (%s)%s%s%s%s", reason ? reason : "no reason",
                   finish ? ": " : "", finish ? finish : "", *said ? "; it said: " : "", said);
    free(said);
}

/* Read the first candidate. */
static void parse_candidate(const json_t *candidate, const LongStrings *strings,
                            const ModelCall *call, ModelAnswer *answer) {
    const char *reason = json_string_value(json_object_get(candidate, "finishReason"));
    const char *finish = json_string_value(json_object_get(candidate, "finishMessage"));
    const json_t *image = NULL;
    char *text = collect_parts(json_object_get(json_object_get(candidate, "content"), "parts"),
                               strings, &image);
    if (is_refusal(reason)) {
        say_nothing_came(answer, reason, finish, text);
    } else if (!call->schema && image) {
        wire_take_picture(answer, long_string_find(strings, image));
        if (answer->outcome == OUTCOME_OK)
            answer->turn = keep_turn(
                json_object_get(json_object_get(candidate, "content"), "parts"), image, strings);
    } else if (call->schema && *text) {
        bool stopped = !reason || strcmp(reason, "STOP") == 0;
        wire_take_json(answer, text, call, stopped ? NULL : reason);
    } else {
        say_nothing_came(answer, reason, finish, text);
    }
    free(text);
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
    const json_t *feedback = json_object_get(body, "promptFeedback");
    const char *blocked = json_string_value(json_object_get(feedback, "blockReason"));
    const json_t *candidate = json_array_get(json_object_get(body, "candidates"), 0);
    answer->usage = parse_usage(body);
    answer->model_version = wire_version(body, "modelVersion");
    if (blocked && !candidate) {
        const char *words = json_string_value(json_object_get(feedback, "blockReasonMessage"));
        answer->outcome = OUTCOME_BLOCKED;
        answer->message = mem_printf("the prompt was refused (%s)%s%s", blocked, words ? ": " : "",
                                     words ? words : "");
    } else {
        parse_candidate(candidate, &strings, call, answer);
    }
    json_decref(body);
}

const Wire wire_gemini = {
    .name = "gemini",
    .default_url = "https://generativelanguage.googleapis.com",
    .key_variable = "GEMINI_API_KEY",
    .build = build,
    .parse = parse,
};
