#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "table.h"

/* Append plain text. */
bool wire_append(Body *body, const char *text) {
    return body_append(body, text, strlen(text));
}

/* Append a JSON value's text, freeing the value. */
bool wire_append_json(Body *body, json_t *value) {
    char *text = json_text(value);
    bool ok = text && wire_append(body, text);
    free(text);
    json_decref(value);
    return ok;
}

/* Make headers. */
struct curl_slist *wire_headers(const char *type, const char *before_key, const char *key) {
    struct curl_slist *headers = NULL;
    if (type) {
        char *line = mem_printf("Content-Type: %s", type);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    if (key && *key) {
        char *line = mem_printf("%s%s", before_key, key);
        headers = curl_slist_append(headers, line);
        explicit_bzero(line, strlen(line));
        free(line);
    }
    return headers;
}

/* Hold a request against what its model takes. */
char *wire_too_large(const Model *model, size_t length) {
    const json_t *limit = json_object_get(model->definition, "maxInlineBytes");
    if (!json_is_integer(limit) || length <= (size_t)json_integer_value(limit))
        return NULL;
    return mem_printf("the request is %zu bytes with its images, and model \"%s\" takes %lld "
                      "(maxInlineBytes in the registry)",
                      length, model->id, (long long)json_integer_value(limit));
}

/* Judge a status. 504 is the gateway's: the work behind it may have been done. */
Outcome wire_status_outcome(long status) {
    switch (status) {
    case 429:
        return OUTCOME_RATE_LIMITED;
    case 408:
    case 500:
    case 502:
    case 503:
        return OUTCOME_OVERLOADED;
    case 504:
        return OUTCOME_UNKNOWN;
    default:
        return status >= 505 ? OUTCOME_OVERLOADED : OUTCOME_REJECTED;
    }
}

/* Explain a status. */
void wire_error(const HttpReply *reply, const ModelCall *call, const char *words,
                ModelAnswer *answer) {
    answer->outcome = wire_status_outcome(reply->status);
    answer->retry_after_ms = reply->retry_after_ms;
    if (reply->status == 404 && call->model)
        answer->message = mem_printf("HTTP 404: %s (model \"%s\"; edit the registry with "
                                     "renderchain models --load if the provider renamed it)",
                                     words ? words : "not found", call->model->id);
    else if (reply->status >= 300 && reply->status < 400)
        answer->message = mem_printf("HTTP %ld: redirects are not followed, so that the key "
                                     "reaches no other host; correct --provider-url",
                                     reply->status);
    else
        answer->message = mem_printf("HTTP %ld: %s", reply->status,
                                     words ? words : "no explanation in the answer");
}

/* Parse the body of an answer. */
json_t *wire_load(const HttpReply *reply, LongStrings *strings, ModelAnswer *answer) {
    json_error_t where = {0};
    json_t *body = long_strings_load(reply->body->data ? reply->body->data : "",
                                     reply->body->length, strings, &where);
    if (json_is_object(body))
        return body;
    wire_malformed(answer, "the answer is not JSON: %s", body ? "no object" : where.text);
    json_decref(body);
    return NULL;
}

/* Take a picture. */
void wire_take_picture(ModelAnswer *answer, LongString base64) {
    answer_take_image(answer, base64.at, base64.length);
    if (answer->outcome == OUTCOME_OK && answer->usage)
        json_object_set_new(answer->usage, "images", json_integer(1));
}

/* Take JSON. */
void wire_take_json(ModelAnswer *answer, const char *text, const ModelCall *call,
                    const char *stopped_for) {
    answer_take_json(answer, text, call->schema);
    if (answer->outcome != OUTCOME_OK && stopped_for)
        mem_set(&answer->message, "%s (the model stopped for %s)", answer->message, stopped_for);
}

/* Read a count. */
json_int_t wire_tokens(const json_t *object, const char *key) {
    const json_int_t most = 1000000000000;
    json_int_t count = json_integer_value(json_object_get(object, key));
    return count < 0 ? 0 : count > most ? most : count;
}

/* Read what the model calls itself. */
char *wire_version(const json_t *body, const char *key) {
    enum { VERSION_MOST = 200 };
    const char *version = json_string_value(json_object_get(body, key));
    return version ? text_clip(version, VERSION_MOST) : NULL;
}

/* Mark an answer malformed. */
void wire_malformed(ModelAnswer *answer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    free(answer->message);
    answer->message = mem_vprintf(format, args);
    va_end(args);
    answer->outcome = OUTCOME_MALFORMED;
}
