/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop on epoll. Nothing here wakes up on its own: the time to
 * sleep is that of the next timer, in nanoseconds, so no timerfd is needed
 * and an idle process makes no system call.
 */
#include <hvmd/loop.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 32
/*
 * A busy guest keeps the poll hook finding work. That spares a system call
 * per request, but may hold up descriptors and timers only so long.
 */
#define POLL_HITS   64
#define POLL_LOOK   8
#define POLL_MAX_NS (NS_PER_MS / 2)

struct loop {
    int ep;
    bool stop;
    int status;
    bool ms_only; /* no epoll_pwait2 before Linux 5.11 */
    struct clock clock;
    struct clock *vm;
    bool (*poll)(void *ctx);
    void *poll_ctx;
    struct epoll_event ev[EVENTS];
    int nev, cur; /* delivered up to cur */
};

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->ep = epoll_create1(EPOLL_CLOEXEC);
    if (l->ep < 0) {
        free(l);
        return NULL;
    }
    clock_init_monotonic(&l->clock);
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->ep);
    free(l);
}

static uint32_t epoll_bits(unsigned want)
{
    return (want & LOOP_IN ? EPOLLIN : 0) | (want & LOOP_OUT ? EPOLLOUT : 0) |
           (want & LOOP_EDGE ? EPOLLET : 0);
}

int loop_add(struct loop *l, struct loop_src *src, int fd, unsigned want,
             void (*ready)(void *ctx, unsigned events), void *ctx)
{
    struct epoll_event ev = {.events = epoll_bits(want), .data.ptr = src};

    src->fd = fd;
    src->want = want;
    src->ready = ready;
    src->ctx = ctx;
    src->added = false;
    if (epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
        return -errno;
    src->added = true;
    return 0;
}

void loop_want(struct loop *l, struct loop_src *src, unsigned want)
{
    struct epoll_event ev = {.events = epoll_bits(want), .data.ptr = src};

    if (!src->added || src->want == want)
        return;
    src->want = want;
    epoll_ctl(l->ep, EPOLL_CTL_MOD, src->fd, &ev);
}

void loop_del(struct loop *l, struct loop_src *src)
{
    int i;

    if (!src->added)
        return;
    src->added = false;
    epoll_ctl(l->ep, EPOLL_CTL_DEL, src->fd, NULL);
    for (i = l->cur; i < l->nev; i++)
        if (l->ev[i].data.ptr == src)
            l->ev[i].data.ptr = NULL;
}

struct clock *loop_clock(struct loop *l)
{
    return &l->clock;
}

void loop_serve(struct loop *l, struct clock *vm)
{
    l->vm = vm;
}

void loop_poll(struct loop *l, bool (*poll)(void *ctx), void *ctx)
{
    l->poll = poll;
    l->poll_ctx = ctx;
}

void loop_stop(struct loop *l, int status)
{
    l->stop = true;
    l->status = status;
}

static uint64_t until(struct clock *c)
{
    uint64_t when = c ? clock_next(c) : TIMER_NEVER;
    uint64_t now;

    if (when == TIMER_NEVER)
        return TIMER_NEVER; /* without reading the clock */
    now = clock_now(c);
    return when > now ? when - now : 0;
}

/* ns to the next timer of either clock; 0: one is due. */
static uint64_t until_any(struct loop *l)
{
    uint64_t host = until(&l->clock);
    uint64_t vm = until(l->vm);

    return host < vm ? host : vm;
}

/* What a device put off until its guest had the answer (hvmd/timer.h). */
static void after_answer(struct loop *l)
{
    if (l->vm && clock_next(l->vm) == 0)
        clock_run(l->vm);
}

/* True when the hook still finds work but others must have their turn. */
static bool poll_busy(struct loop *l)
{
    uint64_t since = 0, now;
    unsigned n;

    for (n = 1; l->poll && !l->stop; n++) {
        if (!l->poll(l->poll_ctx))
            return false;
        after_answer(l);
        if (n == POLL_HITS)
            return true;
        if (n % POLL_LOOK)
            continue;
        if (until_any(l) == 0)
            return true;
        now = clock_now(&l->clock);
        if (!since)
            since = now;
        else if (now - since >= POLL_MAX_NS)
            return true;
    }
    return false;
}

static int wait_events(struct loop *l, uint64_t ns)
{
    struct timespec ts;
    uint64_t ms;
    int n;

    if (ns == TIMER_NEVER)
        return epoll_wait(l->ep, l->ev, EVENTS, -1);
    if (ns == 0)
        return epoll_wait(l->ep, l->ev, EVENTS, 0);
    if (!l->ms_only) {
        ts.tv_sec = (time_t)(ns / NS_PER_S);
        ts.tv_nsec = (long)(ns % NS_PER_S);
        n = epoll_pwait2(l->ep, l->ev, EVENTS, &ts, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        l->ms_only = true;
    }
    /* Rounded up: a timer may be late, never early (it would spin). */
    ms = ns / NS_PER_MS + (ns % NS_PER_MS ? 1 : 0);
    return epoll_wait(l->ep, l->ev, EVENTS, ms > 3600000 ? 3600000 : (int)ms);
}

static void deliver(struct loop *l)
{
    struct loop_src *src;
    unsigned events;
    uint32_t bits;

    for (l->cur = 0; l->cur < l->nev && !l->stop;) {
        src = l->ev[l->cur].data.ptr;
        bits = l->ev[l->cur].events;
        l->cur++;
        if (!src)
            continue; /* deleted by an earlier callback */
        events = (bits & EPOLLIN ? LOOP_IN : 0) |
                 (bits & EPOLLOUT ? LOOP_OUT : 0) |
                 (bits & (EPOLLERR | EPOLLHUP) ? LOOP_HUP : 0);
        events &= src->want | LOOP_HUP; /* it may want less by now */
        if (events)
            src->ready(src->ctx, events);
    }
    l->nev = l->cur = 0;
}

int loop_run(struct loop *l)
{
    uint64_t ns;
    bool more;
    int n;

    while (!l->stop) {
        more = poll_busy(l);
        if (l->stop)
            break;
        ns = more ? 0 : until_any(l);
        n = wait_events(l, ns);
        if (n < 0 && errno != EINTR)
            return -errno;
        l->nev = n > 0 ? n : 0;
        deliver(l);
        /* clock_run() fires a bounded number; what is left is due at once. */
        if (!l->stop && until(&l->clock) == 0)
            clock_run(&l->clock);
        if (!l->stop && until(l->vm) == 0)
            clock_run(l->vm);
    }
    l->stop = false; /* a stop asked for before a run counts for that run */
    return l->status;
}
