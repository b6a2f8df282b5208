/*
 * draw_building.h - the vocabulary of buildings: volumes, walls with openings, roofs.
 *
 * A builder (build_...(), one a family of styles) composes a building out of these; all of
 * them add faces to the mesh of the world.
 */
#ifndef RENDERCHAIN_DRAW_BUILDING_H
#define RENDERCHAIN_DRAW_BUILDING_H

#include "scene_random.h"
#include "scene_world.h"

/* What the builders work with. */
typedef struct Build {
    unsigned done; /* FEATURE_ flags that the builder has served itself */
    World *w;
    Mesh *m;
    const SceneSpec *spec;
    int wall, accent, roof, door, frame; /* surfaces of the spec's materials */
    int trim, plinth, glass, stone, dark, lamp, metal, snow, green;
    bool snowy;
} Build;

/* A box that stands for a part of the building, metres. */
typedef struct Volume {
    float x0, y0, z0, x1, y1, z1;
} Volume;

typedef enum Side { SIDE_FRONT, SIDE_RIGHT, SIDE_BACK, SIDE_LEFT } Side;

typedef enum Head { HEAD_FLAT, HEAD_ROUND, HEAD_POINTED, HEAD_SEGMENT, HEAD_CIRCLE } Head;

typedef enum Fill {
    FILL_WINDOW,
    FILL_GLAZING, /* storey-high glass, no sill */
    FILL_DOOR,
    FILL_GARAGE,
    FILL_STAINED, /* church window with tracery */
    FILL_VOID,    /* a dark recess: arcade, loggia, belfry */
    FILL_SLATS,   /* upright slats before glass */
    FILL_HOLE     /* nothing: only the reveal */
} Fill;

typedef struct Opening {
    float u0, v0, u1, v1; /* on the wall, metres */
    Head head;
    Fill fill;
    int columns, rows; /* of panes; 0 counts as 1 */
    float depth;       /* of the reveal; 0 counts as 0.16 */
    bool sill, trim, shutters, curtains;
} Opening;

#define WALL_MAX_OPENINGS 96

/* The openings of one wall while it is planned. */
typedef struct Openings {
    Opening list[WALL_MAX_OPENINGS];
    int n;
} Openings;

void openings_add(Openings *openings, Opening opening);

/* Add `count` copies of an opening of the given width, evenly spaced between `from` and `to`. */
void openings_row(Openings *openings, Opening model, int count, float width, float from, float to);

/* The outline of a wall's top: points (u, v), u rising from 0 to the width. */
typedef struct WallTop {
    float points[8][2];
    int n;
} WallTop;

WallTop top_flat(float width, float height);
WallTop top_gable(float width, float eaves, float ridge);

Frame volume_frame(const Volume *volume, Side side);
float volume_width(const Volume *volume, Side side);

/* A wall with its openings and what fills them.  `storey` is the height of the rooms behind. */
void wall_draw(Build *b, const Frame *frame, int surface, const WallTop *top,
               const Openings *openings, float storey);

/* A wall of a volume, flat-topped, with openings (NULL: none). */
void volume_wall(Build *b, const Volume *volume, Side side, int surface, const Openings *openings,
                 float storey);

/* What fills one opening (draw_openings.c). */
float opening_head(const Opening *o, float u);
float opening_foot(const Opening *o, float u);
int opening_steps(const Opening *o, float *us); /* corners along the head, at most 17 */
void opening_fill(Build *b, const Frame *frame, const Opening *o, float storey, float floor);

/* Roofs (draw_roof.c); the rectangle is the plan of the walls, y their top. */
void roof_flat(Build *b, Volume v, float overhang, float thickness, int edge);
void roof_parapet(Build *b, Volume v, float height, int surface);
void roof_gable(Build *b, Volume v, float rise, float overhang, bool along_x, int surface);
void roof_hip(Build *b, Volume v, float rise, float overhang, int surface);
void roof_shed(Build *b, Volume v, float rise, float overhang, bool up_left, int surface);
void roof_curved(Build *b, Volume v, float rise, float overhang, float lift, int surface);
void roof_mansard(Build *b, Volume v, float rise, float inset, int surface);
void roof_barrel(Build *b, Volume v, float rise, bool along_x, int surface);
void roof_spire(Build *b, Vec3 base, float radius, float height, int sides, int surface);
void roof_dome(Build *b, Vec3 base, float radius, float height, int surface);

/* Smaller parts (draw_parts.c). */
void part_column(Build *b, Vec3 foot, float height, float radius, int surface);
void part_stairs(Build *b, float x0, float x1, float z, float height, int surface);
void part_railing(Build *b, Vec3 from, Vec3 to, float height, bool glass);
void part_chimney(Build *b, float x, float z, float y0, float y1, int surface);
void part_slats(Build *b, const Frame *frame, float u0, float v0, float u1, float v1, float pitch,
                int surface);
void part_lantern(Build *b, Vec3 foot);
void part_wall_lamp(Build *b, Vec3 at, Vec3 facing);
void part_planter(Build *b, Volume v);
void part_window_light(Build *b, Vec3 at, Vec3 facing, float area);

/* The styles. */
void build_modern(Build *b);
void build_gabled(Build *b);
void build_mediterranean(Build *b);
void build_classical(Build *b);
void build_gothic(Build *b);
void build_industrial(Build *b);
void build_temple(Build *b);
void build_deco(Build *b);
void build_tower(Build *b);
void build_futuristic(Build *b);
void build_pavilion(Build *b);
void build_domed(Build *b);

/* Add the features of the spec that the style did not bring by itself (draw_extras.c). */
void extras_build(Build *b);

/* Build what the spec asks for: faces, bounds, patches of ground and lamps. */
void building_draw(World *world);

#endif
