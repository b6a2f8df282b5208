/*
 * draw_industrial.c - a brick hall under a saw-tooth roof, a taller block with gridded windows, a
 * chimney stack; or, by the seed, a steel shed.
 */
#include "draw_building.h"

/* Brick piers and large gridded windows along a wall. */
static void grid_wall(Build *b, const Volume *v, Side side, int bays, int storeys, float storey,
                      bool door) {
    float width = volume_width(v, side), bay = width / (float)bays;
    Frame f = volume_frame(v, side);
    Openings o = {0};

    for (int s = 0; s < storeys; s++)
        for (int i = 0; i < bays; i++) {
            Opening w = {.u0 = bay * (float)i + 0.5f,
                         .v0 = storey * (float)s + 0.9f,
                         .u1 = bay * (float)(i + 1) - 0.5f,
                         .v1 = storey * (float)(s + 1) - 0.45f,
                         .head = HEAD_SEGMENT,
                         .fill = FILL_WINDOW,
                         .columns = 4,
                         .rows = 4,
                         .sill = true,
                         .depth = 0.24f};

            if (s == 0 && door && i == bays / 2) {
                w.v0 = 0.05f;
                w.v1 = minf(3.4f, w.v1);
                w.fill = FILL_DOOR;
                w.head = HEAD_FLAT;
                w.sill = false;
            }
            openings_add(&o, w);
        }
    volume_wall(b, v, side, b->wall, &o, storey);
    for (int i = 0; i <= bays; i++) {
        float u = clampf(bay * (float)i, 0.28f, width - 0.28f);

        mesh_frame_box(b->m, b->wall, &f, v3(u - 0.28f, 0, 0),
                       v3(u + 0.28f, v->y1 - v->y0 - 0.35f, 0.14f));
    }
    mesh_frame_box(b->m, b->trim, &f, v3(0, 0, 0), v3(width, 0.55f, 0.17f));
    mesh_frame_box(b->m, b->trim, &f, v3(-0.1f, v->y1 - v->y0 - 0.35f, 0),
                   v3(width + 0.1f, v->y1 - v->y0, 0.20f));
}

/* Saw teeth: each tooth a glazed upright face and a sloping back. */
static void saw_teeth(Build *b, Volume v, int teeth, float rise) {
    float w = (v.x1 - v.x0) / (float)teeth, y = v.y1;

    for (int i = 0; i < teeth; i++) {
        float x0 = v.x0 + w * (float)i, x1 = x0 + w;
        Frame f = {v3(x0, y, v.z1), {0, 0, -1}, {0, 1, 0}, {-1, 0, 0}};
        Openings o = {0};
        WallTop top = top_flat(v.z1 - v.z0, rise);

        openings_add(&o, (Opening){.u0 = 0.3f,
                                   .v0 = 0.25f,
                                   .u1 = v.z1 - v.z0 - 0.3f,
                                   .v1 = rise - 0.15f,
                                   .fill = FILL_WINDOW,
                                   .columns = 8,
                                   .rows = 2,
                                   .depth = 0.08f});
        wall_draw(b, &f, b->accent, &top, &o, 3);
        mesh_quad(b->m, b->snowy ? b->snow : b->roof, v3(x0 - 0.1f, y + rise, v.z0 - 0.15f),
                  v3(x1, y, v.z0 - 0.15f), v3(x1, y, v.z1 + 0.15f),
                  v3(x0 - 0.1f, y + rise, v.z1 + 0.15f));
        mesh_triangle(b->m, b->wall, v3(x0, y, v.z0), v3(x1, y, v.z0),
                      v3(x0, y + rise - 0.05f, v.z0));
        mesh_bar(b->m, b->metal, v3(x0, y + rise, v.z0 - 0.15f), v3(x1, y + 0.05f, v.z0 - 0.15f),
                 0.09f, 0.09f, 4);
    }
}

void build_industrial(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "industrial plan");
    int bays = rng_int(&rng, 4, 5), teeth = rng_int(&rng, 3, 5);
    int storeys =
        b->spec->storeys > 0 && b->spec->storeys < 9 ? b->spec->storeys : rng_int(&rng, 2, 3);
    float bay = rng_range(&rng, 3.4f, 4.0f), storey = 4.1f, hall = bay * (float)bays,
          depth = rng_range(&rng, 11, 13);
    float block = rng_range(&rng, 7.0f, 9.0f), stack = rng_range(&rng, 16.0f, 20.0f);
    Volume low = {0, 0, 0, hall, 5.4f, depth};
    Volume high = {hall, 0, -1.2f, hall + block, storey * (float)storeys + 0.6f, depth * 0.75f};

    b->w->face = -1.0f;
    b->done |= FEATURE_CHIMNEY | FEATURE_ARCHES | FEATURE_TOWER;
    grid_wall(b, &low, SIDE_FRONT, bays, 1, 5.1f, true);
    grid_wall(b, &low, SIDE_LEFT, 3, 1, 5.1f, false);
    volume_wall(b, &low, SIDE_BACK, b->wall, NULL, 0);
    saw_teeth(b, low, teeth, 2.5f);
    grid_wall(b, &high, SIDE_FRONT, 2, storeys, storey, false);
    grid_wall(b, &high, SIDE_RIGHT, 3, storeys, storey, false);
    grid_wall(b, &high, SIDE_LEFT, 3, storeys, storey, false);
    volume_wall(b, &high, SIDE_BACK, b->wall, NULL, 0);
    roof_parapet(b, high, 0.7f, b->wall);
    if (rng_chance(&rng, 0.6f)) { /* a water tank on legs */
        Vec3 t = v3(hall + block * 0.5f, high.y1 + 2.2f, depth * 0.35f);

        for (int i = 0; i < 4; i++)
            mesh_bar(b->m, b->metal,
                     v3(t.x + (i & 1 ? 1.1f : -1.1f), high.y1, t.z + (i & 2 ? 1.1f : -1.1f)),
                     v3(t.x + (i & 1 ? 0.9f : -0.9f), t.y, t.z + (i & 2 ? 0.9f : -0.9f)), 0.09f,
                     0.09f, 4);
        mesh_column(b->m, b->accent, t, 2.4f, 1.5f, 1.5f, 24);
        roof_spire(b, v3(t.x, t.y + 2.4f, t.z), 1.65f, 1.1f, 20, b->roof);
    }
    mesh_column(b->m, b->wall, v3(hall - 2.5f, 0, depth - 1.5f), stack, 1.15f, 0.75f, 24);
    mesh_column(b->m, b->trim, v3(hall - 2.5f, stack - 0.8f, depth - 1.5f), 0.9f, 0.95f, 0.95f, 24);
    mesh_box(b->m, b->accent, v3(hall * 0.5f - 2.2f, 3.6f, -1.6f),
             v3(hall * 0.5f + 2.2f, 3.75f, 0)); /* canopy */
    for (int i = 0; i < 2; i++)
        mesh_bar(b->m, b->metal, v3(hall * 0.5f + (i ? 2.0f : -2.0f), 3.7f, -1.5f),
                 v3(hall * 0.5f + (i ? 2.0f : -2.0f), 5.0f, 0), 0.03f, 0.03f, 4);
    world_patch(b->w, b->spec->path, -300, -13, hall + block + 300, -6.5f);
    world_patch(b->w, b->spec->path, hall * 0.5f - 2.5f, -9, hall * 0.5f + 2.5f, 0);
    part_window_light(b, v3(hall * 0.25f, 2.4f, 0), v3(0, 0, -1), 14);
    part_window_light(b, v3(hall * 0.75f, 2.4f, 0), v3(0, 0, -1), 14);
    part_window_light(b, v3(hall + block * 0.5f, 2.4f, -1.2f), v3(0, 0, -1), 14);
    part_wall_lamp(b, v3(hall * 0.5f - 1.8f, 2.8f, -0.1f), v3(0, 0, -1));
}
