/* How keys become URLs. Services compare signatures over the path as it is sent, so every byte
 * but those of RFC 3986's unreserved set (and the slash, in a path) is encoded, with upper-case
 * digits; dots that a server could resolve are no keys of ours. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "s3.h"

/* Encode a text; the caller frees. */
static char *encode(const char *text, const char *kept) {
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = mem_alloc(3 * strlen(text) + 1), *to = encoded;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte < 0x80 && isalnum(byte)) || strchr(kept, byte)) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '%';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    return encoded;
}

/* The path of a key. */
char *s3_path(const Bucket *bucket, const char *key) {
    char *whole = key ? mem_printf("%s%s", bucket->prefix, key) : mem_strdup("");
    char *encoded = encode(whole, "-._~/");
    char *path = bucket->virtual_host ? mem_printf("/%s", encoded)
                 : key                ? mem_printf("/%s/%s", bucket->name, encoded)
                                      : mem_printf("/%s", bucket->name);
    free(encoded);
    free(whole);
    return path;
}

/* Append to a query. */
void s3_query_add(char **query, const char *name, const char *value) {
    char *encoded = encode(value, "-._~");
    mem_set(query, "%s%s%s=%s", *query ? *query : "", *query ? "&" : "", name, encoded);
    free(encoded);
}

/* The value of a hexadecimal digit, -1 for none. */
static int digit(char c) {
    const char *at = strchr("0123456789abcdef", tolower((unsigned char)c));
    return c && at ? (int)(at - "0123456789abcdef") : -1;
}

/* Decode in place. */
void s3_decode(char *text) {
    char *to = text;
    for (; *text; text++) {
        int high = *text == '%' ? digit(text[1]) : -1;
        int low = high >= 0 ? digit(text[2]) : -1;
        if (low >= 0) {
            *to++ = (char)(high << 4 | low);
            text += 2;
        } else {
            *to++ = *text == '+' ? ' ' : *text;
        }
    }
    *to = '\0';
}
