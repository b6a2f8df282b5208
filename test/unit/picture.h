/* picture.h - small pictures made in the test itself, and cmocka's headers. */
#ifndef RENDERCHAIN_TEST_PICTURE_H
#define RENDERCHAIN_TEST_PICTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <stdlib.h>
#include <string.h>

#include "image_facts.h"
#include "ranges.h"
#include "text.h"

typedef struct Bytes {
    unsigned char *data;
    size_t length;
} Bytes;

/* A picture of one colour. */
static inline Image picture_new(int width, int height, unsigned rgb) {
    Image image = {.width = width, .height = height, .full_width = width, .full_height = height};
    image.rgb = mem_new((size_t)width * (size_t)height, 3);
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++) {
        image.rgb[3 * i] = (uint8_t)(rgb >> 16);
        image.rgb[3 * i + 1] = (uint8_t)(rgb >> 8);
        image.rgb[3 * i + 2] = (uint8_t)rgb;
    }
    return image;
}

/* A filled rectangle. */
static inline void picture_fill(Image *image, int x0, int y0, int x1, int y1, unsigned rgb) {
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            uint8_t *at = image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
            at[0] = (uint8_t)(rgb >> 16);
            at[1] = (uint8_t)(rgb >> 8);
            at[2] = (uint8_t)rgb;
        }
    }
}

/* A line, smooth as a camera would see it. */
static inline void picture_line(Image *image, double x0, double y0, double x1, double y1) {
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, image->width, image->height);
    cairo_t *cr = cairo_create(surface);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    cairo_set_line_width(cr, 4);
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
    cairo_surface_flush(surface);
    for (int y = 0; y < image->height; y++) {
        const uint32_t *row =
            (const uint32_t *)(const void *)(cairo_image_surface_get_data(surface) +
                                             y * cairo_image_surface_get_stride(surface));
        for (int x = 0; x < image->width; x++) {
            uint8_t *at = image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
            uint8_t ink = (uint8_t)row[x];
            for (int c = 0; c < 3; c++)
                at[c] = at[c] < ink ? at[c] : ink;
        }
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
}

/* Encode as "png", "jpeg" ... by gdk-pixbuf. */
static inline Bytes picture_encode(const Image *image, const char *type) {
    GdkPixbuf *pixbuf =
        gdk_pixbuf_new_from_data(image->rgb, GDK_COLORSPACE_RGB, FALSE, 8, image->width,
                                 image->height, image->width * 3, NULL, NULL);
    gchar *buffer = NULL;
    gsize length = 0;
    assert_true(gdk_pixbuf_save_to_buffer(pixbuf, &buffer, &length, type, NULL, NULL));
    Bytes bytes = {mem_new(length, 1), length};
    memcpy(bytes.data, buffer, length);
    g_free(buffer);
    g_object_unref(pixbuf);
    return bytes;
}

/* Everything measured of a picture. */
static inline ImageFacts picture_measure(const Image *image) {
    Bytes png = picture_encode(image, "png");
    ImageFacts facts;
    const char *why = "";
    assert_true(image_facts_measure(png.data, png.length, &facts, &why));
    free(png.data);
    return facts;
}

/* Is a word part of any name in the palette? */
static inline bool palette_has(const Palette *palette, const char *word) {
    for (int i = 0; i < palette->count; i++)
        if (strstr(palette->colours[i].entry, word))
            return true;
    return false;
}

#endif
