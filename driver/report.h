/* A chain explained in one file: report_page.c writes the page, report_timeline.c the stages of
 * a render, report_memory.c what is remembered and how it changed, report_line.c the line of
 * consistency, cmd_report.c fetches what they need and puts the file in its place. */
#ifndef RC_REPORT_H
#define RC_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "mem.h"

/* A picture of a render, or why there is none. */
typedef struct ReportPicture {
    const char *bytes; /* NULL: there is none */
    size_t length;
    const char *problem; /* why; NULL where none was to be expected */
} ReportPicture;

/* Gives the picture of the render with that index; called once for each, in order, when the
 * page has come to it. */
typedef ReportPicture ReportNext(void *context, size_t index);

typedef struct Report {
    const json_t *chain;     /* what get_chain() gives */
    const json_t *timelines; /* what get_timelines() gives */
    ReportNext *next;
    void *context;
} Report;

/* Write the page. Gives how many pictures are in it. */
size_t report_page(FILE *to, const Report *report);

/* Write the timelines alone, as an SVG file. */
void report_svg(FILE *to, const Report *report);

/* Write the timeline of a render as an SVG element; nothing where no stage has begun. In a page
 * it is as wide as there is room for (y -1), else 100 % at that height. Gives its height. */
int report_timeline(FILE *to, const json_t *timeline, const char *label, int y);

/* Write the consistency over the chain as an SVG element; nothing where fewer than two renders
 * can be compared. */
void report_line(FILE *to, const json_t *renders);

/* Write a memory, what is pinned of it marked. */
void report_memory(FILE *to, const json_t *memory, const json_t *pins);

/* Write what changed from one memory to another. */
void report_changes(FILE *to, const json_t *before, const json_t *after, const json_t *pins);

/* Milliseconds, and an amount of money, for people; the caller's. */
char *report_time(double ms);
char *report_cost(double cost, bool whole);

/* The name of a stage for people, with its part; the caller's. */
char *report_stage(const json_t *stage);

/* A member as a number, or -1. */
double report_number(const json_t *object, const char *key);

#endif
