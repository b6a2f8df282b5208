/* draw_plants.h - trees, shrubs and hedges around the building. */
#ifndef RENDERCHAIN_DRAW_PLANTS_H
#define RENDERCHAIN_DRAW_PLANTS_H

#include "scene_world.h"

/* Plant what the spec asks for, leaving the view of the building free. */
void plants_draw(World *world);

#endif
