/* How a model call ended, and what each ending means. The one table is in
 * outcome.c and documented in docs/outcomes.md. */
#ifndef RC_OUTCOME_H
#define RC_OUTCOME_H

#include <stdbool.h>

typedef enum Outcome {
    OUTCOME_OK,
    OUTCOME_BLOCKED,      /* prompt or output refused by the provider's safety rules */
    OUTCOME_EMPTY,        /* a whole answer without the thing that was asked for */
    OUTCOME_MALFORMED,    /* an answer that is not what the protocol or the schema says */
    OUTCOME_RATE_LIMITED, /* too many requests now; later is fine */
    OUTCOME_OVERLOADED,   /* the provider failed on its side and said so */
    OUTCOME_REJECTED,     /* any other refusal of the request itself: wrong key, bad argument */
    OUTCOME_UNREACHABLE,  /* the request never got there */
    OUTCOME_UNKNOWN,      /* sent, and no answer: it may have been done, and billed */
    OUTCOME_COUNT
} Outcome;

typedef struct OutcomeRule {
    const char *name;
    int tries;            /* how often a call that costs next to nothing is sent in all */
    int generation_tries; /* how often a generation is sent in all */
    bool passes;          /* a worker puts the render back into the queue, for another attempt */
    const char *advice;   /* what a person can do about it */
} OutcomeRule;

const OutcomeRule *outcome_rule(Outcome outcome);

/* A provider that asks for more than this (milliseconds) is not asked again: sooner would
 * not be what it said, and nobody waits for later. */
enum { OUTCOME_LONGEST_WAIT_MS = 300000 };

/* How long to wait before the next try: what the provider asked for where it did
 * (retry_after_ms >= 0), else exponential backoff with full jitter. Milliseconds. */
double outcome_wait(int tries_made, double retry_after_ms);

/* Is a status what services answer where the signature of an address, to which they have
 * redirected, is not good any more? */
bool outcome_is_expiry(long status);

#endif
