/* form.h - multipart/form-data bodies, read in place. */
#ifndef RENDERCHAIN_FORM_H
#define RENDERCHAIN_FORM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct FormPart {
    char name[64];
    char mime[64];     /* "" for a text field */
    const char *bytes; /* in the body */
    size_t length;
} FormPart;

enum { FORM_PARTS = 40 };

typedef struct Form {
    FormPart parts[FORM_PARTS];
    size_t count;
} Form;

/* Read a body by its content type.  False where it is no form, or not whole. */
bool form_read(const char *type, const char *body, size_t length, Form *form)
    __attribute__((warn_unused_result));

/* A text field's value, which the caller frees, or NULL. */
char *form_text(const Form *form, const char *name);

#endif
