/* The bytes of an image or a video. They are needed in memory only while somebody holds them, who
 * sends, stores or looks at them: a thousand renders that wait for their models hold none.
 * Meanwhile they are read again from where they came from, or from where they have been stored, or
 * lie in a temporary file. Large ones that come piece by piece are in a file from the beginning,
 * and never in memory as a whole. */
#ifndef RC_BYTES_H
#define RC_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

typedef struct Bytes Bytes;

/* Take bytes; they are held by who makes them, as are those of all that make some. */
Bytes *bytes_new(char *data, size_t length);
void bytes_free(Bytes *bytes);

/* Begin with none, and append what comes; false where they would be more than the maximum. */
Bytes *bytes_begin(size_t maximum);
MUSTCHECK bool bytes_append(Bytes *bytes, const char *data, size_t length);

/* Hash them as they come, from the first on: of a large video that would keep the loop for long,
 * all at once. */
void bytes_hash(Bytes *bytes);

/* Read a file whole, of at most maximum bytes; regular refuses pipes and devices. They can be read
 * again from there, whatever becomes of the file's name. NULL with *error set (caller frees). */
Bytes *bytes_read_file(const char *path, bool regular, size_t maximum, char **error);

/* Take an open file, to which nobody writes any more: its bytes are never in memory as a whole. */
Bytes *bytes_of_file(int fd, size_t length, const char *name);

/* They stay for long, and others beside them: where more files are open than may be, large ones go
 * on in memory, and so from there to where others are put away; else who holds them again is told
 * where the file that they came from has changed. They are held, and hashed. */
void bytes_settle(Bytes *bytes);

/* They are in a file of that name as well, to which nobody writes any more. */
void bytes_also_in(Bytes *bytes, const char *path);

size_t bytes_length(const Bytes *bytes);

/* Write so many bytes in hexadecimal, into twice the room and one more. */
void hex_text(const unsigned char *bytes, size_t length, char *to);

/* Their SHA-256 in hexadecimal; they are held when it is asked for the first time. "" where they
 * cannot be read. */
const char *bytes_sha256(Bytes *bytes);

/* Have them to look at until they are let go. Who holds them gets the bytes that were there at
 * first, or an error: false with *error set (caller frees) where a file has changed meanwhile. */
MUSTCHECK bool bytes_hold(Bytes *bytes, char **error);
void bytes_let_go(Bytes *bytes);

/* The same for who only copies them, piece by piece over a while, as what is sent is: past a bound
 * large ones are not in memory meanwhile. */
MUSTCHECK bool bytes_hold_to_copy(Bytes *bytes, char **error);
void bytes_let_go_copied(Bytes *bytes);

/* Are those that are held, but not in memory, still what they were at first? Whoever copies them
 * over a while asks before he uses the last of them; false with *error set (caller frees). */
MUSTCHECK bool bytes_are_as_first(Bytes *bytes, char **error);

/* Copy some of them while they are held; false where they cannot be read. In any thread. */
MUSTCHECK bool bytes_copy(const Bytes *bytes, size_t from, char *to, size_t length);

/* Write them to a file while they are held. */
MUSTCHECK bool bytes_write(const Bytes *bytes, int fd);

/* Look at them while they are held. NULL for those that are not in memory. */
const char *bytes_data(const Bytes *bytes);

/* A copy of all of them while they are held, the caller's; NULL where they cannot be read. */
MUSTCHECK char *bytes_all(const Bytes *bytes);

/* A descriptor that reads those from the beginning, the caller's to close; -1 for others. */
int bytes_reopen(const Bytes *bytes);

/* Keep at most so many files open for them (16 at first) beside videos, and put what came from no
 * file into an unlinked one in a directory (NULL, as at first: it stays in memory). What finds no
 * place stays in memory, too. */
void bytes_allow(size_t files, const char *directory);

/* Keep at most so many bytes in memory that nobody holds (none at first), since reading them again
 * costs more than a few renders take. */
void bytes_keep(size_t most);

/* Copy large ones (more than 1 MB) from a temporary file while so many bytes are in memory (256 MB
 * at first). */
void bytes_bound(size_t most);

/* How many bytes are in memory now. */
size_t bytes_in_memory(void);

#endif
