/* scene_finish.h - from light to the finished picture: exposure, glow, grading, grain. */
#ifndef RENDERCHAIN_SCENE_FINISH_H
#define RENDERCHAIN_SCENE_FINISH_H

#include "scene_world.h"

#define FILM_GLOW 8 /* pixels a side of one cell of the glow */

/* The exposed picture before it is developed. */
typedef struct Film {
    int width, height;
    uint16_t (*pixels)[3]; /* tone-mapped, gamma-encoded, 0..65535 */
    int glow_width, glow_height;
    Vec3 *glow; /* light too bright for the film, in cells */
} Film;

bool film_make(Film *film, int width, int height);
void film_free(Film *film);

/* Expose one pixel to linear light. */
void film_expose(Film *film, int x, int y, Vec3 light, float exposure);

/* Develop into an RGB24 surface of the same size. */
void film_develop(Film *film, const World *world, cairo_surface_t *surface);

#endif
