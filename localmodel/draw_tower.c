/*
 * draw_tower.c - high-rises: the curtain wall on a podium, and the stepped masses of art deco.
 */
#include "draw_building.h"

/* A curtain wall: glass by the storey, spandrels, mullions. */
static void curtain(Build *b, Volume v, float storey, float module, int fin, int band,
                    float depth) {
    int storeys = (int)maxf(1, roundf((v.y1 - v.y0) / storey));

    storey = (v.y1 - v.y0) / (float)storeys;
    for (int s = 0; s < 4; s++) {
        Frame f = volume_frame(&v, (Side)s);
        float width = volume_width(&v, (Side)s);
        int bays = (int)maxf(1, roundf(width / module));
        int pane = mesh_pane(
            b->m, (Pane){.cell_origin = v_dot(f.o, f.u),
                         .cell_width = width / (float)((bays + 1) / 2),
                         .floor = v.y0,
                         .height = storey,
                         .seed = hash3((int32_t)(v.x0 * 8), s, (uint32_t)b->spec->building_seed)});
        Face *face =
            mesh_quad(b->m, b->glass, frame_at(&f, 0, 0, 0), frame_at(&f, width, 0, 0),
                      frame_at(&f, width, v.y1 - v.y0, 0), frame_at(&f, 0, v.y1 - v.y0, 0));

        if (face != NULL) {
            face->pane = pane;
            face->u = f.u;
            face->v = f.v;
        }
        for (int i = 0; i <= storeys; i++)
            mesh_frame_box(b->m, band, &f, v3(0, storey * (float)i - 0.32f, -0.05f),
                           v3(width, storey * (float)i + 0.30f, depth * 0.35f));
        for (int i = 0; i <= bays; i++) {
            float u = width * (float)i / (float)bays;

            mesh_frame_box(b->m, fin, &f, v3(u - 0.06f, 0, -0.05f),
                           v3(u + 0.06f, v.y1 - v.y0, depth));
        }
    }
    mesh_quad(b->m, b->roof, v3(v.x0, v.y1, v.z0), v3(v.x1, v.y1, v.z0), v3(v.x1, v.y1, v.z1),
              v3(v.x0, v.y1, v.z1));
}

/* The street level: lobby glass between piers, a canopy. */
static void lobby(Build *b, Volume v, int pier) {
    float h = v.y1 - v.y0;

    for (int s = 0; s < 4; s++) {
        float width = volume_width(&v, (Side)s);
        int bays = (int)maxf(2, roundf(width / 4.5f));
        Openings o = {0};

        openings_row(
            &o,
            (Opening){
                .v0 = 0.05f, .v1 = h - 0.9f, .fill = FILL_GLAZING, .columns = 3, .depth = 0.5f},
            bays, width / (float)bays - 0.8f, 0, width);
        if (s == SIDE_FRONT) {
            Opening *door = &o.list[bays / 2];

            door->fill = FILL_DOOR;
            door->u0 += 0.6f;
            door->u1 -= 0.6f;
            door->v1 = minf(door->v1, 3.2f);
        }
        volume_wall(b, &v, (Side)s, pier, &o, h);
    }
    roof_flat(b, v, 0.25f, 0.35f, b->trim);
    mesh_box(b->m, b->metal, v3(0.5f * (v.x0 + v.x1) - 4, h * 0.62f, v.z0 - 2.6f),
             v3(0.5f * (v.x0 + v.x1) + 4, h * 0.62f + 0.25f, v.z0));
    part_window_light(b, v3(v.x0 + 0.25f * (v.x1 - v.x0), 2.5f, v.z0), v3(0, 0, -1), 26);
    part_window_light(b, v3(v.x0 + 0.75f * (v.x1 - v.x0), 2.5f, v.z0), v3(0, 0, -1), 26);
    part_window_light(b, v3(v.x1, 2.5f, 0.5f * (v.z0 + v.z1)), v3(1, 0, 0), 26);
    part_window_light(b, v3(v.x0, 2.5f, 0.5f * (v.z0 + v.z1)), v3(-1, 0, 0), 26);
}

void build_tower(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "tower plan");
    int storeys = b->spec->storeys > 3 ? b->spec->storeys : rng_int(&rng, 20, 30),
        shape = rng_int(&rng, 0, 2);
    float storey = 3.6f, w = rng_range(&rng, 19, 24), d = rng_range(&rng, 17, 21), base = 6.5f;
    float height = storey * (float)storeys, top = base + height;
    Volume podium = {-6, 0, -3, w + 6, base, d + 4}, shaft = {0, base + 0.3f, 0, w, top, d};

    lobby(b, podium, b->stone);
    if (shape == 0) { /* two slabs, one taller */
        Volume left = {0, base + 0.3f, 0, w * 0.48f, top, d},
               right = {w * 0.52f, base + 0.3f, 1.5f, w, top * 0.86f, d - 1.5f};

        curtain(b, left, storey, 1.5f, b->wall, b->wall, 0.28f);
        curtain(b, right, storey, 1.5f, b->accent, b->accent, 0.20f);
        mesh_box(b->m, b->dark, v3(w * 0.47f, base, 3), v3(w * 0.53f, top * 0.86f, d - 3));
        shaft = left;
    } else if (shape == 1) { /* set back twice */
        for (int i = 0; i < 3; i++) {
            float in = 2.0f * (float)i,
                  y0 = i == 0 ? base + 0.3f : base + height * (0.45f + 0.3f * (float)(i - 1)),
                  y1 = base + height * (i == 2 ? 1.0f : 0.45f + 0.3f * (float)i);

            shaft = (Volume){in, y0, in, w - in, y1, d - in};
            curtain(b, shaft, storey, 1.5f, b->wall, b->wall, 0.30f);
        }
    } else { /* a plain prism in tall frames */
        curtain(b, shaft, storey, 1.5f, b->wall, b->wall, 0.25f);
        for (int i = 0; i < 4; i++) {
            float x = i & 1 ? w : 0, z = i & 2 ? d : 0;

            mesh_box(b->m, b->wall, v3(x - 0.5f, base, z - 0.5f),
                     v3(x + 0.5f, top + 2.5f, z + 0.5f));
        }
    }
    roof_parapet(b, shaft, 2.2f, b->wall);
    mesh_box(b->m, b->metal, v3(shaft.x0 + 4, shaft.y1, shaft.z0 + 4),
             v3(shaft.x1 - 4, shaft.y1 + 3.2f, shaft.z1 - 4));
    mesh_bar(b->m, b->metal,
             v3(0.5f * (shaft.x0 + shaft.x1), shaft.y1 + 3, 0.5f * (shaft.z0 + shaft.z1)),
             v3(0.5f * (shaft.x0 + shaft.x1), shaft.y1 + 14, 0.5f * (shaft.z0 + shaft.z1)), 0.25f,
             0.06f, 6);
    b->done |= FEATURE_TOWER | FEATURE_BALCONY | FEATURE_CHIMNEY | FEATURE_GARAGE;
    world_patch(b->w, MATERIAL_ASPHALT, -300, -26, 300, -14);
    world_patch(b->w, MATERIAL_PAVING, -300, -14, 300, -9.5f);
}

/* One stepped mass: fins that run its whole height, windows between, a crown of ornament. */
static void stepped_mass(Build *b, Volume v, bool crown) {
    float h = v.y1 - v.y0, storey = 3.3f;

    for (int s = 0; s < 4; s++) {
        float width = volume_width(&v, (Side)s);
        int bays = (int)maxf(1, roundf(width / 2.3f)),
            storeys = (int)maxf(1, floorf((h - 1.2f) / storey));
        Frame f = volume_frame(&v, (Side)s);
        float bay = width / (float)bays;
        Openings o = {0};

        for (int k = 0; k < storeys && o.n + bays <= WALL_MAX_OPENINGS; k++)
            openings_row(&o,
                         (Opening){.v0 = storey * (float)k + 0.8f,
                                   .v1 = storey * (float)k + 2.75f,
                                   .fill = FILL_WINDOW,
                                   .columns = 2,
                                   .rows = 2,
                                   .curtains = true,
                                   .depth = 0.22f},
                         bays, bay * 0.52f, 0, width);
        volume_wall(b, &v, (Side)s, b->wall, &o, storey);
        for (int i = 0; i <= bays; i++) {
            float u = clampf(bay * (float)i, 0.25f, width - 0.25f);

            mesh_frame_box(b->m, b->wall, &f, v3(u - 0.25f, 0, 0), v3(u + 0.25f, h + 0.5f, 0.22f));
            mesh_frame_box(b->m, b->trim, &f, v3(u - 0.18f, h + 0.5f, 0),
                           v3(u + 0.18f, h + 1.1f, 0.14f));
        }
        for (int i = 0; i < bays; i++)
            for (int k = 0; k < storeys; k++) /* metal spandrels */
                mesh_frame_box(b->m, b->accent, &f,
                               v3(bay * (float)i + 0.26f + bay * 0.06f,
                                  storey * (float)k - 0.45f + (k == 0 ? 0.45f : 0), 0),
                               v3(bay * (float)(i + 1) - 0.26f - bay * 0.06f,
                                  storey * (float)k + 0.72f, 0.05f));
        mesh_frame_box(b->m, b->trim, &f, v3(0, h - 0.45f, 0), v3(width, h, 0.10f));
        for (float u = 0.4f; crown && u < width - 0.4f; u += 0.8f) /* zigzag frieze */
            mesh_triangle(b->m, b->accent, frame_at(&f, u, h - 0.42f, 0.12f),
                          frame_at(&f, u + 0.7f, h - 0.42f, 0.12f),
                          frame_at(&f, u + 0.35f, h - 0.06f, 0.12f));
    }
    roof_parapet(b, v, 0.4f, b->wall);
}

void build_deco(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "deco plan");
    int storeys = b->spec->storeys > 0 ? b->spec->storeys : rng_int(&rng, 7, 9);
    float w = rng_range(&rng, 21, 25), d = rng_range(&rng, 14, 17), base = 4.6f,
          h = 3.3f * (float)(storeys > 14 ? 14 : storeys);
    Volume foot = {0, 0, 0, w, base, d};
    float c = 0.5f * w;

    lobby(b, foot, b->plinth);
    stepped_mass(b, (Volume){0.5f, base + 0.3f, 0.5f, w - 0.5f, base + 0.3f + h * 0.48f, d - 0.5f},
                 false);
    stepped_mass(
        b, (Volume){w * 0.17f, base + 0.3f, -0.1f, w * 0.83f, base + 0.3f + h * 0.74f, d - 2.0f},
        false);
    stepped_mass(b, (Volume){w * 0.31f, base + 0.3f, -0.7f, w * 0.69f, base + 0.3f + h, d - 3.5f},
                 true);
    for (int i = 0; i < 3; i++) { /* the crown, step upon step */
        float half = w * (0.15f - 0.04f * (float)i), y = base + 0.7f + h + 1.3f * (float)i;

        mesh_box(b->m, i == 1 ? b->accent : b->wall, v3(c - half, y, d * 0.38f - half),
                 v3(c + half, y + 1.4f, d * 0.38f + half));
        mesh_box(b->m, b->trim, v3(c - half - 0.12f, y + 1.25f, d * 0.38f - half - 0.12f),
                 v3(c + half + 0.12f, y + 1.42f, d * 0.38f + half + 0.12f));
    }
    roof_spire(b, v3(c, base + h + 4.6f, d * 0.38f), w * 0.065f, 6.5f, 8, b->roof);
    for (int i = 0; i < 3; i++) /* sunburst over the entrance */
        mesh_box(b->m, b->accent,
                 v3(c - 1.6f + 0.35f * (float)i, base + 0.3f, -1.1f + 0.1f * (float)i),
                 v3(c + 1.6f - 0.35f * (float)i, base + 1.6f + 0.9f * (float)i, -0.6f));
    b->done |= FEATURE_TOWER | FEATURE_BALCONY | FEATURE_CHIMNEY | FEATURE_GARAGE;
    world_patch(b->w, MATERIAL_ASPHALT, -300, -22, 300, -11);
    world_patch(b->w, MATERIAL_PAVING, -300, -11, 300, -7);
}
