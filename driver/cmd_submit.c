/* renderchain submit: queue a render, which a worker will run. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "input.h"
#include "json_text.h"
#include "query.h"
#include "recipe_request.h"
#include "request.h"
#include "upload.h"

/* Check one image that needs no network before anything is reserved; a worker will read it again.
 */
static bool check_image(const json_t *named, char **error) {
    ImageFile image = {0};
    bool ok = !named || (input_read(&image, named, true, error) &&
                         recipe_image_fits("an image", &image, named, error));
    image_file_free(&image);
    return ok;
}

/* Check the images of a request. */
static bool check_images(json_t *request, const Settings *settings) {
    const json_t *references = json_object_get(request, "references");
    char *error = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(references); i++)
        ok = check_image(json_array_get(references, i), &error);
    ok = ok && check_image(json_object_get(request, "style"), &error) &&
         check_image(json_object_get(request, "mask"), &error) &&
         check_image(json_object_get(request, "firstFrame"), &error) &&
         check_image(json_object_get(request, "lastFrame"), &error);
    if (!ok)
        app_error(settings, error, NULL, NULL);
    free(error);
    return ok;
}

/* What became of an upload. */
typedef struct Uploaded {
    const Settings *settings;
    bool done;
    ExitCode code;
} Uploaded;

static void uploaded(void *context, const UploadResult *result) {
    Uploaded *upload = context;
    upload->done = true;
    if (!result->error)
        upload->code = EXIT_OK;
    else if (result->sqlstate)
        upload->code =
            app_database_error(upload->settings, result->sqlstate, result->error, NULL, NULL);
    else {
        app_error(upload->settings, result->error, NULL, NULL);
        upload->code = result->bad_input ? EXIT_BAD_INPUT : EXIT_STORAGE;
    }
}

/* Store what the request names by a path of this machine. */
static bool upload(App *app, json_t *request, ExitCode *code) {
    Uploaded upload = {.settings = &app->settings};
    if (!app_open_storage(app, true, code))
        return false;
    upload_start(app, app->db, request, NULL, 0, uploaded, &upload);
    while (!upload.done)
        loop_turn(http_loop(app->http));
    *code = upload.code;
    return upload.code == EXIT_OK;
}

/* Say what was queued. */
static void print_submitted(const Settings *settings, const PGresult *row) {
    const char *id = db_text(row, 0, "render_id"), *chain = db_text(row, 0, "chain_id");
    const char *position = db_text(row, 0, "chain_position"), *created = db_text(row, 0, "created");
    if (!settings->json) {
        printf("%s\n", id);
        return;
    }
    json_t *line = json_pack("{s:s, s:s?, s:b}", "renderId", id, "chainId", chain, "created",
                             created && *created == 't');
    if (position)
        json_object_set_new(line, "chainPosition", json_integer(atoi(position)));
    print_json_line(line);
}

/* Build the request of a recipe; NULL where that failed, which has been printed. */
static json_t *from_recipe(App *app, const RequestOptions *options, ExitCode *code) {
    json_t *recipe = recipe_read(app, options, code);
    json_t *request =
        recipe ? recipe_request(&app->settings, recipe, options, app->settings.provider, code)
               : NULL;
    json_decref(recipe);
    if (!request || check_images(request, &app->settings))
        return request;
    json_decref(request);
    *code = EXIT_BAD_INPUT;
    return NULL;
}

/* renderchain submit */
int cmd_submit(int argc, char **argv) {
    RequestOptions options = {0};
    Settings settings;
    App app = {0};
    DbAnswer answer = {0};
    ExitCode exit_code = EXIT_BAD_INPUT;
    settings_from_environment(&settings);
    int code = request_parse(&options, argc, argv, &settings, REQUEST_SUBMIT);
    if (code >= 0) {
        request_free(&options);
        return code;
    }
    /* Whoever has a worker may run it, unless a provider is asked for. */
    json_t *request = options.from_recipe ? NULL : request_build(&options, settings.provider);
    if ((!request || check_images(request, &settings)) && app_open(&app, &settings, &exit_code) &&
        (request || (request = from_recipe(&app, &options, &exit_code))) &&
        (!options.upload || upload(&app, request, &exit_code))) {
        char *text = json_text(request);
        const char *parameters[] = {text};
        exit_code = EXIT_OK;
        if (query(&app, "select * from renderchain.submit_render($1::jsonb)", 1, parameters,
                  &answer, &exit_code))
            print_submitted(&settings, answer.result);
        free(text);
    }
    db_answer_free(&answer);
    app_close(&app);
    request_free(&options);
    json_decref(request);
    return exit_code;
}
