/* Objects in a bucket of S3 or of a service that speaks it. */
#include <stdlib.h>
#include <string.h>

#include "base_url.h"
#include "s3.h"
#include "storage_backend.h"
#include "table.h"

enum {
    SMALL_ANSWER = 64 << 10,
    LIST_ANSWER = 8 << 20,
    ONE_REQUEST_MOST = 64 << 20, /* larger objects are sent in parts */
    CHECK_TRIES = 2,             /* somebody waits, and nothing is lost */
    PUT_TRIES = 8                /* the picture has been paid for: half a minute */
};

/* What is written to see whether the keys may write: never an object, since it begins with a dot.
 */
static const char probe_key[] = ".renderchain";

typedef struct S3Job {
    StorageJob job;
    Bucket *bucket;
    const char *verb; /* for messages */
    char *key;
    size_t maximum; /* bytes of an object that is read */
    S3Request *request;
    S3Upload *upload;
    Body *body; /* of an object that is stored in one request */
    bool open;  /* what comes is passed on as a file, or in memory */
} S3Job;

/* ---- jobs ---- */

/* Make a job. */
static S3Job *make_job(Storage *storage, const char *verb, const char *key) {
    S3Job *job = mem_alloc(sizeof *job);
    job->bucket = storage->place;
    job->verb = verb;
    job->key = mem_strdup(key);
    return job;
}

/* Free a job that is over. */
static void free_job(S3Job *job) {
    free(job->key);
    body_free(job->body);
    free(job);
}

/* Report. */
static void report(S3Job *job, StorageReply *reply) {
    storage_tell(&job->job, reply);
    free_job(job);
}

/* Report a failure. */
static void report_failure(S3Job *job, const char *why, bool absent) {
    char *words = mem_printf("could not %s \"%s\" in bucket \"%s\": %s", job->verb, job->key,
                             job->bucket->name, why);
    StorageReply reply = {.absent = absent, .error = words};
    report(job, &reply);
    free(words);
}

/* A request that only had to go well has been answered; removing what is not there does. */
static void answered(void *context, const S3Answer *answer) {
    S3Job *job = context;
    StorageReply reply = {.ok = true, .absent = answer->absent};
    job->request = NULL;
    if (answer->ok || answer->absent)
        report(job, &reply);
    else
        report_failure(job, answer->error, false);
}

/* An object has come, or not. */
static void got(void *context, const S3Answer *answer) {
    S3Job *job = context;
    StorageReply reply = {.ok = true};
    job->request = NULL;
    if (!answer->ok) {
        report_failure(job, answer->error, answer->absent);
        return;
    }
    reply.length = (size_t)(answer->body.end - answer->body.start);
    if (reply.length > job->maximum) {
        report_failure(job, "it is larger than the limit", false);
        return;
    }
    reply.bytes = mem_alloc(reply.length + 1);
    memcpy(reply.bytes, answer->body.start, reply.length);
    report(job, &reply);
}

/* Give an object out as the file that it is in, or as bytes where it is in none. */
static void pass_on(StorageReply *reply) {
    Bytes *bytes = reply->kept;
    reply->kept = NULL;
    reply->file = bytes_reopen(bytes);
    reply->has_file = reply->file >= 0;
    if (!reply->has_file) {
        reply->bytes = mem_alloc(reply->length + 1);
        reply->ok = bytes_copy(bytes, 0, reply->bytes, reply->length);
        reply->error = reply->ok ? NULL : "a temporary file cannot be read";
    }
    bytes_free(bytes);
}

/* An object that may be large has come, or not. */
static void got_large(void *context, const S3Answer *answer) {
    S3Job *job = context;
    StorageReply reply = {.ok = true};
    job->request = NULL;
    if (!answer->ok) {
        report_failure(job, answer->error, answer->absent);
        return;
    }
    reply.kept = answer->reply->kept ? *answer->reply->kept : bytes_begin(0);
    if (answer->reply->kept)
        *answer->reply->kept = NULL;
    reply.length = bytes_length(reply.kept);
    if (job->open)
        pass_on(&reply);
    report(job, &reply);
}

/* The size of an object has come, or not. */
static void looked(void *context, const S3Answer *answer) {
    S3Job *job = context;
    StorageReply reply = {.ok = true};
    const char *length = answer->ok ? http_header(answer->reply, "Content-Length") : NULL;
    job->request = NULL;
    if (!answer->ok) {
        report_failure(job, answer->error, answer->absent);
        return;
    }
    reply.length = length ? strtoull(length, NULL, 10) : 0;
    report(job, &reply);
}

/* Ask for one thing. */
static StorageJob *ask(S3Job *job, S3Call call, S3Done *done) {
    call.key = job->key;
    job->request = s3_send(job->bucket, &call, done, job);
    return &job->job;
}

/* See whether the keys may write, by writing: the right to list or to look says nothing. */
static StorageJob *s3_check(Storage *storage, bool room) {
    static const char words[] = "renderchain keeps objects here.\n";
    (void)room;
    S3Call call = {.method = "PUT",
                   .mime = "text/plain",
                   .body = words,
                   .length = sizeof words - 1,
                   .maximum = SMALL_ANSWER,
                   .tries = CHECK_TRIES};
    return ask(make_job(storage, "write", probe_key), call, answered);
}

/* An upload in parts has ended. */
static void uploaded(void *context, const char *error) {
    S3Job *job = context;
    StorageReply reply = {.ok = true};
    job->upload = NULL;
    if (error)
        report_failure(job, error, false);
    else
        report(job, &reply);
}

static StorageJob *s3_put(Storage *storage, const StorageObject *object) {
    S3Job *job = make_job(storage, "store", object->key);
    job->body = body_new(ONE_REQUEST_MOST);
    if (!body_append_bytes(job->body, object->bytes)) {
        job->upload = s3_upload(job->bucket, object, uploaded, job);
        return &job->job;
    }
    S3Call call = {.method = "PUT",
                   .mime = object->mime,
                   .pieces = job->body,
                   .sha256 = object->sha256,
                   .maximum = SMALL_ANSWER,
                   .tries = PUT_TRIES};
    return ask(job, call, answered);
}

static StorageJob *s3_get(Storage *storage, const char *key, size_t maximum) {
    /* what tells of an error may be larger than a small object */
    S3Call call = {.method = "GET", .maximum = maximum > SMALL_ANSWER ? maximum : SMALL_ANSWER};
    S3Job *job = make_job(storage, "read", key);
    job->maximum = maximum;
    return ask(job, call, got);
}

static StorageJob *s3_keep(Storage *storage, const char *key, size_t maximum) {
    S3Call call = {.method = "GET", .maximum = maximum, .kept = true};
    return ask(make_job(storage, "read", key), call, got_large);
}

static StorageJob *s3_open_object(Storage *storage, const char *key, size_t maximum) {
    StorageJob *job = s3_keep(storage, key, maximum);
    ((S3Job *)job)->open = true;
    return job;
}

static StorageJob *s3_head(Storage *storage, const char *key) {
    S3Call call = {.method = "HEAD", .maximum = SMALL_ANSWER};
    return ask(make_job(storage, "look at", key), call, looked);
}

static StorageJob *s3_remove(Storage *storage, const char *key) {
    S3Call call = {.method = "DELETE", .maximum = SMALL_ANSWER};
    return ask(make_job(storage, "remove", key), call, answered);
}

/* ---- listing ---- */

/* Read one entry; false where it is no object of ours. The whole key is kept, to go on behind it.
 */
static bool read_entry(const Bucket *bucket, XmlPart item, bool encoded, StorageEntry *entry,
                       char **last) {
    char *key = xml_text(item, "Key"), *size = xml_text(item, "Size");
    size_t prefix = strlen(bucket->prefix);
    bool ours = key && size;
    if (ours && encoded)
        s3_decode(key);
    if (ours)
        mem_set(last, "%s", key);
    ours = ours && strncmp(key, bucket->prefix, prefix) == 0 && storage_key_is_safe(key + prefix);
    if (ours)
        *entry = (StorageEntry){mem_strdup(key + prefix), strtoull(size, NULL, 10)};
    free(size);
    free(key);
    return ours;
}

static void list_from(S3Job *job, const char *whole_key);

/* A page has come, or not. One without any object of ours is passed over. */
static void listed(void *context, const S3Answer *answer) {
    S3Job *job = context;
    StorageReply reply = {.ok = true};
    const char *at = NULL;
    char *last = NULL;
    XmlPart item;
    job->request = NULL;
    if (!answer->ok) {
        report_failure(job, answer->error, false);
        return;
    }
    char *truncated = xml_text(answer->body, "IsTruncated");
    char *encoding = xml_text(answer->body, "EncodingType");
    reply.more = truncated && strcmp(truncated, "true") == 0;
    reply.entries = mem_alloc(STORAGE_PAGE * sizeof *reply.entries);
    while (reply.count < STORAGE_PAGE && xml_next(answer->body, &at, "Contents", &item))
        reply.count += read_entry(job->bucket, item, encoding && strcmp(encoding, "url") == 0,
                                  &reply.entries[reply.count], &last);
    free(truncated);
    free(encoding);
    if (reply.more && reply.count == 0 && last) {
        free(reply.entries);
        list_from(job, last);
    } else {
        report(job, &reply);
    }
    free(last);
}

/* Ask for the page behind a key, which has the prefix; "" for the first one. */
static void list_from(S3Job *job, const char *whole_key) {
    char *query = NULL;
    char *most = mem_printf("%d", STORAGE_PAGE);
    s3_query_add(&query, "encoding-type", "url");
    s3_query_add(&query, "list-type", "2");
    s3_query_add(&query, "max-keys", most);
    s3_query_add(&query, "prefix", job->bucket->prefix);
    s3_query_add(&query, "start-after", whole_key);
    S3Call call = {.method = "GET", .query = query, .maximum = LIST_ANSWER};
    job->request = s3_send(job->bucket, &call, listed, job);
    free(most);
    free(query);
}

static StorageJob *s3_list(Storage *storage, const char *after) {
    S3Job *job = make_job(storage, "list what follows", after);
    char *whole = *after ? mem_printf("%s%s", job->bucket->prefix, after) : mem_strdup("");
    list_from(job, whole);
    free(whole);
    return &job->job;
}

/* Give up on a job. */
static void s3_drop_job(StorageJob *base) {
    S3Job *job = (S3Job *)base;
    s3_drop(job->request);
    s3_upload_drop(job->upload);
    free_job(job);
}

/* ---- the place ---- */

static char *s3_url(const Storage *storage, const char *key) {
    const Bucket *bucket = storage->place;
    return mem_printf("s3://%s/%s%s", bucket->name, bucket->prefix, key);
}

/* Forget the bucket, its keys first. */
static void s3_close(Storage *storage) {
    Bucket *bucket = storage->place;
    s3_keys_free(&bucket->keys);
    free(bucket->base);
    free(bucket->name);
    free(bucket->prefix);
    free(bucket->region);
    free(bucket->sigv4);
    free(bucket);
}

/* The first of a value and some variables of the environment that is set; NULL where none is. */
static const char *first_of(const char *value, const char *variable, const char *other) {
    const char *const found[] = {value, getenv(variable), other ? getenv(other) : NULL};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        if (found[i] && *found[i])
            return found[i];
    return NULL;
}

/* Take "BUCKET/PREFIX" apart; false where that is no bucket's name or no prefix. */
static bool take_name(Bucket *bucket, const char *rest) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t length = strcspn(rest, "/");
    bucket->name = mem_strndup(rest, length);
    const char *prefix = rest[length] ? rest + length + 1 : "";
    size_t end = strlen(prefix);
    while (end && prefix[end - 1] == '/')
        end--;
    bucket->prefix = end ? mem_printf("%.*s/", (int)end, prefix) : mem_strdup("");
    bool plain = length > 0 && strspn(bucket->name, allowed) == length && text_is_utf8(prefix);
    if (plain && end) {
        char *as_key = mem_strndup(prefix, end);
        plain = storage_key_is_safe(as_key);
        free(as_key);
    }
    return plain;
}

/* Make the URL that paths are put behind. */
static bool take_endpoint(Bucket *bucket, const StorageOptions *options, char **error) {
    const char *named = first_of(options->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    const char *style = options->style ? options->style : "path";
    char *endpoint =
        named ? mem_strdup(named) : mem_printf("https://s3.%s.amazonaws.com", bucket->region);
    const char *why = base_url_judge(endpoint, &bucket->direct);
    bucket->virtual_host = strcmp(style, "virtual") == 0;
    if (why)
        *error = mem_printf("the storage endpoint %s", why);
    else if (!bucket->virtual_host && strcmp(style, "path") != 0)
        *error = mem_printf("storage style \"%s\" is neither path nor virtual", style);
    base_url_trim(endpoint);
    const char *host = strstr(endpoint, "://");
    if (!*error && bucket->virtual_host)
        bucket->base =
            mem_printf("%.*s://%s.%s", (int)(host - endpoint), endpoint, bucket->name, host + 3);
    else
        bucket->base = mem_strdup(endpoint);
    free(endpoint);
    return !*error;
}

/* Set up a bucket. */
static bool s3_open(Storage *storage, const char *rest, const StorageOptions *options, Http *http,
                    char **error) {
    static const StorageOptions none = {0};
    Bucket *bucket = mem_alloc(sizeof *bucket);
    const char *region =
        first_of(options ? options->region : NULL, "AWS_REGION", "AWS_DEFAULT_REGION");
    storage->place = bucket;
    bucket->http = http;
    bucket->region = mem_strdup(region ? region : "us-east-1");
    bucket->sigv4 = mem_printf("aws:amz:%s:s3", bucket->region);
    if (!take_name(bucket, rest))
        *error = mem_printf("storage \"s3://%s\" names no bucket and prefix", rest);
    else if (strpbrk(bucket->region, ":/ \t"))
        *error = mem_printf("storage region \"%s\" is none", bucket->region);
    if (*error || !take_endpoint(bucket, options ? options : &none, error) ||
        !s3_keys_find(&bucket->keys, options ? options->key_file : NULL, error)) {
        s3_close(storage);
        return false;
    }
    return true;
}

const StorageBackend storage_s3 = {
    .name = "s3",
    .scheme = "s3://",
    .form = "s3://BUCKET/PREFIX",
    .open = s3_open,
    .close = s3_close,
    .url = s3_url,
    .check = s3_check,
    .put = s3_put,
    .get = s3_get,
    .keep = s3_keep,
    .open_object = s3_open_object,
    .head = s3_head,
    .remove = s3_remove,
    .list = s3_list,
    .drop = s3_drop_job,
};
