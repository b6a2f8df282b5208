/* gemini_reply.h - answers and errors in the shapes of the generateContent protocol. */
#ifndef RENDERCHAIN_GEMINI_REPLY_H
#define RENDERCHAIN_GEMINI_REPLY_H

#include "gemini_request.h"

typedef struct Reply {
    int status;
    char *body; /* JSON; owned */
    size_t length;
} Reply;

/* What one answer is made of. */
typedef struct Answer {
    const char *text;         /* or NULL */
    const char *image_base64; /* PNG, or NULL */
    const char *draft_base64; /* PNG shown as a thought before it, or NULL */
    const char *finish_reason;
    const char *finish_message; /* or NULL */
} Answer;

Reply reply_answer(const Request *request, const Answer *answer);

/* 200 with promptFeedback and no candidate. */
Reply reply_blocked(const Request *request);

/* 200 with neither candidates nor feedback. */
Reply reply_nothing(const Request *request);

/* The opaque bytes that must come back with an image, in base64, in a later turn. */
json_t *reply_signature(const char *image);

Reply reply_refusal(const Refusal *refusal);

/* The error of an HTTP status with the service's usual words and details. */
Reply reply_status(int status);

/* GET /models/{model}, and GET /models for NULL. */
Reply reply_model(const ModelInfo *model);

void reply_free(Reply *reply);

#endif
