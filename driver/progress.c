#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query.h"
#include "table.h"

enum { REDRAW_MS = 100 };

struct Progress {
    Loop *loop;
    LoopTimer *timer;
    Render *render;
    bool json;
    bool live; /* a terminal, on which lines are drawn over */
    bool colour;
    size_t lines; /* drawn below the header, to be drawn over */
};

static void redraw_later(Progress *progress);

/* How a state looks. */
static const struct {
    const char *mark, *colour;
} looks[] = {
    [STATE_WAITING] = {" ", ""},         [STATE_RUNNING] = {"*", "\033[36m"},
    [STATE_SUCCESS] = {"+", "\033[32m"}, [STATE_FAILED] = {"!", "\033[31m"},
    [STATE_SKIPPED] = {"-", "\033[2m"},
};

/* What is worth saying about a run beside its time. */
static const char *remark(const StageRun *run) {
    if (run->state == STATE_FAILED)
        return run->error ? run->error : "";
    if (run->state == STATE_SKIPPED)
        return "skipped";
    if (run->reused)
        return "taken over";
    return run->model ? run->model->id : "";
}

/* Draw one run's line, cut to the terminal's width where it is drawn over. */
static void draw_line(const Progress *progress, const StageRun *run) {
    double ms = run->state == STATE_RUNNING ? loop_now() - run->started : run->duration;
    char *name = mem_printf("%s%s%s", run->kind->name, *run->part ? ", " : "", run->part);
    char *text =
        mem_printf("  %s %-32s %7.2f s  %s", looks[run->state].mark, name, ms / 1e3, remark(run));
    char *line = progress->live ? text_cut(text, terminal_width() - 1) : text_clean(text);
    if (progress->live)
        printf("%s%s%s\033[K\n", progress->colour ? looks[run->state].colour : "", line,
               progress->colour ? "\033[0m" : "");
    else
        puts(line);
    free(name);
    free(text);
    free(line);
}

/* Draw all lines over those drawn before. */
static void draw(Progress *progress) {
    const Render *render = progress->render;
    if (!progress->live)
        return;
    if (progress->lines)
        printf("\033[%zuA", progress->lines);
    progress->lines = 0;
    for (size_t i = 0; i < render->run_count; i++) {
        const StageRun *run = &render->runs[i];
        bool needless = run->state == STATE_SKIPPED && stage_id(run) >= STAGE_CORRECTION;
        if (run->state == STATE_WAITING || needless)
            continue;
        draw_line(progress, &render->runs[i]);
        progress->lines++;
    }
    fflush(stdout);
}

/* Print an object as a line. */
static void print_json(json_t *line) {
    json_dumpf(line, stdout, JSON_TEXT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

/* A stage changed. */
static void changed(void *context, const StageRun *run) {
    static const char *const names[] = {"waiting", "running", "success", "failed", "skipped"};
    Progress *progress = context;
    if (!progress->json) {
        draw(progress);
        if (!progress->live && run->state > STATE_RUNNING)
            draw_line(progress, run);
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s}", "event", "stage", "renderId", progress->render->id,
                  "stage", run->kind->name, "status", names[run->state]);
    if (*run->part)
        json_object_set_new(line, "part", json_string(run->part));
    if (run->state > STATE_RUNNING) {
        json_object_set_new(line, "durationMs", json_integer((json_int_t)(run->duration + 0.5)));
        json_object_set_new(line, "outcome", json_string(run->outcome));
    }
    if (run->model)
        json_object_set_new(line, "model", json_string(run->model->id));
    if (run->error)
        json_object_set_new(line, "error", json_string(run->error));
    print_json(line);
}

/* Time goes by while nothing changes. */
static void redraw(void *context) {
    Progress *progress = context;
    progress->timer = NULL;
    draw(progress);
    redraw_later(progress);
}

/* Redraw soon. */
static void redraw_later(Progress *progress) {
    progress->timer = loop_after(progress->loop, REDRAW_MS, redraw, progress);
}

/* Make one. */
Progress *progress_new(Loop *loop, bool json) {
    Progress *progress = mem_alloc(sizeof *progress);
    progress->loop = loop;
    progress->json = json;
    const char *terminal = getenv("TERM");
    progress->live = !json && isatty(STDOUT_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
    progress->colour = progress->live && terminal_has_colour();
    return progress;
}

/* Free it. */
void progress_free(Progress *progress) {
    if (progress && progress->timer)
        loop_cancel(progress->loop, progress->timer);
    free(progress);
}

/* Follow a render. */
void progress_begin(Progress *progress, Render *render) {
    progress->render = render;
    render->watch = changed;
    render->watch_context = progress;
    if (progress->json) {
        json_t *line = json_pack("{s:s, s:s, s:i}", "event", "render", "renderId", render->id,
                                 "attempt", render->attempt);
        if (render->chain_id)
            json_object_update_new(line, json_pack("{s:s, s:i}", "chainId", render->chain_id,
                                                   "chainPosition", render->position));
        print_json(line);
        return;
    }
    printf("render %s", render->id);
    if (render->chain_id)
        printf(", position %d of its chain", render->position);
    printf("%s\n", render->memory ? ", with the chain's memory" : "");
    if (progress->live)
        redraw_later(progress);
}

/* Print one list of the memory, cut to the terminal. */
static void print_list(const char *label, const json_t *list) {
    size_t i;
    json_t *item;
    char *text = mem_strdup("");
    json_array_foreach(list, i, item) {
        mem_set(&text, "%s%s%s", text, i ? ", " : "",
                json_is_string(item) ? json_string_value(item) : "?");
    }
    char *line = text_cut(text, terminal_width() - 14);
    if (*line)
        printf("  %-10s %s\n", label, line);
    free(line);
    free(text);
}

/* Print what came of it, for people. */
static void print_summary(const Render *render) {
    json_t *result = database_json(render->result);
    const json_t *data = json_object_get(result, "data");
    const json_t *memory = json_object_get(data, "pipelineMemory");
    const char *url = json_string_value(json_object_get(data, "imageUrl"));
    printf("completed in %.2f s\n", (loop_now() - render->started) / 1e3);
    print_list("palette", json_object_get(memory, "palette"));
    print_list("materials", json_object_get(memory, "materials"));
    char *picture = text_clean(picture_path(url));
    if (*picture)
        printf("  %-10s %s\n", "picture", picture);
    free(picture);
    json_decref(result);
}

/* Stop drawing and print the result. */
void progress_end(Progress *progress, const Render *render) {
    if (progress->timer)
        loop_cancel(progress->loop, progress->timer);
    progress->timer = NULL;
    if (progress->json && render->result) {
        puts(render->result);
    } else if (!progress->json) {
        draw(progress);
        if (render->result && render->end == RENDER_COMPLETED)
            print_summary(render);
    }
    fflush(stdout);
}
