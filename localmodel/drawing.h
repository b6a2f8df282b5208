/* drawing.h - the image that answers a request, as PNG. */
#ifndef RENDERCHAIN_DRAWING_H
#define RENDERCHAIN_DRAWING_H

#include "gemini_request.h"
#include "scene_plan.h"

/* Draw a plan at a size in pixels.  False when there is no memory; the caller frees *png. */
bool drawing_png(const Plan *plan, int width, int height, unsigned char **png, size_t *length)
    __attribute__((warn_unused_result));

/* Draw what a request asks for; with a mask, only its white parts change the first reference. */
bool drawing_for_request(const Request *request, const Plan *plan, unsigned char **png,
                         size_t *length) __attribute__((warn_unused_result));

#endif
