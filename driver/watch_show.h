/* How renders that are watched are shown: watch_lines.c prints lines, of JSON or for people;
 * watch_screen.c draws on a terminal, over and over. */
#ifndef RC_WATCH_SHOW_H
#define RC_WATCH_SHOW_H

#include "watched.h"

/* A line for every change of a render and its stages. */
void watch_lines_news(const Watched *watched, const json_t *news, bool json);
void watch_lines_database(bool up, const char *words, bool json);

typedef struct WatchScreen WatchScreen;

/* Draw the renders of a list from now on, until it is freed. What has ended is printed once and
 * scrolls away; what runs and waits stays below it. */
WatchScreen *watch_screen_new(Loop *loop, WatchedList *list);
void watch_screen_free(WatchScreen *screen);

/* Draw now, since something has changed. */
void watch_screen_draw(WatchScreen *screen);

/* Say below the renders that the connection is lost; NULL: it is there again. */
void watch_screen_notice(WatchScreen *screen, const char *words);

/* One line with everything that matters of a stage, and of a render; cut to a width, with our
 * ANSI sequences where colour is allowed. The caller's. */
char *watch_stage_text(const WatchedList *list, const WatchedStage *stage, bool colour);
char *watch_render_text(const WatchedList *list, const Watched *watched, size_t width, bool colour);

#endif
