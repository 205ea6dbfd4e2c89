/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed pixels: 8 bits through the palette, 15 (x1555), 16 (565), 24 and 32
 * bits direct. Rows outside video memory are black.
 */
#include "vga_int.h"

#include <endian.h>
#include <string.h>

static uint32_t expand5(uint32_t v)
{
    return v << 3 | v >> 2;
}

static uint32_t px15(uint32_t v)
{
    return expand5(v >> 10 & 31u) << 16 | expand5(v >> 5 & 31u) << 8 |
           expand5(v & 31u);
}

static uint32_t px16(uint32_t v)
{
    uint32_t g = v >> 5 & 63u;

    return expand5(v >> 11) << 16 | (g << 2 | g >> 4) << 8 | expand5(v & 31u);
}

/* Rows begin on even bytes: offsets and strides are whole pixels. */
static void row_15(uint32_t *dst, const uint16_t *src, uint32_t w, bool big)
{
    if (big)
        for (uint32_t x = 0; x < w; x++)
            dst[x] = px15(be16toh(src[x]));
    else
        for (uint32_t x = 0; x < w; x++)
            dst[x] = px15(le16toh(src[x]));
}

static void row_16(uint32_t *dst, const uint16_t *src, uint32_t w, bool big)
{
    if (big)
        for (uint32_t x = 0; x < w; x++)
            dst[x] = px16(be16toh(src[x]));
    else
        for (uint32_t x = 0; x < w; x++)
            dst[x] = px16(le16toh(src[x]));
}

static void row_24(uint32_t *dst, const uint8_t *src, uint32_t w, bool big)
{
    unsigned b = big ? 2 : 0, r = big ? 0 : 2;

    for (uint32_t x = 0; x < w; x++, src += 3)
        dst[x] = (uint32_t)src[r] << 16 | (uint32_t)src[1] << 8 | src[b];
}

static void row_32_be(uint32_t *dst, const uint8_t *src, uint32_t w)
{
    for (uint32_t x = 0; x < w; x++, src += 4)
        dst[x] = (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8 | src[3];
}

static void row_8(uint32_t *dst, const uint8_t *src, uint32_t w,
                  const uint32_t *lut)
{
    for (uint32_t x = 0; x < w; x++)
        dst[x] = lut[src[x]];
}

static const void *row_convert(struct vga *vga, const struct vga_view *v,
                               const uint8_t *src)
{
    bool big = v->big_endian != 0;

    switch (v->bpp) {
    case 15:
        row_15(vga->line, (const void *)src, v->w, big);
        break;
    case 16:
        row_16(vga->line, (const void *)src, v->w, big);
        break;
    case 24:
        row_24(vga->line, src, v->w, big);
        break;
    case 32:
        if (!big)
            return src; /* as the viewer has it */
        row_32_be(vga->line, src, v->w);
        break;
    default:
        row_8(vga->line, src, v->w, vga->lut256);
        break;
    }
    return vga->line;
}

void vga_draw_lfb(struct vga *vga, struct vga_paint *paint,
                  const struct vga_view *v, const uint8_t *vram)
{
    uint64_t bytes = (uint64_t)v->w * ((v->bpp + 7) / 8);
    uint64_t off = v->start;

    for (uint32_t y = 0; y < v->h; y++, off += v->stride) {
        if (off + bytes > vga->vram_bytes) {
            if (paint->redo) {
                memset(vga->line, 0, (size_t)v->w * 4);
                vga_paint_row(paint, y, vga->line);
            }
            continue;
        }
        if (paint->redo || vga_dirty(vga, off, off + bytes - 1))
            vga_paint_row(paint, y, row_convert(vga, v, vram + off));
    }
}
