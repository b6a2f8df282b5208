#include "libpng.h"

#include "late.h"

/* The functions. */
const Libpng *libpng(void) {
#define F(name) "png_image_" #name,
    static const char *const names[] = {LIBPNG_FUNCTIONS(F)};
#undef F
    static Libpng functions;
    if (!functions.free)
        late_load("libpng16.so.16", names, sizeof names / sizeof names[0], &functions);
    return &functions;
}
