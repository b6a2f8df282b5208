/* What the gemini protocol's answers mean: each shape that was seen or is documented ends in
 * one outcome. Requests are checked member by member. */
#include "driver_test.h"

#include <math.h>

#include "provider.h"
#include "table.h"

static const char schema_text[] = "{\"type\":\"object\",\"required\":[\"a\"],"
                                  "\"properties\":{\"a\":{\"type\":\"number\"}}}";

/* Judge a reply as the answer to a call that wants JSON, or a picture. */
static ModelAnswer judge(bool picture, long status, const char *text, double retry_after_ms) {
    static const Model model = {.id = "some-model"};
    json_t *schema = json_loads(schema_text, 0, NULL);
    ModelCall call = {.model = &model, .schema = picture ? NULL : schema};
    Buf body;
    buf_init(&body, 1 << 20);
    put(&body, text, strlen(text));
    HttpReply reply = {.status = status,
                       .sent = true,
                       .retry_after_ms = retry_after_ms,
                       .body = &body,
                       .error = ""};
    ModelAnswer answer = {.retry_after_ms = -1};
    wire_gemini.parse(&reply, &call, &answer);
    buf_free(&body);
    json_decref(schema);
    return answer;
}

/* A reply ends in an outcome, with words in its message. */
static void expect(bool picture, long status, const char *text, Outcome outcome,
                   const char *words) {
    ModelAnswer answer = judge(picture, status, text, -1);
    if (answer.outcome != outcome)
        fail_msg("%s\n  is %s, not %s: %s", text, outcome_rule(answer.outcome)->name,
                 outcome_rule(outcome)->name, answer.message);
    if (words && (!answer.message || !strstr(answer.message, words)))
        fail_msg("%s\n  message \"%s\" does not say \"%s\"", text, answer.message, words);
    if (outcome == OUTCOME_OK)
        assert_null(answer.message);
    else
        assert_null(answer.json);
    answer_free(&answer);
}

/* A picture's bytes in base64 as the "data" of a part. */
static char *picture_part(unsigned side, const char *more) {
    Buf png = make_png(side, side);
    char *data = base64_of(png.data, png.length);
    char *part =
        mem_printf("{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"%s\"}%s}", data, more);
    free(data);
    buf_free(&png);
    return part;
}

static void json_answers(void **state) {
    (void)state;
    static const char *const fine[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"a\\\":1}\"}]},"
        "\"finishReason\":\"STOP\"}]}",
        /* without a reason */
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"a\\\":1}\"}]}}]}",
        /* in a code fence */
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"```json\\n{\\\"a\\\":1}\\n```\"}]}}]"
        "}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\\n```\\n{\\\"a\\\":1}\\n```\\n\"}]}"
        "}]}",
        /* in pieces, with a thought between */
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"a\\\"\"},"
        "{\"text\":\"Let me see. {\",\"thought\":true},{\"text\":\":1}\"}]}}]}",
    };
    for (size_t i = 0; i < COUNT(fine); i++) {
        ModelAnswer answer = judge(false, 200, fine[i], -1);
        if (answer.outcome != OUTCOME_OK)
            fail_msg("%s: %s", fine[i], answer.message);
        assert_int_equal(json_integer_value(json_object_get(answer.json, "a")), 1);
        answer_free(&answer);
    }
}

static void json_that_is_none(void **state) {
    (void)state;
    static const char *const texts[][2] = {
        {"{\\\"a\\\":", "cannot be read"},
        {"Sure! Here it is.", "cannot be read"},
        {"[1]", "does not obey"},
        {"{\\\"a\\\":\\\"x\\\"}", "answer.a is of type string"},
        {"{\\\"b\\\":1}", "lacks \\\"a\\\""},
        {"{\\\"a\\\":1}{\\\"a\\\":2}", "cannot be read"},
        {"{\\\"a\\\":1,\\\"a\\\":2}", "cannot be read"},
        {"```json\\n{\\\"a\\\":1", "cannot be read"},
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *body = mem_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]},"
                                "\"finishReason\":\"STOP\"}]}",
                                texts[i][0]);
        expect(false, 200, body, OUTCOME_MALFORMED, i == 4 ? "lacks \"a\"" : texts[i][1]);
        free(body);
    }
    expect(false, 200,
           "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"a\\\": [1, 2\"}]},"
           "\"finishReason\":\"MAX_TOKENS\"}]}",
           OUTCOME_MALFORMED, "MAX_TOKENS");
}

static void pictures(void **state) {
    (void)state;
    char *draft = picture_part(9, ",\"thought\":true"), *first = picture_part(2, ""),
         *last = picture_part(3, "");
    char *body =
        mem_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Here.\"},%s,%s,%s,"
                   "{\"thoughtSignature\":\"abcd\"}]},\"finishReason\":\"STOP\"}],"
                   "\"modelVersion\":\"some-model-0042\"}",
                   first, last, draft);
    ModelAnswer answer = judge(true, 200, body, -1);
    assert_int_equal(answer.outcome, OUTCOME_OK);
    assert_int_equal(answer.image_width, 3);
    /* What the bytes are counts, not what the reply calls them. */
    assert_string_equal(answer.image_mime, "image/png");
    assert_string_equal(answer.model_version, "some-model-0042");
    assert_null(answer.usage);
    answer_free(&answer);
    free(body);
    body = mem_printf("{\"candidates\":[{\"content\":{\"parts\":[%s]},\"finishReason\":\"STOP\"}]}",
                      draft);
    expect(true, 200, body, OUTCOME_EMPTY, "STOP");
    free(body);
    free(draft);
    free(first);
    free(last);
}

/* Base64 is written in several ways: with line breaks, without padding, in the alphabet for URLs,
 * with escapes as PHP makes them. */
enum { BROKEN = 1, UNPADDED = 2, FOR_URLS = 4, ESCAPED = 8, FORMS = 16 };

/* Rewrite base64 in such a form, as it stands in JSON. */
static char *rewrite(const char *data, int form) {
    char *text = mem_alloc(4 * strlen(data) + 8), *to = text;
    for (size_t i = 0; data[i]; i++) {
        char c = data[i];
        if ((form & BROKEN) && i % 19 == 0)
            to = stpcpy(to, i % 2 ? "\\r\\n" : "\\n");
        if ((form & FOR_URLS) && (c == '+' || c == '/'))
            c = c == '+' ? '-' : '_';
        if ((form & ESCAPED) && c == '/')
            *to++ = '\\';
        if (!(form & UNPADDED) || c != '=')
            *to++ = c;
    }
    *to = '\0';
    return text;
}

static void pictures_in_other_base64(void **state) {
    (void)state;
    Buf png = make_png(3, 2);
    /* All by which the forms differ: both digits, and padding. */
    while (png.length % 3 != 0)
        assert_true(buf_append(&png, "x", 1));
    assert_true(buf_append(&png, "\xfb\xef\xbe\xff\xff\xffx", 7));
    char *data = base64_of(png.data, png.length);
    assert_true(strchr(data, '+') && strchr(data, '/') && strchr(data, '='));
    for (int form = 0; form < FORMS; form++) {
        char *text = rewrite(data, form);
        char *body = mem_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{"
                                "\"mimeType\":\"image/png\",\"data\":\"%s\"}}]}}]}",
                                text);
        ModelAnswer answer = judge(true, 200, body, -1);
        if (answer.outcome != OUTCOME_OK)
            fail_msg("%s: %s", text, answer.message);
        assert_int_equal(answer.image_length, png.length);
        assert_memory_equal(answer.image, png.data, png.length);
        answer_free(&answer);
        free(body);
        free(text);
    }
    free(data);
    buf_free(&png);
}

static void pictures_that_are_none(void **state) {
    (void)state;
    static const char *const data[][2] = {
        {"", "cut short"},
        {"iVBORw0KGgo", "cannot be used"},
        {"iVBORw0KG", "cut short"},
        {"iVBO*w0K", "damaged"},
        {"iVBO=w0K", "padding in its middle"},
        {"iVBORw0KGgo==", "padded wrongly"},
        {"iVBORw==\\niVBORw==", "padding in its middle"},
        {"\\n =\\r\\n", "cut short"},
        {"iVBORw0KGgo=", "cannot be used"},
        {"data:image/png;base64,AAAA", "damaged"},
        {"VGhpcyBpcyBhIGxldHRlciBhbmQgbm90IGFuIGltYWdlLi4u", "not a PNG, JPEG or WebP"},
    };
    for (size_t i = 0; i < COUNT(data); i++) {
        char *body = mem_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{"
                                "\"mimeType\":\"image/png\",\"data\":\"%s\"}}]},"
                                "\"finishReason\":\"STOP\"}]}",
                                data[i][0]);
        expect(true, 200, body, OUTCOME_MALFORMED, data[i][1]);
        free(body);
    }
}

static void refusals(void **state) {
    (void)state;
    static const char *const reasons[] = {"SAFETY",
                                          "RECITATION",
                                          "BLOCKLIST",
                                          "PROHIBITED_CONTENT",
                                          "SPII",
                                          "IMAGE_SAFETY",
                                          "IMAGE_PROHIBITED_CONTENT",
                                          "IMAGE_RECITATION"};
    for (size_t i = 0; i < COUNT(reasons); i++) {
        char *body = mem_printf("{\"candidates\":[{\"finishReason\":\"%s\",\"finishMessage\":"
                                "\"Unable to show it.\",\"content\":{\"parts\":[{\"text\":"
                                "\"{\\\"a\\\":1}\"}]}}]}",
                                reasons[i]);
        expect(true, 200, body, OUTCOME_BLOCKED, reasons[i]);
        expect(true, 200, body, OUTCOME_BLOCKED, "Unable to show it.");
        expect(false, 200, body, OUTCOME_BLOCKED, reasons[i]);
        free(body);
    }
    static const char *const blocked[] = {
        "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "SOMETHING_NEW"};
    for (size_t i = 0; i < COUNT(blocked); i++) {
        char *body = mem_printf("{\"promptFeedback\":{\"blockReason\":\"%s\","
                                "\"blockReasonMessage\":\"No.\"},\"usageMetadata\":{}}",
                                blocked[i]);
        expect(true, 200, body, OUTCOME_BLOCKED, blocked[i]);
        expect(false, 200, body, OUTCOME_BLOCKED, "No.");
        free(body);
    }
}

static void empty_answers(void **state) {
    (void)state;
    static const char *const shapes[] = {
        "{}",
        "{\"candidates\":[]}",
        "{\"candidates\":null}",
        "{\"candidates\":{}}",
        "{\"candidates\":[null]}",
        "{\"candidates\":[{}]}",
        "{\"candidates\":[{\"finishReason\":\"STOP\"}]}",
        "{\"candidates\":[{\"finishReason\":\"NO_IMAGE\"}]}",
        "{\"candidates\":[{\"finishReason\":\"IMAGE_OTHER\",\"finishMessage\":\"Sorry.\"}]}",
        "{\"candidates\":[{\"finishReason\":\"MAX_TOKENS\"}]}",
        "{\"candidates\":[{\"finishReason\":7}]}",
        "{\"candidates\":[{\"content\":null}]}",
        "{\"candidates\":[{\"content\":{}}]}",
        "{\"candidates\":[{\"content\":{\"role\":\"model\"}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":null}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[null,1,\"x\"]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":7}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"only a "
        "thought\",\"thought\":true}]}}]}",
    };
    for (size_t i = 0; i < COUNT(shapes); i++) {
        expect(true, 200, shapes[i], OUTCOME_EMPTY, "no result");
        expect(false, 200, shapes[i], OUTCOME_EMPTY, "no result");
    }
    expect(true, 200,
           "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"I cannot draw that.\"}]},"
           "\"finishReason\":\"STOP\"}]}",
           OUTCOME_EMPTY, "I cannot draw that.");
}

static void bodies_that_are_no_json(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "", "<html>busy</html>", "{\"candidates\":[", "\"text\"", "[]", "null"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        expect(true, 200, bodies[i], OUTCOME_MALFORMED, "not JSON");
        expect(true, 503, bodies[i], OUTCOME_OVERLOADED, "no explanation");
    }
}

static void statuses(void **state) {
    (void)state;
    static const struct {
        long status;
        Outcome outcome;
        const char *words;
    } cases[] = {
        {400, OUTCOME_REJECTED, "HTTP 400: the words"},
        {401, OUTCOME_REJECTED, "HTTP 401: the words"},
        {402, OUTCOME_REJECTED, "HTTP 402: the words"},
        {403, OUTCOME_REJECTED, "HTTP 403: the words"},
        {404, OUTCOME_REJECTED, "some-model"},
        {408, OUTCOME_OVERLOADED, "the words"},
        {413, OUTCOME_REJECTED, "the words"},
        {429, OUTCOME_RATE_LIMITED, "the words"},
        {500, OUTCOME_OVERLOADED, "the words"},
        {501, OUTCOME_REJECTED, "the words"},
        {502, OUTCOME_OVERLOADED, "the words"},
        {503, OUTCOME_OVERLOADED, "the words"},
        {504, OUTCOME_UNKNOWN, "the words"},
        {529, OUTCOME_OVERLOADED, "the words"},
        {302, OUTCOME_REJECTED, "redirects are not followed"},
        {204, OUTCOME_REJECTED, "HTTP 204"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(true, cases[i].status,
               "{\"error\":{\"code\":1,\"message\":\"the words\",\"status\":\"X\"}}",
               cases[i].outcome, cases[i].words);
    expect(true, 400, "{\"error\":\"text\"}", OUTCOME_REJECTED, "no explanation");
    expect(true, 400, "[{\"error\":{\"message\":\"in a list\"}}]", OUTCOME_REJECTED, "HTTP 400");
}

static void when_to_try_again(void **state) {
    (void)state;
    static const char minute[] =
        "{\"error\":{\"message\":\"quota\",\"details\":[{\"violations\":[{\"quotaId\":"
        "\"RequestsPerMinutePerProject\"}]},{\"retryDelay\":\"15.002899939s\"}]}}";
    static const char day[] =
        "{\"error\":{\"message\":\"quota\",\"details\":[{\"violations\":[{\"quotaId\":"
        "\"GenerateRequestsPerDayPerProject\"}]},{\"retryDelay\":\"33s\"}]}}";
    ModelAnswer answer = judge(false, 429, minute, -1);
    assert_true(fabs(answer.retry_after_ms - 15002.899939) < 0.001);
    assert_false(answer.final);
    answer_free(&answer);
    /* A Retry-After header goes before the body's word. */
    answer = judge(false, 429, minute, 2000);
    assert_true(answer.retry_after_ms == 2000);
    answer_free(&answer);
    answer = judge(false, 429, day, -1);
    assert_true(answer.final);
    answer_free(&answer);
    answer = judge(false, 429, "{}", -1);
    assert_true(answer.retry_after_ms == -1);
    assert_false(answer.final);
    answer_free(&answer);
}

static void usage_and_cost(void **state) {
    (void)state;
    char *part = picture_part(2, "");
    char *body =
        mem_printf("{\"candidates\":[{\"content\":{\"parts\":[%s]}}],\"usageMetadata\":{"
                   "\"promptTokenCount\":100,\"candidatesTokenCount\":1150,"
                   "\"thoughtsTokenCount\":50,\"candidatesTokensDetails\":[{\"modality\":"
                   "\"IMAGE\",\"tokenCount\":1120},{\"modality\":\"TEXT\",\"tokenCount\":30}]}}",
                   part);
    json_t *definition = json_loads("{\"price\":{\"inputPerMillion\":\"1.50\",\"outputPerMillion\":"
                                    "\"7.50\",\"imageOutputPerMillion\":\"30\"}}",
                                    0, NULL);
    Model model = {.definition = definition};
    ModelAnswer answer = judge(true, 200, body, -1);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "inputTokens")), 100);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "outputTokens")), 80);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "imageTokens")), 1120);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "images")), 1);
    char *cost = model_cost(&model, answer.usage, "1K");
    assert_string_equal(cost, "0.034350"); /* (100 * 1.5 + 80 * 7.5 + 1120 * 30) / 1e6 */
    free(cost);
    answer_free(&answer);
    free(body);
    free(part);
    json_decref(definition);
    /* An answer without a result may have been billed, so that its usage is kept. */
    answer = judge(true, 200, "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":9}}", -1);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "inputTokens")), 9);
    assert_null(json_object_get(answer.usage, "images"));
    answer_free(&answer);
}

/* Counts that cannot be are held to what can, so that no cost is negative or overflows. */
static void usage_that_cannot_be(void **state) {
    (void)state;
    ModelAnswer answer =
        judge(true, 200,
              "{\"usageMetadata\":{\"promptTokenCount\":-5,\"candidatesTokenCount\":"
              "9000000000000000000,\"thoughtsTokenCount\":9000000000000000000,"
              "\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":-1}]}}",
              -1);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "inputTokens")), 0);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "imageTokens")), 0);
    assert_int_equal(json_integer_value(json_object_get(answer.usage, "outputTokens")),
                     2000000000000);
    answer_free(&answer);
}

/* What a model says is cut between characters: the database takes nothing but UTF-8. */
static void words_are_cut_whole(void **state) {
    (void)state;
    char *words = mem_alloc(1000);
    memset(words, 'x', 399);
    for (int i = 0; i < 100; i++)
        memcpy(words + 399 + 2 * i, "\xc3\xa9", 2);
    char *text =
        mem_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]}}]}", words);
    ModelAnswer answer = judge(true, 200, text, -1);
    assert_int_equal(answer.outcome, OUTCOME_EMPTY);
    assert_true(text_is_utf8(answer.message));
    answer_free(&answer);
    free(text);
    free(words);
}

/* Open the provider gemini with a URL and a key in the environment; the words of the refusal,
 * or NULL, which the caller frees. */
static char *open_with(const char *url, const char *key, Provider *provider) {
    char *error = NULL;
    setenv("GEMINI_API_KEY", key, 1);
    bool ok = provider_open(provider, "gemini", url, NULL, &error);
    assert_true(ok == !error);
    return error;
}

static void providers(void **state) {
    (void)state;
    static const struct {
        const char *url, *key, *refusal;
        bool loopback;
    } cases[] = {
        {"https://example.test", "k", NULL, false},
        {"http://127.0.0.1:80///", " k\n", NULL, true},
        {"http://localhost/base", "k", NULL, true},
        {"http://[::1]:8080", "k", NULL, true},
        {"http://127.0.0.1.example.test", "k", NULL, false},
        {"ftp://example.test", "k", "http://", false},
        {"example.test", "k", "http://", false},
        {"http://", "k", "http://", false},
        {"http://user:word@example.test", "k", "user or password", false},
        {"http://user@example.test", "k", "user or password", false},
        {"http://example.test?key=1", "k", "? or #", false},
        {"http://example.test/#", "k", "? or #", false},
        {"https://example.test", "", "no API key", false},
        {"https://example.test", "  ", "is empty", false},
        {"https://example.test", "a b", "no key has", false},
        {"https://example.test", "a\r\nx-header: b", "no key has", false},
        {"https://example.test", "\xc3\xa9", "no key has", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Provider provider;
        char *error = open_with(cases[i].url, cases[i].key, &provider);
        if (!cases[i].refusal != !error || (error && !strstr(error, cases[i].refusal)))
            fail_msg("%s: \"%s\"", cases[i].url, error ? error : "accepted");
        /* Neither a key nor a password is repeated. */
        assert_true(!error || (!strstr(error, "word@") && !strstr(error, "x-header")));
        if (!error) {
            assert_string_equal(provider.key, "k");
            assert_true(provider.url[strlen(provider.url) - 1] != '/');
            assert_int_equal(provider.loopback, cases[i].loopback);
        }
        provider_close(&provider);
        free(error);
    }
    unsetenv("GEMINI_API_KEY");
}

/* Build a request and read it back. */
static json_t *build(const ModelCall *call, char **url, char **headers) {
    Provider provider = {.name = "gemini",
                         .wire = &wire_gemini,
                         .url = (char *)"https://example.test",
                         .key = (char *)"secret"};
    struct curl_slist *list = NULL;
    char *error = NULL;
    char *text = body_text(wire_gemini.build(&provider, call, url, &list, &error));
    assert_null(strstr(text, "secret"));
    json_t *body = json_loads(text, 0, NULL);
    *headers = mem_strdup("");
    for (struct curl_slist *at = list; at; at = at->next)
        mem_set(headers, "%s%s\n", *headers, at->data);
    curl_slist_free_all(list);
    free(text);
    return body;
}

static void requests(void **state) {
    (void)state;
    static const Model model = {.id = "some-model"};
    json_t *schema = json_loads(schema_text, 0, NULL);
    ModelCall call = {
        .model = &model, .schema = schema, .schema_text = schema_text, .instruction = "\"Do it.\""};
    call_add_text(&call, "User prompt: %s", "a \"house\"");
    call_add_image(&call, "\0\1\2", 3, "image/webp");
    char *url, *headers;
    json_t *body = build(&call, &url, &headers);
    json_t *wanted = json_loads(
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"User prompt: a \\\"house\\\"\"},"
        "{\"inlineData\":{\"mimeType\":\"image/webp\",\"data\":\"AAEC\"}}]}],"
        "\"systemInstruction\":{\"role\":\"user\",\"parts\":[{\"text\":\"Do it.\"}]}}",
        0, NULL);
    json_object_set_new(wanted, "generationConfig",
                        json_pack("{s:s, s:O}", "responseMimeType", "application/json",
                                  "responseJsonSchema", schema));
    assert_true(json_equal(body, wanted));
    assert_string_equal(url, "https://example.test/v1beta/models/some-model:generateContent");
    assert_non_null(strstr(headers, "x-goog-api-key: secret\n"));
    assert_non_null(strstr(headers, "Content-Type: application/json\n"));
    assert_null(strstr(url, "secret"));
    free(url);
    free(headers);
    json_decref(body);
    json_decref(wanted);

    call.schema = NULL;
    call.schema_text = NULL;
    call.aspect_ratio = "4:5";
    body = build(&call, &url, &headers);
    wanted = json_loads("{\"responseModalities\":[\"TEXT\",\"IMAGE\"],"
                        "\"imageConfig\":{\"aspectRatio\":\"4:5\"}}",
                        0, NULL);
    assert_true(json_equal(json_object_get(body, "generationConfig"), wanted));
    free(url);
    free(headers);
    json_decref(body);
    json_decref(wanted);
    call_free(&call);
    json_decref(schema);
}

static void parts_have_a_limit(void **state) {
    (void)state;
    ModelCall call = {0};
    for (int i = 0; i < CALL_MAX_PARTS + 5; i++)
        call_add_text(&call, "%d", i);
    assert_int_equal(call.part_count, CALL_MAX_PARTS);
    call_free(&call);
}

/* Transfers that brought no whole answer: what may have been billed is unknown. */
static void broken_transfers(void **state) {
    (void)state;
    static const struct {
        CURLcode code;
        bool sent, too_large;
        Outcome outcome;
    } cases[] = {
        {CURLE_COULDNT_RESOLVE_HOST, false, false, OUTCOME_UNREACHABLE},
        {CURLE_COULDNT_CONNECT, false, false, OUTCOME_UNREACHABLE},
        {CURLE_PEER_FAILED_VERIFICATION, true, false, OUTCOME_UNREACHABLE},
        {CURLE_OPERATION_TIMEDOUT, false, false, OUTCOME_UNREACHABLE},
        {CURLE_OPERATION_TIMEDOUT, true, false, OUTCOME_UNKNOWN},
        {CURLE_GOT_NOTHING, true, false, OUTCOME_UNKNOWN},
        {CURLE_PARTIAL_FILE, true, false, OUTCOME_UNKNOWN},
        {CURLE_RECV_ERROR, true, false, OUTCOME_UNKNOWN},
        /* an answer that is no HTTP, and a kept connection that died: it may have been done */
        {CURLE_UNSUPPORTED_PROTOCOL, true, false, OUTCOME_UNKNOWN},
        {CURLE_WEIRD_SERVER_REPLY, true, false, OUTCOME_UNKNOWN},
        {CURLE_SEND_FAIL_REWIND, true, false, OUTCOME_UNKNOWN},
        {CURLE_UNSUPPORTED_PROTOCOL, false, false, OUTCOME_UNREACHABLE},
        {CURLE_WRITE_ERROR, true, true, OUTCOME_MALFORMED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        HttpReply reply = {.code = cases[i].code,
                           .sent = cases[i].sent,
                           .too_large = cases[i].too_large,
                           .error = "what curl says"};
        ModelAnswer answer = {.retry_after_ms = -1};
        answer_from_failure(&reply, &answer);
        assert_int_equal(answer.outcome, cases[i].outcome);
        assert_string_equal(answer.message, "what curl says");
        answer_free(&answer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_answers),
        cmocka_unit_test(json_that_is_none),
        cmocka_unit_test(pictures),
        cmocka_unit_test(pictures_in_other_base64),
        cmocka_unit_test(pictures_that_are_none),
        cmocka_unit_test(refusals),
        cmocka_unit_test(empty_answers),
        cmocka_unit_test(bodies_that_are_no_json),
        cmocka_unit_test(statuses),
        cmocka_unit_test(when_to_try_again),
        cmocka_unit_test(usage_and_cost),
        cmocka_unit_test(usage_that_cannot_be),
        cmocka_unit_test(words_are_cut_whole),
        cmocka_unit_test(providers),
        cmocka_unit_test(requests),
        cmocka_unit_test(parts_have_a_limit),
        cmocka_unit_test(broken_transfers),
    };
    return cmocka_run_group_tests_name("driver provider_gemini", tests, NULL, NULL);
}
