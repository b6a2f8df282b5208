/* Decoding: three formats, their limits, and what is broken. */
#include "picture.h"

#include "base64.h"
#include "image_load.h"

/* 16 x 16, the left half #b25428, the right half #285aaa, lossy. */
static const unsigned char webp[] = {
    0x52, 0x49, 0x46, 0x46, 0x38, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x20,
    0x2c, 0x00, 0x00, 0x00, 0x90, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00, 0x02, 0x80,
    0x42, 0x25, 0xa0, 0x02, 0x74, 0xba, 0x00, 0x03, 0x98, 0x00, 0xfe, 0xeb, 0xad, 0xfd, 0x85, 0x17,
    0xf1, 0x6f, 0x14, 0xf9, 0xdb, 0x31, 0x9f, 0xfc, 0x6f, 0x11, 0x8b, 0x8a, 0x70, 0x10, 0x00, 0x00,
};

static void expect_colours(const unsigned char *bytes, size_t length, const char *mime, int size) {
    ImageHeader header;
    Image image;
    const char *why = "";
    assert_true(image_header(bytes, length, &header));
    assert_string_equal(header.mime, mime);
    assert_int_equal(header.width, size);
    assert_true(image_load(bytes, length, 4096, &image, &why));
    assert_int_equal(image.width, size);
    const uint8_t *left = image.rgb + 3 * (size_t)(image.width * image.height / 2 + 2);
    const uint8_t *right = left + 3 * (size_t)(image.width - 6);
    assert_int_in_range(left[0], 0xb2 - 24, 0xb2 + 24);
    assert_int_in_range(left[2], 0x28 - 24, 0x28 + 24);
    assert_int_in_range(right[0], 0x28 - 24, 0x28 + 24);
    assert_int_in_range(right[2], 0xaa - 24, 0xaa + 24);
    image_free(&image);
}

/* Every cut of the file is refused. */
static void expect_cuts_refused(const unsigned char *bytes, size_t length, size_t keep) {
    const char *why;
    Image image;
    for (size_t cut = 0; cut < length - keep; cut += 1 + cut / 8) {
        unsigned char *part = mem_new(cut, 1);
        memcpy(part, bytes, cut);
        assert_false(image_load(part, cut, 64, &image, &why));
        free(part);
    }
}

static void test_png_and_jpeg(void **state) {
    static const char *const types[] = {"png", "jpeg"}, *const mimes[] = {"image/png",
                                                                          "image/jpeg"};
    Image picture = picture_new(64, 64, 0xb25428);
    (void)state;
    picture_fill(&picture, 32, 0, 64, 64, 0x285aaa);
    for (int i = 0; i < 2; i++) {
        Bytes bytes = picture_encode(&picture, types[i]);
        expect_colours(bytes.data, bytes.length, mimes[i], 64);
        expect_cuts_refused(bytes.data, bytes.length, i == 0 ? 8 : 1);
        free(bytes.data);
    }
    image_free(&picture);
}

static void test_webp(void **state) {
    (void)state;
    expect_colours(webp, sizeof webp, "image/webp", 16);
    expect_cuts_refused(webp, sizeof webp, 1);
}

static void test_reduction_keeps_the_ratio(void **state) {
    Image picture = picture_new(400, 100, 0x808080), small;
    Bytes bytes = picture_encode(&picture, "png");
    const char *why;
    (void)state;
    assert_true(image_load(bytes.data, bytes.length, 100, &small, &why));
    assert_int_equal(small.width, 100);
    assert_int_equal(small.height, 25);
    assert_int_equal(small.full_width, 400);
    image_free(&small);
    image_free(&picture);
    free(bytes.data);
}

/* A PNG header that promises a size; nothing of that size may be allocated. */
static void expect_size_refused(uint32_t width, uint32_t height, const char *word) {
    unsigned char bytes[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const char *why = "";
    Image image;
    for (int i = 0; i < 4; i++) {
        bytes[16 + i] = (unsigned char)(width >> (24 - 8 * i));
        bytes[20 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    memcpy(bytes + 50, "IEND", 4);
    assert_false(image_load(bytes, sizeof bytes, 64, &image, &why));
    assert_non_null(strstr(why, word));
}

static void test_sizes_are_limited(void **state) {
    (void)state;
    expect_size_refused(20000, 20000, "64 million");
    expect_size_refused(8001, 8000, "64 million");
    expect_size_refused(8000, 8000, "decoded");
    expect_size_refused(30001, 1, "64 million");
    expect_size_refused(0xffffffff, 0xffffffff, "64 million");
    expect_size_refused(0, 10, "no pixels");
}

static void test_other_bytes_are_no_image(void **state) {
    static const char *const texts[] = {"",
                                        "GIF89a",
                                        "hello",
                                        "\x89PNG",
                                        "\xff\xd8",
                                        "\xff\xd8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "RIFF1234WEBPVP8 aaaaaaaaaaaaaaaaaaaaaaaa"};
    const char *why;
    Image image;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(
            image_load((const unsigned char *)texts[i], strlen(texts[i]), 64, &image, &why));
}

static void test_broken_bytes_do_no_harm(void **state) {
    Image picture = picture_new(64, 64, 0xb25428), image;
    const char *why;
    uint64_t seed = 1;
    (void)state;
    picture_fill(&picture, 10, 10, 50, 60, 0x285aaa);
    for (int type = 0; type < 3; type++) {
        Bytes bytes = type == 2 ? (Bytes){mem_new(sizeof webp, 1), sizeof webp}
                                : picture_encode(&picture, type ? "jpeg" : "png");
        if (type == 2)
            memcpy(bytes.data, webp, sizeof webp);
        for (int round = 0; round < 200; round++) {
            unsigned char *copy = mem_new(bytes.length, 1);
            memcpy(copy, bytes.data, bytes.length);
            for (int i = 0; i < 6; i++) {
                seed = text_hash(seed, "x", 1);
                copy[seed % bytes.length] = (unsigned char)(seed >> 40);
            }
            if (image_load(copy, bytes.length, 64, &image, &why))
                image_free(&image);
            free(copy);
        }
        free(bytes.data);
    }
    image_free(&picture);
}

static void test_notes_survive(void **state) {
    Image picture = picture_new(8, 8, 0x102030), back;
    unsigned char *png;
    size_t length;
    const char *why;
    (void)state;
    assert_true(image_encode_png(&picture, "modern house, plan 12345", &png, &length));
    assert_true(image_load(png, length, 64, &back, &why));
    assert_string_equal(back.note, "modern house, plan 12345");
    image_free(&back);
    free(png);
    assert_true(image_encode_png(&picture, NULL, &png, &length));
    assert_true(image_load(png, length, 64, &back, &why));
    assert_null(back.note);
    image_free(&back);
    image_free(&picture);
    free(png);
}

/* RFC 4648 section 10. */
static void test_base64(void **state) {
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    static const char *const wrong[] = {"Z", "Zg=", "Zg===", "Z*==", "=", "Zm9vY", "Zm 9"};
    unsigned char *bytes;
    size_t length;
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *text =
            base64_encode((const unsigned char *)pairs[i][0], strlen(pairs[i][0]), &length);
        assert_string_equal(text, pairs[i][1]);
        free(text);
        assert_true(base64_decode(pairs[i][1], strlen(pairs[i][1]), &bytes, &length));
        assert_int_equal(length, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], length);
        free(bytes);
    }
    assert_true(base64_decode("_-8", 3, &bytes, &length));
    assert_int_equal(length, 2);
    assert_int_equal(bytes[0], 0xff);
    free(bytes);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(base64_decode(wrong[i], strlen(wrong[i]), &bytes, &length));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_and_jpeg),
        cmocka_unit_test(test_webp),
        cmocka_unit_test(test_reduction_keeps_the_ratio),
        cmocka_unit_test(test_sizes_are_limited),
        cmocka_unit_test(test_other_bytes_are_no_image),
        cmocka_unit_test(test_broken_bytes_do_no_harm),
        cmocka_unit_test(test_notes_survive),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests_name("image_load", tests, NULL, NULL);
}
