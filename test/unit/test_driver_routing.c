/* Which model draws: the rules one by one, over the registry that is shipped. */
#include "driver_test.h"

#include "assets.h"
#include "render.h"
#include "schema.h"

/* Read the shipped registry as the database gives it out: an array of definitions. */
static void read_registry(Registry *registry) {
    json_error_t where;
    char *error = NULL;
    json_t *file = json_load_file(MODELS_JSON, 0, &where);
    if (!file)
        fail_msg("%s: %s", MODELS_JSON, where.text);
    char *models = json_dumps(json_object_get(file, "models"), 0);
    assert_true(registry_read(registry, models, &error));
    free(models);
    json_decref(file);
}

/* A request, the design intent, and the tier that the rules choose. */
static const struct {
    const char *request, *intent, *tier, *reason;
} cases[] = {
    {"{}", NULL, "flash", "nothing asks for more"},
    {"{\"quality\":\"standard\"}", "{\"complexity\":\"simple\"}", "flash", "nothing"},
    {"{\"quality\":\"standard\"}", "{\"complexity\":\"medium\"}", "flash", "nothing"},
    {"{\"quality\":\"standard\"}", "{\"complexity\":\"complex\"}", "pro", "complex"},
    {"{\"quality\":\"standard\"}", "{\"complexity\":7}", "flash", "nothing"},
    {"{\"quality\":\"high\"}", NULL, "flash", "high quality"},
    {"{\"quality\":\"high\"}", "{\"complexity\":\"complex\"}", "pro", "complex"},
    {"{\"quality\":\"ultra\"}", "{\"complexity\":\"simple\"}", "pro", "ultra"},
    {"{\"toolContext\":{\"toolId\":\"cad-to-render\"}}", NULL, "pro", "exact"},
    {"{\"toolContext\":{\"toolId\":\"render-section-drawing\"}}", NULL, "pro", "exact"},
    {"{\"toolContext\":{\"toolId\":\"elevation\"}}", NULL, "pro", "exact"},
    {"{\"toolContext\":{\"toolId\":\"technical-diagrams\"}}", NULL, "pro", "exact"},
    {"{\"toolContext\":{\"toolId\":\"mood-board\"}}", NULL, "flash", "nothing"},
    {"{\"toolContext\":{}}", NULL, "flash", "nothing"},
};

/* Route a request for a provider. */
static const Model *route(App *app, const char *request, const char *intent, const char **reason) {
    Render render = {.app = app, .request = json_loads(request, 0, NULL)};
    render.intent = intent ? json_loads(intent, 0, NULL) : NULL;
    *reason = "";
    const Model *model = route_image(&render, reason);
    json_decref(render.request);
    json_decref(render.intent);
    return model;
}

static void every_rule(void **state) {
    (void)state;
    static const char *const providers[] = {"local", "gemini", "openai"};
    App app = {0};
    read_registry(&app.registry);
    for (size_t i = 0; i < COUNT(providers); i++) {
        app.provider.name = providers[i];
        for (size_t j = 0; j < COUNT(cases); j++) {
            const char *reason;
            const Model *model = route(&app, cases[j].request, cases[j].intent, &reason);
            assert_non_null(model);
            if (strcmp(model->tier, cases[j].tier) != 0 || !strstr(reason, cases[j].reason))
                fail_msg("%s with %s goes to %s: %s", cases[j].request, cases[j].intent, model->id,
                         reason);
            assert_string_equal(model->provider, providers[i]);
            assert_null(model->retired);
        }
    }
    registry_free(&app.registry);
}

static void what_the_request_names(void **state) {
    (void)state;
    App app = {.provider = {.name = "local"}};
    const char *reason;
    read_registry(&app.registry);
    const Model *model = route(&app, "{\"forceModel\":\"local-image-pro\"}", NULL, &reason);
    assert_string_equal(model->id, "local-image-pro");
    assert_non_null(strstr(reason, "names it"));
    assert_null(route(&app, "{\"forceModel\":\"no-such-model\"}", NULL, &reason));
    registry_free(&app.registry);
}

/* A fast model that cannot do high quality gives way; without a tier any other will do. */
static void what_the_registry_lacks(void **state) {
    (void)state;
    static const char two[] =
        "[{\"id\":\"f\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\","
        "\"qualities\":[\"standard\"]},"
        "{\"id\":\"g\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"pro\"}]";
    static const char one[] =
        "[{\"id\":\"f\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\"}]";
    App app = {.provider = {.name = "p"}};
    const char *reason;
    char *error = NULL;
    assert_true(registry_read(&app.registry, two, &error));
    assert_string_equal(route(&app, "{\"quality\":\"high\"}", NULL, &reason)->id, "g");
    assert_non_null(strstr(reason, "does not support"));
    registry_free(&app.registry);
    assert_true(registry_read(&app.registry, one, &error));
    assert_string_equal(route(&app, "{\"quality\":\"ultra\"}", NULL, &reason)->id, "f");
    registry_free(&app.registry);
    assert_true(registry_read(&app.registry, "[]", &error));
    assert_null(route(&app, "{}", NULL, &reason));
    registry_free(&app.registry);
}

/* A request, where it goes, and the words of the reason or of the refusal. */
static const struct {
    const char *request, *model, *words;
} limited[] = {
    {"{\"prompt\":\"short\",\"references\":[{},{}]}", "a", "nothing asks for more"},
    {"{\"prompt\":\"short\",\"references\":[{},{},{}]}", "b", "so many references"},
    {"{\"prompt\":\"short\",\"references\":[{},{}],\"style\":{}}", "b", "so many references"},
    {"{\"prompt\":\"\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\"}", "a", "nothing"},
    {"{\"prompt\":\"123456789\"}", "b", "so long a prompt"},
    {"{\"prompt\":\"123456789\",\"forceModel\":\"a\"}", NULL,
     "characters of the prompt is 9, and model \"a\" has maxPromptChars 8"},
    {"{\"prompt\":\"x\",\"references\":[{},{},{}],\"forceModel\":\"a\"}", NULL,
     "references and style images is 3, and model \"a\" has maxReferences 2"},
    {"{\"prompt\":\"x\",\"references\":[{},{},{}],\"style\":{},\"quality\":\"ultra\"}", NULL,
     "is 4, and model"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"durationSeconds\":4}", "v", "fast"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"durationSeconds\":8}", "w", "supports the length"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"durationSeconds\":6}", NULL,
     "length in seconds is 6, and model \"w\" has durations [8]"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"previousVideo\":{\"url\":\"interactions/1\"}}", "v",
     "fast"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"previousVideo\":{\"url\":\"https://h/files/1\"}}", "w",
     "goes on from that video"},
    {"{\"prompt\":\"x\",\"type\":\"video\",\"previousVideo\":{\"path\":\"/x.mp4\"}}", NULL,
     "previousVideo is a file"},
};

/* A model that cannot do what is asked gives way to one that can; where there is none, or another
 * one is named, the request is refused. */
static void limits(void **state) {
    (void)state;
    static const char models[] =
        "[{\"id\":\"a\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\","
        "\"maxReferences\":2,\"maxPromptChars\":8},"
        "{\"id\":\"b\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"pro\",\"maxReferences\":3},"
        "{\"id\":\"w\",\"provider\":\"p\",\"kind\":\"video\",\"tier\":\"standard\",\"durations\":["
        "8]},"
        "{\"id\":\"v\",\"provider\":\"p\",\"kind\":\"video\",\"tier\":\"fast\",\"durations\":[4],"
        "\"wire\":\"interactions\"}]";
    App app = {.provider = {.name = "p"}};
    char *error = NULL;
    assert_true(registry_read(&app.registry, models, &error));
    for (size_t i = 0; i < COUNT(limited); i++) {
        Render render = {.app = &app, .request = json_loads(limited[i].request, 0, NULL)};
        const char *reason = "";
        assert_non_null(render.request);
        char *refusal = route_refusal(&render);
        const Model *model = render_is_video(&render) ? route_video(&render, &reason)
                                                      : route_image(&render, &reason);
        const char *words = limited[i].model ? reason : refusal;
        if ((limited[i].model != NULL) != !refusal || !words || !strstr(words, limited[i].words) ||
            (limited[i].model && strcmp(model->id, limited[i].model) != 0))
            fail_msg("%s goes to %s: %s; refused: %s", limited[i].request,
                     model ? model->id : "none", reason, refusal);
        free(refusal);
        json_decref(render.request);
    }
    registry_free(&app.registry);
}

/* A model that cannot draw the asked shape gives way to one that can. */
static void shapes(void **state) {
    (void)state;
    static const char two[] =
        "[{\"id\":\"f\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\","
        "\"aspectRatios\":[\"1:1\"]},"
        "{\"id\":\"g\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"pro\","
        "\"aspectRatios\":[\"1:1\",\"21:9\"]}]";
    App app = {.provider = {.name = "p"}};
    const char *reason;
    char *error = NULL;
    assert_true(registry_read(&app.registry, two, &error));
    assert_string_equal(route(&app, "{\"aspectRatio\":\"1:1\"}", NULL, &reason)->id, "f");
    assert_string_equal(route(&app, "{\"aspectRatio\":\"21:9\"}", NULL, &reason)->id, "g");
    assert_non_null(strstr(reason, "aspect ratio"));
    assert_null(route(&app, "{\"aspectRatio\":\"9:16\"}", NULL, &reason));
    registry_free(&app.registry);
}

/* Videos: complex, high and ultra go to the standard model, others to the fast one. */
static void videos(void **state) {
    (void)state;
    static const char two[] =
        "[{\"id\":\"fast\",\"provider\":\"p\",\"kind\":\"video\",\"tier\":\"fast\"},"
        "{\"id\":\"standard\",\"provider\":\"p\",\"kind\":\"video\",\"tier\":\"standard\"},"
        "{\"id\":\"own\",\"provider\":\"q\",\"kind\":\"video\",\"tier\":\"fast\"}]";
    static const struct {
        const char *request, *intent, *id, *reason;
    } wanted[] = {
        {"{}", NULL, "fast", "nothing asks"},
        {"{\"quality\":\"standard\"}", "{\"complexity\":\"medium\"}", "fast", "nothing asks"},
        {"{\"quality\":\"standard\"}", "{\"complexity\":\"complex\"}", "standard", "complex"},
        {"{\"quality\":\"high\"}", NULL, "standard", "quality"},
        {"{\"quality\":\"ultra\"}", NULL, "standard", "quality"},
        {"{\"forceModel\":\"own\"}", NULL, "own", "names it"},
    };
    App app = {.provider = {.name = "p"}};
    char *error = NULL;
    assert_true(registry_read(&app.registry, two, &error));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        Render render = {.app = &app, .request = json_loads(wanted[i].request, 0, NULL)};
        render.intent = wanted[i].intent ? json_loads(wanted[i].intent, 0, NULL) : NULL;
        const char *reason = "";
        assert_string_equal(route_video(&render, &reason)->id, wanted[i].id);
        assert_non_null(strstr(reason, wanted[i].reason));
        json_decref(render.request);
        json_decref(render.intent);
    }
    registry_free(&app.registry);
}

/* The shipped registry obeys its schema, which names every member that it has; so does no file
 * that is wrong. */
static void registry_schema(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{}", "lacks \"models\""},
        {"{\"models\":{}}", "answer.models is of type object"},
        {"{\"models\":[{\"id\":\"a\"}]}", "answer.models[0] lacks \"provider\""},
        {"{\"models\":[{\"id\":\"a\",\"provider\":\"p\",\"kind\":\"sound\",\"tier\":\"pro\"}]}",
         "kind is not one of"},
        {"{\"models\":[{\"id\":\"a\",\"provider\":\"p\",\"kind\":\"text\",\"tier\":\"pro\","
         "\"price\":{\"inputPerMillion\":1}}]}",
         "inputPerMillion is of type number"},
    };
    char *why = NULL;
    json_t *file = json_load_file(MODELS_JSON, 0, NULL);
    if (!schema_check(asset_models_schema(), file, &why))
        fail_msg("%s: %s", MODELS_JSON, why);
    json_t *pruned = json_deep_copy(file);
    schema_prune(asset_models_schema(), pruned);
    assert_true(json_equal(file, pruned));
    json_decref(pruned);
    json_decref(file);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        json_t *json = json_loads(wrong[i][0], 0, NULL);
        assert_false(schema_check(asset_models_schema(), json, &why));
        if (!strstr(why, wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], why);
        free(why);
        json_decref(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(what_the_request_names),
        cmocka_unit_test(what_the_registry_lacks),
        cmocka_unit_test(shapes),
        cmocka_unit_test(limits),
        cmocka_unit_test(videos),
        cmocka_unit_test(registry_schema),
    };
    return cmocka_run_group_tests_name("driver routing", tests, NULL, NULL);
}
