#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "base_url.h"
#include "image_file.h"
#include "schema.h"
#include "video.h"
#include "wire.h"

/* The providers that can be named, the protocol each speaks, and where its key is. */
static const struct {
    const char *name;
    const Wire *wire;
    const char *key_variable; /* NULL for that of the protocol */
    const char *key;          /* where there is none; NULL: it cannot do without */
    bool keyless_elsewhere;   /* at another URL than its own it can */
} providers[] = {
    {"local", &wire_gemini, "RENDERCHAIN_LOCALMODEL_KEY", "local", false},
    {"gemini", &wire_gemini, NULL, NULL, false},
    {"openai", &wire_openai, NULL, NULL, true},
};
static const char names[] = "local, gemini, openai";

/* Add a text part. */
void call_add_text(ModelCall *call, const char *format, ...) {
    if (call->part_count == CALL_MAX_PARTS)
        return;
    va_list args;
    va_start(args, format);
    call->parts[call->part_count++] = (CallPart){.text = mem_vprintf(format, args)};
    va_end(args);
}

/* Add an image part. */
void call_add_image(ModelCall *call, const char *bytes, size_t length, const char *mime) {
    if (call->part_count == CALL_MAX_PARTS)
        return;
    call->shows = true;
    call->parts[call->part_count++] = (CallPart){.bytes = bytes, .length = length, .mime = mime};
}

/* Add an image that marks where to edit. */
void call_add_mask(ModelCall *call, const char *bytes, size_t length, const char *mime) {
    call_add_image(call, bytes, length, mime);
    call->parts[call->part_count - 1].mask = true;
}

/* Free a call's texts. */
void call_free(ModelCall *call) {
    for (size_t i = 0; i < call->part_count; i++)
        free(call->parts[i].text);
    call->part_count = 0;
}

/* Free an answer. */
void answer_free(ModelAnswer *answer) {
    free(answer->message);
    json_decref(answer->json);
    free(answer->image);
    json_decref(answer->turn);
    json_decref(answer->usage);
    free(answer->model_version);
    free(answer->file);
    *answer = (ModelAnswer){.retry_after_ms = -1};
}

/* Forget a key. */
static void forget(char *key) {
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
}

/* Read a key from the first line of a file. */
static char *read_key(const char *path, char **error) {
    Buf buf;
    buf_init(&buf, 4096);
    if (!buf_read_file(&buf, path, error)) {
        buf_free(&buf);
        return NULL;
    }
    char *key = buf_take(&buf, NULL);
    key[strcspn(key, "\r\n")] = '\0';
    return key;
}

/* Keep a key without the spaces around it. One that is empty or holds what a header cannot
 * is refused; it is not shown. Takes the text. */
static bool take_key(Provider *provider, char *text, const char *from, char **error) {
    char *start = text + strspn(text, " \t\r\n");
    size_t length = strlen(start);
    while (length && strchr(" \t\r\n", start[length - 1]))
        length--;
    bool good = length > 0;
    for (size_t i = 0; i < length; i++)
        good = good && start[i] > ' ' && start[i] < 0x7F;
    if (good)
        provider->key = mem_strndup(start, length);
    else
        *error = mem_printf("the API key in %s %s", from,
                            length ? "has characters that no key has" : "is empty");
    forget(text);
    return good;
}

/* Find the key: in the file, else in the environment, else (NULL: none will do) the given one. */
static bool find_key(Provider *provider, const char *variable, const char *otherwise,
                     const char *file, char **error) {
    const char *value = getenv(variable);
    if (file) {
        char *text = read_key(file, error);
        return text && take_key(provider, text, file, error);
    }
    if (value && *value)
        return take_key(provider, mem_strdup(value), variable, error);
    if (otherwise) {
        provider->key = mem_strdup(otherwise);
        return true;
    }
    *error = mem_printf("no API key for provider %s: set %s, or name a file with --key-file",
                        provider->name, variable);
    return false;
}

/* Put the protocol's path behind a URL that names only a host. */
static void add_path(Provider *provider) {
    const char *host = strstr(provider->url, "://");
    if (provider->wire->default_path && host && !strchr(host + 3, '/'))
        mem_set(&provider->url, "%s%s", provider->url, provider->wire->default_path);
}

/* Set a provider up. */
bool provider_open(Provider *provider, const char *name, const char *url, const char *key_file,
                   char **error) {
    *provider = (Provider){0};
    size_t i = 0, count = sizeof providers / sizeof providers[0];
    while (i < count && strcmp(providers[i].name, name) != 0)
        i++;
    if (i == count) {
        *error = mem_printf("unknown provider \"%s\"; there are: %s", name, names);
        return false;
    }
    provider->name = providers[i].name;
    provider->wire = providers[i].wire;
    provider->url = mem_strdup(url ? url : provider->wire->default_url);
    const char *why = base_url_judge(provider->url, &provider->loopback);
    if (why) {
        *error = mem_printf("the provider URL %s", why);
        goto fail;
    }
    base_url_trim(provider->url);
    add_path(provider);
    const char *variable = providers[i].key_variable;
    const char *otherwise = url && providers[i].keyless_elsewhere ? "" : providers[i].key;
    if (!find_key(provider, variable ? variable : provider->wire->key_variable, otherwise, key_file,
                  error))
        goto fail;
    return true;
fail:
    provider_close(provider);
    return false;
}

/* Forget a provider, its key first. */
void provider_close(Provider *provider) {
    forget(provider->key);
    free(provider->url);
    *provider = (Provider){0};
}

/* Blot the key out. Keys are long; a short word is one that has no secret to keep. */
void provider_hide_key(const Provider *provider, const HttpReply *reply) {
    enum { KEY_LEAST = 12 };
    size_t length = provider->key ? strlen(provider->key) : 0;
    char *at = reply->body->data, *end = at ? at + reply->body->length : NULL;
    if (length < KEY_LEAST)
        return;
    while (at && (at = memmem(at, (size_t)(end - at), provider->key, length))) {
        memset(at, '*', length);
        at += length;
    }
}

/* Did nothing of the request get there? In these cases only a proxy heard of it, whatever
 * libcurl counted. */
static bool never_arrived(const HttpReply *reply) {
    return !reply->sent || reply->code == CURLE_COULDNT_RESOLVE_HOST ||
           reply->code == CURLE_COULDNT_RESOLVE_PROXY || reply->code == CURLE_COULDNT_CONNECT ||
           reply->code == CURLE_SSL_CONNECT_ERROR || reply->code == CURLE_PEER_FAILED_VERIFICATION;
}

/* Judge a transfer that brought no whole answer. An answer that is no HTTP is one that
 * nobody can read: the request may have been done. */
void answer_from_failure(const HttpReply *reply, ModelAnswer *answer) {
    if (reply->too_large)
        answer->outcome = OUTCOME_MALFORMED;
    else if (never_arrived(reply))
        answer->outcome = OUTCOME_UNREACHABLE;
    else
        answer->outcome = OUTCOME_UNKNOWN;
    answer->message = mem_strdup(reply->error);
}

/* Decode base64. NULL where it is none, which the answer says then. */
static char *decode(ModelAnswer *answer, const char *what, const char *base64, size_t length,
                    size_t *size) {
    const char *why;
    char *bytes = base64_decode(base64, length, size, &why);
    if (!bytes)
        wire_malformed(answer, "the %s's base64 %s (%zu characters)", what, why, length);
    return bytes;
}

/* Decode base64 and look at the image. */
void answer_take_image(ModelAnswer *answer, const char *base64, size_t length) {
    size_t size;
    char *why = NULL, *bytes = decode(answer, "image", base64, length, &size);
    if (!bytes)
        return;
    if (!image_probe(bytes, size, &answer->image_mime, &answer->image_width, &answer->image_height,
                     &why)) {
        wire_malformed(answer, "the model's image cannot be used: %s", why);
        free(why);
        free(bytes);
        return;
    }
    answer->image = bytes;
    answer->image_length = size;
    answer->outcome = OUTCOME_OK;
}

/* Decode base64 and look at the video. */
void answer_take_video(ModelAnswer *answer, const char *base64, size_t length) {
    size_t size;
    char *bytes = decode(answer, "video", base64, length, &size);
    if (!bytes)
        return;
    if (!video_probe(bytes, size)) {
        wire_malformed(answer, "the model's video is no MP4 file");
        free(bytes);
        return;
    }
    answer->image = bytes;
    answer->image_length = size;
    answer->image_mime = "video/mp4";
    answer->outcome = OUTCOME_OK;
}

/* Skip a code fence (three backticks, maybe a language) around an answer. */
static const char *inside_fence(const char *text, size_t *length) {
    while (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t')
        text++;
    *length = strlen(text);
    if (strncmp(text, "```", 3) != 0)
        return text;
    const char *start = strchr(text, '\n');
    if (!start)
        return text;
    const char *end = strstr(start, "```");
    *length = end ? (size_t)(end - start) : strlen(start);
    return start;
}

/* Take a JSON object out of a model's text. */
void answer_take_json(ModelAnswer *answer, const char *text, const json_t *schema) {
    size_t length;
    json_error_t where;
    const char *start = inside_fence(text, &length);
    json_t *json = json_loadb(start, length, JSON_REJECT_DUPLICATES, &where);
    if (!json) {
        wire_malformed(answer, "the model's JSON cannot be read: %s at position %d", where.text,
                       where.position);
        return;
    }
    char *why = NULL;
    if (!schema_check(schema, json, &why)) {
        wire_malformed(answer, "the model's JSON does not obey the schema: %s", why);
        free(why);
        json_decref(json);
        return;
    }
    schema_prune(schema, json);
    answer->json = json;
    answer->outcome = OUTCOME_OK;
}
