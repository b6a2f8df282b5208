/* Reading a form with files (multipart/form-data, RFC 7578) that is here as a whole. */
#ifndef RC_FORM_DATA_H
#define RC_FORM_DATA_H

#include <stdbool.h>
#include <stddef.h>

/* One field. All of it is the reader's, for as long as it is shown. */
typedef struct FormPart {
    const char *name; /* as it was sent; "" where it has none */
    bool is_file;     /* it came with a file name */
    bool is_chosen;   /* which is not empty, as that of a field in which no file was chosen is */
    const char *bytes;
    size_t length;
} FormPart;

/* Take a field; false stops the reading. */
typedef bool FormPartCame(void *context, const FormPart *part);

/* Show each field of a form in its order. False where content_type (a header's value) or body is no
 * such form or has no end, then maybe after some fields, and where came has stopped it. */
bool form_data_read(const char *content_type, const char *body, size_t length, FormPartCame *came,
                    void *context);

#endif
