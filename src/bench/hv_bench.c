/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct bench *of_hv(struct hv *hv)
{
    return (struct bench *)((char *)hv - offsetof(struct bench, hv));
}

static struct bench *of_gmem(struct gmem *g)
{
    return (struct bench *)((char *)g - offsetof(struct bench, gmem));
}

static void edge(struct bench *b, bool pci, unsigned line, bool level)
{
    b->edge[b->edges++ % BENCH_EDGES] =
        (struct bench_edge){pci, (uint8_t)line, level, b->now_ns};
}

/* Link of an INTx wire: as the board of an i440FX has them wired. */
static bool link_level(const struct bench *b, unsigned link)
{
    for (unsigned slot = 0; slot < 32; slot++)
        if (b->intx_level[slot][(link - slot) & 3])
            return true;
    return false;
}

static void update_gsi(struct bench *b, unsigned gsi)
{
    bool level = b->isa_level[gsi];

    for (unsigned link = 0; link < 4; link++)
        if (gsi && b->pci_link[link] == gsi)
            level |= link_level(b, link);
    if (b->gsi_level[gsi] == level)
        return;
    b->gsi_level[gsi] = level;
    if (b->gsi)
        b->gsi(b->gsi_ctx, gsi, level);
}

static int claim(struct hv *hv, enum space s, uint64_t base, uint64_t len,
                 bool on)
{
    of_hv(hv)->claims += on ? 1u : -1u;
    return 0;
}

static int claim_pci(struct hv *hv, unsigned devfn, bool on)
{
    of_hv(hv)->pci_claims += on ? 1u : -1u;
    return 0;
}

static int isa_irq(struct hv *hv, unsigned irq, bool level)
{
    struct bench *b = of_hv(hv);

    b->isa_level[irq & 15] = level;
    edge(b, false, irq & 15, level);
    update_gsi(b, irq & 15);
    return 0;
}

static int pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level)
{
    struct bench *b = of_hv(hv);

    b->intx_level[slot & 31][pin & 3] = level;
    edge(b, true, (slot & 31) * 4 + (pin & 3), level);
    update_gsi(b, b->pci_link[(slot + pin) & 3] & 15);
    return 0;
}

static int pci_link(struct hv *hv, unsigned link, unsigned irq)
{
    struct bench *b = of_hv(hv);
    unsigned old = b->pci_link[link & 3];

    b->pci_link[link & 3] = (uint8_t)(irq & 15);
    update_gsi(b, old);
    update_gsi(b, irq & 15);
    return 0;
}

static int msi(struct hv *hv, uint64_t addr, uint32_t data)
{
    struct bench *b = of_hv(hv);

    b->msi_addr = addr;
    b->msi_data = data;
    b->msis++;
    return 0;
}

static int vram_alloc(struct hv *hv, uint32_t pages)
{
    struct bench *b = of_hv(hv);

    if (b->vram)
        return -EEXIST;
    b->vram = calloc(pages, HV_PAGE_BYTES);
    b->vram_dirty = calloc(pages, 1);
    b->vram_told = calloc(pages, 1);
    b->vram_wet = calloc(pages, 1);
    b->vram_pages = pages;
    return b->vram && b->vram_dirty && b->vram_told && b->vram_wet ? 0
                                                                   : -ENOMEM;
}

static uint8_t *vram_ptr(struct hv *hv)
{
    return of_hv(hv)->vram;
}

static int vram_move(struct hv *hv, uint64_t gfn)
{
    of_hv(hv)->vram_gfn = gfn;
    return 0;
}

static void vram_wrote(struct hv *hv, uint64_t off, uint64_t len)
{
    struct bench *b = of_hv(hv);

    for (uint64_t p = off / HV_PAGE_BYTES;
         len && p <= (off + len - 1) / HV_PAGE_BYTES; p++)
        if (p < b->vram_pages)
            b->vram_told[p] = b->vram_wet[p] = 1;
}

static int vram_dirty(struct hv *hv, uint32_t pages, uint8_t *bits)
{
    struct bench *b = of_hv(hv);

    if (!pages) {
        b->vram_tracked = false;
        return 0;
    }
    if (pages > b->vram_pages)
        return -EINVAL;
    memset(bits, 0, (pages + 7) / 8);
    for (uint32_t i = 0; i < pages; i++)
        if (b->vram_dirty[i] || !b->vram_tracked)
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
    memset(b->vram_dirty, 0, b->vram_pages);
    b->vram_tracked = true;
    return 0;
}

static int rom_lock(struct hv *hv, bool on)
{
    of_hv(hv)->rom_locked = on;
    return 0;
}

static int hv_down(struct hv *hv, enum hv_shutdown why)
{
    of_hv(hv)->shutdown = (int)why;
    return 0;
}

static int hv_suspend(struct hv *hv, bool on)
{
    of_hv(hv)->suspended = on;
    return 0;
}

static const struct hv_ops bench_hv_ops = {
    .claim = claim,
    .claim_pci = claim_pci,
    .isa_irq = isa_irq,
    .pci_intx = pci_intx,
    .pci_link = pci_link,
    .msi = msi,
    .vram_alloc = vram_alloc,
    .vram_ptr = vram_ptr,
    .vram_move = vram_move,
    .vram_dirty = vram_dirty,
    .vram_wrote = vram_wrote,
    .rom_lock = rom_lock,
    .shutdown = hv_down,
    .suspend = hv_suspend,
};

static uint64_t folded(const struct bench *b, uint64_t gpa)
{
    return gpa < b->mirror_end ? gpa % b->ram_bytes : gpa;
}

static bool has_ram(const struct bench *b, uint64_t gpa)
{
    return gpa < b->ram_bytes && gpa - b->hole_gpa >= b->hole_len;
}

/* All of it, in one piece. */
static bool plain_ram(const struct bench *b, uint64_t gpa, size_t len)
{
    return gpa < b->ram_bytes && len <= b->ram_bytes - gpa &&
           (!b->hole_len || gpa >= b->hole_gpa + b->hole_len ||
            gpa + len <= b->hole_gpa);
}

static int mem_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct bench *b = of_gmem(g);
    uint64_t at = folded(b, gpa);
    uint8_t *p = dst;
    int rc = 0;

    if (plain_ram(b, at, len)) {
        memcpy(dst, b->ram + at, len);
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        bool ok;

        at = folded(b, gpa + i);
        ok = gpa + i >= gpa && has_ram(b, at);
        p[i] = ok ? b->ram[at] : 0xff;
        if (!ok)
            rc = -EFAULT;
    }
    return rc;
}

static int mem_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    struct bench *b = of_gmem(g);
    uint64_t at = folded(b, gpa);
    const uint8_t *p = src;
    int rc = 0;

    if (plain_ram(b, at, len)) {
        memcpy(b->ram + at, src, len);
        bench_ram_touch(b, at, len);
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        at = folded(b, gpa + i);
        if (gpa + i >= gpa && has_ram(b, at)) {
            b->ram[at] = p[i];
            bench_ram_touch(b, at, 1);
        } else {
            rc = -EFAULT;
        }
    }
    return rc;
}

/* One iovec for RAM in one piece; else page by page, scratch for holes. */
static int mem_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                   struct iovec *iov, unsigned max)
{
    struct bench *b = of_gmem(g);
    unsigned n = 0;

    if (!len || gpa + len < gpa)
        return -EINVAL;
    while (len) {
        size_t part = HV_PAGE_BYTES - (gpa & (HV_PAGE_BYTES - 1));
        uint64_t from = folded(b, gpa);
        uint8_t *at;

        if (part > len)
            part = len;
        if (has_ram(b, from) && has_ram(b, from + part - 1)) {
            at = b->ram + from;
        } else {
            at = b->ram + b->ram_bytes; /* the scratch page behind RAM */
            memset(at, 0xff, HV_PAGE_BYTES);
        }
        bench_ram_touch(b, (uint64_t)(at - b->ram), part);
        if (n && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == at) {
            iov[n - 1].iov_len += part;
        } else {
            if (n == max)
                return -ENOSPC;
            iov[n++] = (struct iovec){at, part};
        }
        gpa += part;
        len -= part;
    }
    b->pins++;
    return (int)n;
}

static void mem_unpin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                      const struct iovec *iov, unsigned n)
{
    size_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += iov[i].iov_len;
    if (sum != len || !of_gmem(g)->pins)
        abort(); /* not what was pinned: a bug of ours */
    of_gmem(g)->pins--;
}

static const struct gmem_ops bench_gmem_ops = {
    .read = mem_read,
    .write = mem_write,
    .pin = mem_pin,
    .unpin = mem_unpin,
};

static uint64_t bench_time(void *ctx)
{
    return ((struct bench *)ctx)->now_ns;
}

static void bench_log(void *ctx, const char *line, size_t len)
{
    struct bench *b = ctx;
    size_t room = sizeof(b->log_text) - 1;

    if (len > room)
        len = room;
    if (b->log_len + len > room) {
        size_t cut = b->log_len + len - room;

        memmove(b->log_text, b->log_text + cut, b->log_len - cut);
        b->log_len -= cut;
    }
    memcpy(b->log_text + b->log_len, line, len);
    b->log_len += len;
    b->log_text[b->log_len] = 0;
}

struct bench *bench_new(size_t ram_bytes)
{
    struct bench *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    b->ram = calloc(1, ram_bytes + HV_PAGE_BYTES);
    b->ram_wet = calloc(1, ram_bytes / HV_PAGE_BYTES + 2);
    if (!b->ram || !b->ram_wet)
        abort();
    b->ram_bytes = ram_bytes;
    b->hv.ops = &bench_hv_ops;
    b->gmem.ops = &bench_gmem_ops;
    b->vram_gfn = HV_GFN_NONE;
    b->shutdown = -1;
    clock_init(&b->clock, bench_time, b);
    b->log = (struct log){.write = bench_log, .ctx = b, .clock = &b->clock};
    bus_init(&b->bus, &b->hv);
    b->env = (struct dev_env){.hv = &b->hv,
                              .bus = &b->bus,
                              .gmem = &b->gmem,
                              .clock = &b->clock,
                              .log = &b->log};
    return b;
}

void bench_free(struct bench *b)
{
    free(b->ram);
    free(b->ram_wet);
    free(b->vram);
    free(b->vram_dirty);
    free(b->vram_told);
    free(b->vram_wet);
    free(b);
}

void bench_step(struct bench *b, uint64_t ns)
{
    uint64_t end = b->now_ns + ns;

    for (;;) {
        uint64_t next = clock_next(&b->clock), now = clock_now(&b->clock);
        uint64_t wait = next > now ? next - now : 0;

        if (next == TIMER_NEVER || wait > end - b->now_ns)
            break;
        b->now_ns += wait;
        clock_run(&b->clock);
    }
    b->now_ns = end;
}

unsigned bench_rises(struct bench *b, unsigned isa_line)
{
    uint64_t from = b->edges > BENCH_EDGES ? b->edges - BENCH_EDGES : 0;
    unsigned n = 0;

    for (uint64_t i = from; i < b->edges; i++) {
        struct bench_edge *e = &b->edge[i % BENCH_EDGES];

        if (!e->pci && e->line == isa_line && e->level) {
            n++;
            e->level = false; /* counted once */
        }
    }
    return n;
}

void bench_vram_touch(struct bench *b, uint32_t off, uint32_t len)
{
    for (uint32_t p = off / HV_PAGE_BYTES;
         len && p <= (off + len - 1) / HV_PAGE_BYTES && p < b->vram_pages; p++)
        b->vram_dirty[p] = b->vram_wet[p] = 1;
}

void bench_ram_touch(struct bench *b, uint64_t gpa, size_t len)
{
    for (uint64_t p = gpa / HV_PAGE_BYTES;
         len && p <= (gpa + len - 1) / HV_PAGE_BYTES; p++)
        b->ram_wet[p] = 1;
}
