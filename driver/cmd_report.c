/* renderchain report: fetches a chain, its timelines and its pictures, and writes the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain_renders.h"
#include "commands.h"
#include "file_stream.h"
#include "options.h"
#include "query.h"
#include "report.h"

enum { AHEAD = 8, PICTURE_MAXIMUM = 64 << 20 };

/* A picture on its way. */
typedef struct Fetch {
    StorageJob *job; /* NULL once it has come */
    char *bytes;
    size_t length;
    char *problem;
} Fetch;

typedef struct ReportCommand {
    App app;
    const char *output;
    bool svg;
    json_t *chain, *timelines;
    Fetch *fetches; /* one a render */
    size_t count, begun, missing;
    ExitCode code;
} ReportCommand;

/* A picture has come, or cannot be had. */
static void fetched(void *context, StorageReply *reply) {
    Fetch *fetch = context;
    fetch->job = NULL;
    if (reply->ok) {
        fetch->bytes = reply->bytes;
        fetch->length = reply->length;
        reply->bytes = NULL;
    } else {
        fetch->problem = mem_printf("picture missing: %s", reply->error);
    }
}

/* Begin to read the picture of a render, if it has one. */
static void begin_fetch(ReportCommand *command, size_t index) {
    const json_t *render = json_array_get(json_object_get(command->chain, "renders"), index);
    const char *key = json_text_of(render, "outputKey"), *status = json_text_of(render, "status");
    Fetch *fetch = &command->fetches[index];
    if (status && strcmp(status, "completed") != 0)
        fetch->problem = mem_printf("no picture: the render is %s", status);
    else if (!key || !storage_key_is_safe(key))
        fetch->problem = mem_strdup("picture missing: it has no key in storage");
    else
        fetch->job = storage_get(&command->app.storage, key, PICTURE_MAXIMUM, fetched, fetch);
}

/* Give the next picture; the one before it is not needed any more. A few are read ahead, so that
 * neither memory nor time grows with the length of the chain. */
static ReportPicture next_picture(void *context, size_t index) {
    ReportCommand *command = context;
    Fetch *fetch = &command->fetches[index];
    if (index > 0) {
        free(command->fetches[index - 1].bytes);
        command->fetches[index - 1].bytes = NULL;
    }
    while (command->begun < command->count && command->begun <= index + AHEAD)
        begin_fetch(command, command->begun++);
    while (fetch->job)
        loop_turn(http_loop(command->app.http));
    command->missing += fetch->problem && strncmp(fetch->problem, "picture", 7) == 0;
    return (ReportPicture){fetch->bytes, fetch->length, fetch->problem};
}

/* Ask for the chain and when its stages ran. */
static bool read_chain(ReportCommand *command, const char *name) {
    const char *parameters[] = {name};
    App *app = &command->app;
    command->chain =
        query_json(app, "select renderchain.get_chain(renderchain.find_chain($1::text))", 1,
                   parameters, &command->code);
    if (!command->chain)
        return false;
    const char *id[] = {json_text_of(command->chain, "chainId")};
    command->timelines =
        query_json(app, "select renderchain.get_timelines($1::uuid)", 1, id, &command->code);
    command->count = json_array_size(json_object_get(command->chain, "renders"));
    command->fetches = mem_alloc((command->count + 1) * sizeof *command->fetches);
    return command->timelines != NULL;
}

/* Say what was written. */
static void say(const ReportCommand *command, long bytes, size_t pictures) {
    if (command->app.settings.json) {
        print_json_line(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "object", "report", "file",
                                  command->output, "bytes", (json_int_t)bytes, "renders",
                                  (json_int_t)command->count, "pictures", (json_int_t)pictures,
                                  "missing", (json_int_t)command->missing));
        return;
    }
    printf("%s: %zu renders", command->output, command->count);
    if (!command->svg)
        printf(", %zu pictures", pictures);
    if (command->missing)
        printf(", %zu missing", command->missing);
    printf(", %.2f MB\n", (double)bytes / 1e6);
}

/* Write the file. */
static void write_report(ReportCommand *command) {
    const Report report = {command->chain, command->timelines, next_picture, command};
    bool standard = strcmp(command->output, "-") == 0;
    FileStream file = {.stream = stdout};
    char *error = NULL;
    size_t pictures = 0;
    bool ok = standard || file_stream_open(&file, command->output, &error);
    if (ok) {
        if (command->svg)
            report_svg(file.stream, &report);
        else
            pictures = report_page(file.stream, &report);
        long bytes = ftell(file.stream);
        ok = standard || file_stream_keep(&file, &error);
        if (ok && !standard)
            say(command, bytes, pictures);
    }
    if (!ok) {
        app_error(&command->app.settings, error, NULL, NULL);
        command->code = EXIT_STORAGE;
    }
    free(error);
}

/* Free what it holds. */
static void close_command(ReportCommand *command) {
    for (size_t i = 0; i < command->count; i++) {
        if (command->fetches[i].job)
            storage_drop(command->fetches[i].job);
        free(command->fetches[i].bytes);
        free(command->fetches[i].problem);
    }
    free(command->fetches);
    json_decref(command->chain);
    json_decref(command->timelines);
    app_close(&command->app);
}

/* renderchain report */
int cmd_report(int argc, char **argv) {
    ReportCommand command = {.code = EXIT_OK};
    const Option table[] = {
        {"o,output", "FILE", OPTION_TEXT, &command.output, "write to FILE; - is standard output"},
        {"svg", NULL, OPTION_FLAG, &command.svg, "only the stages over time, as an SVG file"},
    };
    const CommandLine line = {
        "report CHAIN -o FILE",
        "Explain a chain in one HTML file: its pictures, prompts, palettes and consistency, the\n"
        "stages of every render over time, models, costs, and what is remembered.",
        table,
        OPTION_COUNT(table),
        1,
        1,
        "CHAIN is an id or a name. The file holds the pictures and needs nothing else, no script\n"
        "either. --storage says where the pictures are."};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!command.output)
        return usage_error(&line, "--output FILE says where the report goes");
    if (app_start(&command.app, &settings, &command.code) &&
        app_open_storage_to_read(&command.app, &command.code) &&
        app_connect(&command.app, &command.code) && read_chain(&command, positional[0]))
        write_report(&command);
    close_command(&command);
    return command.code;
}
