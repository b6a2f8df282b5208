/* What a person who watches knows: renders with their stages, how long each has run, how long
 * that usually takes, and what it has cost. Fed with the news that follow.h brings. */
#ifndef RC_WATCHED_H
#define RC_WATCHED_H

#include <jansson.h>
#include <stdbool.h>

#include "render.h"

typedef struct WatchedStage {
    char *stage, *part, *model, *error;
    int attempt;
    StageState state;
    bool cached;  /* answered out of the cache of analyses */
    double begun; /* by loop_now(); -1 where it is not known */
    double ms;    /* how long it took; -1 until it has ended */
    double cost;  /* -1 where it is not known */
    size_t wave;  /* what runs at the same time has the same number, as in the table of stages */
    size_t order; /* among all stages */
} WatchedStage;

typedef struct Watched {
    char id[37];
    json_t *head; /* the news about it that came last, its events left out */
    WatchedStage *stages;
    size_t count;
    int attempt;
    double begun; /* by loop_now(), since when it waits or runs */
    bool running, ended;
    bool renewed; /* the news that came last were about the render itself, not only its stages */
    bool shown;   /* for whoever shows it: that its end has been */
    struct Watched *next;
} Watched;

enum { WAVES = 4 };

typedef struct WatchedList {
    Watched *first;   /* in the order in which they were heard of */
    json_t *expected; /* "stage model" or "stage": median milliseconds */
} WatchedList;

void watched_free(WatchedList *list);

/* Take an entry of watch_renders(); gives the render. */
Watched *watched_news(WatchedList *list, const json_t *news);

/* Forget a render. */
void watched_drop(WatchedList *list, Watched *watched);

/* Take the rows of expected_durations(). */
void watched_expect(WatchedList *list, const PGresult *result);

/* Milliseconds that a stage usually takes (of that model, where one is named and known), or -1. */
double watched_expected(const WatchedList *list, const char *stage, const char *model);

/* Milliseconds since a stage or a render began. */
double watched_elapsed(double begun);

/* Milliseconds from now until a running render will probably have ended, or -1. */
double watched_left(const WatchedList *list, const Watched *watched);

/* What a render has cost so far, all attempts together; *whole: no price is unknown. */
double watched_cost(const Watched *watched, bool *whole);

/* The position and the name of its chain, or the beginning of its id; the caller's. */
char *watched_name(const Watched *watched);

/* A text of what is known of a render, borrowed, "" where there is none. */
const char *watched_text(const Watched *watched, const char *key);

#endif
