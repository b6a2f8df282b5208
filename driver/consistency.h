/* How near two memories are: the measure of whether a chain looks like one. */
#ifndef RC_CONSISTENCY_H
#define RC_CONSISTENCY_H

#include <jansson.h>
#include <stdbool.h>

#include "mem.h"

/* All values are 0 (nothing in common) to 1 (the same), -1 where neither memory
 * says anything about it. */
typedef struct Consistency {
    double score;     /* weighted mean of the parts that are known */
    double palette;   /* weight 4: each colour against the nearest of the other's, both ways */
    double materials; /* weight 3: shared names by all names (Jaccard) */
    double geometry;  /* weight 1.5: perspective, focalLength, cameraAngle that are equal */
    double style;     /* weight 1.5: lighting, material and architectural style that are equal */
} Consistency;

/* Compare two memories (pipelineMemory's shape). False where one is no memory, or
 * where they say nothing that could be compared. */
MUSTCHECK bool consistency_of(const json_t *before, const json_t *after, Consistency *result);

/* As a JSON object with the score and its parts, null where a part is not known. */
json_t *consistency_json(const Consistency *consistency);

#endif
