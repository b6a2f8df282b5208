/* tasks.h - the work behind each kind of request. */
#ifndef RENDERCHAIN_TASKS_H
#define RENDERCHAIN_TASKS_H

#include "gemini_reply.h"
#include "gemini_request.h"

/* Do what a checked request asks for.  Refusals (an image that cannot be decoded) are replies too.
 * The caller frees the reply. */
Reply task_reply(const Request *request);

/* Results that are worked out once, for servers that are asked how fast a client is. */
typedef struct Canned Canned;
Canned *canned_new(void);
Reply canned_reply(Canned *canned, const Request *request);
void canned_free(Canned *canned);

#endif
