/* A body that is read as a whole is simply searched for its boundary. libmicrohttpd has a reader
 * for bodies that come in pieces, whose version 1.0 refuses some forms that are right. */
#include "form_data.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

enum {
    BOUNDARY_LONGEST = 70, /* RFC 2046, 5.1.1 */
    HEADER_LONGEST = 4096
};

/* What is left to read. */
typedef struct Rest {
    const char *at;
    size_t length;
} Rest;

/* Go on by so many bytes. */
static void skip(Rest *rest, size_t length) {
    rest->at += length;
    rest->length -= length;
}

/* Go on past a text, where it stands here. */
static bool take(Rest *rest, const char *text) {
    size_t length = strlen(text);
    if (rest->length < length || memcmp(rest->at, text, length) != 0)
        return false;
    skip(rest, length);
    return true;
}

/* Go on past spaces. */
static void skip_spaces(Rest *rest) {
    while (rest->length && (*rest->at == ' ' || *rest->at == '\t'))
        skip(rest, 1);
}

/* ---- headers ---- */

/* Read a parameter's value: a quoted string or what ends at a space or semicolon. The caller's. */
static char *read_value(Rest *rest) {
    bool quoted = take(rest, "\"");
    const char *from = rest->at;
    while (rest->length && !(quoted ? *rest->at == '"' : strchr("; \t", *rest->at) != NULL))
        skip(rest, quoted && rest->length > 1 && *rest->at == '\\' ? 2 : 1);
    char *value = mem_strndup(from, (size_t)(rest->at - from)), *to = value;
    if (!quoted)
        return value;
    take(rest, "\"");
    for (const char *at = value; *at; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        *to++ = *at;
    }
    *to = '\0';
    return value;
}

/* Find a parameter of a header ("form-data; name=x"); the caller's, NULL where there is none. */
static char *parameter(Rest header, const char *name) {
    char *found = NULL;
    size_t length = strlen(name);
    const char *semicolon = memchr(header.at, ';', header.length);
    skip(&header, semicolon ? (size_t)(semicolon - header.at) : header.length);
    while (!found && take(&header, ";")) {
        skip_spaces(&header);
        bool wanted = header.length > length && strncasecmp(header.at, name, length) == 0 &&
                      header.at[length] == '=';
        while (header.length && !strchr("=;", *header.at))
            skip(&header, 1);
        char *value = take(&header, "=") ? read_value(&header) : NULL;
        if (wanted)
            found = value;
        else
            free(value);
        /* What follows a value and is no parameter is passed over. */
        while (header.length && *header.at != ';')
            skip(&header, 1);
    }
    return found;
}

/* Read the headers of a field, of which one says what it is called; false where they are no
 * headers. *name stays NULL where none does. */
static bool read_headers(Rest *rest, char **name, FormPart *part) {
    static const char disposition[] = "content-disposition:";
    *name = NULL;
    while (!take(rest, "\r\n")) {
        const char *end = memmem(rest->at, rest->length, "\r\n", 2);
        if (!end || end - rest->at > HEADER_LONGEST ||
            memchr(rest->at, '\0', (size_t)(end - rest->at)))
            return false;
        Rest line = {rest->at, (size_t)(end - rest->at)};
        skip(rest, line.length + 2);
        if (*name || line.length < strlen(disposition) ||
            strncasecmp(line.at, disposition, strlen(disposition)) != 0)
            continue;
        *name = parameter(line, "name");
        char *file = parameter(line, "filename"), *encoded = parameter(line, "filename*");
        part->is_file = file || encoded;
        part->is_chosen = (file && *file) || (encoded && *encoded);
        free(file);
        free(encoded);
    }
    return true;
}

/* ---- fields ---- */

/* Go on past what follows a delimiter's text, where that is one. *closes: it is the last one. */
static bool pass_delimiter_end(Rest *rest, bool *closes) {
    Rest after = *rest;
    *closes = take(&after, "--");
    skip_spaces(&after);
    if (!*closes && !take(&after, "\r\n"))
        return false;
    *rest = after;
    return true;
}

/* Find where a delimiter begins, from here on, and go on past it. What only begins like one is
 * part of a field. NULL where there is none. */
static const char *pass_delimiter(Rest *rest, const char *delimiter, bool *closes) {
    size_t length = strlen(delimiter);
    const char *found;
    while ((found = memmem(rest->at, rest->length, delimiter, length)) != NULL) {
        skip(rest, (size_t)(found - rest->at) + length);
        if (pass_delimiter_end(rest, closes))
            return found;
    }
    return NULL;
}

/* Show all fields. The first delimiter may stand at the very beginning, where no line ends before
 * it. */
static bool read_fields(Rest body, const char *delimiter, FormPartCame *came, void *context) {
    bool closes = false;
    bool ok = (take(&body, delimiter + 2) && pass_delimiter_end(&body, &closes)) ||
              pass_delimiter(&body, delimiter, &closes);
    while (ok && !closes) {
        FormPart part = {0};
        char *name;
        ok = read_headers(&body, &name, &part);
        part.name = name ? name : "";
        part.bytes = body.at;
        const char *end = ok ? pass_delimiter(&body, delimiter, &closes) : NULL;
        part.length = end ? (size_t)(end - part.bytes) : 0;
        ok = end && came(context, &part);
        free(name);
    }
    return ok;
}

/* Read a form. */
bool form_data_read(const char *content_type, const char *body, size_t length, FormPartCame *came,
                    void *context) {
    static const char kind[] = "multipart/form-data";
    if (!content_type || strncasecmp(content_type, kind, strlen(kind)) != 0)
        return false;
    char *boundary = parameter((Rest){content_type, strlen(content_type)}, "boundary");
    bool ok = boundary && *boundary && strlen(boundary) <= BOUNDARY_LONGEST;
    if (ok) {
        char *delimiter = mem_printf("\r\n--%s", boundary);
        ok = read_fields((Rest){body, length}, delimiter, came, context);
        free(delimiter);
    }
    free(boundary);
    return ok;
}
