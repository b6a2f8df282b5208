/* A material or colour belongs to the part named after it in the same clause ("oak door"), else to
 * the part before it where a word links them ("walls of brick"), else to the walls.  Where a text
 * says two things of one kind (two times of day), the first holds. */
#include "prompt_facts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum { MAX_WORDS = 6000, WORD_SIZE = 40, MAX_PENDING = 6 };

typedef struct Word {
    char text[WORD_SIZE];
    bool breaks; /* a comma, a full stop or the like stands before it */
} Word;

/* What is known while one text is read. */
typedef struct Reader {
    Facts *facts;
    MaterialFact materials[MAX_PENDING];
    int n_materials;
    ColourFact colours[MAX_PENDING];
    int n_colours;
    Part head;              /* the last part named in this clause */
    bool linked;            /* "of", "in" after the head */
    bool negated;           /* until the clause ends */
    size_t last_colour_end; /* index of the word after the last colour: "red brick" */
} Reader;

static const char *const part_names[] = {
    [PART_NONE] = "",         [PART_WALL] = "walls", [PART_ACCENT] = "details",
    [PART_ROOF] = "roof",     [PART_DOOR] = "door",  [PART_FRAME] = "window frames",
    [PART_GROUND] = "ground", [PART_PATH] = "path",  [PART_SKY] = "sky",
    [PART_PLANTS] = "plants",
};

const char *part_name(Part part) {
    return part_names[part];
}

/* Is the byte part of a word?  Bytes of UTF-8 letters are. */
static bool in_word(unsigned char c) {
    return isalnum(c) || c >= 0x80 || c == '#';
}

/* Cut a text into lower-case words.  The caller frees the result. */
static Word *cut_words(const char *text, size_t *count) {
    Word *words = mem_new(MAX_WORDS, sizeof *words);
    bool breaks = true;
    *count = 0;
    while (*text && *count < MAX_WORDS) {
        size_t length = 0;
        while (in_word((unsigned char)text[length]) && text[length])
            length++;
        if (length == 0) {
            /* An apostrophe ends a word silently: "bird's eye". */
            if (text[0] == '\'' && text[1] == 's')
                text++;
            else if (strchr(",.;:()!?\n\"/|", *text))
                breaks = true;
            text++;
            continue;
        }
        Word *word = &words[(*count)++];
        for (size_t i = 0; i < length && i + 1 < WORD_SIZE; i++)
            word->text[i] = (char)tolower((unsigned char)text[i]);
        if (strcmp(word->text, "gray") == 0)
            memcpy(word->text, "grey", 5);
        word->breaks = breaks;
        breaks = false;
        text += length;
    }
    return words;
}

/* Put a name into a list of names that holds each once. */
static void add_name(const char **list, int *count, int most, const char *name) {
    for (int i = 0; i < *count; i++)
        if (strcmp(list[i], name) == 0)
            return;
    if (*count < most)
        list[(*count)++] = name;
}

static void add_material(Facts *facts, MaterialFact fact) {
    for (int i = 0; i < facts->n_materials; i++)
        if (facts->materials[i].material == fact.material && facts->materials[i].part == fact.part)
            return;
    if (facts->n_materials < FACTS_MATERIALS)
        facts->materials[facts->n_materials++] = fact;
}

static void add_colour(Facts *facts, ColourFact fact) {
    for (int i = 0; i < facts->n_colours; i++)
        if (strcmp(facts->colours[i].name, fact.name) == 0 && facts->colours[i].part == fact.part)
            return;
    if (facts->n_colours < FACTS_COLOURS)
        facts->colours[facts->n_colours++] = fact;
}

/* Give what waits to a part. */
static void attach(Reader *reader, Part part) {
    for (int i = 0; i < reader->n_materials; i++) {
        MaterialFact fact = reader->materials[i];
        fact.part = part;
        add_material(reader->facts, fact);
    }
    for (int i = 0; i < reader->n_colours; i++) {
        ColourFact fact = reader->colours[i];
        fact.part = part;
        add_colour(reader->facts, fact);
    }
    reader->n_materials = reader->n_colours = 0;
}

/* A clause ends: what still waits belongs to what it is linked to. */
static void end_clause(Reader *reader) {
    attach(reader, reader->linked ? reader->head : PART_NONE);
    reader->linked = reader->negated = false;
    reader->head = PART_NONE;
}

static void take_material(Reader *reader, const Entry *entry, size_t at) {
    if (reader->negated || reader->n_materials == MAX_PENDING)
        return;
    MaterialFact fact = {.name = lexicon_name(entry), .material = (SceneMaterial)entry->value};
    /* "red brick": the colour is the material's. */
    if (reader->n_colours > 0 && reader->last_colour_end == at) {
        fact.colour = reader->colours[reader->n_colours - 1].name;
        fact.rgb = reader->colours[reader->n_colours - 1].rgb;
    }
    reader->materials[reader->n_materials++] = fact;
    reader->facts->features |= entry->features;
}

static void take_colour(Reader *reader, const char *name, Rgb rgb, size_t end) {
    if (reader->negated || reader->n_colours == MAX_PENDING)
        return;
    reader->colours[reader->n_colours++] = (ColourFact){.name = name, .rgb = rgb};
    reader->last_colour_end = end;
}

/* "#1f2a44": the value of the colour named before it, or a colour of its own. */
static void take_hex(Reader *reader, const char *word, size_t at) {
    Rgb rgb;
    if (!colour_parse(word, &rgb))
        return;
    if (reader->n_colours > 0 && reader->last_colour_end == at) {
        reader->colours[reader->n_colours - 1].rgb = rgb;
        reader->last_colour_end = at + 1;
    } else {
        take_colour(reader, colour_name(rgb), rgb, at + 1);
    }
}

static void take_element(Reader *reader, const Entry *entry) {
    Facts *facts = reader->facts;
    if (reader->negated) {
        facts->removed |= entry->features;
        return;
    }
    add_name(facts->elements, &facts->n_elements, FACTS_ELEMENTS, lexicon_name(entry));
    facts->features |= entry->features;
    if (entry->value != PART_NONE) {
        attach(reader, (Part)entry->value);
        reader->head = (Part)entry->value;
        reader->linked = false;
    }
}

static void take_kind(Reader *reader, const Entry *entry) {
    Facts *facts = reader->facts;
    if (reader->negated)
        return;
    add_name(facts->elements, &facts->n_elements, FACTS_ELEMENTS, lexicon_name(entry));
    facts->features |= entry->features;
    if (!facts->kind_name || facts->kind == KIND_DEFAULT) {
        facts->kind_name = lexicon_name(entry);
        facts->kind = (SceneKind)entry->value;
    } else if (entry->value == KIND_TOWER) {
        facts->features |= FEATURE_TOWER;
    }
    attach(reader, PART_WALL);
    reader->head = PART_WALL;
    reader->linked = false;
}

static void take_light(Reader *reader, const Entry *entry) {
    Facts *facts = reader->facts;
    const char *name = lexicon_name(entry);
    if (reader->negated)
        return;
    if (entry->category == WORD_TIME && !facts->time_name) {
        facts->time = (SceneTime)entry->value;
        facts->time_name = name;
    } else if (entry->category == WORD_WEATHER && !facts->weather_name) {
        facts->weather = (SceneWeather)entry->value;
        facts->weather_name = name;
    } else if (entry->category == WORD_WARMTH && facts->warmth == 0) {
        facts->warmth = entry->value;
    } else if (entry->category == WORD_LIGHT) {
        facts->features |= entry->features;
        if (facts->light == LIGHT_DEFAULT)
            facts->light = (SceneLight)entry->value;
    }
    if (entry->category != WORD_WARMTH)
        add_name(facts->lights, &facts->n_lights, FACTS_LIGHTS, name);
}

static void take_view(Reader *reader, const Entry *entry) {
    Facts *facts = reader->facts;
    if (reader->negated)
        return;
    if (entry->category == WORD_LENS && facts->lens == LENS_DEFAULT)
        facts->lens = (SceneLens)entry->value;
    if (entry->category == WORD_VIEW && !facts->view_name) {
        facts->view = (SceneView)entry->value;
        facts->view_name = lexicon_name(entry);
    }
}

static void take_operation(Facts *facts, const Entry *entry) {
    if (entry->value == OPERATION_VARY)
        facts->same = true;
    if (facts->operation == OPERATION_CREATE)
        facts->operation = (Operation)entry->value;
}

/* Note what shall not be there. */
static void take_unwanted(Facts *facts, const Entry *entry) {
    if (entry->category == WORD_ELEMENT || entry->category == WORD_MATERIAL ||
        entry->category == WORD_COLOUR || entry->category == WORD_KIND)
        add_name(facts->unwanted, &facts->n_unwanted, FACTS_UNWANTED, lexicon_name(entry));
}

/* "not at night": what was negated stays so. */
static void take_break(Reader *reader, const Entry *entry) {
    bool negated = reader->negated && entry->value == 0;
    end_clause(reader);
    reader->negated = negated;
}

/* Act on one phrase; `at` is its first word, `end` the word after it. */
static void take(Reader *reader, const Entry *entry, size_t at, size_t end) {
    Facts *facts = reader->facts;
    Rgb rgb;
    if (reader->negated)
        take_unwanted(facts, entry);
    switch (entry->category) {
    case WORD_STYLE:
        if (!facts->style_name && !reader->negated) {
            facts->style = (SceneStyle)entry->value;
            facts->style_name = lexicon_name(entry);
            facts->features |= entry->features;
        }
        break;
    case WORD_KIND:
        take_kind(reader, entry);
        break;
    case WORD_ELEMENT:
        take_element(reader, entry);
        break;
    case WORD_MATERIAL:
        take_material(reader, entry, at);
        break;
    case WORD_COLOUR:
        if (colour_find(lexicon_name(entry), &rgb))
            take_colour(reader, lexicon_name(entry), rgb, end);
        break;
    case WORD_TIME:
    case WORD_WEATHER:
    case WORD_LIGHT:
    case WORD_WARMTH:
        take_light(reader, entry);
        break;
    case WORD_VIEW:
    case WORD_LENS:
        take_view(reader, entry);
        break;
    case WORD_OPERATION:
        take_operation(facts, entry);
        break;
    case WORD_NEGATION:
        end_clause(reader);
        reader->negated = true;
        if (entry->value == OPERATION_EDIT)
            facts->operation = OPERATION_EDIT;
        break;
    case WORD_LINK:
        reader->linked = reader->head != PART_NONE;
        break;
    case WORD_BREAK:
        take_break(reader, entry);
        break;
    }
}

/* "two", "3"; 0 where it is no number from 1 to 99. */
static int small_number(const char *word) {
    static const char *const numbers[] = {"zero", "one",    "two",   "three", "four",
                                          "five", "six",    "seven", "eight", "nine",
                                          "ten",  "eleven", "twelve"};
    for (int i = 1; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        if (strcmp(word, numbers[i]) == 0)
            return i;
    if (strcmp(word, "single") == 0)
        return 1;
    size_t length = strlen(word);
    return length <= 2 && strspn(word, "0123456789") == length ? atoi(word) : 0;
}

/* Is it "three storeys", "plan 12345"?  Returns the words taken, 0 where it is neither. */
static size_t take_number(Facts *facts, const Word *words, size_t count) {
    static const char *const floors[] = {"storey", "storeys", "story", "stories",
                                         "floor",  "floors",  "level", "levels"};
    if (count < 2)
        return 0;
    if (strcmp(words[0].text, "plan") == 0) {
        uint64_t plan = strtoull(words[1].text, NULL, 10);
        if (plan < PLAN_LOWEST || plan > PLAN_HIGHEST)
            return 0;
        facts->plan = facts->plan ? facts->plan : plan;
        return 2;
    }
    int number = small_number(words[0].text);
    for (size_t i = 0; number > 0 && i < sizeof floors / sizeof floors[0]; i++) {
        if (strcmp(words[1].text, floors[i]) == 0) {
            facts->storeys = facts->storeys ? facts->storeys : number;
            return 2;
        }
    }
    return 0;
}

/* Does the word say what building it is, and not how it is looked at? */
static bool makes_the_building(const Entry *entry) {
    return !entry || (entry->category != WORD_TIME && entry->category != WORD_WEATHER &&
                      entry->category != WORD_LIGHT && entry->category != WORD_WARMTH &&
                      entry->category != WORD_VIEW && entry->category != WORD_LENS &&
                      entry->category != WORD_BREAK && entry->category != WORD_LINK);
}

/* Read the words one phrase at a time. */
static void read_words(Reader *reader, const Word *words, size_t count) {
    Facts *facts = reader->facts;
    for (size_t at = 0; at < count;) {
        const char *window[LEXICON_LONGEST];
        size_t ahead = 1, used;
        if (words[at].breaks)
            end_clause(reader);
        window[0] = words[at].text;
        while (ahead < LEXICON_LONGEST && at + ahead < count && !words[at + ahead].breaks) {
            window[ahead] = words[at + ahead].text;
            ahead++;
        }
        const Entry *entry = lexicon_find(window, ahead, &used);
        size_t number = entry ? 0 : take_number(facts, words + at, ahead);
        if (entry)
            take(reader, entry, at, at + used);
        else if (words[at].text[0] == '#')
            take_hex(reader, words[at].text, at);
        used = entry ? used : number ? number : 1;
        for (size_t i = 0; makes_the_building(entry) && i < used; i++)
            facts->seed = text_hash(facts->seed, words[at + i].text, strlen(words[at + i].text));
        at += used;
    }
    end_clause(reader);
}

void facts_read(const char *text, Facts *facts) {
    *facts = (Facts){0};
    size_t count;
    Word *words = cut_words(text, &count);
    Reader reader = {.facts = facts, .last_colour_end = SIZE_MAX};
    facts->words = (int)count;
    read_words(&reader, words, count);
    facts->features &= ~facts->removed;
    if (facts->removed & FEATURE_TREES)
        facts->features |= FEATURE_NO_TREES;
    free(words);
}

const MaterialFact *facts_material(const Facts *facts, Part part) {
    for (int i = 0; i < facts->n_materials; i++) {
        Part own = facts->materials[i].part;
        if (own == part || (part == PART_WALL && own == PART_NONE))
            return &facts->materials[i];
    }
    return NULL;
}

const ColourFact *facts_colour(const Facts *facts, Part part) {
    for (int i = 0; i < facts->n_colours; i++) {
        Part own = facts->colours[i].part;
        if (own == part || (part == PART_WALL && own == PART_NONE))
            return &facts->colours[i];
    }
    return NULL;
}

/* Take over single values. */
static void underlay_values(Facts *facts, const Facts *below) {
    if (!facts->style_name) {
        facts->style = below->style;
        facts->style_name = below->style_name;
    }
    if (!facts->kind_name || (facts->kind == KIND_DEFAULT && below->kind_name)) {
        facts->kind = below->kind;
        facts->kind_name = below->kind_name;
    }
    if (!facts->time_name) {
        facts->time = below->time;
        facts->time_name = below->time_name;
    }
    if (!facts->weather_name) {
        facts->weather = below->weather;
        facts->weather_name = below->weather_name;
    }
    if (!facts->view_name) {
        facts->view = below->view;
        facts->view_name = below->view_name;
    }
    facts->lens = facts->lens ? facts->lens : below->lens;
    facts->light = facts->light ? facts->light : below->light;
    facts->warmth = facts->warmth ? facts->warmth : below->warmth;
    facts->storeys = facts->storeys ? facts->storeys : below->storeys;
    facts->plan = facts->plan ? facts->plan : below->plan;
}

void facts_underlay(Facts *facts, const Facts *below) {
    underlay_values(facts, below);
    /* A part keeps the materials and colours that were said first. */
    Facts own = *facts;
    for (int i = 0; i < below->n_materials; i++) {
        MaterialFact fact = below->materials[i];
        Part part = fact.part ? fact.part : PART_WALL;
        bool painted = facts_colour(&own, part) != NULL;
        if (facts_material(&own, part) || (painted && part == PART_DOOR))
            continue;
        if (painted)
            fact.colour = NULL;
        add_material(facts, fact);
    }
    for (int i = 0; i < below->n_colours; i++)
        if (!facts_colour(&own, below->colours[i].part ? below->colours[i].part : PART_WALL))
            add_colour(facts, below->colours[i]);
    for (int i = 0; i < below->n_elements; i++)
        add_name(facts->elements, &facts->n_elements, FACTS_ELEMENTS, below->elements[i]);
    facts->features |= below->features & ~facts->removed;
}
