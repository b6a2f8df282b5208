#include "libcurl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBRARY "libcurl.so.4"

/* Find a function, or give up. */
static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function)
        return function;
    fprintf(stderr, "renderchain: %s has no function %s: at least version 7.87 is needed\n",
            LIBRARY, name);
    exit(70);
}

/* Load the library. */
static Libcurl load(void) {
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "renderchain: could not load %s: %s\n", LIBRARY, dlerror());
        exit(70);
    }
    Libcurl found;
    /* dlsym gives objects; functions are of their size wherever it exists (POSIX) */
#define F(name) *(void **)&found.name = find(library, "curl_" #name);
    LIBCURL_FUNCTIONS(F)
#undef F
    return found;
}

/* The functions. */
const Libcurl *libcurl(void) {
    static Libcurl functions;
    if (!functions.easy_init)
        functions = load();
    return &functions;
}
