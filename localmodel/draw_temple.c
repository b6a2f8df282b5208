/*
 * draw_temple.c - halls and pagodas with curved roofs on posts and brackets, and the open pavilion.
 */
#include "draw_building.h"

/* One storey: posts, panelled walls, brackets below the eaves. */
static void storey(Build *b, Volume v, int bays, bool lowest) {
    float h = v.y1 - v.y0, inset = 0.5f;
    Volume in = {v.x0 + inset, v.y0, v.z0 + inset, v.x1 - inset, v.y1, v.z1 - inset};

    for (int s = 0; s < 4; s++) {
        float width = volume_width(&v, (Side)s), inner = volume_width(&in, (Side)s),
              bay = inner / (float)bays;
        Frame outer = volume_frame(&v, (Side)s), f = volume_frame(&in, (Side)s);
        Openings o = {0};

        for (int i = 0; i < bays; i++) {
            bool door = lowest && i == bays / 2 && s != SIDE_BACK;

            openings_add(&o, (Opening){.u0 = bay * (float)i + 0.32f,
                                       .v0 = door ? 0.03f : 0.75f,
                                       .u1 = bay * (float)(i + 1) - 0.32f,
                                       .v1 = h * 0.80f,
                                       .fill = door ? FILL_DOOR : FILL_WINDOW,
                                       .columns = 6,
                                       .rows = 5,
                                       .curtains = false,
                                       .depth = 0.10f});
        }
        volume_wall(b, &in, (Side)s, b->wall, &o, 3);
        for (int i = 0; i <= bays; i++) {
            float u = clampf(width * (float)i / (float)bays, 0.2f, width - 0.2f);
            Vec3 foot = frame_at(&outer, u, 0, -0.2f);

            mesh_column(b->m, b->accent, foot, h, 0.19f, 0.17f, 14);
            for (int k = 0; k < 3; k++) /* brackets, wider step by step */
                mesh_frame_box(
                    b->m, b->accent, &outer,
                    v3(u - 0.22f - 0.17f * (float)k, h - 0.62f + 0.2f * (float)k, -0.32f),
                    v3(u + 0.22f + 0.17f * (float)k, h - 0.46f + 0.2f * (float)k,
                       0.05f + 0.22f * (float)k));
        }
        mesh_frame_box(b->m, b->accent, &outer, v3(0, h - 0.75f, -0.28f),
                       v3(width, h - 0.55f, -0.08f));
        mesh_frame_box(b->m, b->accent, &f, v3(0, h * 0.80f, 0),
                       v3(inner, h * 0.80f + 0.14f, 0.06f));
    }
}

void build_temple(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "temple plan");
    bool pagoda = b->spec->features & FEATURE_TOWER || b->spec->storeys >= 3 ||
                  (b->spec->storeys == 0 && rng_chance(&rng, 0.35f));
    int tiers = pagoda ? (b->spec->storeys >= 3 ? (b->spec->storeys > 9 ? 9 : b->spec->storeys) : 5)
                : b->spec->storeys == 1 ? 1
                                        : 2;
    float w = pagoda ? rng_range(&rng, 7.5f, 8.5f) : rng_range(&rng, 13.5f, 16.0f),
          d = pagoda ? w : rng_range(&rng, 9.0f, 10.5f);
    float base = pagoda ? 1.0f : 1.3f, y = base, cx = 0.5f * w, cz = 0.5f * d, last = 0;

    for (int i = 0; i < tiers; i++) {
        float scale = 1.0f - (pagoda ? 0.125f : 0.30f) * (float)i, h = pagoda
                                                                           ? 2.9f - 0.16f * (float)i
                                                                       : i == 0 ? 4.0f
                                                                                : 2.2f;
        float hw = 0.5f * w * maxf(scale, 0.35f), hd = 0.5f * d * maxf(scale, 0.35f);
        Volume v = {cx - hw, y, cz - hd, cx + hw, y + h, cz + hd};
        bool top = i == tiers - 1;
        float rise = top ? (pagoda ? 2.6f : minf(hw, hd) * 0.95f) : pagoda ? 1.25f : 1.9f;

        storey(b, v, i == 0 && !pagoda ? 5 : 3, i == 0);
        roof_curved(b, v, rise, pagoda ? 1.75f : 2.1f, pagoda ? 0.65f : 0.95f, b->roof);
        last = y + h + rise;
        y += h + rise * (pagoda ? 0.42f : 0.62f);
    }
    if (pagoda) {
        mesh_column(b->m, b->metal, v3(cx, last - 0.2f, cz), 3.4f, 0.09f, 0.04f, 8);
        for (int i = 0; i < 6; i++)
            mesh_column(b->m, b->metal, v3(cx, last + 0.4f + 0.38f * (float)i, cz), 0.10f,
                        0.42f - 0.045f * (float)i, 0.42f - 0.045f * (float)i, 14);
    }
    mesh_box(b->m, b->plinth, v3(-1.8f, 0, -1.8f), v3(w + 1.8f, base, d + 1.8f));
    mesh_box(b->m, b->trim, v3(-1.95f, base - 0.18f, -1.95f), v3(w + 1.95f, base, d + 1.95f));
    part_stairs(b, cx - 1.7f, cx + 1.7f, -1.95f, base, b->plinth);
    part_railing(b, v3(-1.8f, base, -1.8f), v3(cx - 1.9f, base, -1.8f), 0.85f, false);
    part_railing(b, v3(cx + 1.9f, base, -1.8f), v3(w + 1.8f, base, -1.8f), 0.85f, false);
    b->done |= FEATURE_COLUMNS | FEATURE_TOWER | FEATURE_STAIRS | FEATURE_BALCONY;
    world_entrance(b->w, cx, -4.0f, 1.6f, true);
    if (b->spec->features & FEATURE_POOL)
        world_patch(b->w, MATERIAL_WATER, cx + 3.0f, -15.0f, w + 7.0f, -5.5f)->round = 4.0f;
    for (int i = 0; i < 2; i++) { /* stone lanterns beside the way */
        float x = cx + (i ? 3.0f : -3.0f);

        mesh_column(b->m, b->trim, v3(x, 0, -5.2f), 1.1f, 0.20f, 0.13f, 10);
        mesh_box(b->m, b->lamp, v3(x - 0.2f, 1.1f, -5.4f), v3(x + 0.2f, 1.45f, -5.0f));
        roof_spire(b, v3(x, 1.45f, -5.2f), 0.48f, 0.5f, 6, b->trim);
        world_lamp(b->w, (Lamp){.at = v3(x, 1.2f, -5.6f),
                                .colour = v_scale(rgb_hex(0xffbe74), 1.6f),
                                .range = 5.5f});
    }
    part_window_light(b, v3(cx, base + 1.6f, 0.4f), v3(0, 0, -1), 10.0f);
    part_window_light(b, v3(w - 0.4f, base + 1.6f, cz), v3(1, 0, 0), 8.0f);
    part_window_light(b, v3(0.4f, base + 1.6f, cz), v3(-1, 0, 0), 8.0f);
}

void build_pavilion(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "pavilion plan");
    float w = rng_range(&rng, 15.0f, 19.0f), d = rng_range(&rng, 8.0f, 9.5f),
          h = rng_range(&rng, 3.2f, 3.7f), base = 0.55f;
    int bays = rng_int(&rng, 5, 7);
    Volume room = {w * 0.22f, base, 1.6f, w * 0.86f, base + h, d - 1.4f},
           all = {0, base, 0, w, base + h, d};
    Openings glass = {0}, side = {0};
    float rw = room.x1 - room.x0, rd = room.z1 - room.z0;

    openings_add(&glass, (Opening){.u0 = 0.05f,
                                   .v0 = 0.03f,
                                   .u1 = rw * 0.62f,
                                   .v1 = h - 0.05f,
                                   .fill = FILL_GLAZING,
                                   .columns = bays - 1,
                                   .depth = 0.08f});
    openings_add(&glass, (Opening){.u0 = rw * 0.62f + 0.25f,
                                   .v0 = 0.03f,
                                   .u1 = rw * 0.62f + 1.5f,
                                   .v1 = h - 0.4f,
                                   .fill = FILL_DOOR,
                                   .depth = 0.1f});
    openings_add(&side, (Opening){.u0 = 0.05f,
                                  .v0 = 0.03f,
                                  .u1 = rd - 0.05f,
                                  .v1 = h - 0.05f,
                                  .fill = FILL_GLAZING,
                                  .columns = 3,
                                  .depth = 0.08f});
    volume_wall(b, &room, SIDE_FRONT, b->accent, &glass, h);
    volume_wall(b, &room, SIDE_LEFT, b->accent, &side, h);
    volume_wall(b, &room, SIDE_RIGHT, b->accent, &side, h);
    volume_wall(b, &room, SIDE_BACK, b->accent, NULL, h);
    for (int i = 0; i <= bays; i++)
        for (int k = 0; k < 2; k++) {
            float x = 0.4f + (w - 0.8f) * (float)i / (float)bays, z = k ? d - 0.4f : 0.4f;

            if (b->spec->style == STYLE_CLASSICAL || b->spec->features & FEATURE_COLUMNS)
                part_column(b, v3(x, base, z), h, 0.22f, b->trim);
            else
                mesh_box(b->m, b->metal, v3(x - 0.07f, base, z - 0.07f),
                         v3(x + 0.07f, base + h, z + 0.07f));
        }
    roof_flat(b, all, 0.9f, 0.45f, b->wall);
    mesh_box(b->m, b->stone, v3(w * 0.12f, 0, -1.2f),
             v3(w * 0.12f + 0.35f, base + h - 0.3f, d * 0.8f));
    mesh_box(b->m, b->plinth, v3(-1.2f, 0, -1.4f), v3(w + 1.2f, base, d + 0.8f));
    part_stairs(b, w * 0.6f, w * 0.6f + 3.4f, -1.4f, base, b->plinth);
    b->done |= FEATURE_COLUMNS;
    world_entrance(b->w, w * 0.6f + 1.7f, -1.4f, 1.2f, false);
    world_patch(b->w, MATERIAL_WATER, -1.0f, -9.0f, w * 0.5f, -2.6f);
    part_window_light(b, v3(w * 0.45f, base + 1.5f, 1.6f), v3(0, 0, -1), 20.0f);
    part_window_light(b, v3(w * 0.86f, base + 1.5f, d * 0.5f), v3(1, 0, 0), 9.0f);
}
