#include "base_url.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* The host of a URL, to be freed with curl_free; NULL where it has none. */
static char *host_of(const char *text) {
    CURLU *url = curl_url();
    char *host = NULL;
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        host = NULL;
    curl_url_cleanup(url);
    return host;
}

/* Do two URLs name the same host? */
bool base_url_same_host(const char *one, const char *other) {
    char *hosts[] = {host_of(one), host_of(other)};
    bool same = hosts[0] && hosts[1] && strcasecmp(hosts[0], hosts[1]) == 0;
    curl_free(hosts[0]);
    curl_free(hosts[1]);
    return same;
}

/* Is a part of a URL there? */
static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

/* Why a base URL cannot be used (static), NULL where it can; and does it name this machine? */
const char *base_url_judge(const char *text, bool *loopback) {
    static const char *const own[] = {"127.0.0.1", "localhost", "[::1]"};
    CURLU *url = curl_url();
    char *host = NULL, *scheme = NULL;
    const char *why = NULL;
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        why = "is none that begins with http:// or https:// and names a host";
    else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        why = "has a user or password in it, which would be shown in traces";
    else if (strpbrk(text, "?#"))
        why = "has a ? or # in it, behind which no path can be put";
    for (size_t i = 0; host && i < sizeof own / sizeof own[0]; i++)
        *loopback = *loopback || strcmp(host, own[i]) == 0;
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(url);
    return why;
}

/* Take the slashes off the end. */
void base_url_trim(char *text) {
    size_t length = strlen(text);
    while (length && text[length - 1] == '/')
        text[--length] = '\0';
}
