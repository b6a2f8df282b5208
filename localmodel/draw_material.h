/* draw_material.h - what materials look like close up. */
#ifndef RENDERCHAIN_DRAW_MATERIAL_H
#define RENDERCHAIN_DRAW_MATERIAL_H

#include "scene_mesh.h"

typedef struct Texel {
    Vec3 albedo;
    float du, dv; /* slope of the surface */
    float gloss;  /* 0 matt .. 1 mirror */
    float metal;  /* 0..1: reflections take the colour */
} Texel;

/* The colour a material has when no palette asks for another. */
Vec3 material_colour(SceneMaterial material);

/* The surface at (u, v) metres, seen at `footprint` metres a pixel: finer detail is averaged. */
Texel material_texel(const Surface *surface, float u, float v, float footprint);

#endif
