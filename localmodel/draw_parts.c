/* draw_parts.c - columns, stairs, railings, chimneys, lamps: the smaller parts of buildings. */
#include "draw_building.h"

void part_column(Build *b, Vec3 foot, float height, float radius, int surface) {
    float base = 0.6f * radius, cap = 0.9f * radius;

    mesh_box(b->m, surface, v3(foot.x - 1.35f * radius, foot.y, foot.z - 1.35f * radius),
             v3(foot.x + 1.35f * radius, foot.y + base * 0.5f, foot.z + 1.35f * radius));
    mesh_column(b->m, surface, v3(foot.x, foot.y + base * 0.5f, foot.z), base * 0.6f,
                1.22f * radius, 1.1f * radius, 20);
    mesh_column(b->m, surface, v3(foot.x, foot.y + base, foot.z), height - base - cap, radius,
                0.84f * radius, 20);
    mesh_column(b->m, surface, v3(foot.x, foot.y + height - cap, foot.z), cap * 0.55f,
                0.86f * radius, 1.2f * radius, 20);
    mesh_box(b->m, surface,
             v3(foot.x - 1.35f * radius, foot.y + height - cap * 0.45f, foot.z - 1.35f * radius),
             v3(foot.x + 1.35f * radius, foot.y + height, foot.z + 1.35f * radius));
}

void part_stairs(Build *b, float x0, float x1, float z, float height, int surface) {
    int n = (int)ceilf(height / 0.165f);
    float rise = height / (float)(n > 0 ? n : 1);

    for (int i = 0; i < n; i++)
        mesh_box(b->m, surface, v3(x0, 0, z - 0.32f * (float)(n - i)),
                 v3(x1, rise * (float)(i + 1), z));
}

void part_railing(Build *b, Vec3 from, Vec3 to, float height, bool glass) {
    Vec3 run = v_sub(to, from), along = v_norm(run);
    float length = v_len(run);
    int posts = (int)(length / (glass ? 1.6f : 0.12f)) + 1;

    if (length < 0.2f)
        return;
    if (glass) {
        Face *face =
            mesh_quad(b->m, b->glass, v_add(from, v3(0, 0.06f, 0)), v_add(to, v3(0, 0.06f, 0)),
                      v_add(to, v3(0, height, 0)), v_add(from, v3(0, height, 0)));

        if (face != NULL)
            face->coverage = 2; /* one sample in four: the rest shows through */
    }
    for (int i = 0; i <= posts; i++) {
        Vec3 p = v_mad(from, along, length * (float)i / (float)posts);

        if (glass && i > 0 && i < posts)
            continue;
        mesh_bar(b->m, b->metal, p, v_add(p, v3(0, height, 0)), 0.016f, 0.016f, 4);
    }
    mesh_bar(b->m, b->metal, v_add(from, v3(0, height, 0)), v_add(to, v3(0, height, 0)), 0.028f,
             0.028f, 4);
}

void part_chimney(Build *b, float x, float z, float y0, float y1, int surface) {
    mesh_box(b->m, surface, v3(x - 0.38f, y0, z - 0.30f), v3(x + 0.38f, y1, z + 0.30f));
    mesh_box(b->m, b->trim, v3(x - 0.46f, y1 - 0.12f, z - 0.38f), v3(x + 0.46f, y1, z + 0.38f));
    mesh_column(b->m, b->roof, v3(x - 0.16f, y1, z), 0.32f, 0.12f, 0.10f, 10);
    mesh_column(b->m, b->roof, v3(x + 0.16f, y1, z), 0.32f, 0.12f, 0.10f, 10);
    if (b->snowy)
        mesh_box(b->m, b->snow, v3(x - 0.44f, y1, z - 0.36f), v3(x + 0.44f, y1 + 0.14f, z + 0.36f));
}

void part_slats(Build *b, const Frame *f, float u0, float v0, float u1, float v1, float pitch,
                int surface) {
    int n = (int)((u1 - u0) / pitch);

    for (int i = 0; i < n && n < 400; i++) {
        float u = u0 + (u1 - u0) * ((float)i + 0.5f) / (float)n;

        mesh_frame_box(b->m, surface, f, v3(u - 0.28f * pitch, v0, 0.0f),
                       v3(u + 0.28f * pitch, v1, 0.10f));
    }
}

void part_lantern(Build *b, Vec3 foot) {
    mesh_bar(b->m, b->dark, foot, v_add(foot, v3(0, 0.75f, 0)), 0.045f, 0.045f, 6);
    mesh_box(b->m, b->lamp, v3(foot.x - 0.07f, foot.y + 0.75f, foot.z - 0.07f),
             v3(foot.x + 0.07f, foot.y + 0.92f, foot.z + 0.07f));
    mesh_box(b->m, b->dark, v3(foot.x - 0.10f, foot.y + 0.92f, foot.z - 0.10f),
             v3(foot.x + 0.10f, foot.y + 0.96f, foot.z + 0.10f));
    world_lamp(b->w, (Lamp){.at = v3(foot.x, foot.y + 0.85f, foot.z),
                            .colour = v_scale(rgb_hex(0xffc078), 1.5f),
                            .range = 5.0f});
}

void part_wall_lamp(Build *b, Vec3 at, Vec3 facing) {
    Vec3 out = v_mad(at, facing, 0.12f);

    mesh_box(b->m, b->lamp, v3(out.x - 0.06f, out.y - 0.13f, out.z - 0.06f),
             v3(out.x + 0.06f, out.y + 0.13f, out.z + 0.06f));
    world_lamp(b->w, (Lamp){.at = v_mad(at, facing, 0.35f),
                            .colour = v_scale(rgb_hex(0xffbe74), 1.5f),
                            .range = 6.0f});
}

void part_planter(Build *b, Volume v) {
    mesh_box(b->m, b->plinth, v3(v.x0, v.y0, v.z0), v3(v.x1, v.y1, v.z1));
    mesh_box(b->m, b->green, v3(v.x0 + 0.08f, v.y1, v.z0 + 0.08f),
             v3(v.x1 - 0.08f, v.y1 + 0.06f, v.z1 - 0.08f));
}

void part_window_light(Build *b, Vec3 at, Vec3 facing, float area) {
    world_lamp(b->w, (Lamp){.at = v_mad(at, facing, 0.5f),
                            .colour = v_scale(rgb_hex(0xffc27e), minf(0.42f * area, 4.5f)),
                            .facing = facing,
                            .range = 5.0f + 0.6f * sqrtf(area)});
}
