/* What the wire protocols share: putting a request's body together, and what an HTTP status
 * means where the protocol says nothing of its own. */
#ifndef RC_WIRE_H
#define RC_WIRE_H

#include "long_strings.h"
#include "provider.h"

enum { REQUEST_MAXIMUM = 256 << 20 }; /* bytes: every image at its limit, in base64 */

/* Append plain text, or a JSON value's text (the value is taken). */
MUSTCHECK bool wire_append(Body *body, const char *text);
MUSTCHECK bool wire_append_json(Body *body, json_t *value);

/* Headers with the type of a body, NULL for none, and the key behind the name of its header, such
 * as "x-goog-api-key: ". An empty key is left out. */
struct curl_slist *wire_headers(const char *type, const char *before_key, const char *key);

/* Why a request of so many bytes is larger than its model takes, in words that are the caller's;
 * NULL where it is not. */
char *wire_too_large(const Model *model, size_t length);

/* Which outcome an HTTP status is that is not 200. */
Outcome wire_status_outcome(long status);

/* Say what an answer with such a status means: outcome, message, when to try again. words: what
 * the provider says, or NULL. */
void wire_error(const HttpReply *reply, const ModelCall *call, const char *words,
                ModelAnswer *answer);

/* Parse the body of an answer, an object whose long strings stay where they are; the caller's.
 * NULL, and the answer malformed, where it is none. */
json_t *wire_load(const HttpReply *reply, LongStrings *strings, ModelAnswer *answer);

/* Take a picture, which counts as one in the usage, where there is one. */
void wire_take_picture(ModelAnswer *answer, LongString base64);

/* Take JSON by the call's schema. stopped_for: why the model did not come to its end, NULL where it
 * did; that explains JSON that is cut short. */
void wire_take_json(ModelAnswer *answer, const char *text, const ModelCall *call,
                    const char *stopped_for);

/* A count of tokens, held to what one can be; 0 where it is not there. */
json_int_t wire_tokens(const json_t *object, const char *key);

/* What the model calls itself, clipped; the caller's, NULL where it is not there. */
char *wire_version(const json_t *body, const char *key);

/* Mark an answer malformed, with words. */
void wire_malformed(ModelAnswer *answer, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
