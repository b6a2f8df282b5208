/* answer_schema.h - put what is known into the shape that a JSON schema asks for. */
#ifndef RENDERCHAIN_ANSWER_SCHEMA_H
#define RENDERCHAIN_ANSWER_SCHEMA_H

#include <jansson.h>

/*
 * Fill a schema (JSON Schema, or the service's OpenAPI subset with upper-case types) from facts, an
 * object of known values by property name.  Every property that is known is filled in; a required
 * one that is not gets the emptiest value its type allows.  Types, enumerations, limits of length
 * and range are kept.  A new reference; facts and schema are borrowed.
 */
json_t *answer_fill(const json_t *schema, const json_t *facts) __attribute__((warn_unused_result));

#endif
