/* The bytes of an image or a video. They are needed in memory only while somebody holds them, who
 * sends, stores or looks at them: a thousand renders that wait for their models hold none.
 * Meanwhile they are read again from where they came from, or from where they have been stored, or
 * lie in a temporary file. */
#ifndef RC_BYTES_H
#define RC_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

typedef struct Bytes Bytes;

/* Take bytes; they are held by who makes them. */
Bytes *bytes_new(char *data, size_t length);
void bytes_free(Bytes *bytes);

/* Read a file whole, of at most maximum bytes; regular refuses pipes and devices. They can be read
 * again from there, whatever becomes of the file's name. Held; NULL with *error set (caller frees).
 */
Bytes *bytes_read_file(const char *path, bool regular, size_t maximum, char **error);

/* They are in a file of that name as well, to which nobody writes any more. */
void bytes_also_in(Bytes *bytes, const char *path);

size_t bytes_length(const Bytes *bytes);

/* Their SHA-256 in hexadecimal; they are held when it is asked for the first time. */
const char *bytes_sha256(Bytes *bytes);

/* Have them in memory until they are let go. Who holds them gets the bytes that were there at
 * first, or an error: false with *error set (caller frees) where a file has changed meanwhile. */
MUSTCHECK bool bytes_hold(Bytes *bytes, char **error);
void bytes_let_go(Bytes *bytes);

/* Look at them while they are held. */
const char *bytes_data(const Bytes *bytes);

/* Keep at most so many files open for them (16 at first), and put what came from no file into an
 * unlinked one in a directory (NULL, as at first: it stays in memory). What finds no place stays
 * in memory, too. */
void bytes_allow(size_t files, const char *directory);

/* How many bytes are in memory now. */
size_t bytes_in_memory(void);

#endif
