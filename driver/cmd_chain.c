/* renderchain chain: the chains there are, and what became of each render of one. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain_renders.h"
#include "colour.h"
#include "commands.h"
#include "options.h"
#include "query.h"
#include "table.h"

enum { LIST_DEFAULT = 50, LIST_MOST = 10000, PROMPT_LEAST = 24 };

/* The stages in the order in which they run, and the heading each has here. */
static const struct {
    const char *heading, *stage, *instead; /* instead: the stage that may take its place */
} stage_columns[] = {
    {"parsing", "semantic_parsing", NULL},
    {"understanding", "image_understanding", NULL},
    {"optimization", "prompt_optimization", "prompt_optimization_simple"},
    {"routing", "model_routing", NULL},
    {"generation", "image_generation", "video_generation"},
    {"validation", "validation", NULL},
    {"extraction", "memory_extraction", NULL},
    {"storage", "storage", NULL},
};

enum { STAGES = OPTION_COUNT(stage_columns) };

static const char show_notes[] =
    "CHAIN is an id or a name. \"consistency\" is how near a render's memory is to the memory it\n"
    "began with (its parent's on a branch), 100 % being the same: palette 40 %, materials 30 %,\n"
    "geometry 15 %, style 15 %. Stages are headed by the last word of their names.";

/* Is an entry of a render's stages one that ran, in this column? */
static bool in_column(const json_t *entry, size_t column) {
    const char *name = json_text_of(entry, "stage"), *status = json_text_of(entry, "status");
    const char *instead = stage_columns[column].instead;
    if (!name || !status || strcmp(status, "skipped") == 0)
        return false;
    return strcmp(name, stage_columns[column].stage) == 0 ||
           (instead && strcmp(name, instead) == 0);
}

/* Seconds that a stage took, "" where it did not run; its parts run at the same time, so
 * the longest counts. */
static char *stage_seconds(const json_t *render, size_t column) {
    double longest = -1;
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(render, "stages"), i, entry) {
        const json_t *ms = json_object_get(entry, "durationMs");
        if (json_is_number(ms) && in_column(entry, column) && json_number_value(ms) > longest)
            longest = json_number_value(ms);
    }
    return longest < 0 ? mem_strdup("") : mem_printf("%.2f", longest / 1e3);
}

/* The position, and where the render branched off. */
static char *position_text(const json_t *renders, const json_t *render) {
    char *position = member_text(render, "chainPosition");
    const char *parent = json_text_of(render, "parentRenderId");
    if (!parent)
        return position;
    const json_t *from = chain_find_render(renders, parent);
    char *place = from ? member_text(from, "chainPosition") : text_cut(parent, 8);
    mem_set(&position, "%s from %s", position, place);
    free(place);
    return position;
}

/* Seconds that the whole render took, "" where it has not ended well. */
static char *total_seconds(const json_t *render) {
    const json_t *ms = json_object_get(render, "processingMs");
    return json_is_number(ms) ? mem_printf("%.2f", json_number_value(ms) / 1e3)
                              : member_text(render, "processingTime");
}

/* What each render looks like, and how near that is to what it began with. */
static void print_looks(const json_t *renders) {
    static const char *const headings[] = {"#",           "status",  "palette",
                                           "consistency", "seconds", "prompt"};
    /* The other columns take about 55 on a terminal that shows colours. */
    size_t rest = terminal_width() > 55 ? terminal_width() - 55 : 0;
    bool colour = terminal_has_colour();
    Table *table = table_new(headings, OPTION_COUNT(headings));
    table_align_right(table, 3);
    table_align_right(table, 4);
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        const json_t *palette = json_object_get(json_object_get(render, "memory"), "palette");
        Consistency consistency;
        bool known = chain_compare(renders, i, &consistency);
        char *cells[] = {
            position_text(renders, render),
            member_text(render, "status"),
            palette_text(palette, colour, !colour),
            known ? mem_printf("%.0f %%", consistency.score * 100) : mem_strdup(""),
            total_seconds(render),
            text_cut(json_text_of(render, "prompt"), rest < PROMPT_LEAST ? PROMPT_LEAST : rest)};
        table_take(table, cells);
    }
    table_print(table, stdout);
    table_free(table);
}

/* How long each stage took. */
static void print_seconds(const json_t *renders) {
    const char *headings[1 + STAGES] = {"#"};
    for (size_t i = 0; i < STAGES; i++)
        headings[1 + i] = stage_columns[i].heading;
    Table *table = table_new(headings, 1 + STAGES);
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        char *cells[1 + STAGES] = {member_text(render, "chainPosition")};
        for (size_t j = 0; j < STAGES; j++)
            cells[1 + j] = stage_seconds(render, j);
        table_take(table, cells);
    }
    for (size_t j = 0; j < STAGES; j++)
        table_align_right(table, 1 + j);
    table_print(table, stdout);
    table_free(table);
}

/* Where the pictures are, or why there is none; too long for columns. */
static void print_pictures(const json_t *renders) {
    static const char *const headings[] = {"#", "picture"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        const char *url = json_text_of(render, "outputUrl"), *error = json_text_of(render, "error");
        char *cells[] = {member_text(render, "chainPosition"),
                         text_clean(url ? picture_path(url) : error)};
        table_take(table, cells);
    }
    table_print(table, stdout);
    table_free(table);
}

/* Print the names of the colours that the chain has now, each beside its block. */
static void print_memory(const json_t *memory) {
    char *palette = palette_text(json_object_get(memory, "palette"), terminal_has_colour(), true);
    if (json_is_object(memory))
        printf("\nremembers now: %s\n", *palette ? palette : "no colours");
    else
        printf("\nremembers nothing yet\n");
    free(palette);
}

/* Print a chain for people. */
static void print_chain(const json_t *chain) {
    const json_t *renders = json_object_get(chain, "renders");
    char *name = member_text(chain, "name"), *id = member_text(chain, "chainId");
    printf("chain %s (%s)\n", name, id);
    if (json_array_size(renders)) {
        putchar('\n');
        print_looks(renders);
        printf("\nseconds per stage\n");
        print_seconds(renders);
        putchar('\n');
        print_pictures(renders);
    }
    print_memory(json_object_get(chain, "memory"));
    free(name);
    free(id);
}

/* Print a chain as lines: every render with its consistency, then the chain itself. */
static void print_chain_lines(json_t *chain) {
    json_t *renders = json_object_get(chain, "renders");
    for (size_t i = 0; i < json_array_size(renders); i++) {
        Consistency consistency;
        json_t *line = json_pack("{s:s}", "object", "render");
        json_object_update(line, json_array_get(renders, i));
        json_object_set_new(line, "consistency",
                            chain_compare(renders, i, &consistency) ? consistency_json(&consistency)
                                                                    : json_null());
        print_json_line(line);
    }
    json_t *line = json_pack("{s:s}", "object", "chain");
    json_object_update(line, chain);
    json_object_set_new(line, "renders", json_integer((json_int_t)json_array_size(renders)));
    print_json_line(line);
}

/* renderchain chain show */
int cmd_chain_show(int argc, char **argv) {
    const CommandLine line = {"chain show CHAIN",
                              "Show the renders of a chain: palette, consistency, seconds per "
                              "stage, prompt, picture.",
                              NULL,
                              0,
                              1,
                              1,
                              show_notes};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    ExitCode exit_code = EXIT_OK;
    const char *parameters[] = {positional[0]};
    json_t *chain =
        query_json_once(&settings, "select renderchain.get_chain(renderchain.find_chain($1::text))",
                        1, parameters, &exit_code);
    if (chain && settings.json)
        print_chain_lines(chain);
    else if (chain)
        print_chain(chain);
    json_decref(chain);
    return exit_code;
}

/* Print the chains. */
static void print_list(const Settings *settings, const json_t *chains) {
    static const char *const headings[] = {"chain", "name", "renders", "completed", "last change"};
    Table *table = table_new(headings, OPTION_COUNT(headings));
    table_align_right(table, 2);
    table_align_right(table, 3);
    size_t i;
    json_t *chain;
    json_array_foreach(chains, i, chain) {
        if (settings->json) {
            print_json_line(json_incref(chain));
            continue;
        }
        char *cells[] = {member_text(chain, "chainId"), member_text(chain, "name"),
                         member_text(chain, "renders"), member_text(chain, "completed"),
                         member_time(chain, "updatedAt")};
        table_take(table, cells);
    }
    if (!settings->json && i == 0)
        puts("no chains yet; render --chain NAME makes one");
    else if (!settings->json)
        table_print(table, stdout);
    table_free(table);
}

/* renderchain chain list */
int cmd_chain_list(int argc, char **argv) {
    const char *limit = NULL;
    const Option table[] = {
        {"limit", "N", OPTION_TEXT, &limit, "how many at most, 1 to 10000 (default 50)"}};
    const CommandLine line = {"chain list",
                              "List chains, the one that changed last first.",
                              table,
                              OPTION_COUNT(table),
                              0,
                              0,
                              NULL};
    Settings settings;
    char **positional, *end;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    long rows = limit ? strtol(limit, &end, 10) : LIST_DEFAULT;
    if (limit && (*end || end == limit || rows < 1 || rows > LIST_MOST))
        return value_error(&settings, "--limit \"%s\" is not a number from 1 to %d", limit,
                           LIST_MOST);
    ExitCode exit_code = EXIT_OK;
    char *number = mem_printf("%ld", rows);
    const char *parameters[] = {number};
    json_t *chains = query_json_once(&settings, "select renderchain.list_chains($1::integer)", 1,
                                     parameters, &exit_code);
    if (chains)
        print_list(&settings, chains);
    json_decref(chains);
    free(number);
    return exit_code;
}
