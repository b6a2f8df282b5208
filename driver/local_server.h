/* The model server of our own that the driver starts when no provider is named. */
#ifndef RC_LOCAL_SERVER_H
#define RC_LOCAL_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "mem.h"

typedef struct LocalServer {
    pid_t pid;
    int lifeline; /* its standard input: it ends when this closes, even if we are killed */
    int output;   /* its standard output: closed when it has ended */
    char *url;    /* owned */
} LocalServer;

/* Start renderchain-localmodel (beside this program, else on PATH) on a port that
 * the system picks, with a key of its own in RENDERCHAIN_LOCALMODEL_KEY. */
MUSTCHECK bool local_server_start(LocalServer *server, char **error);
void local_server_stop(LocalServer *server);

/* Where the program is: beside ours, else its name, to be looked for on PATH. The caller's. */
char *local_server_program(void);

#endif
