#include "bytes_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"

enum {
    FILES_AT_FIRST = 16,
    BLOCK = 4096 /* what a hole is made of */
};

/* The shared temporary file grows as bytes are put into it, and has holes where they were. It is
 * replaced long before it is as large as a file can be. */
static const off_t SHARED_MOST = (off_t)1 << 40;

static struct {
    size_t files_most, files; /* that are not shared */
    char *directory;          /* for temporary ones; NULL for none */
    BytesFile *shared;        /* that is written to */
} open_files = {.files_most = FILES_AT_FIRST};

/* Take an open file. */
static BytesFile *take(int fd, bool temporary, bool shared) {
    BytesFile *file = mem_alloc(sizeof *file);
    *file = (BytesFile){.fd = fd, .temporary = temporary, .shared = shared};
    open_files.files += !shared;
    return file;
}

/* Close a file that has no users. */
static void end(BytesFile *file) {
    open_files.files -= !file->shared;
    close(file->fd);
    free(file);
}

/* Write to the shared file no more: it is closed with the last bytes that are in it. */
static void replace_shared(void) {
    BytesFile *file = open_files.shared;
    open_files.shared = NULL;
    if (file && file->users == 0)
        end(file);
}

/* Say what is allowed. */
void bytes_allow(size_t files, const char *directory) {
    replace_shared();
    open_files.files_most = files;
    free(open_files.directory);
    open_files.directory = mem_strdup(directory);
}

/* Open a file that others have made. */
BytesFile *bytes_file_open(const char *path) {
    struct stat now;
    if (open_files.files >= open_files.files_most)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) {
        close(fd);
        return NULL;
    }
    return bytes_file_take(fd);
}

/* Take one that is open. */
BytesFile *bytes_file_take(int fd) {
    BytesFile *file = take(fd, false, false);
    file->users = 1;
    return file;
}

/* Make a temporary file that has no name. */
static BytesFile *make_temporary(bool shared) {
    int fd = open_files.directory ? open(open_files.directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                                  : -1;
    return fd < 0 ? NULL : take(fd, true, shared);
}

/* The one that many share. */
BytesFile *bytes_file_shared(void) {
    if (open_files.shared && open_files.shared->end > SHARED_MOST)
        replace_shared();
    if (!open_files.shared)
        open_files.shared = make_temporary(true);
    return open_files.shared;
}

/* One of its own. */
BytesFile *bytes_file_own(void) {
    BytesFile *file = make_temporary(false);
    if (file)
        file->users = 1;
    return file;
}

/* Are no more open than may be? */
bool bytes_file_may_stay(void) {
    return open_files.files <= open_files.files_most;
}

/* How much room bytes take in the shared file. */
static off_t room_for(size_t length) {
    return (off_t)((length + BLOCK - 1) / BLOCK * BLOCK);
}

/* Give room in the shared file back; where the file system makes no holes, that is when all of it
 * is given back. */
static void give_back(BytesFile *file, off_t at, size_t length) {
    int kept = errno;
    if (file->users > 0)
        fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, room_for(length));
    else if (file != open_files.shared)
        end(file);
    else if (ftruncate(file->fd, 0) == 0)
        file->end = 0;
    errno = kept;
}

/* Put bytes at the end of it. */
bool bytes_file_put(BytesFile *file, const char *data, size_t length, off_t *at) {
    if (!bytes_file_write(file, data, length, file->end)) {
        give_back(file, file->end, length);
        return false;
    }
    *at = file->end;
    file->users++;
    file->end += room_for(length);
    return true;
}

/* One user less. */
void bytes_file_leave(BytesFile *file, off_t at, size_t length) {
    file->users--;
    if (file->temporary)
        give_back(file, at, length);
    else if (file->users == 0)
        end(file);
}

/* Note what a file is. Times are those of a clock that ticks every few milliseconds: those of a
 * file that has just been changed tell nothing of what becomes of it, and are not noted. */
void bytes_file_see(BytesFile *file, const struct stat *now) {
    enum { TICK_SECONDS = 2 };
    file->seen = *now;
    if (now->st_ctim.tv_sec + TICK_SECONDS >= time(NULL))
        file->seen.st_ctim = (struct timespec){0};
}

/* Was it left alone since? */
bool bytes_file_is_as_seen(const BytesFile *file, const struct stat *now) {
    const struct stat *seen = &file->seen;
    return seen->st_size == now->st_size && seen->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           seen->st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
           seen->st_ctim.tv_sec == now->st_ctim.tv_sec &&
           seen->st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}

/* Read from a place. */
bool bytes_file_read(const BytesFile *file, char *to, size_t length, off_t at) {
    while (length > 0) {
        ssize_t got = pread(file->fd, to, length, at);
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

/* Write to a place. */
bool bytes_file_write(const BytesFile *file, const char *from, size_t length, off_t at) {
    while (length > 0) {
        ssize_t wrote = pwrite(file->fd, from, length, at);
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
