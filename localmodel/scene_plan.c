/* The number of the building's plan decides its massing.  A chain's memory carries it; the first
 * picture's comes from the words that say what the building is, so that the same words at another
 * time of day give the same house even without memory.
 *
 * Materials that nobody named are chosen here and not by the drawing, because they must be known by
 * name to be remembered. */
#include "scene_plan.h"

#include <math.h>
#include <string.h>

#include "building_text.h"
#include "prompt_writer.h"

/* What a style is built of where nobody says: two choices, by the plan. */
typedef struct Habit {
    SceneMaterial wall[2], accent[2], roof[2], door[2];
} Habit;

static const Habit habits[STYLE_COUNT] = {
    [STYLE_MODERN] = {{MATERIAL_PLASTER, MATERIAL_CONCRETE},
                      {MATERIAL_OAK, MATERIAL_DARK_TIMBER},
                      {MATERIAL_ZINC, MATERIAL_CONCRETE},
                      {MATERIAL_OAK, MATERIAL_DARK_METAL}},
    [STYLE_MINIMALIST] = {{MATERIAL_PLASTER, MATERIAL_PLASTER},
                          {MATERIAL_PLASTER, MATERIAL_OAK},
                          {MATERIAL_PLASTER, MATERIAL_CONCRETE},
                          {MATERIAL_OAK, MATERIAL_DARK_METAL}},
    [STYLE_BRUTALIST] = {{MATERIAL_BOARD_CONCRETE, MATERIAL_CONCRETE},
                         {MATERIAL_CONCRETE, MATERIAL_BOARD_CONCRETE},
                         {MATERIAL_CONCRETE, MATERIAL_CONCRETE},
                         {MATERIAL_DARK_METAL, MATERIAL_CORTEN}},
    [STYLE_CLASSICAL] = {{MATERIAL_STONE, MATERIAL_PLASTER},
                         {MATERIAL_MARBLE, MATERIAL_STONE},
                         {MATERIAL_SLATE, MATERIAL_PATINA},
                         {MATERIAL_DARK_TIMBER, MATERIAL_LACQUER}},
    [STYLE_GOTHIC] = {{MATERIAL_STONE, MATERIAL_RUBBLE},
                      {MATERIAL_STONE, MATERIAL_STONE},
                      {MATERIAL_SLATE, MATERIAL_PATINA},
                      {MATERIAL_DARK_TIMBER, MATERIAL_DARK_TIMBER}},
    [STYLE_TRADITIONAL] = {{MATERIAL_PLASTER, MATERIAL_BRICK},
                           {MATERIAL_DARK_TIMBER, MATERIAL_OAK},
                           {MATERIAL_TERRACOTTA, MATERIAL_SHINGLE},
                           {MATERIAL_OAK, MATERIAL_LACQUER}},
    [STYLE_MEDITERRANEAN] = {{MATERIAL_PLASTER, MATERIAL_PLASTER},
                             {MATERIAL_STONE, MATERIAL_TERRACOTTA},
                             {MATERIAL_TERRACOTTA, MATERIAL_TERRACOTTA},
                             {MATERIAL_DARK_TIMBER, MATERIAL_LACQUER}},
    [STYLE_INDUSTRIAL] = {{MATERIAL_BRICK, MATERIAL_STEEL},
                          {MATERIAL_DARK_METAL, MATERIAL_CORTEN},
                          {MATERIAL_ZINC, MATERIAL_DARK_METAL},
                          {MATERIAL_DARK_METAL, MATERIAL_STEEL}},
    [STYLE_ASIAN] = {{MATERIAL_LACQUER, MATERIAL_PLASTER},
                     {MATERIAL_DARK_TIMBER, MATERIAL_LACQUER},
                     {MATERIAL_CERAMIC_TILE, MATERIAL_SLATE},
                     {MATERIAL_LACQUER, MATERIAL_DARK_TIMBER}},
    [STYLE_ART_DECO] = {{MATERIAL_STONE, MATERIAL_PLASTER},
                        {MATERIAL_GOLD, MATERIAL_COPPER},
                        {MATERIAL_COPPER, MATERIAL_STONE},
                        {MATERIAL_GOLD, MATERIAL_DARK_METAL}},
    [STYLE_TOWER] = {{MATERIAL_GLASS, MATERIAL_GLASS},
                     {MATERIAL_STEEL, MATERIAL_DARK_METAL},
                     {MATERIAL_STEEL, MATERIAL_DARK_METAL},
                     {MATERIAL_GLASS, MATERIAL_STEEL}},
    [STYLE_FUTURISTIC] = {{MATERIAL_PLASTER, MATERIAL_STEEL},
                          {MATERIAL_GLASS, MATERIAL_STEEL},
                          {MATERIAL_PLASTER, MATERIAL_STEEL},
                          {MATERIAL_GLASS, MATERIAL_STEEL}},
    [STYLE_SCANDINAVIAN] = {{MATERIAL_CHARRED_TIMBER, MATERIAL_OAK},
                            {MATERIAL_OAK, MATERIAL_PLASTER},
                            {MATERIAL_DARK_METAL, MATERIAL_SHINGLE},
                            {MATERIAL_OAK, MATERIAL_LACQUER}},
    [STYLE_VICTORIAN] = {{MATERIAL_BRICK, MATERIAL_LACQUER},
                         {MATERIAL_PLASTER, MATERIAL_STONE},
                         {MATERIAL_SLATE, MATERIAL_SHINGLE},
                         {MATERIAL_LACQUER, MATERIAL_OAK}},
};

static const struct {
    const char *ratio;
    int width, height; /* at 1K */
} sizes[] = {
    {"1:1", 1024, 1024}, {"2:3", 848, 1264},  {"3:2", 1264, 848}, {"3:4", 896, 1200},
    {"4:3", 1200, 896},  {"4:5", 928, 1152},  {"5:4", 1152, 928}, {"9:16", 768, 1376},
    {"16:9", 1376, 768}, {"21:9", 1584, 672}, {"1:4", 512, 2048}, {"4:1", 2048, 512},
    {"1:8", 384, 3072},  {"8:1", 3072, 384},
};

void plan_size(const char *aspect_ratio, const char *image_size, int *width, int *height) {
    int times = strcmp(image_size, "4K") == 0 ? 4 : strcmp(image_size, "2K") == 0 ? 2 : 1;
    *width = 1024 * times;
    *height = 1024 * times;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (strcmp(sizes[i].ratio, aspect_ratio) == 0) {
            *width = sizes[i].width * times;
            *height = sizes[i].height * times;
        }
    }
}

/* A memory or analysis that some text part brings. */
static json_t *labelled_json(const Request *request, const char *label, size_t nth) {
    const char *text = request_labelled(request, label, nth);
    return text ? json_loads(text, 0, NULL) : NULL;
}

/* Does a colour look like a day's sky?  At other times it would be a wrong wish. */
static bool sky_like(Lab lab) {
    float hue = colour_hue(lab);
    return colour_chroma(lab) > 0.02f && hue > 215 && hue < 285;
}

static bool leaf_like(Lab lab) {
    float hue = colour_hue(lab);
    return colour_chroma(lab) > 0.025f && hue > 101 && hue < 165;
}

static void add_tint(Plan *plan, Rgb rgb, float weight, SceneRole role) {
    if (plan->n_tints < SCENE_MAX_COLOURS)
        plan->tints[plan->n_tints++] = (SceneColour){rgb.r, rgb.g, rgb.b, weight, role};
}

/* Memory: what the user fixed in its palette counts; what was measured of a picture drawn here is
 * there already, in its materials, and would be dyed twice. */
static void add_memory(const Request *request, Plan *plan) {
    json_t *memory = labelled_json(request, "Memory of this chain (JSON):", 0);
    Facts facts;
    Rgb colours[SCENE_MAX_COLOURS];
    if (!json_is_object(memory)) {
        json_decref(memory);
        return;
    }
    memory_read(memory, &facts);
    int count = memory_palette(memory, facts.plan == 0, colours, SCENE_MAX_COLOURS);
    for (int i = 0; i < count; i++)
        add_tint(plan, colours[i], 0.3f, ROLE_AUTO);
    facts_underlay(&plan->facts, &facts);
    json_decref(memory);
}

/* "Yellow plaster" of a photograph is its own yellow: take the nearest that was measured. */
static void match_colours(Facts *facts, const Palette *palette) {
    for (int i = 0; i < facts->n_materials; i++) {
        MaterialFact *fact = &facts->materials[i];
        Lab named = colour_lab(fact->rgb);
        float least = 0.2f;
        for (int c = 0; fact->colour && c < palette->count; c++) {
            Lab own = palette->colours[c].lab;
            float distance =
                hypotf(named.a - own.a, named.b - own.b) + 0.5f * fabsf(named.l - own.l);
            if (distance < least) {
                least = distance;
                fact->rgb = palette->colours[c].rgb;
                fact->colour = colour_name(palette->colours[c].rgb);
            }
        }
        /* The colour was also noted by itself, as said. */
        for (int c = 0; fact->colour && c < facts->n_colours; c++)
            if (facts->colours[c].part == fact->part)
                facts->colours[c] = (ColourFact){fact->colour, fact->rgb, fact->part};
    }
}

/* The largest colour of a photograph that a wall can have; -1 where there is none. */
static int wall_colour(const ImageFacts *image) {
    for (int c = 0; c < image->palette.count; c++) {
        const PaletteColour *colour = &image->palette.colours[c];
        bool sky = image->light.sky > 0.08f && colour->y < 0.4f && colour->lab.l > 0.75f &&
                   colour->share < image->light.sky + 0.1f;
        if (!sky && !sky_like(colour->lab) && !leaf_like(colour->lab) && colour->lab.l > 0.44f)
            return c;
    }
    return -1;
}

/* Give walls, sky and plants the colours of a photograph. */
static void take_colours(const ImageFacts *image, Facts *facts, Plan *plan) {
    const Palette *palette = &image->palette;
    int wall = wall_colour(image);
    bool sky = false, plants = false;
    match_colours(facts, palette);
    for (int i = 0; wall >= 0 && i < facts->n_materials; i++) {
        MaterialFact *fact = &facts->materials[i];
        if (fact == facts_material(facts, PART_WALL) && !fact->colour &&
            fact->material != MATERIAL_GLASS) {
            fact->rgb = palette->colours[wall].rgb;
            fact->colour = colour_name(fact->rgb);
        }
    }
    for (int c = 0; c < palette->count; c++) {
        const PaletteColour *colour = &palette->colours[c];
        if (!sky && sky_like(colour->lab) && colour->y < 0.5f)
            add_tint(plan, colour->rgb, colour->share, ROLE_SKY);
        else if (!plants && leaf_like(colour->lab))
            add_tint(plan, colour->rgb, colour->share, ROLE_PLANTS);
        sky = sky || sky_like(colour->lab);
        plants = plants || leaf_like(colour->lab);
    }
}

/* A photograph has no plan: its bytes stand for one, so that it always gives the same building. */
static uint64_t plan_of_photograph(const RequestImage *image) {
    uint64_t hash = text_hash(5, (const char *)image->bytes, image->length);
    return PLAN_LOWEST + hash % (PLAN_HIGHEST - PLAN_LOWEST + 1);
}

/* The images of a request: earlier ones, references, then the style image's colours. */
static void add_images(const Request *request, Plan *plan) {
    static const ImageRole order[] = {ROLE_EARLIER, ROLE_REFERENCE, ROLE_STYLE_IMAGE};
    for (size_t o = 0; o < sizeof order / sizeof order[0]; o++) {
        for (size_t i = 0; i < request->image_count; i++) {
            const RequestImage *image = &request->images[i];
            ImageFacts measured;
            const char *why;
            Facts facts;
            if (image->role != order[o] ||
                !image_facts_measure(image->bytes, image->length, &measured, &why))
                continue;
            image_facts_as_prompt(&measured, &facts);
            if (!measured.drawn_here)
                take_colours(&measured, &facts, plan);
            if (image->role == ROLE_REFERENCE && facts.plan == 0)
                facts.plan = plan_of_photograph(image);
            if (image->role == ROLE_STYLE_IMAGE)
                facts.plan = 0;
            facts_underlay(&plan->facts, &facts);
        }
    }
}

/* Give a part a material where none is said: in the colour that is said, else in `colour`. */
static void settle(Facts *facts, Part part, SceneMaterial material, const char *colour) {
    const ColourFact *said = facts_colour(facts, part);
    if (facts_material(facts, part) || facts->n_materials == FACTS_MATERIALS)
        return;
    /* A door of a colour is a painted one. */
    if (said && part == PART_DOOR)
        material = MATERIAL_LACQUER;
    MaterialFact fact = {
        .name = lexicon_material_name(material), .material = material, .part = part};
    if (said) {
        fact.colour = said->name;
        fact.rgb = said->rgb;
    } else if (colour && colour_find(colour, &fact.rgb)) {
        fact.colour = colour;
    }
    facts->materials[facts->n_materials++] = fact;
}

/* A colour for what is painted. */
static const char *paint_of(SceneMaterial material, SceneStyle style, Part part) {
    if (material == MATERIAL_PLASTER && part == PART_WALL)
        return style == STYLE_CLASSICAL ? "cream" : "white";
    if (material == MATERIAL_LACQUER)
        return style == STYLE_ASIAN ? "red" : part == PART_DOOR ? "deep blue" : "sage";
    return NULL;
}

/* The style that a building has where none is said. */
static SceneStyle usual_style(const Facts *facts) {
    static const struct {
        const char *kind;
        SceneStyle style;
    } usual[] = {
        {"temple", STYLE_ASIAN},        {"pagoda", STYLE_ASIAN},
        {"shrine", STYLE_ASIAN},        {"mosque", STYLE_MEDITERRANEAN},
        {"castle", STYLE_GOTHIC},       {"palace", STYLE_CLASSICAL},
        {"mansion", STYLE_CLASSICAL},   {"town hall", STYLE_CLASSICAL},
        {"cottage", STYLE_TRADITIONAL}, {"farmhouse", STYLE_TRADITIONAL},
        {"chalet", STYLE_TRADITIONAL},  {"barn", STYLE_TRADITIONAL},
        {"cabin", STYLE_SCANDINAVIAN},  {"townhouse", STYLE_VICTORIAN},
    };
    for (size_t i = 0; facts->kind_name && i < sizeof usual / sizeof usual[0]; i++)
        if (strcmp(usual[i].kind, facts->kind_name) == 0)
            return usual[i].style;
    if (facts->features & (FEATURE_COLUMNS | FEATURE_DOME))
        return STYLE_CLASSICAL;
    return facts->kind == KIND_TOWER       ? STYLE_TOWER
           : facts->kind == KIND_SACRED    ? STYLE_GOTHIC
           : facts->kind == KIND_WAREHOUSE ? STYLE_INDUSTRIAL
                                           : STYLE_MODERN;
}

/* Decide what nobody said. */
static void complete(Facts *facts) {
    if (facts->plan == 0)
        facts->plan = PLAN_LOWEST + facts->seed % (PLAN_HIGHEST - PLAN_LOWEST + 1);
    if (!facts->style_name) {
        facts->style = usual_style(facts);
        facts->style_name = lexicon_style_name(facts->style);
    }
    if (!facts->kind_name)
        facts->kind_name = "building";
    if (!facts->time_name) {
        facts->time = TIME_MORNING;
        facts->time_name = "morning";
    }
    const Habit *habit = &habits[facts->style];
    int choice = (int)(facts->plan / 7 % 2);
    /* "White walls": plaster, whatever the style's habit is. */
    bool painted = facts_colour(facts, PART_WALL) && !facts_material(facts, PART_WALL);
    SceneMaterial wall = painted ? MATERIAL_PLASTER : habit->wall[choice];
    settle(facts, PART_WALL, wall, paint_of(wall, facts->style, PART_WALL));
    settle(facts, PART_ROOF, habit->roof[choice], NULL);
    settle(facts, PART_DOOR, habit->door[choice],
           paint_of(habit->door[choice], facts->style, PART_DOOR));
    int walls = 0;
    for (int i = 0; i < facts->n_materials; i++)
        walls +=
            facts->materials[i].part <= PART_WALL && facts->materials[i].material != MATERIAL_GLASS;
    if (walls < 2)
        settle(facts, PART_ACCENT, habit->accent[choice],
               paint_of(habit->accent[choice], facts->style, PART_ACCENT));
}

void plan_complete(Plan *plan) {
    complete(&plan->facts);
}

/* The prompt that the request draws, or whatever text there is. */
static const char *prompt_of(const Request *request) {
    const char *prompt = request_labelled(request, "Prompt:", 0);
    if (!prompt)
        prompt = request_labelled(request, "User prompt:", 0);
    for (size_t i = 0; !prompt; i++) {
        const char *text = request_labelled(request, "", i);
        if (!text)
            return "a house";
        size_t length = strlen(text);
        if (!(length > 0 && text[length - 1] == ':') && !text_starts(text, "Memory of this chain"))
            prompt = text;
    }
    return prompt;
}

void plan_make(const Request *request, Plan *plan) {
    const char *prompt = prompt_of(request);
    const char *avoid = request_labelled(request, "Avoid:", 0);
    const char *inside = request_labelled(request, "Inside the mask:", 0);
    Facts keep, other;
    *plan = (Plan){.mood = text_hash(3, prompt, strlen(prompt))};
    prompt_read(prompt, &plan->facts, &keep);
    if (inside) {
        facts_read(inside, &other);
        facts_underlay(&plan->facts, &other);
    }
    if (avoid) {
        facts_read(avoid, &other);
        plan->facts.removed |= other.features & ~plan->facts.features;
    }
    facts_underlay(&plan->facts, &keep);
    add_memory(request, plan);
    add_images(request, plan);
    plan->facts.features &= ~plan->facts.removed;
    complete(&plan->facts);
}

/* Put a colour into the scene's palette. */
static void paint(SceneSpec *spec, Rgb rgb, float weight, SceneRole role) {
    if (spec->n_palette < SCENE_MAX_COLOURS)
        spec->palette[spec->n_palette++] = (SceneColour){rgb.r, rgb.g, rgb.b, weight, role};
}

static SceneRole role_of(Part part) {
    static const SceneRole roles[] = {
        [PART_NONE] = ROLE_WALL,     [PART_WALL] = ROLE_WALL, [PART_ACCENT] = ROLE_ACCENT,
        [PART_ROOF] = ROLE_ROOF,     [PART_DOOR] = ROLE_DOOR, [PART_FRAME] = ROLE_ACCENT,
        [PART_GROUND] = ROLE_GROUND, [PART_PATH] = ROLE_AUTO, [PART_SKY] = ROLE_SKY,
        [PART_PLANTS] = ROLE_PLANTS,
    };
    return roles[part];
}

/* "Red brick" is a fired red, not a painted one, and no paint is as loud as a screen's yellow. */
static Rgb as_material(SceneMaterial material, Rgb rgb) {
    bool painted = material == MATERIAL_PLASTER || material == MATERIAL_LACQUER ||
                   material == MATERIAL_CERAMIC_TILE || material == MATERIAL_STEEL ||
                   material == MATERIAL_DARK_METAL;
    Lab lab = colour_lab(rgb);
    float chroma = colour_chroma(lab), most = painted ? 0.14f : 0.09f;
    if (chroma <= most)
        return rgb;
    lab.a *= most / chroma;
    lab.b *= most / chroma;
    return colour_rgb((Lab){painted ? lab.l : lab.l * 0.92f, lab.a, lab.b});
}

/* Where the second wall goes. */
static void place_material(SceneSpec *spec, const MaterialFact *fact) {
    SceneMaterial *places[] = {
        [PART_NONE] = &spec->wall,     [PART_WALL] = &spec->wall, [PART_ACCENT] = &spec->accent,
        [PART_ROOF] = &spec->roof,     [PART_DOOR] = &spec->door, [PART_FRAME] = &spec->frame,
        [PART_GROUND] = &spec->ground, [PART_PATH] = &spec->path,
    };
    if (fact->part == PART_SKY || fact->part == PART_PLANTS)
        return;
    SceneMaterial *place = places[fact->part];
    if (place == &spec->wall && *place != MATERIAL_DEFAULT)
        place = fact->material == MATERIAL_GLASS ? NULL : &spec->accent;
    if (fact->part == PART_FRAME && fact->material == MATERIAL_GLASS)
        place = NULL;
    if (place && *place == MATERIAL_DEFAULT)
        *place = fact->material;
    if (fact->colour && place)
        paint(spec, as_material(fact->material, fact->rgb), 0.7f,
              place == &spec->accent ? ROLE_ACCENT : role_of(fact->part));
}

/* "concrete and glass": glass is the windows unless nothing else is named. */
static void place_materials(const Facts *facts, SceneSpec *spec) {
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < facts->n_materials; i++) {
            const MaterialFact *fact = &facts->materials[i];
            bool loose_glass = fact->material == MATERIAL_GLASS && fact->part <= PART_WALL;
            if (loose_glass == (pass == 1))
                place_material(spec, fact);
        }
    }
}

static void place_colours(const Plan *plan, SceneSpec *spec) {
    const Facts *facts = &plan->facts;
    bool day = facts->time != TIME_DUSK && facts->time != TIME_NIGHT && facts->time != TIME_DAWN &&
               facts->weather <= WEATHER_CLEAR;
    for (int i = 0; i < facts->n_colours; i++) {
        bool taken = false;
        for (int j = 0; j < spec->n_palette; j++)
            taken = taken || spec->palette[j].role == role_of(facts->colours[i].part);
        if (!taken)
            paint(spec, facts->colours[i].rgb, 0.8f, role_of(facts->colours[i].part));
    }
    for (int i = 0; i < plan->n_tints; i++) {
        SceneColour tint = plan->tints[i];
        Rgb rgb = {tint.r, tint.g, tint.b};
        if (day || (tint.role != ROLE_SKY && !sky_like(colour_lab(rgb))))
            paint(spec, rgb, tint.weight, tint.role);
    }
}

void plan_scene(const Plan *plan, int width, int height, SceneSpec *spec) {
    const Facts *facts = &plan->facts;
    uint64_t number = facts->plan;
    *spec = (SceneSpec){
        .width = width,
        .height = height,
        .building_seed = text_hash(11, (const char *)&number, sizeof number),
        .scene_seed = text_hash(12, (const char *)&number, sizeof number),
        .style = facts->style,
        .kind = facts->kind,
        .time = facts->time,
        .weather = facts->weather,
        .view = facts->view,
        .lens = facts->lens,
        .light = facts->light,
        .storeys = facts->storeys > 60 ? 60 : facts->storeys,
        .features = facts->features,
    };
    place_materials(facts, spec);
    place_colours(plan, spec);
    spec->warmth = 0.5f * (float)facts->warmth + 0.03f * ((float)(plan->mood % 201) / 100 - 1);
}
