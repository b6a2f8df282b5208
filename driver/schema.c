#include "schema.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 16 };

/* Where a value is: nearly all are well, and a text of it would be for nobody. */
typedef struct Path {
    const struct Path *above; /* NULL for the answer itself */
    const char *key;          /* of a member; NULL for an item */
    size_t number;            /* of an item */
    int depth;
} Path;

static bool check(const json_t *schema, const json_t *value, const Path *path, char **why);

/* Write a path. */
static char *path_text(const Path *path) {
    if (!path->above)
        return mem_strdup("answer");
    char *text = path_text(path->above);
    if (path->key)
        mem_set(&text, "%s.%s", text, path->key);
    else
        mem_set(&text, "%s[%zu]", text, path->number);
    return text;
}

/* Say what is wrong with a value. */
static bool refuse(const Path *path, char **why, const char *format, ...) PRINTF_LIKE(3, 4);
static bool refuse(const Path *path, char **why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *where = path_text(path), *what = mem_vprintf(format, args);
    va_end(args);
    *why = mem_printf("%s %s", where, what);
    free(where);
    free(what);
    return false;
}

/* The name that JSON Schema has for a value's type. */
static const char *type_name(const json_t *value) {
    static const char *const names[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",  [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

/* Is the value one of the listed ones? */
static bool in_enum(const json_t *list, const json_t *value) {
    size_t i;
    json_t *allowed;
    json_array_foreach(list, i, allowed) {
        if (json_equal(allowed, value))
            return true;
    }
    return false;
}

/* Check an object's required and described members. */
static bool check_object(const json_t *schema, const json_t *value, const Path *path, char **why) {
    size_t i;
    json_t *name, *member;
    const char *key;
    json_array_foreach(json_object_get(schema, "required"), i, name) {
        if (!json_object_get(value, json_string_value(name)))
            return refuse(path, why, "lacks \"%s\"", json_string_value(name));
    }
    json_object_foreach(json_object_get(schema, "properties"), key, member) {
        const json_t *inner = json_object_get(value, key);
        Path inner_path = {.above = path, .key = key, .depth = path->depth + 1};
        if (inner && !check(member, inner, &inner_path, why))
            return false;
    }
    return true;
}

/* Check an array's length and items. */
static bool check_array(const json_t *schema, const json_t *value, const Path *path, char **why) {
    const json_t *most = json_object_get(schema, "maxItems");
    const json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *item;
    if (most && json_array_size(value) > (size_t)json_integer_value(most))
        return refuse(path, why, "has %zu items, at most %lld are allowed", json_array_size(value),
                      (long long)json_integer_value(most));
    json_array_foreach(value, i, item) {
        Path inner_path = {.above = path, .number = i, .depth = path->depth + 1};
        if (items && !check(items, item, &inner_path, why))
            return false;
    }
    return true;
}

/* Check a number's range. */
static bool check_number(const json_t *schema, const json_t *value, const Path *path, char **why) {
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    double number = json_number_value(value);
    if ((least && number < json_number_value(least)) || (most && number > json_number_value(most)))
        return refuse(path, why, "is %g, outside its range", number);
    return true;
}

/* Check one value. */
static bool check(const json_t *schema, const json_t *value, const Path *path, char **why) {
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *list = json_object_get(schema, "enum");
    if (path->depth > DEEPEST)
        return refuse(path, why, "is nested too deeply");
    if (type && strcmp(type, type_name(value)) != 0)
        return refuse(path, why, "is of type %s, not %s", type_name(value), type);
    if (list && !in_enum(list, value))
        return refuse(path, why, "is not one of the allowed values");
    if (json_is_object(value))
        return check_object(schema, value, path, why);
    if (json_is_array(value))
        return check_array(schema, value, path, why);
    if (json_is_number(value))
        return check_number(schema, value, path, why);
    return true;
}

/* Check a whole answer. */
bool schema_check(const json_t *schema, const json_t *value, char **why) {
    return check(schema, value, &(Path){0}, why);
}

/* Remove the members that an object's schema does not name. */
static void prune_object(const json_t *schema, json_t *value) {
    const json_t *properties = json_object_get(schema, "properties");
    bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    const char *key;
    json_t *member;
    void *next;
    json_object_foreach_safe(value, next, key, member) {
        const json_t *inner = json_object_get(properties, key);
        if (inner)
            schema_prune(inner, member);
        else if (closed)
            json_object_del(value, key);
    }
}

/* Take out what the schema does not name; it goes as deep as the schema does. */
void schema_prune(const json_t *schema, json_t *value) {
    const json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *item;
    if (json_is_object(value))
        prune_object(schema, value);
    json_array_foreach(value, i, item) {
        if (items)
            schema_prune(items, item);
    }
}
