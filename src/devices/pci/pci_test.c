/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../bench/bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A function with an I/O BAR, a memory BAR, an owner-moved BAR and a ROM. */
struct toy {
    struct dev dev;
    struct pci_dev pci;
    uint8_t cfg[256];
    uint8_t tag;
    uint64_t moved_to[PCI_BARS];
    unsigned moves;
    unsigned wrote_reg, wrote_size, reads;
};

static uint64_t toy_rd(void *ctx, uint32_t off, unsigned size)
{
    struct toy *t = ctx;

    return (uint64_t)t->tag << 8 | (off & 0xff);
}

static void toy_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
}

static const struct io_ops toy_io = {.rd = toy_rd, .wr = toy_wr, .max = 4};

static void toy_moved_mem(void *ctx, uint64_t addr)
{
    struct toy *t = ctx;

    t->moved_to[2] = addr;
    t->moves++;
}

static void toy_wrote(struct dev *d, unsigned reg, unsigned size)
{
    struct toy *t = (struct toy *)d;

    t->wrote_reg = reg;
    t->wrote_size = size;
}

static void toy_reading(struct dev *d, unsigned reg)
{
    ((struct toy *)d)->reads++;
}

struct rig {
    struct bench *b;
    struct pci_bus *bus;
    struct toy toy[3];
};

static const struct pci_id toy_id = {.vendor = 0x1234,
                                     .device = 0x5678,
                                     .subsys_vendor = 0x1af4,
                                     .subsys = 0x1100,
                                     .revision = 7,
                                     .prog = 1,
                                     .class_code = 0x0280,
                                     .int_pin = 2};

static void toy_make(struct rig *r, unsigned i)
{
    struct toy *t = &r->toy[i];

    t->dev.env = r->b->env;
    t->tag = (uint8_t)(0xa0 + i);
    pci_setup(&t->pci, &t->dev, t->cfg, &toy_id);
    pci_set_bar(&t->pci, 0, SPACE_PIO, 0x20, false, &toy_io, t, NULL);
    pci_set_bar(&t->pci, 1, SPACE_MMIO, 0x1000, false, &toy_io, t, NULL);
    pci_set_bar(&t->pci, 2, SPACE_MMIO, 0x100000, true, NULL, t, toy_moved_mem);
    pci_set_bar(&t->pci, PCI_BAR_ROM, SPACE_MMIO, 0x10000, false, &toy_io, t,
                NULL);
    t->pci.wrote = toy_wrote;
    t->pci.reading = toy_reading;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    r->b = bench_new(1 << 20);
    r->bus = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->b->env.pci = r->bus;
    for (unsigned i = 0; i < 3; i++)
        toy_make(r, i);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_free(r->bus);
    assert_int_equal(r->b->pci_claims, 0);
    bench_free(r->b);
    free(r);
    return 0;
}

static uint32_t rd(struct rig *r, unsigned devfn, unsigned reg, unsigned size)
{
    return pci_cfg_read(r->bus, devfn, reg, size);
}

static void wr(struct rig *r, unsigned devfn, unsigned reg, unsigned size,
               uint32_t val)
{
    pci_cfg_write(r->bus, devfn, reg, size, val);
}

#define F PCI_DEVFN(3, 0)

static void header(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rd(r, F, 0, 4), 0xffffffffu);
    assert_int_equal(rd(r, F, 0, 2), 0xffff);
    assert_int_equal(rd(r, F, 0, 1), 0xff);
    assert_int_equal(rd(r, 256, 0, 4), 0xffffffffu);
    assert_int_equal(pci_add(r->bus, &r->toy[0].pci, F), 0);
    assert_int_equal(pci_add(r->bus, &r->toy[1].pci, F), -EEXIST);
    assert_int_equal(r->b->pci_claims, 1);
    assert_int_equal(rd(r, F, 0, 4), 0x56781234);
    assert_int_equal(rd(r, F, 8, 4), 0x02800107);
    assert_int_equal(rd(r, F, 0x2c, 4), 0x11001af4);
    assert_int_equal(rd(r, F, 0x3d, 1), 2);
    assert_int_equal(r->toy[0].reads, 4);
    assert_int_equal(r->toy[0].dev.hits[HIT_CFG_RD], 4);
    assert_int_equal(rd(r, F, 256, 4), 0xffffffffu);
    /* a read over the end has ones behind it */
    assert_int_equal(rd(r, F, 255, 2), 0xff00);

    for (unsigned reg = 0; reg < 256; reg++)
        wr(r, F, reg, 1, 0xff);
    assert_int_equal(r->toy[0].dev.hits[HIT_CFG_WR], 256);
    assert_int_equal(rd(r, F, 0, 4), 0x56781234);
    assert_int_equal(rd(r, F, 4, 4), 0x0000 << 16 | 0x0547);
    assert_int_equal(rd(r, F, 8, 4), 0x02800107);
    assert_int_equal(rd(r, F, 0x0c, 4), 0x0000f8ff);
    assert_int_equal(rd(r, F, 0x3c, 2), 0x02ff);
    assert_int_equal(rd(r, F, 0x40, 4), 0);
    wr(r, F, 0x3b, 4, 0x11223344);
    assert_int_equal(rd(r, F, 0x3c, 1), 0x33);
    assert_int_equal(r->toy[0].wrote_reg, 0x3b);
    assert_int_equal(r->toy[0].wrote_size, 4);
    wr(r, F, 255, 4, 0);
    assert_int_equal(r->toy[0].wrote_size, 1);
}

static void status_w1c(void **state)
{
    struct rig *r = *state;

    pci_add(r->bus, &r->toy[0].pci, F);
    pci_put(&r->toy[0].pci, PCI_STATUS, 2, 0xf980);
    wr(r, F, PCI_STATUS, 2, 0);
    assert_int_equal(rd(r, F, PCI_STATUS, 2), 0xf980);
    wr(r, F, PCI_STATUS, 2, 0x2080);
    assert_int_equal(rd(r, F, PCI_STATUS, 2), 0xd980);
    wr(r, F, PCI_STATUS + 1, 1, 0xff);
    assert_int_equal(rd(r, F, PCI_STATUS, 2), 0x0080);
}

static void bar_size_and_move(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    struct toy *t = &r->toy[0];

    pci_add(r->bus, &t->pci, F);
    for (unsigned n = 0; n < 3; n++)
        wr(r, F, PCI_BAR0 + 4 * n, 4, 0xffffffff);
    wr(r, F, PCI_BAR0 + 12, 4, 0xffffffff);
    wr(r, F, PCI_ROM, 4, 0xfffffffe);
    assert_int_equal(rd(r, F, PCI_BAR0, 4), 0xffffffe1);
    assert_int_equal(rd(r, F, PCI_BAR0 + 4, 4), 0xfffff000);
    assert_int_equal(rd(r, F, PCI_BAR0 + 8, 4), 0xfff00008);
    assert_int_equal(rd(r, F, PCI_BAR0 + 12, 4), 0);
    assert_int_equal(rd(r, F, PCI_ROM, 4), 0xffff0000);

    /* decoders on while sizing: nowhere, never over the APIC */
    wr(r, F, PCI_COMMAND, 2, 3);
    assert_int_equal(b->bus.space[SPACE_PIO].n, 0);
    assert_int_equal(b->bus.space[SPACE_MMIO].n, 0);
    assert_int_equal(t->moves, 0);
    wr(r, F, PCI_COMMAND, 2, 0);

    wr(r, F, PCI_BAR0, 4, 0xc000);
    wr(r, F, PCI_BAR0 + 4, 4, 0xf0000000);
    wr(r, F, PCI_BAR0 + 8, 4, 0xf1000000);
    wr(r, F, PCI_ROM, 4, 0xf2000000);
    assert_int_equal(bench_inw(b, 0xc000), 0xffff);
    wr(r, F, PCI_COMMAND, 2, PCI_COMMAND_IO);
    assert_int_equal(bench_inw(b, 0xc01e), 0xa01e);
    assert_int_equal(bench_inw(b, 0xc020), 0xffff);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf0000004, 2), 0xffff);
    wr(r, F, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(bench_inw(b, 0xc000), 0xffff);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf0000004, 2), 0xa004);
    assert_int_equal(t->moved_to[2], 0xf1000000);
    assert_int_equal(t->moves, 1);
    /* the ROM needs its own enable bit too */
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf2000004, 2), 0xffff);
    wr(r, F, PCI_ROM, 1, 1);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf2000004, 2), 0xa004);

    /* moving while decoding: the old place vanishes */
    wr(r, F, PCI_BAR0 + 8, 4, 0xf4000000);
    assert_int_equal(t->moved_to[2], 0xf4000000);
    assert_int_equal(t->moves, 3);
    wr(r, F, PCI_BAR0 + 4, 4, 0xf0100000);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf0000004, 2), 0xffff);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf0100004, 2), 0xa004);
    /* one byte of the register is enough */
    wr(r, F, PCI_BAR0 + 7, 1, 0xf3);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf3100004, 2), 0xa004);
    /* ports above 64 KiB do not exist */
    wr(r, F, PCI_COMMAND, 2, 3);
    wr(r, F, PCI_BAR0, 4, 0x1c000);
    assert_int_equal(bench_inw(b, 0xc000), 0xffff);
    wr(r, F, PCI_BAR0, 4, 0xffe0);
    assert_int_equal(bench_inw(b, 0xfffe), 0xa01e);

    pci_reset(&t->pci);
    assert_int_equal(rd(r, F, PCI_COMMAND, 2), 0);
    assert_int_equal(rd(r, F, PCI_BAR0 + 8, 4), 8);
    assert_int_equal(t->moved_to[2], PCI_BAR_OFF);
    assert_int_equal(b->bus.space[SPACE_PIO].n, 0);
    assert_int_equal(b->bus.space[SPACE_MMIO].n, 0);
    assert_int_equal(b->claims, 0);
}

static void bars_overlap(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    unsigned g = PCI_DEVFN(4, 0);

    pci_add(r->bus, &r->toy[0].pci, F);
    pci_add(r->bus, &r->toy[1].pci, g);
    wr(r, F, PCI_BAR0, 4, 0xc000);
    wr(r, F, PCI_COMMAND, 2, 3);
    wr(r, g, PCI_BAR0, 4, 0xc000);
    wr(r, g, PCI_COMMAND, 2, 3);
    assert_int_equal(bench_inw(b, 0xc000), 0xa000);
    assert_false(r->toy[1].pci.bar[0].mapped);
    /* the first goes: the second takes the place at once */
    wr(r, F, PCI_BAR0, 4, 0xd000);
    assert_int_equal(bench_inw(b, 0xc000), 0xa100);
    assert_int_equal(bench_inw(b, 0xd000), 0xa000);
    /* blocked, then switched off, then the way is free: stays off */
    wr(r, g, PCI_BAR0, 4, 0xd000);
    wr(r, g, PCI_COMMAND, 2, 0);
    wr(r, F, PCI_COMMAND, 2, 0);
    assert_int_equal(bench_inw(b, 0xd000), 0xffff);
    /* a region that is no BAR */
    bus_map(&b->bus, SPACE_PIO, 0xe000, 8, &toy_io, &r->toy[2], NULL);
    wr(r, F, PCI_BAR0, 4, 0xe000);
    wr(r, F, PCI_COMMAND, 2, 1);
    assert_int_equal(bench_inw(b, 0xe000), 0xa200);
    bus_unmap(&b->bus, SPACE_PIO, 0xe000);
    wr(r, g, PCI_COMMAND, 2, 2);
    assert_int_equal(bench_inw(b, 0xe000), 0xa000);
    /* two BARs of one function trade places in one restore */
    wr(r, F, PCI_COMMAND, 2, 0);
    wr(r, F, PCI_BAR0 + 4, 4, 0xf0000000);
    wr(r, F, PCI_ROM, 4, 0xf0010001);
    wr(r, F, PCI_COMMAND, 2, 2);
    pci_put(&r->toy[0].pci, PCI_BAR0 + 4, 4, 0xf0010000);
    pci_put(&r->toy[0].pci, PCI_ROM, 4, 0xf0000001);
    pci_loaded(&r->toy[0].pci);
    assert_true(r->toy[0].pci.bar[1].mapped);
    assert_true(r->toy[0].pci.bar[PCI_BAR_ROM].mapped);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf0010000, 2), 0xa000);
}

static int no_more_ranges(struct hv *hv, enum space s, uint64_t base,
                          uint64_t len, bool on)
{
    return on ? -ENOSPC : 0;
}

/* The hypervisor can refuse a range: as if another region were in the way. */
static void claim_refused(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    const struct hv_ops *real = b->hv.ops;
    struct hv_ops ops = *real;

    pci_add(r->bus, &r->toy[0].pci, F);
    ops.claim = no_more_ranges;
    b->hv.ops = &ops;
    wr(r, F, PCI_BAR0, 4, 0xc000);
    wr(r, F, PCI_COMMAND, 2, 1);
    assert_int_equal(bench_inw(b, 0xc000), 0xffff);
    assert_int_equal(rd(r, F, PCI_BAR0, 4), 0xc001);
    b->hv.ops = real;
    wr(r, F, PCI_BAR0 + 4, 4, 0xf0000000);
    assert_int_equal(bench_inw(b, 0xc000), 0xa000);
}

static void intx(void **state)
{
    struct rig *r = *state;
    struct pci_dev *pd = &r->toy[0].pci;

    pci_add(r->bus, pd, F);
    pci_irq(pd, true);
    assert_int_equal(r->b->intx_level[3][1], 1);
    assert_int_equal(rd(r, F, PCI_STATUS, 2) & 8, 8);
    wr(r, F, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
    assert_int_equal(r->b->intx_level[3][1], 0);
    assert_int_equal(rd(r, F, PCI_STATUS, 2) & 8, 8);
    wr(r, F, PCI_COMMAND, 2, 0);
    assert_int_equal(r->b->intx_level[3][1], 1);
    pci_set_present(pd, false);
    assert_int_equal(r->b->intx_level[3][1], 0);
    pci_set_present(pd, true);
    assert_int_equal(r->b->intx_level[3][1], 1);
    pci_irq(pd, false);
    assert_int_equal(r->b->intx_level[3][1], 0);
    assert_int_equal(rd(r, F, PCI_STATUS, 2) & 8, 0);
    pci_irq(pd, true);
    pci_reset(pd);
    assert_int_equal(r->b->intx_level[3][1], 0);
}

static void presence(void **state)
{
    struct rig *r = *state;
    struct pci_dev *pd = &r->toy[0].pci;

    pci_add(r->bus, pd, F);
    wr(r, F, PCI_BAR0, 4, 0xc000);
    wr(r, F, PCI_COMMAND, 2, 5);
    assert_true(pci_master(pd));
    pci_set_present(pd, false);
    pci_set_present(pd, false);
    assert_int_equal(r->b->pci_claims, 0);
    assert_int_equal(rd(r, F, 0, 4), 0xffffffffu);
    assert_int_equal(bench_inw(r->b, 0xc000), 0xffff);
    assert_false(pci_master(pd));
    assert_null(pci_find(r->bus, F));
    wr(r, F, PCI_COMMAND, 2, 0);
    pci_set_present(pd, true);
    assert_int_equal(r->b->pci_claims, 1);
    assert_int_equal(bench_inw(r->b, 0xc000), 0xa000);
}

static void slots(void **state)
{
    struct rig *r = *state;

    pci_add(r->bus, &r->toy[0].pci, PCI_DEVFN(2, 1));
    /* slot 2 is taken by its function 1 */
    pci_add(r->bus, &r->toy[1].pci, PCI_DEVFN_AUTO);
    assert_int_equal(r->toy[1].pci.devfn, PCI_DEVFN(3, 0));
    assert_int_equal(rd(r, PCI_DEVFN(3, 0), PCI_HEADER_TYPE, 1), 0);
    pci_add(r->bus, &r->toy[2].pci, PCI_DEVFN(2, 0));
    assert_int_equal(rd(r, PCI_DEVFN(2, 0), PCI_HEADER_TYPE, 1), 0x80);
    assert_int_equal(rd(r, PCI_DEVFN(2, 1), PCI_HEADER_TYPE, 1), 0);
    pci_reset(&r->toy[2].pci);
    assert_int_equal(rd(r, PCI_DEVFN(2, 0), PCI_HEADER_TYPE, 1), 0x80);
}

static void bus_full(void **state)
{
    struct rig *r = *state;
    struct toy *many = calloc(31, sizeof(*many));

    for (unsigned i = 0; i < 31; i++) {
        many[i].dev.env = r->b->env;
        pci_setup(&many[i].pci, &many[i].dev, many[i].cfg, &toy_id);
        assert_int_equal(pci_add(r->bus, &many[i].pci, PCI_DEVFN_AUTO),
                         i < 30 ? 0 : -ENOSPC);
    }
    assert_int_equal(pci_add(r->bus, &r->toy[0].pci, 0x101), -EINVAL);
    /* functions freed before the bus, as when a machine fails to start */
    free(many);
}

static void caps(void **state)
{
    struct rig *r = *state;
    struct pci_dev *pd = &r->toy[0].pci;
    unsigned first = pci_add_cap(pd, 1, 8);
    unsigned second = pci_add_cap(pd, 5, 10);
    unsigned seen = 0;

    pci_add(r->bus, pd, F);
    assert_int_equal(first, 0xf8);
    assert_int_equal(second, 0xec);
    assert_int_equal(rd(r, F, PCI_STATUS, 2), 0x10);
    for (unsigned at = rd(r, F, PCI_CAP_PTR, 1); at && seen < 9;
         at = rd(r, F, at + 1, 1))
        seen = seen * 10 + rd(r, F, at, 1);
    assert_int_equal(seen, 51);
    assert_int_equal(pci_add_cap(pd, 9, 0xad), 0);
    assert_int_equal(pci_add_cap(pd, 9, 1), 0);
    assert_int_equal(pci_add_cap(pd, 9, 0xac), 0x40);
    assert_int_equal(pci_add_cap(pd, 9, 4), 0);
}

static void dma(void **state)
{
    struct rig *r = *state;
    struct pci_dev *pd = &r->toy[0].pci;
    uint8_t buf[4] = {1, 2, 3, 4};

    pci_add(r->bus, pd, F);
    assert_int_equal(pci_dma_write(pd, 0x1000, buf, 4), -EFAULT);
    assert_int_equal(r->b->ram[0x1000], 0);
    assert_int_equal(pci_dma_read(pd, 0x1000, buf, 4), -EFAULT);
    assert_int_equal(buf[3], 0xff);
    wr(r, F, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    assert_int_equal(pci_dma_write(pd, 0x1000, buf, 4), 0);
    assert_int_equal(r->b->ram[0x1003], 0xff);
    r->b->ram[0x1001] = 9;
    assert_int_equal(pci_dma_read(pd, 0x1000, buf, 4), 0);
    assert_int_equal(buf[1], 9);
}

/* What a chip says of its own config space stays in there. */
static void put_and_get_end_with_the_space(void **state)
{
    struct rig *r = *state;
    struct toy *t = &r->toy[0];

    t->tag = 0x77; /* stands behind cfg */
    pci_put(&t->pci, 0x50, 4, 0x44332211);
    pci_put(&t->pci, 0x40, 16, 0x01020304);
    pci_set_mask(&t->pci, 0x40, 16, 0xffffffff);
    assert_int_equal(pci_get(&t->pci, 0x40, 16), 0x01020304);
    assert_int_equal(pci_get(&t->pci, 0x44, 4), 0);
    assert_int_equal(pci_get(&t->pci, 0x50, 4), 0x44332211);
    pci_put(&t->pci, 254, 4, 0x04030201);
    pci_set_mask(&t->pci, 254, 4, 0);
    assert_int_equal(pci_get(&t->pci, 254, 4), 0xffff0201);
    assert_int_equal(t->tag, 0x77);
}

static void hostile_restore(void **state)
{
    struct rig *r = *state;
    struct toy *t = &r->toy[0];

    pci_add(r->bus, &t->pci, F);
    for (unsigned fill = 0; fill < 256; fill++) {
        memset(t->cfg, (int)fill, sizeof(t->cfg));
        pci_loaded(&t->pci);
        assert_int_equal(rd(r, F, 0, 4), 0x56781234);
        assert_int_equal(rd(r, F, PCI_HEADER_TYPE, 1), 0);
        assert_int_equal(rd(r, F, PCI_CAP_PTR, 1), 0);
        assert_int_equal(rd(r, F, PCI_BAR0, 4) & 0x1f, 1);
        assert_int_equal(rd(r, F, PCI_BAR0 + 20, 4), 0);
    }
    /* a good one: decoders and the line come back */
    memcpy(t->cfg, t->pci.reset_cfg, 256);
    pci_put(&t->pci, PCI_BAR0, 4, 0xc001);
    pci_put(&t->pci, PCI_COMMAND, 2, 1);
    pci_put(&t->pci, PCI_STATUS, 2, 8);
    pci_loaded(&t->pci);
    assert_int_equal(bench_inw(r->b, 0xc000), 0xa000);
    assert_int_equal(r->b->intx_level[3][1], 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(header),
        T(status_w1c),
        T(bar_size_and_move),
        T(bars_overlap),
        T(intx),
        T(presence),
        T(slots),
        T(bus_full),
        T(caps),
        T(dma),
        T(put_and_get_end_with_the_space),
        T(hostile_restore),
        T(claim_refused),
    };

    return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
