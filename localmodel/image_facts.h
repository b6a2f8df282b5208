/* image_facts.h - everything that is measured of one picture. */
#ifndef RENDERCHAIN_IMAGE_FACTS_H
#define RENDERCHAIN_IMAGE_FACTS_H

#include <jansson.h>

#include "light.h"
#include "lines.h"
#include "materials.h"
#include "palette.h"
#include "prompt_facts.h"

typedef struct ImageFacts {
    int width, height; /* as encoded */
    Palette palette;
    LightFacts light;
    LineFacts lines;
    Materials materials;
    bool drawn_here; /* the picture says what it shows; `said` holds it */
    Facts said;
} ImageFacts;

/* Decode and measure.  False with *why (static) where the bytes are no usable image. */
bool image_facts_measure(const unsigned char *bytes, size_t length, ImageFacts *facts,
                         const char **why) __attribute__((warn_unused_result));

/* The known values for the schemas of image_understanding and memory_extraction.  A new reference.
 */
json_t *image_facts_json(const ImageFacts *facts) __attribute__((warn_unused_result));

/* What the picture tells about a building, in the terms of prompts. */
void image_facts_as_prompt(const ImageFacts *image, Facts *facts);

#endif
