/*
 * scene_light.c - tables of the day and of the weather.
 *
 * A time of day gives the sun and three sky colours; a weather then veils them.  Colours are
 * written as sRGB because that is how one picks them, and multiplied in linear light.
 */
#include "scene_light.h"

typedef struct Day {
    float elevation, side; /* of the sun, degrees; side from the view axis, positive is right */
    uint32_t sun;
    float strength;
    uint32_t zenith, middle, horizon, glow;
    uint32_t cloud_lit, cloud_shade;
    float sky_gain, stars, lamps, lit_share, exposure;
} Day;

static const Day days[TIME_COUNT] = {
    [TIME_DAWN] = {9, -118, 0xffb389, 1.7f, 0x5b7fb4, 0xc9b3c6, 0xffd2a8, 0xffb98a, 0xffd9c2,
                   0x8f86a8, 1.05f, 0.08f, 0.8f, 0.40f, 1.12f},
    [TIME_MORNING] = {31, -128, 0xfff0d6, 2.9f, 0x3a74bb, 0x86b3de, 0xdbe7ee, 0xfff3da, 0xffffff,
                      0xa9b9cc, 0.95f, 0, 0, 0.0f, 0.92f},
    [TIME_MIDDAY] = {57, -140, 0xfffaf0, 3.2f, 0x2766b2, 0x6ea6dc, 0xcfe2ef, 0xffffff, 0xffffff,
                     0xb3c0cf, 0.95f, 0, 0, 0.0f, 0.88f},
    [TIME_AFTERNOON] = {24, 126, 0xffdcaa, 2.9f, 0x4278b4, 0x9dbcd6, 0xf0e2c8, 0xffe7bd, 0xfff1da,
                        0xa8adba, 0.95f, 0, 0, 0.0f, 0.95f},
    [TIME_DUSK] = {7, 116, 0xff9a62, 1.15f, 0x2c4379, 0x8b83a6, 0xf8b27c, 0xff9048, 0xff9c84,
                   0x66608a, 1.05f, 0.22f, 1.0f, 0.85f, 1.25f},
    [TIME_NIGHT] = {38, -125, 0x9fb6e6, 0.32f, 0x0d1632, 0x16244a, 0x2b3c66, 0x5a6f9f, 0x33415f,
                    0x141c33, 1.7f, 1.0f, 1.0f, 0.62f, 1.70f},
};

typedef struct Sky {
    float cover, sun, grey, lift, haze, gain; /* lift: of the brightness of the sky */
} Sky;

static const Sky skies[WEATHER_COUNT] = {
    [WEATHER_CLEAR] = {0.30f, 1.0f, 0.0f, 1.0f, 0.0011f, 1.0f},
    [WEATHER_OVERCAST] = {0.92f, 0.10f, 0.80f, 0.95f, 0.0026f, 1.75f},
    [WEATHER_RAIN] = {0.97f, 0.03f, 0.80f, 0.60f, 0.0065f, 2.10f},
    [WEATHER_SNOW] = {0.80f, 0.34f, 0.55f, 1.18f, 0.0042f, 1.30f},
    [WEATHER_FOG] = {1.0f, 0.08f, 0.85f, 1.06f, 0.0200f, 1.50f},
};

/* Degrees from the view axis for the directions a prompt can name; 1000: by the time of day. */
static const float light_side[LIGHT_COUNT] = {1000, -108, 108, 172, -28, -135, 1000};

/* Mix a colour towards the grey of the same brightness, slightly blue as clouds are. */
static Vec3 veil(Vec3 c, const Sky *sky) {
    float grey = luma(c);

    return v_scale(v_mix(c, v3(grey * 0.97f, grey, grey * 1.05f), sky->grey), sky->lift);
}

Light light_make(const SceneSpec *spec, float azimuth) {
    const Day *day = &days[spec->time];
    const Sky *sky = &skies[spec->weather];
    bool night = spec->time == TIME_NIGHT;
    float side = light_side[spec->light] < 999 ? light_side[spec->light] : day->side;
    float elevation = spec->light == LIGHT_TOP ? 76.0f : day->elevation;
    float around = azimuth - side * PI_F / 180.0f, up = elevation * PI_F / 180.0f;
    float direct = sky->sun * (spec->light == LIGHT_DIFFUSE ? 0.05f : 1.0f);

    if (spec->light == LIGHT_BACK && spec->time != TIME_NIGHT)
        up = minf(up, 24.0f * PI_F / 180.0f);

    /* At night clouds are lit from below rather than dark. */
    Sky night_sky = *sky;

    if (night) {
        night_sky.lift = mixf(sky->lift, 1.3f, 0.7f);
        night_sky.grey *= 0.55f;
        sky = &night_sky;
    }

    Light l = {
        .to_sun = v3(-sinf(around) * cosf(up), sinf(up), cosf(around) * cosf(up)),
        .sun = v_scale(rgb_hex(day->sun), day->strength * direct),
        .zenith = veil(rgb_hex(day->zenith), sky),
        .middle = veil(rgb_hex(day->middle), sky),
        .horizon = veil(rgb_hex(day->horizon), sky),
        .glow = v_scale(rgb_hex(day->glow), night ? 0.25f : 1.0f - 0.8f * sky->grey),
        .cloud_lit = veil(rgb_hex(day->cloud_lit), sky),
        .cloud_shade = veil(rgb_hex(day->cloud_shade), sky),
        .cloud_cover = sky->cover,
        .haze_density = sky->haze,
        .sky_gain = day->sky_gain * sky->gain,
        .stars = day->stars * (1.0f - smooth(0.4f, 0.85f, sky->cover)),
        .lamps = day->lamps,
        .lit_share = day->lit_share,
        .exposure = day->exposure,
        .moon = night,
    };

    /* A closed sky is nearly even in brightness, a little brighter overhead. */
    if (sky->grey > 0.5f && !night) {
        Vec3 even = v_mix(l.middle, l.horizon, 0.6f);
        float flat = spec->time == TIME_DUSK ? 0.35f : 0.7f;

        l.zenith = v_mix(l.zenith, even, flat);
        l.middle = v_mix(l.middle, even, flat);
        l.horizon = v_mix(l.horizon, even, flat * 0.5f);
        if (spec->time != TIME_DUSK) /* lamps come on early in bad weather */
            l.lit_share = maxf(l.lit_share, 0.22f);
        l.lamps = maxf(l.lamps, 0.55f);
    }
    if (spec->features & FEATURE_INTERIOR_LIGHT) {
        l.lamps = maxf(l.lamps, 0.8f);
        l.lit_share = maxf(l.lit_share, 0.85f);
    }
    l.haze = v_mix(l.horizon, l.middle, 0.35f);
    return l;
}

Vec3 light_sky(const Light *l, Vec3 d) {
    float e = maxf(d.y, 0.0f);
    float low = smooth(0.0f, 0.30f, e), high = smooth(0.10f, 0.85f, e);
    Vec3 c = v_mix(v_mix(l->horizon, l->middle, low), l->zenith, high);
    float facing = v_dot(d, l->to_sun);

    if (facing > 0.0f) {
        float near = facing * facing;
        float wide = near * near * (1.0f - 0.6f * high); /* about 45 degrees */
        float tight = powf(facing, 48.0f);

        c = v_mad(c, l->glow, 0.22f * wide + 0.30f * tight);
    }
    return c;
}
