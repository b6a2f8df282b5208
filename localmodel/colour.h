/* colour.h - sRGB and OKLab, and the names people give to colours. */
#ifndef RENDERCHAIN_LOCALMODEL_COLOUR_H
#define RENDERCHAIN_LOCALMODEL_COLOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Rgb {
    uint8_t r, g, b; /* sRGB */
} Rgb;

/* OKLab (Ottosson, "A perceptual color space for image processing", 2020): l is 0 to 1. */
typedef struct Lab {
    float l, a, b;
} Lab;

Lab colour_lab(Rgb rgb);
Rgb colour_rgb(Lab lab); /* clipped to the sRGB gamut */
float colour_chroma(Lab lab);
float colour_hue(Lab lab);               /* degrees, 0 <= hue < 360 */
float colour_distance(Lab one, Lab two); /* euclidean; 0.02 is just seen side by side */

/* The name of the table that is nearest to the eye; static. */
const char *colour_name(Rgb rgb);
/* The nearest name that is not among those taken; static. */
const char *colour_name_other(Rgb rgb, const char *const *taken, size_t count);

/* The colour of a name ("cream"), exactly and in lower case.  False where it is none. */
bool colour_find(const char *name, Rgb *rgb);

/* How many names there are, and the i-th, for whoever searches texts for them. */
size_t colour_name_count(void);
const char *colour_name_at(size_t i, Rgb *rgb);

/* Read a palette entry: "deep navy #1f2a44", "#1f2a44" or a bare name.  False where it is none. */
bool colour_parse(const char *entry, Rgb *rgb);

#define COLOUR_ENTRY_SIZE 48
/* Write "name #rrggbb". */
void colour_entry(Rgb rgb, const char *name, char entry[COLOUR_ENTRY_SIZE]);

#endif
