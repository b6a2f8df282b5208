/* lexicon.h - the words of architecture that the text model knows. */
#ifndef RENDERCHAIN_LEXICON_H
#define RENDERCHAIN_LEXICON_H

#include <stdbool.h>
#include <stddef.h>

#include "scene.h"

/* What an entry speaks of, and so what its value is. */
typedef enum Category {
    WORD_STYLE,     /* SceneStyle */
    WORD_KIND,      /* SceneKind */
    WORD_ELEMENT,   /* Part that a material or colour beside it belongs to */
    WORD_MATERIAL,  /* SceneMaterial */
    WORD_COLOUR,    /* index of colour_name_at(), or a plain word for one */
    WORD_TIME,      /* SceneTime */
    WORD_WEATHER,   /* SceneWeather */
    WORD_LIGHT,     /* SceneLight; LIGHT_DEFAULT where only the mood is meant */
    WORD_VIEW,      /* SceneView */
    WORD_LENS,      /* SceneLens */
    WORD_OPERATION, /* Operation */
    WORD_NEGATION,
    WORD_LINK,  /* what follows belongs to what stands before: "of", "in" */
    WORD_BREAK, /* what follows is another thing: "with" (1: and is wanted), "under" (0) */
    WORD_WARMTH /* -1 cool, 1 warm */
} Category;

typedef enum Operation { OPERATION_CREATE, OPERATION_EDIT, OPERATION_VARY } Operation;

/* The part of a building or scene that an element stands for. */
typedef enum Part {
    PART_NONE,
    PART_WALL,
    PART_ACCENT,
    PART_ROOF,
    PART_DOOR,
    PART_FRAME,
    PART_GROUND,
    PART_PATH,
    PART_SKY,
    PART_PLANTS
} Part;

typedef struct Entry {
    const char *phrase; /* lower case, singular, words separated by one space */
    Category category;
    int value;
    const char *name;  /* what answers call it; NULL: the phrase */
    unsigned features; /* FEATURE_ flags it brings along */
} Entry;

#define LEXICON_LONGEST 4 /* words of the longest phrase */

/*
 * Find the longest phrase that begins at words[0]; *used gets its number of words.
 * Plurals are taken for singulars.  NULL where no phrase begins here.
 */
const Entry *lexicon_find(const char *const *words, size_t count, size_t *used);

const char *lexicon_name(const Entry *entry);

/* Names for enumeration values, as they are written into answers; static, never NULL. */
const char *lexicon_style_name(SceneStyle style);
const char *lexicon_material_name(SceneMaterial material);
const char *lexicon_time_name(SceneTime time);          /* "unspecified" for the default */
const char *lexicon_weather_name(SceneWeather weather); /* likewise */

#endif
