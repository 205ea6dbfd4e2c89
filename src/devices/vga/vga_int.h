/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the VGA. Plane p of plane offset o is byte 4 * o + p of video
 * memory, so one 32-bit word is what the sequencer fetches at once. Packed
 * pixel modes (VBE, 8 bits and more) use video memory linearly.
 */
#ifndef HVMD_VGA_INT_H
#define HVMD_VGA_INT_H

#include "regs.h"
#include "vga.h"

#include <hvmd/machine.h>
#include <hvmd/pci.h>

#define VGA_EDID_BYTES  128u
#define VGA_TEXT_COLS   257u /* 256 and the one that panning uncovers */
#define VGA_FONT_BYTES  8192u
#define VGA_PLANE_BYTES 0x10000u

struct vga_state {
    uint16_t vbe[VBE_REGS];
    uint16_t vbe_index;
    uint8_t cfg[256];
    uint8_t sr[VGA_SRS], gr[VGA_GRS], ar[VGA_ARS], cr[VGA_CRS];
    uint8_t sr_index, gr_index, ar_index, cr_index;
    uint8_t ar_data; /* flip-flop: the next write to 3c0 is data */
    uint8_t misc, feature, enable;
    uint8_t latch[4];
    uint8_t pel_mask, dac_state, dac_rd, dac_wr, dac_sub;
    uint8_t dac_tmp[3];
    uint8_t big_endian;
    uint8_t pad; /* keeps the struct even; always zero */
    uint8_t dac[768];
};

enum vga_kind_of_view { VIEW_BLANK, VIEW_TEXT, VIEW_PLANAR, VIEW_LFB };
enum vga_shift { SHIFT_1, SHIFT_2, SHIFT_8 };

/* What is on the screen, out of the registers; compared as bytes: no holes. */
struct vga_view {
    uint64_t start, stride;          /* VIEW_LFB: bytes */
    uint64_t plane_limit, addr_mask; /* the others: plane offsets */
    uint32_t kind, w, h;             /* pixels, 1..DISPLAY_MAX_* */
    /* VIEW_LFB */
    uint32_t bpp, big_endian;
    /* VIEW_TEXT, VIEW_PLANAR: the CRT controller */
    uint32_t chars, cell, dot; /* cell: dots; dot: pixels (1 or 2) */
    uint32_t ma, row_ma;       /* memory addresses, in character clocks */
    uint32_t preset, max_scan, dbl, split;
    uint32_t pan, split_pan; /* dots */
    uint32_t addr_shift, addr_wrap, row_bits, count_shift;
    uint32_t shift, planes;
    /* VIEW_TEXT */
    uint32_t font[2]; /* plane offsets; [1]: attribute bit 3 set */
    uint32_t amode;   /* AMODE_LINE_GFX, AMODE_BLINK */
    uint32_t underline;
};

/* Where a CRT controller is within its frame. */
struct vga_scan {
    uint32_t y, ma, row, pan;
    bool again; /* second of a doubled pair */
};

/* One refresh: target and damage not yet reported. */
struct vga_paint {
    struct sink *sink;
    uint8_t *px;
    uint32_t stride;
    uint32_t w, h;
    bool force; /* pixels are void: draw all, one damage at the end */
    bool redo;  /* look at everything, not only at dirty pages */
    struct rect pend;
};

struct vga {
    struct dev dev;
    struct pci_dev pci;
    struct vga_state s;
    struct display display;
    struct rom rom;
    uint32_t vram_bytes;
    uint8_t edid[VGA_EDID_BYTES];

    /* What the viewer has; not guest state. */
    bool watched;
    bool lut_stale;
    uint32_t track_pages; /* 0: not tracking */
    uint8_t *marks;       /* pages written through the window */
    uint8_t *hv_bits;
    uint32_t mark_bytes;
    const void *sink_ctx;
    uint8_t *px; /* the sink's; NULL: none yet */
    uint32_t px_stride;
    struct vga_view shown;
    uint32_t lut256[256]; /* XRGB of DAC entries, after the mask */
    uint32_t lut16[16];   /* the same through the attribute palette */
    uint32_t *cells;      /* text: what was drawn, by segment and column */
    uint8_t font[2][VGA_FONT_BYTES];
    uint32_t line[DISPLAY_MAX_W + 32];
};

/* Bytes were written here, not by the guest itself. */
static inline void vga_wrote(struct vga *vga, uint64_t off, uint64_t len)
{
    struct hv *hv = vga->dev.env.hv;

    if (hv->ops->vram_wrote)
        hv->ops->vram_wrote(hv, off, len);
}
/* Written pages are drawn at the next refresh. */
static inline void vga_mark(struct vga *vga, uint64_t off)
{
    vga->marks[off >> 15] |= (uint8_t)(1u << ((off >> 12) & 7u));
    vga_wrote(vga, off, 4);
}
void vga_mark_range(struct vga *, uint64_t off, uint64_t len);

static inline bool vga_vbe_on(const struct vga *vga)
{
    return (vga->s.vbe[VBE_ENABLE] & VBE_ENABLED) != 0;
}
static inline uint8_t *vga_vram(struct vga *vga)
{
    return vga->dev.env.hv->ops->vram_ptr(vga->dev.env.hv);
}
static inline uint32_t vga_min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ports.c */
extern const struct io_ops vga_port_ops; /* from 3b0 */
extern const uint8_t vga_sr_mask[VGA_SRS], vga_gr_mask[VGA_GRS];
extern const uint8_t vga_ar_mask[VGA_ARS], vga_cr_mask[VGA_CRS];
uint8_t vga_port_read(struct vga *, uint32_t port);
void vga_port_write(struct vga *, uint32_t port, uint8_t val);

/* window.c */
extern const struct io_ops vga_window_ops; /* a0000..bffff */

/* vbe.c */
extern const struct io_ops vga_vbe_ops; /* from 1ce */
extern const struct io_ops vga_bar2_ops;
void vga_vbe_reset(struct vga *);
void vga_vbe_fix(struct vga *);
/* Bytes between rows, of video memory. */
uint64_t vga_vbe_stride(const struct vga *);

/* edid.c */
void vga_edid(uint8_t out[VGA_EDID_BYTES], uint32_t w, uint32_t h,
              uint32_t vram_bytes);

/* view.c */
void vga_view_get(const struct vga *, struct vga_view *);
void vga_scan_start(const struct vga_view *, struct vga_scan *);
void vga_scan_next(const struct vga_view *, struct vga_scan *);
/* Plane offset that a fetch at memory address ma in row scan row reads. */
static inline uint64_t vga_fetch(const struct vga_view *v, uint32_t ma,
                                 uint32_t row)
{
    uint64_t a = (uint64_t)ma << v->addr_shift;

    if (v->addr_shift == 1)
        a |= (ma >> v->addr_wrap) & 1u;
    else if (v->addr_shift == 2)
        a |= (ma >> 12) & 3u;
    if (v->row_bits & 1u)
        a = (a & ~(uint64_t)0x2000) | (uint64_t)(row & 1u) << 13;
    if (v->row_bits & 2u)
        a = (a & ~(uint64_t)0x4000) | (uint64_t)(row >> 1 & 1u) << 14;
    return a & v->addr_mask;
}

/* draw.c */
extern const struct display_ops vga_display_ops;
void vga_paint_row(struct vga_paint *, uint32_t y, const void *src);
void vga_paint_damage(struct vga_paint *, struct rect);
bool vga_dirty(const struct vga *, uint64_t first, uint64_t last);

/* text.c, planar.c, lfb.c */
void vga_draw_text(struct vga *, struct vga_paint *, const struct vga_view *,
                   const uint8_t *vram, uint64_t now_ns);
void vga_draw_planar(struct vga *, struct vga_paint *, const struct vga_view *,
                     const uint8_t *vram);
void vga_draw_lfb(struct vga *, struct vga_paint *, const struct vga_view *,
                  const uint8_t *vram);

/* state.c */
extern const struct state_desc vga_state_desc;

#endif
