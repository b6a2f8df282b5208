/* server.h - the HTTP side: who may ask what, when the answer leaves, and how it fails. */
#ifndef RENDERCHAIN_SERVER_H
#define RENDERCHAIN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "faults.h"

#define SERVER_MAX_BODY (100u * 1024 * 1024) /* bytes, as the service's */

typedef struct ServerOptions {
    uint16_t port;   /* 0: the system picks */
    int latency_ms;  /* from the complete request to the answer; 0: as fast as it is ready */
    bool canned;     /* results computed once, so that only the latency counts */
    const char *key; /* the only key accepted; NULL: any */
    Faults faults;
} ServerOptions;

typedef struct Server Server;

/* Listen on 127.0.0.1.  NULL with *why (static) where that fails; options must outlive it. */
Server *server_start(const ServerOptions *options, const char **why);
uint16_t server_port(const Server *server);
/* Stop: calls that hang are let go.  Frees everything. */
void server_stop(Server *server);

#endif
