/* The sky is what is smooth and reaches the top edge; it tells time and weather, and must not be
 * taken for the light on the building, which is measured without it. */
#include "light.h"

#include <math.h>
#include <stdlib.h>

#include "text.h"

static const float smooth_step = 0.035f; /* between neighbours within a sky */
static const float sky_spread = 0.30f;   /* between a sky's pixel and the top row of its column */

static Lab at(const Raster *raster, int x, int y) {
    return raster->lab[(size_t)y * (size_t)raster->width + (size_t)x];
}

/* Could the colour be a sky's?  Greens and dark browns could not. */
static bool sky_colour(Lab lab) {
    float hue = colour_hue(lab), chroma = colour_chroma(lab);
    return chroma < 0.02f || !(hue > 95 && hue < 180) || lab.l > 0.9f;
}

bool *light_sky_mask(const Raster *raster) {
    size_t pixels = (size_t)raster->width * (size_t)raster->height, filled = 0;
    bool *sky = mem_new(pixels, sizeof *sky);
    int *queue = mem_new(pixels, sizeof *queue);
    for (int x = 0; x < raster->width; x++) {
        if (sky_colour(at(raster, x, 0))) {
            sky[x] = true;
            queue[filled++] = x;
        }
    }
    for (size_t next = 0; next < filled; next++) {
        static const int dx[] = {1, -1, 0, 0}, dy[] = {0, 0, 1, -1};
        int x = queue[next] % raster->width, y = queue[next] / raster->width;
        Lab own = at(raster, x, y);
        for (int i = 0; i < 4; i++) {
            int nx = x + dx[i], ny = y + dy[i];
            if (nx < 0 || ny < 0 || nx >= raster->width || ny >= raster->height)
                continue;
            size_t index = (size_t)ny * (size_t)raster->width + (size_t)nx;
            Lab lab = raster->lab[index];
            if (!sky[index] && sky_colour(lab) && colour_distance(own, lab) < smooth_step &&
                colour_distance(at(raster, nx, 0), lab) < sky_spread) {
                sky[index] = true;
                queue[filled++] = (int)index;
            }
        }
    }
    free(queue);
    /* A wall that fills the picture to its edges is no sky: skies thin out downwards. */
    size_t low = 0;
    for (size_t i = pixels * 2 / 3; i < pixels; i++)
        low += sky[i];
    if (low > pixels / 12)
        for (size_t i = 0; i < pixels; i++)
            sky[i] = sky[i] && i < pixels / 3;
    return sky;
}

/* Sums over one picture. */
typedef struct Sums {
    double l, l2, a, b, sky_l, sky_b, sky_a, left, right, upper, lower;
    double count, sky, n_left, n_right, n_upper, n_lower;
    double white, lowest, glow, dark, top_l, top;
} Sums;

static bool near_white(Lab lab, float mean) {
    return colour_chroma(lab) < 0.05f && lab.l > 0.74f && lab.l > mean - 0.03f && lab.b < 0.03f;
}

/* A lit window or lamp: bright and warm against a dark picture. */
static bool glows(Lab lab) {
    return lab.l > 0.6f && lab.b > 0.05f && lab.a > -0.02f;
}

static void add_building(Sums *sums, Lab lab, float x, float y) {
    *(x < 0.5f ? &sums->left : &sums->right) += lab.l;
    *(x < 0.5f ? &sums->n_left : &sums->n_right) += 1;
    *(y < 0.5f ? &sums->upper : &sums->lower) += lab.l;
    *(y < 0.5f ? &sums->n_upper : &sums->n_lower) += 1;
    sums->a += lab.a;
    sums->b += lab.b;
    sums->glow += glows(lab);
}

static Sums add_up(const Raster *raster, const bool *sky, float mean) {
    Sums sums = {0};
    for (int y = 0; y < raster->height; y++) {
        for (int x = 0; x < raster->width; x++) {
            Lab lab = at(raster, x, y);
            float fx = ((float)x + 0.5f) / (float)raster->width;
            float fy = ((float)y + 0.5f) / (float)raster->height;
            bool is_sky = sky[(size_t)y * (size_t)raster->width + (size_t)x];
            sums.count++;
            sums.l += lab.l;
            sums.l2 += (double)lab.l * lab.l;
            sums.dark += lab.l < 0.3f;
            if (fy < 0.12f)
                sums.top++, sums.top_l += lab.l;
            if (fy > 0.72f)
                sums.lowest++, sums.white += near_white(lab, mean);
            if (is_sky)
                sums.sky++, sums.sky_l += lab.l, sums.sky_a += lab.a, sums.sky_b += lab.b;
            else
                add_building(&sums, lab, fx, fy);
        }
    }
    return sums;
}

static double over(double sum, double count, double otherwise) {
    return count > 0 ? sum / count : otherwise;
}

/* Night, dusk or day, from the sky first and the whole picture else. */
static void tell_time(LightFacts *light, const Sums *sums) {
    double sky_b = over(sums->sky_b, sums->sky, 0), sky_a = over(sums->sky_a, sums->sky, 0);
    double glow = sums->glow / sums->count;
    bool warm_sky = light->sky > 0.04f && sky_b > 0.02 && sky_a > 0.01;
    bool violet_sky = light->sky > 0.04f && sky_a > 0.015 && light->sky_lightness < 0.75f;
    if (light->mean < 0.34f && light->sky_lightness < 0.36f)
        light->time = TIME_NIGHT;
    else if (light->sky_lightness < 0.84f && (warm_sky || violet_sky))
        light->time = TIME_DUSK;
    else if (light->sky_lightness < 0.52f && light->mean < 0.47f && glow > 0.002)
        light->time = TIME_DUSK;
    else
        light->time = TIME_MIDDAY;
}

static void tell_weather(LightFacts *light, const Sums *sums) {
    double sky_chroma = hypot(over(sums->sky_a, sums->sky, 0), over(sums->sky_b, sums->sky, 0));
    bool day = light->time == TIME_MIDDAY;
    light->weather = WEATHER_CLEAR;
    if (light->ground_white > 0.45f)
        light->weather = WEATHER_SNOW;
    else if (day && light->contrast < 0.09f && light->mean > 0.55f)
        light->weather = WEATHER_FOG;
    else if (day && light->sky > 0.05f && sky_chroma < 0.018 && light->sky_lightness < 0.97f)
        light->weather = WEATHER_OVERCAST;
}

static const char *tell_direction(const LightFacts *light, const Sums *sums) {
    double left = over(sums->left, sums->n_left, 0), right = over(sums->right, sums->n_right, 0);
    double upper = over(sums->upper, sums->n_upper, 0), lower = over(sums->lower, sums->n_lower, 0);
    double building = over(sums->left + sums->right, sums->n_left + sums->n_right, 0);
    if (light->weather == WEATHER_FOG || light->weather == WEATHER_OVERCAST ||
        light->contrast < 0.1f)
        return "diffuse";
    if (light->sky > 0.1f && light->sky_lightness > 0.8f && building < 0.35)
        return "back";
    if (fabs(left - right) > 0.04)
        return left > right ? "left" : "right";
    if (upper - lower > 0.15)
        return "top";
    return light->contrast > 0.12f ? "front" : "diffuse";
}

const char *light_mood(const LightFacts *light) {
    bool warm = light->warmth > 0.02f;
    if (light->weather == WEATHER_RAIN && light->time != TIME_NIGHT)
        return "grey, glistening rain light";
    if (light->time == TIME_DAWN)
        return warm ? "tender, warm first light" : "pale first light";
    if (light->time == TIME_NIGHT)
        return light->weather == WEATHER_SNOW ? "still, snowy night" : "quiet night, dark sky";
    if (light->time == TIME_DUSK)
        return light->weather == WEATHER_SNOW ? warm ? "warm dusk over snow" : "blue dusk over snow"
               : warm                         ? "warm dusk glow"
                                              : "calm dusk, cool afterglow";
    if (light->weather == WEATHER_SNOW)
        return "still, bright snow light";
    if (light->weather == WEATHER_FOG)
        return "hushed, misty light";
    if (light->weather == WEATHER_OVERCAST)
        return "soft, even light of an overcast day";
    if (light->contrast > 0.2f)
        return warm ? "crisp, warm sunlight" : "crisp, clear daylight";
    return warm ? "gentle, warm daylight" : "fresh, clear daylight";
}

void light_measure(const Raster *raster, LightFacts *light) {
    bool *sky = light_sky_mask(raster);
    double mean = 0, count = (double)raster->width * raster->height;
    for (size_t i = 0; i < (size_t)count; i++)
        mean += raster->lab[i].l / count;
    Sums sums = add_up(raster, sky, (float)mean);
    *light = (LightFacts){.mean = (float)mean};
    light->contrast = (float)sqrt(fmax(sums.l2 / count - mean * mean, 0));
    light->sky = (float)(sums.sky / count);
    light->sky_lightness =
        (float)(light->sky > 0.02f ? sums.sky_l / sums.sky : over(sums.top_l, sums.top, mean));
    light->ground_white = (float)over(sums.white, sums.lowest, 0);
    light->warmth = (float)over(sums.b + 0.5 * sums.a, count - sums.sky, 0);
    tell_time(light, &sums);
    tell_weather(light, &sums);
    double all = light->warmth + 0.35 * over(sums.sky_b, sums.sky, 0) * light->sky;
    light->temperature = all > 0.022 ? "warm" : all < -0.006 ? "cool" : "neutral";
    double glow = sums.glow / count;
    light->type = light->time == TIME_NIGHT && glow > 0.0005 ? "artificial"
                  : light->time == TIME_DUSK && glow > 0.004 ? "mixed"
                                                             : "natural";
    light->direction = tell_direction(light, &sums);
    light->mood = light_mood(light);
    free(sky);
}
