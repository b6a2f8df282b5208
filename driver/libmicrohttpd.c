#include "libmicrohttpd.h"

#include "late.h"

/* The functions. */
const Libmicrohttpd *libmicrohttpd(void) {
#define F(name) "MHD_" #name,
    static const char *const names[] = {LIBMICROHTTPD_FUNCTIONS(F)};
#undef F
    static Libmicrohttpd functions;
    if (!functions.run)
        late_load("libmicrohttpd.so.12", names, sizeof names / sizeof names[0], &functions);
    return &functions;
}
