/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole machine behind the rings, and four vCPUs that send any request that
 * the ABI can carry: every form, memory that is RAM, hole or MMIO. Each turn
 * must end in bounded time (rule R4), and each request must be answered.
 * Arguments: SEED ROUNDS.
 */
#include "../machine/alloc_fixture.h"
#include "../machine/rig.h"
#include "ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <xen/hvm/ioreq.h>
#include <xen/xen.h>

#define VCPUS        4u
#define VBE_PAGE     0x10000u /* switches a mode off and on */
#define VERIFY_PAGE  0x20000u /* READ VERIFY */
#define TURN_CYCLES  100000u
#define TURN_NS_MOST 20000000u /* sanitizers and other load included */

static uint64_t rnd(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(uint64_t *s, uint64_t n)
{
    return rnd(s) % n;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t any_port(uint64_t *s)
{
    static const uint16_t base[] = {
        0x010, 0x060,  0x070,  0x080,  0x090,  0x0b0, 0x0c0, 0x170,
        0x1c0, 0x1f0,  0x370,  0x3b0,  0x3c0,  0x3d0, 0x3f0, 0x400,
        0xcf8, 0xae00, 0xafe0, 0xb000, 0xc000, 0xc100};

    return base[below(s, sizeof(base) / sizeof(base[0]))] + below(s, 16);
}

static uint64_t any_memory(uint64_t *s)
{
    switch (below(s, 6)) {
    case 0:
        return 0xa0000 + below(s, 0x20000);
    case 1:
        return 0xf0000000 + below(s, 0x2400000);
    case 2:
        return rnd(s) >> below(s, 64);
    default:
        return below(s, RIG_RAM_BYTES);
    }
}

static struct ioreq any_request(uint64_t *s)
{
    static const uint8_t type[] = {0, 0, 0, 0, 1, 1, 1, 2, 7, 8, 9};
    struct ioreq q = {.type = type[below(s, sizeof(type))],
                      .size = 1u << below(s, 4),
                      .dir = rnd(s) & 1,
                      .df = below(s, 8) == 0,
                      .data = rnd(s),
                      .count = 1,
                      .state = STATE_IOREQ_READY};

    if (below(s, 3) == 0) {
        q.count = (uint32_t)(1 + below(s, 4096 / q.size));
        q.data_is_ptr = below(s, 4) != 0;
    }
    if (q.data_is_ptr)
        q.data = any_memory(s);
    if (q.type == IOREQ_TYPE_PIO) {
        q.addr = any_port(s);
        if (q.size == 8)
            q.size = 2;
    } else if (q.type == IOREQ_TYPE_COPY) {
        q.addr = any_memory(s);
    } else {
        q.addr = below(s, 0x20) << 32 | below(s, 0x104);
    }
    return q;
}

static void nothing(void *ctx)
{
}

static void no_time(void *ctx, int64_t s)
{
}

static void fill(struct rig *r, uint64_t *s)
{
    for (unsigned i = 0; i < 64; i++) {
        uint64_t v = rnd(s), at = below(s, RIG_RAM_BYTES - 8);

        memcpy(r->b->ram + at, &v, sizeof(v));
    }
    for (unsigned i = 0; i < 2048; i++)
        r->b->ram[VBE_PAGE + 2 * i] = i & 1 ? 0x41 : 0;
    memset(r->b->ram + VERIFY_PAGE, 0x40, 4096);
}

/* A vCPU that is in the middle of another request goes on with that. */
static void rep_out(struct ioreq *slot, uint64_t port, unsigned size,
                    uint64_t data)
{
    if (slot->state != STATE_IOREQ_INPROCESS)
        *slot = (struct ioreq){.type = IOREQ_TYPE_PIO,
                               .addr = port,
                               .size = size,
                               .count = 4096 / size,
                               .data_is_ptr = 1,
                               .data = data,
                               .state = STATE_IOREQ_READY};
}

/* Elements that are expensive each: mode sets that clear, disk commands. */
static void worst_case(struct rig *r, struct ioreq *vga, struct ioreq *disk)
{
    static const uint16_t mode[][2] = {{4, 0}, {1, 1920}, {2, 1080}, {3, 8}};

    for (unsigned i = 0; i < 4; i++) {
        rig_out(r, 0x1ce, 2, mode[i][0]);
        rig_out(r, 0x1cf, 2, mode[i][1]);
    }
    rig_out(r, 0x1ce, 2, 4);
    rep_out(vga, 0x1cf, 2, VBE_PAGE);
    rig_out(r, 0x3f6, 1, 0);
    rig_out(r, 0x1f6, 1, 0xe0);
    for (uint16_t port = 0x1f2; port < 0x1f6; port++)
        rig_out(r, port, 1, 0); /* 256 sectors from 0 on */
    rep_out(disk, 0x1f7, 1, VERIFY_PAGE);
}

static unsigned seed_arg = 1, rounds_arg = 4000;

static void storm(void **state)
{
    static struct ioreq slot[VCPUS];
    static struct buffered_iopage buf;
    struct rig *r = rig_new();
    uint64_t s = seed_arg * UINT64_C(0x9e3779b97f4a7c15) + 1, worst = 0, ns;
    struct ring ring;

    rig_start(r);
    rig_firmware(r);
    memset(slot, 0, sizeof(slot));
    ring = (struct ring){.sync_page = slot,
                         .buf_page = &buf,
                         .vcpus = VCPUS,
                         .machine = r->m,
                         .gmem = &r->b->gmem,
                         .log = &r->b->log,
                         .invalidate = nothing,
                         .timeoffset = no_time,
                         .budget_cycles = TURN_CYCLES};
    fill(r, &s);
    alloc_count(true); /* rule R9: nothing is allocated for the guest */
    for (unsigned i = 0; i < rounds_arg; i++) {
        for (unsigned v = 0; v < VCPUS; v++)
            if (!ring_waiting(&ring, v))
                slot[v] = any_request(&s);
        if (i % 500 == 10)
            worst_case(r, &slot[0], &slot[1]);
        for (unsigned v = 0; v < VCPUS; v++) {
            ns = now_ns();
            ring_sync(&ring, v);
            ns = now_ns() - ns;
            worst = ns > worst ? ns : worst;
        }
        if (below(&s, 8) == 0)
            bench_step(r->b, below(&s, 20 * NS_PER_MS));
        if (below(&s, 64) == 0)
            fill(r, &s);
    }
    for (unsigned v = 0; v < VCPUS; v++)
        while (ring_waiting(&ring, v))
            ring_sync(&ring, v);
    alloc_count(false);
    assert_int_equal(alloc_seen(), 0);
    assert_int_equal(ring.unfinished, 0);
    for (unsigned v = 0; v < VCPUS; v++)
        assert_int_equal(slot[v].state, STATE_IORESP_READY);
    print_message("%llu requests, longest turn %llu us\n",
                  (unsigned long long)ring.requests,
                  (unsigned long long)worst / 1000);
    assert_true(worst < TURN_NS_MOST);
    rig_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(storm)};

    if (argc > 2) {
        seed_arg = (unsigned)atoi(argv[1]);
        rounds_arg = (unsigned)atoi(argv[2]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
