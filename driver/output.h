/* The output of a render as a stored object: its key, its registration before it is uploaded,
 * the upload, and what becomes of it where the render is lost. */
#ifndef RC_OUTPUT_H
#define RC_OUTPUT_H

#include "render.h"

/* Fix the key of the output that this attempt will store. Gives the list that
 * renderchain.register_objects takes; the caller's. */
json_t *output_expect(Render *render, Picture *picture);

/* The SHA-256 of the picture that has come, in hexadecimal; the render's. */
const char *output_sha256(Picture *picture);

/* Store the picture that has come; ends the run of the storage stage. */
void output_store(StageRun *run);

/* Take over the key that an earlier attempt recorded. */
void output_take_over(Picture *picture, const char *key);

/* Drop what is on its way. */
void output_drop(Picture *picture);

/* Tell the database that we write the object no more, so that it is removed unless it is part
 * of a result. For renders that end otherwise than by a word of ours. */
void output_disown(Render *render, Picture *picture);

#endif
