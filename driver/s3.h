/* What the files that speak S3 share: the bucket, and one request with its retries. */
#ifndef RC_S3_H
#define RC_S3_H

#include "s3_keys.h"
#include "storage.h"
#include "xml.h"

typedef struct Bucket {
    Http *http;
    char *base;   /* the URL without a path; with virtual-host style the bucket is part of it */
    char *name;   /* of the bucket */
    char *prefix; /* "", or ends in a slash */
    char *region, *sigv4;
    bool virtual_host;
    bool direct; /* on this machine: by no proxy */
    S3Keys keys;
} Bucket;

/* The part of a URL behind the host for a key, or (NULL) for the bucket itself; the caller's.
 * What libcurl signs is what it is given, so it is encoded here, exactly once. */
char *s3_path(const Bucket *bucket, const char *key);

/* Append "name=value" to a query, which must be built in the order of names; the caller's. */
void s3_query_add(char **query, const char *name, const char *value);

/* Decode percent-encoding (and plus for a space, as S3 writes it) in place. */
void s3_decode(char *text);

typedef struct S3Call {
    const char *method;
    const char *key;   /* without the prefix; NULL for the bucket */
    const char *query; /* sorted and encoded, or NULL */
    const char *mime;  /* of the body */
    const char *body;  /* borrowed until the request ends; NULL for none */
    size_t length;
    Body *pieces;       /* the same in pieces, instead; borrowed as well */
    const char *sha256; /* of the body where it is known, else NULL */
    size_t maximum;     /* bytes of the answer */
    bool kept;          /* of a success they come as bytes */
    int tries;          /* how often it is sent at most where it fails for the moment; 0: 5 times */
} S3Call;

typedef struct S3Answer {
    bool ok;
    bool absent; /* there is no such object */
    long status;
    const char *code;       /* the service's, such as "SlowDown"; "" where it gave none */
    const char *error;      /* what went wrong and what to do about it; "" where ok */
    const HttpReply *reply; /* valid during the callback */
    XmlPart body;
} S3Answer;

typedef struct S3Request S3Request;
typedef void S3Done(void *context, const S3Answer *answer);

/* Send; what failed for the moment is sent again a few times. The texts of the call are copied
 * but for the body. */
S3Request *s3_send(Bucket *bucket, const S3Call *call, S3Done *done, void *context);
void s3_drop(S3Request *request);

/* s3_upload.c: an object too large for one request, in parts. */
typedef struct S3Upload S3Upload;
typedef void S3UploadDone(void *context, const char *error); /* NULL: it is stored */
S3Upload *s3_upload(Bucket *bucket, const StorageObject *object, S3UploadDone *done, void *context);
void s3_upload_drop(S3Upload *upload);

/* s3_error.c: what an answer says went wrong. Texts are the caller's. */
typedef struct S3Error {
    char *code; /* "" where there is none */
    char *words;
    bool absent;
    bool retry;
    bool keys_are_old;
} S3Error;

void s3_error_read(S3Error *error, const Bucket *bucket, const HttpReply *reply, XmlPart body);
void s3_error_free(S3Error *error);

/* Are a reply's body and status those of a success? Some failures come with status 200. */
bool s3_is_success(const HttpReply *reply, XmlPart body);

#endif
