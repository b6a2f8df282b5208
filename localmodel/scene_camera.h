/* scene_camera.h - from the world to pixels and back. */
#ifndef RENDERCHAIN_SCENE_CAMERA_H
#define RENDERCHAIN_SCENE_CAMERA_H

#include "scene.h"
#include "scene_mesh.h"

typedef struct Camera {
    bool parallel; /* orthographic or isometric */
    Vec3 eye;      /* a point on the image plane's axis when parallel */
    Vec3 right, up, forward;
    float focal;  /* pixels (perspective), pixels a metre (parallel) */
    float cx, cy; /* where the forward axis meets the image, pixels */
    float near;
    int width, height;
} Camera;

/* A box that the picture is composed around. */
typedef struct Bounds {
    Vec3 lo, hi;
} Bounds;

/* Stand so that the bounds fill the frame as an architectural photographer would frame them.
 * `azimuth` turns the viewpoint about the building (radians, positive shows its right side). */
Camera camera_compose(const SceneSpec *spec, Bounds bounds, float azimuth);

/* The view ray through a point of the image; the direction has unit length. */
void camera_ray(const Camera *camera, float x, float y, Vec3 *origin, Vec3 *direction);

/* Pixel of a point before the near plane; undefined behind it. */
static inline void camera_project(const Camera *c, Vec3 p, double *x, double *y) {
    Vec3 d = v_sub(p, c->eye);
    double depth = c->parallel ? 1.0 : (double)v_dot(d, c->forward);

    *x = c->cx + (double)c->focal * (double)v_dot(d, c->right) / depth;
    *y = c->cy - (double)c->focal * (double)v_dot(d, c->up) / depth;
}

/* The key plane of a face: a sample at (x, y) has key a x + b y + c, greater being nearer.
 * False when the face is seen edge-on. */
bool camera_key(const Camera *camera, const Face *face, double key[3]);

/* The metres that one pixel covers at a distance along the ray. */
static inline float camera_footprint(const Camera *c, float distance) {
    return c->parallel ? 1.0f / c->focal : distance / c->focal;
}

/* The same camera in a mirror lying at the height y. */
Camera camera_mirrored(const Camera *camera, float y);

#endif
