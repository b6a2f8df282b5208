/* validate.h - does an image show what was asked for? */
#ifndef RENDERCHAIN_VALIDATE_H
#define RENDERCHAIN_VALIDATE_H

#include <jansson.h>

#include "image_facts.h"
#include "prompt_facts.h"

/* What was asked, as far as an image can be held against it. */
typedef struct Wanted {
    Facts facts;
    double aspect; /* width over height; 0: not said */
} Wanted;

/* {"valid", "score", "errors", "warnings", "corrections"}.  A new reference. */
json_t *validate_image(const ImageFacts *image, const Wanted *wanted)
    __attribute__((warn_unused_result));

#endif
