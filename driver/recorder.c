#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "render.h"

enum {
    MOST_AT_ONCE = 32, /* longer statements would keep what comes next waiting */
    LOOK_AGAIN_MS = 10,
    LONGEST_PATIENCE_MS = 1000
};

static const char record_sql[] = "select * from renderchain.record_stages($1::jsonb)";

/* What waits to be recorded of one render. */
typedef struct RecorderItem Item;
struct RecorderItem {
    Recorder *recorder;
    Render *render;
    json_t *objects;
    DbDone *done;
    void *context;
    json_t *document; /* as it is sent; NULL while it waits */
    double since;
    Item *next, *previous;
};

typedef struct Queue {
    Item *first, *last;
} Queue;

/* A statement that is out. */
typedef struct Batch {
    Recorder *recorder;
    Queue items;
    bool alone; /* one of those that were refused together */
} Batch;

struct Recorder {
    Db *db;
    Loop *loop;
    Queue urgent, patient;
    unsigned out;     /* statements */
    bool was_urgent;  /* the latest one */
    LoopTimer *timer; /* to look again whether telemetry may go */
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

static Item *dequeue(Queue *queue) {
    Item *item = queue->first;
    take_out(queue, item);
    return item;
}

/* Free an item; who asked for it is told, where there is something to tell and the render goes on.
 */
static void end_item(Item *item, const DbReply *reply) {
    Render *render = item->render;
    if (reply)
        item->done(item->context, reply);
    json_decref(item->objects);
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
    Queue *const queues[] = {&recorder->urgent, &recorder->patient};
    for (size_t i = 0; i < 2; i++)
        for (Item *item = queues[i]->first, *next; item; item = next) {
            next = item->next;
            json_decref(item->objects);
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

/* All of them were refused for what one of them has: record each for itself. */
static void separate(Batch *batch) {
    while (batch->items.first) {
        Batch *one = mem_alloc(sizeof *one);
        one->recorder = batch->recorder;
        one->alone = true;
        enqueue(&one->items, dequeue(&batch->items));
        send_batch(one);
    }
}

/* A statement was answered. */
static void answered(void *context, const DbReply *reply) {
    Batch *batch = context;
    Recorder *recorder = batch->recorder;
    recorder->out--;
    if (!reply->ok && !batch->alone) {
        separate(batch);
    } else {
        while (batch->items.first) {
            Item *item = dequeue(&batch->items);
            DbReply refusal;
            bool refused = reply->ok && find_refusal(reply->result, item->render, &refusal);
            end_item(item, refused ? &refusal : reply);
        }
    }
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
    db_call(batch->recorder->db, record_sql, 1, parameters, answered, batch);
    free(text);
    json_decref(list);
}

static const DbReply well = {.ok = true, .sqlstate = "00000", .message = "", .detail = ""};

/* Say what is to be recorded of a render, unless that is over or has gone by another way. */
static bool describe(Item *item) {
    Render *render = item->render;
    bool running = render->end == RENDER_RUNNING && !render->ending;
    if (!running || (json_array_size(render->events) == 0 && !item->objects)) {
        end_item(item, running ? &well : NULL);
        return false;
    }
    item->document =
        json_pack("{s:s, s:i, s:o, s:O*}", "render", render->id, "attempt", render->attempt,
                  "events", events_take(render), "objects", item->objects);
    return true;
}

/* Send what waits in a queue, as far as one statement may hold it. */
static void send_queue(Recorder *recorder, Queue *queue) {
    Batch *batch = mem_alloc(sizeof *batch);
    batch->recorder = recorder;
    for (int count = 0; queue->first && count < MOST_AT_ONCE;) {
        Item *item = dequeue(queue);
        if (!describe(item))
            continue;
        enqueue(&batch->items, item);
        count++;
    }
    recorder->was_urgent = queue == &recorder->urgent;
    if (batch->items.first)
        send_batch(batch);
    else
        free(batch);
}

/* Has telemetry waited for long enough? */
static bool is_overdue(const Recorder *recorder) {
    return loop_now() - recorder->patient.first->since >= LONGEST_PATIENCE_MS;
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

/* Send what waits, if it may. */
static void record(Recorder *recorder) {
    while (!recorder->out && (recorder->urgent.first || recorder->patient.first)) {
        bool overdue = recorder->patient.first && is_overdue(recorder);
        if (recorder->urgent.first && !(overdue && recorder->was_urgent)) {
            send_queue(recorder, &recorder->urgent);
        } else if (overdue || is_quiet(recorder)) {
            send_queue(recorder, &recorder->patient);
        } else {
            if (!recorder->timer)
                recorder->timer = loop_after(recorder->loop, LOOK_AGAIN_MS, look_again, recorder);
            return;
        }
    }
}

/* Have a render recorded. */
void recorder_add(Recorder *recorder, Render *render, bool urgent, json_t *objects, DbDone *done,
                  void *context) {
    Item *item = mem_alloc(sizeof *item);
    *item = (Item){.recorder = recorder,
                   .render = render,
                   .objects = objects,
                   .done = done,
                   .context = context,
                   .since = render->events_since};
    render_hold(render);
    enqueue(urgent ? &recorder->urgent : &recorder->patient, item);
    if (!urgent)
        render->telemetry = item;
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
