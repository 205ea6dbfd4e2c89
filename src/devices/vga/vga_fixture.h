/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Test fixture: a VGA on a bench, a viewer that records what it is told, and
 * the register settings of the usual BIOS modes. Tests only.
 */
#ifndef HVMD_VGA_FIXTURE_H
#define HVMD_VGA_FIXTURE_H

#include "../../bench/bench.h"
#include "vga_int.h"

#define VIEW_RECTS 256

struct viewer {
    struct sink sink;
    uint32_t w, h, resizes;
    uint32_t px[DISPLAY_MAX_W * DISPLAY_MAX_H];
    struct rect rect[VIEW_RECTS];
    unsigned rects;  /* since the last look */
    uint64_t pixels; /* damaged since the last look */
    bool refuse;     /* no memory for a surface */
    bool bad;        /* a rectangle outside the screen */
    bool kept;       /* it wants no fresh pixels */
};

extern const struct sink_ops vga_viewer_ops; /* of a struct viewer */

struct rig {
    struct bench *b;
    struct dev *dev;
    struct vga *vga;
    struct viewer *viewer;
    struct rom rom;
};

struct rig *rig_new(uint64_t vgamem_mib);
void rig_free(struct rig *);
/* Refreshes and counts damage. */
void rig_look(struct rig *, bool all);
uint32_t rig_px(const struct rig *, uint32_t x, uint32_t y);

void rig_seq(struct rig *, uint8_t index, uint8_t val);
void rig_gfx(struct rig *, uint8_t index, uint8_t val);
void rig_crt(struct rig *, uint8_t index, uint8_t val);
void rig_attr(struct rig *, uint8_t index, uint8_t val);
uint8_t rig_crt_get(struct rig *, uint8_t index);
void rig_dac(struct rig *, uint8_t index, uint8_t r, uint8_t g, uint8_t b);
void rig_vbe(struct rig *, uint16_t index, uint16_t val);
uint16_t rig_vbe_get(struct rig *, uint16_t index);
void rig_vbe_mode(struct rig *, uint16_t w, uint16_t h, uint16_t bpp);
void rig_poke(struct rig *, uint32_t addr, uint8_t val);
uint8_t rig_peek(struct rig *, uint32_t addr);
/* BIOS modes 3, 4, 6, 0x0d, 0x12, 0x13 by their registers. */
void rig_mode(struct rig *, unsigned mode);
/* The same, but neither the palette nor what is in memory. */
void rig_mode_regs(struct rig *, unsigned mode);
/* XRGB of six-bit components, and of what rig_mode() put in entry i. */
uint32_t rig_rgb(uint32_t r, uint32_t g, uint32_t b);
uint32_t rig_mode_color(uint32_t i);
/* For cmocka: a watched card of 16 MiB. */
int rig_setup(void **state);
int rig_teardown(void **state);

#endif
