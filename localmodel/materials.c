/* The picture is cut into small blocks; each is judged by its mean colour and its texture (how much
 * lightness varies inside).  The judgements are guesses and are only reported where enough blocks
 * agree. */
#include "materials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 6 };

typedef struct Block {
    Lab mean;
    float texture; /* standard deviation of lightness */
    float hue, chroma;
    float y; /* 0 top, 1 bottom */
} Block;

typedef struct Rule {
    const char *name;
    float hue_from, hue_to; /* degrees; from > to wraps */
    float chroma_from, chroma_to;
    float l_from, l_to;
    float texture_from, texture_to;
    float y_from;
} Rule;

/* The first rule that fits a block names it. */
static const Rule rules[] = {
    {"snow", 0, 360, 0.000f, 0.045f, 0.80f, 1.01f, 0.00f, 0.10f, 0.60f},
    {"vegetation", 100, 160, 0.030f, 0.400f, 0.10f, 0.85f, 0.000f, 1.00f, 0.0f},
    {"vegetation", 101, 165, 0.018f, 0.400f, 0.08f, 0.45f, 0.025f, 1.00f, 0.0f},
    {"red lacquer", 8, 36, 0.042f, 0.400f, 0.15f, 0.45f, 0.00f, 1.00f, 0.0f},
    {"terracotta roof", 36, 68, 0.098f, 0.400f, 0.50f, 0.80f, 0.030f, 1.00f, 0.0f},
    {"brick", 20, 56, 0.035f, 0.140f, 0.28f, 0.62f, 0.025f, 1.00f, 0.0f},
    {"timber", 48, 82, 0.035f, 0.200f, 0.25f, 0.70f, 0.00f, 0.12f, 0.0f},
    {"glazed tile roof", 165, 215, 0.030f, 0.400f, 0.20f, 0.75f, 0.020f, 1.00f, 0.0f},
    {"yellow plaster", 70, 112, 0.075f, 0.200f, 0.66f, 1.01f, 0.00f, 0.07f, 0.0f},
    {"cream plaster", 70, 112, 0.032f, 0.075f, 0.66f, 1.01f, 0.00f, 0.07f, 0.0f},
    {"carved stone", 70, 101, 0.020f, 0.110f, 0.45f, 0.95f, 0.070f, 1.00f, 0.0f},
    {"ochre plaster", 70, 105, 0.040f, 0.200f, 0.50f, 0.68f, 0.00f, 0.09f, 0.0f},
    {"white plaster", 0, 360, 0.000f, 0.035f, 0.87f, 1.01f, 0.00f, 0.06f, 0.0f},
    {"concrete", 30, 130, 0.000f, 0.032f, 0.52f, 0.90f, 0.00f, 0.08f, 0.0f},
    {"concrete", 0, 360, 0.000f, 0.014f, 0.45f, 0.90f, 0.00f, 0.08f, 0.0f},
    {"glass", 195, 280, 0.008f, 0.200f, 0.20f, 0.75f, 0.00f, 0.16f, 0.0f},
    {"stone", 30, 101, 0.008f, 0.060f, 0.35f, 0.80f, 0.040f, 1.00f, 0.0f},
    {"dark metal details", 0, 360, 0.000f, 0.030f, 0.12f, 0.38f, 0.00f, 0.05f, 0.0f},
};

enum { RULES = sizeof rules / sizeof rules[0], NAMES = RULES };

static Block look(const Raster *raster, int x0, int y0) {
    Block block = {0};
    double l = 0, l2 = 0, a = 0, b = 0, count = BLOCK * BLOCK;
    for (int y = y0; y < y0 + BLOCK; y++) {
        for (int x = x0; x < x0 + BLOCK; x++) {
            Lab lab = raster->lab[(size_t)y * (size_t)raster->width + (size_t)x];
            l += lab.l, l2 += (double)lab.l * lab.l, a += lab.a, b += lab.b;
        }
    }
    block.mean = (Lab){(float)(l / count), (float)(a / count), (float)(b / count)};
    block.texture = (float)sqrt(fmax(l2 / count - (l / count) * (l / count), 0));
    block.hue = colour_hue(block.mean);
    block.chroma = colour_chroma(block.mean);
    block.y = ((float)y0 + BLOCK / 2.0f) / (float)raster->height;
    return block;
}

static bool within(float value, float from, float to) {
    return value >= from && value < to;
}

static const Rule *judge(const Block *block) {
    for (int i = 0; i < RULES; i++) {
        const Rule *rule = &rules[i];
        if (within(block->hue, rule->hue_from, rule->hue_to + 0.01f) &&
            within(block->chroma, rule->chroma_from, rule->chroma_to) &&
            within(block->mean.l, rule->l_from, rule->l_to) &&
            within(block->texture, rule->texture_from, rule->texture_to) &&
            block->y >= rule->y_from)
            return rule;
    }
    return NULL;
}

/* Add a block to the name's count. */
static void count_name(MaterialShare *counts, int *names, const char *name) {
    int i = 0;
    while (i < *names && strcmp(counts[i].name, name) != 0)
        i++;
    if (i == *names)
        counts[(*names)++] = (MaterialShare){name, 0};
    counts[i].share += 1;
}

/* Is most of the block sky? */
static bool is_sky(const bool *sky, const Raster *raster, int x0, int y0) {
    int count = 0;
    for (int y = y0; y < y0 + BLOCK; y++)
        for (int x = x0; x < x0 + BLOCK; x++)
            count += sky[(size_t)y * (size_t)raster->width + (size_t)x];
    return count > BLOCK * BLOCK / 2;
}

static float share_of(const MaterialShare *counts, int names, const char *name, float all) {
    for (int i = 0; i < names; i++)
        if (strcmp(counts[i].name, name) == 0)
            return counts[i].share / all;
    return 0;
}

/* Take the names that enough blocks agree on, the largest first. */
static void report(MaterialShare *counts, int names, float all, Materials *materials) {
    while (materials->count < MATERIALS_MOST) {
        int best = -1;
        for (int i = 0; i < names; i++)
            if (strcmp(counts[i].name, "vegetation") != 0 && counts[i].share / all > 0.02f &&
                (best < 0 || counts[i].share > counts[best].share))
                best = i;
        if (best < 0)
            break;
        materials->items[materials->count++] =
            (MaterialShare){counts[best].name, counts[best].share / all};
        counts[best].share = 0;
    }
}

void materials_measure(const Raster *raster, const LightFacts *light, Materials *materials) {
    MaterialShare counts[NAMES];
    int names = 0;
    float all = 0;
    bool *sky = light_sky_mask(raster);
    *materials = (Materials){0};
    for (int y = 0; y + BLOCK <= raster->height; y += BLOCK) {
        for (int x = 0; x + BLOCK <= raster->width; x += BLOCK) {
            if (is_sky(sky, raster, x, y))
                continue;
            Block block = look(raster, x, y);
            const Rule *rule = judge(&block);
            all++;
            if (rule && (strcmp(rule->name, "snow") != 0 || light->weather == WEATHER_SNOW))
                count_name(counts, &names, rule->name);
            else if (rule)
                count_name(counts, &names, "white plaster");
        }
    }
    free(sky);
    if (all == 0)
        return;
    materials->vegetation = share_of(counts, names, "vegetation", all);
    materials->snow = share_of(counts, names, "snow", all);
    materials->warm_roof = share_of(counts, names, "terracotta roof", all);
    materials->lacquer = share_of(counts, names, "red lacquer", all);
    materials->smooth = share_of(counts, names, "white plaster", all) +
                        share_of(counts, names, "concrete", all) +
                        share_of(counts, names, "glass", all);
    materials->ornament = share_of(counts, names, "carved stone", all);
    report(counts, names, all, materials);
}
