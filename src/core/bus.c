/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <hvmd/bus.h>
#include <string.h>

static uint64_t ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

void bus_init(struct bus *b, struct hv *hv)
{
    memset(b, 0, sizeof(*b));
    b->hv = hv;
}

/* Index of the first region that ends behind addr. */
static unsigned seek(const struct bus_space *s, uint64_t addr)
{
    unsigned lo = 0, hi = s->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (addr - s->r[mid].base < s->r[mid].len || addr < s->r[mid].base)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

int bus_map(struct bus *b, enum space space, uint64_t base, uint64_t len,
            const struct io_ops *ops, void *dev, uint64_t *hits)
{
    struct bus_space *s = &b->space[space];
    uint64_t limit = space == SPACE_PIO ? 0x10000 : UINT64_MAX;
    unsigned at;

    if (!len || base >= limit || len > limit - base || len > UINT32_MAX)
        return -EINVAL;
    if (s->n == BUS_REGIONS_MAX)
        return -ENOSPC;
    at = seek(s, base);
    if (at < s->n && s->r[at].base - base < len)
        return -EEXIST;
    if (at < s->n && s->r[at].base <= base)
        return -EEXIST;
    if (b->hv) {
        int rc = b->hv->ops->claim(b->hv, space, base, len, true);

        if (rc < 0)
            return rc;
    }
    memmove(&s->r[at + 1], &s->r[at], (s->n - at) * sizeof(s->r[0]));
    s->r[at] = (struct bus_region){base, len, ops, dev, hits};
    s->n++;
    s->last = at;
    return 0;
}

void bus_unmap(struct bus *b, enum space space, uint64_t base)
{
    struct bus_space *s = &b->space[space];
    unsigned at = seek(s, base);

    if (at == s->n || s->r[at].base != base)
        return;
    if (b->hv)
        b->hv->ops->claim(b->hv, space, base, s->r[at].len, false);
    s->n--;
    memmove(&s->r[at], &s->r[at + 1], (s->n - at) * sizeof(s->r[0]));
    s->last = 0;
}

struct bus_region *bus_find(struct bus *b, enum space space, uint64_t addr)
{
    struct bus_space *s = &b->space[space];
    unsigned at = s->last;

    if (at < s->n && addr - s->r[at].base < s->r[at].len)
        return &s->r[at];
    at = seek(s, addr);
    if (at == s->n || addr - s->r[at].base >= s->r[at].len)
        return NULL;
    s->last = at;
    return &s->r[at];
}

static unsigned widest(const struct io_ops *o)
{
    return o->max ? o->max : 4;
}

static uint64_t region_read(struct bus_region *r, uint32_t off, unsigned size)
{
    const struct io_ops *o = r->ops;
    void *dev = r->dev; /* a handler may map and unmap: r can go stale */
    unsigned max = widest(o);

    if (!o->rd)
        return ones(size);
    if (size > max) {
        uint64_t v = 0;

        for (unsigned i = 0; i < size; i += max)
            v |= (o->rd(dev, off + i, max) & ones(max)) << (8 * i);
        return v;
    }
    if (size < o->min) {
        uint32_t in = off & (o->min - 1u);

        if (off - in + o->min <= r->len && in + size <= o->min)
            return o->rd(dev, off - in, o->min) >> (8 * in) & ones(size);
        return ones(size);
    }
    return o->rd(dev, off, size) & ones(size);
}

static void count(uint64_t *hits, enum space space, bool wr)
{
    if (hits)
        ++hits[(space == SPACE_MMIO ? HIT_MMIO_RD : HIT_PIO_RD) + wr];
}

static void region_write(struct bus_region *r, uint32_t off, unsigned size,
                         uint64_t val)
{
    const struct io_ops *o = r->ops;
    void *dev = r->dev;
    unsigned max = widest(o);

    if (!o->wr)
        return;
    if (size > max) {
        for (unsigned i = 0; i < size; i += max)
            o->wr(dev, off + i, max, val >> (8 * i) & ones(max));
        return;
    }
    val &= ones(size);
    if (size < o->min) {
        uint32_t in = off & (o->min - 1u);

        if (off - in + o->min <= r->len && in + size <= o->min)
            o->wr(dev, off - in, o->min, val << (8 * in));
        return;
    }
    o->wr(dev, off, size, val);
}

uint64_t bus_read(struct bus *b, enum space space, uint64_t addr, unsigned size)
{
    struct bus_region *r = bus_find(b, space, addr);
    uint64_t v = 0;

    if (r && size <= r->len - (addr - r->base)) {
        count(r->hits, space, false);
        return region_read(r, (uint32_t)(addr - r->base), size);
    }
    if (size == 1)
        return 0xff;
    for (unsigned i = 0; i < size; i++)
        v |= (addr + i < addr ? 0xff : bus_read(b, space, addr + i, 1))
             << (8 * i);
    return v;
}

void bus_write(struct bus *b, enum space space, uint64_t addr, unsigned size,
               uint64_t val)
{
    struct bus_region *r = bus_find(b, space, addr);

    if (r && size <= r->len - (addr - r->base)) {
        count(r->hits, space, true);
        region_write(r, (uint32_t)(addr - r->base), size, val);
        return;
    }
    if (size == 1)
        return;
    for (unsigned i = 0; i < size && addr + i >= addr; i++)
        bus_write(b, space, addr + i, 1, val >> (8 * i) & 0xff);
}

static void one_item(struct bus *b, enum space space, uint64_t addr,
                     unsigned size, bool wr, uint8_t *buf)
{
    uint64_t v = 0;

    if (wr) {
        memcpy(&v, buf, size);
        bus_write(b, space, addr, size, v);
    } else {
        v = bus_read(b, space, addr, size);
        memcpy(buf, &v, size);
    }
}

size_t bus_burst(struct bus *b, enum space space, uint64_t addr, unsigned size,
                 bool wr, void *buf, size_t n)
{
    struct bus_region *r = bus_find(b, space, addr);
    uint64_t room = r ? r->len - (addr - r->base) : 0;
    const struct io_ops *o = r ? r->ops : NULL;
    uint32_t off = r ? (uint32_t)(addr - r->base) : 0;
    uint64_t *hits = r ? r->hits : NULL; /* r may be gone after the call */
    size_t done;

    if (!r || !(space == SPACE_PIO ? o->rep && size <= room
                                   : o->mem && n <= room / size))
        return 0;
    if (space == SPACE_PIO)
        done = o->rep(r->dev, off, size, wr, buf, n);
    else
        done = o->mem(r->dev, off, wr, buf, n * size) / size;
    if (done)
        count(hits, space, wr);
    return done < n ? done : n;
}

void bus_rep(struct bus *b, uint64_t port, unsigned size, bool wr, void *buf,
             size_t n)
{
    uint8_t *p = buf;

    while (n) {
        size_t done = bus_burst(b, SPACE_PIO, port, size, wr, p, n);

        if (!done) {
            one_item(b, SPACE_PIO, port, size, wr, p);
            done = 1;
        }
        p += done * size;
        n -= done;
    }
}

void bus_copy(struct bus *b, uint64_t addr, unsigned size, bool wr, void *buf,
              size_t n)
{
    size_t len = n * size;
    size_t done = bus_burst(b, SPACE_MMIO, addr, size, wr, buf, n) * size;
    uint8_t *p = buf;

    for (; done < len; done += size)
        one_item(b, SPACE_MMIO, addr + done, size, wr, p + done);
}
