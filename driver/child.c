#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Is a word an option that is left out? Both as "--name VALUE" (2 words) and "--name=VALUE". */
static int words_to_skip(const char *word, const char *const *own, const char *flag) {
    if (strcmp(word, flag) == 0)
        return 1;
    for (; *own; own++) {
        size_t length = strlen(*own);
        if (strncmp(word, *own, length) == 0 && (!word[length] || word[length] == '='))
            return word[length] ? 1 : 2;
    }
    return 0;
}

/* The words for another command. */
char **child_words(const char *command, int argc, char **argv, const char *const *own,
                   const char *flag) {
    char **words = mem_alloc(((size_t)argc + 3) * sizeof *words);
    size_t count = 0;
    words[count++] = "renderchain";
    words[count++] = (char *)command;
    for (int i = 1; i < argc;) {
        int skip = words_to_skip(argv[i], own, flag);
        if (!skip)
            words[count++] = argv[i++];
        i += skip;
    }
    return words;
}

/* Take its exit code. */
static int wait_for(Child *child) {
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    loop_unwatch(child->loop, child->watch);
    close(child->handle);
    child->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* It has ended by itself. */
static void has_ended(void *context, short happened) {
    Child *child = context;
    (void)happened;
    if (child->pid)
        child->ended(child->context, wait_for(child));
}

/* Start it. */
bool child_start(Child *child, Loop *loop, char *const *words, ChildEnded *ended, void *context,
                 char **error) {
    pid_t parent = getpid();
    *child = (Child){.loop = loop, .ended = ended, .context = context, .pid = fork()};
    if (child->pid == 0) {
        /* It must not outlive us, whatever ends us. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent)
            execv("/proc/self/exe", words);
        _exit(70);
    }
    child->handle = child->pid > 0 ? (int)syscall(SYS_pidfd_open, child->pid, 0) : -1;
    if (child->handle < 0) {
        *error = mem_printf("the worker could not be started: %s", strerror(errno));
        if (child->pid > 0)
            kill(child->pid, SIGTERM);
        child->pid = 0;
        return false;
    }
    child->watch = loop_watch(loop, child->handle, POLLIN, has_ended, child);
    return true;
}

/* Ask it to end, and wait. */
void child_stop(Child *child) {
    if (!child->pid)
        return;
    kill(child->pid, SIGTERM);
    wait_for(child);
}
