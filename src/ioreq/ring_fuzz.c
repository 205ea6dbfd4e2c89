/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile bytes in the two pages that are shared with the hypervisor, also
 * changed while a request is served. The machine is only a judge: whatever
 * comes through must be an access that a bus may be asked for.
 */
#include "../bench/bench.h"
#include "../bench/fuzz.h"
#include "ring.h"

#include <string.h>
#include <xen/hvm/ioreq.h>
#include <xen/xen.h>

#define VCPUS  4u
#define RAM    16384u
#define LOW    UINT64_C(0x2000) /* a page that is MMIO, amid memory */
#define MMIO   UINT64_C(0xf0000000)
#define ENOUGH 20000u /* accesses of one input */

struct machine {
    struct bytes *in;
    uint8_t *page[2];
    bool busy; /* the guest writes to the pages meanwhile */
    unsigned io;
};

static void interfere(struct machine *m)
{
    if (!m->busy || !m->in->left)
        return;
    uint32_t at = (uint32_t)take(m->in, 2);

    m->page[at >> 15][at % 4096] = take8(m->in);
}

static void judge(enum io_kind kind, uint64_t addr, unsigned size)
{
    MUST(size == 1 || size == 2 || size == 4 || (size == 8 && kind == IO_MMIO));
    MUST(kind == IO_MMIO || addr <= 0xffff);
    MUST(kind != IO_PCI || (addr & 0xff) + size <= 256);
    fuzz_answer_num(addr ^ (uint64_t)kind << 56 ^ (uint64_t)size << 48);
}

int machine_io(struct machine *m, const struct io_msg *q, uint64_t *out)
{
    judge(q->kind, q->addr, q->size);
    MUST(q->size == 8 || !(q->data >> (8 * q->size)));
    fuzz_answer_num(q->data);
    *out = q->addr & (UINT64_MAX >> (64 - 8 * q->size));
    m->io++;
    interfere(m);
    return 0;
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    uint8_t *p = buf, sum = 0;

    if (kind == IO_PCI)
        return 0;
    judge(kind, addr, size);
    MUST(n && n <= RING_COUNT_MAX);
    m->io++;
    interfere(m);
    n = take8(m->in) & 1 ? n : n / 2;
    for (size_t i = 0; i < n * size; i++)
        if (wr)
            sum ^= p[i];
        else
            p[i] = sum;
    return n;
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return addr - LOW < 4096 || addr - MMIO < 65536;
}

struct world {
    struct machine m;
    struct ring ring;
    struct bytes in;
    union {
        struct ioreq slot[VCPUS];
        uint8_t raw[4096];
    } sync;
    union {
        struct buffered_iopage page;
        uint8_t raw[4096];
    } buf;
};

static void nothing(void *ctx)
{
}

static void ahead(void *ctx, int64_t s)
{
}

/* A request as Xen could write it, or nearly. */
static void request(struct world *w, uint8_t op)
{
    static const uint8_t types[] = {IOREQ_TYPE_PIO, IOREQ_TYPE_COPY,
                                    IOREQ_TYPE_PCI_CONFIG,
                                    IOREQ_TYPE_TIMEOFFSET};
    struct ioreq *q = &w->sync.slot[op >> 4 & 3];
    uint8_t how = take8(&w->in), flags = take8(&w->in);

    *q = (struct ioreq){.type = types[how & 3],
                        .size = 1u << (how >> 2 & 3),
                        .count = 1,
                        .state = STATE_IOREQ_READY,
                        .dir = flags & 1,
                        .df = flags >> 1 & 1,
                        .data_is_ptr = flags >> 2 & 1};
    q->addr = take(&w->in, 2);
    if (q->type == IOREQ_TYPE_COPY)
        q->addr += flags & 8 ? MMIO : LOW;
    if (flags & 16)
        q->addr = take(&w->in, 8);
    q->data = take(&w->in, flags & 32 ? 8 : 2);
    if (flags & 64)
        q->count = (uint32_t)take(&w->in, flags & 128 ? 4 : 2);
    if (how & 0x80)
        q->type = take8(&w->in);
    if (how & 0x40)
        q->size = take8(&w->in);
}

static void buffered(struct world *w, uint8_t op)
{
    struct buffered_iopage *p = &w->buf.page;
    unsigned n = 1 + (op >> 4);

    for (unsigned i = 0; i < n; i++) {
        struct buf_ioreq *b =
            &p->buf_ioreq[p->write_pointer % IOREQ_BUFFER_SLOT_NUM];
        uint8_t how = take8(&w->in);

        *b = (struct buf_ioreq){.type = how & 0x40 ? 1 : how >> 7 << 3,
                                .dir = how & 1,
                                .size = how >> 1 & 3,
                                .addr = (uint32_t)take(&w->in, 3),
                                .data = (uint32_t)take(&w->in, 2)};
        if (how & 8)
            b->type = take8(&w->in);
        p->write_pointer++;
    }
}

static void serve(struct world *w, unsigned vcpu)
{
    /* each turn ends with something done: more than all elements is a loop */
    for (unsigned i = 0; ring_waiting(&w->ring, vcpu) && w->m.io < ENOUGH;
         i++) {
        MUST(i <= RING_COUNT_MAX + 1);
        if (ring_sync(&w->ring, vcpu))
            break;
    }
}

static void one(struct world *w)
{
    uint8_t op = take8(&w->in), *page = op & 16 ? w->buf.raw : w->sync.raw;
    unsigned n;

    switch (op & 15) {
    case 0 ... 3:
        request(w, op);
        w->ring.budget_cycles = op & 0x80 ? 1 : 0;
        if (op & 3)
            serve(w, op >> 4 & 3);
        break;
    case 4:
    case 5:
        buffered(w, op);
        ring_buffered(&w->ring);
        break;
    case 6:
        ring_sync(&w->ring, op >> 4 & 3);
        break;
    case 7:
        ring_buffered(&w->ring);
        break;
    case 8:
        n = (unsigned)take(&w->in, 2);
        page[n % 4096] = take8(&w->in);
        break;
    case 9: /* pointers */
        n = op >> 5 & 1;
        (n ? &w->buf.page.write_pointer : &w->buf.page.read_pointer)[0] =
            (uint32_t)take(&w->in, op & 0x40 ? 4 : 1);
        break;
    case 10:
        w->m.busy = op & 16;
        break;
    case 11:
        w->ring.buf_page = op & 16 ? NULL : w->buf.raw;
        break;
    default:
        serve(w, op >> 4 & 3);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bench *b = bench_new(RAM);
    struct world *w = calloc(1, sizeof(*w));

    MUST(w);
    b->hole_gpa = 0x3000;
    b->hole_len = 0x800;
    w->in = (struct bytes){data, len};
    w->m = (struct machine){.in = &w->in, .page = {w->sync.raw, w->buf.raw}};
    w->ring = (struct ring){.sync_page = w->sync.raw,
                            .buf_page = w->buf.raw,
                            .vcpus = VCPUS,
                            .machine = &w->m,
                            .gmem = &b->gmem,
                            .log = &b->log,
                            .invalidate = nothing,
                            .timeoffset = ahead,
                            .ctx = w};
    for (unsigned i = 0; i < 256 && w->in.left && w->m.io < ENOUGH; i++)
        one(w);
    fuzz_answer(&w->sync, sizeof(w->sync));
    fuzz_answer(&w->buf, sizeof(w->buf));
    w->m.busy = false;
    for (unsigned v = 0; v < VCPUS; v++)
        serve(w, v);
    MUST((!w->ring.unfinished || w->m.io >= ENOUGH) && !b->pins);
    free(w);
    bench_free(b);
    return 0;
}
