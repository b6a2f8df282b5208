/* The openai protocol: what is sent, member by member, and what each answer means. */
#include "driver_test.h"

#include <math.h>
#include <png.h>

#include "mask.h"
#include "provider.h"

static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,"
    "\"properties\":{\"a\":{\"type\":\"number\"}}}";

/* ---- requests ---- */

/* One request as it would leave. */
typedef struct Sent {
    char *url, *body, *error;
    size_t length;
    char *headers; /* a line each */
} Sent;

/* Build a request of a server without a key of its own, or with one. */
static Sent build_for(const Provider *provider, const ModelCall *call) {
    Sent sent = {0};
    struct curl_slist *list = NULL;
    Body *body = wire_openai.build(provider, call, &sent.url, &list, &sent.error);
    sent.length = body ? body_length(body) : 0;
    sent.body = body ? body_text(body) : NULL;
    sent.headers = mem_strdup("");
    for (struct curl_slist *at = list; at; at = at->next)
        mem_set(&sent.headers, "%s%s\n", sent.headers, at->data);
    curl_slist_free_all(list);
    return sent;
}

static Sent build(const ModelCall *call) {
    const Provider provider = {.name = "openai",
                               .wire = &wire_openai,
                               .url = (char *)"https://example.test/v1",
                               .key = (char *)"secret"};
    return build_for(&provider, call);
}

static void free_sent(Sent *sent) {
    free(sent->url);
    free(sent->body);
    free(sent->error);
    free(sent->headers);
}

/* The body is this JSON. */
static void expect_body(const Sent *sent, const char *wanted) {
    json_t *body = json_loadb(sent->body, sent->length, 0, NULL),
           *json = json_loads(wanted, 0, NULL);
    assert_non_null(json);
    if (!json_equal(body, json))
        fail_msg("%s\n  is not\n%s", sent->body, wanted);
    json_decref(body);
    json_decref(json);
}

static void asking_for_json(void **state) {
    (void)state;
    static const Model model = {.id = "some-model"};
    json_t *schema = json_loads(schema_text, 0, NULL);
    ModelCall call = {
        .model = &model, .schema = schema, .schema_text = schema_text, .instruction = "\"Do it.\""};
    call_add_text(&call, "User prompt: %s", "a \"house\"");
    Bytes *image = bytes_of("\0\1\2", 3);
    call_add_image(&call, image, "image/webp");
    Sent sent = build(&call);
    expect_body(
        &sent,
        "{\"model\":\"some-model\",\"messages\":[{\"role\":\"system\",\"content\":\"Do it.\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"User prompt: a "
        "\\\"house\\\"\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/webp;base64,AAEC\"}}]}],\"response_format\":{\"type\":\"json_schema\","
        "\"json_schema\":{\"name\":\"answer\",\"strict\":true,\"schema\":{\"type\":\"object\","
        "\"required\":[\"a\"],\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":"
        "\"number\"}}}}}}");
    assert_string_equal(sent.url, "https://example.test/v1/chat/completions");
    assert_string_equal(sent.headers,
                        "Content-Type: application/json\nAuthorization: Bearer secret\n");
    assert_null(strstr(sent.body, "secret"));
    free_sent(&sent);

    /* A server that takes no schema is told of it, and one without a key gets none. */
    const Provider plain = {.wire = &wire_openai,
                            .url = (char *)"http://127.0.0.1/v1",
                            .key = (char *)"",
                            .without_schema = true};
    sent = build_for(&plain, &call);
    assert_null(strstr(sent.body, "response_format"));
    assert_non_null(strstr(sent.body, "Do it.\\nAnswer with one JSON object and nothing else."));
    assert_non_null(strstr(sent.body, "\\\"additionalProperties\\\":false"));
    assert_string_equal(sent.headers, "Content-Type: application/json\n");
    free_sent(&sent);
    call_free(&call);
    bytes_free(image);
    json_decref(schema);
}

/* Only closed schemas all of whose members are required may be called strict. */
static void strict_schemas(void **state) {
    (void)state;
    static const Model model = {.id = "m"};
    static const struct {
        const char *schema;
        bool strict;
    } cases[] = {
        {"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[],\"properties\":{}}",
         true},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{}}}", false},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{}}}", false},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"a\"],\"properties\":{"
         "\"a\":{\"type\":\"array\",\"items\":{\"properties\":{\"b\":{}}}}}}",
         false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *schema = json_loads(cases[i].schema, 0, NULL);
        ModelCall call = {.model = &model, .schema = schema, .schema_text = cases[i].schema};
        Sent sent = build(&call);
        if (!strstr(sent.body, cases[i].strict ? "\"strict\":true" : "\"strict\":false"))
            fail_msg("%s", sent.body);
        free_sent(&sent);
        json_decref(schema);
    }
}

/* Shape, class of sizes, what the registry says, and the size in pixels. */
static const struct {
    const char *ratio, *size, *definition, *pixels;
} sizes[] = {
    {"1:1", "1K", "{}", "1024x1024"},
    {"16:9", "1K", "{}", "1360x768"},
    {"9:16", "1K", "{}", "768x1360"},
    {"16:9", "2K", "{}", "2736x1536"},
    {"16:9", "4K", "{}", "3840x2160"},
    {"1:1", "4K", "{}", "2160x2160"},
    {"21:9", "4K", "{}", "3840x1648"},
    {"3:2", NULL, "{}", "1248x832"},
    {"16:9", "1K", "{\"pixelSizes\":[\"1024x1024\",\"1536x1024\",\"1024x1536\"]}", "1536x1024"},
    {"5:6", "1K", "{\"pixelSizes\":[\"1024x1024\",\"1536x1024\",\"1024x1536\"]}", "1024x1024"},
    {"2:3", "4K", "{\"pixelSizes\":[\"1024x1024\",\"x\",7,\"1024x1536\"]}", "1024x1536"},
    {"wide", "1K", "{}", NULL},
    {NULL, NULL, "{}", NULL},
};

static void asking_for_a_picture(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        json_t *definition = json_loads(sizes[i].definition, 0, NULL);
        const Model model = {.id = "m", .definition = definition};
        ModelCall call = {
            .model = &model, .aspect_ratio = sizes[i].ratio, .image_size = sizes[i].size};
        Sent sent = build(&call);
        json_t *body = json_loadb(sent.body, sent.length, 0, NULL);
        const char *size = json_string_value(json_object_get(body, "size"));
        if (!size != !sizes[i].pixels || (size && strcmp(size, sizes[i].pixels) != 0))
            fail_msg("%s at %s is %s", sizes[i].ratio, sizes[i].size, size);
        json_decref(body);
        free_sent(&sent);
        json_decref(definition);
    }
    json_t *definition = json_loads("{\"qualityWords\":{\"standard\":\"medium\",\"high\":\"high\"},"
                                    "\"imageOptions\":{\"output_format\":\"png\"}}",
                                    0, NULL);
    const Model model = {.id = "m", .definition = definition};
    ModelCall call = {.model = &model,
                      .aspect_ratio = "1:1",
                      .image_size = "1K",
                      .quality = "standard",
                      .instruction = "\"Draw.\""};
    call_add_text(&call, "Prompt: a house");
    Sent sent = build(&call);
    expect_body(&sent, "{\"model\":\"m\",\"prompt\":\"Draw.\\nPrompt: a house\",\"n\":1,\"size\":"
                       "\"1024x1024\",\"quality\":\"medium\",\"output_format\":\"png\"}");
    assert_string_equal(sent.url, "https://example.test/v1/images/generations");
    free_sent(&sent);
    call_free(&call);
    json_decref(definition);
}

/* The parts of a form by their names and types, a line each. */
static char *form_outline(const Sent *sent) {
    const char *boundary = strstr(sent->headers, "boundary=");
    assert_non_null(boundary);
    char *mark = mem_printf("--%.*s", (int)strcspn(boundary + 9, "\n"), boundary + 9);
    char *outline = mem_strdup("");
    const char *at = sent->body, *end = sent->body + sent->length;
    while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
        at += strlen(mark);
        if (end - at == 4 && memcmp(at, "--\r\n", 4) == 0) {
            mem_set(&outline, "%send\n", outline);
            break;
        }
        const char *head_end = strstr(at, "\r\n\r\n");
        char *head = mem_strndup(at, (size_t)(head_end - at));
        const char *name = strstr(head, "name=\"") + 6, *type = strstr(head, "Content-Type: ");
        bool file = strstr(head, "filename=");
        mem_set(&outline, "%s%.*s%s%s", outline, (int)strcspn(name, "\""), name, type ? " " : "",
                type ? type + 14 : "");
        if (!file)
            mem_set(&outline, "%s=%.*s", outline, (int)strcspn(head_end + 4, "\r"), head_end + 4);
        mem_set(&outline, "%s\n", outline);
        free(head);
    }
    free(mark);
    return outline;
}

static void editing(void **state) {
    (void)state;
    static const Model model = {.id = "m"};
    Buf png = make_png(2, 2);
    Buf jpeg = make_jpeg(4, 4);
    Bytes *first = bytes_of(png.data, png.length), *second = bytes_of(jpeg.data, jpeg.length);
    ModelCall call = {.model = &model};
    call_add_image(&call, first, "image/png");
    call_add_text(&call, "Prompt: a house");
    Sent sent = build(&call);
    char *outline = form_outline(&sent);
    assert_string_equal(outline, "model=m\nprompt=Prompt: a house\nn=1\nimage image/png\nend\n");
    assert_string_equal(sent.url, "https://example.test/v1/images/edits");
    assert_non_null(memmem(sent.body, sent.length, png.data, png.length));
    free(outline);
    free_sent(&sent);
    call_add_image(&call, second, "image/jpeg");
    sent = build(&call);
    outline = form_outline(&sent);
    assert_string_equal(outline, "model=m\nprompt=Prompt: a house\nn=1\nimage[] image/png\n"
                                 "image[] image/jpeg\nend\n");
    free(outline);
    free_sent(&sent);
    call_free(&call);
    bytes_free(first);
    bytes_free(second);
    buf_free(&png);
    buf_free(&jpeg);
}

/* Write a grey PNG. */
static Buf grey_png(const png_byte *pixels, unsigned width, unsigned height) {
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_GRAY};
    char bytes[2048];
    png_alloc_size_t size = sizeof bytes;
    assert_true(png_image_write_to_memory(&image, bytes, &size, 0, pixels, 0, NULL));
    Buf buf;
    buf_init(&buf, sizeof bytes);
    put(&buf, bytes, size);
    return buf;
}

/* Bytes with so much behind them that they are in a file. */
static Bytes *large_of(const Buf *from) {
    enum { LARGE = 2 << 20 };
    char *more = mem_alloc(LARGE);
    bytes_allow(16, "/tmp");
    Bytes *bytes = bytes_begin(SIZE_MAX);
    assert_true(bytes_append(bytes, from->data, from->length) && bytes_append(bytes, more, LARGE));
    assert_null(bytes_data(bytes));
    bytes_allow(16, NULL);
    free(more);
    return bytes;
}

/* White becomes transparent, at the size of the image that the mask is about. */
static void masks(void **state) {
    (void)state;
    static const png_byte pixels[] = {255, 0, 0, 64};
    char *error = NULL;
    size_t made;
    Buf mask = grey_png(pixels, 2, 2);
    char *alpha = mask_to_alpha(mask.data, mask.length, 4, 2, &made, &error);
    assert_non_null(alpha);
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_byte out[16];
    assert_true(png_image_begin_read_from_memory(&image, alpha, made));
    assert_int_equal(image.width, 4);
    assert_int_equal(image.height, 2);
    image.format = PNG_FORMAT_GA;
    assert_true(png_image_finish_read(&image, NULL, out, 0, NULL));
    static const png_byte wanted[] = {0, 0, 255, 255, 255, 255, 191, 191};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(out[2 * i + 1], wanted[i]);
    free(alpha);

    static const Model model = {.id = "m"};
    Buf png = make_png(2, 2);
    Bytes *image_bytes = bytes_of(png.data, png.length), *none = bytes_of("no picture", 10);
    Bytes *mask_bytes = bytes_of(mask.data, mask.length);
    ModelCall call = {.model = &model};
    call_add_image(&call, image_bytes, "image/png");
    call_add_mask(&call, mask_bytes, "image/png");
    Sent sent = build(&call);
    char *outline = form_outline(&sent);
    assert_non_null(strstr(outline, "image image/png\nmask image/png\nend\n"));
    free(outline);
    free_sent(&sent);
    /* Neither has to be in memory. */
    Bytes *large_image = large_of(&png), *large_mask = large_of(&mask);
    call.parts[0].bytes = large_image;
    call.parts[1].bytes = large_mask;
    sent = build(&call);
    assert_null(sent.error);
    assert_non_null(sent.body);
    free_sent(&sent);
    bytes_free(large_image);
    bytes_free(large_mask);
    call.parts[0].bytes = image_bytes;
    /* A mask that cannot be read is refused before anything is sent. */
    call.parts[1].bytes = none;
    sent = build(&call);
    assert_null(sent.body);
    assert_non_null(strstr(sent.error, "the mask cannot be read as PNG"));
    free_sent(&sent);
    call_free(&call);
    bytes_free(image_bytes);
    bytes_free(mask_bytes);
    bytes_free(none);
    buf_free(&png);
    buf_free(&mask);
}

/* ---- answers ---- */

/* Judge a reply as the answer to a call that wants JSON, maybe with an image, or a picture. */
static ModelAnswer judge(bool picture, bool shown, long status, const char *text) {
    static const Model model = {.id = "some-model"};
    json_t *schema = json_loads(schema_text, 0, NULL);
    ModelCall call = {.model = &model, .schema = picture ? NULL : schema};
    Bytes *image = bytes_of("x", 1);
    Buf body;
    if (shown)
        call_add_image(&call, image, "image/png");
    buf_init(&body, 1 << 20);
    put(&body, text, strlen(text));
    HttpReply reply = {
        .status = status, .sent = true, .retry_after_ms = -1, .body = &body, .error = ""};
    ModelAnswer answer = {.retry_after_ms = -1};
    wire_openai.parse(&reply, &call, &answer);
    buf_free(&body);
    call_free(&call);
    bytes_free(image);
    json_decref(schema);
    return answer;
}

/* What comes, and what it means. */
static const struct {
    bool picture, shown;
    long status;
    const char *body;
    Outcome outcome;
    const char *words;
    bool final;
    Lack lacks;
} answers[] = {
    /* text */
    {false, false, 200,
     "{\"choices\":[{\"message\":{\"content\":\"{\\\"a\\\":1}\",\"refusal\":null},"
     "\"finish_reason\":\"stop\"}]}",
     OUTCOME_OK, NULL, false, 0},
    {false, false, 200,
     "{\"choices\":[{\"message\":{\"content\":\"```json\\n{\\\"a\\\":1}\\n```\"}}]}", OUTCOME_OK,
     NULL, false, 0},
    {false, false, 200,
     "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I'm sorry.\"},"
     "\"finish_reason\":\"stop\"}]}",
     OUTCOME_BLOCKED, "I'm sorry.", false, 0},
    {false, false, 200,
     "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}",
     OUTCOME_BLOCKED, "content_filter", false, 0},
    {false, false, 200,
     "{\"choices\":[{\"message\":{\"content\":\"{\\\"a\\\"\"},\"finish_reason\":\"length\"}]}",
     OUTCOME_MALFORMED, "stopped for length", false, 0},
    {false, false, 200, "{\"choices\":[{\"message\":{\"content\":\"{}\"}}]}", OUTCOME_MALFORMED,
     "does not obey", false, 0},
    {false, false, 200, "{\"choices\":[{\"message\":{\"content\":\"Sure!\"}}]}", OUTCOME_MALFORMED,
     "cannot be read", false, 0},
    {false, false, 200, "{\"choices\":[]}", OUTCOME_EMPTY, "no result", false, 0},
    {false, false, 200, "{\"choices\":[{\"message\":{\"content\":\"\"}}]}", OUTCOME_EMPTY,
     "no result", false, 0},
    {false, false, 200, "{}", OUTCOME_EMPTY, "no result", false, 0},
    {false, false, 200, "[]", OUTCOME_MALFORMED, "no object", false, 0},
    {false, false, 200, "<html>", OUTCOME_MALFORMED, "not JSON", false, 0},
    /* pictures */
    {true, false, 200, "{\"data\":[]}", OUTCOME_EMPTY, "no picture", false, 0},
    {true, false, 200, "{\"data\":[{\"b64_json\":\"iVBO*w0K\"}]}", OUTCOME_MALFORMED, "damaged",
     false, 0},
    {true, false, 200,
     "{\"data\":[{\"b64_json\":\"VGhpcyBpcyBhIGxldHRlciBhbmQgbm90IGFuIGltYWdl\"}]}",
     OUTCOME_MALFORMED, "not a PNG, JPEG or WebP", false, 0},
    {true, false, 200, "{\"data\":[{\"url\":\"https://example.test/a.png\"}]}", OUTCOME_EMPTY,
     "\"response_format\": \"b64_json\"", true, 0},
    /* refusals in OpenAI's words */
    {true, false, 400,
     "{\"error\":{\"message\":\"Rejected by the safety system.\",\"type\":"
     "\"image_generation_user_error\",\"param\":null,\"code\":\"moderation_blocked\"}}",
     OUTCOME_BLOCKED, "safety system", false, 0},
    {true, false, 400,
     "{\"error\":{\"message\":\"Invalid value: '2048x2048'.\",\"param\":\"size\",\"code\":"
     "\"invalid_value\"}}",
     OUTCOME_REJECTED, "2048x2048", false, 0},
    {true, false, 401,
     "{\"error\":{\"message\":\"Incorrect API key\",\"code\":\"invalid_api_key\"}}",
     OUTCOME_REJECTED, "HTTP 401: Incorrect API key", false, 0},
    {true, false, 403, "{\"error\":{\"message\":\"must be verified\",\"code\":null}}",
     OUTCOME_REJECTED, "verified", false, 0},
    {true, false, 404,
     "{\"error\":{\"message\":\"The model `x` does not exist\",\"code\":\"model_not_found\"}}",
     OUTCOME_REJECTED, "edit the registry", false, 0},
    {false, false, 409, "{\"error\":{\"message\":\"locked\"}}", OUTCOME_OVERLOADED, "locked", false,
     0},
    {false, false, 429,
     "{\"error\":{\"message\":\"Rate limit reached\",\"code\":\"rate_limit_exceeded\"}}",
     OUTCOME_RATE_LIMITED, "Rate limit", false, 0},
    {false, false, 429,
     "{\"error\":{\"message\":\"You exceeded your current "
     "quota\",\"code\":\"insufficient_quota\"}}",
     OUTCOME_REJECTED, "exceeded your current quota", true, 0},
    {false, false, 500, "{\"error\":{\"message\":\"had an error\"}}", OUTCOME_OVERLOADED,
     "had an error", false, 0},
    {false, false, 503, "no JSON", OUTCOME_OVERLOADED, "no explanation", false, 0},
    {false, false, 504, "", OUTCOME_UNKNOWN, "504", false, 0},
    /* what servers that speak the protocol lack */
    {false, false, 400,
     "{\"error\":{\"message\":\"Unknown parameter\",\"param\":\"response_format\",\"code\":null}}",
     OUTCOME_REJECTED, "takes no JSON schema", false, LACKS_SCHEMA},
    {false, true, 500, "{\"error\":\"failed to parse grammar\"}", OUTCOME_REJECTED,
     "takes no JSON schema", false, LACKS_SCHEMA},
    {false, true, 500,
     "{\"error\":{\"message\":\"image input is not supported - hint: if this is unexpected, you "
     "may "
     "need to provide the mmproj\"}}",
     OUTCOME_REJECTED, "sees no images", false, LACKS_VISION},
    {false, true, 400, "{\"message\":\"some-model is not a multimodal model\"}", OUTCOME_REJECTED,
     "--text-provider", false, LACKS_VISION},
    {false, false, 400, "{\"message\":\"some-model is not a multimodal model\"}", OUTCOME_REJECTED,
     "multimodal", false, 0},
    {true, false, 404, "{\"error\":{\"message\":\"File Not Found\"}}", OUTCOME_REJECTED,
     "draws no pictures", false, LACKS_IMAGES},
    {true, false, 405, "{\"detail\":\"Method Not Allowed\"}", OUTCOME_REJECTED, "draws no pictures",
     false, LACKS_IMAGES},
    {false, false, 404, "404 page not found", OUTCOME_REJECTED, "HTTP 404", false, 0},
};

static void what_answers_mean(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        ModelAnswer answer =
            judge(answers[i].picture, answers[i].shown, answers[i].status, answers[i].body);
        if (answer.outcome != answers[i].outcome || answer.final != answers[i].final ||
            answer.lacks != answers[i].lacks)
            fail_msg("%s\n  is %s: %s", answers[i].body, outcome_rule(answer.outcome)->name,
                     answer.message);
        if (answers[i].words && !strstr(answer.message, answers[i].words))
            fail_msg("%s\n  message \"%s\"", answers[i].body, answer.message);
        answer_free(&answer);
    }
}

/* A picture with its usage, of which both sides' pictures are counted apart. */
static void pictures_and_costs(void **state) {
    (void)state;
    Buf png = make_png(3, 2);
    char *data = base64_of(png.data, png.length);
    char *body = mem_printf("{\"data\":[{\"b64_json\":\"%s\"},{\"b64_json\":\"x\"}],\"usage\":{"
                            "\"input_tokens\":325,\"output_tokens\":1060,\"input_tokens_details\":{"
                            "\"text_tokens\":2,\"image_tokens\":323},\"output_tokens_details\":{"
                            "\"image_tokens\":1056,\"text_tokens\":4}}}",
                            data);
    ModelAnswer answer = judge(true, false, 200, body);
    assert_int_equal(answer.outcome, OUTCOME_OK);
    assert_int_equal(answer.image_width, 3);
    json_t *wanted = json_loads("{\"inputTokens\":2,\"imageInputTokens\":323,\"outputTokens\":4,"
                                "\"imageTokens\":1056,\"images\":1}",
                                0, NULL);
    assert_true(json_equal(answer.usage, wanted));
    json_t *definition =
        json_loads("{\"price\":{\"inputPerMillion\":\"5\",\"imageInputPerMillion\":\"8\","
                   "\"outputPerMillion\":\"10\",\"imageOutputPerMillion\":\"30\"}}",
                   0, NULL);
    Model model = {.definition = definition};
    char *cost = model_cost(&model, answer.usage, NULL);
    assert_string_equal(cost, "0.034314"); /* (2*5 + 323*8 + 4*10 + 1056*30) / 1e6 */
    free(cost);
    answer_free(&answer);
    free(body);
    /* Without usage nothing is counted, and the cost is unknown. */
    body = mem_printf("{\"data\":[{\"b64_json\":\"%s\"}]}", data);
    answer = judge(true, false, 200, body);
    assert_null(model_cost(&model, answer.usage, NULL));
    answer_free(&answer);
    free(body);
    json_decref(wanted);
    json_decref(definition);
    free(data);
    buf_free(&png);
}

/* A key is only needed where the protocol's owner is asked; a URL without a path gets one. */
static void servers(void **state) {
    (void)state;
    static const struct {
        const char *url, *environment, *key, *full;
    } cases[] = {
        {NULL, "k", "k", "https://api.openai.com/v1"},
        {NULL, "", NULL, NULL},
        {"http://127.0.0.1:8080", "", "", "http://127.0.0.1:8080/v1"},
        {"http://127.0.0.1:8080/", "k", "k", "http://127.0.0.1:8080/v1"},
        {"http://127.0.0.1:8080/openai/", "", "", "http://127.0.0.1:8080/openai"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Provider provider;
        char *error = NULL;
        setenv("OPENAI_API_KEY", cases[i].environment, 1);
        bool ok = provider_open(&provider, "openai", cases[i].url, NULL, &error);
        assert_int_equal(ok, cases[i].key != NULL);
        if (ok) {
            assert_string_equal(provider.url, cases[i].full);
            assert_string_equal(provider.key, cases[i].key);
        } else {
            assert_non_null(strstr(error, "OPENAI_API_KEY"));
        }
        free(error);
        provider_close(&provider);
    }
    unsetenv("OPENAI_API_KEY");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_for_json),
        cmocka_unit_test(strict_schemas),
        cmocka_unit_test(asking_for_a_picture),
        cmocka_unit_test(editing),
        cmocka_unit_test(masks),
        cmocka_unit_test(what_answers_mean),
        cmocka_unit_test(pictures_and_costs),
        cmocka_unit_test(servers),
    };
    return cmocka_run_group_tests_name("driver provider_openai", tests, NULL, NULL);
}
