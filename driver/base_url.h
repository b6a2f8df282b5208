/* URLs that settings name and paths are put behind: of a provider, of a storage service. */
#ifndef RC_BASE_URL_H
#define RC_BASE_URL_H

#include <stdbool.h>

/* Why a base URL cannot be used (static), NULL where it can; and does it name this machine? */
const char *base_url_judge(const char *text, bool *loopback);

/* Take the slashes off the end. */
void base_url_trim(char *text);

/* Do two URLs name the same host, whatever their ports? */
bool base_url_same_host(const char *one, const char *other);

#endif
