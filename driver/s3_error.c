/* What S3 says when something is wrong, and what a person can do about it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "s3.h"
#include "table.h"

enum { WORDS_MAXIMUM = 500 };

typedef enum ErrorKind {
    KIND_PLAIN,
    KIND_ABSENT, /* there is no such object */
    KIND_RETRY,  /* of the moment */
    KIND_KEYS,   /* the keys are no longer good; a file may have others by now */
    KIND_CLOCK,  /* the clocks differ */
    KIND_REGION  /* it is in another region */
} ErrorKind;

static const struct {
    const char *code;
    ErrorKind kind;
    const char *advice;
} errors[] = {
    {"AccessDenied", KIND_PLAIN,
     "Let the access key do s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket there"},
    {"AuthorizationHeaderMalformed", KIND_REGION, "Set AWS_REGION or --storage-region"},
    {"BadDigest", KIND_RETRY, "What arrived is not what was sent"},
    {"EntityTooLarge", KIND_PLAIN, "The service does not take objects of that size"},
    {"ExpiredToken", KIND_KEYS, "The session token has expired: get new access keys"},
    {"IllegalLocationConstraintException", KIND_REGION, "Set AWS_REGION or --storage-region"},
    {"IncompleteBody", KIND_RETRY, "What arrived was cut short"},
    {"InternalError", KIND_RETRY, "Try again later"},
    {"InvalidAccessKeyId", KIND_KEYS, "The service does not know this AWS_ACCESS_KEY_ID"},
    {"InvalidBucketName", KIND_PLAIN, "Correct the bucket's name in --storage"},
    {"InvalidToken", KIND_KEYS, "Correct AWS_SESSION_TOKEN, or unset it"},
    {"NoSuchBucket", KIND_PLAIN, "Make the bucket, or correct its name in --storage"},
    {"NoSuchKey", KIND_ABSENT, "There is no such object"},
    {"OperationAborted", KIND_RETRY, "Try again later"},
    {"PermanentRedirect", KIND_REGION, "Set AWS_REGION or --storage-region"},
    {"QuotaExceeded", KIND_PLAIN, "Make room there and try again"},
    {"RequestTimeTooSkewed", KIND_CLOCK, "Set this machine's clock"},
    {"RequestTimeout", KIND_RETRY, "The connection is too slow"},
    {"ServiceUnavailable", KIND_RETRY, "Try again later"},
    {"SignatureDoesNotMatch", KIND_KEYS, "Correct AWS_SECRET_ACCESS_KEY"},
    {"SlowDown", KIND_RETRY, "Try again later"},
    {"TemporaryRedirect", KIND_REGION, "Set AWS_REGION or --storage-region"},
    {"TokenRefreshRequired", KIND_KEYS, "Get new access keys"},
    {"XMinioStorageFull", KIND_PLAIN, "Make room there and try again"},
};

/* The row of a code; NULL where it is none of ours. */
static const char *advice_for(const char *code, ErrorKind *kind) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(errors[i].code, code) != 0)
            continue;
        *kind = errors[i].kind;
        return errors[i].advice;
    }
    return NULL;
}

/* What a status means where no document says more: answers to HEAD have no body. */
static const char *code_of_status(long status) {
    switch (status) {
    case 403:
        return "AccessDenied";
    case 404:
        return "NoSuchKey";
    case 301:
    case 307:
        return "PermanentRedirect";
    case 503:
        return "ServiceUnavailable";
    default:
        return "";
    }
}

/* Is a reply a success? */
bool s3_is_success(const HttpReply *reply, XmlPart body) {
    const char *at = NULL;
    XmlPart error;
    return reply->code == CURLE_OK && reply->status >= 200 && reply->status < 300 &&
           !(body.end - body.start < 4096 && xml_next(body, &at, "Error", &error) &&
             memmem(error.start, (size_t)(error.end - error.start), "<Code>", 6));
}

/* How far this machine's clock is from the service's, in words; the caller's. */
static char *clock_difference(const HttpReply *reply) {
    const char *date = http_header(reply, "Date");
    time_t theirs = date ? curl_getdate(date, NULL) : -1;
    if (theirs < 0)
        return mem_strdup("");
    double ahead = difftime(time(NULL), theirs);
    double minutes = (ahead < 0 ? -ahead : ahead) / 60;
    return mem_printf(", which is %.0f minutes %s the service's", minutes,
                      ahead < 0 ? "behind" : "ahead of");
}

/* Where the bucket is, in words; the caller's. */
static char *region_hint(const Bucket *bucket, const HttpReply *reply, XmlPart body) {
    const char *header = http_header(reply, "x-amz-bucket-region");
    char *region = header ? mem_strdup(header) : xml_text(body, "Region");
    char *words = region ? mem_printf(" to \"%s\", where the bucket is; it is \"%s\" now", region,
                                      bucket->region)
                         : mem_printf("; it is \"%s\" now", bucket->region);
    free(region);
    return words;
}

/* Put the service's words and our advice together; the caller's. */
static char *explain(const Bucket *bucket, const HttpReply *reply, XmlPart body, const char *code) {
    ErrorKind kind = KIND_PLAIN;
    const char *advice = advice_for(code, &kind);
    char *said = xml_text(body, "Message");
    char *theirs = text_clip(said ? said : "", WORDS_MAXIMUM);
    size_t length = strlen(theirs);
    if (length && theirs[length - 1] == '.')
        theirs[length - 1] = '\0';
    char *more = kind == KIND_CLOCK    ? clock_difference(reply)
                 : kind == KIND_REGION ? region_hint(bucket, reply, body)
                                       : mem_strdup("");
    char *name = *code ? mem_strdup(code) : mem_printf("HTTP status %ld", reply->status);
    char *words = mem_printf("%s%s%s%s%s%s", name, *theirs ? ": " : "", theirs, advice ? ". " : "",
                             advice ? advice : "", more);
    free(name);
    free(more);
    free(theirs);
    free(said);
    return words;
}

/* Read what went wrong. */
void s3_error_read(S3Error *error, const Bucket *bucket, const HttpReply *reply, XmlPart body) {
    *error = (S3Error){0};
    if (reply->code != CURLE_OK) {
        error->code = mem_strdup("");
        error->words = mem_strdup(reply->error);
        error->retry = !reply->too_large;
        return;
    }
    ErrorKind kind = KIND_PLAIN;
    error->code = xml_text(body, "Code");
    if (!error->code)
        error->code = mem_strdup(code_of_status(reply->status));
    advice_for(error->code, &kind);
    error->words = explain(bucket, reply, body, error->code);
    error->absent = kind == KIND_ABSENT;
    error->keys_are_old = kind == KIND_KEYS;
    error->retry = kind == KIND_RETRY || reply->status == 429 || reply->status >= 500;
}

/* Free what was read. */
void s3_error_free(S3Error *error) {
    free(error->code);
    free(error->words);
    *error = (S3Error){0};
}
