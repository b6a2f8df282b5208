#include "form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

/* Copy a quoted parameter of a header, such as name="x". */
static void take_parameter(const char *head, const char *name, char *value, size_t size) {
    const char *at = strstr(head, name);
    *value = '\0';
    if (at)
        snprintf(value, size, "%.*s", (int)strcspn(at + strlen(name), "\""), at + strlen(name));
}

/* Read the head of a part. */
static bool read_head(const char *bytes, size_t length, FormPart *part) {
    char *head = mem_copy(bytes, length);
    const char *type = strcasestr(head, "\r\nContent-Type:");
    take_parameter(head, " name=\"", part->name, sizeof part->name);
    if (type) {
        type += strlen("\r\nContent-Type:");
        type += strspn(type, " ");
        snprintf(part->mime, sizeof part->mime, "%.*s", (int)strcspn(type, "\r;"), type);
    }
    free(head);
    return part->name[0] != '\0';
}

/* Read one part, from behind its boundary to the next one. */
static bool read_part(const char *at, const char *next, Form *form) {
    const char *head_end = memmem(at, (size_t)(next - at), "\r\n\r\n", 4);
    if (!head_end || next - head_end < 6 || form->count == FORM_PARTS)
        return false;
    FormPart *part = &form->parts[form->count];
    *part = (FormPart){.bytes = head_end + 4, .length = (size_t)(next - head_end - 6)};
    if (!read_head(at, (size_t)(head_end - at), part))
        return false;
    form->count++;
    return true;
}

bool form_read(const char *type, const char *body, size_t length, Form *form) {
    char boundary[80];
    const char *named = strstr(type, "boundary=");
    *form = (Form){0};
    if (!text_starts(type, "multipart/form-data") || !named)
        return false;
    named += strlen("boundary=");
    named += *named == '"';
    int size = snprintf(boundary, sizeof boundary, "--%.*s", (int)strcspn(named, "\";\r\n"), named);
    const char *end = body + length, *at = memmem(body, length, boundary, (size_t)size);
    while (at) {
        at += size;
        if (end - at >= 2 && memcmp(at, "--", 2) == 0)
            return true;
        const char *next = memmem(at, (size_t)(end - at), boundary, (size_t)size);
        if (!next || !read_part(at, next, form))
            return false;
        at = next;
    }
    return false;
}

char *form_text(const Form *form, const char *name) {
    for (size_t i = 0; i < form->count; i++)
        if (!*form->parts[i].mime && strcmp(form->parts[i].name, name) == 0)
            return mem_copy(form->parts[i].bytes, form->parts[i].length);
    return NULL;
}
