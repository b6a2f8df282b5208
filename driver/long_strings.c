#include "long_strings.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

/* U+001F does not occur in what models write. Who sends it on purpose gets another long
 * string of the same answer, and nothing else. */
#define MARK "\\u001flong string "
#define PARSED_MARK "\x1flong string "

/* What stands outside of strings is parsed into values that take a hundred times its place, and of
 * a provider's answers is a few kB. */
enum { OUTSIDE_MOST = 1 << 20 };

/* Find the end of a string (the quote that closes it); sets *plain where no escape is
 * in it, and no zero byte, which the parser must see to refuse it. NULL where it is not closed. */
static const char *string_end(const char *at, const char *end, bool *plain) {
    const char *quote = memchr(at, '"', (size_t)(end - at));
    *plain =
        quote && !memchr(at, '\\', (size_t)(quote - at)) && !memchr(at, '\0', (size_t)(quote - at));
    if (!quote || *plain)
        return quote;
    for (; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at : NULL;
}

/* Copy a text without its long strings; false where too much of it is outside of strings. */
static bool shorten(const char *text, size_t length, LongStrings *strings, Buf *out) {
    const char *at = text, *end = text + length, *copied = text;
    const char *quote;
    size_t outside = 0;
    while ((quote = memchr(at, '"', (size_t)(end - at)))) {
        bool plain;
        outside += (size_t)(quote - at) + 2;
        if (outside > OUTSIDE_MOST)
            return false;
        const char *close = string_end(quote + 1, end, &plain);
        if (!close)
            break;
        size_t inside = (size_t)(close - quote - 1);
        if (plain && inside >= LONG_STRING_LEAST && strings->count < LONG_STRINGS_MAXIMUM) {
            char mark[48];
            int size = snprintf(mark, sizeof mark, MARK "%zu", strings->count);
            strings->items[strings->count++] = (LongString){quote + 1, inside};
            if (!buf_append(out, copied, (size_t)(quote + 1 - copied)) ||
                !buf_append(out, mark, (size_t)size))
                return false;
            copied = close;
        }
        at = close + 1;
    }
    return outside + (size_t)(end - at) <= OUTSIDE_MOST &&
           buf_append(out, copied, (size_t)(end - copied));
}

/* Parse a text whose long strings stay where they are. */
json_t *long_strings_load(const char *text, size_t length, LongStrings *strings,
                          json_error_t *error) {
    Buf buf;
    strings->count = 0;
    buf_init(&buf, length + LONG_STRINGS_MAXIMUM * 48);
    json_t *json = NULL;
    if (shorten(text, length, strings, &buf))
        json = json_loadb(buf.data, buf.length, 0, error);
    else if (error)
        snprintf(error->text, sizeof error->text, "it has more than %d bytes outside of strings",
                 OUTSIDE_MOST);
    buf_free(&buf);
    return json;
}

/* The text behind a value. */
LongString long_string_find(const LongStrings *strings, const json_t *value) {
    const char *text = json_string_value(value);
    size_t index;
    if (!text)
        return (LongString){0};
    if (strncmp(text, PARSED_MARK, sizeof PARSED_MARK - 1) == 0 &&
        sscanf(text + sizeof PARSED_MARK - 1, "%zu", &index) == 1 && index < strings->count)
        return strings->items[index];
    return (LongString){text, json_string_length(value)};
}
