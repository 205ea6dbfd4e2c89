/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes seeds of unit tests: linked into all of them in place of the functions
 * by which they reach devices on a bench (tests/fuzz/seeds says how), it writes
 * what each test does as text of steps to the folder $HVMD_RECORD, a file for
 * each bench. What a test writes to guest memory is found by comparing.
 */
#include "../../src/bench/bench.h"

#include <hvmd/block.h>
#include <hvmd/net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART    (128u << 10) /* of memory is looked at, from 0 and from HIGH */
#define HIGH    (1u << 20)
#define WATCHED (HIGH + PART)
#define MOST    (200 << 10) /* of a file: inputs are short */
#define BENCHES 8

#define WRAP(type, name, ...)                                                  \
    type __real_##name(__VA_ARGS__) __attribute__((weak));                     \
    type __wrap_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__)

static struct {
    struct bench *b;
    FILE *f;
    uint8_t *ram; /* as it was after the last step */
    struct blk *blk[4];
} live[BENCHES];
static unsigned newest, files, depth, blks;
static struct blk *blk[4];

/* Calls fn for the parts that a bench has. */
static void parts(unsigned n, void (*fn)(unsigned n, size_t from, size_t end))
{
    for (size_t from = 0; from <= HIGH; from += HIGH)
        if (from + PART <= live[n].b->ram_bytes)
            fn(n, from, from + PART);
}

static void changed(unsigned n, size_t i, size_t len)
{
    uint8_t *ram = live[n].b->ram, *old = live[n].ram;

    if (!memcmp(ram + i, old + i, len - i))
        return;
    for (; i < len; i++) {
        size_t from = i, end, same = 0;

        if (ram[i] == old[i])
            continue;
        for (end = i; end < len && same < 8 && end - from < 240; end++)
            same = ram[end] == old[end] ? same + 1 : 0;
        end -= same;
        fprintf(live[n].f, "write %#zx ", from);
        for (i = from; i < end; i++)
            fprintf(live[n].f, "%02x", ram[i]);
        fputc('\n', live[n].f);
        i = end - 1;
    }
}

static void keep(unsigned n, size_t from, size_t end)
{
    memcpy(live[n].ram + from, live[n].b->ram + from, end - from);
}

static void enter(void)
{
    FILE *f = live[newest].f;

    if (depth++ || !f)
        return;
    if (ftell(f) < MOST) {
        parts(newest, changed);
        return;
    }
    fclose(f);
    live[newest].f = NULL;
}

/* What devices wrote to memory is theirs. */
static void leave(void)
{
    if (--depth == 0 && live[newest].f)
        parts(newest, keep);
}

#define STEP(...)                                                              \
    do {                                                                       \
        enter();                                                               \
        if (depth == 1 && live[newest].f) {                                    \
            fprintf(live[newest].f, __VA_ARGS__);                              \
            fputc('\n', live[newest].f);                                       \
        }                                                                      \
    } while (0)

static void bytes(const char *prefix, const void *p, size_t n)
{
    const uint8_t *b = p;

    if (depth != 1 || !live[newest].f)
        return;
    fprintf(live[newest].f, "%s", prefix);
    for (size_t i = 0; i < n; i++)
        fprintf(live[newest].f, "%02x", b[i]);
    fputc('\n', live[newest].f);
}

WRAP(struct bench *, bench_new, size_t ram_bytes)
{
    const char *folder = getenv("HVMD_RECORD");
    char path[4096];

    for (unsigned i = 0; folder && i < BENCHES; i++) {
        if (live[i].b)
            continue;
        newest = i;
        snprintf(path, sizeof(path), "%s/%05u-%u.txt", folder, (unsigned)getpid(),
                 files++);
        live[i].f = fopen(path, "we");
        live[i].ram = calloc(1, WATCHED);
        live[i].b = __real_bench_new(ram_bytes);
        if (!live[i].ram)
            abort();
        blks = 0;
        memset(blk, 0, sizeof(blk));
        return live[i].b;
    }
    return __real_bench_new(ram_bytes);
}

WRAP(void, bench_free, struct bench *b)
{
    for (unsigned i = 0; i < BENCHES; i++) {
        if (live[i].b != b)
            continue;
        if (live[i].f)
            fclose(live[i].f);
        free(live[i].ram);
        memset(&live[i], 0, sizeof(live[i]));
    }
    for (unsigned i = 0; i < BENCHES; i++)
        if (live[i].b)
            newest = i;
    __real_bench_free(b);
}

WRAP(void, bench_step, struct bench *b, uint64_t ns)
{
    STEP("clock %llu", (unsigned long long)ns);
    __real_bench_step(b, ns);
    leave();
}

static char letter(unsigned size)
{
    return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

WRAP(uint64_t, bus_read, struct bus *bus, enum space s, uint64_t addr,
     unsigned size)
{
    uint64_t v;

    STEP("%s%c %#llx", s == SPACE_PIO ? "in" : "read", letter(size),
         (unsigned long long)addr);
    v = __real_bus_read(bus, s, addr, size);
    leave();
    return v;
}

WRAP(void, bus_write, struct bus *bus, enum space s, uint64_t addr,
     unsigned size, uint64_t val)
{
    STEP("%s%c %#llx %#llx", s == SPACE_PIO ? "out" : "write", letter(size),
         (unsigned long long)addr, (unsigned long long)val);
    __real_bus_write(bus, s, addr, size, val);
    leave();
}

static void many(const char *what, uint64_t addr, unsigned size, bool wr,
                 const void *buf, size_t n)
{
    char text[96];
    size_t left = n, most = 2048, at = 0;

    while (left) { /* as much as a step can hold */
        size_t some = left < most ? left : most;

        if (some > 256)
            some &= ~(size_t)7;
        snprintf(text, sizeof(text), "%s%s %#llx %u %zu ", what,
                 wr ? "out" : "in", (unsigned long long)addr, size, some);
        bytes(text, (const uint8_t *)buf + at,
              !wr ? 0 : some * size < 60 ? some * size : 60);
        at += some * size;
        left -= some;
    }
}

WRAP(void, bus_rep, struct bus *bus, uint64_t port, unsigned size, bool wr,
     void *buf, size_t n)
{
    enter();
    many("rep", port, size, wr, buf, n);
    __real_bus_rep(bus, port, size, wr, buf, n);
    leave();
}

WRAP(void, bus_copy, struct bus *bus, uint64_t addr, unsigned size, bool wr,
     void *buf, size_t n)
{
    enter();
    many("copy", addr, size, wr, buf, n);
    __real_bus_copy(bus, addr, size, wr, buf, n);
    leave();
}

WRAP(uint32_t, pci_cfg_read, struct pci_bus *bus, unsigned devfn, unsigned reg,
     unsigned size)
{
    uint32_t v;

    STEP("cfgin%c %#x", letter(size), devfn << 8 | reg);
    v = __real_pci_cfg_read(bus, devfn, reg, size);
    leave();
    return v;
}

WRAP(void, pci_cfg_write, struct pci_bus *bus, unsigned devfn, unsigned reg,
     unsigned size, uint32_t val)
{
    STEP("cfgout%c %#x %#x", letter(size), devfn << 8 | reg, val);
    __real_pci_cfg_write(bus, devfn, reg, size, val);
    leave();
}

/* Back ends */

WRAP(struct blk *, blk_mem_new, uint64_t size, bool read_only)
{
    struct blk *b = __real_blk_mem_new(size, read_only);

    if (blks < 4)
        blk[blks++] = b;
    return b;
}

/* Tests make them in the order of units; most have one, a disk or a CD. */
static unsigned unit(const struct blk *b)
{
    for (unsigned u = 0; u < 4; u++)
        if (blk[u] == b)
            return blks == 1 && b->read_only ? 2 : u;
    return 0;
}

WRAP(void, blk_mem_hold, struct blk *b, bool hold)
{
    STEP("back %s %02x", hold ? "hold" : "through", unit(b));
    __real_blk_mem_hold(b, hold);
    leave();
}

WRAP(void, blk_mem_fail, struct blk *b, enum blk_op op, unsigned n, int err)
{
    STEP("back fail %02x%02x", unit(b) | op << 2, n & 255);
    __real_blk_mem_fail(b, op, n, err);
    leave();
}

WRAP(bool, blk_mem_release, struct blk *b)
{
    bool any;

    STEP("back release %02x", unit(b));
    any = __real_blk_mem_release(b);
    leave();
    return any;
}

WRAP(bool, net_mem_put, struct net *n, const void *frame, uint32_t len)
{
    uint32_t some = len < 127 ? len : 127;
    char text[64];
    bool took;

    enter();
    snprintf(text, sizeof(text), "back frame %02x%02x%02x", len & 255,
             len >> 8 & 255, some);
    bytes(text, frame, some);
    took = __real_net_mem_put(n, frame, len);
    leave();
    return took;
}

WRAP(void, net_mem_full, struct net *n, bool full)
{
    STEP("back full %02x", full);
    __real_net_mem_full(n, full);
    leave();
}

WRAP(void, net_mem_link, struct net *n, bool up)
{
    STEP("back link %02x", up);
    __real_net_mem_link(n, up);
    leave();
}

WRAP(void, net_mem_rx_end, struct net *n)
{
    STEP("back rxend");
    __real_net_mem_rx_end(n);
    leave();
}

/* Saved state, and the doors of some devices (own steps of their targets) */

WRAP(int, state_load, const struct state_desc *s, void *dev, const uint8_t *in,
     size_t len, struct err *e)
{
    int rc;

    STEP("life save");
    rc = __real_state_load(s, dev, in, len, e);
    leave();
    return rc;
}

struct rig;
WRAP(void, rig_look, struct rig *r, bool all)
{
    STEP("own 0 %u", all);
    __real_rig_look(r, all);
    leave();
}

WRAP(void, bench_vram_touch, struct bench *b, uint32_t off, uint32_t len)
{
    unsigned shift = 0;

    while (off >> shift > 0xffff && shift < 15)
        shift++;
    STEP("own 2 %u %02x%02x%02x", shift, off >> shift & 255, off >> shift >> 8,
         off < b->vram_pages * HV_PAGE_BYTES ? b->vram[off] : 0);
    __real_bench_vram_touch(b, off, len);
    leave();
}

WRAP(int, ide_cd_eject, struct dev *d, unsigned u, bool force)
{
    int rc;

    STEP("own 2 %u %02x", force, u);
    rc = __real_ide_cd_eject(d, u, force);
    leave();
    return rc;
}

WRAP(int, ide_cd_insert, struct dev *d, unsigned u, struct blk *b, bool force)
{
    int rc;

    STEP("own 2 %u %02x", 2u + force, u);
    rc = __real_ide_cd_insert(d, u, b, force);
    leave();
    return rc;
}

WRAP(int, ide_disk_detach, struct dev *d, unsigned u)
{
    int rc;

    STEP("own 2 4 %02x", u);
    rc = __real_ide_disk_detach(d, u);
    leave();
    return rc;
}

WRAP(void, rtl8139_set_link, struct dev *d, bool up)
{
    STEP("own 2 %u", up);
    __real_rtl8139_set_link(d, up);
    leave();
}
