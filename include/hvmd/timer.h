/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and timers, in absolute nanoseconds. A machine has one VM clock: it
 * stands still while the machine is paused and is stepped by the bench. Loop
 * thread only; callbacks run from clock_run(), never from timer_set().
 */
#ifndef HVMD_TIMER_H
#define HVMD_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX
#define NS_PER_US   UINT64_C(1000)
#define NS_PER_MS   UINT64_C(1000000)
#define NS_PER_S    UINT64_C(1000000000)

struct timer {
    uint64_t when_ns; /* TIMER_NEVER: not armed */
    void (*fire)(void *ctx);
    void *ctx;
    struct clock *clock;
    struct timer *next, *prev; /* in the clock's list, by when_ns */
    /*
     * Work put off for the sake of others, nothing that the guest times: where
     * time stands still but for the guest (a bench), it may go on at once.
     */
    bool work;
};

struct clock {
    uint64_t (*source)(void *ctx); /* monotonic ns */
    void *ctx;
    uint64_t offset_ns;  /* subtracted from the source */
    uint64_t stopped_ns; /* the reading while paused */
    bool paused;
    struct timer *head;
};

void clock_init(struct clock *, uint64_t (*source)(void *), void *ctx);
void clock_init_monotonic(struct clock *); /* CLOCK_MONOTONIC from 0 */
uint64_t clock_now(struct clock *);
void clock_pause(struct clock *, bool);
/* Puts a paused clock to a reading; timers keep their absolute deadlines. */
void clock_set(struct clock *, uint64_t now_ns);
/* Fires what is due, at most 64 timers in one call; false: more are due. */
bool clock_run(struct clock *);
/* Fires the first armed timer of work, whatever the time; false: none. */
bool clock_run_work(struct clock *);
/* Next deadline in this clock's ns, TIMER_NEVER if none or paused. */
uint64_t clock_next(const struct clock *);

void timer_init(struct timer *, struct clock *, void (*fire)(void *),
                void *ctx);
/* Also re-arms. 0: as soon as the access at hand is answered. */
void timer_set(struct timer *, uint64_t when_ns);
void timer_cancel(struct timer *);
static inline bool timer_armed(const struct timer *t)
{
    return t->when_ns != TIMER_NEVER;
}

#endif
