/* What is accepted as an image file, and what is refused before a model sees it. */
#include "driver_test.h"

#include <stdio.h>
#include <unistd.h>

#include "image_file.h"

/* Frames of the three kinds of WebP, each of 37 x 21 pixels. */
static const char lossy[] = "\x30\x01\x00\x9d\x01\x2a\x25\0\x15\0____________";
static const char lossless[] = "\x2f\x24\0\x05\0____________";
static const char extended[] = "\x10\0\0\0\x24\0\0\x14\0\0";

/* Look at bytes; on refusal the reason goes to *error. */
static bool probe(const char *bytes, size_t length, unsigned *width, unsigned *height,
                  const char **mime, char **error) {
    /* An exact copy, so that a memory checker sees every byte read past the end. */
    char *copy = mem_alloc(length);
    if (length)
        memcpy(copy, bytes, length);
    *error = NULL;
    bool ok = image_probe(copy, length, mime, width, height, error);
    free(copy);
    return ok;
}

/* Bytes are accepted with this type and size, and every part of them that is cut off at the
 * end is refused with a reason. */
static void check_image(Buf image, const char *type, unsigned wide, unsigned high) {
    unsigned width = 0, height = 0;
    const char *mime = NULL;
    char *error;
    if (!probe(image.data, image.length, &width, &height, &mime, &error))
        fail_msg("%s: %s", type, error);
    assert_string_equal(mime, type);
    assert_int_equal(width, wide);
    assert_int_equal(height, high);
    for (size_t length = 0; length < image.length; length++) {
        if (probe(image.data, length, &width, &height, &mime, &error))
            fail_msg("%s is accepted when cut to %zu of %zu bytes", type, length, image.length);
        assert_non_null(error);
        free(error);
    }
    buf_free(&image);
}

/* Bytes are refused for a reason that has these words. */
static void check_refused(const char *bytes, size_t length, const char *words) {
    unsigned width, height;
    const char *mime;
    char *error;
    assert_false(probe(bytes, length, &width, &height, &mime, &error));
    if (!strstr(error, words))
        fail_msg("\"%s\" does not say \"%s\"", error, words);
    free(error);
}

static void whole_images_only(void **state) {
    (void)state;
    check_image(make_png(1, 1), "image/png", 1, 1);
    check_image(make_png(640, 480), "image/png", 640, 480);
    check_image(make_jpeg(640, 481), "image/jpeg", 640, 481);
    check_image(make_webp("VP8 ", lossy, sizeof lossy - 1), "image/webp", 37, 21);
    check_image(make_webp("VP8L", lossless, sizeof lossless - 1), "image/webp", 37, 21);
}

/* An extended WebP: its header, then the picture in a chunk of its own. */
static Buf make_extended(void) {
    Buf frame = make_webp("VP8 ", lossy, sizeof lossy - 1);
    Buf webp = make_webp("VP8X", extended, sizeof extended - 1);
    put(&webp, frame.data + 12, frame.length - 12);
    webp.data[4] = (char)(webp.length - 8);
    buf_free(&frame);
    return webp;
}

static void extended_webp(void **state) {
    (void)state;
    check_image(make_extended(), "image/webp", 37, 21);
}

static void what_follows_a_jpeg_is_fine(void **state) {
    (void)state;
    Buf jpeg = make_jpeg(8, 8);
    unsigned width, height;
    const char *mime;
    char *error;
    put(&jpeg, "a film of a second that the camera appended", 43);
    assert_true(probe(jpeg.data, jpeg.length, &width, &height, &mime, &error));
    buf_free(&jpeg);
}

static void limits_of_size(void **state) {
    (void)state;
    static const struct {
        unsigned width, height;
        bool fine;
    } sizes[] = {{20000, 20000, false},          {IMAGE_MAX_SIDE, 1, true},
                 {IMAGE_MAX_SIDE + 1, 1, false}, {1, IMAGE_MAX_SIDE + 1, false},
                 {10000, 10000, true},           {10001, 10000, false},
                 {0xFFFFFFFF, 0xFFFFFFFF, false}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        Buf png = make_png(sizes[i].width, sizes[i].height);
        unsigned width, height;
        const char *mime;
        char *error;
        if (sizes[i].fine)
            assert_true(probe(png.data, png.length, &width, &height, &mime, &error));
        else
            check_refused(png.data, png.length, "too large");
        buf_free(&png);
    }
    Buf none = make_png(0, 5);
    check_refused(none.data, none.length, "no pixels");
    buf_free(&none);
}

static void what_is_no_image(void **state) {
    (void)state;
    static const char text[] = "This is a letter and not an image at all.\n";
    check_refused("", 0, "empty");
    check_refused(text, sizeof text - 1, "not a PNG, JPEG or WebP");
    check_refused("GIF89a\1\0\1\0\0\0\0;", 14, "not a PNG, JPEG or WebP");
    check_refused("%PDF-1.7 and more bytes than a header", 37, "not a PNG, JPEG or WebP");
    check_refused("\x89PNG\r\n\x1a\n", 8, "");
}

static void sound_outline_without_a_picture(void **state) {
    (void)state;
    Buf png = make_png(4, 4);
    /* Without IDAT (offset 33, 12 + 13 bytes). */
    memmove(png.data + 33, png.data + 58, png.length - 58);
    check_refused(png.data, png.length - 25, "damaged");
    buf_free(&png);
    check_refused("\xff\xd8\xff\xd9\0\0\0\0\0\0", 10, "damaged");
    Buf jpeg = make_jpeg(4, 4);
    /* Without its scan (10 bytes of header, 5 of data, 2 of end marker): frame, then the end. */
    memmove(jpeg.data + jpeg.length - 17, "\xff\xd9", 2);
    check_refused(jpeg.data, jpeg.length - 15, "damaged");
    buf_free(&jpeg);
    Buf header = make_webp("VP8X", extended, sizeof extended - 1);
    check_refused(header.data, header.length, "damaged");
    buf_free(&header);
    Buf shorter = make_webp("VP8 ", lossy, sizeof lossy - 1);
    shorter.data[16]++; /* the chunk says that it is longer than the file */
    check_refused(shorter.data, shorter.length, "damaged");
    buf_free(&shorter);
    Buf webp = make_webp("ABCD", lossy, sizeof lossy - 1);
    check_refused(webp.data, webp.length, "damaged");
    buf_free(&webp);
}

/* No byte that is changed makes the probe read past the end (run under a memory checker). */
static void any_changed_byte_is_survived(void **state) {
    (void)state;
    static const unsigned char values[] = {0, 1, 0x7F, 0x80, 0xD9, 0xFE, 0xFF};
    Buf images[] = {make_png(3, 3), make_jpeg(3, 3), make_webp("VP8 ", lossy, sizeof lossy - 1),
                    make_webp("VP8L", lossless, sizeof lossless - 1), make_extended()};
    for (size_t i = 0; i < COUNT(images); i++) {
        for (size_t at = 0; at < images[i].length; at++) {
            char was = images[i].data[at];
            for (size_t j = 0; j < COUNT(values); j++) {
                unsigned width, height;
                const char *mime;
                char *error;
                images[i].data[at] = (char)values[j];
                if (!probe(images[i].data, images[i].length, &width, &height, &mime, &error))
                    free(error);
            }
            images[i].data[at] = was;
        }
        buf_free(&images[i]);
    }
}

/* Write a file for one test. */
static void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void files(void **state) {
    (void)state;
    char path[] = "/tmp/renderchain-test-XXXXXX";
    int fd = mkstemp(path);
    ImageFile image;
    char *error = NULL;
    assert_true(fd >= 0);
    close(fd);
    Buf png = make_png(5, 7);
    write_file(path, png.data, png.length);
    assert_true(image_file_read(&image, path, true, &error));
    assert_string_equal(image.mime, "image/png");
    assert_int_equal(image.length, png.length);
    char hex[65];
    sha256_hex(png.data, png.length, hex);
    assert_string_equal(image.sha256, hex);
    image_file_free(&image);
    buf_free(&png);

    write_file(path, "words", 5);
    assert_false(image_file_read(&image, path, true, &error));
    assert_non_null(strstr(error, path));
    assert_null(image.bytes);
    free(error);
    unlink(path);
    assert_false(image_file_read(&image, path, true, &error));
    assert_non_null(strstr(error, "could not open"));
    free(error);
    assert_false(image_file_read(&image, "/tmp", true, &error));
    assert_non_null(strstr(error, "directory"));
    free(error);
}

/* The example of FIPS 180-2, B.1. */
static void hashes(void **state) {
    (void)state;
    char hex[65];
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_images_only),
        cmocka_unit_test(extended_webp),
        cmocka_unit_test(what_follows_a_jpeg_is_fine),
        cmocka_unit_test(limits_of_size),
        cmocka_unit_test(what_is_no_image),
        cmocka_unit_test(sound_outline_without_a_picture),
        cmocka_unit_test(any_changed_byte_is_survived),
        cmocka_unit_test(files),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests_name("driver image_file", tests, NULL, NULL);
}
