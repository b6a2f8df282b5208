/* image_load.h - JPEG, PNG and WebP bytes into pixels. */
#ifndef RENDERCHAIN_IMAGE_LOAD_H
#define RENDERCHAIN_IMAGE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "colour.h"

#define IMAGE_MAX_PIXELS (64u * 1000 * 1000) /* of the encoded image; larger ones are refused */
#define IMAGE_MAX_SIDE 30000                 /* pixels, likewise */

typedef struct Image {
    int width, height;           /* pixels, after reduction */
    int full_width, full_height; /* as encoded */
    uint8_t *rgb;                /* 3 bytes a pixel, rows without padding; owned */
    char *note;                  /* what an image drawn here says of itself, or NULL; owned */
} Image;

typedef struct ImageHeader {
    const char *mime; /* static */
    uint32_t width, height;
} ImageHeader;

/* Read kind and size from the first bytes, decoding nothing.  False where it is none of the three.
 */
bool image_header(const unsigned char *bytes, size_t length, ImageHeader *header);

/*
 * Decode an image whose longer side becomes at most `side` pixels.  Size limits are checked before
 * anything is decoded.  False with *why (static) where it is refused or broken; image_free() frees
 * the result.
 */
bool image_load(const unsigned char *bytes, size_t length, int side, Image *image, const char **why)
    __attribute__((warn_unused_result));
void image_free(Image *image);

/* The picture in OKLab at a longer side of at most `side` pixels, by averaging blocks. */
typedef struct Raster {
    int width, height;
    Lab *lab;
} Raster;

Raster raster_from_image(const Image *image, int side);
void raster_free(Raster *raster);

/*
 * Encode RGB pixels as PNG with `note` in a text chunk (or NULL).  False when that fails;
 * the caller frees *png with free().
 */
bool image_encode_png(const Image *image, const char *note, unsigned char **png, size_t *length)
    __attribute__((warn_unused_result));

#endif
