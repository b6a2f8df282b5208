/* The command line of render as a request, the JSON that submit_render takes. */
#ifndef RC_REQUEST_H
#define RC_REQUEST_H

#include <jansson.h>

#include "options.h"

typedef struct RequestOptions {
    const char *prompt, *chain, *parent, *project, *user;
    TextList references, skip;
    bool video;
    const char *first_frame, *last_frame, *previous_video, *duration;
    const char *style, *mask, *mask_type, *inpainting_prompt;
    const char *quality, *aspect_ratio, *model, *tool, *priority;
    const char *idempotency_key, *output;
    const char *from_recipe;
    bool analyze; /* the recipe's stages before the picture are run again */
    bool quick, upload;
    char *read_prompt; /* of --prompt -; owned */
} RequestOptions;

/* What is parsed for; submit takes what the others take, and writes nothing. */
typedef enum RequestKind { REQUEST_RENDER, REQUEST_VIDEO, REQUEST_SUBMIT } RequestKind;

/* Parse; returns -1 to go on, or the exit code. */
int request_parse(RequestOptions *options, int argc, char **argv, Settings *settings,
                  RequestKind kind);
void request_free(RequestOptions *options);

/* Build the request; what the database can judge better is left to it. provider: who is to run
 * it, NULL for whoever has a worker. */
json_t *request_build(const RequestOptions *options, const char *provider);

/* Say what an input image holds, so that the claim can bring what is known of it: the
 * reference with that number, else (-1) the image under that key. */
void request_hash(json_t *request, const char *key, int number, const char *sha256);

/* Is the text a UUID? */
bool is_uuid(const char *text);

#endif
