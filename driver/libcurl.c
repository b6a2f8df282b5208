#include "libcurl.h"

#include "late.h"

/* The functions. */
const Libcurl *libcurl(void) {
#define F(name) "curl_" #name,
    static const char *const names[] = {LIBCURL_FUNCTIONS(F)};
#undef F
    static Libcurl functions;
    if (!functions.easy_init)
        late_load("libcurl.so.4", names, sizeof names / sizeof names[0], &functions);
    return &functions;
}
