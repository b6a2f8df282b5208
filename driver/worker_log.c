/* What a worker says: a line for itself and for every render that it claims and that is over,
 * as JSON or for people. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "table.h"
#include "worker.h"

static const char *const end_names[] = {
    [RENDER_COMPLETED] = "completed", [RENDER_FAILED] = "failed", [RENDER_REQUEUED] = "requeued",
    [RENDER_CANCELLED] = "cancelled", [RENDER_LOST] = "dropped",
};

/* Print a line of JSON, or of words with the time before them. */
static void print(const Worker *worker, json_t *line, const char *words) {
    json_t *now = time_json(loop_wall());
    if (worker->app->settings.json) {
        json_object_set(line, "at", now);
        print_json_line(json_incref(line));
    } else {
        printf("%s ", json_string_value(now));
        text_print_lines(stdout, "", words);
    }
    fflush(stdout);
    json_decref(now);
    json_decref(line);
}

/* A line about the worker itself. */
void worker_say(const Worker *worker, const char *event, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *words = mem_vprintf(format, args);
    va_end(args);
    char *clean = text_clean(words);
    print(worker,
          json_pack("{s:s, s:s, s:s}", "event", event, "worker", worker->name, "message", clean),
          clean);
    free(clean);
    free(words);
}

/* A render was claimed. */
void worker_say_claimed(const Worker *worker, const Render *render) {
    char *words = mem_printf("render %s: attempt %d", render->id, render->attempt);
    print(worker,
          json_pack("{s:s, s:s, s:s?, s:i, s:i}", "event", "render", "renderId", render->id,
                    "chainId", render->chain_id, "chainPosition", render->position, "attempt",
                    render->attempt),
          words);
    free(words);
}

/* How a render ended: one that was dropped since somebody cancelled it is cancelled. */
static const char *end_name(const Render *render) {
    bool cancelled = render->end == RENDER_LOST && strcmp(render->sqlstate, "RC002") == 0;
    return end_names[cancelled ? RENDER_CANCELLED : render->end];
}

/* A render is over. */
void worker_say_over(const Worker *worker, const Render *render) {
    double milliseconds = loop_now() - render->started;
    const char *end = end_name(render);
    const char *said = render->error ? render->error : render->warning;
    char *words = mem_printf("render %s: %s after %.1f s%s%s", render->id, end, milliseconds / 1e3,
                             said ? ": " : "", said ? said : "");
    print(worker,
          json_pack("{s:s, s:s, s:s, s:i, s:I, s:s?, s:s*}", "event", "end", "renderId", render->id,
                    "status", end, "attempt", render->attempt, "durationMs",
                    (json_int_t)milliseconds, "error", render->error, "warning", render->warning),
          words);
    free(words);
}
