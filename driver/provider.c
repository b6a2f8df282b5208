#include "provider.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"
#include "schema.h"

/* The providers that can be named, and the protocol each speaks. */
static const struct {
    const char *name;
    const Wire *wire;
    bool needs_key;
} providers[] = {
    {"local", &wire_gemini, false},
    {"gemini", &wire_gemini, true},
};

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
    call->parts[call->part_count++] = (CallPart){.bytes = bytes, .length = length, .mime = mime};
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
    json_decref(answer->usage);
    free(answer->model_version);
    *answer = (ModelAnswer){.retry_after_ms = -1};
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

/* Set a provider up. */
bool provider_open(Provider *provider, const char *name, const char *url, const char *key_file,
                   char **error) {
    *provider = (Provider){0};
    size_t i = 0, count = sizeof providers / sizeof providers[0];
    while (i < count && strcmp(providers[i].name, name) != 0)
        i++;
    if (i == count) {
        *error = mem_printf("unknown provider \"%s\"; there are: local, gemini", name);
        return false;
    }
    provider->name = providers[i].name;
    provider->wire = providers[i].wire;
    provider->url = mem_strdup(url ? url : provider->wire->default_url);
    if (strncmp(provider->url, "http://", 7) != 0 && strncmp(provider->url, "https://", 8) != 0) {
        *error = mem_printf("provider URL \"%s\" does not begin with http:// or https://", url);
        goto fail;
    }
    size_t length = strlen(provider->url);
    while (length && provider->url[length - 1] == '/')
        provider->url[--length] = '\0';
    if (key_file && !(provider->key = read_key(key_file, error)))
        goto fail;
    const char *variable =
        providers[i].needs_key ? provider->wire->key_variable : "RENDERCHAIN_LOCALMODEL_KEY";
    if (!provider->key)
        provider->key = mem_strdup(getenv(variable));
    if (!provider->key && providers[i].needs_key) {
        *error = mem_printf("no API key for provider %s: set %s, or name a file with --key-file",
                            name, variable);
        goto fail;
    }
    if (!provider->key)
        provider->key = mem_strdup("local");
    return true;
fail:
    provider_close(provider);
    return false;
}

/* Forget a provider, its key first. */
void provider_close(Provider *provider) {
    if (provider->key)
        explicit_bzero(provider->key, strlen(provider->key));
    free(provider->key);
    free(provider->url);
    *provider = (Provider){0};
}

/* Nothing was sent in these cases, whatever libcurl counted. */
static bool never_arrived(CURLcode code) {
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_FAILED_INIT ||
           code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

/* Judge a transfer that brought no whole answer. */
void answer_from_failure(const HttpReply *reply, ModelAnswer *answer) {
    if (reply->too_large)
        answer->outcome = OUTCOME_MALFORMED;
    else if (never_arrived(reply->code) || !reply->sent)
        answer->outcome = OUTCOME_UNREACHABLE;
    else
        answer->outcome = OUTCOME_UNKNOWN;
    answer->message = mem_strdup(reply->error);
}

/* Mark an answer malformed. */
static void malformed(ModelAnswer *answer, const char *format, ...) PRINTF_LIKE(2, 3);
static void malformed(ModelAnswer *answer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    free(answer->message);
    answer->message = mem_vprintf(format, args);
    va_end(args);
    answer->outcome = OUTCOME_MALFORMED;
}

/* Decode base64 and look at the image. */
void answer_take_image(ModelAnswer *answer, const char *base64, size_t length) {
    while (length && base64[length - 1] == '\n')
        length--;
    size_t padding = 0;
    while (padding < 2 && length > padding && base64[length - 1 - padding] == '=')
        padding++;
    if (length == 0 || length % 4 != 0) {
        malformed(answer, "the image's base64 is cut short (%zu characters)", length);
        return;
    }
    /* The decoder takes padding anywhere; it belongs at the end (RFC 4648, 3.3). */
    if (memchr(base64, '=', length - padding)) {
        malformed(answer, "the image's base64 has padding in its middle");
        return;
    }
    char *bytes = mem_alloc(length / 4 * 3 + 1);
    int got = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)base64, (int)length);
    if (got < 0 || (size_t)got != length / 4 * 3) {
        malformed(answer, "the image's base64 is damaged");
        free(bytes);
        return;
    }
    char *why = NULL;
    size_t size = (size_t)got - padding;
    if (!image_probe(bytes, size, &answer->image_mime, &answer->image_width,
                     &answer->image_height, &why)) {
        malformed(answer, "the model's image cannot be used: %s", why);
        free(why);
        free(bytes);
        return;
    }
    answer->image = bytes;
    answer->image_length = size;
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
        malformed(answer, "the model's JSON cannot be read: %s at position %d", where.text,
                  where.position);
        return;
    }
    char *why = NULL;
    if (!schema_check(schema, json, &why)) {
        malformed(answer, "the model's JSON does not obey the schema: %s", why);
        free(why);
        json_decref(json);
        return;
    }
    answer->json = json;
    answer->outcome = OUTCOME_OK;
}

/* Append bytes as base64. */
bool base64_append(Buf *buf, const char *bytes, size_t length) {
    char *at = buf_extend(buf, (length + 2) / 3 * 4);
    if (at)
        EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)bytes, (int)length);
    return at != NULL;
}
