/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk workers. To them: one list under a mutex. Back: a lock-free stack,
 * whose first entry rings an eventfd, so a batch of completions costs one
 * write; the loop watches its edges and never needs to read it. Waiting in
 * user space for a completion is no good: dom0 often has a single CPU, and
 * the loop would spin on the one that the worker needs.
 */
#include "pool.h"

#include <hvmd/loop.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS     10000u
#define STACK_BYTES ((size_t)128 * 1024)

enum slot_state { SLOT_NONE, SLOT_RUNS, SLOT_ENDED };

struct slot {
    struct pool *pool;
    pthread_t id;
    enum slot_state state;
};

struct pool {
    struct loop *loop;
    struct loop_src src;
    int bell;
    _Atomic(struct blk_req *) done; /* stack, latest first */
    struct blk_req *fin, **fin_end; /* taken off it, oldest first */
    sem_t wake;

    pthread_mutex_t lock; /* all below */
    struct blk_req *head, **end;
    unsigned queued;
    unsigned looking; /* workers that will look at the list before sleeping */
    unsigned asleep;
    unsigned wakes; /* posted to the semaphore, or about to be; not yet seen */
    unsigned live, max, idle_ms;
    unsigned resting; /* of those live: to end when there is nothing to do */
    bool quit, keep;
    struct slot slot[];
};

static int run(struct blk_req *r)
{
    struct pool_disk *d = (struct pool_disk *)r->blk;

    return d->work(r);
}

/* From now on the loop may have the request: it is not touched again. */
static void push_done(struct pool *p, struct blk_req *r)
{
    struct blk_req *old = atomic_load(&p->done);

    do {
        r->next = old;
    } while (!atomic_compare_exchange_weak(&p->done, &old, r));
    if (!old)
        eventfd_write(p->bell, 1);
}

/* Without the lock. False: nothing came for so long. */
static bool doze(struct pool *p, unsigned idle_ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += idle_ms / 1000;
    t.tv_nsec += (long)(idle_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    while (sem_clockwait(&p->wake, CLOCK_MONOTONIC, &t) < 0)
        if (errno != EINTR)
            return false;
    return true;
}

static void sleep_well(struct pool *p)
{
    while (sem_wait(&p->wake) < 0)
        ;
}

/* Under the lock. Who wakes a sleeper has counted it as looking already. */
static bool wait_for_work(struct pool *p)
{
    unsigned idle_ms = p->idle_ms;
    bool keep = p->keep, woken = true;

    p->looking--;
    p->asleep++;
    pthread_mutex_unlock(&p->lock);
    if (keep)
        sleep_well(p);
    else
        woken = doze(p, idle_ms);
    pthread_mutex_lock(&p->lock);
    if (!woken && !p->wakes) {
        p->asleep--;
        return false;
    }
    p->wakes--;
    if (!woken) { /* a wake-up and the end of our patience crossed */
        pthread_mutex_unlock(&p->lock);
        sleep_well(p);
        pthread_mutex_lock(&p->lock);
    }
    return true;
}

/* Under the lock; each needs a sem_post() after. */
static void count_wake(struct pool *p)
{
    p->asleep--;
    p->looking++;
    p->wakes++;
}

static struct blk_req *take(struct pool *p)
{
    struct blk_req *r = p->head;

    p->head = r->next;
    if (!p->head)
        p->end = &p->head;
    p->queued--;
    return r;
}

static void *worker(void *arg)
{
    struct slot *s = arg;
    struct pool *p = s->pool;
    bool go_on = true;
    struct blk_req *r;

    pthread_setname_np(pthread_self(), "hvmd-disk");
    pthread_mutex_lock(&p->lock);
    while (go_on) {
        if (p->head) {
            r = take(p);
            p->looking--;
            pthread_mutex_unlock(&p->lock);
            r->err = run(r);
            /*
             * Counted as free before the loop hears of the result: it may
             * run at once, on this very CPU, and submit the next request.
             * That must wake nobody else.
             */
            pthread_mutex_lock(&p->lock);
            p->looking++;
            pthread_mutex_unlock(&p->lock);
            push_done(p, r);
            pthread_mutex_lock(&p->lock);
        } else if (p->quit || p->resting) {
            p->looking--;
            go_on = false;
        } else {
            go_on = wait_for_work(p);
        }
    }
    s->state = SLOT_ENDED;
    p->live--;
    if (p->resting > 0)
        p->resting--;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int start(struct slot *s)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int err;

    err = pthread_attr_init(&attr);
    if (err)
        return -err;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    /* Signals are the loop's; and SIGXFSZ must become a plain EFBIG. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&s->id, &attr, worker, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}

/* Under the lock. */
static int add_worker(struct pool *p)
{
    struct slot *s = p->slot;
    int err;

    while (s->state == SLOT_RUNS)
        s++;
    if (s->state == SLOT_ENDED)
        pthread_join(s->id, NULL); /* it has let go of the lock */
    s->state = SLOT_NONE;
    err = start(s);
    if (err)
        return err;
    s->state = SLOT_RUNS;
    p->live++;
    p->looking++;
    return 0;
}

static void finish_one(struct pool *p, struct blk_req *r)
{
    struct pool_disk *d = (struct pool_disk *)r->blk;

    d->finish(r, r->err);
}

/*
 * Finishes what the workers did. done() may submit, or drain a disk and so
 * come here again: the list in p is what both work on.
 */
static void reap(struct pool *p)
{
    struct blk_req *r = atomic_exchange(&p->done, NULL);
    struct blk_req *next, *oldest = NULL;

    if (r) {
        struct blk_req **end = &r->next;

        for (; r; r = next) {
            next = r->next;
            r->next = oldest;
            oldest = r;
        }
        *p->fin_end = oldest;
        p->fin_end = end;
    }
    while ((r = p->fin)) {
        p->fin = r->next;
        if (!p->fin)
            p->fin_end = &p->fin;
        finish_one(p, r);
    }
}

static void on_bell(void *ctx, unsigned events)
{
    reap(ctx);
}

void pool_submit(struct pool *p, struct blk_req *r)
{
    bool wake = false, alone = false;

    r->next = NULL;
    pthread_mutex_lock(&p->lock);
    *p->end = r;
    p->end = &r->next;
    p->queued++;
    if (p->queued > p->looking) {
        wake = p->asleep;
        if (wake)
            count_wake(p);
        else if (p->live < p->max)
            alone = add_worker(p) < 0 && !p->live;
        if (alone)
            take(p);
    }
    pthread_mutex_unlock(&p->lock);
    if (wake)
        sem_post(&p->wake);
    if (alone) {
        /* No thread to be had: late is better than lost. */
        r->err = run(r);
        push_done(p, r);
    }
}

void pool_wait(struct pool *p)
{
    struct pollfd pfd = {.fd = p->bell, .events = POLLIN};
    eventfd_t n;

    /*
     * Silences the bell before looking, so that whatever is pushed after
     * the look rings it anew.
     */
    eventfd_read(p->bell, &n);
    if (!p->fin && !atomic_load(&p->done))
        poll(&pfd, 1, -1);
    reap(p);
}

/* Under the lock. */
static void wake_all(struct pool *p)
{
    while (p->asleep) {
        count_wake(p);
        sem_post(&p->wake);
    }
}

int pool_keep(struct pool *p)
{
    int err = 0;

    pthread_mutex_lock(&p->lock);
    p->keep = true;
    p->resting = 0;
    while (p->live < p->max && !err)
        err = add_worker(p);
    wake_all(p); /* to sleep without an end to it */
    pthread_mutex_unlock(&p->lock);
    return err;
}

void pool_rest(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    if (!p->keep) {
        p->resting = p->live;
        wake_all(p);
    }
    pthread_mutex_unlock(&p->lock);
}

unsigned pool_live(struct pool *p)
{
    unsigned live;

    pthread_mutex_lock(&p->lock);
    live = p->live;
    pthread_mutex_unlock(&p->lock);
    return live;
}

void pool_set_idle(struct pool *p, unsigned ms)
{
    pthread_mutex_lock(&p->lock);
    p->idle_ms = ms;
    pthread_mutex_unlock(&p->lock);
}

struct pool *pool_new(struct loop *loop, unsigned threads)
{
    struct pool *p;
    unsigned i;

    if (!threads)
        threads = 1;
    p = calloc(1, sizeof(*p) + threads * sizeof(p->slot[0]));
    if (!p)
        return NULL;
    p->loop = loop;
    p->max = threads;
    p->idle_ms = IDLE_MS;
    p->end = &p->head;
    p->fin_end = &p->fin;
    for (i = 0; i < threads; i++)
        p->slot[i].pool = p;
    p->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->bell < 0 ||
        loop_add(loop, &p->src, p->bell, LOOP_IN | LOOP_EDGE, on_bell, p) < 0) {
        if (p->bell >= 0)
            close(p->bell);
        free(p);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    sem_init(&p->wake, 0, 0);
    return p;
}

void pool_free(struct pool *p)
{
    enum slot_state state;
    unsigned i;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true; /* disks are closed first, and that drains them */
    wake_all(p);
    pthread_mutex_unlock(&p->lock);
    for (i = 0; i < p->max; i++) {
        pthread_mutex_lock(&p->lock);
        state = p->slot[i].state;
        pthread_mutex_unlock(&p->lock);
        if (state != SLOT_NONE)
            pthread_join(p->slot[i].id, NULL);
    }
    loop_del(p->loop, &p->src);
    close(p->bell);
    sem_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
