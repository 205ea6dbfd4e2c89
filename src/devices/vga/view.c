/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From registers to a picture's geometry, and the CRT controller's walk through
 * it. Nothing here is kept over a register write: a view is made anew at each
 * refresh, in wide integers, and clamped to the screen and to video memory
 * (rule R3). Source: IBM VGA technical reference, "CRT controller".
 */
#include "vga_int.h"

#include <string.h>

/* Before the firmware has set a mode. */
#define BLANK_W 720u
#define BLANK_H 400u

static uint32_t pan_dots(const struct vga *vga, const struct vga_view *v)
{
    uint32_t pan = vga->s.ar[AR_PEL_PAN];

    if (v->kind == VIEW_PLANAR && v->shift == SHIFT_8)
        return pan & 6u; /* a pixel is two dots */
    if (v->cell == 9)
        return pan >= 8 ? 0 : pan + 1;
    return pan & 7u;
}

static void crtc_lines(const struct vga *vga, struct vga_view *v)
{
    const uint8_t *cr = vga->s.cr;
    uint32_t over = cr[CR_OVERFLOW];
    uint32_t scale = cr[CR_MODE] & CR17_LINES_BY_2 ? 2 : 1;
    uint32_t end =
        cr[CR_V_DISPLAY_END] | (over & 0x02u) << 7 | (over & 0x40u) << 3;
    uint32_t split = cr[CR_LINE_COMPARE] | (over & 0x10u) << 4 |
                     (cr[CR_MAX_SCAN] & 0x40u) << 3;

    v->h = vga_min32((end + 1) * scale, DISPLAY_MAX_H);
    v->split = (split + 1) * scale; /* first line of the lower part */
    v->preset = cr[CR_PRESET_ROW] & 31u;
    v->max_scan = cr[CR_MAX_SCAN] & 31u;
    v->dbl = (cr[CR_MAX_SCAN] & CR09_DOUBLE) != 0;
}

static void crtc_addresses(const struct vga *vga, struct vga_view *v)
{
    const uint8_t *cr = vga->s.cr;

    v->ma = ((uint32_t)cr[CR_START_HI] << 8 | cr[CR_START_LO]) +
            (cr[CR_PRESET_ROW] >> 5 & 3u); /* byte panning */
    v->row_ma = cr[CR_OFFSET] * 2u;
    if (cr[CR_UNDERLINE] & CR14_DWORD)
        v->addr_shift = 2;
    else
        v->addr_shift = cr[CR_MODE] & CR17_BYTE ? 0 : 1;
    v->addr_wrap = cr[CR_MODE] & CR17_WRAP_15 ? 15 : 13;
    v->row_bits = ~(uint32_t)cr[CR_MODE] & (CR17_ROW0_KEEP | CR17_ROW1_KEEP);
    if (cr[CR_UNDERLINE] & CR14_COUNT_BY_4)
        v->count_shift = 2;
    else
        v->count_shift = cr[CR_MODE] & CR17_COUNT_BY_2 ? 1 : 0;
    v->addr_mask = VGA_PLANE_BYTES - 1;
}

static void view_text(const struct vga *vga, struct vga_view *v)
{
    const struct vga_state *s = &vga->s;
    uint32_t map = s->sr[SR_CHAR_MAP];
    /* Character maps lie 16 KiB apart, four more 8 KiB behind those. */
    uint32_t a = (map >> 1 & 6u) | (map >> 5 & 1u);
    uint32_t b = (map << 1 & 6u) | (map >> 4 & 1u);

    v->kind = VIEW_TEXT;
    v->cell = s->sr[SR_CLOCKING] & CLOCKING_8DOT ? 8 : 9;
    v->font[1] = (a >> 1) * 0x4000 + (a & 1u) * 0x2000;
    v->font[0] = (b >> 1) * 0x4000 + (b & 1u) * 0x2000;
    v->amode = s->ar[AR_MODE] & (AMODE_LINE_GFX | AMODE_BLINK);
    v->underline = s->cr[CR_UNDERLINE] & 31u;
}

static void view_vga(const struct vga *vga, struct vga_view *v)
{
    const struct vga_state *s = &vga->s;

    crtc_lines(vga, v);
    crtc_addresses(vga, v);
    if (s->gr[GR_MISC] & GMISC_GRAPHICS) {
        v->kind = VIEW_PLANAR;
        v->cell = 8;
        v->shift = SHIFT_1;
        if (s->gr[GR_MODE] & GMODE_SHIFT_2)
            v->shift = SHIFT_2;
        if (s->gr[GR_MODE] & GMODE_SHIFT_8)
            v->shift = SHIFT_8;
    } else {
        view_text(vga, v);
    }
    v->planes = s->ar[AR_PLANES] & 15u;
    v->chars = s->cr[CR_H_DISPLAY_END] + 1u;
    v->dot = s->sr[SR_CLOCKING] & CLOCKING_HALF ? 2 : 1;
    v->w = vga_min32(v->chars * v->cell * v->dot, DISPLAY_MAX_W);
    v->pan = pan_dots(vga, v);
    v->split_pan = s->ar[AR_MODE] & AMODE_PAN_SPLIT ? 0 : v->pan;
    v->plane_limit = vga->vram_bytes / 4;
}

static void view_vbe(const struct vga *vga, struct vga_view *v)
{
    const uint16_t *r = vga->s.vbe;
    uint64_t x = r[VBE_X_OFFSET], y = r[VBE_Y_OFFSET];
    uint64_t stride = vga_vbe_stride(vga);

    v->w = vga_min32(r[VBE_XRES] ? r[VBE_XRES] : 1, DISPLAY_MAX_W);
    v->h = vga_min32(r[VBE_YRES] ? r[VBE_YRES] : 1, DISPLAY_MAX_H);
    v->bpp = r[VBE_BPP];
    if (v->bpp != 4) {
        v->kind = VIEW_LFB;
        v->stride = stride;
        v->start = y * stride + x * ((v->bpp + 7) / 8);
        v->big_endian = vga->s.big_endian;
        return;
    }
    v->kind = VIEW_PLANAR;
    v->shift = SHIFT_1;
    v->cell = 8;
    v->dot = 1;
    v->chars = (v->w + 7) / 8;
    v->row_ma = r[VBE_VIRT_WIDTH] / 8;
    v->ma = (uint32_t)(y * v->row_ma + x / 8);
    v->pan = v->split_pan = (uint32_t)(x & 7);
    v->split = UINT32_MAX;
    v->planes = vga->s.ar[AR_PLANES] & 15u;
    v->addr_mask = UINT32_MAX;
    v->plane_limit = vga->vram_bytes / 4;
}

void vga_view_get(const struct vga *vga, struct vga_view *v)
{
    bool vbe = vga_vbe_on(vga);

    memset(v, 0, sizeof(*v));
    if (!(vga->s.ar_index & AR_INDEX_PAS) ||
        (!vbe && (vga->s.sr[SR_CLOCKING] & CLOCKING_OFF))) {
        v->kind = VIEW_BLANK; /* in the size there was */
        v->w = vga->shown.w ? vga->shown.w : BLANK_W;
        v->h = vga->shown.h ? vga->shown.h : BLANK_H;
    } else if (vbe) {
        view_vbe(vga, v);
    } else {
        view_vga(vga, v);
    }
}

void vga_scan_start(const struct vga_view *v, struct vga_scan *scan)
{
    scan->y = 0;
    scan->ma = v->ma;
    scan->row = v->preset;
    scan->pan = v->pan;
    scan->again = false;
}

void vga_scan_next(const struct vga_view *v, struct vga_scan *scan)
{
    if (++scan->y == v->split) {
        scan->ma = 0;
        scan->row = 0;
        scan->pan = v->split_pan;
        scan->again = false;
        return;
    }
    if (v->dbl && !scan->again) {
        scan->again = true;
        return;
    }
    scan->again = false;
    if (scan->row != v->max_scan) {
        scan->row = (scan->row + 1) & 31u;
        return;
    }
    scan->row = 0;
    scan->ma += v->row_ma;
}
