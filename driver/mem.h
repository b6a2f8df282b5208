/* Allocation that cannot fail: the driver holds no state that outlives it, so
 * running out of memory ends the process and another driver goes on. */
#ifndef RC_MEM_H
#define RC_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define MUSTCHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* All return memory that the caller frees with free(); they never return NULL. */
void *mem_alloc(size_t size); /* zeroed */
void *mem_grow(void *old, size_t size);
char *mem_strdup(const char *text); /* NULL stays NULL */
char *mem_strndup(const char *text, size_t length);
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);
char *mem_vprintf(const char *format, va_list args);

/* Replace *slot by a formatted text, freeing the old one. */
void mem_set(char **slot, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
