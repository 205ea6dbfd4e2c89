/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another vCPU: a thread that changes shared memory while the code under test
 * works on it. Whatever is done must be what one order of single reads would
 * have done. The total of all race tests is RACE_FLIPS; tests share it out.
 */
#ifndef HVMD_RACE_FIXTURE_H
#define HVMD_RACE_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __SANITIZE_THREAD__
#define RACE_TSAN
#endif
#ifdef __SANITIZE_ADDRESS__
#define RACE_ASAN
#endif
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define RACE_TSAN
#endif
#if __has_feature(address_sanitizer)
#define RACE_ASAN
#endif
#endif
#if defined(RACE_TSAN) || defined(RACE_ASAN)
#define RACE_FLIPS 500000u
#else
#define RACE_FLIPS 10000000u
#endif

struct flipper {
    void (*flip)(void *ctx, uint64_t draw); /* one store; another thread */
    void *ctx;
    uint64_t flips, seed;
    bool stop;
    pthread_t thread;
};

static inline uint64_t flipper_draw(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static inline void *flipper_main(void *arg)
{
    struct flipper *f = (struct flipper *)arg;
    uint64_t s = 88172645463325252u;

    while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
        f->flip(f->ctx, flipper_draw(&s));
        __atomic_fetch_add(&f->flips, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static inline bool flipper_start(struct flipper *f)
{
    f->flips = 0;
    f->stop = false;
    return pthread_create(&f->thread, NULL, flipper_main, f) == 0;
}

static inline bool flipper_has(struct flipper *f, uint64_t flips)
{
    return __atomic_load_n(&f->flips, __ATOMIC_RELAXED) >= flips;
}

/* Where there is one processor for both, at places that matter most. */
static inline void flipper_here(struct flipper *f)
{
    if (!f->seed)
        f->seed = 1;
    f->flip(f->ctx, flipper_draw(&f->seed));
    __atomic_fetch_add(&f->flips, 1, __ATOMIC_RELAXED);
}

static inline void flipper_stop(struct flipper *f)
{
    __atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
    pthread_join(f->thread, NULL);
}

/* A guest's store: no rule of C binds a guest, so no sanitizer looks at it. */
__attribute__((no_sanitize("thread"))) static inline void
guest_store32(uint8_t *at, uint32_t v)
{
    *(volatile uint32_t *)(void *)at = v;
}

#endif
