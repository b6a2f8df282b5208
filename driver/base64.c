#include "base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

enum { PADDING_MOST = 2 };

/* Decode what has no padding but at its end and nothing else that is no digit; NULL for all else.
 */
static char *decode(const char *text, size_t length, size_t *got) {
    size_t padding = 0;
    while (padding < PADDING_MOST && length > padding && text[length - 1 - padding] == '=')
        padding++;
    if (length == 0 || length % 4 != 0 || memchr(text, '=', length - padding))
        return NULL;
    char *bytes = mem_alloc(length / 4 * 3 + 1);
    int made = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length);
    /* The decoder passes over spaces at both ends: what it has made is less then. */
    if (made < 0 || (size_t)made != length / 4 * 3) {
        free(bytes);
        return NULL;
    }
    *got = (size_t)made - padding;
    bytes[*got] = '\0';
    return bytes;
}

/* Write it as RFC 4648 has it: without spaces and line breaks, in one alphabet, padded. NULL with
 * *why set where that cannot be. */
static char *tidy(const char *text, size_t length, size_t *size, const char **why) {
    char *tidied = mem_alloc(length + PADDING_MOST + 2);
    size_t digits = 0, padding = 0;
    *why = NULL;
    for (size_t i = 0; i < length && !*why; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c == '=')
            padding++;
        else if (padding)
            *why = "has padding in its middle";
        else
            tidied[digits++] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    if (!*why && (digits == 0 || digits % 4 == 1))
        *why = "is cut short";
    else if (!*why && padding && (padding > PADDING_MOST || (digits + padding) % 4 != 0))
        *why = "is padded wrongly";
    if (*why) {
        free(tidied);
        return NULL;
    }
    while (digits % 4 != 0)
        tidied[digits++] = '=';
    *size = digits;
    return tidied;
}

/* Decode it as it is, which nearly always will do, or else tidied up. */
char *base64_decode(const char *text, size_t length, size_t *got, const char **why) {
    char *bytes = decode(text, length, got);
    if (bytes)
        return bytes;
    size_t size;
    char *tidied = tidy(text, length, &size, why);
    if (!tidied)
        return NULL;
    bytes = decode(tidied, size, got);
    free(tidied);
    if (!bytes)
        *why = "is damaged";
    return bytes;
}
