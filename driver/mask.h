/* Masks: people and the gemini protocol mark with white where to edit, the openai protocol with
 * transparency. */
#ifndef RC_MASK_H
#define RC_MASK_H

#include "mem.h"

/* Make a PNG of a size whose pixels are transparent where the mask, a PNG of any size, is white.
 * NULL with *error set (caller frees) where the mask cannot be read; else the caller frees. */
char *mask_to_alpha(const char *bytes, size_t length, unsigned width, unsigned height, size_t *made,
                    char **error);

#endif
