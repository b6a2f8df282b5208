/* video_file.h - MP4 files with H.264 video, written to memory and looked into. */
#ifndef RENDERCHAIN_VIDEO_FILE_H
#define RENDERCHAIN_VIDEO_FILE_H

#include "image_load.h"

enum { VIDEO_FPS = 24 };

typedef struct VideoWriter VideoWriter;

/* Begin a video of a size in pixels (even numbers).  NULL where there is no encoder. */
VideoWriter *video_begin(int width, int height);

/* Append a frame of exactly that size. */
bool video_add(VideoWriter *writer, const Image *frame) __attribute__((warn_unused_result));

/* End it.  False where the encoder failed; the caller frees *bytes.  The writer is gone. */
bool video_end(VideoWriter *writer, unsigned char **bytes, size_t *length)
    __attribute__((warn_unused_result));

/* Decode one frame, at a place from 0 (the first) to 1.  False where it is no video that can be
 * decoded; image_free() frees the frame. */
bool video_frame(const unsigned char *bytes, size_t length, double place, Image *frame)
    __attribute__((warn_unused_result));

#endif
