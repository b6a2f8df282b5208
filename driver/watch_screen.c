/* Renders that are watched, on a terminal: for each a line, and below it a line for every wave
 * of its stages, those that run at the same time side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "colour.h"
#include "table.h"
#include "watch_show.h"

enum { REDRAW_MS = 100, BAR = 10, CELL_LEAST = 26, ERROR_LONGEST = 40, LINE_LONGEST = 300 };

struct WatchScreen {
    Loop *loop;
    LoopTimer *timer;
    WatchedList *list;
    bool colour, swatches;
    char *notice;   /* NULL while the connection is there */
    size_t *widths; /* of the lines that stand there, to be drawn over */
    size_t lines;
    char **next; /* the lines to be drawn */
    size_t next_count;
};

static const char *const marks[] = {[STATE_WAITING] = " ",
                                    [STATE_RUNNING] = "*",
                                    [STATE_SUCCESS] = "+",
                                    [STATE_FAILED] = "!",
                                    [STATE_SKIPPED] = "-"};
static const char *const colours[] = {[STATE_WAITING] = "",
                                      [STATE_RUNNING] = "\033[36m",
                                      [STATE_SUCCESS] = "\033[32m",
                                      [STATE_FAILED] = "\033[31m",
                                      [STATE_SKIPPED] = "\033[2m"};

/* A text in a colour, where that is allowed; takes the text. */
static char *paint(char *text, const char *with, bool colour) {
    if (colour && *with && *text)
        mem_set(&text, "%s%s\033[0m", with, text);
    return text;
}

/* Milliseconds for people. */
static char *time_text(double ms) {
    if (ms < 99950)
        return mem_printf("%.1f s", ms / 1e3);
    return mem_printf("%d:%02d min", (int)(ms / 60000), (int)(ms / 1000) % 60);
}

/* How far a stage is that usually takes so long. */
static char *bar_text(double elapsed, double expected) {
    char bar[BAR + 1] = "----------";
    int full = elapsed >= expected ? BAR - 1 : (int)(elapsed / expected * BAR);
    memset(bar, '#', (size_t)full);
    return mem_printf("[%s]", bar);
}

/* What a stage that runs says beside its name. */
static char *running_text(const WatchedList *list, const WatchedStage *stage) {
    double elapsed = watched_elapsed(stage->begun);
    double expected = list ? watched_expected(list, stage->stage, stage->model) : -1;
    char *text = time_text(elapsed);
    if (expected <= 0)
        return text;
    char *bar = bar_text(elapsed, expected), *usual = time_text(expected);
    mem_set(&text, elapsed > expected ? "%s %s, usually %s" : "%s %s of %s", bar, text, usual);
    free(bar);
    free(usual);
    return text;
}

/* What is to be said of a stage. */
char *watch_stage_text(const WatchedList *list, const WatchedStage *stage, bool colour) {
    char *part = text_clean(stage->part), *model = text_clean(stage->model);
    char *error = text_cut(stage->error, list ? ERROR_LONGEST : LINE_LONGEST);
    char *time = stage->state == STATE_RUNNING ? running_text(list, stage)
                 : stage->ms >= 0              ? time_text(stage->ms)
                                               : mem_strdup("");
    const char *remark = stage->state == STATE_SKIPPED  ? "skipped"
                         : stage->state == STATE_FAILED ? error
                         : stage->cached                ? "known already"
                                                        : model;
    char *mark = paint(mem_strdup(marks[stage->state]), colours[stage->state], colour);
    char *faint = paint(mem_strdup(remark),
                        stage->state == STATE_FAILED ? colours[STATE_FAILED] : "\033[2m", colour);
    char *text = mem_printf("%s %s%s%s%s%s%s%s", mark, stage->stage, *part ? ", " : "", part,
                            *time ? " " : "", time, *faint ? " " : "", faint);
    char *const parts[] = {part, model, error, time, mark, faint};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        free(parts[i]);
    return text;
}

/* How a render ended, with how long it ran. */
static char *ended_text(const Watched *watched) {
    const json_t *ms = json_object_get(watched->head, "processingMs");
    const char *status = watched_text(watched, "status");
    if (!json_is_number(ms))
        return mem_strdup(status);
    char *time = time_text(json_number_value(ms));
    char *text = mem_printf("%s in %s", status, time);
    free(time);
    return text;
}

/* How a render is, with its time. */
static char *state_text(const WatchedList *list, const Watched *watched) {
    double elapsed = watched_elapsed(watched->begun);
    double left = list && watched->running ? watched_left(list, watched) : -1;
    char *time = time_text(elapsed), *text;
    if (watched->running) {
        text = mem_printf("runs %s", time);
        if (left >= 0) {
            char *more = time_text(left);
            mem_set(&text, "%s, about %s left", text, more);
            free(more);
        }
    } else if (watched->ended) {
        text = ended_text(watched);
    } else if (watched->begun > loop_now()) {
        char *more = time_text(watched->begun - loop_now());
        text = mem_printf("waits %s for its next attempt", more);
        free(more);
    } else {
        text = mem_printf("waits %s", time);
    }
    if (watched->attempt > 1)
        mem_set(&text, "%s, attempt %d", text, watched->attempt);
    free(time);
    return text;
}

/* What a render has cost, "" where nothing is known of it. */
static char *cost_text(const Watched *watched) {
    bool whole;
    double cost = watched_cost(watched, &whole);
    if (watched->count == 0)
        return mem_strdup("");
    if (cost == 0 && !whole)
        return mem_strdup("cost unknown");
    return mem_printf("$%.4f%s", cost, whole ? "" : " and what is unknown");
}

/* The colour of a render's state. */
static const char *state_colour(const Watched *watched) {
    if (!watched->ended)
        return colours[watched->running ? STATE_RUNNING : STATE_SKIPPED];
    return colours[strcmp(watched_text(watched, "status"), "completed") == 0 ? STATE_SUCCESS
                                                                             : STATE_FAILED];
}

/* The line of a render; width 0: as long as it is. What is told at its end is cut first. */
char *watch_render_text(const WatchedList *list, const Watched *watched, size_t width,
                        bool colour) {
    char *name = watched_name(watched), *state = state_text(list, watched);
    char *cost = cost_text(watched), *text;
    const char *error = watched_text(watched, "error");
    const char *told = watched->ended && *error ? error : watched_text(watched, "prompt");
    const char *gap = *cost ? "  " : "";
    size_t used = text_width(name) + text_width(state) + text_width(cost) + 6;
    if (width && used > width) {
        char *whole = mem_printf("%s  %s%s%s", name, state, gap, cost);
        text = paint(text_cut(whole, width), state_colour(watched), colour);
        free(whole);
    } else {
        char *rest = text_cut(told, width ? width - used : LINE_LONGEST);
        name = paint(name, "\033[1m", colour);
        state = paint(state, state_colour(watched), colour);
        text = mem_printf("%s  %s%s%s%s%s", name, state, gap, cost, *rest ? "  " : "", rest);
        free(rest);
    }
    free(name);
    free(state);
    free(cost);
    return text;
}

/* ---- the lines ---- */

/* Add a line to those to be drawn; takes it. */
static void add_line(WatchScreen *screen, char *line) {
    screen->next = mem_grow(screen->next, (screen->next_count + 1) * sizeof *screen->next);
    screen->next[screen->next_count++] = line;
}

/* Add the stages of a wave: side by side, in columns, as many on a line as there is room for. */
static void add_wave(WatchScreen *screen, const Watched *watched, size_t wave, size_t width) {
    char *line = mem_strdup("");
    for (size_t i = 0; i < watched->count; i++) {
        const WatchedStage *stage = &watched->stages[i];
        if (stage->wave != wave || stage->attempt != watched->attempt)
            continue;
        char *cell = watch_stage_text(screen->list, stage, screen->colour);
        size_t wide = text_width(cell), used = text_width(line);
        if (wide + 2 > width) {
            /* Without colours, since what is cut might be one of them. */
            char *plain = watch_stage_text(screen->list, stage, false);
            free(cell);
            cell = text_cut(plain, width - 2);
            free(plain);
            wide = text_width(cell);
        }
        size_t pad = used % CELL_LEAST ? CELL_LEAST - used % CELL_LEAST : 0;
        if (used && used + pad + wide + 2 > width) {
            add_line(screen, line);
            line = mem_strdup("");
            used = pad = 0;
        }
        mem_set(&line, "%s%*s%s%s", line, (int)(used ? pad : 0), "", used ? "| " : "  ", cell);
        free(cell);
    }
    if (*line)
        add_line(screen, line);
    else
        free(line);
}

/* Add the palette, with swatches where the terminal can. */
static void add_palette(WatchScreen *screen, const Watched *watched, size_t width) {
    const json_t *palette = json_object_get(watched->head, "palette");
    char *text = palette_text(palette, screen->swatches, true);
    if (text_width(text) + 2 > width) {
        char *shorter =
            screen->swatches ? palette_text(palette, true, false) : text_cut(text, width - 2);
        free(text);
        text = shorter;
    }
    if (*text && text_width(text) + 2 <= width)
        add_line(screen, mem_printf("  %s", text));
    free(text);
}

/* Add a render with all that is known of it. */
static void add_render(WatchScreen *screen, const Watched *watched, size_t width) {
    add_line(screen, watch_render_text(screen->list, watched, width, screen->colour));
    for (size_t wave = 0; wave < WAVES; wave++)
        add_wave(screen, watched, wave, width);
    if (watched->ended && strcmp(watched_text(watched, "status"), "completed") == 0)
        add_palette(screen, watched, width);
}

/* ---- drawing ---- */

/* Wipe what stands there; a terminal that has become narrower has broken its lines. */
static void wipe(WatchScreen *screen, size_t width) {
    size_t rows = 0;
    for (size_t i = 0; i < screen->lines; i++)
        rows += screen->widths[i] > width ? (screen->widths[i] + width - 1) / width : 1;
    if (rows)
        printf("\033[%zuA\r\033[J", rows);
    screen->lines = 0;
}

/* Print the lines that were added; keep: they will be drawn over. */
static void print_lines(WatchScreen *screen, bool keep) {
    if (keep)
        screen->widths =
            mem_grow(screen->widths, (screen->next_count + 1) * sizeof *screen->widths);
    for (size_t i = 0; i < screen->next_count; i++) {
        puts(screen->next[i]);
        if (keep)
            screen->widths[screen->lines++] = text_width(screen->next[i]);
        free(screen->next[i]);
    }
    screen->next_count = 0;
}

/* Add what has not ended, what runs first, as far as there is room; then how many more there
 * are. */
static void add_unfinished(WatchScreen *screen, size_t width, size_t height) {
    size_t runs = 0, waits = 0, hidden = 0;
    for (int running = 1; running >= 0; running--)
        for (const Watched *watched = screen->list->first; watched; watched = watched->next) {
            if (watched->ended || watched->running != running)
                continue;
            *(running ? &runs : &waits) += 1;
            size_t before = screen->next_count;
            if (hidden == 0)
                add_render(screen, watched, width);
            if (hidden == 0 && screen->next_count + 2 <= height)
                continue;
            while (screen->next_count > before)
                free(screen->next[--screen->next_count]);
            hidden++;
        }
    char *line = mem_strdup("");
    if (hidden)
        mem_set(&line, "and %zu more; %zu run, %zu wait", hidden, runs, waits);
    if (screen->notice)
        mem_set(&line, "%s", screen->notice);
    if (*line) {
        char *cut = text_cut(line, width);
        add_line(screen, paint(cut, screen->notice ? colours[STATE_FAILED] : colours[STATE_SKIPPED],
                               screen->colour));
    }
    free(line);
}

/* Draw everything: renders that have ended since for good, the others to be drawn over. */
void watch_screen_draw(WatchScreen *screen) {
    size_t width = terminal_width() - 1, height = terminal_height();
    wipe(screen, width + 1);
    for (Watched *watched = screen->list->first, *next; watched; watched = next) {
        next = watched->next;
        if (!watched->ended || watched->shown)
            continue;
        add_render(screen, watched, width);
        watched->shown = true;
    }
    print_lines(screen, false);
    add_unfinished(screen, width, height);
    print_lines(screen, true);
    fflush(stdout);
}

/* Time goes by while nothing changes. */
static void redraw(void *context) {
    WatchScreen *screen = context;
    screen->timer = loop_after(screen->loop, REDRAW_MS, redraw, screen);
    if (screen->lines)
        watch_screen_draw(screen);
}

/* Say that the connection is lost. */
void watch_screen_notice(WatchScreen *screen, const char *words) {
    free(screen->notice);
    screen->notice = words ? text_clean(words) : NULL;
    watch_screen_draw(screen);
}

/* Begin. */
WatchScreen *watch_screen_new(Loop *loop, WatchedList *list) {
    WatchScreen *screen = mem_alloc(sizeof *screen);
    *screen = (WatchScreen){.loop = loop,
                            .list = list,
                            .colour = terminal_has_colour(),
                            .swatches = terminal_has_truecolour()};
    screen->timer = loop_after(loop, REDRAW_MS, redraw, screen);
    return screen;
}

/* End; what stands there stays. */
void watch_screen_free(WatchScreen *screen) {
    if (!screen)
        return;
    loop_cancel(screen->loop, screen->timer);
    free(screen->notice);
    free(screen->widths);
    free(screen->next);
    free(screen);
}
