#include "base_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libcurl.h"

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

/* Skip characters of a set. */
static const char *skip(const char *text, const char *set) {
    return text + strspn(text, set);
}

/* Is a URL so plain that there is nothing to take apart: a scheme in small letters, a name or this
 * machine's address, perhaps a port, and a path of letters? Most are, and libcurl, which is loaded
 * with its first function, does not have to be waited for. *length is that of the host. */
static bool is_plain(const char *text, const char **host, size_t *length) {
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
    bool secure = strncmp(text, "https://", 8) == 0;
    if (!secure && strncmp(text, "http://", 7) != 0)
        return false;
    const char *at = *host = text + (secure ? 8 : 7);
    if (strchr(LETTERS, *at))
        at = skip(at, LETTERS DIGITS ".-");
    else if (strncmp(at, "127.0.0.1", 9) == 0)
        at += 9;
    *length = (size_t)(at - *host);
    if (*at == ':') {
        const char *port = at + 1;
        at = skip(port, DIGITS);
        unsigned long number = at - port <= 5 ? strtoul(port, NULL, 10) : 0;
        if (number < 1 || number > 65535)
            return false;
    }
    return *length && (!*at || (*at == '/' && !*skip(at, LETTERS DIGITS "/")));
}

/* Is a part of a URL there? */
static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

/* Does a host name this machine? */
static bool is_own(const char *host, size_t length) {
    static const char *const own[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strlen(own[i]) == length && strncmp(host, own[i], length) == 0)
            return true;
    return false;
}

/* Why a base URL cannot be used (static), NULL where it can; and does it name this machine? */
const char *base_url_judge(const char *text, bool *loopback) {
    const char *plain;
    size_t length;
    if (is_plain(text, &plain, &length)) {
        *loopback = *loopback || is_own(plain, length);
        return NULL;
    }
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
    *loopback = *loopback || (host && is_own(host, strlen(host)));
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
