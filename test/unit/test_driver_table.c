/* Tables on a terminal, and text that others wrote in them. */
#include "driver_test.h"

#include <stdio.h>

#include "table.h"

static const struct {
    const char *text;
    size_t width;
} widths[] = {
    {"", 0},
    {"abc", 3},
    {"caf\xc3\xa9", 4},
    {"cafe\xcc\x81", 4},             /* a combining accent */
    {"\xe5\xbb\xba\xe7\xaf\x89", 4}, /* two ideographs */
    {"\xf0\x9f\x8f\xa0", 2},         /* a pictograph */
    {"\033[48;2;1;2;3m  \033[0m x", 4},
    {"\xff\xfe", 2}, /* not UTF-8 */
    {"\xe5\xbb", 2}, /* cut in the middle */
};

static void measuring(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(widths); i++)
        assert_int_equal(text_width(widths[i].text), widths[i].width);
}

static const struct {
    const char *text, *clean;
} texts[] = {
    {NULL, ""},
    {"plain", "plain"},
    {"two\nlines\r\n\tand a tab\n", "two lines and a tab"},
    {"red\033[31m \033]0;title\007", "red [31m ]0;title"},
    {"c1 \xc2\x9b"
     "2J",
     "c1 2J"},                             /* CSI in one character */
    {"over\xe2\x80\xaeride", "over ride"}, /* right-to-left override */
    {"bad \xff byte", "bad ? byte"},
    {"long \xc0\x80 zero", "long ?? zero"}, /* an overlong encoding */
    {"\xed\xa0\x80", "???"},                /* half of a surrogate pair */
    {"\xe5\xbb\xba\xe7\xaf\x89", "\xe5\xbb\xba\xe7\xaf\x89"},
};

static void cleaning(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *clean = text_clean(texts[i].text);
        assert_string_equal(clean, texts[i].clean);
        free(clean);
    }
}

static const struct {
    const char *text;
    size_t width;
    const char *cut;
} cuts[] = {
    {"12345", 5, "12345"},
    {"123456", 5, "12..."},
    {"1 3456", 5, "1..."},
    {"123456", 3, "..."},
    {"123456", 1, "."},
    {"123456", 0, ""},
    {"\xe5\xbb\xba\xe7\xaf\x89\xe5\xbb\xba", 5, "\xe5\xbb\xba..."},
    {"\xe5\xbb\xba\xe7\xaf\x89\xe5\xbb\xba", 4, "..."},
    {"a\nb", 3, "a b"},
};

static void cutting(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cuts); i++) {
        char *cut = text_cut(cuts[i].text, cuts[i].width);
        assert_string_equal(cut, cuts[i].cut);
        free(cut);
    }
}

/* Print a table into a text. */
static char *printed(const Table *table) {
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    table_print(table, file);
    fclose(file);
    return text;
}

static void aligning(void **state) {
    (void)state;
    static const char *const headings[] = {"name", "empty", "n", "last"};
    static const char *const rows[][4] = {{"a", NULL, "7", "x"},
                                          {"\xe5\xbb\xba\xe7\xaf\x89 long", "", "123", "y z"},
                                          {"\033[1mbold\033[0m", NULL, NULL, ""},
                                          {NULL, NULL, "1", NULL}};
    Table *table = table_new(headings, COUNT(headings));
    table_align_right(table, 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add(table, rows[i]);
    char *text = printed(table);
    assert_string_equal(text, "name         n  last\n"
                              "a            7  x\n"
                              "\xe5\xbb\xba\xe7\xaf\x89 long  123  y z\n"
                              "\033[1mbold\033[0m\n"
                              "             1\n");
    free(text);
    table_free(table);
}

static void without_rows(void **state) {
    (void)state;
    static const char *const headings[] = {"a", "b"};
    Table *table = table_new(headings, COUNT(headings));
    char *text = printed(table);
    assert_string_equal(text, "\n");
    free(text);
    table_free(table);
    table_free(NULL);
}

static void clipping(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *clipped;
    } cases[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "abc"},
        {"abcd", 0, ""},
        {"\xc3\xa9\xc3\xa9", 3, "\xc3\xa9"},
        {"a\xe5\xbb\xba", 3, "a"},
        {"a\xe5\xbb\xba", 4, "a\xe5\xbb\xba"},
        {"a\033[2Jb\xff", 9, "a [2Jb?"},
        {NULL, 5, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = text_clip(cases[i].text, cases[i].bytes);
        assert_string_equal(text, cases[i].clipped);
        assert_true(text_is_utf8(text));
        free(text);
    }
    assert_true(text_is_utf8(""));
    assert_false(text_is_utf8("\xff"));
    assert_false(text_is_utf8("ab\xc3"));
    assert_false(text_is_utf8("\xc0\x80"));
    assert_false(text_is_utf8("\xed\xa0\x80"));
}

static void lines_of_text(void **state) {
    (void)state;
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    text_print_lines(to, "  ", "one\n\033]0;two\007\n\nfour");
    fclose(to);
    assert_string_equal(text, "  one\n  ]0;two\n  \n  four\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measuring),     cmocka_unit_test(cleaning),     cmocka_unit_test(cutting),
        cmocka_unit_test(aligning),      cmocka_unit_test(without_rows), cmocka_unit_test(clipping),
        cmocka_unit_test(lines_of_text),
    };
    return cmocka_run_group_tests_name("driver table", tests, NULL, NULL);
}
