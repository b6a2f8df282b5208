/* frame.h - one frame of a video as a picture. */
#ifndef RENDERCHAIN_FRAME_H
#define RENDERCHAIN_FRAME_H

#include <stdbool.h>

/* Read an MP4 video from standard input and write the frame in its middle to standard output, as a
 * PNG.  False with *why (static). */
bool frame_print(const char **why) __attribute__((warn_unused_result));

#endif
