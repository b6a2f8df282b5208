/*
 * scene_finish.c - a film-like finish.
 *
 * A filmic tone curve with a soft shoulder, a glow around what is brighter than the film can hold,
 * a light vignette, a warm or cool grading and a very fine grain that also hides the steps of
 * 8-bit gradients.
 */
#include "scene_finish.h"

#include "scene_random.h"

#include <stdlib.h>

bool film_make(Film *film, int width, int height) {
    *film = (Film){.width = width, .height = height};
    film->glow_width = (width + FILM_GLOW - 1) / FILM_GLOW;
    film->glow_height = (height + FILM_GLOW - 1) / FILM_GLOW;
    film->pixels = malloc((size_t)width * (size_t)height * sizeof(film->pixels[0]));
    film->glow = calloc((size_t)film->glow_width * (size_t)film->glow_height, sizeof(Vec3));
    if (film->pixels != NULL && film->glow != NULL)
        return true;
    film_free(film);
    return false;
}

void film_free(Film *film) {
    free(film->pixels);
    free(film->glow);
    film->pixels = NULL;
    film->glow = NULL;
}

/* The tone curve: ACES as fitted by Narkowicz (2015). */
static float tone_curve(float x) {
    x *= 0.72f;
    return clampf(x * (2.51f * x + 0.03f) / (x * (2.43f * x + 0.59f) + 0.14f), 0.0f, 1.0f);
}

/* The sRGB curve by three square roots; within 1 of 255 of powf. */
static float encode(float x) {
    float root = sqrtf(x), fourth = sqrtf(root), eighth = sqrtf(fourth);

    return clampf(0.585122381f * root + 0.783140355f * fourth - 0.368262736f * eighth, 0.0f, 1.0f);
}

void film_expose(Film *film, int x, int y, Vec3 light, float exposure) {
    Vec3 c = v_scale(light, exposure);
    float peak = maxf(c.x, maxf(c.y, c.z));

    if (!(peak < 1e6f)) /* also catches NaN */
        c = v3(1, 1, 1);
    if (peak > 1.15f) {
        size_t cell = (size_t)(y / FILM_GLOW) * (size_t)film->glow_width + (size_t)(x / FILM_GLOW);
        float over = minf(peak - 1.15f, 6.0f) / peak;

        film->glow[cell] = v_mad(film->glow[cell], c, over / (FILM_GLOW * FILM_GLOW));
    }

    uint16_t *p = film->pixels[(size_t)y * (size_t)film->width + (size_t)x];

    p[0] = (uint16_t)(65535.0f * encode(tone_curve(maxf(c.x, 0))));
    p[1] = (uint16_t)(65535.0f * encode(tone_curve(maxf(c.y, 0))));
    p[2] = (uint16_t)(65535.0f * encode(tone_curve(maxf(c.z, 0))));
}

/* One box blur along a line of n cells `step` apart. */
static void blur_line(Vec3 *line, int n, int step, int radius, Vec3 *copy) {
    Vec3 sum = v3(0, 0, 0);
    float share = 1.0f / (float)(2 * radius + 1);

    for (int i = 0; i < n; i++)
        copy[i] = line[(size_t)i * (size_t)step];
    for (int i = -radius; i <= radius; i++)
        sum = v_add(sum, copy[i < 0 ? 0 : i >= n ? n - 1 : i]);
    for (int i = 0; i < n; i++) {
        int out = i - radius, in = i + radius + 1;

        line[(size_t)i * (size_t)step] = v_scale(sum, share);
        sum = v_add(sum, v_sub(copy[in >= n ? n - 1 : in], copy[out < 0 ? 0 : out]));
    }
}

/* Three box blurs make a soft, bell-shaped glow. */
static void blur_glow(Film *film) {
    int longest = film->glow_width > film->glow_height ? film->glow_width : film->glow_height;
    int radius = 1 + longest / 70;
    Vec3 *copy = malloc((size_t)longest * sizeof(Vec3));

    if (copy == NULL) /* the picture is still good without */
        return;
    for (int pass = 0; pass < 3; pass++) {
        for (int y = 0; y < film->glow_height; y++)
            blur_line(film->glow + (size_t)y * (size_t)film->glow_width, film->glow_width, 1,
                      radius, copy);
        for (int x = 0; x < film->glow_width; x++)
            blur_line(film->glow + x, film->glow_height, film->glow_width, radius, copy);
    }
    free(copy);
}

/* The glow at a pixel, between the cells. */
static Vec3 glow_at(const Film *f, int x, int y) {
    float gx = ((float)x + 0.5f) / FILM_GLOW - 0.5f, gy = ((float)y + 0.5f) / FILM_GLOW - 0.5f;
    int x0 = (int)maxf(gx, 0), y0 = (int)maxf(gy, 0);
    int x1 = x0 + 1 < f->glow_width ? x0 + 1 : x0, y1 = y0 + 1 < f->glow_height ? y0 + 1 : y0;
    float tx = clampf(gx - (float)x0, 0, 1), ty = clampf(gy - (float)y0, 0, 1);
    const Vec3 *a = f->glow + (size_t)y0 * (size_t)f->glow_width;
    const Vec3 *b = f->glow + (size_t)y1 * (size_t)f->glow_width;

    return v_mix(v_mix(a[x0], a[x1], tx), v_mix(b[x0], b[x1], tx), ty);
}

void film_develop(Film *f, const World *w, cairo_surface_t *surface) {
    unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    float warm = clampf(w->spec.warmth, -1, 1);
    Vec3 grade = v3(255.0f * (1.0f + 0.055f * warm), 255.0f * (1.0f + 0.012f * warm),
                    255.0f * (1.0f - 0.075f * warm));
    float rx = 2.0f / (float)f->width, ry = 2.0f / (float)f->height;

    blur_glow(f);
    for (int y = 0; y < f->height; y++) {
        uint32_t *line = (uint32_t *)(void *)(data + (size_t)y * (size_t)stride);

        for (int x = 0; x < f->width; x++) {
            const uint16_t *p = f->pixels[(size_t)y * (size_t)f->width + (size_t)x];
            float u = (float)x * rx - 1.0f, v = (float)y * ry - 1.0f;
            float vignette = 1.0f - 0.060f * (u * u + v * v) * (u * u + v * v);
            float grain = hash_unit(x, y, 977) + hash_unit(x, y, 131) - 1.0f;
            Vec3 glow = v_scale(glow_at(f, x, y), 1.1f);
            float c[3] = {(float)p[0] / 65535.0f, (float)p[1] / 65535.0f, (float)p[2] / 65535.0f};
            uint32_t out = 0;

            for (int k = 0; k < 3; k++) {
                float add = k == 0 ? glow.x : k == 1 ? glow.y : glow.z;
                float gain = k == 0 ? grade.x : k == 1 ? grade.y : grade.z;
                float value = c[k] + (1.0f - c[k]) * minf(add * 0.55f, 0.8f);

                value = value * vignette * gain + 2.1f * grain + 0.5f;
                out = out << 8 | (uint32_t)clampf(value, 0.0f, 255.0f);
            }
            line[x] = out;
        }
    }
    cairo_surface_mark_dirty(surface);
}
