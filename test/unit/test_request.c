/* Requests: names, types, tasks, images; answers that follow a schema. */
#include "picture.h"

#include "answer_schema.h"
#include "gemini_reply.h"
#include "gemini_request.h"

/* Parse and check against a model; the message of the refusal, or "" . */
static const char *refusal_of(const char *body, const char *model) {
    static Refusal refusal;
    Request request;
    refusal = (Refusal){0};
    bool ok = request_parse(&request, body, strlen(body), &refusal) &&
              request_check(&request, model_find(model, strlen(model), "gemini"), true, &refusal);
    request_free(&request);
    assert_int_equal(ok, refusal.status == 0);
    return refusal.message;
}

#define PARTS(parts) "{\"contents\":[{\"parts\":[" parts "]}]}"

static void expect_refused(const char *body, const char *words) {
    const char *message = refusal_of(body, "local-image-flash");
    if (!strstr(message, words))
        fail_msg("\"%s\" is not about \"%s\"", message, words);
}

static void test_good_requests(void **state) {
    (void)state;
    assert_string_equal(refusal_of(PARTS("{\"text\":\"a\"}"), "local-vision"), "");
    assert_string_equal(
        refusal_of("{\"system_instruction\":{\"parts\":[{\"text\":\"a\"}]},\"contents\":"
                   "[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]}],\"generation_config\":"
                   "{\"top_p\":0.5,\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}}}",
                   "local-vision"),
        "");
}

static void test_what_is_refused(void **state) {
    (void)state;
    expect_refused("", "The body is empty");
    expect_refused("{", "Invalid JSON payload");
    expect_refused("[]", "an object is expected");
    expect_refused("{\"nope\":1}", "Unknown name \"nope\": Cannot find field");
    expect_refused("{\"contents\":[{\"parts\":[{\"txt\":\"a\"}]}]}",
                   "Unknown name \"txt\" at 'contents[0].parts[0]'");
    expect_refused("{\"generationConfig\":{\"imageConfig\":{\"imageSizes\":\"1K\"}}}",
                   "Unknown name \"imageSizes\" at 'generation_config.image_config'");
    expect_refused("{\"generationConfig\":{\"temperature\":\"hot\"}}",
                   "Invalid value at 'generation_config.temperature' (TYPE_FLOAT)");
    expect_refused("{\"generationConfig\":{\"seed\":1.5}}", "TYPE_INT32");
    expect_refused("{}", "contents is not specified");
    expect_refused("{\"contents\":[{\"parts\":[]}]}", "at least one part");
    expect_refused(PARTS("{}"), "exactly one of");
    expect_refused(PARTS("{\"text\":null}"), "exactly one of");
    expect_refused("{\"contents\":[{\"role\":\"system\",\"parts\":[{\"text\":\"a\"}]}]}",
                   "valid role");
    expect_refused(PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"***\"}}"),
                   "Base64 decoding failed");
    expect_refused(PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"aGVsbG8=\"}}"),
                   "is not a JPEG, PNG or WebP");
    expect_refused(PARTS("{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"aGVsbG8=\"}}"),
                   "Unsupported MIME type: text/plain");
    expect_refused(PARTS("{\"inlineData\":{\"mimeType\":\"image/png\"}}"), "has no data");
}

/* A request for an image with an imageConfig. */
static const char *image_request(const char *config) {
    static char body[512];
    snprintf(body, sizeof body,
             "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":"
             "{\"responseModalities\":[\"TEXT\",\"IMAGE\"],\"imageConfig\":{%s}}}",
             config);
    return body;
}

static void test_image_models(void **state) {
    (void)state;
    assert_string_equal(refusal_of(image_request("\"aspectRatio\":\"4:5\",\"imageSize\":\"2K\""),
                                   "local-image-pro"),
                        "");
    assert_non_null(strstr(refusal_of(image_request("\"imageSize\":\"2K\""), "local-image-flash"),
                           "Invalid image size"));
    assert_non_null(strstr(refusal_of(image_request("\"imageSize\":\"1k\""), "local-image-pro"),
                           "Invalid image size"));
    assert_non_null(strstr(refusal_of(image_request("\"imageSize\":\"K\""), "local-image-pro"),
                           "Invalid image size"));
    assert_non_null(strstr(refusal_of(image_request("\"aspectRatio\":\"7:3\""), "local-image-pro"),
                           "Invalid aspect ratio"));
    assert_non_null(strstr(refusal_of(image_request(""), "local-vision"), "modalities"));
}

/* An image of an earlier answer must bring its signature back. */
static void test_signatures(void **state) {
    static const char png[] = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAE"
                              "AAH2FzhVAAAAAElFTkSuQmCC";
    static const char *const refusals[] = {
        "Image part is missing a thought_signature in content position 2, part position 2.",
        "Thought signature is not valid.", ""};
    char body[1024];
    json_t *right = reply_signature(png);
    (void)state;
    for (int with = 0; with < 3; with++) {
        char signature[200] = "";
        if (with)
            snprintf(signature, sizeof signature, ",\"thoughtSignature\":\"%s\"",
                     with == 1 ? "WlpaWg==" : json_string_value(right));
        snprintf(body, sizeof body,
                 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},"
                 "{\"role\":\"model\",\"parts\":[{\"text\":\"b\"},{\"inlineData\":{\"mimeType\":"
                 "\"image/png\","
                 "\"data\":\"%s\"}%s}]},{\"role\":\"user\",\"parts\":[{\"text\":\"c\"}]}]}",
                 png, signature);
        assert_string_equal(refusal_of(body, "gemini-3-pro-image"), refusals[with]);
    }
    json_decref(right);
}

static Task task_of(const char *property, const char *form) {
    char body[400];
    Request request;
    Refusal refusal;
    snprintf(body, sizeof body,
             "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":"
             "{\"%s\":{\"type\":\"object\",\"properties\":{\"%s\":{\"type\":\"string\"}}}}}",
             form, property);
    assert_true(request_parse(&request, body, strlen(body), &refusal));
    Task task = request.task;
    request_free(&request);
    return task;
}

static void test_tasks_are_told_by_the_schema(void **state) {
    (void)state;
    assert_int_equal(task_of("complexity", "responseJsonSchema"), TASK_SEMANTIC_PARSING);
    assert_int_equal(task_of("temperature", "responseSchema"), TASK_IMAGE_UNDERSTANDING);
    assert_int_equal(task_of("styleCodes", "response_schema"), TASK_MEMORY_EXTRACTION);
    assert_int_equal(task_of("valid", "responseJsonSchema"), TASK_VALIDATION);
    assert_int_equal(task_of("optimizedPrompt", "responseJsonSchema"), TASK_PROMPT_OPTIMIZATION);
    assert_int_equal(task_of("something", "responseJsonSchema"), TASK_TEXT);
}

/* Fill a schema; both are JSON texts. */
static void expect_filled(const char *schema, const char *facts, const char *expected) {
    json_t *s = json_loads(schema, 0, NULL), *f = json_loads(facts, 0, NULL);
    assert_non_null(s);
    json_t *filled = answer_fill(s, f);
    char *text = json_dumps(filled, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    free(text);
    json_decref(filled);
    json_decref(s);
    json_decref(f);
}

#define OBJECT(properties, required)                                                               \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required "]}"

static void test_schemas_are_followed(void **state) {
    (void)state;
    expect_filled(OBJECT("\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}", "\"a\""),
                  "{\"c\":1}", "{\"a\":\"\"}");
    expect_filled(
        OBJECT("\"a\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"string\"}}", ""),
        "{\"a\":[\"x\",\"y\",\"z\"]}", "{\"a\":[\"x\",\"y\"]}");
    expect_filled(
        "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\",\"maxItems\":\"1\","
        "\"items\":{\"type\":\"STRING\"}}}}",
        "{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"x\"]}");
    expect_filled(OBJECT("\"a\":{\"type\":\"string\",\"enum\":[\"p\",\"unspecified\"]}", "\"a\""),
                  "{\"a\":\"q\"}", "{\"a\":\"unspecified\"}");
    expect_filled(OBJECT("\"a\":{\"type\":[\"integer\",\"null\"],\"minimum\":3}", "\"a\""),
                  "{\"a\":1.7}", "{\"a\":3}");
    expect_filled(OBJECT("\"a\":{\"type\":\"number\",\"maximum\":1}", "\"a\""), "{\"a\":7}",
                  "{\"a\":1.0}");
    expect_filled(OBJECT("\"a\":{\"type\":\"boolean\"}", "\"a\""), "{\"a\":true}", "{\"a\":true}");
    expect_filled(OBJECT("\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"}},"
                         "\"required\":[\"b\"]}",
                         "\"a\""),
                  "{\"a\":\"text\"}", "{\"a\":{\"b\":\"\"}}");
    expect_filled(
        OBJECT("\"a\":{\"type\":\"array\",\"minItems\":2,\"items\":{\"type\":\"string\"}}",
               "\"a\""),
        "{}", "{\"a\":[\"\",\"\"]}");
    expect_filled("{}", "{}", "{}");
}

static void test_replies_have_the_protocols_shape(void **state) {
    static const char body[] = PARTS("{\"text\":\"User prompt: a house\"}");
    Request request;
    Refusal refusal;
    (void)state;
    assert_true(request_parse(&request, body, sizeof body - 1, &refusal));
    assert_true(
        request_check(&request, model_find("local-image-flash", 17, "gemini"), true, &refusal));
    Reply reply = reply_answer(
        &request, &(Answer){.text = "t", .image_base64 = "AAAA", .finish_reason = "STOP"});
    json_t *json = json_loadb(reply.body, reply.length, 0, NULL), *parts = NULL;
    const char *finish = NULL;
    json_int_t total = 0;
    assert_int_equal(json_unpack(json, "{s:[{s:{s:o}, s:s}], s:{s:I}}", "candidates", "content",
                                 "parts", &parts, "finishReason", &finish, "usageMetadata",
                                 "totalTokenCount", &total),
                     0);
    assert_string_equal(finish, "STOP");
    assert_int_equal(json_array_size(parts), 2);
    assert_non_null(json_object_get(json_array_get(parts, 0), "text"));
    assert_non_null(json_object_get(json_array_get(parts, 1), "thoughtSignature"));
    assert_true(total > 1120);
    json_decref(json);
    reply_free(&reply);
    reply = reply_status(429);
    assert_non_null(strstr(reply.body, "RetryInfo"));
    assert_non_null(strstr(reply.body, "RESOURCE_EXHAUSTED"));
    reply_free(&reply);
    request_free(&request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_requests),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_image_models),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_tasks_are_told_by_the_schema),
        cmocka_unit_test(test_schemas_are_followed),
        cmocka_unit_test(test_replies_have_the_protocols_shape),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
