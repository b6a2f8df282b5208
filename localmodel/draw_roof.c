/*
 * draw_roof.c - flat, pitched, curved and round roofs.
 *
 * Pitched roofs are slabs with a thickness, so that eaves and verges show an edge; snow lies on
 * them as a second, softer slab.
 */
#include "draw_building.h"

/* A sloping slab: the quad's upper face, its lower face and its rim. */
static void slab(Build *b, int surface, int edge, Vec3 p0, Vec3 p1, Vec3 p2, Vec3 p3, float thick) {
    Vec3 top[4] = {p0, p1, p2, p3}, low[4];

    for (int i = 0; i < 4; i++)
        low[i] = v3(top[i].x, top[i].y - thick, top[i].z);
    mesh_quad(b->m, surface, top[0], top[1], top[2], top[3]);
    mesh_quad(b->m, edge, low[0], low[1], low[2], low[3]);
    for (int i = 0; i < 4; i++)
        mesh_quad(b->m, edge, top[i], top[(i + 1) % 4], low[(i + 1) % 4], low[i]);
}

/* The same with snow lying on it. */
static void snowy_slab(Build *b, int surface, Vec3 p0, Vec3 p1, Vec3 p2, Vec3 p3, float thick) {
    slab(b, surface, b->trim, p0, p1, p2, p3, thick);
    if (b->snowy) {
        Vec3 up = v3(0, 0.17f, 0), c = v_scale(v_add(v_add(p0, p1), v_add(p2, p3)), 0.25f);

        slab(b, b->snow, b->snow, v_add(v_mix(p0, c, 0.012f), up), v_add(v_mix(p1, c, 0.012f), up),
             v_add(v_mix(p2, c, 0.012f), up), v_add(v_mix(p3, c, 0.012f), up), 0.16f);
    }
}

void roof_flat(Build *b, Volume v, float overhang, float thickness, int edge) {
    Vec3 lo = v3(v.x0 - overhang, v.y1, v.z0 - overhang);
    Vec3 hi = v3(v.x1 + overhang, v.y1 + thickness, v.z1 + overhang);

    mesh_box(b->m, edge, lo, hi);
    for (int i = 0; i < 4; i++) /* a metal rim around the gravel */
        mesh_box(b->m, b->metal,
                 v3(i == 1 ? hi.x - 0.10f : lo.x - 0.02f, hi.y - 0.05f,
                    i == 2 ? hi.z - 0.10f : lo.z - 0.02f),
                 v3(i == 3 ? lo.x + 0.10f : hi.x + 0.02f, hi.y + 0.05f,
                    i == 0 ? lo.z + 0.10f : hi.z + 0.02f));
    mesh_quad(b->m, b->roof, v3(lo.x, hi.y + 0.02f, lo.z), v3(hi.x, hi.y + 0.02f, lo.z),
              v3(hi.x, hi.y + 0.02f, hi.z), v3(lo.x, hi.y + 0.02f, hi.z));
    if (b->spec->features & FEATURE_GREEN_ROOF)
        mesh_box(b->m, b->green, v3(lo.x + 0.15f, hi.y, lo.z + 0.15f),
                 v3(hi.x - 0.15f, hi.y + 0.16f, hi.z - 0.15f));
    if (b->snowy)
        mesh_box(b->m, b->snow, v3(lo.x + 0.02f, hi.y, lo.z + 0.02f),
                 v3(hi.x - 0.02f, hi.y + 0.17f, hi.z - 0.02f));
}

void roof_parapet(Build *b, Volume v, float height, int surface) {
    const float t = 0.28f;

    mesh_quad(b->m, b->roof, v3(v.x0, v.y1, v.z0), v3(v.x1, v.y1, v.z0), v3(v.x1, v.y1, v.z1),
              v3(v.x0, v.y1, v.z1));
    for (int i = 0; i < 4; i++) {
        Vec3 lo = v3(i == 1 ? v.x1 - t : v.x0, v.y1, i == 2 ? v.z1 - t : v.z0);
        Vec3 hi = v3(i == 3 ? v.x0 + t : v.x1, v.y1 + height, i == 0 ? v.z0 + t : v.z1);

        mesh_box(b->m, surface, lo, hi);
        mesh_box(b->m, b->metal, v3(lo.x - 0.03f, hi.y, lo.z - 0.03f),
                 v3(hi.x + 0.03f, hi.y + 0.05f, hi.z + 0.03f));
        if (b->snowy)
            mesh_box(b->m, b->snow, v3(lo.x, hi.y + 0.05f, lo.z), v3(hi.x, hi.y + 0.16f, hi.z));
    }
}

void roof_gable(Build *b, Volume v, float rise, float overhang, bool along_x, int surface) {
    float x0 = v.x0, x1 = v.x1, z0 = v.z0, z1 = v.z1, e = overhang, t = 0.22f;
    float y = v.y1 + 0.10f, half = 0.5f * (along_x ? z1 - z0 : x1 - x0);
    float drop = rise * e / half, ridge = y + rise + t;

    y += t;
    if (along_x) {
        float m = 0.5f * (z0 + z1);

        snowy_slab(b, surface, v3(x0 - e, y - drop, z0 - e), v3(x1 + e, y - drop, z0 - e),
                   v3(x1 + e, ridge, m), v3(x0 - e, ridge, m), t);
        snowy_slab(b, surface, v3(x1 + e, y - drop, z1 + e), v3(x0 - e, y - drop, z1 + e),
                   v3(x0 - e, ridge, m), v3(x1 + e, ridge, m), t);
        mesh_box(b->m, b->snowy ? b->snow : surface, v3(x0 - e, ridge - 0.05f, m - 0.12f),
                 v3(x1 + e, ridge + (b->snowy ? 0.2f : 0.07f), m + 0.12f));
    } else {
        float m = 0.5f * (x0 + x1);

        snowy_slab(b, surface, v3(x0 - e, y - drop, z1 + e), v3(x0 - e, y - drop, z0 - e),
                   v3(m, ridge, z0 - e), v3(m, ridge, z1 + e), t);
        snowy_slab(b, surface, v3(x1 + e, y - drop, z0 - e), v3(x1 + e, y - drop, z1 + e),
                   v3(m, ridge, z1 + e), v3(m, ridge, z0 - e), t);
        mesh_box(b->m, b->snowy ? b->snow : surface, v3(m - 0.12f, ridge - 0.05f, z0 - e),
                 v3(m + 0.12f, ridge + (b->snowy ? 0.2f : 0.07f), z1 + e));
    }
}

void roof_hip(Build *b, Volume v, float rise, float overhang, int surface) {
    float e = overhang, x0 = v.x0 - e, x1 = v.x1 + e, z0 = v.z0 - e, z1 = v.z1 + e;
    float y = v.y1 + 0.14f, half = 0.5f * minf(x1 - x0, z1 - z0), top = y + rise;
    Vec3 a, c;

    if (x1 - x0 > z1 - z0) {
        a = v3(x0 + half, top, 0.5f * (z0 + z1));
        c = v3(x1 - half, top, 0.5f * (z0 + z1));
    } else {
        a = v3(0.5f * (x0 + x1), top, z0 + half);
        c = v3(0.5f * (x0 + x1), top, z1 - half);
    }
    mesh_box(b->m, b->trim, v3(x0 + 0.06f, y - 0.2f, z0 + 0.06f), v3(x1 - 0.06f, y, z1 - 0.06f));
    for (int pass = 0; pass < (b->snowy ? 2 : 1); pass++) {
        int s = pass == 0 ? surface : b->snow;
        float up = 0.15f * (float)pass;
        Vec3 p[4] = {v3(x0, y + up, z0), v3(x1, y + up, z0), v3(x1, y + up, z1),
                     v3(x0, y + up, z1)};
        Vec3 r = v3(a.x, a.y + up, a.z), q = v3(c.x, c.y + up, c.z);

        if (x1 - x0 > z1 - z0) {
            mesh_quad(b->m, s, p[0], p[1], q, r);
            mesh_quad(b->m, s, p[2], p[3], r, q);
            mesh_triangle(b->m, s, p[1], p[2], q);
            mesh_triangle(b->m, s, p[3], p[0], r);
        } else {
            mesh_triangle(b->m, s, p[0], p[1], r);
            mesh_triangle(b->m, s, p[2], p[3], q);
            mesh_quad(b->m, s, p[1], p[2], q, r);
            mesh_quad(b->m, s, p[3], p[0], r, q);
        }
        if (pass == 1)
            for (int i = 0; i < 4; i++)
                mesh_quad(b->m, s, p[i], p[(i + 1) % 4], v3(p[(i + 1) % 4].x, y, p[(i + 1) % 4].z),
                          v3(p[i].x, y, p[i].z));
    }
}

void roof_shed(Build *b, Volume v, float rise, float overhang, bool up_left, int surface) {
    float e = overhang, left = v.y1 + 0.25f + (up_left ? rise : 0),
          right = v.y1 + 0.25f + (up_left ? 0 : rise);

    snowy_slab(b, surface, v3(v.x0 - e, left, v.z0 - e), v3(v.x1 + e, right, v.z0 - e),
               v3(v.x1 + e, right, v.z1 + e), v3(v.x0 - e, left, v.z1 + e), 0.22f);
}

/* Height of a curved roof at a share t of the way from the eaves (0) to the ridge (1). */
static float sweep(float t, float rise) {
    return rise * (0.42f * t + 0.58f * t * t);
}

void roof_curved(Build *b, Volume v, float rise, float overhang, float lift, int surface) {
    enum { STEPS = 7, ACROSS = 10 };
    float e = overhang, w = v.x1 - v.x0 + 2 * e, d = v.z1 - v.z0 + 2 * e;
    float cx = 0.5f * (v.x0 + v.x1), cz = 0.5f * (v.z0 + v.z1);
    float half = 0.5f * minf(w, d) * 0.94f;
    Vec3 grid[4][STEPS + 1][ACROSS + 1];

    for (int side = 0; side < 4; side++)
        for (int i = 0; i <= STEPS; i++)
            for (int k = 0; k <= ACROSS; k++) {
                float t = (float)i / STEPS, s = -1.0f + 2.0f * (float)k / ACROSS;
                float corner = fabsf(s) * fabsf(s) * fabsf(s);
                float hx = 0.5f * w - half * t, hz = 0.5f * d - half * t;
                float y = v.y1 + sweep(t, rise) + lift * corner * (1 - t) * (1 - t);
                float flare = 0.25f * lift * corner * (1 - t);
                float x = (side & 1) == 0 ? s * (hx + flare) : (side == 1 ? 1 : -1) * (hx + flare);
                float z = (side & 1) == 0 ? (side == 0 ? -1 : 1) * (hz + flare) : s * (hz + flare);

                grid[side][i][k] = v3(cx + x, y, cz + z);
            }
    for (int side = 0; side < 4; side++)
        for (int k = 0; k < ACROSS; k++) {
            Vec3 p = grid[side][0][k], q = grid[side][0][k + 1], in = v3(cx, p.y, cz);
            Vec3 pl = v3(p.x, p.y - 0.22f, p.z), ql = v3(q.x, q.y - 0.22f, q.z);

            for (int i = 0; i < STEPS; i++) {
                mesh_triangle(b->m, b->snowy && i > 0 ? b->snow : surface, grid[side][i][k],
                              grid[side][i][k + 1], grid[side][i + 1][k + 1]);
                mesh_triangle(b->m, b->snowy && i > 0 ? b->snow : surface, grid[side][i][k],
                              grid[side][i + 1][k + 1], grid[side][i + 1][k]);
            }
            mesh_quad(b->m, b->accent, p, q, ql, pl);
            mesh_quad(b->m, b->dark, pl, ql, v_add(v_mix(ql, in, 0.30f), v3(0, -0.05f, 0)),
                      v_add(v_mix(pl, in, 0.30f), v3(0, -0.05f, 0)));
        }
    for (int i = 0; i < STEPS; i++) /* hips, as raised ridges */
        for (int c = 0; c < 4; c++) {
            int side = c < 2 ? 0 : 2, k = c & 1 ? ACROSS : 0;

            mesh_bar(b->m, surface, v_add(grid[side][i][k], v3(0, 0.06f, 0)),
                     v_add(grid[side][i + 1][k], v3(0, 0.06f, 0)), 0.13f, 0.13f, 5);
        }

    Vec3 r0 = grid[0][STEPS][0], r1 = grid[2][STEPS][ACROSS];

    mesh_quad(b->m, surface, grid[0][STEPS][0], grid[0][STEPS][ACROSS], grid[2][STEPS][ACROSS],
              grid[2][STEPS][0]);
    mesh_box(b->m, surface, v3(r0.x - 0.1f, r0.y - 0.1f, r0.z - 0.05f),
             v3(r1.x + 0.1f, r0.y + 0.32f, r1.z + 0.05f));
}

void roof_mansard(Build *b, Volume v, float rise, float inset, int surface) {
    Vec3 lo[4] = {v3(v.x0, v.y1, v.z0), v3(v.x1, v.y1, v.z0), v3(v.x1, v.y1, v.z1),
                  v3(v.x0, v.y1, v.z1)};
    Volume cap = {v.x0 + inset, v.y1, v.z0 + inset, v.x1 - inset, v.y1 + rise, v.z1 - inset};

    for (int i = 0; i < 4; i++) {
        Vec3 a = lo[i], c = lo[(i + 1) % 4];
        Vec3 at = v3(i == 0 || i == 3 ? cap.x0 : cap.x1, cap.y1, i < 2 ? cap.z0 : cap.z1);
        Vec3 ct =
            v3(i == 3 || i == 2 ? cap.x0 : cap.x1, cap.y1, i == 0 || i == 3 ? cap.z0 : cap.z1);

        mesh_quad(b->m, surface, a, c, ct, at);
    }
    mesh_box(b->m, b->trim, v3(cap.x0 - 0.1f, cap.y1, cap.z0 - 0.1f),
             v3(cap.x1 + 0.1f, cap.y1 + 0.18f, cap.z1 + 0.1f));
    if (b->snowy)
        mesh_box(b->m, b->snow, v3(cap.x0, cap.y1 + 0.18f, cap.z0),
                 v3(cap.x1, cap.y1 + 0.34f, cap.z1));
}

void roof_barrel(Build *b, Volume v, float rise, bool along_x, int surface) {
    enum { STEPS = 14 };
    float half = 0.5f * (along_x ? v.z1 - v.z0 : v.x1 - v.x0) + 0.15f;
    float c = 0.5f * (along_x ? v.z0 + v.z1 : v.x0 + v.x1);

    for (int i = 0; i < STEPS; i++) {
        float a0 = PI_F * (float)i / STEPS, a1 = PI_F * (float)(i + 1) / STEPS;
        float p0 = c - half * cosf(a0), p1 = c - half * cosf(a1);
        float y0 = v.y1 + rise * sinf(a0), y1 = v.y1 + rise * sinf(a1);

        if (along_x) {
            mesh_quad(b->m, surface, v3(v.x0, y0, p0), v3(v.x1, y0, p0), v3(v.x1, y1, p1),
                      v3(v.x0, y1, p1));
            mesh_quad(b->m, b->wall, v3(v.x0 + 0.1f, v.y1, p0), v3(v.x0 + 0.1f, v.y1, p1),
                      v3(v.x0 + 0.1f, y1, p1), v3(v.x0 + 0.1f, y0, p0));
            mesh_quad(b->m, b->wall, v3(v.x1 - 0.1f, v.y1, p0), v3(v.x1 - 0.1f, v.y1, p1),
                      v3(v.x1 - 0.1f, y1, p1), v3(v.x1 - 0.1f, y0, p0));
        } else {
            mesh_quad(b->m, surface, v3(p0, y0, v.z0), v3(p1, y1, v.z0), v3(p1, y1, v.z1),
                      v3(p0, y0, v.z1));
            mesh_quad(b->m, b->wall, v3(p0, v.y1, v.z0 + 0.1f), v3(p1, v.y1, v.z0 + 0.1f),
                      v3(p1, y1, v.z0 + 0.1f), v3(p0, y0, v.z0 + 0.1f));
        }
    }
}

void roof_spire(Build *b, Vec3 base, float radius, float height, int sides, int surface) {
    float profile[4][2] = {
        {radius, 0}, {radius * 0.93f, 0.10f}, {radius * 0.45f, height * 0.52f}, {0.02f, height}};

    mesh_lathe(b->m, surface, base, (const float(*)[2])profile, 4, sides, PI_F / (float)sides);
    for (size_t i = b->m->n_faces;
         sides <= 8 && i-- > 0 && b->m->faces[i].round && i + (size_t)(3 * sides) >= b->m->n_faces;)
        b->m->faces[i].round = false; /* a spire has edges */
    mesh_bar(b->m, b->metal, v3(base.x, base.y + height - 0.1f, base.z),
             v3(base.x, base.y + height * 1.06f + 0.5f, base.z), 0.04f, 0.02f, 4);
}

void roof_dome(Build *b, Vec3 base, float radius, float height, int surface) {
    enum { RINGS = 14 };
    float profile[RINGS + 1][2];

    for (int i = 0; i <= RINGS; i++) {
        float a = 0.5f * PI_F * (float)i / RINGS;

        profile[i][0] = radius * cosf(a);
        profile[i][1] = height * sinf(a);
    }
    mesh_lathe(b->m, surface, base, (const float(*)[2])profile, RINGS + 1, 36, 0);
    mesh_column(b->m, b->trim, v3(base.x, base.y + height - 0.05f, base.z), radius * 0.22f,
                radius * 0.16f, radius * 0.14f, 12);
    roof_spire(b, v3(base.x, base.y + height + radius * 0.17f, base.z), radius * 0.2f,
               radius * 0.3f, 12, surface);
}
