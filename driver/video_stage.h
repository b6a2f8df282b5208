/* The stages of a video that images do not have: merging what its images say, and generation as a
 * long-running operation. */
#ifndef RC_VIDEO_STAGE_H
#define RC_VIDEO_STAGE_H

#include "render.h"

/* Have the database merge the analyses of all images, then call next; false where there is nothing
 * to merge, and next is not called. */
bool video_merge(StageRun *run, void (*next)(StageRun *run));

/* Commit that generation starts, start it, and wait for the video. */
void video_stage_start(StageRun *run);

/* What the provider calls a video that a render has made, by what get_video_origin() says of it;
 * the caller's. NULL where that is not known. */
char *video_name(const Render *render, const json_t *origin);

/* Take a frame of the video that is there, for models that look at pictures, then go on with next,
 * also where none can be taken; false where that was done before. */
bool video_take_frame(StageRun *run, void (*next)(StageRun *run));

#endif
