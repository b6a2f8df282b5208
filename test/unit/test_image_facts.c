/* Light, lines and materials of pictures painted here. */
#include "picture.h"

#include <math.h>

static void test_day(void **state) {
    Image image = picture_new(256, 192, 0x86b4e0);
    (void)state;
    picture_fill(&image, 60, 50, 200, 140, 0xe8e0d0);
    picture_fill(&image, 0, 140, 256, 192, 0x6f8a3a);
    ImageFacts facts = picture_measure(&image);
    assert_int_equal(facts.light.time, TIME_MIDDAY);
    assert_string_equal(facts.light.type, "natural");
    assert_int_in_range((int)(facts.light.sky * 100), 30, 70);
    assert_true(facts.materials.vegetation > 0.2f);
    image_free(&image);
}

static void test_dusk_and_night(void **state) {
    Image dusk = picture_new(256, 192, 0x5a5080), night = picture_new(256, 192, 0x10182c);
    (void)state;
    for (int y = 0; y < 120; y++)
        picture_fill(&dusk, 0, y, 256, y + 1, 0x5a5080 + (unsigned)(y / 2) * 0x020100);
    picture_fill(&dusk, 60, 70, 200, 140, 0x3a2c28);
    picture_fill(&dusk, 80, 90, 120, 120, 0xf0c070);
    picture_fill(&dusk, 0, 140, 256, 192, 0x2c2820);
    ImageFacts facts = picture_measure(&dusk);
    assert_int_equal(facts.light.time, TIME_DUSK);
    assert_string_equal(facts.light.type, "mixed");
    picture_fill(&night, 60, 70, 200, 140, 0x1c1c20);
    picture_fill(&night, 80, 90, 120, 120, 0xf0c070);
    facts = picture_measure(&night);
    assert_int_equal(facts.light.time, TIME_NIGHT);
    assert_string_equal(facts.light.type, "artificial");
    image_free(&dusk);
    image_free(&night);
}

static void test_snow(void **state) {
    Image image = picture_new(256, 192, 0xc8ced4);
    (void)state;
    picture_fill(&image, 60, 40, 200, 120, 0x6a5038);
    picture_fill(&image, 0, 120, 256, 192, 0xeef2f6);
    ImageFacts facts = picture_measure(&image);
    assert_int_equal(facts.light.weather, WEATHER_SNOW);
    assert_true(facts.light.ground_white > 0.8f);
    image_free(&image);
}

static void test_warm_and_cool(void **state) {
    Image warm = picture_new(64, 64, 0xd09050), cool = picture_new(64, 64, 0x5070a0);
    Image neutral = picture_new(64, 64, 0x909090);
    (void)state;
    picture_fill(&warm, 0, 0, 64, 20, 0x704020);
    picture_fill(&cool, 0, 0, 64, 20, 0x203060);
    assert_string_equal(picture_measure(&warm).light.temperature, "warm");
    assert_string_equal(picture_measure(&cool).light.temperature, "cool");
    assert_string_equal(picture_measure(&neutral).light.temperature, "neutral");
    image_free(&warm);
    image_free(&cool);
    image_free(&neutral);
}

/* Light on one side. */
static void test_direction(void **state) {
    Image image = picture_new(256, 192, 0x6090d0);
    (void)state;
    picture_fill(&image, 0, 60, 128, 192, 0xf0e8d8);
    picture_fill(&image, 128, 60, 256, 192, 0x605850);
    assert_string_equal(picture_measure(&image).light.direction, "left");
    picture_fill(&image, 0, 60, 128, 192, 0x605850);
    picture_fill(&image, 128, 60, 256, 192, 0xf0e8d8);
    assert_string_equal(picture_measure(&image).light.direction, "right");
    image_free(&image);
}

static void test_elevation(void **state) {
    Image image = picture_new(400, 300, 0xffffff);
    (void)state;
    for (int i = 0; i < 8; i++) {
        picture_line(&image, 40 + 40 * i, 40, 40 + 40 * i, 260);
        picture_line(&image, 40, 40 + 31 * i, 320, 40 + 31 * i);
    }
    assert_string_equal(picture_measure(&image).lines.perspective, "orthographic");
    image_free(&image);
}

static void test_isometric(void **state) {
    Image image = picture_new(400, 400, 0xffffff);
    double rise = tan(30 * 3.14159265358979 / 180);
    (void)state;
    for (int i = 0; i < 6; i++) {
        picture_line(&image, 200, 100 + 40 * i, 50, 100 + 40 * i - 150 * rise + 86);
        picture_line(&image, 200, 100 + 40 * i, 350, 100 + 40 * i - 150 * rise);
        picture_line(&image, 50 + 60 * i, 120, 50 + 60 * i, 320);
        picture_line(&image, 200, 340 - 30 * i, 60, 340 - 30 * i - 140 * rise);
    }
    assert_string_equal(picture_measure(&image).lines.perspective, "isometric");
    image_free(&image);
}

/* Uprights that meet above or below; levels that run to points at the sides. */
static void draw_perspective(Image *image, double lean) {
    for (int i = -4; i <= 4; i++)
        picture_line(image, 200 + 36 * i, 290, 200 + (36 + lean) * i, 10);
    for (int i = 0; i < 5; i++) {
        picture_line(image, 20, 40 + 55 * i, 200, 90 + 30 * i);
        picture_line(image, 380, 60 + 50 * i, 200, 90 + 30 * i);
    }
}

static void test_perspective_and_camera(void **state) {
    Image level = picture_new(400, 300, 0xffffff), up = picture_new(400, 300, 0xffffff);
    Image down = picture_new(400, 300, 0xffffff);
    (void)state;
    draw_perspective(&level, 0);
    draw_perspective(&up, -18);
    draw_perspective(&down, 18);
    ImageFacts facts = picture_measure(&level);
    assert_string_equal(facts.lines.perspective, "perspective");
    assert_string_equal(facts.lines.camera_angle, "eye-level");
    assert_string_equal(picture_measure(&up).lines.camera_angle, "low");
    assert_string_not_equal(picture_measure(&down).lines.camera_angle, "eye-level");
    image_free(&level);
    image_free(&up);
    image_free(&down);
}

static void test_materials(void **state) {
    Image image = picture_new(288, 216, 0x86b4e0);
    json_t *json;
    (void)state;
    picture_fill(&image, 0, 80, 288, 216, 0x9a5a44);
    for (int y = 80; y < 216; y += 6)
        picture_fill(&image, 0, y, 288, y + 2, 0x7c4230);
    ImageFacts facts = picture_measure(&image);
    assert_true(facts.materials.count > 0);
    assert_string_equal(facts.materials.items[0].name, "brick");
    json = image_facts_json(&facts);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "materials"), 0)),
                        "brick");
    assert_int_in_range(json_array_size(json_object_get(json, "palette")), 5, 8);
    json_decref(json);
    image_free(&image);
}

static void test_tiny_pictures(void **state) {
    (void)state;
    for (int width = 1; width < 12; width += 3) {
        for (int height = 1; height < 12; height += 5) {
            Image image = picture_new(width, height, 0x336699);
            ImageFacts facts = picture_measure(&image);
            assert_int_equal(facts.palette.count, 5);
            image_free(&image);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day),       cmocka_unit_test(test_dusk_and_night),
        cmocka_unit_test(test_snow),      cmocka_unit_test(test_warm_and_cool),
        cmocka_unit_test(test_direction), cmocka_unit_test(test_elevation),
        cmocka_unit_test(test_isometric), cmocka_unit_test(test_perspective_and_camera),
        cmocka_unit_test(test_materials), cmocka_unit_test(test_tiny_pictures),
    };
    return cmocka_run_group_tests_name("image_facts", tests, NULL, NULL);
}
