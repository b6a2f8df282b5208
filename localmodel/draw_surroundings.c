/*
 * draw_surroundings.c - what gives a building its scale and its place.
 */
#include "draw_surroundings.h"

#include "draw_material.h"
#include "scene_random.h"

/* Surfaces that only surroundings use. */
typedef struct Props {
    World *w;
    Mesh *m;
    int glass, dark, metal, lamp, skin;
} Props;

static int plain(Mesh *m, SceneMaterial material, uint32_t hex) {
    Surface s = world_surface(material, false, v3(0, 0, 0));

    s.colour = rgb_hex(hex);
    return mesh_surface(m, s);
}

/* A way from the door to the lower edge of the picture: straight, or in one soft curve. */
static void lay_way(World *w) {
    const Entrance *e = &w->entrance;
    Way *way = &w->way;
    float side = w->azimuth >= 0 ? 0.34f : 0.66f;
    Vec3 end;

    if (e->half <= 0.0f)
        return;
    way->surface = world_surface(w->spec.path, false, v3(0, 0, 0));
    way->half = e->half;
    if (e->straight || w->camera.parallel ||
        !world_ground(w, side * (float)w->camera.width, 1.12f * (float)w->camera.height, &end)) {
        way->points[0][0] = way->points[1][0] = e->x;
        way->points[0][1] = e->z;
        way->points[1][1] = e->z - 120.0f;
        way->n = 2;
        return;
    }

    float reach = maxf(0.5f * (e->z - end.z), 3.0f);

    for (way->n = 0; way->n < 10; way->n++) { /* a quadratic Bezier curve */
        float t = (float)way->n / 9.0f, a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;

        way->points[way->n][0] = a * e->x + b * e->x + c * end.x;
        way->points[way->n][1] = a * e->z + b * (e->z - reach) + c * end.z;
    }
}

/* The land of an isometric view is a plate. */
static void lay_plate(World *w) {
    int earth = plain(&w->mesh, MATERIAL_EARTH, 0x6f5a45),
        edge = plain(&w->mesh, MATERIAL_CONCRETE, 0xc9c4ba);
    Vec3 lo = w->plot.lo, hi = w->plot.hi;

    for (int layer = 0; layer < 2; layer++) {
        float top = layer == 0 ? 0.0f : -0.7f, foot = layer == 0 ? -0.7f : -1.1f,
              out = layer == 0 ? 0.0f : 0.35f;
        Vec3 c[4] = {v3(lo.x - out, foot, lo.z - out), v3(hi.x + out, foot, lo.z - out),
                     v3(hi.x + out, foot, hi.z + out), v3(lo.x - out, foot, hi.z + out)};

        for (int i = 0; i < 4; i++) {
            Vec3 a = c[i], b = c[(i + 1) % 4];

            mesh_quad(&w->mesh, layer == 0 ? earth : edge, a, b, v3(b.x, top, b.z),
                      v3(a.x, top, a.z));
        }
    }
}

/* A neighbour in a town: glass between bands of its storeys. */
static void block(Props *p, Rng *rng, Vec3 c, float half_x, float half_z, float height) {
    static const uint32_t walls[5] = {0xb9b0a2, 0xa79c90, 0xc9c2b6, 0x8f8a86, 0xb58d74};
    int wall = plain(p->m, MATERIAL_PLASTER, walls[rng_int(rng, 0, 4)]);
    float storey = 3.4f;
    bool piers = rng_chance(rng, 0.7f);

    for (int s = 0; s < 4; s++) {
        bool x = s & 1;
        float sign = s < 2 ? -1.0f : 1.0f;
        Vec3 n = x ? v3(sign, 0, 0) : v3(0, 0, sign), u = x ? v3(0, 0, 1) : v3(1, 0, 0);
        float reach = x ? half_x : half_z, width = x ? half_z : half_x;
        Frame f = {v_mad(v_mad(c, n, reach), u, -width), u, {0, 1, 0}, n};
        int pane = mesh_pane(p->m, (Pane){.cell_origin = v_dot(f.o, u),
                                          .cell_width = 3.2f,
                                          .height = storey,
                                          .seed = rng_next(rng),
                                          .curtains = piers});
        Face *face = mesh_quad(p->m, p->glass, frame_at(&f, 0, 0, 0), frame_at(&f, 2 * width, 0, 0),
                               frame_at(&f, 2 * width, height, 0), frame_at(&f, 0, height, 0));

        if (face != NULL) {
            face->pane = pane;
            face->u = u;
            face->v = v3(0, 1, 0);
        }
        for (float v = 0; v < height; v += storey)
            mesh_frame_box(p->m, wall, &f, v3(0, v - 0.5f, 0),
                           v3(2 * width, v + (piers ? 0.9f : 0.4f), 0.2f));
        for (float v = 0; piers && v <= 2 * width; v += 3.2f)
            mesh_frame_box(p->m, wall, &f, v3(v - 0.8f, 0, 0), v3(v + 0.8f, height, 0.15f));
    }
    mesh_box(p->m, wall, v3(c.x - half_x - 0.2f, height, c.z - half_z - 0.2f),
             v3(c.x + half_x + 0.2f, height + 0.8f, c.z + half_z + 0.2f));
}

/* A town behind and beside the building. */
static void town(Props *p) {
    World *w = p->w;
    Rng rng = rng_named(w->spec.scene_seed, "town");
    Vec3 middle = v_mix(w->bounds.lo, w->bounds.hi, 0.5f), size = v_sub(w->bounds.hi, w->bounds.lo);
    float extent = maxf(maxf(size.x, size.z), 18.0f), tall = clampf(size.y * 0.55f, 11.0f, 60.0f);
    Vec3 ahead = v_norm(v3(w->camera.forward.x, 0, w->camera.forward.z));

    float distance = v_len(v_sub(middle, w->camera.eye));
    float spread =
        0.5f * (float)w->camera.width / w->camera.focal; /* half the view a metre ahead */

    for (int row = 0; row < 3; row++)
        for (int i = -5; i <= 5; i++) {
            float back = extent * (0.3f + 0.9f * (float)row) + rng_range(&rng, 8.0f, 20.0f);
            float across = ((float)i + rng_range(&rng, -0.3f, 0.3f)) / 4.6f *
                           maxf(spread * (distance + back), 70.0f);
            float height = tall * rng_range(&rng, 0.45f, 1.15f),
                  half = rng_range(&rng, 7.0f, 11.0f);
            Vec3 c = v_mad(v_mad(v3(middle.x, 0, middle.z), ahead, back), w->camera.right, across);

            if (c.z - half < w->bounds.hi.z + 4.0f && c.x + half > w->bounds.lo.x - 7.0f &&
                c.x - half < w->bounds.hi.x + 7.0f)
                continue;
            block(p, &rng, c, half, rng_range(&rng, 7.0f, 11.0f), height);
        }
}

/* A standing or walking person. */
static void person(Props *p, Rng *rng, Vec3 at) {
    static const uint32_t coats[6] = {0x2f3b4c, 0x7a3b34, 0x5a5f54, 0xb9a684, 0x40404a, 0x8c6a4a};
    int coat = plain(p->m, MATERIAL_PLASTER, coats[rng_int(rng, 0, 5)]),
        legs = plain(p->m, MATERIAL_PLASTER, coats[rng_int(rng, 0, 5)] & 0x7f7f7f);
    float turn = rng_range(rng, 0, 6.28f), step = rng_range(rng, 0.05f, 0.22f),
          tall = rng_range(rng, 0.93f, 1.05f);
    Vec3 go = v3(cosf(turn), 0, sinf(turn)), side = v3(-go.z, 0, go.x);
    Vec3 hip = v3(at.x, at.y + 0.88f * tall, at.z), neck = v3(at.x, at.y + 1.46f * tall, at.z);
    float head[7][2];

    for (int i = 0; i < 2; i++) {
        float s = i ? 1.0f : -1.0f;
        Vec3 foot = v_mad(v_mad(at, go, s * step), side, s * 0.07f),
             hand = v_mad(v_mad(v3(at.x, hip.y - 0.05f, at.z), go, -s * step), side, s * 0.25f);

        mesh_bar(p->m, legs, v_mad(hip, side, s * 0.08f), foot, 0.095f, 0.055f, 7);
        mesh_bar(p->m, coat, v_mad(v3(at.x, neck.y - 0.08f, at.z), side, s * 0.19f), hand, 0.06f,
                 0.04f, 6);
    }
    mesh_bar(p->m, coat, v3(hip.x, hip.y - 0.12f, hip.z), neck, 0.16f, 0.19f, 9);
    mesh_bar(p->m, coat, neck, v3(neck.x, neck.y + 0.07f, neck.z), 0.19f, 0.07f, 9);
    for (int i = 0; i < 7; i++) {
        float a = PI_F * (float)i / 6;

        head[i][0] = 0.10f * sinf(a);
        head[i][1] = 0.13f - 0.13f * cosf(a);
    }
    mesh_lathe(p->m, p->skin, v3(neck.x, neck.y + 0.05f, neck.z), (const float(*)[2])head, 7, 10,
               0);
}

static void people(Props *p) {
    World *w = p->w;
    Rng rng = rng_named(w->spec.scene_seed, "people");
    float spread = w->spec.features & FEATURE_CITY ? 9.0f : 2.0f;

    for (int i = 0; i < (spread > 3 ? 9 : 4); i++) {
        Vec3 at = v3(w->entrance.x + rng_range(&rng, -spread, spread), 0,
                     minf(w->entrance.z, w->bounds.lo.z) - rng_range(&rng, 1.5f, 5.5f));

        person(p, &rng, at);
    }
}

/* A plain car: body, cabin of glass, four wheels; it stands along x. */
static void car(Props *p, Rng *rng, Vec3 at) {
    static const uint32_t paints[5] = {0x8d1f1f, 0x26313f, 0xd8d8d6, 0x3c4a44, 0x15171a};
    int body = plain(p->m, MATERIAL_LACQUER, paints[rng_int(rng, 0, 4)]);
    static const float low[8][2] = {{-2.15f, 0.28f}, {-2.2f, 0.62f}, {-2.05f, 0.86f},
                                    {-1.1f, 0.92f},  {1.0f, 0.90f},  {2.05f, 0.78f},
                                    {2.2f, 0.55f},   {2.15f, 0.28f}};
    static const float cabin[4][2] = {
        {-1.75f, 0.88f}, {-1.15f, 1.40f}, {0.25f, 1.42f}, {1.0f, 0.90f}};
    Vec3 a[8], b[8];

    for (int i = 0; i < 8; i++) {
        a[i] = v3(at.x + low[i][0], low[i][1], at.z - 0.88f);
        b[i] = v3(at.x + low[i][0], low[i][1], at.z + 0.88f);
    }
    mesh_polygon(p->m, body, a, 8);
    mesh_polygon(p->m, body, b, 8);
    for (int i = 0; i < 7; i++)
        mesh_quad(p->m, body, a[i], a[i + 1], b[i + 1], b[i]);
    for (int i = 0; i < 4; i++) {
        a[i] = v3(at.x + cabin[i][0], cabin[i][1], at.z - (i == 1 || i == 2 ? 0.66f : 0.82f));
        b[i] = v3(a[i].x, a[i].y, 2 * at.z - a[i].z);
    }
    mesh_polygon(p->m, p->glass, a, 4);
    mesh_polygon(p->m, p->glass, b, 4);
    mesh_quad(p->m, p->glass, a[0], a[1], b[1], b[0]);
    mesh_quad(p->m, p->glass, a[2], a[3], b[3], b[2]);
    mesh_quad(p->m, body, v_add(a[1], v3(0, 0.02f, 0)), v_add(a[2], v3(0, 0.02f, 0)),
              v_add(b[2], v3(0, 0.02f, 0)), v_add(b[1], v3(0, 0.02f, 0)));
    mesh_bar(p->m, body, v3(at.x - 0.4f, 0.9f, at.z - 0.80f), v3(at.x - 0.4f, 1.42f, at.z - 0.66f),
             0.05f, 0.05f, 4);
    for (int i = 0; i < 4; i++) {
        float x = at.x + (i & 1 ? 1.35f : -1.4f), z = at.z + (i & 2 ? 0.72f : -0.90f);

        mesh_bar(p->m, p->dark, v3(x, 0.33f, z), v3(x, 0.33f, z + 0.2f), 0.34f, 0.34f, 18);
        for (int k = 0; k < 14; k++) { /* hub */
            float t0 = 0.449f * (float)k, t1 = 0.449f * (float)(k + 1),
                  out = i & 2 ? z + 0.21f : z - 0.01f;

            mesh_triangle(p->m, k & 1 ? p->metal : p->dark, v3(x, 0.33f, out),
                          v3(x + 0.32f * cosf(t0), 0.33f + 0.32f * sinf(t0), out),
                          v3(x + 0.32f * cosf(t1), 0.33f + 0.32f * sinf(t1), out));
        }
    }
    mesh_box(p->m, p->lamp, v3(at.x + 2.12f, 0.60f, at.z - 0.75f),
             v3(at.x + 2.19f, 0.70f, at.z - 0.45f));
    mesh_box(p->m, p->lamp, v3(at.x + 2.12f, 0.60f, at.z + 0.45f),
             v3(at.x + 2.19f, 0.70f, at.z + 0.75f));
}

/* Low lamps on both sides of the way. */
static void lanterns(Props *p) {
    World *w = p->w;

    for (int i = 0; i + 1 < w->way.n && i < 9; i++)
        for (int k = 0; k < 2; k++) {
            const float *a = w->way.points[i], *b = w->way.points[i + 1];
            float dx = b[0] - a[0], dz = b[1] - a[1], l = maxf(hypotf(dx, dz), 1e-3f),
                  s = (w->way.half + 0.35f) * (k ? 1.0f : -1.0f);
            int n = w->way.n == 2 ? 5 : 1;

            for (int j = 0; j < n; j++) {
                float t = (w->way.n == 2 ? 3.5f + 4.0f * (float)j : 0.5f * l) / l;
                Vec3 foot = v3(a[0] + dx * t - dz / l * s, 0, a[1] + dz * t + dx / l * s);

                if ((i & 1) == k && n == 1)
                    continue;
                mesh_bar(p->m, p->dark, foot, v_add(foot, v3(0, 0.7f, 0)), 0.04f, 0.04f, 6);
                mesh_box(p->m, p->lamp, v3(foot.x - 0.06f, 0.70f, foot.z - 0.06f),
                         v3(foot.x + 0.06f, 0.86f, foot.z + 0.06f));
                mesh_box(p->m, p->dark, v3(foot.x - 0.09f, 0.86f, foot.z - 0.09f),
                         v3(foot.x + 0.09f, 0.90f, foot.z + 0.09f));
                world_lamp(w, (Lamp){.at = v3(foot.x, 0.8f, foot.z),
                                     .colour = v_scale(rgb_hex(0xffc078), 1.5f),
                                     .range = 5.0f});
            }
        }
}

/* A low wall of the plot with a gap at the way. */
static void fence(Props *p) {
    World *w = p->w;
    int wall = plain(p->m, MATERIAL_RUBBLE, 0xb0a692), cap = plain(p->m, MATERIAL_STONE, 0xd0c8b8);
    float z = minf(w->bounds.lo.z, w->entrance.z) - 3.4f, gap = maxf(w->entrance.half, 0.8f) + 0.5f,
          near = 1e9f, at = w->entrance.x;

    for (int i = 0; i <= 40; i++) { /* where the way crosses the line of the wall */
        float x = w->plot.lo.x + (w->plot.hi.x - w->plot.lo.x) * (float)i / 40,
              d = world_way_distance(w, x, z);

        if (d < near) {
            near = d;
            at = x;
        }
    }
    for (int i = 0; i < 2; i++) {
        float x0 = i == 0 ? w->plot.lo.x : at + gap, x1 = i == 0 ? at - gap : w->plot.hi.x;

        mesh_box(p->m, wall, v3(x0, 0, z - 0.18f), v3(x1, 0.75f, z + 0.18f));
        mesh_box(p->m, cap, v3(x0 - 0.05f, 0.75f, z - 0.23f), v3(x1 + 0.05f, 0.83f, z + 0.23f));
    }
}

void surroundings_draw(World *w) {
    Props p = {.w = w, .m = &w->mesh};
    Surface glass = world_surface(MATERIAL_GLASS, false, v3(0, 0, 0)),
            lamp = world_surface(MATERIAL_LACQUER, false, v3(0, 0, 0));
    unsigned wanted = w->spec.features;

    glass.kind = SURFACE_GLASS;
    glass.colour = v3(0.78f, 0.85f, 0.90f);
    lamp.kind = SURFACE_EMITTER;
    lamp.colour = rgb_hex(0xffd9a0);
    p.glass = mesh_surface(p.m, glass);
    p.lamp = mesh_surface(p.m, lamp);
    p.dark = plain(p.m, MATERIAL_LACQUER, 0x26272a);
    p.metal = plain(p.m, MATERIAL_DARK_METAL, 0x8a8c8e);
    p.skin = plain(p.m, MATERIAL_PLASTER, 0xb98a6c);
    lay_way(w);
    if (w->spec.view == VIEW_ISOMETRIC)
        lay_plate(w);
    else if (wanted & FEATURE_CITY && w->spec.view != VIEW_ELEVATION)
        town(&p);
    if (wanted & FEATURE_PEOPLE)
        people(&p);
    if (wanted & FEATURE_LANTERNS)
        lanterns(&p);
    if (wanted & FEATURE_FENCE)
        fence(&p);
    if (wanted & FEATURE_CAR) {
        Rng rng = rng_named(w->spec.scene_seed, "car");
        float side = w->entrance.x > 0.5f * (w->bounds.lo.x + w->bounds.hi.x) ? 1.0f : -1.0f;

        car(&p, &rng,
            v3(w->entrance.x + side * (w->entrance.half + 3.6f), 0,
               minf(w->entrance.z, w->bounds.lo.z) - 3.2f));
    }
}
