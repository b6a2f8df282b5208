/* Giving out what is stored: whole, or the part that is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

enum { OBJECT_MAXIMUM = 512 << 20 }; /* of storage without files; as large as a video may be */

typedef struct Output {
    Serve *serve;
    WebRequest *request;
    char *key, *mime, *etag;
} Output;

static void free_output(Output *output) {
    free(output->key);
    free(output->mime);
    free(output->etag);
    free(output);
}

/* Read digits, and nothing else that a number might begin with; false where there are none. */
static bool read_digits(const char **at, unsigned long long *number) {
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *number = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

/* Read "bytes=A-B", "bytes=A-" or "bytes=-N" of so many bytes. 1: a part, 0: the whole (also for
 * what is not understood, as RFC 9110, 14.2 wants it), -1: none of it is there. */
static int read_range(const char *text, size_t length, size_t *from, size_t *to) {
    unsigned long long first = 0, last = 0;
    if (!text || strncmp(text, "bytes=", 6) != 0)
        return 0;
    text += 6;
    bool has_first = read_digits(&text, &first);
    if (*text++ != '-')
        return 0;
    bool has_last = read_digits(&text, &last);
    if (*text || (!has_first && !has_last) || (has_first && has_last && last < first))
        return 0;
    if (!has_first) {
        *from = last < length ? length - last : 0;
        *to = length;
        return last > 0 && length > 0 ? 1 : -1;
    }
    *from = first;
    *to = has_last && last < length ? last + 1 : length;
    return first < length ? 1 : -1;
}

/* The part that is asked for, unless it is to be one of another version (If-Range). */
static const char *wanted_range(const Output *output) {
    const char *version = web_header(output->request, "If-Range");
    bool other = version && (!output->etag || strcmp(version, output->etag) != 0);
    return other ? NULL : web_header(output->request, "Range");
}

/* Answer with the bytes. */
static void send_bytes(Output *output, StorageReply *reply) {
    WebRequest *request = output->request;
    size_t from = 0, to = reply->length;
    int part = read_range(wanted_range(output), reply->length, &from, &to);
    char *range = part < 0 ? mem_printf("bytes */%zu", reply->length)
                           : mem_printf("bytes %zu-%zu/%zu", from, to - 1, reply->length);
    if (part)
        web_add_header(request, "Content-Range", range);
    free(range);
    if (part < 0) {
        web_answer_problem(request, 416, "there are no such bytes", NULL, NULL);
        return;
    }
    web_add_header(request, "Accept-Ranges", "bytes");
    web_add_header(request, "Vary", "Authorization");
    web_add_header(request, "Cache-Control", "private, max-age=31536000, immutable");
    /* Whatever it is, it is not to act as a page of ours. */
    web_add_header(request, "Content-Security-Policy", "default-src 'none'; sandbox");
    if (output->etag)
        web_add_header(request, "ETag", output->etag);
    if (reply->has_file && to > from) {
        reply->has_file = false;
        web_answer_file(request, part ? 206 : 200, output->mime, reply->file, from, to - from);
        return;
    }
    char *bytes = reply->bytes;
    reply->bytes = NULL;
    if (from > 0 && to > from) /* what is empty may be no memory at all */
        memmove(bytes, bytes + from, to - from);
    web_answer(request, part ? 206 : 200, output->mime, bytes, to - from);
}

/* It was read or opened in storage. */
static void read_object(void *context, StorageReply *reply) {
    Output *output = context;
    if (reply->ok) {
        send_bytes(output, reply);
    } else if (reply->absent) {
        web_answer_problem(output->request, 404, "there is no such thing", NULL, NULL);
    } else {
        fprintf(stderr, "renderchain: %s\n", reply->error);
        web_answer_problem(output->request, 502, "storage does not give it out", NULL, NULL);
    }
    free_output(output);
}

/* It is the user's, or it is not. */
static void allowed(void *context, const DbReply *reply) {
    Output *output = context;
    WebRequest *request = output->request;
    const char *known = web_header(request, "If-None-Match");
    if (!reply->ok) {
        serve_refuse(request, reply);
        free_output(output);
        return;
    }
    json_t *object = json_loads(PQgetvalue(reply->result, 0, 0), 0, NULL);
    const char *mime = json_string_value(json_object_get(object, "mime"));
    const char *hash = json_string_value(json_object_get(object, "sha256"));
    const char *extension = strrchr(output->key, '.');
    if (!mime && extension)
        mime = strcmp(extension, ".png") == 0                                      ? "image/png"
               : strcmp(extension, ".jpg") == 0 || strcmp(extension, ".jpeg") == 0 ? "image/jpeg"
               : strcmp(extension, ".webp") == 0                                   ? "image/webp"
               : strcmp(extension, ".mp4") == 0                                    ? "video/mp4"
                                                                                   : NULL;
    output->mime = mem_strdup(mime ? mime : "application/octet-stream");
    if (hash)
        output->etag = mem_printf("\"%s\"", hash);
    json_decref(object);
    if (known && output->etag && (strcmp(known, "*") == 0 || strstr(known, output->etag))) {
        web_add_header(request, "ETag", output->etag);
        web_answer(request, 304, NULL, NULL, 0);
        free_output(output);
        return;
    }
    storage_open_object(&output->serve->app->storage, output->key, OBJECT_MAXIMUM, read_object,
                        output);
}

/* Give out an object. */
void serve_output(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    if (!storage_key_is_safe(part)) {
        web_answer_problem(request, 404, "there is no such thing", NULL, NULL);
        return;
    }
    if (!db_is_up(serve->app->db)) {
        serve_unavailable(request);
        return;
    }
    Output *output = mem_alloc(sizeof *output);
    *output = (Output){.serve = serve, .request = request, .key = mem_strdup(part)};
    const char *parameters[] = {part, serve_user(request)};
    db_call_once(serve->app->db, route->sql, 2, parameters, allowed, output);
}
