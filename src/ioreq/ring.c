/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring.h"

#include <string.h>
#include <xen/hvm/ioreq.h>
#include <xen/xen.h>

#define STATE_BYTE 30 /* of struct ioreq: state, data_is_ptr, dir, df */
#define STATE_MASK 0x0f

/* Guest memory that one request can name lies in at most this many pieces. */
#define PIECES 4

_Static_assert(sizeof(struct ioreq) == 32, "ioreq ABI");
_Static_assert(sizeof(struct buf_ioreq) == 8, "ioreq ABI");

/* Words of memory that a guest may write at any time. */
typedef uint64_t __attribute__((may_alias)) shared64;

/*
 * Each word is read once, whole: a compiler may read plain memory again when
 * it needs it again (rule R1).
 */
static void copy_once(void *to, const void *from, size_t bytes)
{
    const shared64 *word = from;
    uint8_t *at = to;

    for (size_t i = 0; i < bytes / sizeof(*word); i++) {
        uint64_t v = __atomic_load_n(word + i, __ATOMIC_RELAXED);

        memcpy(at + i * sizeof(v), &v, sizeof(v));
    }
}

static uint8_t *slot_of(const struct ring *r, unsigned vcpu)
{
    return (uint8_t *)r->sync_page + vcpu * sizeof(struct ioreq);
}

static void set_state(uint8_t *slot, uint8_t flags, uint8_t state)
{
    __atomic_store_n(slot + STATE_BYTE,
                     (uint8_t)((flags & ~STATE_MASK) | state),
                     __ATOMIC_RELEASE);
}

static uint64_t ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t io(struct ring *r, enum io_kind kind, bool wr, uint64_t addr,
                   unsigned size, uint64_t val)
{
    struct io_msg m = {.kind = kind,
                       .write = wr,
                       .size = (uint8_t)size,
                       .addr = addr,
                       .data = val & ones(size)};
    uint64_t out = ones(size);

    machine_io(r->machine, &m, &out);
    return out;
}

/* An element that begins in memory and ends in MMIO, or the reverse. */
static bool mixed(struct ring *r, uint64_t gpa, unsigned size)
{
    return gpa % HV_PAGE_BYTES > HV_PAGE_BYTES - size &&
           machine_is_mmio(r->machine, gpa) !=
               machine_is_mmio(r->machine, gpa + size - 1);
}

/* One element of a string operation in guest memory, which may be MMIO. */
static uint64_t fetch(struct ring *r, uint64_t gpa, unsigned size)
{
    uint64_t v = 0;

    if (mixed(r, gpa, size)) {
        for (unsigned i = 0; i < size; i++)
            v |= fetch(r, gpa + i, 1) << (8 * i);
        return v;
    }
    if (machine_is_mmio(r->machine, gpa))
        return io(r, IO_MMIO, false, gpa, size, 0);
    gmem_read(r->gmem, gpa, &v, size);
    return v;
}

static void store(struct ring *r, uint64_t gpa, unsigned size, uint64_t v)
{
    if (mixed(r, gpa, size))
        for (unsigned i = 0; i < size; i++)
            store(r, gpa + i, 1, v >> (8 * i));
    else if (machine_is_mmio(r->machine, gpa))
        io(r, IO_MMIO, true, gpa, size, v);
    else
        gmem_write(r->gmem, gpa, &v, size);
}

/* Address of element i, which the string walks to by size or -size. */
static uint64_t element(const struct ioreq *q, uint64_t base, uint32_t i)
{
    uint64_t off = (uint64_t)i * q->size;

    return q->df ? base - off : base + off;
}

static enum io_kind kind_of(const struct ioreq *q)
{
    return q->type == IOREQ_TYPE_PIO    ? IO_PIO
           : q->type == IOREQ_TYPE_COPY ? IO_MMIO
                                        : IO_PCI;
}

/* The port or register stays; memory is walked. */
static uint64_t target(const struct ioreq *q, uint32_t i)
{
    return q->type == IOREQ_TYPE_COPY ? element(q, q->addr, i) : q->addr;
}

/*
 * Elements from i on of the common form, ascending through RAM in one piece of
 * our address space, as many as the device takes in one go; 0: none.
 */
static uint32_t in_bulk(struct ring *r, const struct ioreq *q, uint32_t i)
{
    uint32_t n = q->count - i;
    size_t len = (size_t)n * q->size, done = 0;
    uint64_t mem = element(q, q->data, i);
    struct iovec iov[PIECES];
    bool wr_mem = q->dir == IOREQ_READ;
    int pieces;

    if (q->df || !q->data_is_ptr || n < 2 || machine_is_mmio(r->machine, mem) ||
        machine_is_mmio(r->machine, mem + len - 1))
        return 0;
    pieces = gmem_pin(r->gmem, mem, len, wr_mem, iov, PIECES);
    if (pieces < 0)
        return 0;
    if (pieces == 1)
        done = machine_burst(r->machine, kind_of(q), target(q, i), q->size,
                             !wr_mem, iov[0].iov_base, n);
    gmem_unpin(r->gmem, mem, len, wr_mem, iov, (unsigned)pieces);
    return (uint32_t)done;
}

/* addr: segment, bus, device and function above a 32-bit register offset. */
static uint64_t config_io(struct ring *r, const struct ioreq *q, bool wr,
                          uint64_t val)
{
    uint64_t sbdf = q->addr >> 32, reg = q->addr & 0xffffffff;

    if (sbdf > 0xff || reg > 0x100 - q->size)
        return ones(q->size);
    return io(r, IO_PCI, wr, sbdf << 8 | reg, q->size, val);
}

static uint64_t one_io(struct ring *r, const struct ioreq *q, uint32_t i,
                       bool wr, uint64_t val)
{
    if (q->type == IOREQ_TYPE_PCI_CONFIG)
        return config_io(r, q, wr, val);
    return io(r, kind_of(q), wr, target(q, i), q->size, val);
}

/* Element i; *last: what a read of the value form yields. */
static void one(struct ring *r, const struct ioreq *q, uint32_t i,
                uint64_t *last)
{
    bool wr = q->dir == IOREQ_WRITE;
    uint64_t mem = element(q, q->data, i);

    if (!q->data_is_ptr)
        *last = one_io(r, q, i, wr, q->data);
    else if (wr)
        one_io(r, q, i, true, fetch(r, mem, q->size));
    else
        store(r, mem, q->size, one_io(r, q, i, false, 0));
}

/*
 * Serves elements from *next on. False: the budget is used up before the last
 * (rule R4): elements can be expensive, a hostile guest picks those.
 */
static bool elements(struct ring *r, const struct ioreq *q, uint32_t *next,
                     uint64_t *last)
{
    uint64_t start = __builtin_ia32_rdtsc();
    bool bulk = true;

    while (*next < q->count) {
        uint32_t n = bulk ? in_bulk(r, q, *next) : 0;

        bulk = n != 0;
        if (!n) {
            one(r, q, *next, last);
            n = 1;
        }
        *next += n;
        if (r->budget_cycles && *next < q->count &&
            __builtin_ia32_rdtsc() - start >= r->budget_cycles)
            return false;
    }
    return true;
}

static bool valid(const struct ioreq *q)
{
    bool narrow = q->size == 1 || q->size == 2 || q->size == 4;

    if (q->count < 1 || q->count > RING_COUNT_MAX)
        return false;
    switch (q->type) {
    case IOREQ_TYPE_PIO:
        return narrow && q->addr <= 0xffff;
    case IOREQ_TYPE_COPY:
        return narrow || q->size == 8;
    case IOREQ_TYPE_PCI_CONFIG:
        return narrow;
    }
    return true;
}

static void refuse(struct ring *r, const struct ioreq *q, uint64_t *counter,
                   const char *what)
{
    ++*counter;
    bucket_log(r->log, &r->bucket, "ioreq",
               "%s request: type %u addr %#llx size %u count %u", what, q->type,
               (unsigned long long)q->addr, q->size, q->count);
}

/*
 * False: not done yet, *next tells how far. *data: what goes back. Only PIO,
 * COPY and PCI_CONFIG requests can take several calls.
 */
static bool serve(struct ring *r, const struct ioreq *q, uint32_t *next,
                  uint64_t *data)
{
    switch (q->type) {
    case IOREQ_TYPE_INVALIDATE:
        r->invalidate(r->ctx);
        return true;
    case IOREQ_TYPE_TIMEOFFSET:
        r->timeoffset(r->ctx, (int64_t)q->data);
        return true;
    case IOREQ_TYPE_PIO:
    case IOREQ_TYPE_COPY:
    case IOREQ_TYPE_PCI_CONFIG:
        break;
    default:
        refuse(r, q, &r->unknown, "unknown");
        *data = UINT64_MAX;
        return true;
    }
    if (!valid(q)) {
        refuse(r, q, &r->malformed, "malformed");
        *data = UINT64_MAX;
        return true;
    }
    return elements(r, q, next, data);
}

bool ring_waiting(const struct ring *r, unsigned vcpu)
{
    return r->job[vcpu].next ||
           (__atomic_load_n(slot_of(r, vcpu) + STATE_BYTE, __ATOMIC_ACQUIRE) &
            STATE_MASK) == STATE_IOREQ_READY;
}

/* The one copy of a slot; everything after looks only at that. */
static void begin(struct ring *r, unsigned vcpu)
{
    struct ring_job *job = &r->job[vcpu];
    uint8_t *slot = slot_of(r, vcpu);

    copy_once(job->copy, slot, sizeof(job->copy));
    set_state(slot, job->copy[STATE_BYTE], STATE_IOREQ_INPROCESS);
    r->requests++;
}

/*
 * What follows is made twice, for those with a watch and for those without,
 * who shall not pay for it.
 */
#define TWICE static inline __attribute__((always_inline))

TWICE bool sync_slot(struct ring *r, unsigned vcpu, bool watched)
{
    struct ring_job *job = &r->job[vcpu];
    uint8_t *slot = slot_of(r, vcpu);
    uint32_t next = job->next;
    struct ioreq q;
    uint64_t data;
    bool done;

    if (!ring_waiting(r, vcpu))
        return false;
    if (!next)
        begin(r, vcpu);
    memcpy(&q, job->copy, sizeof(q));
    /* writes that came before this request */
    if (watched)
        ring_watched_buffered(r);
    else
        ring_buffered(r);
    data = q.data;
    done = serve(r, &q, &next, &data);
    r->unfinished += (unsigned)!done - (unsigned)(job->next != 0);
    job->next = done ? 0 : next;
    if (!done)
        return false;
    if (watched)
        r->watch->served(r->watch, r, job->copy, data, false);
    if (q.dir == IOREQ_READ && !q.data_is_ptr)
        __atomic_store_n(
            (shared64 *)(void *)(slot + offsetof(struct ioreq, data)), data,
            __ATOMIC_RELAXED);
    set_state(slot, job->copy[STATE_BYTE], STATE_IORESP_READY);
    return true;
}

/* Serves the entry at rd; returns the slots it took, 0 when it is not whole. */
TWICE uint32_t buffered_one(struct ring *r, const struct buffered_iopage *p,
                            uint32_t rd, uint32_t avail, bool watched)
{
    struct buf_ioreq b, high;
    struct ioreq q = {0};
    uint32_t next = 0;
    uint64_t none;

    copy_once(&b, &p->buf_ioreq[rd % IOREQ_BUFFER_SLOT_NUM], sizeof(b));
    q.type = b.type;
    q.dir = b.dir;
    q.size = 1u << b.size;
    q.addr = b.addr;
    q.data = b.data;
    q.count = 1;
    if (q.size == 8) {
        if (avail < 2)
            return 0;
        copy_once(&high, &p->buf_ioreq[(rd + 1) % IOREQ_BUFFER_SLOT_NUM],
                  sizeof(high));
        q.data |= (uint64_t)high.data << 32;
    }
    r->buffered++;
    /* There is no response, so a read could only have side effects. */
    if (q.dir == IOREQ_READ && q.type != IOREQ_TYPE_TIMEOFFSET)
        refuse(r, &q, &r->malformed, "buffered read");
    else
        serve(r, &q, &next, &none); /* one element: done at once */
    if (watched)
        r->watch->served(r->watch, r, &q, q.data, true);
    return q.size == 8 ? 2 : 1;
}

TWICE bool buffered(struct ring *r, bool watched)
{
    struct buffered_iopage *p = r->buf_page;
    uint64_t both;
    uint32_t rd, n;
    bool any = false;

    if (!p)
        return false;
    /* Both pointers at once: Xen rebases the pair by multiples of 511. */
    both = __atomic_load_n((uint64_t *)r->buf_page, __ATOMIC_ACQUIRE);
    rd = (uint32_t)both;
    n = (uint32_t)(both >> 32) - rd;
    if (!n)
        return false;
    if (n > IOREQ_BUFFER_SLOT_NUM)
        n = IOREQ_BUFFER_SLOT_NUM;
    while (n) {
        uint32_t took = buffered_one(r, p, rd, n, watched);

        if (!took)
            break;
        any = true;
        rd += took;
        n -= took;
        __atomic_fetch_add(&p->read_pointer, took, __ATOMIC_ACQ_REL);
    }
    return any;
}

bool ring_sync(struct ring *r, unsigned vcpu)
{
    return sync_slot(r, vcpu, false);
}

bool ring_watched_sync(struct ring *r, unsigned vcpu)
{
    return sync_slot(r, vcpu, true);
}

bool ring_buffered(struct ring *r)
{
    return buffered(r, false);
}

bool ring_watched_buffered(struct ring *r)
{
    return buffered(r, true);
}
