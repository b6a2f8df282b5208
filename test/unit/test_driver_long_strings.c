/* Long strings stay out of the JSON parser's way, and nothing else changes. */
#include "driver_test.h"

#include <stdlib.h>
#include <string.h>

#include "../../driver/long_strings.h"
#include "../../driver/mem.h"

/* A text of that many letters. */
static char *letters(size_t length) {
    char *text = mem_alloc(length + 1);
    memset(text, 'A', length);
    return text;
}

/* The limit is exact, and what is shorter is parsed as ever. */
static void takes_out_from_the_limit(void **state) {
    (void)state;
    for (size_t length = LONG_STRING_LEAST - 1; length <= LONG_STRING_LEAST + 1; length++) {
        char *inside = letters(length);
        char *text = mem_printf("{\"a\":{\"data\":\"%s\"},\"b\":\"x\"}", inside);
        LongStrings strings;
        json_t *json = long_strings_load(text, strlen(text), &strings, NULL);
        assert_non_null(json);
        assert_int_equal(strings.count, length >= LONG_STRING_LEAST ? 1 : 0);
        LongString found =
            long_string_find(&strings, json_object_get(json_object_get(json, "a"), "data"));
        assert_int_equal(found.length, length);
        assert_memory_equal(found.at, inside, length);
        assert_string_equal(json_string_value(json_object_get(json, "b")), "x");
        json_decref(json);
        free(text);
        free(inside);
    }
}

/* Quotes and backslashes inside strings do not mislead it. */
static void leaves_escapes_alone(void **state) {
    (void)state;
    char *inside = letters(LONG_STRING_LEAST * 2);
    char *text =
        mem_printf("[\"%s\\\"%s\",\"\\\\\",\"{\\\"a\\\": \\\"\",\"%s\"]", inside, inside, inside);
    LongStrings strings;
    json_t *json = long_strings_load(text, strlen(text), &strings, NULL);
    json_t *direct = json_loads(text, 0, NULL);
    assert_int_equal(strings.count, 1);
    for (size_t i = 0; i < json_array_size(direct); i++) {
        LongString found = long_string_find(&strings, json_array_get(json, i));
        assert_int_equal(found.length, json_string_length(json_array_get(direct, i)));
        assert_memory_equal(found.at, json_string_value(json_array_get(direct, i)), found.length);
    }
    json_decref(json);
    json_decref(direct);
    free(text);
    free(inside);
}

/* More of them than it keeps are parsed as ever; a text that ends inside one is refused. */
static void keeps_its_limits(void **state) {
    (void)state;
    char *inside = letters(LONG_STRING_LEAST);
    char *text = mem_strdup("[");
    for (int i = 0; i < LONG_STRINGS_MAXIMUM + 2; i++)
        mem_set(&text, "%s%s\"%s\"", text, i ? "," : "", inside);
    LongStrings strings;
    json_t *json = long_strings_load(text, strlen(text), &strings, NULL);
    assert_null(json);
    mem_set(&text, "%s]", text);
    json = long_strings_load(text, strlen(text), &strings, NULL);
    assert_int_equal(strings.count, LONG_STRINGS_MAXIMUM);
    for (size_t i = 0; i < json_array_size(json); i++)
        assert_int_equal(long_string_find(&strings, json_array_get(json, i)).length,
                         LONG_STRING_LEAST);
    assert_null(long_string_find(&strings, json).at);
    json_decref(json);
    free(text);
    free(inside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_out_from_the_limit),
        cmocka_unit_test(leaves_escapes_alone),
        cmocka_unit_test(keeps_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
