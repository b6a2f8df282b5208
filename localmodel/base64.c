#include "base64.h"

#include <stdint.h>
#include <stdlib.h>

#include "text.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a letter, or -1. */
static int bits_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, unsigned char **bytes, size_t *decoded) {
    size_t padding = 0;
    while (length > 0 && padding < 2 && text[length - 1] == '=')
        length--, padding++;
    if (length % 4 == 1 || (padding > 0 && (length + padding) % 4 != 0))
        return false;
    unsigned char *out = mem_new(length / 4 * 3 + 3, 1);
    uint32_t group = 0;
    *decoded = 0;
    *bytes = out;
    for (size_t i = 0; i < length; i++) {
        int bits = bits_of((unsigned char)text[i]);
        if (bits < 0) {
            free(out);
            *bytes = NULL;
            return false;
        }
        group = group << 6 | (uint32_t)bits;
        if (i % 4 == 3) {
            out[(*decoded)++] = (unsigned char)(group >> 16);
            out[(*decoded)++] = (unsigned char)(group >> 8);
            out[(*decoded)++] = (unsigned char)group;
        }
    }
    if (length % 4 == 2)
        out[(*decoded)++] = (unsigned char)(group >> 4);
    if (length % 4 == 3) {
        out[(*decoded)++] = (unsigned char)(group >> 10);
        out[(*decoded)++] = (unsigned char)(group >> 2);
    }
    return true;
}

char *base64_encode(const unsigned char *bytes, size_t length, size_t *encoded) {
    char *text = mem_new(length / 3 * 4 + 5, 1), *at = text;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0u);
        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[group & 63] : '=';
    }
    *encoded = (size_t)(at - text);
    return text;
}
