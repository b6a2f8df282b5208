#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* End the process: nothing useful can be done without memory. */
static void *must(void *memory) {
    if (memory)
        return memory;
    fputs("renderchain: out of memory\n", stderr);
    exit(70);
}

/* Allocate zeroed memory. */
void *mem_alloc(size_t size) {
    return must(calloc(1, size ? size : 1));
}

/* Change the size of an allocation. */
void *mem_grow(void *old, size_t size) {
    return must(realloc(old, size ? size : 1));
}

/* Copy a string; NULL stays NULL. */
char *mem_strdup(const char *text) {
    return text ? must(strdup(text)) : NULL;
}

/* Copy at most length bytes of a string. */
char *mem_strndup(const char *text, size_t length) {
    return must(strndup(text, length));
}

/* Format into a new string. */
char *mem_vprintf(const char *format, va_list args) {
    char *out = NULL;
    return vasprintf(&out, format, args) < 0 ? must(NULL) : out;
}

/* Format into a new string. */
char *mem_printf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *out = mem_vprintf(format, args);
    va_end(args);
    return out;
}

/* Replace *slot by a formatted text (which may mention the old one). */
void mem_set(char **slot, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *out = mem_vprintf(format, args);
    va_end(args);
    free(*slot);
    *slot = out;
}
