#include "base64.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

enum { PADDING_MOST = 2 };

enum { NO_DIGIT = 1u << 24 };

/* What a digit stands for at each of the four places of a group. */
static const uint32_t (*digit_values(void))[256] {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static uint32_t values[4][256];
    for (int place = 0; !values[3]['/'] && place < 4; place++) {
        for (int c = 0; c < 256; c++)
            values[place][c] = NO_DIGIT;
        for (uint32_t value = 0; value < 64; value++)
            values[place][(unsigned char)digits[value]] = value << (18 - 6 * place);
    }
    return (const uint32_t(*)[256])values;
}

/* Decode whole groups of four digits, in half the time that libcrypto takes; writes one byte more.
 * False where something else is among them. */
static bool decode_groups(char *to, const char *text, size_t groups) {
    const uint32_t(*values)[256] = digit_values();
    const unsigned char *at = (const unsigned char *)text;
    uint32_t all = 0;
    for (; groups > 0; groups--, at += 4, to += 3) {
        uint32_t bits = values[0][at[0]] | values[1][at[1]] | values[2][at[2]] | values[3][at[3]];
        all |= bits;
        bits = htobe32(bits << 8);
        memcpy(to, &bits, sizeof bits);
    }
    return !(all & NO_DIGIT);
}

/* Decode what has no padding but at its end and nothing else that is no digit; NULL for all else.
 */
static char *decode(const char *text, size_t length, size_t *got) {
    size_t padding = 0;
    while (padding < PADDING_MOST && length > padding && text[length - 1 - padding] == '=')
        padding++;
    if (length == 0 || length % 4 != 0)
        return NULL;
    char last[4];
    memcpy(last, text + length - 4, 4);
    memset(last + 4 - padding, 'A', padding);
    size_t groups = length / 4 - 1;
    char *bytes = mem_grow(NULL, length / 4 * 3 + 1);
    if (!decode_groups(bytes, text, groups) || !decode_groups(bytes + groups * 3, last, 1)) {
        free(bytes);
        return NULL;
    }
    *got = length / 4 * 3 - padding;
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
