#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 100 };

struct Progress {
    Loop *loop;
    LoopTimer *timer;
    Render *render;
    bool json;
    bool live;    /* a terminal, on which lines are drawn over */
    size_t lines; /* drawn below the header, to be drawn over */
};

static void redraw_later(Progress *progress);

/* How a state looks. */
static const struct {
    const char *mark, *colour;
} looks[] = {
    [STATE_WAITING] = {" ", ""},           [STATE_RUNNING] = {"*", "\033[36m"},
    [STATE_SUCCESS] = {"+", "\033[32m"}, [STATE_FAILED] = {"!", "\033[31m"},
    [STATE_SKIPPED] = {"-", "\033[2m"},
};

/* Width of the terminal. */
static int columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 120;
}

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

/* Draw one run's line, cut to the terminal's width. */
static void draw_line(const StageRun *run, bool live) {
    char name[64], text[512];
    double ms = run->state == STATE_RUNNING ? loop_now() - run->started : run->duration;
    snprintf(name, sizeof name, "%s%s%s", run->kind->name, *run->part ? ", " : "", run->part);
    snprintf(text, sizeof text, "  %s %-32s %7.2f s  %s", looks[run->state].mark, name, ms / 1e3,
             remark(run));
    text[strcspn(text, "\n")] = '\0';
    if (live)
        printf("%s%.*s\033[0m\033[K\n", looks[run->state].colour, columns() - 1, text);
    else
        puts(text);
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
        if (render->runs[i].state == STATE_WAITING)
            continue;
        draw_line(&render->runs[i], true);
        progress->lines++;
    }
    fflush(stdout);
}

/* Print an object as a line. */
static void print_json(json_t *line) {
    json_dumpf(line, stdout, JSON_COMPACT);
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
            draw_line(run, false);
        return;
    }
    json_t *line = json_pack("{s:s, s:s, s:s, s:s}", "event", "stage", "renderId",
                             progress->render->id, "stage", run->kind->name, "status",
                             names[run->state]);
    if (*run->part)
        json_object_set_new(line, "part", json_string(run->part));
    if (run->state > STATE_RUNNING) {
        json_object_set_new(line, "durationMs", json_real(run->duration));
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
    progress->live = !json && isatty(STDOUT_FILENO);
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
    if (*text)
        printf("  %-10s %.*s\n", label, columns() - 14, text);
    free(text);
}

/* Print what came of it, for people. */
static void print_summary(const Render *render) {
    const json_t *data = json_object_get(render->result, "data");
    const json_t *memory = json_object_get(data, "pipelineMemory");
    const char *url = json_string_value(json_object_get(data, "imageUrl"));
    printf("completed in %.2f s\n", (loop_now() - render->started) / 1e3);
    print_list("palette", json_object_get(memory, "palette"));
    print_list("materials", json_object_get(memory, "materials"));
    if (url)
        printf("  %-10s %s\n", "picture", strncmp(url, "file://", 7) == 0 ? url + 7 : url);
}

/* Stop drawing and print the result. */
void progress_end(Progress *progress, const Render *render) {
    if (progress->timer)
        loop_cancel(progress->loop, progress->timer);
    progress->timer = NULL;
    if (progress->json && render->result) {
        print_json(json_incref(render->result));
    } else if (!progress->json) {
        draw(progress);
        if (render->result && render->end == RENDER_COMPLETED)
            print_summary(render);
    }
    fflush(stdout);
}
