/* video_scene.h - the video that answers a request: a camera move over a drawn scene, or over the
 * frames that were given, with which it begins and ends. */
#ifndef RENDERCHAIN_VIDEO_SCENE_H
#define RENDERCHAIN_VIDEO_SCENE_H

#include "gemini_request.h"

/* Draw and encode.  False where that fails; the caller frees *mp4. */
bool video_for_request(const Request *request, int width, int height, int seconds,
                       unsigned char **mp4, size_t *length) __attribute__((warn_unused_result));

#endif
