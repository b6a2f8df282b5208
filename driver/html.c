#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Write a text, escaped; what is no UTF-8 and no character of HTML is not written. */
static void write_escaped(FILE *to, const char *text) {
    /* Line ends and tabs are fine in HTML; text_clean would make spaces of them. */
    char *clean = text_clean(text);
    for (const char *at = clean; *at; at++) {
        const char *entity = *at == '&'    ? "&amp;"
                             : *at == '<'  ? "&lt;"
                             : *at == '>'  ? "&gt;"
                             : *at == '"'  ? "&quot;"
                             : *at == '\'' ? "&#39;"
                                           : NULL;
        if (entity)
            fputs(entity, to);
        else
            fputc(*at, to);
    }
    free(clean);
}

/* Write a number as one conversion says; gives what follows it. */
static const char *write_number(FILE *to, const char *at, va_list *args) {
    if (*at == 'd') {
        fprintf(to, "%d", va_arg(*args, int));
        return at + 1;
    }
    if (strncmp(at, "zu", 2) == 0) {
        fprintf(to, "%zu", va_arg(*args, size_t));
        return at + 2;
    }
    if (at[0] == '.' && at[2] == 'f') {
        fprintf(to, "%.*f", at[1] - '0', va_arg(*args, double));
        return at + 3;
    }
    abort(); /* a mistake in the program */
}

/* Write a format. */
void html_print(FILE *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, to);
        format += plain;
        if (!*format)
            break;
        format++;
        if (*format == 's') {
            write_escaped(to, va_arg(args, const char *));
            format++;
        } else if (*format == '%') {
            fputc(*format++, to);
        } else {
            format = write_number(to, format, &args);
        }
    }
    va_end(args);
}
