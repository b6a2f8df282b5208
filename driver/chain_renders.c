#include "chain_renders.h"

#include <string.h>

/* A render's member as a borrowed text, or NULL. */
const char *json_text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* Find a render of the chain by id; NULL where it is not one of its. */
const json_t *chain_find_render(const json_t *renders, const char *id) {
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        const char *own = json_text_of(render, "renderId");
        if (id && own && strcmp(own, id) == 0)
            return render;
    }
    return NULL;
}

/* Did the render end well and leave a memory? */
static bool carries_memory(const json_t *render) {
    const char *status = json_text_of(render, "status");
    return status && strcmp(status, "completed") == 0 &&
           json_is_object(json_object_get(render, "memory"));
}

/* The render whose memory a render began with. */
const json_t *chain_render_before(const json_t *renders, size_t index) {
    const char *parent = json_text_of(json_array_get(renders, index), "parentRenderId");
    size_t steps = json_array_size(renders);
    while (parent && steps-- > 0) {
        const json_t *render = chain_find_render(renders, parent);
        if (!render || carries_memory(render))
            return render;
        parent = json_text_of(render, "parentRenderId");
    }
    while (index-- > 0) {
        const json_t *render = json_array_get(renders, index);
        if (carries_memory(render))
            return render;
    }
    return NULL;
}

/* Compare a completed render's memory with the one it began with. */
bool chain_compare(const json_t *renders, size_t index, Consistency *consistency) {
    const json_t *render = json_array_get(renders, index);
    const json_t *before = json_object_get(chain_render_before(renders, index), "memory");
    return carries_memory(render) &&
           consistency_of(before, json_object_get(render, "memory"), consistency);
}
