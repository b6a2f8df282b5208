#include "video_stage.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "model_limits.h"
#include "output.h"

/* ---- what the images agree on ---- */

/* Put an analysis into the shape of a memory. */
static json_t *as_memory(const json_t *analysis) {
    const json_t *palette = json_object_get(analysis, "palette");
    const json_t *mood = json_object_get(json_object_get(analysis, "lighting"), "mood");
    return json_pack("{s:O?, s:O?, s:O?, s:{s:O?, s:O?, s:O?}}", "palette", palette, "materials",
                     json_object_get(analysis, "materials"), "geometry",
                     json_object_get(analysis, "geometry"), "styleCodes", "colorPalette", palette,
                     "lightingStyle", mood, "architecturalStyle",
                     json_object_get(analysis, "style"));
}

/* Collect the analyses of references and frames; a style image says nothing of the subject. */
static json_t *collect(const Render *render) {
    json_t *list = json_array();
    json_t *const analyses[] = {render->analyses[0], render->analyses[1], render->analyses[2],
                                render->first_analysis, render->last_analysis};
    for (size_t i = 0; i < sizeof analyses / sizeof analyses[0]; i++)
        if (analyses[i])
            json_array_append_new(list, as_memory(analyses[i]));
    return list;
}

/* What waits for the database. */
typedef struct Merge {
    StageRun *run;
    void (*next)(StageRun *run);
} Merge;

/* The database has merged them. */
static void merged(void *context, const DbReply *reply) {
    Merge merge = *(Merge *)context;
    Render *render = merge.run->render;
    free(context);
    if (!reply->ok) {
        render_lose(render, reply);
        return;
    }
    if (render->ending || render->end != RENDER_RUNNING)
        return;
    render->merged = database_json(PQgetvalue(reply->result, 0, 0));
    merge.next(merge.run);
}

/* Merge. */
bool video_merge(StageRun *run, void (*next)(StageRun *run)) {
    Render *render = run->render;
    json_t *list = collect(render);
    bool any = json_array_size(list) > 0;
    if (any) {
        Merge *merge = mem_alloc(sizeof *merge);
        *merge = (Merge){run, next};
        char *text = json_text(list);
        const char *parameters[] = {text};
        run->state = STATE_RUNNING;
        run->started = loop_now();
        run->started_at = loop_wall();
        render_ask(render,
                   "select renderchain.merge_memory(variadic array(select value from "
                   "pg_catalog.jsonb_array_elements($1::jsonb) with ordinality as e (value, place) "
                   "order by place))",
                   1, parameters, merged, merge);
        free(text);
    }
    json_decref(list);
    return any;
}

/* ---- generation ---- */

/* The operation has a name: that is worth recording at once. */
static void started(void *context, const char *operation) {
    StageRun *run = context;
    json_decref(run->output);
    run->output = json_pack("{s:s}", "operation", operation);
    stage_note(run);
}

/* There will be no video. */
static void failed(StageRun *run, ModelAnswer *answer) {
    const OutcomeRule *rule = outcome_rule(answer->outcome);
    run->usage = json_incref(answer->usage);
    run->passes = rule->passes && !answer->final;
    run->retry_after_ms = answer->retry_after_ms;
    stage_fail(run, rule->name, "%s. %s", answer->message ? answer->message : "no answer",
               answer_advice(answer));
    answer_free(answer);
}

/* The video is there, or there will be none. */
static void came(void *context, ModelAnswer *answer, int tries) {
    StageRun *run = context;
    Render *render = run->render;
    run->video = NULL;
    if (answer->outcome != OUTCOME_OK) {
        failed(run, answer);
        return;
    }
    if (!answer->usage)
        answer->usage = json_object();
    json_object_set_new(answer->usage, "seconds", json_integer(render_seconds(render)));
    run->usage = json_incref(answer->usage);
    run->cost = model_cost(run->model, answer->usage, render->image_size);
    if (!run->output)
        run->output = json_object();
    json_object_set_new(run->output, "mime", json_string(answer->image_mime));
    json_object_set_new(run->output, "bytes", json_integer((json_int_t)answer->image_length));
    json_object_set_new(run->output, "resolution", json_string(render->image_size));
    json_object_set_new(run->output, "tries", json_integer(tries));
    if (answer->file)
        json_object_set_new(run->output, "file", json_string(answer->file));
    stage_picture(run)->answer = *answer;
    stage_end(run, STATE_SUCCESS, outcome_rule(OUTCOME_OK)->name);
    bytes_let_go(answer->image); /* who stores it and who takes a frame of it hold it now */
}

/* Name a video that we have stored as its provider does. */
char *video_name(const Render *render, const json_t *origin) {
    const char *id = json_string_value(json_object_get(origin, "model"));
    const char *operation = json_string_value(json_object_get(origin, "operation"));
    const char *file = json_string_value(json_object_get(origin, "file"));
    const Model *model = registry_find(&render->app->registry, id);
    const VideoWire *wire = model ? video_wire(model) : NULL;
    if (wire == &video_interactions && operation)
        return mem_printf("interactions/%s", operation);
    if (wire == &video_veo && file)
        return mem_printf("https://generativelanguage.googleapis.com/v1beta/%s:download?alt=media",
                          file);
    return NULL;
}

/* Start the operation, or go on with one. */
static void generate(StageRun *run) {
    Render *render = run->render;
    const App *app = render->app;
    const VideoCall call = {.model = run->model,
                            .prompt = render_final_prompt(render),
                            .negative = render->negative,
                            .aspect_ratio = request_text(render, "aspectRatio"),
                            .resolution = render->image_size,
                            .seconds = render_seconds(render),
                            .first = &render->first_frame,
                            .last = &render->last_frame,
                            .references = render->references,
                            .reference_count = render->reference_count,
                            .previous = limit_previous_video(render),
                            .timeouts =
                                registry_timeouts(&app->registry, run->kind->name, run->model)};
    run->video = video_run(app->http, &app->provider, &call, render->operation, started, came, run);
}

/* The start is committed: now, and only now, may money be spent. */
static void committed(void *context, const DbReply *reply) {
    StageRun *run = context;
    Render *render = run->render;
    if (!reply->ok)
        render_lose(render, reply);
    else if (!render->ending && render->end == RENDER_RUNNING)
        generate(run);
}

/* Commit that generation starts, or goes on, and where its video will be stored. */
void video_stage_start(StageRun *run) {
    Render *render = run->render;
    run->model = render->image_model;
    if (render->operation)
        run->output = json_pack("{s:s, s:b}", "operation", render->operation, "resumed", 1);
    stage_running(run);
    events_commit(render, output_expect(render, stage_picture(run)), committed, run);
}

/* ---- what it shows ---- */

/* A frame was taken, or none can be: then the model is shown the whole video. */
static void frame_came(void *context, char *png, size_t length) {
    StageRun *run = context;
    Render *render = run->render;
    run->frame = NULL;
    bytes_let_go(render->picture.answer.image);
    render->frame = png ? bytes_new(png, length) : NULL;
    if (!render->ending && render->end == RENDER_RUNNING)
        run->next(run);
    bytes_let_go(render->frame); /* the request that shows it holds it now */
}

/* Take a frame. */
bool video_take_frame(StageRun *run, void (*next)(StageRun *run)) {
    Render *render = run->render;
    const ModelAnswer *video = &render->picture.answer;
    App *app = render->app;
    char *error = NULL;
    if (render->frame || !bytes_hold(video->image, &error)) {
        free(error);
        return false;
    }
    run->state = STATE_RUNNING;
    run->started = loop_now();
    run->started_at = loop_wall();
    run->next = next;
    run->frame = frame_start(app_background(app), video->image, frame_came, run);
    return true;
}
