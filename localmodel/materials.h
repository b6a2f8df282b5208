/* materials.h - what the surfaces in a picture may be made of. */
#ifndef RENDERCHAIN_MATERIALS_H
#define RENDERCHAIN_MATERIALS_H

#include "image_load.h"
#include "light.h"

enum { MATERIALS_MOST = 6 };

typedef struct MaterialShare {
    const char *name; /* static */
    float share;      /* of the picture without its sky */
} MaterialShare;

typedef struct Materials {
    MaterialShare items[MATERIALS_MOST]; /* the largest share first */
    int count;
    float vegetation, snow, warm_roof, lacquer, ornament, smooth; /* shares, to guess a style by */
} Materials;

void materials_measure(const Raster *raster, const LightFacts *light, Materials *materials);

#endif
