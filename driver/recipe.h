/* Recipes: what is needed to make a picture or a video once more. A render keeps one when it
 * completes; a request that brings one ("recipe") is drawn from it: with its prompt as it stands,
 * its memory and its last turn, without the stages that led to them. A recipe without
 * "finalPrompt" has these run again. */
#ifndef RC_RECIPE_H
#define RC_RECIPE_H

#include "render.h"

enum { RECIPE_MAXIMUM = 256 << 10 }; /* bytes as JSON */

/* The members of a request that say how to draw, in the recipe's "parameters"; ends with NULL. */
extern const char *const recipe_parameters[];

/* What is kept of a render whose picture this is, beside what its row has anyway, which
 * renderchain.get_recipe() adds; the caller's. Addresses that may hold secrets,
 * and images that were part of the request, are known by their hash only. What would make it too
 * large is left out, and named in "leftOut". */
json_t *recipe_of(const Render *render, const Picture *kept);

/* Note in what is recorded of a generation which memory it was told, so that whoever takes the
 * picture over can tell whether it knows the same. */
void recipe_note(json_t *output, const Render *render);

/* The recipe that the request brings, or NULL. */
const json_t *recipe_given(const Render *render);

/* Is its prompt drawn as it stands? */
bool recipe_repeats(const Render *render);

/* Take over what was known then in place of what the chain knows now. */
void recipe_take(Render *render);

/* The size of the picture, or the resolution of the video; NULL where the recipe names none. */
const char *recipe_size(const Render *render);

#endif
