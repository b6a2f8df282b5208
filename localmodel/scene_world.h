/* scene_world.h - everything that is known while one scene is drawn. */
#ifndef RENDERCHAIN_SCENE_WORLD_H
#define RENDERCHAIN_SCENE_WORLD_H

#include "scene_camera.h"
#include "scene_light.h"
#include "scene_mesh.h"
#include "scene_shadow.h"

#define WORLD_MAX_PATCHES 48
#define WORLD_MAX_LAMPS 40

/* A rectangle of the ground of another material than the land, later ones lying on top. */
typedef struct Patch {
    Surface surface;
    float x0, z0, x1, z1;
    float round; /* radius of its corners */
    bool soft;   /* edge grown over, as a lawn's */
} Patch;

/* The way that leads from the foreground to the door. */
typedef struct Way {
    Surface surface;
    float points[10][2]; /* x, z */
    int n;               /* 0: no way */
    float half;          /* of its width */
} Way;

/* Where the building is entered. */
typedef struct Entrance {
    float x, z, half; /* half: of the way's width */
    bool straight;    /* an axis rather than a winding way */
} Entrance;

/* A lamp, or the light that falls out of a window. */
typedef struct Lamp {
    Vec3 at, colour, facing; /* facing zero: shines all around */
    float range;
} Lamp;

/* Colours taken from the palette or from the defaults of the materials. */
typedef struct Paint {
    Vec3 wall, accent, roof, door, plants, ground;
    bool has_wall, has_accent, has_roof, has_door, has_plants, has_ground, has_sky;
    Vec3 sky;
} Paint;

/* The picture seen in level water, at a fraction of the size. */
typedef struct Mirror {
    int width, height, reduction;
    Vec3 *pixels; /* NULL: no mirror in this scene */
} Mirror;

typedef struct World {
    SceneSpec spec; /* all defaults resolved */
    Mesh mesh;
    Camera camera;
    Light light;
    Shadows shadows;
    Paint paint;
    Surface land;
    Patch patches[WORLD_MAX_PATCHES];
    int n_patches;
    Lamp lamps[WORLD_MAX_LAMPS];
    int n_lamps;
    Entrance entrance;
    Way way;
    float face;    /* the side from which the building is best seen: -1 left, 1 right, 0 either */
    Bounds bounds; /* of the building */
    Bounds plot;   /* of the land that belongs to it */
    float azimuth; /* of the viewpoint */
    float haze_start; /* metres of air that stay clear */
    Mirror mirror;
    uint32_t seed; /* of surroundings */
} World;

void world_lamp(World *world, Lamp lamp);
Patch *world_patch(World *world, SceneMaterial material, float x0, float z0, float x1, float z1);

void world_entrance(World *world, float x, float z, float half, bool straight);

/* Where the view ray through a pixel meets the ground; false at and above the horizon. */
bool world_ground(const World *world, float x, float y, Vec3 *point);

/* Distance from a point of the ground to the edge of the way, negative on it. */
float world_way_distance(const World *world, float x, float z);

/* A surface of a material at its own colour, or tinted by `colour` when `tinted`. */
Surface world_surface(SceneMaterial material, bool tinted, Vec3 colour);

/* Veil a colour by the air between. */
Vec3 world_haze(const World *world, Vec3 colour, float distance, Vec3 direction);

#endif
