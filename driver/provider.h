/* What every model provider looks like to the rest of the driver. A wire protocol
 * is one file that fills in a Wire: how a call becomes a request, and what a
 * reply means. Adding a protocol is adding a file and a row in provider.c. */
#ifndef RC_PROVIDER_H
#define RC_PROVIDER_H

#include <jansson.h>

#include "http.h"
#include "outcome.h"
#include "registry.h"

typedef struct Provider Provider;

/* One piece of what a model is told: a text, or an image. */
typedef struct CallPart {
    char *text;        /* owned; NULL for an image */
    const char *bytes; /* borrowed; an image's file */
    size_t length;
    const char *mime;
    bool mask; /* the image is white where to edit */
} CallPart;

enum { CALL_MAX_PARTS = 24 };

/* A turn that went before: what was said, and the picture that came. All borrowed. */
typedef struct CallTurn {
    const char *text; /* NULL for nothing */
    const char *bytes;
    size_t length;
    const char *mime;
    const json_t *parts; /* what the model wrote, as an answer's turn; NULL: only the picture */
} CallTurn;

typedef struct ModelCall {
    const Model *model;
    const char *instruction;  /* as a JSON string, with its quotes; borrowed; NULL for none */
    const json_t *schema;     /* the answer's JSON schema; NULL asks for an image */
    const char *schema_text;  /* the same as it is sent; borrowed */
    const char *aspect_ratio; /* for an image; borrowed */
    const char *image_size;
    const char *quality; /* as in the request; borrowed; NULL for the provider's own choice */
    const CallTurn *history;
    Timeouts timeouts;
    CallPart parts[CALL_MAX_PARTS];
    size_t part_count;
    bool shows; /* there are images among them; known also when the parts are gone */
} ModelCall;

/* Add a part; they reach the model in this order. Nothing is added past CALL_MAX_PARTS. */
void call_add_text(ModelCall *call, const char *format, ...) PRINTF_LIKE(2, 3);
void call_add_image(ModelCall *call, const char *bytes, size_t length, const char *mime);
void call_add_mask(ModelCall *call, const char *bytes, size_t length, const char *mime);
void call_free(ModelCall *call);

/* What a server that speaks the protocol turned out not to have. */
typedef enum Lack {
    LACKS_NOTHING,
    LACKS_SCHEMA, /* answers by a schema; it can be asked for in words */
    LACKS_VISION, /* eyes */
    LACKS_IMAGES  /* pictures of its own */
} Lack;

typedef struct ModelAnswer {
    Outcome outcome;
    char *message; /* the provider's own words, or ours; NULL where ok */
    json_t *json;  /* an object that obeys the schema; owned */
    char *image;   /* the image's bytes; owned */
    size_t image_length;
    const char *image_mime; /* static, from the bytes themselves */
    unsigned image_width, image_height;
    json_t *turn;          /* what the model wrote beside it, to be sent back verbatim: a list of
                            * parts, the picture as {"image": true}; owned, NULL for none */
    json_t *usage;         /* {"inputTokens","outputTokens","imageTokens","images"}, or NULL */
    char *model_version;   /* as reported */
    char *file;            /* what the provider calls a video, "files/ID"; owned, NULL for none */
    double retry_after_ms; /* -1 where the provider named none */
    bool final;            /* the provider says that trying again is useless */
    Lack lacks;            /* why it was refused */
    long status;           /* of HTTP, 0 where no answer came */
} ModelAnswer;

void answer_free(ModelAnswer *answer);

typedef struct Wire {
    const char *name;
    const char *default_url;
    const char *key_variable; /* the environment variable that holds the key */
    const char *default_path; /* what a URL without a path gets; NULL for nothing */
    /* Build the body, the URL and the headers, all the caller's. NULL, and nothing
     * else made, where the body would be too large or (with *error set, the caller's) cannot be
     * made. */
    Body *(*build)(const Provider *provider, const ModelCall *call, char **url,
                   struct curl_slist **headers, char **error);
    /* Read the answer to a request whose transfer was complete (any status). */
    void (*parse)(const HttpReply *reply, const ModelCall *call, ModelAnswer *answer);
} Wire;

struct Provider {
    const char *name; /* as in the registry: local, gemini, openai */
    const Wire *wire;
    char *url;           /* without a slash at the end; owned */
    char *key;           /* never logged; owned */
    bool loopback;       /* on this machine: no proxy is asked */
    bool without_schema; /* it has refused one: it is told the schema in words */
};

extern const Wire wire_gemini, wire_openai;

/* Set a provider up by its name. False with *error set (caller frees) for an unknown
 * name, a URL that is not http(s) or a key that is missing. url and key may be NULL
 * for the defaults (the key: from the environment or the file that key_file names). */
MUSTCHECK bool provider_open(Provider *provider, const char *name, const char *url,
                             const char *key_file, char **error);
void provider_close(Provider *provider);

/* Blot the key out of an answer that repeats it: what providers say is shown, logged and kept. */
void provider_hide_key(const Provider *provider, const HttpReply *reply);

/* Judge a transfer that brought no answer: sets outcome and message. */
void answer_from_failure(const HttpReply *reply, ModelAnswer *answer);

/* Take an image's bytes out of base64 and look at them; malformed where they are none. */
void answer_take_image(ModelAnswer *answer, const char *base64, size_t length);

/* The same of a video. */
void answer_take_video(ModelAnswer *answer, const char *base64, size_t length);

/* Take a JSON object out of a model's text (a code fence around it is fine) and hold
 * it against the schema; malformed where it is none or disobeys. */
void answer_take_json(ModelAnswer *answer, const char *text, const json_t *schema);

#endif
