/* Colours as a palette holds them, "deep navy #1f2a44", and how far apart two look. */
#ifndef RC_COLOUR_H
#define RC_COLOUR_H

#include <jansson.h>
#include <stdbool.h>

#include "mem.h"

typedef struct Colour {
    char name[64];                  /* lower case, without the value, cut to fit; may be "" */
    bool measured;                  /* false: only the name is known */
    unsigned char red, green, blue; /* sRGB */
} Colour;

/* Bjorn Ottosson's perceptual space ("A perceptual color space for image processing", 2020):
 * equal distances look equally different; black to white is 1, a just visible step about 0.02. */
typedef struct Oklab {
    double lightness, a, b;
} Oklab;

/* Read a palette entry. False where it is neither a name nor a value. */
MUSTCHECK bool colour_parse(const char *entry, Colour *colour);

Oklab oklab_from_srgb(unsigned char red, unsigned char green, unsigned char blue);
double oklab_distance(Oklab one, Oklab other);

/* How different two palette entries are, 0 (the same) to 1 (nothing in common): by OKLab
 * where both are measured, else by name. */
double colour_difference(const Colour *one, const Colour *other);

/* A palette as text for a terminal: a 24-bit block before each name (swatches only: no
 * names) where colour is allowed, else names with values. The caller frees it. */
char *palette_text(const json_t *palette, bool colour, bool names);

#endif
