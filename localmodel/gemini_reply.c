#include "gemini_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "text.h"

/* Tokens that the service counts for one image, in and out. */
enum { IMAGE_TOKENS_IN = 258, IMAGE_TOKENS_OUT = 1120, SIGNATURE_SIZE = 48 };

static const struct {
    int status;
    const char *name, *message, *reason;
} statuses[] = {
    {400, "INVALID_ARGUMENT", "Request contains an invalid argument.", NULL},
    {401, "UNAUTHENTICATED", "Request had invalid authentication credentials.",
     "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
    {403, "PERMISSION_DENIED",
     "Method doesn't allow unregistered callers (callers without established identity). Please "
     "use API Key or other form of API consumer identity to call this API.",
     NULL},
    {404, "NOT_FOUND", "The requested entity was not found.", NULL},
    {405, "UNIMPLEMENTED", "The HTTP method is not supported for this path.", NULL},
    {408, "DEADLINE_EXCEEDED", "The request timed out.", NULL},
    {429, "RESOURCE_EXHAUSTED",
     "You exceeded your current quota, please check your plan and billing details.\nPlease retry "
     "in 0.05s.",
     NULL},
    {500, "INTERNAL", "An internal error has occurred. Please retry.", NULL},
    {502, "UNAVAILABLE", "Bad gateway.", NULL},
    {503, "UNAVAILABLE", "The model is overloaded. Please try again later.", NULL},
    {504, "DEADLINE_EXCEEDED", "The request timed out. Please try again.", NULL},
};

enum { STATUSES = sizeof statuses / sizeof statuses[0] };

static const char *status_name(int status) {
    for (int i = 0; i < STATUSES; i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return "UNKNOWN";
}

/* Turn a document into a reply; takes the reference. */
static Reply finish(int status, json_t *body) {
    Reply reply = {.status = status, .body = json_dumps(body, JSON_INDENT(2))};
    json_decref(body);
    if (!reply.body)
        reply.body = mem_copy("{}", 2);
    reply.length = strlen(reply.body);
    return reply;
}

void reply_free(Reply *reply) {
    free(reply->body);
    *reply = (Reply){0};
}

static json_t *modality(const char *name, size_t tokens) {
    return json_pack("{s:s, s:I}", "modality", name, "tokenCount", (json_int_t)tokens);
}

/* Count as the service does, roughly: four letters a token, an image 258. */
static json_t *usage_of(const Request *request, const Answer *answer) {
    size_t text_in = (request->text_length + 3) / 4;
    size_t images_in = request->image_count * IMAGE_TOKENS_IN;
    size_t text_out = answer && answer->text ? (strlen(answer->text) + 3) / 4 : 0;
    size_t images_out = answer && answer->image_base64 ? IMAGE_TOKENS_OUT : 0;
    json_t *usage =
        json_pack("{s:I, s:I, s:[o]}", "promptTokenCount", (json_int_t)(text_in + images_in),
                  "totalTokenCount", (json_int_t)(text_in + images_in + text_out + images_out),
                  "promptTokensDetails", modality("TEXT", text_in));
    if (images_in)
        json_array_append_new(json_object_get(usage, "promptTokensDetails"),
                              modality("IMAGE", images_in));
    if (text_out + images_out)
        json_object_set_new(usage, "candidatesTokenCount",
                            json_integer((json_int_t)(text_out + images_out)));
    if (images_out)
        json_object_set_new(usage, "candidatesTokensDetails",
                            json_pack("[o]", modality("IMAGE", images_out)));
    return usage;
}

/* A stable identifier from what was asked. */
static json_t *response_id(const Request *request) {
    char *all = request_all_text(request), id[24];
    snprintf(id, sizeof id, "local-%016llx",
             (unsigned long long)text_hash((uint64_t)request->task, all, strlen(all)));
    free(all);
    return json_string(id);
}

static json_t *envelope(const Request *request, const Answer *answer) {
    return json_pack("{s:o, s:s, s:o}", "usageMetadata", usage_of(request, answer), "modelVersion",
                     request->model->id, "responseId", response_id(request));
}

json_t *reply_signature(const char *image) {
    unsigned char bytes[SIGNATURE_SIZE];
    uint64_t hash = text_hash(1, image, strnlen(image, 4096));
    size_t length;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(hash >> (i % 8 * 8));
    char *text = base64_encode(bytes, sizeof bytes, &length);
    json_t *signature = json_stringn(text, length);
    free(text);
    return signature;
}

static json_t *image_part(const char *base64) {
    return json_pack("{s:{s:s, s:s}}", "inlineData", "mimeType", "image/png", "data", base64);
}

static json_t *parts_of(const Request *request, const Answer *answer) {
    json_t *parts = json_array();
    if (answer->draft_base64) {
        json_t *draft = image_part(answer->draft_base64);
        json_object_set_new(draft, "thought", json_true());
        json_array_append_new(parts,
                              json_pack("{s:s, s:b}", "text", "A first draft.", "thought", 1));
        json_array_append_new(parts, draft);
    }
    if (answer->text)
        json_array_append_new(parts, json_pack("{s:s}", "text", answer->text));
    if (answer->image_base64) {
        json_t *image = image_part(answer->image_base64);
        if (request->model->signs)
            json_object_set_new(image, "thoughtSignature", reply_signature(answer->image_base64));
        json_array_append_new(parts, image);
    }
    return parts;
}

Reply reply_answer(const Request *request, const Answer *answer) {
    json_t *body = envelope(request, answer);
    json_t *content = json_object();
    if (answer->text || answer->image_base64) {
        json_object_set_new(content, "parts", parts_of(request, answer));
        json_object_set_new(content, "role", json_string("model"));
    }
    json_t *candidate = json_pack("{s:o, s:s, s:i}", "content", content, "finishReason",
                                  answer->finish_reason, "index", 0);
    if (answer->finish_message)
        json_object_set_new(candidate, "finishMessage", json_string(answer->finish_message));
    json_object_set_new(body, "candidates", json_pack("[o]", candidate));
    return finish(200, body);
}

Reply reply_blocked(const Request *request) {
    json_t *body = envelope(request, NULL);
    json_object_set_new(body, "promptFeedback",
                        json_pack("{s:s, s:[{s:s, s:s, s:b}]}", "blockReason", "SAFETY",
                                  "safetyRatings", "category", "HARM_CATEGORY_DANGEROUS_CONTENT",
                                  "probability", "HIGH", "blocked", 1));
    return finish(200, body);
}

Reply reply_nothing(const Request *request) {
    return finish(200, envelope(request, NULL));
}

/* The error envelope; details is stolen and may be NULL. */
static Reply error_reply(int status, const char *message, json_t *details) {
    json_t *error = json_pack("{s:i, s:s, s:s}", "code", status, "message", message, "status",
                              status_name(status));
    if (details)
        json_object_set_new(error, "details", details);
    return finish(status, json_pack("{s:o}", "error", error));
}

static json_t *error_info(const char *reason) {
    return json_pack("[{s:s, s:s, s:s, s:{s:s}}]", "@type",
                     "type.googleapis.com/google.rpc.ErrorInfo", "reason", reason, "domain",
                     "googleapis.com", "metadata", "service", "generativelanguage.googleapis.com");
}

/* A message that is UTF-8 even where the request's bytes were cut in a letter. */
static char *whole_letters(const char *message) {
    size_t length = strlen(message);
    json_t *test = NULL;
    while (!(test = json_stringn(message, length)) && length > 0)
        length--;
    json_decref(test);
    return mem_copy(message, length);
}

Reply reply_refusal(const Refusal *refusal) {
    json_t *details = NULL;
    char *message = whole_letters(refusal->message);
    if (refusal->reason)
        details = error_info(refusal->reason);
    else if (refusal->field[0])
        details = json_pack("[{s:s, s:[{s:s, s:s}]}]", "@type",
                            "type.googleapis.com/google.rpc.BadRequest", "fieldViolations", "field",
                            refusal->field, "description", message);
    Reply reply = error_reply(refusal->status, message, details);
    free(message);
    return reply;
}

Reply reply_status(int status) {
    for (int i = 0; i < STATUSES; i++) {
        json_t *details = NULL;
        if (statuses[i].status != status)
            continue;
        if (status == 429)
            details = json_pack("[{s:s, s:[{s:s, s:s, s:s}]}, {s:s, s:s}]", "@type",
                                "type.googleapis.com/google.rpc.QuotaFailure", "violations",
                                "quotaMetric", "generate_content_requests", "quotaId",
                                "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue", "10",
                                "@type", "type.googleapis.com/google.rpc.RetryInfo", "retryDelay",
                                "0.050000000s");
        else if (statuses[i].reason)
            details = error_info(statuses[i].reason);
        return error_reply(status, statuses[i].message, details);
    }
    return error_reply(status, "Error.", NULL);
}

static json_t *model_json(const ModelInfo *model) {
    char name[64];
    snprintf(name, sizeof name, "models/%s", model->id);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:[s]}", "name", name, "displayName", model->title,
                     "version", "1", "inputTokenLimit", 32768, "outputTokenLimit", 32768,
                     "supportedGenerationMethods", "generateContent");
}

Reply reply_model(const ModelInfo *model) {
    if (model)
        return finish(200, model_json(model));
    json_t *list = json_array();
    for (const ModelInfo *each = model_infos; each->id; each++)
        if (!each->wire || strcmp(each->wire, "gemini") == 0)
            json_array_append_new(list, model_json(each));
    return finish(200, json_pack("{s:o}", "models", list));
}
