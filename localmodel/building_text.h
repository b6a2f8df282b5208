/* building_text.h - a building in words, and words of a memory back into a building. */
#ifndef RENDERCHAIN_BUILDING_TEXT_H
#define RENDERCHAIN_BUILDING_TEXT_H

#include <jansson.h>

#include "prompt_facts.h"
#include "text.h"

/* "modern house with pool and palms, 2 storeys, plan 48213": what facts_read() reads back. */
void building_text(const Facts *facts, Text *text);

/* "red brick", "oak door", "slate roof": one entry a material or coloured part. */
void building_materials_json(const Facts *facts, json_t *list);

/* Projection, lens and camera in the memory's terms; static strings. */
void building_geometry(const Facts *facts, const char **perspective, const char **focal_length,
                       const char **camera_angle);

/* All that a picture says of itself: building, materials, light and view. */
void building_note(const Facts *facts, Text *text);

/* Read a memory, or an analysis of an image, into the terms of prompts. */
void memory_read(const json_t *memory, Facts *facts);

/* The palette entries of a memory that the user must have put there: those that no extraction
 * wrote (it writes the same list twice).  Fills at most `most` colours; returns how many.  With
 * `all`, every entry counts. */
int memory_palette(const json_t *memory, bool all, Rgb *colours, int most);

#endif
