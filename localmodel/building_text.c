/* The memory of a chain is text that people read and edit.  So what must survive from one picture
 * to the next is written in the words of the lexicon, and read back by the same reader that reads
 * prompts.  The number of the plan is what keeps the massing: the same number gives the same
 * house. */
#include "building_text.h"

#include <stdio.h>
#include <string.h>

/* Lasting features; people, cars and seasons come and go. */
static const struct {
    unsigned feature;
    const char *name;
} lasting[] = {
    {FEATURE_POOL, "pool"},
    {FEATURE_GARDEN, "garden"},
    {FEATURE_TREES, "trees"},
    {FEATURE_PALMS, "palms"},
    {FEATURE_CONIFERS, "pines"},
    {FEATURE_BALCONY, "balcony"},
    {FEATURE_COLUMNS, "columns"},
    {FEATURE_DOME, "dome"},
    {FEATURE_TOWER, "turret"},
    {FEATURE_ARCHES, "arches"},
    {FEATURE_STAIRS, "stairs"},
    {FEATURE_GARAGE, "garage"},
    {FEATURE_CHIMNEY, "chimney"},
    {FEATURE_FENCE, "fence"},
    {FEATURE_SOLAR, "solar panels"},
    {FEATURE_GREEN_ROOF, "green roof"},
    {FEATURE_LANTERNS, "lanterns"},
    {FEATURE_MOUNTAINS, "mountains"},
    {FEATURE_SEA, "sea"},
    {FEATURE_CITY, "city"},
    {FEATURE_DESERT, "desert"},
};

enum { LASTING = sizeof lasting / sizeof lasting[0] };

void building_text(const Facts *facts, Text *text) {
    int left = 0;
    text_add(text, "%s %s", facts->style_name ? facts->style_name : "modern",
             facts->kind_name ? facts->kind_name : "building");
    for (int i = 0; i < LASTING; i++)
        left += (facts->features & lasting[i].feature) != 0;
    for (int i = 0, first = 1; i < LASTING; i++) {
        if (!(facts->features & lasting[i].feature))
            continue;
        left--;
        text_add(text, "%s%s", first ? " with " : left == 0 ? " and " : ", ", lasting[i].name);
        first = 0;
    }
    if (facts->storeys > 0)
        text_add(text, ", %d storeys", facts->storeys);
    if (facts->plan > 0)
        text_add(text, ", plan %llu", (unsigned long long)facts->plan);
}

/* Has the colour been said with a material of the same part? */
static bool said_with_material(const Facts *facts, const ColourFact *colour) {
    for (int i = 0; i < facts->n_materials; i++)
        if (facts->materials[i].colour && strcmp(facts->materials[i].colour, colour->name) == 0)
            return true;
    return false;
}

/* "red ", or "straw yellow #cdbd80 " where the value is not the name's own. */
static void add_colour_words(const char *name, Rgb rgb, Text *text) {
    Rgb own;
    bool plain = colour_find(name, &own) && own.r == rgb.r && own.g == rgb.g && own.b == rgb.b;
    text_add(text, "%s ", name);
    if (!plain)
        text_add(text, "#%02x%02x%02x ", rgb.r, rgb.g, rgb.b);
}

static void append_entry(json_t *list, Text *text) {
    json_array_append_new(list, json_string(text_string(text)));
    text_free(text);
}

void building_materials_json(const Facts *facts, json_t *list) {
    Text entry = {0};
    for (int i = 0; i < facts->n_materials; i++) {
        const MaterialFact *fact = &facts->materials[i];
        if (fact->colour)
            add_colour_words(fact->colour, fact->rgb, &entry);
        text_add(&entry, "%s", fact->name);
        if (fact->part != PART_NONE && fact->part != PART_WALL)
            text_add(&entry, " %s", part_name(fact->part));
        append_entry(list, &entry);
    }
    for (int i = 0; i < facts->n_colours; i++) {
        const ColourFact *colour = &facts->colours[i];
        if (said_with_material(facts, colour) || colour->part == PART_SKY)
            continue;
        add_colour_words(colour->name, colour->rgb, &entry);
        text_add(&entry, "%s", part_name(colour->part ? colour->part : PART_WALL));
        append_entry(list, &entry);
    }
}

void building_geometry(const Facts *facts, const char **perspective, const char **focal_length,
                       const char **camera_angle) {
    *perspective = facts->view == VIEW_ISOMETRIC   ? "isometric"
                   : facts->view == VIEW_ELEVATION ? "orthographic"
                                                   : "perspective";
    *focal_length = facts->lens == LENS_WIDE        ? "wide"
                    : facts->lens == LENS_TELEPHOTO ? "telephoto"
                                                    : "normal";
    *camera_angle = facts->view == VIEW_LOW         ? "low"
                    : facts->view == VIEW_AERIAL    ? "aerial"
                    : facts->view == VIEW_ISOMETRIC ? "high"
                                                    : "eye-level";
}

void building_note(const Facts *facts, Text *text) {
    json_t *materials = json_array();
    size_t i;
    json_t *item;
    building_text(facts, text);
    building_materials_json(facts, materials);
    json_array_foreach(materials, i, item) {
        text_add(text, "; %s", json_string_value(item));
    }
    json_decref(materials);
    text_add(text, "; %s", facts->time_name ? facts->time_name : "daylight");
    text_add(text, "; %s", facts->weather_name ? facts->weather_name : "clear sky");
    if (facts->view_name)
        text_add(text, "; %s", facts->view_name);
    if (facts->lens == LENS_WIDE || facts->lens == LENS_TELEPHOTO)
        text_add(text, "; %s", facts->lens == LENS_WIDE ? "wide angle" : "telephoto");
}

/* The words of prompts for a memory's geometry. */
static void add_geometry(const json_t *geometry, Text *text) {
    static const struct {
        const char *key, *value, *words;
    } terms[] = {
        {"perspective", "isometric", "isometric"}, {"perspective", "orthographic", "elevation"},
        {"cameraAngle", "low", "low angle"},       {"cameraAngle", "aerial", "aerial"},
        {"cameraAngle", "high", "from above"},     {"cameraAngle", "eye-level", "eye level"},
        {"focalLength", "wide", "wide angle"},     {"focalLength", "telephoto", "telephoto"},
    };
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        const char *value = json_string_value(json_object_get(geometry, terms[i].key));
        if (value && strcmp(value, terms[i].value) == 0)
            text_add(text, "; %s", terms[i].words);
    }
}

static void add_member(const json_t *object, const char *key, Text *text) {
    const char *value = json_string_value(json_object_get(object, key));
    if (value)
        text_add(text, "%s. ", value);
}

void memory_read(const json_t *memory, Facts *facts) {
    const json_t *codes = json_object_get(memory, "styleCodes");
    const json_t *materials = json_object_get(memory, "materials");
    Text text = {0};
    size_t i;
    json_t *item;
    add_member(codes, "architecturalStyle", &text);
    if (!codes)
        add_member(memory, "style", &text);
    json_array_foreach(materials, i, item) {
        if (json_is_string(item))
            text_add(&text, "%s; ", json_string_value(item));
    }
    if (json_array_size(materials) == 0)
        add_member(codes, "materialStyle", &text);
    text_add(&text, ". ");
    add_member(codes, "lightingStyle", &text);
    if (!codes)
        add_member(json_object_get(memory, "lighting"), "mood", &text);
    add_geometry(json_object_get(memory, "geometry"), &text);
    facts_read(text_string(&text), facts);
    text_free(&text);
}

/* Is the entry in the list, whatever the case? */
static bool listed(const json_t *list, const char *entry) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        const char *other = json_string_value(item);
        if (other && text_starts(other, entry) && strlen(other) == strlen(entry))
            return true;
    }
    return false;
}

int memory_palette(const json_t *memory, bool all, Rgb *colours, int most) {
    const json_t *palette = json_object_get(memory, "palette");
    const json_t *codes = json_object_get(json_object_get(memory, "styleCodes"), "colorPalette");
    const json_t *lists[] = {palette, codes};
    int count = 0;
    for (int which = 0; which < 2; which++) {
        size_t i;
        json_t *item;
        json_array_foreach(lists[which], i, item) {
            const char *entry = json_string_value(item);
            Rgb rgb;
            bool extracted = entry && listed(lists[1 - which], entry);
            if (!entry || count == most || (extracted && (!all || which == 1)) ||
                !colour_parse(entry, &rgb))
                continue;
            colours[count++] = rgb;
        }
    }
    return count;
}
