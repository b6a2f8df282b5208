#include "watched.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

/* The stages as a person watches them: those of a wave run at the same time. main: whose length
 * counts for what is to be expected of a render that has not got there; only types with it. */
static const struct {
    const char *stage;
    size_t wave;
    const char *main;
} kinds[] = {
    {"semantic_parsing", 0, NULL},    {"image_understanding", 0, NULL},
    {"prompt_optimization", 1, ""},   {"prompt_optimization_simple", 1, NULL},
    {"model_routing", 1, NULL},       {"image_generation", 2, "image"},
    {"video_generation", 2, "video"}, {"validation", 3, NULL},
    {"memory_extraction", 3, ""},     {"storage", 3, NULL},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char *const state_names[] = {
    [STATE_RUNNING] = "running",
    [STATE_SUCCESS] = "success",
    [STATE_FAILED] = "failed",
    [STATE_SKIPPED] = "skipped",
};

/* A member as a borrowed text, "" where it is none. */
static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* A member as a number, or -1. */
static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

static void free_stage(WatchedStage *stage) {
    free(stage->stage);
    free(stage->part);
    free(stage->model);
    free(stage->error);
}

/* Free a render. */
static void free_watched(Watched *watched) {
    for (size_t i = 0; i < watched->count; i++)
        free_stage(&watched->stages[i]);
    free(watched->stages);
    json_decref(watched->head);
    free(watched);
}

/* Free all. */
void watched_free(WatchedList *list) {
    while (list->first) {
        Watched *watched = list->first;
        list->first = watched->next;
        free_watched(watched);
    }
    json_decref(list->expected);
    list->expected = NULL;
}

/* Forget a render. */
void watched_drop(WatchedList *list, Watched *watched) {
    for (Watched **slot = &list->first; *slot; slot = &(*slot)->next) {
        if (*slot != watched)
            continue;
        *slot = watched->next;
        free_watched(watched);
        return;
    }
}

/* Find a stage of a render, or make it. */
static WatchedStage *find_stage(Watched *watched, const char *stage, const char *part,
                                int attempt) {
    for (size_t i = 0; i < watched->count; i++) {
        WatchedStage *old = &watched->stages[i];
        if (old->attempt == attempt && strcmp(old->stage, stage) == 0 &&
            strcmp(old->part, part) == 0)
            return old;
    }
    watched->stages = mem_grow(watched->stages, (watched->count + 1) * sizeof *watched->stages);
    WatchedStage *new = &watched->stages[watched->count++];
    *new = (WatchedStage){.stage = mem_strdup(stage),
                          .part = mem_strdup(part),
                          .attempt = attempt,
                          .begun = -1,
                          .wave = WAVES - 1,
                          .order = KINDS};
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].stage, stage) == 0) {
            new->wave = kinds[i].wave;
            new->order = i;
        }
    return new;
}

/* Take an event. */
static void take_event(Watched *watched, const json_t *event) {
    WatchedStage *stage = find_stage(watched, text_of(event, "stage"), text_of(event, "part"),
                                     (int)json_integer_value(json_object_get(event, "attempt")));
    double running = number_of(event, "runningMs");
    for (size_t i = STATE_RUNNING; i <= STATE_SKIPPED; i++)
        if (strcmp(text_of(event, "status"), state_names[i]) == 0)
            stage->state = (StageState)i;
    stage->cached = strcmp(text_of(event, "outcome"), "cached") == 0;
    stage->ms = number_of(event, "durationMs");
    stage->cost = number_of(event, "cost");
    /* The start is by the clock of the machine that runs it, which may be another one. */
    if (stage->state == STATE_RUNNING)
        stage->begun = loop_now() - (running > 0 ? running : 0);
    mem_set(&stage->model, "%s", text_of(event, "model"));
    mem_set(&stage->error, "%s", text_of(event, "error"));
}

/* Stages in the order of the pipeline, parts in that of their names. */
static int compare_stages(const void *left, const void *right) {
    const WatchedStage *a = left, *b = right;
    if (a->attempt != b->attempt)
        return a->attempt < b->attempt ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return strcmp(a->part, b->part);
}

/* Find a render, or make it. */
static Watched *find_watched(WatchedList *list, const char *id) {
    Watched **slot = &list->first;
    for (; *slot; slot = &(*slot)->next)
        if (strcmp((*slot)->id, id) == 0)
            return *slot;
    *slot = mem_alloc(sizeof **slot);
    strncpy((*slot)->id, id, sizeof(*slot)->id - 1);
    return *slot;
}

/* Take what is new about a render. */
Watched *watched_news(WatchedList *list, const json_t *news) {
    Watched *watched = find_watched(list, text_of(news, "renderId"));
    const json_t *waiting = json_object_get(news, "waitingMs"),
                 *running = json_object_get(news, "runningMs");
    const char *status = text_of(news, "status");
    size_t i;
    json_t *event;
    watched->renewed = strcmp(text_of(watched->head, "version"), text_of(news, "version")) != 0;
    json_decref(watched->head);
    watched->head = json_copy((json_t *)news);
    json_object_del(watched->head, "events");
    watched->running = strcmp(status, "processing") == 0;
    watched->ended = !watched->running && strcmp(status, "pending") != 0;
    watched->shown = watched->shown && watched->ended;
    watched->attempt = (int)json_integer_value(json_object_get(news, "attempt"));
    if (json_is_number(running) || json_is_number(waiting))
        watched->begun =
            loop_now() - json_number_value(json_is_number(running) ? running : waiting);
    json_array_foreach(json_object_get(news, "events"), i, event) take_event(watched, event);
    if (watched->count)
        qsort(watched->stages, watched->count, sizeof *watched->stages, compare_stages);
    return watched;
}

/* Take what is to be expected. */
void watched_expect(WatchedList *list, const PGresult *result) {
    json_decref(list->expected);
    list->expected = json_object();
    for (int row = 0; row < PQntuples(result); row++) {
        const char *stage = db_text(result, row, "stage"), *model = db_text(result, row, "model");
        char *key = mem_printf("%s%s%s", stage, model ? " " : "", model ? model : "");
        json_object_set_new(list->expected, key,
                            json_real(atof(db_text(result, row, "median_ms"))));
        free(key);
    }
}

/* What is to be expected of a stage. */
double watched_expected(const WatchedList *list, const char *stage, const char *model) {
    char *key = mem_printf("%s %s", stage, model ? model : "");
    const json_t *ms = json_object_get(list->expected, key);
    free(key);
    if (!ms)
        ms = json_object_get(list->expected, stage);
    return ms ? json_real_value(ms) : -1;
}

/* Milliseconds since. */
double watched_elapsed(double begun) {
    double elapsed = loop_now() - begun;
    return begun < 0 || elapsed < 0 ? 0 : elapsed;
}

/* Until a stage that runs will have ended: nothing for one that takes longer than usual. */
static double stage_left(const WatchedList *list, const WatchedStage *stage) {
    double left =
        watched_expected(list, stage->stage, stage->model) - watched_elapsed(stage->begun);
    return stage->state == STATE_RUNNING && left > 0 ? left : 0;
}

/* Until a running render will have ended: what is left of the waves that run, and the usual
 * time of the longest stages of those to come. */
double watched_left(const WatchedList *list, const Watched *watched) {
    double left[WAVES] = {0}, sum = 0;
    bool begun[WAVES] = {false};
    const char *type = watched_text(watched, "type");
    for (size_t i = 0; i < watched->count; i++) {
        const WatchedStage *stage = &watched->stages[i];
        if (stage->attempt != watched->attempt)
            continue;
        double ms = stage_left(list, stage);
        begun[stage->wave] = true;
        left[stage->wave] = ms > left[stage->wave] ? ms : left[stage->wave];
    }
    for (size_t i = 0; i < KINDS; i++) {
        const char *of = kinds[i].main;
        double ms = watched_expected(list, kinds[i].stage, NULL);
        if (begun[kinds[i].wave] || !of || (*of && strcmp(of, type) != 0))
            continue;
        if (ms < 0 && *of)
            return -1;
        left[kinds[i].wave] = ms > left[kinds[i].wave] ? ms : left[kinds[i].wave];
    }
    for (size_t i = 0; i < WAVES; i++)
        sum += left[i];
    return json_object_size(list->expected) ? sum : -1;
}

/* Has a stage asked a model and got something for it? */
static bool asks_model(const WatchedStage *stage) {
    return stage->state == STATE_SUCCESS && *stage->model && !stage->cached &&
           strcmp(stage->stage, "model_routing") != 0;
}

/* What it has cost. */
double watched_cost(const Watched *watched, bool *whole) {
    double sum = 0;
    *whole = true;
    for (size_t i = 0; i < watched->count; i++) {
        const WatchedStage *stage = &watched->stages[i];
        if (stage->cost >= 0)
            sum += stage->cost;
        else if (asks_model(stage))
            *whole = false;
    }
    return sum;
}

/* What people call it. */
char *watched_name(const Watched *watched) {
    char *chain = text_clean(watched_text(watched, "chainName"));
    const json_t *position = json_object_get(watched->head, "chainPosition");
    if (*chain && json_is_integer(position))
        mem_set(&chain, "%s %lld", chain, (long long)json_integer_value(position));
    else
        mem_set(&chain, "render %.8s", watched->id);
    return chain;
}

/* A text about it. */
const char *watched_text(const Watched *watched, const char *key) {
    return text_of(watched->head, key);
}
