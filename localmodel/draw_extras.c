/*
 * draw_extras.c - what a prompt may ask of any building: a dome, a tower, columns, arches, a
 * balcony, a garage, a chimney, solar panels, a pool.
 *
 * The extras are fitted to the finished building by its measures alone, so they work with every
 * style; a builder that brings its own says so in Build.done.
 */
#include "draw_building.h"

/* The outline of the walls so far: everything between a metre and a half and head height. */
static Volume outline(const Build *b) {
    Volume v = {1e9f, 0, 1e9f, -1e9f, 0, -1e9f};

    for (size_t i = 0; i < b->m->n_points; i++) {
        Vec3 p = b->m->points[i];

        v.y1 = maxf(v.y1, p.y);
        if (p.y < 1.5f)
            continue;
        v.x0 = minf(v.x0, p.x);
        v.x1 = maxf(v.x1, p.x);
        v.z0 = minf(v.z0, p.z);
        v.z1 = maxf(v.z1, p.z);
    }
    return v;
}

/* The height of the building's top over a point of its plan. */
static float top_over(const Build *b, float x, float z) {
    float top = 0;

    for (size_t i = 0; i < b->m->n_faces; i++) {
        const Face *f = &b->m->faces[i];
        Vec3 lo = b->m->points[f->first], hi = lo;

        if (fabsf(f->normal.y) < 0.2f)
            continue;
        for (int k = 1; k < f->n; k++) {
            Vec3 p = b->m->points[f->first + (uint32_t)k];

            lo = v3(minf(lo.x, p.x), 0, minf(lo.z, p.z));
            hi = v3(maxf(hi.x, p.x), 0, maxf(hi.z, p.z));
        }
        if (x >= lo.x && x <= hi.x && z >= lo.z && z <= hi.z)
            top = maxf(top, (f->offset - f->normal.x * x - f->normal.z * z) / f->normal.y);
    }
    return top;
}

static void dome(Build *b, const Volume *v) {
    float x = 0.5f * (v->x0 + v->x1), z = 0.5f * (v->z0 + v->z1);
    float r = clampf(0.20f * minf(v->x1 - v->x0, 1.4f * (v->z1 - v->z0)), 1.6f, 7.0f),
          y = top_over(b, x, z) - 0.4f;

    mesh_column(b->m, b->wall, v3(x, y, z), 0.55f * r + 0.4f, r * 1.05f, r * 1.05f, 36);
    mesh_column(b->m, b->trim, v3(x, y + 0.55f * r + 0.4f, z), 0.22f, r * 1.14f, r * 1.14f, 36);
    roof_dome(b, v3(x, y + 0.55f * r + 0.6f, z), r, r, b->roof);
}

static void tower(Build *b, const Volume *v) {
    float size = 3.6f, x = v->x1 - 1.0f, z = 0.5f * (v->z0 + v->z1), top = v->y1 + 4.5f;
    Volume t = {x, 0, z, x + size, top, z + size};

    for (int s = 0; s < 4; s++) {
        Openings o = {0};

        openings_row(&o,
                     (Opening){.v0 = top - 2.4f,
                               .v1 = top - 0.6f,
                               .fill = FILL_WINDOW,
                               .columns = 1,
                               .rows = 2,
                               .sill = true,
                               .depth = 0.25f},
                     2, 1.0f, 0.2f, size - 0.2f);
        openings_row(&o,
                     (Opening){.v0 = top * 0.45f,
                               .v1 = top * 0.45f + 1.6f,
                               .fill = FILL_WINDOW,
                               .rows = 2,
                               .sill = true,
                               .depth = 0.25f},
                     1, 0.9f, 0, size);
        volume_wall(b, &t, (Side)s, b->wall, &o, 0);
    }
    roof_hip(b, t, size * 0.7f, 0.35f, b->roof);
}

/* A porch on columns (or arches) before the entrance. */
static void porch(Build *b, bool arches) {
    const Entrance *e = &b->w->entrance;
    float width = 5.2f, out = 2.6f, height = 3.0f, z = e->z + 0.2f, x0 = e->x - 0.5f * width;

    if (e->half <= 0)
        return;
    if (arches) {
        Volume v = {x0, 0, z, x0 + width, height + 0.4f, z + 0.45f};
        Openings o = {0};

        openings_row(
            &o,
            (Opening){
                .v0 = 0.02f, .v1 = height, .head = HEAD_ROUND, .fill = FILL_HOLE, .depth = 0.45f},
            3, 1.35f, 0.1f, width - 0.1f);
        volume_wall(b, &v, SIDE_FRONT, b->wall, &o, 0);
    } else {
        for (int i = 0; i < 4; i++)
            part_column(b, v3(x0 + 0.4f + (width - 0.8f) * (float)i / 3, 0, z + 0.3f), height,
                        0.19f, b->trim);
    }
    mesh_box(b->m, b->trim, v3(x0 - 0.15f, height, z - 0.1f),
             v3(x0 + width + 0.15f, height + 0.4f, z + out));
}

/* A balcony on brackets over the entrance. */
static void balcony(Build *b, const Volume *v) {
    float x = b->w->entrance.half > 0 ? b->w->entrance.x : 0.5f * (v->x0 + v->x1), y = 3.1f,
          z = v->z0;

    mesh_box(b->m, b->trim, v3(x - 2.2f, y - 0.16f, z - 1.0f), v3(x + 2.2f, y, z + 2.5f));
    part_railing(b, v3(x - 2.15f, y, z - 0.95f), v3(x + 2.15f, y, z - 0.95f), 1.0f, false);
    part_railing(b, v3(x - 2.15f, y, z - 0.95f), v3(x - 2.15f, y, z + 0.6f), 1.0f, false);
    part_railing(b, v3(x + 2.15f, y, z - 0.95f), v3(x + 2.15f, y, z + 0.6f), 1.0f, false);
}

/* A flat-roofed garage beside the house, with its drive. */
static void garage(Build *b, const Volume *v) {
    Volume g = {v->x1 + 0.02f, 0, v->z0 + 2.0f, v->x1 + 6.2f, 2.9f, v->z0 + 8.5f};
    Openings o = {0};

    openings_row(&o, (Opening){.v0 = 0.02f, .v1 = 2.35f, .fill = FILL_GARAGE, .depth = 0.2f}, 2,
                 2.6f, 0.2f, 6.0f);
    volume_wall(b, &g, SIDE_FRONT, b->wall, &o, 0);
    for (int s = 1; s < 4; s++)
        volume_wall(b, &g, (Side)s, b->wall, NULL, 0);
    roof_flat(b, g, 0.15f, 0.25f, b->trim);
    world_patch(b->w, b->spec->path, g.x0 + 0.2f, -40.0f, g.x1 - 0.2f, g.z0);
}

/* Solar panels: a row over every large face of the roof that looks up and to the front. */
static void solar(Build *b) {
    size_t n = b->m->n_faces;

    for (size_t i = 0; i < n; i++) {
        Face f = b->m->faces[i];
        bool flat;

        if (f.n != 4 || f.round || (f.surface != b->roof && f.surface != b->snow))
            continue;
        if (f.normal.y < 0)
            f.normal = v_scale(f.normal, -1);

        Vec3 a = b->m->points[f.first], c = b->m->points[f.first + 2], middle = v_mix(a, c, 0.5f);
        float w = fabsf(v_dot(v_sub(c, a), f.u)), h = fabsf(v_dot(v_sub(c, a), f.v));

        flat = f.normal.y > 0.98f;
        if (w < 4.0f || h < 2.4f || f.normal.y < 0.4f || (f.normal.z > -0.1f && !flat))
            continue;
        for (int k = 0; k < (int)(0.75f * w / 1.15f); k++)
            for (int r = 0; r < 2; r++) {
                Vec3 up = flat ? v_norm(v3(0, 0.35f, 1)) : f.v,
                     n_up = flat ? v_norm(v3(0, 1, -0.35f)) : f.normal;
                float s = ((float)k + 0.5f) * 1.15f - 0.375f * w,
                      t = flat ? ((float)r - 0.5f) * 2.4f : ((float)r - 0.5f) * 1.75f;
                Vec3 at = v_mad(v_mad(v_mad(middle, f.u, s), flat ? v3(0, 0, 1) : up, t), n_up,
                                flat ? 0.45f : 0.10f);
                Frame panel = {at, f.u, up, n_up};

                mesh_frame_box(b->m, b->metal, &panel, v3(-0.54f, -0.82f, -0.04f),
                               v3(0.54f, 0.82f, 0));
                mesh_quad(b->m, b->glass, frame_at(&panel, -0.5f, -0.78f, 0.01f),
                          frame_at(&panel, 0.5f, -0.78f, 0.01f),
                          frame_at(&panel, 0.5f, 0.78f, 0.01f),
                          frame_at(&panel, -0.5f, 0.78f, 0.01f));
            }
    }
}

/* A pool before the house, where the builder has not laid one. */
static void pool(Build *b, const Volume *v) {
    for (int i = 0; i < b->w->n_patches; i++)
        if (b->w->patches[i].surface.material == MATERIAL_WATER)
            return;

    float side = b->w->entrance.x > 0.5f * (v->x0 + v->x1) ? -1.0f : 1.0f,
          half = 0.22f * (v->x1 - v->x0) + 1.5f;
    float x = b->w->entrance.x + side * (half + 3.4f),
          z = minf(v->z0, b->w->entrance.half > 0 ? b->w->entrance.z : v->z0) - 3.0f;

    world_patch(b->w, MATERIAL_STONE, x - half - 0.6f, z - 5.6f, x + half + 0.6f, z);
    world_patch(b->w, MATERIAL_WATER, x - half, z - 5.0f, x + half, z - 0.6f);
}

void extras_build(Build *b) {
    unsigned wanted = b->spec->features & ~b->done;
    Volume v = outline(b);

    if (wanted & FEATURE_DOME)
        dome(b, &v);
    if (wanted & FEATURE_TOWER)
        tower(b, &v);
    if (wanted & (FEATURE_COLUMNS | FEATURE_ARCHES))
        porch(b, !(wanted & FEATURE_COLUMNS));
    if (wanted & FEATURE_BALCONY)
        balcony(b, &v);
    if (wanted & FEATURE_GARAGE)
        garage(b, &v);
    if (wanted & FEATURE_CHIMNEY)
        part_chimney(b, mixf(v.x0, v.x1, 0.7f), mixf(v.z0, v.z1, 0.6f), 1.0f, v.y1 + 1.2f,
                     b->stone);
    if (wanted & FEATURE_SOLAR)
        solar(b);
    if (wanted & FEATURE_POOL)
        pool(b, &v);
}
