/*
 * draw_glass.c - windows: the sky mirrored in the pane, a room behind it.
 *
 * The room is not built: the view ray is followed into an imagined box behind the wall (interior
 * mapping, van Dongen 2008), which gives true parallax for the price of three divisions.
 */
#include "draw_surface.h"

#include "draw_sky.h"
#include "scene_random.h"

#define ROOM_DEPTH 4.5f

/* What the ray meets in the room, in wall coordinates: u along, v up, d inwards. */
typedef struct RoomHit {
    float u, v, d;
    enum { ROOM_BACK, ROOM_SIDE, ROOM_FLOOR, ROOM_CEILING } part;
} RoomHit;

/* Follow a ray (du, dv, dd per unit) from (u, v) on the pane into the room. */
static RoomHit enter(float u, float v, float du, float dv, float dd, float width, float height) {
    float tb = ROOM_DEPTH / maxf(dd, 1e-4f);
    float ts = fabsf(du) < 1e-5f ? 1e9f : ((du > 0 ? width - u : -u) / du);
    float tv = fabsf(dv) < 1e-5f ? 1e9f : ((dv > 0 ? height - v : -v) / dv);
    RoomHit hit = {.part = ROOM_BACK};
    float t = tb;

    if (ts < t) {
        t = ts;
        hit.part = ROOM_SIDE;
    }
    if (tv < t) {
        t = tv;
        hit.part = dv > 0 ? ROOM_CEILING : ROOM_FLOOR;
    }
    t = maxf(t, 0.0f);
    hit.u = u + du * t;
    hit.v = v + dv * t;
    hit.d = dd * t;
    return hit;
}

/* The paint and the furniture of a room. */
static Vec3 furnish(const RoomHit *r, float width, float height, uint32_t seed, float *glow) {
    static const uint32_t walls[6] = {0xe8dfcf, 0xd9cbb5, 0xcfd3d0, 0xe9d3b0, 0xc7b49a, 0xb9c0bb};
    Vec3 wall = rgb_hex(walls[seed % 6]);
    float x = r->u / width;

    *glow = 0.0f;
    switch (r->part) {
    case ROOM_CEILING: {
        float spot = fabsf(fractf(r->u / 1.4f) - 0.5f) * 1.4f, row = fabsf(r->d - 2.0f);

        *glow = spot < 0.09f && row < 0.12f ? 6.0f : 0.0f;
        return rgb_hex(0xefe9de);
    }
    case ROOM_FLOOR:
        return rgb_hex(0x9a7750);
    case ROOM_SIDE:
        return v_scale(wall, 0.88f);
    case ROOM_BACK:
        break;
    }
    if (hash_unit((int32_t)seed, 1, 3) < 0.6f && r->v > 0.9f && r->v < 2.0f && x > 0.22f &&
        x < 0.5f)
        return rgb_hex(walls[(seed >> 3) % 6] & 0x7f7f9f); /* a picture */
    if (hash_unit((int32_t)seed, 2, 3) < 0.6f && r->v < 0.85f && x > 0.15f && x < 0.75f)
        return rgb_hex(0x5b5148); /* a sofa or sideboard */
    if (hash_unit((int32_t)seed, 4, 3) < 0.5f && x > 0.8f && r->v < 0.75f * height)
        return rgb_hex(0x6e4c30); /* a door or shelf */
    return wall;
}

/* The light that comes out of the window from behind the pane. */
static Vec3 interior(const World *w, const Face *face, const Pane *pane, const Hit *h) {
    float u = v_dot(h->point, face->u) - pane->cell_origin, v = h->point.y - pane->floor;
    float cell = (float)floori(u / pane->cell_width), storey = (float)floori(v / pane->height);
    uint32_t seed = hash3((int32_t)cell, (int32_t)storey, pane->seed);
    float width = pane->cell_width;
    bool lit = pane->always_lit ||
               hash_unit((int32_t)cell, (int32_t)storey, pane->seed + 9) < w->light.lit_share;

    u -= cell * width;
    v -= storey * pane->height;

    Vec3 inwards = v_dot(face->normal, h->direction) > 0 ? face->normal : v_scale(face->normal, -1);
    RoomHit r = enter(u, v, v_dot(h->direction, face->u), h->direction.y,
                      v_dot(h->direction, inwards), width, pane->height);
    float spot;
    Vec3 colour = furnish(&r, width, pane->height, seed, &spot);
    Vec3 day = v_scale(v_mix(w->light.middle, w->light.horizon, 0.5f),
                       w->light.sky_gain * 0.50f / (1.0f + 0.45f * r.d));
    Vec3 arriving = day;

    if (lit && w->light.lamps > 0.0f) {
        static const uint32_t lights[4] = {0xffcd90, 0xffbe7c, 0xffd8a6, 0xffc488};
        float du = r.u - 0.5f * width, dv = r.v - pane->height + 0.5f, dd = r.d - 2.0f;
        float fall = 1.9f / (1.0f + 0.20f * (du * du + dv * dv + dd * dd));
        float power = w->light.lamps * (0.65f + 0.5f * hash_unit((int32_t)seed, 8, 1));

        arriving = v_mad(arriving, rgb_hex(lights[seed >> 5 & 3]), power * fall);
        colour = v_mad(colour, v3(1.0f, 0.85f, 0.6f), spot * 0.4f);
    }
    colour = v_mul(colour, arriving);

    if (pane->curtains) {
        float drawn = 0.10f + 0.26f * hash_unit((int32_t)seed, 5, 2);
        float x = minf(u, width - u) / width;
        float fold = 0.85f + 0.15f * sinf(u * 42.0f);

        if (x < drawn) {
            Vec3 cloth = v_scale(rgb_hex(0xe9e2d4), fold);

            colour = v_mul(cloth, v_mad(v_scale(day, 1.6f), rgb_hex(0xffd096),
                                        lit ? 0.85f * w->light.lamps : 0.0f));
        }
    }
    return colour;
}

/* Coloured church glass in lead. */
static Vec3 stained(const World *w, const Pane *pane, float u, float v, float footprint) {
    static const uint32_t panes[6] = {0x2a4fa8, 0xa8322e, 0xd9a63a, 0x3f7a4c, 0x6a3f8a, 0x8fb3d8};
    int32_t iu = floori(u / 0.22f + 0.35f * sinf(v * 3)), iv = floori(v / 0.30f);
    Vec3 c = rgb_hex(panes[hash3(iu, iv, pane->seed) % 6]);
    float inner = 0.10f + 0.9f * w->light.lamps * (w->light.lit_share > 0.1f ? 1.0f : 0.3f);
    float blur = smooth(0.05f, 0.25f, footprint);

    c = v_mix(c, v3(0.16f, 0.15f, 0.20f), blur * 0.6f);
    return v_scale(c, inner);
}

Vec3 glass_colour(const World *w, const Face *face, const Hit *h) {
    const Surface *s = &w->mesh.surfaces[face->surface];
    float cosine = clampf(-v_dot(h->normal, h->direction), 0.0f, 1.0f);
    float u = v_dot(h->point, face->u), v = v_dot(h->point, face->v);

    /* Panes are never quite flat: each leans a little, so that reflections break from one to the
     * next as they do on real fronts. */
    float du = 0.012f * noise2(u * 0.9f, v * 0.9f, s->seed),
          dv = 0.010f * noise2(u, v * 1.2f, s->seed + 1);

    if (face->pane >= 0) {
        uint32_t seed = w->mesh.panes[face->pane].seed;

        du += 0.02f * (hash_unit(floori(u / 1.5f), (int32_t)seed, 1) - 0.5f);
        dv += 0.02f * (hash_unit(floori(u / 1.5f), (int32_t)seed, 2) - 0.5f);
    }

    Vec3 n = v_norm(v_mad(v_mad(h->normal, face->u, du), face->v, dv));
    Vec3 r = v_mad(h->direction, n, -2.0f * v_dot(h->direction, n));
    float fresnel = 0.20f + 0.80f * powf(1.0f - cosine, 5.0f), open;
    Vec3 mirror = sky_reflection(w, r);
    Vec3 seen = v3(0.02f, 0.025f, 0.03f);

    shadows_sky(&w->shadows, h->point, h->normal, &open);
    mirror = v_mul(v_scale(mirror, 0.50f + 0.50f * open), v_mix(v3(1, 1, 1), s->colour, 0.35f));
    if (face->pane >= 0) {
        const Pane *pane = &w->mesh.panes[face->pane];

        seen = pane->stained ? stained(w, pane, u, h->point.y, h->footprint)
                             : interior(w, face, pane, h);
    }

    Vec3 c = v_mix(v_mul(seen, v_mix(v3(1, 1, 1), s->colour, 0.5f)), mirror,
                   clampf(fresnel * 1.25f, 0, 1));
    float glint = powf(maxf(v_dot(r, w->light.to_sun), 0.0f), 900.0f);

    if (glint > 0.002f)
        c = v_mad(c, w->light.sun,
                  4.0f * glint * shadows_sun(&w->shadows, h->point, h->normal, h->turn));
    return c;
}
