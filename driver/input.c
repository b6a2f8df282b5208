#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data_uri.h"
#include "fetch.h"
#include "table.h"

struct Input {
    App *app;
    char *label;
    char *key; /* of a stored object; NULL for what is none */
    ImageFile *into;
    InputDone *done;
    void *context;
    json_t *named;
    LoopTimer *timer; /* while it waits to read what is at hand */
    Fetch *fetch;
    StorageJob *stored;
    char *error;
};

/* Free an input that is over. */
static void free_input(Input *input) {
    free(input->label);
    free(input->key);
    free(input->error);
    json_decref(input->named);
    free(input);
}

/* Report, with what it is about. */
static void report(Input *input) {
    if (input->error)
        mem_set(&input->error, "%s: %s", input->label, input->error);
    input->done(input->context, input->error);
    free_input(input);
}

/* Look at bytes that have come; they are taken. */
static void take(Input *input, const char *name, Bytes *bytes) {
    if (image_file_take(input->into, name, bytes, &input->error))
        bytes_settle(bytes);
}

/* A URL was fetched, or not. */
static void fetched(void *context, const char *error, Bytes *bytes) {
    Input *input = context;
    input->fetch = NULL;
    if (error)
        mem_set(&input->error, "%s", error);
    else
        take(input, "what the URL leads to", bytes);
    report(input);
}

/* A stored object was read, or not. */
static void read_object(void *context, StorageReply *reply) {
    Input *input = context;
    input->stored = NULL;
    if (reply->ok) {
        take(input, "the stored object", reply->kept);
        reply->kept = NULL;
        if (input->into->bytes)
            storage_also_has(&input->app->storage, input->key, input->into->bytes);
    } else {
        mem_set(&input->error, "%s", reply->error);
    }
    report(input);
}

/* Explain that a file which is not there may be there on the submitter's machine. */
static void explain_path(const char *path, char **error) {
    char host[64] = "this machine";
    if (!path || access(path, F_OK) == 0)
        return;
    gethostname(host, sizeof host - 1);
    mem_set(error,
            "%s; paths are those of the machine that runs the render, %s: give a URL, a data: URI "
            "or the key of a stored object instead",
            *error, host);
}

/* Take the bytes out of a data URI. */
static bool read_data(ImageFile *into, const char *uri, char **error) {
    char *bytes;
    size_t length;
    return data_uri_read(uri, IMAGE_FILE_MAXIMUM, &bytes, &length, error) &&
           image_file_take(into, "the data: URI", bytes_new(bytes, length), error);
}

/* The path that a member names: a text is one; NULL for another kind. */
static const char *path_of(const json_t *named) {
    return json_is_string(named) ? json_string_value(named)
                                 : json_string_value(json_object_get(named, "path"));
}

/* Read what is at hand. */
static bool read_at_hand(ImageFile *into, const json_t *named, bool regular, char **error) {
    const char *path = path_of(named);
    const char *url = json_string_value(json_object_get(named, "url"));
    if (path)
        return image_file_read(into, path, regular, error);
    return !url || !data_uri_is(url) || read_data(into, url, error);
}

/* Read what the command line names. */
bool input_read(ImageFile *into, const json_t *named, bool regular, char **error) {
    return read_at_hand(into, named, regular, error);
}

/* May a file be read? Where links lead counts, not where they are. */
static bool may_read(const Settings *settings, const char *path, char **error) {
    if (!settings->images)
        return true;
    char *directory = realpath(settings->images, NULL), *real = realpath(path, NULL);
    size_t length = directory ? strlen(directory) : 0;
    bool below = real && length && strncmp(real, directory, length) == 0 &&
                 (real[length] == '/' || strcmp(directory, "/") == 0);
    free(directory);
    free(real);
    if (!below)
        *error =
            mem_printf("file \"%s\" is not there, or not below the directory of --images", path);
    return below;
}

/* Read what is at hand, and report. */
static void read_now(void *context) {
    Input *input = context;
    const char *path = path_of(input->named);
    input->timer = NULL;
    if (!path && !json_string_value(json_object_get(input->named, "url")))
        input->error = mem_strdup("it has neither \"path\" nor \"key\" nor \"url\"");
    else if ((!path || may_read(&input->app->settings, path, &input->error)) &&
             !read_at_hand(input->into, input->named, true, &input->error))
        explain_path(path, &input->error);
    report(input);
}

/* Load what a member names. What is at hand is read when its turn comes, and what is large and
 * comes from elsewhere is put into a file as it comes: of all renders that are claimed together the
 * images would be in memory before the first of them is sent and let go. */
Input *input_load(App *app, const json_t *named, const char *label, ImageFile *into,
                  InputDone *done, void *context) {
    const char *key = json_string_value(json_object_get(named, "key"));
    const char *url = json_string_value(json_object_get(named, "url"));
    Input *input = mem_alloc(sizeof *input);
    *input = (Input){.app = app,
                     .label = mem_strdup(label),
                     .key = mem_strdup(key),
                     .into = into,
                     .done = done,
                     .context = context,
                     .named = json_incref((json_t *)named)};
    if (key)
        input->stored = storage_keep(&app->storage, key, IMAGE_FILE_MAXIMUM, read_object, input);
    else if (url && !data_uri_is(url))
        input->fetch = fetch_start(app->http, url, app->settings.private_urls, IMAGE_FILE_MAXIMUM,
                                   fetched, input);
    else
        input->timer = loop_after(http_loop(app->http), 0, read_now, input);
    return input;
}

/* Give up. */
void input_drop(Input *input) {
    if (!input)
        return;
    if (input->timer)
        loop_cancel(http_loop(input->app->http), input->timer);
    fetch_drop(input->fetch);
    storage_drop(input->stored);
    free_input(input);
}

/* Is a word a URL that is fetched? */
static bool is_url(const char *word) {
    return strncasecmp(word, "http://", 7) == 0 || strncasecmp(word, "https://", 8) == 0;
}

/* What a word of the command line names, as a member of a request. */
json_t *input_named(const char *word) {
    if (strncmp(word, "key:", 4) == 0)
        return json_pack("{s:s}", "key", word + 4);
    if (is_url(word) || data_uri_is(word))
        return json_pack("{s:s}", "url", word);
    char *absolute = realpath(word, NULL);
    bool usable = absolute && text_is_utf8(absolute);
    json_t *named = json_pack("{s:s}", "path", usable ? absolute : word);
    free(absolute);
    return named;
}
