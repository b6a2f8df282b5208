/* Writing HTML and SVG: every text that is put in is escaped, there is no other way. */
#ifndef RC_HTML_H
#define RC_HTML_H

#include <stdio.h>

#include "mem.h"

/* Like fprintf, with what stands for %s escaped, for content and for attributes in quotes. Knows
 * %s, %d, %zu, %.Nf and %%. NULL is "". */
void html_print(FILE *to, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
