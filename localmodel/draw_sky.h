/* draw_sky.h - the sky with clouds, sun, moon and stars, and what stands at the horizon. */
#ifndef RENDERCHAIN_DRAW_SKY_H
#define RENDERCHAIN_DRAW_SKY_H

#include "scene_world.h"

/* The colour seen in a direction above the ground; `pixel` is the angle of one pixel. */
Vec3 sky_colour(const World *world, Vec3 direction, float pixel);

/* A cheaper sky for reflections: soft, with a dark band of trees at the horizon. */
Vec3 sky_reflection(const World *world, Vec3 direction);

/* The direction to look up for a point of the image in parallel projections, whose own rays do
 * not spread over the sky. */
Vec3 sky_direction(const World *world, float x, float y);

/* The plain backdrop of a model shown in isometric view; y is 0 at the top, 1 at the bottom. */
Vec3 sky_backdrop(const World *world, float x, float y);

#endif
