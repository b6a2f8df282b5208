/* The stages of an image render: what each needs, what it tells a model, and where
 * its answer goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "correction.h"
#include "history.h"
#include "json_text.h"
#include "model_limits.h"
#include "output.h"
#include "recipe.h"
#include "render.h"
#include "video_stage.h"

/* ---- which stages a render wants ---- */

/* Is the stage switched off by the request's skipStages or by --quick? */
static bool skipped(const Render *render, const char *flag) {
    return request_flag(render, "skipStages", flag);
}

static bool is_quick(const Render *render) {
    return request_flag(render, NULL, "quick");
}

static bool wants_parsing(const Render *render) {
    return !is_quick(render) && !skipped(render, "semanticParsing") && !recipe_repeats(render);
}

static bool wants_understanding(const Render *render) {
    return !(is_quick(render) && render_is_video(render)) &&
           !skipped(render, "imageUnderstanding") && !recipe_repeats(render);
}

/* A recipe brings the prompt with it. */
static bool wants_prompt(const Render *render) {
    return !recipe_repeats(render);
}

/* Standard quality is not worth a second look. */
static bool wants_validation(const Render *render) {
    const char *quality = request_text(render, "quality");
    return !is_quick(render) && !skipped(render, "validation") && quality &&
           strcmp(quality, "standard") != 0 && render->picture.answer.image &&
           !recipe_repeats(render);
}

static bool wants_extraction(const Render *render) {
    return !is_quick(render) && !skipped(render, "memoryExtraction") &&
           render->picture.answer.image;
}

static bool wants_corrected_extraction(const Render *render) {
    return wants_extraction(render) && correction_is_better(render);
}

/* ---- what models are told ---- */

/* Add a document as labelled JSON. */
static void tell_json(ModelCall *call, const char *label, const json_t *json) {
    if (!json || json_is_null(json))
        return;
    char *text = json_text(json);
    call_add_text(call, "%s (JSON): %s", label, text);
    free(text);
}

/* Add an image with the words that say what it is for. */
static void tell_image(ModelCall *call, const char *label, const ImageFile *image) {
    if (!image->bytes)
        return;
    call_add_text(call, "%s:", label);
    call_add_image(call, image->bytes, image->mime);
}

/* Add the user's own words and the tool they come from. */
static void tell_wish(const Render *render, ModelCall *call) {
    const json_t *tool = json_object_get(render->request, "toolContext");
    const char *inpainting = request_text(render, "inpaintingPrompt");
    call_add_text(call, "User prompt: %s", request_text(render, "prompt"));
    if (inpainting)
        call_add_text(call, "Inside the mask: %s", inpainting);
    if (tool)
        tell_json(call, "Tool", tool);
}

static void tell_parsing(const StageRun *run, ModelCall *call) {
    tell_wish(run->render, call);
}

static void tell_understanding(const StageRun *run, ModelCall *call) {
    bool style = run->image == &run->render->style;
    tell_image(
        call, style ? "Style image (copy only its style)" : "Reference image 1 (keep this subject)",
        run->image);
}

static void tell_images(const Render *render, ModelCall *call);

static void tell_optimization(const StageRun *run, ModelCall *call) {
    const Render *render = run->render;
    tell_wish(render, call);
    tell_json(call, "Design intent", render->intent);
    for (size_t i = 0; i < render->reference_count; i++)
        tell_json(call, "Reference analysis", render->analyses[i]);
    tell_json(call, "Style analysis", render->style_analysis);
    tell_json(call, "Memory of this chain", render->memory);
    if (!render_is_video(render))
        return;
    /* The prompt of a video is written by a model that sees all images at once. */
    tell_json(call, "What the images agree on", render->merged);
    call_add_text(call, "Output: a video of %d seconds; say how the camera moves.",
                  render_seconds(render));
    tell_images(render, call);
}

/* Add every input image in the order in which they were given. */
static void tell_images(const Render *render, ModelCall *call) {
    for (size_t i = 0; i < render->reference_count; i++) {
        char *label = mem_printf("Reference image %zu (keep this subject)", i + 1);
        tell_image(call, label, &render->references[i]);
        free(label);
    }
    tell_image(call, "Style image (copy only its style)", &render->style);
    tell_image(call, "First frame of the video", &render->first_frame);
    tell_image(call, "Last frame of the video", &render->last_frame);
    if (render->mask.bytes) {
        call_add_text(call, "Mask (white is where to edit):");
        call_add_mask(call, render->mask.bytes, render->mask.mime);
    }
}

static void tell_optimization_simple(const StageRun *run, ModelCall *call) {
    tell_wish(run->render, call);
    tell_json(call, "Memory of this chain", run->render->memory);
    tell_images(run->render, call);
}

/* The prompt that draws: the optimised one, or the user's own. */
const char *render_final_prompt(const Render *render) {
    bool taken = render->prompt &&
                 (!render->image_model || limit_takes_prompt(render->image_model, render->prompt));
    return taken ? render->prompt : request_text(render, "prompt");
}

static void tell_generation(const StageRun *run, ModelCall *call) {
    const Render *render = run->render;
    tell_images(render, call);
    const char *inpainting = request_text(render, "inpaintingPrompt");
    tell_json(call, "Memory of this chain", render->memory);
    if (inpainting)
        call_add_text(call, "Inside the mask: %s", inpainting);
    call_add_text(call, "Prompt: %s", render_final_prompt(render));
    if (stage_id(run) == STAGE_CORRECTION || recipe_repeats(render))
        correction_tell(render, call);
    if (render->negative && *render->negative)
        call_add_text(call, "Avoid: %s", render->negative);
}

static void tell_result(const StageRun *run, ModelCall *call) {
    const ModelAnswer *picture = &stage_picture(run)->answer;
    const Render *render = run->render;
    call_add_text(call, "%s",
                  render->frame             ? "Rendered video, one of its frames:"
                  : render_is_video(render) ? "Rendered video (one of its frames will do):"
                                            : "Rendered image:");
    if (render->frame)
        call_add_image(call, render->frame, "image/png");
    else
        call_add_image(call, picture->image, picture->image_mime);
}

static void tell_validation(const StageRun *run, ModelCall *call) {
    tell_json(call, "Design intent", run->render->intent);
    call_add_text(call, "Prompt: %s", render_final_prompt(run->render));
    tell_result(run, call);
}

static void tell_extraction(const StageRun *run, ModelCall *call) {
    tell_result(run, call);
}

/* ---- where answers go ---- */

static void take_intent(StageRun *run, json_t *answer) {
    run->render->intent = json_incref(answer);
}

static void take_analysis(StageRun *run, json_t *answer) {
    Render *render = run->render;
    if (run->image == &render->style)
        render->style_analysis = json_incref(answer);
    else if (run->image == &render->first_frame)
        render->first_analysis = json_incref(answer);
    else if (run->image == &render->last_frame)
        render->last_analysis = json_incref(answer);
    else
        render->analyses[run->image - render->references] = json_incref(answer);
}

static void take_prompt(StageRun *run, json_t *answer) {
    const char *prompt = json_string_value(json_object_get(answer, "optimizedPrompt"));
    if (prompt && *prompt)
        mem_set(&run->render->prompt, "%s", prompt);
    run->render->negative =
        mem_strdup(json_string_value(json_object_get(answer, "negativePrompt")));
}

static void take_validation(StageRun *run, json_t *answer) {
    if (stage_id(run) == STAGE_CORRECTION_VALIDATION)
        run->render->corrected_validation = json_incref(answer);
    else
        run->render->validation = json_incref(answer);
}

/* The model says what it sees; when it was seen is ours to say. What it says besides is for those
 * who take this image as a reference. */
static void take_memory(StageRun *run, json_t *answer) {
    static const char *const members[] = {"styleCodes", "palette", "geometry", "materials"};
    json_t *memory = json_object();
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (json_object_get(answer, members[i]))
            json_object_set(memory, members[i], json_object_get(answer, members[i]));
    json_object_set_new(memory, "extractedAt", time_json(loop_wall()));
    if (stage_id(run) == STAGE_CORRECTION_EXTRACTION)
        run->render->corrected_extracted = memory;
    else
        run->render->extracted = memory;
}

/* ---- stages that ask a model for JSON ---- */

/* Note which image an answer is about, where it is about nothing else: it is kept for others. */
static void name_image(StageRun *run) {
    const char *sha256 = "";
    if (stage_id(run) == STAGE_IMAGE_UNDERSTANDING)
        sha256 = run->image->sha256;
    else if (run->kind->take == take_memory)
        sha256 = output_sha256(stage_picture(run));
    snprintf(run->sha256, sizeof run->sha256, "%s", sha256);
}

static void send_model(StageRun *run);

/* Ask again with the schema in words, once, where the server takes none. */
static bool ask_in_words(StageRun *run, const ModelAnswer *answer) {
    if (answer->lacks != LACKS_SCHEMA || run->in_words)
        return false;
    run->in_words = true;
    app_text_provider(run->render->app)->without_schema = true;
    send_model(run);
    return true;
}

/* An answer came, or none: take it, or fail and let the fallback stand. */
static void model_answered(void *context, ModelAnswer *answer, int tries) {
    StageRun *run = context;
    run->job = NULL;
    if (ask_in_words(run, answer)) {
        answer_free(answer);
        return;
    }
    run->usage = json_incref(answer->usage);
    run->cost = model_cost(run->model, answer->usage, NULL);
    const char *outcome = outcome_rule(answer->outcome)->name;
    if (answer->outcome == OUTCOME_OK) {
        name_image(run);
        run->kind->take(run, answer->json);
        run->output =
            json_pack("{s:O, s:i, s:s, s:s?}", "answer", answer->json, "tries", tries,
                      "promptVersion", asset_version(), "modelVersion", answer->model_version);
        if (app_text_provider(run->render->app)->without_schema)
            json_object_set_new(run->output, "schema", json_string("in words"));
        stage_end(run, STATE_SUCCESS, outcome);
    } else {
        run->output = json_pack("{s:i}", "tries", tries);
        stage_fail(run, outcome, "%s", answer->message ? answer->message : "no answer");
    }
    answer_free(answer);
}

/* Choose the text model; false where there is none, and the stage has failed. */
static bool pick_model(StageRun *run) {
    App *app = run->render->app;
    const char *provider = app_text_provider(app)->name;
    run->model = registry_pick(&app->registry, provider, "text", NULL);
    if (!run->model)
        stage_fail(run, "rejected", "the registry has no text model for provider \"%s\"", provider);
    return run->model != NULL;
}

/* Ask the text model. */
static void send_model(StageRun *run) {
    App *app = run->render->app;
    ModelCall call = {.model = run->model,
                      .timeouts = registry_timeouts(&app->registry, run->kind->name, run->model),
                      .instruction = asset_prompt(run->kind->name),
                      .schema = asset_schema(run->kind->name),
                      .schema_text = asset_schema_text(run->kind->name)};
    run->kind->tell(run, &call);
    run->job = model_send(app->http, app_text_provider(app), call, false, model_answered, run);
}

/* Begin to ask the text model. */
static void ask_model(StageRun *run) {
    stage_running(run);
    send_model(run);
}

static void start_model(StageRun *run) {
    if (pick_model(run))
        ask_model(run);
}

/* Have memory extracted: of a video from one of its frames. */
static void start_extraction(StageRun *run) {
    if (!render_is_video(run->render) || !video_take_frame(run, start_model))
        start_model(run);
}

/* ---- images that were looked at before ---- */

/* Does a member have this text? */
static bool says(const json_t *object, const char *key, const char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    return value && strcmp(value, text) == 0;
}

/* Take what the same model answered to the same words about the same image. */
static bool take_known(StageRun *run, const json_t *known) {
    size_t i;
    json_t *analysis;
    json_array_foreach(known, i, analysis) {
        json_t *answer = json_object_get(analysis, "result");
        if (!says(analysis, "image", run->image->sha256) ||
            !says(analysis, "task", run->kind->name) || !says(analysis, "model", run->model->id) ||
            !says(analysis, "promptVersion", asset_version()) || !json_is_object(answer))
            continue;
        run->kind->take(run, answer);
        run->output = json_pack("{s:s}", "promptVersion", asset_version());
        stage_end(run, STATE_SUCCESS, "cached");
        return true;
    }
    return false;
}

/* The database said what it knows of the images: go on with the runs that wait for it. */
static void known_came(void *context, const DbReply *reply) {
    Render *render = context;
    if (render->ending || render->end != RENDER_RUNNING)
        return;
    if (!reply->ok) {
        render_lose(render, reply);
        return;
    }
    json_t *known = database_json(PQgetvalue(reply->result, 0, 0));
    for (size_t i = 0; i < render->run_count && render->end == RENDER_RUNNING; i++) {
        StageRun *run = &render->runs[i];
        if (!run->looking_up)
            continue;
        run->looking_up = false;
        if (!take_known(run, known))
            ask_model(run);
    }
    json_decref(known);
}

/* Ask what is known of all images in one statement. */
static void look_up(Render *render) {
    char *images = mem_strdup("{");
    for (size_t i = 0; i < render->run_count; i++) {
        const StageRun *run = &render->runs[i];
        if (stage_id(run) == STAGE_IMAGE_UNDERSTANDING)
            mem_set(&images, "%s%s%s", images, images[1] ? "," : "", run->image->sha256);
    }
    mem_set(&images, "%s}", images);
    const char *parameters[] = {images};
    render->looked_up = true;
    render_ask(render, "select renderchain.get_analyses($1::text[])", 1, parameters, known_came,
               render);
    free(images);
}

/* Has the claim brought what is known of this image? It looks for those whose content the request
 * names; run_render, whose caller waits for it, looks for none. */
static bool was_looked_up(const StageRun *run) {
    const Render *render = run->render;
    const json_t *image = json_object_get(render->request, "style");
    if (run->image == &render->first_frame || run->image == &render->last_frame)
        return false;
    if (run->image != &render->style)
        image = json_array_get(json_object_get(render->request, "references"),
                               (size_t)(run->image - render->references));
    return json_is_array(render->known) && json_object_get(image, "sha256");
}

/* Look at an image, unless that was done before. */
static void start_understanding(StageRun *run) {
    if (!pick_model(run) || take_known(run, run->render->known))
        return;
    if (was_looked_up(run)) {
        ask_model(run);
        return;
    }
    run->looking_up = true;
    run->state = STATE_RUNNING;
    run->started = loop_now();
    run->started_at = loop_wall();
    if (!run->render->looked_up)
        look_up(run->render);
}

/* ---- routing, generation, storage ---- */

/* Choose the model that generates by the rules. A video that was started goes on with its own. */
static const Model *choose_model(const Render *render, const char **reason) {
    const Model *started = registry_find(&render->app->registry, render->operation_model);
    *reason = "the video was started with it";
    if (started)
        return started;
    return render_is_video(render) ? route_video(render, reason) : route_image(render, reason);
}

/* Choose it; no network, so this starts and ends at once. */
static void start_routing(StageRun *run) {
    Render *render = run->render;
    bool video = render_is_video(render);
    const char *reason = NULL;
    stage_running(run);
    render->image_model = choose_model(render, &reason);
    if (!render->image_model) {
        stage_fail(run, "rejected", "the registry has no %s model for provider \"%s\"",
                   video ? "video" : "image", render->app->provider.name);
        return;
    }
    char *refusal = route_size(render);
    if (refusal) {
        stage_fail(run, "rejected", "%s", refusal);
        free(refusal);
        return;
    }
    run->model = render->image_model;
    run->output = json_pack("{s:s, s:s, s:s?}", "model", render->image_model->id, "reason", reason,
                            "size", render->image_size);
    stage_end(run, STATE_SUCCESS, "ok");
}

static void send_generation(void *context);

/* Note what became of the chain's last turn. */
static void record_history(StageRun *run) {
    json_t *record = history_record(run->render);
    if (record)
        json_object_set_new(run->output, "history", record);
}

/* The image came, or none. */
static void image_answered(void *context, ModelAnswer *answer, int tries) {
    StageRun *run = context;
    Render *render = run->render;
    run->job = NULL;
    if (history_refused(render, answer)) {
        answer_free(answer);
        send_generation(run);
        return;
    }
    run->usage = json_incref(answer->usage);
    const char *outcome = outcome_rule(answer->outcome)->name;
    if (answer->outcome != OUTCOME_OK) {
        run->output = json_pack("{s:i}", "tries", tries);
        record_history(run);
        run->passes = outcome_rule(answer->outcome)->passes && !answer->final;
        run->retry_after_ms = answer->retry_after_ms;
        stage_fail(run, outcome, "%s. %s", answer->message ? answer->message : "no answer",
                   answer_advice(answer));
        answer_free(answer);
        return;
    }
    run->cost = model_cost(run->model, answer->usage, render->image_size);
    run->output = json_pack("{s:s, s:i, s:i, s:I, s:i, s:s?}", "mime", answer->image_mime, "width",
                            (int)answer->image_width, "height", (int)answer->image_height, "bytes",
                            (json_int_t)answer->image_length, "tries", tries, "modelVersion",
                            answer->model_version);
    record_history(run);
    history_bound(run, answer);
    recipe_note(run->output, render);
    stage_picture(run)->answer = *answer;
    stage_end(run, STATE_SUCCESS, outcome);
    bytes_let_go(answer->image); /* who stores it and who shows it to models hold it now */
}

/* Send the request that costs money, with the chain's last turn as soon as that is there. */
static void send_generation(void *context) {
    StageRun *run = context;
    Render *render = run->render;
    const App *app = render->app;
    if (render->ending || render->end != RENDER_RUNNING ||
        history_awaited(render, send_generation, run))
        return;
    ModelCall call = {.model = run->model,
                      .timeouts = registry_timeouts(&app->registry, run->kind->name, run->model),
                      .instruction = asset_prompt(run->kind->name),
                      .aspect_ratio = request_text(render, "aspectRatio"),
                      .image_size = render->image_size,
                      .quality = request_text(render, "quality")};
    tell_generation(run, &call);
    history_tell(render, &call);
    run->job = model_send(app->http, &app->provider, call, true, image_answered, run);
}

/* Generation's start is committed: now, and only now, may money be spent. */
static void generation_committed(void *context, const DbReply *reply) {
    StageRun *run = context;
    if (reply->ok)
        send_generation(run);
    else
        render_lose(run->render, reply);
}

/* Commit that generation starts and where its picture will be stored, before the request leaves. */
static void start_generation(StageRun *run) {
    run->model = run->render->image_model;
    stage_running(run);
    events_commit(run->render, output_expect(run->render, stage_picture(run)), generation_committed,
                  run);
}

/* Store the image beside what models are asked about it. */
static void start_storage(StageRun *run) {
    stage_running(run);
    output_store(run);
}

static bool has_image(const Render *render) {
    return render->picture.answer.image != NULL;
}

/* Write the prompt; of a video only when the database has merged what its images say. */
static void start_optimization(StageRun *run) {
    if (!render_is_video(run->render) || !video_merge(run, start_model))
        start_model(run);
}

#define INPUTS (NEEDS(STAGE_SEMANTIC_PARSING) | NEEDS(STAGE_IMAGE_UNDERSTANDING))
#define PROMPTS (NEEDS(STAGE_PROMPT_OPTIMIZATION) | NEEDS(STAGE_PROMPT_OPTIMIZATION_SIMPLE))
#define PICTURE (NEEDS(STAGE_IMAGE_GENERATION) | NEEDS(STAGE_VIDEO_GENERATION))
#define SECOND NEEDS(STAGE_CORRECTION)

const StageKind stage_kinds[STAGE_COUNT] = {
    [STAGE_SEMANTIC_PARSING] = {"semantic_parsing", false, 0, wants_parsing, start_model,
                                tell_parsing, take_intent},
    [STAGE_IMAGE_UNDERSTANDING] = {"image_understanding", false, 0, wants_understanding,
                                   start_understanding, tell_understanding, take_analysis},
    [STAGE_PROMPT_OPTIMIZATION] = {"prompt_optimization", false, INPUTS, wants_prompt,
                                   start_optimization, tell_optimization, take_prompt},
    [STAGE_PROMPT_OPTIMIZATION_SIMPLE] = {"prompt_optimization_simple", false, 0, wants_prompt,
                                          start_model, tell_optimization_simple, take_prompt},
    [STAGE_MODEL_ROUTING] = {"model_routing", true, NEEDS(STAGE_SEMANTIC_PARSING), NULL,
                             start_routing, NULL, NULL},
    [STAGE_IMAGE_GENERATION] = {"image_generation", true, PROMPTS | NEEDS(STAGE_MODEL_ROUTING),
                                NULL, start_generation, NULL, NULL},
    [STAGE_VIDEO_GENERATION] = {"video_generation", true, PROMPTS | NEEDS(STAGE_MODEL_ROUTING),
                                NULL, video_stage_start, NULL, NULL},
    [STAGE_VALIDATION] = {"validation", false, PICTURE, wants_validation, start_model,
                          tell_validation, take_validation},
    [STAGE_MEMORY_EXTRACTION] = {"memory_extraction", false, PICTURE, wants_extraction,
                                 start_extraction, tell_extraction, take_memory},
    [STAGE_STORAGE] = {"storage", true, PICTURE, has_image, start_storage, NULL, NULL},
    [STAGE_CORRECTION] = {"image_generation", false, NEEDS(STAGE_VALIDATION), correction_wanted,
                          start_generation, NULL, NULL},
    [STAGE_CORRECTION_STORAGE] = {"storage", false, SECOND, correction_there, start_storage, NULL,
                                  NULL},
    [STAGE_CORRECTION_VALIDATION] = {"validation", false, SECOND, correction_there, start_model,
                                     tell_validation, take_validation},
    [STAGE_CORRECTION_EXTRACTION] = {"memory_extraction", false, NEEDS(STAGE_CORRECTION_VALIDATION),
                                     wants_corrected_extraction, start_model, tell_extraction,
                                     take_memory},
};
