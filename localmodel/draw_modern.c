/*
 * draw_modern.c - flat-roofed houses: a long glazed ground floor, an upper volume that rides over
 * it, an upright accent where they cross; minimalist and brutalist houses are its stricter and its
 * heavier relative.
 */
#include "draw_building.h"

/* What distinguishes the three relatives. */
typedef struct Manner {
    float eaves, edge; /* overhang and thickness of the roof slabs */
    float glass;       /* share of the fronts that is glass */
    float reveal;      /* depth of windows */
    float cantilever;  /* of the upper floor, metres */
    bool slats, railing;
} Manner;

static const Manner modern = {0.70f, 0.28f, 0.80f, 0.20f, 2.2f, true, true};
static const Manner minimal = {0.0f, 0.0f, 0.55f, 0.35f, 1.4f, false, true};
static const Manner brutal = {0.35f, 0.75f, 0.60f, 0.70f, 2.6f, false, false};

/* The plan, taken from the seed. */
typedef struct Plan {
    Volume ground, upper, third, stack;
    bool has_upper, has_third;
    float storey, door, terrace;
    const Manner *manner;
} Plan;

static Plan lay_out(const Build *b) {
    Rng rng = rng_named(b->spec->building_seed, "modern plan");
    bool wide = b->spec->kind == KIND_PUBLIC;
    float storey = wide ? 4.2f : 3.15f,
          length = rng_range(&rng, 14.5f, 18.5f) * (wide ? 1.5f : 1.0f);
    float depth = rng_range(&rng, 8.5f, 10.5f), upper = length * rng_range(&rng, 0.52f, 0.68f);
    int storeys = b->spec->storeys;
    Plan p = {.storey = storey, .manner = &modern};

    if (b->spec->style == STYLE_MINIMALIST)
        p.manner = &minimal;
    if (b->spec->style == STYLE_BRUTALIST)
        p.manner = &brutal;
    p.has_upper = storeys != 1;
    p.has_third = storeys >= 3 || (storeys == 0 && rng_chance(&rng, 0.25f));
    p.terrace = 0.32f;
    p.ground = (Volume){0, p.terrace, 0, length, p.terrace + storey, depth};

    float over = p.manner->cantilever * rng_range(&rng, 0.7f, 1.2f);
    float side = rng_range(&rng, 0.6f, 2.2f), y = p.ground.y1 + p.manner->edge;

    p.upper = (Volume){
        -side, y, -over, upper - side, y + storey - 0.15f, depth - rng_range(&rng, 0.5f, 2.0f)};
    p.third = (Volume){p.upper.x0 + 1.5f,
                       p.upper.y1 + p.manner->edge,
                       1.2f,
                       p.upper.x0 + upper * 0.62f,
                       p.upper.y1 + p.manner->edge + storey * 0.92f,
                       depth - 1.5f};
    p.stack = (Volume){p.upper.x1 - 0.02f,
                       0,
                       rng_range(&rng, 0.8f, 1.6f),
                       p.upper.x1 + rng_range(&rng, 1.5f, 2.2f),
                       p.upper.y1 + rng_range(&rng, 0.7f, 1.4f),
                       depth - 2.5f};
    p.door = p.stack.x1 + rng_range(&rng, 0.5f, 0.9f);
    return p;
}

/* Storey-high glass from u0 to u1 with a pane about each 1.7 m. */
static Opening glazing(float u0, float u1, float v0, float v1, float reveal) {
    return (Opening){.u0 = u0,
                     .v0 = v0,
                     .u1 = u1,
                     .v1 = v1,
                     .fill = FILL_GLAZING,
                     .columns = (int)maxf(1, roundf((u1 - u0) / 1.7f)),
                     .depth = reveal};
}

/* The ground floor: living room behind glass, then the door, then a calmer part. */
static void ground_floor(Build *b, const Plan *p) {
    const Volume *g = &p->ground;
    const Manner *m = p->manner;
    float length = g->x1 - g->x0, depth = g->z1 - g->z0, top = p->storey - 0.38f;
    float end = p->stack.x0 - 0.5f, rest = p->door + 1.6f;
    Openings front = {0}, left = {0}, right = {0};

    openings_add(&front, glazing(0.45f, end, 0.06f, top, m->reveal));
    openings_add(&front, (Opening){.u0 = p->door,
                                   .v0 = 0.02f,
                                   .u1 = p->door + 1.2f,
                                   .v1 = 2.45f,
                                   .fill = FILL_DOOR,
                                   .depth = m->reveal + 0.15f});
    if (b->spec->features & FEATURE_GARAGE && length - rest > 3.2f)
        openings_add(&front, (Opening){.u0 = length - 3.4f,
                                       .v0 = -0.0f + 0.02f,
                                       .u1 = length - 0.4f,
                                       .v1 = 2.4f,
                                       .fill = FILL_GARAGE,
                                       .depth = 0.2f});
    else if (length - rest > 1.6f)
        openings_add(&front, (Opening){.u0 = rest,
                                       .v0 = m == &brutal ? 0.9f : 1.35f,
                                       .u1 = length - 0.6f,
                                       .v1 = top - 0.25f,
                                       .fill = FILL_WINDOW,
                                       .columns = (int)maxf(1, (length - rest) / 1.8f),
                                       .depth = m->reveal});
    openings_add(&right, glazing(0.6f, 0.45f * depth, 0.06f, top, m->reveal));
    openings_add(&right, (Opening){.u0 = 0.62f * depth,
                                   .v0 = 1.1f,
                                   .u1 = 0.85f * depth,
                                   .v1 = top - 0.3f,
                                   .fill = FILL_WINDOW,
                                   .columns = 2,
                                   .depth = m->reveal});
    openings_add(&left, glazing(depth * 0.35f, depth - 0.45f, 0.06f, top, m->reveal));
    volume_wall(b, g, SIDE_FRONT, b->wall, &front, p->storey);
    volume_wall(b, g, SIDE_RIGHT, b->wall, &right, p->storey);
    volume_wall(b, g, SIDE_LEFT, b->wall, &left, p->storey);
    volume_wall(b, g, SIDE_BACK, b->wall, NULL, p->storey);
    part_window_light(b, v3(0.5f * end, 1.4f, g->z0), v3(0, 0, -1), end * 2.2f);
    part_window_light(b, v3(g->x1, 1.4f, g->z0 + 0.25f * depth), v3(1, 0, 0), 6.0f);
    part_window_light(b, v3(g->x0, 1.4f, g->z0 + 0.35f * depth), v3(-1, 0, 0), 8.0f);
    part_wall_lamp(b, v3(p->door - 0.22f, g->y0 + 2.0f, g->z0), v3(0, 0, -1));
}

/* A volume of an upper floor with a big window, a ribbon and perhaps a slatted part. */
static void upper_floor(Build *b, const Plan *p, const Volume *v, int surface, const char *name) {
    Rng rng = rng_named(b->spec->building_seed, name);
    const Manner *m = p->manner;
    float w = v->x1 - v->x0, d = v->z1 - v->z0, h = v->y1 - v->y0,
          foot = m == &brutal ? 0.55f : 0.28f;
    float split = w * rng_range(&rng, 0.52f, 0.68f), top = h - (m == &brutal ? 0.55f : 0.32f);
    bool loggia = b->spec->features & FEATURE_BALCONY || rng_chance(&rng, 0.4f);
    Openings front = {0}, side = {0}, other = {0};
    Frame f = volume_frame(v, SIDE_FRONT);

    openings_add(&front, glazing(0.5f, split, foot, top, loggia ? 1.1f : m->reveal));
    if (m->slats) {
        front.list[0].columns = (int)maxf(2, roundf(split / 1.8f));
        openings_add(&front, (Opening){.u0 = split + 0.4f,
                                       .v0 = foot,
                                       .u1 = w - 0.5f,
                                       .v1 = top,
                                       .fill = FILL_SLATS,
                                       .depth = 0.25f});
    } else if (m == &brutal) {
        openings_row(&front,
                     (Opening){.v0 = foot, .v1 = top, .fill = FILL_WINDOW, .depth = m->reveal},
                     (int)maxf(1, (w - split) / 1.5f), 0.85f, split + 0.3f, w - 0.3f);
    }
    openings_add(&side, (Opening){.u0 = 0.7f,
                                  .v0 = foot,
                                  .u1 = d * 0.42f,
                                  .v1 = top,
                                  .fill = FILL_GLAZING,
                                  .columns = 2,
                                  .depth = m->reveal});
    openings_add(&side, (Opening){.u0 = d * 0.6f,
                                  .v0 = h * 0.55f,
                                  .u1 = d * 0.9f,
                                  .v1 = top,
                                  .fill = FILL_WINDOW,
                                  .columns = 2,
                                  .depth = m->reveal});
    openings_add(&other, (Opening){.u0 = d * 0.5f,
                                   .v0 = foot,
                                   .u1 = d - 0.7f,
                                   .v1 = top,
                                   .fill = FILL_GLAZING,
                                   .columns = 2,
                                   .depth = m->reveal});
    volume_wall(b, v, SIDE_FRONT, surface, &front, h);
    volume_wall(b, v, SIDE_RIGHT, surface, &side, h);
    volume_wall(b, v, SIDE_LEFT, surface, &other, h);
    volume_wall(b, v, SIDE_BACK, surface, NULL, h);
    if (loggia && m->railing)
        part_railing(b, frame_at(&f, 0.5f, foot, -0.10f), frame_at(&f, split, foot, -0.10f), 1.0f,
                     true);
    mesh_quad(b->m, b->trim, v3(v->x0, v->y0, v->z0), v3(v->x1, v->y0, v->z0),
              v3(v->x1, v->y0, v->z1), v3(v->x0, v->y0, v->z1));
}

/* The slab of a roof, or a parapet where the manner has none. */
static void cover(Build *b, const Plan *p, const Volume *v, int surface) {
    if (p->manner->edge > 0.0f)
        roof_flat(b, *v, p->manner->eaves, p->manner->edge, surface);
    else
        roof_parapet(b, *v, 0.45f, surface);
}

/* Terrace, steps, path and planters before the house. */
static void forecourt(Build *b, const Plan *p) {
    const Volume *g = &p->ground;
    float front = p->has_upper ? p->upper.z0 - 1.3f : -2.6f, door = p->door + 0.6f;

    mesh_box(b->m, b->plinth, v3(minf(g->x0, p->upper.x0) - 0.6f, 0, front),
             v3(g->x1 + 0.5f, p->terrace, g->z1 + 0.4f));
    part_stairs(b, door - 1.4f, door + 1.4f, front, p->terrace, b->plinth);
    world_entrance(b->w, door, front + 0.1f, 1.0f, false);
    part_planter(b, (Volume){g->x1 - 2.6f, p->terrace, front + 0.2f, g->x1 + 0.3f,
                             p->terrace + 0.5f, front + 0.9f});
    if (p->has_upper && p->manner != &minimal)
        for (int i = 0; i < 2; i++)
            mesh_bar(b->m, b->metal,
                     v3(p->upper.x0 + 0.5f + (float)i * (p->upper.x1 - p->upper.x0 - 3.0f),
                        p->terrace, p->upper.z0 + 0.5f),
                     v3(p->upper.x0 + 0.5f + (float)i * (p->upper.x1 - p->upper.x0 - 3.0f),
                        p->upper.y0, p->upper.z0 + 0.5f),
                     0.09f, 0.09f, 8);
    if (b->spec->features & FEATURE_POOL) {
        world_patch(b->w, MATERIAL_STONE, g->x0 + 0.2f, front - 8.6f, door - 2.2f, front - 2.4f);
        world_patch(b->w, MATERIAL_WATER, g->x0 + 0.7f, front - 8.1f, door - 2.7f, front - 2.9f);
    }
}

void build_modern(Build *b) {
    Plan p = lay_out(b);
    int upper = b->spec->style == STYLE_MINIMALIST  ? b->wall
                : b->spec->style == STYLE_BRUTALIST ? b->wall
                                                    : b->accent;
    Rng rng = rng_named(b->spec->building_seed, "modern swap");
    bool swap = b->spec->style == STYLE_MODERN && rng_chance(&rng, 0.5f);

    b->w->face = -1.0f;
    b->done |= FEATURE_BALCONY | FEATURE_GARAGE | FEATURE_GREEN_ROOF;
    ground_floor(b, &p);
    cover(b, &p, &p.ground, b->wall);
    if (p.has_upper) {
        upper_floor(b, &p, &p.upper, swap ? b->wall : upper, "modern upper");
        cover(b, &p, &p.upper, b->wall);
        mesh_box(b->m, swap ? b->accent : b->stone, v3(p.stack.x0, 0, p.stack.z0),
                 v3(p.stack.x1, p.stack.y1, p.stack.z1));
        mesh_box(b->m, swap ? b->accent : b->stone, v3(p.stack.x0, 0, -0.45f),
                 v3(p.stack.x1, p.ground.y1 + 0.35f, p.stack.z0));
        if (b->snowy)
            mesh_box(b->m, b->snow, v3(p.stack.x0, p.stack.y1, p.stack.z0),
                     v3(p.stack.x1, p.stack.y1 + 0.14f, p.stack.z1));
    }
    if (p.has_third && p.has_upper) {
        upper_floor(b, &p, &p.third, b->wall, "modern third");
        cover(b, &p, &p.third, b->wall);
        part_railing(b, v3(p.upper.x0 + 0.2f, p.third.y0, p.upper.z0 + 0.2f),
                     v3(p.upper.x1 - 0.2f, p.third.y0, p.upper.z0 + 0.2f), 1.0f, true);
    }
    forecourt(b, &p);
}
