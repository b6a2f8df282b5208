/* light.h - the light of a picture: type, direction, mood, and the time and weather they tell of.
 */
#ifndef RENDERCHAIN_LIGHT_H
#define RENDERCHAIN_LIGHT_H

#include "image_load.h"
#include "scene.h"

typedef struct LightFacts {
    const char *type;        /* natural, artificial, mixed; static */
    const char *direction;   /* left, right, front, back, top, diffuse; static */
    const char *mood;        /* a few words; static */
    const char *temperature; /* warm, cool, neutral; static */
    SceneTime time;          /* as far as pixels tell: midday, dusk, night */
    SceneWeather weather;    /* clear, overcast, snow, fog */
    float warmth;            /* mean of OKLab b less a share of blue sky; about -0.1 to 0.1 */
    float mean;              /* mean lightness, 0 to 1 */
    float contrast;          /* standard deviation of lightness */
    float sky;               /* share of the picture that is sky */
    float sky_lightness;     /* mean lightness of the sky, or of the top where none is seen */
    float ground_white;      /* share of the lowest third that is near white or pale blue */
} LightFacts;

void light_measure(const Raster *raster, LightFacts *light);

/* A few words for measured light; static.  Reads time, weather, warmth and contrast. */
const char *light_mood(const LightFacts *light);

/* Mark the pixels that are sky: smooth, joined to the top edge.  The caller frees the result. */
bool *light_sky_mask(const Raster *raster);

#endif
