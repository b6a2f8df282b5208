/*
 * draw_gothic.c - a church: nave and aisles, flying buttresses, a west front with a rose window
 * between towers, pinnacles and spires.
 */
#include "draw_building.h"

/* A small pointed tower on a pier. */
static void pinnacle(Build *b, float x, float y, float z, float half, float height) {
    mesh_box(b->m, b->wall, v3(x - half, y - 0.2f, z - half),
             v3(x + half, y + 1.6f * half, z + half));
    roof_spire(b, v3(x, y + 1.6f * half, z), half * 1.25f, height, 4, b->stone);
}

/* A buttress: stepped pier with a pinnacle. */
static void buttress(Build *b, float x, float z, float out, float height, bool right) {
    float sx = right ? 1.0f : -1.0f;

    for (int i = 0; i < 3; i++) {
        float reach = out * (1.0f - 0.28f * (float)i), y0 = height * (float)i / 3,
              y1 = height * (float)(i + 1) / 3;
        float a = x, c = x + sx * reach;

        mesh_box(b->m, b->wall, v3(minf(a, c), y0, z - 0.38f), v3(maxf(a, c), y1, z + 0.38f));
    }
    pinnacle(b, x + sx * out * 0.22f, height, z, 0.30f, 1.9f);
}

/* One side of the nave: aisle with windows, clerestory above, flying arches between. */
static void nave_side(Build *b, bool right, float x, float aisle, float z0, float z1, float low,
                      float high, int bays) {
    float sx = right ? 1.0f : -1.0f, outer = x + sx * aisle, bay = (z1 - z0) / (float)bays;
    Volume a = {minf(x, outer), 0, z0, maxf(x, outer), low, z1},
           n = {minf(x, x - sx * 2), 0, z0, maxf(x, x - sx * 2), high, z1};
    Openings lo = {0}, hi = {0};

    openings_row(&lo,
                 (Opening){.v0 = 1.5f,
                           .v1 = low - 0.7f,
                           .head = HEAD_POINTED,
                           .fill = FILL_STAINED,
                           .trim = true,
                           .depth = 0.35f},
                 bays, 1.7f, 0, z1 - z0);
    openings_row(&hi,
                 (Opening){.v0 = low + 2.2f,
                           .v1 = high - 0.7f,
                           .head = HEAD_POINTED,
                           .fill = FILL_STAINED,
                           .trim = true,
                           .depth = 0.35f},
                 bays, 1.6f, 0, z1 - z0);
    volume_wall(b, &a, right ? SIDE_RIGHT : SIDE_LEFT, b->wall, &lo, 0);
    volume_wall(b, &a, SIDE_FRONT, b->wall, NULL, 0);
    volume_wall(b, &n, right ? SIDE_RIGHT : SIDE_LEFT, b->wall, &hi, 0);
    mesh_quad(b->m, b->roof, v3(outer + sx * 0.3f, low, z0), v3(outer + sx * 0.3f, low, z1),
              v3(x, low + 2.0f, z1), v3(x, low + 2.0f, z0));
    mesh_box(b->m, b->trim, v3(minf(outer, outer + sx * 0.25f), low - 0.25f, z0),
             v3(maxf(outer, outer + sx * 0.25f), low + 0.05f, z1));
    mesh_box(b->m, b->trim, v3(minf(x, x + sx * 0.3f), high - 0.25f, z0),
             v3(maxf(x, x + sx * 0.3f), high + 0.1f, z1));
    for (int i = 0; i <= bays; i++) {
        float z = z0 + bay * (float)i;

        buttress(b, outer, z, 1.3f, low + 1.4f, right);
        for (int k = 0; k < 6; k++) { /* the flying arch */
            float t0 = (float)k / 6, t1 = (float)(k + 1) / 6;

            mesh_bar(b->m, b->wall,
                     v3(outer + sx * 0.2f - sx * (aisle + 0.2f) * t0,
                        low + 1.0f + (high - low - 2.4f) * sinf(t0 * 1.5f), z),
                     v3(outer + sx * 0.2f - sx * (aisle + 0.2f) * t1,
                        low + 1.0f + (high - low - 2.4f) * sinf(t1 * 1.5f), z),
                     0.24f, 0.24f, 4);
        }
    }
}

/* A tower of the front with stacked openings. */
static void tower(Build *b, float x0, float x1, float z0, float z1, float height, float spire) {
    Volume v = {x0, 0, z0, x1, height, z1};
    float w = x1 - x0, low = height * 0.40f;

    for (int s = 0; s < 4; s++) {
        Openings o = {0};
        float width = volume_width(&v, (Side)s);

        openings_row(&o,
                     (Opening){.v0 = height * 0.10f,
                               .v1 = low - 0.9f,
                               .head = HEAD_POINTED,
                               .fill = FILL_STAINED,
                               .trim = true,
                               .depth = 0.4f},
                     1, 1.7f, 0, width);
        openings_row(&o,
                     (Opening){.v0 = low + 0.8f,
                               .v1 = height * 0.66f,
                               .head = HEAD_POINTED,
                               .fill = FILL_STAINED,
                               .trim = true,
                               .depth = 0.4f},
                     2, 1.0f, 0.5f, width - 0.5f);
        openings_row(&o,
                     (Opening){.v0 = height * 0.71f,
                               .v1 = height - 0.9f,
                               .head = HEAD_POINTED,
                               .fill = FILL_VOID,
                               .trim = true,
                               .depth = 0.5f},
                     2, 1.15f, 0.4f, width - 0.4f);
        volume_wall(b, &v, (Side)s, b->wall, &o, 0);
    }
    for (int i = 0; i < 3; i++) {
        float y = i == 0 ? low : i == 1 ? height * 0.685f : height;

        mesh_box(b->m, b->trim, v3(x0 - 0.22f, y - 0.15f, z0 - 0.22f),
                 v3(x1 + 0.22f, y + 0.20f, z1 + 0.22f));
    }
    for (int i = 0; i < 4; i++) {
        float x = i & 1 ? x1 : x0, z = i & 2 ? z1 : z0;

        mesh_box(b->m, b->wall, v3(x - 0.42f, 0, z - 0.42f), v3(x + 0.42f, height, z + 0.42f));
        pinnacle(b, x, height + 0.2f, z, 0.36f, 2.8f);
    }
    if (spire > 0)
        roof_spire(b, v3(0.5f * (x0 + x1), height + 0.2f, 0.5f * (z0 + z1)), 0.52f * w, spire, 8,
                   b->roof);
}

/* The porch of the portal: arches nested inwards, the outermost under a steep gable. */
static void portal(Build *b, float x, float z, float width, float height) {
    const float half = 0.5f * width + 0.35f, step = 0.36f;

    for (int i = 0; i < 3; i++) {
        float w = width * (1.0f - 0.13f * (float)i), h = height * (1.0f - 0.085f * (float)i);
        Volume v = {x - half, 0, z - step * (float)(3 - i), x + half, height + 0.25f, z};
        Frame f = volume_frame(&v, SIDE_FRONT);
        WallTop top = top_gable(2 * half, height * 0.72f, height * 1.62f);
        Openings o = {0};

        if (i > 0)
            top = top_flat(2 * half, height * 1.02f);
        openings_add(&o, (Opening){.u0 = half - 0.5f * w,
                                   .v0 = 0.02f,
                                   .u1 = half + 0.5f * w,
                                   .v1 = h,
                                   .head = HEAD_POINTED,
                                   .fill = FILL_HOLE,
                                   .trim = true,
                                   .depth = step});
        wall_draw(b, &f, i == 0 ? b->trim : b->wall, &top, &o, 0);
    }
    for (int i = 0; i < 2; i++) {
        float at = i == 0 ? x - half : x + half;

        mesh_box(b->m, b->wall, v3(at - 0.3f, 0, z - 3 * step - 0.15f),
                 v3(at + 0.3f, height * 0.75f, z));
        pinnacle(b, at, height * 0.75f, z - 1.5f * step, 0.3f, 2.2f);
    }
}

void build_gothic(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "gothic plan");
    int bays = rng_int(&rng, 4, 6);
    float nave = rng_range(&rng, 6.0f, 7.0f), side = rng_range(&rng, 3.2f, 4.0f),
          length = 4.2f * (float)bays;
    float low = rng_range(&rng, 5.5f, 6.5f), high = low + rng_range(&rng, 6.0f, 7.0f),
          rise = nave * 0.85f;
    float towers = rng_range(&rng, 17.0f, 20.0f);
    bool two = rng_chance(&rng, 0.75f);
    float half = 0.5f * nave, spire = rng_range(&rng, 8.0f, 12.0f);
    Volume body = {-half, 0, 2.0f, half, high, 2.0f + length};
    Volume west = {-half, 0, 0, half, high + 0.4f, 2.0f};
    Frame f = volume_frame(&west, SIDE_FRONT);
    WallTop top = top_gable(nave, high + 0.4f, high + 0.4f + rise);
    Openings front = {0};

    nave_side(b, true, half, side, 2.0f, 2.0f + length, low, high, bays);
    nave_side(b, false, -half, side, 2.0f, 2.0f + length, low, high, bays);
    roof_gable(b, body, rise, 0.35f, false, b->roof);

    float rose = minf(nave * 0.30f, 2.1f);

    openings_add(&front, (Opening){.u0 = half - 1.35f,
                                   .v0 = 0.35f,
                                   .u1 = half + 1.35f,
                                   .v1 = 4.9f,
                                   .head = HEAD_POINTED,
                                   .fill = FILL_DOOR,
                                   .trim = true,
                                   .depth = 0.9f});
    openings_add(&front, (Opening){.u0 = half - rose,
                                   .v0 = high - 2.2f * rose - 0.6f,
                                   .u1 = half + rose,
                                   .v1 = high - 0.2f * rose - 0.6f,
                                   .head = HEAD_CIRCLE,
                                   .fill = FILL_STAINED,
                                   .trim = true,
                                   .depth = 0.45f});
    openings_add(&front, (Opening){.u0 = half - 0.7f,
                                   .v0 = high + 1.2f,
                                   .u1 = half + 0.7f,
                                   .v1 = high + 1.2f + rise * 0.45f,
                                   .head = HEAD_POINTED,
                                   .fill = FILL_STAINED,
                                   .trim = true,
                                   .depth = 0.35f});
    wall_draw(b, &f, b->wall, &top, &front, 0);
    mesh_box(b->m, b->trim, v3(-half, low + 0.1f, -0.2f), v3(half, low + 0.4f, 0));
    mesh_box(b->m, b->trim, v3(-half, high + 0.1f, -0.2f), v3(half, high + 0.4f, 0));
    portal(b, 0, 0, 3.9f, 5.6f);
    tower(b, half, half + side + 0.6f, -0.6f, side + 0.4f, towers, spire);
    if (two)
        tower(b, -half - side - 0.6f, -half, -0.6f, side + 0.4f, towers, spire);
    else
        tower(b, -half - side - 0.6f, -half, -0.6f, side + 0.4f, towers * 0.62f, 0);
    roof_spire(b, v3(0, high + rise - 0.6f, 2.0f + length * 0.7f), 0.9f, 9.0f, 8, b->roof);
    mesh_box(b->m, b->plinth, v3(-half - side - 1.2f, 0, -1.8f), v3(half + side + 1.2f, 0.34f, 3));
    part_stairs(b, -3, 3, -1.8f, 0.34f, b->plinth);
    b->done |= FEATURE_TOWER | FEATURE_ARCHES | FEATURE_STAIRS;
    world_entrance(b->w, 0, -1.8f, 2.2f, true);
    world_patch(b->w, b->spec->path, -half - side - 3, -7.0f, half + side + 3, 0.0f);
    part_window_light(b, v3(0, 3, -0.3f), v3(0, 0, -1), 8.0f);
}
