/* What the unit tests of the driver share: cmocka's headers, and bytes of small images. */
#ifndef RC_DRIVER_TEST_H
#define RC_DRIVER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "body.h"
#include "files.h"
#include "ranges.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Append bytes to a buffer that is large enough. */
static inline void put(Buf *buf, const void *bytes, size_t length) {
    assert_true(buf_append(buf, bytes, length));
}

/* Append a big-endian number. */
static inline void put_big(Buf *buf, unsigned long value, int bytes) {
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(value >> 8 * bytes);
        put(buf, &byte, 1);
    }
}

/* Append a PNG chunk with its CRC (ISO/IEC 15948, 5.3 and annex D). */
static inline void put_chunk(Buf *buf, const char *type, const void *bytes, size_t length) {
    size_t start = buf->length + 4;
    put_big(buf, length, 4);
    put(buf, type, 4);
    put(buf, bytes, length);
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = start; i < buf->length; i++) {
        crc ^= (unsigned char)buf->data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    put_big(buf, crc ^ 0xFFFFFFFF, 4);
}

/* Bytes that are a copy of others. */
static inline Bytes *bytes_of(const void *from, size_t length) {
    char *copy = mem_alloc(length + 1);
    if (length)
        memcpy(copy, from, length);
    return bytes_new(copy, length);
}

/* Write a file, whole or not at all. */
static inline bool write_whole(const char *path, const void *data, size_t length, char **error) {
    Bytes *bytes = bytes_of(data, length);
    bool ok = file_write(path, bytes, error);
    bytes_free(bytes);
    return ok;
}

/* All that a body sends, as a text; the body is freed. */
static inline char *body_text(Body *body) {
    size_t length = body_length(body);
    char *text = mem_alloc(length + 1);
    assert_int_equal(body_read(body, 0, text, length), length);
    body_free(body);
    return text;
}

/* Bytes in base64. */
static inline char *base64_of(const void *bytes, size_t length) {
    Body *body = body_new(64 << 20);
    Bytes *held = bytes_of(bytes, length);
    assert_true(body_append_base64(body, held));
    char *text = body_text(body);
    bytes_free(held);
    return text;
}

/* Make a grey PNG whose header has the size given; its data is that of one pixel. */
static inline Buf make_png(unsigned width, unsigned height) {
    static const unsigned char pixel[] = {0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 0, 0, 2, 0, 1};
    Buf png, header;
    buf_init(&png, 4096);
    buf_init(&header, 64);
    put(&png, "\x89PNG\r\n\x1a\n", 8);
    put_big(&header, width, 4);
    put_big(&header, height, 4);
    put(&header, "\x08\0\0\0\0", 5);
    put_chunk(&png, "IHDR", header.data, header.length);
    put_chunk(&png, "IDAT", pixel, sizeof pixel);
    put_chunk(&png, "IEND", "", 0);
    buf_free(&header);
    return png;
}

/* Append a JPEG segment (ITU T.81, B.1.1.4). */
static inline void put_segment(Buf *buf, int marker, const void *bytes, size_t length) {
    put_big(buf, 0xFF00 | (unsigned)marker, 2);
    put_big(buf, length + 2, 2);
    put(buf, bytes, length);
}

/* Make the outline of a JPEG: all segments in order, with a scan of a few bytes. An end
 * marker stands inside the first segment, as in the small picture that cameras put there. */
static inline Buf make_jpeg(unsigned width, unsigned height) {
    Buf jpeg, frame;
    buf_init(&jpeg, 4096);
    buf_init(&frame, 64);
    put(&jpeg, "\xff\xd8", 2);
    put_segment(&jpeg, 0xE1, "Exif\0\0\xff\xd8\xff\xd9", 10);
    put_segment(&jpeg, 0xDB, "\0aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
                65);
    put(&frame, "\x08", 1);
    put_big(&frame, height, 2);
    put_big(&frame, width, 2);
    put(&frame, "\x01\x01\x11\0", 4);
    put_segment(&jpeg, 0xC0, frame.data, frame.length);
    put_segment(&jpeg, 0xC4, "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 18);
    put_segment(&jpeg, 0xDA, "\1\1\0\0\x3f\0", 6);
    put(&jpeg, "\x12\xff\0\x34\x56", 5);
    put(&jpeg, "\xff\xd9", 2);
    buf_free(&frame);
    return jpeg;
}

/* Make a WebP file of one chunk (RFC 9649, 2.5 to 2.7). */
static inline Buf make_webp(const char *type, const void *bytes, size_t length) {
    Buf webp;
    unsigned char sizes[2][4];
    size_t padded = length + (length & 1);
    for (int i = 0; i < 4; i++) {
        sizes[0][i] = (unsigned char)((padded + 12) >> 8 * i);
        sizes[1][i] = (unsigned char)(length >> 8 * i);
    }
    buf_init(&webp, 4096);
    put(&webp, "RIFF", 4);
    put(&webp, sizes[0], 4);
    put(&webp, "WEBP", 4);
    put(&webp, type, 4);
    put(&webp, sizes[1], 4);
    put(&webp, bytes, length);
    put(&webp, "", padded - length);
    return webp;
}

#endif
