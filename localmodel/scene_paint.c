/*
 * scene_paint.c - a palette is a list of colours without places; here they get their places.
 *
 * Named roles go first.  The others are judged by hue and lightness: blues to the sky, greens to
 * the plants, the heaviest light or grey colour to the walls, the next to the accents.
 */
#include "scene_paint.h"

typedef struct Judged {
    Vec3 linear;
    float hue, saturation, value; /* hue 0..6: red, yellow, green, cyan, blue, magenta */
    float weight;
    bool used;
} Judged;

static Judged judge(const SceneColour *c) {
    float r = (float)c->r / 255.0f, g = (float)c->g / 255.0f, b = (float)c->b / 255.0f;
    float hi = maxf(r, maxf(g, b)), lo = minf(r, minf(g, b)), d = hi - lo;
    float hue = 0.0f;

    if (d > 1e-4f)
        hue = hi == r   ? fractf((g - b) / d / 6.0f) * 6.0f
              : hi == g ? 2 + (b - r) / d
                        : 4 + (r - g) / d;
    return (Judged){.linear = v3(srgb_to_linear(r), srgb_to_linear(g), srgb_to_linear(b)),
                    .hue = hue,
                    .saturation = hi > 0 ? d / hi : 0,
                    .value = hi,
                    .weight = c->weight > 0 ? c->weight : 0.2f};
}

/* Give a colour to its role, unless that is taken. */
static void take(Paint *p, SceneRole role, Vec3 c) {
    struct {
        SceneRole role;
        Vec3 *colour;
        bool *has;
    } places[] = {
        {ROLE_WALL, &p->wall, &p->has_wall},      {ROLE_ACCENT, &p->accent, &p->has_accent},
        {ROLE_ROOF, &p->roof, &p->has_roof},      {ROLE_DOOR, &p->door, &p->has_door},
        {ROLE_SKY, &p->sky, &p->has_sky},         {ROLE_GROUND, &p->ground, &p->has_ground},
        {ROLE_PLANTS, &p->plants, &p->has_plants}};

    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i].role == role && !*places[i].has) {
            *places[i].colour = c;
            *places[i].has = true;
        }
}

/* How well an unplaced colour would serve a role; 0 or less is not at all. */
static float fitness(const Judged *c, SceneRole role) {
    bool blue = c->hue > 2.9f && c->hue < 4.3f && c->saturation > 0.22f;
    bool green = c->hue > 1.05f && c->hue < 2.8f && c->saturation > 0.18f;

    switch (role) {
    case ROLE_SKY:
        return blue ? c->weight + 0.2f * c->value : 0;
    case ROLE_PLANTS:
        return green && c->value < 0.85f ? c->weight : 0;
    case ROLE_WALL:
        return green || (blue && c->saturation > 0.5f) ? 0 : c->weight + 0.5f * c->value;
    case ROLE_ACCENT:
        return green ? 0 : c->weight + 0.35f * c->saturation;
    case ROLE_ROOF:
        return green ? 0 : c->weight + 0.4f * (1.0f - c->value);
    default:
        return 0;
    }
}

Paint paint_choose(const SceneSpec *spec) {
    static const SceneRole order[] = {ROLE_SKY, ROLE_PLANTS, ROLE_WALL, ROLE_ACCENT, ROLE_ROOF};
    Paint paint = {0};
    Judged judged[SCENE_MAX_COLOURS];

    for (int i = 0; i < spec->n_palette; i++) {
        judged[i] = judge(&spec->palette[i]);
        judged[i].used = spec->palette[i].role != ROLE_AUTO;
        if (judged[i].used)
            take(&paint, spec->palette[i].role, judged[i].linear);
    }
    for (unsigned r = 0; r < sizeof order / sizeof order[0]; r++) {
        float best = 0.0f;
        int chosen = -1;

        for (int i = 0; i < spec->n_palette; i++) {
            float fit = judged[i].used ? 0.0f : fitness(&judged[i], order[r]);

            if (fit > best) {
                best = fit;
                chosen = i;
            }
        }
        if (chosen >= 0) {
            take(&paint, order[r], judged[chosen].linear);
            judged[chosen].used = true;
        }
    }
    return paint;
}

/* The hue of `colour` at the brightness of `at`. */
static Vec3 tinted(Vec3 at, Vec3 colour, float share) {
    float gain = luma(at) / maxf(luma(colour), 0.02f);
    Vec3 hue = v_scale(colour, minf(gain, 6.0f));

    return v_mix(at, v3(minf(hue.x, 1.6f), minf(hue.y, 1.6f), minf(hue.z, 1.6f)), share);
}

void paint_sky(const Paint *p, Light *l) {
    if (!p->has_sky)
        return;
    l->zenith = tinted(l->zenith, p->sky, 0.65f);
    l->middle = tinted(l->middle, p->sky, 0.50f);
    l->horizon = tinted(l->horizon, p->sky, 0.15f);
    l->haze = tinted(l->haze, p->sky, 0.15f);
}
