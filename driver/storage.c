#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

/* Make a directory and those above it. */
static bool make_directories(const char *path, char **error) {
    char *copy = mem_strdup(path);
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            break;
        *at = '/';
    }
    bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;
    if (!ok)
        *error = mem_printf("could not make directory \"%s\": %s", path, strerror(errno));
    free(copy);
    return ok;
}

/* The directory of a path, which the caller frees. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* Open the place. */
bool storage_open(Storage *storage, const char *where, char **error) {
    *storage = (Storage){.backend = "file"};
    if (strncmp(where, "file:", 5) != 0 || !where[5]) {
        *error = mem_printf("storage \"%s\" is not of the form file:DIRECTORY", where);
        return false;
    }
    if (!make_directories(where + 5, error))
        return false;
    char *root = realpath(where + 5, NULL);
    if (!root || access(root, W_OK | X_OK) != 0) {
        *error = mem_printf("cannot write into storage directory \"%s\": %s", where + 5,
                            strerror(errno));
        free(root);
        return false;
    }
    storage->root = root;
    return true;
}

/* Close the place. */
void storage_close(Storage *storage) {
    free(storage->root);
    *storage = (Storage){0};
}

/* Write all bytes to a descriptor. */
static bool write_all(int fd, const char *bytes, size_t length) {
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

/* Make a rename in a directory survive a power cut. */
static bool sync_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

/* Write beside the file, sync, then rename over it. */
bool storage_write_file(const char *path, const char *bytes, size_t length, char **error) {
    char *directory = directory_of(path);
    char *temporary = mem_printf("%s.XXXXXX", path);
    bool ok = false;
    int fd = mkostemp(temporary, O_CLOEXEC);
    mode_t mask = umask(0);
    umask(mask);
    if (fd < 0 || !write_all(fd, bytes, length) || fchmod(fd, 0666 & ~mask) != 0 ||
        fsync(fd) != 0 || rename(temporary, path) != 0) {
        *error = mem_printf("could not write \"%s\": %s", path, strerror(errno));
        if (fd >= 0)
            unlink(temporary);
        goto done;
    }
    ok = sync_directory(directory);
    if (!ok)
        *error = mem_printf("could not sync directory \"%s\": %s", directory, strerror(errno));
done:
    if (fd >= 0)
        close(fd);
    free(temporary);
    free(directory);
    return ok;
}

/* Store bytes under a key. */
bool storage_put(const Storage *storage, const char *key, const char *bytes, size_t length,
                 char **url, char **error) {
    char *path = mem_printf("%s/%s", storage->root, key);
    char *directory = directory_of(path);
    bool ok =
        make_directories(directory, error) && storage_write_file(path, bytes, length, error);
    if (ok)
        *url = mem_printf("file://%s", path);
    free(directory);
    free(path);
    return ok;
}

/* Read a key's bytes. */
bool storage_get(const Storage *storage, const char *key, size_t maximum, char **bytes,
                 size_t *length, char **url, char **error) {
    char *path = mem_printf("%s/%s", storage->root, key);
    Buf buf;
    buf_init(&buf, maximum);
    bool ok = buf_read_file(&buf, path, error);
    if (ok) {
        *bytes = buf_take(&buf, length);
        *url = mem_printf("file://%s", path);
    }
    buf_free(&buf);
    free(path);
    return ok;
}

/* Remove a key and the directory that it leaves empty. */
void storage_remove(const Storage *storage, const char *key) {
    char *path = mem_printf("%s/%s", storage->root, key);
    char *directory = directory_of(path);
    unlink(path);
    rmdir(directory);
    free(directory);
    free(path);
}

/* Can a file of that name be made? */
bool storage_can_write(const char *path, char **error) {
    struct stat st;
    char *directory = directory_of(path);
    bool ok = false;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        *error = mem_printf("cannot write to \"%s\": it is a directory", path);
    else if (access(directory, W_OK | X_OK) != 0)
        *error = mem_printf("cannot write to \"%s\": %s", path, strerror(errno));
    else
        ok = true;
    free(directory);
    return ok;
}
