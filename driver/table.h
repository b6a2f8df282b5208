/* Aligned tables on a terminal, and the width and cutting of text that they need. */
#ifndef RC_TABLE_H
#define RC_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "mem.h"

typedef struct Table Table;

/* headings: an empty one keeps its column, NULL is not allowed. All texts are copied. */
Table *table_new(const char *const *headings, size_t columns);
void table_free(Table *table);

/* Align a column to the right, for numbers. */
void table_align_right(Table *table, size_t column);

/* Add a row of as many cells as there are columns; NULL is an empty cell. Cells may
 * hold our own ANSI sequences; what others wrote goes through text_clean first. */
void table_add(Table *table, const char *const *cells);

/* The same with cells that are taken. */
void table_take(Table *table, char **cells);

/* Print heading and rows, two spaces apart; columns that are empty in every row are left out. */
void table_print(const Table *table, FILE *to);

/* How many columns of a terminal a text takes: ANSI sequences none, wide characters two. */
size_t text_width(const char *text);

/* A copy in which no byte can steer a terminal: control characters and line ends become
 * single spaces, bytes that are not UTF-8 become "?". NULL becomes "". */
char *text_clean(const char *text);

/* A clean copy of at most so many columns; a cut is shown by "..." . */
char *text_cut(const char *text, size_t width);

/* A clean copy of at most so many bytes, cut between characters. */
char *text_clip(const char *text, size_t bytes);

/* Is the text valid UTF-8? */
bool text_is_utf8(const char *text);

/* Print every line of a text, clean, after an indent. */
void text_print_lines(FILE *to, const char *indent, const char *text);

/* Width of the terminal on standard output, 80 where it is none. */
size_t terminal_width(void);

/* Its height, 24 where it is none. */
size_t terminal_height(void);

/* May standard output get ANSI colours? A terminal that is not "dumb", without NO_COLOR. */
bool terminal_has_colour(void);

/* And any of the 24-bit ones? A terminal that says so in COLORTERM. */
bool terminal_has_truecolour(void);

#endif
