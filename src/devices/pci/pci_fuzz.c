/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guest at config space: three functions with BARs of every kind,
 * which come and go and may be put on top of each other.
 */
#include "../../bench/steps.h"

#define TOYS 3u

static const struct steps_window windows[] = {
    {IO_PCI, 0x0800, 0x100},      {IO_PCI, 0x1000, 0x100},
    {IO_PCI, 0x1800, 0x100},      {IO_PIO, 0xc000, 0x100},
    {IO_MMIO, 0xf0000000, 65536}, {IO_PCI, 0x0000, 65536},
};

struct toy {
    struct dev dev;
    struct pci_dev pci;
    uint8_t cfg[256];
    uint64_t at; /* where the memory that it moves itself is */
};

struct world {
    struct toy toy[TOYS];
};

static uint64_t toy_rd(void *ctx, uint32_t off, unsigned size)
{
    MUST(off + size <= 0x10000);
    return off;
}

static void toy_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct toy *t = ctx;

    MUST(off + size <= 0x10000);
    pci_irq(&t->pci, val & 1);
    if (val & 2)
        pci_dma_write(&t->pci, off, &val, size);
    else
        pci_dma_read(&t->pci, off, &val, size);
}

static const struct io_ops toy_io = {.rd = toy_rd, .wr = toy_wr, .max = 4};

static void toy_moved(void *ctx, uint64_t addr)
{
    ((struct toy *)ctx)->at = addr;
    MUST(addr == PCI_BAR_OFF || !(addr & 0xfffff));
}

static void toy_wrote(struct dev *d, unsigned reg, unsigned size)
{
    MUST(size >= 1 && size <= 4 && reg + size <= 256);
}

static void toy_reading(struct dev *d, unsigned reg)
{
    struct toy *t = (struct toy *)d;

    MUST(reg < 256);
    pci_put(&t->pci, 0xf0, 4, reg);
}

static void toy_make(struct steps *s, struct toy *t, unsigned i)
{
    const struct pci_id id = {.vendor = 0x1234,
                              .device = (uint16_t)i,
                              .class_code = 0x0280,
                              .int_pin = (uint8_t)(i + 1)};

    t->dev.env = s->b->env;
    pci_setup(&t->pci, &t->dev, t->cfg, &id);
    pci_set_bar(&t->pci, 0, SPACE_PIO, 0x20, false, &toy_io, t, NULL);
    pci_set_bar(&t->pci, 1, SPACE_MMIO, 0x1000, false, &toy_io, t, NULL);
    pci_set_bar(&t->pci, 2, SPACE_MMIO, 0x100000, true, NULL, t, toy_moved);
    if (i != 1)
        pci_set_bar(&t->pci, PCI_BAR_ROM, SPACE_MMIO, 0x10000, false, &toy_io,
                    t, NULL);
    pci_add_cap(&t->pci, 1, 8);
    pci_set_mask(&t->pci, 0x80, 4, 0x00ff00ff);
    t->pci.wrote = toy_wrote;
    t->pci.reading = toy_reading;
    MUST(!pci_add(s->b->env.pci, &t->pci, (i + 1) << 3));
}

/* What devices and machines may ask of a bus, as it should not be asked. */
static void odd_calls(struct steps *s)
{
    const struct pci_id id = {.vendor = 0x1234};
    struct pci_bus *bus = s->b->env.pci;
    struct pci_dev more[33] = {{.devfn = 0}};
    struct dev toy = {.env = s->b->env};
    uint8_t cfg[256] = {0};
    unsigned n = 0;

    for (unsigned i = 0; i < 33; i++)
        pci_setup(&more[i], &toy, cfg, &id);
    MUST(!pci_add_cap(&more[0], 1, 1) && !pci_add_cap(&more[0], 1, 255));
    MUST(pci_add_cap(&more[0], 1, 190) && !pci_add_cap(&more[0], 1, 3));
    MUST(pci_add(bus, &more[0], 999) < 0);
    MUST(pci_add(bus, &more[0], 1 << 3) < 0);
    pci_irq(&more[0], true);
    pci_reset(&more[0]);
    pci_loaded(&more[0]);
    pci_set_present(&more[0], false);
    MUST(!pci_find(bus, 256));
    MUST(pci_cfg_read(bus, 1 << 3, 256, 1) == 0xff);
    pci_cfg_write(bus, 1 << 3, 256, 1, 0);
    pci_cfg_write(bus, 1 << 3, 0, 8, 0);
    pci_cfg_write(bus, 1 << 3, 255, 4, 0);
    while (n < 33 && !pci_add(bus, &more[n], PCI_DEVFN_AUTO))
        n++;
    MUST(n == 32 - TOYS || n == 31 - TOYS);
    while (n--)
        pci_set_present(&more[n], false);
    pci_bus_free(NULL);
}

/* 0: a function comes or goes; 1: reset of one; 2: as after a restore. */
static void own(struct steps *s, unsigned n, unsigned a)
{
    struct pci_dev *pd = &((struct world *)s->ctx)->toy[(a >> 1) % TOYS].pci;

    if (n == 0)
        pci_set_present(pd, a & 1);
    else if (n == 1)
        pci_reset(pd);
    else
        pci_loaded(pd);
    MUST(pci_find(s->b->env.pci, pd->devfn) == (pd->present ? pd : NULL));
}

static void place(struct steps *s)
{
    for (unsigned i = 0; i < TOYS; i++) {
        steps_cfg(s, (i + 1) << 3, PCI_BAR0, 4, 0xc000 + i * 0x20);
        steps_cfg(s, (i + 1) << 3, PCI_BAR0 + 4, 4, 0xf0000000 + i * 0x1000);
        steps_cfg(s, (i + 1) << 3, PCI_COMMAND, 2, 7);
    }
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .place = place,
};

static void build(struct steps *s, unsigned key)
{
    struct world *w = calloc(1, sizeof(*w));

    s->ctx = w;
    steps_begin(s, &fuzz_map, NULL, 0, 8192);
    for (unsigned i = 0; i < TOYS; i++)
        toy_make(s, &w->toy[i], i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, NULL);
    if (len && data[0] == 0xff)
        odd_calls(s);
    steps_back(s);
    return 0;
}
