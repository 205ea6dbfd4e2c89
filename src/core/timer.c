/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hvmd/timer.h>
#include <stddef.h>
#include <time.h>

#define BUDGET 64

void clock_init(struct clock *c, uint64_t (*source)(void *), void *ctx)
{
    *c = (struct clock){.source = source, .ctx = ctx};
}

static uint64_t monotonic(void *ctx)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void clock_init_monotonic(struct clock *c)
{
    clock_init(c, monotonic, NULL);
    c->offset_ns = monotonic(NULL);
}

uint64_t clock_now(struct clock *c)
{
    return c->paused ? c->stopped_ns : c->source(c->ctx) - c->offset_ns;
}

void clock_pause(struct clock *c, bool on)
{
    if (c->paused == on)
        return;
    if (on)
        c->stopped_ns = clock_now(c);
    else
        c->offset_ns = c->source(c->ctx) - c->stopped_ns;
    c->paused = on;
}

void clock_set(struct clock *c, uint64_t now_ns)
{
    c->stopped_ns = now_ns;
}

bool clock_run(struct clock *c)
{
    if (c->paused || !c->head)
        return true;
    uint64_t now = clock_now(c);

    for (unsigned i = 0; i < BUDGET; i++) {
        struct timer *t = c->head;

        if (!t || t->when_ns > now)
            return true;
        timer_cancel(t);
        t->fire(t->ctx);
    }
    return !c->head || c->head->when_ns > now;
}

bool clock_run_work(struct clock *c)
{
    struct timer *t = c->paused ? NULL : c->head;

    while (t && !t->work)
        t = t->next;
    if (!t)
        return false;
    timer_cancel(t);
    t->fire(t->ctx);
    return true;
}

uint64_t clock_next(const struct clock *c)
{
    return c->paused || !c->head ? TIMER_NEVER : c->head->when_ns;
}

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *),
                void *ctx)
{
    *t = (struct timer){
        .when_ns = TIMER_NEVER, .fire = fire, .ctx = ctx, .clock = c};
}

void timer_cancel(struct timer *t)
{
    if (!timer_armed(t))
        return;
    if (t->prev)
        t->prev->next = t->next;
    else
        t->clock->head = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
    t->when_ns = TIMER_NEVER;
}

void timer_set(struct timer *t, uint64_t when_ns)
{
    struct timer *prev = NULL, *at;

    timer_cancel(t);
    if (when_ns == TIMER_NEVER)
        return;
    t->when_ns = when_ns;
    for (at = t->clock->head; at && at->when_ns <= when_ns; at = at->next)
        prev = at;
    t->prev = prev;
    t->next = at;
    if (at)
        at->prev = t;
    if (prev)
        prev->next = t;
    else
        t->clock->head = t;
}
