/* Reading forms: what comes out of forms as browsers and curl send them, and of broken ones. */
#include "form_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct Seen {
    char text[1024]; /* "name=value;" or "name*=value;" for files, NULs as 0 */
    size_t count, stop_at;
} Seen;

static bool came(void *context, const FormPart *part) {
    Seen *seen = context;
    size_t length = strlen(seen->text);
    length += (size_t)snprintf(seen->text + length, sizeof seen->text - length, "%s%s=", part->name,
                               part->is_file ? "*" : "");
    for (size_t i = 0; i < part->length; i++)
        seen->text[length++] = part->bytes[i] ? part->bytes[i] : '0';
    seen->text[length] = ';';
    return ++seen->count != seen->stop_at;
}

/* What is seen of a body with NULs, and whether it was read to its end. */
static Seen read_form(const char *type, const char *body, size_t length, bool whole) {
    Seen seen = {.stop_at = SIZE_MAX};
    assert_int_equal(form_data_read(type, body, length, came, &seen), whole);
    return seen;
}

#define TYPE "multipart/form-data; boundary=b"
#define FIELD(name, value)                                                                         \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static void expect(const char *type, const char *body, const char *text) {
    Seen seen = read_form(type, body, strlen(body), text != NULL);
    if (text)
        assert_string_equal(seen.text, text);
}

static void forms(void **state) {
    (void)state;
    expect(TYPE, FIELD("a", "1") FIELD("b", "2") "--b--\r\n", "a=1;b=2;");
    expect(TYPE, FIELD("a", "") "--b--", "a=;");
    expect(TYPE, "--b--\r\n", "");
    expect(TYPE, "before\r\n" FIELD("a", "1") "--b-- \r\nafter\r\n--b\r\n", "a=1;");
    expect(TYPE, "--b \t\r\ncontent-DISPOSITION:form-data;NAME=a\r\n\r\n1\r\n--b--", "a=1;");
    expect("Multipart/Form-Data; charset=x; Boundary=\"b\"; more", FIELD("a", "1") "--b--", "a=1;");
    /* What only looks like a delimiter is part of the value, and so is a line end. */
    expect(TYPE, FIELD("a", "1\r\n--bc\r\n--\r\n\r\n-b\n--b") "--b--",
           "a=1\r\n--bc\r\n--\r\n\r\n-b\n--b;");
    expect(TYPE,
           "--b\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"a\"\r\nX: "
           "y\r\n\r\n1\r\n--b--",
           "a=1;");
    Seen seen = read_form(TYPE, FIELD("a", "1\0002") "--b--",
                          sizeof FIELD("a", "1\0002") "--b--" - 1, true);
    assert_string_equal(seen.text, "a=102;");
}

static void names(void **state) {
    (void)state;
    expect(TYPE, FIELD("a\\\"b\\\\c\\d", "1") "--b--", "a\"b\\c\\d=1;");
    expect(TYPE, FIELD("a; filename=x", "1") "--b--", "a; filename=x=1;");
    expect(TYPE, FIELD("a\"; filename=\"x;y", "1") "--b--", "a*=1;");
    expect(TYPE, FIELD("a\"; filename=\"", "1") "--b--", "a*=1;");
    expect(TYPE, FIELD("a\"; filename*=UTF-8''x; \"", "1") "--b--", "a*=1;");
    expect(TYPE, FIELD("a\" name=\"b", "1") "--b--", "a=1;");
    expect(TYPE, "--b\r\nX: form-data; name=a\r\n\r\n1\r\n--b--", "=1;");
    expect(TYPE, "--b\r\n\r\n1\r\n--b--", "=1;");
}

static void broken(void **state) {
    static const char *const bodies[] = {"",
                                         "x",
                                         "--c\r\n\r\n1\r\n--c--",
                                         "--b",
                                         "--b\r\n",
                                         "--b\r\n\r\n",
                                         "--b\r\n\r\n1",
                                         "--b\r\n\r\n1\r\n--b",
                                         "--b\r\nContent-Disposition: form-data; name=a\r\n--b--",
                                         "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--"};
    static const char *const types[] = {NULL,
                                        "",
                                        "multipart/mixed; boundary=b",
                                        "multipart/form-data",
                                        "multipart/form-data; boundary=",
                                        "multipart/form-data; boundary=\"\"",
                                        "multipart/form-data; xboundary=b"};
    static const char nul[] =
        "--b\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\n1\r\n--b--";
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        expect(TYPE, bodies[i], NULL);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        expect(types[i], FIELD("a", "1") "--b--", NULL);
    read_form(TYPE, nul, sizeof nul - 1, false);
}

/* A limit and one past it. */
static void limits(void **state) {
    char type[128], body[8192], line[4200];
    (void)state;
    for (int length = 70; length <= 71; length++) {
        char boundary[80] = {0};
        memset(boundary, 'x', (size_t)length);
        snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
        snprintf(body, sizeof body,
                 "--%s\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--%s--", boundary,
                 boundary);
        expect(type, body, length == 70 ? "a=1;" : NULL);
    }
    for (int length = 4096; length <= 4097; length++) {
        memset(line, 'x', sizeof line);
        line[length] = '\0';
        snprintf(body, sizeof body,
                 "--b\r\n%s\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--", line);
        expect(TYPE, body, length == 4096 ? "a=1;" : NULL);
    }
}

static void stops(void **state) {
    static const char body[] = FIELD("a", "1") FIELD("b", "2") FIELD("c", "3") "--b--";
    Seen seen = {.stop_at = 2};
    (void)state;
    assert_false(form_data_read(TYPE, body, sizeof body - 1, came, &seen));
    assert_string_equal(seen.text, "a=1;b=2;");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),  cmocka_unit_test(names), cmocka_unit_test(broken),
        cmocka_unit_test(limits), cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
