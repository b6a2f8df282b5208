/* Objects as files below a directory. A file is written beside its name, synced, and renamed,
 * so that an object is there whole or not at all; the name beside it belongs to the key, so
 * that whoever removes the key removes what a dead driver left of it too. Syncing and all else
 * that touches the disk is done in the background. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "background.h"
#include "buf.h"
#include "bytes_file.h"
#include "files.h"
#include "storage_backend.h"
#include "table.h"

enum {
    LEAST_ROOM = 1 << 20,
    LARGE = 1 << 20, /* more than that is not read to be kept */
    DIRECTORY_TRIES = 5,
    DESCRIPTOR_PAUSE_NS = 20 * 1000 * 1000,
    DESCRIPTOR_PAUSES = 1500 /* half a minute */
};

typedef struct Place {
    char *root;     /* absolute */
    dev_t device;   /* which directory that was when it was opened: where a disk is unmounted */
    ino_t identity; /* another one, empty, comes to light */
    Background *background;
} Place;

typedef struct FileJob {
    StorageJob job;
    const Place *place;
    Work *work;
    char *key; /* of list: the one that entries come after */
    const Bytes *bytes;
    size_t maximum;
    bool room; /* of check */
    bool keep; /* what is there becomes bytes */
    StorageReply reply;
    char *error;
} FileJob;

/* ---- what runs in the background ---- */

/* The path of a key; the caller's. */
static char *path_of(const Place *place, const char *key) {
    return mem_printf("%s/%s", place->root, key);
}

/* The name beside a file under which it is written; the caller's. */
static char *partial_of(const char *path) {
    const char *name = strrchr(path, '/') + 1;
    return mem_printf("%.*s.%s~", (int)(name - path), path, name);
}

/* Say what failed, by errno; words that help where the disk is full or the directory is gone. */
static void explain(FileJob *job, const char *what, const char *path) {
    int why = errno;
    struct stat st;
    if (stat(job->place->root, &st) != 0)
        mem_set(&job->error, "the storage directory \"%s\" is gone: %s", job->place->root,
                strerror(errno));
    else if (why == ENOSPC || why == EDQUOT || why == EFBIG)
        mem_set(&job->error, "could not %s \"%s\": %s. Make room there and try again", what, path,
                strerror(why));
    else
        mem_set(&job->error, "could not %s \"%s\": %s", what, path, strerror(why));
}

/* Is the directory still the one that was opened? Else what is written would be lost with the next
 * mount, and what is to be removed would seem to be gone. */
static bool is_same_place(FileJob *job) {
    const Place *place = job->place;
    struct stat st;
    if (stat(place->root, &st) != 0 || (st.st_dev == place->device && st.st_ino == place->identity))
        return true; /* that it is gone is found by whoever uses it */
    mem_set(&job->error,
            "the storage directory \"%s\" is another one than it was in the beginning: is its disk "
            "mounted? If it is right, start again",
            place->root);
    return false;
}

/* Make the directories of a path that are missing below the root, each so that it survives a
 * power cut; the root itself is not made, it may be a disk that is not mounted. */
static bool make_directories_below(const char *root, char *path) {
    bool ok = true;
    for (char *at = path + strlen(root) + 1; ok && (at = strchr(at, '/')); at++) {
        *at = '\0';
        bool made = mkdir(path, 0777) == 0;
        ok = made || errno == EEXIST;
        if (made) {
            char *above = file_directory_of(path);
            ok = file_sync_directory(above);
            free(above);
        }
        *at = '/';
    }
    return ok;
}

/* Open the name beside a file. A collector may remove a directory that has become empty at
 * the moment when we have found it. */
static int open_partial(const char *root, char *path, const char *partial) {
    int fd = -1;
    for (int i = 0; fd < 0 && i < DIRECTORY_TRIES; i++) {
        fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0 && (errno != ENOENT || !make_directories_below(root, path)))
            return -1;
    }
    return fd;
}

/* Try to store the bytes; errno says why not. */
static bool write_object(const FileJob *job, char *path) {
    char *partial = partial_of(path);
    char *directory = file_directory_of(path);
    int fd = open_partial(job->place->root, path, partial);
    bool ok = fd >= 0 && bytes_write(job->bytes, fd) && fsync(fd) == 0 &&
              rename(partial, path) == 0 && file_sync_directory(directory);
    int why = errno;
    if (!ok && fd >= 0)
        unlink(partial);
    if (fd >= 0)
        close(fd);
    free(directory);
    free(partial);
    errno = why;
    return ok;
}

/* Store the bytes. Descriptors that are used up come back as requests end, and what is stored has
 * been paid for: that is waited for. */
static void run_put(void *context) {
    const struct timespec pause = {.tv_nsec = DESCRIPTOR_PAUSE_NS};
    FileJob *job = context;
    if (!is_same_place(job))
        return;
    char *path = path_of(job->place, job->key);
    bool ok = write_object(job, path);
    for (int i = 0; !ok && (errno == EMFILE || errno == ENFILE) && i < DESCRIPTOR_PAUSES; i++) {
        nanosleep(&pause, NULL);
        ok = write_object(job, path);
    }
    if (!ok)
        explain(job, "write", path);
    job->reply.ok = ok;
    free(path);
}

/* Read the bytes. */
static void run_get(void *context) {
    FileJob *job = context;
    char *path = path_of(job->place, job->key);
    Buf buf;
    buf_init(&buf, job->maximum);
    job->reply.ok = buf_read_regular_file(&buf, path, &job->error);
    if (job->reply.ok)
        job->reply.bytes = buf_take(&buf, &job->reply.length);
    else
        job->reply.absent = access(path, F_OK) != 0 && errno == ENOENT;
    buf_free(&buf);
    free(path);
}

/* Open the file, unless it is something that would keep its reader waiting. */
static void open_object(FileJob *job) {
    char *path = path_of(job->place, job->key);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    job->reply.ok = job->reply.has_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (job->reply.ok) {
        job->reply.file = fd;
        job->reply.length = (size_t)st.st_size;
    } else if (fd < 0) {
        job->reply.absent = errno == ENOENT;
        explain(job, "open", path);
    } else {
        close(fd);
        mem_set(&job->error, "\"%s\" is not a file", path);
    }
    free(path);
}

static void run_open(void *context) {
    open_object(context);
}

/* Read what is small. Of what is large only the size is found out: it is opened when its turn
 * comes, or of all that was asked for together the files would be open. */
static void run_keep(void *context) {
    FileJob *job = context;
    StorageReply *reply = &job->reply;
    open_object(job);
    if (!reply->ok)
        return;
    if (reply->length <= LARGE && reply->length <= job->maximum) {
        const BytesFile file = {.fd = reply->file};
        reply->bytes = mem_grow(NULL, reply->length + 1);
        reply->ok = bytes_file_read(&file, reply->bytes, reply->length, 0);
        if (!reply->ok)
            mem_set(&job->error, "could not read \"%s\": %s", job->key,
                    errno ? strerror(errno) : "it is shorter than it was");
    }
    close(reply->file);
    reply->has_file = false;
}

/* Look at the size. */
static void run_head(void *context) {
    FileJob *job = context;
    char *path = path_of(job->place, job->key);
    struct stat st;
    job->reply.ok = stat(path, &st) == 0;
    if (job->reply.ok) {
        job->reply.length = (size_t)st.st_size;
    } else {
        job->reply.absent = errno == ENOENT;
        explain(job, "look at", path);
    }
    free(path);
}

/* Remove a directory that has become empty; what changed survives a power cut. */
static bool leave_directory(const char *root, const char *directory) {
    bool ok = true;
    char *above = file_directory_of(directory);
    if (strlen(directory) > strlen(root) && rmdir(directory) == 0)
        ok = file_sync_directory(above);
    else
        ok = file_sync_directory(directory) || errno == ENOENT;
    free(above);
    return ok;
}

/* Remove the file, what is beside it, and the directory that they leave empty. */
static void run_remove(void *context) {
    FileJob *job = context;
    struct stat st;
    if (!is_same_place(job))
        return;
    char *path = path_of(job->place, job->key);
    char *partial = partial_of(path);
    char *directory = file_directory_of(path);
    bool ok = stat(job->place->root, &st) == 0;
    if (ok && unlink(path) != 0) {
        job->reply.absent = errno == ENOENT || errno == ENOTDIR;
        ok = job->reply.absent;
    }
    if (ok && unlink(partial) == 0)
        job->reply.absent = false;
    ok = ok && leave_directory(job->place->root, directory);
    if (!ok)
        explain(job, "remove", path);
    job->reply.ok = ok;
    free(directory);
    free(partial);
    free(path);
}

/* Can files be made there, and is there room where that matters? */
static void run_check(void *context) {
    FileJob *job = context;
    const char *root = job->place->root;
    struct statvfs fs;
    if (!is_same_place(job))
        return;
    if (access(root, W_OK | X_OK) != 0)
        explain(job, "write into storage directory", root);
    else if (job->room && statvfs(root, &fs) == 0 &&
             (double)fs.f_bavail * (double)fs.f_frsize < (double)LEAST_ROOM)
        mem_set(&job->error, "there is no room left in storage directory \"%s\"", root);
    job->reply.ok = !job->error;
}

/* An entry of a directory; those of directories end in a slash, so that they sort as keys do. */
typedef struct Entry {
    char *name;
    bool is_directory;
    size_t bytes;
} Entry;

static int by_name(const void *a, const void *b) {
    return strcmp(((const Entry *)a)->name, ((const Entry *)b)->name);
}

/* Read a directory in the order of keys; names that begin with a dot are no objects, and neither
 * are links: where they lead is not ours, or would be walked twice. */
static Entry *read_directory(const char *path, size_t *count) {
    Entry *entries = NULL;
    size_t room = 0;
    DIR *directory = opendir(path);
    *count = 0;
    for (struct dirent *found; directory && (found = readdir(directory));) {
        struct stat st;
        if (found->d_name[0] == '.' ||
            fstatat(dirfd(directory), found->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            S_ISLNK(st.st_mode))
            continue;
        if (*count == room)
            entries = mem_grow(entries, (room = room ? room * 2 : 64) * sizeof *entries);
        bool is_directory = S_ISDIR(st.st_mode);
        entries[(*count)++] = (Entry){mem_printf("%s%s", found->d_name, is_directory ? "/" : ""),
                                      is_directory, (size_t)st.st_size};
    }
    if (directory)
        closedir(directory);
    if (*count)
        qsort(entries, *count, sizeof *entries, by_name);
    return entries;
}

/* Is everything below a directory (with its slash) before the key that entries come after? */
static bool is_behind(const char *directory, const char *after) {
    return strncmp(directory, after, strlen(directory)) < 0;
}

/* Add the objects below a directory to the reply, until it is full. */
static void walk(FileJob *job, const char *below) {
    size_t count;
    char *path = path_of(job->place, below);
    Entry *entries = read_directory(path, &count);
    for (size_t i = 0; i < count; i++) {
        char *key = mem_printf("%s%s", below, entries[i].name);
        if (!job->reply.more && entries[i].is_directory && !is_behind(key, job->key)) {
            walk(job, key);
        } else if (!job->reply.more && !entries[i].is_directory && strcmp(key, job->key) > 0) {
            job->reply.more = job->reply.count == STORAGE_PAGE;
            if (!job->reply.more) {
                job->reply.entries[job->reply.count++] = (StorageEntry){key, entries[i].bytes};
                key = NULL;
            }
        }
        free(key);
        free(entries[i].name);
    }
    free(entries);
    free(path);
}

/* List a page. */
static void run_list(void *context) {
    FileJob *job = context;
    struct stat st;
    if (stat(job->place->root, &st) != 0) {
        explain(job, "list", job->place->root);
        return;
    }
    job->reply.entries = mem_alloc(STORAGE_PAGE * sizeof *job->reply.entries);
    walk(job, "");
    job->reply.ok = true;
}

/* Refuse what is no key of ours, and may lead out of the directory. */
static void run_refuse(void *context) {
    FileJob *job = context;
    mem_set(&job->error, "\"%s\" is no key of an object", job->key);
}

/* ---- jobs ---- */

/* Free a job whose work is over. */
static void free_job(FileJob *job) {
    free(job->key);
    free(job->error);
    free(job);
}

/* Make bytes of what was read, or of the file where that is large, unless it is too large. */
static void keep_object(FileJob *job) {
    StorageReply *reply = &job->reply;
    if (reply->bytes) {
        reply->kept = bytes_new(reply->bytes, reply->length);
        reply->bytes = NULL;
        return;
    }
    open_object(job);
    if (reply->ok && reply->length > job->maximum) {
        mem_set(&job->error, "\"%s\" is larger than the limit of %zu bytes", job->key,
                job->maximum);
        reply->ok = false;
    }
    if (!reply->ok)
        return;
    reply->kept = bytes_of_file(reply->file, reply->length, job->key);
    reply->has_file = false;
}

/* Report. */
static void job_done(void *context) {
    FileJob *job = context;
    if (job->keep && job->reply.ok)
        keep_object(job);
    job->reply.error = job->error;
    storage_tell(&job->job, &job->reply);
    free_job(job);
}

/* Make a job. */
static FileJob *make_job(Storage *storage, const char *key) {
    FileJob *job = mem_alloc(sizeof *job);
    job->place = storage->place;
    job->key = mem_strdup(key);
    return job;
}

/* Have it done. */
static StorageJob *start(FileJob *job, WorkRun *run) {
    job->work = background_start(job->place->background, run, job_done, job);
    return &job->job;
}

/* Have it done if the key is one. */
static StorageJob *start_with_key(FileJob *job, WorkRun *run) {
    return start(job, storage_key_is_safe(job->key) ? run : run_refuse);
}

static StorageJob *file_check(Storage *storage, bool room) {
    FileJob *job = make_job(storage, "");
    job->room = room;
    return start(job, run_check);
}

static StorageJob *file_put(Storage *storage, const StorageObject *object) {
    FileJob *job = make_job(storage, object->key);
    job->bytes = object->bytes;
    return start_with_key(job, run_put);
}

static StorageJob *file_get(Storage *storage, const char *key, size_t maximum) {
    FileJob *job = make_job(storage, key);
    job->maximum = maximum;
    return start_with_key(job, run_get);
}

static StorageJob *file_keep(Storage *storage, const char *key, size_t maximum) {
    FileJob *job = make_job(storage, key);
    job->keep = true;
    job->maximum = maximum;
    return start_with_key(job, run_keep);
}

static StorageJob *file_open_object(Storage *storage, const char *key, size_t maximum) {
    (void)maximum; /* what is not read may be of any size */
    return start_with_key(make_job(storage, key), run_open);
}

static StorageJob *file_head(Storage *storage, const char *key) {
    return start_with_key(make_job(storage, key), run_head);
}

static StorageJob *file_remove(Storage *storage, const char *key) {
    return start_with_key(make_job(storage, key), run_remove);
}

static StorageJob *file_list(Storage *storage, const char *after) {
    return start(make_job(storage, after), run_list);
}

/* Give up on a job. */
static void file_drop(StorageJob *base) {
    FileJob *job = (FileJob *)base;
    background_drop(job->work);
    free(job->reply.bytes);
    if (job->reply.has_file)
        close(job->reply.file);
    for (size_t i = 0; i < job->reply.count; i++)
        free(job->reply.entries[i].key);
    free(job->reply.entries);
    free_job(job);
}

/* ---- the place ---- */

static char *file_url(const Storage *storage, const char *key) {
    const Place *place = storage->place;
    return mem_printf("file://%s/%s", place->root, key);
}

/* The file of a key. */
static char *file_path(const Storage *storage, const char *key) {
    return path_of(storage->place, key);
}

/* Set up a directory; it is made if it is not there. */
static bool file_open(Storage *storage, const char *rest, const StorageOptions *options, Http *http,
                      char **error) {
    struct stat st;
    const char *why = NULL;
    (void)options;
    if (!file_make_directories(rest, error))
        return false;
    char *root = realpath(rest, NULL);
    if (!root || stat(root, &st) != 0)
        why = strerror(errno);
    else if (!S_ISDIR(st.st_mode))
        why = strerror(ENOTDIR);
    else if (access(root, W_OK | X_OK) != 0)
        why = strerror(errno);
    else if (!text_is_utf8(root))
        why = "its path is not UTF-8, which the database needs";
    if (why) {
        *error = mem_printf("cannot write into storage directory \"%s\": %s", rest, why);
        free(root);
        return false;
    }
    Place *place = mem_alloc(sizeof *place);
    *place = (Place){root, st.st_dev, st.st_ino, background_new(http_loop(http))};
    storage->place = place;
    return true;
}

/* Forget the directory. */
static void file_close(Storage *storage) {
    Place *place = storage->place;
    background_free(place->background);
    free(place->root);
    free(place);
}

const StorageBackend storage_file = {
    .name = "file",
    .scheme = "file:",
    .form = "file:DIRECTORY",
    .open = file_open,
    .close = file_close,
    .url = file_url,
    .path = file_path,
    .check = file_check,
    .put = file_put,
    .get = file_get,
    .keep = file_keep,
    .open_object = file_open_object,
    .head = file_head,
    .remove = file_remove,
    .list = file_list,
    .drop = file_drop,
};
