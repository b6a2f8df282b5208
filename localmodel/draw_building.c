/*
 * draw_building.c - from the spec to a builder: styles, their materials, the surfaces they share.
 */
#include "draw_building.h"

#include "draw_material.h"

/* What a style brings where the spec does not ask for something else. */
typedef struct StyleLook {
    void (*build)(Build *b);
    SceneMaterial wall, accent, roof, door, frame, ground, path, plinth;
    uint32_t trim; /* colour of sills, mouldings and edges */
} StyleLook;

#define DARK MATERIAL_DARK_METAL
static const StyleLook looks[STYLE_COUNT] = {
    [STYLE_MODERN] = {build_modern, MATERIAL_CONCRETE, MATERIAL_OAK, MATERIAL_GRAVEL, MATERIAL_OAK,
                      DARK, MATERIAL_GRASS, MATERIAL_PAVING, MATERIAL_CONCRETE, 0xd8d5ce},
    [STYLE_MINIMALIST] = {build_modern, MATERIAL_PLASTER, MATERIAL_CONCRETE, MATERIAL_GRAVEL,
                          MATERIAL_OAK, DARK, MATERIAL_GRAVEL, MATERIAL_PAVING, MATERIAL_CONCRETE,
                          0xf2f0ea},
    [STYLE_BRUTALIST] = {build_modern, MATERIAL_BOARD_CONCRETE, MATERIAL_CONCRETE,
                         MATERIAL_CONCRETE, DARK, DARK, MATERIAL_PAVING, MATERIAL_CONCRETE,
                         MATERIAL_BOARD_CONCRETE, 0x9b978f},
    [STYLE_CLASSICAL] = {build_classical, MATERIAL_STONE, MATERIAL_MARBLE, MATERIAL_ZINC,
                         MATERIAL_DARK_TIMBER, MATERIAL_PLASTER, MATERIAL_GRASS, MATERIAL_GRAVEL,
                         MATERIAL_STONE, 0xe9e0cc},
    [STYLE_GOTHIC] = {build_gothic, MATERIAL_STONE, MATERIAL_STONE, MATERIAL_SLATE,
                      MATERIAL_DARK_TIMBER, DARK, MATERIAL_GRASS, MATERIAL_COBBLES, MATERIAL_STONE,
                      0xd9cfb8},
    [STYLE_TRADITIONAL] = {build_gabled, MATERIAL_PLASTER, MATERIAL_DARK_TIMBER,
                           MATERIAL_TERRACOTTA, MATERIAL_OAK, MATERIAL_PLASTER, MATERIAL_GRASS,
                           MATERIAL_GRAVEL, MATERIAL_RUBBLE, 0xf0ece2},
    [STYLE_MEDITERRANEAN] = {build_mediterranean, MATERIAL_PLASTER, MATERIAL_LACQUER,
                             MATERIAL_TERRACOTTA, MATERIAL_OAK, MATERIAL_DARK_TIMBER,
                             MATERIAL_GRAVEL, MATERIAL_PAVING, MATERIAL_RUBBLE, 0xe8dcc4},
    [STYLE_INDUSTRIAL] = {build_industrial, MATERIAL_BRICK, MATERIAL_CORTEN, MATERIAL_ZINC, DARK,
                          DARK, MATERIAL_PAVING, MATERIAL_ASPHALT, MATERIAL_CONCRETE, 0x9a958c},
    [STYLE_ASIAN] = {build_temple, MATERIAL_PLASTER, MATERIAL_LACQUER, MATERIAL_SLATE,
                     MATERIAL_LACQUER, MATERIAL_DARK_TIMBER, MATERIAL_GRAVEL, MATERIAL_PAVING,
                     MATERIAL_STONE, 0xd8cdb8},
    [STYLE_ART_DECO] = {build_deco, MATERIAL_STONE, MATERIAL_COPPER, MATERIAL_PATINA,
                        MATERIAL_COPPER, DARK, MATERIAL_PAVING, MATERIAL_PAVING, MATERIAL_MARBLE,
                        0xeadfc4},
    [STYLE_TOWER] = {build_tower, MATERIAL_STEEL, DARK, MATERIAL_CONCRETE, DARK, DARK,
                     MATERIAL_PAVING, MATERIAL_PAVING, MATERIAL_STONE, 0xc9ccce},
    [STYLE_FUTURISTIC] = {build_futuristic, MATERIAL_PLASTER, MATERIAL_STEEL, MATERIAL_PLASTER,
                          DARK, DARK, MATERIAL_GRASS, MATERIAL_CONCRETE, MATERIAL_CONCRETE,
                          0xf4f5f5},
    [STYLE_SCANDINAVIAN] = {build_gabled, MATERIAL_CHARRED_TIMBER, MATERIAL_OAK, MATERIAL_ZINC,
                            MATERIAL_OAK, DARK, MATERIAL_GRASS, MATERIAL_GRAVEL, MATERIAL_CONCRETE,
                            0x3a3a3a},
    [STYLE_VICTORIAN] = {build_gabled, MATERIAL_BRICK, MATERIAL_LACQUER, MATERIAL_SLATE,
                         MATERIAL_LACQUER, MATERIAL_PLASTER, MATERIAL_GRASS, MATERIAL_COBBLES,
                         MATERIAL_STONE, 0xefe8d8},
};
#undef DARK

static SceneMaterial or_else(SceneMaterial wanted, SceneMaterial usual) {
    return wanted == MATERIAL_DEFAULT ? usual : wanted;
}

/* Fill in the materials that the spec leaves to the style. */
static void choose_materials(SceneSpec *spec) {
    const StyleLook *look = &looks[spec->style];
    Rng rng = rng_named(spec->building_seed, "materials");
    SceneMaterial accent = look->accent;

    if (spec->style == STYLE_MODERN && spec->wall == MATERIAL_DEFAULT &&
        spec->accent == MATERIAL_DEFAULT) {
        static const SceneMaterial walls[4] = {MATERIAL_CONCRETE, MATERIAL_PLASTER,
                                               MATERIAL_PLASTER, MATERIAL_CONCRETE};
        static const SceneMaterial accents[4] = {MATERIAL_OAK, MATERIAL_OAK,
                                                 MATERIAL_CHARRED_TIMBER, MATERIAL_CORTEN};
        int i = rng_int(&rng, 0, 3);

        spec->wall = walls[i];
        accent = accents[i];
    }
    if (accent == spec->wall && spec->wall == MATERIAL_OAK)
        accent = MATERIAL_CONCRETE;
    spec->wall = or_else(spec->wall, look->wall);
    spec->accent = or_else(spec->accent, accent);
    spec->roof = or_else(spec->roof, look->roof);
    spec->door = or_else(spec->door, look->door);
    spec->frame = or_else(spec->frame, look->frame);
    spec->ground =
        or_else(spec->ground, spec->features & FEATURE_DESERT ? MATERIAL_SAND
                              : spec->features & FEATURE_CITY && spec->style != STYLE_TRADITIONAL
                                  ? MATERIAL_PAVING
                                  : look->ground);
    spec->path = or_else(spec->path, look->path);
}

/* A surface of a material, tinted when the palette has a colour for its place. */
static int paint(Build *b, SceneMaterial material, bool tinted, Vec3 colour) {
    Surface s = world_surface(material, tinted, colour);

    s.seed = hash3((int32_t)b->m->n_surfaces, (int32_t)material, (uint32_t)b->spec->building_seed);
    return mesh_surface(b->m, s);
}

static int plain(Build *b, SceneMaterial material, uint32_t hex) {
    Surface s = world_surface(material, false, v3(0, 0, 0));

    s.colour = rgb_hex(hex);
    return mesh_surface(b->m, s);
}

static void make_surfaces(Build *b) {
    const SceneSpec *spec = b->spec;
    const StyleLook *look = &looks[spec->style];
    const Paint *p = &b->w->paint;
    Surface glass = world_surface(MATERIAL_GLASS, false, v3(0, 0, 0)), lamp = glass;

    glass.kind = SURFACE_GLASS;
    glass.keep_dry = true;
    glass.colour = v3(0.82f, 0.88f, 0.90f);
    lamp.kind = SURFACE_EMITTER;
    lamp.material = MATERIAL_LACQUER;
    lamp.colour = rgb_hex(0xffd9a0);
    b->wall = paint(b, spec->wall, p->has_wall, p->wall);
    b->accent = paint(b, spec->accent, p->has_accent, p->accent);
    b->roof = paint(b, spec->roof, p->has_roof, p->roof);
    b->door = paint(b, spec->door, p->has_door, p->door);
    b->frame = paint(b, spec->frame, false, p->accent);
    b->trim = plain(b, MATERIAL_PLASTER, look->trim);
    b->plinth = paint(b, look->plinth, false, p->accent);
    b->stone =
        paint(b, spec->style == STYLE_MODERN ? MATERIAL_RUBBLE : look->plinth, false, p->accent);
    b->glass = mesh_surface(b->m, glass);
    b->dark = plain(b, MATERIAL_LACQUER, 0x232323);
    b->metal = plain(b, MATERIAL_DARK_METAL, 0x4a4c4e);
    b->lamp = mesh_surface(b->m, lamp);
    b->green = paint(b, MATERIAL_GREEN_WALL, p->has_plants, p->plants);
    b->snow = plain(b, MATERIAL_PLASTER, 0xf2f4f8);
    b->m->surfaces[b->door].keep_dry = true;
}

/* Turn the building into its mirror image: half of all seeds stand the other way round. */
static void mirror(World *w) {
    Mesh *m = &w->mesh;

    for (size_t i = 0; i < m->n_points; i++)
        m->points[i].x = -m->points[i].x;
    for (size_t i = 0; i < m->n_faces; i++) {
        Face *f = &m->faces[i];

        f->normal.x = -f->normal.x;
        f->u.x = -f->u.x;
        f->v.x = -f->v.x;
        f->lit.x = -f->lit.x;
    }
    for (int i = 0; i < w->n_patches; i++) {
        float x0 = w->patches[i].x0;

        w->patches[i].x0 = -w->patches[i].x1;
        w->patches[i].x1 = -x0;
    }
    w->entrance.x = -w->entrance.x;
    w->face = -w->face;
    for (int i = 0; i < w->n_lamps; i++) {
        w->lamps[i].at.x = -w->lamps[i].at.x;
        w->lamps[i].facing.x = -w->lamps[i].facing.x;
    }
}

/* The box around what rises above the ground. */
static Bounds measure(const Mesh *m) {
    Bounds b = {{1e9f, 0, 1e9f}, {-1e9f, 3, -1e9f}};

    for (size_t i = 0; i < m->n_points; i++) {
        Vec3 p = m->points[i];

        if (p.y < 1.2f)
            continue;
        b.lo = v3(minf(b.lo.x, p.x), 0, minf(b.lo.z, p.z));
        b.hi = v3(maxf(b.hi.x, p.x), maxf(b.hi.y, p.y), maxf(b.hi.z, p.z));
    }
    if (b.lo.x > b.hi.x)
        b = (Bounds){{-5, 0, -5}, {5, 5, 5}};
    return b;
}

/* Gravel and paving end at the plot; beyond it there is grass. */
static void lay_court(World *w) {
    SceneMaterial m = w->spec.ground;
    bool court = m != MATERIAL_GRASS && m != MATERIAL_SAND && m != MATERIAL_EARTH &&
                 m != MATERIAL_WATER && m != MATERIAL_ASPHALT;

    if (!court || w->spec.features & (FEATURE_CITY | FEATURE_DESERT) ||
        w->spec.view == VIEW_ISOMETRIC || w->n_patches >= WORLD_MAX_PATCHES)
        return;
    for (int i = w->n_patches++; i > 0; i--) /* below all others */
        w->patches[i] = w->patches[i - 1];
    w->patches[0] = (Patch){.surface = w->land,
                            .x0 = w->plot.lo.x - 1,
                            .z0 = w->plot.lo.z - 3,
                            .x1 = w->plot.hi.x + 1,
                            .z1 = w->plot.hi.z,
                            .round = 5.0f,
                            .soft = m == MATERIAL_GRAVEL};
    w->land = world_surface(MATERIAL_GRASS, w->paint.has_plants, w->paint.plants);
}

void building_draw(World *w) {
    choose_materials(&w->spec);

    Build b = {.w = w, .m = &w->mesh, .spec = &w->spec, .snowy = w->spec.weather == WEATHER_SNOW};
    Rng rng = rng_named(w->spec.building_seed, "mirror");
    void (*build)(Build *) = looks[w->spec.style].build;

    w->land = world_surface(w->spec.ground, w->paint.has_ground, w->paint.ground);
    if (!w->paint.has_ground && w->paint.has_plants && w->spec.ground == MATERIAL_GRASS)
        w->land = world_surface(w->spec.ground, true, w->paint.plants);
    make_surfaces(&b);
    switch (w->spec.kind) {
    case KIND_TOWER:
        build = build_tower;
        break;
    case KIND_WAREHOUSE:
        build = build_industrial;
        break;
    case KIND_PAVILION:
        build = build_pavilion;
        break;
    case KIND_SACRED:
        if (build == build_mediterranean)
            build = build_domed;
        else if (build != build_temple && build != build_classical)
            build = build_gothic;
        break;
    default:
        break;
    }
    build(&b);
    extras_build(&b);
    if (rng_chance(&rng, 0.5f))
        mirror(w);
    w->bounds = measure(&w->mesh);
    w->plot = w->bounds;
    w->plot.lo = v3(w->bounds.lo.x - 5.0f, 0, w->bounds.lo.z - 7.0f);
    w->plot.hi = v3(w->bounds.hi.x + 5.0f, 0, w->bounds.hi.z + 4.5f);
    lay_court(w);
}
