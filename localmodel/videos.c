#include "videos.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "video_scene.h"

enum { VIDEOS_MOST = 1000, SHRINK = 4, ID_SIZE = 24 };

/* One video. */
typedef struct Video {
    Request request; /* a copy of our own */
    char id[ID_SIZE];
    pthread_t thread;
    FaultKind fault;
    bool veo, small, done, failed;
    unsigned polls, looks;
    unsigned char *mp4;
    size_t length;
    Videos *list;
} Video;

struct Videos {
    pthread_mutex_t lock; /* protects all below, and what of a video changes */
    pthread_cond_t changed;
    Video *items[VIDEOS_MOST];
    size_t count;
    bool small;
};

Videos *videos_new(bool small) {
    Videos *videos = mem_new(1, sizeof *videos);
    pthread_mutex_init(&videos->lock, NULL);
    pthread_cond_init(&videos->changed, NULL);
    videos->small = small;
    return videos;
}

void videos_free(Videos *videos) {
    for (size_t i = 0; i < videos->count; i++) {
        pthread_join(videos->items[i]->thread, NULL);
        request_free(&videos->items[i]->request);
        free(videos->items[i]->mp4);
        free(videos->items[i]);
    }
    pthread_cond_destroy(&videos->changed);
    pthread_mutex_destroy(&videos->lock);
    free(videos);
}

/* Copy what making the video needs, since the request ends before. */
static Request copy_request(const Request *request) {
    Request copy = *request;
    json_incref(copy.body);
    for (size_t i = 0; i < copy.image_count; i++) {
        copy.images[i].bytes = mem_new(copy.images[i].length, 1);
        memcpy(copy.images[i].bytes, request->images[i].bytes, copy.images[i].length);
    }
    return copy;
}

/* Make one, on a thread of its own. */
static void *make(void *context) {
    Video *video = context;
    const Request *request = &video->request;
    int longer = strcmp(request->image_size, "1080p") == 0 ? 1920 : 1280;
    int shorter = longer * 9 / 16;
    bool tall = strcmp(request->aspect_ratio, "9:16") == 0;
    int by = video->small ? SHRINK : 1;
    int width = (tall ? shorter : longer) / by / 2 * 2,
        height = (tall ? longer : shorter) / by / 2 * 2;
    unsigned char *mp4 = NULL;
    size_t length = 0;
    bool ok = video->fault != FAULT_NONE ||
              video_for_request(request, width, height, request->seconds, &mp4, &length);
    pthread_mutex_lock(&video->list->lock);
    video->mp4 = mp4;
    video->length = length;
    video->failed = !ok;
    video->done = true;
    pthread_cond_broadcast(&video->list->changed);
    pthread_mutex_unlock(&video->list->lock);
    return NULL;
}

static Reply finish(json_t *body) {
    Reply reply = {.status = 200, .body = json_dumps(body, JSON_INDENT(2))};
    json_decref(body);
    reply.length = strlen(reply.body);
    return reply;
}

/* The address of a file, which names Google's host whoever serves it. */
static void address_of(const Video *video, char *address, size_t size) {
    snprintf(address, size,
             "https://generativelanguage.googleapis.com/v1beta/files/%s:download?alt=media",
             video->id);
}

static json_t *operation_json(const Video *video, bool done) {
    char name[120], address[160];
    snprintf(name, sizeof name, "models/%s/operations/%s", video->request.model->id, video->id);
    json_t *body = json_pack("{s:s}", "name", name);
    if (!done)
        return body;
    json_t *response = json_object();
    json_object_set_new(body, "done", json_true());
    address_of(video, address, sizeof address);
    if (video->failed || video->fault == FAULT_TEXT) {
        json_object_set_new(body, "error",
                            json_pack("{s:i, s:s}", "code", 13, "message",
                                      "Video generation failed due to an internal server issue."));
        json_decref(response);
        return body;
    }
    if (video->fault == FAULT_NONE)
        json_object_set_new(response, "generatedSamples",
                            json_pack("[{s:{s:s}}]", "video", "uri", address));
    else if (video->fault != FAULT_EMPTY)
        json_object_update_new(response,
                               json_pack("{s:i, s:[s]}", "raiMediaFilteredCount", 1,
                                         "raiMediaFilteredReasons",
                                         "The video was filtered. You have not been charged."));
    json_object_set_new(body, "response", json_pack("{s:o}", "generateVideoResponse", response));
    return body;
}

static json_t *interaction_json(const Video *video, bool done) {
    bool fine =
        done && !video->failed && (video->fault == FAULT_NONE || video->fault == FAULT_EMPTY);
    json_t *steps = json_array(), *body;
    char address[160];
    address_of(video, address, sizeof address);
    if (fine && video->fault == FAULT_NONE)
        json_array_append_new(steps, json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "type", "model_output",
                                               "content", "type", "video", "mime_type", "video/mp4",
                                               "uri", address));
    body = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", video->id, "object", "interaction", "model",
                     video->request.model->id, "status",
                     fine   ? "completed"
                     : done ? "failed"
                            : "in_progress",
                     "steps", steps);
    if (done && !fine)
        json_object_set_new(body, "error",
                            json_pack("{s:s}", "message",
                                      video->fault == FAULT_TEXT ? "internal failure"
                                                                 : "refused by the safety policy"));
    if (fine)
        json_object_set_new(body, "usage",
                            json_pack("{s:i, s:i, s:i, s:[{s:s, s:i}]}", "total_input_tokens", 30,
                                      "total_output_tokens", video->request.seconds * 5792,
                                      "total_tokens", video->request.seconds * 5792 + 30,
                                      "output_tokens_by_modality", "modality", "video", "tokens",
                                      video->request.seconds * 5792));
    return body;
}

Reply videos_start(Videos *videos, const Request *request, FaultKind fault) {
    Video *video = mem_new(1, sizeof *video);
    video->request = copy_request(request);
    video->fault = fault;
    video->veo = request->veo;
    video->small = videos->small;
    video->list = videos;
    pthread_mutex_lock(&videos->lock);
    bool full = videos->count == VIDEOS_MOST;
    snprintf(video->id, sizeof video->id, "%slocal%08zx", video->veo ? "" : "v1_",
             videos->count + 1);
    bool began = !full && pthread_create(&video->thread, NULL, make, video) == 0;
    if (began)
        videos->items[videos->count++] = video;
    while (began && !video->veo && !request->background && !video->done)
        pthread_cond_wait(&videos->changed, &videos->lock);
    Reply reply = began ? finish(video->veo ? operation_json(video, false)
                                            : interaction_json(video, video->done))
                        : reply_status(503);
    pthread_mutex_unlock(&videos->lock);
    if (!began) {
        request_free(&video->request);
        free(video);
    }
    return reply;
}

/* Find one; the lock is held. */
static Video *find(const Videos *videos, const char *id) {
    for (size_t i = 0; i < videos->count; i++)
        if (strcmp(videos->items[i]->id, id) == 0)
            return videos->items[i];
    return NULL;
}

/* Answer a poll: the first one always finds it at work, as with the real service. */
static Reply poll_reply(Videos *videos, const char *id, json_t *(*say)(const Video *, bool)) {
    pthread_mutex_lock(&videos->lock);
    Video *video = find(videos, id);
    Reply reply = video ? finish(say(video, ++video->polls > 1 && video->done)) : reply_status(404);
    pthread_mutex_unlock(&videos->lock);
    return reply;
}

Reply videos_operation(Videos *videos, const char *name) {
    const char *id = strrchr(name, '/');
    return poll_reply(videos, id ? id + 1 : name, operation_json);
}

Reply videos_interaction(Videos *videos, const char *id) {
    return poll_reply(videos, id, interaction_json);
}

Reply videos_file(Videos *videos, const char *id) {
    pthread_mutex_lock(&videos->lock);
    Video *video = find(videos, id);
    char name[48], bytes[24];
    bool there = video && video->mp4;
    snprintf(name, sizeof name, "files/%s", id);
    snprintf(bytes, sizeof bytes, "%zu", there ? video->length : 0);
    Reply reply = there ? finish(json_pack("{s:s, s:s, s:s, s:s}", "name", name, "mimeType",
                                           "video/mp4", "sizeBytes", bytes, "state",
                                           ++video->looks > 1 ? "ACTIVE" : "PROCESSING"))
                        : reply_status(404);
    pthread_mutex_unlock(&videos->lock);
    return reply;
}

const unsigned char *videos_bytes(Videos *videos, const char *id, size_t *length) {
    pthread_mutex_lock(&videos->lock);
    const Video *video = find(videos, id);
    const unsigned char *bytes = video ? video->mp4 : NULL;
    *length = video ? video->length : 0;
    pthread_mutex_unlock(&videos->lock);
    return bytes;
}
