/* Names are chosen in OKLab with lightness counted a little less than hue: people call a colour by
 * its hue first.  Colours of almost no chroma are only compared with greys and near-whites, or a
 * tinted shadow would be called by a hue nobody sees. */
#include "colour.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct NamedColour {
    const char *name;
    Rgb rgb;
} NamedColour;

#define C(hex)                                                                                     \
    { (hex) >> 16 & 255, (hex) >> 8 & 255, (hex)&255 }

static const NamedColour names[] = {
    /* greys and near-whites */
    {"white", C(0xffffff)},
    {"snow white", C(0xf4f6f8)},
    {"off-white", C(0xf0ede4)},
    {"ivory", C(0xf6f0dc)},
    {"pale grey", C(0xd6d6d4)},
    {"snow grey", C(0xcacdd0)},
    {"light grey", C(0xbdbdbb)},
    {"silver grey", C(0xa3a6a8)},
    {"concrete grey", C(0x8d8c88)},
    {"mid grey", C(0x757575)},
    {"slate grey", C(0x5f6871)},
    {"charcoal grey", C(0x45474a)},
    {"anthracite", C(0x2f3235)},
    {"near black", C(0x191a1b)},
    {"black", C(0x000000)},
    {"warm grey", C(0x9c948a)},
    {"greige", C(0xbab2a5)},
    {"taupe", C(0x7d7064)},
    {"cool grey", C(0x8e979f)},
    {"pearl grey", C(0xe0e2e2)},
    {"misty blue-grey", C(0xb9c4cc)},
    {"steel grey", C(0x78848e)},
    {"blue-black", C(0x10141c)},
    {"warm black", C(0x1c1714)},
    {"umber grey", C(0x554b42)},
    /* creams, yellows, sands */
    {"cream", C(0xf3e6c0)},
    {"pale cream", C(0xf5eed6)},
    {"beige", C(0xdccbaa)},
    {"pale beige", C(0xe5dac6)},
    {"sand", C(0xcbb58c)},
    {"sandstone", C(0xc2a878)},
    {"straw yellow", C(0xcebb7a)},
    {"soft yellow", C(0xe0cb84)},
    {"deep cream", C(0xd3c596)},
    {"stone cream", C(0xbfb691)},
    {"pale yellow", C(0xf2e29a)},
    {"butter yellow", C(0xf0d878)},
    {"yellow", C(0xf7d917)},
    {"golden yellow", C(0xe9b530)},
    {"gold", C(0xc9a13a)},
    {"mustard", C(0xb58b26)},
    {"ochre", C(0xc0862f)},
    {"khaki", C(0x9c8f62)},
    {"olive brown", C(0x63552f)},
    {"dark khaki", C(0x6f6747)},
    /* oranges and browns */
    {"apricot", C(0xf2bd85)},
    {"peach", C(0xf4c9a8)},
    {"orange", C(0xf08a24)},
    {"amber", C(0xe39a2b)},
    {"honey", C(0xdfb872)},
    {"warm beige", C(0xd9b99a)},
    {"rosy grey", C(0xb5a29f)},
    {"dusky lilac", C(0x96889f)},
    {"burnt orange", C(0xc8622a)},
    {"terracotta", C(0xb9603f)},
    {"light terracotta", C(0xc98459)},
    {"sienna", C(0xa2603f)},
    {"red-brown", C(0x643a32)},
    {"copper", C(0xb0713f)},
    {"rust", C(0x94472a)},
    {"clay", C(0xa8775a)},
    {"tan", C(0xc49a6c)},
    {"caramel", C(0xa8733c)},
    {"oak brown", C(0x9a7048)},
    {"brown", C(0x74502f)},
    {"chestnut", C(0x6a3c27)},
    {"walnut brown", C(0x523a28)},
    {"dark brown", C(0x3b2a1d)},
    {"espresso", C(0x281c15)},
    {"mushroom", C(0xab9c8c)},
    {"dusky brown", C(0x594940)},
    /* reds and pinks */
    {"salmon", C(0xe88f76)},
    {"coral", C(0xee6f57)},
    {"red", C(0xd32424)},
    {"scarlet", C(0xe0341f)},
    {"crimson", C(0xb01a35)},
    {"brick red", C(0x9f4132)},
    {"deep red", C(0x7c1a1c)},
    {"oxblood", C(0x54181a)},
    {"burgundy", C(0x5e1a2c)},
    {"maroon", C(0x40141b)},
    {"rose", C(0xd98896)},
    {"dusty rose", C(0xb98484)},
    {"pale pink", C(0xf2d3d3)},
    {"pink", C(0xf0a0b4)},
    {"magenta", C(0xc22b86)},
    {"mauve", C(0x9a7b91)},
    /* purples */
    {"lavender", C(0xbfb4dc)},
    {"lilac", C(0xc8a6cf)},
    {"violet", C(0x7a4fb0)},
    {"purple", C(0x6f2d91)},
    {"plum", C(0x592d54)},
    {"aubergine", C(0x33203a)},
    {"dusky violet", C(0x5b5577)},
    {"twilight purple", C(0x463f62)},
    /* blues */
    {"pale sky blue", C(0xcfe1f0)},
    {"sky blue", C(0x92bfe6)},
    {"light blue", C(0xabcbe8)},
    {"soft blue", C(0x86a5c8)},
    {"azure", C(0x3c8ede)},
    {"cornflower blue", C(0x6690dc)},
    {"blue", C(0x2460c8)},
    {"cobalt blue", C(0x1b4ba6)},
    {"royal blue", C(0x25429c)},
    {"deep blue", C(0x195a9e)},
    {"dark blue", C(0x16407c)},
    {"navy", C(0x1c2c5c)},
    {"deep navy", C(0x131d3a)},
    {"midnight blue", C(0x141a2b)},
    {"steel blue", C(0x4f7ba4)},
    {"denim blue", C(0x3b5c84)},
    {"slate blue", C(0x566a86)},
    {"powder blue", C(0xb2cbdb)},
    {"indigo", C(0x38347f)},
    {"ice blue", C(0xdeebf2)},
    {"petrol blue", C(0x1f4a5c)},
    {"dusk blue", C(0x3a4760)},
    {"grey-blue", C(0x8395aa)},
    /* teals and greens */
    {"turquoise", C(0x3cc0bd)},
    {"aqua", C(0x84d5d8)},
    {"teal", C(0x157a7c)},
    {"dark teal", C(0x14474a)},
    {"patina green", C(0x78a99a)},
    {"sea green", C(0x3b8f6c)},
    {"mint", C(0xbce4cd)},
    {"sage", C(0xa3b091)},
    {"pale green", C(0xc3d8a6)},
    {"lime green", C(0x9ccc32)},
    {"bright green", C(0x5f9238)},
    {"pale meadow green", C(0xadba75)},
    {"grass green", C(0x6f833f)},
    {"meadow green", C(0x8c9b50)},
    {"fern green", C(0x566a34)},
    {"leaf green", C(0x4c7a2c)},
    {"green", C(0x2e8b3d)},
    {"emerald", C(0x128a5c)},
    {"moss green", C(0x66733a)},
    {"olive green", C(0x545a26)},
    {"olive", C(0x7c7a3c)},
    {"forest green", C(0x26502c)},
    {"hedge green", C(0x35481f)},
    {"dark green", C(0x1b3a22)},
    {"deep forest green", C(0x171f11)},
    {"dark olive", C(0x2e2f19)},
    {"grey-green", C(0x7d8a77)},
    {"pine green", C(0x20443c)},
    {"eucalyptus", C(0x8fa79b)},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

/* sRGB's transfer function, inverted. */
static float transfer(uint8_t value) {
    float v = (float)value / 255.0f;
    return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

static float linear[256]; /* transfer() of every value: pictures have many pixels */
static pthread_once_t linear_ready = PTHREAD_ONCE_INIT;

static void fill_linear(void) {
    for (int i = 0; i < 256; i++)
        linear[i] = transfer((uint8_t)i);
}

/* sRGB's transfer function, clipped. */
static uint8_t from_linear(float v) {
    v = v <= 0.0031308f ? 12.92f * v : 1.055f * powf(v, 1.0f / 2.4f) - 0.055f;
    return (uint8_t)(v <= 0 ? 0 : v >= 1 ? 255 : lrintf(v * 255.0f));
}

Lab colour_lab(Rgb rgb) {
    pthread_once(&linear_ready, fill_linear);
    float r = linear[rgb.r], g = linear[rgb.g], b = linear[rgb.b];
    float l = cbrtf(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
    float m = cbrtf(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
    float s = cbrtf(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
    return (Lab){0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
                 1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
                 0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

Rgb colour_rgb(Lab lab) {
    float l = lab.l + 0.3963377774f * lab.a + 0.2158037573f * lab.b;
    float m = lab.l - 0.1055613458f * lab.a - 0.0638541728f * lab.b;
    float s = lab.l - 0.0894841775f * lab.a - 1.2914855480f * lab.b;
    l = l * l * l, m = m * m * m, s = s * s * s;
    return (Rgb){from_linear(4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s),
                 from_linear(-1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s),
                 from_linear(-0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s)};
}

float colour_chroma(Lab lab) {
    return hypotf(lab.a, lab.b);
}

float colour_hue(Lab lab) {
    float hue = atan2f(lab.b, lab.a) * 57.29578f;
    return hue < 0 ? hue + 360 : hue;
}

float colour_distance(Lab one, Lab two) {
    float l = one.l - two.l, a = one.a - two.a, b = one.b - two.b;
    return sqrtf(l * l + a * a + b * b);
}

/* How unlike a name is: hue and chroma weigh more than lightness. */
static float name_distance(Lab colour, Lab named) {
    float l = colour.l - named.l, a = colour.a - named.a, b = colour.b - named.b;
    float distance = l * l * 0.8f + (a * a + b * b) * 2.2f;
    float chroma = colour_chroma(colour);
    if (chroma < 0.016f && colour_chroma(named) > 0.03f)
        distance += 0.02f;
    return distance;
}

const char *colour_name_other(Rgb rgb, const char *const *taken, size_t count) {
    Lab lab = colour_lab(rgb);
    const char *best = NULL;
    float least = INFINITY;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        bool free = true;
        for (size_t t = 0; t < count && free; t++)
            free = strcmp(names[i].name, taken[t]) != 0;
        float distance = free ? name_distance(lab, colour_lab(names[i].rgb)) : INFINITY;
        if (distance < least) {
            least = distance;
            best = names[i].name;
        }
    }
    return best ? best : names[0].name;
}

const char *colour_name(Rgb rgb) {
    return colour_name_other(rgb, NULL, 0);
}

bool colour_find(const char *name, Rgb *rgb) {
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcasecmp(names[i].name, name) == 0) {
            *rgb = names[i].rgb;
            return true;
        }
    }
    return false;
}

size_t colour_name_count(void) {
    return NAME_COUNT;
}

const char *colour_name_at(size_t i, Rgb *rgb) {
    *rgb = names[i].rgb;
    return names[i].name;
}

bool colour_parse(const char *entry, Rgb *rgb) {
    const char *hash = strrchr(entry, '#');
    if (hash && strspn(hash + 1, "0123456789abcdefABCDEF") >= 6) {
        char digits[7] = {0};
        memcpy(digits, hash + 1, 6);
        unsigned long value = strtoul(digits, NULL, 16);
        *rgb = (Rgb)C(value);
        return true;
    }
    char name[COLOUR_ENTRY_SIZE] = {0};
    size_t length = strnlen(entry, sizeof name);
    while (length > 0 && isspace((unsigned char)entry[length - 1]))
        length--;
    if (length == 0 || length >= sizeof name)
        return false;
    memcpy(name, entry, length);
    return colour_find(name, rgb);
}

void colour_entry(Rgb rgb, const char *name, char entry[COLOUR_ENTRY_SIZE]) {
    snprintf(entry, COLOUR_ENTRY_SIZE, "%.36s #%02x%02x%02x", name, rgb.r, rgb.g, rgb.b);
}
