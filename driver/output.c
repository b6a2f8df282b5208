#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The key that holds the render and the attempt, so that no two attempts ever write the same. */
static void set_key(Render *render, const char *extension) {
    mem_set(&render->key, "%.2s/%s-output-%d.%s", render->id, render->id, render->attempt,
            extension);
}

/* What the object is called after its type. */
static const char *extension_of(const char *mime) {
    const char *type = strchr(mime, '/') + 1;
    return strcmp(type, "jpeg") == 0 ? "jpg" : type;
}

/* The object as register_objects wants it. */
static json_t *describe(const Render *render) {
    return json_pack("[{s:s, s:s, s:s}]", "key", render->key, "backend",
                     render->app->storage.backend, "kind", "output");
}

/* Fix the key before the picture's type is known, so that the registration goes with the commit
 * of generation's start: models stay with one type, so it is that of the picture before. */
json_t *output_expect(Render *render) {
    const App *app = render->app;
    set_key(render, app->picture_type ? app->picture_type : "png");
    render->uploading = true;
    return describe(render);
}

/* The upload has ended. */
static void stored(void *context, StorageReply *reply) {
    StageRun *run = context;
    Render *render = run->render;
    render->upload = NULL;
    if (!reply->ok) {
        stage_fail(run, "rejected", "%s", reply->error);
        return;
    }
    render->url = storage_url(&render->app->storage, render->key);
    run->output = json_pack("{s:s, s:s}", "key", render->key, "sha256", render->sha256);
    stage_end(run, STATE_SUCCESS, "ok");
}

/* Upload. */
static void upload(StageRun *run) {
    Render *render = run->render;
    StorageObject object = {.key = render->key,
                            .mime = render->image.image_mime,
                            .bytes = render->image.image,
                            .length = render->image.image_length,
                            .sha256 = render->sha256};
    render->upload = storage_put(&render->app->storage, &object, stored, run);
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
    output_disown(render);
    set_key(render, render->app->picture_type);
    render->uploading = true;
    json_t *objects = describe(render);
    char *text = json_dumps(objects, JSON_TEXT);
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
const char *output_sha256(Render *render) {
    if (!*render->sha256)
        sha256_hex(render->image.image, render->image.image_length, render->sha256);
    return render->sha256;
}

/* Hash and store the picture, once the requests that show it to models have left. Its hash
 * belongs to what is recorded of the generation, which waits for us. */
static void store(void *context) {
    StageRun *run = context;
    Render *render = run->render;
    const StageRun *generation = render_run(render, STAGE_IMAGE_GENERATION);
    run->timer = NULL;
    json_object_set_new(generation->output, "sha256", json_string(output_sha256(render)));
    render->app->picture_type = extension_of(render->image.image_mime);
    if (has_type(render->key, render->app->picture_type))
        upload(run);
    else
        register_again(run);
}

/* Store the picture. */
void output_store(StageRun *run) {
    run->timer = loop_after(http_loop(run->render->app->http), 0, store, run);
}

/* Take over a key. */
void output_take_over(Render *render, const char *key) {
    mem_set(&render->key, "%s", key);
}

/* Drop what is on its way. */
void output_drop(Render *render) {
    storage_drop(render->upload);
    render->upload = NULL;
}

/* Whether the database heard of it is shown by what gc --verify finds. */
static void ignore(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* Tell the database that we write the object no more. */
void output_disown(Render *render) {
    if (!render->uploading)
        return;
    render->uploading = false;
    json_t *objects = describe(render);
    char *text = json_dumps(objects, JSON_TEXT);
    char *attempt = mem_printf("%d", render->attempt);
    const char *parameters[] = {render->id, attempt, text};
    db_call(render->db, "select renderchain.disown_objects($1::uuid, $2::integer, $3::jsonb)", 3,
            parameters, ignore, NULL);
    json_decref(objects);
    free(attempt);
    free(text);
}
