/*
 * scene_camera.c - composition and projection.
 *
 * Eye-level views keep verticals vertical, as a shift lens does: the axis stays level and the image
 * plane is moved.  The distance decides how strong the perspective is, then the focal length is
 * chosen so that the building fills its share of the frame.
 */
#include "scene_camera.h"

#include <float.h>

/* What a view means for the viewpoint. */
typedef struct ViewRule {
    bool parallel;
    float eye;      /* height of the eye: metres when positive, share of the size when negative */
    float pitch;    /* radians, up is positive */
    float azimuth;  /* times the seed's azimuth */
    float distance; /* times the size of the building */
    float horizon;  /* where the ground line wants to be, share of the height from the top */
} ViewRule;

static const ViewRule view_rules[VIEW_COUNT] = {
    [VIEW_EYE_LEVEL] = {false, 1.65f, 0.0f, 1.0f, 1.25f, 0.64f},
    [VIEW_FRONTAL] = {false, 1.65f, 0.0f, 0.0f, 1.35f, 0.63f},
    [VIEW_LOW] = {false, 0.55f, 0.20f, 1.15f, 0.85f, 0.80f},
    [VIEW_AERIAL] = {false, -0.95f, -0.56f, 1.1f, 1.5f, 0.5f},
    [VIEW_ISOMETRIC] = {true, 0.0f, -0.6155f, 0.0f, 4.0f, 0.5f},
    [VIEW_ELEVATION] = {true, 0.0f, 0.0f, 0.0f, 4.0f, 0.70f},
};

static const float lens_distance[LENS_COUNT] = {1.0f, 0.72f, 1.0f, 2.1f};

/* Turn the axes to look along the azimuth and pitch. */
static void aim(Camera *c, float azimuth, float pitch) {
    Vec3 level = v3(-sinf(azimuth), 0, cosf(azimuth));

    c->right = v3(cosf(azimuth), 0, sinf(azimuth));
    c->forward = v3(level.x * cosf(pitch), sinf(pitch), level.z * cosf(pitch));
    c->up = v3(-level.x * sinf(pitch), cosf(pitch), -level.z * sinf(pitch));
}

/* The image rectangle that the bounds cover: x0, y0, x1, y1. */
static void cover(const Camera *c, Bounds b, double rect[4]) {
    rect[0] = rect[1] = DBL_MAX;
    rect[2] = rect[3] = -DBL_MAX;
    for (int i = 0; i < 8; i++) {
        Vec3 p = v3(i & 1 ? b.hi.x : b.lo.x, i & 2 ? b.hi.y : b.lo.y, i & 4 ? b.hi.z : b.lo.z);
        double x, y;

        camera_project(c, p, &x, &y);
        rect[0] = fmin(rect[0], x);
        rect[1] = fmin(rect[1], y);
        rect[2] = fmax(rect[2], x);
        rect[3] = fmax(rect[3], y);
    }
}

/* Choose the focal length so that the bounds take their share, then shift them into place. */
static void frame(Camera *c, Bounds bounds, const ViewRule *rule) {
    double rect[4];
    float w = (float)c->width, h = (float)c->height;
    float aspect = w / h;
    bool from_above = rule->pitch < -0.3f;
    float share_w = rule->parallel && from_above ? 0.90f
                    : aspect < 0.9f              ? 0.86f
                    : aspect < 1.2f              ? 0.76f
                                                 : 0.66f;
    float share_h = rule->parallel && from_above ? 0.86f
                    : from_above                 ? 0.70f
                    : rule->pitch > 0.1f         ? 0.78f
                    : bounds.hi.y > 40.0f        ? 0.79f
                                                 : 0.70f;

    c->focal = 1.0f;
    c->cx = c->cy = 0.0f;
    cover(c, bounds, rect);
    c->focal =
        minf(share_w * w / (float)(rect[2] - rect[0]), share_h * h / (float)(rect[3] - rect[1]));
    c->cx = 0.5f * w - c->focal * 0.5f * (float)(rect[0] + rect[2]);
    if (from_above) {
        c->cy = 0.49f * h - c->focal * 0.5f * (float)(rect[1] + rect[3]);
        return;
    }

    /* The foot of the building: on its line for wide formats, lower where it is high or the frame
     * is upright, and always with a tenth of sky above it. */
    float top = c->focal * (float)rect[1], foot = c->focal * (float)rect[3];
    float line = maxf(rule->horizon, 0.60f);
    float slack = 0.095f * h;

    c->cy = rule->parallel ? line * h + 0.06f * h : line * h;
    if (c->cy + top < slack)
        c->cy = slack - top;
    if (c->cy + foot > 0.885f * h)
        c->cy = 0.885f * h - foot;
    if (aspect < 1.2f && c->cy + foot < 0.74f * h) /* upright: more sky than ground */
        c->cy = minf(0.74f * h - foot, 0.72f * h);
}

Camera camera_compose(const SceneSpec *spec, Bounds bounds, float azimuth) {
    const ViewRule *rule = &view_rules[spec->view];
    Vec3 size = v_sub(bounds.hi, bounds.lo);
    Vec3 centre = v_mix(bounds.lo, bounds.hi, 0.5f);
    float extent = maxf(maxf(size.x, 0.75f * size.z), 0.95f * size.y) + 4.0f;
    float distance = extent * rule->distance * lens_distance[spec->lens] + 0.4f * size.z;
    Camera c = {.parallel = rule->parallel, .width = spec->width, .height = spec->height};
    float turn = spec->view == VIEW_ISOMETRIC ? (azimuth < 0 ? -PI_F / 4 : PI_F / 4)
                                              : azimuth * rule->azimuth;

    aim(&c, turn, rule->pitch);

    float eye = rule->eye < 0 ? -rule->eye * distance * 0.62f + 0.5f * size.y : rule->eye;
    Vec3 level = v_norm(v3(c.forward.x, 0, c.forward.z));

    c.eye = v_mad(v3(centre.x, 0, centre.z), level, -distance);
    c.eye.y = eye;
    if (rule->parallel)
        c.eye = v_mad(v3(centre.x, 0.5f * size.y, centre.z), c.forward, -distance * 2.0f);
    if (spec->view == VIEW_ELEVATION)
        c.eye.y = 0.0f;
    c.near = 0.3f;
    frame(&c, bounds, rule);
    return c;
}

void camera_ray(const Camera *c, float x, float y, Vec3 *origin, Vec3 *direction) {
    float u = (x - c->cx) / c->focal, v = (c->cy - y) / c->focal;

    if (c->parallel) {
        *origin = v_mad(v_mad(c->eye, c->right, u), c->up, v);
        *direction = c->forward;
    } else {
        *origin = c->eye;
        *direction = v_norm(v_mad(v_mad(c->forward, c->right, u), c->up, v));
    }
}

bool camera_key(const Camera *c, const Face *face, double key[3]) {
    double nf = v_dot(face->normal, c->forward), nr = v_dot(face->normal, c->right);
    double nu = v_dot(face->normal, c->up);
    double height = (double)face->offset - (double)v_dot(face->normal, c->eye);
    double inv = 1.0 / c->focal;

    if (c->parallel) { /* depth = (height - u nr - v nu) / nf; the key is minus that */
        if (fabs(nf) < 1e-6)
            return false;
        key[0] = nr * inv / nf;
        key[1] = -nu * inv / nf;
        key[2] = -height / nf - key[0] * c->cx - key[1] * c->cy;
        return true;
    }
    if (fabs(height) < 1e-5) /* 1 / depth = (nf + u nr + v nu) / height */
        return false;
    key[0] = nr * inv / height;
    key[1] = -nu * inv / height;
    key[2] = nf / height - key[0] * c->cx - key[1] * c->cy;
    return true;
}

Camera camera_mirrored(const Camera *camera, float y) {
    Camera c = *camera;

    c.eye.y = 2.0f * y - c.eye.y;
    c.right.y = -c.right.y;
    c.up.y = -c.up.y;
    c.forward.y = -c.forward.y;
    return c;
}
