/*
 * scene_mesh.h - the geometry of a scene: flat convex faces and what they are made of.
 *
 * A face carries its own plane and texture axes, so that any pixel of it can be shaded exactly
 * from the view ray alone; nothing is interpolated.
 */
#ifndef RENDERCHAIN_SCENE_MESH_H
#define RENDERCHAIN_SCENE_MESH_H

#include "scene.h"
#include "scene_math.h"

#include <stdbool.h>
#include <stddef.h>

#define FACE_MAX_POINTS 16
#define MESH_MAX_SURFACES 96

/* How a surface is shaded. */
typedef enum SurfaceKind {
    SURFACE_SOLID,   /* a material under sun and sky */
    SURFACE_GLASS,   /* reflects the sky, shows a room behind it */
    SURFACE_LEAF,    /* lit once for the whole face */
    SURFACE_EMITTER, /* glows by itself when the lamps are on */
    SURFACE_WATER
} SurfaceKind;

typedef struct Surface {
    SurfaceKind kind;
    SceneMaterial material;
    Vec3 colour;   /* linear base colour */
    float scale;   /* of the texture; 1 is natural size */
    bool keep_dry; /* snow does not settle on it */
    uint32_t seed;
} Surface;

/* A glazed opening: what its interior looks like. */
typedef struct Pane {
    float cell_origin, cell_width; /* rooms along the wall */
    float floor, height;           /* of the storey it belongs to */
    uint32_t seed;
    bool curtains;
    bool always_lit;
    bool stained; /* coloured church glass */
} Pane;

typedef struct Face {
    uint32_t first;   /* index of its first point */
    uint8_t n;        /* points */
    uint8_t surface;  /* index into surfaces */
    uint8_t coverage; /* which of the 4 samples of a pixel it may cover: 15 is opaque */
    bool round;       /* part of a body of revolution: shaded smoothly about its axis */
    int32_t pane;     /* index into panes, or -1 */
    Vec3 normal, u, v;
    float offset; /* normal . point */
    Vec3 lit;     /* leaves: base colour before, radiance after lighting; round: the axis */
} Face;

typedef struct Mesh {
    Vec3 *points;
    size_t n_points, cap_points;
    Face *faces;
    size_t n_faces, cap_faces;
    Pane *panes;
    size_t n_panes, cap_panes;
    Surface surfaces[MESH_MAX_SURFACES];
    int n_surfaces;
    bool failed; /* out of memory: what was added since is missing */
} Mesh;

/* A local frame: u to the right, v up, w out of a wall. */
typedef struct Frame {
    Vec3 o, u, v, w;
} Frame;

static inline Vec3 frame_at(const Frame *f, float u, float v, float w) {
    return v_mad(v_mad(v_mad(f->o, f->u, u), f->v, v), f->w, w);
}

void mesh_free(Mesh *mesh);

/* Add a surface and return its index; when the table is full the last one is returned. */
int mesh_surface(Mesh *mesh, Surface surface);
int mesh_pane(Mesh *mesh, Pane pane);

/* Add a flat convex polygon; returns the face or NULL (degenerate or no memory). */
Face *mesh_polygon(Mesh *mesh, int surface, const Vec3 *points, int n);
Face *mesh_quad(Mesh *mesh, int surface, Vec3 a, Vec3 b, Vec3 c, Vec3 d);
void mesh_triangle(Mesh *mesh, int surface, Vec3 a, Vec3 b, Vec3 c);

/* An axis-aligned box between two corners, and one in a frame's coordinates. */
void mesh_box(Mesh *mesh, int surface, Vec3 lo, Vec3 hi);
void mesh_frame_box(Mesh *mesh, int surface, const Frame *frame, Vec3 lo, Vec3 hi);

/* An upright round (n-sided) body from (x, y0, z) radius r0 to y1 radius r1, with a top cap. */
void mesh_column(Mesh *mesh, int surface, Vec3 foot, float height, float r0, float r1, int sides);

/* A bar of square section of the given thickness from a to b. */
void mesh_bar(Mesh *mesh, int surface, Vec3 a, Vec3 b, float thick_a, float thick_b, int sides);

/* The body of revolution of a profile of n points (x = radius, y = height) about (c.x, c.z). */
void mesh_lathe(Mesh *mesh, int surface, Vec3 c, const float (*profile)[2], int n, int sides,
                float turn);

#endif
