/* draw_weather.c - rain streaks and snowflakes in three depths. */
#include "draw_weather.h"

#include "scene_random.h"

/* Thin slanting streaks, all falling the same way. */
static void rain(cairo_t *cr, Rng *rng, float w, float h, float light) {
    float unit = minf(w, h) / 768.0f, slant = rng_range(rng, -0.14f, 0.14f);
    int n = (int)(520.0f * (w * h) / (1344.0f * 768.0f) / (unit * unit));

    for (int i = 0; i < n; i++) {
        float near = rng_unit(rng), length = (14.0f + 46.0f * near * near) * unit;
        float x = rng_range(rng, -0.1f * w, 1.1f * w), y = rng_range(rng, -0.1f * h, h);

        cairo_set_line_width(cr, (0.5f + 0.7f * near * near) * unit);
        cairo_set_source_rgba(cr, light, light, light * 1.04, 0.07 + 0.13 * near);
        cairo_move_to(cr, x, y);
        cairo_line_to(cr, x + slant * length, y + length);
        cairo_stroke(cr);
    }
}

/* Flakes: many small ones, few large and blurred ones near the viewer. */
static void snow(cairo_t *cr, Rng *rng, float w, float h, float light) {
    float unit = minf(w, h) / 768.0f;
    int n = (int)(760.0f * (w * h) / (1344.0f * 768.0f) / (unit * unit));

    for (int i = 0; i < n; i++) {
        float near = rng_unit(rng);
        float x = rng_range(rng, 0, w), y = rng_range(rng, 0, h);
        float r = (0.7f + 1.5f * near * near) * unit;

        if (near > 0.975f) {
            float soft = rng_range(rng, 4.5f, 9.0f) * unit;
            cairo_pattern_t *p = cairo_pattern_create_radial(x, y, 0, x, y, soft);

            cairo_pattern_add_color_stop_rgba(p, 0.0, light, light, light, 0.34);
            cairo_pattern_add_color_stop_rgba(p, 0.6, light, light, light, 0.22);
            cairo_pattern_add_color_stop_rgba(p, 1.0, light, light, light, 0.0);
            cairo_set_source(cr, p);
            cairo_pattern_destroy(p);
            r = soft;
        } else {
            cairo_set_source_rgba(cr, light, light, light, 0.30 + 0.45 * near);
        }
        cairo_arc(cr, x, y, r, 0, 2 * (double)PI_F);
        cairo_fill(cr);
    }
}

void weather_draw(const World *w, cairo_surface_t *surface) {
    bool night = w->spec.time == TIME_NIGHT;
    float light = night ? 0.62f : w->spec.time == TIME_DUSK ? 0.86f : 1.0f;
    Rng rng = rng_named(w->seed, "weather");

    if (w->spec.weather != WEATHER_RAIN && w->spec.weather != WEATHER_SNOW)
        return;

    cairo_t *cr = cairo_create(surface);

    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    if (w->spec.weather == WEATHER_RAIN)
        rain(cr, &rng, (float)w->spec.width, (float)w->spec.height, light * 0.92f);
    else
        snow(cr, &rng, (float)w->spec.width, (float)w->spec.height, light);
    cairo_destroy(cr);
}
