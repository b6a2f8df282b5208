#include "xml.h"

#include <stdlib.h>
#include <string.h>

/* Find the tag that begins an element; gives what stands behind it, NULL where there is none. */
static const char *find_start(const char *at, const char *end, const char *name) {
    size_t length = strlen(name);
    while ((at = memchr(at, '<', (size_t)(end - at)))) {
        at++;
        if ((size_t)(end - at) <= length)
            return NULL;
        if (strncmp(at, name, length) != 0 || !strchr("> \t\r\n/", at[length]))
            continue;
        const char *close = memchr(at, '>', (size_t)(end - at));
        if (!close || close[-1] == '/')
            return NULL;
        return close + 1;
    }
    return NULL;
}

/* Find the next element of a name. */
bool xml_next(XmlPart whole, const char **at, const char *name, XmlPart *found) {
    const char *start = find_start(*at ? *at : whole.start, whole.end, name);
    if (!start)
        return false;
    char *closing = mem_printf("</%s>", name);
    const char *end = memmem(start, (size_t)(whole.end - start), closing, strlen(closing));
    if (end) {
        *found = (XmlPart){start, end};
        *at = end + strlen(closing);
    }
    free(closing);
    return end != NULL;
}

/* Write the character that an entity stands for; gives its length in the text, 0 for none. */
static size_t take_entity(const char *at, size_t left, char **to) {
    static const struct {
        const char *name;
        char character;
    } entities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        size_t length = strlen(entities[i].name);
        if (left >= length && strncmp(at, entities[i].name, length) == 0) {
            *(*to)++ = entities[i].character;
            return length;
        }
    }
    if (left < 4 || at[1] != '#')
        return 0;
    bool hex = at[2] == 'x';
    char *end;
    long code = strtol(at + (hex ? 3 : 2), &end, hex ? 16 : 10);
    if (end >= at + left || *end != ';' || code <= 0 || code > 0x7F)
        return 0;
    *(*to)++ = (char)code;
    return (size_t)(end + 1 - at);
}

/* The text of an element. */
char *xml_text(XmlPart whole, const char *name) {
    const char *from = NULL;
    XmlPart part;
    if (!xml_next(whole, &from, name, &part))
        return NULL;
    size_t left = (size_t)(part.end - part.start);
    char *text = mem_alloc(left + 1), *to = text;
    for (const char *at = part.start; left > 0;) {
        size_t taken = *at == '&' ? take_entity(at, left, &to) : 0;
        if (!taken) {
            *to++ = *at;
            taken = 1;
        }
        at += taken;
        left -= taken;
    }
    return text;
}
