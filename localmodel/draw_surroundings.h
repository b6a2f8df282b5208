/* draw_surroundings.h - the way to the door, neighbours, people, cars and lamps. */
#ifndef RENDERCHAIN_DRAW_SURROUNDINGS_H
#define RENDERCHAIN_DRAW_SURROUNDINGS_H

#include "scene_world.h"

/* Put around the building what the spec asks for; the camera must stand already. */
void surroundings_draw(World *world);

#endif
