#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make a directory and those above it. */
bool file_make_directories(const char *path, char **error) {
    char *copy = mem_strdup(path);
    bool ok = true;
    for (char *at = copy + 1; ok && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
        if (ok)
            *at = '/';
    }
    ok = ok && (mkdir(path, 0777) == 0 || errno == EEXIST);
    if (!ok)
        *error = mem_printf("could not make directory \"%s\": %s", copy, strerror(errno));
    free(copy);
    return ok;
}

/* The directory for temporary files. */
const char *file_temporary_directory(void) {
    const char *named = getenv("TMPDIR");
    if (named && *named)
        return named;
    return access("/var/tmp", W_OK | X_OK) == 0 ? "/var/tmp" : "/tmp";
}

/* The directory of a path, which the caller frees. */
char *file_directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* Write all bytes to a descriptor. */
bool file_write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

/* Make a rename in a directory survive a power cut, where the directory can be read and
 * its file system can do that. */
bool file_sync_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES;
    bool ok = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    close(fd);
    return ok;
}

/* Is there something of that name that is no plain file: a device or a pipe? */
static bool is_special(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Write into what is there: a device or a pipe cannot be replaced. */
static bool write_through(const char *path, const Bytes *bytes) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && bytes_write(bytes, fd);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return ok;
}

/* Write beside the file, sync, then rename over it. The name beside it does not grow with
 * the file's, which may be as long as a name can be. */
static bool replace(const char *path, const Bytes *bytes) {
    char *directory = file_directory_of(path);
    char *temporary = mem_printf("%s/.renderchain-XXXXXX", directory);
    mode_t mask = umask(0);
    umask(mask);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool ok = fd >= 0 && bytes_write(bytes, fd) && fchmod(fd, 0666 & ~mask) == 0 &&
              fsync(fd) == 0 && rename(temporary, path) == 0;
    int saved = errno;
    if (fd >= 0 && !ok)
        unlink(temporary);
    if (fd >= 0)
        close(fd);
    errno = saved;
    ok = ok && file_sync_directory(directory);
    free(temporary);
    free(directory);
    return ok;
}

/* Write a plain file for the user; a link goes on pointing where it does. */
bool file_write(const char *path, const Bytes *bytes, char **error) {
    char *target = realpath(path, NULL);
    const char *to = target ? target : path;
    bool ok = is_special(path) ? write_through(path, bytes) : replace(to, bytes);
    if (!ok)
        *error = mem_printf("could not write \"%s\": %s", path, strerror(errno));
    free(target);
    return ok;
}

/* Can a file of that name be made? */
bool file_can_write(const char *path, char **error) {
    struct stat st;
    char *target = realpath(path, NULL);
    char *directory = file_directory_of(target ? target : path);
    const char *why = NULL;
    if (stat(path, &st) != 0 && (errno != ENOENT || !*path))
        why = strerror(errno);
    else if (is_special(path) && S_ISDIR(st.st_mode))
        why = "it is a directory";
    else if (access(is_special(path) ? path : directory, is_special(path) ? W_OK : W_OK | X_OK))
        why = strerror(errno);
    if (why)
        *error = mem_printf("cannot write to \"%s\": %s", path, why);
    free(directory);
    free(target);
    return !why;
}
