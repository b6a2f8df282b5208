/* Palette, light and temperature always come from the pixels.  Materials, style and projection do
 * too, unless the picture was drawn here and says them itself: then the next picture of the chain
 * gets them exactly. */
#include "image_facts.h"

#include <stdio.h>
#include <string.h>

#include "building_text.h"
#include "text.h"

enum { SIDE_DECODED = 640, SIDE_COLOUR = 320, SIDE_LINES = 480 };

/* A picture that says its hour and weather is believed: pixels cannot tell dawn from dusk. */
static void believe(ImageFacts *facts) {
    if (facts->said.time_name)
        facts->light.time = facts->said.time;
    if (facts->said.weather_name)
        facts->light.weather = facts->said.weather;
    facts->light.mood = light_mood(&facts->light);
}

bool image_facts_measure(const unsigned char *bytes, size_t length, ImageFacts *facts,
                         const char **why) {
    Image image;
    *facts = (ImageFacts){0};
    if (!image_load(bytes, length, SIDE_DECODED, &image, why))
        return false;
    Raster colour = raster_from_image(&image, SIDE_COLOUR);
    Raster fine = raster_from_image(&image, SIDE_LINES);
    facts->width = image.full_width;
    facts->height = image.full_height;
    palette_measure(&colour, &facts->palette);
    light_measure(&colour, &facts->light);
    lines_measure(&fine, facts->light.sky, &facts->lines);
    materials_measure(&fine, &facts->light, &facts->materials);
    facts->drawn_here = image.note != NULL;
    if (image.note) {
        facts_read(image.note, &facts->said);
        believe(facts);
    }
    raster_free(&colour);
    raster_free(&fine);
    image_free(&image);
    return true;
}

/* A style that surfaces and lines suggest. */
static const char *guess_style(const ImageFacts *facts) {
    const Materials *m = &facts->materials;
    if (m->lacquer > 0.012f && m->warm_roof > 0.01f)
        return "East Asian";
    if (m->ornament > 0.14f)
        return "ornate classical";
    if (m->warm_roof > 0.06f)
        return "Mediterranean";
    if (m->count > 0 && strcmp(m->items[0].name, "brick") == 0)
        return "industrial";
    if (m->count > 0 && strcmp(m->items[0].name, "timber") == 0)
        return "traditional";
    return m->smooth > 0.5f && facts->lines.straight > 0.6f ? "minimalist" : "modern";
}

static json_t *palette_json(const Palette *palette) {
    json_t *list = json_array();
    for (int i = 0; i < palette->count; i++)
        json_array_append_new(list, json_string(palette->colours[i].entry));
    return list;
}

static json_t *materials_json(const ImageFacts *facts) {
    json_t *list = json_array();
    if (facts->drawn_here)
        building_materials_json(&facts->said, list);
    for (int i = 0; !facts->drawn_here && i < facts->materials.count; i++)
        json_array_append_new(list, json_string(facts->materials.items[i].name));
    return list;
}

static json_t *geometry_json(const ImageFacts *facts) {
    const char *perspective = facts->lines.perspective, *lens = facts->lines.focal_length;
    const char *camera = facts->lines.camera_angle;
    if (facts->drawn_here)
        building_geometry(&facts->said, &perspective, &lens, &camera);
    return json_pack("{s:s, s:s, s:s}", "perspective", perspective, "focalLength", lens,
                     "cameraAngle", camera);
}

/* "cream plaster, carved stone and glass". */
static void material_style(const json_t *materials, Text *text) {
    size_t count = json_array_size(materials) < 3 ? json_array_size(materials) : 3;
    for (size_t i = 0; i < count; i++)
        text_add(text, "%s%s",
                 i == 0           ? ""
                 : i + 1 == count ? " and "
                                  : ", ",
                 json_string_value(json_array_get(materials, i)));
    if (count == 0)
        text_add(text, "plain surfaces");
}

static void lighting_style(const ImageFacts *facts, Text *text) {
    if (facts->drawn_here && facts->said.time_name)
        text_add(text, "%s, ", facts->said.time_name);
    if (facts->drawn_here && facts->said.weather_name)
        text_add(text, "%s, ", facts->said.weather_name);
    text_add(text, "%s", facts->light.mood);
}

static void architectural_style(const ImageFacts *facts, Text *text) {
    if (facts->drawn_here)
        building_text(&facts->said, text);
    else
        text_add(text, "%s", guess_style(facts));
}

/* One sentence on what is seen. */
static void describe(const ImageFacts *facts, const char *style, const char *materials,
                     Text *text) {
    const char *planting = facts->materials.vegetation > 0.25f   ? ", amid much planting"
                           : facts->materials.vegetation > 0.06f ? ", with planting"
                                                                 : "";
    const char *sky = facts->light.sky > 0.3f ? " under a wide sky" : "";
    text_add(text, "Architecture in %s style, in %s%s%s; %s; mostly %s.", style, materials,
             planting, sky, facts->light.mood, facts->palette.colours[0].entry);
}

json_t *image_facts_json(const ImageFacts *facts) {
    Text style = {0}, material = {0}, lighting = {0}, description = {0};
    json_t *materials = materials_json(facts), *palette = palette_json(&facts->palette);
    material_style(materials, &material);
    lighting_style(facts, &lighting);
    architectural_style(facts, &style);
    describe(facts, text_string(&style), text_string(&material), &description);
    json_t *codes = json_pack("{s:O, s:s, s:s, s:s}", "colorPalette", palette, "lightingStyle",
                              text_string(&lighting), "materialStyle", text_string(&material),
                              "architecturalStyle", text_string(&style));
    json_t *json = json_pack("{s:o, s:o, s:{s:s, s:s, s:s}, s:s, s:s, s:o, s:s, s:o}", "palette",
                             palette, "materials", materials, "lighting", "type", facts->light.type,
                             "direction", facts->light.direction, "mood", facts->light.mood,
                             "temperature", facts->light.temperature, "style", text_string(&style),
                             "geometry", geometry_json(facts), "description",
                             text_string(&description), "styleCodes", codes);
    text_free(&style);
    text_free(&material);
    text_free(&lighting);
    text_free(&description);
    return json;
}

void image_facts_as_prompt(const ImageFacts *image, Facts *facts) {
    if (image->drawn_here) {
        *facts = image->said;
        return;
    }
    json_t *json = image_facts_json(image);
    memory_read(json, facts);
    json_decref(json);
}
