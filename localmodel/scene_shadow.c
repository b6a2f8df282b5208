/* scene_shadow.c - depth maps and their lookup. */
#include "scene_shadow.h"

#include "scene_raster.h"

#include <stdlib.h>

#define SUN_SIZE 1440
#define DOME_SIZE 224
#define FAR_AWAY (-1e30f)

/* Axes across the light. */
static void aim(DepthMap *map, Vec3 to_light, Vec3 centre, float radius, int size) {
    map->to_light = to_light;
    map->right = v_norm(v_cross(fabsf(to_light.y) > 0.95f ? v3(0, 0, 1) : v3(0, 1, 0), to_light));
    map->up = v_cross(to_light, map->right);
    map->size = size;
    map->scale = 0.5f * (float)size / radius;
    map->cx = 0.5f * (float)size - map->scale * v_dot(centre, map->right);
    map->cy = 0.5f * (float)size - map->scale * v_dot(centre, map->up);
}

/* Draw every face of the mesh into the map. */
static void fill(DepthMap *map, const Mesh *mesh) {
    for (int i = 0; i < map->size * map->size; i++)
        map->depth[i] = FAR_AWAY;
    for (size_t i = 0; i < mesh->n_faces; i++) {
        const Face *face = &mesh->faces[i];
        double facing = v_dot(face->normal, map->to_light);
        double points[FACE_MAX_POINTS][2];

        if (fabs(facing) < 1e-4 || face->coverage != 15)
            continue;
        for (int k = 0; k < face->n; k++) {
            Vec3 p = mesh->points[face->first + (uint32_t)k];

            points[k][0] = (double)v_dot(p, map->right) * map->scale + map->cx;
            points[k][1] = (double)v_dot(p, map->up) * map->scale + map->cy;
        }

        double inv = 1.0 / (facing * map->scale);
        double kx = -(double)v_dot(face->normal, map->right) * inv;
        double ky = -(double)v_dot(face->normal, map->up) * inv;
        double key[3] = {kx, ky, face->offset / facing - kx * map->cx - ky * map->cy};

        raster_depth(map->depth, map->size, (const double(*)[2])points, face->n, key);
    }
}

/* Directions spread evenly over the upper half sphere, none too low. */
static Vec3 dome_direction(int i) {
    float y = 0.10f + 0.88f * ((float)i + 0.5f) / DOME_MAPS;
    float around = 2.39996323f * (float)i, flat = sqrtf(1.0f - y * y);

    return v3(cosf(around) * flat, y, sinf(around) * flat);
}

/* The i-th of n points spread over a disc (Vogel's spiral). */
static void spiral(int n, float (*points)[2]) {
    for (int i = 0; i < n; i++) {
        float r = sqrtf(((float)i + 0.5f) / (float)n), a = 2.39996323f * (float)i;

        points[i][0] = r * cosf(a);
        points[i][1] = r * sinf(a);
    }
}

bool shadows_make(Shadows *s, const Mesh *mesh, const Light *light, Vec3 centre, float radius) {
    size_t sun = (size_t)SUN_SIZE * SUN_SIZE, dome = (size_t)DOME_SIZE * DOME_SIZE;

    *s = (Shadows){.centre = centre, .radius = radius};
    s->pool = malloc((sun + DOME_MAPS * dome) * sizeof(float));
    if (s->pool == NULL)
        return false;
    spiral(SHADOW_SEARCH, s->search);
    spiral(SHADOW_TAPS, s->taps);
    s->sun.depth = s->pool;
    aim(&s->sun, light->to_sun, centre, radius, SUN_SIZE);
    fill(&s->sun, mesh);
    for (int i = 0; i < DOME_MAPS; i++) {
        Vec3 d = dome_direction(i);

        s->dome[i].depth = s->pool + sun + (size_t)i * dome;
        aim(&s->dome[i], d, centre, radius, DOME_SIZE);
        fill(&s->dome[i], mesh);

        /* What reaches a surface is mixed by haze and many bounces: calmer than the sky itself. */
        Vec3 sky = v_scale(light_sky(light, d), light->sky_gain);

        s->dome_light[i] = v_mix(sky, v3(luma(sky), luma(sky), luma(sky)), 0.42f);
        s->dome_weight += d.y;
    }
    s->dome_weight = 1.0f / s->dome_weight;
    return true;
}

void shadows_free(Shadows *s) {
    free(s->pool);
    s->pool = NULL;
}

/* The nearest thing towards the light at a texel. */
static inline float texel(const DepthMap *m, float x, float y) {
    if (!(x >= 0) || !(y >= 0) || x >= (float)m->size || y >= (float)m->size)
        return FAR_AWAY;
    return m->depth[(size_t)(int)y * (size_t)m->size + (size_t)(int)x];
}

float shadows_sun(const Shadows *s, Vec3 point, Vec3 normal, float turn) {
    const DepthMap *m = &s->sun;
    Vec3 p = v_mad(point, normal, 2.2f / m->scale);
    float x = v_dot(p, m->right) * m->scale + m->cx, y = v_dot(p, m->up) * m->scale + m->cy;
    float key = v_dot(p, m->to_light) + 1.5f / m->scale;
    float c = cosf(turn * 2 * PI_F), w = sinf(turn * 2 * PI_F);
    float gap = 0, blocked = 0;
    float search = 0.30f * m->scale;

    for (int i = 0; i < SHADOW_SEARCH; i++) {
        const float *q = s->search[i];
        float d =
            texel(m, x + (q[0] * c - q[1] * w) * search, y + (q[0] * w + q[1] * c) * search) - key;

        if (d > 0) {
            gap += d;
            blocked++;
        }
    }
    if (blocked == 0)
        return 1.0f;

    /* The penumbra widens with the distance to what casts the shadow. */
    float radius = clampf(0.022f * gap / blocked, 0.03f, 0.5f) * m->scale;
    float lit = 0;

    for (int i = 0; i < SHADOW_TAPS; i++) {
        const float *q = s->taps[i];

        lit +=
            texel(m, x + (q[0] * c - q[1] * w) * radius, y + (q[0] * w + q[1] * c) * radius) > key
                ? 0.0f
                : 1.0f;
    }
    return lit / SHADOW_TAPS;
}

/* The share of the four nearest texels that do not hide the point, weighted by nearness. */
static inline float open_share(const DepthMap *m, Vec3 p) {
    float x = v_dot(p, m->right) * m->scale + m->cx - 0.5f;
    float y = v_dot(p, m->up) * m->scale + m->cy - 0.5f;
    float limit = (float)m->size - 1.0f;

    if (!(x >= 0) || !(y >= 0) || x >= limit || y >= limit)
        return 1.0f;

    int ix = (int)x, iy = (int)y;
    float tx = x - (float)ix, ty = y - (float)iy;
    float key = v_dot(p, m->to_light) + 0.6f / m->scale;
    const float *t = m->depth + (size_t)iy * (size_t)m->size + (size_t)ix;
    float a = t[0] > key ? 0.0f : 1.0f, b = t[1] > key ? 0.0f : 1.0f;

    t += m->size;

    float c = t[0] > key ? 0.0f : 1.0f, d = t[1] > key ? 0.0f : 1.0f;
    float top = a + (b - a) * tx, bottom = c + (d - c) * tx;

    return top + (bottom - top) * ty;
}

Vec3 shadows_sky(const Shadows *s, Vec3 point, Vec3 normal, float *open) {
    Vec3 from = v_sub(point, s->centre), sum = v3(0, 0, 0);
    bool far = v_dot(from, from) > s->radius * s->radius;
    Vec3 p = v_mad(point, normal, 1.2f / s->dome[0].scale);
    float free_weight = 0, weight = 0;

    for (int i = 0; i < DOME_MAPS; i++) {
        float cosine = v_dot(normal, s->dome[i].to_light);

        if (cosine <= 0.04f)
            continue;

        float w = cosine * (far ? 1.0f : open_share(&s->dome[i], p));

        sum = v_mad(sum, s->dome_light[i], w);
        free_weight += w;
        weight += cosine;
    }
    *open = weight > 0 ? free_weight / weight : 0.0f;
    return v_scale(sum, s->dome_weight);
}
