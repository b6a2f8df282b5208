/* Writing files whole or not at all, so that they survive a power cut. */
#ifndef RC_FILES_H
#define RC_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* Write a plain file for the user, whole or not at all; the bytes are held. */
MUSTCHECK bool file_write(const char *path, const Bytes *bytes, char **error);

/* Can a file of that name be made? Checked before anything is paid for. */
MUSTCHECK bool file_can_write(const char *path, char **error);

/* Make a directory and those above it. */
MUSTCHECK bool file_make_directories(const char *path, char **error);

/* The directory for temporary files, which may become large: TMPDIR, or else /var/tmp. */
const char *file_temporary_directory(void);

/* The directory of a path, which the caller frees. */
char *file_directory_of(const char *path);

/* Write all bytes to a descriptor; false with errno set. */
MUSTCHECK bool file_write_all(int fd, const char *bytes, size_t length);

/* Make what was made, renamed or removed in a directory survive a power cut, where the
 * directory can be read and its file system can do that. False with errno set. */
MUSTCHECK bool file_sync_directory(const char *path);

#endif
