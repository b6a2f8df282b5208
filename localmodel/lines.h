/* lines.h - what the lines of a picture tell of projection and camera. */
#ifndef RENDERCHAIN_LINES_H
#define RENDERCHAIN_LINES_H

#include "image_load.h"

typedef struct LineFacts {
    const char *perspective;  /* orthographic, perspective, isometric; static */
    const char *focal_length; /* wide, normal, telephoto; static */
    const char *camera_angle; /* eye-level, low, high, aerial; static */
    float upright;            /* share of edges that are exactly vertical */
    float level;              /* share of edges that are exactly horizontal */
    float slanted;            /* share of edges at 30 degrees, either way */
    float converge; /* tilt of near-vertical lines from side to side, radians; > 0: upwards */
    float straight; /* share of the picture's edges that lie on straight lines */
} LineFacts;

/* sky: share of the picture that is sky, which an aerial view has little of. */
void lines_measure(const Raster *raster, float sky, LineFacts *lines);

#endif
