/* Where pictures are kept. Nothing here waits: each job reports by callback from the loop and
 * can be dropped before that. A backend is one file and a row in storage.c. */
#ifndef RC_STORAGE_H
#define RC_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"

typedef struct Storage Storage;
typedef struct StorageBackend StorageBackend;
typedef struct StorageJob StorageJob;

/* What the settings say beside the place itself; NULL for the environment's or the default. */
typedef struct StorageOptions {
    const char *key_file; /* access keys of a bucket */
    const char *endpoint, *region, *style;
} StorageOptions;

struct Storage {
    const StorageBackend *kind;
    const char *backend; /* "file" or "s3", as in stored_objects */
    void *place;         /* the backend's own */
};

typedef struct StorageEntry {
    char *key; /* owned by the reply */
    size_t bytes;
} StorageEntry;

typedef struct StorageReply {
    bool ok;
    bool absent;       /* there is no such object; for remove that is as good as done */
    const char *error; /* what went wrong and what can be done; "" where ok */
    char *bytes;       /* of get; who takes them sets NULL */
    Bytes *kept;       /* of keep; who takes them sets NULL */
    size_t length;     /* of get, open and head */
    bool has_file;     /* of open, with file; who takes it sets false */
    int file;
    StorageEntry *entries;
    size_t count;
    bool more; /* of list: there are keys after the last entry */
} StorageReply;

typedef void StorageDone(void *context, StorageReply *reply);

/* Set up "file:DIRECTORY" (made if it is not there) or "s3://BUCKET/PREFIX". False with *error
 * set (caller frees). The place is looked at by storage_check. */
MUSTCHECK bool storage_open(Storage *storage, const char *where, const StorageOptions *options,
                            Http *http, char **error);
void storage_close(Storage *storage);

/* Can objects be written there, and if that is asked, is there room for them? Asked before
 * anything is paid for; who only removes needs no room. */
StorageJob *storage_check(Storage *storage, bool room, StorageDone *done, void *context);

typedef struct StorageObject {
    const char *key;
    const char *mime;
    Bytes *bytes;       /* borrowed, and to be held, until the job ends */
    const char *sha256; /* 64 hexadecimal digits */
} StorageObject;

/* Store an object durably: whole or not at all. What was there under the key is replaced; two
 * who write one key at the same time can fail. */
StorageJob *storage_put(Storage *storage, const StorageObject *object, StorageDone *done,
                        void *context);

/* Read an object of at most maximum bytes. */
StorageJob *storage_get(Storage *storage, const char *key, size_t maximum, StorageDone *done,
                        void *context);

/* Have an object of at most maximum bytes that may be large: not in memory where there is a file
 * for it. */
StorageJob *storage_keep(Storage *storage, const char *key, size_t maximum, StorageDone *done,
                         void *context);

/* Open an object of at most maximum bytes, for who passes it on: a file that can be read from where
 * there is one, else the bytes. */
StorageJob *storage_open_object(Storage *storage, const char *key, size_t maximum,
                                StorageDone *done, void *context);

/* Ask for an object's size. */
StorageJob *storage_head(Storage *storage, const char *key, StorageDone *done, void *context);

/* Remove an object and what an upload of it that was cut short has left. */
StorageJob *storage_remove(Storage *storage, const char *key, StorageDone *done, void *context);

/* List the objects whose keys come after one ("" for the first ones), in the order of bytes. */
StorageJob *storage_list(Storage *storage, const char *after, StorageDone *done, void *context);

/* Give up on a job: done is not called. Whether its work was done is not known then. */
void storage_drop(StorageJob *job);

/* The URL of a key; the caller's. */
char *storage_url(const Storage *storage, const char *key);

/* Bytes are those of an object: where it is a file, they can be read from there again. */
void storage_also_has(const Storage *storage, const char *key, Bytes *bytes);

/* Is a text a key that is safe everywhere: relative, without empty, "." or ".." parts, without
 * names that begin with a dot (which are ours), and without control characters? */
bool storage_key_is_safe(const char *key);

#endif
