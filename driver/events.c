/* Stage events on their way to the database: they are gathered while a statement
 * is out, so that telemetry costs few statements and nobody waits for it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_text.h"
#include "render.h"

/* A worker that dies in this time has analyses made again, or, once a picture is stored, a render
 * failed whose picture was paid for. */
enum { GATHER_MS = 50, PAID_GATHER_MS = 10 };

static const char record_sql[] =
    "select renderchain.record_stages($1::uuid, $2::integer, $3::jsonb)";

static const char record_and_register_sql[] =
    "select renderchain.record_stages($1::uuid, $2::integer, $3::jsonb), "
    "renderchain.register_objects($1::uuid, $2::integer, $4::jsonb)";

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

/* Does an event tell of this stage and part? */
static bool is_about(const json_t *event, const StageRun *run) {
    return strcmp(json_string_value(json_object_get(event, "stage")), run->kind->name) == 0 &&
           strcmp(json_string_value(json_object_get(event, "part")), run->part) == 0;
}

/* Take what waits about a run out of the queue: its new state takes the place of that. */
static void drop_earlier(const StageRun *run) {
    json_t *events = run->render->events;
    for (size_t i = json_array_size(events); i-- > 0;)
        if (is_about(json_array_get(events, i), run))
            json_array_remove(events, i);
}

/* Put a run's present state into the queue. A run taken over from an earlier attempt
 * is already there. */
void events_add(StageRun *run) {
    if (run->reused)
        return;
    drop_earlier(run);
    json_t *event = json_pack("{s:s, s:s, s:s, s:o, s:s*, s:O*, s:O*, s:s*}", "stage",
                              run->kind->name, "part", run->part, "status", state_names[run->state],
                              "startedAt", time_json(run->started_at), "outcome", run->outcome,
                              "output", run->output, "usage", run->usage, "cost", run->cost);
    if (run->state != STATE_RUNNING)
        json_object_set_new(event, "durationMs", json_integer(llround(run->duration)));
    if (run->model)
        json_object_set_new(event, "model", json_string(run->model->id));
    if (*run->sha256)
        json_object_set_new(event, "image", json_string(run->sha256));
    if (run->error)
        json_object_set_new(event, "error", json_pack("{s:s}", "message", run->error));
    json_array_append_new(run->render->events, event);
}

/* Put how every stage went into the queue once more. */
void events_again(Render *render, bool found) {
    static const char *const findings[] = {"output", "usage", "image"};
    json_array_clear(render->events);
    for (size_t i = 0; i < render->run_count; i++)
        if (render->runs[i].state == STATE_SUCCESS || render->runs[i].state == STATE_FAILED)
            events_add(&render->runs[i]);
    for (size_t i = 0; !found && i < json_array_size(render->events); i++)
        for (size_t j = 0; j < sizeof findings / sizeof findings[0]; j++)
            json_object_del(json_array_get(render->events, i), findings[j]);
}

/* Hand the queue over, leaving an empty one. */
json_t *events_take(Render *render) {
    json_t *taken = render->events;
    render->events = json_array();
    render->paid = false;
    recorder_forget(render);
    return taken;
}

/* Send events, with objects to register where there are some, as one statement. */
static void send_events(Render *render, const json_t *events, const json_t *objects, DbDone *done,
                        void *context) {
    char *text = json_text(events);
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", render->attempt);
    char *list = objects ? json_text(objects) : NULL;
    const char *parameters[] = {render->id, attempt, text, list};
    render_ask(render, list ? record_and_register_sql : record_sql, list ? 4 : 3, parameters, done,
               context);
    free(list);
    free(text);
}

/* Send the queue. */
static void send_queue(Render *render, const json_t *objects, DbDone *done, void *context) {
    json_t *events = events_take(render);
    send_events(render, events, objects, done, context);
    json_decref(events);
}

/* Send events once more, by themselves: what is refused of them is not to take others along. */
void events_repeat(Render *render, const json_t *events, DbDone *done, void *context) {
    send_events(render, events, NULL, done, context);
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
    if (render->recorder)
        recorder_add(render->recorder, render, render->paid, NULL, recorded, render);
    else
        send_queue(render, NULL, recorded, render);
}

/* Send what waits a moment later, so that stages which begin or end together go as one
 * statement, and requests to models leave before it. Not while a statement is out, nor
 * when the end of the render takes it along. */
void events_flush(Render *render) {
    Loop *loop = http_loop(render->app->http);
    bool hurry = render->paid && (render->recorder || !render->events_in_flight);
    if (((render->events_timer || render->events_in_flight) && !hurry) || render->ending ||
        render->end != RENDER_RUNNING || json_array_size(render->events) == 0)
        return;
    if (render->events_timer)
        loop_cancel(loop, render->events_timer);
    render->events_since = loop_now();
    render->events_timer =
        loop_after(loop, render->paid ? PAID_GATHER_MS : GATHER_MS, send_gathered, render);
}

/* Send what waits and call back when it is committed. What a render has to say that ends is said
 * before its end is. */
void events_commit(Render *render, json_t *objects, DbDone *done, void *context) {
    if (render->recorder && !render->ending) {
        /* With a list of objects it goes itself, even where another has taken its events along. */
        recorder_add(render->recorder, render, true, objects ? objects : json_array(), done,
                     context);
        return;
    }
    send_queue(render, objects, done, context);
    json_decref(objects);
}
