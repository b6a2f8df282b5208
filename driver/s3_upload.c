/* An object that is too large for one request: begun, sent part after part, completed; where
 * any of that fails, aborted, so that no part is left that nobody sees and somebody pays for. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "s3.h"

enum {
    PART_BYTES = 16 << 20,
    MOST_PARTS = 10000,
    TAG_BYTES = 256,
    ANSWER_BYTES = 64 << 10,
    TRIES = 8
};

struct S3Upload {
    Bucket *bucket;
    char *key, *mime;
    Bytes *bytes;
    Body *part; /* that is being sent */
    size_t length, part_bytes;
    unsigned parts, sent;
    char *id;
    Buf list; /* the document that completes it */
    S3Request *request;
    S3UploadDone *done;
    void *context;
    char *error;
};

static void send_part(S3Upload *upload);

/* Free an upload that is over. */
static void free_upload(S3Upload *upload) {
    free(upload->key);
    free(upload->mime);
    free(upload->id);
    free(upload->error);
    body_free(upload->part);
    buf_free(&upload->list);
    free(upload);
}

/* Report. */
static void report(S3Upload *upload) {
    upload->done(upload->context, upload->error);
    free_upload(upload);
}

/* Whether aborting went well changes nothing about the failure. */
static void aborted(void *context, const S3Answer *answer) {
    S3Upload *upload = context;
    (void)answer;
    upload->request = NULL;
    report(upload);
}

/* Give up, and have the service forget the parts. */
static void abort_with(S3Upload *upload, const char *error) {
    mem_set(&upload->error, "%s", error);
    if (!upload->id) {
        report(upload);
        return;
    }
    char *query = NULL;
    s3_query_add(&query, "uploadId", upload->id);
    S3Call call = {.method = "DELETE", .key = upload->key, .query = query, .maximum = ANSWER_BYTES};
    upload->request = s3_send(upload->bucket, &call, aborted, upload);
    free(query);
}

/* A completion that was answered to nobody has been done already: the object is there. */
static void looked(void *context, const S3Answer *answer) {
    S3Upload *upload = context;
    const char *length = answer->ok ? http_header(answer->reply, "Content-Length") : NULL;
    upload->request = NULL;
    if (!length || strtoull(length, NULL, 10) != upload->length)
        mem_set(&upload->error, "the upload is gone (NoSuchUpload)");
    report(upload);
}

/* It is complete, or not. */
static void completed(void *context, const S3Answer *answer) {
    S3Upload *upload = context;
    upload->request = NULL;
    if (answer->ok) {
        report(upload);
    } else if (strcmp(answer->code, "NoSuchUpload") == 0) {
        S3Call call = {.method = "HEAD", .key = upload->key, .maximum = ANSWER_BYTES};
        upload->request = s3_send(upload->bucket, &call, looked, upload);
    } else {
        abort_with(upload, answer->error);
    }
}

/* Put the parts together. */
static void complete(S3Upload *upload) {
    static const char end[] = "</CompleteMultipartUpload>";
    char *query = NULL;
    if (!buf_append(&upload->list, end, sizeof end - 1)) {
        abort_with(upload, "too many parts");
        return;
    }
    s3_query_add(&query, "uploadId", upload->id);
    S3Call call = {.method = "POST",
                   .key = upload->key,
                   .query = query,
                   .mime = "application/xml",
                   .body = upload->list.data,
                   .length = upload->list.length,
                   .maximum = ANSWER_BYTES,
                   .tries = TRIES};
    upload->request = s3_send(upload->bucket, &call, completed, upload);
    free(query);
}

/* A part has arrived, or not; its tag goes into the list. */
static void part_came(void *context, const S3Answer *answer) {
    S3Upload *upload = context;
    const char *tag = answer->ok ? http_header(answer->reply, "ETag") : NULL;
    upload->request = NULL;
    if (!tag || strlen(tag) > TAG_BYTES || strpbrk(tag, "<>&")) {
        abort_with(upload, answer->ok ? "the service gave no ETag for a part" : answer->error);
        return;
    }
    char *item =
        mem_printf("<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", ++upload->sent, tag);
    bool fits = buf_append(&upload->list, item, strlen(item));
    free(item);
    if (!fits)
        abort_with(upload, "too many parts");
    else if (upload->sent < upload->parts)
        send_part(upload);
    else
        complete(upload);
}

/* Send the next part. */
static void send_part(S3Upload *upload) {
    size_t from = upload->sent * upload->part_bytes, left = upload->length - from;
    size_t length = left < upload->part_bytes ? left : upload->part_bytes;
    body_free(upload->part);
    upload->part = body_new(length);
    if (!body_append_range(upload->part, upload->bytes, from, length)) {
        abort_with(upload, "a part is too large");
        return;
    }
    char *query = NULL, *number = mem_printf("%u", upload->sent + 1);
    s3_query_add(&query, "partNumber", number);
    s3_query_add(&query, "uploadId", upload->id);
    S3Call call = {.method = "PUT",
                   .key = upload->key,
                   .query = query,
                   .pieces = upload->part,
                   .maximum = ANSWER_BYTES,
                   .tries = TRIES};
    upload->request = s3_send(upload->bucket, &call, part_came, upload);
    free(number);
    free(query);
}

/* It has begun, or not. */
static void begun(void *context, const S3Answer *answer) {
    static const char start[] = "<CompleteMultipartUpload>";
    S3Upload *upload = context;
    upload->request = NULL;
    if (answer->ok)
        upload->id = xml_text(answer->body, "UploadId");
    if (!upload->id)
        abort_with(upload, answer->ok ? "the service gave no UploadId" : answer->error);
    else if (!buf_append(&upload->list, start, sizeof start - 1))
        abort_with(upload, "too many parts");
    else
        send_part(upload);
}

/* Begin. */
S3Upload *s3_upload(Bucket *bucket, const StorageObject *object, S3UploadDone *done,
                    void *context) {
    S3Upload *upload = mem_alloc(sizeof *upload);
    size_t length = bytes_length(object->bytes), least = length / MOST_PARTS + 1;
    *upload = (S3Upload){.bucket = bucket,
                         .key = mem_strdup(object->key),
                         .mime = mem_strdup(object->mime),
                         .bytes = object->bytes,
                         .length = length,
                         .part_bytes = least > PART_BYTES ? least : PART_BYTES,
                         .done = done,
                         .context = context};
    upload->parts = (unsigned)((length + upload->part_bytes - 1) / upload->part_bytes);
    buf_init(&upload->list, MOST_PARTS * (TAG_BYTES + 64));
    S3Call call = {.method = "POST",
                   .key = object->key,
                   .query = "uploads=",
                   .mime = object->mime,
                   .body = "",
                   .maximum = ANSWER_BYTES};
    upload->request = s3_send(bucket, &call, begun, upload);
    return upload;
}

/* Give up. Nobody waits for the service to forget the parts; docs/storage.md says how a bucket is
 * told to do that by itself. */
void s3_upload_drop(S3Upload *upload) {
    if (!upload)
        return;
    s3_drop(upload->request);
    free_upload(upload);
}
