#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "image_file.h"

enum {
    AWAY_LEAST = 16 << 10, /* fewer bytes than that are not worth a file */
    FILES_AT_FIRST = 16,
    BLOCK = 4096 /* what a hole is made of */
};

/* The temporary file grows as bytes are put into it, and has holes where they were. It is replaced
 * long before it is as large as a file can be. */
static const off_t TEMPORARY_MOST = (off_t)1 << 40;

/* An open file, and whose bytes are in it. */
typedef struct Source {
    int fd;
    size_t users;
    off_t end; /* of the temporary one */
    bool temporary;
    struct stat seen; /* of another one: what it was when it was read */
} Source;

struct Bytes {
    char *data; /* NULL while nobody holds them and they are elsewhere */
    size_t length;
    unsigned holders;
    Source *source; /* NULL where they are only in memory */
    off_t at;
    char *name;      /* of the source, for messages */
    char sha256[65]; /* "" until it is asked for */
};

static struct {
    size_t files_most, files;
    char *directory;
    Source *temporary; /* that is written to */
    size_t in_memory;
} kept = {.files_most = FILES_AT_FIRST};

size_t bytes_in_memory(void) {
    return kept.in_memory;
}

/* ---- files ---- */

/* Take an open file. */
static Source *open_source(int fd, bool temporary) {
    Source *source = mem_alloc(sizeof *source);
    *source = (Source){.fd = fd, .temporary = temporary};
    kept.files += !temporary;
    return source;
}

/* Close a file that has no users. */
static void close_source(Source *source) {
    kept.files -= !source->temporary;
    close(source->fd);
    free(source);
}

/* Was the file left alone since? Times are those of a clock that ticks every few milliseconds, so
 * that they tell nothing of a file which had just been written when it was read. */
static bool is_as_seen(const struct stat *seen, const struct stat *now) {
    return seen->st_size == now->st_size && seen->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           seen->st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
           seen->st_ctim.tv_sec == now->st_ctim.tv_sec &&
           seen->st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}

/* Forget when a file was changed that has just been changed. */
static void doubt_if_fresh(struct stat *seen) {
    enum { TICK_SECONDS = 2 };
    if (seen->st_ctim.tv_sec + TICK_SECONDS >= time(NULL))
        seen->st_ctim = (struct timespec){0};
}

/* Read from a place in a file; errno is 0 where the file ends before. */
static bool read_at(int fd, char *to, size_t length, off_t at) {
    while (length > 0) {
        ssize_t got = pread(fd, to, length, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return false;
        to += got;
        length -= (size_t)got;
        at += got;
    }
    return true;
}

/* Write to a place in a file. */
static bool write_at(int fd, const char *from, size_t length, off_t at) {
    while (length > 0) {
        ssize_t wrote = pwrite(fd, from, length, at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        from += wrote;
        length -= (size_t)wrote;
        at += wrote;
    }
    return true;
}

/* ---- the temporary file ---- */

/* Write to it no more: it is closed with the last bytes that are in it. */
static void leave_temporary(void) {
    Source *source = kept.temporary;
    kept.temporary = NULL;
    if (source && source->users == 0)
        close_source(source);
}

/* Say what is allowed. */
void bytes_allow(size_t files, const char *directory) {
    leave_temporary();
    kept.files_most = files;
    free(kept.directory);
    kept.directory = mem_strdup(directory);
}

/* How much room bytes take in it. */
static off_t room_for(size_t length) {
    return (off_t)((length + BLOCK - 1) / BLOCK * BLOCK);
}

/* Give room in it back; where the file system makes no holes, at the latest when all is given back.
 */
static void give_back(Source *source, off_t at, size_t length) {
    if (source->users == 0) {
        if (source != kept.temporary)
            close_source(source);
        else if (ftruncate(source->fd, 0) == 0)
            source->end = 0;
        return;
    }
    if (fallocate(source->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, room_for(length)) < 0)
        errno = 0;
}

/* The temporary file that has room; NULL where none can be had. */
static Source *temporary_source(void) {
    if (kept.temporary && kept.temporary->end > TEMPORARY_MOST)
        leave_temporary();
    if (!kept.temporary && kept.directory) {
        int fd = open(kept.directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0)
            kept.temporary = open_source(fd, true);
    }
    return kept.temporary;
}

/* Put bytes into it; false where there is no room, and they stay in memory. */
static bool put_away(Bytes *bytes) {
    Source *source = temporary_source();
    if (!source)
        return false;
    if (!write_at(source->fd, bytes->data, bytes->length, source->end)) {
        give_back(source, source->end, bytes->length);
        return false;
    }
    bytes->source = source;
    bytes->at = source->end;
    source->users++;
    source->end += room_for(bytes->length);
    return true;
}

/* Have bytes no longer be in a file. */
static void leave_source(Bytes *bytes) {
    Source *source = bytes->source;
    bytes->source = NULL;
    if (!source)
        return;
    source->users--;
    if (source->temporary)
        give_back(source, bytes->at, bytes->length);
    else
        close_source(source);
}

/* ---- bytes ---- */

/* Take bytes. */
Bytes *bytes_new(char *data, size_t length) {
    Bytes *bytes = mem_alloc(sizeof *bytes);
    *bytes = (Bytes){.data = data, .length = length, .holders = 1};
    kept.in_memory += length;
    return bytes;
}

/* Free what is in memory. */
static void forget_data(Bytes *bytes) {
    if (bytes->data)
        kept.in_memory -= bytes->length;
    free(bytes->data);
    bytes->data = NULL;
}

/* Free them. */
void bytes_free(Bytes *bytes) {
    if (!bytes)
        return;
    forget_data(bytes);
    leave_source(bytes);
    free(bytes->name);
    free(bytes);
}

size_t bytes_length(const Bytes *bytes) {
    return bytes->length;
}

/* Hash them, once. */
const char *bytes_sha256(Bytes *bytes) {
    if (!*bytes->sha256)
        sha256_hex(bytes->data, bytes->length, bytes->sha256);
    return bytes->sha256;
}

/* Look at them. */
const char *bytes_data(const Bytes *bytes) {
    return bytes->data;
}

/* Have a file that stays open as their source, if one may. seen: what it was before they were read;
 * NULL where only their hash is known to be right. */
static void set_source(Bytes *bytes, const char *path, const struct stat *seen) {
    if (bytes->source || bytes->length < AWAY_LEAST || kept.files >= kept.files_most)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat now;
    if (fd >= 0 && fstat(fd, &now) == 0 && S_ISREG(now.st_mode) &&
        (!seen || (now.st_dev == seen->st_dev && now.st_ino == seen->st_ino))) {
        bytes->source = open_source(fd, false);
        bytes->source->users = 1;
        if (seen)
            bytes->source->seen = *seen;
        bytes->at = 0;
        mem_set(&bytes->name, "%s", path);
        bytes_sha256(bytes);
    } else if (fd >= 0) {
        close(fd);
    }
}

/* They are in a file as well. */
void bytes_also_in(Bytes *bytes, const char *path) {
    set_source(bytes, path, NULL);
}

/* Read a file. */
Bytes *bytes_read_file(const char *path, bool regular, size_t maximum, char **error) {
    Buf buf;
    struct stat seen;
    size_t length;
    bool known = stat(path, &seen) == 0;
    if (known)
        doubt_if_fresh(&seen);
    buf_init(&buf, maximum);
    if (!(regular ? buf_read_regular_file : buf_read_file)(&buf, path, error)) {
        buf_free(&buf);
        return NULL;
    }
    char *data = buf_take(&buf, &length);
    Bytes *bytes = bytes_new(data, length);
    if (known && S_ISREG(seen.st_mode))
        set_source(bytes, path, &seen);
    return bytes;
}

/* Read them again. A file that is not as it was may have got another name or time; what it holds
 * decides. */
static bool read_again(Bytes *bytes, char **error) {
    Source *source = bytes->source;
    struct stat now = {0};
    char sha256[65];
    if (!read_at(source->fd, bytes->data, bytes->length, bytes->at)) {
        *error = mem_printf("\"%s\" cannot be read again: %s",
                            bytes->name ? bytes->name : "the temporary file",
                            errno ? strerror(errno) : "it is shorter than it was");
        return false;
    }
    if (source->temporary || (fstat(source->fd, &now) == 0 && is_as_seen(&source->seen, &now)))
        return true;
    sha256_hex(bytes->data, bytes->length, sha256);
    if (strcmp(sha256, bytes->sha256) == 0 && now.st_size == (off_t)bytes->length) {
        source->seen = now;
        doubt_if_fresh(&source->seen);
        return true;
    }
    *error = mem_printf("\"%s\" has been changed since it was read for this render", bytes->name);
    return false;
}

/* Have them in memory. */
bool bytes_hold(Bytes *bytes, char **error) {
    if (!bytes->data) {
        bytes->data = mem_grow(NULL, bytes->length);
        kept.in_memory += bytes->length;
        if (!read_again(bytes, error)) {
            forget_data(bytes);
            return false;
        }
    }
    bytes->holders++;
    return true;
}

/* Let them go; the last one has them put away. */
void bytes_let_go(Bytes *bytes) {
    if (!bytes || !bytes->holders || --bytes->holders > 0)
        return;
    if (bytes->source || (bytes->length >= AWAY_LEAST && put_away(bytes)))
        forget_data(bytes);
}
