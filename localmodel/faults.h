/* faults.h - scripted failures, so that tests can see what a client makes of them. */
#ifndef RENDERCHAIN_FAULTS_H
#define RENDERCHAIN_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "gemini_request.h"

typedef enum FaultKind {
    FAULT_NONE,
    FAULT_STATUS,        /* an HTTP error */
    FAULT_MALFORMED,     /* 200 with a body that is no JSON */
    FAULT_CUT,           /* closed in the middle of the body */
    FAULT_HANG,          /* no answer, ever */
    FAULT_RESET,         /* closed before any answer */
    FAULT_EMPTY,         /* 200 without a result */
    FAULT_BLOCKED,       /* 200, the prompt refused */
    FAULT_REFUSED_IMAGE, /* 200, the image refused */
    FAULT_TEXT,          /* 200, prose where something else was asked for */
    FAULT_SLOW,          /* the right answer in drips over two seconds */
    FAULT_HUGE,          /* a body without end */
    FAULT_TRUNCATED_JSON /* 200, the result cut short */
} FaultKind;

typedef struct Fault {
    unsigned long call; /* the nth call of all, from 1; 0: of a stage */
    Task stage;
    unsigned long nth; /* the nth call of the stage, from 1; 0: every one */
    FaultKind kind;
    int status;
} Fault;

enum { FAULTS_MOST = 64 };

typedef struct Faults {
    Fault list[FAULTS_MOST];
    size_t count;
} Faults;

/* Add "WHEN=WHAT"; WHEN is a call's number, a stage or STAGE#N.  False with *why (static). */
bool faults_add(Faults *faults, const char *spec, const char **why)
    __attribute__((warn_unused_result));

/* The fault of a call, the first that fits; kind FAULT_NONE where there is none. */
Fault faults_find(const Faults *faults, unsigned long call, Task stage, unsigned long nth);

#endif
