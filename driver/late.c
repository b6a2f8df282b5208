#include "late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Give up: without it nothing of what was asked for can be done. */
static void die(void) {
    fprintf(stderr, "renderchain: could not load a library: %s\n", dlerror());
    exit(70);
}

/* Load a library and find its functions. */
void late_load(const char *file, const char *const *names, size_t count, void *functions) {
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        die();
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, names[i]);
        if (!function)
            die();
        /* Pointers to functions are like those to objects wherever there is dlsym (POSIX). */
        memcpy((char *)functions + i * sizeof function, &function, sizeof function);
    }
}
