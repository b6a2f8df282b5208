/* Memory at work: what one picture says reaches the next one's prompt and drawing. */
#include "picture.h"

#include "base64.h"
#include "building_text.h"
#include "drawing.h"
#include "prompt_writer.h"
#include "scene_plan.h"
#include "validate.h"

/* A checked request of some text parts (NULL-terminated). */
static Request request_new(const char *const *texts) {
    json_t *parts = json_array();
    Request request;
    Refusal refusal;
    for (; *texts; texts++)
        json_array_append_new(parts, json_pack("{s:s}", "text", *texts));
    json_t *body = json_pack("{s:[{s:o}]}", "contents", "parts", parts);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    assert_true(request_parse(&request, text, strlen(text), &refusal));
    assert_true(
        request_check(&request, model_find("local-image-flash", 17, "gemini"), true, &refusal));
    free(text);
    return request;
}

/* The optimised prompt of a wish on a memory (or NULL).  The caller frees it. */
static char *optimise(const char *wish, const char *memory) {
    Text user = {0}, remembered = {0};
    text_add(&user, "User prompt: %s", wish);
    text_add(&remembered, "Memory of this chain (JSON): %s", memory ? memory : "");
    const char *texts[] = {text_string(&user), memory ? text_string(&remembered) : NULL, NULL};
    Request request = request_new(texts);
    json_t *answer = prompt_write(&request);
    const char *prompt = json_string_value(json_object_get(answer, "optimizedPrompt"));
    char *copy = mem_copy(prompt, strlen(prompt));
    json_decref(answer);
    request_free(&request);
    text_free(&user);
    text_free(&remembered);
    return copy;
}

/* The scene of a prompt on a memory (or NULL). */
static SceneSpec scene_of(const char *prompt, const char *memory, Plan *plan) {
    Text words = {0}, remembered = {0};
    SceneSpec spec;
    text_add(&words, "Prompt: %s", prompt);
    text_add(&remembered, "Memory of this chain (JSON): %s", memory ? memory : "");
    const char *texts[] = {text_string(&words), memory ? text_string(&remembered) : NULL, NULL};
    Request request = request_new(texts);
    plan_make(&request, plan);
    plan_scene(plan, 160, 90, &spec);
    request_free(&request);
    text_free(&words);
    text_free(&remembered);
    return spec;
}

/* The memory that the picture of a plan leaves.  The caller frees it. */
static char *memory_after(const Plan *plan) {
    unsigned char *png;
    size_t length;
    ImageFacts facts;
    const char *why;
    assert_true(drawing_png(plan, 320, 180, &png, &length));
    assert_true(image_facts_measure(png, length, &facts, &why));
    json_t *json = image_facts_json(&facts);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    free(png);
    return text;
}

static void expect_same_house(const SceneSpec *one, const SceneSpec *two) {
    assert_true(one->building_seed == two->building_seed);
    assert_true(one->scene_seed == two->scene_seed);
    assert_int_equal(one->style, two->style);
    assert_int_equal(one->kind, two->kind);
    assert_int_equal(one->wall, two->wall);
    assert_int_equal(one->accent, two->accent);
    assert_int_equal(one->roof, two->roof);
    assert_int_equal(one->door, two->door);
    assert_int_equal(one->frame, two->frame);
}

/* Run a chain as the driver does and compare each scene with the first. */
static void expect_chain(const char *const *wishes) {
    SceneSpec first = {0};
    char *memory = NULL;
    for (int i = 0; wishes[i]; i++) {
        Plan plan;
        char *prompt = optimise(wishes[i], memory);
        SceneSpec spec = scene_of(prompt, memory, &plan);
        if (i == 0)
            first = spec;
        expect_same_house(&first, &spec);
        assert_int_equal(spec.n_palette, first.n_palette);
        free(memory);
        memory = memory_after(&plan);
        free(prompt);
    }
    free(memory);
}

static void test_chains_keep_the_house(void **state) {
    static const char *const demo[] = {"modern concrete house with oak door, morning",
                                       "the same at dusk", "the same in snow", NULL};
    static const char *const plain[] = {"a gothic church", "at night", "in fog, from below", NULL};
    static const char *const painted[] = {"white mediterranean villa with a blue door and a pool",
                                          "the same at dusk", "isometric view of it", NULL};
    static const char *const brick[] = {"red brick victorian house, slate roof, three storeys",
                                        "same in the rain", "again, at noon", NULL};
    (void)state;
    expect_chain(demo);
    expect_chain(plain);
    expect_chain(painted);
    expect_chain(brick);
}

static void test_changes_win_over_memory(void **state) {
    Plan plan;
    SceneSpec spec = scene_of("modern concrete house with oak door and pool, morning", NULL, &plan);
    char *memory = memory_after(&plan);
    char *prompt = optimise("the same at dusk with a red door", memory);
    SceneSpec next = scene_of(prompt, memory, &plan);
    (void)state;
    assert_true(next.building_seed == spec.building_seed);
    assert_int_equal(next.time, TIME_DUSK);
    assert_int_equal(next.wall, MATERIAL_CONCRETE);
    assert_int_equal(next.n_palette, 1);
    assert_int_equal(next.palette[0].role, ROLE_DOOR);
    assert_true(next.features & FEATURE_POOL);
    assert_null(strstr(prompt, "oak door"));
    free(prompt);
    prompt = optimise("the same without the pool", memory);
    next = scene_of(prompt, memory, &plan);
    assert_false(next.features & FEATURE_POOL);
    assert_int_equal(next.time, TIME_MORNING);
    free(prompt);
    free(memory);
}

static void test_the_prompt_names_what_is_remembered(void **state) {
    static const char memory[] =
        "{\"styleCodes\":{\"colorPalette\":[],\"lightingStyle\":\"natural\",\"materialStyle\":"
        "\"unknown\","
        "\"architecturalStyle\":\"modern\"},\"palette\":[\"warm ochre #c9822b\"],\"geometry\":"
        "{\"perspective\":\"perspective\",\"focalLength\":\"wide\",\"cameraAngle\":\"low\"},"
        "\"materials\":[\"travertine\"]}";
    char *prompt = optimise("the same at dusk", memory);
    (void)state;
    assert_int_equal(strncmp(prompt, "the same at dusk", 16), 0);
    assert_non_null(strstr(prompt, "warm ochre #c9822b"));
    assert_non_null(strstr(prompt, "travertine"));
    assert_non_null(strstr(prompt, "dusk, a warm afterglow"));
    assert_non_null(strstr(prompt, "low angle, wide lens"));
    free(prompt);
}

/* A palette that no extraction wrote is the user's wish. */
static void test_pinned_colours_are_painted(void **state) {
    static const char pinned[] =
        "{\"styleCodes\":{\"colorPalette\":[\"cream #f3e6c0\"],\"architecturalStyle\":\"modern "
        "house, plan "
        "12345\"},\"palette\":[\"crimson #dc143c\"],\"materials\":[\"concrete\"]}";
    static const char measured[] =
        "{\"styleCodes\":{\"colorPalette\":[\"cream #f3e6c0\"],\"architecturalStyle\":\"modern "
        "house, plan "
        "12345\"},\"palette\":[\"cream #f3e6c0\"],\"materials\":[\"concrete\"]}";
    Plan plan;
    (void)state;
    scene_of("the same at noon", measured, &plan);
    assert_int_equal(plan.n_tints, 0);
    scene_of("the same at noon", pinned, &plan);
    assert_true(plan.n_tints >= 1);
    assert_int_equal(plan.tints[0].r, 0xdc);
    assert_int_equal(plan.facts.plan, 12345);
}

/* The scene of a prompt with a photograph to keep. */
static SceneSpec scene_of_photograph(const char *prompt, const Image *photograph) {
    Bytes jpeg = picture_encode(photograph, "jpeg");
    size_t length;
    char *data = base64_encode(jpeg.data, jpeg.length, &length);
    json_t *body = json_pack("{s:[{s:[{s:s}, {s:{s:s, s:s}}, {s:s}]}]}", "contents", "parts",
                             "text", "Reference image 1 (keep this subject):", "inlineData",
                             "mimeType", "image/jpeg", "data", data, "text", prompt);
    char *text = json_dumps(body, JSON_COMPACT);
    Request request;
    Refusal refusal;
    Plan plan;
    SceneSpec spec;
    assert_true(request_parse(&request, text, strlen(text), &refusal));
    assert_true(
        request_check(&request, model_find("local-image-flash", 17, "gemini"), true, &refusal));
    plan_make(&request, &plan);
    plan_scene(&plan, 160, 90, &spec);
    request_free(&request);
    free(text);
    json_decref(body);
    free(data);
    free(jpeg.data);
    return spec;
}

/* A photograph gives one building, in its own colours, whatever else the prompt says. */
static void test_references_keep_their_subject(void **state) {
    Image photograph = picture_new(256, 192, 0x1862a7);
    (void)state;
    picture_fill(&photograph, 40, 60, 256, 192, 0xe6cf8e);
    SceneSpec day = scene_of_photograph("Prompt: a palace like this, morning", &photograph);
    SceneSpec dusk = scene_of_photograph("Prompt: the same, at dusk", &photograph);
    assert_true(day.building_seed == dusk.building_seed);
    assert_int_equal(day.wall, dusk.wall);
    assert_int_equal(day.palette[0].role, ROLE_WALL);
    assert_int_in_range(day.palette[0].r, 0xd0, 0xf0);
    assert_memory_equal(&day.palette[0], &dusk.palette[0], sizeof day.palette[0]);
    for (int i = 0; i < dusk.n_palette; i++)
        assert_int_not_equal(dusk.palette[i].role, ROLE_SKY);
    image_free(&photograph);
}

static void test_prompts_that_differ(void **state) {
    Plan one, two;
    SceneSpec first = scene_of("a cheerful house", NULL, &one);
    SceneSpec second = scene_of("a gloomy house", NULL, &two);
    (void)state;
    assert_true(first.building_seed != second.building_seed);
    second = scene_of("a cheerful house", NULL, &two);
    assert_memory_equal(&first, &second, sizeof first);
}

static void test_drawing_is_deterministic(void **state) {
    Plan plan;
    unsigned char *one, *two;
    size_t length_one, length_two;
    (void)state;
    scene_of("a brick barn in fog", NULL, &plan);
    assert_true(drawing_png(&plan, 160, 90, &one, &length_one));
    assert_true(drawing_png(&plan, 160, 90, &two, &length_two));
    assert_int_equal(length_one, length_two);
    assert_memory_equal(one, two, length_one);
    free(one);
    free(two);
}

static void test_odd_memories_are_survived(void **state) {
    static const char *const memories[] = {
        "{}",
        "[]",
        "not json",
        "{\"palette\":[1,null,{}],\"styleCodes\":7,\"geometry\":[],\"materials\":"
        "[{\"a\":1},\"oak door\"]}",
        "{\"materials\":\"oak\",\"palette\":{\"a\":1}}",
        "null"};
    Plan plan;
    (void)state;
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        char *prompt = optimise("a house", memories[i]);
        scene_of(prompt, memories[i], &plan);
        assert_int_in_range(plan.facts.plan, PLAN_LOWEST, PLAN_HIGHEST);
        free(prompt);
    }
}

static void test_sizes(void **state) {
    int width, height;
    (void)state;
    plan_size("16:9", "1K", &width, &height);
    assert_int_equal(width, 1376);
    assert_int_equal(height, 768);
    plan_size("4:5", "2K", &width, &height);
    assert_int_equal(width, 1856);
    assert_int_equal(height, 2304);
}

/* Draw a prompt and hold the picture against another wish. */
static json_t *validate(const char *drawn, const char *asked) {
    Plan plan;
    unsigned char *png;
    size_t length;
    ImageFacts facts;
    const char *why;
    Wanted wanted = {0};
    scene_of(drawn, NULL, &plan);
    assert_true(drawing_png(&plan, 480, 270, &png, &length));
    assert_true(image_facts_measure(png, length, &facts, &why));
    facts_read(asked, &wanted.facts);
    free(png);
    return validate_image(&facts, &wanted);
}

static void expect_valid(const char *drawn, const char *asked, bool valid, const char *word) {
    json_t *report = validate(drawn, asked);
    char *text = json_dumps(report, JSON_COMPACT);
    if (json_is_true(json_object_get(report, "valid")) != valid || (word && !strstr(text, word)))
        fail_msg("\"%s\" held against \"%s\": %s", drawn, asked, text);
    assert_int_equal(json_array_size(json_object_get(report, "errors")),
                     json_array_size(json_object_get(report, "corrections")));
    free(text);
    json_decref(report);
}

static void test_validation_of_drawings(void **state) {
    (void)state;
    expect_valid("modern house, morning", "modern house, morning", true, NULL);
    expect_valid("modern house at dusk", "modern house at dusk", true, NULL);
    expect_valid("modern house at night", "modern house at night", true, NULL);
    expect_valid("modern house in snow", "modern house in snow", true, NULL);
    expect_valid("modern house at noon", "modern house at night", false, "night was asked for");
    expect_valid("modern house at night", "modern house at noon", false, "daylight was asked for");
    expect_valid("modern house at noon", "modern house in snow", false, "ground is not white");
    expect_valid("modern concrete house at noon", "magenta house at noon", false, "magenta");
}

static void test_validation_of_blanks(void **state) {
    Image image = picture_new(160, 90, 0x808080);
    Wanted wanted = {.aspect = 1};
    ImageFacts facts = picture_measure(&image);
    (void)state;
    json_t *report = validate_image(&facts, &wanted);
    assert_true(json_is_false(json_object_get(report, "valid")));
    assert_int_equal(json_array_size(json_object_get(report, "errors")), 2);
    assert_true(json_real_value(json_object_get(report, "score")) < 0.5);
    json_decref(report);
    image_free(&image);
}

/* What drawings leave in memory must be true of them. */
static void test_drawings_are_measured_sensibly(void **state) {
    Plan plan;
    unsigned char *png;
    size_t length;
    ImageFacts day, dusk, snow;
    const char *why;
    (void)state;
    scene_of("modern concrete house, sunny noon", NULL, &plan);
    assert_true(drawing_png(&plan, 480, 270, &png, &length));
    assert_true(image_facts_measure(png, length, &day, &why));
    free(png);
    scene_of("modern concrete house at dusk", NULL, &plan);
    assert_true(drawing_png(&plan, 480, 270, &png, &length));
    assert_true(image_facts_measure(png, length, &dusk, &why));
    free(png);
    scene_of("modern concrete house in snow", NULL, &plan);
    assert_true(drawing_png(&plan, 480, 270, &png, &length));
    assert_true(image_facts_measure(png, length, &snow, &why));
    free(png);
    assert_true(dusk.light.mean < day.light.mean);
    assert_int_equal(dusk.light.time, TIME_DUSK);
    assert_string_equal(dusk.light.temperature, "warm");
    assert_int_equal(day.light.time, TIME_MIDDAY);
    assert_true(palette_has(&day.palette, "blue"));
    assert_true(palette_has(&day.palette, "green"));
    assert_int_equal(snow.light.weather, WEATHER_SNOW);
    assert_true(snow.light.ground_white > 0.5f);
    assert_true(snow.palette.colours[0].lab.l > 0.8f);
    assert_true(colour_chroma(snow.palette.colours[0].lab) < 0.03f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_keep_the_house),
        cmocka_unit_test(test_changes_win_over_memory),
        cmocka_unit_test(test_the_prompt_names_what_is_remembered),
        cmocka_unit_test(test_pinned_colours_are_painted),
        cmocka_unit_test(test_references_keep_their_subject),
        cmocka_unit_test(test_prompts_that_differ),
        cmocka_unit_test(test_drawing_is_deterministic),
        cmocka_unit_test(test_odd_memories_are_survived),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_validation_of_drawings),
        cmocka_unit_test(test_validation_of_blanks),
        cmocka_unit_test(test_drawings_are_measured_sensibly),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
