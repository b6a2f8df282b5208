/* Base64 is read as libcrypto reads it, and what is none is refused or tidied up. */
#include "driver_test.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "../../driver/base64.h"
#include "../../driver/mem.h"

enum { MOST = 300 };

/* Every length, with every byte somewhere. */
static void reads_what_was_written(void **state) {
    (void)state;
    unsigned char bytes[MOST], text[MOST / 3 * 4 + 8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + i / 7);
    for (size_t length = 1; length <= sizeof bytes; length++) {
        size_t digits = (size_t)EVP_EncodeBlock(text, bytes, (int)length), got;
        const char *why;
        char *read = base64_decode((const char *)text, digits, &got, &why);
        assert_non_null(read);
        assert_int_equal(got, length);
        assert_memory_equal(read, bytes, length);
        assert_int_equal(read[got], 0);
        free(read);
    }
}

/* One character that is no digit, at every place of a text of several groups. */
static void refuses_what_is_no_digit(void **state) {
    (void)state;
    for (size_t at = 0; at < 16; at++)
        for (int c = 1; c < 256; c++) {
            char text[] = "QUJDREVGR0hJSktM";
            const char *why = NULL;
            size_t got;
            text[at] = (char)c;
            char *read = base64_decode(text, 16, &got, &why);
            bool digit = c < 128 && strchr("+/-_", c);
            digit =
                digit || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            bool padding = c == '=' && at == 15;
            bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
            assert_int_equal(read != NULL, digit || padding || space);
            assert_int_equal(why != NULL, !read);
            free(read);
        }
}

/* What is written in other ways, and what can be read in none. */
static void tidies_up(void **state) {
    (void)state;
    static const char *const alike[] = {"+/8=", "+/8", "-_8", " +/8= ", "+/\r\n8=\n"};
    static const char *const wrong[] = {"", "=", "====", "A", "A===", "AB=C", "+/8==", "AA=A"};
    size_t got;
    const char *why;
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        char *read = base64_decode(alike[i], strlen(alike[i]), &got, &why);
        assert_non_null(read);
        assert_int_equal(got, 2);
        assert_memory_equal(read, "\xfb\xff", 2);
        free(read);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_null(base64_decode(wrong[i], strlen(wrong[i]), &got, &why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(refuses_what_is_no_digit),
        cmocka_unit_test(tidies_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
