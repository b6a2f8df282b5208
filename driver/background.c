#include "background.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Several syncs at once share one write of the file system's journal. */
enum { MAX_THREADS = 4, STACK_BYTES = 256 << 10 };

typedef enum WorkState { WORK_WAITING, WORK_RUNNING, WORK_DONE } WorkState;

struct Work {
    Background *background;
    WorkRun *run;
    WorkDone *done;
    void *context;
    WorkState state;
    Work *next;
};

typedef struct Queue {
    Work *first, **last;
} Queue;

struct Background {
    Loop *loop;
    LoopWatch *watch;
    int wake; /* an eventfd: something is done */
    pthread_t threads[MAX_THREADS];
    unsigned thread_count;

    /* What the threads share; under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t wanted, changed;
    Queue waiting, done;
    unsigned waiting_count, idle;
    bool stop;
};

/* Put work at the end of a queue. */
static void enqueue(Queue *queue, Work *work) {
    work->next = NULL;
    *queue->last = work;
    queue->last = &work->next;
}

/* Take a piece of work out of a queue. */
static void take_out(Queue *queue, Work *work) {
    Work **slot = &queue->first;
    while (*slot != work)
        slot = &(*slot)->next;
    *slot = work->next;
    if (!*slot)
        queue->last = slot;
}

/* Do what waits, one after the other; the life of a helper thread. */
static void *help(void *context) {
    Background *background = context;
    pthread_mutex_lock(&background->lock);
    while (!background->stop) {
        Work *work = background->waiting.first;
        if (!work) {
            background->idle++;
            pthread_cond_wait(&background->wanted, &background->lock);
            background->idle--;
            continue;
        }
        take_out(&background->waiting, work);
        background->waiting_count--;
        work->state = WORK_RUNNING;
        pthread_mutex_unlock(&background->lock);
        work->run(work->context);
        pthread_mutex_lock(&background->lock);
        work->state = WORK_DONE;
        enqueue(&background->done, work);
        pthread_cond_broadcast(&background->changed);
        eventfd_write(background->wake, 1);
    }
    pthread_mutex_unlock(&background->lock);
    return NULL;
}

/* Report what is done. */
static void report(void *context, short happened) {
    Background *background = context;
    eventfd_t count;
    (void)happened;
    eventfd_read(background->wake, &count);
    for (;;) {
        pthread_mutex_lock(&background->lock);
        Work *work = background->done.first;
        if (work)
            take_out(&background->done, work);
        pthread_mutex_unlock(&background->lock);
        if (!work)
            return;
        work->done(work->context);
        free(work);
    }
}

/* Start with no threads: they are made when there is work. */
Background *background_new(Loop *loop) {
    Background *background = mem_alloc(sizeof *background);
    background->loop = loop;
    background->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (background->wake < 0) {
        perror("renderchain: could not make an event descriptor");
        exit(70);
    }
    background->watch = loop_watch(loop, background->wake, POLLIN, report, background);
    pthread_mutex_init(&background->lock, NULL);
    pthread_cond_init(&background->wanted, NULL);
    pthread_cond_init(&background->changed, NULL);
    background->waiting.last = &background->waiting.first;
    background->done.last = &background->done.first;
    return background;
}

/* Make one more thread, which no signal is delivered to. */
static void add_thread(Background *background) {
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&background->threads[background->thread_count], &attributes, help,
                       background) == 0)
        background->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* Free what is left in a queue. */
static void forget(Queue *queue) {
    while (queue->first) {
        Work *work = queue->first;
        queue->first = work->next;
        free(work);
    }
}

/* Stop the threads. */
void background_free(Background *background) {
    if (!background)
        return;
    pthread_mutex_lock(&background->lock);
    background->stop = true;
    pthread_cond_broadcast(&background->wanted);
    pthread_mutex_unlock(&background->lock);
    for (unsigned i = 0; i < background->thread_count; i++)
        pthread_join(background->threads[i], NULL);
    loop_unwatch(background->loop, background->watch);
    close(background->wake);
    forget(&background->waiting);
    forget(&background->done);
    pthread_cond_destroy(&background->wanted);
    pthread_cond_destroy(&background->changed);
    pthread_mutex_destroy(&background->lock);
    free(background);
}

/* Where the system gives no thread at all the work is done right here; only done is called later.
 */
static void do_it_ourselves(Background *background, Work *work) {
    take_out(&background->waiting, work);
    background->waiting_count--;
    work->run(work->context);
    work->state = WORK_DONE;
    enqueue(&background->done, work);
    eventfd_write(background->wake, 1);
}

/* Have work done. */
Work *background_start(Background *background, WorkRun *run, WorkDone *done, void *context) {
    Work *work = mem_alloc(sizeof *work);
    *work = (Work){.background = background, .run = run, .done = done, .context = context};
    pthread_mutex_lock(&background->lock);
    enqueue(&background->waiting, work);
    background->waiting_count++;
    pthread_cond_signal(&background->wanted);
    if (background->waiting_count > background->idle && background->thread_count < MAX_THREADS)
        add_thread(background);
    if (background->thread_count == 0)
        do_it_ourselves(background, work);
    pthread_mutex_unlock(&background->lock);
    return work;
}

/* Forget work. */
void background_drop(Work *work) {
    if (!work)
        return;
    Background *background = work->background;
    pthread_mutex_lock(&background->lock);
    if (work->state == WORK_WAITING) {
        take_out(&background->waiting, work);
        background->waiting_count--;
    } else {
        while (work->state == WORK_RUNNING)
            pthread_cond_wait(&background->changed, &background->lock);
        take_out(&background->done, work);
    }
    pthread_mutex_unlock(&background->lock);
    free(work);
}
