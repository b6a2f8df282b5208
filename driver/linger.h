/* Letting go of clients that were refused before they had sent everything. Whoever closes a
 * connection with bytes unread resets it, and the client, still sending, loses the answer (RFC
 * 9112, section 9.6). So its socket is kept for a while, and what comes is read and thrown away:
 * until the client closes, too, is silent for a few seconds, or has had enough time or bytes. */
#ifndef RC_LINGER_H
#define RC_LINGER_H

#include "loop.h"

typedef struct Lingers Lingers;

Lingers *lingers_new(Loop *loop);

/* The answer has been sent on that socket, whose owner closes it: keep it by another descriptor. */
void linger_on(Lingers *lingers, int fd);

/* Close them all. */
void lingers_free(Lingers *lingers);

#endif
