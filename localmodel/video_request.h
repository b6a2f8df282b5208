/* video_request.h - requests for videos by Veo's predictLongRunning and by the Interactions API,
 * turned into a request for a scene. */
#ifndef RENDERCHAIN_VIDEO_REQUEST_H
#define RENDERCHAIN_VIDEO_REQUEST_H

#include "gemini_request.h"

/* Read and check a body by names, types and rules.  False with *refusal filled.  request_free() in
 * either case.  The images are taken out by request_check(); video_roles() says then what each is
 * for. */
bool veo_read(const ModelInfo *model, const char *body, size_t length, Request *request,
              Refusal *refusal) __attribute__((warn_unused_result));
bool interaction_read(const char *body, size_t length, Request *request, Refusal *refusal)
    __attribute__((warn_unused_result));
void video_roles(Request *request);

#endif
