/*
 * scene_shadow.h - how much of the sun and of the sky a point sees.
 *
 * One depth map along the sun gives cast shadows; a set of small ones spread over the sky gives
 * soft ambient light, and with it the dark under eaves, in corners and below trees.
 */
#ifndef RENDERCHAIN_SCENE_SHADOW_H
#define RENDERCHAIN_SCENE_SHADOW_H

#include "scene_camera.h"
#include "scene_light.h"

#define DOME_MAPS 22
#define SHADOW_SEARCH 6 /* samples that look for what casts a shadow */
#define SHADOW_TAPS 12  /* samples of its edge */

typedef struct DepthMap {
    Vec3 right, up, to_light;
    float scale, cx, cy; /* texels a metre, centre */
    int size;
    float *depth;
} DepthMap;

typedef struct Shadows {
    DepthMap sun;
    DepthMap dome[DOME_MAPS];
    Vec3 dome_light[DOME_MAPS]; /* radiance of the sky there */
    float dome_weight;          /* makes a level, unobstructed surface see a share of 1 */
    Vec3 centre;
    float radius; /* outside this distance everything is lit */
    float search[SHADOW_SEARCH][2], taps[SHADOW_TAPS][2];
    float *pool; /* memory of all maps */
} Shadows;

/* Render the maps of everything within the radius; false without memory. */
bool shadows_make(Shadows *shadows, const Mesh *mesh, const Light *light, Vec3 centre,
                  float radius);
void shadows_free(Shadows *shadows);

/* 0 in full shadow .. 1 in the sun.  `turn` (0..1) varies the sampling from pixel to pixel. */
float shadows_sun(const Shadows *shadows, Vec3 point, Vec3 normal, float turn);

/* The light of the visible sky on a surface; *open is the share of its sky that is free. */
Vec3 shadows_sky(const Shadows *shadows, Vec3 point, Vec3 normal, float *open);

#endif
