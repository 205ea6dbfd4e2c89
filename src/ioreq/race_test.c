/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings while another thread writes to them: a request is served as one
 * reading of each of its words has it, whatever is written meanwhile.
 */
#include "../bench/bench.h"
#include "../bench/race_fixture.h"
#include "../bench/trap_fixture.h"
#include "ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xen/hvm/ioreq.h>
#include <xen/xen.h>

#define MMIO   UINT64_C(0xf0000000)
#define PTR    UINT64_C(0x4000)
#define ROUNDS (RACE_FLIPS / 50)
#define FLIPS  (RACE_FLIPS / 4)

/* Of a buffered write: served when the slot was copied, before the slot is. */
#define BETWEEN 0xa5a5au

struct machine {
    struct io_msg seen[4097];
    unsigned n, between;
    struct flipper *f;
};

int machine_io(struct machine *m, const struct io_msg *q, uint64_t *out)
{
    *out = 0;
    if (q->addr == BETWEEN) {
        m->between++;
        for (unsigned i = 0; i < 8; i++)
            flipper_here(m->f);
        return 0;
    }
    assert_true(m->n < 4097);
    m->seen[m->n++] = *q;
    flipper_here(m->f);
    return 0;
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    return 0;
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return addr - MMIO < 0x10000;
}

/* What is written: words of a slot, and whole buffered entries. */
struct words {
    uint64_t *at;
    uint64_t val[4][8];
    uint64_t entry[8];
};

struct race {
    struct bench *b;
    struct machine m;
    struct ring r;
    struct ioreq slot[RING_VCPUS_MAX];
    struct buffered_iopage buf;
    struct words w;
};

static void no_invalidate(void *ctx)
{
}

static void no_timeoffset(void *ctx, int64_t s)
{
}

static uint64_t word_of(const struct ioreq *q, unsigned i)
{
    uint64_t v;

    memcpy(&v, (const uint8_t *)q + 8 * i, sizeof(v));
    return v;
}

static struct race *race_new(void)
{
    static const struct ioreq q[8] = {
        {.addr = 0x100,
         .data = 1,
         .count = 1,
         .size = 1,
         .type = 0,
         .state = STATE_IOREQ_READY},
        {.addr = MMIO,
         .data = UINT64_MAX,
         .count = 3,
         .size = 4,
         .type = 1,
         .state = STATE_IOREQ_READY},
        {.addr = 0x10100,
         .data = PTR,
         .count = 64,
         .size = 2,
         .type = 0,
         .state = STATE_IOREQ_READY,
         .data_is_ptr = 1},
        {.addr = UINT64_MAX,
         .data = PTR + 1,
         .count = 0,
         .size = 8,
         .type = 1,
         .state = STATE_IOREQ_READY,
         .data_is_ptr = 1,
         .df = 1},
        {.addr = 0xffff,
         .data = 0x1122334455667788,
         .count = 4097,
         .size = 3,
         .type = 2,
         .state = STATE_IOREQ_READY,
         .dir = 1},
        {.addr = UINT64_C(0x800000010),
         .data = 2,
         .count = UINT32_MAX,
         .size = 1u << 31,
         .type = 9,
         .state = STATE_IOREQ_READY},
        {.addr = MMIO + 0xfff,
         .data = 3,
         .count = 2,
         .size = 4,
         .type = 0,
         .state = STATE_IOREQ_READY,
         .dir = 1},
        {.addr = 0xa0000,
         .data = 4,
         .count = 5,
         .size = 8,
         .type = 1,
         .state = STATE_IOREQ_NONE},
    };
    struct race *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->b = bench_new(1 << 20);
    for (unsigned i = 0; i < 0x8000; i++)
        t->b->ram[i] = (uint8_t)(i * 7 + (i >> 8));
    t->r = (struct ring){.sync_page = t->slot,
                         .buf_page = &t->buf,
                         .vcpus = 1,
                         .machine = &t->m,
                         .gmem = &t->b->gmem,
                         .log = &t->b->log,
                         .invalidate = no_invalidate,
                         .timeoffset = no_timeoffset};
    for (unsigned i = 0; i < 8; i++)
        for (unsigned k = 0; k < 4; k++)
            t->w.val[k][i] = word_of(&q[i], k);
    t->slot[0] = q[0];
    return t;
}

static void race_free(struct race *t)
{
    assert_int_equal(t->b->pins, 0);
    bench_free(t->b);
    free(t);
}

static void flip_slot(void *ctx, uint64_t draw)
{
    struct words *w = ctx;
    unsigned k = draw & 3;

    __atomic_store_n(w->at + k, w->val[k][draw >> 2 & 7], __ATOMIC_RELAXED);
}

/* Whether it stood there once: the code under test writes bytes there too. */
static bool written(const struct words *w, unsigned k, uint64_t v)
{
    const uint64_t state = UINT64_C(0x0f) << 48, flags = UINT64_C(0xff) << 48;
    bool rest = false, byte = false;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t differs = v ^ w->val[k][i];

        if (k < 3 && !differs)
            return true;
        rest |= !(differs & ~flags);
        byte |= !(differs & flags & ~state);
    }
    /* answers: the machine's, and ones where there is none */
    return k == 3 ? rest && byte : k == 1 && !(v & (v + 1));
}

static bool sound(const struct ioreq *q)
{
    bool narrow = q->size == 1 || q->size == 2 || q->size == 4;

    if (!q->count || q->count > 4096 || q->type > 2)
        return false;
    if (q->type == IOREQ_TYPE_PIO)
        return narrow && q->addr < 0x10000;
    if (q->type == IOREQ_TYPE_PCI_CONFIG)
        return narrow;
    return narrow || q->size == 8;
}

/* The accesses that this request, and no other, asks for. */
static void check_served(struct race *t, const struct ioreq *q)
{
    uint64_t mask = q->size < 8 ? (UINT64_C(1) << (8 * q->size)) - 1 : ~0ull;
    unsigned n = sound(q) ? q->count : 0;

    if (q->type == IOREQ_TYPE_PCI_CONFIG &&
        (q->addr >> 32 > 0xff || (q->addr & 0xffffffff) > 0x100 - q->size))
        n = 0;
    assert_int_equal(t->m.n, n);
    for (unsigned i = 0; i < n; i++) {
        const struct io_msg *s = &t->m.seen[i];
        uint64_t step = (q->df ? -(uint64_t)i : i) * q->size, data = q->data;
        uint64_t addr = q->type == IOREQ_TYPE_COPY ? q->addr + step : q->addr;

        assert_int_equal(s->size, q->size);
        assert_int_equal(s->write, q->dir == IOREQ_WRITE);
        if (q->type != IOREQ_TYPE_PCI_CONFIG)
            assert_int_equal(s->addr, addr);
        if (!s->write)
            continue;
        if (q->data_is_ptr) {
            data = 0;
            gmem_read(&t->b->gmem, q->data + step, &data, q->size);
        }
        assert_int_equal(s->data, data & mask);
    }
}

/* What was served last is words that stood there, and nothing else. */
static void check_copy(struct race *t)
{
    struct ioreq q;

    memcpy(&q, t->r.job[0].copy, sizeof(q));
    for (unsigned k = 0; k < 4; k++)
        assert_true(written(&t->w, k, word_of(&q, k)));
    /* reads of strings change the memory that strings are written from */
    if (!(q.data_is_ptr && q.dir == IOREQ_READ))
        check_served(t, &q);
}

static void race_of_the_slot(void **state)
{
    struct race *t = race_new();
    struct flipper f = {.flip = flip_slot, .ctx = &t->w};
    unsigned rounds = 0, served = 0;

    t->w.at = (uint64_t *)(void *)t->slot;
    t->m.f = &f;
    for (unsigned i = 0; i < 511; i++)
        t->buf.buf_ioreq[i] = (struct buf_ioreq){
            .type = IOREQ_TYPE_COPY, .addr = BETWEEN, .dir = IOREQ_WRITE};
    assert_true(flipper_start(&f));
    while (!flipper_has(&f, FLIPS) || rounds < ROUNDS) {
        rounds++;
        t->m.n = 0;
        t->buf.write_pointer = t->buf.read_pointer + 1;
        flipper_here(&f);
        if (!ring_sync(&t->r, 0))
            continue;
        served++;
        check_copy(t);
    }
    flipper_stop(&f);
    assert_true(served > ROUNDS / 10);
    assert_int_equal(t->m.between, served);
    print_message("%u requests, %llu flips\n", served,
                  (unsigned long long)f.flips);
    race_free(t);
}

static void flip_buffered(void *ctx, uint64_t draw)
{
    static const uint32_t ptr[8] = {0,   1,   2,          510,
                                    511, 512, 0x7fffffff, UINT32_MAX};
    struct words *w = ctx;
    uint64_t rd = ptr[draw & 7], wr = rd + (draw >> 3 & 15);

    if (draw >> 7 & 3)
        __atomic_store_n(w->at + 1 + (draw >> 9) % 511,
                         w->entry[draw >> 32 & 7], __ATOMIC_RELAXED);
    else
        __atomic_store_n(
            w->at,
            (draw >> 9 & 1 ? ptr[draw >> 10 & 7] : wr & UINT32_MAX) << 32 | rd,
            __ATOMIC_RELAXED);
}

/* One entry's address, size and data; of an 8-byte one any two entries'. */
static bool one_of(const struct race *t, const struct io_msg *s)
{
    for (unsigned i = 0; i < 8; i++) {
        struct buf_ioreq b, high;

        memcpy(&b, &t->w.entry[i], sizeof(b));
        if (b.addr != s->addr || 1u << b.size != s->size ||
            (s->kind == IO_PIO) != (b.type == IOREQ_TYPE_PIO))
            continue;
        if (s->size < 4 && s->data == (b.data & ((1u << 8 * s->size) - 1)))
            return true;
        if (s->size == 4 && s->data == b.data)
            return true;
        for (unsigned k = 0; s->size == 8 && k < 8; k++) {
            memcpy(&high, &t->w.entry[k], sizeof(high));
            if (s->data == ((uint64_t)high.data << 32 | b.data))
                return true;
        }
    }
    return false;
}

static void race_of_the_buffered_ring(void **state)
{
    static const struct buf_ioreq e[8] = {
        {.type = 1, .addr = 0xa0000, .size = 0, .data = 0x11111111},
        {.type = 1, .addr = 0xa1111, .size = 1, .data = 0x22222222},
        {.type = 1, .addr = 0xb2222, .size = 2, .data = 0x33333333},
        {.type = 1, .addr = 0xb3333, .size = 3, .data = 0x44444444},
        {.type = 0, .addr = 0x00444, .size = 1, .data = 0x55555555},
        {.type = 0, .addr = 0x15555, .size = 0, .data = 0x66666666}, /* no */
        {.type = 1, .addr = 0xb6666, .size = 2, .data = 0x77777777, .dir = 1},
        {.type = 9, .addr = 0xb7777, .size = 3, .data = 0x88888888},
    };
    struct race *t = race_new();
    struct flipper f = {.flip = flip_buffered, .ctx = &t->w};
    unsigned rounds = 0;

    memcpy(t->w.entry, e, sizeof(e));
    t->w.at = (uint64_t *)(void *)&t->buf;
    for (unsigned i = 0; i < 511; i++)
        t->buf.buf_ioreq[i] = e[i & 7];
    t->m.f = &f;
    assert_true(flipper_start(&f));
    while (!flipper_has(&f, FLIPS) || rounds < ROUNDS / 10) {
        uint64_t before = t->r.buffered;

        rounds++;
        t->m.n = 0;
        flipper_here(&f);
        ring_buffered(&t->r);
        assert_true(t->r.buffered - before <= 511);
        for (unsigned i = 0; i < t->m.n; i++) {
            assert_true(t->m.seen[i].write);
            assert_true(one_of(t, &t->m.seen[i]));
        }
    }
    flipper_stop(&f);
    assert_true(t->r.buffered > ROUNDS / 10);
    print_message("%llu entries, %llu flips\n",
                  (unsigned long long)t->r.buffered,
                  (unsigned long long)f.flips);
    race_free(t);
}

#ifndef RACE_TSAN
static void nothing_flips(void *ctx, uint64_t draw)
{
}

/* Before each access another: a slot, or pointers between which one waits. */

#define PAIRS    8u
#define APART    60u
#define ACCESSES 20000u

static uint64_t pair(uint64_t nth)
{
    uint64_t rd = nth * 5 % PAIRS * APART;

    return (rd + 1) << 32 | rd;
}

static void change_pointers(void *ctx, uint64_t nth)
{
    *((struct words *)ctx)->at = pair(nth);
}

static void *trap_page(void)
{
    void *p = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    return p;
}

static void pointers_change_at_each_access(void **state)
{
    struct race *t = race_new();
    struct buffered_iopage *page = trap_page();
    struct trap trap = {(uint8_t *)page, change_pointers, &t->w};
    struct flipper none = {.flip = nothing_flips, .ctx = &t->w};

    t->w.at = (uint64_t *)(void *)page;
    for (unsigned i = 0; i < 511; i++)
        page->buf_ioreq[i] = (struct buf_ioreq){
            .type = 1, .addr = 0xa0000, .size = 2, .data = i};
    t->r.buf_page = page;
    t->m.f = &none;
    trap_start(&trap);
    while (trap.hits < ACCESSES) {
        uint64_t first = trap.hits;

        t->m.n = 0;
        ring_buffered(&t->r);
        /* what the pointers were when they were read, at the first access */
        assert_true(trap.hits - first >= 2);
        assert_int_equal(t->m.n, 1);
        assert_int_equal(t->m.seen[0].data, (uint32_t)pair(first));
    }
    trap_stop(&trap);
    munmap(page, TRAP_PAGE);
    race_free(t);
}

static void change_slot(void *ctx, uint64_t nth)
{
    struct words *w = ctx;
    uint64_t seed = nth + 1;

    for (unsigned k = 0; k < 4; k++)
        w->at[k] = w->val[k][flipper_draw(&seed) & 7];
}

static void slot_changes_at_each_access(void **state)
{
    struct race *t = race_new();
    struct ioreq *slot = trap_page();
    struct trap trap = {(uint8_t *)slot, change_slot, &t->w};
    struct flipper none = {.flip = nothing_flips, .ctx = &t->w};
    unsigned served = 0;

    t->w.at = (uint64_t *)(void *)slot;
    t->r.sync_page = slot;
    t->r.buf_page = NULL;
    t->m.f = &none;
    trap_start(&trap);
    while (trap.hits < ACCESSES) {
        t->m.n = 0;
        if (!ring_sync(&t->r, 0))
            continue;
        served++;
        check_copy(t);
    }
    trap_stop(&trap);
    assert_true(served > ACCESSES / 100);
    munmap(slot, TRAP_PAGE);
    race_free(t);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(race_of_the_slot),
        cmocka_unit_test(race_of_the_buffered_ring),
#ifndef RACE_TSAN
        cmocka_unit_test(pointers_change_at_each_access),
        cmocka_unit_test(slot_changes_at_each_access),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
