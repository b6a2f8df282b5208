/*
 * draw_classical.c - a temple front before a symmetrical palace: plinth and stairs, columns and
 * pediment, cornices and balustrade; with a dome where one is asked for or the building is public.
 */
#include "draw_building.h"

/* Mouldings that run around a volume. */
static void cornice(Build *b, Volume v, float y, float out, float height) {
    mesh_box(b->m, b->trim, v3(v.x0 - 0.4f * out, y, v.z0 - 0.4f * out),
             v3(v.x1 + 0.4f * out, y + 0.45f * height, v.z1 + 0.4f * out));
    mesh_box(b->m, b->trim, v3(v.x0 - out, y + 0.45f * height, v.z0 - out),
             v3(v.x1 + out, y + height, v.z1 + out));
    if (b->snowy)
        mesh_box(b->m, b->snow, v3(v.x0 - out + 0.03f, y + height, v.z0 - out + 0.03f),
                 v3(v.x1 + out - 0.03f, y + height + 0.10f, v.z1 + out - 0.03f));
}

/* Balusters under a rail along the front and the sides. */
static void balustrade(Build *b, Volume v, float y) {
    const Vec3 corner[4] = {v3(v.x0, y, v.z1), v3(v.x0, y, v.z0), v3(v.x1, y, v.z0),
                            v3(v.x1, y, v.z1)};

    for (int i = 0; i < 3; i++) {
        Vec3 a = corner[i], c = corner[i + 1], along = v_norm(v_sub(c, a));
        float length = v_len(v_sub(c, a));
        int n = (int)(length / 0.42f);

        for (int k = 0; k < n; k++) {
            Vec3 p = v_mad(a, along, length * ((float)k + 0.5f) / (float)n);
            bool pier = k % 8 == 0;

            if (pier)
                mesh_box(b->m, b->trim, v3(p.x - 0.2f, y, p.z - 0.2f),
                         v3(p.x + 0.2f, y + 0.95f, p.z + 0.2f));
            else
                mesh_bar(b->m, b->trim, v3(p.x, y, p.z), v3(p.x, y + 0.75f, p.z), 0.10f, 0.07f, 6);
        }
        mesh_bar(b->m, b->trim, v3(a.x, y + 0.80f, a.z), v3(c.x, y + 0.80f, c.z), 0.13f, 0.13f, 4);
    }
}

/* Three bands of windows: low, noble, attic. */
static void palace_front(Build *b, const Volume *v, Side side, int bays, float lower, float upper,
                         float skip0, float skip1) {
    float width = volume_width(v, side), bay = width / (float)bays;
    bool arched = b->spec->features & FEATURE_ARCHES;
    Openings o = {0};

    for (int i = 0; i < bays; i++) {
        float c = bay * ((float)i + 0.5f), w = minf(1.25f, bay * 0.5f);

        if (c > skip0 && c < skip1)
            continue;
        openings_add(&o, (Opening){.u0 = c - 0.5f * w,
                                   .v0 = 0.9f,
                                   .u1 = c + 0.5f * w,
                                   .v1 = lower - 0.75f,
                                   .fill = FILL_WINDOW,
                                   .head = arched ? HEAD_ROUND : HEAD_FLAT,
                                   .columns = 2,
                                   .rows = 4,
                                   .sill = true,
                                   .trim = true,
                                   .curtains = true,
                                   .depth = 0.25f});
        openings_add(&o, (Opening){.u0 = c - 0.45f * w,
                                   .v0 = lower + 0.75f,
                                   .u1 = c + 0.45f * w,
                                   .v1 = lower + upper - 0.75f,
                                   .fill = FILL_WINDOW,
                                   .columns = 2,
                                   .rows = 2,
                                   .sill = true,
                                   .trim = true,
                                   .curtains = true,
                                   .depth = 0.25f});
    }
    volume_wall(b, v, side, b->wall, &o, lower);

    Frame f = volume_frame(v, side);

    for (int i = 0; i < bays; i++) { /* small gables over the noble windows */
        float c = bay * ((float)i + 0.5f), w = minf(1.25f, bay * 0.5f) * 0.75f, y = lower - 0.42f;

        if ((c > skip0 && c < skip1) || arched)
            continue;
        mesh_frame_box(b->m, b->trim, &f, v3(c - w, y - 0.14f, 0), v3(c + w, y, 0.22f));
        if (i % 2 == 0)
            mesh_triangle(b->m, b->trim, frame_at(&f, c - w, y, 0.2f), frame_at(&f, c + w, y, 0.2f),
                          frame_at(&f, c, y + 0.38f, 0.2f));
    }
    for (int i = 0; i <= bays; i++) { /* flat pilasters between the bays */
        float c = clampf(bay * (float)i, 0.25f, width - 0.25f);

        if (c > skip0 + 0.3f && c < skip1 - 0.3f)
            continue;
        mesh_frame_box(b->m, b->wall, &f, v3(c - 0.25f, 0.2f, 0),
                       v3(c + 0.25f, v->y1 - v->y0 - 0.1f, 0.10f));
    }
}

/* The temple front: columns, entablature, pediment. */
static void portico(Build *b, float centre, float width, float base, float height, float out,
                    int columns) {
    float pitch = width / (float)columns, radius = minf(0.46f, pitch * 0.19f), top = base + height;
    float x0 = centre - 0.5f * width, x1 = centre + 0.5f * width, rise = width * 0.17f;

    for (int row = 0; row < 2; row++)
        for (int i = 0; i < columns; i++) {
            if (row == 1 && i > 0 && i < columns - 1)
                continue;
            part_column(b,
                        v3(x0 + pitch * ((float)i + 0.5f), base,
                           -out + 0.6f + (float)row * (out - 0.7f) * 0.55f),
                        height, radius, b->accent);
        }
    mesh_box(b->m, b->accent, v3(x0, top, -out), v3(x1, top + 0.55f, 0));
    mesh_box(b->m, b->trim, v3(x0 - 0.15f, top + 0.55f, -out - 0.15f),
             v3(x1 + 0.15f, top + 1.0f, 0));
    for (float x = x0 + 0.2f; x < x1 - 0.2f; x += 0.36f) /* dentils */
        mesh_box(b->m, b->trim, v3(x, top + 0.40f, -out - 0.12f), v3(x + 0.17f, top + 0.56f, -out));
    mesh_box(b->m, b->trim, v3(x0 - 0.35f, top + 1.0f, -out - 0.35f),
             v3(x1 + 0.35f, top + 1.18f, 0.1f));
    mesh_triangle(b->m, b->accent, v3(x0, top + 1.18f, -out + 0.15f),
                  v3(x1, top + 1.18f, -out + 0.15f), v3(centre, top + 1.1f + rise, -out + 0.15f));
    mesh_lathe(b->m, b->trim, v3(centre, top + 1.18f + rise * 0.36f, -out + 0.12f),
               (const float[][2]){{0.0f, 0.1f}, {rise * 0.16f, 0}, {rise * 0.16f, -0.1f}}, 3, 20,
               0);
    roof_gable(b, (Volume){x0 - 0.1f, 0, -out, x1 + 0.1f, top + 1.05f, 6.0f}, rise + 0.12f, 0.30f,
               false, b->roof);
}

/* A drum with windows and columns under a dome. */
static void crown(Build *b, float x, float y, float z, float r) {
    float drum = r * 0.85f;

    mesh_box(b->m, b->wall, v3(x - 1.25f * r, y - 0.5f, z - 1.25f * r),
             v3(x + 1.25f * r, y + 0.6f, z + 1.25f * r));
    mesh_column(b->m, b->wall, v3(x, y + 0.6f, z), drum, r, r, 40);
    for (int i = 0; i < 16; i++) {
        float a = 2 * PI_F * (float)i / 16;
        Vec3 foot = v3(x + 1.06f * r * cosf(a), y + 0.6f, z + 1.06f * r * sinf(a));

        mesh_column(b->m, b->trim, foot, drum, 0.055f * r, 0.05f * r, 8);
        a += PI_F / 16;

        Vec3 out = v3(cosf(a), 0, sinf(a));
        Frame f = {v_add(v3(x, y + 0.6f, z), v_scale(out, r * 1.005f)), v3(-sinf(a), 0, cosf(a)),
                   v3(0, 1, 0), out};

        opening_fill(b, &f,
                     &(Opening){.u0 = -0.10f * r,
                                .v0 = drum * 0.2f,
                                .u1 = 0.10f * r,
                                .v1 = drum * 0.85f,
                                .head = HEAD_ROUND,
                                .fill = FILL_WINDOW,
                                .rows = 3,
                                .depth = 0.005f},
                     3, 0);
    }
    mesh_column(b->m, b->trim, v3(x, y + 0.6f + drum, z), 0.3f, 1.12f * r, 1.12f * r, 40);
    roof_dome(b, v3(x, y + 0.9f + drum, z), r * 1.0f, r * 1.02f, b->roof);
}

void build_classical(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "classical plan");
    bool grand = b->spec->kind == KIND_PUBLIC || b->spec->kind == KIND_SACRED;
    int bays = 2 * rng_int(&rng, 3, 4) + 1 + (grand ? 4 : 0),
        columns = rng_chance(&rng, 0.5f) ? 6 : 4;
    float bay = rng_range(&rng, 2.5f, 2.9f), length = bay * (float)bays, base = 1.15f;
    float lower = rng_range(&rng, 4.2f, 4.8f), upper = rng_range(&rng, 3.2f, 3.7f),
          depth = rng_range(&rng, 10.0f, 12.0f);
    float width = bay * (columns == 6 ? 3.9f : 3.0f), centre = 0.5f * length, out = 3.4f;
    Volume v = {0, base, 0, length, base + lower + upper, depth};
    Openings doors = {0};

    palace_front(b, &v, SIDE_FRONT, bays, lower, upper, centre - 0.5f * width,
                 centre + 0.5f * width);
    palace_front(b, &v, SIDE_LEFT, 4, lower, upper, -1, -1);
    palace_front(b, &v, SIDE_RIGHT, 4, lower, upper, -1, -1);
    volume_wall(b, &v, SIDE_BACK, b->wall, NULL, lower);

    /* Behind the columns: a wall with the door and two windows. */
    Volume behind = {centre - 0.5f * width, base, -0.12f, centre + 0.5f * width, v.y1, 0};

    openings_add(&doors, (Opening){.u0 = 0.5f * width - 1.0f,
                                   .v0 = 0.02f,
                                   .u1 = 0.5f * width + 1.0f,
                                   .v1 = 3.6f,
                                   .head = HEAD_ROUND,
                                   .fill = FILL_DOOR,
                                   .trim = true,
                                   .depth = 0.11f});
    openings_row(&doors,
                 (Opening){.v0 = lower + 0.5f,
                           .v1 = lower + upper - 0.8f,
                           .fill = FILL_WINDOW,
                           .columns = 2,
                           .rows = 2,
                           .trim = true,
                           .depth = 0.11f},
                 columns - 1, 1.1f, 0.4f, width - 0.4f);
    volume_wall(b, &behind, SIDE_FRONT, b->wall, &doors, lower);

    cornice(b, v, base + lower - 0.15f, 0.14f, 0.28f);
    cornice(b, v, v.y1, 0.55f, 0.6f);
    balustrade(b, (Volume){v.x0 + 0.1f, 0, v.z0 + 0.1f, v.x1 - 0.1f, 0, v.z1}, v.y1 + 0.6f);
    roof_hip(b, (Volume){v.x0 + 0.8f, 0, v.z0 + 0.8f, v.x1 - 0.8f, v.y1 + 0.5f, v.z1 - 0.8f}, 2.2f,
             0, b->roof);
    portico(b, centre, width, base, lower + upper - 0.6f, out, columns);
    mesh_box(b->m, b->plinth, v3(-0.3f, 0, -0.3f), v3(length + 0.3f, base, depth + 0.3f));
    mesh_box(b->m, b->plinth, v3(centre - 0.5f * width - 0.4f, 0, -out - 0.3f),
             v3(centre + 0.5f * width + 0.4f, base, 0));
    part_stairs(b, centre - 0.5f * width + 0.3f, centre + 0.5f * width - 0.3f, -out - 0.3f, base,
                b->plinth);
    if (b->spec->features & FEATURE_DOME || grand)
        crown(b, centre, v.y1 + 1.4f, depth * 0.5f, minf(depth * 0.33f, 4.2f));
    b->done |= FEATURE_COLUMNS | FEATURE_DOME | FEATURE_STAIRS;
    world_entrance(b->w, centre, -out - 2.2f, 2.4f, true);
    world_patch(b->w, b->spec->path, -2.0f, -out - 7.0f, length + 2.0f, -out - 2.2f);
    if (b->spec->features & FEATURE_POOL)
        world_patch(b->w, MATERIAL_WATER, centre + 4.0f, -out - 16.0f, centre + 14.0f, -out - 8.5f)
            ->round = 1.5f;
    part_window_light(b, v3(centre, base + 2.0f, -0.2f), v3(0, 0, -1), 8.0f);
    part_window_light(b, v3(length * 0.18f, base + 2.0f, 0), v3(0, 0, -1), 6.0f);
    part_window_light(b, v3(length * 0.82f, base + 2.0f, 0), v3(0, 0, -1), 6.0f);
}
