/* Whether the end of a request can be told, and in one way. */
#ifndef RC_FRAMING_H
#define RC_FRAMING_H

#include <microhttpd.h>

/* What a request is to be refused with for how it says where it ends; 0 where that is well. 400:
 * there are two different lengths of the body, or a length beside a coding that says it as well, so
 * that what stands between the two ends would be a request to some and none to others (RFC 9112,
 * 6.3). 501: the body is in a coding that nobody here knows (6.1), which libmicrohttpd would read
 * until the client closes. *why is static. */
unsigned framing_refusal(struct MHD_Connection *connection, const char **why);

#endif
