/* Where pictures are kept. A backend is one file and a row in storage.c. */
#ifndef RC_STORAGE_H
#define RC_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

typedef struct Storage {
    const char *backend; /* "file" */
    char *root;          /* absolute directory; owned */
} Storage;

/* Read "file:DIR" (made if it is not there). False with *error set; caller frees. */
MUSTCHECK bool storage_open(Storage *storage, const char *where, char **error);
void storage_close(Storage *storage);

/* Store bytes under a key durably: whole or not at all. *url is the caller's. */
MUSTCHECK bool storage_put(const Storage *storage, const char *key, const char *bytes,
                           size_t length, char **url, char **error);

/* Read a key's bytes (at most maximum) and say its URL; both are the caller's. */
MUSTCHECK bool storage_get(const Storage *storage, const char *key, size_t maximum, char **bytes,
                           size_t *length, char **url, char **error);

/* Remove a key; one that is not there is fine. */
void storage_remove(const Storage *storage, const char *key);

/* Write a plain file for the user, whole or not at all. */
MUSTCHECK bool storage_write_file(const char *path, const char *bytes, size_t length, char **error);

/* Can a file of that name be made? Checked before anything is paid for. */
MUSTCHECK bool storage_can_write(const char *path, char **error);

#endif
