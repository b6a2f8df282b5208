/*
 * draw_material.c - procedural textures in natural size.
 *
 * Joints are drawn by the exact share of the pixel that they cover, noise fades out before it
 * becomes finer than the pixel; so nothing flickers or moires at any distance.
 */
#include "draw_material.h"

#include "scene_random.h"

typedef void Texture(const Surface *s, float u, float v, float fp, Texel *t);

typedef struct MaterialLook {
    uint32_t colour;
    float gloss, metal;
    Texture *texture;
    float a, b; /* sizes that the texture uses: length and height of its units, metres */
} MaterialLook;

static const MaterialLook looks[MATERIAL_COUNT];

/* The share of a pixel around x that bars of `width`, one each `period`, cover. */
static float bars(float x, float period, float width, float fp) {
    float half = 0.5f * maxf(fp, 0.0005f), a = (x - half) / period, b = (x + half) / period;
    float ia = (float)floori(a), ib = (float)floori(b), w = width / period;
    float area = (ib - ia) * w + minf(b - ib, w) - minf(a - ia, w);

    return clampf(area / (b - a), 0.0f, 1.0f);
}

/* 1 where details of this size can be seen, 0 where a pixel is larger. */
static float seen(float size, float fp) {
    return 1.0f - smooth(0.25f, 0.9f, fp / size);
}

static void tone(Texel *t, float factor) {
    t->albedo = v_scale(t->albedo, factor);
}

/* A unit's own brightness and warmth, so that no two bricks are alike. */
static void vary(Texel *t, int32_t x, int32_t y, uint32_t seed, float amount) {
    float a = (hash_unit(x, y, seed) - 0.5f) * amount;
    float b = (hash_unit(x, y, seed + 77) - 0.5f) * amount * 0.35f;

    t->albedo = v_mul(t->albedo, v3(1.0f + a + b, 1.0f + a, 1.0f + a - b));
}

static void stains(const Surface *s, float u, float v, Texel *t, float amount) {
    tone(t, 1.0f + amount * fbm2(u * 0.35f, v * 0.35f, 3, s->seed + 3) +
                amount * 0.5f * noise2(u * 2.2f, v * 0.25f, s->seed + 9));
}

static void plaster(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.06f);
    tone(t, 1.0f + 0.05f * seen(0.05f, fp) * noise2(u * 28, v * 28, s->seed));
}

static void concrete(const Surface *s, float u, float v, float fp, Texel *t) {
    const MaterialLook *look = &looks[s->material];
    float pu = u / look->a, pv = v / look->b;
    float joint = maxf(bars(u, look->a, 0.014f, fp), bars(v, look->b, 0.014f, fp));
    float hu = (fractf(pu * 2) - 0.5f) * look->a * 0.5f, hv = (fractf(pv) - 0.5f) * look->b;
    float hole = 1.0f - smooth(0.022f, 0.022f + maxf(fp, 0.012f), sqrtf(hu * hu + hv * hv));

    vary(t, floori(pu), floori(pv), s->seed, 0.13f);
    stains(s, u, v, t, 0.17f);
    tone(t, 1.0f + 0.10f * seen(0.12f, fp) * fbm2(u * 9, v * 9, 2, s->seed + 21));
    tone(t, 1.0f - 0.42f * joint - 0.50f * hole * seen(0.06f, fp * 0.6f));
}

/* Boards lying (board-marked concrete) or standing (timber). */
static void boards(const Surface *s, float u, float v, float fp, Texel *t, float pitch, float gap,
                   float depth) {
    float across = u / pitch;
    int32_t board = floori(across);
    float length = 2.6f + 1.4f * hash_unit(board, 7, s->seed);
    float along = v / length + hash_unit(board, 3, s->seed);
    float grain = noise2(u * 55 + 9.0f * hash_unit(board, 1, s->seed), v * 1.6f, s->seed + 5);
    float wave = noise2(u * 13, v * 0.7f + 31.0f * hash_unit(board, 2, s->seed), s->seed + 6);

    vary(t, board, floori(along), s->seed, depth * seen(pitch * 2, fp));
    tone(t, 1.0f + 0.10f * seen(0.04f, fp) * grain + 0.12f * seen(0.15f, fp) * wave);
    tone(t, 1.0f - 0.60f * bars(u, pitch, gap, fp));
    tone(t, 1.0f - 0.35f * bars(along * length, length, 0.006f, fp) * seen(pitch, fp));
    t->du += seen(pitch, fp) * 0.10f * (fractf(across) - 0.5f);
}

static void board_concrete(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.18f);
    boards(s, v, u, fp, t, 0.14f, 0.006f, 0.16f);
    tone(t, 1.0f - 0.35f * bars(u, 3.0f, 0.02f, fp));
}

static void timber(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.07f);
    boards(s, u, v, fp, t, looks[s->material].a, looks[s->material].b, 0.34f);
}

static void decking(const Surface *s, float u, float v, float fp, Texel *t) {
    boards(s, v, u, fp, t, 0.14f, 0.008f, 0.26f);
}

/* Bricks or stones in courses, each second course shifted. */
static void courses(const Surface *s, float u, float v, float fp, Texel *t, float joint,
                    float amount) {
    const MaterialLook *look = &looks[s->material];
    float a = look->a * s->scale, b = look->b * s->scale, row = (float)floori(v / b);
    float shift = fractf(row * 0.5f) * a + (look->a > 0.5f ? hash_unit((int32_t)row, 0, 5) * a : 0);
    float x = u + shift;
    float gap = maxf(bars(x, a, joint, fp) * seen(a, fp * 0.5f), bars(v, b, joint, fp));
    Vec3 mortar = v_mix(t->albedo, v3(0.55f, 0.53f, 0.49f), 0.45f);

    if (look->a > 0.5f)
        mortar = v_scale(t->albedo, 0.55f);
    vary(t, floori(x / a), (int32_t)row, s->seed, amount * seen(a * 1.5f, fp));
    stains(s, u, v, t, 0.10f);
    tone(t, 1.0f + 0.12f * seen(0.06f, fp) * fbm2(u * 22, v * 22, 2, s->seed));
    t->albedo = v_mix(t->albedo, mortar, gap);
    t->dv += 0.25f * seen(b, fp) * (bars(v + joint, b, joint, fp) - bars(v - joint, b, joint, fp));
}

static void brick(const Surface *s, float u, float v, float fp, Texel *t) {
    courses(s, u, v, fp, t, 0.011f, 0.42f);
}

static void ashlar(const Surface *s, float u, float v, float fp, Texel *t) {
    courses(s, u, v, fp, t, 0.012f, 0.20f);
}

/* Irregular cells: distance to the two nearest of scattered points gives stones and joints. */
static void cells(const Surface *s, float u, float v, float fp, Texel *t, float size, float amount,
                  float joint) {
    float x = u / size, y = v / size, first = 9, second = 9;
    int32_t ix = floori(x), iy = floori(y), bx = 0, by = 0;

    for (int32_t j = -1; j <= 1; j++)
        for (int32_t i = -1; i <= 1; i++) {
            float dx = (float)(ix + i) + 0.15f + 0.7f * hash_unit(ix + i, iy + j, s->seed) - x;
            float dy = (float)(iy + j) + 0.15f + 0.7f * hash_unit(ix + i, iy + j, s->seed + 1) - y;
            float d = dx * dx + dy * dy;

            if (d < first) {
                second = first;
                first = d;
                bx = ix + i;
                by = iy + j;
            } else if (d < second) {
                second = d;
            }
        }

    float edge = (sqrtf(second) - sqrtf(first)) * size;

    vary(t, bx, by, s->seed, amount * seen(size, fp));
    tone(t, 1.0f + 0.12f * seen(0.05f, fp) * noise2(u * 25, v * 25, s->seed));
    tone(t, 1.0f - 0.5f * (1.0f - smooth(joint, joint + maxf(fp, 0.02f), edge)) * seen(size, fp));
}

static void rubble(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.10f);
    cells(s, u, v * 1.5f, fp, t, 0.42f, 0.40f, 0.02f);
}

static void cobbles(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.10f);
    cells(s, u, v, fp, t, 0.16f, 0.40f, 0.012f);
}

static void gravel(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.10f);
    tone(t, 1.0f + 0.25f * seen(0.05f, fp) * noise2(u * 30, v * 30, s->seed) +
                0.12f * seen(0.2f, fp) * noise2(u * 8, v * 8, s->seed + 2));
}

static void marble(const Surface *s, float u, float v, float fp, Texel *t) {
    float bend = fbm2(u * 0.9f, v * 0.9f, 4, s->seed);
    float vein = 1.0f - fabsf(sinf(1.4f * u + 0.9f * v + 6.0f * bend));
    float joint = maxf(bars(u, 1.2f, 0.005f, fp), bars(v, 0.9f, 0.005f, fp));

    vary(t, floori(u / 1.2f), floori(v / 0.9f), s->seed, 0.07f);
    tone(t, 1.0f - 0.30f * powf(clampf(vein, 0, 1), 7.0f) - 0.06f * bend - 0.35f * joint);
}

static void panels(const Surface *s, float u, float v, float fp, Texel *t) {
    float joint = maxf(bars(u, 1.25f, 0.012f, fp), bars(v, 2.9f, 0.012f, fp));

    vary(t, floori(u / 1.25f), floori(v / 2.9f), s->seed, 0.08f);
    stains(s, u, v, t, 0.05f);
    tone(t, 1.0f - 0.5f * joint);
}

/* Metal sheet in bays with upright folds. */
static void seams(const Surface *s, float u, float v, float fp, Texel *t) {
    const MaterialLook *look = &looks[s->material];

    vary(t, floori(u / look->a), 0, s->seed, 0.10f);
    stains(s, u, v, t, 0.10f);
    t->du += 0.7f * seen(0.08f, fp) *
             (bars(u, look->a, 0.02f, fp) - bars(u - 0.02f, look->a, 0.02f, fp));
    tone(t, 1.0f - 0.25f * bars(u - 0.02f, look->a, 0.02f, fp));
}

static void corten(const Surface *s, float u, float v, float fp, Texel *t) {
    float blotch = fbm2(u * 1.7f, v * 1.1f, 4, s->seed);
    float runs = noise2(u * 5, v * 0.35f, s->seed + 4);

    panels(s, u, v, fp, t);
    t->albedo = v_mul(t->albedo, v3(1.0f + 0.45f * blotch + 0.1f * runs, 1.0f + 0.65f * blotch,
                                    1.0f + 0.75f * blotch - 0.15f * runs));
}

static void patina(const Surface *s, float u, float v, float fp, Texel *t) {
    float blotch = fbm2(u * 1.1f, v * 0.6f, 4, s->seed + 1);

    seams(s, u, v, fp, t);
    t->albedo = v_mix(t->albedo, rgb_hex(0x5a4a38), clampf(0.15f + 0.8f * blotch, 0, 0.55f));
}

/* Tiles, slates or shingles: rows with a shadow under each lower edge. */
static void tiles(const Surface *s, float u, float v, float fp, Texel *t) {
    const MaterialLook *look = &looks[s->material];
    float row = (float)floori(v / look->b), x = u / look->a + 0.5f * fractf(row * 0.5f) * 2.0f;
    float near = seen(look->b, fp);

    vary(t, floori(x), (int32_t)row, s->seed, 0.40f * seen(look->a * 1.4f, fp));
    stains(s, u, v, t, 0.13f);
    tone(t, 1.0f - 0.48f * bars(v, look->b, 0.028f, fp));
    tone(t, 1.0f + 0.16f * near * (0.5f - fractf(v / look->b)));
    tone(t, 1.0f - 0.30f * bars(x * look->a, look->a, 0.012f, fp) * near);
}

static void pantiles(const Surface *s, float u, float v, float fp, Texel *t) {
    const MaterialLook *look = &looks[s->material];
    float wave = seen(look->a, fp);

    vary(t, floori(u / look->a), floori(v / look->b), s->seed, 0.36f * seen(look->a, fp));
    stains(s, u, v, t, 0.14f);
    t->du += 0.75f * wave * cosf(2 * PI_F * u / look->a);
    tone(t, 1.0f - 0.30f * wave * (0.5f - 0.5f * cosf(2 * PI_F * (u / look->a + 0.25f))));
    tone(t, 1.0f - 0.35f * bars(v, look->b, 0.03f, fp));
}

static void thatch(const Surface *s, float u, float v, float fp, Texel *t) {
    stains(s, u, v, t, 0.22f);
    tone(t, 1.0f + 0.28f * seen(0.05f, fp) * noise2(u * 34, v * 2.5f, s->seed) +
                0.18f * seen(0.2f, fp) * noise2(u * 9, v * 1.2f, s->seed + 1));
    tone(t, 1.0f - 0.25f * bars(v, 0.9f, 0.05f, fp));
}

static void bamboo(const Surface *s, float u, float v, float fp, Texel *t) {
    float stem = (float)floori(u / 0.07f);

    vary(t, (int32_t)stem, 0, s->seed, 0.30f * seen(0.1f, fp));
    t->du += seen(0.07f, fp) * 0.9f * (fractf(u / 0.07f) - 0.5f);
    tone(t, 1.0f - 0.4f * bars(v + 0.3f * hash_unit((int32_t)stem, 1, 3), 0.38f, 0.012f, fp));
}

static void greenery(const Surface *s, float u, float v, float fp, Texel *t) {
    float patch = fbm2(u * 0.9f, v * 0.9f, 3, s->seed);
    float leaf = seen(0.12f, fp) * noise2(u * 13, v * 13, s->seed + 2);

    t->albedo = v_mul(t->albedo, v3(1.0f + 0.5f * patch + 0.5f * leaf,
                                    1.0f + 0.3f * patch + 0.45f * leaf, 1.0f + 0.3f * leaf));
    t->du += 0.5f * seen(0.12f, fp) * noise2(u * 13 + 40, v * 13, s->seed);
    t->dv += 0.5f * seen(0.12f, fp) * noise2(u * 13, v * 13 + 40, s->seed);
}

static void grass(const Surface *s, float u, float v, float fp, Texel *t) {
    float broad = fbm2(u * 0.11f, v * 0.11f, 3, s->seed);
    float patch = seen(1.2f, fp) * noise2(u * 1.3f, v * 1.3f, s->seed + 1);
    float tuft = seen(0.25f, fp) * noise2(u * 7, v * 7, s->seed + 2);
    float blade = seen(0.05f, fp) * noise2(u * 38, v * 26, s->seed + 3);
    float light = 1.0f + 0.28f * broad + 0.10f * patch + 0.16f * tuft + 0.24f * blade;

    t->albedo =
        v_mul(t->albedo, v3(light + 0.22f * broad + 0.10f * tuft, light, light - 0.10f * tuft));
}

static void paving(const Surface *s, float u, float v, float fp, Texel *t) {
    float joint = maxf(bars(u, 0.9f, 0.012f, fp), bars(v, 0.9f, 0.012f, fp));

    vary(t, floori(u / 0.9f), floori(v / 0.9f), s->seed, 0.14f * seen(0.9f, fp));
    stains(s, u, v, t, 0.10f);
    tone(t, 1.0f + 0.08f * seen(0.06f, fp) * noise2(u * 24, v * 24, s->seed));
    tone(t, 1.0f - 0.45f * joint);
}

static void sand(const Surface *s, float u, float v, float fp, Texel *t) {
    float bend = fbm2(u * 0.2f, v * 0.2f, 3, s->seed);

    tone(t, 1.0f + 0.14f * bend +
                0.06f * seen(0.3f, fp) * sinf(9.0f * (v + 0.6f * u) + 8.0f * bend) +
                0.08f * seen(0.05f, fp) * noise2(u * 30, v * 30, s->seed));
}

static void glazed(const Surface *s, float u, float v, float fp, Texel *t) {
    float joint = maxf(bars(u, 0.15f, 0.005f, fp), bars(v, 0.15f, 0.005f, fp));

    vary(t, floori(u / 0.15f), floori(v / 0.15f), s->seed, 0.22f * seen(0.2f, fp));
    tone(t, 1.0f - 0.3f * joint);
}

static const MaterialLook looks[MATERIAL_COUNT] = {
    [MATERIAL_DEFAULT] = {0xe9e5dc, 0.05f, 0, plaster, 1, 1},
    [MATERIAL_CONCRETE] = {0xb4b1aa, 0.08f, 0, concrete, 2.4f, 1.2f},
    [MATERIAL_BOARD_CONCRETE] = {0xa5a19a, 0.05f, 0, board_concrete, 1, 1},
    [MATERIAL_PLASTER] = {0xeeebe3, 0.04f, 0, plaster, 1, 1},
    [MATERIAL_BRICK] = {0xa4563c, 0.05f, 0, brick, 0.25f, 0.077f},
    [MATERIAL_STONE] = {0xcbbd9f, 0.06f, 0, ashlar, 0.95f, 0.42f},
    [MATERIAL_RUBBLE] = {0xa79c8a, 0.05f, 0, rubble, 1, 1},
    [MATERIAL_MARBLE] = {0xe6e3de, 0.30f, 0, marble, 1, 1},
    [MATERIAL_OAK] = {0xb98550, 0.12f, 0, timber, 0.15f, 0.008f},
    [MATERIAL_DARK_TIMBER] = {0x5d3f2a, 0.12f, 0, timber, 0.15f, 0.008f},
    [MATERIAL_CHARRED_TIMBER] = {0x2a2725, 0.16f, 0, timber, 0.12f, 0.008f},
    [MATERIAL_BAMBOO] = {0xc2a563, 0.18f, 0, bamboo, 1, 1},
    [MATERIAL_GLASS] = {0x9fb3b8, 0.9f, 0, NULL, 1, 1},
    [MATERIAL_STEEL] = {0xa9adb0, 0.45f, 0.7f, panels, 1, 1},
    [MATERIAL_DARK_METAL] = {0x33363a, 0.30f, 0.4f, NULL, 1, 1},
    [MATERIAL_CORTEN] = {0x8c4a28, 0.08f, 0.1f, corten, 1, 1},
    [MATERIAL_COPPER] = {0xb0663c, 0.40f, 0.8f, seams, 0.55f, 1},
    [MATERIAL_PATINA] = {0x78a692, 0.10f, 0.1f, patina, 0.55f, 1},
    [MATERIAL_GOLD] = {0xd8a840, 0.55f, 0.9f, panels, 1, 1},
    [MATERIAL_ZINC] = {0x7d858b, 0.25f, 0.4f, seams, 0.50f, 1},
    [MATERIAL_SLATE] = {0x4d535a, 0.14f, 0, tiles, 0.26f, 0.22f},
    [MATERIAL_TERRACOTTA] = {0xb5623c, 0.06f, 0, pantiles, 0.24f, 0.36f},
    [MATERIAL_SHINGLE] = {0x7b6a58, 0.05f, 0, tiles, 0.16f, 0.20f},
    [MATERIAL_THATCH] = {0xa58a5a, 0.03f, 0, thatch, 1, 1},
    [MATERIAL_CERAMIC_TILE] = {0x5f8f9a, 0.40f, 0, glazed, 1, 1},
    [MATERIAL_GREEN_WALL] = {0x557a3a, 0.03f, 0, greenery, 1, 1},
    [MATERIAL_LACQUER] = {0xa8322a, 0.30f, 0, NULL, 1, 1},
    [MATERIAL_GRAVEL] = {0xbdb3a2, 0.03f, 0, gravel, 1, 1},
    [MATERIAL_GRASS] = {0x77854f, 0.02f, 0, grass, 1, 1},
    [MATERIAL_PAVING] = {0xb9b4aa, 0.08f, 0, paving, 1, 1},
    [MATERIAL_COBBLES] = {0x8f8a82, 0.08f, 0, cobbles, 1, 1},
    [MATERIAL_ASPHALT] = {0x57585a, 0.05f, 0, gravel, 1, 1},
    [MATERIAL_DECKING] = {0xa88560, 0.08f, 0, decking, 1, 1},
    [MATERIAL_SAND] = {0xd9c29a, 0.02f, 0, sand, 1, 1},
    [MATERIAL_EARTH] = {0x7d6248, 0.02f, 0, gravel, 1, 1},
    [MATERIAL_WATER] = {0x3f7f8c, 0.9f, 0, NULL, 1, 1},
};

Vec3 material_colour(SceneMaterial material) {
    return rgb_hex(looks[material].colour);
}

Texel material_texel(const Surface *s, float u, float v, float footprint) {
    const MaterialLook *look = &looks[s->material];
    Texel t = {.albedo = s->colour, .gloss = look->gloss, .metal = look->metal};

    if (look->texture != NULL)
        look->texture(s, u, v, footprint, &t);
    t.albedo = v3(clampf(t.albedo.x, 0.005f, 0.95f), clampf(t.albedo.y, 0.005f, 0.95f),
                  clampf(t.albedo.z, 0.005f, 0.95f));
    return t;
}
