/* The user's words stand first and unchanged: whoever draws from the prompt, this server or a large
 * model, reads what comes first as the most important.  What follows says only what the user did
 * not: the building, palette and view to keep, and the light that is wanted now. */
#include "prompt_writer.h"

#include <stdlib.h>
#include <string.h>

#include "building_text.h"
#include "image_facts.h"
#include "text.h"

/* How each time of day and weather is told to a model. */
static const char *const time_words[TIME_COUNT] = {
    [TIME_DAWN] = "dawn, the first pale pink light low over the land",
    [TIME_MORNING] = "morning, fresh low sun with long soft shadows",
    [TIME_MIDDAY] = "midday, high sun with short crisp shadows",
    [TIME_AFTERNOON] = "afternoon, warm side light",
    [TIME_DUSK] = "dusk, a warm afterglow at the horizon below a deepening sky, the rooms lit",
    [TIME_NIGHT] = "night, a dark sky, warm light from inside",
};
static const char *const weather_words[WEATHER_COUNT] = {
    [WEATHER_CLEAR] = "clear sky",
    [WEATHER_OVERCAST] = "overcast, soft even light",
    [WEATHER_RAIN] = "rain, mirroring wet ground",
    [WEATHER_SNOW] = "snow, white ground and white roofs",
    [WEATHER_FOG] = "fog, far things fading",
};

/* Everything one optimisation works with. */
typedef struct Inputs {
    const char *prompt;
    Facts wish;   /* the user's words and the intent */
    Facts memory; /* of the chain */
    json_t *memory_json;
    Facts reference;        /* analyses or images, all merged */
    json_t *reference_json; /* of the first one */
    bool has_memory, has_reference, has_style;
    json_t *style_json;
} Inputs;

static json_t *labelled_json(const Request *request, const char *label, size_t nth) {
    const char *text = request_labelled(request, label, nth);
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

/* The intent says in enumerations what the words said; it may know more than we read. */
static void read_intent(const json_t *intent, Facts *wish) {
    static const char *const members[] = {"timeOfDay", "weather", "lighting", "style"};
    Text text = {0};
    Facts facts;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *value = json_string_value(json_object_get(intent, members[i]));
        if (value && strcmp(value, "unspecified") != 0)
            text_add(&text, "%s. ", value);
    }
    facts_read(text_string(&text), &facts);
    facts_underlay(wish, &facts);
    text_free(&text);
}

/* Take in one more reference. */
static void add_reference(Inputs *inputs, json_t *analysis, bool style) {
    Facts facts;
    if (style) {
        json_decref(inputs->style_json);
        inputs->style_json = analysis;
        inputs->has_style = true;
        return;
    }
    memory_read(analysis, &facts);
    facts_underlay(&inputs->reference, &facts);
    inputs->has_reference = true;
    if (inputs->reference_json)
        json_decref(analysis);
    else
        inputs->reference_json = analysis;
}

/* Images sent along (the simple way) are measured here. */
static void add_images(const Request *request, Inputs *inputs) {
    for (size_t i = 0; i < request->image_count; i++) {
        const RequestImage *image = &request->images[i];
        ImageFacts facts;
        const char *why;
        if (image->role != ROLE_MASK &&
            image_facts_measure(image->bytes, image->length, &facts, &why))
            add_reference(inputs, image_facts_json(&facts), image->role == ROLE_STYLE_IMAGE);
    }
}

static void gather(const Request *request, Inputs *inputs) {
    json_t *json;
    *inputs = (Inputs){.prompt = request_labelled(request, "User prompt:", 0)};
    if (!inputs->prompt)
        inputs->prompt = request_labelled(request, "", 0);
    if (!inputs->prompt)
        inputs->prompt = "";
    facts_read(inputs->prompt, &inputs->wish);
    json = labelled_json(request, "Design intent (JSON):", 0);
    if (json)
        read_intent(json, &inputs->wish);
    json_decref(json);
    inputs->memory_json = labelled_json(request, "Memory of this chain (JSON):", 0);
    inputs->has_memory = inputs->memory_json != NULL;
    if (inputs->has_memory)
        memory_read(inputs->memory_json, &inputs->memory);
    for (size_t i = 0; (json = labelled_json(request, "Reference analysis (JSON):", i)); i++)
        add_reference(inputs, json, false);
    json = labelled_json(request, "Style analysis (JSON):", 0);
    if (json)
        add_reference(inputs, json, true);
    add_images(request, inputs);
}

/* "a, b and c" from a list of strings. */
static void add_list(const json_t *list, size_t most, Text *text) {
    size_t count = json_array_size(list) < most ? json_array_size(list) : most;
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word)
            text_add(text, "%s%s", i == 0 ? "" : i + 1 == count ? " and " : ", ", word);
    }
}

/* Whose is the part?  The user's, if the user named a material or colour for it. */
static bool user_named(const Facts *wish, Part part) {
    return facts_material(wish, part) || facts_colour(wish, part);
}

/* The materials of a memory that the user does not change now. */
static void add_kept_materials(const Inputs *inputs, Text *text) {
    Facts kept = inputs->memory;
    json_t *list = json_array();
    kept.n_materials = kept.n_colours = 0;
    for (int i = 0; i < inputs->memory.n_materials; i++) {
        Part part = inputs->memory.materials[i].part;
        if (!user_named(&inputs->wish, part ? part : PART_WALL))
            kept.materials[kept.n_materials++] = inputs->memory.materials[i];
    }
    for (int i = 0; i < inputs->memory.n_colours; i++) {
        Part part = inputs->memory.colours[i].part;
        if (!user_named(&inputs->wish, part ? part : PART_WALL))
            kept.colours[kept.n_colours++] = inputs->memory.colours[i];
    }
    building_materials_json(&kept, list);
    if (json_array_size(list) > 0) {
        text_add(text, "; ");
        for (size_t i = 0; i < json_array_size(list); i++)
            text_add(text, "%s%s", i ? "; " : "", json_string_value(json_array_get(list, i)));
    }
    json_decref(list);
}

/* What the earlier images fix. */
static void write_memory(const Inputs *inputs, Text *text) {
    const json_t *codes = json_object_get(inputs->memory_json, "styleCodes");
    const char *style = json_string_value(json_object_get(codes, "architecturalStyle"));
    const json_t *palette = json_object_get(inputs->memory_json, "palette");
    text_add(text, SENTENCE_BUILDING "%s", style && *style ? style : "the same building");
    add_kept_materials(inputs, text);
    text_add(text, ". ");
    if (json_array_size(palette) == 0)
        palette = json_object_get(codes, "colorPalette");
    if (json_array_size(palette) > 0) {
        text_add(text, SENTENCE_PALETTE);
        add_list(palette, 8, text);
        text_add(text, inputs->wish.time_name || inputs->wish.weather_name
                           ? ", seen in the new light. "
                           : ". ");
    }
}

static void write_analysis(const json_t *analysis, const char *sentence, bool with_materials,
                           Text *text) {
    const char *style = json_string_value(json_object_get(analysis, "style"));
    const char *mood =
        json_string_value(json_object_get(json_object_get(analysis, "lighting"), "mood"));
    const json_t *materials = json_object_get(analysis, "materials");
    text_add(text, "%s%s", sentence, style && *style ? style : "as it is");
    if (with_materials && json_array_size(materials) > 0) {
        text_add(text, " in ");
        add_list(materials, 5, text);
    }
    if (json_array_size(json_object_get(analysis, "palette")) > 0) {
        text_add(text, ", colours ");
        add_list(json_object_get(analysis, "palette"), 6, text);
    }
    if (!with_materials && mood)
        text_add(text, ", %s", mood);
    text_add(text, ". ");
}

/* Time and weather: the user's, else the memory's. */
static void write_light(const Inputs *inputs, Text *text) {
    Facts light = inputs->wish;
    const Facts *sources[] = {&inputs->memory, &inputs->reference};
    for (size_t i = 0; i < 2; i++) {
        if (!light.time_name) {
            light.time = sources[i]->time;
            light.time_name = sources[i]->time_name;
        }
        if (!light.weather_name) {
            light.weather = sources[i]->weather;
            light.weather_name = sources[i]->weather_name;
        }
    }
    const char *time = light.time_name ? time_words[light.time] : NULL;
    const char *weather = light.weather_name ? weather_words[light.weather] : NULL;
    if (!time && !weather)
        time = time_words[TIME_MORNING];
    text_add(text, SENTENCE_LIGHT "%s%s%s", time ? time : "", time && weather ? ", " : "",
             weather ? weather : "");
    if (light.warmth != 0)
        text_add(text, ", %s", light.warmth > 0 ? "warm" : "cool");
    text_add(text, ". ");
}

static void write_view(const Inputs *inputs, Text *text) {
    Facts view = inputs->wish;
    const char *perspective, *lens, *camera;
    facts_underlay(&view, &inputs->memory);
    facts_underlay(&view, &inputs->reference);
    building_geometry(&view, &perspective, &lens, &camera);
    text_add(text, SENTENCE_VIEW "%s, %s, %s lens. ",
             strcmp(perspective, "orthographic") == 0 ? "orthographic elevation" : perspective,
             strcmp(camera, "low") == 0      ? "low angle"
             : strcmp(camera, "high") == 0   ? "from above"
             : strcmp(camera, "aerial") == 0 ? "aerial view"
                                             : "eye level",
             lens);
}

static void write_negative(const Inputs *inputs, Text *text) {
    const Facts *wish = &inputs->wish;
    text_add(text, "text, watermark, frame lines, distorted geometry, doubled buildings");
    if (inputs->has_memory)
        text_add(text, ", another building than before");
    if (wish->time == TIME_DUSK || wish->time == TIME_NIGHT)
        text_add(text, ", harsh midday sun");
    if (wish->weather == WEATHER_SNOW)
        text_add(text, ", bare green lawn");
    for (int i = 0; i < wish->n_unwanted; i++)
        text_add(text, ", %s", wish->unwanted[i]);
}

/* The user's words as one or more whole sentences. */
static void write_wish(const char *prompt, Text *text) {
    size_t length = strlen(prompt);
    while (length > 0 && strchr(" \t\r\n", prompt[length - 1]))
        length--;
    text_add_bytes(text, prompt, length);
    if (length > 0 && !strchr(".!?", prompt[length - 1]))
        text_add(text, ".");
    text_add(text, " ");
}

json_t *prompt_write(const Request *request) {
    Inputs inputs;
    Text prompt = {0}, negative = {0};
    gather(request, &inputs);
    write_wish(inputs.prompt, &prompt);
    if (inputs.has_memory)
        write_memory(&inputs, &prompt);
    if (inputs.has_reference)
        write_analysis(inputs.reference_json, SENTENCE_REFERENCE, true, &prompt);
    if (inputs.has_style)
        write_analysis(inputs.style_json, SENTENCE_STYLE, false, &prompt);
    write_light(&inputs, &prompt);
    write_view(&inputs, &prompt);
    text_add(&prompt, SENTENCE_FINISH "architectural visualisation, true materials, calm "
                                      "composition, level horizon.");
    write_negative(&inputs, &negative);
    json_t *answer = json_pack("{s:s, s:s}", "optimizedPrompt", text_string(&prompt),
                               "negativePrompt", text_string(&negative));
    text_free(&prompt);
    text_free(&negative);
    json_decref(inputs.memory_json);
    json_decref(inputs.reference_json);
    json_decref(inputs.style_json);
    return answer;
}

/* Which pile a sentence belongs to. */
typedef enum Pile { PILE_WISH, PILE_KEEP, PILE_LIGHT, PILE_VIEW, PILE_NONE, PILES } Pile;

static Pile pile_of(const char *sentence) {
    static const struct {
        const char *start;
        Pile pile;
    } starts[] = {
        {SENTENCE_BUILDING, PILE_KEEP},  {SENTENCE_PALETTE, PILE_NONE},
        {SENTENCE_REFERENCE, PILE_NONE}, {SENTENCE_STYLE, PILE_NONE},
        {SENTENCE_LIGHT, PILE_LIGHT},    {SENTENCE_VIEW, PILE_VIEW},
        {SENTENCE_FINISH, PILE_NONE},
    };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (text_starts(sentence, starts[i].start))
            return starts[i].pile;
    return PILE_WISH;
}

/* The length of the sentence: to a full stop before a space, or to the end. */
static size_t sentence_length(const char *text) {
    size_t length = 0;
    while (text[length]) {
        length++;
        if (strchr(".!?\n", text[length - 1]) && (text[length] == ' ' || text[length] == '\n'))
            break;
    }
    return length;
}

void prompt_read(const char *prompt, Facts *wish, Facts *keep) {
    Text piles[PILES] = {0};
    Facts light, view;
    while (*prompt) {
        prompt += strspn(prompt, " \n\t");
        size_t length = sentence_length(prompt);
        Pile pile = pile_of(prompt);
        text_add_bytes(&piles[pile], prompt, length);
        text_add(&piles[pile], " ");
        prompt += length;
    }
    facts_read(text_string(&piles[PILE_WISH]), wish);
    facts_read(text_string(&piles[PILE_KEEP]), keep);
    facts_read(text_string(&piles[PILE_LIGHT]), &light);
    facts_read(text_string(&piles[PILE_VIEW]), &view);
    for (int i = 0; i < PILES; i++)
        text_free(&piles[i]);
    /* Of those sentences only what they are about: the words around are not wishes. */
    Facts decided = {.time = light.time,
                     .time_name = light.time_name,
                     .weather = light.weather,
                     .weather_name = light.weather_name,
                     .view = view.view,
                     .view_name = view.view_name,
                     .lens = view.lens};
    facts_underlay(wish, &decided);
}
