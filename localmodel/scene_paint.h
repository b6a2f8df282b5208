/* scene_paint.h - which colour of the palette goes where. */
#ifndef RENDERCHAIN_SCENE_PAINT_H
#define RENDERCHAIN_SCENE_PAINT_H

#include "scene_world.h"

/* Choose colours for walls, roof, door, plants, ground and sky from the palette of the spec. */
Paint paint_choose(const SceneSpec *spec);

/* Colour the sky and the air of a light with the palette's sky colour. */
void paint_sky(const Paint *paint, Light *light);

#endif
