/* Requests and replies against evidence. wire/official_requests.json has the shape of what the
 * official clients send for each kind of call: no request of ours may have a member that theirs
 * never has, or one of another type. wire/replies.json has replies as services send them, with
 * what each has to mean. */
#include "driver_test.h"

#include <stdio.h>

#include <strings.h>

#include "provider.h"

static json_t *load(const char *name) {
    json_error_t where;
    char *path = mem_printf("%s/%s", WIRE_FILES, name);
    json_t *json = json_load_file(path, 0, &where);
    if (!json)
        fail_msg("%s: %s in line %d", path, where.text, where.line);
    free(path);
    return json;
}

/* The name that a shape has for a value's type. */
static const char *type_of(const json_t *value) {
    static const char *const names[] = {
        [JSON_STRING] = "string", [JSON_INTEGER] = "number", [JSON_REAL] = "number",
        [JSON_TRUE] = "boolean",  [JSON_FALSE] = "boolean",  [JSON_NULL] = "null"};
    return json_typeof(value) < JSON_STRING ? "" : names[json_typeof(value)];
}

/* Is a value of a shape? A text may stand where the clients send a text or a list of parts. */
static void expect_shape(const json_t *shape, const json_t *value, const char *path) {
    const char *key;
    json_t *member;
    size_t i;
    if (!shape)
        fail_msg("the official clients never send %s", path);
    if (json_is_string(shape) && strcmp(json_string_value(shape), "any") == 0)
        return;
    bool fits = json_is_object(shape)  ? json_is_object(value)
                : json_is_array(shape) ? json_is_array(value) || json_is_string(value)
                                       : strcmp(json_string_value(shape), type_of(value)) == 0;
    if (!fits)
        fail_msg("%s is not of the type that the official clients send", path);
    json_object_foreach((json_t *)value, key, member) {
        char *inner = mem_printf("%s.%s", path, key);
        expect_shape(json_object_get(shape, key), member, inner);
        free(inner);
    }
    json_array_foreach(value, i, member) {
        char *inner = mem_printf("%s[%zu]", path, i);
        expect_shape(json_array_get(shape, 0), member, inner);
        free(inner);
    }
}

/* Does the request have a path and headers as the clients'? Whose model is called MODEL. */
static void expect_head(const json_t *official, const char *url, const struct curl_slist *headers) {
    const char *path = strstr(strstr(url, "://") + 3, "/");
    size_t i;
    json_t *name;
    assert_string_equal(path, json_string_value(json_object_get(official, "path")));
    json_array_foreach(json_object_get(official, "headers"), i, name) {
        const char *wanted = json_string_value(name);
        const struct curl_slist *at = headers;
        while (at && strncasecmp(at->data, wanted, strlen(wanted)) != 0)
            at = at->next;
        if (!at)
            fail_msg("%s lacks the header %s", url, wanted);
    }
}

/* The names of a form's parts are among the clients'. */
static void expect_parts(const json_t *parts, const char *body, size_t length) {
    static const char mark[] = "form-data; name=\"";
    const char *at = body, *end = body + length;
    size_t found = 0;
    while ((at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1))) {
        char *name = mem_strndup(at + sizeof mark - 1, strcspn(at + sizeof mark - 1, "\""));
        bool known = false;
        size_t i;
        json_t *part;
        json_array_foreach(parts, i, part) {
            known = known || strcmp(json_string_value(part), name) == 0;
        }
        if (!known)
            fail_msg("the official clients never send a part %s", name);
        free(name);
        at++;
        found++;
    }
    assert_true(found > 3);
}

/* Every kind of call with everything that it can have. */
static void requests(void **state) {
    static const struct {
        const char *kind;
        const Wire *wire;
        const char *url;
        bool text, images, history;
    } cases[] = {
        {"gemini text", &wire_gemini, "https://example.test", true, true, false},
        {"gemini image", &wire_gemini, "https://example.test", false, true, true},
        {"openai chat", &wire_openai, "https://example.test/v1", true, true, false},
        {"openai generate", &wire_openai, "https://example.test/v1", false, false, false},
        {"openai edit", &wire_openai, "https://example.test/v1", false, true, true},
    };
    (void)state;
    json_t *official = load("official_requests.json");
    json_t *schema = json_loads("{\"type\":\"object\"}", 0, NULL);
    json_t *definition = json_loads("{\"qualityWords\":{\"high\":\"high\"},\"imageOptions\":{"
                                    "\"output_format\":\"png\"}}",
                                    0, NULL);
    json_t *turn = json_loads("[{\"text\":\"Thinking.\",\"thought\":true},{\"image\":true,"
                              "\"thoughtSignature\":\"WlpaWg==\"}]",
                              0, NULL);
    Buf png = make_png(2, 2);
    Bytes *picture = bytes_of(png.data, png.length);
    const CallTurn history = {"a house", picture, "image/png", turn};
    const Model model = {.id = "MODEL", .definition = definition};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const Provider provider = {
            .wire = cases[i].wire, .url = (char *)cases[i].url, .key = (char *)"secret"};
        ModelCall call = {.model = &model,
                          .instruction = cases[i].text ? "\"Do it.\"" : NULL,
                          .schema = cases[i].text ? schema : NULL,
                          .schema_text = cases[i].text ? "{\"type\":\"object\"}" : NULL,
                          .aspect_ratio = cases[i].text ? NULL : "4:5",
                          .image_size = cases[i].text ? NULL : "2K",
                          .quality = "high",
                          .history = cases[i].history ? &history : NULL};
        call_add_text(&call, "Prompt: a house");
        if (cases[i].images)
            call_add_image(&call, picture, "image/png");
        const json_t *wanted = json_object_get(official, cases[i].kind);
        struct curl_slist *headers = NULL;
        char *url, *error = NULL;
        Body *built = cases[i].wire->build(&provider, &call, &url, &headers, &error);
        assert_non_null(built);
        size_t length = body_length(built);
        char *body = body_text(built);
        expect_head(wanted, url, headers);
        if (json_object_get(wanted, "parts")) {
            expect_parts(json_object_get(wanted, "parts"), body, length);
        } else {
            json_t *json = json_loadb(body, length, 0, NULL);
            expect_shape(json_object_get(wanted, "body"), json, cases[i].kind);
            json_decref(json);
        }
        curl_slist_free_all(headers);
        free(url);
        free(body);
        call_free(&call);
    }
    bytes_free(picture);
    buf_free(&png);
    json_decref(turn);
    json_decref(definition);
    json_decref(schema);
    json_decref(official);
}

/* Put a real picture where a reply had one. */
static json_t *with_picture(const json_t *body) {
    Buf png = make_png(3, 2), out;
    char *data = base64_of(png.data, png.length);
    buf_init(&out, 1 << 20);
    char *text = json_dumps(body, JSON_COMPACT);
    const char *at = text, *next;
    while ((next = strstr(at, "PICTURE"))) {
        put(&out, at, (size_t)(next - at));
        put(&out, data, strlen(data));
        at = next + strlen("PICTURE");
    }
    put(&out, at, strlen(at));
    json_t *json = json_loadb(out.data, out.length, 0, NULL);
    free(text);
    buf_free(&png);
    free(data);
    buf_free(&out);
    return json;
}

static void replies(void **state) {
    static const Model model = {.id = "some-model"};
    (void)state;
    json_t *cases = load("replies.json"), *schema = json_loads("{\"type\":\"object\"}", 0, NULL);
    size_t i;
    json_t *each;
    json_array_foreach(cases, i, each) {
        const char *name, *wire_name, *wants, *outcome, *says = NULL;
        json_t *json;
        int status;
        assert_int_equal(json_unpack(each, "{s:s, s:s, s:s, s:i, s:s, s?:s, s:o}", "case", &name,
                                     "wire", &wire_name, "wants", &wants, "status", &status,
                                     "outcome", &outcome, "says", &says, "body", &json),
                         0);
        const Wire *wire = strcmp(wire_name, "openai") == 0 ? &wire_openai : &wire_gemini;
        ModelCall call = {.model = &model, .schema = strcmp(wants, "text") == 0 ? schema : NULL};
        ModelAnswer answer = {.retry_after_ms = -1};
        json = with_picture(json);
        char *text = json_dumps(json, JSON_COMPACT);
        Buf body;
        buf_init(&body, 1 << 20);
        put(&body, text, strlen(text));
        HttpReply reply = {
            .status = status, .sent = true, .retry_after_ms = -1, .body = &body, .error = ""};
        wire->parse(&reply, &call, &answer);
        if (strcmp(outcome_rule(answer.outcome)->name, outcome) != 0 ||
            (says && (!answer.message || !strstr(answer.message, says))))
            fail_msg("%s is %s: %s", name, outcome_rule(answer.outcome)->name, answer.message);
        if (answer.outcome == OUTCOME_OK && !answer.usage)
            fail_msg("%s has usage", name);
        answer_free(&answer);
        buf_free(&body);
        free(text);
        json_decref(json);
    }
    assert_true(json_array_size(cases) > 50);
    json_decref(cases);
    json_decref(schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(replies),
    };
    return cmocka_run_group_tests_name("driver conformance", tests, NULL, NULL);
}
