/* videos.h - the videos that are being made, or are there to be fetched. */
#ifndef RENDERCHAIN_VIDEOS_H
#define RENDERCHAIN_VIDEOS_H

#include "faults.h"
#include "gemini_reply.h"

typedef struct Videos Videos;

/* small: videos are drawn small, so that what is measured against them is latency. */
Videos *videos_new(bool small);
/* Waits until none is being made. */
void videos_free(Videos *videos);

/* Begin one; the answer to its start.  fault says how it is to end. */
Reply videos_start(Videos *videos, const Request *request, FaultKind fault);

/* The answers to polls by the names that starts gave, and to questions for files. */
Reply videos_operation(Videos *videos, const char *name);
Reply videos_interaction(Videos *videos, const char *id);
Reply videos_file(Videos *videos, const char *id);

/* The bytes of a file, valid as long as the list; NULL where there is none. */
const unsigned char *videos_bytes(Videos *videos, const char *id, size_t *length);

#endif
