#include "local_server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "renderchain-localmodel"
enum { START_TIMEOUT_MS = 10000, STOP_TIMEOUT_MS = 2000 };

/* Where the program is: beside ours, else by its name on PATH. */
char *local_server_program(void) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        char *beside = mem_printf("%s/%s", self, PROGRAM);
        if (access(beside, X_OK) == 0)
            return beside;
        free(beside);
    }
    return mem_strdup(PROGRAM);
}

/* Give the server a key that nobody else on this machine knows. */
static bool make_key(void) {
    unsigned char noise[16];
    char key[2 * sizeof noise + 1];
    if (getrandom(noise, sizeof noise, 0) != sizeof noise)
        return false;
    for (size_t i = 0; i < sizeof noise; i++)
        snprintf(key + 2 * i, 3, "%02x", noise[i]);
    return setenv("RENDERCHAIN_LOCALMODEL_KEY", key, 1) == 0;
}

/* Read the port that it prints first. Returns 0 where none comes in time. */
static int read_port(int fd) {
    char line[16];
    size_t length = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (length < sizeof line - 1 && poll(&ready, 1, START_TIMEOUT_MS) > 0) {
        if (read(fd, line + length, 1) != 1)
            return 0;
        if (line[length] == '\n') {
            line[length] = '\0';
            long port = strtol(line, NULL, 10);
            return port > 0 && port <= 65535 ? (int)port : 0;
        }
        length++;
    }
    return 0;
}

/* Become the server; only reached in the child. */
static void become(const char *program, int in, int out) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* A signal from the terminal is the driver's to act on: it ends us by the lifeline. */
    setpgid(0, 0);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
#ifdef SYS_close_range
    /* What a caller or a library left open is not the server's to hold. */
    syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
    execlp(program, program, "--port", "0", "--exit-on-eof", (char *)NULL);
    _exit(127);
}

/* Start the server and wait until it listens. */
bool local_server_start(LocalServer *server, char **error) {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    char *program = local_server_program();
    int port = 0;
    *server = (LocalServer){0};
    if (!make_key() || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        *error = mem_printf("could not start %s: %s", PROGRAM, strerror(errno));
        goto done;
    }
    server->pid = fork();
    if (server->pid < 0) {
        close(in[1]);
        close(out[0]);
    }
    if (server->pid == 0)
        become(program, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    server->lifeline = in[1];
    server->output = out[0];
    port = server->pid > 0 ? read_port(out[0]) : 0;
    if (port <= 0) {
        *error = mem_printf("could not start %s (looked for it as \"%s\"): install it, or name a "
                            "model provider with --provider",
                            PROGRAM, program);
        local_server_stop(server);
        goto done;
    }
    server->url = mem_printf("http://127.0.0.1:%d", port);
done:
    free(program);
    return port > 0;
}

/* Let it end and collect it; one that does not end in time has nothing to lose. */
void local_server_stop(LocalServer *server) {
    if (server->pid > 0) {
        struct pollfd ended = {.fd = server->output};
        close(server->lifeline);
        kill(server->pid, SIGTERM);
        if (poll(&ended, 1, STOP_TIMEOUT_MS) <= 0)
            kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        close(server->output);
    }
    free(server->url);
    *server = (LocalServer){0};
}
