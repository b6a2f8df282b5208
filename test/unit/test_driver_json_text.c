/* JSON is written as jansson writes it. */
#include "driver_test.h"

#include <stdlib.h>
#include <string.h>

#include "../../driver/app.h"
#include "../../driver/json_text.h"
#include "../../driver/mem.h"

/* Write a value, which is freed, both ways. */
static void is_written_alike(json_t *value) {
    char *ours = json_text(value), *theirs = json_dumps(value, JSON_TEXT | JSON_ENCODE_ANY);
    assert_non_null(theirs);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    json_decref(value);
}

/* Parse a text and write it again. */
static void is_written_alike_when_read(const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    is_written_alike(value);
}

/* Every kind of value, empty ones and one in the other. */
static void writes_values(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "\"\"",
        "[[],{},[{}]]",
        "{\"a\":{},\"b\":[]}",
        "{\"z\":1,\"a\":[1,2,{\"b\":null,\"\":\"x\"},[true,false]],\"m\":\"text\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        is_written_alike_when_read(texts[i]);
    assert_null(json_text(NULL));
}

/* Numbers, which are rounded as everywhere. */
static void writes_numbers(void **state) {
    (void)state;
    is_written_alike_when_read("[0, -1, 9223372036854775807, -9223372036854775808]");
    is_written_alike_when_read("[0.0, -0.0, 0.1, 1.0, 1e300, -1e-300, 0.12345678901234567890]");
    is_written_alike_when_read("[123456789012345678.0, 1e15, 1e16, 5e-324, 100.0]");
}

/* Every byte that may stand in a string, at its beginning, in its middle and at its end. */
static void writes_strings(void **state) {
    (void)state;
    for (int c = 0; c < 128; c++) {
        char text[] = {(char)c, 'a', (char)c, (char)c, 'b', (char)c};
        is_written_alike(json_stringn(text, sizeof text));
    }
    is_written_alike(json_string("gr\xc3\xbc\xc3\x9f, \xe2\x82\xac, \xf0\x9f\x8f\xa0, \xc2\x85"));
    is_written_alike_when_read("{\"a \\\" \\\\ \\n\":\"\\u0000\\u001f/\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_values),
        cmocka_unit_test(writes_numbers),
        cmocka_unit_test(writes_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
