#include "result.h"

#include <math.h>

#include "consistency.h"
#include "correction.h"
#include "history.h"
#include "recipe.h"

/* Set a member unless it is NULL. */
static void set_if(json_t *object, const char *key, json_t *value) {
    if (value)
        json_object_set(object, key, value);
}

/* Describe what the analyses of all images found, in the result's shape. */
static json_t *image_analysis(const Render *render) {
    json_t *analysis = json_object();
    json_t *references = json_array();
    for (size_t i = 0; i < render->reference_count; i++)
        if (render->analyses[i])
            json_array_append(references, render->analyses[i]);
    if (json_array_size(references))
        json_object_set(analysis, "references", references);
    set_if(analysis, "style", render->style_analysis);
    set_if(analysis, "firstFrame", render->first_analysis);
    set_if(analysis, "lastFrame", render->last_analysis);
    set_if(analysis, "merged", render->merged);
    json_decref(references);
    if (json_object_size(analysis) == 0) {
        json_decref(analysis);
        return NULL;
    }
    return analysis;
}

/* Say how near the memory of the result is to what the chain had. */
static void set_consistency(json_t *result, const json_t *before) {
    Consistency consistency;
    if (consistency_of(before, json_object_get(result, "memory"), &consistency))
        json_object_set_new(result, "consistency", consistency_json(&consistency));
}

/* Put it together. */
json_t *result_of(Render *render) {
    double milliseconds = loop_now() - render->started;
    const Picture *kept = correction_kept(render);
    bool corrected = kept == &render->corrected;
    json_t *result =
        json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:s, s:I, s:s}], s:s, s:I, s:I}", "outputUrl",
                  kept->url, "outputKey", kept->key, "objects", "key", kept->key, "backend",
                  render->app->storage.backend, "kind", "output", "mime", kept->answer.image_mime,
                  "bytes", (json_int_t)kept->answer.image_length, "sha256", kept->sha256,
                  "selectedModel", render->image_model->id, "processingTime",
                  (json_int_t)ceil(milliseconds / 1e3), "processingMs", (json_int_t)milliseconds);
    json_t *analysis = image_analysis(render);
    if (render_is_video(render))
        json_object_set_new(result, "seconds", json_integer(render_seconds(render)));
    if (render->image_size)
        json_object_set_new(result, "size", json_string(render->image_size));
    set_if(result, "memory", corrected ? render->corrected_extracted : render->extracted);
    set_consistency(result, render->memory);
    set_if(result, "designIntent", render->intent);
    set_if(result, "imageAnalysis", analysis);
    set_if(result, "validation", corrected ? render->corrected_validation : render->validation);
    json_t *correction = correction_record(render);
    if (correction)
        json_object_set_new(result, "correction", correction);
    json_object_set_new(result, "turn", history_keep(render, kept, render_final_prompt(render)));
    if (render->prompt)
        json_object_set_new(result, "optimizedPrompt", json_string(render->prompt));
    json_object_set_new(result, "recipe", recipe_of(render, kept));
    if (render->unread)
        json_object_set_new(result, "quiet", json_true());
    json_decref(analysis);
    return result;
}
