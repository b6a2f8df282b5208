/* openai_protocol.h - the openai protocol as another way of asking the same: a request is turned
 * into a generateContent request, and the answer to that into one of this protocol. */
#ifndef RENDERCHAIN_OPENAI_PROTOCOL_H
#define RENDERCHAIN_OPENAI_PROTOCOL_H

#include "gemini_reply.h"

/* Is it a path of this protocol? */
bool openai_path(const char *path);

/* Read a request of a path by its content type.  False with *refusal filled; its reason is then
 * the error's code.  request_free() in either case. */
bool openai_request(const char *path, const char *type, const char *body, size_t length,
                    Request *request, Refusal *refusal) __attribute__((warn_unused_result));

Reply openai_refusal(const Refusal *refusal);

/* Turn the answer to the translated request; takes over the reply. */
Reply openai_turn(const Request *request, Reply reply);

#endif
