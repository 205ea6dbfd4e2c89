/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers, the window's logic, VBE and state of the VGA. */
#include "vga_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIN 0xa0000u

/* Bytes of the four planes at a plane offset. */
static uint32_t planes(struct rig *rig, uint32_t o)
{
    const uint8_t *p = rig->b->vram + 4 * o;

    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_planes(struct rig *rig, uint32_t o, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        rig->b->vram[4 * o + i] = (uint8_t)(v >> (8 * i));
}

static void test_reset(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    /* Monochrome addresses until the firmware sets MISC. */
    assert_int_equal(bench_inb(b, 0x3cc), 0);
    assert_int_equal(bench_inb(b, 0x3d4), 0xff);
    assert_int_equal(bench_inb(b, 0x3b4), 0);
    assert_int_equal(bench_inb(b, 0x3c6), 0xff);
    bench_outb(b, 0x3c2, 0xff);
    assert_int_equal(bench_inb(b, 0x3cc), 0xef);
    assert_int_equal(bench_inb(b, 0x3b4), 0xff);
    assert_int_equal(bench_inb(b, 0x3d4), 0);
    assert_int_equal(rig_vbe_get(rig, VBE_ID), 0xb0c5);
    assert_int_equal(rig_vbe_get(rig, VBE_MEMORY_64K), 256);
    rig_mode(rig, 0x12);
    rig_vbe_mode(rig, 800, 600, 32);
    rig->dev->ops->reset(rig->dev, RESET_POWER);
    assert_int_equal(bench_inb(b, 0x3cc), 0);
    assert_int_equal(bench_inb(b, 0x3c4), 0);
    assert_int_equal(rig_vbe_get(rig, VBE_ENABLE), 0);
    bench_outb(b, 0x3c2, 1);
    for (uint8_t i = 0; i < 25; i++)
        assert_int_equal(rig_crt_get(rig, i), 0);
}

static void test_masks(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    bench_outb(b, 0x3c2, MISC_COLOR);
    for (uint8_t i = 0; i < 8; i++) {
        rig_seq(rig, i, 0xff);
        assert_int_equal(bench_inb(b, 0x3c5), vga_sr_mask[i]);
    }
    for (uint8_t i = 0; i < 16; i++) {
        rig_gfx(rig, i, 0xff);
        assert_int_equal(bench_inb(b, 0x3cf), vga_gr_mask[i]);
    }
    for (uint8_t i = 0; i < 32; i++) {
        rig_attr(rig, i, 0xff);
        bench_outb(b, 0x3c0, i);
        assert_int_equal(bench_inb(b, 0x3c1), vga_ar_mask[i]);
    }
    for (uint8_t i = 8; i < 32; i++) {
        rig_crt(rig, 0x11, 0);
        rig_crt(rig, i, 0xff);
        assert_int_equal(rig_crt_get(rig, i), vga_cr_mask[i]);
    }
    /* Indices that have no register. */
    bench_outb(b, 0x3d4, 0xfe);
    bench_outb(b, 0x3d5, 0xff);
    assert_int_equal(bench_inb(b, 0x3d5), 0);
    bench_outb(b, 0x3c4, 0xff);
    assert_int_equal(bench_inb(b, 0x3c4), 7);
    bench_outb(b, 0x3ce, 0xff);
    assert_int_equal(bench_inb(b, 0x3ce), 15);
}

static void test_crtc_protect(void **state)
{
    struct rig *rig = *state;

    bench_outb(rig->b, 0x3c2, MISC_COLOR);
    rig_crt(rig, 0x01, 0x4f);
    rig_crt(rig, 0x07, 0x0f);
    rig_crt(rig, 0x11, 0x80);
    rig_crt(rig, 0x01, 0x11);
    rig_crt(rig, 0x07, 0xf0);
    assert_int_equal(rig_crt_get(rig, 0x01), 0x4f);
    assert_int_equal(rig_crt_get(rig, 0x07), 0x1f);
    rig_crt(rig, 0x08, 0x03);
    assert_int_equal(rig_crt_get(rig, 0x08), 0x03);
}

static void test_attr_flip_flop(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    bench_outb(b, 0x3c2, MISC_COLOR);
    bench_inb(b, 0x3da);
    bench_outb(b, 0x3c0, 0x03);
    assert_int_equal(rig_crt_get(rig, 0x24), 0x80);
    bench_outb(b, 0x3c0, 0x2a);
    assert_int_equal(rig_crt_get(rig, 0x24), 0);
    assert_int_equal(bench_inb(b, 0x3c1), 0x2a);
    bench_outb(b, 0x3c0, 0x05);
    bench_inb(b, 0x3da); /* back to index */
    bench_outb(b, 0x3c0, 0x03);
    assert_int_equal(bench_inb(b, 0x3c0), 0x03);
    assert_int_equal(bench_inb(b, 0x3c1), 0x2a);
}

static void test_dac(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    rig_dac(rig, 255, 1, 2, 3);
    assert_int_equal(bench_inb(b, 0x3c8), 0); /* wrapped */
    bench_outb(b, 0x3c9, 0xff);
    bench_outb(b, 0x3c9, 0xff);
    bench_outb(b, 0x3c9, 0xff);
    assert_int_equal(bench_inb(b, 0x3c7), 0);
    bench_outb(b, 0x3c7, 255);
    assert_int_equal(bench_inb(b, 0x3c7), 3);
    assert_int_equal(bench_inb(b, 0x3c9), 1);
    assert_int_equal(bench_inb(b, 0x3c9), 2);
    assert_int_equal(bench_inb(b, 0x3c9), 3);
    assert_int_equal(bench_inb(b, 0x3c9), 0x3f); /* six bits */
    /* Two bytes of a colour change nothing. */
    bench_outb(b, 0x3c8, 7);
    bench_outb(b, 0x3c9, 9);
    bench_outb(b, 0x3c9, 9);
    bench_outb(b, 0x3c7, 7);
    assert_int_equal(bench_inb(b, 0x3c9), 0);
    bench_outb(b, 0x3c6, 0x0f);
    assert_int_equal(bench_inb(b, 0x3c6), 0x0f);
}

static void test_dac_8bit(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    rig_dac(rig, 4, 0x3f, 0x20, 0x01);
    rig_vbe(rig, VBE_ENABLE, VBE_8BIT_DAC);
    bench_outb(b, 0x3c7, 4);
    assert_int_equal(bench_inb(b, 0x3c9), 0xff);
    assert_int_equal(bench_inb(b, 0x3c9), 0x82);
    assert_int_equal(bench_inb(b, 0x3c9), 0x04);
    rig_dac(rig, 4, 0xab, 0xcd, 0xef);
    bench_outb(b, 0x3c7, 4);
    assert_int_equal(bench_inb(b, 0x3c9), 0xab);
    rig_vbe(rig, VBE_ENABLE, 0);
    bench_outb(b, 0x3c7, 4);
    assert_int_equal(bench_inb(b, 0x3c9), 0xab >> 2);
}

/* The beam follows the clock, not the number of reads. */
static void test_status(void **state)
{
    struct rig *rig = *state;
    unsigned vsync = 0, blank = 0, rises = 0, reads = 10000;
    uint8_t was = 0;

    bench_outb(rig->b, 0x3c2, 0x67);
    assert_int_equal(bench_inb(rig->b, 0x3da), bench_inb(rig->b, 0x3da));
    for (unsigned i = 0; i < reads; i++) {
        uint8_t v = bench_inb(rig->b, 0x3da);

        if (v & STATUS_VSYNC) {
            assert_true(v & STATUS_BLANK);
            vsync++;
            rises += !(was & STATUS_VSYNC);
        }
        blank += (v & STATUS_BLANK) != 0;
        was = v;
        bench_step(rig->b, 100 * NS_PER_US);
    }
    assert_in_range(rises, 69, 71); /* frames in a second */
    assert_in_range(vsync, reads / 20, reads / 5);
    assert_in_range(blank, vsync + reads / 10, reads / 2);
}

static void test_mono_ports(void **state)
{
    struct rig *rig = *state;
    struct bench *b = rig->b;

    bench_outb(b, 0x3c2, 0x66);
    bench_outb(b, 0x3b4, 0x0e);
    bench_outb(b, 0x3b5, 0x12);
    assert_int_equal(bench_inb(b, 0x3b5), 0x12);
    bench_outb(b, 0x3d5, 0x34); /* not there */
    assert_int_equal(bench_inb(b, 0x3d5), 0xff);
    assert_int_equal(bench_inb(b, 0x3b5), 0x12);
    bench_outb(b, 0x3c0, 3);
    assert_int_equal(bench_inb(b, 0x3ba) & ~9, 0);
    bench_outb(b, 0x3c0, 4); /* an index again */
    assert_int_equal(bench_inb(b, 0x3c0), 4);
    bench_outb(b, 0x3ba, 0xff);
    assert_int_equal(bench_inb(b, 0x3ca), 0x0b);
    assert_int_equal(bench_inb(b, 0x3c2), 0x10);
    assert_int_equal(bench_inb(b, 0x3c3), 1);
    bench_outb(b, 0x3c3, 0xfe);
    assert_int_equal(bench_inb(b, 0x3c3), 0);
    bench_outb(b, 0x3cb, 1); /* nobody */
    assert_int_equal(bench_inb(b, 0x3cb), 0xff);
    assert_int_equal(bench_inb(b, 0x1d1), 0xff);
    bench_outb(b, 0x1d1, 1);
}

static void test_write_mode_0(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    rig_poke(rig, WIN + 5, 0xa5);
    assert_int_equal(planes(rig, 5), 0xa5a5a5a5);
    rig_seq(rig, SR_MAP_MASK, 0x05);
    rig_poke(rig, WIN + 5, 0x0f);
    assert_int_equal(planes(rig, 5), 0xa50fa50f);
    rig_seq(rig, SR_MAP_MASK, 0x0f);
    rig_gfx(rig, GR_ROTATE, 0x04);
    rig_poke(rig, WIN + 6, 0x12);
    assert_int_equal(planes(rig, 6), 0x21212121);
    rig_gfx(rig, GR_ROTATE, 0);
    /* Set/reset on planes 0 and 1, data on the others. */
    rig_gfx(rig, GR_SET_RESET, 0x01);
    rig_gfx(rig, GR_ENABLE_SR, 0x03);
    rig_poke(rig, WIN + 7, 0x3c);
    assert_int_equal(planes(rig, 7), 0x3c3c00ff);
    /* The bit mask keeps what the latches hold. */
    rig_gfx(rig, GR_ENABLE_SR, 0);
    put_planes(rig, 8, 0x11223344);
    rig_peek(rig, WIN + 8);
    rig_gfx(rig, GR_BIT_MASK, 0xf0);
    rig_poke(rig, WIN + 9, 0xff);
    assert_int_equal(planes(rig, 9), 0xf1f2f3f4);
}

static void test_functions(void **state)
{
    static const uint32_t want[4] = {0x0f0f0f0f, 0x01020304, 0x1f2f3f4f,
                                     0x1e2d3c4b};
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    put_planes(rig, 0, 0x11223344);
    for (unsigned f = 0; f < 4; f++) {
        rig_gfx(rig, GR_ROTATE, (uint8_t)(f << 3));
        rig_peek(rig, WIN);
        rig_poke(rig, WIN + 1, 0x0f);
        assert_int_equal(planes(rig, 1), want[f]);
    }
}

static void test_write_modes_1_2_3(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    put_planes(rig, 0, 0x11223344);
    rig_gfx(rig, GR_MODE, 1);
    rig_peek(rig, WIN);
    rig_poke(rig, WIN + 1, 0xff);
    assert_int_equal(planes(rig, 1), 0x11223344);

    rig_gfx(rig, GR_MODE, 2);
    rig_gfx(rig, GR_BIT_MASK, 0x0f);
    rig_peek(rig, WIN);
    rig_poke(rig, WIN + 2, 0x09);
    assert_int_equal(planes(rig, 2), 0x1f20304f);

    rig_gfx(rig, GR_MODE, 3);
    rig_gfx(rig, GR_SET_RESET, 0x0a);
    rig_gfx(rig, GR_BIT_MASK, 0x3c);
    rig_peek(rig, WIN);
    rig_poke(rig, WIN + 3, 0xf0); /* mask 30 */
    assert_int_equal(planes(rig, 3), 0x31023344);
}

static void test_read_modes(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    put_planes(rig, 3, 0x0f33550f);
    for (uint8_t p = 0; p < 4; p++) {
        rig_gfx(rig, GR_READ_MAP, p);
        assert_int_equal(rig_peek(rig, WIN + 3), 0x0f33550fu >> (8 * p) & 255);
        assert_int_equal(rig_crt_get(rig, 0x22), 0x0f33550fu >> (8 * p) & 255);
    }
    rig_gfx(rig, GR_MODE, GMODE_COMPARE);
    rig_gfx(rig, GR_COMPARE, 0x0f);
    rig_gfx(rig, GR_DONT_CARE, 0x0f);
    assert_int_equal(rig_peek(rig, WIN + 3), 0x0f & 0x55 & 0x33);
    rig_gfx(rig, GR_DONT_CARE, 0x02);
    assert_int_equal(rig_peek(rig, WIN + 3), 0x55);
    rig_gfx(rig, GR_COMPARE, 0x00);
    assert_int_equal(rig_peek(rig, WIN + 3), 0xaa);
    rig_gfx(rig, GR_DONT_CARE, 0x00);
    assert_int_equal(rig_peek(rig, WIN + 3), 0xff);
}

static void test_odd_even(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_poke(rig, 0xb8000, 'A');
    rig_poke(rig, 0xb8001, 0x1e);
    rig_poke(rig, 0xb8002, 'B');
    assert_int_equal(planes(rig, 0), 0x1e41);
    assert_int_equal(planes(rig, 1), 0);
    assert_int_equal(planes(rig, 2), 'B');
    assert_int_equal(rig_peek(rig, 0xb8000), 'A');
    assert_int_equal(rig_peek(rig, 0xb8001), 0x1e);
    assert_int_equal(bus_read(&rig->b->bus, SPACE_MMIO, 0xb8000, 4),
                     0x00421e41);
    /* Other parts of the window do not answer. */
    rig_poke(rig, 0xa0000, 1);
    assert_int_equal(rig_peek(rig, 0xa0000), 0xff);
    assert_int_equal(rig_peek(rig, 0xb0000), 0xff);
    rig_gfx(rig, GR_MISC, 0x0a); /* b0000 */
    assert_int_equal(rig_peek(rig, 0xb0000), 'A');
    assert_int_equal(rig_peek(rig, 0xb8000), 0xff);
    bench_outb(rig->b, 0x3c2, 0x65); /* RAM off */
    assert_int_equal(rig_peek(rig, 0xb0000), 0xff);
}

static void test_chain4(void **state)
{
    struct rig *rig = *state;
    uint8_t buf[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8];

    rig_mode(rig, 0x13);
    bus_copy(&rig->b->bus, WIN, 4, true, buf, 2);
    assert_int_equal(planes(rig, 0), 0x04030201);
    assert_int_equal(planes(rig, 1), 0);
    assert_int_equal(planes(rig, 4), 0x08070605);
    bus_copy(&rig->b->bus, WIN, 4, false, back, 2);
    assert_memory_equal(buf, back, 8);
    rig_seq(rig, SR_MAP_MASK, 0x02);
    bus_write(&rig->b->bus, SPACE_MMIO, WIN, 4, 0xffffffff);
    assert_int_equal(planes(rig, 0), 0x0403ff01);
    rig_seq(rig, SR_MEMORY_MODE, 0x06); /* mode X */
    rig_poke(rig, WIN + 1, 0x77);
    assert_int_equal(planes(rig, 1), 0x7700);
}

static void test_vbe_registers(void **state)
{
    struct rig *rig = *state;

    for (uint16_t id = 0xb0c0; id <= 0xb0c5; id++) {
        rig_vbe(rig, VBE_ID, id);
        assert_int_equal(rig_vbe_get(rig, VBE_ID), id);
    }
    rig_vbe(rig, VBE_ID, 0xb0c6);
    assert_int_equal(rig_vbe_get(rig, VBE_ID), 0xb0c5);
    rig_vbe(rig, VBE_ENABLE, VBE_GETCAPS);
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), DISPLAY_MAX_W);
    assert_int_equal(rig_vbe_get(rig, VBE_YRES), DISPLAY_MAX_H);
    assert_int_equal(rig_vbe_get(rig, VBE_BPP), 32);
    rig_vbe_mode(rig, 1027, 768, 32);
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), 1024);
    assert_int_equal(rig_vbe_get(rig, VBE_VIRT_WIDTH), 1024);
    assert_int_equal(rig_vbe_get(rig, VBE_VIRT_HEIGHT), 4096);
    rig_vbe(rig, VBE_VIRT_WIDTH, 2048);
    assert_int_equal(rig_vbe_get(rig, VBE_VIRT_HEIGHT), 2048);
    rig_vbe(rig, VBE_Y_OFFSET, 0xffff);
    assert_int_equal(rig_vbe_get(rig, VBE_Y_OFFSET), 2048 - 768);
    assert_int_equal(rig_vbe_get(rig, VBE_REGS), 0);
    assert_int_equal(rig_vbe_get(rig, 0xffff), 0);
    rig_vbe(rig, 0xffff, 1);
    /* The data port's alias, and both ports in one access. */
    bench_outw(rig->b, 0x1ce, VBE_XRES);
    assert_int_equal(bench_inw(rig->b, 0x1d0), 1024);
    bench_outl(rig->b, 0x1ce, 640u << 16 | VBE_XRES);
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), 640);
}

static void test_vbe_clear(void **state)
{
    struct rig *rig = *state;

    memset(rig->b->vram, 0xee, 1 << 20);
    rig_vbe_mode(rig, 640, 400, 8);
    assert_int_equal(rig->b->vram[0], 0);
    assert_int_equal(rig->b->vram[640 * 400 - 1], 0);
    assert_int_equal(rig->b->vram[640 * 400], 0xee);
    memset(rig->b->vram, 0xee, 1 << 20);
    rig_vbe(rig, VBE_ENABLE, 0);
    rig_vbe(rig, VBE_ENABLE, VBE_ENABLED | VBE_NOCLEAR);
    assert_int_equal(rig->b->vram[0], 0xee);
}

static void test_vbe_bank(void **state)
{
    struct rig *rig = *state;
    uint8_t text[4] = {'a', 'b', 'c', 'd'}, buf[4];

    rig_vbe_mode(rig, 1024, 768, 32);
    rig_gfx(rig, GR_MISC, 0x05);
    rig_vbe(rig, VBE_BANK, 3);
    bus_write(&rig->b->bus, SPACE_MMIO, WIN + 0x10, 4, 0x11223344);
    assert_int_equal(rig->b->vram[0x30010], 0x44);
    assert_int_equal(rig->b->vram[0x30013], 0x11);
    assert_int_equal(rig_peek(rig, WIN + 0x13), 0x11);
    assert_int_equal(rig_peek(rig, 0xb8000), 0xff);
    /* A string that runs out of the window. */
    bus_copy(&rig->b->bus, WIN + 0xfffe, 1, true, text, 4);
    bus_copy(&rig->b->bus, WIN + 0xfffe, 1, false, buf, 4);
    assert_memory_equal(buf, "ab\xff\xff", 4);
    assert_int_equal(rig->b->vram[0x40000], 0);
    rig_vbe(rig, VBE_BANK, 0xffff);
    assert_int_equal(rig_vbe_get(rig, VBE_BANK), 255);
    /* Which window the graphics controller asks for does not matter. */
    rig_vbe(rig, VBE_BANK, 3);
    rig_gfx(rig, GR_MISC, 0x0d);
    rig_poke(rig, 0xb8000, 0x77);
    rig_poke(rig, WIN + 0x11, 0x66);
    assert_int_equal(rig->b->vram[0x30011], 0x66);
    assert_int_equal(rig_peek(rig, 0xb8000), 0xff);
    /* 4 bits: banks of the planes. */
    rig_vbe_mode(rig, 1024, 768, 4);
    rig_seq(rig, SR_MEMORY_MODE, 0x06);
    rig_seq(rig, SR_MAP_MASK, 0x0f);
    rig_gfx(rig, GR_BIT_MASK, 0xff);
    rig_vbe(rig, VBE_BANK, 1);
    rig_poke(rig, WIN + 2, 0x81);
    assert_int_equal(planes(rig, 0x10002), 0x81818181);
}

/* XSA-179, CVE-2016-3710: a bank, then another way to read the memory. */
static void test_xsa_179_cve_2016_3710_bank_then_mode(void **state)
{
    struct rig *rig = *state;
    uint8_t buf[64];

    rig_vbe_mode(rig, 1024, 768, 32);
    rig_vbe(rig, VBE_BANK, 255);
    for (unsigned bpp = 4; bpp <= 32; bpp += 4) {
        rig_vbe(rig, VBE_BPP, (uint16_t)bpp);
        for (uint8_t mem = 0; mem < 16; mem++) {
            rig_seq(rig, SR_MEMORY_MODE, mem);
            for (uint8_t map = 0; map < 4; map++) {
                rig_gfx(rig, GR_MISC, (uint8_t)(map << 2));
                bus_copy(&rig->b->bus, 0xafff0, 1, false, buf, 16);
                bus_copy(&rig->b->bus, 0xafff0, 1, true, buf, 16);
                bus_copy(&rig->b->bus, 0xbffc0, 1, false, buf, 64);
                bus_copy(&rig->b->bus, 0xbffc0, 1, true, buf, 64);
            }
        }
    }
    rig_vbe(rig, VBE_BPP, 4);
    rig_seq(rig, SR_MEMORY_MODE, 0x06);
    rig_gfx(rig, GR_MISC, 0x05);
    assert_int_equal(rig_peek(rig, WIN), 0xff); /* beyond the planes */
    /* The first byte past them. */
    rig_vbe(rig, VBE_BPP, 32);
    rig_vbe(rig, VBE_BANK, 64);
    rig_vbe(rig, VBE_BPP, 4);
    assert_int_equal(rig_peek(rig, WIN), 0xff);
    rig_poke(rig, WIN, 1);
}

/* Address bit 16 and the window's end in planar modes. */
static void test_window_ends(void **state)
{
    struct rig *rig = *state;
    uint8_t buf[4] = {1, 2, 3, 4};

    rig_mode(rig, 0x12);
    bus_copy(&rig->b->bus, WIN + 0xfffe, 1, true, buf, 4);
    assert_int_equal(planes(rig, 0xffff), 0x02020202);
    assert_int_equal(planes(rig, 0), 0);
    rig_mode(rig, 0x03);
    rig_gfx(rig, GR_MISC, 0x02); /* 128 KiB, odd/even */
    rig_poke(rig, WIN + 0x10000, 0x77);
    assert_int_equal(planes(rig, 1), 0x77);
    assert_int_equal(planes(rig, 0), 0);
    assert_int_equal(rig_peek(rig, WIN + 0x10000), 0x77);
    assert_int_equal(rig_peek(rig, WIN), 0);
    /* Not so with VBE, whose four-bit banks go on. */
    rig_vbe_mode(rig, 800, 600, 4);
    rig_gfx(rig, GR_MISC, 0x02);
    rig_poke(rig, WIN + 0x10000, 0x66);
    assert_int_equal(planes(rig, 0x10000), 0x66);
    assert_int_equal(planes(rig, 0x10001), 0);
}

static void test_state_covers(void **state)
{
    (void)state;
    assert_true(state_covers(&vga_state_desc));
}

static void test_bad_state(void **state)
{
    struct rig *rig = *state;
    size_t len = state_bytes(&vga_state_desc);
    uint8_t *good = malloc(len), *bad = malloc(len);
    struct err e;
    unsigned refused = 0;

    rig_mode(rig, 0x03);
    state_save(&vga_state_desc, rig->dev, good);
    assert_int_equal(state_load(&vga_state_desc, rig->dev, good, len, &e), 0);
    for (size_t i = 0; i < len; i++) {
        memcpy(bad, good, len);
        bad[i] = 0xff;
        if (state_load(&vga_state_desc, rig->dev, bad, len, &e))
            refused++;
        rig_look(rig, true);
    }
    assert_true(refused > 60);
    assert_int_not_equal(
        state_load(&vga_state_desc, rig->dev, good, len - 1, &e), 0);
    free(good);
    free(bad);
}

static void test_two(void **state)
{
    struct rig *a = *state, *b = rig_new(8);

    rig_mode(a, 0x12);
    rig_mode(b, 0x13);
    rig_poke(a, WIN, 1);
    rig_poke(b, WIN, 2);
    assert_int_equal(a->b->vram[0], 1);
    assert_int_equal(b->b->vram[0], 2);
    assert_int_equal(b->b->vram[1], 0);
    rig_look(a, true);
    rig_look(b, true);
    assert_int_equal(a->viewer->h, 480);
    assert_int_equal(b->viewer->h, 400);
    rig_free(b);
}

/* Each page that differs from before was told of. */
static void check_told(struct rig *rig, uint8_t *before)
{
    struct bench *b = rig->b;
    unsigned changed = 0;

    for (uint32_t p = 0; p < b->vram_pages; p++) {
        const uint8_t *now = b->vram + (size_t)p * 4096;

        if (!memcmp(now, before + (size_t)p * 4096, 4096))
            continue;
        changed++;
        assert_true(b->vram_told[p]);
        memcpy(before + (size_t)p * 4096, now, 4096);
    }
    assert_true(changed > 0);
    memset(b->vram_told, 0, b->vram_pages);
}

/* A migration must hear of what we write to video memory for the guest. */
static void test_writes_told(void **state)
{
    static const unsigned modes[] = {3, 4, 6, 0x0d, 0x12, 0x13};
    struct rig *rig = *state;
    struct bench *b = rig->b;
    size_t bytes = (size_t)b->vram_pages * 4096;
    uint8_t *before = malloc(bytes);
    uint32_t r = 1;

    assert_non_null(before);
    memcpy(before, b->vram, bytes);
    memset(b->vram_told, 0, b->vram_pages);
    for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
        rig_mode(rig, modes[m]);
        for (unsigned i = 0; i < 500; i++, r = r * 1103515245u + 12345)
            rig_poke(rig, WIN + (r >> 8) % 0x20000, (uint8_t)(r >> 5 | 1));
        check_told(rig, before);
    }
    rig_vbe_mode(rig, 640, 480, 32);
    rig_vbe(rig, VBE_BANK, 3);
    for (uint32_t i = 0; i < 0x10000; i += 0x1003)
        bus_write(&b->bus, SPACE_MMIO, WIN + i, 4, 0x12345678 + i);
    check_told(rig, before);
    rig_vbe_mode(rig, 800, 600, 16); /* clears what it shows */
    check_told(rig, before);
    free(before);
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_reset),
        T(test_masks),
        T(test_crtc_protect),
        T(test_attr_flip_flop),
        T(test_dac),
        T(test_dac_8bit),
        T(test_status),
        T(test_mono_ports),
        T(test_write_mode_0),
        T(test_functions),
        T(test_write_modes_1_2_3),
        T(test_read_modes),
        T(test_odd_even),
        T(test_chain4),
        T(test_vbe_registers),
        T(test_vbe_clear),
        T(test_vbe_bank),
        T(test_xsa_179_cve_2016_3710_bank_then_mode),
        T(test_window_ends),
        cmocka_unit_test(test_state_covers),
        T(test_bad_state),
        T(test_two),
        T(test_writes_told),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
