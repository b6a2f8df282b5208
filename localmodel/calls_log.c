#include "calls_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* A server that runs for weeks keeps the latest calls only. */
enum { CALLS_KEPT = 65536 };

typedef struct Call {
    unsigned long number;
    Task stage;
    char *model, *prompt;
    double started, ended;
    int status; /* -1 while it runs */
} Call;

struct CallsLog {
    pthread_mutex_t lock;   /* protects the following */
    Call calls[CALLS_KEPT]; /* call n is at n % CALLS_KEPT */
    unsigned long count, by_stage[TASK_COUNT];
};

CallsLog *calls_log_new(void) {
    CallsLog *log = mem_new(1, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void calls_log_free(CallsLog *log) {
    if (!log)
        return;
    for (size_t i = 0; i < CALLS_KEPT; i++) {
        free(log->calls[i].model);
        free(log->calls[i].prompt);
    }
    pthread_mutex_destroy(&log->lock);
    free(log);
}

unsigned long calls_log_begin(CallsLog *log, Task stage, const char *model, const char *prompt,
                              double started_ms, unsigned long *nth) {
    pthread_mutex_lock(&log->lock);
    unsigned long number = ++log->count;
    Call *call = &log->calls[number % CALLS_KEPT];
    *nth = ++log->by_stage[stage];
    free(call->model);
    free(call->prompt);
    *call = (Call){.number = number, .stage = stage, .started = started_ms, .status = -1};
    call->model = mem_copy(model, strlen(model));
    call->prompt = mem_copy(prompt, strlen(prompt));
    pthread_mutex_unlock(&log->lock);
    return number;
}

void calls_log_end(CallsLog *log, unsigned long number, int status, double ended_ms) {
    pthread_mutex_lock(&log->lock);
    Call *call = &log->calls[number % CALLS_KEPT];
    if (call->number == number) {
        call->status = status;
        call->ended = ended_ms;
    }
    pthread_mutex_unlock(&log->lock);
}

char *calls_log_json(CallsLog *log) {
    json_t *list = json_array();
    pthread_mutex_lock(&log->lock);
    unsigned long first = log->count > CALLS_KEPT ? log->count - CALLS_KEPT + 1 : 1;
    for (unsigned long n = first; n <= log->count; n++) {
        const Call *call = &log->calls[n % CALLS_KEPT];
        json_t *item = json_pack("{s:I, s:s, s:s, s:f, s:s}", "n", (json_int_t)call->number,
                                 "stage", task_names[call->stage], "model", call->model,
                                 "startedMs", call->started, "prompt", call->prompt);
        bool over = call->status >= 0;
        json_object_set_new(item, "status", over ? json_integer(call->status) : json_null());
        json_object_set_new(item, "endedMs", over ? json_real(call->ended) : json_null());
        json_array_append_new(list, item);
    }
    pthread_mutex_unlock(&log->lock);
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    json_decref(list);
    return text ? text : mem_copy("[]", 2);
}
