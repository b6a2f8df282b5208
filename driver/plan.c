#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

/* Add a run to the plan. */
static void plan(Render *render, StageId id, const char *part, const ImageFile *image) {
    StageRun *run = &render->runs[render->run_count++];
    *run = (StageRun){.kind = &stage_kinds[id],
                      .render = render,
                      .part = mem_strdup(part),
                      .image = image,
                      .state = STATE_WAITING};
}

/* Does the request name an image by that key? */
static bool names_image(const Render *render, const char *key) {
    const json_t *named = json_object_get(render->request, key);
    return named && !json_is_null(named);
}

/* Does a stage belong to renders of that type? Videos are neither validated nor drawn twice. */
static bool has_stage(const Render *render, StageId id) {
    bool image_only =
        id == STAGE_IMAGE_GENERATION || id == STAGE_VALIDATION || id >= STAGE_CORRECTION;
    return render_is_video(render) ? !image_only : id != STAGE_VIDEO_GENERATION;
}

/* Lay out the runs that look at images. */
static void plan_images(Render *render) {
    static const StageId id = STAGE_IMAGE_UNDERSTANDING;
    for (size_t i = 0; i < render->reference_count; i++) {
        char *part = mem_printf("reference %zu", i + 1);
        plan(render, id, part, &render->references[i]);
        free(part);
    }
    if (names_image(render, "style"))
        plan(render, id, "style", &render->style);
    if (render_is_video(render) && names_image(render, "firstFrame"))
        plan(render, id, "first frame", &render->first_frame);
    if (render_is_video(render) && names_image(render, "lastFrame"))
        plan(render, id, "last frame", &render->last_frame);
}

/* Lay out which runs this render has; of the two ways to a prompt it has one. */
void plan_runs(Render *render) {
    StageId other = request_flag(render, NULL, "quick") ? STAGE_PROMPT_OPTIMIZATION
                                                        : STAGE_PROMPT_OPTIMIZATION_SIMPLE;
    for (StageId id = 0; id < STAGE_COUNT; id++) {
        if (id == other || !has_stage(render, id))
            continue;
        if (id == STAGE_IMAGE_UNDERSTANDING)
            plan_images(render);
        else
            plan(render, id, id >= STAGE_CORRECTION ? "correction" : "", NULL);
    }
}

/* Find what an earlier attempt recorded of a stage and part. */
static const json_t *recorded(const json_t *stages, const char *name, const char *part) {
    size_t i;
    json_t *stage;
    json_array_foreach(stages, i, stage) {
        const char *its_name = json_string_value(json_object_get(stage, "stage"));
        const char *its_part = json_string_value(json_object_get(stage, "part"));
        const char *status = json_string_value(json_object_get(stage, "status"));
        if (its_name && strcmp(its_name, name) == 0 &&
            strcmp(its_part ? its_part : "", part) == 0 &&
            (!status || strcmp(status, "success") == 0))
            return json_object_get(stage, "output");
    }
    return NULL;
}

/* Take over a picture that an earlier attempt paid for and stored; prepare.c reads it. */
static void reuse_picture(Render *render, const json_t *stages, StageId generation,
                          StageId storage) {
    StageRun *const done[] = {render_run(render, generation), render_run(render, storage)};
    if (!done[0])
        return;
    const char *part = done[0]->part;
    const json_t *stored = recorded(stages, "storage", part);
    const char *key = json_string_value(json_object_get(stored, "key"));
    json_t *generated = (json_t *)recorded(stages, done[0]->kind->name, part);
    if (!key || !generated)
        return;
    output_take_over(stage_picture(done[0]), key);
    stage_picture(done[0])->recorded = json_incref(generated);
    for (size_t i = 0; i < 2; i++) {
        done[i]->reused = true;
        done[i]->state = STATE_SUCCESS;
        done[i]->outcome = "ok";
    }
}

/* Was a second picture asked for that never came? It is not asked for once more. */
static bool is_spent(const json_t *stages) {
    size_t i;
    json_t *stage;
    json_array_foreach(stages, i, stage) {
        const char *name = json_string_value(json_object_get(stage, "stage"));
        const char *part = json_string_value(json_object_get(stage, "part"));
        if (name && part && strcmp(name, "image_generation") == 0 &&
            strcmp(part, "correction") == 0)
            return true;
    }
    return false;
}

/* Go on with a video that an earlier attempt has started. */
static void reuse_operation(Render *render, const json_t *stages) {
    size_t i;
    json_t *stage;
    json_array_foreach(stages, i, stage) {
        const char *name = json_string_value(json_object_get(stage, "stage"));
        const char *status = json_string_value(json_object_get(stage, "status"));
        const char *operation =
            json_string_value(json_object_get(json_object_get(stage, "output"), "operation"));
        if (!name || strcmp(name, "video_generation") != 0 || !status ||
            strcmp(status, "running") != 0 || !operation)
            continue;
        mem_set(&render->operation, "%s", operation);
        free(render->operation_model);
        render->operation_model = mem_strdup(json_string_value(json_object_get(stage, "model")));
    }
}

/* Take over what earlier attempts have recorded as done. */
void plan_reuse(Render *render, const json_t *stages) {
    for (size_t i = 0; i < render->run_count; i++) {
        StageRun *run = &render->runs[i];
        json_t *answer = json_object_get(recorded(stages, run->kind->name, run->part), "answer");
        if (!answer || !run->kind->take)
            continue;
        run->reused = true;
        run->state = STATE_SUCCESS;
        run->outcome = "ok";
        run->kind->take(run, answer);
    }
    reuse_picture(render, stages, STAGE_IMAGE_GENERATION, STAGE_STORAGE);
    reuse_picture(render, stages, STAGE_VIDEO_GENERATION, STAGE_STORAGE);
    reuse_operation(render, stages);
    reuse_picture(render, stages, STAGE_CORRECTION, STAGE_CORRECTION_STORAGE);
    render->correction_spent = is_spent(stages);
}
