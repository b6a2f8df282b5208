/* base64.h - standard base64 (RFC 4648 section 4), both ways. */
#ifndef RENDERCHAIN_BASE64_H
#define RENDERCHAIN_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decode; the URL-safe alphabet and missing padding are accepted as the service does.  False where
 * it is not base64; the caller frees *bytes. */
bool base64_decode(const char *text, size_t length, unsigned char **bytes, size_t *decoded)
    __attribute__((warn_unused_result));

/* Encode; the caller frees the NUL-terminated result. */
char *base64_encode(const unsigned char *bytes, size_t length, size_t *encoded)
    __attribute__((warn_unused_result));

#endif
