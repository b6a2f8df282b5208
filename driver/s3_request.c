/* One request to S3, signed by libcurl, with its retries. The rules that make signatures right
 * with every libcurl from 7.87 on: the body's hash is in a header of ours, paths and queries come
 * encoded and sorted, and no Expect header is set or switched off. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"
#include "outcome.h"
#include "s3.h"

enum {
    USUAL_TRIES = 5,
    CONNECT_TIMEOUT_MS = 10000,
    IDLE_TIMEOUT_MS = 30000,
    TOTAL_TIMEOUT_MS = 60000,
    SLOWEST_BYTES_A_SECOND = 50000
};

struct S3Request {
    Bucket *bucket;
    const char *method; /* static */
    char *path;         /* with the query */
    char *mime;
    const char *body;
    Body *pieces;
    size_t length, maximum;
    bool kept;
    char sha256[65];
    int tries, most_tries;
    bool reloaded; /* the key file has been read again */
    HttpCall *sent;
    LoopTimer *timer; /* until the next try */
    S3Done *done;
    void *context;
};

static void reply_came(void *context, const HttpReply *reply);

/* Free a request that is neither out nor waiting. */
static void free_request(S3Request *request) {
    free(request->path);
    free(request->mime);
    free(request);
}

/* Add a header. */
static struct curl_slist *add(struct curl_slist *headers, const char *name, const char *value) {
    char *line = mem_printf("%s: %s", name, value);
    headers = curl_slist_append(headers, line);
    free(line);
    return headers;
}

/* Send it once. */
static void send_once(void *context) {
    S3Request *request = context;
    const Bucket *bucket = request->bucket;
    struct curl_slist *headers = add(NULL, "x-amz-content-sha256", request->sha256);
    if (request->body || request->pieces)
        headers = add(headers, "Content-Type", request->mime);
    if (bucket->keys.token)
        headers = add(headers, "x-amz-security-token", bucket->keys.token);
    size_t bytes = request->length > request->maximum ? request->length : request->maximum;
    HttpRequest http = {
        .method = request->method,
        .url = mem_printf("%s%s", bucket->base, request->path),
        .body = request->body,
        .body_length = request->length,
        .pieces = request->pieces,
        .headers = headers,
        .reply_maximum = request->maximum,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
        .total_timeout_ms = TOTAL_TIMEOUT_MS + (long)(bytes / SLOWEST_BYTES_A_SECOND) * 1000,
        .direct = bucket->direct,
        .kept = request->kept,
        .repeatable = true,
        .sigv4 = bucket->sigv4,
        .user = bucket->keys.id,
        .password = bucket->keys.secret,
    };
    request->timer = NULL;
    request->tries++;
    request->sent = http_send(bucket->http, http, reply_came, request);
}

/* Is it worth another try, and when? */
static bool try_again(S3Request *request, const S3Error *error, const HttpReply *reply) {
    double wait = outcome_wait(request->tries, reply->retry_after_ms);
    if (error->keys_are_old && !request->reloaded && s3_keys_reload(&request->bucket->keys)) {
        request->reloaded = true;
        wait = 0;
    } else if (!error->retry || request->tries >= request->most_tries ||
               wait > OUTCOME_LONGEST_WAIT_MS) {
        return false;
    }
    request->timer = loop_after(http_loop(request->bucket->http), wait, send_once, request);
    return true;
}

/* Judge a reply, then try again or report. */
static void reply_came(void *context, const HttpReply *reply) {
    S3Request *request = context;
    S3Error error = {0};
    XmlPart body = {reply->body->data ? reply->body->data : "", NULL};
    body.end = body.start + reply->body->length;
    bool ok = s3_is_success(reply, body);
    request->sent = NULL;
    if (!ok)
        s3_error_read(&error, request->bucket, reply, body);
    if (ok || !try_again(request, &error, reply)) {
        S3Answer answer = {.ok = ok,
                           .absent = error.absent,
                           .status = reply->status,
                           .code = error.code ? error.code : "",
                           .error = error.words ? error.words : "",
                           .reply = reply,
                           .body = body};
        request->done(request->context, &answer);
        free_request(request);
    }
    s3_error_free(&error);
}

/* Hash what is sent in pieces; what cannot be read is found when it is sent. */
static void hash_pieces(Body *pieces, char hex[65]) {
    enum { ROOM = 256 << 10 };
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    char *room = mem_alloc(ROOM);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (size_t at = 0, got; ok && (got = body_read(pieces, at, room, ROOM)) > 0; at += got)
        ok = got != BODY_UNREADABLE && EVP_DigestUpdate(hash, room, got);
    if (ok)
        EVP_DigestFinal_ex(hash, digest, NULL);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    body_let_go(pieces);
    EVP_MD_CTX_free(hash);
    free(room);
}

/* Send. */
S3Request *s3_send(Bucket *bucket, const S3Call *call, S3Done *done, void *context) {
    S3Request *request = mem_alloc(sizeof *request);
    char *path = s3_path(bucket, call->key);
    *request =
        (S3Request){.bucket = bucket,
                    .method = call->method,
                    .path = call->query ? mem_printf("%s?%s", path, call->query) : mem_strdup(path),
                    .mime = mem_strdup(call->mime ? call->mime : "application/octet-stream"),
                    .body = call->body,
                    .pieces = call->pieces,
                    .length = call->pieces ? body_length(call->pieces) : call->length,
                    .kept = call->kept,
                    .maximum = call->maximum,
                    .most_tries = call->tries ? call->tries : USUAL_TRIES,
                    .done = done,
                    .context = context};
    free(path);
    if (call->sha256)
        memcpy(request->sha256, call->sha256, sizeof request->sha256);
    else if (call->pieces)
        hash_pieces(call->pieces, request->sha256);
    else
        sha256_hex(call->body ? call->body : "", call->length, request->sha256);
    send_once(request);
    return request;
}

/* Give up. */
void s3_drop(S3Request *request) {
    if (!request)
        return;
    if (request->timer)
        loop_cancel(http_loop(request->bucket->http), request->timer);
    http_drop(request->sent);
    free_request(request);
}
