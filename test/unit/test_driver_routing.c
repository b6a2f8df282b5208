/* Which model draws: the rules one by one, over the registry that is shipped. */
#include "driver_test.h"

#include "render.h"

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
    static const char *const providers[] = {"local", "gemini"};
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(what_the_request_names),
        cmocka_unit_test(what_the_registry_lacks),
    };
    return cmocka_run_group_tests_name("driver routing", tests, NULL, NULL);
}
