#include "prepare.h"

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "input.h"
#include "video_stage.h"

enum {
    STORED_IMAGE_MAXIMUM = 64 << 20,  /* bytes */
    STORED_VIDEO_MAXIMUM = 512 << 20, /* bytes */
    MAX_INPUTS = MAX_REFERENCES + 4
};

/* One input that is being fetched. */
typedef struct Wanted {
    Preparation *preparation;
    Input *input;
    const json_t *named;
    ImageFile *image;
} Wanted;

/* A picture of an earlier attempt while it is read. */
typedef struct Taken {
    Preparation *preparation;
    Picture *picture;
    StorageJob *job;
} Taken;

struct Preparation {
    Render *render;
    Wanted wanted[MAX_INPUTS];
    size_t count;
    unsigned missing;
    Taken taken[2];
};

/* Start the render when everything is there. */
static void one_less(Preparation *preparation) {
    Render *render = preparation->render;
    if (--preparation->missing > 0)
        return;
    Bytes *const taken[] = {render->picture.answer.image, render->corrected.answer.image};
    prepare_drop(render);
    render_advance(render);
    for (size_t i = 0; i < 2; i++)
        bytes_let_go(taken[i]);
}

/* Is an image what was meant when the render was submitted? */
static bool is_as_meant(const ImageFile *image, const json_t *named) {
    const char *sha256 = json_string_value(json_object_get(named, "sha256"));
    return !sha256 || strcmp(sha256, image->sha256) == 0;
}

/* Refuse a render one of whose images has changed. */
static void refuse_changed(Render *render, const ImageFile *image, const json_t *named) {
    char *words =
        mem_printf("\"%s\" is not what it was when the render was submitted: its SHA-256 "
                   "is %s, not %s",
                   image->path, image->sha256, json_string_value(json_object_get(named, "sha256")));
    render_refuse(render, words);
    free(words);
}

/* An input is there, or cannot be had. It is let go at once, as others of the render may be long in
 * coming: the requests that show it to models hold it again. */
static void input_came(void *context, const char *error) {
    Wanted *wanted = context;
    Render *render = wanted->preparation->render;
    wanted->input = NULL;
    if (error) {
        render_refuse(render, error);
    } else if (!is_as_meant(wanted->image, wanted->named)) {
        refuse_changed(render, wanted->image, wanted->named);
    } else {
        bytes_let_go(wanted->image->bytes);
        one_less(wanted->preparation);
    }
}

/* Fetch one input, if the request names it and it is not there yet. */
static void want(Preparation *preparation, const json_t *named, const char *label,
                 ImageFile *into) {
    bytes_let_go(into->bytes);
    if (!named || json_is_null(named) || into->bytes)
        return;
    Wanted *wanted = &preparation->wanted[preparation->count++];
    preparation->missing++;
    *wanted = (Wanted){.preparation = preparation, .named = named, .image = into};
    wanted->input = input_load(preparation->render->app, named, label, into, input_came, wanted);
}

/* A picture of an earlier attempt is there, or not. */
static void taken_came(void *context, StorageReply *reply) {
    Taken *taken = context;
    Render *render = taken->preparation->render;
    Picture *picture = taken->picture;
    ModelAnswer *image = &picture->answer;
    char *why = NULL;
    taken->job = NULL;
    if (reply->ok) {
        image->image = reply->kept;
        image->image_length = bytes_length(reply->kept);
        reply->kept = NULL;
    }
    bool video = render_is_video(render);
    if (video && reply->ok && video_probe(image->image))
        image->image_mime = "video/mp4";
    else if (!reply->ok || video ||
             !image_probe_bytes(image->image, &image->image_mime, &image->image_width,
                                &image->image_height, &why)) {
        char *words =
            mem_printf("the image that an earlier attempt stored cannot be taken over: %s",
                       why         ? why
                       : reply->ok ? "it is no MP4 file"
                                   : reply->error);
        free(why);
        render_refuse(render, words);
        free(words);
        return;
    }
    picture->url = storage_url(&render->app->storage, picture->key);
    memcpy(picture->sha256, bytes_sha256(image->image), sizeof picture->sha256);
    if (!video)
        bytes_settle(image->image);
    storage_also_has(&render->app->storage, picture->key, image->image);
    one_less(taken->preparation);
}

/* Read what earlier attempts have stored. */
static void take_over(Preparation *preparation) {
    Render *render = preparation->render;
    Picture *const pictures[] = {&render->picture, &render->corrected};
    for (size_t i = 0; i < 2; i++) {
        Taken *taken = &preparation->taken[i];
        if (!pictures[i]->key)
            continue;
        *taken = (Taken){.preparation = preparation, .picture = pictures[i]};
        preparation->missing++;
        size_t most = render_is_video(render) ? STORED_VIDEO_MAXIMUM : STORED_IMAGE_MAXIMUM;
        taken->job = storage_keep(&render->app->storage, pictures[i]->key, most, taken_came, taken);
    }
}

/* The database has said which render made the video to go on from. */
static void origin_came(void *context, const DbReply *reply) {
    Render *render = context;
    if (!reply->ok) {
        render_lose(render, reply);
        return;
    }
    if (!render->preparation || render->ending || render->end != RENDER_RUNNING)
        return;
    const json_t *named = json_object_get(render->request, "previousVideo");
    json_t *origin = database_json(PQgetvalue(reply->result, 0, 0));
    render->previous_video = video_name(render, origin);
    json_decref(origin);
    if (render->previous_video) {
        one_less(render->preparation);
        return;
    }
    char *words =
        mem_printf("previousVideo: \"%s\" is no video whose name at its provider is known "
                   "here; services go on only from videos of their own",
                   json_string_value(json_object_get(named, "key")));
    render_refuse(render, words);
    free(words);
}

/* A video to go on from is known to its provider by a name; of one that we have stored the
 * database knows it. */
static void want_previous_video(Preparation *preparation) {
    Render *render = preparation->render;
    const json_t *named = json_object_get(render->request, "previousVideo");
    const char *parameters[] = {json_string_value(json_object_get(named, "key"))};
    if (!render_is_video(render) || !named || json_is_null(named) ||
        json_object_get(named, "url") || render->operation || render->picture.key)
        return; /* what has neither was refused before */
    preparation->missing++;
    render_ask(render, "select renderchain.get_video_origin($1)", 1, parameters, origin_came,
               render);
}

/* Fetch what is missing. */
void prepare_start(Render *render) {
    Preparation *preparation = mem_alloc(sizeof *preparation);
    const json_t *request = render->request;
    const json_t *references = json_object_get(request, "references");
    render->preparation = preparation;
    history_start(render);
    preparation->render = render;
    preparation->missing = 1;
    for (size_t i = 0; i < render->reference_count; i++) {
        char *label = mem_printf("reference %zu", i + 1);
        want(preparation, json_array_get(references, i), label, &render->references[i]);
        free(label);
    }
    want(preparation, json_object_get(request, "style"), "the style image", &render->style);
    want(preparation, json_object_get(request, "mask"), "the mask", &render->mask);
    want(preparation, json_object_get(request, "firstFrame"), "the first frame",
         &render->first_frame);
    want(preparation, json_object_get(request, "lastFrame"), "the last frame", &render->last_frame);
    want_previous_video(preparation);
    take_over(preparation);
    one_less(preparation);
}

/* Drop what is still being fetched. */
void prepare_drop(Render *render) {
    Preparation *preparation = render->preparation;
    if (!preparation)
        return;
    for (size_t i = 0; i < preparation->count; i++)
        input_drop(preparation->wanted[i].input);
    for (size_t i = 0; i < 2; i++)
        storage_drop(preparation->taken[i].job);
    free(preparation);
    render->preparation = NULL;
}
