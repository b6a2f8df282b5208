#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Start empty. */
void buf_init(Buf *buf, size_t maximum) {
    *buf = (Buf){.maximum = maximum};
}

/* Free the bytes and start empty again. */
void buf_free(Buf *buf) {
    free(buf->data);
    *buf = (Buf){.maximum = buf->maximum};
}

/* Get room for bytes that will come. */
void buf_reserve(Buf *buf, size_t length) {
    if (length > buf->maximum)
        length = buf->maximum;
    if (length < buf->capacity)
        return;
    buf->capacity = length + 1;
    buf->data = mem_grow(buf->data, buf->capacity);
}

/* Add room, doubling it so that many small appends stay linear. */
char *buf_extend(Buf *buf, size_t length) {
    if (length > buf->maximum - buf->length)
        return NULL;
    size_t need = buf->length + length + 1;
    if (need > buf->capacity) {
        size_t room = buf->capacity * 2 > need ? buf->capacity * 2 : need;
        buf->capacity = room < 256 ? 256 : room;
        buf->data = mem_grow(buf->data, buf->capacity);
    }
    char *added = buf->data + buf->length;
    buf->length += length;
    buf->data[buf->length] = '\0';
    return added;
}

/* Append bytes. */
bool buf_append(Buf *buf, const void *data, size_t length) {
    char *added = buf_extend(buf, length);
    if (added && length)
        memcpy(added, data, length);
    return added != NULL;
}

/* Hand the bytes over. */
char *buf_take(Buf *buf, size_t *length) {
    char *data = buf->data ? buf->data : mem_alloc(1);
    if (length)
        *length = buf->length;
    *buf = (Buf){.maximum = buf->maximum};
    return data;
}

/* Read a stream to its end; name is for messages. */
static bool read_stream(Buf *buf, FILE *file, const char *name, char **error) {
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (!buf_append(buf, chunk, got)) {
            *error = mem_printf("%s is larger than the limit of %zu bytes", name, buf->maximum);
            return false;
        }
    }
    if (ferror(file)) {
        *error = mem_printf("could not read %s: %s", name, strerror(errno));
        return false;
    }
    return true;
}

/* Read what a path leads to, refusing directories and anything past the maximum. */
static bool read_path(Buf *buf, const char *path, bool regular, char **error) {
    struct stat st;
    char *name = mem_printf("file \"%s\"", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK | O_NOCTTY : 0));
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    bool ok = false;
    if (!file || fstat(fd, &st) != 0)
        *error = mem_printf("could not open %s: %s", name, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        *error = mem_printf("\"%s\" is a directory, not a file", path);
    else if (regular && !S_ISREG(st.st_mode))
        *error = mem_printf("\"%s\" is a pipe or device, not a file", path);
    else {
        if (S_ISREG(st.st_mode))
            buf_reserve(buf, (size_t)st.st_size);
        ok = read_stream(buf, file, name, error);
    }
    if (file)
        fclose(file);
    free(name);
    return ok;
}

/* Read a whole file, or standard input. */
bool buf_read_file(Buf *buf, const char *path, char **error) {
    if (!path)
        return read_stream(buf, stdin, "standard input", error);
    return read_path(buf, path, false, error);
}

/* Read a whole file that somebody else has named. */
bool buf_read_regular_file(Buf *buf, const char *path, char **error) {
    return read_path(buf, path, true, error);
}
