/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vga_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t *viewer_resize(void *ctx, uint32_t w, uint32_t h,
                              uint32_t *stride)
{
    struct viewer *v = ctx;

    if (w < 1 || h < 1 || w > DISPLAY_MAX_W || h > DISPLAY_MAX_H)
        v->bad = true;
    if (v->refuse || v->bad)
        return NULL;
    v->w = w;
    v->h = h;
    v->resizes++;
    if (!v->kept)
        memset(v->px, 0x5a, (size_t)w * h * 4);
    *stride = w * 4;
    return (uint8_t *)v->px;
}

static void viewer_damage(void *ctx, struct rect r)
{
    struct viewer *v = ctx;

    if (!r.w || !r.h || r.x > v->w || r.w > v->w - r.x || r.y > v->h ||
        r.h > v->h - r.y)
        v->bad = true;
    if (v->rects < VIEW_RECTS)
        v->rect[v->rects] = r;
    v->rects++;
    v->pixels += (uint64_t)r.w * r.h;
}

const struct sink_ops vga_viewer_ops = {viewer_resize, viewer_damage};

struct rig *rig_new(uint64_t vgamem_mib)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct conf conf = {.n = 0};
    struct err e;

    rig->b = bench_new(1 << 20);
    rig->b->env.pci = pci_bus_new(&rig->b->hv, &rig->b->bus, &rig->b->gmem);
    conf_set_num(&conf, "vgamem_mib", vgamem_mib);
    rig->dev = dev_new(&vga_ops, &rig->b->env, 0, &conf, &e);
    assert_non_null(rig->dev);
    rig->vga = (struct vga *)rig->dev;
    rig->viewer = calloc(1, sizeof(struct viewer));
    rig->viewer->sink = (struct sink){&vga_viewer_ops, rig->viewer};
    return rig;
}

void rig_free(struct rig *rig)
{
    struct pci_bus *pci = rig->b->env.pci;

    dev_free(rig->dev);
    pci_bus_free(pci);
    bench_free(rig->b);
    free(rig->viewer);
    free(rig);
}

void rig_look(struct rig *rig, bool all)
{
    struct display *d = vga_display(rig->dev);

    rig->viewer->rects = 0;
    rig->viewer->pixels = 0;
    d->ops->refresh(d->dev, &rig->viewer->sink, all);
    assert_false(rig->viewer->bad);
}

uint32_t rig_px(const struct rig *rig, uint32_t x, uint32_t y)
{
    return rig->viewer->px[y * rig->viewer->w + x] & 0xffffff;
}

void rig_seq(struct rig *rig, uint8_t index, uint8_t val)
{
    bench_outw(rig->b, 0x3c4, (uint16_t)(val << 8 | index));
}

void rig_gfx(struct rig *rig, uint8_t index, uint8_t val)
{
    bench_outw(rig->b, 0x3ce, (uint16_t)(val << 8 | index));
}

void rig_crt(struct rig *rig, uint8_t index, uint8_t val)
{
    bench_outw(rig->b, 0x3d4, (uint16_t)(val << 8 | index));
}

uint8_t rig_crt_get(struct rig *rig, uint8_t index)
{
    bench_outb(rig->b, 0x3d4, index);
    return bench_inb(rig->b, 0x3d5);
}

/* Leaves the palette connected to the screen. */
void rig_attr(struct rig *rig, uint8_t index, uint8_t val)
{
    bench_inb(rig->b, 0x3da);
    bench_outb(rig->b, 0x3c0, index);
    bench_outb(rig->b, 0x3c0, val);
    bench_outb(rig->b, 0x3c0, 0x20);
    bench_inb(rig->b, 0x3da);
}

void rig_dac(struct rig *rig, uint8_t index, uint8_t r, uint8_t g, uint8_t b)
{
    bench_outb(rig->b, 0x3c8, index);
    bench_outb(rig->b, 0x3c9, r);
    bench_outb(rig->b, 0x3c9, g);
    bench_outb(rig->b, 0x3c9, b);
}

void rig_vbe(struct rig *rig, uint16_t index, uint16_t val)
{
    bench_outw(rig->b, 0x1ce, index);
    bench_outw(rig->b, 0x1cf, val);
}

uint16_t rig_vbe_get(struct rig *rig, uint16_t index)
{
    bench_outw(rig->b, 0x1ce, index);
    return bench_inw(rig->b, 0x1cf);
}

void rig_vbe_mode(struct rig *rig, uint16_t w, uint16_t h, uint16_t bpp)
{
    bench_outb(rig->b, 0x3c2, 0x67);
    rig_attr(rig, 0x12, 0x0f);
    rig_vbe(rig, VBE_ENABLE, 0);
    rig_vbe(rig, VBE_XRES, w);
    rig_vbe(rig, VBE_YRES, h);
    rig_vbe(rig, VBE_BPP, bpp);
    rig_vbe(rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
}

void rig_poke(struct rig *rig, uint32_t addr, uint8_t val)
{
    bus_write(&rig->b->bus, SPACE_MMIO, addr, 1, val);
}

uint8_t rig_peek(struct rig *rig, uint32_t addr)
{
    return (uint8_t)bus_read(&rig->b->bus, SPACE_MMIO, addr, 1);
}

/* IBM VGA BIOS video parameters: SR01..04, misc, CR00..18, GR05, GR06, AR10 */
static const struct mode_regs {
    uint8_t mode, sr[4], misc, cr[25], gr5, gr6, ar10, ar12, ar13;
} modes[] = {
    {0x03,
     {0x00, 0x03, 0x00, 0x02},
     0x67,
     {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
      0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
      0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
     0x10,
     0x0e,
     0x0c,
     0x0f,
     0x08},
    {0x04,
     {0x09, 0x03, 0x00, 0x02},
     0x63,
     {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00,
      0xc1, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
      0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
     0x30,
     0x0f,
     0x01,
     0x03,
     0x00},
    {0x06,
     {0x01, 0x01, 0x00, 0x06},
     0x63,
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00,
      0xc1, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
      0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
     0x00,
     0x0d,
     0x01,
     0x01,
     0x00},
    {0x0d,
     {0x09, 0x0f, 0x00, 0x06},
     0x63,
     {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00,
      0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
      0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff},
     0x00,
     0x05,
     0x01,
     0x0f,
     0x00},
    {0x12,
     {0x01, 0x0f, 0x00, 0x06},
     0xe3,
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00,
      0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c,
      0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
     0x00,
     0x05,
     0x01,
     0x0f,
     0x00},
    {0x13,
     {0x01, 0x0f, 0x00, 0x0e},
     0x63,
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00,
      0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
      0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
     0x40,
     0x05,
     0x41,
     0x0f,
     0x00},
};

void rig_mode_regs(struct rig *rig, unsigned mode)
{
    const struct mode_regs *m = modes;

    while (m->mode != mode)
        m++;
    rig_vbe(rig, VBE_ENABLE, 0);
    bench_outb(rig->b, 0x3c2, m->misc);
    rig_seq(rig, 0, 1);
    for (uint8_t i = 0; i < 4; i++)
        rig_seq(rig, (uint8_t)(i + 1), m->sr[i]);
    rig_seq(rig, 0, 3);
    rig_crt(rig, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        rig_crt(rig, i, m->cr[i]);
    for (uint8_t i = 0; i < 5; i++)
        rig_gfx(rig, i, 0);
    rig_gfx(rig, 5, m->gr5);
    rig_gfx(rig, 6, m->gr6);
    rig_gfx(rig, 7, 0x0f);
    rig_gfx(rig, 8, 0xff);
    for (uint8_t i = 0; i < 16; i++)
        rig_attr(rig, i, i);
    rig_attr(rig, 0x10, m->ar10);
    rig_attr(rig, 0x11, 0);
    rig_attr(rig, 0x12, m->ar12);
    rig_attr(rig, 0x13, m->ar13);
    rig_attr(rig, 0x14, 0);
    bench_outb(rig->b, 0x3c6, 0xff);
}

void rig_mode(struct rig *rig, unsigned mode)
{
    rig_mode_regs(rig, mode);
    for (unsigned i = 0; i < 256; i++) /* no two alike */
        rig_dac(rig, (uint8_t)i, (uint8_t)(i & 63), (uint8_t)(i >> 2),
                (uint8_t)(i * 5 & 63));
    memset(rig->b->vram, 0, VGA_PLANE_BYTES * 4);
}

static uint32_t expand(uint32_t v)
{
    return (v & 63) << 2 | (v & 63) >> 4;
}

uint32_t rig_rgb(uint32_t r, uint32_t g, uint32_t b)
{
    return expand(r) << 16 | expand(g) << 8 | expand(b);
}

uint32_t rig_mode_color(uint32_t i)
{
    return rig_rgb(i, i >> 2, i * 5);
}

int rig_setup(void **state)
{
    struct rig *rig = rig_new(16);
    struct display *d = vga_display(rig->dev);

    d->ops->watch(d->dev, true);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    rig_free(*state);
    return 0;
}
