#include "answer_schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEEPEST = 32 };

static json_t *fill(const json_t *schema, const json_t *fact, int depth);

/* The schema's type in lower case terms, also of ["string", "null"]; "" where none is said. */
static const char *type_of(const json_t *schema) {
    const json_t *type = json_object_get(schema, "type");
    size_t i;
    json_t *item;
    json_array_foreach(type, i, item) {
        const char *word = json_string_value(item);
        if (word && strcasecmp(word, "null") != 0)
            return word;
    }
    if (json_is_string(type))
        return json_string_value(type);
    return json_object_get(schema, "properties") ? "object" : "";
}

static bool is(const char *type, const char *name) {
    return strcasecmp(type, name) == 0;
}

/* A limit that may be written as a number or, in the OpenAPI subset, as a string. */
static bool limit_of(const json_t *schema, const char *name, double *limit) {
    const json_t *value = json_object_get(schema, name);
    if (json_is_number(value))
        *limit = json_number_value(value);
    else if (json_is_string(value))
        *limit = strtod(json_string_value(value), NULL);
    else
        return false;
    return true;
}

/* The fact where the list allows it, else what means nothing is known, else the first. */
static json_t *fill_enum(const json_t *list, const json_t *fact) {
    static const char *const neutral[] = {"unspecified", "neutral",   "unknown", "normal",
                                          "perspective", "eye-level", "natural"};
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (json_equal(item, fact))
            return json_incref(item);
    }
    for (size_t n = 0; n < sizeof neutral / sizeof neutral[0]; n++) {
        json_array_foreach(list, i, item) {
            if (json_is_string(item) && strcmp(json_string_value(item), neutral[n]) == 0)
                return json_incref(item);
        }
    }
    return json_incref(json_array_get(list, 0));
}

static json_t *fill_object(const json_t *schema, const json_t *fact, int depth) {
    json_t *object = json_object();
    const char *name;
    json_t *inner, *required;
    size_t i;
    json_object_foreach((json_t *)json_object_get(schema, "properties"), name, inner) {
        const json_t *known = json_object_get(fact, name);
        bool wanted = known != NULL;
        json_array_foreach(json_object_get(schema, "required"), i, required) {
            const char *word = json_string_value(required);
            wanted = wanted || (word && strcmp(word, name) == 0);
        }
        if (wanted)
            json_object_set_new(object, name, fill(inner, known, depth + 1));
    }
    return object;
}

static json_t *fill_array(const json_t *schema, const json_t *fact, int depth) {
    json_t *array = json_array();
    const json_t *items = json_object_get(schema, "items");
    double most = 1000, least = 0;
    size_t i;
    json_t *item;
    limit_of(schema, "maxItems", &most);
    limit_of(schema, "minItems", &least);
    json_array_foreach(fact, i, item) {
        if ((double)json_array_size(array) >= most)
            break;
        json_array_append_new(array, items ? fill(items, item, depth + 1) : json_incref(item));
    }
    while ((double)json_array_size(array) < least && json_array_size(array) < 64)
        json_array_append_new(array, items ? fill(items, NULL, depth + 1) : json_null());
    return array;
}

static json_t *fill_number(const json_t *schema, const json_t *fact, bool integer) {
    double value = json_is_number(fact) ? json_number_value(fact) : 0, limit;
    if (limit_of(schema, "minimum", &limit) && value < limit)
        value = limit;
    if (limit_of(schema, "maximum", &limit) && value > limit)
        value = limit;
    return integer ? json_integer((json_int_t)value) : json_real(value);
}

/* Fill one value; fact may be NULL. */
static json_t *fill(const json_t *schema, const json_t *fact, int depth) {
    const char *type = type_of(schema);
    const json_t *list = json_object_get(schema, "enum");
    if (depth > DEEPEST)
        return json_null();
    if (json_array_size(list) > 0)
        return fill_enum(list, fact);
    if (is(type, "object"))
        return fill_object(schema, fact, depth);
    if (is(type, "array"))
        return fill_array(schema, fact, depth);
    if (is(type, "number") || is(type, "integer"))
        return fill_number(schema, fact, is(type, "integer"));
    if (is(type, "boolean"))
        return json_boolean(json_is_true(fact));
    if (is(type, "string"))
        return json_is_string(fact) ? json_incref((json_t *)fact) : json_string("");
    return fact ? json_incref((json_t *)fact) : json_null();
}

json_t *answer_fill(const json_t *schema, const json_t *facts) {
    return fill(schema, facts, 0);
}
