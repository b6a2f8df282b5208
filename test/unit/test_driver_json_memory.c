/* Values of JSON in memory of their own are what they are elsewhere, and their memory is used
 * again. */
#include "driver_test.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "../../driver/json_memory.h"
#include "../../driver/json_text.h"
#include "../../driver/mem.h"

enum { LONGEST = 600, ROUNDS = 50, NOTHING_MUCH = 64 << 10 /* bytes; a round takes more */ };

/* Texts of every length, each kept by itself. */
static json_t *many_texts(void) {
    json_t *texts = json_array();
    for (size_t length = 0; length <= LONGEST; length++) {
        char *text = mem_alloc(length + 1);
        memset(text, 'a' + (int)(length % 26), length);
        json_array_append_new(texts, json_pack("{s:s, s:i}", "text", text, "length", (int)length));
        free(text);
    }
    return texts;
}

/* No piece lies in another, whatever its size. */
static void keeps_values_apart(void **state) {
    (void)state;
    json_t *texts = many_texts(), *item;
    size_t i;
    json_array_foreach(texts, i, item) {
        const char *text = json_string_value(json_object_get(item, "text"));
        assert_int_equal(json_integer_value(json_object_get(item, "length")), i);
        assert_int_equal(strspn(text, (char[]){(char)('a' + (int)(i % 26)), '\0'}), i);
        assert_int_equal(strlen(text), i);
    }
    char *text = json_text(texts);
    json_t *read = json_loads(text, 0, NULL);
    assert_true(json_equal(texts, read));
    json_decref(read);
    json_decref(texts);
    free(text);
}

/* What was freed is used again. */
static void grows_no_more(void **state) {
    (void)state;
    size_t used = 0;
    for (int round = 0; round < ROUNDS; round++) {
        json_decref(many_texts());
        if (round == 0)
            used = mallinfo2().uordblks;
    }
    assert_true(mallinfo2().uordblks < used + NOTHING_MUCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_values_apart),
        cmocka_unit_test(grows_no_more),
    };
    json_use_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
