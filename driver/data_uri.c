#include "data_uri.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Does a text begin like one? */
bool data_uri_is(const char *text) {
    return strncasecmp(text, "data:", 5) == 0;
}

/* The value of a hexadecimal digit; -1 for none. */
static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Resolve percent-encoding in place; gives the length. */
static size_t resolve(char *text, size_t length) {
    size_t to = 0;
    for (size_t i = 0; i < length; i++) {
        int high = text[i] == '%' && i + 2 < length ? digit(text[i + 1]) : -1;
        int low = high >= 0 ? digit(text[i + 2]) : -1;
        if (low >= 0) {
            text[to++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[to++] = text[i];
        }
    }
    return to;
}

/* Decode base64 whose padding may be missing, as in many a data URI; NULL where it is damaged. */
static char *decode(const char *text, size_t length, size_t *got) {
    size_t padding = 0;
    while (length && padding < 2 && text[length - 1] == '=') {
        length--;
        padding++;
    }
    size_t whole = (length + 3) / 4 * 4;
    if (length % 4 == 1 || (padding && (length + padding) % 4 != 0) || memchr(text, '=', length))
        return NULL;
    char *padded = mem_alloc(whole + 1), *bytes = mem_alloc(whole / 4 * 3 + 1);
    memcpy(padded, text, length);
    memset(padded + length, '=', whole - length);
    int made = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)padded, (int)whole);
    free(padded);
    if (made < 0 || (size_t)made != whole / 4 * 3) {
        free(bytes);
        return NULL;
    }
    *got = (size_t)made - (whole - length);
    return bytes;
}

/* Does the part before the comma end in ";base64"? */
static bool is_base64(const char *head, size_t length) {
    static const char mark[] = ";base64";
    return length >= sizeof mark - 1 &&
           strncasecmp(head + length - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

/* Take the bytes out. */
bool data_uri_read(const char *text, size_t maximum, char **bytes, size_t *length, char **error) {
    const char *comma = strchr(text, ',');
    if (!data_uri_is(text) || !comma) {
        *error = mem_strdup("the data: URI has no comma");
        return false;
    }
    bool base64 = is_base64(text, (size_t)(comma - text));
    size_t room = strlen(comma + 1);
    if ((base64 ? room / 4 * 3 : room) > 3 * maximum) {
        *error = mem_printf("the data: URI has more than %zu bytes", maximum);
        return false;
    }
    char *content = mem_strdup(comma + 1);
    *length = resolve(content, room);
    if (base64) {
        char *decoded = decode(content, *length, length);
        free(content);
        content = decoded;
    }
    if (!content)
        *error = mem_strdup("the base64 of the data: URI is damaged");
    else if (*length > maximum)
        *error = mem_printf("the data: URI has more than %zu bytes", maximum);
    if (*error) {
        free(content);
        return false;
    }
    *bytes = content;
    return true;
}
