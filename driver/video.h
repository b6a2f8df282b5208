/* Videos take minutes, so that they are long-running operations: started, polled by their name,
 * fetched. Whoever knows the name can go on with one. A protocol is a VideoWire: what is sent,
 * and what the answers mean. */
#ifndef RC_VIDEO_H
#define RC_VIDEO_H

#include "image_file.h"
#include "long_strings.h"
#include "provider.h"

typedef struct VideoCall {
    const Model *model;
    const char *prompt, *negative; /* negative: NULL for nothing */
    const char *aspect_ratio, *resolution;
    int seconds;
    const ImageFile *first, *last; /* frames; without bytes where there is none */
    const ImageFile *references;
    size_t reference_count;
    const char *previous; /* the provider's name of a video to go on from; NULL for none */
    Timeouts timeouts;
} VideoCall;

/* What an answer says of an operation. */
typedef struct VideoReply {
    ModelAnswer answer; /* its bytes are the video's, where the answer has them */
    bool pending;       /* neither done nor failed */
    char *operation;    /* its name, where the answer names it; owned */
    char *file;         /* "files/ID", where the video is to be fetched; owned */
} VideoReply;

typedef struct VideoWire {
    const char *name;
    bool waits_for_file; /* a file may not be ready when the operation is */
    /* The body and the path below the base URL of a start, the caller's; the body borrows the
     * images. NULL, with *error set (the caller's) for what the protocol cannot do. */
    Body *(*build)(const VideoCall *call, char **path, char **error);
    /* The path that tells of an operation; the caller's. */
    char *(*poll_path)(const char *operation);
    /* Read a whole answer of status 200 to a start or a poll. */
    void (*parse)(const json_t *body, const LongStrings *strings, VideoReply *reply);
} VideoWire;

extern const VideoWire video_veo, video_interactions;

/* The protocol of a model by its "wire", or NULL. */
const VideoWire *video_wire(const Model *model);

typedef struct VideoJob VideoJob;

/* The operation has a name: from now on it can be gone on with. Borrowed. */
typedef void VideoStarted(void *context, const char *operation);
/* It is over; the answer is the callee's, its bytes are the video. tries: how often it was sent. */
typedef void VideoDone(void *context, ModelAnswer *answer, int tries);

/* Start one, or go on with one (operation not NULL). Of what the call borrows model and images are
 * needed to the end, the rest until this returns. Polls follow each other ever more slowly; one
 * that fails is tried again until the model's time is over. */
VideoJob *video_run(Http *http, const Provider *provider, const VideoCall *call,
                    const char *operation, VideoStarted *started, VideoDone *done, void *context);
void video_drop(VideoJob *job);

/* Are bytes, which are held, an MP4 file? */
bool video_probe(const Bytes *bytes);

#endif
