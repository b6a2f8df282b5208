#include "colour.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Colours that look alike are at most NEAR apart; from FAR on they have nothing in common. */
static const double near_distance = 0.02, far_distance = 0.20;

/* The value of a hexadecimal digit. */
static int hex_digit(char c) {
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Find "#rrggbb" that ends at a word's end; NULL where there is none. */
static const char *find_value(const char *entry) {
    for (const char *at = strchr(entry, '#'); at; at = strchr(at + 1, '#'))
        if (strspn(at + 1, "0123456789abcdefABCDEF") == 6)
            return at;
    return NULL;
}

/* Copy the name in lower case, single spaces, none at the ends. */
static void copy_name(Colour *colour, const char *from, size_t length) {
    size_t to = 0;
    for (size_t i = 0; i < length && to + 1 < sizeof colour->name; i++) {
        unsigned char c = (unsigned char)from[i];
        if (!isspace(c))
            colour->name[to++] = (char)tolower(c);
        else if (to && colour->name[to - 1] != ' ')
            colour->name[to++] = ' ';
    }
    while (to && colour->name[to - 1] == ' ')
        to--;
    colour->name[to] = '\0';
}

/* Read a palette entry. */
bool colour_parse(const char *entry, Colour *colour) {
    const char *value = find_value(entry);
    *colour = (Colour){.measured = value != NULL};
    copy_name(colour, entry, value ? (size_t)(value - entry) : strlen(entry));
    if (value) {
        colour->red = (unsigned char)(hex_digit(value[1]) * 16 + hex_digit(value[2]));
        colour->green = (unsigned char)(hex_digit(value[3]) * 16 + hex_digit(value[4]));
        colour->blue = (unsigned char)(hex_digit(value[5]) * 16 + hex_digit(value[6]));
    }
    return colour->measured || *colour->name;
}

/* Undo the sRGB transfer curve (IEC 61966-2-1). */
static double linear(unsigned char channel) {
    double value = channel / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

/* Convert (Ottosson 2020, with the matrices of his 2021-01-25 update). */
Oklab oklab_from_srgb(unsigned char red, unsigned char green, unsigned char blue) {
    double r = linear(red), g = linear(green), b = linear(blue);
    double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (Oklab){0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                   1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                   0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

/* Euclidean distance, which is what the space is made for. */
double oklab_distance(Oklab one, Oklab other) {
    double l = one.lightness - other.lightness, a = one.a - other.a, b = one.b - other.b;
    return sqrt(l * l + a * a + b * b);
}

/* Compare two entries. */
double colour_difference(const Colour *one, const Colour *other) {
    if (!one->measured || !other->measured)
        return strcmp(one->name, other->name) == 0 ? 0 : 1;
    double distance = oklab_distance(oklab_from_srgb(one->red, one->green, one->blue),
                                     oklab_from_srgb(other->red, other->green, other->blue));
    double difference = (distance - near_distance) / (far_distance - near_distance);
    return difference < 0 ? 0 : difference > 1 ? 1 : difference;
}

/* One entry of a palette; what a terminal shows of the name is clean. */
static char *entry_text(const char *entry, bool colour, bool names) {
    Colour parsed;
    char *clean = text_clean(entry);
    if (!colour_parse(clean, &parsed) || !parsed.measured || !colour)
        return clean;
    char *text = mem_printf("\033[48;2;%d;%d;%dm  \033[0m%s%s", parsed.red, parsed.green,
                            parsed.blue, names ? " " : "", names ? clean : "");
    free(clean);
    return text;
}

/* A palette as text. */
char *palette_text(const json_t *palette, bool colour, bool names) {
    char *out = mem_strdup("");
    bool after_swatch = false;
    size_t i;
    json_t *item;
    json_array_foreach(palette, i, item) {
        if (!json_is_string(item))
            continue;
        char *text = entry_text(json_string_value(item), colour, names);
        bool swatch = !names && *text == '\033';
        const char *between = swatch && after_swatch ? "" : swatch || after_swatch ? " " : ", ";
        mem_set(&out, "%s%s%s", out, *out ? between : "", text);
        after_swatch = swatch;
        free(text);
    }
    return out;
}
