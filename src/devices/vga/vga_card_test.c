/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The card: BARs, option ROM, EDID, configuration, refusals. */
#include "vga_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_bar2(void **state)
{
    struct rig *rig = *state;
    struct bus *bus = &rig->b->bus;
    uint32_t at = 0xfeb00000;
    unsigned slot = rig->vga->pci.devfn;

    pci_cfg_write(rig->b->env.pci, slot, PCI_BAR0 + 8, 4, at);
    pci_cfg_write(rig->b->env.pci, slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at, 4), 0xffffff00);
    bus_write(bus, SPACE_MMIO, at, 4, 0);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at, 4), 0xffffff00);
    bus_write(bus, SPACE_MMIO, at + 0x402, 1, 0x67); /* 3c2 */
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x40c, 1), 0x67);
    bus_write(bus, SPACE_MMIO, at + 0x404, 2, 0x0b02);
    assert_int_equal(rig->vga->s.sr[2], 0x0b);
    bus_write(bus, SPACE_MMIO, at + 0x500 + 2 * VBE_XRES, 2, 800);
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), 800);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x500, 4),
                     800u << 16 | 0xb0c5);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x600, 4), 8);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x604, 4), 0x1e1e1e1e);
    bus_write(bus, SPACE_MMIO, at + 0x604, 4, 0xbebebebe);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x604, 4), 0xbebebebe);
    bus_write(bus, SPACE_MMIO, at + 0x604, 4, 0x1e1e1e1e);
    assert_int_equal(rig->vga->s.big_endian, 0);
    bus_write(bus, SPACE_MMIO, at + 0x604, 4, 0xbebebebe);
    bus_write(bus, SPACE_MMIO, at + 0x502, 1, 1); /* half a register */
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), 800);
    bus_write(bus, SPACE_MMIO, at + 0x604, 4, 7);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x604, 4), 0xbebebebe);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0xffc, 4), 0xffffffff);
}

/* Each byte of BAR 2 belongs to one block or to none. */
static void test_bar2_edges(void **state)
{
    struct rig *rig = *state;
    struct bus *bus = &rig->b->bus;
    uint32_t at = 0xfeb00000;

    rig_mode(rig, 0x03);
    bench_outb(rig->b, 0x3c0, 0x20);
    rig_vbe(rig, VBE_ENABLE, 0);
    pci_cfg_write(rig->b->env.pci, 0x10, PCI_BAR0 + 8, 4, at);
    pci_cfg_write(rig->b->env.pci, 0x10, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (uint32_t off = 0; off < BAR2_BYTES; off++) {
        uint8_t v = (uint8_t)bus_read(bus, SPACE_MMIO, at + off, 1);

        if (off < 128)
            assert_int_equal(v, rig->vga->edid[off]);
        else if (off < 0x400)
            assert_int_equal(v, 0);
        else if (off == 0x400)
            assert_int_equal(v, 0x20);
        else if (off == 0x514 || off == 0x515)
            assert_int_equal(v, off & 1); /* 0x100 banks */
        else if (off >= 0x600 && off < 0x608)
            assert_int_equal(v, off >= 0x604 ? 0x1e : off == 0x600 ? 8 : 0);
        else if ((off >= 0x420 && off < 0x500) || off >= 0x516)
            assert_int_equal(v, 0xff);
    }
    bus_write(bus, SPACE_MMIO, at + 0x400, 1, 0x07);
    assert_int_equal(bench_inb(rig->b, 0x3c0), 0x07);
    bus_write(bus, SPACE_MMIO, at + 0x500, 2, 0xb0c2);
    assert_int_equal(rig_vbe_get(rig, VBE_ID), 0xb0c2);
    /* Writes beside the blocks reach nothing. */
    rig->vga->s.sr[SR_MAP_MASK] = 5;
    bus_write(bus, SPACE_MMIO, at + 0x420, 4, UINT32_MAX);
    bus_write(bus, SPACE_MMIO, at + 0x516, 2, 0xffff);
    bus_write(bus, SPACE_MMIO, at + 0x700, 4, BAR2_EXT_BIG);
    bus_write(bus, SPACE_MMIO, at + 0x604, 2, 0xbebe);
    assert_int_equal(bus_read(bus, SPACE_MMIO, at + 0x604, 4), 0x1e1e1e1e);
    assert_int_equal(rig->vga->s.sr[SR_MAP_MASK], 5);
}

static void test_pci(void **state)
{
    struct rig *rig = *state;
    struct pci_bus *pci = rig->b->env.pci;
    unsigned fn = rig->vga->pci.devfn;

    assert_int_equal(fn, PCI_DEVFN(2, 0));
    assert_int_equal(pci_cfg_read(pci, fn, 0, 4), 0x11111234);
    assert_int_equal(pci_cfg_read(pci, fn, 8, 4), 0x03000002);
    assert_int_equal(pci_cfg_read(pci, fn, 0x2c, 4), 0x11001af4);
    pci_cfg_write(pci, fn, PCI_BAR0, 4, 0xffffffff);
    assert_int_equal(pci_cfg_read(pci, fn, PCI_BAR0, 4), 0xff000008);
    pci_cfg_write(pci, fn, PCI_BAR0, 4, 0xf0000000);
    assert_int_equal(rig->b->vram_gfn, HV_GFN_NONE);
    pci_cfg_write(pci, fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(rig->b->vram_gfn, 0xf0000);
    pci_cfg_write(pci, fn, PCI_COMMAND, 2, 0);
    assert_int_equal(rig->b->vram_gfn, HV_GFN_NONE);
    pci_cfg_write(pci, fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    rig->dev->ops->reset(rig->dev, RESET_BUS);
    assert_int_equal(rig->b->vram_gfn, HV_GFN_NONE);
}

static void test_rom(void **state)
{
    static uint8_t image[40000];
    struct rom rom = {image, sizeof(image)};
    struct bench *b = bench_new(1 << 20);
    struct conf conf = {.n = 0};
    struct err e;
    struct dev *dev;
    uint8_t buf[16];

    (void)state;
    for (unsigned i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 7);
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_ptr(&conf, "rom", &rom);
    dev = dev_new(&vga_ops, &b->env, 0, &conf, &e);
    assert_non_null(dev);
    pci_cfg_write(b->env.pci, 0x10, PCI_ROM, 4, 0xffffffff);
    assert_int_equal(pci_cfg_read(b->env.pci, 0x10, PCI_ROM, 4), 0xffff0001);
    pci_cfg_write(b->env.pci, 0x10, PCI_ROM, 4, 0xfe000001);
    pci_cfg_write(b->env.pci, 0x10, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xfe000001, 4), 0x1c150e07);
    bus_write(&b->bus, SPACE_MMIO, 0xfe000000, 4, 0);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xfe000000, 1), 0);
    bus_copy(&b->bus, 0xfe000000 + sizeof(image) - 8, 4, false, buf, 4);
    assert_memory_equal(buf, image + sizeof(image) - 8, 8);
    assert_int_equal(buf[8], 0xff);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xfe00ffff, 1), 0xff);
    dev_free(dev);
    pci_bus_free(b->env.pci);
    bench_free(b);
}

static int refuse_move(struct hv *hv, uint64_t gfn)
{
    (void)hv, (void)gfn;
    return -EIO;
}

static int refuse_alloc(struct hv *hv, uint32_t pages)
{
    (void)hv, (void)pages;
    return -ENOMEM;
}

static void test_vram_refused(void **state)
{
    struct bench *b = bench_new(1 << 20);
    struct hv_ops ops = *b->hv.ops;
    struct dev *dev;
    struct err e;

    (void)state;
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    ops.vram_alloc = refuse_alloc;
    ops.vram_move = refuse_move;
    b->hv.ops = &ops;
    assert_null(dev_new(&vga_ops, &b->env, 0, NULL, &e));
    assert_non_null(strstr(e.text, "16 MiB of video memory"));
    ops.vram_alloc = NULL;
    {
        struct bench *real = bench_new(1 << 20);

        ops.vram_alloc = real->hv.ops->vram_alloc;
        bench_free(real);
    }
    dev = dev_new(&vga_ops, &b->env, 0, NULL, &e);
    assert_non_null(dev);
    pci_cfg_write(b->env.pci, 0x10, PCI_BAR0, 4, 0xf0000000);
    pci_cfg_write(b->env.pci, 0x10, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(dev->mistakes, 1);
    assert_non_null(strstr(b->log_text, "0xf0000000"));
    dev_free(dev);
    pci_bus_free(b->env.pci);
    bench_free(b);
}

static void expect_refusal(struct bench *b, const char *key, uint64_t num,
                           const char *why)
{
    struct conf conf = {.n = 0};
    struct err e = {""};

    conf_set_num(&conf, key, num);
    assert_null(dev_new(&vga_ops, &b->env, 0, &conf, &e));
    assert_non_null(strstr(e.text, why));
}

static void test_conf(void **state)
{
    static const uint64_t bad[] = {0, 3, 512, UINT64_MAX};
    struct bench *b = bench_new(1 << 20);
    struct dev *dev;
    struct err e;

    (void)state;
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    for (unsigned i = 0; i < 4; i++)
        expect_refusal(b, "vgamem_mib", bad[i], "power of two");
    expect_refusal(b, "xres", 2561, "2561x800");
    expect_refusal(b, "yres", 0, "1280x0");
    expect_refusal(b, "devfn", 0x300, "PCI slot");
    assert_null(bus_find(&b->bus, SPACE_PIO, 0x3c0));
    pci_bus_free(b->env.pci);
    bench_free(b);
    b = bench_new(1 << 20); /* its video memory was taken */
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    /* A taken port: nothing stays mapped. */
    assert_int_equal(
        bus_map(&b->bus, SPACE_PIO, 0x1cf, 1, &vga_vbe_ops, b, NULL), 0);
    dev = dev_new(&vga_ops, &b->env, 0, NULL, &e);
    assert_null(dev);
    assert_null(bus_find(&b->bus, SPACE_PIO, 0x3c0));
    assert_null(pci_find(b->env.pci, 0x10));
    pci_bus_free(b->env.pci);
    bench_free(b);
}

static void test_edid(void **state)
{
    struct rig *rig = *state;
    const uint8_t *e = rig->vga->edid;
    uint8_t other[VGA_EDID_BYTES];
    uint8_t sum = 0;
    const uint8_t *d = e + 54;

    for (unsigned i = 0; i < 128; i++)
        sum = (uint8_t)(sum + e[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(d[2] | (d[4] & 0xf0) << 4, 1280);
    assert_int_equal(d[5] | (d[7] & 0xf0) << 4, 800);
    /* Near 60 frames a second. */
    assert_in_range(
        (d[0] | d[1] << 8) * 10000u / ((1280 + d[3]) * (800u + d[6])), 59, 60);
    vga_edid(other, 1024, 768, 1 << 20);
    assert_int_equal(other[56] | (other[58] & 0xf0) << 4, 1024);
    assert_int_equal(other[38], 0x01); /* nothing wide fits */
    assert_int_equal(e[38], 1920 / 8 - 31);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_bar2),
        T(test_bar2_edges),
        T(test_pci),
        cmocka_unit_test(test_rom),
        cmocka_unit_test(test_vram_refused),
        cmocka_unit_test(test_conf),
        T(test_edid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
