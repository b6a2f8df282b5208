/* What a request sends: texts, and the bytes of pictures that stay where they are and become
 * base64 as they leave. A picture so is in memory once, however many requests it is part of, and
 * only while one of them is being sent; a large one not even then, where there is much already. */
#ifndef RC_BODY_H
#define RC_BODY_H

#include <stdint.h>

#include "buf.h"
#include "bytes.h"

typedef struct Body Body;

/* Start empty; appending past the maximum (bytes as sent) fails. */
Body *body_new(size_t maximum);
void body_free(Body *body);

/* Append a text, which is copied. */
MUSTCHECK bool body_append(Body *body, const char *text, size_t length);

/* Append bytes as base64 (RFC 4648, 4), or as they are. They are borrowed until the body is freed.
 */
MUSTCHECK bool body_append_base64(Body *body, Bytes *bytes);
MUSTCHECK bool body_append_bytes(Body *body, Bytes *bytes);
MUSTCHECK bool body_append_range(Body *body, Bytes *bytes, size_t from, size_t length);

/* How long it is as sent. */
size_t body_length(const Body *body);

/* Copy up to room bytes of what is sent from an offset on; gives how many, 0 at the end. Bytes are
 * held from the first of them that is read to the last. BODY_UNREADABLE where some cannot be had
 * any more: body_error says why. */
#define BODY_UNREADABLE SIZE_MAX
size_t body_read(Body *body, size_t offset, char *to, size_t room);
const char *body_error(const Body *body);

/* Read no more for now: what is half read is let go. */
void body_let_go(Body *body);

#endif
