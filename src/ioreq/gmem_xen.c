/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gmem_xen.h"
#include "xen_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE        4096u
#define CHUNK_BYTES (GMEM_CHUNK_PAGES * PAGE)
#define BUCKETS     512u
/* Questions for pages without RAM in one tick of the kernel (rule R4). */
#define MISSES_MOST 32u
/* Dropped chunks stay until their last pin goes, beside the live ones. */
#define SLOTS (2 * GMEM_CHUNKS_MAX)

/* One slot of the arena: its number tells its address, and the reverse. */
struct chunk {
    struct chunk *next;          /* in its bucket, or among the free */
    struct chunk *older, *newer; /* live ones, by last use */
    uint64_t index;              /* gpa / CHUNK_BYTES */
    unsigned pins;               /* iovecs handed out */
    bool live;
    unsigned nmissing;
    uint8_t missing[GMEM_CHUNK_PAGES / 8]; /* pages without RAM */
};

struct gmem_xen {
    struct gmem gmem;
    xenforeignmemory_handle *fmem;
    xendevicemodel_handle *dmod;
    domid_t domid;
    bool log_dirty;
    uint8_t *arena; /* SLOTS * CHUNK_BYTES of address space */
    struct chunk slot[SLOTS];
    struct chunk *bucket[BUCKETS];
    struct chunk *oldest, *newest, *last, *spare;
    unsigned nlive;
    unsigned fresh;   /* slots from here on were never used */
    uint8_t *scratch; /* in place of pages without RAM */
    uint64_t tick_ns; /* of the misses; coarse */
    unsigned misses;
};

static struct gmem_xen *of(struct gmem *g)
{
    return (struct gmem_xen *)g;
}

static uint8_t *address(const struct gmem_xen *x, const struct chunk *c)
{
    return x->arena + (size_t)(c - x->slot) * CHUNK_BYTES;
}

static bool is_missing(const struct chunk *c, unsigned page)
{
    return c->nmissing && c->missing[page / 8] & (1u << (page % 8));
}

static void lru_remove(struct gmem_xen *x, struct chunk *c)
{
    *(c->older ? &c->older->newer : &x->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &x->newest) = c->older;
}

static void lru_append(struct gmem_xen *x, struct chunk *c)
{
    c->newer = NULL;
    c->older = x->newest;
    *(x->newest ? &x->newest->newer : &x->oldest) = c;
    x->newest = c;
}

/* Ends the mapping, keeps the address space. */
static void release(struct gmem_xen *x, struct chunk *c)
{
    mmap(address(x, c), CHUNK_BYTES, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    c->next = x->spare;
    x->spare = c;
}

/*
 * The library unmaps the place when it fails. Another thread may have it by
 * now: then the slot is lost, rather than that thread's memory.
 */
static void give_back(struct gmem_xen *x, struct chunk *c)
{
    void *at =
        mmap(address(x, c), CHUNK_BYTES, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);

    if (at != address(x, c)) {
        if (at != MAP_FAILED)
            munmap(at, CHUNK_BYTES);
        return;
    }
    c->next = x->spare;
    x->spare = c;
}

/* Out of table and list; unmapped now or with its last pin. */
static void drop(struct gmem_xen *x, struct chunk *c)
{
    struct chunk **p = &x->bucket[c->index % BUCKETS];

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    lru_remove(x, c);
    x->nlive--;
    c->live = false;
    if (x->last == c)
        x->last = NULL;
    if (!c->pins)
        release(x, c);
}

static struct chunk *find(struct gmem_xen *x, uint64_t index)
{
    struct chunk *c = x->last;

    if (c && c->index == index)
        return c;
    for (c = x->bucket[index % BUCKETS]; c; c = c->next)
        if (c->index == index)
            break;
    if (c && c != x->newest) {
        lru_remove(x, c);
        lru_append(x, c);
    }
    if (c)
        x->last = c;
    return c;
}

static struct chunk *take_slot(struct gmem_xen *x)
{
    struct chunk *c;

    if (x->nlive >= GMEM_CHUNKS_MAX) {
        for (c = x->oldest; c && c->pins; c = c->newer)
            ;
        if (!c)
            return NULL;
        drop(x, c);
    }
    c = x->spare;
    if (c)
        x->spare = c->next;
    else if (x->fresh < SLOTS)
        c = &x->slot[x->fresh++];
    return c;
}

static struct chunk *map_chunk(struct gmem_xen *x, uint64_t index)
{
    xen_pfn_t gfn[GMEM_CHUNK_PAGES];
    int err[GMEM_CHUNK_PAGES];
    struct chunk *c = take_slot(x);
    bool ok;

    if (!c)
        return NULL;
    memset(c, 0, sizeof(*c));
    for (unsigned i = 0; i < GMEM_CHUNK_PAGES; i++)
        gfn[i] = index * GMEM_CHUNK_PAGES + i;
    ok = xenforeignmemory_map2(x->fmem, x->domid, address(x, c),
                               PROT_READ | PROT_WRITE, MAP_FIXED,
                               GMEM_CHUNK_PAGES, gfn, err) != NULL;
    for (unsigned i = 0; ok && i < GMEM_CHUNK_PAGES; i++)
        if (err[i]) {
            c->missing[i / 8] |= (uint8_t)(1u << (i % 8));
            c->nmissing++;
        }
    if (!ok) {
        give_back(x, c);
        return NULL;
    }
    if (c->nmissing == GMEM_CHUNK_PAGES) {
        release(x, c);
        return NULL;
    }
    c->live = true;
    c->index = index;
    c->next = x->bucket[index % BUCKETS];
    x->bucket[index % BUCKETS] = c;
    lru_append(x, c);
    x->nlive++;
    x->last = c;
    return c;
}

/* One page is cheap to ask for; a chunk of holes is not (rule R4). */
static bool has_ram(struct gmem_xen *x, uint64_t gpa)
{
    xen_pfn_t gfn = gpa / PAGE;
    int err = 0;
    void *p = xenforeignmemory_map(x->fmem, x->domid, PROT_READ, 1, &gfn, &err);

    if (p)
        xenforeignmemory_unmap(x->fmem, p, 1);
    return p && !err;
}

/*
 * A guest that aims DMA at a hole can make us ask for every page of it. After
 * some answers of "none" in a short time nobody is asked: whether a page that
 * is not mapped has RAM is not known then, and a transfer with it fails.
 */
static bool may_ask(struct gmem_xen *x)
{
    uint64_t now = coarse_ns();

    if (now != x->tick_ns) {
        x->tick_ns = now;
        x->misses = 0;
    }
    return x->misses < MISSES_MOST;
}

/* The chunk with RAM for gpa, or NULL; unknown: it may have some. */
static struct chunk *chunk_for(struct gmem_xen *x, uint64_t gpa, bool *unknown)
{
    unsigned page = (unsigned)(gpa / PAGE % GMEM_CHUNK_PAGES);
    struct chunk *c = find(x, gpa / CHUNK_BYTES);

    if (c && !is_missing(c, page))
        return c;
    if (!may_ask(x)) {
        *unknown = true;
        return NULL;
    }
    if (!has_ram(x, gpa)) {
        x->misses++;
        return NULL;
    }
    if (c) /* there was none when it was mapped: the guest ballooned up */
        drop(x, c);
    c = map_chunk(x, gpa / CHUNK_BYTES);
    return c && !is_missing(c, page) ? c : NULL;
}

static void mark(struct gmem_xen *x, uint64_t gpa, size_t len)
{
    uint64_t first = gpa / PAGE;

    if (x->log_dirty)
        xendevicemodel_modified_memory(
            x->dmod, x->domid, first,
            (uint32_t)((gpa + len - 1) / PAGE - first + 1));
}

static size_t in_page(uint64_t gpa, size_t len)
{
    size_t n = PAGE - gpa % PAGE;

    return n < len ? n : len;
}

static int xen_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct gmem_xen *x = of(g);
    uint8_t *p = dst;
    bool unknown = false;
    int rc = 0;

    for (size_t n; len; gpa += n, p += n, len -= n) {
        struct chunk *c = chunk_for(x, gpa, &unknown);

        n = in_page(gpa, len);
        if (c) {
            memcpy(p, address(x, c) + gpa % CHUNK_BYTES, n);
        } else {
            memset(p, 0xff, n);
            rc = -EFAULT;
        }
    }
    return rc;
}

static int xen_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    struct gmem_xen *x = of(g);
    const uint8_t *p = src;
    bool unknown = false;
    int rc = 0;

    for (size_t n; len; gpa += n, p += n, len -= n) {
        struct chunk *c = chunk_for(x, gpa, &unknown);

        n = in_page(gpa, len);
        if (c) {
            memcpy(address(x, c) + gpa % CHUNK_BYTES, p, n);
            mark(x, gpa, n);
        } else {
            rc = -EFAULT;
        }
    }
    return rc;
}

static void xen_unpin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                      const struct iovec *iov, unsigned n)
{
    struct gmem_xen *x = of(g);

    for (unsigned i = 0; i < n; i++) {
        size_t off = (size_t)((uint8_t *)iov[i].iov_base - x->arena);
        struct chunk *c;

        if (off >= (size_t)SLOTS * CHUNK_BYTES)
            continue; /* the scratch page */
        c = &x->slot[off / CHUNK_BYTES];
        if (!--c->pins && !c->live)
            release(x, c);
    }
    if (wr)
        mark(x, gpa, len);
}

static int xen_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                   struct iovec *iov, unsigned max)
{
    struct gmem_xen *x = of(g);
    uint64_t at = gpa, end = gpa + len;
    struct chunk *prev = NULL;
    bool unknown = false;
    unsigned n = 0;

    if (!len || end < gpa)
        return -EINVAL;
    while (at < end) {
        struct chunk *c = chunk_for(x, at, &unknown);
        size_t part = in_page(at, end - at);

        if (unknown) {
            xen_unpin(g, gpa, at - gpa, false, iov, n);
            return -EFAULT;
        }
        if (c && c == prev) { /* goes on where the last piece ended */
            iov[n - 1].iov_len += part;
        } else if (n == max) {
            xen_unpin(g, gpa, at - gpa, false, iov, n);
            return -ENOSPC;
        } else if (c) {
            c->pins++;
            iov[n++] = (struct iovec){address(x, c) + at % CHUNK_BYTES, part};
        } else {
            if (!wr)
                memset(x->scratch, 0xff, PAGE);
            iov[n++] = (struct iovec){x->scratch, part};
        }
        prev = c;
        at += part;
    }
    return (int)n;
}

static const struct gmem_ops xen_gmem_ops = {
    .read = xen_read,
    .write = xen_write,
    .pin = xen_pin,
    .unpin = xen_unpin,
};

static void destroy(struct gmem_xen *x)
{
    if (x->arena != MAP_FAILED)
        munmap(x->arena, (size_t)SLOTS * CHUNK_BYTES);
    if (x->scratch != MAP_FAILED)
        munmap(x->scratch, PAGE);
    free(x);
}

struct gmem *gmem_xen_new(xenforeignmemory_handle *fmem,
                          xendevicemodel_handle *dmod, domid_t domid)
{
    struct gmem_xen *x = calloc(1, sizeof(*x));
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

    if (!x)
        return NULL;
    x->gmem.ops = &xen_gmem_ops;
    x->fmem = fmem;
    x->dmod = dmod;
    x->domid = domid;
    x->arena = mmap(NULL, (size_t)SLOTS * CHUNK_BYTES, PROT_NONE, flags, -1, 0);
    x->scratch = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (x->arena == MAP_FAILED || x->scratch == MAP_FAILED) {
        destroy(x);
        return NULL;
    }
    return (struct gmem *)x; /* as of() has it */
}

void gmem_xen_free(struct gmem *g)
{
    destroy(of(g));
}

void gmem_xen_invalidate(struct gmem *g)
{
    struct gmem_xen *x = of(g);

    while (x->oldest)
        drop(x, x->oldest);
}

/* Whole pages inside [from, from + len), read as zeros from now on. */
static void forget(void *from, size_t len)
{
    uintptr_t first = ((uintptr_t)from + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)from + len) / PAGE * PAGE;

    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED);
}

void gmem_xen_rest(struct gmem *g)
{
    struct gmem_xen *x = of(g);
    unsigned nspare = 0;

    gmem_xen_invalidate(g);
    for (struct chunk *c = x->spare; c; c = c->next)
        nspare++;
    /* Pinned yet, or lost to another thread's mapping: hands off. */
    if (nspare != x->fresh)
        return;
    /* In one go: with the mappings their page tables go. */
    if (mmap(x->arena, (size_t)SLOTS * CHUNK_BYTES, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
             0) == MAP_FAILED)
        return;
    x->spare = NULL;
    x->fresh = 0;
    forget(x->slot, sizeof(x->slot));
}

void gmem_xen_log_dirty(struct gmem *g, bool on)
{
    of(g)->log_dirty = on;
}
