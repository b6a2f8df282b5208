/* Base URLs: what is taken for plain is judged as libcurl judges it, which is asked where the
 * scheme is in capitals. */
#include "driver_test.h"

#include <stdio.h>

#include "base_url.h"

static const char *const hosts[] = {
    "",          "a",          "localhost",   "127.0.0.1",  "127.0.0.12",
    "127.1",     "[::1]",      "0x7f.1",      "2130706433", "example.com",
    "a-b.c",     "a_b",        "a..b",        "user@host",  "u:p@host",
    "LOCALHOST", "localhost.", "-a",          "a b",        "xn--bcher-kva",
    "b\xc3\xbc", "a%41",       "127.0.0.1.a", "a?b",        "a#b",
    "[::1]a",    "a]",
};
static const char *const ports[] = {"",      ":",      ":0",     ":1",     ":00080",
                                    ":8080", ":65535", ":65536", ":99999", ":123456",
                                    ":x",    ":80x",   ":-1"};
static const char *const paths[] = {"",     "/",     "/v1beta", "/v1/..", "/a?b", "/a#b",
                                    "/a b", "/a%20", "/A",      "//",     "/a@b", "\\"};

/* What is wrong with a URL, and where it leads. */
static void judge(const char *scheme, const char *rest, const char **why, bool *own) {
    char url[200];
    *own = false;
    snprintf(url, sizeof url, "%s://%s", scheme, rest);
    *why = base_url_judge(url, own);
}

static void test_plain_urls_are_judged_as_by_libcurl(void **state) {
    (void)state;
    unsigned usable = 0;
    for (size_t h = 0; h < COUNT(hosts); h++) {
        for (size_t p = 0; p < COUNT(ports) * COUNT(paths); p++) {
            char rest[150];
            const char *why, *wanted;
            bool own, is_own;
            snprintf(rest, sizeof rest, "%s%s%s", hosts[h], ports[p / COUNT(paths)],
                     paths[p % COUNT(paths)]);
            judge("http", rest, &why, &own);
            judge("HTTP", rest, &wanted, &is_own);
            if (why != wanted || own != is_own)
                fail_msg("%s: %s, not %s; %d, not %d", rest, why ? why : "usable",
                         wanted ? wanted : "usable", own, is_own);
            judge("https", rest, &why, &own);
            assert_ptr_equal(why, wanted);
            usable += !why;
        }
    }
    assert_true(usable > 100);
}

static void test_other_schemes(void **state) {
    const char *why;
    bool own;
    (void)state;
    judge("ftp", "a", &why, &own);
    assert_non_null(why);
    judge("httpx", "a", &why, &own);
    assert_non_null(why);
    judge("http:", "a", &why, &own);
    assert_non_null(why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_urls_are_judged_as_by_libcurl),
        cmocka_unit_test(test_other_schemes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
