/* A multipart/form-data body (RFC 7578), put together by hand: libcurl's own would copy every
 * picture and could not be sent twice. */
#ifndef RC_MULTIPART_H
#define RC_MULTIPART_H

#include "body.h"

typedef struct Multipart {
    Body *body; /* the caller's once the form is closed */
    char boundary[48];
    bool full; /* something did not fit: the body is of no use */
} Multipart;

void multipart_begin(Multipart *form, size_t maximum);
void multipart_text(Multipart *form, const char *name, const char *value);

/* Add a file. Its bytes are borrowed until the body is freed; those of one that was made for this
 * are copied. */
void multipart_file(Multipart *form, const char *name, const char *filename, const char *mime,
                    Bytes *bytes);
void multipart_made_file(Multipart *form, const char *name, const char *filename, const char *mime,
                         const char *bytes, size_t length);

/* Close the form. Gives the Content-Type, the caller's; the body stays in the form. */
char *multipart_end(Multipart *form);

#endif
