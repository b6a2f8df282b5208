#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

/* The key that holds the render and the attempt, so that no two attempts ever write the same. */
static void set_key(const Render *render, Picture *picture, const char *extension) {
    mem_set(&picture->key, "%.2s/%s-output-%d%s.%s", render->id, render->id, render->attempt,
            picture == &render->corrected ? "-correction" : "", extension);
}

/* What the object is called after its type. */
static const char *extension_of(const char *mime) {
    const char *type = strchr(mime, '/') + 1;
    return strcmp(type, "jpeg") == 0 ? "jpg" : type;
}

/* The object as register_objects wants it. */
static json_t *describe(const Render *render, const Picture *picture) {
    return json_pack("[{s:s, s:s, s:s}]", "key", picture->key, "backend",
                     render->app->storage.backend, "kind", "output");
}

/* Fix the key before the picture's type is known, so that the registration goes with the commit
 * of generation's start: models stay with one type, so it is that of the picture before. */
json_t *output_expect(Render *render, Picture *picture) {
    const App *app = render->app;
    const char *type = app->picture_type ? app->picture_type : "png";
    set_key(render, picture, render_is_video(render) ? "mp4" : type);
    picture->uploading = true;
    return describe(render, picture);
}

/* The upload has ended. */
static void stored(void *context, StorageReply *reply) {
    StageRun *run = context;
    Render *render = run->render;
    Picture *picture = stage_picture(run);
    picture->upload = NULL;
    if (!reply->ok) {
        stage_fail(run, "rejected", "%s", reply->error);
        return;
    }
    storage_also_has(&render->app->storage, picture->key, picture->answer.image);
    bytes_let_go(picture->answer.image);
    picture->url = storage_url(&render->app->storage, picture->key);
    run->output = json_pack("{s:s, s:s}", "key", picture->key, "sha256", picture->sha256);
    stage_end(run, STATE_SUCCESS, "ok");
}

/* Upload. */
static void upload(StageRun *run) {
    Render *render = run->render;
    Picture *picture = stage_picture(run);
    StorageObject object = {.key = picture->key,
                            .mime = picture->answer.image_mime,
                            .bytes = picture->answer.image,
                            .sha256 = picture->sha256};
    picture->upload = storage_put(&render->app->storage, &object, stored, run);
}

/* Another key is registered: now, and only now, may it be written. */
static void registered(void *context, const DbReply *reply) {
    StageRun *run = context;
    Render *render = run->render;
    if (!reply->ok)
        render_lose(render, reply);
    else if (!render->ending && render->end == RENDER_RUNNING)
        upload(run);
}

/* The picture has another type than expected: its key is registered first. */
static void register_again(StageRun *run) {
    Render *render = run->render;
    Picture *picture = stage_picture(run);
    output_disown(render, picture);
    set_key(render, picture, render->app->picture_type);
    picture->uploading = true;
    json_t *objects = describe(render, picture);
    char *text = json_text(objects);
    char *attempt = mem_printf("%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text};
    render_ask(render, "select renderchain.register_objects($1::uuid, $2::integer, $3::jsonb)", 3,
               parameters, registered, run);
    json_decref(objects);
    free(attempt);
    free(text);
}

/* Does a key end in a type? */
static bool has_type(const char *key, const char *extension) {
    return strcmp(strrchr(key, '.') + 1, extension) == 0;
}

/* Hash the picture, where that was not done yet. */
const char *output_sha256(Picture *picture) {
    if (!*picture->sha256)
        memcpy(picture->sha256, bytes_sha256(picture->answer.image), sizeof picture->sha256);
    return picture->sha256;
}

/* Hash and store the picture, once the requests that show it to models have left. Its hash
 * belongs to what is recorded of the generation, which waits for us. */
static void store(void *context) {
    StageRun *run = context;
    Render *render = run->render;
    Picture *picture = stage_picture(run);
    const StageRun *generation = picture_run(render, picture);
    run->timer = NULL;
    json_object_set_new(generation->output, "sha256", json_string(output_sha256(picture)));
    const char *type = extension_of(picture->answer.image_mime);
    if (!render_is_video(render))
        render->app->picture_type = type;
    if (has_type(picture->key, type))
        upload(run);
    else
        register_again(run);
}

/* Store the picture, which has just come and is held until it is stored. */
void output_store(StageRun *run) {
    char *error = NULL;
    if (!bytes_hold(stage_picture(run)->answer.image, &error)) {
        stage_fail(run, "rejected", "%s", error);
        free(error);
        return;
    }
    run->timer = loop_after(http_loop(run->render->app->http), 0, store, run);
}

/* Take over a key. */
void output_take_over(Picture *picture, const char *key) {
    mem_set(&picture->key, "%s", key);
}

/* Drop what is on its way. */
void output_drop(Picture *picture) {
    storage_drop(picture->upload);
    picture->upload = NULL;
}

/* Whether the database heard of it is shown by what gc --verify finds. */
static void ignore(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* Tell the database that we write the object no more. */
void output_disown(Render *render, Picture *picture) {
    if (!picture->uploading)
        return;
    picture->uploading = false;
    json_t *objects = describe(render, picture);
    char *text = json_text(objects);
    char *attempt = mem_printf("%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text};
    db_call(render->db, "select renderchain.disown_objects($1::uuid, $2::integer, $3::jsonb)", 3,
            parameters, ignore, NULL);
    json_decref(objects);
    free(attempt);
    free(text);
}
