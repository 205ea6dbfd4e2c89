/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Graphics out of the four planes: 16 colours, the CGA-like two bits by turns,
 * 256 colours (chain 4 and mode X look alike here). One fetch is a character
 * clock: eight dots. Source: IBM VGA technical reference, "Graphics mode"
 * shift registers and "Attribute controller".
 */
#include "vga_int.h"

/* Bit 7 of b in byte 0 .. bit 0 in byte 7, each 0 or 1. */
static uint64_t spread(uint64_t b)
{
    uint64_t t =
        (b * UINT64_C(0x0101010101010101)) & UINT64_C(0x0102040810204080);

    return ((t + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7) &
           UINT64_C(0x0101010101010101);
}

/* Palette indices of a fetch's eight dots, first in byte 0. */
static uint64_t dots_1(uint32_t f)
{
    return spread(f & 0xff) | spread(f >> 8 & 0xff) << 1 |
           spread(f >> 16 & 0xff) << 2 | spread(f >> 24) << 3;
}

static uint64_t dots_2(uint32_t f)
{
    uint64_t d = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned byte = i / 4, shift = 6 - 2 * (i & 3u);
        uint64_t lo = f >> (8 * byte + shift) & 3u;
        uint64_t hi = f >> (16 + 8 * byte + shift) & 3u;

        d |= (lo | hi << 2) << (8 * i);
    }
    return d;
}

static uint64_t dots_8(uint32_t f)
{
    uint64_t d = 0;

    for (unsigned i = 0; i < 4; i++)
        d |= (uint64_t)(f >> (8 * i) & 0xff) * 0x0101u << (16 * i);
    return d;
}

static uint32_t fetch(const struct vga_view *v, const uint8_t *vram,
                      uint32_t ma, uint32_t row)
{
    uint64_t o = vga_fetch(v, ma, row);

    if (o >= v->plane_limit)
        return 0;
    vram += 4 * o;
    return (uint32_t)vram[0] | (uint32_t)vram[1] << 8 |
           (uint32_t)vram[2] << 16 | (uint32_t)vram[3] << 24;
}

/* Draws a scan line into vga->line, which has room for one cell more. */
static void draw_line(struct vga *vga, const struct vga_view *v,
                      const struct vga_scan *scan, const uint8_t *vram)
{
    const uint32_t *lut = v->shift == SHIFT_8 ? vga->lut256 : vga->lut16;
    uint32_t mask = v->shift == SHIFT_8 ? 0xff : v->planes;
    uint32_t skip = scan->pan, x = 0;

    for (uint32_t c = 0; x < v->w; c++) {
        uint32_t f =
            fetch(v, vram, scan->ma + (c >> v->count_shift), scan->row);
        uint64_t d = v->shift == SHIFT_1   ? dots_1(f)
                     : v->shift == SHIFT_2 ? dots_2(f)
                                           : dots_8(f);

        for (unsigned i = skip; i < 8; i++) {
            uint32_t px = lut[(d >> (8 * i) & 0xff) & mask];

            vga->line[x++] = px;
            if (v->dot == 2)
                vga->line[x++] = px;
        }
        skip = 0;
    }
}

static bool line_dirty(const struct vga *vga, const struct vga_view *v,
                       const struct vga_scan *scan)
{
    uint64_t first = vga_fetch(v, scan->ma, scan->row);
    uint64_t last =
        vga_fetch(v, scan->ma + (v->chars >> v->count_shift) + 1, scan->row);

    if (last < first) { /* wraps */
        first = 0;
        last = v->addr_mask;
    }
    /* The low bits may come from high ones. */
    return vga_dirty(vga, 4 * (first & ~UINT64_C(3)), 4 * (last | 3) + 3);
}

void vga_draw_planar(struct vga *vga, struct vga_paint *paint,
                     const struct vga_view *v, const uint8_t *vram)
{
    struct vga_scan scan, drawn = {.ma = UINT32_MAX};

    for (vga_scan_start(v, &scan); scan.y < v->h; vga_scan_next(v, &scan)) {
        bool same = scan.ma == drawn.ma && scan.pan == drawn.pan &&
                    (!v->row_bits || scan.row == drawn.row);

        if (!same && !paint->redo && !line_dirty(vga, v, &scan)) {
            drawn.ma = UINT32_MAX;
            continue;
        }
        if (!same)
            draw_line(vga, v, &scan, vram);
        drawn = scan;
        vga_paint_row(paint, scan.y, vga->line);
    }
}
