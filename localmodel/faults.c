#include "faults.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    FaultKind kind;
} kinds[] = {
    {"malformed", FAULT_MALFORMED},
    {"cut", FAULT_CUT},
    {"hang", FAULT_HANG},
    {"reset", FAULT_RESET},
    {"empty", FAULT_EMPTY},
    {"blocked", FAULT_BLOCKED},
    {"refused-image", FAULT_REFUSED_IMAGE},
    {"text", FAULT_TEXT},
    {"slow", FAULT_SLOW},
    {"huge", FAULT_HUGE},
    {"truncated-json", FAULT_TRUNCATED_JSON},
};

static const int statuses[] = {400, 401, 403, 404, 408, 429, 500, 502, 503, 504};

/* Read a positive number that is the whole text. */
static bool read_number(const char *text, size_t length, unsigned long *number) {
    if (length == 0 || length > 9 || strspn(text, "0123456789") < length)
        return false;
    *number = strtoul(text, NULL, 10);
    return *number > 0;
}

/* Read what comes before the equals sign. */
static bool read_when(const char *when, size_t length, Fault *fault, const char **why) {
    if (read_number(when, length, &fault->call))
        return true;
    const char *hash = memchr(when, '#', length);
    size_t name = hash ? (size_t)(hash - when) : length;
    if (hash && !read_number(hash + 1, length - name - 1, &fault->nth)) {
        *why = "after # comes the number of the stage's call, from 1";
        return false;
    }
    for (int task = 0; task < TASK_COUNT; task++) {
        if (strlen(task_names[task]) == name && strncmp(task_names[task], when, name) == 0) {
            fault->stage = (Task)task;
            return true;
        }
    }
    *why = "before = comes the number of a call, a stage, or STAGE#N";
    return false;
}

/* Read what comes after it. */
static bool read_what(const char *what, Fault *fault, const char **why) {
    unsigned long status;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, what) == 0) {
            fault->kind = kinds[i].kind;
            return true;
        }
    }
    for (size_t i = 0;
         read_number(what, strlen(what), &status) && i < sizeof statuses / sizeof *statuses; i++) {
        if ((int)status == statuses[i]) {
            fault->kind = FAULT_STATUS;
            fault->status = (int)status;
            return true;
        }
    }
    *why = "after = comes an HTTP status (400 401 403 404 408 429 500 502 503 504) or one of "
           "malformed, cut, hang, reset, empty, blocked, refused-image, text, slow, huge, "
           "truncated-json";
    return false;
}

bool faults_add(Faults *faults, const char *spec, const char **why) {
    const char *equals = strchr(spec, '=');
    Fault fault = {0};
    if (!equals) {
        *why = "a fault is WHEN=WHAT";
        return false;
    }
    if (faults->count == FAULTS_MOST) {
        *why = "too many faults";
        return false;
    }
    if (!read_when(spec, (size_t)(equals - spec), &fault, why) ||
        !read_what(equals + 1, &fault, why))
        return false;
    faults->list[faults->count++] = fault;
    return true;
}

Fault faults_find(const Faults *faults, unsigned long call, Task stage, unsigned long nth) {
    for (size_t i = 0; i < faults->count; i++) {
        const Fault *fault = &faults->list[i];
        bool fits = fault->call ? fault->call == call
                                : fault->stage == stage && (!fault->nth || fault->nth == nth);
        if (fits)
            return *fault;
    }
    return (Fault){0};
}
