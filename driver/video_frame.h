/* One frame of a video as a picture, since models that look at pictures are many and those that
 * look at videos few. renderchain-localmodel --frame decodes it, in a process of its own. */
#ifndef RC_VIDEO_FRAME_H
#define RC_VIDEO_FRAME_H

#include "background.h"
#include "bytes.h"

typedef struct FrameJob FrameJob;

/* Told from the loop, once: a PNG, which is the callee's, or NULL where none could be made. */
typedef void FrameDone(void *context, char *png, size_t length);

/* Begin, in a helper thread; the video is borrowed, and has to be held, until done is called or the
 * job is dropped. */
FrameJob *frame_start(Background *background, const Bytes *video, FrameDone *done, void *context);

/* Give up on one; NULL is none. */
void frame_drop(FrameJob *job);

#endif
