/* Libraries that are loaded when they are first needed and not with the program. What brings many
 * others or is seldom used would make every command wait for it; and the sooner we can connect,
 * the sooner the database begins to start a process for us. Each has a header to be included in
 * place of its own (libcurl.h, libmicrohttpd.h, libpng.h), so that its functions are called by
 * their own names. */
#ifndef RC_LATE_H
#define RC_LATE_H

#include <stddef.h>

/* Load a library and find its functions by their names, in the order of a struct of pointers to
 * them; or say what is missing and end the program. */
void late_load(const char *file, const char *const *names, size_t count, void *functions);

#endif
