/* The model registry: reading, picking, and what a call costs. */
#include "driver_test.h"

#include <stdio.h>

#include "registry.h"

static const char models_text[] =
    "[{\"id\":\"old\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\",\"credits\":1,"
    "\"retired\":\"2020-01-01\",\"successor\":\"new\"},"
    "{\"id\":\"new\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"flash\",\"credits\":5,"
    "\"timeoutSeconds\":60,\"maxReferences\":3,\"qualities\":[\"standard\",\"high\",7]},"
    "{\"id\":\"big\",\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"pro\",\"credits\":15},"
    "{\"id\":\"eye\",\"provider\":\"q\",\"kind\":\"text\",\"tier\":\"flash\"}]";

static void reading_and_picking(void **state) {
    (void)state;
    Registry registry;
    char *error = NULL;
    assert_true(registry_read(&registry, models_text, &error));
    assert_int_equal(registry.count, 4);
    const Model *model = registry_find(&registry, "new");
    assert_int_equal(model->credits, 5);
    assert_int_equal(model->timeout_seconds, 60);
    assert_int_equal(model->max_references, 3);
    assert_true(model_supports(model, "qualities", "high"));
    assert_false(model_supports(model, "qualities", "ultra"));
    assert_false(model_supports(model, "qualities", NULL));
    assert_false(model_supports(model, "sizes", "1K"));
    assert_string_equal(registry_find(&registry, "old")->successor, "new");
    assert_null(registry_find(&registry, "none"));
    assert_null(registry_find(&registry, NULL));
    /* A retired model is found by name but never picked. */
    assert_string_equal(registry_pick(&registry, "p", "image", "flash")->id, "new");
    assert_string_equal(registry_pick(&registry, "p", "image", "pro")->id, "big");
    assert_string_equal(registry_pick(&registry, "q", "text", NULL)->id, "eye");
    assert_null(registry_pick(&registry, "q", "image", NULL));
    assert_null(registry_pick(&registry, "p", "video", NULL));
    registry_free(&registry);
}

/* Of several that fit, rank decides, then that its retirement is not announced, then the order. */
static void which_goes_first(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"[{\"id\":\"a\",%s},{\"id\":\"b\",%s}]", "a"},
        {"[{\"id\":\"a\",\"retired\":\"9999-12-31\",%s},{\"id\":\"b\",%s}]", "b"},
        {"[{\"id\":\"a\",%s},{\"id\":\"b\",\"rank\":1,\"retired\":\"9999-12-31\",%s}]", "b"},
        {"[{\"id\":\"a\",\"rank\":-1,%s},{\"id\":\"b\",%s}]", "b"},
    };
    static const char rest[] = "\"provider\":\"p\",\"kind\":\"text\",\"tier\":\"flash\"";
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400], *error = NULL;
        Registry registry;
        const char *first = strstr(cases[i][0], "%s"), *second = strstr(first + 2, "%s");
        snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(first - cases[i][0]), cases[i][0], rest,
                 (int)(second - first - 2), first + 2, rest, second + 2);
        assert_true(registry_read(&registry, text, &error));
        assert_string_equal(registry_pick(&registry, "p", "text", NULL)->id, cases[i][1]);
        registry_free(&registry);
    }
}

/* A retirement that is announced for a later day changes nothing yet. */
static void retirement_comes_on_its_day(void **state) {
    (void)state;
    static const char *const dates[][2] = {{"2020-01-01", NULL}, {"9999-12-31", "m"}};
    for (size_t i = 0; i < COUNT(dates); i++) {
        Registry registry;
        char *error = NULL;
        char *text = mem_printf("[{\"id\":\"m\",\"provider\":\"p\",\"kind\":\"image\","
                                "\"tier\":\"pro\",\"retired\":\"%s\"}]",
                                dates[i][0]);
        assert_true(registry_read(&registry, text, &error));
        const Model *model = registry_pick(&registry, "p", "image", "pro");
        assert_int_equal(model != NULL, dates[i][1] != NULL);
        registry_free(&registry);
        free(text);
    }
}

static void what_is_no_registry(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "{\"models\":7}",
        "7",
        "[7]",
        "[{}]",
        "[{\"id\":\"a\",\"provider\":\"p\",\"kind\":\"image\"}]",
        "[{\"id\":1,\"provider\":\"p\",\"kind\":\"image\",\"tier\":\"pro\"}]"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        Registry registry;
        char *error = NULL;
        if (registry_read(&registry, texts[i], &error))
            fail_msg("accepted: %s", texts[i]);
        assert_non_null(error);
        free(error);
        registry_free(&registry);
    }
    Registry none;
    char *error = NULL;
    assert_true(registry_read(&none, NULL, &error));
    assert_int_equal(none.count, 0);
    registry_free(&none);
}

/* Seconds of the server's settings, then of the model, then ours. */
static void timeouts(void **state) {
    (void)state;
    static const char text[] =
        "{\"models\":[{\"id\":\"a\",\"provider\":\"p\",\"kind\":\"text\",\"tier\":\"flash\","
        "\"timeoutSeconds\":60},"
        "{\"id\":\"b\",\"provider\":\"p\",\"kind\":\"text\",\"tier\":\"flash\"}],"
        "\"timeouts\":{\"connect\":3,\"idle\":%d,\"stages\":{\"validation\":30}}}";
    for (int idle = 0; idle <= 7; idle += 7) {
        Registry registry;
        char *error = NULL, *json = mem_printf(text, idle);
        assert_true(registry_read(&registry, json, &error));
        assert_int_equal(registry.count, 2);
        const Model *a = registry_find(&registry, "a"), *b = registry_find(&registry, "b");
        const struct {
            const char *stage;
            const Model *model;
            long total_ms;
        } wanted[] = {{"validation", a, 30000},
                      {"validation", NULL, 30000},
                      {"semantic_parsing", a, 60000},
                      {"semantic_parsing", b, 120000}};
        for (size_t i = 0; i < COUNT(wanted); i++) {
            Timeouts found = registry_timeouts(&registry, wanted[i].stage, wanted[i].model);
            assert_int_equal(found.connect_ms, 3000);
            assert_int_equal(found.total_ms, wanted[i].total_ms);
            assert_int_equal(found.idle_ms, idle ? 7000 : wanted[i].total_ms);
        }
        registry_free(&registry);
        free(json);
    }
    Timeouts none = registry_timeouts(NULL, "validation", NULL);
    assert_int_equal(none.connect_ms, 10000);
    assert_int_equal(none.total_ms, 120000);
}

/* A price, usage, picture size, and the cost; NULL is unknown, which is never zero. */
static const struct {
    const char *price, *usage, *size, *cost;
} costs[] = {
    {"null", "{\"inputTokens\":5,\"images\":1}", "1K", NULL},
    {"{}", "{\"inputTokens\":5}", NULL, NULL},
    {"{\"inputPerMillion\":\"2\",\"outputPerMillion\":\"4\"}",
     "{\"inputTokens\":1000000,\"outputTokens\":500000}", NULL, "4.000000"},
    {"{\"inputPerMillion\":\"2\"}", "{\"inputTokens\":1,\"outputTokens\":1}", NULL, NULL},
    {"{\"inputPerMillion\":\"0\",\"outputPerMillion\":\"0\"}",
     "{\"inputTokens\":7,\"outputTokens\":7}", NULL, "0.000000"},
    {"{\"inputPerMillion\":\"1\",\"outputPerMillion\":\"1\"}",
     "{\"inputTokens\":1,\"imageTokens\":1}", NULL, NULL},
    {"{\"perImage\":{\"1K\":\"0.134\",\"4K\":\"0.24\"}}", "{\"images\":1}", "1K", "0.134000"},
    {"{\"perImage\":{\"1K\":\"0.134\",\"4K\":\"0.24\"}}", "{\"images\":2}", "4K", "0.480000"},
    {"{\"perImage\":{\"1K\":\"0.134\"}}", "{\"images\":1}", "2K", NULL},
    {"{\"perImage\":{\"1K\":\"0.134\"}}", "{\"images\":1}", NULL, NULL},
    {"{\"perImage\":{\"1K\":\"0\"}}", "{\"images\":1}", "1K", "0.000000"},
    {"{\"inputPerMillion\":\"2\"}", NULL, NULL, NULL},
    {"{\"inputPerMillion\":\"nan\"}", "{\"inputTokens\":1}", NULL, NULL},
    {"{\"inputPerMillion\":\"1e308\"}", "{\"inputTokens\":100000000}", NULL, NULL},
    {"{\"perImage\":{\"1K\":\"-1\"}}", "{\"images\":1}", "1K", NULL},
};

static void costs_of_calls(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(costs); i++) {
        json_t *price = json_loads(costs[i].price, JSON_DECODE_ANY, NULL);
        json_t *definition = json_pack("{s:o}", "price", price);
        json_t *usage = costs[i].usage ? json_loads(costs[i].usage, 0, NULL) : NULL;
        Model model = {.definition = definition};
        char *cost = model_cost(&model, usage, costs[i].size);
        if (!cost != !costs[i].cost || (cost && strcmp(cost, costs[i].cost) != 0))
            fail_msg("%s with %s at %s costs %s, not %s", costs[i].price, costs[i].usage,
                     costs[i].size, cost ? cost : "unknown",
                     costs[i].cost ? costs[i].cost : "unknown");
        free(cost);
        json_decref(definition);
        json_decref(usage);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_and_picking),
        cmocka_unit_test(retirement_comes_on_its_day),
        cmocka_unit_test(which_goes_first),
        cmocka_unit_test(what_is_no_registry),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(costs_of_calls),
    };
    return cmocka_run_group_tests_name("driver registry", tests, NULL, NULL);
}
