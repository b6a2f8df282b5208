/* Videos: what is sent by both protocols, against the shape of what the official clients send, and
 * what each state of an operation means. */
#include "driver_test.h"

#include "video.h"

/* Is a value of a shape of wire/official_requests.json? */
static void expect_shape(const json_t *shape, const json_t *value, const char *path) {
    const char *key;
    json_t *member;
    size_t i;
    if (!shape)
        fail_msg("the official clients never send %s", path);
    if (json_is_string(shape) &&
        (strcmp(json_string_value(shape), "string") == 0) != json_is_string(value))
        fail_msg("%s is of another type", path);
    json_object_foreach((json_t *)value, key, member) {
        char *inner = mem_printf("%s.%s", path, key);
        expect_shape(json_object_get(shape, key), member, inner);
        free(inner);
    }
    json_array_foreach(value, i, member) {
        expect_shape(json_array_get(shape, 0), member, path);
    }
}

/* What goes in, and what has to come out. */
static const struct {
    const VideoWire *wire;
    const char *kind;
    bool first, last, references;
    const char *previous;
    int seconds;
    const char *says, *not_says;
} cases[] = {
    {&video_veo, "gemini veo", false, false, false, NULL, 4, "\"durationSeconds\":4", "image"},
    {&video_veo, "gemini veo", true, false, true, NULL, 8, "\"image\":{\"bytesBase64Encoded\"",
     "referenceImages"},
    {&video_veo, "gemini veo", true, true, false, NULL, 8, "\"lastFrame\"", "inlineData"},
    {&video_veo, "gemini veo", false, false, true, NULL, 8, "\"referenceType\":\"ASSET\"",
     "\"instances\":[{\"image\""},
    {&video_veo, "gemini veo", false, false, true, NULL, 4, "\"prompt\"", "referenceImages"},
    {&video_veo, "gemini veo", false, false, false,
     "https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media", 8,
     "\"video\":{\"uri\":", "durationSeconds"},
    {&video_interactions, "gemini interaction", false, false, false, NULL, 6,
     "\"task\":\"text_to_video\"", "\"type\":\"image\""},
    {&video_interactions, "gemini interaction", true, true, true, NULL, 6,
     "\"task\":\"image_to_video\"", NULL},
    {&video_interactions, "gemini interaction", false, false, true, NULL, 8,
     "\"task\":\"reference_to_video\"", NULL},
    {&video_interactions, "gemini interaction", false, false, false, "interactions/v1_abc", 8,
     "\"previous_interaction_id\":\"v1_abc\"", NULL},
    {&video_interactions, "gemini interaction", false, false, false, NULL, 8,
     "The video is 8 seconds long.\\nAvoid: people", NULL},
    /* what a protocol cannot do */
    {&video_veo, NULL, false, true, false, NULL, 8, "a last frame needs a first one", NULL},
    {&video_veo, NULL, false, false, false, "https://example.test/a.mp4", 8, "video of its own",
     NULL},
    {&video_interactions, NULL, false, true, false, NULL, 8, "needs a first one", NULL},
    {&video_interactions, NULL, false, false, false, "https://example.test/a.mp4", 8,
     "interaction of its own", NULL},
};

static void starts(void **state) {
    static const Model model = {.id = "MODEL"};
    static const ImageFile none = {0};
    (void)state;
    json_t *official = json_load_file(WIRE_FILES "/official_requests.json", 0, NULL);
    Buf png = make_png(2, 2);
    Bytes *bytes = bytes_of(png.data, png.length);
    const ImageFile image = {.bytes = bytes, .length = png.length, .mime = "image/png"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const VideoCall call = {.model = &model,
                                .prompt = "a \"house\"",
                                .negative = "people",
                                .aspect_ratio = "9:16",
                                .resolution = "720p",
                                .seconds = cases[i].seconds,
                                .first = cases[i].first ? &image : &none,
                                .last = cases[i].last ? &image : &none,
                                .references = &image,
                                .reference_count = cases[i].references,
                                .previous = cases[i].previous};
        char *path = NULL, *error = NULL;
        Body *built = cases[i].wire->build(&call, &path, &error);
        char *body = built ? body_text(built) : NULL;
        const char *found = body ? body : error;
        if (!body != !cases[i].kind || !strstr(found, cases[i].says) ||
            (cases[i].not_says && strstr(found, cases[i].not_says)))
            fail_msg("case %zu: %s", i, found);
        if (body) {
            const json_t *wanted = json_object_get(official, cases[i].kind);
            json_t *json = json_loads(body, 0, NULL);
            assert_non_null(json);
            assert_string_equal(path, json_string_value(json_object_get(wanted, "path")));
            /* The clients wait for the answer; we have to know a name before it is there. */
            json_object_del(json, "background");
            expect_shape(json_object_get(wanted, "body"), json, cases[i].kind);
            json_decref(json);
        }
        free(body);
        free(path);
        free(error);
    }
    bytes_free(bytes);
    buf_free(&png);
    json_decref(official);
}

#define DONE(more) "{\"name\":\"models/m/operations/o\",\"done\":true," more "}"
#define RESPONSE(more) DONE("\"response\":{\"generateVideoResponse\":{" more "}}")
#define STEPS(more)                                                                                \
    "{\"id\":\"v1_a\",\"status\":\"completed\",\"steps\":[{\"type\":\"model_output\",\"content\":" \
    "[" more "]}]}"

/* A state, and what it means: pending, a file, or an outcome. */
static const struct {
    const VideoWire *wire;
    const char *body;
    bool pending;
    const char *file;
    Outcome outcome;
    const char *says;
} states[] = {
    {&video_veo, "{\"name\":\"models/m/operations/o\"}", true, NULL, OUTCOME_OK, NULL},
    {&video_veo, "{\"name\":\"models/m/operations/o\",\"metadata\":{},\"done\":false}", true, NULL,
     OUTCOME_OK, NULL},
    {&video_veo,
     RESPONSE(
         "\"generatedSamples\":[{\"video\":{\"uri\":\"https://generativelanguage.googleapis.com"
         "/v1beta/files/vid-1_a:download?alt=media\"}}]"),
     false, "files/vid-1_a", OUTCOME_OK, NULL},
    {&video_veo,
     RESPONSE("\"generatedSamples\":[{\"video\":{\"uri\":\"https://x/files/a\"}}],"
              "\"raiMediaFilteredCount\":1,\"raiMediaFilteredReasons\":[\"one was\"]"),
     false, "files/a", OUTCOME_OK, NULL},
    {&video_veo,
     RESPONSE("\"generatedSamples\":[{\"video\":{\"uri\":\"https://evil.test/a.mp4\"}}]"), false,
     NULL, OUTCOME_MALFORMED, "no file of the provider"},
    {&video_veo,
     RESPONSE("\"raiMediaFilteredCount\":1,\"raiMediaFilteredReasons\":[\"an issue with audio\"]"),
     false, NULL, OUTCOME_BLOCKED, "an issue with audio"},
    {&video_veo, RESPONSE("\"raiMediaFilteredReasons\":[7]"), false, NULL, OUTCOME_BLOCKED,
     "no reason given"},
    {&video_veo, RESPONSE(""), false, NULL, OUTCOME_EMPTY, "without a video"},
    {&video_veo,
     DONE("\"error\":{\"code\":3,\"message\":\"words that violate Google's Responsible AI "
          "practices\"}"),
     false, NULL, OUTCOME_BLOCKED, "Responsible AI"},
    {&video_veo, DONE("\"error\":{\"code\":3,\"message\":\"bad argument\"}"), false, NULL,
     OUTCOME_REJECTED, "bad argument"},
    {&video_veo, DONE("\"error\":{\"code\":8,\"message\":\"quota\"}"), false, NULL,
     OUTCOME_RATE_LIMITED, "quota"},
    {&video_veo, DONE("\"error\":{\"code\":13,\"message\":\"internal\"}"), false, NULL,
     OUTCOME_OVERLOADED, "internal"},
    {&video_veo, DONE("\"error\":{\"code\":14,\"message\":\"unavailable\"}"), false, NULL,
     OUTCOME_OVERLOADED, "unavailable"},
    {&video_veo, DONE("\"error\":{\"code\":99}"), false, NULL, OUTCOME_REJECTED, "no explanation"},
    {&video_interactions, "{\"id\":\"v1_a\",\"status\":\"in_progress\",\"steps\":[]}", true, NULL,
     OUTCOME_OK, NULL},
    {&video_interactions, "{\"id\":\"v1_a\",\"status\":\"queued\"}", true, NULL, OUTCOME_OK, NULL},
    {&video_interactions,
     STEPS("{\"type\":\"video\",\"mime_type\":\"video/mp4\",\"uri\":\"https://x/v1beta/files/f1:"
           "download?alt=media\"}"),
     false, "files/f1", OUTCOME_OK, NULL},
    {&video_interactions,
     STEPS("{\"type\":\"video\",\"data\":\"AAAAEGZ0eXBpc29tAAAAAAAAAAxtb292eHh4eA==\"}"), false,
     NULL, OUTCOME_OK, NULL},
    {&video_interactions, STEPS("{\"type\":\"video\",\"data\":\"aGVsbG8h\"}"), false, NULL,
     OUTCOME_MALFORMED, "no MP4"},
    {&video_interactions, STEPS("{\"type\":\"text\",\"text\":\"no\"}"), false, NULL, OUTCOME_EMPTY,
     "without a video"},
    {&video_interactions,
     "{\"id\":\"v1_a\",\"status\":\"failed\",\"error\":{\"message\":\"safety\"}}", false, NULL,
     OUTCOME_BLOCKED, "safety"},
    {&video_interactions, "{\"id\":\"v1_a\",\"status\":\"incomplete\"}", false, NULL, OUTCOME_EMPTY,
     "incomplete"},
    {&video_interactions, "{\"id\":\"v1_a\",\"status\":\"budget_exceeded\"}", false, NULL,
     OUTCOME_REJECTED, "budget_exceeded"},
};

static void what_states_mean(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        VideoReply reply = {.answer = {.retry_after_ms = -1, .outcome = OUTCOME_OK}};
        LongStrings strings;
        json_t *body = long_strings_load(states[i].body, strlen(states[i].body), &strings, NULL);
        assert_non_null(body);
        states[i].wire->parse(body, &strings, &reply);
        if (reply.pending != states[i].pending || reply.answer.outcome != states[i].outcome ||
            !reply.file != !states[i].file ||
            (states[i].says && !strstr(reply.answer.message, states[i].says)))
            fail_msg("%s\n  is %s, pending %d, %s: %s", states[i].body,
                     outcome_rule(reply.answer.outcome)->name, reply.pending, reply.file,
                     reply.answer.message);
        if (reply.file)
            assert_string_equal(reply.file, states[i].file);
        assert_non_null(reply.operation);
        answer_free(&reply.answer);
        free(reply.operation);
        free(reply.file);
        json_decref(body);
    }
}

/* The tokens of an interaction's video have a price of their own; Veo has one a second. */
static void costs(void **state) {
    (void)state;
    static const char body[] =
        "{\"id\":\"v1_a\",\"status\":\"in_progress\",\"usage\":{\"total_input_tokens\":30,"
        "\"total_output_tokens\":46336,\"output_tokens_by_modality\":[{\"modality\":\"video\","
        "\"tokens\":46336}]}}";
    VideoReply reply = {.answer = {.retry_after_ms = -1, .outcome = OUTCOME_OK}};
    LongStrings strings;
    json_t *json = long_strings_load(body, strlen(body), &strings, NULL);
    video_interactions.parse(json, &strings, &reply);
    json_t *definition = json_loads(
        "{\"price\":{\"inputPerMillion\":\"1.50\",\"videoOutputPerMillion\":\"17.50\"}}", 0, NULL);
    Model model = {.definition = definition};
    char *cost = model_cost(&model, reply.answer.usage, "720p");
    assert_string_equal(cost, "0.810925"); /* (30 * 1.5 + 46336 * 17.5) / 1e6 */
    free(cost);
    json_decref(definition);
    model.definition = definition =
        json_loads("{\"price\":{\"perSecond\":{\"720p\":\"0.40\"}}}", 0, NULL);
    json_t *usage = json_pack("{s:i}", "seconds", 8);
    cost = model_cost(&model, usage, "720p");
    assert_string_equal(cost, "3.200000");
    assert_null(model_cost(&model, usage, "4k"));
    assert_null(model_cost(&model, reply.answer.usage, "720p"));
    free(cost);
    json_decref(usage);
    json_decref(definition);
    answer_free(&reply.answer);
    free(reply.operation);
    json_decref(json);
}

/* What is a whole MP4 file. */
static void whole_files(void **state) {
#define FTYP                                                                                       \
    "\0\0\0\x10"                                                                                   \
    "ftypisom\0\0\0\0"
#define MOOV                                                                                       \
    "\0\0\0\x0C"                                                                                   \
    "moovxxxx"
    static const struct {
        const char *bytes;
        size_t length;
        bool whole;
    } files[] = {
#define FILE_OF(text) text, sizeof(text) - 1
        {FILE_OF(FTYP MOOV), true},
        {FILE_OF(FTYP MOOV "\0\0\0\0mdatxyz"), true},
        {FILE_OF(FTYP "\0\0\0\1mdat\0\0\0\0\0\0\0\x12xy" MOOV), true},
        {FILE_OF(FTYP), false},
        {FILE_OF(MOOV FTYP), false},
        {FILE_OF(FTYP "\0\0\0\x0C"
                      "mdatxxxx"),
         false},
        {FILE_OF(FTYP MOOV "\0\0\0\x0C"
                           "mdatxxx"),
         false},
        {FILE_OF(FTYP MOOV "\0\0\0\7free"), false},
        {FILE_OF(FTYP MOOV "\0\0\0"), false},
        {FILE_OF(FTYP MOOV "\0\0\0\1mdat\0\0\0"), false},
        {FILE_OF(FTYP MOOV "\0\0\0\1mdat\xff\xff\xff\xff\xff\xff\xff\xff"), false},
        {FILE_OF(""), false},
        {NULL, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        Bytes *bytes = bytes_of(files[i].bytes, files[i].length);
        if (video_probe(bytes) != files[i].whole)
            fail_msg("file %zu is judged wrongly", i);
        bytes_free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts),
        cmocka_unit_test(what_states_mean),
        cmocka_unit_test(costs),
        cmocka_unit_test(whole_files),
    };
    return cmocka_run_group_tests_name("driver video", tests, NULL, NULL);
}
