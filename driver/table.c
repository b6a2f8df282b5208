#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GAP = 2, NARROWEST_TERMINAL = 40 };

struct Table {
    size_t columns, rows;
    char **cells; /* (rows + 1) * columns of them, headings first; owned */
    bool *right;
};

/* Read one UTF-8 character (RFC 3629, 4); its length, or 0 where the bytes are none. */
static size_t decode(const char *text, uint32_t *point) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80       ? 1
                    : at[0] >> 5 == 6  ? 2
                    : at[0] >> 4 == 14 ? 3
                    : at[0] >> 3 == 30 ? 4
                                       : 0;
    if (length == 0)
        return 0;
    *point = length == 1 ? at[0] : at[0] & (0x7F >> length);
    for (size_t i = 1; i < length; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        *point = *point << 6 | (at[i] & 0x3F);
    }
    bool surrogate = *point >= 0xD800 && *point <= 0xDFFF;
    return *point < least[length] || *point > 0x10FFFF || surrogate ? 0 : length;
}

/* Ranges that are not one column wide: combining marks, then East Asian wide characters
 * and pictographs (Unicode Standard Annex 11), roughly. */
static const struct {
    uint32_t first, last;
    size_t width;
} widths[] = {
    {0x0300, 0x036F, 0},   {0x200B, 0x200F, 0}, {0x20D0, 0x20FF, 0}, {0xFE00, 0xFE0F, 0},
    {0x1100, 0x115F, 2},   {0x2E80, 0xA4CF, 2}, {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 2},
    {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2}, {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1FAFF, 2},
    {0x20000, 0x3FFFD, 2},
};

/* How many columns a character takes. */
static size_t point_width(uint32_t point) {
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        if (point >= widths[i].first && point <= widths[i].last)
            return widths[i].width;
    return 1;
}

/* Skip one ANSI sequence of the kind that we write, "\033[...m"; 0 where there is none. */
static size_t ansi_length(const char *text) {
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t length = 2 + strspn(text + 2, "0123456789;");
    return text[length] == 'm' ? length + 1 : 0;
}

/* Measure a text. */
size_t text_width(const char *text) {
    size_t width = 0;
    while (*text) {
        uint32_t point = ' ';
        size_t skip = ansi_length(text);
        size_t length = skip ? 0 : decode(text, &point);
        width += skip ? 0 : length ? point_width(point) : 1;
        text += skip ? skip : length ? length : 1;
    }
    return width;
}

/* Does a character steer a terminal, or the direction of what follows it? */
static bool steers(uint32_t point) {
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* Copy without what steers a terminal. */
char *text_clean(const char *text) {
    if (!text)
        return mem_strdup("");
    char *out = mem_alloc(strlen(text) + 1), *to = out;
    while (*text) {
        uint32_t point = 0;
        size_t length = decode(text, &point);
        if (length == 0)
            *to++ = '?';
        else if (!steers(point))
            to = mempcpy(to, text, length);
        else if (to > out && to[-1] != ' ')
            *to++ = ' ';
        text += length ? length : 1;
    }
    while (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
    return out;
}

/* Copy at most so many columns. */
char *text_cut(const char *text, size_t width) {
    char *out = text_clean(text);
    if (text_width(out) <= width)
        return out;
    size_t room = width > 3 ? width - 3 : 0, used = 0, at = 0;
    for (;;) {
        uint32_t point = 0;
        size_t length = decode(out + at, &point);
        if (used + point_width(point) > room)
            break;
        used += point_width(point);
        at += length;
    }
    while (at && out[at - 1] == ' ')
        at--;
    char *cut = mem_printf("%.*s%.*s", (int)at, out, (int)(width < 3 ? width : 3), "...");
    free(out);
    return cut;
}

/* Copy at most so many bytes. */
char *text_clip(const char *text, size_t bytes) {
    char *out = text_clean(text);
    if (strlen(out) <= bytes)
        return out;
    /* Bytes that go on with a character are 10xxxxxx (RFC 3629, 3). */
    while (bytes && ((unsigned char)out[bytes] >> 6) == 2)
        bytes--;
    out[bytes] = '\0';
    return out;
}

/* Is the text valid UTF-8? */
bool text_is_utf8(const char *text) {
    while (*text) {
        uint32_t point;
        size_t length = decode(text, &point);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

/* Print line by line, since a clean text has no line ends. */
void text_print_lines(FILE *to, const char *indent, const char *text) {
    while (text) {
        const char *end = strchr(text, '\n');
        char *line = mem_strndup(text, end ? (size_t)(end - text) : strlen(text));
        char *clean = text_clean(line);
        fprintf(to, "%s%s\n", indent, clean);
        free(clean);
        free(line);
        text = end ? end + 1 : NULL;
    }
}

/* Make an empty table. */
Table *table_new(const char *const *headings, size_t columns) {
    Table *table = mem_alloc(sizeof *table);
    table->columns = columns;
    table->right = mem_alloc(columns * sizeof *table->right);
    table_add(table, headings);
    table->rows = 0;
    return table;
}

/* Free a table. */
void table_free(Table *table) {
    if (!table)
        return;
    for (size_t i = 0; i < (table->rows + 1) * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->right);
    free(table);
}

/* Align a column to the right. */
void table_align_right(Table *table, size_t column) {
    table->right[column] = true;
}

/* Add a row. */
void table_add(Table *table, const char *const *cells) {
    size_t have = table->cells ? (table->rows + 1) * table->columns : 0;
    table->cells = mem_grow(table->cells, (have + table->columns) * sizeof *table->cells);
    for (size_t i = 0; i < table->columns; i++)
        table->cells[have + i] = mem_strdup(cells[i] ? cells[i] : "");
    table->rows++;
}

/* Add a row whose cells are taken. */
void table_take(Table *table, char **cells) {
    table_add(table, (const char *const *)cells);
    for (size_t i = 0; i < table->columns; i++)
        free(cells[i]);
}

/* A cell; row 0 is the heading. */
static const char *cell(const Table *table, size_t row, size_t column) {
    return table->cells[row * table->columns + column];
}

/* How wide a column is; 0 where no row has anything in it. */
static size_t column_width(const Table *table, size_t column) {
    size_t widest = 0;
    for (size_t row = 1; row <= table->rows; row++) {
        size_t width = text_width(cell(table, row, column));
        widest = width > widest ? width : widest;
    }
    size_t heading = text_width(cell(table, 0, column));
    return widest && heading > widest ? heading : widest;
}

/* Print one row; nothing is padded after its last cell. */
static void print_row(const Table *table, size_t row, const size_t *widths_of, FILE *to) {
    size_t owed = 0;
    for (size_t column = 0; column < table->columns; column++) {
        if (widths_of[column] == 0)
            continue;
        const char *text = cell(table, row, column);
        size_t pad = widths_of[column] - text_width(text);
        if (table->right[column])
            owed += pad;
        if (*text) {
            fprintf(to, "%*s%s", (int)owed, "", text);
            owed = 0;
        }
        owed += table->right[column] ? GAP : pad + GAP;
    }
    fputc('\n', to);
}

/* Print the table. */
void table_print(const Table *table, FILE *to) {
    size_t *widths_of = mem_alloc(table->columns * sizeof *widths_of);
    for (size_t column = 0; column < table->columns; column++)
        widths_of[column] = column_width(table, column);
    for (size_t row = 0; row <= table->rows; row++)
        print_row(table, row, widths_of, to);
    free(widths_of);
}

/* Ask the terminal for its width. */
size_t terminal_width(void) {
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return !known ? 80 : size.ws_col < NARROWEST_TERMINAL ? NARROWEST_TERMINAL : size.ws_col;
}

/* Ask for its height. */
size_t terminal_height(void) {
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return known ? size.ws_row : 24;
}

/* May we write colours? (no-color.org) */
bool terminal_has_colour(void) {
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

/* May we write 24-bit colours? */
bool terminal_has_truecolour(void) {
    const char *kind = getenv("COLORTERM");
    return kind && (strcmp(kind, "truecolor") == 0 || strcmp(kind, "24bit") == 0) &&
           terminal_has_colour();
}
