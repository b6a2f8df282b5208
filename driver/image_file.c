/* For the functions of SHA-256 alone, which are older than what is recommended: that first reads
 * OpenSSL's configuration and looks for providers, for most of a millisecond. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "image_file.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Probe {
    const unsigned char *at;
    size_t length;
    unsigned width, height;
} Probe;

/* Read a big-endian number of up to 4 bytes. */
static unsigned long big(const unsigned char *at, int bytes) {
    unsigned long value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Read a little-endian number of up to 4 bytes. */
static unsigned long little(const unsigned char *at, int bytes) {
    unsigned long value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* Walk a PNG's chunks (ISO/IEC 15948, 5.3): IHDR comes first, IEND last. */
static bool probe_png(Probe *p) {
    size_t at = 8;
    bool data = false;
    if (p->length < 33 || memcmp(p->at + 12, "IHDR", 4) != 0)
        return false;
    p->width = (unsigned)big(p->at + 16, 4);
    p->height = (unsigned)big(p->at + 20, 4);
    while (p->length - at >= 12) {
        size_t size = big(p->at + at, 4);
        if (size > p->length - at - 12)
            return false;
        if (memcmp(p->at + at + 4, "IDAT", 4) == 0)
            data = true;
        if (memcmp(p->at + at + 4, "IEND", 4) == 0)
            return data;
        at += size + 12;
    }
    return false;
}

/* Is the marker a start of frame, which has the size (ITU T.81, table B.1)? */
static bool is_frame(unsigned marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/* Walk a JPEG's segments (ITU T.81, B.1.1) to its scan, then look for its end. */
static bool probe_jpeg(Probe *p) {
    size_t at = 2;
    bool frame = false, scan = false;
    while (p->length - at >= 4) {
        if (p->at[at] != 0xFF)
            return false;
        unsigned marker = p->at[at + 1];
        if (marker == 0xFF) {
            at++;
            continue;
        }
        size_t size = big(p->at + at + 2, 2);
        if (size < 2 || size > p->length - at - 2)
            return false;
        if (is_frame(marker) && size >= 8) {
            p->height = (unsigned)big(p->at + at + 5, 2);
            p->width = (unsigned)big(p->at + at + 7, 2);
            frame = true;
        }
        at += size + 2;
        if (marker == 0xDA) {
            scan = true;
            break;
        }
    }
    /* Cameras append data after the end marker, so it need not be the last two bytes. */
    for (size_t i = p->length - 2; frame && scan && i >= at; i--)
        if (p->at[i] == 0xFF && p->at[i + 1] == 0xD9)
            return true;
    return false;
}

/* Walk a WebP's chunks (RFC 9649, 2.3 to 2.7) to one that holds a picture, whole. */
static bool webp_has_picture(const unsigned char *at, size_t length) {
    while (length >= 8) {
        size_t size = little(at + 4, 4);
        if (size > length - 8)
            return false;
        if (memcmp(at, "VP8 ", 4) == 0 || memcmp(at, "VP8L", 4) == 0 || memcmp(at, "ANMF", 4) == 0)
            return true;
        size += 8 + (size & 1);
        if (size > length)
            return false;
        at += size;
        length -= size;
    }
    return false;
}

/* Read a WebP's container (RFC 9649, 2.5 to 2.7). */
static bool probe_webp(Probe *p) {
    size_t end = p->length < 30 ? 0 : little(p->at + 4, 4) + 8;
    if (end < 30 || end > p->length || !webp_has_picture(p->at + 12, end - 12))
        return false;
    const unsigned char *data = p->at + 20;
    if (memcmp(p->at + 12, "VP8X", 4) == 0) {
        p->width = (unsigned)little(data + 4, 3) + 1;
        p->height = (unsigned)little(data + 7, 3) + 1;
        return true;
    }
    if (memcmp(p->at + 12, "VP8L", 4) == 0 && data[0] == 0x2F) {
        unsigned long bits = little(data + 1, 4);
        p->width = (unsigned)(bits & 0x3FFF) + 1;
        p->height = (unsigned)(bits >> 14 & 0x3FFF) + 1;
        return true;
    }
    if (memcmp(p->at + 12, "VP8 ", 4) == 0 && memcmp(data + 3, "\x9d\x01\x2a", 3) == 0) {
        p->width = (unsigned)little(data + 6, 2) & 0x3FFF;
        p->height = (unsigned)little(data + 8, 2) & 0x3FFF;
        return true;
    }
    return false;
}

static const struct Format {
    const char *mime, *name;
    size_t offset;
    const char *magic;
    size_t magic_length;
    bool (*probe)(Probe *);
} formats[] = {
    {"image/png", "PNG", 0, "\x89PNG\r\n\x1a\n", 8, probe_png},
    {"image/jpeg", "JPEG", 0, "\xff\xd8\xff", 3, probe_jpeg},
    {"image/webp", "WebP", 8, "WEBP", 4, probe_webp},
};

/* Tell what the bytes are and whether all of it is there. */
bool image_probe(const char *bytes, size_t length, const char **mime, unsigned *width,
                 unsigned *height, char **error) {
    Probe probe = {(const unsigned char *)bytes, length, 0, 0};
    if (length == 0) {
        *error = mem_strdup("it is empty");
        return false;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct Format *format = &formats[i];
        if (length < format->offset + format->magic_length + 4 ||
            memcmp(bytes + format->offset, format->magic, format->magic_length) != 0)
            continue;
        if (!format->probe(&probe)) {
            *error = mem_printf("the %s data is truncated or damaged", format->name);
            return false;
        }
        if (probe.width == 0 || probe.height == 0) {
            *error = mem_printf("the %s image has no pixels", format->name);
            return false;
        }
        if (probe.width > IMAGE_MAX_SIDE || probe.height > IMAGE_MAX_SIDE ||
            (double)probe.width * probe.height > IMAGE_MAX_PIXELS) {
            *error = mem_printf("%u x %u pixels is too large: at most %d a side and %d in all",
                                probe.width, probe.height, IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS);
            return false;
        }
        *mime = format->mime;
        *width = probe.width;
        *height = probe.height;
        return true;
    }
    *error = mem_strdup("it is not a PNG, JPEG or WebP image");
    return false;
}

/* The same for bytes that may be in a file. */
bool image_probe_bytes(const Bytes *bytes, const char **mime, unsigned *width, unsigned *height,
                       char **error) {
    char *copy = bytes_data(bytes) ? NULL : bytes_all(bytes);
    const char *data = copy ? copy : bytes_data(bytes);
    bool ok = data && image_probe(data, bytes_length(bytes), mime, width, height, error);
    if (!data)
        *error = mem_strdup("the file that it is in cannot be read");
    free(copy);
    return ok;
}

/* Check bytes that are the image's. */
static bool check(ImageFile *image, const char *name, char **error) {
    char *why = NULL;
    image->length = bytes_length(image->bytes);
    if (!image_probe_bytes(image->bytes, &image->mime, &image->width, &image->height, &why)) {
        *error = mem_printf("%s cannot be used: %s", name, why);
        free(why);
        image_file_free(image);
        return false;
    }
    memcpy(image->sha256, bytes_sha256(image->bytes), sizeof image->sha256);
    return true;
}

/* Read and check a file. */
bool image_file_read(ImageFile *image, const char *path, bool regular, char **error) {
    *image = (ImageFile){.path = mem_strdup(path)};
    image->bytes = bytes_read_file(path, regular, IMAGE_FILE_MAXIMUM, error);
    if (!image->bytes) {
        image_file_free(image);
        return false;
    }
    char *name = mem_printf("image file \"%s\"", path);
    bool ok = check(image, name, error);
    free(name);
    return ok;
}

/* Check bytes that came from elsewhere. */
bool image_file_take(ImageFile *image, const char *name, Bytes *bytes, char **error) {
    *image = (ImageFile){.path = mem_strdup(name), .bytes = bytes};
    return check(image, name, error);
}

/* Free an image. */
void image_file_free(ImageFile *image) {
    free(image->path);
    bytes_free(image->bytes);
    *image = (ImageFile){0};
}

/* Hash bytes into lower-case hex. */
void sha256_hex(const void *bytes, size_t length, char hex[65]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, bytes, length);
    SHA256_Final(digest, &hash);
    hex_text(digest, sizeof digest, hex);
}
