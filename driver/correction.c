#include "correction.h"

#include <string.h>

#include "recipe.h"

/* A list of the first validation. */
static const json_t *list_of(const Render *render, const char *key) {
    return json_object_get(render->validation, key);
}

/* Is a second picture to be made? One that an earlier attempt has sent is not sent again. */
bool correction_wanted(const Render *render) {
    const char *quality = request_text(render, "quality");
    return quality && strcmp(quality, "standard") != 0 && !render->correction_spent &&
           render->image_model && json_array_size(list_of(render, "errors")) > 0 &&
           json_array_size(list_of(render, "corrections")) > 0;
}

/* Tell what to correct: as the recipe says where there is one. */
void correction_tell(const Render *render, ModelCall *call) {
    const json_t *list = recipe_repeats(render)
                             ? json_object_get(recipe_given(render), "corrections")
                             : list_of(render, "corrections");
    size_t i;
    json_t *correction;
    json_array_foreach(list, i, correction) {
        call_add_text(call, "Correct: %s", json_string_value(correction));
    }
}

/* Is the second picture there? */
bool correction_there(const Render *render) {
    return render->corrected.answer.image != NULL;
}

/* The score of a validation; -1 where there is none. */
static double score(const json_t *validation) {
    const json_t *number = json_object_get(validation, "score");
    return json_is_number(number) ? json_number_value(number) : -1;
}

/* Is the second picture better, and stored? */
bool correction_is_better(const Render *render) {
    return render->corrected.answer.image &&
           score(render->corrected_validation) > score(render->validation);
}

/* The picture that is kept: one that could not be stored is none. */
const Picture *correction_kept(const Render *render) {
    return correction_is_better(render) && render->corrected.url ? &render->corrected
                                                                 : &render->picture;
}

/* The other one. */
Picture *correction_left(Render *render) {
    return correction_kept(render) == &render->picture ? &render->corrected : &render->picture;
}

/* Say which is kept, and how both were judged. */
json_t *correction_record(const Render *render) {
    if (!render->corrected.answer.image)
        return NULL;
    return json_pack("{s:s, s:O?, s:O?}", "kept",
                     correction_kept(render) == &render->corrected ? "correction" : "first",
                     "first", render->validation, "correction", render->corrected_validation);
}
