/*
 * draw_sky.c - everything behind the land.
 *
 * Clouds are noise on a plane far above, lit by comparing the density towards the sun; hills,
 * mountains, tree lines and skylines are silhouettes over the azimuth, each layer more veiled by
 * the air than the one before it.
 */
#include "draw_sky.h"

#include "scene_random.h"

/* Lay clouds over the sky. */
static Vec3 clouds(const World *w, Vec3 d, Vec3 sky) {
    const Light *l = &w->light;
    bool late = w->spec.time == TIME_DUSK || w->spec.time == TIME_DAWN;
    float far = 1.0f / (maxf(d.y, 0.0f) + 0.13f);
    float x = d.x * far * (late ? 0.55f : 0.9f) + (float)(w->seed & 1023);
    float y = d.z * far * (late ? 1.25f : 1.1f) + (float)(w->seed >> 10 & 1023);
    float n =
        fbm2(x, y, 6, w->seed) + (late ? 0.0f : 0.10f * fbm2(x * 5.3f, y * 5.3f, 3, w->seed + 40));
    float threshold = mixf(0.34f, -0.75f, l->cloud_cover);
    float density = smooth(threshold, threshold + (late ? 0.5f : 0.38f), n);

    if (density <= 0.002f)
        return sky;

    Vec3 sun = l->to_sun;
    float n2 = fbm2(x + 0.22f * sun.x, y + 0.22f * sun.z, 3, w->seed);
    float lit =
        clampf(0.76f + 1.5f * (n2 < n ? (n - n2) : 0.8f * (n - n2)) - 0.35f * density, 0, 1);
    float toward = maxf(v_dot(d, sun), 0.0f);
    Vec3 colour = v_mix(l->cloud_shade, l->cloud_lit, lit);

    colour = v_mad(colour, l->glow, 0.45f * powf(toward, 6.0f) * (1.0f - 0.5f * density));
    if (l->cloud_cover > 0.8f) /* closed: only tone remains */
        colour = v_mix(sky, v_scale(sky, 0.80f + 0.42f * lit), 0.9f);

    float low = smooth(0.0f, 0.16f, d.y);

    return v_mix(sky, colour, density * mixf(0.25f, 0.92f, low));
}

/* The stars of one cell of the sky. */
static float stars(Vec3 d, float pixel, uint32_t seed) {
    const float size = 0.016f;
    float u = atan2f(d.x, d.z) / size, v = asinf(clampf(d.y, -1, 1)) / size;
    int32_t iu = floori(u), iv = floori(v);

    if (hash_unit(iu, iv, seed) > 0.09f)
        return 0.0f;

    float cu = (float)iu + 0.2f + 0.6f * hash_unit(iu, iv, seed + 1);
    float cv = (float)iv + 0.2f + 0.6f * hash_unit(iu, iv, seed + 2);
    float r = hypotf(u - cu, v - cv) * size, radius = maxf(pixel * 0.62f, 0.0005f);
    float magnitude = hash_unit(iu, iv, seed + 3);

    return (0.12f + 0.9f * magnitude * magnitude * magnitude) * expf(-r * r / (radius * radius));
}

/* The disc of the sun or moon with its halo. */
static Vec3 disc(const World *w, Vec3 d, float pixel, Vec3 sky) {
    const Light *l = &w->light;
    float angle = acosf(clampf(v_dot(d, l->to_sun), -1.0f, 1.0f));
    float radius = l->moon ? 0.020f : 0.016f, clear = 1.0f - smooth(0.5f, 0.9f, l->cloud_cover);

    if (clear <= 0.0f || angle > 0.5f)
        return sky;

    float edge = 1.0f - smooth(radius - pixel, radius + pixel, angle);
    float halo = expf(-angle * (l->moon ? 16.0f : 9.0f));
    Vec3 bright = l->moon ? v3(0.75f, 0.80f, 0.86f) : v_scale(l->glow, 5.0f);

    if (l->moon && edge > 0) {
        float spot = fbm2(d.x * 70, d.y * 70, 3, 5);

        bright = v_scale(bright, 1.0f + 0.45f * spot);
    }
    sky = v_mad(sky, l->glow, clear * halo * (l->moon ? 0.30f : 0.55f));
    return v_mix(sky, bright, edge * clear);
}

/* A silhouette layer of the horizon. */
typedef struct Ridge {
    float height, rough; /* of the skyline, radians; finer detail, radians */
    float slow, fast;    /* hills a radian, details a radian */
    float veil;          /* share of haze */
} Ridge;

static const Ridge hills[3] = {{0.062f, 0.004f, 3.1f, 22, 0.80f},
                               {0.040f, 0.004f, 5.3f, 40, 0.64f},
                               {0.022f, 0.011f, 8.0f, 95, 0.42f}};
static const Ridge mountains[3] = {{0.210f, 0.045f, 3.3f, 19, 0.66f},
                                   {0.125f, 0.024f, 5.3f, 30, 0.50f},
                                   {0.024f, 0.012f, 9.0f, 95, 0.38f}};

/* Height of a ridge over the azimuth. */
static float ridge_height(const World *w, const Ridge *r, float azimuth, int layer) {
    uint32_t seed = w->seed + 100u * (uint32_t)layer;
    float n = fbm2(azimuth * r->slow + 40.0f, (float)layer * 7.7f, 3, seed);
    float fine = fbm2(azimuth * r->fast, 3.3f, 3, seed + 9);

    if (w->spec.features & FEATURE_MOUNTAINS && layer < 2)
        n = 0.75f - 1.5f * fabsf(n);
    return maxf(r->height * (0.55f + n) + r->rough * fine, 0.002f);
}

/* Blocks of a town at the horizon, with lights in the evening. */
static bool skyline(const World *w, float azimuth, float e, Vec3 *colour) {
    for (int layer = 0; layer < 2; layer++) {
        float pitch = layer == 0 ? 0.035f : 0.022f;
        int32_t block = floori(azimuth / pitch);
        float r = hash_unit(block, layer, w->seed + 61);
        float height = (layer == 0 ? 0.035f : 0.02f) + 0.13f * r * r * (layer == 0 ? 1.0f : 0.7f);
        float inset = fractf(azimuth / pitch);

        if (e > height || inset > 0.94f - 0.2f * r)
            continue;

        float veil = layer == 0 ? 0.55f : 0.72f;
        int32_t wu = floori(azimuth / 0.0035f), wv = floori(e / 0.004f);

        *colour = v_mix(v3(0.10f, 0.105f, 0.12f), w->light.haze, veil);
        if (w->light.lamps > 0.5f && w->light.lit_share > 0.3f &&
            hash_unit(wu, wv, w->seed + 7) < 0.3f)
            *colour = v_mad(*colour, rgb_hex(0xffc880), 0.25f);
        return true;
    }
    return false;
}

/* What stands before the sky at a low elevation; false when nothing does. */
static bool horizon(const World *w, Vec3 d, Vec3 *colour, float pixel) {
    float azimuth = atan2f(d.x, d.z) - w->azimuth * -1.0f, e = d.y;
    const Ridge *set = w->spec.features & FEATURE_MOUNTAINS ? mountains : hills;
    float light = luma(w->light.middle) * w->light.sky_gain + 0.25f * luma(w->light.sun);
    bool snow = w->spec.weather == WEATHER_SNOW;

    if (w->spec.features & FEATURE_CITY && skyline(w, azimuth, e, colour))
        return true;
    for (int layer = 2; layer >= 0; layer--) {
        if (w->spec.features & FEATURE_SEA && layer > 0)
            continue;

        if (e > 1.6f * set[layer].height + set[layer].rough + pixel)
            continue;

        float top = ridge_height(w, &set[layer], azimuth, layer);

        if (e > top + pixel)
            continue;

        Vec3 own = layer == 2 ? v3(0.055f, 0.085f, 0.045f) : v3(0.10f, 0.135f, 0.09f);

        if (w->spec.features & FEATURE_DESERT)
            own = v3(0.33f, 0.22f, 0.14f);
        if (w->paint.has_plants && layer == 2)
            own = v_mix(own, v_scale(w->paint.plants, 0.5f), 0.5f);
        if (snow)
            own = v_mix(own, v3(0.75f, 0.78f, 0.82f), layer == 2 ? 0.35f : 0.7f);
        if (set == mountains && layer < 2) {
            float rock = fbm2(azimuth * 26 + e * 12, e * 34, 4, w->seed + 33);
            float line = 0.085f + 0.05f * rock;

            own = v_mix(own, v3(0.22f, 0.22f, 0.24f), 0.7f);
            own = v_scale(own, 1.0f + 0.7f * rock);
            own = v_mix(own, v3(0.85f, 0.88f, 0.93f), smooth(line, line + 0.03f, e) * 0.9f);
        }
        own = v_scale(own, 1.2f * light);
        *colour =
            v_mix(own, w->light.haze, clampf(set[layer].veil + 6 * w->light.haze_density, 0, 1));
        *colour = v_mix(*colour, w->light.haze, 0.4f * (1.0f - smooth(0.0f, 0.03f, e)));
        return true;
    }
    return false;
}

Vec3 sky_colour(const World *w, Vec3 d, float pixel) {
    const Light *l = &w->light;
    Vec3 c;

    if (d.y < 0.22f && horizon(w, d, &c, 0.0f)) {
        Vec3 above = l->haze;
        float fog = clampf(l->haze_density * 30.0f, 0.0f, 0.97f);

        return v_mix(c, above, fog);
    }
    c = light_sky(l, d);
    if (l->stars > 0.0f)
        c = v_scale(v_add(c, v_scale(v3(0.9f, 0.95f, 1.0f), l->stars * stars(d, pixel, w->seed) *
                                                                smooth(0.02f, 0.25f, d.y))),
                    1.0f);
    c = disc(w, d, pixel, c);
    c = clouds(w, d, c);
    if (w->spec.weather == WEATHER_FOG)
        c = v_mix(c, l->haze, 0.75f * (1.0f - 0.4f * smooth(0.1f, 0.7f, d.y)));
    return c;
}

Vec3 sky_reflection(const World *w, Vec3 d) {
    Vec3 up = v3(d.x, fabsf(d.y), d.z);
    Vec3 c = light_sky(&w->light, up);
    float far = 1.0f / (up.y + 0.13f);
    float n = fbm2(d.x * far, d.z * far + 7.0f, 3, w->seed);
    float edge = 0.13f + 0.07f * noise2(atan2f(d.x, d.z) * 9.0f, 1.0f, w->seed + 2);
    Vec3 trees = v_scale(v3(0.06f, 0.085f, 0.05f), 2.0f * luma(w->light.middle) + 0.1f);

    c = v_mix(c, w->light.cloud_lit, 0.55f * smooth(-0.1f, 0.4f, n) * smooth(0.0f, 0.3f, up.y));
    return v_mix(trees, c, smooth(edge - 0.05f, edge + 0.05f, d.y));
}

Vec3 sky_direction(const World *w, float x, float y) {
    const Camera *c = &w->camera;
    float size = (float)(c->height < c->width ? c->height : c->width) * 1.1f;
    Vec3 level = v_norm(v3(c->forward.x, 0, c->forward.z));
    float ground = w->spec.view == VIEW_ELEVATION ? c->cy : 0.62f * (float)c->height;

    return v_norm(v_mad(v_mad(level, c->right, (x - 0.5f * (float)c->width) / size), v3(0, 1, 0),
                        (ground - y) / size));
}

Vec3 sky_backdrop(const World *w, float x, float y) {
    Vec3 top = v_mix(w->light.middle, w->light.horizon, 0.45f);
    Vec3 c = v_mix(v_mix(w->light.zenith, top, 0.75f), w->light.horizon, smooth(0.0f, 1.0f, y));
    float spread = (x - 0.5f) * (x - 0.5f) + (y - 0.5f) * (y - 0.5f);

    return v_scale(c, 1.06f - 0.35f * spread);
}
