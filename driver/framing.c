#include "framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What the headers say of a body's length. */
typedef struct Framing {
    const char *length;
    bool coded, unknown, doubtful;
} Framing;

/* Look at a header. */
static enum MHD_Result look_at(void *context, enum MHD_ValueKind kind, const char *name,
                               const char *value) {
    Framing *framing = context;
    size_t length = strlen(name);
    (void)kind;
    /* To some a name with a space behind it is the name (RFC 9112, 5.1), to libmicrohttpd another.
     */
    framing->doubtful = framing->doubtful || (length && strchr(" \t", name[length - 1]));
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->doubtful = framing->doubtful || framing->coded;
        framing->unknown = framing->unknown || !value || strcasecmp(value, "chunked") != 0;
        framing->coded = true;
    }
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->doubtful =
            framing->doubtful || (framing->length && value && strcmp(framing->length, value) != 0);
        framing->length = value;
    }
    return MHD_YES;
}

/* Look at all headers. */
unsigned framing_refusal(struct MHD_Connection *connection, const char **why) {
    Framing framing = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at, &framing);
    bool doubtful = framing.doubtful || (framing.coded && framing.length);
    *why = doubtful ? "the length of the request can be read in two ways"
                    : "no other coding than chunked is known here";
    return doubtful ? 400 : framing.unknown ? 501 : 0;
}
