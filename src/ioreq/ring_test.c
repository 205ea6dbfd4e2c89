/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings against a machine that is only a record: 16 bytes of ports at
 * 0x100, a linear MMIO array at 0xf0000000, config space of one function.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../bench/bench.h"
#include "place.h"
#include "ring.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/ioreq.h>
#include <xen/xen.h>

#define MMIO      UINT64_C(0xf0000000)
#define MMIO_SIZE 8192
#define LOW       UINT64_C(0x5000) /* one page of the same array amid memory */

struct machine {
    struct {
        enum io_kind kind;
        bool write;
        unsigned size;
        uint64_t addr, data;
    } seen[64];
    unsigned n, reps, copies;
    bool no_bursts, low;
    struct ioreq *scribble; /* all of it, in the middle of each access */
    uint8_t mem[MMIO_SIZE];
    uint8_t next;
};

static uint64_t mmio_offset(const struct machine *m, uint64_t addr)
{
    return m->low && addr - LOW < 4096 ? addr - LOW : addr - MMIO;
}

int machine_io(struct machine *m, const struct io_msg *q, uint64_t *out)
{
    unsigned at = m->n++ % 64;

    if (m->scribble)
        memset(m->scribble, 0x5a, sizeof(*m->scribble));
    m->seen[at].kind = q->kind;
    m->seen[at].write = q->write;
    m->seen[at].size = q->size;
    m->seen[at].addr = q->addr;
    m->seen[at].data = q->data;
    if (q->kind == IO_MMIO &&
        mmio_offset(m, q->addr) <= MMIO_SIZE - (uint64_t)q->size) {
        uint8_t *p = m->mem + mmio_offset(m, q->addr);

        if (q->write)
            memcpy(p, &q->data, q->size);
        *out = 0;
        memcpy(out, p, q->size);
    } else if (!q->write) {
        *out = m->next++;
    }
    return 0;
}

static void rep(struct machine *m, unsigned size, bool wr, void *buf, size_t n)
{
    m->reps++;
    if (!wr)
        for (size_t i = 0; i < n; i++) {
            uint64_t v = m->next++;

            memcpy((uint8_t *)buf + i * size, &v, size);
        }
    else
        memcpy(m->mem, buf, n * size);
}

static void copy(struct machine *m, uint64_t addr, unsigned size, bool wr,
                 void *buf, size_t n)
{
    m->copies++;
    if (wr)
        memcpy(m->mem + (addr - MMIO), buf, n * size);
    else
        memcpy(buf, m->mem + (addr - MMIO), n * size);
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    if (m->no_bursts || kind == IO_PCI)
        return 0;
    if (kind == IO_PIO)
        rep(m, size, wr, buf, n);
    else
        copy(m, addr, size, wr, buf, n);
    return n;
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return mmio_offset(m, addr) < MMIO_SIZE;
}

struct rig {
    struct bench *b;
    struct machine m;
    struct ring r;
    struct ioreq slot[128];
    struct buffered_iopage buf;
    unsigned invalidated;
    int64_t offset;
};

static void on_invalidate(void *ctx)
{
    ((struct rig *)ctx)->invalidated++;
}

static void on_timeoffset(void *ctx, int64_t s)
{
    ((struct rig *)ctx)->offset = s;
}

static int setup(void **s)
{
    struct rig *t = calloc(1, sizeof(*t));

    t->b = bench_new(1 << 20);
    t->r = (struct ring){.sync_page = t->slot,
                         .buf_page = &t->buf,
                         .vcpus = 4,
                         .machine = &t->m,
                         .gmem = &t->b->gmem,
                         .log = &t->b->log,
                         .invalidate = on_invalidate,
                         .timeoffset = on_timeoffset,
                         .ctx = t};
    *s = t;
    return 0;
}

static int teardown(void **s)
{
    struct rig *t = *s;

    assert_int_equal(t->b->pins, 0);
    bench_free(t->b);
    free(t);
    return 0;
}

static uint64_t call(struct rig *t, unsigned vcpu, struct ioreq q)
{
    q.state = STATE_IOREQ_READY;
    q.vp_eport = 77;
    t->slot[vcpu] = q;
    assert_true(ring_waiting(&t->r, vcpu));
    assert_true(ring_sync(&t->r, vcpu));
    assert_int_equal(t->slot[vcpu].state, STATE_IORESP_READY);
    assert_int_equal(t->slot[vcpu].vp_eport, 77);
    assert_int_equal(t->slot[vcpu].type, q.type);
    assert_int_equal(t->slot[vcpu].df, q.df);
    assert_false(ring_sync(&t->r, vcpu));
    return t->slot[vcpu].data;
}

#define Q(...) ((struct ioreq){.count = 1, .size = 1, __VA_ARGS__})

static void port_value(void **s)
{
    struct rig *t = *s;

    t->m.next = 0x42;
    assert_int_equal(
        call(t, 0,
             Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x102, .data = 7)),
        0x42);
    call(t, 3,
         Q(.type = IOREQ_TYPE_PIO, .addr = 0x103, .size = 2,
           .data = 0xdeadbeef));
    assert_int_equal(t->m.seen[1].data, 0xbeef);
    assert_true(t->m.seen[1].write);
    assert_int_equal(t->m.seen[1].addr, 0x103);
    assert_int_equal(t->m.n, 2);
}

static void idle_slot_is_left_alone(void **s)
{
    struct rig *t = *s;

    for (unsigned st = 0; st < 16; st++) {
        t->slot[1] = Q(.type = 0, .state = st & 15);
        if (st == STATE_IOREQ_READY)
            continue;
        assert_false(ring_sync(&t->r, 1));
        assert_int_equal(t->slot[1].state, st);
    }
}

static void ins_fills_memory_up_and_down(void **s)
{
    struct rig *t = *s;

    t->m.next = 1;
    assert_int_equal(
        call(t, 0,
             Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x1f0, .size = 2,
               .count = 4, .data_is_ptr = 1, .data = 0x1ffe)),
        0x1ffe); /* over a page boundary */
    assert_int_equal(t->m.reps, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(t->b->ram[0x1ffe + 2 * i], 1 + i);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x1f0, .size = 4,
           .count = 3, .df = 1, .data_is_ptr = 1, .data = 0x3008));
    assert_int_equal(t->m.reps, 1);
    assert_int_equal(t->b->ram[0x3008], 5);
    assert_int_equal(t->b->ram[0x3004], 6);
    assert_int_equal(t->b->ram[0x3000], 7);
}

static void ins_element_over_a_page(void **s)
{
    struct rig *t = *s;

    t->m.next = 9;
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x1f0, .size = 4,
           .data_is_ptr = 1, .data = 0x1ffd));
    assert_int_equal(t->b->ram[0x1ffd], 9);
    assert_int_equal(t->b->ram[0x1ffe], 0);
}

static void outs_reads_memory(void **s)
{
    struct rig *t = *s;

    memcpy(t->b->ram + 0x500, "hostile", 7);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .addr = 0x402, .count = 7, .data_is_ptr = 1,
           .data = 0x500));
    assert_memory_equal(t->m.mem, "hostile", 7);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .addr = 0x402, .count = 2, .df = 1,
           .data_is_ptr = 1, .data = 0x501));
    assert_int_equal(t->m.seen[0].data, 'o');
    assert_int_equal(t->m.seen[1].data, 'h');
}

static void holes_read_ones_and_swallow(void **s)
{
    struct rig *t = *s;

    t->b->hole_gpa = 0x4000;
    t->b->hole_len = 0x1000;
    memset(t->b->ram + 0x4000, 0x11, 0x1000);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .addr = 0x100, .size = 2, .count = 4,
           .data_is_ptr = 1, .data = 0x4000));
    assert_int_equal(t->m.mem[0], 0xff);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .size = 2,
           .count = 8, .data_is_ptr = 1, .data = 0x3ff8));
    assert_int_equal(t->b->ram[0x4000], 0x11);
    call(t, 0,
         Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .size = 4,
           .count = 2, .data_is_ptr = 1, .data = UINT64_MAX - 2)); /* wraps */
}

static void mmio_value_forms(void **s)
{
    struct rig *t = *s;

    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .addr = MMIO + 8, .size = 8,
           .data = 0x1122334455667788));
    assert_int_equal(call(t, 0,
                          Q(.type = IOREQ_TYPE_COPY, .dir = 1,
                            .addr = MMIO + 12, .size = 2)),
                     0x3344);
    /* rep stos, down */
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .addr = MMIO + 6, .size = 2, .count = 3,
           .df = 1, .data = 0xabcd));
    assert_int_equal(t->m.mem[2], 0xcd);
    assert_int_equal(t->m.mem[7], 0xab);
    assert_int_equal(t->m.mem[1], 0);
}

static void mmio_to_memory_and_back(void **s)
{
    struct rig *t = *s;

    for (int i = 0; i < 64; i++)
        t->m.mem[i] = (uint8_t)i;
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO, .size = 4,
           .count = 8, .data_is_ptr = 1, .data = 0x2000));
    assert_int_equal(t->m.copies, 1);
    assert_memory_equal(t->b->ram + 0x2000, t->m.mem, 32);
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .dir = 0, .addr = MMIO + 0x104, .size = 4,
           .count = 2, .df = 1, .data_is_ptr = 1, .data = 0x2004));
    assert_memory_equal(t->m.mem + 0x100, t->m.mem, 8);
}

static void mmio_to_mmio(void **s)
{
    struct rig *t = *s;

    for (int i = 0; i < 64; i++)
        t->m.mem[i] = (uint8_t)(i + 1);
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO, .size = 8,
           .count = 4, .data_is_ptr = 1, .data = MMIO + 0x200));
    assert_memory_equal(t->m.mem + 0x200, t->m.mem, 32);
    assert_int_equal(t->m.copies, 0);
}

/* As a string that runs from 9ffff into the video window. */
static void element_half_in_mmio(void **s)
{
    struct rig *t = *s;

    t->m.low = true;
    memcpy(t->b->ram + 0x4ffe, "ab", 2);
    memcpy(t->b->ram + 0x6000, "yz", 2);
    memcpy(t->m.mem, "CD", 2);
    memcpy(t->m.mem + 4094, "WX", 2);
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .addr = MMIO + 0x1800, .size = 4,
           .data_is_ptr = 1, .data = 0x4ffe));
    assert_memory_equal(t->m.mem + 0x1800, "abCD", 4);
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .addr = MMIO + 0x1800, .size = 4,
           .data_is_ptr = 1, .data = 0x5ffe));
    assert_memory_equal(t->m.mem + 0x1800, "WXyz", 4);
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO + 0x1800, .size = 4,
           .data_is_ptr = 1, .data = 0x4ffd));
    assert_memory_equal(t->b->ram + 0x4ffd, "WXy", 3);
    assert_int_equal(t->m.mem[0], 'z');
    call(t, 0,
         Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO + 0x1800, .size = 8,
           .data_is_ptr = 1, .data = 0x5ffd));
    assert_memory_equal(t->m.mem + 4093, "WXy", 3);
    assert_int_equal(t->b->ram[0x6000], 'z');
}

static void config_by_sbdf(void **s)
{
    struct rig *t = *s;
    uint64_t sbdf = UINT64_C(0x19) << 32; /* 00:03.1 */

    t->m.next = 0x12;
    assert_int_equal(
        call(t, 0,
             Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1, .addr = sbdf | 0x3d)),
        0x12);
    assert_int_equal(t->m.seen[0].kind, IO_PCI);
    assert_int_equal(t->m.seen[0].addr, 0x193d);
    assert_int_equal(call(t, 0,
                          Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1,
                            .addr = sbdf | 0x100, .size = 4)),
                     0xffffffff);
    assert_int_equal(call(t, 0,
                          Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1,
                            .addr = sbdf | 0xfe, .size = 4)),
                     0xffffffff);
    assert_int_equal(call(t, 0,
                          Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1,
                            .addr = UINT64_C(1) << 40)),
                     0xff);
    assert_int_equal(t->m.n, 1);
}

/* INS and OUTS at 0xcfc come as such: the register stays, memory moves. */
static void config_strings(void **s)
{
    struct rig *t = *s;
    uint64_t sbdf = UINT64_C(0x19) << 32;

    t->m.next = 5;
    call(t, 0,
         Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1, .addr = sbdf | 0x10,
           .size = 4, .count = 3, .data_is_ptr = 1, .data = 0x1000));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t->b->ram[0x1000 + 4 * i], 5 + i);
        assert_int_equal(t->m.seen[i].kind, IO_PCI);
        assert_int_equal(t->m.seen[i].addr, 0x1910);
    }
    t->b->ram[0x1100] = 0x77;
    call(t, 0,
         Q(.type = IOREQ_TYPE_PCI_CONFIG, .addr = sbdf | 0x3c, .count = 1,
           .data_is_ptr = 1, .data = 0x1100));
    assert_int_equal(t->m.seen[3].data, 0x77);
    assert_true(t->m.seen[3].write);
}

/* Elements that are served one by one go on in the next turn. */
static void long_strings_take_turns(void **s)
{
    struct rig *t = *s;
    struct ioreq q =
        Q(.type = IOREQ_TYPE_PIO, .addr = 0x1cf, .size = 2, .count = 2048,
          .data_is_ptr = 1, .data = 0x2000, .state = STATE_IOREQ_READY);
    unsigned turns = 1;

    t->m.no_bursts = true;
    t->r.budget_cycles = 1; /* the shortest turn: one element */
    for (unsigned i = 0; i < 2048; i++)
        t->b->ram[0x2000 + 2 * i] = (uint8_t)i;
    t->slot[2] = q;
    while (!ring_sync(&t->r, 2)) {
        assert_true(ring_waiting(&t->r, 2));
        assert_int_equal(t->slot[2].state, STATE_IOREQ_INPROCESS);
        assert_int_equal(t->m.seen[(t->m.n - 1) % 64].data & 0xff,
                         (uint8_t)(t->m.n - 1));
        assert_int_equal(t->r.unfinished, 1);
        /* Whatever the page says by now: the copy is what counts. */
        memset(&t->slot[2], 0xa5, offsetof(struct ioreq, vp_eport));
        turns++;
    }
    assert_int_equal(t->m.n, 2048);
    assert_int_equal(turns, 2048);
    assert_int_equal(t->r.unfinished, 0);
    assert_int_equal(t->r.requests, 1);
    assert_false(ring_waiting(&t->r, 2));
    assert_int_equal(t->slot[2].state, STATE_IORESP_READY);
    /* Another vCPU is served between two turns. */
    t->slot[2] = q;
    assert_false(ring_sync(&t->r, 2));
    t->slot[1] =
        Q(.type = IOREQ_TYPE_PIO, .addr = 0x80, .state = STATE_IOREQ_READY);
    assert_true(ring_sync(&t->r, 1));
    assert_int_equal(t->r.unfinished, 1);
    while (!ring_sync(&t->r, 2))
        ;
    assert_int_equal(t->m.n, 2 * 2048 + 1);
}

/* The value form: a read yields its last element, over all turns. */
static void value_forms_take_turns(void **s)
{
    struct rig *t = *s;

    t->r.budget_cycles = 1;
    for (int i = 0; i < 8; i++)
        t->m.mem[i] = (uint8_t)(0x30 + i);
    t->slot[0] = Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO, .count = 4,
                   .state = STATE_IOREQ_READY);
    for (int i = 0; i < 3; i++)
        assert_false(ring_sync(&t->r, 0));
    assert_true(ring_sync(&t->r, 0));
    assert_int_equal(t->slot[0].data, 0x33);
}

/* XSA-197, XSA-199: sizes, counts, ports and types from a hostile page. */
static void xsa_197_and_199_bad_requests_are_answered(void **s)
{
    struct rig *t = *s;
    const struct ioreq bad[] = {
        Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x10000),
        Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .size = 8),
        Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .size = 0),
        Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .size = 1u << 31),
        Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x100, .count = 0),
        Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO, .size = 3),
        Q(.type = IOREQ_TYPE_COPY, .dir = 1, .addr = MMIO, .count = UINT32_MAX),
        Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1, .size = 8),
        Q(.type = IOREQ_TYPE_PCI_CONFIG, .dir = 1, .count = 4097),
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t v = call(t, 0, bad[i]);

        if (!bad[i].data_is_ptr)
            assert_int_equal(v, UINT64_MAX);
    }
    assert_int_equal(t->r.malformed, sizeof(bad) / sizeof(bad[0]));
    for (unsigned type = 3; type < 256; type++)
        if (type != IOREQ_TYPE_TIMEOFFSET && type != IOREQ_TYPE_INVALIDATE)
            assert_int_equal(call(t, 0, Q(.type = (uint8_t)type, .dir = 1)),
                             UINT64_MAX);
    assert_int_equal(t->r.unknown, 253 - 2);
    assert_int_equal(t->m.n, 0);
    assert_true(t->b->log.guest_dropped > 200);
}

static void invalidate_with_count_zero(void **s)
{
    struct rig *t = *s;

    call(t, 0,
         Q(.type = IOREQ_TYPE_INVALIDATE, .size = 4, .count = 0,
           .data = UINT64_MAX));
    assert_int_equal(t->invalidated, 1);
    assert_int_equal(t->r.malformed, 0);
}

static void push(struct rig *t, unsigned log2_size, uint32_t addr, uint64_t v)
{
    struct buf_ioreq *b = t->buf.buf_ioreq;
    uint32_t w = t->buf.write_pointer;

    b[w++ % 511] = (struct buf_ioreq){.type = IOREQ_TYPE_COPY,
                                      .size = log2_size & 3,
                                      .addr = addr & 0xfffff,
                                      .data = (uint32_t)v};
    if (log2_size == 3)
        b[w++ % 511] = (struct buf_ioreq){.data = (uint32_t)(v >> 32)};
    t->buf.write_pointer = w;
}

static void buffered_writes_come_before_a_request(void **s)
{
    struct rig *t = *s;

    push(t, 0, 0xa0000, 0x11);
    push(t, 3, 0xb8000, 0x1122334455667788);
    push(t, 2, 0xa0004, 0xfeedface);
    call(t, 0, Q(.type = IOREQ_TYPE_PIO, .dir = 1, .addr = 0x3da));
    assert_int_equal(t->m.n, 4);
    assert_int_equal(t->m.seen[0].addr, 0xa0000);
    assert_int_equal(t->m.seen[1].data, 0x1122334455667788);
    assert_int_equal(t->m.seen[1].size, 8);
    assert_int_equal(t->m.seen[3].kind, IO_PIO);
    assert_int_equal(t->buf.read_pointer, 4);
    assert_false(ring_buffered(&t->r));
}

static void buffered_ring_wraps(void **s)
{
    struct rig *t = *s;

    t->buf.read_pointer = t->buf.write_pointer = 510;
    push(t, 3, 0xa0000, 0xaaaaaaaabbbbbbbb);
    assert_true(ring_buffered(&t->r));
    assert_int_equal(t->m.seen[0].data, 0xaaaaaaaabbbbbbbb);
    assert_int_equal(t->buf.read_pointer, 512);
}

/* XSA-197: what is written to the slot while its request is served. */
static void xsa_197_cve_2016_9381_slot_changes_under_way(void **s)
{
    struct rig *t = *s;
    struct ioreq *slot = &t->slot[2];

    *slot = Q(.type = IOREQ_TYPE_PIO, .addr = 0x104, .size = 2, .count = 7,
              .data = 0x1234, .state = STATE_IOREQ_READY);
    t->m.scribble = slot;
    assert_true(ring_sync(&t->r, 2));
    assert_int_equal(t->m.n, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(t->m.seen[i].kind, IO_PIO);
        assert_true(t->m.seen[i].write);
        assert_int_equal(t->m.seen[i].size, 2);
        assert_int_equal(t->m.seen[i].addr, 0x104);
        assert_int_equal(t->m.seen[i].data, 0x1234);
    }
    assert_int_equal(slot->state, STATE_IORESP_READY);
}

/* XSA-199: a port of the buffered ring has 20 bits, one of a slot has 64. */
static void xsa_199_cve_2016_9637_port_above_16_bits(void **s)
{
    struct rig *t = *s;
    struct buf_ioreq *b = t->buf.buf_ioreq;

    for (unsigned i = 16; i < 64; i++)
        for (unsigned dir = 0; dir < 2; dir++)
            call(t, 0,
                 Q(.type = IOREQ_TYPE_PIO, .dir = dir & 1,
                   .addr = UINT64_C(1) << i | 0x100));
    for (unsigned i = 16; i < 20; i++)
        b[t->buf.write_pointer++] = (struct buf_ioreq){
            .type = IOREQ_TYPE_PIO, .addr = (1u << i | 0x100) & 0xfffff};
    ring_buffered(&t->r);
    assert_int_equal(t->buf.read_pointer, 4);
    assert_int_equal(t->r.malformed, 2 * 48 + 4);
    assert_int_equal(t->m.n, 0);
}

/* XSA-197: an 8-byte entry whose second slot has not come. */
static void xsa_197_half_entry_waits(void **s)
{
    struct rig *t = *s;

    push(t, 3, 0xa0000, 1);
    t->buf.write_pointer--;
    assert_false(ring_buffered(&t->r)); /* or the loop would never sleep */
    assert_int_equal(t->buf.read_pointer, 0);
    assert_int_equal(t->m.n, 0);
    t->buf.write_pointer++;
    ring_buffered(&t->r);
    assert_int_equal(t->buf.read_pointer, 2);
}

/* A write pointer gone wild costs at most one turn of the ring. */
static void buffered_ring_has_a_budget(void **s)
{
    struct rig *t = *s;

    t->buf.write_pointer = UINT32_MAX;
    assert_true(ring_buffered(&t->r));
    assert_int_equal(t->r.buffered, 511);
    assert_int_equal(t->buf.read_pointer, 511);
}

static void buffered_timeoffset_and_read(void **s)
{
    struct rig *t = *s;

    push(t, 3, 0, (uint64_t)-3600);
    t->buf.buf_ioreq[0].type = IOREQ_TYPE_TIMEOFFSET;
    push(t, 0, 0xa0000, 0);
    t->buf.buf_ioreq[2].dir = 1;
    ring_buffered(&t->r);
    assert_int_equal(t->offset, -3600);
    assert_int_equal(t->r.malformed, 1);
    assert_int_equal(t->m.n, 0);
}

static void video_memory_waits_behind_ram(void **s)
{
    const uint64_t mib = 1 << 20, gib = 1 << 30;

    assert_int_equal(place_staging_gfn(240 * mib, 0), 240 * mib / 4096);
    assert_int_equal(place_staging_gfn(241 * mib, 0), 242 * mib / 4096);
    assert_int_equal(place_staging_gfn(3 * gib, 0), 3 * gib / 4096);
    /* up to the hole: not where BARs go */
    assert_int_equal(place_staging_gfn(3840 * mib, 0), 4 * gib / 4096);
    assert_int_equal(place_staging_gfn(3800 * mib, 0), 4 * gib / 4096);
    assert_int_equal(place_staging_gfn(8 * gib, 0),
                     (8 * gib + 256 * mib) / 4096);
    /* a larger hole (mmio_hole=2048) splits the memory earlier */
    assert_int_equal(place_staging_gfn(3 * gib, 2 * gib), 5 * gib / 4096);
    assert_int_equal(place_staging_gfn(gib, 2 * gib), gib / 4096);
    assert_int_equal(place_staging_gfn(1920 * mib, 2 * gib), 4 * gib / 4096);
}

/* The guest's BAR laid across the place where video memory waits. */
static void vram_across_its_waiting_place(void **s)
{
    (void)s;
    assert_false(place_clashes(0xf0000, 0x10000, 4096));
    assert_false(place_clashes(0x10000, 0x10000, 4096)); /* all of it */
    assert_true(place_clashes(0x10001, 0x10000, 4096));
    assert_true(place_clashes(0x10fff, 0x10000, 4096));
    assert_false(place_clashes(0x11000, 0x10000, 4096));
    assert_true(place_clashes(0xf001, 0x10000, 4096));
    assert_false(place_clashes(0xf000, 0x10000, 4096));
}

static void random_pages_do_no_harm(void **s)
{
    struct rig *t = *s;
    uint32_t x = 1;

    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *p = (uint8_t *)&t->slot[i & 3];

        for (unsigned k = 0; k < sizeof(struct ioreq); k++) {
            x = x * 1664525 + 1013904223;
            p[k] = (uint8_t)(x >> 24);
            if (k % 8 > 2 && k < 24 && x & 0x100)
                p[k] = 0;
        }
        t->slot[i & 3].type = (uint8_t)(i % 11);
        t->slot[i & 3].state = STATE_IOREQ_READY;
        while (!ring_sync(&t->r, i & 3))
            assert_true(ring_waiting(&t->r, i & 3));
        t->r.budget_cycles = i & 0x1000 ? 20000 : 0;
    }
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(port_value),
        T(idle_slot_is_left_alone),
        T(ins_fills_memory_up_and_down),
        T(ins_element_over_a_page),
        T(outs_reads_memory),
        T(holes_read_ones_and_swallow),
        T(mmio_value_forms),
        T(mmio_to_memory_and_back),
        T(mmio_to_mmio),
        T(element_half_in_mmio),
        T(config_by_sbdf),
        T(config_strings),
        T(long_strings_take_turns),
        T(value_forms_take_turns),
        T(xsa_197_and_199_bad_requests_are_answered),
        T(invalidate_with_count_zero),
        T(buffered_writes_come_before_a_request),
        T(buffered_ring_wraps),
        T(xsa_197_cve_2016_9381_slot_changes_under_way),
        T(xsa_199_cve_2016_9637_port_above_16_bits),
        T(xsa_197_half_entry_waits),
        T(buffered_ring_has_a_budget),
        T(buffered_timeoffset_and_read),
        T(video_memory_waits_behind_ram),
        T(vram_across_its_waiting_place),
        T(random_pages_do_no_harm),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
