/* Takes very long strings (images in base64) out of a JSON text before it is parsed.
 * A JSON parser looks at every character of them, one by one; we only need to know
 * where they begin and end. */
#ifndef RC_LONG_STRINGS_H
#define RC_LONG_STRINGS_H

#include <jansson.h>
#include <stddef.h>

enum { LONG_STRINGS_MAXIMUM = 16, LONG_STRING_LEAST = 4096 };

typedef struct LongString {
    const char *at; /* borrowed from the JSON text */
    size_t length;
} LongString;

typedef struct LongStrings {
    LongString items[LONG_STRINGS_MAXIMUM];
    size_t count;
} LongStrings;

/* Parse a JSON text in which every string of at least LONG_STRING_LEAST bytes without
 * escapes (the first LONG_STRINGS_MAXIMUM of them) is replaced by a short mark that
 * long_string_find knows. The text must outlive the items. NULL where it is not JSON, or has more
 * than 1 MB outside of strings. */
json_t *long_strings_load(const char *text, size_t length, LongStrings *strings,
                          json_error_t *error);

/* The long string that stands behind a value, else the value's own text; at is NULL
 * where the value is no string. */
LongString long_string_find(const LongStrings *strings, const json_t *value);

#endif
