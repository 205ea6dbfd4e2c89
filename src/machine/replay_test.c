/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults of other device models that concern more than one device, replayed on
 * a whole machine; those of one device stand beside it. A test is named by its
 * id: `meson test --suite replay` runs and lists them all.
 *
 * Out of scope, as nothing here could have the fault:
 *
 * - Cirrus blits, there is no blitter: XSA-208, 209, 211, CVE-2017-2615, -2620,
 *   -2016-9603, -2007-1320, -2008-4539, -2014-8106, -2017-15289, -2017-18030
 * - USB set-up, there is no USB: XSA-335, CVE-2020-14364
 * - UHCI, there is none: CVE-2024-8354, QEMU's #119
 *
 * There is no floppy controller, PIT, MSI-X or pass-through either; what stands
 * in the place of those is tested.
 */
#include "storm_fixture.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <hvmd/pci.h>

static struct rig *start(void)
{
    struct rig *r = rig_new();

    rig_start(r);
    rig_firmware(r);
    return r;
}

/* The functions of the bus, in order; returns how many. */
static unsigned functions(struct rig *r, struct pci_dev *fn[16])
{
    unsigned n = 0;

    for (unsigned devfn = 0; devfn < 256; devfn++) {
        struct pci_dev *d = machine_pci_dev(r->m, devfn);

        if (d && d->devfn == devfn && n < 16)
            fn[n++] = d;
    }
    assert_true(n >= 6);
    return n;
}

static void assert_all_there(struct rig *r)
{
    static const struct {
        unsigned devfn;
        uint32_t id;
    } row[] = {{0x00, 0x12378086}, {0x08, 0x70008086}, {0x09, 0x70108086},
               {0x0b, 0x71138086}, {0x10, 0x00015853}, {0x18, 0x11111234},
               {0x20, 0x813910ec}};

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_int_equal(rig_cfg(r, row[i].devfn, 0, 4), row[i].id);
}

static uint64_t mmio_hits(struct rig *r)
{
    uint64_t n = 0;
    struct dev *d;

    for (unsigned i = 0; (d = machine_dev_at(r->m, i)); i++)
        n += d->hits[HIT_MMIO_RD] + d->hits[HIT_MMIO_WR];
    return n;
}

/* The hot-plug registers ejected a slot that cannot be. */
static void cve_2011_1751_eject_of_every_slot(void **state)
{
    struct rig *r = start();

    for (unsigned size = 1; size <= 4; size *= 2)
        for (uint16_t port = 0xae00; port <= 0xae10 - size; port++)
            for (unsigned bit = 0; bit <= 8 * size; bit++)
                rig_out(r, port, size, bit ? 1u << (bit - 1) : UINT32_MAX);
    assert_all_there(r);
    assert_int_equal(rig_in(r, 0xae08, 4), 0);
    rig_free(r);
}

static void count_gone(void *ctx, unsigned which)
{
    ++*(unsigned *)ctx;
}

static size_t heap(void)
{
    return mallinfo2().uordblks;
}

/* Each unplug lost a little memory. */
static void cve_2016_10155_many_unplugs(void **state)
{
    struct rig *r = rig_new();
    unsigned gone = 0;
    size_t before;

    r->host.ctx = &gone;
    r->host.disk_gone = r->host.nic_gone = count_gone;
    r->host.event = NULL;
    rig_start(r);
    rig_firmware(r);
    rig_out(r, 0x10, 2, 7);
    assert_int_equal(gone, 3); /* two disks, one card */
    before = heap();
    for (unsigned i = 0; i < 20000; i++)
        rig_out(r, 0x10, 2, i & 7);
    assert_int_equal(heap(), before);
    assert_int_equal(gone, 3);
    rig_free(r);
}

/* A message for each access, where a card's MSI-X table would be. */
static void xsa_130_cve_2015_4105_no_message_an_access(void **state)
{
    struct pci_dev *fn[16];
    struct rig *r = start();
    unsigned n = functions(r, fn);

    for (unsigned i = 0; i < 100000; i++) {
        rig_cfg_set(r, fn[i % n]->devfn, 0x40 + i % 0xc0, 1, i & 0xff);
        rig_write(r, IO_MMIO, 0xf0000000 + (uint64_t)i * 337, 4, i);
        rig_cfg(r, 0x21, i & 0xfc, 4);
    }
    assert_true(r->b->log.guest_bytes < 4096);
    rig_free(r);
}

/* Registers of config space that no guest may write. */
static void xsa_126_128_129_131_config_write_masks(void **state)
{
    static const uint8_t fixed[] = {0x00, 0x01, 0x02, 0x03, 0x08, 0x09,
                                    0x0a, 0x0b, 0x0e, 0x2c, 0x2d, 0x2e,
                                    0x2f, 0x34, 0x3d, 0x3e, 0x3f};
    static const uint32_t vals[] = {UINT32_MAX, 0, 0x5555aaaa, 0xaaaa5555};
    struct pci_dev *fn[16];
    struct rig *r = start();
    unsigned n = functions(r, fn);

    for (unsigned f = 0; f < n; f++) {
        uint8_t before[256];

        for (unsigned i = 0; i < sizeof(fixed); i++)
            assert_int_equal(fn[f]->wmask[fixed[i]] | fn[f]->w1c[fixed[i]], 0);
        for (unsigned reg = 0; reg < 256; reg++)
            before[reg] = (uint8_t)rig_cfg(r, fn[f]->devfn, reg, 1);
        for (unsigned i = 0; i < 4 * 3; i++)
            for (unsigned size = 1u << (i % 3), reg = 0; reg < 256; reg += size)
                rig_cfg_set(r, fn[f]->devfn, reg, size, vals[i / 3]);
        for (unsigned reg = 0; reg < 256; reg++) {
            uint8_t now = (uint8_t)rig_cfg(r, fn[f]->devfn, reg, 1);

            if (fn[f]->devfn == 0 && reg == 0x72)
                continue; /* SMRAM: its lock bit is code's to keep */
            if ((now ^ before[reg]) & ~(fn[f]->wmask[reg] | fn[f]->w1c[reg]))
                fail_msg("function %02x register %02x: %02x was %02x",
                         fn[f]->devfn, reg, now, before[reg]);
        }
        /* bits of the command register that no function here has */
        assert_int_equal(rig_cfg(r, fn[f]->devfn, PCI_COMMAND, 2) & 0xf800, 0);
    }
    assert_all_there(r);
    rig_free(r);
}

/* A table in a BAR, written past its end: the ends of all BARs there are. */
static void xsa_164_cve_2015_8554_past_the_end_of_a_bar(void **state)
{
    struct pci_dev *fn[16];
    struct rig *r = start();
    unsigned n = functions(r, fn), bars = 0;

    for (unsigned f = 0; f < n; f++)
        for (unsigned i = 0; i < PCI_BARS; i++) {
            struct pci_bar *bar = &fn[f]->bar[i];
            enum io_kind kind = bar->space == SPACE_PIO ? IO_PIO : IO_MMIO;
            uint64_t end = bar->addr + bar->size;

            if (!bar->size || bar->addr == PCI_BAR_OFF)
                continue;
            bars++;
            for (unsigned size = 1; size <= (kind == IO_PIO ? 4 : 8); size *= 2)
                for (unsigned k = 0; k < 2 * size; k++) {
                    rig_write(r, kind, bar->addr - k, size, UINT64_MAX);
                    rig_read(r, kind, bar->addr - k, size);
                    rig_write(r, kind, end - k, size, UINT64_MAX);
                    rig_read(r, kind, end - k, size);
                }
            rig_firmware(r); /* whatever registers were hit */
        }
    assert_true(bars >= 7);
    assert_all_there(r);
    rig_free(r);
}

/* The hypervisor, which believes nothing. */
struct strict {
    struct hv_ops ops; /* first */
    const struct hv_ops *real;
    struct {
        enum space space;
        uint64_t base, len;
    } claim[256];
    unsigned n;
    uint32_t vram_pages;
};

static struct strict *strict_of(struct hv *hv)
{
    return (struct strict *)(uintptr_t)hv->ops;
}

static int strict_claim(struct hv *hv, enum space space, uint64_t base,
                        uint64_t len, bool on)
{
    struct strict *s = strict_of(hv);
    unsigned i;

    assert_true(len > 0 && base + (len - 1) >= base);
    assert_true(space == SPACE_MMIO || base + (len - 1) <= 0xffff);
    for (i = 0; i < s->n; i++)
        if (s->claim[i].space == space && s->claim[i].base < base + len &&
            base < s->claim[i].base + s->claim[i].len)
            break;
    if (on) {
        assert_int_equal(i, s->n); /* overlaps nothing */
        assert_true(s->n < 256);
        s->claim[s->n].space = space;
        s->claim[s->n].base = base;
        s->claim[s->n++].len = len;
    } else {
        assert_true(i < s->n && s->claim[i].base == base &&
                    s->claim[i].len == len);
        s->claim[i] = s->claim[--s->n];
    }
    return s->real->claim(hv, space, base, len, on);
}

static int strict_isa(struct hv *hv, unsigned irq, bool level)
{
    assert_true(irq < 16);
    return strict_of(hv)->real->isa_irq(hv, irq, level);
}

static int strict_intx(struct hv *hv, unsigned slot, unsigned pin, bool level)
{
    assert_true(slot < 32 && pin < 4);
    return strict_of(hv)->real->pci_intx(hv, slot, pin, level);
}

static int strict_link(struct hv *hv, unsigned link, unsigned irq)
{
    assert_true(link < 4 && irq < 16);
    return strict_of(hv)->real->pci_link(hv, link, irq);
}

static int strict_alloc(struct hv *hv, uint32_t pages)
{
    strict_of(hv)->vram_pages = pages;
    return strict_of(hv)->real->vram_alloc(hv, pages);
}

static int strict_move(struct hv *hv, uint64_t gfn)
{
    assert_true(gfn == HV_GFN_NONE ||
                gfn <= (UINT64_C(1) << 36) - strict_of(hv)->vram_pages);
    return strict_of(hv)->real->vram_move(hv, gfn);
}

static int strict_dirty(struct hv *hv, uint32_t pages, uint8_t *bits)
{
    assert_true(pages <= strict_of(hv)->vram_pages);
    return strict_of(hv)->real->vram_dirty(hv, pages, bits);
}

/*
 * A device model that told Xen of ranges whose end is before their start, of
 * one range twice, of wires and frames that are none.
 */
static void xsa_238_262_276_491_506_what_xen_is_told(void **state)
{
    struct rig *r = rig_new();
    const struct hv_ops *real = r->b->hv.ops;
    struct strict s = {.ops = *real, .real = real};
    struct prng p = {77};

    s.ops.claim = strict_claim;
    s.ops.isa_irq = strict_isa;
    s.ops.pci_intx = strict_intx;
    s.ops.pci_link = strict_link;
    s.ops.vram_alloc = strict_alloc;
    s.ops.vram_move = strict_move;
    s.ops.vram_dirty = strict_dirty;
    r->b->hv.ops = &s.ops;
    rig_start(r);
    rig_firmware(r);
    for (unsigned i = 0; i < 30000; i++) {
        static const uint8_t fns[] = {0x00, 0x08, 0x09, 0x0b, 0x10, 0x18, 0x20};
        unsigned devfn = fns[below(&p, sizeof(fns))];

        switch (below(&p, 4)) {
        case 0:
            rig_cfg_set(r, devfn, PCI_COMMAND, 2, below(&p, 8));
            break;
        case 1:
            rig_cfg_set(r, devfn, 0x40 + below(&p, 0xc0), 1, below(&p, 256));
            break;
        default:
            rig_cfg_set(r, devfn, 0x10 + 4 * below(&p, 9), 4,
                        (uint32_t)value(&p));
            break;
        }
        if (i % 16 == 0)
            storm_step(r, &p);
    }
    rig_free(r);
    assert_int_equal(s.n, 0);
}

/* The FDC's command queue; a drive without a medium; DMA past its end. */
static void xsa_133_cve_2015_3456_2021_20196_2021_3507_no_fdc(void **state)
{
    static const uint8_t cmds[] = {0x8e, 0x0e, 0x46, 0xc5, 0x4d, 0x18, 0x0a};
    struct rig *r = start();

    for (unsigned i = 0; i < sizeof(cmds); i++)
        for (unsigned n = 0; n < 1000; n++)
            rig_out(r, 0x3f5, 1, n ? 0xff : cmds[i]);
    for (uint16_t port = 0x3f0; port < 0x3f8; port++) {
        if (port == 0x3f6) /* the disk's */
            continue;
        rig_out(r, port, 1, 0);
        assert_int_equal(rig_in(r, port, 1), 0xff);
    }
    bench_step(r->b, NS_PER_S);
    assert_int_equal(r->b->isa_level[6], 0);
    rig_free(r);
}

/* Counters read at another width than they were latched for. */
static void cve_2015_3214_no_pit(void **state)
{
    struct rig *r = start();

    for (uint16_t port = 0x40; port < 0x44; port++)
        for (unsigned i = 0; i < 256; i++) {
            rig_out(r, 0x43, 1, i);
            rig_out(r, port, 1, i);
            assert_int_equal(rig_in(r, port, 1), 0xff);
            assert_int_equal(rig_in(r, 0x40, 4), 0xffffffff);
        }
    rig_free(r);
}

/* One transfer by each engine from and to addr. */
static void dma_everywhere(struct rig *r, uint32_t addr, uint16_t bm,
                           uint16_t nic)
{
    uint32_t prd[2] = {addr & ~1u, 0x80000000u | 4096};

    memcpy(r->b->ram + 0x1000, prd, sizeof(prd));
    for (unsigned wr = 0; wr < 2; wr++) {
        rig_out(r, bm, 1, 0);
        rig_out(r, bm + 4, 4, 0x1000);
        rig_out(r, 0x1f6, 1, 0xe0);
        rig_out(r, 0x1f2, 1, 8);
        rig_out(r, 0x1f3, 1, 0);
        rig_out(r, 0x1f4, 2, 0);
        rig_out(r, 0x1f7, 1, wr ? 0xca : 0xc8);
        rig_out(r, bm, 1, wr ? 1 : 9);
        bench_step(r->b, NS_PER_MS);
        rig_in(r, 0x1f7, 1);
    }
    rig_out(r, bm + 4, 4, addr); /* the table itself */
    rig_out(r, 0x1f7, 1, 0xc8);
    rig_out(r, bm, 1, 9);
    rig_out(r, nic + 0x37, 1, 0x10); /* RTL8139C: CR.RST */
    rig_out(r, nic + 0x37, 1, 0x0c);
    rig_out(r, nic + 0x40, 4, 0x00060000); /* loopback */
    rig_out(r, nic + 0x44, 4, 0x0000000f);
    rig_out(r, nic + 0x30, 4, addr);
    rig_out(r, nic + 0x20, 4, addr);
    rig_out(r, nic + 0x10, 4, 100);
    bench_step(r->b, NS_PER_MS);
    rig_out(r, nic + 0x10, 4, 0x2000); /* its TSADs: the next in turn */
    rig_out(r, nic + 0xe0, 2, 0x0003); /* C+: rings */
    rig_out(r, nic + 0x20, 4, addr & ~0xffu);
    rig_out(r, nic + 0xe4, 4, addr & ~0xffu);
    rig_out(r, nic + 0xd9, 1, 0x40);
    rig_out(r, nic + 0x10, 4, (addr & ~0x3fu) | 8); /* tally dump */
    bench_step(r->b, NS_PER_MS);
    rig_out(r, nic + 0xe0, 2, 0);
}

/* DMA aimed at a device's own registers, or at its neighbour's. */
static void cve_2021_3929_cve_2023_0330_dma_at_a_bar(void **state)
{
    struct pci_dev *fn[16];
    struct rig *r = start();
    unsigned n = functions(r, fn), aimed = 0;
    uint16_t bm = (uint16_t)fn[2]->bar[4].addr, nic = 0;
    uint64_t hits = mmio_hits(r);

    for (unsigned f = 0; f < n; f++)
        if (rig_cfg(r, fn[f]->devfn, 0, 4) == 0x813910ec)
            nic = (uint16_t)fn[f]->bar[0].addr;
    assert_true(bm && nic);
    for (unsigned f = 0; f < n; f++)
        for (unsigned i = 0; i < PCI_BARS; i++) {
            struct pci_bar *bar = &fn[f]->bar[i];

            if (bar->space != SPACE_MMIO || !bar->size ||
                bar->addr == PCI_BAR_OFF)
                continue;
            dma_everywhere(r, (uint32_t)bar->addr, bm, nic);
            dma_everywhere(r, (uint32_t)bar->addr + bar->size - 64, bm, nic);
            aimed++;
        }
    assert_true(aimed >= 4);
    assert_int_equal(mmio_hits(r), hits);
    assert_all_there(r);
    rig_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_2011_1751_eject_of_every_slot),
        cmocka_unit_test(cve_2016_10155_many_unplugs),
        cmocka_unit_test(xsa_130_cve_2015_4105_no_message_an_access),
        cmocka_unit_test(xsa_126_128_129_131_config_write_masks),
        cmocka_unit_test(xsa_164_cve_2015_8554_past_the_end_of_a_bar),
        cmocka_unit_test(xsa_238_262_276_491_506_what_xen_is_told),
        cmocka_unit_test(xsa_133_cve_2015_3456_2021_20196_2021_3507_no_fdc),
        cmocka_unit_test(cve_2015_3214_no_pit),
        cmocka_unit_test(cve_2021_3929_cve_2023_0330_dma_at_a_bar),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
