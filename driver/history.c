#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "recipe.h"

/* Note why the last turn is not told. */
static void leave_out(Render *render, const char *why) {
    History *history = &render->history;
    mem_set(&history->why_not, "%s", why);
    bytes_free(history->bytes);
    history->bytes = NULL;
}

/* The picture is there, or not: let who waits for it go on. */
static void settle(Render *render) {
    History *history = &render->history;
    LoopFire *ready = history->ready;
    history->ready = NULL;
    if (ready)
        ready(history->context);
}

/* A recipe names the picture that was told: without it, or with another, what is drawn would be
 * something else. Refuses then. */
static bool is_as_in_recipe(Render *render, const StorageReply *reply) {
    const char *sha256 = json_string_value(json_object_get(render->previous, "sha256"));
    const char *key = json_string_value(json_object_get(render->previous, "key"));
    if (!recipe_given(render) ||
        (reply->ok && (!sha256 || !strcmp(sha256, render->history.sha256))))
        return true;
    char *words =
        reply->ok
            ? mem_printf("the picture \"%s\" that the recipe goes on from is not what it was: "
                         "its SHA-256 is %s, not %s",
                         key, render->history.sha256, sha256)
            : mem_printf("the picture that the recipe goes on from cannot be had: %s",
                         reply->error);
    render_refuse(render, words);
    free(words);
    return false;
}

/* The last output came. */
static void came(void *context, StorageReply *reply) {
    Render *render = context;
    History *history = &render->history;
    char *why = NULL;
    unsigned width, height;
    history->job = NULL;
    if (reply->ok)
        memcpy(history->sha256, bytes_sha256(reply->kept), sizeof history->sha256);
    if (!is_as_in_recipe(render, reply))
        return;
    if (!reply->ok) {
        leave_out(render, reply->error);
    } else if (!image_probe_bytes(reply->kept, &history->turn.mime, &width, &height, &why)) {
        leave_out(render, why);
        free(why);
    } else {
        history->bytes = history->turn.bytes = reply->kept;
        reply->kept = NULL;
        bytes_settle(history->bytes);
        storage_also_has(&render->app->storage,
                         json_string_value(json_object_get(render->previous, "key")),
                         history->bytes);
        bytes_let_go(history->bytes); /* until generation is told */
    }
    settle(render);
}

/* Fetch it, unless a picture of this render is there already. */
void history_start(Render *render) {
    History *history = &render->history;
    const char *key = json_string_value(json_object_get(render->previous, "key"));
    const char *mime = json_string_value(json_object_get(render->previous, "mime"));
    const json_t *turn = json_object_get(render->previous, "turn");
    const char *text = json_string_value(json_object_get(turn, "text"));
    if (!key || render->picture.key || render_is_video(render) ||
        (mime && strncmp(mime, "image/", 6) != 0))
        return;
    if (json_object_get(turn, "leftOut")) {
        leave_out(render, "what the model wrote with it was too large to be kept");
        return;
    }
    history->turn.text =
        text ? text : json_string_value(json_object_get(render->previous, "prompt"));
    history->turn.parts = json_object_get(turn, "parts");
    history->job = storage_keep(&render->app->storage, key, HISTORY_MAXIMUM, came, render);
}

/* Have somebody wait for it. */
bool history_awaited(Render *render, LoopFire *ready, void *context) {
    History *history = &render->history;
    if (!history->job)
        return false;
    history->ready = ready;
    history->context = context;
    return true;
}

/* How much the images of a call weigh when they are sent. */
static size_t weight(const ModelCall *call) {
    size_t sum = 0;
    for (size_t i = 0; i < call->part_count; i++)
        sum += call->parts[i].text ? 0 : (bytes_length(call->parts[i].bytes) + 2) / 3 * 4;
    return sum;
}

/* Tell the last turn. */
void history_tell(Render *render, ModelCall *call) {
    History *history = &render->history;
    const json_t *limit = json_object_get(call->model->definition, "maxInlineBytes");
    size_t most = json_is_integer(limit) ? (size_t)json_integer_value(limit) : SIZE_MAX;
    if (!history->bytes)
        return;
    if (weight(call) + (bytes_length(history->bytes) + 2) / 3 * 4 > most)
        leave_out(render, "with it the request would be larger than the model takes");
    else
        call->history = &history->turn;
}

/* A request is refused for what it holds, by us already where it is too large (then there is no
 * status); nothing was drawn, nothing billed. */
bool history_refused(Render *render, const ModelAnswer *answer) {
    bool refused = answer->status == 0 || answer->status == 400 || answer->status == 413 ||
                   answer->status == 422;
    if (!render->history.bytes || answer->outcome != OUTCOME_REJECTED || !refused)
        return false;
    leave_out(render, answer->message);
    return true;
}

/* Say what became of it. */
json_t *history_record(const Render *render) {
    const History *history = &render->history;
    const json_t *id = json_object_get(render->previous, "renderId");
    if (!history->bytes && !history->why_not)
        return NULL;
    json_t *record = json_pack("{s:O?, s:b, s:s?}", "renderId", id, "sent", history->bytes != NULL,
                               "why", history->why_not);
    json_t *told = history_recipe(render);
    if (told)
        json_object_update(record, told);
    json_decref(told);
    return record;
}

/* Say which picture was told; its words are with its render. */
json_t *history_recipe(const Render *render) {
    const History *history = &render->history;
    if (!history->bytes)
        return NULL;
    return json_pack("{s:O?, s:O?, s:s, s:s}", "renderId",
                     json_object_get(render->previous, "renderId"), "key",
                     json_object_get(render->previous, "key"), "mime", history->turn.mime, "sha256",
                     history->sha256);
}

/* How large a turn is. */
static size_t turn_size(const char *prompt, const json_t *parts) {
    size_t sum = strlen(prompt), i;
    json_t *part;
    json_array_foreach(parts, i, part) {
        sum += json_string_length(json_object_get(part, "text")) +
               json_string_length(json_object_get(part, "thoughtSignature"));
    }
    return sum;
}

/* Hold a turn against what is kept. */
void history_bound(StageRun *run, ModelAnswer *answer) {
    Render *render = run->render;
    size_t size = turn_size(render_final_prompt(render), answer->turn);
    if (size <= HISTORY_TURN_MAXIMUM)
        return;
    json_decref(answer->turn);
    answer->turn = json_pack("{s:I}", "bytes", (json_int_t)size);
    json_object_set_new(run->output, "turnLeftOut", json_incref(answer->turn));
    mem_set(&render->warning,
            "what the model wrote with its picture has %zu bytes, of which at most %d are kept: "
            "the next render of the chain is not told of it",
            size, HISTORY_TURN_MAXIMUM);
}

/* Keep the turn. */
json_t *history_keep(const Render *render, const Picture *picture, const char *prompt) {
    if (json_is_object(picture->answer.turn))
        return json_pack("{s:O}", "leftOut", picture->answer.turn);
    return json_pack("{s:s, s:s?, s:O?}", "text", prompt, "model",
                     render->image_model ? render->image_model->id : NULL, "parts",
                     picture->answer.turn);
}

/* Forget it. */
void history_drop(Render *render) {
    History *history = &render->history;
    storage_drop(history->job);
    bytes_free(history->bytes);
    free(history->why_not);
    *history = (History){0};
}
