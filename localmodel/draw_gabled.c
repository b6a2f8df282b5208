/*
 * draw_gabled.c - houses under pitched roofs: the farmhouse, its Scandinavian and its Victorian
 * relative.
 *
 * A main body with its ridge along the front, and a cross wing whose gable faces the viewer; porch,
 * dormers, chimney and shutters follow the manner and the seed.
 */
#include "draw_building.h"

typedef struct Manner {
    float slope, eaves;   /* rise by half span; overhang */
    float window, height; /* of a usual window, metres */
    Head head;
    int columns, rows;
    bool shutters, trim, porch, big_gable, turret, timbered;
} Manner;

static const Manner farmhouse = {0.95f, 0.55f, 1.05f, 1.35f, HEAD_FLAT, 2,    3,
                                 true,  true,  true,  false, false,     false};
static const Manner nordic = {1.25f, 0.06f, 1.2f,  1.9f, HEAD_FLAT, 1,    1,
                              false, false, false, true, false,     false};
static const Manner victorian = {1.45f, 0.45f, 0.95f, 1.75f, HEAD_SEGMENT, 1,   2,
                                 false, true,  true,  false, true,         true};

typedef struct House {
    const Manner *manner;
    Volume body, wing;
    float storey, body_rise, wing_rise;
    int storeys;
} House;

static House lay_out(const Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "gabled plan");
    House h = {.manner = &farmhouse, .storey = 2.75f};
    float length = rng_range(&rng, 12.5f, 16.0f), depth = rng_range(&rng, 7.0f, 8.5f);
    float wing = rng_range(&rng, 5.2f, 6.4f), at = rng_range(&rng, 0.3f, 1.2f);

    if (b->spec->style == STYLE_SCANDINAVIAN) {
        h.manner = &nordic;
        wing += 1.0f;
    }
    if (b->spec->style == STYLE_VICTORIAN) {
        h.manner = &victorian;
        h.storey = 3.2f;
        length *= 0.82f;
        wing *= 0.9f;
    }
    h.storeys = b->spec->storeys > 0  ? (b->spec->storeys > 5 ? 5 : b->spec->storeys)
                : h.manner == &nordic ? 1
                                      : 2;
    if (b->spec->kind == KIND_PUBLIC)
        length *= 1.6f;

    float eaves = h.storey * (float)h.storeys + 0.35f -
                  (h.manner == &farmhouse && h.storeys == 2 ? 0.7f : 0.0f);

    h.body = (Volume){0, 0, 0, length, eaves, depth};
    h.wing = (Volume){at, 0, -rng_range(&rng, 1.6f, 2.6f), at + wing, eaves, depth * 0.7f};
    h.body_rise = 0.5f * depth * h.manner->slope;
    h.wing_rise = 0.5f * wing * h.manner->slope;
    return h;
}

/* A window of the manner, its foot at v. */
static Opening window(const Manner *m, float v, float height) {
    return (Opening){.v0 = v,
                     .v1 = v + height,
                     .head = m->head,
                     .fill = FILL_WINDOW,
                     .columns = m->columns,
                     .rows = m->rows,
                     .sill = m->trim,
                     .trim = m->trim,
                     .shutters = m->shutters,
                     .curtains = true,
                     .depth = m->trim ? 0.14f : 0.10f};
}

/* Rows of windows, storey by storey, where they find room below the eaves. */
static void rows(const House *h, Openings *o, int count, float from, float to, int first) {
    const Manner *m = h->manner;

    for (int s = first; s < h->storeys; s++) {
        float v = h->storey * (float)s + 0.35f + (m->big_gable ? 0.55f : 0.85f);
        float height = minf(m->height, h->body.y1 - v - 0.30f);

        openings_row(o, window(m, v, height), count, m->window, from, to);
    }
}

/* The long front: door beside the wing, windows in rhythm. */
static void front(Build *b, const House *h, float *door_at) {
    const Manner *m = h->manner;
    float from = h->wing.x1 + 0.3f, to = h->body.x1 - 0.3f, door = from + 1.5f;
    int count = (int)maxf(1, roundf((to - door - 1.1f) / (m->shutters ? 2.6f : 2.2f)));
    Openings o = {0};

    openings_add(&o, (Opening){.u0 = door - 0.55f,
                               .v0 = 0.30f,
                               .u1 = door + 0.55f,
                               .v1 = 2.75f,
                               .head = m->head == HEAD_FLAT ? HEAD_FLAT : HEAD_SEGMENT,
                               .fill = FILL_DOOR,
                               .trim = m->trim,
                               .depth = 0.2f});
    rows(h, &o, count, door + 1.1f, to, 0);
    if (h->storeys > 1) {
        Opening above = window(m, h->storey + 1.2f, minf(m->height, h->body.y1 - h->storey - 1.5f));

        above.u0 = door - 0.5f * m->window;
        above.u1 = door + 0.5f * m->window;
        openings_add(&o, above);
    }
    volume_wall(b, &h->body, SIDE_FRONT, b->wall, &o, h->storey);
    part_wall_lamp(b, v3(door + 0.85f, 2.1f, 0), v3(0, 0, -1));
    part_window_light(b, v3(0.5f * (door + to), 1.6f, 0), v3(0, 0, -1), 5.0f);
    *door_at = door;
}

/* Half-timbering on a gable: posts, rails and braces. */
static void timbering(Build *b, const Frame *f, float width, float eaves, float rise) {
    for (int i = 1; i < 6; i++) {
        float u = width * (float)i / 6, top = eaves + rise * (1 - fabsf(2 * u / width - 1));

        mesh_frame_box(b->m, b->frame, f, v3(u - 0.07f, eaves, 0),
                       v3(u + 0.07f, top - 0.1f, 0.05f));
    }
    mesh_frame_box(b->m, b->frame, f, v3(0, eaves - 0.1f, 0), v3(width, eaves + 0.1f, 0.06f));
    mesh_frame_box(b->m, b->frame, f, v3(width * 0.25f, eaves + rise * 0.48f, 0),
                   v3(width * 0.75f, eaves + rise * 0.48f + 0.14f, 0.055f));
}

/* The cross wing, its gable to the viewer. */
static void wing(Build *b, const House *h) {
    const Manner *m = h->manner;
    const Volume *w = &h->wing;
    float width = w->x1 - w->x0;
    Frame f = volume_frame(w, SIDE_FRONT);
    WallTop top = top_gable(width, w->y1, w->y1 + h->wing_rise);
    Openings o = {0}, side = {0};

    if (m->big_gable) { /* the gable as one window, in panes */
        float foot = 0.25f;

        openings_add(&o, (Opening){.u0 = 0.9f,
                                   .v0 = foot,
                                   .u1 = width - 0.9f,
                                   .v1 = 2.65f,
                                   .fill = FILL_GLAZING,
                                   .columns = 3,
                                   .depth = 0.15f});
        openings_add(&o, (Opening){.u0 = 0.5f * width - 1.25f,
                                   .v0 = 3.0f,
                                   .u1 = 0.5f * width + 1.25f,
                                   .v1 = minf(w->y1 + h->wing_rise * 0.55f, 5.6f),
                                   .fill = FILL_GLAZING,
                                   .columns = 2,
                                   .depth = 0.15f});
    } else {
        rows(h, &o, 2, 0.3f, width - 0.3f, 0);
        if (h->wing_rise > 2.0f) {
            Opening attic = window(m, w->y1 + 0.35f, m->height * 0.7f);

            attic.u0 = 0.5f * width - 0.4f;
            attic.u1 = 0.5f * width + 0.4f;
            attic.shutters = false;
            openings_add(&o, attic);
        }
    }
    rows(h, &side, 1, 0.2f, -w->z0 > 1.2f ? -w->z0 : 1.2f, 0);
    wall_draw(b, &f, m->big_gable ? b->accent : b->wall, &top, &o, h->storey);
    volume_wall(b, w, SIDE_LEFT, b->wall, NULL, h->storey);
    volume_wall(b, w, SIDE_RIGHT, b->wall, m->big_gable ? NULL : &side, h->storey);
    if (m->timbered)
        timbering(b, &f, width, w->y1, h->wing_rise);
    roof_gable(b, *w, h->wing_rise, m->eaves, false, b->roof);
    part_window_light(b, v3(0.5f * (w->x0 + w->x1), 1.6f, w->z0), v3(0, 0, -1),
                      m->big_gable ? 14.0f : 5.0f);
}

/* A porch on posts over the door. */
static void porch(Build *b, const House *h, float door) {
    bool veranda = h->manner == &victorian;
    float x0 = veranda ? h->wing.x1 + 0.1f : door - 1.15f, x1 = veranda ? h->body.x1 : door + 1.15f,
          out = veranda ? 2.0f : 1.5f;
    int posts = veranda ? 5 : 2;

    for (int i = 0; i < posts; i++) {
        float x = x0 + 0.12f + (x1 - x0 - 0.24f) * (float)i / (float)(posts - 1);

        mesh_box(b->m, b->trim, v3(x - 0.08f, 0.3f, -out), v3(x + 0.08f, 2.75f, -out + 0.16f));
    }
    mesh_box(b->m, b->trim, v3(x0, 2.75f, -out - 0.05f), v3(x1, 2.95f, 0));
    roof_shed(b, (Volume){x0, 0, -out, x1, 2.75f, 0.0f}, 0.01f, 0.15f, true, b->roof);
    mesh_box(b->m, b->plinth, v3(x0, 0, -out - 0.1f), v3(x1, 0.30f, 0));
    if (veranda)
        part_railing(b, v3(door + 0.9f, 0.3f, -out + 0.08f), v3(x1 - 0.1f, 0.3f, -out + 0.08f),
                     0.95f, false);
    part_stairs(b, door - 0.8f, door + 0.8f, -out - 0.1f, 0.30f, b->plinth);
}

/* A small gabled window in the roof. */
static void dormer(Build *b, const House *h, float x) {
    float base = h->body.y1 + 0.35f, z = 0.9f, w = 1.5f;
    Volume v = {x - 0.5f * w, base, z, x + 0.5f * w, base + 1.45f, z + 2.2f};
    Frame f = volume_frame(&v, SIDE_FRONT);
    WallTop top = top_gable(w, 1.45f, 1.45f + 0.75f);
    Openings o = {0};
    Opening win = window(h->manner, 0.35f, 1.0f);

    win.u0 = 0.35f;
    win.u1 = w - 0.35f;
    win.shutters = false;
    openings_add(&o, win);
    wall_draw(b, &f, b->wall, &top, &o, 2.6f);
    volume_wall(b, &v, SIDE_LEFT, b->wall, NULL, 0);
    volume_wall(b, &v, SIDE_RIGHT, b->wall, NULL, 0);
    roof_gable(b, v, 0.75f, 0.2f, false, b->roof);
}

/* A round corner tower with a steep cap. */
static void turret(Build *b, const House *h) {
    float r = 1.7f, x = h->body.x1 - 0.2f, z = 0.2f, top = h->body.y1 + 1.6f;

    mesh_column(b->m, b->wall, v3(x, 0, z), top, r, r, 28);
    mesh_column(b->m, b->trim, v3(x, top - 0.1f, z), 0.25f, r + 0.18f, r + 0.22f, 28);
    roof_spire(b, v3(x, top + 0.15f, z), r + 0.35f, 4.6f, 16, b->roof);
    for (int s = 0; s < h->storeys + 1; s++)
        for (int k = 0; k < 5; k++) {
            float a = -2.7f + 0.75f * (float)k, w = 0.42f, v = h->storey * (float)s + 1.1f;
            Vec3 out = v3(cosf(a), 0, sinf(a)), along = v3(-sinf(a), 0, cosf(a));
            Frame f = {v_add(v3(x, 0, z), v_scale(out, r * 0.985f)), along, v3(0, 1, 0), out};
            Opening o = {.u0 = -w,
                         .v0 = v,
                         .u1 = w,
                         .v1 = minf(v + 1.7f, top - 0.3f),
                         .fill = FILL_WINDOW,
                         .columns = 1,
                         .rows = 2,
                         .depth = -0.05f};

            if (o.v1 - o.v0 < 0.8f)
                continue;
            o.depth = 0.001f;
            mesh_frame_box(b->m, b->trim, &f, v3(-w - 0.1f, o.v0 - 0.12f, -0.1f),
                           v3(w + 0.1f, o.v1 + 0.12f, 0.06f));
            f.o = v_mad(f.o, out, 0.075f);
            opening_fill(b, &f, &o, h->storey, h->storey * (float)s);
        }
}

void build_gabled(Build *b) {
    House h = lay_out(b);
    Rng rng = rng_named(b->spec->building_seed, "gabled details");
    float door, depth = h.body.z1;
    WallTop gable = top_gable(depth, h.body.y1, h.body.y1 + h.body_rise);
    Openings ends = {0};

    b->w->face = 1.0f;
    b->done |= FEATURE_TOWER | FEATURE_CHIMNEY;
    front(b, &h, &door);
    rows(&h, &ends, 2, 0.8f, depth - 0.8f, 0);
    for (int i = 0; i < 2; i++) {
        Frame f = volume_frame(&h.body, i == 0 ? SIDE_RIGHT : SIDE_LEFT);

        wall_draw(b, &f, b->wall, &gable, &ends, h.storey);
    }
    volume_wall(b, &h.body, SIDE_BACK, b->wall, NULL, 0);
    roof_gable(b, h.body, h.body_rise, h.manner->eaves, true, b->roof);
    wing(b, &h);
    mesh_box(b->m, b->plinth, v3(-0.06f, 0, -0.06f), v3(h.body.x1 + 0.06f, 0.32f, depth + 0.06f));
    mesh_box(b->m, b->plinth, v3(h.wing.x0 - 0.06f, 0, h.wing.z0 - 0.06f),
             v3(h.wing.x1 + 0.06f, h.manner->big_gable ? 0.2f : 0.32f, 0));
    if (h.manner->porch)
        porch(b, &h, door);
    if (h.manner == &farmhouse && rng_chance(&rng, 0.7f))
        for (int i = 0; i < 2; i++)
            dormer(b, &h, h.wing.x1 + (h.body.x1 - h.wing.x1) * (0.3f + 0.42f * (float)i));
    if (h.manner->turret || b->spec->features & FEATURE_TOWER)
        turret(b, &h);
    part_chimney(b, h.body.x1 - 2.2f, depth * 0.5f + 0.4f, h.body.y1,
                 h.body.y1 + h.body_rise + 1.1f, h.manner == &nordic ? b->accent : b->stone);
    world_entrance(b->w, door, -1.6f, 0.85f, false);
    if (h.manner == &nordic)
        mesh_box(b->m, b->plinth, v3(h.wing.x0 - 0.5f, 0, h.wing.z0 - 2.6f),
                 v3(h.body.x1, 0.18f, 0));
}
