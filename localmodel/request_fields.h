/* request_fields.h - which fields a generateContent request may have, and of what type. */
#ifndef RENDERCHAIN_REQUEST_FIELDS_H
#define RENDERCHAIN_REQUEST_FIELDS_H

#include "gemini_request.h"

/* Check the names and types of a whole body.  False with the first fault in *refusal. */
bool fields_check(const json_t *body, Refusal *refusal) __attribute__((warn_unused_result));

/* A member by its camelCase name, or by the same name in snake_case.  Borrowed; NULL if absent. */
json_t *field_get(const json_t *object, const char *name);

#endif
