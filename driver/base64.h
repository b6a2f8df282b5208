/* Base64 as it comes: by RFC 4648, and as it is written elsewhere, with line breaks (MIME), without
 * padding, or in the alphabet for URLs. A picture that was paid for is not lost over that. */
#ifndef RC_BASE64_H
#define RC_BASE64_H

#include <stddef.h>

/* The bytes, the caller's, with a zero byte behind them. NULL with *why set (static) where it is
 * none. */
char *base64_decode(const char *text, size_t length, size_t *got, const char **why);

#endif
