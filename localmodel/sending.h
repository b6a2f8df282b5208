/* sending.h - answers on their way: whole, at their time, or with a fault. */
#ifndef RENDERCHAIN_SENDING_H
#define RENDERCHAIN_SENDING_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <time.h>

#include "faults.h"
#include "gemini_reply.h"

/* Sleep until `ms` after a moment. */
void sleep_until(const struct timespec *from, int ms);

/* Queue a whole body; takes over the memory. */
enum MHD_Result send_body(struct MHD_Connection *connection, int status, char *body, size_t length);
enum MHD_Result send_reply(struct MHD_Connection *connection, Reply reply);

/* Queue a video, which stays where it is. */
enum MHD_Result send_video(struct MHD_Connection *connection, const unsigned char *bytes,
                           size_t length);

/* Queue a body that is cut, drips or never ends; takes over the reply. */
enum MHD_Result send_stream(const atomic_bool *stopping, struct MHD_Connection *connection,
                            Reply reply, FaultKind kind);

/* Wait until the client goes away or the server stops. */
void wait_for_end(const atomic_bool *stopping, struct MHD_Connection *connection);

#endif
