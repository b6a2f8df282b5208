/* scene_plan.h - from all that is known to the scene that is drawn. */
#ifndef RENDERCHAIN_SCENE_PLAN_H
#define RENDERCHAIN_SCENE_PLAN_H

#include "gemini_request.h"
#include "image_facts.h"
#include "prompt_facts.h"
#include "scene.h"
#include "text.h"

/* What one request for an image comes to. */
typedef struct Plan {
    Facts facts; /* all sources merged; complete: what was left unsaid is decided */
    SceneColour tints[SCENE_MAX_COLOURS]; /* colours wanted beside those of the facts */
    int n_tints;
    uint64_t mood; /* of the prompt's words: grades each picture a little of its own */
} Plan;

/*
 * Merge the sources of a request, the strongest first: the user's own words, what the prompt says
 * further, the memory of the chain, earlier and reference images.  Needs no particular source.
 */
void plan_make(const Request *request, Plan *plan);

/* Decide what a plan's facts leave unsaid; plan_make() does it itself. */
void plan_complete(Plan *plan);

/* The scene of a plan at a size in pixels. */
void plan_scene(const Plan *plan, int width, int height, SceneSpec *spec);

/* Pixels of an aspect ratio at "1K", "2K" or "4K", as the image models give them. */
void plan_size(const char *aspect_ratio, const char *image_size, int *width, int *height);

#endif
