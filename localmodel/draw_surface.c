/*
 * draw_surface.c - light on solid things.
 *
 * Sun with soft shadow, sky through the dome of depth maps, light thrown back by the ground, lamps;
 * then snow on what looks up and wetness in the rain.
 */
#include "draw_surface.h"

#include "draw_sky.h"
#include "scene_random.h"

/* Lambert's law for all lamps within reach. */
static Vec3 lamp_light(const World *w, Vec3 p, Vec3 n) {
    Vec3 sum = v3(0, 0, 0);

    for (int i = 0; i < w->n_lamps; i++) {
        const Lamp *lamp = &w->lamps[i];
        Vec3 to = v_sub(lamp->at, p);
        float d2 = v_dot(to, to), range2 = lamp->range * lamp->range;

        if (d2 > range2)
            continue;

        float d = sqrtf(d2) + 1e-3f, cosine = v_dot(to, n) / d, window = 1.0f - d2 / range2;
        float beam = 1.0f;

        if (v_dot(lamp->facing, lamp->facing) > 0.0f)
            beam = maxf(-v_dot(to, lamp->facing) / d + 0.25f, 0.0f);
        cosine = maxf(cosine * 0.85f + 0.15f, 0.0f);
        sum = v_mad(sum, lamp->colour, cosine * beam * window * window / (0.6f + d2));
    }
    return sum;
}

Vec3 surface_light(const World *w, const Hit *h, Texel t) {
    const Light *l = &w->light;
    float open, facing = v_dot(h->normal, l->to_sun), sun = 0.0f;
    Vec3 sky = shadows_sky(&w->shadows, h->point, h->normal, &open);

    if (facing > 0.0f && luma(l->sun) > 0.01f)
        sun = shadows_sun(&w->shadows, h->point, h->normal, h->turn) * facing * (1.0f - h->shade);

    Vec3 arriving = v_mad(sky, l->sun, sun);
    Vec3 land = v_mix(w->land.colour, v3(0.4f, 0.4f, 0.4f), 0.4f);
    Vec3 level =
        v_mad(v_scale(l->middle, l->sky_gain * 0.6f), l->sun, maxf(l->to_sun.y, 0.0f) * 0.8f);
    float below = 0.5f - 0.5f * h->normal.y;

    arriving = v_add(arriving, v_scale(v_mul(land, level), below * (0.25f + 0.75f * open) * 0.85f));
    arriving = v_mad(arriving, v_scale(l->middle, l->sky_gain), 0.035f);
    if (w->n_lamps > 0)
        arriving = v_add(arriving, lamp_light(w, h->point, h->normal));

    Vec3 c = v_scale(v_mul(t.albedo, arriving), 1.0f - 0.75f * t.metal);

    if (t.gloss > 0.04f) {
        float cosine = clampf(-v_dot(h->normal, h->direction), 0.0f, 1.0f);
        float grazing = 1.0f - cosine, fresnel = grazing * grazing * grazing * grazing * grazing;
        Vec3 r = v_mad(h->direction, h->normal, 2.0f * cosine);
        Vec3 tint = v_mix(v3(1, 1, 1), t.albedo, t.metal);
        float amount = t.metal * 0.8f + (1 - t.metal) * t.gloss * (0.05f + 0.6f * fresnel);
        float toward = v_dot(r, l->to_sun);

        if (amount > 0.012f)
            c = v_add(c,
                      v_scale(v_mul(tint, sky_reflection(w, r)), amount * (0.35f + 0.65f * open)));
        if (sun > 0.0f && toward > 0.2f) {
            float lobe = powf(toward, 8.0f + 120.0f * t.gloss * t.gloss);

            c = v_add(c, v_scale(v_mul(tint, l->sun), lobe * t.gloss * 0.6f * minf(sun * 4, 1)));
        }
    }
    return c;
}

/* Let snow lie on what looks up. */
static void settle_snow(const World *w, const Hit *h, Texel *t) {
    float lying = smooth(0.38f, 0.72f, h->normal.y);
    float cling = 0.5f + fbm2(h->point.x * 1.7f + h->point.y, h->point.z * 1.7f, 3, w->seed);
    float share = clampf(lying * smooth(0.05f, 0.35f, cling + lying * 0.5f), 0.0f, 1.0f);

    t->albedo = v_mix(t->albedo, v3(0.88f, 0.90f, 0.94f), share);
    t->gloss = mixf(t->gloss, 0.05f, share);
    t->metal *= 1.0f - share;
    t->du *= 1.0f - share;
    t->dv *= 1.0f - share;
}

/* Darken and polish what the rain reaches. */
static void wet(const World *w, const Hit *h, Texel *t) {
    float run = noise2((h->point.x + h->point.z) * 3.1f, h->point.y * 0.35f, w->seed + 8);
    float reached = h->normal.y > 0.3f ? 1.0f : 0.35f + 0.35f * run;

    t->albedo = v_scale(t->albedo, 1.0f - 0.32f * reached);
    t->gloss = maxf(t->gloss, 0.45f * reached);
}

/* The normal of a round body, turned smoothly about its axis. */
static Vec3 round_normal(const Face *face, Vec3 p) {
    float flat = hypotf(face->normal.x, face->normal.z);
    Vec3 out = v_sub(p, face->lit);
    float r = hypotf(out.x, out.z);

    if (r < 1e-4f || flat < 1e-3f)
        return face->normal;

    float sign = out.x * face->normal.x + out.z * face->normal.z < 0 ? -1.0f : 1.0f;

    return v3(sign * out.x / r * flat, face->normal.y, sign * out.z / r * flat);
}

Vec3 surface_colour(const World *w, const Face *face, Hit *h) {
    const Surface *s = &w->mesh.surfaces[face->surface];

    if (s->kind == SURFACE_LEAF)
        return face->lit;

    h->normal = face->round ? round_normal(face, h->point) : face->normal;
    if (v_dot(face->normal, h->direction) > 0.0f)
        h->normal = v_scale(h->normal, -1.0f);
    if (s->kind == SURFACE_GLASS)
        return glass_colour(w, face, h);
    if (s->kind == SURFACE_WATER)
        return water_colour(w, h, s->colour);
    if (s->kind == SURFACE_EMITTER && w->light.lamps > 0.3f)
        return v_scale(s->colour, 2.4f * w->light.lamps);

    float u = v_dot(h->point, face->u), v = v_dot(h->point, face->v);

    if (face->round)
        u = atan2f(h->point.x - face->lit.x, h->point.z - face->lit.z) *
            hypotf(h->point.x - face->lit.x, h->point.z - face->lit.z);

    float cosine = maxf(fabsf(v_dot(h->normal, h->direction)), 0.12f);
    Texel t = material_texel(s, u, v, h->footprint / sqrtf(cosine));

    if (w->spec.weather == WEATHER_SNOW && !s->keep_dry)
        settle_snow(w, h, &t);
    else if (w->spec.weather == WEATHER_RAIN && !s->keep_dry)
        wet(w, h, &t);
    if (t.du != 0.0f || t.dv != 0.0f)
        h->normal = v_norm(v_mad(v_mad(h->normal, face->u, -t.du), face->v, -t.dv));
    return surface_light(w, h, t);
}

void surface_light_leaves(World *w) {
    Mesh *m = &w->mesh;
    bool snow = w->spec.weather == WEATHER_SNOW;

    for (size_t i = 0; i < m->n_faces; i++) {
        Face *face = &m->faces[i];

        if (m->surfaces[face->surface].kind != SURFACE_LEAF)
            continue;

        /* A leaf is lit from both sides: light shines through it, warmer than it falls on it. */
        Vec3 n = face->normal, p = m->points[face->first];
        float open, back, facing = v_dot(n, w->light.to_sun);
        Vec3 sky = shadows_sky(&w->shadows, p, n, &open);
        Vec3 through = shadows_sky(&w->shadows, p, v_scale(n, -1.0f), &back);
        float lit = shadows_sun(&w->shadows, p, w->light.to_sun, hash_unit((int32_t)i, 3, 1));
        float direct = facing > 0 ? 0.30f + 0.70f * facing : -0.45f * facing;
        Vec3 base = face->lit;

        if (snow && n.y > 0.05f)
            base = v_mix(base, v3(0.88f, 0.90f, 0.94f), smooth(0.05f, 0.7f, n.y) * 0.9f);

        Vec3 light = v_mad(v_add(sky, v_scale(through, 0.35f)), w->light.sun, lit * direct * 0.8f);

        light = v_mad(light, w->light.middle, 0.10f * w->light.sky_gain);
        light = v_add(light, lamp_light(w, p, n));
        face->lit = v_mul(base, light);
        if (facing < 0 && !snow)
            face->lit = v_mul(face->lit, v3(1.12f, 1.06f, 0.7f));
    }
}
