/* What serve_events.c and serve_chains.c share: who looks on. */
#ifndef RC_SERVE_EVENTS_H
#define RC_SERVE_EVENTS_H

#include "serve.h"

struct ServeViewer {
    Serve *serve;
    WebRequest *request;
    WebStream *stream; /* NULL until it is known that he may look on */
    bool of_chain;
    char id[37]; /* of the render or the chain */
    char token[65];
    json_t *marks; /* render id: {"version", "seq", "ended"} as it was told last; without a version
                    * where it is still to be told */
    ServeViewer *next;

    /* Of a chain, in milliseconds by the server's clock: */
    long long since;     /* renders that have ended from then on are told of; 0: from now on */
    long long caught_up; /* when all marks have a version, all up to then was told; 0: not said */
    unsigned first_look; /* the first that was for this viewer */
    bool greeted, told;  /* told: something, since he was told how far he is */
};

/* What he knows of a render; made where that is nothing. */
json_t *serve_mark(ServeViewer *viewer, const char *render);

/* Tell a viewer of a chain how far he is, where that is news. */
void serve_chain_told(ServeViewer *viewer);

/* The database refuses to tell: all streams end. */
void serve_events_refused(void *context, const DbReply *reply);

/* Look which renders of a chain are to be told of, or of all chains that are looked at (NULL). */
void serve_chains_look(Serve *serve, const char *chain);

/* Look at all of them now and then. */
void serve_chains_timed(void *context);

#endif
