/* The palette: 5 to 8 colours, true to what was painted, named as people would. */
#include "picture.h"

#include "palette.h"

/* Is there an entry near a colour? */
static bool near(const Palette *palette, unsigned rgb, float distance) {
    Lab wanted = colour_lab((Rgb){(uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb});
    for (int i = 0; i < palette->count; i++)
        if (colour_distance(palette->colours[i].lab, wanted) < distance)
            return true;
    return false;
}

static Palette measure(const Image *image) {
    Raster raster = raster_from_image(image, 288);
    Palette palette;
    palette_measure(&raster, &palette);
    raster_free(&raster);
    return palette;
}

/* A cream palace under a deep blue sky. */
static void test_cream_under_deep_blue(void **state) {
    Image image = picture_new(256, 192, 0x1862a7);
    (void)state;
    for (int y = 0; y < 90; y++)
        picture_fill(&image, 0, y, 256, y + 1, 0x1862a7 + (unsigned)(y / 8) * 0x020202);
    picture_fill(&image, 100, 60, 256, 192, 0xe9d9a8);
    picture_fill(&image, 120, 80, 140, 110, 0x3b3226);
    picture_fill(&image, 180, 80, 200, 110, 0x3b3226);
    Palette palette = measure(&image);
    assert_int_in_range(palette.count, 5, 8);
    assert_true(palette_has(&palette, "deep blue") || palette_has(&palette, "cobalt"));
    assert_true(palette_has(&palette, "cream") || palette_has(&palette, "yellow"));
    assert_true(near(&palette, 0xe9d9a8, 0.03f));
    image_free(&image);
}

/* An off-white block with a hedge under a pale sky. */
static void test_white_green_and_sky(void **state) {
    Image image = picture_new(256, 192, 0xa0bbd2);
    (void)state;
    picture_fill(&image, 60, 30, 256, 150, 0xf0ebe3);
    for (int i = 0; i < 8; i++)
        picture_fill(&image, 70 + 22 * i, 50, 80 + 22 * i, 70, 0x2c2e30);
    picture_fill(&image, 0, 150, 256, 192, 0x52702f);
    Palette palette = measure(&image);
    assert_true(palette_has(&palette, "off-white") || palette_has(&palette, "beige"));
    assert_true(palette_has(&palette, "green"));
    assert_true(palette_has(&palette, "sky blue"));
    image_free(&image);
}

/* A small vivid thing is seen before a large dull shade. */
static void test_small_vivid_colours_are_kept(void **state) {
    Image image = picture_new(200, 200, 0x9a9a98);
    (void)state;
    for (int y = 0; y < 200; y++)
        picture_fill(&image, 0, y, 200, y + 1, 0x606060 + (unsigned)(y / 2) * 0x010101);
    picture_fill(&image, 90, 90, 110, 120, 0xd33a1c);
    Palette palette = measure(&image);
    assert_true(near(&palette, 0xd33a1c, 0.05f));
    image_free(&image);
}

static void test_one_colour_still_gives_five(void **state) {
    static const unsigned colours[] = {0x000000, 0xffffff, 0x808080, 0x1862a7};
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        Image image = picture_new(33, 17, colours[c]);
        Palette palette = measure(&image);
        assert_int_equal(palette.count, 5);
        assert_true(near(&palette, colours[c], 0.02f));
        assert_true(palette.colours[0].share > 0.99f);
        image_free(&image);
    }
}

static void test_names_differ_and_carry_values(void **state) {
    Image image = picture_new(128, 128, 0x7ba4bf);
    (void)state;
    picture_fill(&image, 0, 40, 128, 80, 0xa8bac7);
    picture_fill(&image, 0, 80, 128, 128, 0xb6c1c9);
    picture_fill(&image, 0, 100, 60, 128, 0x8b994f);
    Palette palette = measure(&image);
    for (int i = 0; i < palette.count; i++) {
        const char *hash = strchr(palette.colours[i].entry, '#');
        Rgb rgb;
        assert_non_null(hash);
        assert_int_equal(strlen(hash), 7);
        assert_true(colour_parse(palette.colours[i].entry, &rgb));
        assert_int_equal(rgb.r, palette.colours[i].rgb.r);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(strncmp(palette.colours[i].entry, palette.colours[j].entry,
                                         (size_t)(hash - palette.colours[i].entry)),
                                 0);
    }
    image_free(&image);
}

static void test_the_same_picture_gives_the_same(void **state) {
    Image image = picture_new(160, 120, 0x345678);
    (void)state;
    for (int i = 0; i < 60; i++)
        picture_fill(&image, i, 2 * i, 100 + i, 2 * i + 1, (unsigned)(i * 0x041107));
    Palette one = measure(&image), two = measure(&image);
    assert_int_equal(one.count, two.count);
    for (int i = 0; i < one.count; i++)
        assert_string_equal(one.colours[i].entry, two.colours[i].entry);
    image_free(&image);
}

static void test_names_are_true(void **state) {
    static const struct {
        Rgb rgb;
        const char *word;
    } names[] = {
        {{255, 255, 255}, "white"}, {{0, 0, 0}, "black"},       {{200, 30, 30}, "red"},
        {{30, 90, 160}, "blue"},    {{20, 30, 70}, "navy"},     {{60, 120, 50}, "green"},
        {{245, 230, 190}, "cream"}, {{240, 220, 60}, "yellow"}, {{128, 128, 128}, "grey"},
        {{110, 75, 45}, "brown"},   {{240, 140, 40}, "orange"}, {{150, 200, 235}, "sky blue"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(colour_name(names[i].rgb), names[i].word));
}

static void test_entries_are_parsed(void **state) {
    Rgb rgb;
    (void)state;
    assert_true(colour_parse("deep navy #1f2a44", &rgb));
    assert_int_equal(rgb.b, 0x44);
    assert_true(colour_parse("#ABCDEF", &rgb));
    assert_int_equal(rgb.r, 0xab);
    assert_true(colour_parse("Cream", &rgb));
    assert_false(colour_parse("", &rgb));
    assert_false(colour_parse("no such colour", &rgb));
    assert_false(colour_parse("#12345", &rgb));
}

static void test_oklab_goes_both_ways(void **state) {
    (void)state;
    for (int i = 0; i < 4096; i++) {
        Rgb rgb = {(uint8_t)(i * 17 % 256), (uint8_t)(i / 16 % 256), (uint8_t)(i * 7 % 256)};
        Rgb back = colour_rgb(colour_lab(rgb));
        assert_int_equal(back.r, rgb.r);
        assert_int_equal(back.g, rgb.g);
        assert_int_equal(back.b, rgb.b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cream_under_deep_blue),
        cmocka_unit_test(test_white_green_and_sky),
        cmocka_unit_test(test_small_vivid_colours_are_kept),
        cmocka_unit_test(test_one_colour_still_gives_five),
        cmocka_unit_test(test_names_differ_and_carry_values),
        cmocka_unit_test(test_the_same_picture_gives_the_same),
        cmocka_unit_test(test_names_are_true),
        cmocka_unit_test(test_entries_are_parsed),
        cmocka_unit_test(test_oklab_goes_both_ways),
    };
    return cmocka_run_group_tests_name("palette", tests, NULL, NULL);
}
