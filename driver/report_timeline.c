/* The stages of a render over time. A row for each stage and part, a bar for each attempt; what
 * ran at the same time stands one above the other. Widths are in per cent, so that the drawing
 * is as wide as its page while its text keeps its size. Times in which nothing ran, while the
 * render waited for a worker or for its next attempt, are hatched and, where they are long,
 * drawn shorter than they were. */
#include <stdlib.h>
#include <string.h>

#include "chain_renders.h"
#include "embed.h"
#include "html.h"
#include "report.h"
#include "table.h"

EMBED(timeline_css, "report/timeline.css");

enum {
    ROW = 24,
    AXIS = 20,
    ATTEMPTS_MOST = 32,
    TICKS = 6,
    SVG_WIDTH = 960,
    SVG_HEADING = 30,
    PROMPT_MOST = 110
};

/* How much of the whole width waits take, all together, in per cent; less is not drawn. */
static const double waits_most = 18, waits_least = 3;

/* One attempt on the drawing: the wait before it, and itself. */
typedef struct Span {
    int attempt;
    double begin, end;      /* milliseconds since the render was submitted */
    double waited;          /* before it */
    double wait_at, at, to; /* per cent of the width */
} Span;

typedef struct Drawing {
    FILE *to;
    const json_t *stages;
    double age; /* milliseconds since the render was submitted: what runs has come to here */
    Span spans[ATTEMPTS_MOST];
    size_t count;
} Drawing;

/* A member as a number. */
double report_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

/* Milliseconds for people. */
char *report_time(double ms) {
    double seconds = ms / 1e3;
    if (seconds < 9.995)
        return mem_printf("%.2f s", seconds);
    if (seconds < 99.95)
        return mem_printf("%.1f s", seconds);
    if (seconds < 5999.5)
        return mem_printf("%d min %02d s", (int)(seconds + .5) / 60, (int)(seconds + .5) % 60);
    return mem_printf("%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

/* The name of a stage for people. */
char *report_stage(const json_t *stage) {
    const char *part = json_text_of(stage, "part"), *name = json_text_of(stage, "stage");
    char *text = mem_printf("%s%s%s", name ? name : "?", part ? ", " : "", part ? part : "");
    for (char *at = text; *at && *at != ','; at++)
        *at = *at == '_' ? ' ' : *at;
    return text;
}

/* The wave of a stage, which gives its colour. */
static int wave_of(const json_t *stage) {
    static const struct {
        const char *word;
        int wave;
    } words[] = {{"semantic", 0}, {"image_understanding", 0}, {"prompt", 1},
                 {"model", 1},    {"image_generation", 2},    {"video_generation", 2}};
    const char *name = json_text_of(stage, "stage");
    for (size_t i = 0; name && i < sizeof words / sizeof words[0]; i++)
        if (strncmp(name, words[i].word, strlen(words[i].word)) == 0)
            return words[i].wave;
    return 3;
}

/* Did a stage run at all? */
static bool is_run(const json_t *stage) {
    const char *status = json_text_of(stage, "status");
    return status && strcmp(status, "skipped") != 0;
}

/* When a stage ended; one that runs has come as far as we know. */
static double end_of(const Drawing *drawing, const json_t *stage) {
    double start = json_number_value(json_object_get(stage, "startMs"));
    double length = report_number(stage, "durationMs");
    if (length >= 0)
        return start + length;
    return drawing->age > start ? drawing->age : start;
}

/* Find the span of a stage's attempt; NULL where there is none. */
static const Span *span_of(const Drawing *drawing, const json_t *stage) {
    int attempt = (int)report_number(stage, "attempt");
    for (size_t i = 0; i < drawing->count; i++)
        if (drawing->spans[i].attempt == attempt)
            return &drawing->spans[i];
    return NULL;
}

/* Find it, or make it; NULL where there are too many. */
static Span *make_span(Drawing *drawing, const json_t *stage) {
    const Span *old = span_of(drawing, stage);
    int attempt = (int)report_number(stage, "attempt");
    if (old)
        return &drawing->spans[old - drawing->spans];
    if (drawing->count == ATTEMPTS_MOST)
        return NULL;
    Span *span = &drawing->spans[drawing->count++];
    *span = (Span){.attempt = attempt, .begin = -1, .end = -1};
    return span;
}

static int compare_spans(const void *left, const void *right) {
    return ((const Span *)left)->attempt - ((const Span *)right)->attempt;
}

/* Find out from when to when each attempt ran. */
static void find_spans(Drawing *drawing) {
    size_t i;
    json_t *stage;
    json_array_foreach(drawing->stages, i, stage) {
        Span *span = make_span(drawing, stage);
        double start = json_number_value(json_object_get(stage, "startMs"));
        double end = end_of(drawing, stage);
        if (!span || !is_run(stage))
            continue;
        if (span->end < 0 || start < span->begin)
            span->begin = start;
        if (end > span->end)
            span->end = end;
    }
    qsort(drawing->spans, drawing->count, sizeof drawing->spans[0], compare_spans);
    /* Attempts in which nothing ran are not drawn. */
    size_t kept = 0;
    for (i = 0; i < drawing->count; i++)
        if (drawing->spans[i].end >= 0)
            drawing->spans[kept++] = drawing->spans[i];
    drawing->count = kept;
}

/* Give each span its place. */
static void place_spans(Drawing *drawing) {
    double ran = 0, waited = 0, before = 0, at = 0;
    for (size_t i = 0; i < drawing->count; i++) {
        Span *span = &drawing->spans[i];
        span->waited = span->begin > before ? span->begin - before : 0;
        before = span->end;
        ran += span->end - span->begin;
        waited += span->waited;
    }
    double all = ran + waited > 0 ? ran + waited : 1;
    double waits = waited / all * 100;
    if (waits < waits_least || ran == 0)
        waits = 0;
    else if (waits > waits_most)
        waits = waits_most;
    for (size_t i = 0; i < drawing->count; i++) {
        Span *span = &drawing->spans[i];
        double length = span->end - span->begin;
        span->wait_at = at;
        span->at = at + (waited > 0 ? span->waited / waited * waits : 0);
        span->to =
            span->at + (ran > 0 ? length / ran : 1.0 / (double)drawing->count) * (100 - waits);
        at = span->to;
    }
}

/* Where a time of an attempt stands, in per cent. */
static double place(const Span *span, double ms) {
    double length = span->end - span->begin;
    return span->at + (length > 0 ? (ms - span->begin) / length : 0) * (span->to - span->at);
}

/* ---- drawing ---- */

/* Hatch what was waited, over all rows, with how long above it. */
static void draw_wait(const Drawing *drawing, const Span *span, int height) {
    if (span->at - span->wait_at < 0.5)
        return;
    double width = span->at - span->wait_at;
    char *time = report_time(span->waited);
    html_print(drawing->to,
               "<svg x=\"%.2f%%\" y=\"0\" width=\"%.2f%%\" height=\"%d\"><title>waited %s</title>"
               "<rect class=\"wait\" width=\"100%%\" height=\"100%%\"/>",
               span->wait_at, width, height, time);
    for (int y = -200; y < height; y += 9)
        html_print(drawing->to, "<line class=\"hatch\" x1=\"0\" y1=\"%d\" x2=\"200\" y2=\"%d\"/>",
                   y + 200, y);
    fputs("</svg>", drawing->to);
    free(time);
}

/* A line and a number where an attempt begins that is not the first. */
static void draw_attempt(const Drawing *drawing, const Span *span, int height) {
    if (span == drawing->spans && span->attempt <= 1)
        return;
    html_print(drawing->to,
               "<line class=\"attempt\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
               "<text class=\"bad\" x=\"%.2f%%\" dx=\"4\" y=\"%d\">attempt %d</text>",
               span->at, span->at, height, span->at, height + 14, span->attempt);
}

/* A step of the scale: the nicest that gives few enough lines. */
static double tick_step(double length) {
    static const double nice[] = {1, 2, 5};
    for (double power = 1; power < 1e12; power *= 10)
        for (size_t i = 0; i < sizeof nice / sizeof nice[0]; i++)
            if (length / (nice[i] * power) <= TICKS)
                return nice[i] * power;
    return length;
}

/* Lines of the scale of the one attempt that there is; several have none, since each begins anew.
 */
static void draw_ticks(const Drawing *drawing, int height) {
    const Span *span = drawing->spans;
    double length = span->end - span->begin, step = tick_step(length);
    if (drawing->count != 1 || length <= 0)
        return;
    for (double at = 0; at <= length * .96; at += step) {
        double x = place(span, span->begin + at);
        html_print(drawing->to,
                   "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>", x, x,
                   height);
        char *text = step >= 1000 ? mem_printf("%.0f s", at / 1e3) : mem_printf("%g s", at / 1e3);
        html_print(drawing->to,
                   "<text class=\"tick-text\" x=\"%.2f%%\" dx=\"2\" y=\"%d\">%s</text>", x,
                   height + 14, text);
        free(text);
    }
}

/* Are two entries the same stage and part, of whatever attempt? */
static bool same_row(const json_t *one, const json_t *other) {
    char *left = report_stage(one), *right = report_stage(other);
    bool same = strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

/* What is to be said of a stage at the end of its row. */
static char *remark(const json_t *stage) {
    const char *outcome = json_text_of(stage, "outcome"), *status = json_text_of(stage, "status");
    double ms = report_number(stage, "durationMs"), tries = report_number(stage, "tries");
    double cost = report_number(stage, "cost");
    char *text = ms >= 0 ? report_time(ms) : mem_strdup("running");
    if (strcmp(status, "failed") == 0)
        mem_set(&text, "%s, %s", outcome ? outcome : "failed", text);
    else if (outcome && strcmp(outcome, "cached") == 0)
        mem_set(&text, "known already, %s", text);
    if (tries > 1)
        mem_set(&text, "%.0f tries, %s", tries, text);
    if (cost > 0) {
        char *money = report_cost(cost, true);
        mem_set(&text, "%s, %s", money, text);
        free(money);
    }
    return text;
}

/* The bar of one attempt at a stage. */
static void draw_bar(const Drawing *drawing, const json_t *stage, int y) {
    const Span *span = span_of(drawing, stage);
    const char *status = json_text_of(stage, "status"), *outcome = json_text_of(stage, "outcome");
    const char *error = json_text_of(stage, "error"), *model = json_text_of(stage, "model");
    if (!span)
        return;
    double x = place(span, json_number_value(json_object_get(stage, "startMs")));
    double width = place(span, end_of(drawing, stage)) - x;
    const char *kind = strcmp(status, "success") != 0              ? status
                       : outcome && strcmp(outcome, "cached") == 0 ? "cached"
                                                                   : "";
    char *name = report_stage(stage), *says = remark(stage);
    html_print(drawing->to,
               "<rect class=\"wave%d %s\" x=\"%.2f%%\" y=\"%d\" width=\"%.2f%%\" height=\"%d\" "
               "rx=\"2\"><title>%s: %s%s%s%s%s</title></rect>",
               wave_of(stage), kind, x, y + 2, width > 0.4 ? width : 0.4, ROW - 4, name, says,
               model ? ", " : "", model, error ? ": " : "", error);
    free(name);
    free(says);
}

/* The row of a stage and part: the bars of all attempts, and what is said of the last. */
static void draw_row(const Drawing *drawing, size_t index, int y) {
    const json_t *stage = json_array_get(drawing->stages, index), *last = stage;
    for (size_t i = index; i < json_array_size(drawing->stages); i++) {
        const json_t *other = json_array_get(drawing->stages, i);
        if (!is_run(other) || !same_row(stage, other))
            continue;
        draw_bar(drawing, other, y);
        if (report_number(other, "attempt") >= report_number(last, "attempt"))
            last = other;
    }
    const char *model = json_text_of(last, "model");
    bool failed = strcmp(json_text_of(last, "status"), "failed") == 0;
    char *name = report_stage(stage), *says = remark(last);
    html_print(drawing->to,
               "<text x=\"8\" y=\"%d\">%s<tspan class=\"soft wide\" dx=\"8\">%s</tspan></text>"
               "<text class=\"%s\" x=\"100%%\" dx=\"-6\" y=\"%d\" text-anchor=\"end\">%s</text>",
               y + 16, name, model, failed ? "bad" : "", y + 16, says);
    free(name);
    free(says);
}

/* Is this the first entry of its row? */
static bool begins_row(const Drawing *drawing, size_t index) {
    const json_t *stage = json_array_get(drawing->stages, index);
    for (size_t i = 0; i < index; i++)
        if (is_run(json_array_get(drawing->stages, i)) &&
            same_row(json_array_get(drawing->stages, i), stage))
            return false;
    return is_run(stage);
}

/* Draw a timeline. */
int report_timeline(FILE *to, const json_t *timeline, const char *label, int y) {
    Drawing drawing = {.to = to,
                       .stages = json_object_get(timeline, "stages"),
                       .age = report_number(timeline, "ageMs")};
    int rows = 0;
    find_spans(&drawing);
    if (drawing.count == 0)
        return 0;
    place_spans(&drawing);
    for (size_t i = 0; i < json_array_size(drawing.stages); i++)
        rows += begins_row(&drawing, i);
    int inside = rows * ROW, height = inside + AXIS;
    html_print(to,
               "<svg class=\"timeline\" xmlns=\"http://www.w3.org/2000/svg\" width=\"100%%\" "
               "height=\"%d\" ",
               height);
    if (y >= 0)
        html_print(to, "y=\"%d\" ", y);
    html_print(to, "role=\"img\" aria-label=\"%s\">", label);
    draw_ticks(&drawing, inside);
    for (size_t i = 0; i < drawing.count; i++)
        draw_wait(&drawing, &drawing.spans[i], inside);
    int row = 0;
    for (size_t i = 0; i < json_array_size(drawing.stages); i++)
        if (begins_row(&drawing, i))
            draw_row(&drawing, i, ROW * row++);
    for (size_t i = 0; i < drawing.count; i++)
        draw_attempt(&drawing, &drawing.spans[i], inside);
    fputs("</svg>\n", to);
    return height;
}

/* Write the timelines of a chain as a file of their own. Its height is known only when all are
 * drawn, so they are kept until then. */
void report_svg(FILE *to, const Report *report) {
    char *body = NULL;
    size_t length = 0, i;
    int y = 8;
    json_t *render;
    FILE *inner = open_memstream(&body, &length);
    json_array_foreach(json_object_get(report->chain, "renders"), i, render) {
        const json_t *timeline = json_object_get(json_object_get(report->timelines, "renders"),
                                                 json_text_of(render, "renderId"));
        int position = (int)report_number(render, "chainPosition");
        char *prompt = text_cut(json_text_of(render, "prompt"), PROMPT_MOST);
        html_print(inner, "<text class=\"heading\" x=\"8\" y=\"%d\">%d  %s</text>\n", y + 18,
                   position, prompt);
        free(prompt);
        int height = report_timeline(inner, timeline, "stages over time", y + SVG_HEADING);
        y += SVG_HEADING + height + 16;
    }
    fclose(inner);
    html_print(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" width=\"%d\" height=\"%d\">"
        "<title>%s</title><style>",
        SVG_WIDTH, y, json_text_of(report->chain, "name"));
    fputs(timeline_css, to);
    fputs("svg { background: #fff; } .heading { font-weight: 600; font-size: 14px; }\n"
          "@media (prefers-color-scheme: dark) { svg { background: #15181b; } }</style>\n",
          to);
    fwrite(body, 1, length, to);
    fputs("</svg>\n", to);
    free(body);
}
