/* Writing a file as a stream, so that it may be larger than memory, and still whole or not at
 * all. */
#ifndef RC_FILE_STREAM_H
#define RC_FILE_STREAM_H

#include <stdbool.h>
#include <stdio.h>

#include "mem.h"

typedef struct FileStream {
    FILE *stream;
    char *path;      /* where it goes in the end */
    char *temporary; /* beside it; NULL where it is written into a device or pipe that is there */
} FileStream;

/* Begin: beside the file's place, or into what is there where that is no plain file. False with
 * *error set (caller frees). */
MUSTCHECK bool file_stream_open(FileStream *file, const char *path, char **error);

/* End: put it in its place. False with *error set (caller frees), and what was there is there. */
MUSTCHECK bool file_stream_keep(FileStream *file, char **error);

/* End without: what was there stays. */
void file_stream_drop(FileStream *file);

#endif
