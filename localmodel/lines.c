/* Edges are taken where the structure tensor of a 5 x 5 window has one clear direction, so that
 * leaves and grass do not vote.  Then:
 *  - an isometric drawing has uprights and two families at 30 degrees, the same everywhere;
 *  - an elevation has only uprights and levels;
 *  - else it is a perspective.  Uprights that lean together towards the top mean that the camera
 *    looks up, towards the bottom that it looks down.  How much the near-level lines spread tells
 *    how wide the lens is. */
#include "lines.h"

#include <math.h>
#include <stdlib.h>

#include "text.h"

enum { WINDOW = 2 };

static const float pi = 3.14159265f;

typedef struct Gradients {
    int width, height;
    float *x, *y;
} Gradients;

static Gradients sobel(const Raster *raster) {
    Gradients g = {raster->width, raster->height, NULL, NULL};
    size_t pixels = (size_t)g.width * (size_t)g.height;
    g.x = mem_new(pixels, sizeof *g.x);
    g.y = mem_new(pixels, sizeof *g.y);
    for (int y = 1; y + 1 < g.height; y++) {
        const Lab *up = raster->lab + (size_t)(y - 1) * (size_t)g.width;
        const Lab *mid = up + g.width, *down = mid + g.width;
        for (int x = 1; x + 1 < g.width; x++) {
            size_t i = (size_t)y * (size_t)g.width + (size_t)x;
            g.x[i] = (up[x + 1].l + 2 * mid[x + 1].l + down[x + 1].l - up[x - 1].l -
                      2 * mid[x - 1].l - down[x - 1].l) /
                     8;
            g.y[i] = (down[x - 1].l + 2 * down[x].l + down[x + 1].l - up[x - 1].l - 2 * up[x].l -
                      up[x + 1].l) /
                     8;
        }
    }
    return g;
}

/* Sums for a regression of y on x. */
typedef struct Fit {
    double n, x, y, xx, xy;
} Fit;

static void fit_add(Fit *fit, double x, double y, double weight) {
    fit->n += weight, fit->x += weight * x, fit->y += weight * y;
    fit->xx += weight * x * x, fit->xy += weight * x * y;
}

static double fit_slope(const Fit *fit) {
    double spread = fit->n * fit->xx - fit->x * fit->x;
    return spread > 1e-9 ? (fit->n * fit->xy - fit->x * fit->y) / spread : 0;
}

typedef struct Votes {
    double all, straight, upright, level, near_upright, near_level, slant_up, slant_down;
    double spread; /* sum of squared slants of near-level lines */
    Fit lean;      /* of near-vertical lines over x */
} Votes;

/* The direction of the line through a pixel and how clear it is, 0 to 1. */
static bool line_at(const Gradients *g, int x, int y, float *angle, float *strength) {
    double xx = 0, yy = 0, xy = 0;
    for (int j = -WINDOW; j <= WINDOW; j++) {
        for (int i = -WINDOW; i <= WINDOW; i++) {
            size_t at = (size_t)(y + j) * (size_t)g->width + (size_t)(x + i);
            xx += (double)g->x[at] * g->x[at];
            yy += (double)g->y[at] * g->y[at];
            xy += (double)g->x[at] * g->y[at];
        }
    }
    double difference = hypot(xx - yy, 2 * xy);
    *strength = (float)sqrt(xx + yy);
    /* The gradient's direction, turned by a right angle: -90 to 90 degrees, 0 is level. */
    *angle = (float)(0.5 * atan2(2 * xy, xx - yy)) + pi / 2;
    if (*angle > pi / 2)
        *angle -= pi;
    return difference > 0.82 * (xx + yy);
}

static void vote(Votes *votes, float angle, float x, double weight) {
    float degrees = angle * 180 / pi;
    float lean = degrees > 0 ? 90 - degrees : -90 - degrees; /* from the vertical */
    votes->straight += weight;
    votes->upright += fabsf(lean) < 1.6f ? weight : 0;
    votes->level += fabsf(degrees) < 1.6f ? weight : 0;
    if (fabsf(lean) < 24) {
        votes->near_upright += weight;
        fit_add(&votes->lean, x, lean * pi / 180, weight);
    } else if (fabsf(degrees) < 60) {
        votes->near_level += weight;
        votes->spread += weight * degrees * degrees;
        votes->slant_up += fabsf(degrees - 30) < 4 ? weight : 0;
        votes->slant_down += fabsf(degrees + 30) < 4 ? weight : 0;
    }
}

static Votes collect(const Raster *raster) {
    Votes votes = {0};
    Gradients g = sobel(raster);
    for (int y = WINDOW + 1; y + WINDOW + 1 < g.height; y++) {
        for (int x = WINDOW + 1; x + WINDOW + 1 < g.width; x++) {
            float angle, strength;
            bool clear = line_at(&g, x, y, &angle, &strength);
            if (strength < 0.08f)
                continue;
            double weight = strength < 0.5f ? strength : 0.5;
            votes.all += weight;
            if (clear)
                vote(&votes, angle, 2 * (float)x / (float)g.width - 1, weight);
        }
    }
    free(g.x);
    free(g.y);
    return votes;
}

static const char *tell_camera(const LineFacts *lines, float sky) {
    if (lines->converge > 0.05f)
        return "low";
    if (lines->converge < -0.05f)
        return sky < 0.08f ? "aerial" : "high";
    return "eye-level";
}

void lines_measure(const Raster *raster, float sky, LineFacts *lines) {
    Votes votes = collect(raster);
    double straight = votes.straight > 0 ? votes.straight : 1;
    double level = votes.near_level > 0 ? votes.near_level : 1;
    *lines = (LineFacts){.perspective = "perspective", .focal_length = "normal"};
    lines->upright = (float)(votes.upright / straight);
    lines->level = (float)(votes.level / straight);
    lines->slanted = (float)((votes.slant_up + votes.slant_down) / straight);
    lines->straight = (float)(votes.all > 0 ? votes.straight / votes.all : 0);
    /* A lean that grows from left to right: the lines meet above. */
    bool many = votes.near_upright > 0.08 * straight;
    lines->converge = many ? (float)fit_slope(&votes.lean) : 0;
    double slants = votes.slant_up < votes.slant_down ? votes.slant_up : votes.slant_down;
    double spread = sqrt(votes.spread / level);
    if (slants > 0.12 * straight && lines->slanted > 0.4 * (1 - lines->upright)) {
        lines->perspective = "isometric";
        lines->camera_angle = "high";
        return;
    }
    if (lines->upright + lines->level > 0.86f) {
        lines->perspective = "orthographic";
        lines->camera_angle = "eye-level";
        return;
    }
    lines->focal_length = spread > 21 ? "wide" : spread < 7 ? "telephoto" : "normal";
    lines->camera_angle = tell_camera(lines, sky);
}
