/* What a storage backend fills in. */
#ifndef RC_STORAGE_BACKEND_H
#define RC_STORAGE_BACKEND_H

#include "storage.h"

/* The first member of every backend's own job. */
struct StorageJob {
    const StorageBackend *kind;
    StorageDone *done;
    void *context;
};

struct StorageBackend {
    const char *name;
    const char *scheme; /* what stands before the place */
    const char *form;   /* what it looks like, for messages */
    /* rest: what stands after the scheme. */
    bool (*open)(Storage *storage, const char *rest, const StorageOptions *options, Http *http,
                 char **error);
    void (*close)(Storage *storage);
    char *(*url)(const Storage *storage, const char *key);
    char *(*path)(const Storage *storage, const char *key); /* NULL: it has no files */
    /* Each makes a job; storage.c fills in its first member. */
    StorageJob *(*check)(Storage *storage, bool room);
    StorageJob *(*put)(Storage *storage, const StorageObject *object);
    StorageJob *(*get)(Storage *storage, const char *key, size_t maximum);
    StorageJob *(*keep)(Storage *storage, const char *key, size_t maximum);
    StorageJob *(*open_object)(Storage *storage, const char *key, size_t maximum);
    StorageJob *(*head)(Storage *storage, const char *key);
    StorageJob *(*remove)(Storage *storage, const char *key);
    StorageJob *(*list)(Storage *storage, const char *after);
    void (*drop)(StorageJob *job);
};

extern const StorageBackend storage_file, storage_s3;

/* How many entries a list gives at most. */
enum { STORAGE_PAGE = 1000 };

/* Tell the caller how a job ended, and free what is left in the reply. */
void storage_tell(StorageJob *job, StorageReply *reply);

#endif
