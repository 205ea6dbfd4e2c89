/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "../bench/bench.h"
#include "../ioreq/ring.h"
#include "tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/ioreq.h>

/* Records in front of one request: its elements may be one read each. */
#define WAIT_MOST (2 * RING_COUNT_MAX)
#define LOOK_MOST 64u /* of those, looked at for one access */
#define STEP_MOST (UINT64_C(60) * NS_PER_S)
#ifndef RAM_MOST                       /* fuzz targets have less */
#define RAM_MOST (UINT64_C(256) << 20) /* no hole begins below it */
#endif

struct waits {
    struct trace_rec rec;
    bool used;
};

struct replay {
    struct trace t;
    struct machine_conf conf;
    struct bench *b;
    struct gmem gmem; /* in front of the bench's */
    struct tape disk[MACHINE_DISKS];
    struct chr chr[MACHINE_SERIALS + 1];
    struct net net[MACHINE_NICS];
    struct machine *m;
    struct ring ring;
    struct ioreq page[HV_PAGE_BYTES / sizeof(struct ioreq)];
    struct waits wait[WAIT_MOST];
    unsigned nwait, at[2]; /* where the next read, write is looked for */
    uint8_t *rom;          /* stands for any ROM */
    bool images;           /* of all disks that have a medium */
    bool ended;
    struct replay_counts n;
};

static struct replay *of(struct gmem *g)
{
    return (struct replay *)((char *)g - offsetof(struct replay, gmem));
}

/* Differences */

static void differs(struct replay *r, const struct trace_rec *t, uint64_t then,
                    uint64_t now)
{
    bool memory = t->flags & TRACE_PTR;
    struct replay_place *p = r->n.place;
    struct replay_place *end = p + r->n.nplaces;

    r->n.differ++;
    for (; p < end; p++)
        if (p->type == t->type && p->size == t->size && p->addr == t->addr &&
            p->memory == memory) {
            p->times++;
            return;
        }
    if (r->n.nplaces == REPLAY_PLACES)
        return;
    *p = (struct replay_place){t->type, t->size, memory,        t->addr,
                               then,    now,     r->n.requests, 1};
    r->n.nplaces++;
}

/* Guest memory: as devices found it then */

/* What was recorded of that access; about in the order of then. */
static const struct trace_rec *find(struct replay *r, enum trace_kind kind,
                                    uint64_t gpa, uint64_t len)
{
    unsigned *at = &r->at[kind == TRACE_WROTE];

    while (*at < r->nwait &&
           (r->wait[*at].used || r->wait[*at].rec.kind != kind))
        ++*at;
    for (unsigned i = *at; i < r->nwait && i - *at < LOOK_MOST; i++) {
        struct waits *w = &r->wait[i];

        if (w->used || w->rec.kind != kind || w->rec.addr != gpa ||
            w->rec.len != len)
            continue;
        w->used = true;
        return &w->rec;
    }
    return NULL;
}

static void recall(struct replay *r, uint64_t gpa, size_t len)
{
    const struct trace_rec *t =
        find(r, TRACE_READ, gpa, len < TRACE_BYTES_MAX ? len : TRACE_BYTES_MAX);

    if (!t)
        return;
    r->n.unread--;
    gmem_write(&r->b->gmem, gpa, t->bytes, t->len);
}

static int mem_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    recall(of(g), gpa, len);
    return gmem_read(&of(g)->b->gmem, gpa, dst, len);
}

/* What devices write of their own, and what of a disk. */
static void wrote(struct replay *r, uint64_t gpa, size_t len,
                  const struct iovec *iov, unsigned n, bool medium)
{
    const struct trace_rec *t = find(r, TRACE_WROTE, gpa, len);
    uint32_t now = TRACE_HASH_INIT;

    if (!t)
        return;
    if (medium && !r->images) {
        r->n.skipped++;
        return;
    }
    for (unsigned i = 0; i < n; i++)
        now = trace_hash(now, iov[i].iov_base, iov[i].iov_len);
    r->n.compared++;
    if (now != t->hash)
        differs(r, &(struct trace_rec){.type = REPLAY_DMA, .addr = gpa},
                t->hash, now);
}

static int mem_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    wrote(of(g), gpa, len, &(struct iovec){(void *)(uintptr_t)src, len}, 1,
          false);
    return gmem_write(&of(g)->b->gmem, gpa, src, len);
}

static int mem_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                   struct iovec *iov, unsigned max)
{
    if (!wr)
        recall(of(g), gpa, len);
    return gmem_pin(&of(g)->b->gmem, gpa, len, wr, iov, max);
}

static void mem_unpin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                      const struct iovec *iov, unsigned n)
{
    if (wr)
        wrote(of(g), gpa, len, iov, n, true);
    gmem_unpin(&of(g)->b->gmem, gpa, len, wr, iov, n);
}

static const struct gmem_ops mem_ops = {
    .read = mem_read,
    .write = mem_write,
    .pin = mem_pin,
    .unpin = mem_unpin,
};

/* Disks */

static int outcome(void *ctx, struct tape *t, const struct blk_req *req)
{
    struct replay *r = ctx;

    for (unsigned i = 0; i < r->nwait; i++) {
        struct waits *w = &r->wait[i];

        if (w->used || w->rec.kind != TRACE_BLK || w->rec.unit != t->unit ||
            w->rec.op != req->op || w->rec.addr != req->off_bytes ||
            w->rec.value != req->len_bytes)
            continue;
        w->used = true;
        return w->rec.result;
    }
    r->n.other_blk++;
    return 0;
}

/* The machine */

static size_t chr_write(struct chr *c, const uint8_t *buf, size_t len)
{
    return len;
}

static void chr_room(struct chr *c, size_t n)
{
}

static const struct chr_ops chr_ops = {.write = chr_write, .rx_room = chr_room};

/* A cable on which all goes away and nothing comes. */
static int64_t net_tx(struct net *net, const struct net_offload *o,
                      const struct iovec *iov, unsigned niov)
{
    int64_t len = 0;

    for (unsigned i = 0; i < niov; i++)
        len += (int64_t)iov[i].iov_len;
    return len;
}

static void net_rx_on(struct net *net, bool on)
{
}

static const struct net_ops net_ops = {.tx = net_tx, .rx_on = net_rx_on};

static void nothing(void *ctx)
{
}

static void no_time(void *ctx, int64_t seconds)
{
}

/* Its bytes are not in the trace. */
static int blank_rom(struct replay *r, struct rom *rom)
{
    if (!rom->size_bytes)
        return 0;
    if (!r->rom)
        r->rom = calloc(1, 1u << 20);
    rom->data = r->rom;
    if (!r->rom)
        return -ENOMEM;
    r->rom[0] = 0x55;
    r->rom[1] = 0xaa;
    return 0;
}

static int fill_conf(struct replay *r, const int fd[MACHINE_DISKS])
{
    struct machine_conf *c = &r->conf;
    int rc;

    *c = r->t.head.conf;
    r->images = true;
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        struct tape *t = &r->disk[i];

        if (!r->t.head.disk[i].medium)
            continue;
        r->images &= fd && fd[i] >= 0;
        tape_init(t, &r->t.head.disk[i], fd ? fd[i] : -1);
        t->outcome = outcome;
        t->ctx = r;
        t->unit = (uint8_t)i;
        c->disk[i].blk = &t->blk;
    }
    for (unsigned i = 0; i <= MACHINE_SERIALS; i++)
        r->chr[i].ops = &chr_ops;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (r->t.head.serials & 1u << i)
            c->serial[i] = &r->chr[i];
    if (r->t.head.parallel)
        c->parallel = &r->chr[MACHINE_SERIALS];
    for (unsigned i = 0; i < c->nnics; i++) {
        r->net[i].ops = &net_ops;
        c->nic[i].net = r->t.head.cable[i] ? &r->net[i] : NULL;
    }
    rc = blank_rom(r, &c->vga_rom);
    for (unsigned i = 0; !rc && i < c->nnics; i++)
        rc = blank_rom(r, &c->nic[i].rom);
    return rc;
}

/*
 * Devices find what the trace says they found, so what is at an address does
 * not matter for long: a large guest's memory is folded into less. The hole
 * below 4 GiB, whose beginning no trace tells, is memory too then, and what
 * was there is behind it.
 */
static void make_memory(struct replay *r)
{
    uint64_t ram = r->t.head.conf.ram_bytes;

    r->b = bench_new(ram < RAM_MOST ? ram : RAM_MOST);
    if (ram > RAM_MOST)
        r->b->mirror_end = ram + (UINT64_C(4) << 30);
}

struct replay *replay_new(const uint8_t *data, size_t len,
                          const int fd[MACHINE_DISKS], struct err *e)
{
    struct replay *r = calloc(1, sizeof(*r));
    struct machine_host host = {.ctx = r};

    if (!r) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    if (trace_open(&r->t, data, len, e) < 0) {
        replay_free(r);
        return NULL;
    }
    make_memory(r);
    r->gmem.ops = &mem_ops;
    host.hv = &r->b->hv;
    host.gmem = &r->gmem;
    host.clock = &r->b->clock;
    host.log = &r->b->log;
    if (fill_conf(r, fd) < 0)
        err_set(e, -ENOMEM, "out of memory");
    else
        r->m = machine_new(&r->conf, &host, e);
    if (!r->m) {
        replay_free(r);
        return NULL;
    }
    r->ring = (struct ring){.sync_page = r->page,
                            .vcpus = 1,
                            .machine = r->m,
                            .gmem = &r->gmem,
                            .log = &r->b->log,
                            .invalidate = nothing,
                            .timeoffset = no_time,
                            .ctx = r};
    return r;
}

void replay_free(struct replay *r)
{
    if (r->m)
        machine_free(r->m);
    if (r->b)
        bench_free(r->b);
    free(r->rom);
    free(r);
}

/* Comparing */

/*
 * What a read shows that depends on more than the guest: the disk's bytes
 * unless there is an image, time in steps finer than its reading, what came by
 * keyboard and cable, video memory, which the guest writes without requests,
 * and ROMs.
 */
static bool depends(struct replay *r, const struct trace_rec *t)
{
    static const struct {
        uint16_t first, last;
    } port[] = {
        {0x60, 0x60},   {0x64, 0x64},   /* keys */
        {0x3da, 0x3da}, {0x3ba, 0x3ba}, /* retrace */
        {0x3f8, 0x3ff}, {0x2f8, 0x2ff}, /* serial lines */
        {0x3e8, 0x3ef}, {0x2e8, 0x2ef},
    };
    unsigned channel = t->addr == 0x170;

    if (t->type == IOREQ_TYPE_PCI_CONFIG)
        return false;
    if (t->type == IOREQ_TYPE_COPY)
        return true;
    if (t->addr == 0x1f0 || t->addr == 0x170)
        return r->disk[2 * channel].fd < 0 || r->disk[2 * channel + 1].fd < 0;
    for (unsigned i = 0; i < sizeof(port) / sizeof(port[0]); i++)
        if (t->addr >= port[i].first && t->addr <= port[i].last)
            return true;
    return false;
}

static void compare(struct replay *r, const struct trace_rec *t,
                    const struct ioreq *q)
{
    uint64_t mask, then = t->data, now = q->data;

    if (!(t->flags & TRACE_IN) || t->type > IOREQ_TYPE_PCI_CONFIG ||
        (t->flags & (TRACE_PTR | TRACE_HASHED)) == TRACE_PTR || !t->size ||
        t->size > 8)
        return;
    if (depends(r, t)) {
        r->n.skipped++;
        return;
    }
    r->n.compared++;
    mask = UINT64_MAX >> (64 - 8 * t->size);
    if (t->flags & TRACE_PTR) {
        uint64_t len = (uint64_t)t->count * t->size;
        uint64_t lo = t->flags & TRACE_DF ? t->data - len + t->size : t->data;
        uint8_t buf[512];

        if (t->count > RING_COUNT_MAX)
            return;
        mask = UINT32_MAX;
        then = t->hash;
        now = TRACE_HASH_INIT;
        for (uint64_t n; len; lo += n, len -= n) {
            n = len < sizeof(buf) ? len : sizeof(buf);
            gmem_read(&r->b->gmem, lo, buf, n);
            now = trace_hash((uint32_t)now, buf, n);
        }
    }
    if ((then ^ now) & mask)
        differs(r, t, then & mask, now & mask);
}

/* Serving */

static void request(struct replay *r, const struct trace_rec *t)
{
    struct ioreq *q = &r->page[0];

    *q = (struct ioreq){.addr = t->addr,
                        .data = t->data,
                        .count = t->count,
                        .size = t->size,
                        .type = t->type,
                        .state = STATE_IOREQ_READY,
                        .data_is_ptr = (t->flags & TRACE_PTR) != 0,
                        .dir = (t->flags & TRACE_IN) != 0,
                        .df = (t->flags & TRACE_DF) != 0};
    ring_sync(&r->ring, 0);
    compare(r, t, q);
    r->n.requests++;
    r->n.elements += t->count <= RING_COUNT_MAX ? t->count : 1;
}

/* Behind what it needs; up to there time has gone on. */
static void trigger(struct replay *r, const struct trace_rec *t, uint64_t ns)
{
    bench_step(r->b, ns < STEP_MOST ? ns : STEP_MOST);
    if (t->kind == TRACE_IO)
        request(r, t);
    else
        tape_done(&r->disk[t->unit], t->result);
    r->nwait = r->at[0] = r->at[1] = 0;
}

static void keep(struct replay *r, const struct trace_rec *t)
{
    if (t->kind == TRACE_READ) {
        r->n.reads++;
        r->n.unread++;
    }
    if (r->nwait == WAIT_MOST)
        r->n.lost++;
    else
        r->wait[r->nwait++] = (struct waits){*t, false};
}

bool replay_run(struct replay *r, uint64_t most)
{
    uint64_t ns = 0, last = r->n.requests + most;
    struct trace_rec t;
    int rc;

    while (!r->ended && r->n.requests < last) {
        rc = trace_next(&r->t, &t);
        if (rc <= 0 || t.kind == TRACE_END) {
            r->n.end = rc <= 0 ? rc : (int)t.value;
            r->ended = true;
            break;
        }
        ns = t.dt_ns < STEP_MOST - ns ? ns + t.dt_ns : STEP_MOST;
        if (t.kind == TRACE_IO ||
            (t.kind == TRACE_DONE && r->disk[t.unit].end)) {
            trigger(r, &t, ns);
            ns = 0;
        } else {
            keep(r, &t);
        }
    }
    return !r->ended;
}

const struct replay_counts *replay_counts(const struct replay *r)
{
    return &r->n;
}
