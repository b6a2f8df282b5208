/* Bodies in pieces: whatever the bites in which they are taken, what is sent is the same. */
#include "driver_test.h"

#include <openssl/evp.h>

#include "mem.h"

/* What a body of these bytes should send, by the encoder that needs all at once. */
static char *expected(const unsigned char *bytes, size_t length) {
    char *encoded = mem_alloc((length + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)encoded, bytes, (int)length);
    char *text = mem_printf("before %s between %.*s after", encoded, (int)length, bytes);
    free(encoded);
    return text;
}

/* Take a body in bites of one size, with something behind each that must not be touched. */
static char *bite(Body *body, size_t size) {
    size_t length = body_length(body), done = 0;
    char *text = mem_alloc(length + size + 2);
    for (size_t got; (memset(text + done, 0x7E, size + 1),
                      got = body_read(body, done, text + done, size)) > 0;) {
        assert_int_equal(text[done + got], 0x7E);
        assert_true(got == size || done + got == length);
        done += got;
    }
    assert_int_equal(done, length);
    text[done] = '\0';
    return text;
}

static void bites(void **state) {
    (void)state;
    unsigned char bytes[61];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(255 - 4 * i); /* none is a NUL */
    for (size_t length = 0; length <= sizeof bytes; length++) {
        Body *body = body_new(1000);
        char *wanted = expected(bytes, length);
        Bytes *held = bytes_of(bytes, length);
        assert_true(body_append(body, "be", 2) && body_append(body, "fore ", 5));
        assert_true(body_append_base64(body, held));
        assert_true(body_append(body, " between ", 9));
        assert_true(body_append_bytes(body, held));
        assert_true(body_append(body, " after", 6));
        assert_int_equal(body_length(body), strlen(wanted));
        for (size_t size = 1; size <= strlen(wanted) + 1; size++) {
            char *text = bite(body, size);
            assert_string_equal(text, wanted);
            free(text);
        }
        body_free(body);
        bytes_free(held);
        free(wanted);
    }
}

static void limits(void **state) {
    (void)state;
    Body *body = body_new(10);
    Bytes *all[] = {bytes_of("abc", 3), bytes_of("1234", 4), bytes_of("12345", 5)};
    assert_true(body_append(body, "12", 2));
    assert_true(body_append_base64(body, all[0]));
    assert_false(body_append_base64(body, all[1]));
    assert_false(body_append_bytes(body, all[2]));
    assert_false(body_append(body, "12345", 5));
    assert_true(body_append_bytes(body, all[1]));
    assert_false(body_append(body, "1", 1));
    char *text = body_text(body);
    assert_string_equal(text, "12YWJj1234");
    free(text);
    for (size_t i = 0; i < COUNT(all); i++)
        bytes_free(all[i]);
    body_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bites), cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
