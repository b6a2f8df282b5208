/* renderchain show: one render, from the database only. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "colour.h"
#include "commands.h"
#include "options.h"
#include "query.h"
#include "request.h"
#include "table.h"

/* Print "label  text" unless the text is empty, and free the text. */
static void print_field(const char *label, char *text) {
    if (*text)
        printf("  %-11s%s\n", label, text);
    free(text);
}

/* A number with its unit, or "". */
static char *with_unit(const json_t *data, const char *key, const char *unit) {
    char *number = member_text(data, key);
    if (*number)
        mem_set(&number, "%s %s", number, unit);
    return number;
}

/* The chain and the place in it, or "". */
static char *chain_text(const json_t *data) {
    char *id = member_text(data, "chainId"), *position = member_text(data, "chainPosition");
    if (*id && *position)
        mem_set(&id, "%s, position %s", id, position);
    free(position);
    return id;
}

/* Join a memory's materials. */
static char *joined(const json_t *list) {
    char *out = mem_strdup("");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        char *text = text_clean(json_string_value(item));
        mem_set(&out, "%s%s%s", out, i ? ", " : "", text);
        free(text);
    }
    return out;
}

/* Join the members of an object that are texts, in the order given. */
static char *joined_members(const json_t *object, const char *const *keys, size_t count) {
    char *out = mem_strdup("");
    for (size_t i = 0; i < count; i++) {
        char *text = member_text(object, keys[i]);
        if (*text)
            mem_set(&out, "%s%s%s", out, *out ? ", " : "", text);
        free(text);
    }
    return out;
}

/* Print the table of stages; one that ran in several attempts has a line for each. */
static void print_stages(const json_t *stages) {
    static const char *const headings[] = {"  stage", "part",    "attempt", "status",
                                           "outcome", "seconds", "model"};
    if (json_array_size(stages) == 0)
        return;
    Table *table = table_new(headings, OPTION_COUNT(headings));
    table_align_right(table, 2);
    table_align_right(table, 5);
    size_t i;
    json_t *stage;
    json_array_foreach(stages, i, stage) {
        char *name = member_text(stage, "stage");
        mem_set(&name, "  %s", name);
        const json_t *ms = json_object_get(stage, "durationMs");
        json_int_t attempt = json_integer_value(json_object_get(stage, "attempt"));
        char *cells[] = {name,
                         member_text(stage, "part"),
                         attempt > 1 ? mem_printf("%lld", (long long)attempt) : mem_strdup(""),
                         member_text(stage, "status"),
                         member_text(stage, "outcome"),
                         json_is_number(ms) ? mem_printf("%.2f", json_number_value(ms) / 1e3)
                                            : mem_strdup(""),
                         member_text(stage, "model")};
        table_take(table, cells);
    }
    putchar('\n');
    table_print(table, stdout);
    table_free(table);
}

/* How near a result is to its chain, in words. */
static char *consistency_text(const json_t *consistency) {
    static const char *const parts[] = {"palette", "materials", "geometry", "style"};
    const json_t *score = json_object_get(consistency, "score");
    if (!json_is_number(score))
        return mem_strdup("");
    char *out = mem_printf("%.0f %%", json_number_value(score) * 100);
    for (size_t i = 0; i < OPTION_COUNT(parts); i++) {
        const json_t *part = json_object_get(consistency, parts[i]);
        if (json_is_number(part))
            mem_set(&out, "%s, %s %.0f %%", out, parts[i], json_number_value(part) * 100);
    }
    return out;
}

/* Which of two pictures was kept, in words; "" where there was one. */
static char *correction_text(const json_t *correction) {
    const char *kept = json_string_value(json_object_get(correction, "kept"));
    if (!kept)
        return mem_strdup("");
    double first =
        json_number_value(json_object_get(json_object_get(correction, "first"), "score"));
    const json_t *second = json_object_get(json_object_get(correction, "correction"), "score");
    return mem_printf("drawn twice, score %.2f and %.2f; the %s one is kept", first,
                      json_number_value(second), strcmp(kept, "first") == 0 ? "first" : "second");
}

/* Print a render for people. */
static void print_render(const json_t *result) {
    static const char *const geometry[] = {"perspective", "focalLength", "cameraAngle"};
    static const char *const style[] = {"architecturalStyle", "lightingStyle", "materialStyle"};
    const json_t *data = json_object_get(result, "data");
    const json_t *memory = json_object_get(data, "pipelineMemory");
    const char *url = json_string_value(json_object_get(data, "imageUrl"));
    if (!url)
        url = json_string_value(json_object_get(data, "videoUrl"));
    char *id = member_text(data, "renderId"), *error = member_text(result, "error");
    printf("render %s\n", id);
    free(id);
    print_field("status", member_text(data, "status"));
    print_field("error", error);
    print_field("chain", chain_text(data));
    print_field("prompt", member_text(data, "prompt"));
    print_field("model", member_text(data, "selectedModel"));
    print_field("time", with_unit(data, "processingTime", "s"));
    print_field("credits", member_text(data, "creditsCost"));
    print_field("picture", text_clean(picture_path(url)));
    print_field("palette",
                palette_text(json_object_get(memory, "palette"), terminal_has_colour(), true));
    print_field("materials", joined(json_object_get(memory, "materials")));
    print_field("geometry", joined_members(json_object_get(memory, "geometry"), geometry,
                                           OPTION_COUNT(geometry)));
    print_field("style",
                joined_members(json_object_get(memory, "styleCodes"), style, OPTION_COUNT(style)));
    print_field("consistent", consistency_text(json_object_get(data, "consistency")));
    print_field("correction", correction_text(json_object_get(data, "correction")));
    print_field("repeats", member_text(data, "repeats"));
    print_stages(json_object_get(data, "stageEvents"));
}

static const char get[] = "renderchain.get_render($1::uuid)";

/* Ask for a render and print it for people. */
static ExitCode show(App *app, const char *const *parameters) {
    ExitCode code = EXIT_OK;
    char *sql = mem_printf("select %s", get);
    json_t *result = query_json(app, sql, 1, parameters, &code);
    if (result)
        print_render(result);
    json_decref(result);
    free(sql);
    return code;
}

/* renderchain show */
int cmd_show(int argc, char **argv) {
    bool recipe = false;
    const Option options[] = {{"recipe", NULL, OPTION_FLAG, &recipe,
                               "print its recipe as JSON, which render --from-recipe repeats"}};
    const CommandLine line = {
        "show RENDER",
        "Show a render: its state, stages, memory and picture.",
        options,
        OPTION_COUNT(options),
        1,
        1,
        "With --json it is the result in the shape of get_render(). The exit code\n"
        "is 0 for every render that exists, whatever became of it."};
    Settings settings;
    char **positional;
    settings_from_environment(&settings);
    int code = options_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!is_uuid(positional[0]))
        return value_error(&settings, "\"%s\" is not a render's id", positional[0]);
    App app;
    ExitCode exit_code = EXIT_OK;
    if (app_open(&app, &settings, &exit_code)) {
        const char *parameters[] = {positional[0]};
        if (recipe)
            exit_code =
                query_and_print(&app, "renderchain.get_recipe($1::uuid)", 1, parameters, "");
        else if (settings.json)
            exit_code = query_and_print(&app, get, 1, parameters, "");
        else
            exit_code = show(&app, parameters);
    }
    app_close(&app);
    return exit_code;
}
