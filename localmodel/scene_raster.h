/*
 * scene_raster.h - which face is seen at which sample.
 *
 * A visibility buffer: each sample keeps only a face and its nearness.  Each row of the buffer is
 * one line of samples; four lines, each shifted sideways, make one row of pixels.
 */
#ifndef RENDERCHAIN_SCENE_RASTER_H
#define RENDERCHAIN_SCENE_RASTER_H

#include "scene_camera.h"

#define SAMPLES 4

/* Where the samples of a pixel lie: a turned grid. */
extern const float sample_x[SAMPLES];

/* A face made ready for the image: its outline in pixels and its key plane. */
typedef struct Outline {
    uint32_t face;
    uint16_t n;
    uint32_t first; /* into the list of points */
    double y0, y1;
    double key[3];
} Outline;

typedef struct Outlines {
    Outline *list;
    size_t n;
    double (*points)[2];
} Outlines;

/* Project all faces; false without memory.  Free with outlines_free(). */
bool outlines_make(Outlines *outlines, const Mesh *mesh, const Camera *camera);
void outlines_free(Outlines *outlines);

/* A band of `rows` pixel rows from `y`: face numbers plus one, 0 where there is none. */
typedef struct Band {
    int width, rows, y;
    uint32_t *id;
    float *key;
} Band;

bool band_make(Band *band, int width, int rows);
void band_free(Band *band);
void band_fill(Band *band, int y, const Outlines *outlines, const Mesh *mesh);

/* Draw a convex outline into a depth map of one sample a texel: greater keys win. */
void raster_depth(float *map, int size, const double (*points)[2], int n, const double key[3]);

#endif
