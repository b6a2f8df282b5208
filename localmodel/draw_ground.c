/*
 * draw_ground.c - the land, what is laid on it, and level water.
 *
 * The ground has no faces: where a view ray meets y = 0 the patches lying there are looked up, so
 * that it reaches to the horizon at no cost.
 */
#include "draw_surface.h"

#include "draw_sky.h"
#include "scene_random.h"

/* Distance to the edge of a rounded rectangle, negative inside. */
static float patch_distance(const Patch *p, float x, float z) {
    float cx = 0.5f * (p->x0 + p->x1), cz = 0.5f * (p->z0 + p->z1);
    float dx = fabsf(x - cx) - 0.5f * (p->x1 - p->x0) + p->round;
    float dz = fabsf(z - cz) - 0.5f * (p->z1 - p->z0) + p->round;

    return hypotf(maxf(dx, 0), maxf(dz, 0)) + minf(maxf(dx, dz), 0) - p->round;
}

static bool is_hard(SceneMaterial m) {
    return m == MATERIAL_PAVING || m == MATERIAL_ASPHALT || m == MATERIAL_COBBLES ||
           m == MATERIAL_CONCRETE || m == MATERIAL_DECKING || m == MATERIAL_MARBLE ||
           m == MATERIAL_STONE || m == MATERIAL_BRICK;
}

/* The mirrored picture at a pixel, blurred downwards over `blur` pixels. */
static Vec3 mirrored(const World *w, float x, float y, float blur) {
    const Mirror *m = &w->mirror;
    Vec3 sum = v3(0, 0, 0);
    const int taps = 5;

    for (int i = 0; i < taps; i++) {
        float offset = ((float)i - 2.0f) * blur;
        int ix = (int)(x / (float)m->reduction);
        int iy = (int)((y + offset) / (float)m->reduction);

        ix = ix < 0 ? 0 : ix >= m->width ? m->width - 1 : ix;
        iy = iy < 0 ? 0 : iy >= m->height ? m->height - 1 : iy;
        sum = v_add(sum, m->pixels[(size_t)iy * (size_t)m->width + (size_t)ix]);
    }
    return v_scale(sum, 1.0f / taps);
}

Vec3 water_colour(const World *w, const Hit *h, Vec3 body) {
    float calm = 1.0f - smooth(0.02f, 0.5f, h->footprint);
    float x = h->point.x, z = h->point.z;
    float wind = w->spec.weather == WEATHER_RAIN ? 2.2f : 1.0f;
    float dx =
        wind * 0.030f * calm * (noise2(x * 2.3f, z * 4.1f, 11) + 0.5f * noise2(x * 7, z * 11, 12));
    float dz = wind * 0.030f * calm *
               (noise2(x * 2.3f + 50, z * 4.1f, 13) + 0.5f * noise2(x * 8, z * 12, 14));
    Vec3 n = v_norm(v3(dx, 1.0f, dz));
    float cosine = clampf(-v_dot(n, h->direction), 0.0f, 1.0f);
    float fresnel = 0.05f + 0.95f * powf(1.0f - cosine, 4.0f);
    Vec3 r = v_mad(h->direction, n, 2.0f * cosine), mirror;

    r.y = fabsf(r.y);
    if (w->mirror.pixels != NULL) {
        float pixels = 0.45f * w->camera.focal / maxf(h->distance, 1.0f) * 8.0f;

        mirror = mirrored(w, h->x + dx * pixels * 1.2f, h->y + dz * pixels * 3.0f,
                          0.8f * (float)w->mirror.reduction);
    } else {
        mirror = sky_reflection(w, r);
    }

    Hit under = *h;
    float caustic =
        1.0f - fabsf(noise2(x * 1.9f + 3 * dx, z * 1.9f, 21) + 0.4f * noise2(x * 4, z * 4, 22));

    under.normal = v3(0, 1, 0);

    Texel t = {.albedo = v_scale(body, 0.8f + 0.5f * calm * caustic * caustic * caustic)};
    Vec3 c = v_mix(surface_light(w, &under, t), mirror, clampf(fresnel, 0, 1));
    float glint = powf(maxf(v_dot(r, w->light.to_sun), 0.0f), 260.0f);

    return v_mad(c, w->light.sun, 1.3f * glint);
}

/* Snow on the ground: a little thinner on paths, its surface gently uneven. */
static void snow_ground(const World *w, Hit *h, Texel *t, bool hard) {
    float x = h->point.x, z = h->point.z;
    float thin = fbm2(x * 0.8f, z * 0.8f, 4, w->seed + 50);
    float share = hard ? 0.62f + 0.55f * thin : 0.93f + 0.07f * thin;
    float swell = fbm2(x * 0.35f, z * 0.35f, 2, w->seed + 51);
    float grain = 1.0f - smooth(0.01f, 0.10f, h->footprint);

    t->albedo = v_mix(t->albedo, v3(0.86f, 0.88f, 0.93f), clampf(share, 0, 1));
    h->normal = v_norm(v3(0.22f * swell + 0.10f * grain * noise2(x * 6, z * 6, 3), 1.0f,
                          0.22f * fbm2(x * 0.35f + 9, z * 0.35f, 2, w->seed + 52) +
                              0.10f * grain * noise2(x * 6, z * 6 + 40, 4)));
}

/* Lay rain on a hard surface: puddles in its hollows mirror the scene. */
static Vec3 rain_ground(const World *w, const Hit *h, Texel t, Vec3 lit, bool hard) {
    float hollow = fbm2(h->point.x * 0.45f, h->point.z * 0.45f, 3, w->seed + 70);
    float puddle = hard ? 0.35f + 0.65f * smooth(-0.05f, 0.20f, hollow) : 0.0f;
    float cosine = clampf(-h->direction.y, 0.0f, 1.0f);
    float fresnel = 0.06f + 0.94f * powf(1.0f - cosine, 3.5f);
    float near = 1.0f - smooth(0.01f, 0.12f, h->footprint);
    float ring = near * noise2(h->point.x * 9, h->point.z * 9, w->seed + 71);

    (void)t;
    if (w->mirror.pixels == NULL || puddle <= 0.0f)
        return lit;

    Vec3 m = mirrored(w, h->x + 2.0f * ring, h->y + 4.0f * ring,
                      (float)w->mirror.reduction * (1.2f + 5.0f * (1.0f - puddle)));

    return v_mix(lit, m, clampf(fresnel * puddle * 0.85f, 0.0f, 0.85f));
}

/* Mix the patches that lie at the point over the land; *hard tells paving from plants, *water is
 * the share of open water. */
static Texel ground_texel(const World *w, const Hit *h, bool *hard, float *water, Vec3 *body) {
    float x = h->point.x, z = h->point.z;
    float fp = h->footprint / sqrtf(maxf(fabsf(h->direction.y), 0.05f));
    Texel t = material_texel(&w->land, x, z, fp);

    *hard = is_hard(w->land.material);
    *water = w->land.material == MATERIAL_WATER ? 1.0f : 0.0f;
    *body = w->land.colour;
    if (w->spec.features & FEATURE_SEA) {
        float shore = w->plot.hi.z + 8.0f + 5.0f * noise2(x * 0.03f, 1.0f, w->seed);

        if (z > shore) {
            *water = 1.0f;
            *body = v3(0.03f, 0.10f, 0.14f);
        }
    }
    if (w->way.n > 1) {
        float d = world_way_distance(w, x, z);
        float edge = d + 0.05f * noise2(x * 1.7f, z * 1.7f, w->seed);
        float cover = clampf(0.5f - edge / fp, 0.0f, 1.0f);

        if (cover > 0.0f) {
            Texel own = material_texel(&w->way.surface, x, z, fp);

            t.albedo = v_mix(t.albedo, own.albedo, cover);
            t.gloss = mixf(t.gloss, own.gloss, cover);
            *hard = cover > 0.5f || *hard;
            if (cover > 0.5f)
                *water = 0.0f;
        }
    }
    for (int i = 0; i < w->n_patches; i++) {
        const Patch *p = &w->patches[i];

        if (x < p->x0 - fp || x > p->x1 + fp || z < p->z0 - fp || z > p->z1 + fp)
            continue;

        float d = patch_distance(p, x, z);

        if (p->soft)
            d += 0.12f * noise2(x * 2.7f, z * 2.7f, w->seed) + 0.05f * noise2(x * 11, z * 11, 2);

        float cover = clampf(0.5f - d / fp, 0.0f, 1.0f);

        if (cover <= 0.0f)
            continue;
        if (p->surface.material == MATERIAL_WATER) {
            *water = mixf(*water, 1.0f, cover);
            *body = p->surface.colour;
            continue;
        }

        Texel own = material_texel(&p->surface, x, z, fp);

        *water *= 1.0f - cover;
        t.albedo = v_mix(t.albedo, own.albedo, cover);
        t.gloss = mixf(t.gloss, own.gloss, cover);
        if (cover > 0.5f)
            *hard = is_hard(p->surface.material) || p->surface.material == MATERIAL_GRAVEL;
    }
    return t;
}

/* The shade of trees that stand beside the viewer, outside the picture: it frames the foreground.
 * 0 none .. 1 full. */
static float dappled(const World *w, const Hit *h) {
    float apart = v_len(v_sub(v_mix(w->bounds.lo, w->bounds.hi, 0.5f), w->camera.eye));
    float near = 1.0f - smooth(0.30f, 0.62f, h->distance / maxf(apart, 1.0f));
    float x = h->point.x * 0.16f, z = h->point.z * 0.16f, crown, leaves;

    if (near <= 0.0f || w->camera.parallel || w->spec.view == VIEW_AERIAL ||
        w->spec.features & (FEATURE_NO_TREES | FEATURE_DESERT | FEATURE_CITY))
        return 0.0f;
    if (luma(w->light.sun) < 0.05f)
        return 0.0f;
    crown = smooth(-0.10f, 0.18f, fbm2(x, z, 2, w->seed + 90) + 0.5f * near - 0.30f);
    leaves = smooth(-0.30f, 0.10f,
                    fbm2(h->point.x * 1.1f, h->point.z * 1.1f, 3, w->seed + 91) + 0.30f * crown);
    return 0.80f * near * crown * leaves;
}

Vec3 ground_colour(const World *w, const Hit *seen) {
    Hit h = *seen;
    bool hard;
    float water;
    Vec3 body, c;

    h.normal = v3(0, 1, 0);

    Texel t = ground_texel(w, &h, &hard, &water, &body);

    if (water >= 1.0f)
        return water_colour(w, &h, body);
    if (w->spec.weather == WEATHER_SNOW)
        snow_ground(w, &h, &t, hard);
    if (w->spec.weather == WEATHER_RAIN)
        t.albedo = v_scale(t.albedo, hard ? 0.55f : 0.75f);
    h.shade = dappled(w, &h);
    c = surface_light(w, &h, t);
    if (w->spec.weather == WEATHER_RAIN)
        c = rain_ground(w, &h, t, c, hard);
    if (water > 0.0f)
        c = v_mix(c, water_colour(w, &h, body), water);
    return c;
}
