#include "multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Append, unless something did not fit before. */
static void put(Multipart *form, const char *bytes, size_t length) {
    form->full = form->full || !body_append(form->body, bytes, length);
}

/* Append a formatted text. */
static void put_text(Multipart *form, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_text(Multipart *form, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    put(form, text, strlen(text));
    free(text);
}

/* Begin with a boundary that stands in no picture but by a chance of 1 to 2^128. */
void multipart_begin(Multipart *form, size_t maximum) {
    unsigned char noise[16] = {0};
    *form = (Multipart){.full = getrandom(noise, sizeof noise, 0) != sizeof noise};
    form->body = body_new(maximum);
    int at = snprintf(form->boundary, sizeof form->boundary, "renderchain-");
    for (size_t i = 0; i < sizeof noise; i++)
        at += snprintf(form->boundary + at, sizeof form->boundary - (size_t)at, "%02x", noise[i]);
}

/* Add a text field. */
void multipart_text(Multipart *form, const char *name, const char *value) {
    put_text(form, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", form->boundary,
             name);
    put(form, value, strlen(value));
    put(form, "\r\n", 2);
}

/* Say what file comes. */
static void put_head(Multipart *form, const char *name, const char *filename, const char *mime) {
    put_text(form,
             "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
             "Content-Type: %s\r\n\r\n",
             form->boundary, name, filename, mime);
}

/* Add a file. */
void multipart_file(Multipart *form, const char *name, const char *filename, const char *mime,
                    Bytes *bytes) {
    put_head(form, name, filename, mime);
    form->full = form->full || !body_append_bytes(form->body, bytes);
    put(form, "\r\n", 2);
}

/* Add one whose bytes are copied. */
void multipart_made_file(Multipart *form, const char *name, const char *filename, const char *mime,
                         const char *bytes, size_t length) {
    put_head(form, name, filename, mime);
    put(form, bytes, length);
    put(form, "\r\n", 2);
}

/* Close the form. */
char *multipart_end(Multipart *form) {
    put_text(form, "--%s--\r\n", form->boundary);
    return mem_printf("multipart/form-data; boundary=%s", form->boundary);
}
