/* The access keys of a bucket: from a file that an option names, the AWS_* variables, or the
 * credentials file of the AWS command line. They are never logged or shown. */
#ifndef RC_S3_KEYS_H
#define RC_S3_KEYS_H

#include <stdbool.h>

#include "mem.h"

typedef struct S3Keys {
    char *id, *secret, *token; /* token: NULL where there is none */
    char *file;                /* where they were read from; NULL: the environment */
    const char *from;          /* for messages */
} S3Keys;

/* Find the keys; file may be NULL. False with *error set (caller frees). */
MUSTCHECK bool s3_keys_find(S3Keys *keys, const char *file, char **error);

/* Read the file again, if it is one; says whether there are other keys now. */
bool s3_keys_reload(S3Keys *keys);

void s3_keys_free(S3Keys *keys);

#endif
