/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rec.h"

#include "rec_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/ioreq.h>

#define FLIGHTS 16 /* requests that disks have at once; IDE has 2 */

struct rec_mem {
    struct gmem gmem;
    struct rec *rec;
    struct gmem *real;
    bool device; /* else the ring, whose strings are hashed as a whole */
};

struct rec_disk {
    struct blk_ops ops; /* in place of */
    const struct blk_ops *real;
    struct blk *blk; /* NULL: none, or closed */
    struct rec *rec;
    uint8_t unit;
};

struct rec {
    struct ring_watch watch;
    struct rec_mem device, ring;
    struct rec_disk disk[MACHINE_DISKS];
    struct flight {
        struct blk_req *req; /* NULL: free */
        void (*done)(struct blk_req *, int err);
        struct rec_disk *disk;
    } flight[FLIGHTS];
    struct clock *clock; /* NULL: not yet */
    uint64_t last_ns;
    struct rec_file *file;
};

static bool on(const struct rec *r)
{
    return r->clock && rec_file_open(r->file);
}

static void note(struct rec *r, struct trace_rec *t, const struct iovec *iov,
                 unsigned niov)
{
    uint64_t now = clock_now(r->clock);

    t->dt_ns = now > r->last_ns ? now - r->last_ns : 0;
    if (rec_file_put(r->file, t, iov, niov))
        r->last_ns += t->dt_ns;
}

/* Guest memory */

static struct rec_mem *of(struct gmem *g)
{
    return (struct rec_mem *)g;
}

static void note_read(struct rec *r, uint64_t gpa, size_t len,
                      const struct iovec *iov, unsigned n)
{
    struct trace_rec t = {.kind = TRACE_READ, .addr = gpa};

    t.len = len < TRACE_BYTES_MAX ? (uint32_t)len : TRACE_BYTES_MAX;
    note(r, &t, iov, n);
}

static void note_wrote(struct rec *r, uint64_t gpa, size_t len,
                       const struct iovec *iov, unsigned n)
{
    struct trace_rec t = {.kind = TRACE_WROTE,
                          .addr = gpa,
                          .len = (uint32_t)len,
                          .hash = TRACE_HASH_INIT};

    for (unsigned i = 0; i < n; i++)
        t.hash = trace_hash(t.hash, iov[i].iov_base, iov[i].iov_len);
    note(r, &t, NULL, 0);
}

static int mem_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct rec_mem *m = of(g);
    int rc = gmem_read(m->real, gpa, dst, len);
    struct iovec iov = {dst, len};

    if (on(m->rec))
        note_read(m->rec, gpa, len, &iov, 1);
    return rc;
}

static int mem_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    struct rec_mem *m = of(g);
    struct iovec iov = {(void *)(uintptr_t)src, len};

    if (on(m->rec) && m->device)
        note_wrote(m->rec, gpa, len, &iov, 1);
    return gmem_write(m->real, gpa, src, len);
}

static int mem_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                   struct iovec *iov, unsigned max)
{
    struct rec_mem *m = of(g);
    int n = gmem_pin(m->real, gpa, len, wr, iov, max);

    if (n > 0 && !wr && on(m->rec))
        note_read(m->rec, gpa, len, iov, (unsigned)n);
    return n;
}

static void mem_unpin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                      const struct iovec *iov, unsigned n)
{
    struct rec_mem *m = of(g);

    if (wr && m->device && on(m->rec))
        note_wrote(m->rec, gpa, len, iov, n);
    gmem_unpin(m->real, gpa, len, wr, iov, n);
}

static const struct gmem_ops mem_ops = {
    .read = mem_read,
    .write = mem_write,
    .pin = mem_pin,
    .unpin = mem_unpin,
};

void rec_memory(struct rec *r, struct gmem *real)
{
    r->device = (struct rec_mem){{&mem_ops}, r, real, true};
    r->ring = (struct rec_mem){{&mem_ops}, r, real, false};
}

struct gmem *rec_device_memory(struct rec *r)
{
    return &r->device.gmem;
}

struct gmem *rec_ring_memory(struct rec *r)
{
    return &r->ring.gmem;
}

/* Disks */

static struct rec_disk *disk_of(const struct blk *b)
{
    return (struct rec_disk *)(uintptr_t)b->ops;
}

/* Behind what the request's end brings about. */
static void request_done(struct blk_req *req, int err)
{
    struct rec_disk *d = disk_of(req->blk);
    struct trace_rec t = {.kind = TRACE_DONE, .unit = d->unit, .result = err};
    struct rec *r = d->rec;

    for (unsigned i = 0; i < FLIGHTS; i++) {
        struct flight *f = &r->flight[i];

        if (f->req != req)
            continue;
        f->req = NULL;
        req->done = f->done;
        req->done(req, err);
        if (on(r))
            note(r, &t, NULL, 0);
        return;
    }
}

static int disk_submit(struct blk *b, struct blk_req *req)
{
    struct rec_disk *d = disk_of(b);
    struct rec *r = d->rec;
    struct trace_rec t = {.kind = TRACE_BLK,
                          .unit = d->unit,
                          .op = (uint8_t)req->op,
                          .addr = req->off_bytes,
                          .value = req->len_bytes};
    unsigned i = 0;

    t.result = d->real->submit(b, req);
    if (!on(r))
        return t.result;
    note(r, &t, NULL, 0);
    while (i < FLIGHTS && r->flight[i].req)
        i++;
    if (t.result == BLK_QUEUED && i < FLIGHTS) {
        r->flight[i] = (struct flight){req, req->done, d};
        req->done = request_done;
    }
    return t.result;
}

static void disk_drain(struct blk *b)
{
    disk_of(b)->real->drain(b);
}

static void disk_close(struct blk *b)
{
    struct rec_disk *d = disk_of(b);

    d->blk = NULL;
    d->real->drain(b);
    b->ops = d->real;
    b->ops->close(b);
}

void rec_disk(struct rec *r, unsigned unit, struct blk *b)
{
    struct rec_disk *d = &r->disk[unit];

    *d = (struct rec_disk){
        .ops = {disk_submit, b->ops->drain ? disk_drain : NULL, disk_close},
        .real = b->ops,
        .blk = b,
        .rec = r,
        .unit = (uint8_t)unit};
    b->ops = &d->ops;
}

/* Requests */

/* Of what a string read put to memory. */
static bool hash_string(const struct ring *ring, const struct ioreq *q,
                        uint32_t *hash)
{
    uint64_t len = (uint64_t)q->count * q->size;
    uint64_t lo = q->df ? q->data - len + q->size : q->data;
    uint8_t buf[512];

    if (q->count > RING_COUNT_MAX || !q->size || q->size > 8 || lo + len < lo ||
        machine_is_mmio(ring->machine, lo) ||
        machine_is_mmio(ring->machine, lo + len - 1))
        return false;
    *hash = TRACE_HASH_INIT;
    for (uint64_t n; len; lo += n, len -= n) {
        struct rec_mem *m = of(ring->gmem);

        n = len < sizeof(buf) ? len : sizeof(buf);
        gmem_read(m->real, lo, buf, n);
        *hash = trace_hash(*hash, buf, n);
    }
    return true;
}

static void served(struct ring_watch *w, const struct ring *ring,
                   const void *copy, uint64_t data, bool buffered)
{
    struct rec *r = (struct rec *)w;
    struct trace_rec t = {.kind = TRACE_IO};
    struct ioreq q;

    if (!on(r))
        return;
    memcpy(&q, copy, sizeof(q));
    t.type = q.type;
    t.size = (uint8_t)q.size;
    t.addr = q.addr;
    t.count = q.count;
    t.data = q.dir == IOREQ_READ && !q.data_is_ptr ? data : q.data;
    t.flags = (q.dir == IOREQ_READ ? TRACE_IN : 0) |
              (q.data_is_ptr ? TRACE_PTR : 0) | (q.df ? TRACE_DF : 0) |
              (buffered ? TRACE_BUFFERED : 0);
    if (q.dir == IOREQ_READ && q.data_is_ptr && q.type <= IOREQ_TYPE_COPY &&
        hash_string(ring, &q, &t.hash))
        t.flags |= TRACE_HASHED;
    note(r, &t, NULL, 0);
}

struct ring_watch *rec_watch(struct rec *r)
{
    return &r->watch;
}

struct rec *rec_open(const char *path, struct pool *pool, struct log *log,
                     struct err *e)
{
    struct rec *r = calloc(1, sizeof(*r));

    if (!r) {
        err_set(e, -ENOMEM, "out of memory for -record");
        return NULL;
    }
    r->watch.served = served;
    r->file = rec_file_new(path, pool, log, REC_FILE_MOST, e);
    if (r->file)
        return r;
    free(r);
    return NULL;
}

void rec_set_cap(struct rec *r, uint64_t bytes)
{
    rec_file_set_cap(r->file, bytes);
}

void rec_start(struct rec *r, const struct machine_conf *c, struct clock *clock)
{
    rec_file_head(r->file, c);
    r->clock = clock;
    r->last_ns = 0; /* as a clock begins, here and where it is replayed */
}

void rec_close(struct rec *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < FLIGHTS; i++)
        if (r->flight[i].req)
            r->flight[i].req->done = r->flight[i].done;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (r->disk[i].blk)
            r->disk[i].blk->ops = r->disk[i].real;
    rec_file_close(r->file);
    free(r);
}
