/*
 * scene.h - what to draw: the description of one architectural scene.
 *
 * The image model reads a prompt, the memory of the chain and the reference images into a
 * SceneSpec; scene_draw() turns it into pixels.  Nothing here knows of JSON or of prompts.
 *
 * A zeroed SceneSpec with a width and a height is valid: every enumeration starts with a default
 * that means "let the style or the seed decide".
 */
#ifndef RENDERCHAIN_SCENE_H
#define RENDERCHAIN_SCENE_H

#include <cairo.h>
#include <stdbool.h>
#include <stdint.h>

#define SCENE_MIN_SIDE 16   /* pixels; smaller sides are drawn at this size */
#define SCENE_MAX_SIDE 4096 /* pixels; larger sides are drawn at this size */
#define SCENE_MAX_COLOURS 8 /* entries of the palette */

/* The architectural language: decides massing, openings, roof and the default materials. */
typedef enum SceneStyle {
    STYLE_MODERN,        /* flat-roofed volumes, cantilever, large glass */
    STYLE_MINIMALIST,    /* few pure white volumes, few openings */
    STYLE_BRUTALIST,     /* heavy board-marked concrete, deep reveals */
    STYLE_CLASSICAL,     /* columns, pediment, symmetry */
    STYLE_GOTHIC,        /* pointed arches, buttresses, spires */
    STYLE_TRADITIONAL,   /* gabled house or farmhouse */
    STYLE_MEDITERRANEAN, /* white walls, arches, low terracotta roofs */
    STYLE_INDUSTRIAL,    /* brick or steel sheds, saw-tooth roof, gridded windows */
    STYLE_ASIAN,         /* temple or pagoda with curved tiled roofs */
    STYLE_ART_DECO,      /* stepped symmetric masses with vertical fins */
    STYLE_TOWER,         /* high-rise with a curtain wall */
    STYLE_FUTURISTIC,    /* curved white shells and ribbons of glass */
    STYLE_SCANDINAVIAN,  /* plain timber house, steep roof, large gable window */
    STYLE_VICTORIAN,     /* bays, steep gables, turret, trimmed windows */
    STYLE_COUNT
} SceneStyle;

/* The kind of building; the default follows the style (tower for STYLE_TOWER, temple, ...). */
typedef enum SceneKind {
    KIND_DEFAULT,
    KIND_HOUSE,
    KIND_TOWER,     /* high-rise, whatever the style's materials */
    KIND_PUBLIC,    /* museum, palace, school, library: longer and higher */
    KIND_SACRED,    /* church, cathedral, temple, mosque */
    KIND_WAREHOUSE, /* factory, hall, barn */
    KIND_PAVILION,  /* one open storey */
    KIND_COUNT
} SceneKind;

/* The height of the sun and the colours of sky and light. */
typedef enum SceneTime {
    TIME_DEFAULT, /* morning */
    TIME_DAWN,
    TIME_MORNING,
    TIME_MIDDAY,
    TIME_AFTERNOON,
    TIME_DUSK,
    TIME_NIGHT,
    TIME_COUNT
} SceneTime;

typedef enum SceneWeather {
    WEATHER_DEFAULT, /* clear */
    WEATHER_CLEAR,
    WEATHER_OVERCAST,
    WEATHER_RAIN,
    WEATHER_SNOW,
    WEATHER_FOG,
    WEATHER_COUNT
} SceneWeather;

typedef enum SceneView {
    VIEW_DEFAULT,   /* eye level */
    VIEW_EYE_LEVEL, /* two-point perspective from the height of a person */
    VIEW_FRONTAL,   /* one-point perspective, facing the front */
    VIEW_LOW,       /* near the ground, looking up */
    VIEW_AERIAL,    /* perspective from a drone */
    VIEW_ISOMETRIC, /* parallel projection of a plot of land on a plain backdrop */
    VIEW_ELEVATION, /* orthographic front elevation */
    VIEW_COUNT
} SceneView;

/* How strong the perspective is. */
typedef enum SceneLens {
    LENS_DEFAULT, /* normal */
    LENS_WIDE,
    LENS_NORMAL,
    LENS_TELEPHOTO,
    LENS_COUNT
} SceneLens;

/* Where the sun (or moon) stands as the viewer sees it. */
typedef enum SceneLight {
    LIGHT_DEFAULT, /* from the time of day: left in the morning, right in the evening */
    LIGHT_LEFT,
    LIGHT_RIGHT,
    LIGHT_FRONT,
    LIGHT_BACK,
    LIGHT_TOP,
    LIGHT_DIFFUSE, /* no direct sun */
    LIGHT_COUNT
} SceneLight;

/* Surfaces.  Any of them may be asked for anywhere; MATERIAL_DEFAULT follows the style. */
typedef enum SceneMaterial {
    MATERIAL_DEFAULT,
    MATERIAL_CONCRETE, /* shuttered panels with joints and tie holes */
    MATERIAL_BOARD_CONCRETE,
    MATERIAL_PLASTER, /* smooth render; white unless the palette says otherwise */
    MATERIAL_BRICK,
    MATERIAL_STONE, /* coursed ashlar */
    MATERIAL_RUBBLE,
    MATERIAL_MARBLE,
    MATERIAL_OAK, /* light timber boards */
    MATERIAL_DARK_TIMBER,
    MATERIAL_CHARRED_TIMBER,
    MATERIAL_BAMBOO,
    MATERIAL_GLASS, /* as a wall: curtain wall */
    MATERIAL_STEEL,
    MATERIAL_DARK_METAL, /* anthracite aluminium, black steel */
    MATERIAL_CORTEN,
    MATERIAL_COPPER,
    MATERIAL_PATINA, /* green copper */
    MATERIAL_GOLD,
    MATERIAL_ZINC,
    MATERIAL_SLATE,
    MATERIAL_TERRACOTTA,
    MATERIAL_SHINGLE,
    MATERIAL_THATCH,
    MATERIAL_CERAMIC_TILE, /* glazed */
    MATERIAL_GREEN_WALL,   /* planted wall or roof */
    MATERIAL_LACQUER,      /* smooth coloured paint */
    MATERIAL_GRAVEL,
    MATERIAL_GRASS,
    MATERIAL_PAVING,
    MATERIAL_COBBLES,
    MATERIAL_ASPHALT,
    MATERIAL_DECKING,
    MATERIAL_SAND,
    MATERIAL_EARTH,
    MATERIAL_WATER,
    MATERIAL_COUNT
} SceneMaterial;

/* What a palette colour is meant for.  ROLE_AUTO lets its hue, lightness and weight decide. */
typedef enum SceneRole {
    ROLE_AUTO,
    ROLE_WALL,
    ROLE_ACCENT, /* second wall, details */
    ROLE_ROOF,
    ROLE_DOOR,
    ROLE_SKY,
    ROLE_GROUND,
    ROLE_PLANTS,
    ROLE_COUNT
} SceneRole;

typedef struct SceneColour {
    uint8_t r, g, b; /* sRGB */
    float weight;    /* share of the image or of the wish, 0 to 1; 0 counts as 0.2 */
    SceneRole role;
} SceneColour;

/* Things wanted in the picture; they are added to what the style brings by itself. */
enum {
    FEATURE_TREES = 1 << 0,  /* more and larger trees; a few stand in every scene */
    FEATURE_POOL = 1 << 1,   /* swimming pool, pond or canal before the building */
    FEATURE_GARDEN = 1 << 2, /* hedges, shrubs and flowers */
    FEATURE_CAR = 1 << 3,
    FEATURE_PEOPLE = 1 << 4,
    FEATURE_BALCONY = 1 << 5,
    FEATURE_COLUMNS = 1 << 6,
    FEATURE_DOME = 1 << 7,
    FEATURE_TOWER = 1 << 8,  /* a tower, turret or spire beside or on the building */
    FEATURE_ARCHES = 1 << 9, /* arched openings */
    FEATURE_STAIRS = 1 << 10,
    FEATURE_GARAGE = 1 << 11,
    FEATURE_LANTERNS = 1 << 12, /* lamps along the path, lit at dusk and at night */
    FEATURE_CHIMNEY = 1 << 13,
    FEATURE_FENCE = 1 << 14,      /* low wall or fence */
    FEATURE_SOLAR = 1 << 15,      /* solar panels on the roof */
    FEATURE_GREEN_ROOF = 1 << 16, /* planted roof */
    FEATURE_MOUNTAINS = 1 << 17,  /* mountains instead of hills at the horizon */
    FEATURE_SEA = 1 << 18,        /* the sea at the horizon */
    FEATURE_CITY = 1 << 19,       /* a skyline at the horizon, neighbours, street */
    FEATURE_PALMS = 1 << 20,      /* palms instead of broad-leaved trees */
    FEATURE_CONIFERS = 1 << 21,
    FEATURE_BARE_TREES = 1 << 22,     /* winter, late autumn */
    FEATURE_AUTUMN = 1 << 23,         /* yellow and red leaves */
    FEATURE_BLOSSOM = 1 << 24,        /* trees in blossom */
    FEATURE_DESERT = 1 << 25,         /* sand and rock instead of lawn */
    FEATURE_INTERIOR_LIGHT = 1 << 26, /* lit windows by day too */
    FEATURE_NO_TREES = 1 << 27        /* none near the building */
};

typedef struct SceneSpec {
    int width, height; /* pixels, clamped to SCENE_MIN_SIDE .. SCENE_MAX_SIDE */

    /* The form of the building: massing, storeys, window rhythm, place of the door, roof.  Keep it
     * through a chain and the house stays the same house. */
    uint64_t building_seed;
    /* Trees, clouds, hills and other details around the building.  Keep it through a chain as long
     * as the surroundings should stay. */
    uint64_t scene_seed;

    SceneStyle style;
    SceneKind kind;
    SceneTime time;
    SceneWeather weather;
    SceneView view;
    SceneLens lens;
    SceneLight light;
    int storeys; /* 0: the style and the seed decide; otherwise 1 to 60 */

    SceneMaterial wall;
    SceneMaterial accent; /* second volume, upper storey, details */
    SceneMaterial roof;   /* flat roofs show it at their edge */
    SceneMaterial door;
    SceneMaterial frame;  /* of windows */
    SceneMaterial ground; /* the land around; the path has its own */
    SceneMaterial path;

    /* Colours that tint walls, accents, sky and ground; 0: the materials' own.  A colour tints, it
     * does not replace: brick stays brick, at the palette's hue. */
    SceneColour palette[SCENE_MAX_COLOURS];
    int n_palette;

    float warmth;      /* grading of the whole picture: -1 cool .. 0 neutral .. 1 warm */
    unsigned features; /* FEATURE_ flags */
} SceneSpec;

/*
 * Draw the scene.  Deterministic: the same spec gives the same pixels.  The result is a
 * CAIRO_FORMAT_RGB24 image surface of the (clamped) size that the caller destroys, or NULL when
 * there is no memory.  Values outside their enumeration count as the default.  Uses no global
 * state, so scenes may be drawn in several threads.
 */
cairo_surface_t *scene_draw(const SceneSpec *spec) __attribute__((warn_unused_result));

#endif
