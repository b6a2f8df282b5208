/* draw_weather.h - what falls between the viewer and the scene. */
#ifndef RENDERCHAIN_DRAW_WEATHER_H
#define RENDERCHAIN_DRAW_WEATHER_H

#include "scene_world.h"

/* Draw falling rain or snow over the finished picture. */
void weather_draw(const World *world, cairo_surface_t *surface);

#endif
