#include "storage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kill_point.h"
#include "storage_backend.h"

static const StorageBackend *const backends[] = {&storage_file, &storage_s3};

enum { BACKEND_COUNT = sizeof backends / sizeof backends[0] };

/* Name the forms that there are. */
static char *forms(void) {
    char *text = mem_strdup(backends[0]->form);
    for (size_t i = 1; i < BACKEND_COUNT; i++)
        mem_set(&text, "%s or %s", text, backends[i]->form);
    return text;
}

/* Set up a place. */
bool storage_open(Storage *storage, const char *where, const StorageOptions *options, Http *http,
                  char **error) {
    *storage = (Storage){0};
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        const StorageBackend *kind = backends[i];
        size_t length = strlen(kind->scheme);
        if (strncmp(where, kind->scheme, length) != 0 || !where[length])
            continue;
        storage->kind = kind;
        storage->backend = kind->name;
        if (kind->open(storage, where + length, options, http, error))
            return true;
        *storage = (Storage){0};
        return false;
    }
    char *known = forms();
    *error = mem_printf("storage \"%s\" is not of the form %s", where, known);
    free(known);
    return false;
}

/* Forget a place. */
void storage_close(Storage *storage) {
    if (storage->kind)
        storage->kind->close(storage);
    *storage = (Storage){0};
}

/* Say whom a job reports to. */
static StorageJob *begin(Storage *storage, StorageJob *job, StorageDone *done, void *context) {
    *job = (StorageJob){.kind = storage->kind, .done = done, .context = context};
    kill_point();
    return job;
}

/* Can objects be written there? */
StorageJob *storage_check(Storage *storage, bool room, StorageDone *done, void *context) {
    return begin(storage, storage->kind->check(storage, room), done, context);
}

/* Store an object. */
StorageJob *storage_put(Storage *storage, const StorageObject *object, StorageDone *done,
                        void *context) {
    return begin(storage, storage->kind->put(storage, object), done, context);
}

/* Read an object. */
StorageJob *storage_get(Storage *storage, const char *key, size_t maximum, StorageDone *done,
                        void *context) {
    return begin(storage, storage->kind->get(storage, key, maximum), done, context);
}

/* Have an object that may be large. */
StorageJob *storage_keep(Storage *storage, const char *key, size_t maximum, StorageDone *done,
                         void *context) {
    return begin(storage, storage->kind->keep(storage, key, maximum), done, context);
}

/* Open an object. */
StorageJob *storage_open_object(Storage *storage, const char *key, size_t maximum,
                                StorageDone *done, void *context) {
    return begin(storage, storage->kind->open_object(storage, key, maximum), done, context);
}

/* Ask for an object's size. */
StorageJob *storage_head(Storage *storage, const char *key, StorageDone *done, void *context) {
    return begin(storage, storage->kind->head(storage, key), done, context);
}

/* Remove an object. */
StorageJob *storage_remove(Storage *storage, const char *key, StorageDone *done, void *context) {
    return begin(storage, storage->kind->remove(storage, key), done, context);
}

/* List objects. */
StorageJob *storage_list(Storage *storage, const char *after, StorageDone *done, void *context) {
    return begin(storage, storage->kind->list(storage, after), done, context);
}

/* Give up on a job. */
void storage_drop(StorageJob *job) {
    if (job)
        job->kind->drop(job);
}

/* The URL of a key. */
char *storage_url(const Storage *storage, const char *key) {
    return storage->kind->url(storage, key);
}

/* Say where bytes are to be had again. */
void storage_also_has(const Storage *storage, const char *key, Bytes *bytes) {
    char *path =
        storage->kind->path && storage_key_is_safe(key) ? storage->kind->path(storage, key) : NULL;
    if (path)
        bytes_also_in(bytes, path);
    free(path);
}

/* Tell the caller how a job ended. */
void storage_tell(StorageJob *job, StorageReply *reply) {
    if (!reply->error)
        reply->error = "";
    kill_point();
    job->done(job->context, reply);
    free(reply->bytes);
    bytes_free(reply->kept);
    if (reply->has_file)
        close(reply->file);
    for (size_t i = 0; i < reply->count; i++)
        free(reply->entries[i].key);
    free(reply->entries);
}

/* Is a text a key that is safe everywhere? */
bool storage_key_is_safe(const char *key) {
    bool at_start = true;
    if (!*key || strlen(key) > 1024)
        return false;
    for (; *key; key++) {
        if ((unsigned char)*key < ' ' || *key == 0x7F || (at_start && (*key == '/' || *key == '.')))
            return false;
        at_start = *key == '/';
    }
    return !at_start;
}
