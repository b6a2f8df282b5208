/* draw_surface.h - the colour of a point of a face, of the ground, of glass and of water. */
#ifndef RENDERCHAIN_DRAW_SURFACE_H
#define RENDERCHAIN_DRAW_SURFACE_H

#include "draw_material.h"
#include "scene_world.h"

/* A point seen by the viewer. */
typedef struct Hit {
    Vec3 point, normal, direction; /* normal turned to the viewer; direction of the view ray */
    float distance, footprint;     /* metres; metres a pixel */
    float turn;                    /* 0..1, varies from pixel to pixel */
    float x, y;                    /* in the image, pixels */
    float shade;                   /* of things that are not built: 0 none .. 1 full */
} Hit;

/* Light a textured point by sun, sky, ground and lamps. */
Vec3 surface_light(const World *world, const Hit *hit, Texel texel);

/* The colour of a face where the view ray meets it, before haze. */
Vec3 surface_colour(const World *world, const Face *face, Hit *hit);

/* Light all leaves of the mesh once (see SURFACE_LEAF). */
void surface_light_leaves(World *world);

/* Window glass (draw_glass.c). */
Vec3 glass_colour(const World *world, const Face *face, const Hit *hit);

/* The ground where the ray meets the level y = 0 (draw_ground.c), before haze. */
Vec3 ground_colour(const World *world, const Hit *hit);

/* Still or rippled water at a point; `depth` 0..1 darkens it (draw_ground.c). */
Vec3 water_colour(const World *world, const Hit *hit, Vec3 body);

#endif
