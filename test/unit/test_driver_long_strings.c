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

/* A zero byte stays for the parser to refuse: no JSON has one, and nobody can store it. */
static void leaves_zero_bytes_to_the_parser(void **state) {
    (void)state;
    char *inside = letters(LONG_STRING_LEAST);
    char *text = mem_printf("[\"%s\"]", inside);
    size_t length = strlen(text);
    LongStrings strings;
    text[100] = '\0';
    assert_null(long_strings_load(text, length, &strings, NULL));
    free(text);
    free(inside);
}

/* Numbers and brackets take a hundred times their place: what is full of them is not parsed. */
static void refuses_what_is_full_of_values(void **state) {
    (void)state;
    json_error_t where = {0};
    LongStrings strings;
    for (int many = 0; many < 2; many++) {
        size_t length = many ? 3 << 20 : 1 << 19;
        char *text = mem_alloc(length + 1);
        memset(text, ' ', length);
        memcpy(text, "[\"a\"", 4);
        for (size_t i = 4; i + 2 < length; i += 2)
            memcpy(text + i, ",1", 2);
        text[length - 1] = ']';
        json_t *json = long_strings_load(text, length, &strings, &where);
        assert_int_equal(json != NULL, !many);
        json_decref(json);
        free(text);
    }
    assert_string_equal(where.text, "it has more than 1048576 bytes outside of strings");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_out_from_the_limit),
        cmocka_unit_test(leaves_escapes_alone),
        cmocka_unit_test(keeps_its_limits),
        cmocka_unit_test(leaves_zero_bytes_to_the_parser),
        cmocka_unit_test(refuses_what_is_full_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
