#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Get memory or end: a server that cannot hold a sentence has nothing left to answer with. */
void *mem_new(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        fputs("renderchain-localmodel: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* Copy a text. */
char *mem_copy(const char *text, size_t length) {
    size_t end = strnlen(text, length);
    char *copy = mem_new(end + 1, 1);
    memcpy(copy, text, end);
    return copy;
}

/* Make room for `more` bytes and the end. */
static bool reserve(Text *text, size_t more) {
    if (more > TEXT_MAXIMUM || text->length + more > TEXT_MAXIMUM)
        return false;
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 128;
    while (capacity < wanted)
        capacity *= 2;
    char *data = mem_new(capacity, 1);
    if (text->length)
        memcpy(data, text->data, text->length);
    free(text->data);
    text->data = data;
    text->capacity = capacity;
    return true;
}

/* Add bytes as they are. */
void text_add_bytes(Text *text, const char *bytes, size_t length) {
    if (!reserve(text, length))
        return;
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

/* Add what printf would print. */
void text_add(Text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(text, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void text_free(Text *text) {
    free(text->data);
    *text = (Text){0};
}

const char *text_string(const Text *text) {
    return text->data ? text->data : "";
}

bool text_starts(const char *text, const char *start) {
    return strncasecmp(text, start, strlen(start)) == 0;
}

/* FNV-1a over the bytes, then the finaliser of splitmix64 so that near texts end far apart. */
uint64_t text_hash(uint64_t seed, const char *bytes, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}
