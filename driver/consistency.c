/* The palette weighs most: it is what people see first and what the memory holds
 * best. A part that neither memory speaks of is left out rather than counted as
 * equal, so that two empty memories are not called consistent. */
#include "consistency.h"

#include <ctype.h>
#include <string.h>

#include "colour.h"

enum { PALETTE_MAXIMUM = 64 };

static const char *const geometry_keys[] = {"perspective", "focalLength", "cameraAngle", NULL};
static const char *const style_keys[] = {"lightingStyle", "materialStyle", "architecturalStyle",
                                         NULL};

/* Read the colours of a list; entries that are none are left out. */
static size_t read_colours(const json_t *list, Colour *colours) {
    size_t count = 0, i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (count < PALETTE_MAXIMUM && json_is_string(item) &&
            colour_parse(json_string_value(item), &colours[count]))
            count++;
    }
    return count;
}

/* How well every colour of one palette is met by some colour of the other, 0 to 1. */
static double coverage(const Colour *one, size_t count, const Colour *other, size_t other_count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double nearest = 1;
        for (size_t j = 0; j < other_count; j++) {
            double difference = colour_difference(&one[i], &other[j]);
            nearest = difference < nearest ? difference : nearest;
        }
        sum += 1 - nearest;
    }
    return sum / (double)count;
}

/* Compare palettes, both ways so that a palette of one colour does not match everything. */
static double compare_palettes(const json_t *before, const json_t *after) {
    Colour one[PALETTE_MAXIMUM], other[PALETTE_MAXIMUM];
    size_t count = read_colours(before, one), other_count = read_colours(after, other);
    if (count == 0 && other_count == 0)
        return -1;
    if (count == 0 || other_count == 0)
        return 0;
    return (coverage(one, count, other, other_count) + coverage(other, other_count, one, count)) /
           2;
}

/* Are two texts equal but for case and spaces at the ends? */
static bool same_text(const char *one, const char *other) {
    while (isspace((unsigned char)*one))
        one++;
    while (isspace((unsigned char)*other))
        other++;
    while (*one && tolower((unsigned char)*one) == tolower((unsigned char)*other))
        one++, other++;
    return one[strspn(one, " \t\n")] == '\0' && other[strspn(other, " \t\n")] == '\0';
}

/* Is a text among the first items of a list? */
static bool among(const json_t *list, size_t items, const char *text) {
    for (size_t i = 0; i < items; i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && same_text(item, text))
            return true;
    }
    return false;
}

/* Count the different texts of a list, and those of them that another list has. */
static size_t count_texts(const json_t *list, const json_t *other, size_t *shared) {
    size_t count = 0, i;
    json_t *item;
    *shared = 0;
    json_array_foreach(list, i, item) {
        const char *text = json_string_value(item);
        if (!text || among(list, i, text))
            continue;
        count++;
        *shared += among(other, json_array_size(other), text);
    }
    return count;
}

/* Jaccard index of two lists of names. */
static double compare_lists(const json_t *before, const json_t *after) {
    size_t shared, same;
    size_t count = count_texts(before, after, &shared);
    size_t other_count = count_texts(after, before, &same);
    size_t all = count + other_count - shared;
    return all ? (double)shared / (double)all : -1;
}

/* Share of the members that are equal, among those that at least one object has. */
static double compare_members(const json_t *before, const json_t *after, const char *const *keys) {
    int known = 0, equal = 0;
    for (; *keys; keys++) {
        const char *one = json_string_value(json_object_get(before, *keys));
        const char *other = json_string_value(json_object_get(after, *keys));
        known += one || other;
        equal += one && other && same_text(one, other);
    }
    return known ? (double)equal / known : -1;
}

/* Compare two memories. */
bool consistency_of(const json_t *before, const json_t *after, Consistency *result) {
    *result = (Consistency){-1, -1, -1, -1, -1};
    if (!json_is_object(before) || !json_is_object(after))
        return false;
    result->palette =
        compare_palettes(json_object_get(before, "palette"), json_object_get(after, "palette"));
    result->materials =
        compare_lists(json_object_get(before, "materials"), json_object_get(after, "materials"));
    result->geometry = compare_members(json_object_get(before, "geometry"),
                                       json_object_get(after, "geometry"), geometry_keys);
    result->style = compare_members(json_object_get(before, "styleCodes"),
                                    json_object_get(after, "styleCodes"), style_keys);
    const double parts[][2] = {{result->palette, 4},
                               {result->materials, 3},
                               {result->geometry, 1.5},
                               {result->style, 1.5}};
    double sum = 0, weights = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i][0] < 0)
            continue;
        sum += parts[i][0] * parts[i][1];
        weights += parts[i][1];
    }
    if (weights == 0)
        return false;
    result->score = sum / weights;
    return true;
}

/* A value, null where it is not known. */
static json_t *value_json(double value) {
    return value < 0 ? json_null() : json_real(value);
}

/* As JSON. */
json_t *consistency_json(const Consistency *consistency) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "score", value_json(consistency->score),
                     "palette", value_json(consistency->palette), "materials",
                     value_json(consistency->materials), "geometry",
                     value_json(consistency->geometry), "styleCodes",
                     value_json(consistency->style));
}
