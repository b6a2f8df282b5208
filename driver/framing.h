/* Whether the end of a request can be told in two ways. */
#ifndef RC_FRAMING_H
#define RC_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>

/* Are there two different lengths of the body, or a length beside a coding that says it as well?
 * What stands between the two ends would be a request to some and none to others (RFC 9112, 6.3).
 */
bool framing_is_doubtful(struct MHD_Connection *connection);

#endif
