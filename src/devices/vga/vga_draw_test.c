/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Graphics modes compared pixel by pixel; damage; hostile geometry. */
#include "vga_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIN 0xa0000u

static void test_mode_12(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig->viewer->h, 480);
    for (uint8_t c = 0; c < 16; c++) {
        rig_seq(rig, SR_MAP_MASK, c);
        rig_poke(rig, WIN + 80 * c + c, 0x81);
    }
    rig_look(rig, false);
    for (uint32_t c = 0; c < 16; c++) {
        assert_int_equal(rig_px(rig, 8 * c, c), rig_mode_color(c));
        assert_int_equal(rig_px(rig, 8 * c + 1, c), 0);
        assert_int_equal(rig_px(rig, 8 * c + 7, c), rig_mode_color(c));
    }
    assert_true(rig->viewer->pixels <= 16 * 128);
    /* Plane enable, palette, colour select. */
    rig_attr(rig, AR_PLANES, 0x07);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 15 * 8, 15), rig_mode_color(7));
    rig_attr(rig, 7, 0x3f);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 15 * 8, 15), rig_mode_color(0x3f));
    rig_attr(rig, AR_COLOR_SELECT, 0x0e);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 15 * 8, 15), rig_mode_color(0xff));
    rig_attr(rig, AR_MODE, 0x81);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 15 * 8, 15), rig_mode_color(0xef));
}

static void test_mode_0d(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x0d);
    rig_poke(rig, WIN + 40, 0x40);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig->viewer->h, 400);
    for (uint32_t y = 2; y < 4; y++) {
        assert_int_equal(rig_px(rig, 1, y), 0);
        assert_int_equal(rig_px(rig, 2, y), rig_mode_color(15));
        assert_int_equal(rig_px(rig, 3, y), rig_mode_color(15));
        assert_int_equal(rig_px(rig, 4, y), 0);
    }
    assert_int_equal(rig_px(rig, 2, 1), 0);
    assert_int_equal(rig_px(rig, 2, 4), 0);
}

/* Odd lines 8 KiB further, bytes by turns in planes 0 and 1. */
static void test_cga(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x04);
    rig_poke(rig, 0xb8000, 0x1b); /* 0 1 2 3 */
    rig_poke(rig, 0xb8001, 0xc0);
    rig_poke(rig, 0xba000 + 80, 0x80);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig->viewer->h, 400);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_px(rig, 2 * i, 0), rig_mode_color(i));
    assert_int_equal(rig_px(rig, 8, 1), rig_mode_color(3));
    assert_int_equal(rig_px(rig, 10, 1), 0);
    assert_int_equal(rig_px(rig, 0, 6), rig_mode_color(2)); /* line 3 of 200 */
    assert_int_equal(rig_px(rig, 0, 5), 0);

    rig_mode(rig, 0x06);
    rig_poke(rig, 0xb8000 + 79, 0x01);
    rig_poke(rig, 0xba000, 0x80);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 639, 0), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 639, 1), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 0, 2), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 0, 4), 0);
}

static void test_mode_13(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x13);
    for (uint32_t x = 0; x < 320; x++)
        rig_poke(rig, WIN + 320 * 100 + x, (uint8_t)(x & 255));
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig->viewer->h, 400);
    for (uint32_t x = 0; x < 640; x++) {
        assert_int_equal(rig_px(rig, x, 200), rig_mode_color((x / 2) & 255));
        assert_int_equal(rig_px(rig, x, 201), rig_mode_color((x / 2) & 255));
    }
    assert_int_equal(rig_px(rig, 2, 202), 0);
    bench_outb(rig->b, 0x3c6, 0x0f);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 2 * 0x35, 200), rig_mode_color(5));
    bench_outb(rig->b, 0x3c6, 0xff);
    rig_attr(rig, AR_PEL_PAN, 2); /* one pixel */
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 200), rig_mode_color(1));
}

static void test_mode_x(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x13);
    rig_seq(rig, SR_MEMORY_MODE, 0x06);
    rig_crt(rig, CR_UNDERLINE, 0);
    rig_crt(rig, CR_MODE, 0xe3);
    for (uint8_t p = 0; p < 4; p++) {
        rig_seq(rig, SR_MAP_MASK, (uint8_t)(1 << p));
        rig_poke(rig, WIN + 80 * 3 + 1, (uint8_t)(0x40 + p));
        rig_poke(rig, WIN + 0x4000, (uint8_t)(0x80 + p));
    }
    rig_look(rig, true);
    for (uint32_t p = 0; p < 4; p++)
        assert_int_equal(rig_px(rig, 8 + 2 * p, 6), rig_mode_color(0x40 + p));
    rig_crt(rig, CR_START_HI, 0x40); /* the other page */
    rig_look(rig, false);
    for (uint32_t p = 0; p < 4; p++)
        assert_int_equal(rig_px(rig, 2 * p, 1), rig_mode_color(0x80 + p));
}

static void test_lfb_depths(void **state)
{
    struct rig *rig = *state;
    uint8_t *vram = rig->b->vram;

    rig_vbe_mode(rig, 640, 480, 8);
    rig_dac(rig, 9, 1, 2, 3);
    vram[640 + 5] = 9;
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig->viewer->h, 480);
    assert_int_equal(rig_px(rig, 5, 1), rig_rgb(1, 2, 3));
    rig_vbe_mode(rig, 640, 480, 15);
    memcpy(vram + 1280 + 10, "\x41\x7c", 2); /* r 31, g 2, b 1 */
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 5, 1), 0xff1008);
    rig_vbe_mode(rig, 640, 480, 16);
    memcpy(vram + 1280 + 10, "\x41\xf8", 2); /* r 31, g 2, b 1 */
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 5, 1), 0xff0808);
    rig_vbe_mode(rig, 640, 480, 24);
    memcpy(vram + 1920 + 15, "\x11\x22\x33", 3);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 5, 1), 0x332211);
    rig_vbe_mode(rig, 640, 480, 32);
    memcpy(vram + 2560 + 20, "\x11\x22\x33\x99", 4);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 5, 1), 0x332211);
    rig->vga->s.big_endian = 1;
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 5, 1), 0x223399);
    rig->vga->s.big_endian = 0;
    rig_vbe_mode(rig, 640, 480, 4);
    rig_attr(rig, 5, 9);
    vram[4 * 80] = 0x80;
    vram[4 * 80 + 2] = 0x80;
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 1), rig_rgb(1, 2, 3));
}

static void test_big_endian(void **state)
{
    struct rig *rig = *state;
    uint8_t *vram = rig->b->vram;

    rig->vga->s.big_endian = 1;
    rig_vbe_mode(rig, 640, 480, 15);
    memcpy(vram, "\x7c\x41", 2);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 0), 0xff1008);
    rig_vbe_mode(rig, 640, 480, 16);
    memcpy(vram, "\xf8\x41", 2);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 0), 0xff0808);
    rig_vbe_mode(rig, 640, 480, 24);
    memcpy(vram, "\x33\x22\x11", 3);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 0), 0x332211);
}

static int refuse_dirty(struct hv *hv, uint32_t pages, uint8_t *bits)
{
    (void)hv, (void)pages, (void)bits;
    return -1;
}

/* Where the hypervisor cannot tell, all is looked at. */
static void test_no_tracking(void **state)
{
    struct rig *rig = *state;
    const struct hv_ops *whole = rig->b->hv.ops;
    struct hv_ops ops = *whole;

    rig_vbe_mode(rig, 640, 480, 32);
    rig_look(rig, true);
    ops.vram_dirty = refuse_dirty;
    rig->b->hv.ops = &ops;
    rig->b->vram[640 * 4 * 9] = 1;
    rig_look(rig, false);
    assert_int_equal(rig->viewer->pixels, 1);
    assert_int_equal(rig_px(rig, 0, 9), 1);
    rig->b->hv.ops = whole;
}

/* A screen that wraps round the end of the planes sees what is written. */
static void test_wrap(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x12);
    rig_crt(rig, CR_START_HI, 0xff);
    rig_crt(rig, CR_START_LO, 0xf0);
    rig_look(rig, true);
    rig_poke(rig, WIN + 2, 0x80);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 18 * 8, 0), rig_mode_color(15));
    rig_poke(rig, WIN + 0xfff1, 0x80);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 8, 0), rig_mode_color(15));
}

static void test_virtual(void **state)
{
    struct rig *rig = *state;
    uint32_t *vram = (uint32_t *)rig->b->vram;

    rig_vbe_mode(rig, 640, 480, 32);
    rig_vbe(rig, VBE_VIRT_WIDTH, 1024);
    vram[1024 * 7 + 11] = 0x123456;
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 11, 7), 0x123456);
    rig_vbe(rig, VBE_X_OFFSET, 10);
    rig_vbe(rig, VBE_Y_OFFSET, 5);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 1, 2), 0x123456);
    assert_int_equal(rig_px(rig, 11, 7), 0);
    /* Start addresses are linear: a row may begin in the one before. */
    rig_vbe(rig, VBE_Y_OFFSET, 0);
    rig_vbe(rig, VBE_X_OFFSET, 1024);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 11, 6), 0x123456);
    /* Down to the last byte. */
    rig_vbe_mode(rig, 1024, 768, 32);
    rig_vbe(rig, VBE_Y_OFFSET, 4096 - 768);
    vram[1024 * 4096 - 1] = 0xabcdef;
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 1023, 767), 0xabcdef);
    rig_vbe(rig, VBE_X_OFFSET, 1); /* the last row is not whole: black */
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 1022, 767), 0);
    rig_vbe_mode(rig, 640, 480, 4);
    rig_vbe(rig, VBE_X_OFFSET, 3);
    rig->b->vram[0] = 0x10;
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 0), rig->vga->lut16[1]);
}

static void test_blank(void **state)
{
    struct rig *rig = *state;

    rig_look(rig, true); /* before the firmware */
    assert_int_equal(rig->viewer->w, 720);
    assert_int_equal(rig_px(rig, 10, 10), 0);
    rig_vbe_mode(rig, 640, 480, 32);
    memset(rig->b->vram, 0x44, 640 * 480 * 4);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 639, 479), 0x444444);
    bench_inb(rig->b, 0x3da);
    bench_outb(rig->b, 0x3c0, 0);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig_px(rig, 639, 479), 0);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0);
    bench_inb(rig->b, 0x3da);
    bench_outb(rig->b, 0x3c0, 0x20);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 639, 479), 0x444444);
    rig_mode(rig, 0x12);
    rig_poke(rig, WIN, 0xff);
    rig_seq(rig, SR_CLOCKING, 0x21);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), 0);
    rig_seq(rig, SR_CLOCKING, 0x01);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), rig_mode_color(15));
}

static void test_dirty_only(void **state)
{
    struct rig *rig = *state;
    uint32_t *vram = (uint32_t *)rig->b->vram;

    rig_vbe_mode(rig, 1024, 768, 32);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->rects, 1);
    assert_int_equal(rig->viewer->pixels, 1024 * 768);
    rig_look(rig, false);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0);
    /* A page touched, 3 pixels changed. */
    vram[1024 * 10 + 7] = vram[1024 * 10 + 8] = vram[1024 * 10 + 9] = 5;
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0); /* nobody said so */
    bench_vram_touch(rig->b, 1024 * 40, 4096);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 1);
    assert_int_equal(rig->viewer->rect[0].x, 7);
    assert_int_equal(rig->viewer->rect[0].y, 10);
    assert_int_equal(rig->viewer->pixels, 3);
    assert_int_equal(rig_px(rig, 9, 10), 5);
    /* Touched, not changed. */
    bench_vram_touch(rig->b, 0, 1024 * 768 * 4);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0);
    /* A window full of rows is one rectangle; far ones are two. */
    for (unsigned y = 100; y < 200; y++)
        for (unsigned x = 300; x < 400; x++)
            vram[1024 * y + x] = 0xff;
    vram[1024 * 700] = 1;
    bench_vram_touch(rig->b, 0, 1024 * 768 * 4);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 2);
    assert_int_equal(rig->viewer->pixels, 100 * 100 + 1);
    /* Our own writes, through a bank. */
    rig_gfx(rig, GR_MISC, 5);
    rig_vbe(rig, VBE_BANK, 1);
    rig_poke(rig, WIN + 4, 0xcc);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->pixels, 1);
    assert_int_equal(rig_px(rig, 1, 16), 0xcc);
}

static void test_watch(void **state)
{
    struct rig *rig = *state;
    struct display *d = vga_display(rig->dev);

    rig_vbe_mode(rig, 640, 480, 32);
    rig_look(rig, true);
    assert_true(rig->b->vram_tracked);
    d->ops->watch(d->dev, false);
    assert_false(rig->b->vram_tracked);
    rig_look(rig, true); /* a screen dump */
    assert_false(rig->b->vram_tracked);
    d->ops->watch(d->dev, true);
    rig_look(rig, false); /* begins with resize all the same */
    assert_int_equal(rig->viewer->pixels, 640 * 480);
    rig_mode(rig, 0x03); /* text needs no tracking */
    rig_look(rig, false);
    assert_false(rig->b->vram_tracked);
}

static void test_other_sink(void **state)
{
    struct rig *rig = *state;
    struct viewer *dump = calloc(1, sizeof(*dump)), *mine = rig->viewer;

    dump->sink = (struct sink){rig->viewer->sink.ops, dump};
    rig_vbe_mode(rig, 640, 480, 32);
    rig_look(rig, true);
    rig->viewer = dump;
    rig_look(rig, true);
    rig->viewer = mine;
    rig->b->vram[0] = 0x77;
    bench_vram_touch(rig->b, 0, 1);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), 0x77);
    assert_int_equal(dump->px[0], 0);
    free(dump);
}

/* No surface, or no video memory, for a while: nothing is lost. */
static void test_refused(void **state)
{
    struct rig *rig = *state;
    uint8_t *vram = rig->b->vram;

    rig_vbe_mode(rig, 640, 480, 32);
    vram[0] = 0x55;
    rig->viewer->refuse = true;
    rig_look(rig, true);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0);
    rig->viewer->refuse = false;
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), 0x55);
    rig->b->vram = NULL;
    rig_look(rig, true);
    rig_look(rig, false);
    assert_int_equal(rig_peek(rig, WIN), 0xff);
    rig_poke(rig, WIN, 1);
    rig_vbe_mode(rig, 320, 200, 32); /* cannot clear it either */
    rig->b->vram = vram;
    rig_look(rig, false);
    assert_int_equal(rig->viewer->w, 320);
    assert_int_equal(rig_px(rig, 0, 0), 0x55);
}

static void test_save_load(void **state)
{
    static const unsigned modes[] = {0x03, 0x04, 0x06, 0x0d, 0x12, 0x13, 0x100};
    size_t len = state_bytes(&vga_state_desc);
    uint8_t *buf = malloc(len);
    struct rig *rig = *state;

    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct rig *to = rig_new(16);
        struct err e;

        if (modes[i] == 0x100)
            rig_vbe_mode(rig, 800, 600, 16);
        else
            rig_mode(rig, modes[i]);
        for (unsigned n = 0; n < VGA_PLANE_BYTES * 4; n++)
            rig->b->vram[n] = (uint8_t)(n * 2654435761u >> 13);
        rig_look(rig, true);
        state_save(&vga_state_desc, rig->dev, buf);
        memcpy(to->b->vram, rig->b->vram, 16 << 20);
        assert_int_equal(state_load(&vga_state_desc, to->dev, buf, len, &e), 0);
        rig_look(to, true);
        assert_int_equal(to->viewer->w, rig->viewer->w);
        assert_int_equal(to->viewer->h, rig->viewer->h);
        assert_memory_equal(to->viewer->px, rig->viewer->px,
                            (size_t)to->viewer->w * to->viewer->h * 4);
        rig_free(to);
    }
    free(buf);
}

/* CVE-2016-3712: a VBE mode, then VGA registers that suit it ill. */
static void test_cve_2016_3712_vbe_then_vga_registers(void **state)
{
    struct rig *rig = *state;

    rig_vbe_mode(rig, 2560, 1600, 32);
    rig_crt(rig, CR_H_DISPLAY_END, 0xff);
    rig_crt(rig, CR_V_DISPLAY_END, 0xff);
    rig_crt(rig, CR_OVERFLOW, 0xff);
    rig_crt(rig, CR_OFFSET, 0xff);
    rig_crt(rig, CR_START_HI, 0xff);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 2560);
    assert_int_equal(rig->viewer->h, 1600);
    for (uint8_t gr6 = 0; gr6 < 2; gr6++) {
        rig_vbe(rig, VBE_ENABLE, 0);
        rig_gfx(rig, GR_MISC, gr6);
        rig_look(rig, false);
        assert_int_equal(rig->viewer->w, gr6 ? 2048 : 2304);
        assert_int_equal(rig->viewer->h, 1024);
    }
}

/* CVE-2014-3615: a mode larger than video memory, offsets past its end. */
static void test_cve_2014_3615_mode_over_the_memory(void **state)
{
    struct rig *rig = rig_new(1);

    (void)state;
    rig_vbe_mode(rig, 0xffff, 0xffff, 32);
    assert_int_equal(rig_vbe_get(rig, VBE_XRES), DISPLAY_MAX_W);
    assert_int_equal(rig_vbe_get(rig, VBE_YRES), (1 << 20) / (2560 * 4));
    rig_vbe(rig, VBE_X_OFFSET, 0xffff);
    rig_vbe(rig, VBE_Y_OFFSET, 0xffff);
    rig_vbe(rig, VBE_VIRT_WIDTH, 0xffff);
    rig_look(rig, true);
    /* Even registers that no write leaves so. */
    rig->vga->s.vbe[VBE_YRES] = 0xffff;
    rig->vga->s.vbe[VBE_XRES] = 0xffff;
    rig->vga->s.vbe[VBE_Y_OFFSET] = 0xffff;
    rig->vga->s.vbe[VBE_VIRT_WIDTH] = 0xffff;
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 0), 0);
    rig->vga->s.vbe[VBE_BPP] = 4;
    rig_look(rig, true);
    /* Planes that end in the last row, and in its last byte. */
    rig_vbe_mode(rig, 640, 480, 4);
    rig_vbe(rig, VBE_Y_OFFSET, 0xffff);
    for (uint16_t x = 504; x < 540; x++) {
        rig_vbe(rig, VBE_X_OFFSET, x);
        rig_look(rig, false);
    }
    rig->vga->s.vbe[VBE_BPP] = 0;
    rig_look(rig, true);
    rig_free(rig);
}

/* CVE-2017-13672: start address and line compare at their ends. */
static void test_cve_2017_13672_start_and_line_compare(void **state)
{
    struct rig *rig = rig_new(1);
    unsigned modes[] = {0x03, 0x04, 0x12, 0x13};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig_mode(rig, modes[i]);
        for (unsigned lc = 0; lc < 1024; lc += 93) {
            rig_crt(rig, CR_START_HI, 0xff);
            rig_crt(rig, CR_START_LO, 0xff);
            rig_crt(rig, CR_OFFSET, 0xff);
            rig_crt(rig, CR_PRESET_ROW, 0x7f);
            rig_crt(rig, CR_LINE_COMPARE, (uint8_t)lc);
            rig_crt(rig, CR_OVERFLOW, (uint8_t)(0xef | (lc & 0x100) >> 4));
            rig_crt(rig, CR_MAX_SCAN, (uint8_t)(0x80 | (lc & 0x200) >> 3));
            rig_look(rig, lc == 0);
            rig_look(rig, false);
        }
    }
    rig_free(rig);
}

/* CVE-2018-5683: text drawn from all over the planes. */
static void test_cve_2018_5683_text_from_anywhere(void **state)
{
    struct rig *rig = rig_new(1);

    (void)state;
    rig_mode(rig, 0x03);
    memset(rig->b->vram, 0xff, 1 << 20);
    for (unsigned i = 0; i < 64; i++) {
        rig_seq(rig, SR_CHAR_MAP, (uint8_t)i);
        rig_seq(rig, SR_CLOCKING, (uint8_t)(i & 0x0d));
        rig_crt(rig, CR_H_DISPLAY_END, (uint8_t)(i * 4 + 3));
        rig_crt(rig, CR_MAX_SCAN, (uint8_t)(i & 31));
        rig_crt(rig, CR_MODE, (uint8_t)(i * 37));
        rig_crt(rig, CR_UNDERLINE, (uint8_t)(i * 29));
        rig_crt(rig, CR_START_HI, 0xff);
        rig_attr(rig, AR_PEL_PAN, (uint8_t)(i & 15));
        rig_look(rig, false);
    }
    rig_free(rig);
}

/* CVE-2015-5225: odd sizes; the viewer's surface is always large enough. */
static void test_cve_2015_5225_odd_sizes(void **state)
{
    struct rig *rig = *state;

    for (uint32_t w = 1; w < 65536; w = w * 3 + 1) {
        for (uint32_t h = 1; h < 65536; h = h * 5 + 2) {
            rig_vbe_mode(rig, (uint16_t)w, (uint16_t)h, 24);
            rig_look(rig, false); /* the fixture checks bounds */
            assert_int_equal(rig->viewer->w % 8, 0);
        }
    }
}

/* CVE-2016-9921, -9922: depths of no bytes, and depths that are none. */
static void test_cve_2016_9921_9922_no_bytes_a_pixel(void **state)
{
    struct rig *rig = *state;

    for (unsigned bpp = 0; bpp < 300; bpp++) {
        rig_vbe_mode(rig, 640, 480, (uint16_t)bpp);
        rig_look(rig, false);
        rig_vbe(rig, VBE_BPP, (uint16_t)bpp); /* while it is on */
        rig_vbe(rig, VBE_VIRT_WIDTH, 0);
        rig_look(rig, true);
        rig->vga->s.vbe[VBE_BPP] = (uint16_t)bpp;
        rig_poke(rig, 0xa0000, 1);
        rig_look(rig, true);
        rig_vbe(rig, VBE_ENABLE, 0);
    }
}

/* A line may go on beyond the memory's end, where marks are of something else.
 */
static void test_dirty_to_the_end(void **state)
{
    uint8_t marks[2] = {0, 0xff};
    struct vga vga = {.marks = marks, .mark_bytes = 1};
    uint64_t last = UINT64_C(16) * HV_PAGE_BYTES - 1;

    assert_false(vga_dirty(&vga, 0, last));
    marks[0] = 0x80;
    assert_true(vga_dirty(&vga, 0, last));
    assert_false(vga_dirty(&vga, 0, UINT64_C(7) * HV_PAGE_BYTES - 1));
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_mode_12),
        T(test_mode_0d),
        T(test_cga),
        T(test_mode_13),
        T(test_mode_x),
        T(test_lfb_depths),
        T(test_big_endian),
        T(test_no_tracking),
        T(test_wrap),
        T(test_virtual),
        T(test_blank),
        T(test_dirty_only),
        cmocka_unit_test(test_dirty_to_the_end),
        T(test_watch),
        T(test_other_sink),
        T(test_refused),
        T(test_save_load),
        T(test_cve_2016_3712_vbe_then_vga_registers),
        T(test_cve_2014_3615_mode_over_the_memory),
        T(test_cve_2017_13672_start_and_line_compare),
        T(test_cve_2018_5683_text_from_anywhere),
        T(test_cve_2015_5225_odd_sizes),
        T(test_cve_2016_9921_9922_no_bytes_a_pixel),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
