/* One table holds every phrase.  The longest phrase that fits is taken, so "green roof" is a
 * planted roof and not a roof painted green, and "golden hour" has no gold in it. */
#include "lexicon.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "colour.h"
#include "text.h"

static const Entry entries[] = {
    /* styles */
    {"modern", WORD_STYLE, STYLE_MODERN, NULL, 0},
    {"modernist", WORD_STYLE, STYLE_MODERN, "modernist", 0},
    {"contemporary", WORD_STYLE, STYLE_MODERN, "contemporary", 0},
    {"mid century", WORD_STYLE, STYLE_MODERN, "mid-century modern", 0},
    {"mid century modern", WORD_STYLE, STYLE_MODERN, "mid-century modern", 0},
    {"bauhaus", WORD_STYLE, STYLE_MODERN, "Bauhaus", 0},
    {"international style", WORD_STYLE, STYLE_MODERN, "international style", 0},
    {"minimalist", WORD_STYLE, STYLE_MINIMALIST, NULL, 0},
    {"minimal", WORD_STYLE, STYLE_MINIMALIST, "minimalist", 0},
    {"minimalism", WORD_STYLE, STYLE_MINIMALIST, "minimalist", 0},
    {"brutalist", WORD_STYLE, STYLE_BRUTALIST, NULL, 0},
    {"brutalism", WORD_STYLE, STYLE_BRUTALIST, "brutalist", 0},
    {"classical", WORD_STYLE, STYLE_CLASSICAL, NULL, 0},
    {"neoclassical", WORD_STYLE, STYLE_CLASSICAL, "neoclassical", 0},
    {"neo classical", WORD_STYLE, STYLE_CLASSICAL, "neoclassical", 0},
    {"baroque", WORD_STYLE, STYLE_CLASSICAL, "baroque", 0},
    {"renaissance", WORD_STYLE, STYLE_CLASSICAL, "renaissance", 0},
    {"palladian", WORD_STYLE, STYLE_CLASSICAL, "Palladian", 0},
    {"greek", WORD_STYLE, STYLE_CLASSICAL, "Greek classical", 0},
    {"roman", WORD_STYLE, STYLE_CLASSICAL, "Roman classical", 0},
    {"georgian", WORD_STYLE, STYLE_CLASSICAL, "Georgian", 0},
    {"ornate", WORD_STYLE, STYLE_CLASSICAL, "ornate classical", 0},
    {"gothic", WORD_STYLE, STYLE_GOTHIC, NULL, 0},
    {"neo gothic", WORD_STYLE, STYLE_GOTHIC, "neo-gothic", 0},
    {"medieval", WORD_STYLE, STYLE_GOTHIC, "medieval", 0},
    {"romanesque", WORD_STYLE, STYLE_GOTHIC, "romanesque", 0},
    {"traditional", WORD_STYLE, STYLE_TRADITIONAL, NULL, 0},
    {"rustic", WORD_STYLE, STYLE_TRADITIONAL, "rustic", 0},
    {"vernacular", WORD_STYLE, STYLE_TRADITIONAL, "vernacular", 0},
    {"colonial", WORD_STYLE, STYLE_TRADITIONAL, "colonial", 0},
    {"alpine", WORD_STYLE, STYLE_TRADITIONAL, "alpine", FEATURE_MOUNTAINS},
    {"country", WORD_STYLE, STYLE_TRADITIONAL, "country", 0},
    {"mediterranean", WORD_STYLE, STYLE_MEDITERRANEAN, NULL, 0},
    {"spanish", WORD_STYLE, STYLE_MEDITERRANEAN, "Spanish", 0},
    {"tuscan", WORD_STYLE, STYLE_MEDITERRANEAN, "Tuscan", 0},
    {"moroccan", WORD_STYLE, STYLE_MEDITERRANEAN, "Moroccan", 0},
    {"cycladic", WORD_STYLE, STYLE_MEDITERRANEAN, "Cycladic", 0},
    {"moorish", WORD_STYLE, STYLE_MEDITERRANEAN, "Moorish", FEATURE_ARCHES},
    {"industrial", WORD_STYLE, STYLE_INDUSTRIAL, NULL, 0},
    {"loft", WORD_STYLE, STYLE_INDUSTRIAL, "industrial", 0},
    {"asian", WORD_STYLE, STYLE_ASIAN, "East Asian", 0},
    {"east asian", WORD_STYLE, STYLE_ASIAN, "East Asian", 0},
    {"chinese", WORD_STYLE, STYLE_ASIAN, "Chinese", 0},
    {"japanese", WORD_STYLE, STYLE_ASIAN, "Japanese", 0},
    {"korean", WORD_STYLE, STYLE_ASIAN, "Korean", 0},
    {"zen", WORD_STYLE, STYLE_ASIAN, "Japanese", FEATURE_GARDEN},
    {"art deco", WORD_STYLE, STYLE_ART_DECO, NULL, 0},
    {"futuristic", WORD_STYLE, STYLE_FUTURISTIC, NULL, 0},
    {"parametric", WORD_STYLE, STYLE_FUTURISTIC, "parametric", 0},
    {"organic", WORD_STYLE, STYLE_FUTURISTIC, "organic", 0},
    {"sci fi", WORD_STYLE, STYLE_FUTURISTIC, "futuristic", 0},
    {"scandinavian", WORD_STYLE, STYLE_SCANDINAVIAN, NULL, 0},
    {"nordic", WORD_STYLE, STYLE_SCANDINAVIAN, "Nordic", 0},
    {"victorian", WORD_STYLE, STYLE_VICTORIAN, NULL, 0},
    {"edwardian", WORD_STYLE, STYLE_VICTORIAN, "Edwardian", 0},
    {"tudor", WORD_STYLE, STYLE_VICTORIAN, "Tudor", 0},
    {"high tech", WORD_STYLE, STYLE_TOWER, "high-tech", 0},
    /* kinds of building */
    {"house", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"home", WORD_KIND, KIND_HOUSE, "house", 0},
    {"villa", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"cottage", WORD_KIND, KIND_HOUSE, NULL, FEATURE_CHIMNEY},
    {"bungalow", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"cabin", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"chalet", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"farmhouse", WORD_KIND, KIND_HOUSE, NULL, FEATURE_CHIMNEY},
    {"mansion", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"residence", WORD_KIND, KIND_HOUSE, NULL, 0},
    {"townhouse", WORD_KIND, KIND_HOUSE, NULL, FEATURE_CITY},
    {"building", WORD_KIND, KIND_DEFAULT, NULL, 0},
    {"tower", WORD_KIND, KIND_TOWER, NULL, 0},
    {"skyscraper", WORD_KIND, KIND_TOWER, NULL, FEATURE_CITY},
    {"high rise", WORD_KIND, KIND_TOWER, "high-rise", FEATURE_CITY},
    {"apartment building", WORD_KIND, KIND_TOWER, NULL, 0},
    {"apartment block", WORD_KIND, KIND_TOWER, NULL, 0},
    {"office", WORD_KIND, KIND_TOWER, "office building", FEATURE_CITY},
    {"office building", WORD_KIND, KIND_TOWER, NULL, FEATURE_CITY},
    {"office tower", WORD_KIND, KIND_TOWER, NULL, FEATURE_CITY},
    {"hotel", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"museum", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"gallery", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"library", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"school", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"university", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"palace", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"castle", WORD_KIND, KIND_PUBLIC, NULL, FEATURE_TOWER},
    {"hospital", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"theatre", WORD_KIND, KIND_PUBLIC, NULL, 0},
    {"theater", WORD_KIND, KIND_PUBLIC, "theatre", 0},
    {"town hall", WORD_KIND, KIND_PUBLIC, NULL, FEATURE_CITY},
    {"station", WORD_KIND, KIND_PUBLIC, NULL, FEATURE_CITY},
    {"church", WORD_KIND, KIND_SACRED, NULL, 0},
    {"chapel", WORD_KIND, KIND_SACRED, NULL, 0},
    {"cathedral", WORD_KIND, KIND_SACRED, NULL, 0},
    {"temple", WORD_KIND, KIND_SACRED, NULL, 0},
    {"pagoda", WORD_KIND, KIND_SACRED, NULL, 0},
    {"shrine", WORD_KIND, KIND_SACRED, NULL, 0},
    {"mosque", WORD_KIND, KIND_SACRED, NULL, FEATURE_DOME},
    {"monastery", WORD_KIND, KIND_SACRED, NULL, 0},
    {"warehouse", WORD_KIND, KIND_WAREHOUSE, NULL, 0},
    {"factory", WORD_KIND, KIND_WAREHOUSE, NULL, 0},
    {"barn", WORD_KIND, KIND_WAREHOUSE, NULL, 0},
    {"hangar", WORD_KIND, KIND_WAREHOUSE, NULL, 0},
    {"hall", WORD_KIND, KIND_WAREHOUSE, NULL, 0},
    {"pavilion", WORD_KIND, KIND_PAVILION, NULL, 0},
    {"kiosk", WORD_KIND, KIND_PAVILION, NULL, 0},
    {"gazebo", WORD_KIND, KIND_PAVILION, NULL, 0},
    {"greenhouse", WORD_KIND, KIND_PAVILION, NULL, 0},
    /* elements */
    {"wall", WORD_ELEMENT, PART_WALL, NULL, 0},
    {"facade", WORD_ELEMENT, PART_WALL, NULL, 0},
    {"cladding", WORD_ELEMENT, PART_WALL, NULL, 0},
    {"exterior", WORD_ELEMENT, PART_WALL, NULL, 0},
    {"volume", WORD_ELEMENT, PART_WALL, NULL, 0},
    {"roof", WORD_ELEMENT, PART_ROOF, NULL, 0},
    {"flat roof", WORD_ELEMENT, PART_ROOF, NULL, 0},
    {"gable", WORD_ELEMENT, PART_ROOF, "gable roof", 0},
    {"gable roof", WORD_ELEMENT, PART_ROOF, NULL, 0},
    {"pitched roof", WORD_ELEMENT, PART_ROOF, NULL, 0},
    {"roof tile", WORD_ELEMENT, PART_ROOF, "roof", 0},
    {"dome", WORD_ELEMENT, PART_ROOF, NULL, FEATURE_DOME},
    {"spire", WORD_ELEMENT, PART_ROOF, NULL, FEATURE_TOWER},
    {"turret", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_TOWER},
    {"steeple", WORD_ELEMENT, PART_ROOF, NULL, FEATURE_TOWER},
    {"minaret", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_TOWER},
    {"chimney", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_CHIMNEY},
    {"solar panel", WORD_ELEMENT, PART_NONE, "solar panels", FEATURE_SOLAR},
    {"green roof", WORD_ELEMENT, PART_NONE, NULL, FEATURE_GREEN_ROOF},
    {"planted roof", WORD_ELEMENT, PART_NONE, "green roof", FEATURE_GREEN_ROOF},
    {"roof garden", WORD_ELEMENT, PART_NONE, NULL, FEATURE_GREEN_ROOF},
    {"door", WORD_ELEMENT, PART_DOOR, NULL, 0},
    {"front door", WORD_ELEMENT, PART_DOOR, "door", 0},
    {"entrance", WORD_ELEMENT, PART_DOOR, NULL, 0},
    {"gate", WORD_ELEMENT, PART_DOOR, NULL, 0},
    {"portal", WORD_ELEMENT, PART_DOOR, NULL, 0},
    {"window", WORD_ELEMENT, PART_FRAME, NULL, 0},
    {"window frame", WORD_ELEMENT, PART_FRAME, NULL, 0},
    {"frame", WORD_ELEMENT, PART_FRAME, "window frame", 0},
    {"glazing", WORD_ELEMENT, PART_FRAME, NULL, 0},
    {"skylight", WORD_ELEMENT, PART_FRAME, NULL, 0},
    {"curtain wall", WORD_MATERIAL, MATERIAL_GLASS, "glass", 0},
    {"balcony", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_BALCONY},
    {"loggia", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_BALCONY},
    {"veranda", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"porch", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"canopy", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"cantilever", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"shutter", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"detail", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"accent", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"trim", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"extension", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"upper floor", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"upper storey", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"railing", WORD_ELEMENT, PART_ACCENT, NULL, 0},
    {"column", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_COLUMNS},
    {"pillar", WORD_ELEMENT, PART_ACCENT, "column", FEATURE_COLUMNS},
    {"colonnade", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_COLUMNS},
    {"portico", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_COLUMNS},
    {"arch", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_ARCHES},
    {"arcade", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_ARCHES},
    {"stair", WORD_ELEMENT, PART_PATH, "stairs", FEATURE_STAIRS},
    {"staircase", WORD_ELEMENT, PART_PATH, "stairs", FEATURE_STAIRS},
    {"step", WORD_ELEMENT, PART_PATH, "stairs", FEATURE_STAIRS},
    {"garage", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_GARAGE},
    {"carport", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_GARAGE},
    {"terrace", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"patio", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"courtyard", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"path", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"driveway", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"street", WORD_ELEMENT, PART_PATH, NULL, FEATURE_CITY},
    {"road", WORD_ELEMENT, PART_PATH, NULL, 0},
    {"city", WORD_ELEMENT, PART_NONE, NULL, FEATURE_CITY},
    {"urban", WORD_ELEMENT, PART_NONE, "city", FEATURE_CITY},
    {"downtown", WORD_ELEMENT, PART_NONE, "city", FEATURE_CITY},
    {"skyline", WORD_ELEMENT, PART_NONE, NULL, FEATURE_CITY},
    {"pool", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"swimming pool", WORD_ELEMENT, PART_NONE, "pool", FEATURE_POOL},
    {"pond", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"lake", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"canal", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"river", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"fountain", WORD_ELEMENT, PART_NONE, NULL, FEATURE_POOL},
    {"garden", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_GARDEN},
    {"hedge", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_GARDEN},
    {"flower", WORD_ELEMENT, PART_PLANTS, "flowers", FEATURE_GARDEN},
    {"shrub", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_GARDEN},
    {"landscaping", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_GARDEN},
    {"planting", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_GARDEN},
    {"tree", WORD_ELEMENT, PART_PLANTS, "trees", FEATURE_TREES},
    {"forest", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_TREES | FEATURE_CONIFERS},
    {"wood", WORD_MATERIAL, MATERIAL_OAK, "wood", 0},
    {"woods", WORD_ELEMENT, PART_PLANTS, "forest", FEATURE_TREES},
    {"pine tree", WORD_ELEMENT, PART_PLANTS, "pines", FEATURE_TREES | FEATURE_CONIFERS},
    {"pine", WORD_ELEMENT, PART_PLANTS, "pines", FEATURE_CONIFERS},
    {"fir", WORD_ELEMENT, PART_PLANTS, "firs", FEATURE_CONIFERS},
    {"palm", WORD_ELEMENT, PART_PLANTS, "palms", FEATURE_PALMS},
    {"palm tree", WORD_ELEMENT, PART_PLANTS, "palms", FEATURE_PALMS},
    {"cherry blossom", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_BLOSSOM},
    {"blossom", WORD_ELEMENT, PART_PLANTS, NULL, FEATURE_BLOSSOM},
    {"blossoming", WORD_ELEMENT, PART_PLANTS, "blossom", FEATURE_BLOSSOM},
    {"spring", WORD_ELEMENT, PART_NONE, "spring", FEATURE_BLOSSOM},
    {"autumn", WORD_ELEMENT, PART_NONE, "autumn", FEATURE_AUTUMN},
    {"fall colour", WORD_ELEMENT, PART_NONE, "autumn", FEATURE_AUTUMN},
    {"autumnal", WORD_ELEMENT, PART_NONE, "autumn", FEATURE_AUTUMN},
    {"summer", WORD_ELEMENT, PART_NONE, "summer", 0},
    {"lawn", WORD_ELEMENT, PART_GROUND, NULL, 0},
    {"meadow", WORD_ELEMENT, PART_GROUND, NULL, 0},
    {"ground", WORD_ELEMENT, PART_GROUND, NULL, 0},
    {"landscape", WORD_ELEMENT, PART_GROUND, NULL, 0},
    {"sky", WORD_ELEMENT, PART_SKY, NULL, 0},
    {"car", WORD_ELEMENT, PART_NONE, NULL, FEATURE_CAR},
    {"people", WORD_ELEMENT, PART_NONE, NULL, FEATURE_PEOPLE},
    {"person", WORD_ELEMENT, PART_NONE, "people", FEATURE_PEOPLE},
    {"lantern", WORD_ELEMENT, PART_NONE, "lanterns", FEATURE_LANTERNS},
    {"lamp", WORD_ELEMENT, PART_NONE, "lamps", FEATURE_LANTERNS},
    {"fence", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_FENCE},
    {"garden wall", WORD_ELEMENT, PART_ACCENT, NULL, FEATURE_FENCE},
    {"mountain", WORD_ELEMENT, PART_NONE, "mountains", FEATURE_MOUNTAINS},
    {"alps", WORD_ELEMENT, PART_NONE, "mountains", FEATURE_MOUNTAINS},
    {"sea", WORD_ELEMENT, PART_NONE, NULL, FEATURE_SEA},
    {"ocean", WORD_ELEMENT, PART_NONE, "sea", FEATURE_SEA},
    {"coast", WORD_ELEMENT, PART_NONE, NULL, FEATURE_SEA},
    {"beach", WORD_ELEMENT, PART_NONE, NULL, FEATURE_SEA | FEATURE_DESERT},
    {"desert", WORD_ELEMENT, PART_NONE, NULL, FEATURE_DESERT},
    {"cactus", WORD_ELEMENT, PART_NONE, NULL, FEATURE_DESERT},
    {"lit window", WORD_ELEMENT, PART_NONE, "lit windows", FEATURE_INTERIOR_LIGHT},
    {"interior light", WORD_ELEMENT, PART_NONE, "interior light", FEATURE_INTERIOR_LIGHT},
    {"glowing window", WORD_ELEMENT, PART_NONE, "lit windows", FEATURE_INTERIOR_LIGHT},
    {"bare tree", WORD_ELEMENT, PART_PLANTS, "bare trees", FEATURE_BARE_TREES},
    {"winter", WORD_ELEMENT, PART_NONE, "winter", FEATURE_BARE_TREES},
    /* materials */
    {"concrete", WORD_MATERIAL, MATERIAL_CONCRETE, NULL, 0},
    {"exposed concrete", WORD_MATERIAL, MATERIAL_CONCRETE, "exposed concrete", 0},
    {"fair faced concrete", WORD_MATERIAL, MATERIAL_CONCRETE, "concrete", 0},
    {"cement", WORD_MATERIAL, MATERIAL_CONCRETE, "concrete", 0},
    {"board marked concrete", WORD_MATERIAL, MATERIAL_BOARD_CONCRETE, "board-marked concrete", 0},
    {"plaster", WORD_MATERIAL, MATERIAL_PLASTER, NULL, 0},
    {"stucco", WORD_MATERIAL, MATERIAL_PLASTER, "stucco", 0},
    {"render finish", WORD_MATERIAL, MATERIAL_PLASTER, "plaster", 0},
    {"whitewashed", WORD_MATERIAL, MATERIAL_PLASTER, "white plaster", 0},
    {"adobe", WORD_MATERIAL, MATERIAL_PLASTER, "adobe", 0},
    {"brick", WORD_MATERIAL, MATERIAL_BRICK, NULL, 0},
    {"brickwork", WORD_MATERIAL, MATERIAL_BRICK, "brick", 0},
    {"stone", WORD_MATERIAL, MATERIAL_STONE, NULL, 0},
    {"limestone", WORD_MATERIAL, MATERIAL_STONE, "limestone", 0},
    {"travertine", WORD_MATERIAL, MATERIAL_STONE, "travertine", 0},
    {"granite", WORD_MATERIAL, MATERIAL_STONE, "granite", 0},
    {"rubble", WORD_MATERIAL, MATERIAL_RUBBLE, "rubble stone", 0},
    {"fieldstone", WORD_MATERIAL, MATERIAL_RUBBLE, "fieldstone", 0},
    {"natural stone", WORD_MATERIAL, MATERIAL_RUBBLE, "natural stone", 0},
    {"carved stone", WORD_MATERIAL, MATERIAL_STONE, "carved stone", 0},
    {"marble", WORD_MATERIAL, MATERIAL_MARBLE, NULL, 0},
    {"oak", WORD_MATERIAL, MATERIAL_OAK, NULL, 0},
    {"timber", WORD_MATERIAL, MATERIAL_OAK, "timber", 0},
    {"wooden", WORD_MATERIAL, MATERIAL_OAK, "wood", 0},
    {"larch", WORD_MATERIAL, MATERIAL_OAK, "larch", 0},
    {"cedar", WORD_MATERIAL, MATERIAL_OAK, "cedar", 0},
    {"dark timber", WORD_MATERIAL, MATERIAL_DARK_TIMBER, NULL, 0},
    {"teak", WORD_MATERIAL, MATERIAL_DARK_TIMBER, "teak", 0},
    {"walnut", WORD_MATERIAL, MATERIAL_DARK_TIMBER, "walnut", 0},
    {"dark wood", WORD_MATERIAL, MATERIAL_DARK_TIMBER, "dark timber", 0},
    {"half timbered", WORD_MATERIAL, MATERIAL_DARK_TIMBER, "half-timbering", 0},
    {"log", WORD_MATERIAL, MATERIAL_DARK_TIMBER, "logs", 0},
    {"charred timber", WORD_MATERIAL, MATERIAL_CHARRED_TIMBER, NULL, 0},
    {"charred wood", WORD_MATERIAL, MATERIAL_CHARRED_TIMBER, "charred timber", 0},
    {"black timber", WORD_MATERIAL, MATERIAL_CHARRED_TIMBER, "black timber", 0},
    {"bamboo", WORD_MATERIAL, MATERIAL_BAMBOO, NULL, 0},
    {"glass", WORD_MATERIAL, MATERIAL_GLASS, NULL, 0},
    {"steel", WORD_MATERIAL, MATERIAL_STEEL, NULL, 0},
    {"metal", WORD_MATERIAL, MATERIAL_STEEL, "metal", 0},
    {"aluminium", WORD_MATERIAL, MATERIAL_STEEL, "aluminium", 0},
    {"aluminum", WORD_MATERIAL, MATERIAL_STEEL, "aluminium", 0},
    {"black steel", WORD_MATERIAL, MATERIAL_DARK_METAL, "black steel", 0},
    {"black metal", WORD_MATERIAL, MATERIAL_DARK_METAL, "black metal", 0},
    {"dark metal", WORD_MATERIAL, MATERIAL_DARK_METAL, "dark metal", 0},
    {"iron", WORD_MATERIAL, MATERIAL_DARK_METAL, "iron", 0},
    {"corten", WORD_MATERIAL, MATERIAL_CORTEN, "corten steel", 0},
    {"corten steel", WORD_MATERIAL, MATERIAL_CORTEN, NULL, 0},
    {"cor ten steel", WORD_MATERIAL, MATERIAL_CORTEN, "corten steel", 0},
    {"weathering steel", WORD_MATERIAL, MATERIAL_CORTEN, "corten steel", 0},
    {"rusted steel", WORD_MATERIAL, MATERIAL_CORTEN, "corten steel", 0},
    {"copper", WORD_MATERIAL, MATERIAL_COPPER, NULL, 0},
    {"bronze", WORD_MATERIAL, MATERIAL_COPPER, "bronze", 0},
    {"brass", WORD_MATERIAL, MATERIAL_GOLD, "brass", 0},
    {"green copper", WORD_MATERIAL, MATERIAL_PATINA, "patinated copper", 0},
    {"patinated copper", WORD_MATERIAL, MATERIAL_PATINA, NULL, 0},
    {"gilded", WORD_MATERIAL, MATERIAL_GOLD, "gold leaf", 0},
    {"gold", WORD_MATERIAL, MATERIAL_GOLD, NULL, 0},
    {"zinc", WORD_MATERIAL, MATERIAL_ZINC, NULL, 0},
    {"slate", WORD_MATERIAL, MATERIAL_SLATE, NULL, 0},
    {"terracotta", WORD_MATERIAL, MATERIAL_TERRACOTTA, NULL, 0},
    {"terracotta tile", WORD_MATERIAL, MATERIAL_TERRACOTTA, "terracotta", 0},
    {"clay tile", WORD_MATERIAL, MATERIAL_TERRACOTTA, "clay tiles", 0},
    {"shingle", WORD_MATERIAL, MATERIAL_SHINGLE, "shingles", 0},
    {"thatch", WORD_MATERIAL, MATERIAL_THATCH, NULL, 0},
    {"thatched", WORD_MATERIAL, MATERIAL_THATCH, "thatch", 0},
    {"ceramic tile", WORD_MATERIAL, MATERIAL_CERAMIC_TILE, "ceramic tiles", 0},
    {"glazed tile", WORD_MATERIAL, MATERIAL_CERAMIC_TILE, "glazed tiles", 0},
    {"tile", WORD_MATERIAL, MATERIAL_CERAMIC_TILE, "tiles", 0},
    {"green wall", WORD_MATERIAL, MATERIAL_GREEN_WALL, "planted wall", 0},
    {"planted wall", WORD_MATERIAL, MATERIAL_GREEN_WALL, NULL, 0},
    {"ivy", WORD_MATERIAL, MATERIAL_GREEN_WALL, "ivy", 0},
    {"painted timber", WORD_MATERIAL, MATERIAL_LACQUER, "painted timber", 0},
    {"lacquer", WORD_MATERIAL, MATERIAL_LACQUER, NULL, 0},
    {"painted wood", WORD_MATERIAL, MATERIAL_LACQUER, "painted timber", 0},
    {"gravel", WORD_MATERIAL, MATERIAL_GRAVEL, NULL, 0},
    {"grass", WORD_MATERIAL, MATERIAL_GRASS, NULL, 0},
    {"paving", WORD_MATERIAL, MATERIAL_PAVING, NULL, 0},
    {"cobblestone", WORD_MATERIAL, MATERIAL_COBBLES, "cobbles", 0},
    {"cobble", WORD_MATERIAL, MATERIAL_COBBLES, "cobbles", 0},
    {"asphalt", WORD_MATERIAL, MATERIAL_ASPHALT, NULL, 0},
    {"decking", WORD_MATERIAL, MATERIAL_DECKING, NULL, 0},
    {"water", WORD_ELEMENT, PART_NONE, "water", FEATURE_POOL},
    /* plain words for colours whose full names are in the colour table */
    {"grey", WORD_COLOUR, 0, "mid grey", 0},
    {"light grey", WORD_COLOUR, 0, "light grey", 0},
    {"dark grey", WORD_COLOUR, 0, "charcoal grey", 0},
    {"charcoal", WORD_COLOUR, 0, "charcoal grey", 0},
    {"off white", WORD_COLOUR, 0, "off-white", 0},
    {"dark red", WORD_COLOUR, 0, "deep red", 0},
    {"light green", WORD_COLOUR, 0, "pale green", 0},
    {"pastel pink", WORD_COLOUR, 0, "pale pink", 0},
    {"golden", WORD_COLOUR, 0, "golden yellow", 0},
    {"creamy", WORD_COLOUR, 0, "cream", 0},
    {"silver", WORD_COLOUR, 0, "silver grey", 0},
    /* times of day */
    {"dawn", WORD_TIME, TIME_DAWN, NULL, 0},
    {"sunrise", WORD_TIME, TIME_DAWN, NULL, 0},
    {"daybreak", WORD_TIME, TIME_DAWN, NULL, 0},
    {"early morning", WORD_TIME, TIME_DAWN, NULL, 0},
    {"morning", WORD_TIME, TIME_MORNING, NULL, 0},
    {"midday", WORD_TIME, TIME_MIDDAY, NULL, 0},
    {"noon", WORD_TIME, TIME_MIDDAY, NULL, 0},
    {"daylight", WORD_TIME, TIME_MIDDAY, NULL, 0},
    {"daytime", WORD_TIME, TIME_MIDDAY, NULL, 0},
    {"afternoon", WORD_TIME, TIME_AFTERNOON, NULL, 0},
    {"dusk", WORD_TIME, TIME_DUSK, NULL, 0},
    {"sunset", WORD_TIME, TIME_DUSK, NULL, 0},
    {"evening", WORD_TIME, TIME_DUSK, NULL, 0},
    {"twilight", WORD_TIME, TIME_DUSK, NULL, 0},
    {"golden hour", WORD_TIME, TIME_DUSK, NULL, 0},
    {"blue hour", WORD_TIME, TIME_DUSK, NULL, 0},
    {"night", WORD_TIME, TIME_NIGHT, NULL, 0},
    {"nighttime", WORD_TIME, TIME_NIGHT, "night", 0},
    {"midnight", WORD_TIME, TIME_NIGHT, NULL, 0},
    {"moonlight", WORD_TIME, TIME_NIGHT, NULL, 0},
    {"moonlit", WORD_TIME, TIME_NIGHT, "moonlight", 0},
    {"starry", WORD_TIME, TIME_NIGHT, "starry night", 0},
    /* weather */
    {"clear", WORD_WEATHER, WEATHER_CLEAR, "clear sky", 0},
    {"clear sky", WORD_WEATHER, WEATHER_CLEAR, NULL, 0},
    {"blue sky", WORD_WEATHER, WEATHER_CLEAR, "clear sky", 0},
    {"sunny", WORD_WEATHER, WEATHER_CLEAR, "sunny", 0},
    {"sunshine", WORD_WEATHER, WEATHER_CLEAR, "sunny", 0},
    {"overcast", WORD_WEATHER, WEATHER_OVERCAST, NULL, 0},
    {"cloudy", WORD_WEATHER, WEATHER_OVERCAST, NULL, 0},
    {"cloud", WORD_WEATHER, WEATHER_OVERCAST, "clouds", 0},
    {"stormy", WORD_WEATHER, WEATHER_RAIN, NULL, 0},
    {"rain", WORD_WEATHER, WEATHER_RAIN, NULL, 0},
    {"rainy", WORD_WEATHER, WEATHER_RAIN, "rain", 0},
    {"raining", WORD_WEATHER, WEATHER_RAIN, "rain", 0},
    {"wet", WORD_WEATHER, WEATHER_RAIN, "rain", 0},
    {"snow", WORD_WEATHER, WEATHER_SNOW, NULL, 0},
    {"snowy", WORD_WEATHER, WEATHER_SNOW, "snow", 0},
    {"snowing", WORD_WEATHER, WEATHER_SNOW, "snow", 0},
    {"snowfall", WORD_WEATHER, WEATHER_SNOW, "snow", 0},
    {"snow covered", WORD_WEATHER, WEATHER_SNOW, "snow", 0},
    {"fog", WORD_WEATHER, WEATHER_FOG, NULL, 0},
    {"foggy", WORD_WEATHER, WEATHER_FOG, "fog", 0},
    {"mist", WORD_WEATHER, WEATHER_FOG, "mist", 0},
    {"misty", WORD_WEATHER, WEATHER_FOG, "mist", 0},
    {"haze", WORD_WEATHER, WEATHER_FOG, "haze", 0},
    {"hazy", WORD_WEATHER, WEATHER_FOG, "haze", 0},
    /* light */
    {"backlit", WORD_LIGHT, LIGHT_BACK, "backlight", 0},
    {"backlight", WORD_LIGHT, LIGHT_BACK, NULL, 0},
    {"against the light", WORD_LIGHT, LIGHT_BACK, "backlight", 0},
    {"from the left", WORD_LIGHT, LIGHT_LEFT, "light from the left", 0},
    {"from the right", WORD_LIGHT, LIGHT_RIGHT, "light from the right", 0},
    {"from the front", WORD_LIGHT, LIGHT_FRONT, "light from the front", 0},
    {"diffuse", WORD_LIGHT, LIGHT_DIFFUSE, "diffuse light", 0},
    {"soft light", WORD_LIGHT, LIGHT_DIFFUSE, NULL, 0},
    {"harsh light", WORD_LIGHT, LIGHT_TOP, NULL, 0},
    {"natural light", WORD_LIGHT, LIGHT_DEFAULT, NULL, 0},
    {"artificial light", WORD_LIGHT, LIGHT_DEFAULT, NULL,
     FEATURE_INTERIOR_LIGHT | FEATURE_LANTERNS},
    {"neon", WORD_LIGHT, LIGHT_DEFAULT, "neon light", FEATURE_INTERIOR_LIGHT},
    {"candlelight", WORD_LIGHT, LIGHT_DEFAULT, NULL, FEATURE_INTERIOR_LIGHT},
    {"dramatic light", WORD_LIGHT, LIGHT_DEFAULT, NULL, 0},
    {"dramatic lighting", WORD_LIGHT, LIGHT_DEFAULT, "dramatic light", 0},
    {"illuminated", WORD_LIGHT, LIGHT_DEFAULT, "illumination", FEATURE_INTERIOR_LIGHT},
    {"warm", WORD_WARMTH, 1, NULL, 0},
    {"cosy", WORD_WARMTH, 1, NULL, 0},
    {"cozy", WORD_WARMTH, 1, "cosy", 0},
    {"cool", WORD_WARMTH, -1, NULL, 0},
    {"cold", WORD_WARMTH, -1, NULL, 0},
    {"icy", WORD_WARMTH, -1, NULL, 0},
    /* projection and camera */
    {"isometric", WORD_VIEW, VIEW_ISOMETRIC, NULL, 0},
    {"axonometric", WORD_VIEW, VIEW_ISOMETRIC, NULL, 0},
    {"orthographic", WORD_VIEW, VIEW_ELEVATION, NULL, 0},
    {"elevation", WORD_VIEW, VIEW_ELEVATION, NULL, 0},
    {"section", WORD_VIEW, VIEW_ELEVATION, NULL, 0},
    {"cad drawing", WORD_VIEW, VIEW_ELEVATION, NULL, 0},
    {"technical drawing", WORD_VIEW, VIEW_ELEVATION, NULL, 0},
    {"frontal", WORD_VIEW, VIEW_FRONTAL, NULL, 0},
    {"front view", WORD_VIEW, VIEW_FRONTAL, NULL, 0},
    {"head on", WORD_VIEW, VIEW_FRONTAL, NULL, 0},
    {"aerial", WORD_VIEW, VIEW_AERIAL, NULL, 0},
    {"aerial view", WORD_VIEW, VIEW_AERIAL, "aerial", 0},
    {"from above", WORD_VIEW, VIEW_AERIAL, NULL, 0},
    {"bird eye", WORD_VIEW, VIEW_AERIAL, "bird's eye", 0},
    {"drone", WORD_VIEW, VIEW_AERIAL, NULL, 0},
    {"low angle", WORD_VIEW, VIEW_LOW, NULL, 0},
    {"from below", WORD_VIEW, VIEW_LOW, NULL, 0},
    {"worm eye", WORD_VIEW, VIEW_LOW, "worm's eye", 0},
    {"looking up", WORD_VIEW, VIEW_LOW, NULL, 0},
    {"eye level", WORD_VIEW, VIEW_EYE_LEVEL, NULL, 0},
    {"street view", WORD_VIEW, VIEW_EYE_LEVEL, NULL, 0},
    {"wide angle", WORD_LENS, LENS_WIDE, NULL, 0},
    {"wide lens", WORD_LENS, LENS_WIDE, NULL, 0},
    {"fisheye", WORD_LENS, LENS_WIDE, NULL, 0},
    {"normal lens", WORD_LENS, LENS_NORMAL, NULL, 0},
    {"telephoto", WORD_LENS, LENS_TELEPHOTO, NULL, 0},
    {"long lens", WORD_LENS, LENS_TELEPHOTO, NULL, 0},
    /* what is to be done */
    {"the same", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"same", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"again", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"variation", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"variant", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"another version", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"as before", WORD_OPERATION, OPERATION_VARY, NULL, 0},
    {"change", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"replace", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"add", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"edit", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"paint", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"turn", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"swap", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"make it", WORD_OPERATION, OPERATION_EDIT, NULL, 0},
    {"remove", WORD_NEGATION, OPERATION_EDIT, NULL, 0},
    {"without", WORD_NEGATION, 0, NULL, 0},
    {"no", WORD_NEGATION, 0, NULL, 0},
    {"not", WORD_NEGATION, 0, NULL, 0},
    {"never", WORD_NEGATION, 0, NULL, 0},
    {"avoid", WORD_NEGATION, 0, NULL, 0},
    {"instead of", WORD_NEGATION, 0, NULL, 0},
    {"rather than", WORD_NEGATION, 0, NULL, 0},
    {"of", WORD_LINK, 0, NULL, 0},
    {"in", WORD_LINK, 0, NULL, 0},
    {"from", WORD_LINK, 0, NULL, 0},
    {"clad", WORD_LINK, 0, NULL, 0},
    {"built", WORD_LINK, 0, NULL, 0},
    {"is", WORD_LINK, 0, NULL, 0},
    {"are", WORD_LINK, 0, NULL, 0},
    {"with", WORD_BREAK, 1, NULL, 0},
    {"under", WORD_BREAK, 0, NULL, 0},
    {"on", WORD_BREAK, 0, NULL, 0},
    {"at", WORD_BREAK, 0, NULL, 0},
    {"by", WORD_BREAK, 0, NULL, 0},
    {"beside", WORD_BREAK, 0, NULL, 0},
    {"near", WORD_BREAK, 0, NULL, 0},
    {"surrounded", WORD_BREAK, 0, NULL, 0},
    {"but", WORD_BREAK, 1, NULL, 0},
};

#define ENTRY_COUNT (sizeof entries / sizeof entries[0])
enum { MAX_ALL = 1024, BUCKETS = 512 };

static Entry all[MAX_ALL]; /* the table above, then the names of colours */
static size_t all_count;
static int16_t bucket[BUCKETS], next_in_bucket[MAX_ALL]; /* by first word; -1 ends */
static pthread_once_t indexed = PTHREAD_ONCE_INIT;

static size_t bucket_of(const char *word, size_t length) {
    return text_hash(0, word, length) % BUCKETS;
}

/* Put everything where its first word leads to. */
static void build_index(void) {
    memcpy(all, entries, sizeof entries);
    all_count = ENTRY_COUNT;
    for (size_t i = 0; i < colour_name_count() && all_count < MAX_ALL; i++) {
        Rgb rgb;
        const char *name = colour_name_at(i, &rgb);
        all[all_count++] = (Entry){name, WORD_COLOUR, 0, name, 0};
    }
    memset(bucket, -1, sizeof bucket);
    for (size_t i = all_count; i-- > 0;) {
        size_t at = bucket_of(all[i].phrase, strcspn(all[i].phrase, " "));
        next_in_bucket[i] = bucket[at];
        bucket[at] = (int16_t)i;
    }
}

/* Is the word the phrase's word, perhaps in the plural? */
static bool same_word(const char *word, const char *phrase, size_t length) {
    size_t own = strlen(word);
    if (strncmp(word, phrase, length) == 0 &&
        (own == length || (own == length + 1 && word[length] == 's') ||
         (own == length + 2 && strcmp(word + length, "es") == 0)))
        return true;
    /* balconies */
    return own == length + 2 && length > 1 && phrase[length - 1] == 'y' &&
           strncmp(word, phrase, length - 1) == 0 && strcmp(word + length - 1, "ies") == 0;
}

/* How many words a phrase takes of those given; 0 where it does not fit. */
static size_t fits(const char *phrase, const char *const *words, size_t count) {
    size_t used = 0;
    while (*phrase) {
        size_t length = strcspn(phrase, " ");
        if (used == count || !same_word(words[used], phrase, length))
            return 0;
        used++;
        phrase += length + (phrase[length] == ' ');
    }
    return used;
}

const Entry *lexicon_find(const char *const *words, size_t count, size_t *used) {
    pthread_once(&indexed, build_index);
    const Entry *found = NULL;
    *used = 0;
    if (count == 0)
        return NULL;
    /* A plural hashes elsewhere than its singular: look under both. */
    size_t length = strlen(words[0]);
    size_t cuts[] = {0, 1, 2, 3};
    for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
        char stem[64];
        if (length <= cuts[c] || length >= sizeof stem || (c > 0 && words[0][length - 1] != 's'))
            continue;
        size_t stem_length = length - cuts[c];
        memcpy(stem, words[0], stem_length);
        if (c == 3)
            stem[stem_length++] = 'y';
        for (int i = bucket[bucket_of(stem, stem_length)]; i >= 0; i = next_in_bucket[i]) {
            size_t fit = fits(all[i].phrase, words, count);
            if (fit > *used) {
                *used = fit;
                found = &all[i];
            }
        }
    }
    return found;
}

const char *lexicon_name(const Entry *entry) {
    return entry->name ? entry->name : entry->phrase;
}

/* The first entry of a category with a value. */
static const char *name_of(Category category, int value, const char *otherwise) {
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (entries[i].category == category && entries[i].value == value)
            return lexicon_name(&entries[i]);
    return otherwise;
}

const char *lexicon_style_name(SceneStyle style) {
    return name_of(WORD_STYLE, (int)style, "modern");
}

const char *lexicon_material_name(SceneMaterial material) {
    return material == MATERIAL_OAK ? "oak" : name_of(WORD_MATERIAL, (int)material, "plaster");
}

const char *lexicon_time_name(SceneTime time) {
    return name_of(WORD_TIME, (int)time, "unspecified");
}

const char *lexicon_weather_name(SceneWeather weather) {
    static const char *const weathers[] = {
        [WEATHER_DEFAULT] = "unspecified", [WEATHER_CLEAR] = "clear",
        [WEATHER_OVERCAST] = "overcast",   [WEATHER_RAIN] = "rain",
        [WEATHER_SNOW] = "snow",           [WEATHER_FOG] = "fog",
    };
    return weather < WEATHER_COUNT ? weathers[weather] : weathers[0];
}
