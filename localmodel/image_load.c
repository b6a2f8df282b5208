/* The size is read from the header first: a small file can ask for gigabytes of pixels, and the
 * decoders would try.  Pictures drawn by this server say in a PNG text chunk what they show, as
 * image generators do; every other picture is known by its pixels alone. */
#include "image_load.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define NOTE_KEY "tEXt::renderchain"

static uint32_t big_endian(const unsigned char *at, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static uint32_t little_endian(const unsigned char *at, int bytes) {
    uint32_t value = 0;
    for (int i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* PNG: the IHDR chunk must come first. */
static bool png_header(const unsigned char *bytes, size_t length, ImageHeader *header) {
    if (length < 24 || memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(bytes + 12, "IHDR", 4))
        return false;
    *header = (ImageHeader){"image/png", big_endian(bytes + 16, 4), big_endian(bytes + 20, 4)};
    return true;
}

/* JPEG: walk the segments to the first that is wanted.  0 where there is none. */
static size_t jpeg_find(const unsigned char *bytes, size_t length, bool (*wanted)(unsigned char)) {
    for (size_t at = 2; at + 9 < length;) {
        unsigned char marker = bytes[at + 1];
        if (bytes[at] != 0xff)
            return 0;
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (wanted(marker))
            return at;
        if (marker == 0xd9 || marker == 0xda)
            return 0;
        bool bare = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
        at += bare ? 2 : 2 + big_endian(bytes + at + 2, 2);
    }
    return 0;
}

static bool is_frame(unsigned char marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool is_scan(unsigned char marker) {
    return marker == 0xda;
}

static bool jpeg_header(const unsigned char *bytes, size_t length, ImageHeader *header) {
    if (length < 4 || bytes[0] != 0xff || bytes[1] != 0xd8)
        return false;
    size_t at = jpeg_find(bytes, length, is_frame);
    if (at == 0)
        return false;
    *header =
        (ImageHeader){"image/jpeg", big_endian(bytes + at + 7, 2), big_endian(bytes + at + 5, 2)};
    return true;
}

/* WebP: simple lossy, lossless or extended. */
static bool webp_header(const unsigned char *bytes, size_t length, ImageHeader *header) {
    if (length < 30 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WEBP", 4) != 0)
        return false;
    const unsigned char *data = bytes + 20;
    *header = (ImageHeader){"image/webp", 0, 0};
    if (memcmp(bytes + 12, "VP8 ", 4) == 0 && memcmp(data + 3, "\x9d\x01\x2a", 3) == 0) {
        header->width = little_endian(data + 6, 2) & 0x3fff;
        header->height = little_endian(data + 8, 2) & 0x3fff;
    } else if (memcmp(bytes + 12, "VP8L", 4) == 0 && data[0] == 0x2f) {
        uint32_t bits = little_endian(data + 1, 4);
        header->width = (bits & 0x3fff) + 1;
        header->height = (bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(bytes + 12, "VP8X", 4) == 0) {
        header->width = little_endian(data + 4, 3) + 1;
        header->height = little_endian(data + 7, 3) + 1;
    } else {
        return false;
    }
    return true;
}

bool image_header(const unsigned char *bytes, size_t length, ImageHeader *header) {
    return png_header(bytes, length, header) || jpeg_header(bytes, length, header) ||
           webp_header(bytes, length, header);
}

/* Does the file go on to its end mark?  The decoders fill what is missing with grey. */
static bool is_whole(const unsigned char *bytes, size_t length, const ImageHeader *header) {
    if (strcmp(header->mime, "image/png") == 0)
        return memmem(bytes, length, "IEND", 4) != NULL;
    if (strcmp(header->mime, "image/webp") == 0)
        return (uint64_t)little_endian(bytes + 4, 4) + 8 <= length;
    /* Within a scan 0xff is always followed by zero or a marker, so this is no pixel. */
    size_t scan = jpeg_find(bytes, length, is_scan);
    return scan > 0 && memmem(bytes + scan, length - scan, "\xff\xd9", 2) != NULL;
}

/* Decode no larger than is needed. */
static void on_size(GdkPixbufLoader *loader, int width, int height, gpointer data) {
    int side = *(const int *)data;
    int longer = width > height ? width : height;
    if (longer > side) {
        int reduced_width = (int)((int64_t)width * side / longer);
        int reduced_height = (int)((int64_t)height * side / longer);
        gdk_pixbuf_loader_set_size(loader, reduced_width > 0 ? reduced_width : 1,
                                   reduced_height > 0 ? reduced_height : 1);
    }
}

/* Copy pixels, transparent ones over white. */
static void copy_pixels(const GdkPixbuf *pixbuf, Image *image) {
    int channels = gdk_pixbuf_get_n_channels(pixbuf), stride = gdk_pixbuf_get_rowstride(pixbuf);
    const guint8 *pixels = gdk_pixbuf_read_pixels(pixbuf);
    image->width = gdk_pixbuf_get_width(pixbuf);
    image->height = gdk_pixbuf_get_height(pixbuf);
    image->rgb = mem_new((size_t)image->width * (size_t)image->height, 3);
    uint8_t *to = image->rgb;
    for (int y = 0; y < image->height; y++) {
        const guint8 *from = pixels + (size_t)y * (size_t)stride;
        for (int x = 0; x < image->width; x++, from += channels, to += 3) {
            unsigned alpha = channels == 4 ? from[3] : 255;
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
}

/* Feed the decoder.  A new reference, or NULL where the bytes are broken or cut. */
static GdkPixbuf *decode(const unsigned char *bytes, size_t length, int side) {
    GdkPixbufLoader *loader = gdk_pixbuf_loader_new();
    GdkPixbuf *pixbuf = NULL;
    g_signal_connect(loader, "size-prepared", G_CALLBACK(on_size), &side);
    bool written = gdk_pixbuf_loader_write(loader, bytes, length, NULL);
    if (gdk_pixbuf_loader_close(loader, NULL) && written) {
        pixbuf = gdk_pixbuf_loader_get_pixbuf(loader);
        if (pixbuf)
            pixbuf = gdk_pixbuf_apply_embedded_orientation(pixbuf);
    }
    g_object_unref(loader);
    return pixbuf;
}

bool image_load(const unsigned char *bytes, size_t length, int side, Image *image,
                const char **why) {
    ImageHeader header;
    *image = (Image){0};
    if (!image_header(bytes, length, &header)) {
        *why = "it is not a JPEG, PNG or WebP image";
        return false;
    }
    if (header.width == 0 || header.height == 0) {
        *why = "it has no pixels";
        return false;
    }
    if (header.width > IMAGE_MAX_SIDE || header.height > IMAGE_MAX_SIDE ||
        (uint64_t)header.width * header.height > IMAGE_MAX_PIXELS) {
        *why = "it has more than 64 million pixels";
        return false;
    }
    if (!is_whole(bytes, length, &header)) {
        *why = "it is cut short";
        return false;
    }
    GdkPixbuf *pixbuf = decode(bytes, length, side);
    if (!pixbuf) {
        *why = "it cannot be decoded";
        return false;
    }
    const char *note = gdk_pixbuf_get_option(pixbuf, NOTE_KEY);
    image->note = note ? mem_copy(note, strlen(note)) : NULL;
    image->full_width = (int)header.width;
    image->full_height = (int)header.height;
    copy_pixels(pixbuf, image);
    g_object_unref(pixbuf);
    return true;
}

void image_free(Image *image) {
    free(image->rgb);
    free(image->note);
    *image = (Image){0};
}

/* The mean colour of a block. */
static Lab block_mean(const Image *image, int x0, int x1, int y0, int y1) {
    double l = 0, a = 0, b = 0;
    for (int y = y0; y < y1; y++) {
        const uint8_t *at = image->rgb + ((size_t)y * (size_t)image->width + (size_t)x0) * 3;
        for (int x = x0; x < x1; x++, at += 3) {
            Lab lab = colour_lab((Rgb){at[0], at[1], at[2]});
            l += lab.l, a += lab.a, b += lab.b;
        }
    }
    double count = (double)(x1 - x0) * (y1 - y0);
    return (Lab){(float)(l / count), (float)(a / count), (float)(b / count)};
}

Raster raster_from_image(const Image *image, int side) {
    int longer = image->width > image->height ? image->width : image->height;
    Raster raster = {image->width, image->height, NULL};
    if (longer > side) {
        raster.width = (int)((int64_t)image->width * side / longer);
        raster.height = (int)((int64_t)image->height * side / longer);
        raster.width = raster.width > 0 ? raster.width : 1;
        raster.height = raster.height > 0 ? raster.height : 1;
    }
    raster.lab = mem_new((size_t)raster.width * (size_t)raster.height, sizeof(Lab));
    for (int y = 0; y < raster.height; y++) {
        int y0 = (int)((int64_t)y * image->height / raster.height);
        int y1 = (int)((int64_t)(y + 1) * image->height / raster.height);
        for (int x = 0; x < raster.width; x++) {
            int x0 = (int)((int64_t)x * image->width / raster.width);
            int x1 = (int)((int64_t)(x + 1) * image->width / raster.width);
            raster.lab[(size_t)y * (size_t)raster.width + (size_t)x] =
                block_mean(image, x0, x1, y0, y1);
        }
    }
    return raster;
}

void raster_free(Raster *raster) {
    free(raster->lab);
    *raster = (Raster){0};
}

bool image_encode_png(const Image *image, const char *note, unsigned char **png, size_t *length) {
    GdkPixbuf *pixbuf =
        gdk_pixbuf_new_from_data(image->rgb, GDK_COLORSPACE_RGB, FALSE, 8, image->width,
                                 image->height, image->width * 3, NULL, NULL);
    gchar *buffer = NULL;
    gsize size = 0;
    /* Level 3: a third of the time of the best, a few percent larger. */
    bool ok =
        pixbuf && gdk_pixbuf_save_to_buffer(pixbuf, &buffer, &size, "png", NULL, "compression", "3",
                                            note ? NOTE_KEY : NULL, note, NULL);
    if (ok) {
        *png = mem_new(size, 1);
        memcpy(*png, buffer, size);
        *length = size;
    }
    g_free(buffer);
    if (pixbuf)
        g_object_unref(pixbuf);
    return ok;
}
