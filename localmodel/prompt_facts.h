/* prompt_facts.h - what a text says about an architectural image. */
#ifndef RENDERCHAIN_PROMPT_FACTS_H
#define RENDERCHAIN_PROMPT_FACTS_H

#include <stdint.h>

#include "colour.h"
#include "lexicon.h"

enum {
    FACTS_ELEMENTS = 24,
    FACTS_MATERIALS = 12,
    FACTS_COLOURS = 12,
    FACTS_LIGHTS = 6,
    FACTS_UNWANTED = 8
};

typedef struct MaterialFact {
    const char *name;   /* static */
    const char *colour; /* "red" in "red brick"; NULL where none is said */
    Rgb rgb;            /* of that colour */
    SceneMaterial material;
    Part part; /* PART_NONE: not said */
} MaterialFact;

typedef struct ColourFact {
    const char *name; /* static */
    Rgb rgb;
    Part part;
} ColourFact;

/* Names are static; the value to a missing name is the enumeration's default. */
typedef struct Facts {
    const char *style_name, *kind_name, *time_name, *weather_name, *view_name;
    SceneStyle style;
    SceneKind kind;
    SceneTime time;
    SceneWeather weather;
    SceneView view;
    SceneLens lens;
    SceneLight light;
    const char *lights[FACTS_LIGHTS];
    int n_lights;
    int warmth; /* -1, 0, 1 */
    const char *elements[FACTS_ELEMENTS];
    int n_elements;
    MaterialFact materials[FACTS_MATERIALS];
    int n_materials;
    ColourFact colours[FACTS_COLOURS];
    int n_colours;
    unsigned features, removed;           /* FEATURE_ flags wanted, and those not wanted */
    const char *unwanted[FACTS_UNWANTED]; /* what the text says shall not be there */
    int n_unwanted;
    int storeys;   /* 0: not said */
    uint64_t plan; /* number of the building's plan; 0: not said */
    Operation operation;
    bool same;     /* refers to an earlier image */
    int words;     /* how many the text has */
    uint64_t seed; /* hash of the words that make the building: no time, weather, light or view */
} Facts;

enum { PLAN_LOWEST = 10000, PLAN_HIGHEST = 99999 };

/* Read a text.  Never fails: what is not understood is left unsaid. */
void facts_read(const char *text, Facts *facts);

/* Take over from `below` whatever `facts` does not say itself. */
void facts_underlay(Facts *facts, const Facts *below);

/* The first material of a part, or NULL; a material of no stated part counts as the wall's. */
const MaterialFact *facts_material(const Facts *facts, Part part);

/* The first colour of a part, or NULL; likewise. */
const ColourFact *facts_colour(const Facts *facts, Part part);

/* "wall", "door", ...; "" for PART_NONE. */
const char *part_name(Part part);

#endif
