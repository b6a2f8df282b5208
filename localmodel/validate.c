/* One check a function: each compares one measured value with one wish and says in words what is
 * wrong and what to add to the prompt.  An error costs 0.35 of the score, a warning 0.1. */
#include "validate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Report {
    json_t *errors, *warnings, *corrections;
    double score;
} Report;

static void error(Report *report, const char *words, const char *correction) {
    json_array_append_new(report->errors, json_string(words));
    json_array_append_new(report->corrections, json_string(correction));
    report->score -= 0.35;
}

static void warn(Report *report, const char *words) {
    json_array_append_new(report->warnings, json_string(words));
    report->score -= 0.1;
}

/* A picture without contrast or colours shows nothing. */
static void check_blank(const ImageFacts *image, Report *report) {
    float farthest = 0;
    for (int i = 1; i < image->palette.count; i++)
        if (image->palette.colours[i].share > 0.002f)
            farthest = fmaxf(farthest, colour_distance(image->palette.colours[0].lab,
                                                       image->palette.colours[i].lab));
    if (image->light.contrast < 0.015f && farthest < 0.05f)
        error(report, "the image is blank", "show the whole building in its surroundings");
    else if (image->light.contrast < 0.05f)
        warn(report, "the image has very little contrast");
}

static void check_time(const ImageFacts *image, const Wanted *wanted, Report *report) {
    const LightFacts *light = &image->light;
    SceneTime time = wanted->facts.time;
    bool day = time == TIME_MORNING || time == TIME_MIDDAY || time == TIME_AFTERNOON;
    if (!wanted->facts.time_name)
        return;
    if (time == TIME_NIGHT && light->mean > 0.55f)
        error(report, "night was asked for, but the image is bright",
              "at night, dark sky, light only from windows and lamps");
    else if (time == TIME_NIGHT && light->time != TIME_NIGHT)
        warn(report, "night was asked for, but the image is more like dusk");
    if (time == TIME_DUSK && light->mean > 0.74f)
        error(report, "dusk was asked for, but the image shows full daylight",
              "at dusk, low warm afterglow, darkening sky, lit windows");
    else if (time == TIME_DUSK && light->time == TIME_MIDDAY)
        warn(report, "dusk was asked for, but the light is much like the day's");
    if (day && light->time == TIME_NIGHT)
        error(report, "daylight was asked for, but the image is dark",
              "in full daylight, bright sky");
    else if (day && light->mean < 0.4f)
        warn(report, "daylight was asked for, but the image is rather dark");
}

static void check_weather(const ImageFacts *image, const Wanted *wanted, Report *report) {
    const LightFacts *light = &image->light;
    switch (wanted->facts.weather) {
    case WEATHER_SNOW:
        if (light->ground_white < 0.15f)
            error(report, "snow was asked for, but the ground is not white",
                  "deep white snow covers ground and roofs");
        else if (light->ground_white < 0.35f)
            warn(report, "there is little snow on the ground");
        break;
    case WEATHER_CLEAR:
        if (light->weather == WEATHER_OVERCAST || light->weather == WEATHER_FOG)
            warn(report, "a clear sky was asked for, but the sky is grey");
        break;
    case WEATHER_FOG:
        if (light->contrast > 0.24f)
            warn(report, "fog was asked for, but the image is crisp");
        break;
    case WEATHER_OVERCAST:
    case WEATHER_RAIN:
        if (light->sky > 0.1f && light->weather == WEATHER_CLEAR && light->contrast > 0.28f)
            warn(report, "a grey sky was asked for, but the light is sunny");
        break;
    case WEATHER_DEFAULT:
    case WEATHER_COUNT:
        break;
    }
}

/* How far the nearest colour of the picture is from one that was asked for. */
static float nearest(const Palette *palette, Rgb rgb, bool *dark_light) {
    Lab wanted = colour_lab(rgb);
    float least = INFINITY;
    for (int i = 0; i < palette->count; i++) {
        Lab own = palette->colours[i].lab;
        /* Light and shadow change lightness much more than hue. */
        float l = (own.l - wanted.l) * 0.45f, a = own.a - wanted.a, b = own.b - wanted.b;
        least = fminf(least, sqrtf(l * l + a * a + b * b));
    }
    *dark_light = least < 0.14f;
    return least;
}

static void check_colours(const ImageFacts *image, const Wanted *wanted, Report *report) {
    const Facts *facts = &wanted->facts;
    for (int i = 0; i < facts->n_colours && json_array_size(report->warnings) < 6; i++) {
        char words[160];
        bool near;
        Part part = facts->colours[i].part;
        float distance = nearest(&image->palette, facts->colours[i].rgb, &near);
        /* A door is too small to be among the dominant colours. */
        if (distance < 0.09f || part == PART_DOOR || part == PART_FRAME || part == PART_ACCENT)
            continue;
        snprintf(words, sizeof words, "%s was asked for, but %s among the dominant colours",
                 facts->colours[i].name, near ? "is only roughly found" : "is not");
        if (near) {
            warn(report, words);
        } else {
            char correction[160];
            snprintf(correction, sizeof correction, "%s must be clearly seen%s%s",
                     facts->colours[i].name, part ? " on the " : "", part_name(part));
            error(report, words, correction);
        }
    }
}

static void check_view(const ImageFacts *image, const Wanted *wanted, Report *report) {
    const char *perspective = image->lines.perspective;
    SceneView view = wanted->facts.view;
    if (view == VIEW_ISOMETRIC && strcmp(perspective, "perspective") == 0 &&
        image->lines.slanted < 0.1f)
        warn(report, "an isometric view was asked for, but few lines run at 30 degrees");
    if (view == VIEW_ELEVATION && strcmp(perspective, "isometric") == 0)
        warn(report, "an elevation was asked for, but the lines are slanted");
}

static void check_aspect(const ImageFacts *image, const Wanted *wanted, Report *report) {
    double aspect = image->height > 0 ? (double)image->width / image->height : 0;
    if (wanted->aspect > 0 && fabs(log(aspect / wanted->aspect)) > 0.06) {
        char words[120];
        snprintf(words, sizeof words,
                 "the image is %d x %d pixels, not of the aspect ratio asked "
                 "for",
                 image->width, image->height);
        error(report, words, "fill the asked aspect ratio exactly");
    }
}

json_t *validate_image(const ImageFacts *image, const Wanted *wanted) {
    Report report = {json_array(), json_array(), json_array(), 1};
    check_blank(image, &report);
    if (json_array_size(report.errors) == 0) {
        check_time(image, wanted, &report);
        check_weather(image, wanted, &report);
        check_colours(image, wanted, &report);
        check_view(image, wanted, &report);
    }
    check_aspect(image, wanted, &report);
    bool valid = json_array_size(report.errors) == 0;
    double score = report.score < 0 ? 0 : round(report.score * 100) / 100;
    return json_pack("{s:b, s:f, s:o, s:o, s:o}", "valid", valid, "score", score, "errors",
                     report.errors, "warnings", report.warnings, "corrections", report.corrections);
}
