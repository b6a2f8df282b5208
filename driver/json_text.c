#include "json_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

/* Append bytes. */
static void append(Buf *out, const char *bytes, size_t length) {
    char *room = buf_extend(out, length);
    if (room)
        memcpy(room, bytes, length);
}

/* Append one byte. */
static void append_char(Buf *out, char c) {
    append(out, &c, 1);
}

/* Append a character that cannot stand in a string as it is. */
static void append_escaped(Buf *out, char c) {
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = memchr(plain, c, sizeof plain - 1);
    char text[8];
    if (at)
        snprintf(text, sizeof text, "\\%c", letters[at - plain]);
    else
        snprintf(text, sizeof text, "\\u%04X", (unsigned char)c);
    append(out, text, strlen(text));
}

/* Append a string. */
static void append_string(Buf *out, const char *text, size_t length) {
    const char *end = text + length, *from = text;
    append_char(out, '"');
    for (const char *at = text; at < end; at++) {
        if ((unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
            continue;
        append(out, from, (size_t)(at - from));
        append_escaped(out, *at);
        from = at + 1;
    }
    append(out, from, (size_t)(end - from));
    append_char(out, '"');
}

/* Append a number that is no integer. */
static void append_real(Buf *out, const json_t *value) {
    char text[64];
    size_t length = json_dumpb(value, text, sizeof text, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    append(out, text, length < sizeof text ? length : 0);
}

static void append_value(Buf *out, const json_t *value);

/* Append an object. */
static void append_object(Buf *out, json_t *object) {
    char before = '{';
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        append_char(out, before);
        append_string(out, key, strlen(key));
        append_char(out, ':');
        append_value(out, json_object_iter_value(at));
        before = ',';
    }
    if (before == '{')
        append_char(out, '{');
    append_char(out, '}');
}

/* Append an array. */
static void append_array(Buf *out, const json_t *array) {
    size_t i;
    json_t *item;
    append_char(out, '[');
    json_array_foreach(array, i, item) {
        if (i)
            append_char(out, ',');
        append_value(out, item);
    }
    append_char(out, ']');
}

/* Append a value. */
static void append_value(Buf *out, const json_t *value) {
    static const char *const words[] = {
        [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null"};
    char number[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        append_object(out, (json_t *)value);
        break;
    case JSON_ARRAY:
        append_array(out, value);
        break;
    case JSON_STRING:
        append_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        append(out, number, strlen(number));
        break;
    case JSON_REAL:
        append_real(out, value);
        break;
    default:
        append(out, words[json_typeof(value)], strlen(words[json_typeof(value)]));
    }
}

/* Write a value. */
char *json_text(const json_t *value) {
    Buf out;
    if (!value)
        return NULL;
    buf_init(&out, SIZE_MAX / 2);
    append_value(&out, value);
    return buf_take(&out, NULL);
}
