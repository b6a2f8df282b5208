/* How near two memories are. */
#include "driver_test.h"

#include <math.h>

#include "consistency.h"

static const char house[] =
    "{\"palette\":[\"navy #1f2a44\",\"cream #f3ead8\"],\"materials\":[\"brick\",\"glass\"],"
    "\"geometry\":{\"perspective\":\"perspective\",\"focalLength\":\"wide\",\"cameraAngle\":"
    "\"low\"},"
    "\"styleCodes\":{\"lightingStyle\":\"natural\",\"materialStyle\":\"raw\","
    "\"architecturalStyle\":\"modern\",\"colorPalette\":[\"x\"]},\"extractedAt\":\"2026-01-01\"}";

/* Compare two memories given as texts; -1 where they cannot be compared. */
static Consistency compare(const char *one, const char *other) {
    Consistency forth, back;
    json_t *before = json_loads(one, JSON_DECODE_ANY, NULL);
    json_t *after = json_loads(other, JSON_DECODE_ANY, NULL);
    bool known = consistency_of(before, after, &forth);
    assert_int_equal(known, consistency_of(after, before, &back));
    assert_true(fabs(forth.score - back.score) < 1e-12);
    assert_int_equal(known, forth.score >= 0);
    assert_true(forth.score <= 1);
    json_decref(before);
    json_decref(after);
    return forth;
}

/* Are two figures the same? */
static void same(double one, double other) {
    if (fabs(one - other) > 1e-9)
        fail_msg("%g is not %g", one, other);
}

static void the_same(void **state) {
    (void)state;
    Consistency result = compare(house, house);
    same(result.score, 1);
    same(result.palette, 1);
    same(result.materials, 1);
    same(result.geometry, 1);
    same(result.style, 1);
}

static void nothing_in_common(void **state) {
    (void)state;
    same(compare(house,
                 "{\"palette\":[\"red #ff0000\"],\"materials\":[\"straw\"],\"geometry\":{"
                 "\"perspective\":\"isometric\"},\"styleCodes\":{\"lightingStyle\":\"neon\"}}")
             .score,
         0);
}

static void no_memory(void **state) {
    (void)state;
    static const char *const none[] = {"null", "[]", "7", "\"x\""};
    for (size_t i = 0; i < COUNT(none); i++)
        same(compare(house, none[i]).score, -1);
    same(compare("{}", "{}").score, -1);
    same(compare("{\"palette\":[],\"materials\":[]}", "{\"geometry\":{}}").score, -1);
    Consistency result;
    assert_false(consistency_of(NULL, NULL, &result));
}

static void palettes(void **state) {
    (void)state;
    /* order and names do not count */
    same(compare("{\"palette\":[\"a #102030\",\"b #f0f0f0\"]}",
                 "{\"palette\":[\"c #f0f0f0\",\"d #102030\"]}")
             .score,
         1);
    /* one colour does not match a palette that has more */
    same(compare("{\"palette\":[\"a #000000\",\"b #ffffff\"]}", "{\"palette\":[\"a #000000\"]}")
             .score,
         0.75);
    same(compare("{\"palette\":[\"a #000000\"]}", "{\"palette\":[]}").score, 0);
    double near = compare("{\"palette\":[\"a #1f2a44\"]}", "{\"palette\":[\"a #2f3a58\"]}").score;
    assert_true(near > 0 && near < 1);
    same(compare("{\"palette\":[\"Navy\"]}", "{\"palette\":[\"navy #1f2a44\"]}").score, 1);
    /* what is no colour is passed over */
    same(compare("{\"palette\":[7,null,\"\",\"navy\"]}", "{\"palette\":[\"navy\",{}]}").score, 1);
}

static void materials(void **state) {
    (void)state;
    same(compare("{\"materials\":[\"brick\",\"glass\",\"oak\"]}",
                 "{\"materials\":[\" Glass \",\"BRICK\",\"steel\"]}")
             .score,
         0.5);
    /* said twice is said once */
    same(compare("{\"materials\":[\"brick\",\"Brick\"]}", "{\"materials\":[\"brick\"]}").score, 1);
    same(compare("{\"materials\":[\"brick\"]}", "{\"materials\":[]}").score, 0);
}

static void members(void **state) {
    (void)state;
    Consistency result =
        compare("{\"geometry\":{\"perspective\":\"isometric\",\"focalLength\":\"wide\"}}",
                "{\"geometry\":{\"perspective\":\"Isometric\",\"focalLength\":\"normal\"}}");
    same(result.geometry, 0.5);
    same(result.style, -1);
    same(result.score, 0.5);
    same(compare("{\"geometry\":{\"perspective\":\"isometric\"}}",
                 "{\"geometry\":{\"perspective\":7,\"cameraAngle\":\"low\"}}")
             .score,
         0);
}

/* Parts weigh 4, 3, 1.5 and 1.5. */
static void weights(void **state) {
    (void)state;
    static const char *const parts[] = {
        "\"palette\":[\"red #ff0000\"]", "\"materials\":[\"straw\"]",
        "\"geometry\":{\"perspective\":\"x\",\"focalLength\":\"x\",\"cameraAngle\":\"x\"}",
        "\"styleCodes\":{\"lightingStyle\":\"x\",\"materialStyle\":\"x\",\"architecturalStyle\":"
        "\"x\"}"};
    static const double left[] = {0.6, 0.7, 0.85, 0.85};
    for (size_t i = 0; i < COUNT(parts); i++) {
        /* The house with one part replaced by another: the last of two equal keys counts. */
        char *other = mem_printf("%.*s,%s}", (int)strlen(house) - 1, house, parts[i]);
        same(compare(house, other).score, left[i]);
        free(other);
    }
}

static void as_json(void **state) {
    (void)state;
    Consistency result = compare("{\"materials\":[\"a\"]}", "{\"materials\":[\"a\",\"b\"]}");
    json_t *json = consistency_json(&result);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"score\":0.5,\"palette\":null,\"materials\":0.5,\"geometry\":null,"
                              "\"styleCodes\":null}");
    free(text);
    json_decref(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),  cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(no_memory), cmocka_unit_test(palettes),
        cmocka_unit_test(materials), cmocka_unit_test(members),
        cmocka_unit_test(weights),   cmocka_unit_test(as_json),
    };
    return cmocka_run_group_tests_name("driver consistency", tests, NULL, NULL);
}
