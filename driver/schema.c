#include "schema.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 16 };

static bool check(const json_t *schema, const json_t *value, const char *path, int depth,
                  char **why);

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
static bool check_object(const json_t *schema, const json_t *value, const char *path, int depth,
                         char **why) {
    size_t i;
    json_t *name, *member;
    const char *key;
    json_array_foreach(json_object_get(schema, "required"), i, name) {
        if (!json_object_get(value, json_string_value(name))) {
            *why = mem_printf("%s lacks \"%s\"", path, json_string_value(name));
            return false;
        }
    }
    json_object_foreach(json_object_get(schema, "properties"), key, member) {
        const json_t *inner = json_object_get(value, key);
        char *inner_path = mem_printf("%s.%s", path, key);
        bool ok = !inner || check(member, inner, inner_path, depth + 1, why);
        free(inner_path);
        if (!ok)
            return false;
    }
    return true;
}

/* Check an array's length and items. */
static bool check_array(const json_t *schema, const json_t *value, const char *path, int depth,
                        char **why) {
    const json_t *most = json_object_get(schema, "maxItems");
    const json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *item;
    if (most && json_array_size(value) > (size_t)json_integer_value(most)) {
        *why = mem_printf("%s has %zu items, at most %lld are allowed", path,
                          json_array_size(value), (long long)json_integer_value(most));
        return false;
    }
    json_array_foreach(value, i, item) {
        char *inner_path = mem_printf("%s[%zu]", path, i);
        bool ok = !items || check(items, item, inner_path, depth + 1, why);
        free(inner_path);
        if (!ok)
            return false;
    }
    return true;
}

/* Check a number's range. */
static bool check_number(const json_t *schema, const json_t *value, const char *path, char **why) {
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    double number = json_number_value(value);
    if ((least && number < json_number_value(least)) ||
        (most && number > json_number_value(most))) {
        *why = mem_printf("%s is %g, outside its range", path, number);
        return false;
    }
    return true;
}

/* Check one value. */
static bool check(const json_t *schema, const json_t *value, const char *path, int depth,
                  char **why) {
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *list = json_object_get(schema, "enum");
    if (depth > DEEPEST) {
        *why = mem_printf("%s is nested too deeply", path);
        return false;
    }
    if (type && strcmp(type, type_name(value)) != 0) {
        *why = mem_printf("%s is of type %s, not %s", path, type_name(value), type);
        return false;
    }
    if (list && !in_enum(list, value)) {
        *why = mem_printf("%s is not one of the allowed values", path);
        return false;
    }
    if (json_is_object(value))
        return check_object(schema, value, path, depth, why);
    if (json_is_array(value))
        return check_array(schema, value, path, depth, why);
    if (json_is_number(value))
        return check_number(schema, value, path, why);
    return true;
}

/* Check a whole answer. */
bool schema_check(const json_t *schema, const json_t *value, char **why) {
    return check(schema, value, "answer", 0, why);
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
