/* The socket that a server listens on. */
#ifndef RC_LISTENING_H
#define RC_LISTENING_H

/* Listen on ADDRESS:PORT, [ADDRESS]:PORT or PORT (of the loopback); -1 with *error set (caller
 * frees). */
int listening_open(const char *listen, char **error);

/* Where a socket listens, as a URL without a path; the caller's. */
char *listening_url(int fd);

#endif
