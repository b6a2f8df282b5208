/*
 * draw_mediterranean.c - white walls, low tiled roofs, arcades and towers; and the domed building
 * (mosque, basilica, observatory) that shares its arches.
 */
#include "draw_building.h"

static Opening window(float v, bool arched) {
    return (Opening){.v0 = v,
                     .v1 = v + 1.35f,
                     .head = arched ? HEAD_ROUND : HEAD_FLAT,
                     .fill = FILL_WINDOW,
                     .columns = 2,
                     .rows = 3,
                     .sill = true,
                     .shutters = !arched,
                     .curtains = true,
                     .depth = 0.26f};
}

/* An arcade before the ground floor, with a terrace above. */
static void arcade(Build *b, Volume v, int arches, float height) {
    Openings front = {0}, side = {0};
    float width = v.x1 - v.x0, depth = v.z1 - v.z0, bay = width / (float)arches;

    openings_row(&front,
                 (Opening){.v0 = 0.02f,
                           .v1 = height - 0.45f,
                           .head = HEAD_ROUND,
                           .fill = FILL_HOLE,
                           .depth = 0.4f},
                 arches, bay * 0.74f, 0, width);
    openings_row(&side,
                 (Opening){.v0 = 0.02f,
                           .v1 = height - 0.45f,
                           .head = HEAD_ROUND,
                           .fill = FILL_HOLE,
                           .depth = 0.4f},
                 1, depth * 0.72f, 0, depth);

    Volume walls = {v.x0, v.y0, v.z0, v.x1, v.y0 + height, v.z1};

    volume_wall(b, &walls, SIDE_FRONT, b->wall, &front, 0);
    volume_wall(b, &walls, SIDE_LEFT, b->wall, &side, 0);
    volume_wall(b, &walls, SIDE_RIGHT, b->wall, &side, 0);
    for (int i = 0; i <= arches; i++) { /* the inner faces of the piers */
        float x = v.x0 + bay * (float)i, half = bay * 0.13f;

        mesh_quad(b->m, b->wall, v3(maxf(x - half, v.x0), v.y0, v.z0 + 0.4f),
                  v3(minf(x + half, v.x1), v.y0, v.z0 + 0.4f),
                  v3(minf(x + half, v.x1), v.y0 + height, v.z0 + 0.4f),
                  v3(maxf(x - half, v.x0), v.y0 + height, v.z0 + 0.4f));
    }
    mesh_box(b->m, b->trim, v3(v.x0 - 0.1f, v.y0 + height - 0.08f, v.z0 - 0.1f),
             v3(v.x1 + 0.1f, v.y0 + height + 0.1f, v.z1));
    world_lamp(b->w,
               (Lamp){.at = v3(0.5f * (v.x0 + v.x1), v.y0 + height - 0.6f, 0.5f * (v.z0 + v.z1)),
                      .colour = v_scale(rgb_hex(0xffbe74), 5.0f),
                      .range = 9.0f});
}

/* A square tower with an open top storey. */
static void belvedere(Build *b, float x, float z, float size, float height) {
    Volume v = {x, 0, z, x + size, height, z + size};

    for (int s = 0; s < 4; s++) {
        Openings o = {0};

        openings_row(&o,
                     (Opening){.v0 = height - 2.3f,
                               .v1 = height - 0.5f,
                               .head = HEAD_ROUND,
                               .fill = FILL_VOID,
                               .trim = true,
                               .depth = 0.3f},
                     2, 0.95f, 0.2f, size - 0.2f);
        openings_row(&o, window(height * 0.42f, true), 1, 0.8f, 0, size);
        volume_wall(b, &v, (Side)s, b->wall, &o, 0);
    }
    mesh_box(b->m, b->trim, v3(x - 0.12f, height - 2.65f, z - 0.12f),
             v3(x + size + 0.12f, height - 2.45f, z + size + 0.12f));
    roof_hip(b, v, size * 0.32f, 0.5f, b->roof);
}

void build_mediterranean(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "mediterranean plan");
    float length = rng_range(&rng, 13.0f, 16.0f), depth = rng_range(&rng, 8.0f, 9.5f),
          storey = 3.2f, base = 0.3f;
    float loggia = rng_range(&rng, 2.6f, 3.2f);
    int arches = rng_int(&rng, 3, 4),
        storeys = b->spec->storeys > 0 && b->spec->storeys < 5 ? b->spec->storeys : 2;
    float split = length * rng_range(&rng, 0.60f, 0.68f);
    Volume main = {0, base, 0, split, base + storey * (float)storeys + 0.2f, depth};
    Volume wing = {split, base, 0.9f, length, base + storey + 0.3f, depth - 0.8f};
    Volume walk = {0.3f, base, -loggia, split - 0.5f, base + storey, 0};
    Openings front = {0}, side = {0}, low_front = {0};

    b->w->face = 1.0f;
    openings_row(
        &front,
        (Opening){.v0 = 0.02f, .v1 = 2.5f, .fill = FILL_GLAZING, .columns = 2, .depth = 0.25f},
        arches, 1.7f, 0.3f, split - 0.5f);
    front.list[arches / 2].fill = FILL_DOOR;
    front.list[arches / 2].head = HEAD_ROUND;
    for (int s = 1; s < storeys; s++)
        openings_row(&front,
                     (Opening){.v0 = storey * (float)s + (s == 1 ? 0.12f : 0.9f),
                               .v1 = storey * (float)s + 2.35f,
                               .fill = FILL_GLAZING,
                               .columns = 2,
                               .shutters = true,
                               .depth = 0.25f},
                     arches, 1.25f, 0.3f, split - 0.5f);
    openings_row(&side, window(1.0f, false), 2, 1.05f, 0.6f, depth - 0.6f);
    for (int s = 1; s < storeys; s++)
        openings_row(&side, window(storey * (float)s + 0.9f, false), 2, 1.05f, 0.6f, depth - 0.6f);
    openings_row(&low_front,
                 (Opening){.v0 = 0.6f,
                           .v1 = 2.5f,
                           .head = HEAD_ROUND,
                           .fill = FILL_WINDOW,
                           .columns = 2,
                           .rows = 3,
                           .sill = true,
                           .depth = 0.3f},
                 2, 1.35f, 0.3f, length - split - 0.3f);
    volume_wall(b, &main, SIDE_FRONT, b->wall, &front, storey);
    volume_wall(b, &main, SIDE_LEFT, b->wall, &side, storey);
    volume_wall(b, &main, SIDE_RIGHT, b->wall, &side, storey);
    volume_wall(b, &main, SIDE_BACK, b->wall, NULL, storey);
    volume_wall(b, &wing, SIDE_FRONT, b->wall, &low_front, storey);
    volume_wall(b, &wing, SIDE_RIGHT, b->wall, &low_front, storey);
    volume_wall(b, &wing, SIDE_BACK, b->wall, NULL, storey);
    arcade(b, walk, arches, storey);
    if (storeys > 1)
        part_railing(b, v3(walk.x0, base + storey + 0.1f, -loggia + 0.1f),
                     v3(walk.x1, base + storey + 0.1f, -loggia + 0.1f), 0.95f, false);
    roof_hip(b, main, 1.6f, 0.55f, b->roof);
    roof_hip(b, wing, 1.2f, 0.5f, b->roof);
    if (b->spec->features & FEATURE_TOWER || rng_chance(&rng, 0.65f))
        belvedere(b, split - 1.2f, depth * 0.35f, 3.6f, main.y1 + 3.4f);
    part_chimney(b, 2.4f, depth * 0.6f, main.y1, main.y1 + 2.3f, b->wall);
    mesh_box(b->m, b->plinth, v3(-0.8f, 0, -loggia - 1.2f), v3(length + 0.6f, base, depth + 0.3f));
    part_stairs(b, 0.5f * split - 1.8f, 0.5f * split + 1.8f, -loggia - 1.2f, base, b->plinth);
    b->done |= FEATURE_TOWER | FEATURE_ARCHES | FEATURE_BALCONY | FEATURE_CHIMNEY;
    world_entrance(b->w, 0.5f * split, -loggia - 1.2f, 1.1f, false);
    if (b->spec->features & FEATURE_POOL) {
        world_patch(b->w, MATERIAL_STONE, split - 2.0f, -loggia - 9.5f, length + 3.0f,
                    -loggia - 2.6f);
        world_patch(b->w, MATERIAL_WATER, split - 1.4f, -loggia - 8.9f, length + 2.4f,
                    -loggia - 3.2f);
    }
    part_window_light(b, v3(length * 0.85f, 1.8f, 0.9f), v3(0, 0, -1), 6.0f);
    part_window_light(b, v3(split, 2.0f, depth * 0.6f), v3(1, 0, 0), 4.0f);
}

/* A slender tower with a balcony and a pointed cap. */
static void minaret(Build *b, float x, float z, float height) {
    mesh_box(b->m, b->wall, v3(x - 0.95f, 0, z - 0.95f), v3(x + 0.95f, height * 0.28f, z + 0.95f));
    mesh_column(b->m, b->wall, v3(x, height * 0.28f, z), height * 0.48f, 0.78f, 0.70f, 24);
    mesh_column(b->m, b->trim, v3(x, height * 0.75f, z), 0.35f, 0.75f, 1.25f, 24);
    mesh_column(b->m, b->trim, v3(x, height * 0.75f + 0.35f, z), 0.75f, 1.2f, 1.2f, 24);
    mesh_column(b->m, b->wall, v3(x, height * 0.78f, z), height * 0.14f, 0.58f, 0.56f, 24);
    roof_spire(b, v3(x, height * 0.92f, z), 0.78f, height * 0.16f, 20, b->roof);
}

void build_domed(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "domed plan");
    float size = rng_range(&rng, 13.0f, 16.0f), wall = rng_range(&rng, 7.0f, 8.5f),
          half = 0.5f * size, base = 0.6f;
    Volume hall = {-half, base, 0, half, base + wall, size};
    float porch = 3.4f, r = size * 0.30f;

    for (int s = 0; s < 4; s++) {
        Openings o = {0};

        openings_row(&o,
                     (Opening){.v0 = 1.2f,
                               .v1 = 3.4f,
                               .head = HEAD_POINTED,
                               .fill = FILL_WINDOW,
                               .columns = 2,
                               .rows = 3,
                               .trim = true,
                               .depth = 0.35f},
                     4, 1.2f, 0.5f, size - 0.5f);
        openings_row(&o,
                     (Opening){.v0 = wall - 2.6f,
                               .v1 = wall - 0.9f,
                               .head = HEAD_POINTED,
                               .fill = FILL_STAINED,
                               .trim = true,
                               .depth = 0.3f},
                     5, 0.95f, 0.5f, size - 0.5f);
        volume_wall(b, &hall, (Side)s, b->wall, &o, 0);
    }
    mesh_box(b->m, b->trim, v3(-half - 0.25f, hall.y1, -0.25f),
             v3(half + 0.25f, hall.y1 + 0.4f, size + 0.25f));
    arcade(b, (Volume){-half, base, -porch, half, base + 4.6f, 0}, 5, 4.6f);
    mesh_column(b->m, b->wall, v3(0, hall.y1 + 0.3f, half), 1.9f, r + 0.3f, r + 0.3f, 40);
    mesh_column(b->m, b->trim, v3(0, hall.y1 + 2.1f, half), 0.25f, r + 0.5f, r + 0.5f, 40);
    roof_dome(b, v3(0, hall.y1 + 2.3f, half), r + 0.1f, r * 1.02f, b->roof);
    for (int i = 0; i < 4; i++)
        roof_dome(b,
                  v3((i & 1 ? 1.0f : -1.0f) * half * 0.68f, hall.y1 + 0.35f,
                     i & 2 ? size * 0.84f : size * 0.16f),
                  r * 0.36f, r * 0.36f, b->roof);
    for (int i = 0; i < 5; i++)
        roof_dome(b, v3(-half + size * ((float)i + 0.5f) / 5, base + 4.65f, -porch * 0.5f), 1.15f,
                  0.8f, b->roof);
    minaret(b, -half - 1.3f, 1.0f, wall * 2.7f);
    minaret(b, half + 1.3f, 1.0f, wall * 2.7f);
    mesh_box(b->m, b->plinth, v3(-half - 2.4f, 0, -porch - 1.5f), v3(half + 2.4f, base, size + 1));
    part_stairs(b, -3, 3, -porch - 1.5f, base, b->plinth);
    b->done |= FEATURE_TOWER | FEATURE_ARCHES | FEATURE_DOME | FEATURE_STAIRS;
    world_entrance(b->w, 0, -porch - 1.5f, 2.3f, true);
    if (b->spec->features & FEATURE_POOL)
        world_patch(b->w, MATERIAL_WATER, -1.6f, -porch - 26, 1.6f, -porch - 6);
}
