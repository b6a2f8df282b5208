/* What a request sends: texts, and the bytes of pictures that stay where they are and become
 * base64 as they leave. A picture so is in memory once, however many requests it is part of. */
#ifndef RC_BODY_H
#define RC_BODY_H

#include "buf.h"

typedef struct Body Body;

/* Start empty; appending past the maximum (bytes as sent) fails. */
Body *body_new(size_t maximum);
void body_free(Body *body);

/* Append a text, which is copied. */
MUSTCHECK bool body_append(Body *body, const char *text, size_t length);

/* Append bytes as base64 (RFC 4648, 4), or as they are. They are borrowed until the body is freed.
 */
MUSTCHECK bool body_append_base64(Body *body, const char *bytes, size_t length);
MUSTCHECK bool body_append_bytes(Body *body, const char *bytes, size_t length);

/* How long it is as sent. */
size_t body_length(const Body *body);

/* Copy up to room bytes of what is sent from an offset on; gives how many, 0 at the end. */
size_t body_read(const Body *body, size_t offset, char *to, size_t room);

#endif
