#include "mask.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Read a mask's brightness: a byte a pixel. What is transparent in it counts as black. */
static png_byte *read_grey(const char *bytes, size_t length, png_image *image, char **error) {
    static const png_color black = {0, 0, 0};
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(image, bytes, length)) {
        *error = mem_printf("the mask cannot be read as PNG: %s", image->message);
        return NULL;
    }
    image->format = PNG_FORMAT_GRAY;
    png_byte *grey = mem_alloc(PNG_IMAGE_SIZE(*image));
    if (png_image_finish_read(image, &black, grey, 0, NULL))
        return grey;
    *error = mem_printf("the mask cannot be read as PNG: %s", image->message);
    png_image_free(image);
    free(grey);
    return NULL;
}

/* Write grey pixels with their transparency as PNG. */
static char *write_alpha(const png_byte *pixels, unsigned width, unsigned height, size_t *made,
                         char **error) {
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_GA};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    char *png = mem_alloc(size);
    if (!png_image_write_to_memory(&image, png, &size, 0, pixels, 0, NULL)) {
        *error = mem_printf("the mask cannot be written: %s", image.message);
        free(png);
        return NULL;
    }
    *made = size;
    return png;
}

/* Turn white into transparency, at another size. */
char *mask_to_alpha(const char *bytes, size_t length, unsigned width, unsigned height, size_t *made,
                    char **error) {
    png_image mask;
    png_byte *grey = read_grey(bytes, length, &mask, error);
    if (!grey)
        return NULL;
    png_byte *pixels = mem_alloc((size_t)width * height * 2);
    png_byte *to = pixels;
    for (size_t y = 0; y < height; y++) {
        const png_byte *row = grey + y * mask.height / height * mask.width;
        for (size_t x = 0; x < width; x++) {
            *to++ = 0;
            *to++ = (png_byte)(255 - row[x * mask.width / width]);
        }
    }
    char *png = write_alpha(pixels, width, height, made, error);
    free(pixels);
    free(grey);
    return png;
}
