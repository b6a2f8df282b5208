/* The files that bytes are in while they are not in memory (bytes.c): those that they came from and
 * stay open, and unlinked temporary ones. */
#ifndef RC_BYTES_FILE_H
#define RC_BYTES_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* An open file, and how many bytes' file it is. */
typedef struct BytesFile {
    int fd;
    size_t users;
    off_t end;              /* of a temporary one */
    bool temporary, shared; /* and of many */
    struct stat seen;       /* of another one: what it was when it was read */
} BytesFile;

/* Open a file that others have made; NULL where it is none, or as many are open as may be. One
 * user.
 */
BytesFile *bytes_file_open(const char *path);

/* Take one that is open, whatever others are. One user. */
BytesFile *bytes_file_take(int fd);

/* The temporary file that many share, or one of its own with one user; NULL where none can be had.
 */
BytesFile *bytes_file_shared(void);
BytesFile *bytes_file_own(void);

/* Are no more files open than may be? The shared ones do not count. */
bool bytes_file_may_stay(void);

/* Put bytes at the end of the shared one, which has one user more then. False where there is no
 * room. */
bool bytes_file_put(BytesFile *file, const char *data, size_t length, off_t *at);

/* One user less, whose bytes were there; the last one closes the file. */
void bytes_file_leave(BytesFile *file, off_t at, size_t length);

/* Note what a file is now, and compare. */
void bytes_file_see(BytesFile *file, const struct stat *now);
bool bytes_file_is_as_seen(const BytesFile *file, const struct stat *now);

/* Read and write whole at a place. errno is 0 where a file ends before. */
bool bytes_file_read(const BytesFile *file, char *to, size_t length, off_t at);
bool bytes_file_write(const BytesFile *file, const char *from, size_t length, off_t at);

#endif
