/* The renders of a chain, as get_chain() gives them: which memory each began with, and how near
 * it stayed to that. */
#ifndef RC_CHAIN_RENDERS_H
#define RC_CHAIN_RENDERS_H

#include "consistency.h"

/* A member as a borrowed text, or NULL. */
const char *json_text_of(const json_t *object, const char *key);

/* Find a render of the chain by id; NULL where it is not one of its. */
const json_t *chain_find_render(const json_t *renders, const char *id);

/* The render whose memory a render began with: on a branch its parent or the next ancestor in
 * this chain, else the last completed one before it that has a memory; NULL where there is none. */
const json_t *chain_render_before(const json_t *renders, size_t index);

/* Compare a completed render's memory with the one it began with. */
MUSTCHECK bool chain_compare(const json_t *renders, size_t index, Consistency *consistency);

#endif
