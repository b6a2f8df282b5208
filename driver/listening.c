#include "listening.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mem.h"

enum { BACKLOG = 1024 };

/* Split ADDRESS:PORT. */
static void split(const char *listen, char **address, char **port) {
    const char *colon = strrchr(listen, ':');
    size_t length = colon ? (size_t)(colon - listen) : 0;
    *port = mem_strdup(colon ? colon + 1 : listen);
    if (length > 1 && listen[0] == '[' && listen[length - 1] == ']')
        *address = mem_strndup(listen + 1, length - 2);
    else
        *address = length ? mem_strndup(listen, length) : mem_strdup("127.0.0.1");
}

/* Say where a socket listens. */
char *listening_url(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return mem_strdup("http://?");
    return mem_printf(address.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host,
                      port);
}

/* Make a socket that listens; -1 with *error set. */
int listening_open(const char *listen_text, char **error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    char *address, *port;
    int fd = -1, one = 1;
    split(listen_text, &address, &port);
    int failed = getaddrinfo(address, port, &hints, &found);
    if (!failed)
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
                    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
        int saved = errno;
        close(fd);
        fd = -1;
        errno = saved;
    }
    if (fd < 0)
        *error = mem_printf("could not listen on \"%s\": %s", listen_text,
                            failed ? gai_strerror(failed) : strerror(errno));
    if (found)
        freeaddrinfo(found);
    free(address);
    free(port);
    return fd;
}
