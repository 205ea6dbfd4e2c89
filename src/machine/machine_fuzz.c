/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile guest on a whole machine that its firmware has set up. Back ends
 * that PV drivers unplug are closed and freed at once. FUZZ_UNPLUG: what goes
 * is looked at most, and in the end all has gone.
 */
#include "../bench/steps.h"
#include "../devices/xenplat/xenplat.h"
#include "rig.h"

#include <string.h>

#define RAM (256u << 10)

static const struct steps_window windows[] = {
    {IO_PIO, 0x1f0, 8},
    {IO_PIO, 0x170, 8},
    {IO_PIO, 0xc000, 16},
    {IO_PIO, 0x10, 16},
    {IO_PIO, 0xc200, 256},
    {IO_PCI, 0x900, 256},
    {IO_PIO, 0x3f6, 1},
    {IO_PIO, 0x376, 1},
    {IO_PIO, 0xc100, 16},
#ifndef FUZZ_UNPLUG
    {IO_PIO, 0x3c0, 0x20},
    {IO_PIO, 0x60, 5},
    {IO_PIO, 0x3f8, 8},
    {IO_PIO, 0xcf8, 8},
    {IO_PIO, 0x1ce, 4},
    {IO_MMIO, 0xa0000, 0x20000},
    {IO_PIO, 0x378, 3},
    {IO_PIO, 0x70, 2},
    {IO_PIO, 0xb2, 2},
    {IO_PIO, 0x92, 1},
    {IO_PIO, 0xafe0, 4},
    {IO_PIO, 0xae00, 16},
    {IO_PIO, 0xaf00, 32},
    {IO_PIO, 0xb000, 0x48},
    {IO_PIO, 0x3b0, 16},
    {IO_PIO, 0, 0x10000},
    {IO_MMIO, 0xf1100000, 65536},
    {IO_MMIO, 0xf0000000, 0x02000000},
    {IO_MMIO, 0, 0xffffffff},
    {IO_PCI, 0x000, 256},
    {IO_PCI, 0x800, 256},
    {IO_PCI, 0xb00, 256},
    {IO_PCI, 0x1000, 256},
    {IO_PCI, 0x1800, 256},
    {IO_PCI, 0x2000, 256},
    {IO_PCI, 0, 65536},
#endif
};

/* Registers that firmware writes, and what they hold then. */
struct placed {
    uint16_t addr;
    uint8_t size;
    uint32_t val;
};

struct world {
    struct rig rig; /* its bench and machine are those of the steps */
    struct rom rom;
    struct steps *s;
    struct placed placed[160];
    unsigned nplaced;
};

static struct machine *machine_of(struct steps *s)
{
    return ((struct world *)s->ctx)->rig.m;
}

static uint64_t io(struct steps *s, const struct io_msg *m)
{
    uint64_t out = 0;

    MUST(!machine_io(machine_of(s), m, &out));
    return out;
}

static void rep_some(struct steps *s, const struct io_msg *m, void *buf,
                     size_t n)
{
    if (m->kind == IO_PIO)
        machine_rep(machine_of(s), m->addr, m->size, m->write, buf, n);
    else if (m->kind == IO_MMIO)
        machine_copy(machine_of(s), m->addr, m->size, m->write, buf, n);
}

static uint64_t hits(const struct steps *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < s->ndevs; i++)
        for (unsigned k = 0; k < HIT_KINDS; k++)
            sum += s->dev[i]->hits[k];
    return sum;
}

/* What the first elements tell of the others: whether they go in bulk. Those
 * that do not are rationed. */
static void rep(struct steps *s, const struct io_msg *m, void *buf, size_t n)
{
    enum { FIRST = 4 };
    struct io_msg rest = *m;
    uint64_t before = hits(s), by;

    if (s->rare || n <= FIRST) {
        rep_some(s, m, buf, n);
        return;
    }
    rep_some(s, m, buf, FIRST);
    n -= FIRST;
    by = hits(s) - before;
    if (by != 1) {
        n = n < s->singles ? n : s->singles;
        s->singles -= (unsigned)n;
    }
    if (m->kind == IO_MMIO)
        rest.addr += FIRST * m->size;
    rep_some(s, &rest, (uint8_t *)buf + FIRST * m->size, n);
}

static void reset(struct steps *s, enum reset_kind kind)
{
    machine_reset_devices(machine_of(s));
}

static void pause(struct steps *s, bool on)
{
    if (!machine_of(s))
        return;
    machine_pause(machine_of(s), on);
    MUST(machine_paused(machine_of(s)) == on);
}

static const struct steps_seam seam = {io, rep, reset, pause};

static void disk_gone(void *ctx, unsigned unit)
{
    struct steps *s = ((struct world *)ctx)->s;

    MUST(s->blk[unit]);
    s->blk[unit]->ops->close(s->blk[unit]);
    s->blk[unit] = NULL;
}

static void nic_gone(void *ctx, unsigned nic)
{
    struct steps *s = ((struct world *)ctx)->s;

    MUST(!nic && s->net);
    s->net->ops->close(s->net);
    s->net = NULL;
}

static bool blacklisted(void *ctx, const char *product, uint32_t build)
{
    return build & 1;
}

/* 0: a key or motion; 1: a vCPU, a wake-up; 2: a medium */
static void own(struct steps *s, unsigned n, unsigned a)
{
    struct machine *m = machine_of(s);
    struct input *in = n == 0 ? machine_input(m) : NULL;
    uint8_t v = take8(&s->in);
    struct blk *old = NULL;

    if (n == 0 && a < 8)
        in->ops->key(in->dev, v, a & 1);
    else if (n == 0)
        in->ops->rel(in->dev, (int8_t)v, (int8_t)a, a & 1, v & 7);
    else if (n == 1 && a < 8)
        machine_set_vcpu(m, v, a & 1);
    else if (n == 1)
        machine_wakeup(m);
    else if (a < 8)
        machine_cd_eject(m, 2, a & 1, &old);
    else if (s->blk[2])
        machine_cd_insert(m, 2, s->blk[2], a & 1, &old);
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    return 1;
}

static void remember(struct world *w, unsigned devfn, unsigned reg,
                     unsigned size)
{
    struct placed *p = &w->placed[w->nplaced++];

    MUST(w->nplaced <= sizeof(w->placed) / sizeof(w->placed[0]));
    *p = (struct placed){(uint16_t)(devfn << 8 | reg), (uint8_t)size,
                         rig_cfg(&w->rig, devfn, reg, size)};
}

/* Firmware looks for functions and sizes their BARs only once: that takes
 * longer than most inputs. */
static void firmware(struct world *w)
{
    rig_firmware(&w->rig);
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        if (rig_cfg(&w->rig, devfn, 0, 4) == UINT32_MAX)
            continue;
        if (devfn == PCI_DEVFN(1, 0)) /* interrupt routes */
            remember(w, devfn, 0x60, 4);
        if (devfn == PCI_DEVFN(1, 1)) /* IDE timing */
            remember(w, devfn, 0x40, 4);
        if (devfn == PCI_DEVFN(1, 3)) { /* power management */
            remember(w, devfn, 0x40, 4);
            remember(w, devfn, 0x80, 1);
        }
        for (unsigned reg = PCI_BAR0; reg < PCI_BAR0 + 24; reg += 4)
            if (rig_cfg(&w->rig, devfn, reg, 4))
                remember(w, devfn, reg, 4);
        if (rig_cfg(&w->rig, devfn, PCI_ROM, 4))
            remember(w, devfn, PCI_ROM, 4);
        remember(w, devfn, PCI_INTERRUPT_LINE, 1);
        remember(w, devfn, PCI_COMMAND, 2);
    }
}

static void place(struct steps *s)
{
    struct world *w = s->ctx;

    if (!w->nplaced)
        firmware(w);
    for (unsigned i = 0; i < w->nplaced; i++)
        steps_io(s, IO_PCI, true, w->placed[i].addr, w->placed[i].size,
                 w->placed[i].val);
}

static void unmake(struct steps *s)
{
    machine_free(machine_of(s));
    ((struct world *)s->ctx)->rig.m = NULL;
    s->ndevs = 0;
    clock_pause(&s->b->clock, false);
    MUST(!s->b->claims && !s->b->pci_claims);
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .own_bytes = own_bytes,
    .place = place,
    .bulk = true,
    .usual = 64,
    .saves = 1,
    .unmake = unmake,
};

static void configure(struct steps *s, struct machine_conf *c,
                      const struct rom *rom)
{
    *c = (struct machine_conf){.ram_bytes = RAM,
                               .vcpus = 2,
                               .max_vcpus = 4,
                               .xen_platform = true,
                               .acpi = true,
                               .boot_order = "cd",
                               .vga = VGA_STD,
                               .vga_rom = *rom,
                               .vgamem_mib = 1,
                               .serial[0] = &s->chr.chr,
                               .nnics = 1,
                               .nic[0].mac = {0, 0x16, 0x3e, 1, 2, 3}};
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        c->disk[u].present = true;
        c->disk[u].cdrom = u >= 2;
        if (u != 3)
            c->disk[u].blk = s->blk[u] = blk_mem_new(16384, u >= 2);
    }
    c->nic[0].net = s->net = net_mem_new();
}

/* The last words of every guest with PV drivers. */
static void unplug(struct steps *s)
{
#ifdef FUZZ_UNPLUG
    /* which a damaged state may have turned on */
    xenplat_ignore_next(machine_dev(machine_of(s), "xenplat", 0), false);
    steps_out(s, 0x10, 2, 0x000f);
    MUST(!s->blk[0] && !s->blk[1] && s->blk[2] && !s->net);
    MUST(!s->b->pins);
    for (uint16_t reg = 0; reg < 8; reg++)
        steps_io(s, IO_PIO, false, 0x1f0 + reg, 1, 0);
#endif
}

static void build(struct steps *s, unsigned key)
{
    static const uint8_t image[512] = {0x55, 0xaa, 1};
    struct world *w = calloc(1, sizeof(*w));
    struct machine_conf c;
    struct machine_host host;
    struct err e;

    s->ctx = w;
    s->seam = &seam;
    w->s = s;
    w->rom = (struct rom){image, sizeof(image)};
    steps_begin(s, &fuzz_map, NULL, 0, RAM);
    configure(s, &c, &w->rom);
    host = (struct machine_host){.hv = &s->b->hv,
                                 .gmem = &s->b->gmem,
                                 .clock = &s->b->clock,
                                 .log = &s->b->log,
                                 .disk_gone = disk_gone,
                                 .nic_gone = nic_gone,
                                 .blacklisted = blacklisted,
                                 .ctx = w};
    w->rig.b = s->b;
    w->rig.m = machine_new(&c, &host, &e);
    MUST(w->rig.m);
    while ((s->dev[s->ndevs] = machine_dev_at(w->rig.m, s->ndevs)))
        s->ndevs++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, NULL);
    unplug(s);
    steps_back(s);
    return 0;
}
