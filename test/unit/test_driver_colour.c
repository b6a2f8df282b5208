/* Palette entries and how far apart colours look. */
#include "driver_test.h"

#include <math.h>

#include "colour.h"

/* Entries as people and models write them. */
static const struct {
    const char *entry, *name;
    bool measured;
    unsigned char red, green, blue;
} entries[] = {
    {"deep navy #1f2a44", "deep navy", true, 0x1F, 0x2A, 0x44},
    {"  Deep   NAVY  #1F2A44 ", "deep navy", true, 0x1F, 0x2A, 0x44},
    {"#ffffff", "", true, 255, 255, 255},
    {"warm white", "warm white", false, 0, 0, 0},
    {"grey #12345", "grey #12345", false, 0, 0, 0},
    {"grey #1234567", "grey #1234567", false, 0, 0, 0},
    {"paint #3 #102030", "paint #3", true, 0x10, 0x20, 0x30},
    {"brick red (#a04030)", "brick red (", true, 0xA0, 0x40, 0x30},
};

static void parsing(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(entries); i++) {
        Colour colour;
        assert_true(colour_parse(entries[i].entry, &colour));
        assert_string_equal(colour.name, entries[i].name);
        assert_int_equal(colour.measured, entries[i].measured);
        assert_int_equal(colour.red, entries[i].red);
        assert_int_equal(colour.green, entries[i].green);
        assert_int_equal(colour.blue, entries[i].blue);
    }
    Colour colour;
    assert_false(colour_parse("", &colour));
    assert_false(colour_parse("  ", &colour));
    char long_name[500];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_true(colour_parse(long_name, &colour));
    assert_int_equal(strlen(colour.name), sizeof colour.name - 1);
}

/* Values from the pages that describe the space: white, black, and the corners of sRGB. */
static const struct {
    unsigned char red, green, blue;
    double lightness, a, b;
} known[] = {
    {255, 255, 255, 1.0, 0, 0},
    {0, 0, 0, 0, 0, 0},
    {255, 0, 0, 0.62796, 0.22486, 0.12585},
    {0, 255, 0, 0.86644, -0.23389, 0.17950},
    {0, 0, 255, 0.45201, -0.03246, -0.31153},
    {128, 128, 128, 0.59987, 0, 0},
};

static void oklab(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        Oklab lab = oklab_from_srgb(known[i].red, known[i].green, known[i].blue);
        assert_true(fabs(lab.lightness - known[i].lightness) < 1e-4);
        assert_true(fabs(lab.a - known[i].a) < 1e-4);
        assert_true(fabs(lab.b - known[i].b) < 1e-4);
    }
    Oklab black = oklab_from_srgb(0, 0, 0), white = oklab_from_srgb(255, 255, 255);
    assert_true(fabs(oklab_distance(black, white) - 1) < 1e-4);
    assert_true(oklab_distance(white, white) == 0);
}

/* The difference of two entries. */
static double difference(const char *one, const char *other) {
    Colour a, b;
    assert_true(colour_parse(one, &a));
    assert_true(colour_parse(other, &b));
    double forth = colour_difference(&a, &b);
    assert_true(forth == colour_difference(&b, &a));
    return forth;
}

static void differences(void **state) {
    (void)state;
    assert_true(difference("navy #1f2a44", "ink #1f2a44") == 0);
    assert_true(difference("navy #1f2a44", "navy #202b45") == 0); /* not to be told apart */
    assert_true(difference("a #000000", "a #ffffff") == 1);
    double near = difference("a #1f2a44", "a #2f3a58"), far = difference("a #1f2a44", "a #4f6a88");
    assert_true(near > 0 && near < far && far <= 1);
    /* where one is not measured, the name decides */
    assert_true(difference("Navy", "navy #1f2a44") == 0);
    assert_true(difference("navy", "black #1f2a44") == 1);
}

static void as_text(void **state) {
    (void)state;
    json_t *palette =
        json_loads("[\"navy #1f2a44\", \"bare\", 7, \"red\\u001b[2J #ff0000\"]", 0, NULL);
    char *plain = palette_text(palette, false, true);
    assert_string_equal(plain, "navy #1f2a44, bare, red [2J #ff0000");
    char *blocks = palette_text(palette, true, false);
    assert_string_equal(blocks, "\033[48;2;31;42;68m  \033[0m bare \033[48;2;255;0;0m  \033[0m");
    char *both = palette_text(palette, true, true);
    assert_non_null(strstr(both, "\033[48;2;31;42;68m  \033[0m navy #1f2a44, bare"));
    assert_null(strstr(both, "\033[2J"));
    char *none = palette_text(NULL, true, true);
    assert_string_equal(none, "");
    free(plain);
    free(blocks);
    free(both);
    free(none);
    json_decref(palette);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(oklab),
        cmocka_unit_test(differences),
        cmocka_unit_test(as_text),
    };
    return cmocka_run_group_tests_name("driver colour", tests, NULL, NULL);
}
