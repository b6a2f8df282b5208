/* Stage events on their way to the database: they are gathered while a statement
 * is out, so that telemetry costs few statements and nobody waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "render.h"

enum { GATHER_MS = 10 };

static const char record_sql[] =
    "select renderchain.record_stages($1::uuid, $2::integer, $3::jsonb)";

static const char *const state_names[] = {
    [STATE_RUNNING] = "running",
    [STATE_SUCCESS] = "success",
    [STATE_FAILED] = "failed",
    [STATE_SKIPPED] = "skipped",
};

/* Write a time as ISO 8601 with milliseconds, in UTC. */
json_t *time_json(double seconds) {
    time_t whole = (time_t)seconds;
    struct tm parts;
    char date[32], text[48];
    gmtime_r(&whole, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%03dZ", date, (int)((seconds - (double)whole) * 1e3));
    return json_string(text);
}

/* Put a run's present state into the queue. A run taken over from an earlier attempt
 * is already there. */
void events_add(StageRun *run) {
    if (run->reused)
        return;
    json_t *event = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:O?, s:O?, s:s?}", "stage",
                              run->kind->name, "part", run->part, "status", state_names[run->state],
                              "startedAt", time_json(run->started_at), "outcome", run->outcome,
                              "output", run->output, "usage", run->usage, "cost", run->cost);
    if (run->state != STATE_RUNNING)
        json_object_set_new(event, "durationMs", json_real(run->duration));
    if (run->model)
        json_object_set_new(event, "model", json_string(run->model->id));
    if (*run->sha256)
        json_object_set_new(event, "image", json_string(run->sha256));
    if (run->error)
        json_object_set_new(event, "error", json_pack("{s:s}", "message", run->error));
    json_array_append_new(run->render->events, event);
}

/* Hand the queue over, leaving an empty one. */
json_t *events_take(Render *render) {
    json_t *taken = render->events;
    render->events = json_array();
    return taken;
}

/* Send the queue as one statement. */
static void send_queue(Render *render, DbDone *done, void *context) {
    json_t *events = events_take(render);
    char *text = json_dumps(events, JSON_TEXT);
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text};
    db_call(render->db, record_sql, 3, parameters, done, context);
    free(text);
    json_decref(events);
}

/* Telemetry was answered: send what gathered meanwhile. */
static void recorded(void *context, const DbReply *reply) {
    Render *render = context;
    render->events_in_flight = false;
    if (!reply->ok)
        render_lose(render, reply);
    else
        events_flush(render);
}

/* Enough has gathered. */
static void send_gathered(void *context) {
    Render *render = context;
    render->events_timer = NULL;
    if (render->ending || render->end != RENDER_RUNNING || json_array_size(render->events) == 0)
        return;
    render->events_in_flight = true;
    send_queue(render, recorded, render);
}

/* Send what waits a moment later, so that stages which begin or end together go as one
 * statement, and requests to models leave before it. Not while a statement is out, nor
 * when the end of the render takes it along. */
void events_flush(Render *render) {
    if (render->events_timer || render->events_in_flight || render->ending ||
        render->end != RENDER_RUNNING || json_array_size(render->events) == 0)
        return;
    render->events_timer =
        loop_after(http_loop(render->app->http), GATHER_MS, send_gathered, render);
}

/* Send what waits and call back when it is committed. */
void events_commit(Render *render, DbDone *done, void *context) {
    send_queue(render, done, context);
}
