/*
 * draw_futuristic.c - stacked, rounded discs of white shell with ribbons of glass between them, and
 * a swept roof: a building of curves.
 */
#include "draw_building.h"

enum { ROUND = 64 };

/* A point of a rounded plan (superellipse) that leans and turns with the level. */
static Vec3 plan(Vec3 c, float rx, float rz, float turn, int i) {
    float a = 2 * PI_F * (float)i / ROUND, x = cosf(a), z = sinf(a);
    float k = powf(powf(fabsf(x), 2.6f) + powf(fabsf(z), 2.6f), -1.0f / 2.6f);

    x *= k * rx;
    z *= k * rz;
    return v3(c.x + x * cosf(turn) - z * sinf(turn), c.y, c.z + x * sinf(turn) + z * cosf(turn));
}

/* A band between two rounded outlines. */
static void band(Build *b, int surface, Vec3 c0, float rx0, float rz0, Vec3 c1, float rx1,
                 float rz1, float turn, int pane) {
    for (int i = 0; i < ROUND; i++) {
        Face *face =
            mesh_quad(b->m, surface, plan(c0, rx0, rz0, turn, i), plan(c0, rx0, rz0, turn, i + 1),
                      plan(c1, rx1, rz1, turn, i + 1), plan(c1, rx1, rz1, turn, i));

        if (face != NULL && pane >= 0)
            face->pane = pane;
    }
}

/* A level lid over a rounded outline. */
static void lid(Build *b, int surface, Vec3 c, float rx, float rz, float turn) {
    for (int i = 0; i < ROUND; i++)
        mesh_triangle(b->m, surface, plan(c, rx, rz, turn, i), plan(c, rx, rz, turn, i + 1), c);
}

void build_futuristic(Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "futuristic plan");
    int floors = b->spec->storeys > 0 ? (b->spec->storeys > 24 ? 24 : b->spec->storeys)
                                      : rng_int(&rng, 2, 3);
    float rx = rng_range(&rng, 11.5f, 14.0f), rz = rng_range(&rng, 6.5f, 8.0f),
          shift = rng_range(&rng, 0.9f, 2.0f), turn = rng_range(&rng, -0.15f, 0.15f);
    float y = 0.3f;
    Vec3 c = v3(0, 0, rz);

    mesh_lathe(b->m, b->plinth, v3(0, 0, rz),
               (const float[][2]){{rx + 2.5f, 0}, {rx + 2.5f, 0.3f}, {0, 0.3f}}, 3, 64, 0);
    for (int i = 0; i < floors; i++) {
        float t = (float)i / (float)floors, grow = 1.0f + 0.10f * sinf(3.0f * t + 0.6f) - 0.22f * t;
        float x = rx * grow, z = rz * grow, twist = turn + 0.10f * (float)i;
        Vec3 at = v3(shift * (float)i * 1.4f - shift, y, rz + 0.4f * (float)i), up = at;
        int pane = mesh_pane(b->m, (Pane){.cell_origin = 0,
                                          .cell_width = 4.0f,
                                          .floor = y,
                                          .height = 3.2f,
                                          .seed = 77u + (uint32_t)i,
                                          .always_lit = false});

        up.y = y + 2.75f;
        band(b, b->glass, at, x * 0.93f, z * 0.93f, up, x * 0.95f, z * 0.95f, twist, pane);
        for (int k = 0; k < ROUND; k += 2)
            mesh_bar(b->m, b->metal, plan(at, x * 0.935f, z * 0.935f, twist, k),
                     plan(up, x * 0.955f, z * 0.955f, twist, k), 0.05f, 0.05f, 4);

        Vec3 s[6];

        for (int k = 0; k < 6; k++)
            s[k] = v3(at.x, y + 2.70f + 0.22f * (float)k, at.z);
        /* The shell: a lip that swells outwards and turns back over the floor above. */
        band(b, b->wall, s[0], x * 0.90f, z * 0.90f, s[0], x * 1.02f, z * 1.02f, twist, -1);
        band(b, b->wall, s[0], x * 1.02f, z * 1.02f, s[1], x * 1.06f, z * 1.06f, twist, -1);
        band(b, b->wall, s[1], x * 1.06f, z * 1.06f, s[2], x * 1.07f, z * 1.07f, twist, -1);
        band(b, b->wall, s[2], x * 1.07f, z * 1.07f, s[3], x * 1.055f, z * 1.055f, twist, -1);
        band(b, b->wall, s[3], x * 1.055f, z * 1.055f, s[4], x * 1.00f, z * 1.00f, twist, -1);
        lid(b, b->snowy ? b->snow : b->wall, s[4], x * 1.0f, z * 1.0f, twist);
        y += 3.55f;
        c = at;
    }
    c.y = y - 0.1f;
    roof_dome(b, v3(c.x, y, c.z), rz * 0.5f, rz * 0.28f, b->accent);
    b->done |= FEATURE_DOME | FEATURE_BALCONY | FEATURE_CHIMNEY;
    world_entrance(b->w, 0, -1.0f, 1.4f, false);
    world_patch(b->w, MATERIAL_WATER, -rx - 1.0f, -9.5f, -3.0f, -4.0f)->round = 2.7f;
    part_window_light(b, v3(-rx * 0.4f, 1.8f, 0.8f), v3(0, 0, -1), 20);
    part_window_light(b, v3(rx * 0.4f, 1.8f, 0.8f), v3(0, 0, -1), 20);
}
