/* gemini_request.h - a generateContent request, read and checked. */
#ifndef RENDERCHAIN_GEMINI_REQUEST_H
#define RENDERCHAIN_GEMINI_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum Task {
    TASK_TEXT, /* no schema that is known */
    TASK_SEMANTIC_PARSING,
    TASK_IMAGE_UNDERSTANDING,
    TASK_PROMPT_OPTIMIZATION,
    TASK_PROMPT_OPTIMIZATION_SIMPLE,
    TASK_IMAGE_GENERATION,
    TASK_VALIDATION,
    TASK_MEMORY_EXTRACTION,
    TASK_VIDEO_GENERATION,
    TASK_COUNT
} Task;

/* The stage names of the pipeline; "unknown" for TASK_TEXT. */
extern const char *const task_names[TASK_COUNT];

typedef struct ModelInfo {
    const char *id, *title;
    bool draws;        /* can answer with an image */
    bool signs;        /* image parts carry a thoughtSignature that must come back */
    bool drafts;       /* shows a draft, marked as thought, before the image */
    const char *sizes; /* image sizes it takes, separated by spaces */
    const char *wire;  /* the only protocol that knows it; NULL for any */
} ModelInfo;

/* The models that are known; NULL-terminated by an entry without id. */
extern const ModelInfo model_infos[];
/* A model that a protocol (gemini, openai) knows, or NULL. */
const ModelInfo *model_find(const char *id, size_t length, const char *wire);

/* What an image in a request is for. */
typedef enum ImageRole {
    ROLE_REFERENCE,
    ROLE_STYLE_IMAGE,
    ROLE_MASK,
    ROLE_RENDERED,
    ROLE_EARLIER, /* an image of an earlier model turn */
    ROLE_FIRST_FRAME,
    ROLE_LAST_FRAME
} ImageRole;

typedef struct RequestImage {
    ImageRole role;
    unsigned char *bytes; /* owned */
    size_t length;
} RequestImage;

enum { REQUEST_IMAGES = 24 };

typedef struct Request {
    const ModelInfo *model;
    Task task;
    json_t *body;         /* owned */
    const json_t *schema; /* borrowed; NULL where none was sent */
    RequestImage images[REQUEST_IMAGES];
    size_t image_count;
    const char *aspect_ratio, *image_size; /* borrowed; defaults "16:9", "1K" */
    size_t text_length;                    /* of all text parts, for token counts */
    /* of a video, whose image_size is its resolution */
    int seconds;
    bool veo;        /* by predictLongRunning, else an interaction */
    bool background; /* the answer does not wait for it */
    bool first_frame, last_frame;
} Request;

/* Why a request is refused: an HTTP status and Google's words. */
typedef struct Refusal {
    int status;
    char message[512];
    char field[160];    /* path of the unknown or wrong field, or "" */
    const char *reason; /* ErrorInfo reason, or NULL; static */
} Refusal;

void refuse(Refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Parse and check the names and types of a body: all that the real service does before it looks
 * at the key.  False with *refusal filled.  request_free() in either case.
 */
bool request_parse(Request *request, const char *body, size_t length, Refusal *refusal)
    __attribute__((warn_unused_result));

/* The same of a body that has been parsed, which is taken. */
bool request_from_json(Request *request, json_t *body, Refusal *refusal)
    __attribute__((warn_unused_result));

/* Check the content for the model and take out the images, unless `decode` is off (canned
 * answers look at nothing).  False with *refusal filled. */
bool request_check(Request *request, const ModelInfo *model, bool decode, Refusal *refusal)
    __attribute__((warn_unused_result));
void request_free(Request *request);

/* The text of the last user turn's part that begins with "LABEL" (an ASCII prefix, any case),
 * without label and leading spaces; the nth of several, from 0.  NULL where there is none. */
const char *request_labelled(const Request *request, const char *label, size_t nth);

/* All text parts joined by newlines, for the log of calls.  The caller frees it. */
char *request_all_text(const Request *request);

#endif
