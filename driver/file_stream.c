#include "file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* Make the file beside its place, with the rights that a new file has. */
static FILE *open_beside(FileStream *file) {
    char *directory = file_directory_of(file->path);
    mode_t mask = umask(0);
    umask(mask);
    file->temporary = mem_printf("%s/.renderchain-XXXXXX", directory);
    free(directory);
    int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0666 & ~mask) == 0)
        return fdopen(fd, "w");
    return NULL;
}

/* Begin. */
bool file_stream_open(FileStream *file, const char *path, char **error) {
    struct stat st;
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    *file = (FileStream){0};
    if (!file_can_write(path, error))
        return false;
    file->path = realpath(path, NULL); /* a link goes on pointing where it does */
    if (!file->path)
        file->path = mem_strdup(path);
    file->stream = special ? fopen(path, "we") : open_beside(file);
    if (file->stream)
        return true;
    *error = mem_printf("could not write \"%s\": %s", path, strerror(errno));
    file_stream_drop(file);
    return false;
}

/* Forget what it is about. */
static void forget(FileStream *file) {
    free(file->path);
    free(file->temporary);
    *file = (FileStream){0};
}

/* Put it in its place. It is not synced: what is streamed can be made again, and syncing takes
 * longer than making it. */
bool file_stream_keep(FileStream *file, char **error) {
    bool ok = fflush(file->stream) == 0 && !ferror(file->stream);
    int saved = errno;
    if (fclose(file->stream) != 0 && ok) {
        saved = errno;
        ok = false;
    }
    file->stream = NULL;
    if (ok && file->temporary && rename(file->temporary, file->path) != 0) {
        saved = errno;
        ok = false;
    }
    if (!ok) {
        *error = mem_printf("could not write \"%s\": %s", file->path, strerror(saved));
        file_stream_drop(file);
        return false;
    }
    forget(file);
    return true;
}

/* End without. */
void file_stream_drop(FileStream *file) {
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    forget(file);
}
