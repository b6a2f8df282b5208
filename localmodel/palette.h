/* palette.h - the dominant colours of a picture. */
#ifndef RENDERCHAIN_PALETTE_H
#define RENDERCHAIN_PALETTE_H

#include "image_load.h"

enum { PALETTE_LEAST = 5, PALETTE_MOST = 8 };

typedef struct PaletteColour {
    Rgb rgb;
    Lab lab;
    float share;                   /* of the picture, 0 to 1 */
    float y;                       /* mean height in the picture: 0 top, 1 bottom */
    char entry[COLOUR_ENTRY_SIZE]; /* "name #rrggbb" */
} PaletteColour;

typedef struct Palette {
    PaletteColour colours[PALETTE_MOST];
    int count; /* PALETTE_LEAST to PALETTE_MOST; the largest share first */
} Palette;

/*
 * Find 5 to 8 colours by clustering in OKLab.  Names differ within one palette where the picture
 * allows.  The result is the same on every machine: no chance is involved.
 */
void palette_measure(const Raster *raster, Palette *palette);

#endif
