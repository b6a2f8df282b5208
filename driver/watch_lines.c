/* Renders that are watched, as lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "table.h"
#include "watch_show.h"

/* Print a JSON object as a line, at once. */
static void print_line(json_t *line) {
    print_json_line(line);
    fflush(stdout);
}

/* A line about the render where it has changed, one for each stage that has. */
static void print_json(const Watched *watched, const json_t *news) {
    const json_t *id = json_object_get(news, "renderId");
    json_t *line = json_pack("{s:s}", "event", "render"), *event;
    size_t i;
    json_object_update(line, (json_t *)news);
    json_object_del(line, "events");
    json_object_del(line, "version");
    if (watched->renewed && !watched->ended)
        print_line(json_incref(line));
    json_array_foreach(json_object_get(news, "events"), i, event) {
        json_t *stage = json_pack("{s:s, s:O}", "event", "stage", "renderId", id);
        json_object_update(stage, event);
        print_line(stage);
    }
    if (watched->renewed && watched->ended) {
        json_object_set_new(line, "event", json_string("end"));
        print_line(json_incref(line));
    }
    json_decref(line);
}

/* The stages that have ended, and the render when it has. */
static void print_text(const Watched *watched, const json_t *news) {
    char *name = watched_name(watched);
    const json_t *events = json_object_get(news, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *stage = json_string_value(json_object_get(event, "stage"));
        const char *part = json_string_value(json_object_get(event, "part"));
        const json_int_t attempt = json_integer_value(json_object_get(event, "attempt"));
        for (size_t j = 0; j < watched->count; j++) {
            const WatchedStage *known = &watched->stages[j];
            if (known->state == STATE_RUNNING || known->attempt != attempt ||
                strcmp(known->stage, stage) != 0 || strcmp(known->part, part ? part : "") != 0)
                continue;
            char *text = watch_stage_text(NULL, known, false);
            printf("%s  %s\n", name, text);
            free(text);
        }
    }
    free(name);
    if (!watched->renewed)
        return;
    char *text = watch_render_text(NULL, watched, 0, false);
    puts(text);
    free(text);
}

/* Print what is new. */
void watch_lines_news(const Watched *watched, const json_t *news, bool json) {
    if (json)
        print_json(watched, news);
    else
        print_text(watched, news);
    fflush(stdout);
}

/* Print that the connection is lost or there. */
void watch_lines_database(bool up, const char *words, bool json) {
    if (json)
        print_line(json_pack("{s:s, s:s}", "event", up ? "database_back" : "database_lost",
                             "message", up ? "connected to the database again" : words));
    else
        text_print_lines(stdout, "", up ? "connected to the database again" : words);
    fflush(stdout);
}
