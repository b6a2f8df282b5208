/* text.h - memory that is always there, and texts that grow up to a maximum. */
#ifndef RENDERCHAIN_TEXT_H
#define RENDERCHAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MAXIMUM (1024 * 1024) /* bytes; what would make a text longer is left out */
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

typedef struct Text {
    char *data; /* NUL-terminated once something was added; NULL before */
    size_t length, capacity;
} Text;

/* Zeroed memory of `count` items; ends the program when there is none.  The caller frees it. */
void *mem_new(size_t count, size_t size) __attribute__((warn_unused_result));
/* A copy of at most `length` bytes; the caller frees it. */
char *mem_copy(const char *text, size_t length) __attribute__((warn_unused_result));

void text_add(Text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_add_bytes(Text *text, const char *bytes, size_t length);
void text_free(Text *text);
/* The text so far, "" where nothing was added; valid until the next change. */
const char *text_string(const Text *text);

/* Does `text` begin with `start`, whatever the case of ASCII letters? */
bool text_starts(const char *text, const char *start);

/* A 64-bit hash that is the same everywhere (FNV-1a, then mixed); `seed` continues one. */
uint64_t text_hash(uint64_t seed, const char *bytes, size_t length);

#endif
