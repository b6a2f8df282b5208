/* The consistency over a chain: how near each render stayed to the memory it began with. */
#include <stdlib.h>

#include "chain_renders.h"
#include "html.h"
#include "report.h"

/* The drawing in pixels from the top; across it is in per cent. */
enum { TOP = 18, HEIGHT = 120, BELOW = 20, LABELS_MOST = 16, DOTS_MOST = 120 };

/* From where to where renders stand, in per cent, so that the scale has room. */
static const double left = 8, right = 98;

/* Where a render stands. */
static double across(size_t index, size_t count) {
    return left + (count > 1 ? (double)index / (double)(count - 1) : .5) * (right - left);
}

static double down(double score) {
    return TOP + (1 - score) * HEIGHT;
}

/* Lines at 0, 50 and 100 %, with the number above each. */
static void draw_scale(FILE *to) {
    for (int percent = 0; percent <= 100; percent += 50) {
        double y = down(percent / 100.0);
        html_print(to,
                   "<line class=\"tick\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                   "<text class=\"tick-text\" x=\"0\" y=\"%.1f\">%d %%</text>",
                   y, y, y - 4, percent);
    }
}

/* The parts of the line between neighbours, or (gaps) those over renders without a score. */
static void draw_path(FILE *to, const json_t *renders, size_t count, bool gaps) {
    size_t before = count;
    double score = 0;
    html_print(to, "<path class=\"%s\" vector-effect=\"non-scaling-stroke\" d=\"",
               gaps ? "line gap" : "line");
    for (size_t i = 0; i < count; i++) {
        Consistency consistency;
        if (!chain_compare(renders, i, &consistency))
            continue;
        if (before < i && (before + 1 < i) == gaps)
            html_print(to, "M%.2f %.2fL%.2f %.2f", across(before, count), (1 - score) * 100,
                       across(i, count), (1 - consistency.score) * 100);
        before = i;
        score = consistency.score;
    }
    fputs("\"/>", to);
}

/* The line. Lengths in per cent are not for paths, so it has a box of its own that is stretched. */
static void draw_line(FILE *to, const json_t *renders, size_t count) {
    html_print(to,
               "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" x=\"0\" y=\"%d\" "
               "width=\"100%%\" height=\"%d\" overflow=\"visible\">",
               TOP, HEIGHT);
    draw_path(to, renders, count, false);
    draw_path(to, renders, count, true);
    fputs("</svg>", to);
}

/* A dot for each render, which leads to it; with its number where there is room. */
static void draw_dots(FILE *to, const json_t *renders, size_t count) {
    size_t every = (count + LABELS_MOST - 1) / LABELS_MOST;
    for (size_t i = 0; i < count; i++) {
        Consistency consistency;
        int position = (int)report_number(json_array_get(renders, i), "chainPosition");
        double x = across(i, count);
        if (i % every == 0)
            html_print(
                to,
                "<text class=\"tick-text\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">%d</text>",
                x, TOP + HEIGHT + 16, position);
        if (!chain_compare(renders, i, &consistency))
            continue;
        html_print(to,
                   "<a href=\"#render-%d\"><circle cx=\"%.2f%%\" cy=\"%.1f\" "
                   "r=\"%d\"><title>render %d: %.0f %%"
                   "</title></circle></a>",
                   position, x, down(consistency.score), count > DOTS_MOST ? 2 : 4, position,
                   consistency.score * 100);
    }
}

/* Write it. */
void report_line(FILE *to, const json_t *renders) {
    size_t count = json_array_size(renders), known = 0;
    Consistency consistency;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (chain_compare(renders, i, &consistency)) {
            sum += consistency.score;
            known++;
        }
    if (known == 0)
        return;
    html_print(to,
               "<section id=\"consistency\"><h2>Consistency</h2><p class=\"soft\">How near each "
               "render's memory "
               "stayed to the one it began with, in per cent: palette 40, materials 30, geometry "
               "15, style 15. "
               "The mean is <strong>%.0f %%</strong>.</p>"
               "<svg class=\"consistency\" width=\"100%%\" height=\"%d\" role=\"img\" "
               "aria-label=\"Consistency of %zu renders, %.0f %% on average\">",
               sum / (double)known * 100, TOP + HEIGHT + BELOW, known, sum / (double)known * 100);
    draw_scale(to);
    draw_line(to, renders, count);
    draw_dots(to, renders, count);
    fputs("</svg></section>\n", to);
}
