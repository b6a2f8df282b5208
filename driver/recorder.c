#include "recorder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "render.h"

enum {
    MOST_AT_ONCE = 32, /* longer statements would keep what comes next waiting */
    LOOK_AGAIN_MS = 10,
    LONGEST_PATIENCE_MS = 1000,
    LOCKED_DOUBLINGS = 6 /* of the time after which one is tried again that was locked */
};

/* What record_stages says of a render that another session has locked. */
static const char locked_state[] = "55P03";

static const char record_sql[] = "select * from renderchain.record_stages($1::jsonb)";

/* What waits to be recorded of one render. */
typedef struct RecorderItem Item;
struct RecorderItem {
    Recorder *recorder;
    Render *render;
    json_t *objects;
    json_t *result; /* that completes it, or NULL */
    DbDone *done;
    void *context;
    json_t *document; /* as it is sent; NULL while it waits */
    double since;
    bool alone; /* its errors pass and come again: others do not go with it */
    unsigned tries;
    bool taken; /* another statement says the same: it is not tried again */
    bool held_back;
    double due; /* while it is held back */
    Item *next, *previous;
};

typedef struct Queue {
    Item *first, *last;
} Queue;

/* A statement that is out. */
typedef struct Batch {
    Recorder *recorder;
    Queue items;
} Batch;

struct Recorder {
    Db *db;
    Loop *loop;
    Queue urgent, patient, held_back;
    unsigned out;        /* statements */
    const Queue *latest; /* where the latest one was from */
    LoopTimer *timer;    /* to look again whether something may go */
    double timer_due;
};

static void record(Recorder *recorder);
static void send_batch(Batch *batch);

/* ---- queues ---- */

static void enqueue(Queue *queue, Item *item) {
    item->next = NULL;
    item->previous = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = item;
    queue->last = item;
}

static void take_out(Queue *queue, Item *item) {
    *(item->previous ? &item->previous->next : &queue->first) = item->next;
    *(item->next ? &item->next->previous : &queue->last) = item->previous;
    if (item->render->telemetry == item)
        item->render->telemetry = NULL;
}

/* Take the first one. */
static Item *dequeue(Queue *queue) {
    Item *item = queue->first;
    take_out(queue, item);
    return item;
}

/* The first that may go: of one render one after the other. */
static Item *first_free(const Queue *queue) {
    Item *item = queue->first;
    while (item && item->render->recording)
        item = item->next;
    return item;
}

/* Free an item; who asked for it is told, where there is something to tell and the render goes on.
 */
static void end_item(Item *item, const DbReply *reply) {
    Render *render = item->render;
    if (render->recording == item)
        render->recording = NULL;
    if (reply)
        item->done(item->context, reply);
    json_decref(item->objects);
    json_decref(item->result);
    json_decref(item->document);
    free(item);
    render_let_go(render);
}

/* Begin with nothing. */
Recorder *recorder_new(Db *db, Loop *loop) {
    Recorder *recorder = mem_alloc(sizeof *recorder);
    recorder->db = db;
    recorder->loop = loop;
    return recorder;
}

/* Free it, and what waits; the renders may be gone. */
void recorder_free(Recorder *recorder) {
    if (!recorder)
        return;
    Queue *const queues[] = {&recorder->urgent, &recorder->patient, &recorder->held_back};
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        for (Item *item = queues[i]->first, *next; item; item = next) {
            next = item->next;
            json_decref(item->objects);
            json_decref(item->result);
            json_decref(item->document);
            free(item);
        }
    if (recorder->timer)
        loop_cancel(recorder->loop, recorder->timer);
    free(recorder);
}

/* ---- answers ---- */

/* What was refused of a render; false where nothing was. */
static bool find_refusal(const PGresult *result, const Render *render, DbReply *refusal) {
    for (int row = 0; row < PQntuples(result); row++) {
        if (strcmp(PQgetvalue(result, row, 0), render->id) != 0)
            continue;
        *refusal = (DbReply){.sqlstate = PQgetvalue(result, row, 1),
                             .message = PQgetvalue(result, row, 2),
                             .detail = PQgetvalue(result, row, 3),
                             .hint = PQgetvalue(result, row, 4)};
        return true;
    }
    return false;
}

/* Begin a statement. */
static Batch *new_batch(Recorder *recorder) {
    Batch *batch = mem_alloc(sizeof *batch);
    batch->recorder = recorder;
    return batch;
}

/* All of them were refused for what one of them has: record each for itself. */
static void separate(Batch *batch) {
    while (batch->items.first) {
        Batch *one = new_batch(batch->recorder);
        enqueue(&one->items, dequeue(&batch->items));
        send_batch(one);
    }
}

/* Have an item tried again, later each time: soon where it was only locked. */
static void hold_back(Item *item, bool locked) {
    unsigned doublings = item->tries < LOCKED_DOUBLINGS ? item->tries : LOCKED_DOUBLINGS;
    double wait = locked ? LOOK_AGAIN_MS * (double)(1u << doublings) : db_backoff(item->tries);
    item->alone = !locked;
    item->tries++;
    item->held_back = true;
    item->due = loop_now() + wait;
    enqueue(&item->recorder->held_back, item);
}

/* Have what an item says of its render said again, before what has happened since. */
static void give_back(Item *item) {
    Render *render = item->render;
    json_t *events = json_incref(json_object_get(item->document, "events"));
    json_array_extend(events, render->events);
    json_decref(render->events);
    render->events = events;
}

/* An item was answered. What was refused of a render whose end waits behind it goes with that, or
 * the render would end well without it. */
static void take_answer(Item *item, const DbReply *reply) {
    DbReply refusal = {.sqlstate = ""};
    bool refused = reply->ok && find_refusal(reply->result, item->render, &refusal);
    bool locked = refused && strcmp(refusal.sqlstate, locked_state) == 0;
    /* A connection that is lost stays lost only where nobody waits any more. */
    bool passes = !reply->ok && reply->result && db_error_passes(reply->sqlstate);
    if ((locked || passes) && item->taken) {
        end_item(item, NULL);
        return;
    }
    if (locked || passes) {
        hold_back(item, locked);
        return;
    }
    if (!reply->ok && !item->result && !item->taken && item->render->ending)
        give_back(item);
    end_item(item, refused ? &refusal : reply);
}

/* A statement was answered. */
static void answered(void *context, const DbReply *reply) {
    Batch *batch = context;
    Recorder *recorder = batch->recorder;
    recorder->out--;
    if (!reply->ok && batch->items.first != batch->items.last)
        separate(batch);
    while (batch->items.first)
        take_answer(dequeue(&batch->items), reply);
    free(batch);
    record(recorder);
}

/* ---- recording ---- */

/* Send a statement. */
static void send_batch(Batch *batch) {
    json_t *list = json_array();
    for (const Item *item = batch->items.first; item; item = item->next)
        json_array_append(list, item->document);
    char *text = json_text(list);
    const char *parameters[] = {text};
    batch->recorder->out++;
    db_call_told(batch->recorder->db, record_sql, 1, parameters, answered, batch);
    free(text);
    json_decref(list);
}

static const DbReply well = {.ok = true, .sqlstate = "00000", .message = "", .detail = ""};

/* Say what is to be recorded of a render, unless that is over or has gone by another way. */
static bool describe(Item *item) {
    Render *render = item->render;
    bool running = render->end == RENDER_RUNNING && (item->result || !render->ending);
    if (!running || (json_array_size(render->events) == 0 && !item->objects && !item->result)) {
        end_item(item, running ? &well : NULL);
        return false;
    }
    item->document =
        json_pack("{s:s, s:i, s:o, s:O*, s:O*}", "render", render->id, "attempt", render->attempt,
                  "events", events_take(render), "objects", item->objects, "result", item->result);
    render->recording = item;
    return true;
}

/* Send a statement unless nothing is in it. */
static void send_if_any(Batch *batch) {
    if (batch->items.first)
        send_batch(batch);
    else
        free(batch);
}

/* Send what waits in a queue, as far as one statement may hold it. */
static void send_queue(Recorder *recorder, Queue *queue) {
    Batch *batch = new_batch(recorder);
    Item *item;
    for (int count = 0; count < MOST_AT_ONCE && (item = first_free(queue));) {
        take_out(queue, item);
        if (!describe(item))
            continue;
        enqueue(&batch->items, item);
        count++;
    }
    recorder->latest = queue;
    send_if_any(batch);
}

/* Try again what was held back and is due. */
static void send_held_back(Recorder *recorder) {
    double now = loop_now();
    Batch *batch = new_batch(recorder);
    int count = 0;
    for (Item *item = recorder->held_back.first, *next; item && count < MOST_AT_ONCE; item = next) {
        next = item->next;
        if (item->due > now || (item->alone && count))
            continue;
        take_out(&recorder->held_back, item);
        item->held_back = false;
        if (item->render->end != RENDER_RUNNING) {
            end_item(item, NULL);
            continue;
        }
        enqueue(&batch->items, item);
        count = item->alone ? MOST_AT_ONCE : count + 1;
    }
    recorder->latest = &recorder->held_back;
    send_if_any(batch);
}

/* When the first of what is held back is due; infinity where nothing is. */
static double next_due(const Recorder *recorder) {
    double due = INFINITY;
    for (const Item *item = recorder->held_back.first; item; item = item->next)
        due = fmin(due, item->due);
    return due;
}

/* Has telemetry waited for long enough? */
static bool is_overdue(const Item *patient) {
    return patient && loop_now() - patient->since >= LONGEST_PATIENCE_MS;
}

/* Has nobody anything better to do? */
static bool is_quiet(const Recorder *recorder) {
    return !db_busy(recorder->db) && !loop_is_behind(recorder->loop);
}

static void look_again(void *context) {
    Recorder *recorder = context;
    recorder->timer = NULL;
    record(recorder);
}

/* Look again in a time at the latest. */
static void look_later(Recorder *recorder, double milliseconds) {
    double due = loop_now() + milliseconds;
    if (recorder->timer && recorder->timer_due <= due)
        return;
    if (recorder->timer)
        loop_cancel(recorder->loop, recorder->timer);
    recorder->timer = loop_after(recorder->loop, milliseconds, look_again, recorder);
    recorder->timer_due = due;
}

/* Choose what goes next, in turn where several wait; NULL where nothing may go now. */
static Queue *choose(Recorder *recorder) {
    const Item *urgent = first_free(&recorder->urgent), *patient = first_free(&recorder->patient);
    double due = next_due(recorder) - loop_now();
    bool overdue = is_overdue(patient);
    if (due <= 0 && (recorder->latest != &recorder->held_back || !(urgent || overdue)))
        return &recorder->held_back;
    if (urgent && !(overdue && recorder->latest == &recorder->urgent))
        return &recorder->urgent;
    if (overdue || (patient && is_quiet(recorder)))
        return &recorder->patient;
    if (patient || due < INFINITY)
        look_later(recorder, patient ? fmin(due, LOOK_AGAIN_MS) : due);
    return NULL;
}

/* Send what waits, if it may. */
static void record(Recorder *recorder) {
    Queue *queue;
    while (!recorder->out && (queue = choose(recorder))) {
        if (queue == &recorder->held_back)
            send_held_back(recorder);
        else
            send_queue(recorder, queue);
    }
}

/* Have something of a render recorded. */
static Item *add(Recorder *recorder, Queue *queue, Render *render, DbDone *done, void *context) {
    Item *item = mem_alloc(sizeof *item);
    *item = (Item){.recorder = recorder,
                   .render = render,
                   .done = done,
                   .context = context,
                   .since = render->events_since};
    render_hold(render);
    enqueue(queue, item);
    return item;
}

/* Have a render recorded. */
void recorder_add(Recorder *recorder, Render *render, bool urgent, json_t *objects, DbDone *done,
                  void *context) {
    Queue *queue = urgent ? &recorder->urgent : &recorder->patient;
    Item *item = add(recorder, queue, render, done, context);
    item->objects = objects;
    if (!urgent)
        render->telemetry = item;
    record(recorder);
}

/* Have a render completed. */
void recorder_complete(Recorder *recorder, Render *render, json_t *result, DbDone *done,
                       void *context) {
    add(recorder, &recorder->urgent, render, done, context)->result = result;
    record(recorder);
}

/* Let a render go that waits for telemetry which has gone by another way. */
void recorder_forget(Render *render) {
    Item *item = render->telemetry;
    if (!item)
        return;
    take_out(&item->recorder->patient, item);
    end_item(item, render->end == RENDER_RUNNING ? &well : NULL);
}

/* Give back what is held back: before what has happened since. */
json_t *recorder_take_back(Render *render) {
    Item *item = render->recording;
    if (!item)
        return NULL;
    if (!item->held_back) {
        item->taken = true;
        return json_incref(json_object_get(item->document, "events"));
    }
    take_out(&item->recorder->held_back, item);
    give_back(item);
    end_item(item, NULL);
    return NULL;
}
