#include "input.h"

#include <stdlib.h>
#include <string.h>

struct Input {
    App *app;
    char *label;
    ImageFile *into;
    InputDone *done;
    void *context;
    LoopTimer *timer; /* while it waits to report */
    char *error;
};

/* Free an input that is over. */
static void free_input(Input *input) {
    free(input->label);
    free(input->error);
    free(input);
}

/* Report. */
static void report(void *context) {
    Input *input = context;
    input->timer = NULL;
    input->done(input->context, input->error);
    free_input(input);
}

/* Load what a member names. */
Input *input_load(App *app, const json_t *named, const char *label, ImageFile *into,
                  InputDone *done, void *context) {
    Input *input = mem_alloc(sizeof *input);
    *input = (Input){
        .app = app, .label = mem_strdup(label), .into = into, .done = done, .context = context};
    const char *path = json_is_string(named) ? json_string_value(named)
                                             : json_string_value(json_object_get(named, "path"));
    if (!path)
        input->error =
            mem_strdup("this version reads images from files: a reference needs \"path\"");
    else if (!image_file_read(into, path, &input->error))
        image_file_free(into);
    input->timer = loop_after(http_loop(app->http), 0, report, input);
    return input;
}

/* Give up. */
void input_drop(Input *input) {
    if (!input)
        return;
    if (input->timer)
        loop_cancel(http_loop(input->app->http), input->timer);
    free_input(input);
}
