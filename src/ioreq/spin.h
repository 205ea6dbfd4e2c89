/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long to look for the next request before sleeping. A guest in the midst
 * of programming a device sends requests a few microseconds apart; sleeping
 * between them costs three system calls and two context switches each. So we
 * look for about as long as sleeping would cost, which at worst doubles that
 * cost, and only while looking pays: the window opens when a request comes
 * soon after we slept and closes when looking was in vain. An idle guest costs
 * nothing. What a sleep costs is told by what a notification takes, a system
 * call too: the machine's own measure, whatever the machine.
 */
#ifndef HVMD_SPIN_H
#define HVMD_SPIN_H

#include <stdint.h>

#define SPIN_LEAST_NS 10000u /* of the longest window */
#define SPIN_MOST_NS  200000u
#define SPIN_CALLS    8u  /* notifications that one sleep is worth */
#define SPIN_FAILS    4u  /* vain looks in a row that halve the window */
#define SPIN_REST     16u /* wake-ups without a window after it closed */
#define SPIN_RESTS    8u  /* times the rest doubles */

struct spin {
    uint32_t window_ns; /* 0: closed */
    uint32_t open_ns;   /* the longest it gets; 0: not measured yet */
    uint32_t fails;
    uint32_t closes;   /* without a hit in between */
    uint32_t rest;     /* wake-ups that open nothing */
    uint64_t slept_ns; /* when we last went to sleep */
};

/* A notification took so long. */
static inline void spin_cost(struct spin *s, uint64_t call_ns)
{
    uint64_t worth = call_ns * SPIN_CALLS;

    if (s->open_ns) /* one that was interrupted tells little */
        worth = (s->open_ns * UINT64_C(3) + worth) / 4;
    s->open_ns = worth < SPIN_LEAST_NS  ? SPIN_LEAST_NS
                 : worth > SPIN_MOST_NS ? SPIN_MOST_NS
                                        : (uint32_t)worth;
}

/* A request was found by looking. */
static inline void spin_hit(struct spin *s)
{
    s->fails = s->closes = 0;
    s->window_ns = s->open_ns;
}

/* The window passed without one. */
static inline void spin_miss(struct spin *s, uint64_t now_ns)
{
    s->slept_ns = now_ns;
    if (s->window_ns && ++s->fails >= SPIN_FAILS) {
        s->fails = 0;
        s->window_ns /= 2;
        if (s->window_ns < SPIN_LEAST_NS / 2) {
            s->window_ns = 0;
            s->rest = SPIN_REST << s->closes;
            if (s->closes < SPIN_RESTS)
                s->closes++;
        }
    }
}

/*
 * A request woke us: had we looked a little longer, we would have seen it. Or
 * not: a guest that shares our physical CPU asks only once we sleep. That
 * shows in windows that close without a hit, ever longer rests follow.
 */
static inline void spin_woken(struct spin *s, uint64_t now_ns)
{
    if (s->rest)
        s->rest--;
    else if (!s->window_ns && now_ns - s->slept_ns < s->open_ns)
        s->window_ns = s->open_ns;
}

#endif
