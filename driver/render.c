/* The stage engine. Each stage names the stages it needs; whatever has all of its
 * needs ended is started at once, so the wall time is the longest path and nothing
 * else. Three statements are waited for: the claim (before us), the commit of
 * generation's start (stages.c), and the completion. */
#include "render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correction.h"
#include "history.h"
#include "json_text.h"
#include "output.h"
#include "plan.h"
#include "prepare.h"
#include "recipe.h"
#include "result.h"
#include "table.h"

enum {
    WORDS_MAXIMUM = 4000,            /* bytes */
    RETRY_AFTER_LONGEST_MS = 3600000 /* as fail_render has it, whatever a provider asks for */
};

static void finish_if_over(Render *render);

/* Look at a text member of the request. */
const char *request_text(const Render *render, const char *key) {
    return json_string_value(json_object_get(render->request, key));
}

/* Look at a flag, in an object of the request or (NULL) in the request itself. */
bool request_flag(const Render *render, const char *object, const char *key) {
    const json_t *where = object ? json_object_get(render->request, object) : render->request;
    return json_is_true(json_object_get(where, key));
}

/* The first run of a stage, or NULL where the stage is not part of this render. */
StageRun *render_run(Render *render, StageId id) {
    for (size_t i = 0; i < render->run_count; i++)
        if (stage_id(&render->runs[i]) == id)
            return &render->runs[i];
    return NULL;
}

/* Which stage a run belongs to. */
StageId stage_id(const StageRun *run) {
    return (StageId)(run->kind - stage_kinds);
}

/* The picture that a run is about. */
Picture *stage_picture(const StageRun *run) {
    return stage_id(run) >= STAGE_CORRECTION ? &run->render->corrected : &run->render->picture;
}

/* The run that generates a picture. */
StageRun *picture_run(Render *render, const Picture *picture) {
    StageId id = render_is_video(render) ? STAGE_VIDEO_GENERATION : STAGE_IMAGE_GENERATION;
    return render_run(render, picture == &render->corrected ? STAGE_CORRECTION : id);
}

/* Is it a video? */
bool render_is_video(const Render *render) {
    const char *type = request_text(render, "type");
    return type && strcmp(type, "video") == 0;
}

/* How long it is to be. */
int render_seconds(const Render *render) {
    json_int_t seconds = json_integer_value(json_object_get(render->request, "durationSeconds"));
    return seconds > 0 ? (int)seconds : 8;
}

/* Parse a column that holds JSON, NULL where it is NULL. */
static json_t *json_column(const PGresult *result, int row, const char *column) {
    return database_json(db_text(result, row, column));
}

/* Start empty. */
void render_init(Render *render, App *app) {
    *render = (Render){.app = app, .events = json_array()};
    render->picture.answer.retry_after_ms = render->corrected.answer.retry_after_ms = -1;
}

/* Take a row of what run_render or claim_renders gave. */
bool render_from_row(Render *render, const PGresult *result, int row, char **error) {
    const char *position = db_text(result, row, "chain_position");
    const char *attempt = db_text(result, row, "attempt");
    if (!render->db)
        render->db = render->app->db;
    render->id = mem_strdup(db_text(result, row, "render_id"));
    render->chain_id = mem_strdup(db_text(result, row, "chain_id"));
    render->position = position ? atoi(position) : 0;
    render->attempt = attempt ? atoi(attempt) : 0;
    render->request = json_column(result, row, "request");
    render->memory = json_column(result, row, "memory");
    render->previous = json_column(result, row, "previous_output");
    render->known = json_column(result, row, "analyses");
    render->started = loop_now();
    if (!render->id || !json_is_object(render->request)) {
        *error = mem_strdup("the claim brought no readable request");
        return false;
    }
    render->reference_count = json_array_size(json_object_get(render->request, "references"));
    if (render->reference_count > MAX_REFERENCES)
        render->reference_count = MAX_REFERENCES;
    recipe_take(render);
    plan_runs(render);
    json_t *stages = json_column(result, row, "stages");
    plan_reuse(render, stages);
    json_decref(stages);
    return true;
}

/* Free a run. */
static void free_run(StageRun *run) {
    model_drop(run->job);
    video_drop(run->video);
    free(run->part);
    json_decref(run->output);
    json_decref(run->usage);
    free(run->cost);
    free(run->error);
}

/* Free a picture. */
static void free_picture(Picture *picture) {
    answer_free(&picture->answer);
    free(picture->key);
    free(picture->url);
    json_decref(picture->recorded);
}

/* Free a render and everything it holds. */
void render_free(Render *render) {
    prepare_drop(render);
    output_drop(&render->picture);
    output_drop(&render->corrected);
    history_drop(render);
    if (render->events_timer)
        loop_cancel(http_loop(render->app->http), render->events_timer);
    if (render->over_timer)
        loop_cancel(http_loop(render->app->http), render->over_timer);
    for (size_t i = 0; i < render->run_count; i++)
        free_run(&render->runs[i]);
    for (size_t i = 0; i < MAX_REFERENCES; i++) {
        image_file_free(&render->references[i]);
        json_decref(render->analyses[i]);
    }
    bytes_free(render->frame);
    image_file_free(&render->style);
    image_file_free(&render->mask);
    image_file_free(&render->first_frame);
    image_file_free(&render->last_frame);
    json_t *const documents[] = {render->request,
                                 render->memory,
                                 render->previous,
                                 render->intent,
                                 render->style_analysis,
                                 render->validation,
                                 render->extracted,
                                 render->events,
                                 render->failure,
                                 render->known,
                                 render->corrected_validation,
                                 render->corrected_extracted,
                                 render->first_analysis,
                                 render->last_analysis,
                                 render->merged};
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
        json_decref(documents[i]);
    free_picture(&render->picture);
    free_picture(&render->corrected);
    char *const texts[] = {
        render->id,    render->chain_id,       render->prompt,    render->negative,
        render->error, render->sqlstate,       render->operation, render->operation_model,
        render->hint,  render->previous_video, render->result,    render->warning};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    *render = (Render){0};
}

/* ---- the database ---- */

/* A statement about a render that waits for its answer. */
typedef struct RenderCall {
    Render *render;
    DbDone *done;
    void *context;
} RenderCall;

/* Tell that the render is over. */
static void tell_over(void *context) {
    Render *render = context;
    render->over_timer = NULL;
    render->over(render->over_context, render);
}

/* Once the render has ended and nothing is out, tell so from the loop. */
static void over_if_done(Render *render) {
    if (render->over && render->end != RENDER_RUNNING && !render->asked && !render->over_timer)
        render->over_timer = loop_after(http_loop(render->app->http), 0, tell_over, render);
}

/* Note how the render ended, which is the only way. */
static void set_end(Render *render, RenderEnd end) {
    render->end = end;
    recorder_forget(render);
    over_if_done(render);
}

/* Something is asked about it. */
void render_hold(Render *render) {
    render->asked++;
}

/* That was answered, and who asked has been told. */
void render_let_go(Render *render) {
    render->asked--;
    over_if_done(render);
}

/* A statement was answered. */
static void answered(void *context, const DbReply *reply) {
    RenderCall call = *(RenderCall *)context;
    free(context);
    call.done(call.context, reply);
    render_let_go(call.render);
}

/* Ask the database one thing about a render. */
void render_ask(Render *render, const char *sql, int count, const char *const *parameters,
                DbDone *done, void *context) {
    RenderCall *call = mem_alloc(sizeof *call);
    *call = (RenderCall){render, done, context};
    render_hold(render);
    db_call(render->db, sql, count, parameters, answered, call);
}

/* ---- runs of stages ---- */

/* A run begins. */
void stage_running(StageRun *run) {
    run->state = STATE_RUNNING;
    run->started = loop_now();
    run->started_at = loop_wall();
    events_add(run);
    if (run->render->watch)
        run->render->watch(run->render->watch_context, run);
}

/* Is a run over, well or not? */
static bool has_ended(const StageRun *run) {
    return run->state >= STATE_SUCCESS;
}

/* A run ends. The event of a generation that went well waits until its bytes are stored. */
void stage_end(StageRun *run, StageState state, const char *outcome) {
    Render *render = run->render;
    if (run->state == STATE_WAITING) {
        run->started = loop_now();
        run->started_at = loop_wall();
    }
    run->duration = loop_now() - run->started;
    run->state = state;
    run->outcome = outcome;
    /* That there was nothing to correct is said by the validation. */
    if (state == STATE_SKIPPED && stage_id(run) >= STAGE_CORRECTION) {
        render_advance(render);
        return;
    }
    StageId id = stage_id(run);
    Picture *picture = stage_picture(run);
    /* A second picture that nobody wants is the rule, and nothing to speak of. */
    bool told = state != STATE_SKIPPED || id < STAGE_CORRECTION;
    if ((id == STAGE_IMAGE_GENERATION || id == STAGE_VIDEO_GENERATION || id == STAGE_CORRECTION) &&
        state == STATE_SUCCESS) {
        picture->held = true;
    } else {
        if ((id == STAGE_STORAGE || id == STAGE_CORRECTION_STORAGE) && picture->held) {
            picture->held = false;
            render->paid = true;
            events_add(picture_run(render, picture));
        }
        if (told)
            events_add(run);
    }
    if (render->watch && told)
        render->watch(render->watch_context, run);
    render_advance(render);
}

/* Record what a run that goes on has to say, now. */
void stage_note(StageRun *run) {
    run->render->paid = true;
    events_add(run);
    events_flush(run->render);
}

/* A run ends badly, with words about it. They may be a provider's: they are kept, but not
 * without end, nor what in them steers a terminal or is no UTF-8. */
void stage_fail(StageRun *run, const char *outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *words = mem_vprintf(format, args);
    va_end(args);
    free(run->error);
    run->error = text_clip(words, WORDS_MAXIMUM);
    free(words);
    stage_end(run, STATE_FAILED, outcome);
}

/* Have all stages that a run needs ended? */
static bool needs_met(const Render *render, const StageRun *run) {
    for (size_t i = 0; i < render->run_count; i++) {
        const StageRun *other = &render->runs[i];
        if ((run->kind->needs & NEEDS(stage_id(other))) && !has_ended(other))
            return false;
    }
    return true;
}

/* Start every run that can be started; again while that ended something at once. */
void render_advance(Render *render) {
    if (render->advancing || render->ending || render->end != RENDER_RUNNING)
        return;
    render->advancing = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < render->run_count && render->end == RENDER_RUNNING; i++) {
            StageRun *run = &render->runs[i];
            if (run->state != STATE_WAITING || !needs_met(render, run))
                continue;
            changed = true;
            if (run->kind->wanted && !run->kind->wanted(render))
                stage_end(run, STATE_SKIPPED, "skipped");
            else
                run->kind->start(run);
        }
    }
    render->advancing = false;
    finish_if_over(render);
    events_flush(render);
}

/* Drop every model call that is still out, and what waits for the loop's next turn. */
static void drop_jobs(Render *render) {
    for (size_t i = 0; i < render->run_count; i++) {
        StageRun *run = &render->runs[i];
        model_drop(run->job);
        run->job = NULL;
        video_drop(run->video);
        run->video = NULL;
        frame_drop(run->frame);
        run->frame = NULL;
        if (run->timer)
            loop_cancel(http_loop(render->app->http), run->timer);
        run->timer = NULL;
    }
    prepare_drop(render);
    output_drop(&render->picture);
    output_drop(&render->corrected);
    history_drop(render);
}

/* Whatever we do now would be refused, so drop the run. The database knows whether whoever takes
 * the render over has found what was stored recorded. */
void render_drop(Render *render, const char *sqlstate, const char *words, const char *hint) {
    if (render->end != RENDER_RUNNING)
        return;
    set_end(render, RENDER_LOST);
    mem_set(&render->error, "%s", words);
    mem_set(&render->sqlstate, "%s", sqlstate);
    mem_set(&render->hint, "%s", hint);
    drop_jobs(render);
    output_disown(render, &render->picture);
    output_disown(render, &render->corrected);
}

/* Drop the run with the database's words. */
static void drop_refused(Render *render, const DbReply *reply) {
    char *words = mem_printf("%s%s%s", reply->message, *reply->detail ? ": " : "", reply->detail);
    render_drop(render, reply->sqlstate, words, reply->hint);
    free(words);
}

/* What was found cannot be written, now or by another attempt: fail. Details of the database's own
 * may show rows, which are not for users; those of RC005 are ours. */
static void fail_refused(Render *render, const DbReply *reply) {
    bool ours = strcmp(reply->sqlstate, "RC005") == 0 && *reply->detail;
    char *words =
        mem_printf("the database refused what is to be recorded: %s%s%s (%s)", reply->message,
                   ours ? ": " : "", ours ? reply->detail : "", reply->sqlstate);
    mem_set(&render->sqlstate, "%s", reply->sqlstate);
    events_again(render, false);
    render_refuse(render, words);
    free(words);
}

/* The database refused. Where the render's end is asked for already, the answer to that tells what
 * became of it. */
void render_lose(Render *render, const DbReply *reply) {
    if (!db_error_of_data(reply->sqlstate))
        drop_refused(render, reply);
    else if (!render->ending && render->end == RENDER_RUNNING)
        fail_refused(render, reply);
}

/* Answers to statements whose failure the one after them shows as well. */
static void ignore_reply(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* Another attempt may complete what is refused for something else than what was found, such as a
 * privilege that is missing: record that, which went with the completion, by itself, so that it is
 * not paid for again. */
static void keep_found(Render *render, const char *sqlstate) {
    if (db_error_of_data(sqlstate) || strncmp(sqlstate, "RC", 2) == 0 ||
        strncmp(sqlstate, "08", 2) == 0)
        return;
    events_again(render, true);
    events_commit(render, NULL, ignore_reply, NULL);
}

/* The last statement of a render that went well was answered. */
static void completed(void *context, const DbReply *reply) {
    Render *render = context;
    if (!reply->ok) {
        keep_found(render, reply->sqlstate);
        render->ending = false;
        render_lose(render, reply);
        return;
    }
    if (!render->unread)
        render->result = mem_strdup(PQgetvalue(reply->result, 0, 0));
    output_disown(render, correction_left(render));
    set_end(render, RENDER_COMPLETED);
}

/* All stages have ended well enough: complete, with others where nobody reads the answer. */
static void complete(Render *render) {
    json_t *result = result_of(render);
    if (render->recorder && render->unread) {
        render->ending = true;
        recorder_complete(render->recorder, render, result, completed, render);
        return;
    }
    json_object_set_new(result, "stages", events_take(render));
    char *text = json_text(result);
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text};
    render->ending = true;
    render_ask(render, "select renderchain.complete_render($1::uuid, $2::integer, $3::jsonb)", 3,
               parameters, completed, render);
    json_decref(result);
    free(text);
}

/* fail_render was answered. */
static void failed(void *context, const DbReply *reply) {
    Render *render = context;
    if (!reply->ok) {
        drop_refused(render, reply);
    } else if (render->end == RENDER_RUNNING) {
        bool queued = strcmp(PQgetvalue(reply->result, 0, 0), "pending") == 0;
        set_end(render, queued ? RENDER_REQUEUED : RENDER_FAILED);
    }
}

/* Fail, which refunds, or is tried again later. */
static void send_failure(Render *render) {
    char *text = json_text(render->failure);
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text, render->fails_again ? "t" : "f"};
    render_ask(render,
               "select renderchain.fail_render($1::uuid, $2::integer, $3::jsonb, $4::boolean)", 4,
               parameters, failed, render);
    free(text);
}

/* What happened is recorded, or cannot be. */
static void failure_recorded(void *context, const DbReply *reply) {
    Render *render = context;
    (void)reply; /* that it failed is shown by the next as well */
    if (--render->unrecorded == 0)
        send_failure(render);
}

/* Record what happened, then fail: a statement that waits for a lock is asked again after others,
 * and what comes after the end is refused. Takes the error. */
static void fail_with(Render *render, json_t *error, bool again) {
    render->ending = true;
    render->failure = error;
    render->fails_again = again;
    drop_jobs(render);
    json_t *unheard = recorder_take_back(render);
    bool has_more = json_array_size(render->events) > 0;
    render->unrecorded = (json_array_size(unheard) > 0) + has_more;
    if (json_array_size(unheard))
        events_repeat(render, unheard, failure_recorded, render);
    if (has_more)
        events_commit(render, NULL, failure_recorded, render);
    if (!render->unrecorded)
        send_failure(render);
    json_decref(unheard);
}

/* A required stage failed. */
static void fail(Render *render, const StageRun *run) {
    const char *words = run->error ? run->error : "no reason given";
    mem_set(&render->error, "%s failed (%s): %s", run->kind->name, run->outcome, words);
    json_t *error = json_pack("{s:s, s:s, s:s}", "stage", run->kind->name, "outcome", run->outcome,
                              "message", words);
    bool again = render->may_requeue && run->passes;
    if (again && run->retry_after_ms >= 0)
        json_object_set_new(error, "retryAfterSeconds",
                            json_real(fmin(run->retry_after_ms, RETRY_AFTER_LONGEST_MS) / 1e3));
    fail_with(render, error, again);
}

/* Fail a render that was claimed but cannot be run. */
void render_refuse(Render *render, const char *words) {
    free(render->error);
    render->error = text_clip(words, WORDS_MAXIMUM);
    fail_with(render, json_pack("{s:s, s:s}", "outcome", "rejected", "message", render->error),
              false);
}

/* End the render where a required stage failed or nothing is left to do. */
static void finish_if_over(Render *render) {
    bool all_ended = true;
    if (render->ending || render->end != RENDER_RUNNING)
        return;
    for (size_t i = 0; i < render->run_count; i++) {
        const StageRun *run = &render->runs[i];
        if (run->kind->required && run->state == STATE_FAILED) {
            fail(render, run);
            return;
        }
        all_ended = all_ended && has_ended(run);
    }
    if (all_ended)
        complete(render);
}

/* Fetch what the stages need, then start what can be started. What no model can do is refused
 * before anything is asked of one; a picture that was paid for is not. */
void render_start(Render *render) {
    char *why = render->picture.key || render->operation ? NULL : route_refusal(render);
    if (why)
        render_refuse(render, why);
    else
        prepare_start(render);
    free(why);
}

/* cancel_render was answered with the status that the render has now. */
static void cancelled(void *context, const DbReply *reply) {
    Render *render = context;
    if (!reply->ok) {
        drop_refused(render, reply);
        return;
    }
    if (render->end != RENDER_RUNNING)
        return;
    const char *status = PQgetvalue(reply->result, 0, 0);
    set_end(render, RENDER_CANCELLED);
    if (strcmp(status, "cancelled") == 0) {
        mem_set(&render->error, "interrupted; the render was cancelled and its credits refunded");
        output_disown(render, &render->picture);
        output_disown(render, &render->corrected);
    } else {
        mem_set(&render->error, "interrupted; the render had ended already as %s", status);
    }
}

/* Give up from outside. */
void render_cancel(Render *render) {
    if (render->ending || render->end != RENDER_RUNNING)
        return;
    const char *parameters[] = {render->id};
    render->ending = true;
    drop_jobs(render);
    render_ask(render, "select renderchain.cancel_render($1::uuid)", 1, parameters, cancelled,
               render);
}
