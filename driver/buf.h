/* A growable byte buffer with a hard maximum that is given once, when it is made. */
#ifndef RC_BUF_H
#define RC_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

typedef struct Buf {
    char *data; /* always followed by a NUL when not NULL; owned */
    size_t length;
    size_t capacity;
    size_t maximum; /* appending past it fails */
} Buf;

void buf_init(Buf *buf, size_t maximum);
void buf_free(Buf *buf);

/* Append bytes; false (and nothing appended) where the maximum would be passed. */
MUSTCHECK bool buf_append(Buf *buf, const void *data, size_t length);

/* Get room for bytes that will come, as far as the maximum allows; only a matter of speed. */
void buf_reserve(Buf *buf, size_t length);

/* Add room for bytes that the caller fills; NULL where the maximum would be passed. */
MUSTCHECK char *buf_extend(Buf *buf, size_t length);

/* Hand the bytes over to the caller, who frees them; the buffer is empty after. */
char *buf_take(Buf *buf, size_t *length);

/* Read a whole file, or with path NULL what is left of standard input, whatever that is
 * connected to. False with *error set (caller frees) where it cannot be read or is larger
 * than the buffer's maximum. */
MUSTCHECK bool buf_read_file(Buf *buf, const char *path, char **error);

/* The same of a file that somebody else has named: a pipe or a device, which could make us wait
 * for ever, is refused. */
MUSTCHECK bool buf_read_regular_file(Buf *buf, const char *path, char **error);

#endif
