/* test_scene.c - the drawn scenes: deterministic, distinct, and telling time and weather apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <stdlib.h>
#include <string.h>

static SceneSpec small(void) {
    return (SceneSpec){.width = 160, .height = 90, .building_seed = 11, .scene_seed = 5};
}

static cairo_surface_t *drawn(const SceneSpec *spec) {
    cairo_surface_t *surface = scene_draw(spec);

    assert_non_null(surface);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_format(surface), CAIRO_FORMAT_RGB24);
    return surface;
}

static uint32_t pixel(cairo_surface_t *s, int x, int y) {
    const unsigned char *row =
        cairo_image_surface_get_data(s) + (ptrdiff_t)y * cairo_image_surface_get_stride(s);
    uint32_t value;

    memcpy(&value, row + 4 * (ptrdiff_t)x, sizeof value);
    return value & 0xffffff;
}

/* Mean brightness (0..255) of the rows from y0 to y1. */
static double brightness(cairo_surface_t *s, int y0, int y1) {
    int width = cairo_image_surface_get_width(s);
    double sum = 0;

    for (int y = y0; y < y1; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p = pixel(s, x, y);

            sum += 0.2126 * (p >> 16 & 255) + 0.7152 * (p >> 8 & 255) + 0.0722 * (p & 255);
        }
    return sum / ((double)width * (y1 - y0));
}

/* The share of pixels that differ clearly between two pictures. */
static double difference(cairo_surface_t *a, cairo_surface_t *b) {
    int width = cairo_image_surface_get_width(a), height = cairo_image_surface_get_height(a), n = 0;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p = pixel(a, x, y), q = pixel(b, x, y);
            int d = abs((int)(p >> 16) - (int)(q >> 16)) +
                    abs((int)(p >> 8 & 255) - (int)(q >> 8 & 255)) +
                    abs((int)(p & 255) - (int)(q & 255));

            n += d > 24;
        }
    return (double)n / (width * height);
}

static double difference_of(const SceneSpec *one, const SceneSpec *two) {
    cairo_surface_t *a = drawn(one), *b = drawn(two);
    double d = difference(a, b);

    cairo_surface_destroy(a);
    cairo_surface_destroy(b);
    return d;
}

static double ground_brightness(const SceneSpec *spec) {
    cairo_surface_t *s = drawn(spec);
    double b = brightness(s, spec->height * 9 / 10, spec->height);

    cairo_surface_destroy(s);
    return b;
}

static void test_same_spec_same_pixels(void **state) {
    (void)state;
    for (int weather = WEATHER_CLEAR; weather < WEATHER_COUNT; weather++) {
        SceneSpec spec = small();

        spec.weather = (SceneWeather)weather;

        cairo_surface_t *a = drawn(&spec), *b = drawn(&spec);

        for (int y = 0; y < spec.height; y++)
            for (int x = 0; x < spec.width; x++)
                assert_int_equal(pixel(a, x, y), pixel(b, x, y));
        cairo_surface_destroy(a);
        cairo_surface_destroy(b);
    }
}

static void test_seeds_differ(void **state) {
    (void)state;

    SceneSpec one = small(), other_building = small(), other_scene = small();

    other_building.building_seed++;
    other_scene.scene_seed++;
    assert_true(difference_of(&one, &other_building) > 0.10);
    assert_true(difference_of(&one, &other_scene) > 0.02);
}

static void test_styles_differ(void **state) {
    (void)state;
    for (int style = 1; style < STYLE_COUNT; style++) {
        SceneSpec one = small(), other = small();

        one.style = (SceneStyle)(style - 1);
        other.style = (SceneStyle)style;
        assert_true(difference_of(&one, &other) > 0.05);
    }
}

static void test_snow_whitens_the_ground(void **state) {
    (void)state;

    SceneSpec clear = small(), snow = small();

    snow.weather = WEATHER_SNOW;
    assert_true(ground_brightness(&snow) > ground_brightness(&clear) + 40);
    assert_true(ground_brightness(&snow) > 150);
}

static void test_evening_is_darker(void **state) {
    (void)state;

    double last = 256;
    const SceneTime times[] = {TIME_MIDDAY, TIME_DUSK, TIME_NIGHT};

    for (int i = 0; i < 3; i++) {
        SceneSpec spec = small();

        spec.time = times[i];

        cairo_surface_t *s = drawn(&spec);
        double b = brightness(s, 0, spec.height);

        assert_true(b < last - 10);
        last = b;
        cairo_surface_destroy(s);
    }
}

static void test_palette_tints_the_walls(void **state) {
    (void)state;

    SceneSpec own = small(), red = small();

    red.wall = own.wall = MATERIAL_PLASTER;
    red.palette[0] = (SceneColour){.r = 180, .g = 40, .b = 40, .role = ROLE_WALL};
    red.n_palette = 1;
    assert_true(difference_of(&own, &red) > 0.03);
}

/* Sizes that are not multiples of anything are kept; sizes out of range are clamped. */
static void test_sizes(void **state) {
    static const int sizes[][4] = {{161, 89, 161, 89},   {16, 16, 16, 16}, {17, 241, 17, 241},
                                   {399, 21, 399, 21},   {0, -5, 16, 16},  {1, 64, 16, 64},
                                   {99999, 16, 4096, 16}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        SceneSpec spec = small();

        spec.width = sizes[i][0];
        spec.height = sizes[i][1];

        cairo_surface_t *s = drawn(&spec);

        assert_int_equal(cairo_image_surface_get_width(s), sizes[i][2]);
        assert_int_equal(cairo_image_surface_get_height(s), sizes[i][3]);
        cairo_surface_destroy(s);
    }
}

/* Any combination draws, also with values outside their enumerations. */
static void test_every_value_draws(void **state) {
    (void)state;
    for (int i = 0; i < 60; i++) {
        SceneSpec spec = {.width = 64,
                          .height = 48,
                          .building_seed = (uint64_t)i * 977,
                          .scene_seed = (uint64_t)i};

        spec.style = (SceneStyle)(i % STYLE_COUNT);
        spec.kind = (SceneKind)(i % KIND_COUNT);
        spec.time = (SceneTime)(i % TIME_COUNT);
        spec.weather = (SceneWeather)(i % WEATHER_COUNT);
        spec.view = (SceneView)(i % VIEW_COUNT);
        spec.lens = (SceneLens)(i % LENS_COUNT);
        spec.light = (SceneLight)(i % LIGHT_COUNT);
        spec.wall = (SceneMaterial)(i % MATERIAL_COUNT);
        spec.ground = (SceneMaterial)(i * 7 % MATERIAL_COUNT);
        spec.storeys = i % 65 - 2;
        spec.features = (unsigned)i * 2654435761u;
        cairo_surface_destroy(drawn(&spec));
    }

    SceneSpec wild = small();

    memset(&wild.style, 0x7f, sizeof wild - offsetof(SceneSpec, style));
    wild.width = 64;
    wild.height = 48;
    cairo_surface_destroy(drawn(&wild));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_spec_same_pixels),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_styles_differ),
        cmocka_unit_test(test_snow_whitens_the_ground),
        cmocka_unit_test(test_evening_is_darker),
        cmocka_unit_test(test_palette_tints_the_walls),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_every_value_draws),
    };

    return cmocka_run_group_tests_name("scene", tests, NULL, NULL);
}
