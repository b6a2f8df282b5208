#include "video_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "local_server.h"

enum { FRAME_MAXIMUM = 64 << 20, FRAME_MS = 30000 };

struct FrameJob {
    Work *work;
    const Bytes *video;
    char *program;
    int stop; /* an eventfd: nobody wants it any more */
    Buf png;
    bool ok;
    FrameDone *done;
    void *context;
};

/* Put the video where the program can read it, if it is not in a file; -1 where there is no room.
 */
static int video_file(const FrameJob *job) {
    int there = bytes_reopen(job->video);
    if (there >= 0)
        return there;
    int fd = memfd_create("video", MFD_CLOEXEC);
    if (fd >= 0 && !bytes_write(job->video, fd)) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Start the program; 0 where it cannot be. */
static pid_t start_program(const FrameJob *job, int in, int out) {
    char *const words[] = {job->program, "--frame", NULL};
    /* It reads what strangers have sent: nothing of ours that is secret is to be there. */
    const char *libraries = getenv("LD_LIBRARY_PATH");
    char *set = libraries ? mem_printf("LD_LIBRARY_PATH=%s", libraries) : NULL;
    char *const environment[] = {set, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid = 0;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    if (posix_spawnp(&pid, job->program, &actions, &attributes, words, environment) != 0)
        pid = 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(set);
    return pid;
}

/* Wait until a descriptor has something; false where that is too late or no longer wanted. */
static bool wait_for(const FrameJob *job, int fd, double until) {
    for (;;) {
        struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = job->stop, .events = POLLIN}};
        double left = until - loop_now();
        int count = left > 0 ? poll(ready, 2, (int)left + 1) : 0;
        if (count >= 0 || errno != EINTR)
            return count > 0 && !ready[1].revents;
    }
}

/* Wait for its end: what it prints may end before it does. */
static bool wait_for_end(const FrameJob *job, pid_t pid, double until) {
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    bool ended = handle >= 0 && wait_for(job, handle, until);
    if (handle >= 0)
        close(handle);
    return ended;
}

/* Read what it prints to its end; false where that is too much, too late or no longer wanted. */
static bool read_picture(FrameJob *job, int out, double until) {
    char piece[65536];
    for (;;) {
        if (!wait_for(job, out, until))
            return false;
        ssize_t got = read(out, piece, sizeof piece);
        if (got == 0)
            return true;
        if (got < 0 || !buf_append(&job->png, piece, (size_t)got))
            return false;
    }
}

/* Have the frame made; in a helper thread. */
static void make(void *context) {
    FrameJob *job = context;
    int in = video_file(job), out[2] = {-1, -1}, status = -1;
    pid_t pid = 0;
    if (in >= 0 && pipe2(out, O_CLOEXEC) == 0)
        pid = start_program(job, in, out[1]);
    if (out[1] >= 0)
        close(out[1]);
    if (pid > 0) {
        double until = loop_now() + FRAME_MS;
        job->ok = read_picture(job, out[0], until) && wait_for_end(job, pid, until);
        if (!job->ok)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        job->ok = job->ok && WIFEXITED(status) && WEXITSTATUS(status) == 0 && job->png.length;
    }
    if (out[0] >= 0)
        close(out[0]);
    if (in >= 0)
        close(in);
}

static void free_job(FrameJob *job) {
    if (job->stop >= 0)
        close(job->stop);
    buf_free(&job->png);
    free(job->program);
    free(job);
}

/* It is made, or cannot be. */
static void made(void *context) {
    FrameJob *job = context;
    FrameDone *done = job->done;
    void *its = job->context;
    size_t length = 0;
    char *png = job->ok ? buf_take(&job->png, &length) : NULL;
    free_job(job);
    done(its, png, length);
}

/* Begin. */
FrameJob *frame_start(Background *background, const Bytes *video, FrameDone *done, void *context) {
    FrameJob *job = mem_alloc(sizeof *job);
    *job = (FrameJob){.video = video,
                      .program = local_server_program(),
                      .stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                      .done = done,
                      .context = context};
    buf_init(&job->png, FRAME_MAXIMUM);
    job->work = background_start(background, make, made, job);
    return job;
}

/* Give up on one: its thread ends at once, as it is told. */
void frame_drop(FrameJob *job) {
    const uint64_t one = 1;
    if (!job)
        return;
    if (job->stop >= 0 && write(job->stop, &one, sizeof one) < 0)
        job->ok = false; /* then it ends by itself */
    background_drop(job->work);
    free_job(job);
}
