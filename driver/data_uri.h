/* Bytes that stand in a URL themselves (RFC 2397). */
#ifndef RC_DATA_URI_H
#define RC_DATA_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

/* Does a text begin like one? */
bool data_uri_is(const char *text);

/* Take the bytes out; they are the caller's. False with *error set (caller frees) where it is
 * damaged or has more than maximum bytes. */
MUSTCHECK bool data_uri_read(const char *text, size_t maximum, char **bytes, size_t *length,
                             char **error);

#endif
