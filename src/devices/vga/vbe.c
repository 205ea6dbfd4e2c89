/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bochs VBE display interface: index 1ce, data 1cf (and 1d0), and BAR 2 with
 * the EDID, the VGA ports, the same registers and the extension registers.
 * Registers are kept sensible as they are written; what is drawn is clamped
 * again when it is drawn (rule R3).
 */
#include "vga_int.h"

#include <string.h>

static uint32_t bits_of(const struct vga *vga)
{
    uint32_t bpp = vga->s.vbe[VBE_BPP];

    return bpp == 15 ? 16 : bpp;
}

uint64_t vga_vbe_stride(const struct vga *vga)
{
    /* 4 bits: eight pixels are one byte in each of four planes. */
    return (uint64_t)vga->s.vbe[VBE_VIRT_WIDTH] * bits_of(vga) / 8;
}

static uint16_t clamp16(uint64_t v, uint64_t lo, uint64_t hi)
{
    return (uint16_t)(v < lo ? lo : v > hi ? hi : v);
}

void vga_vbe_fix(struct vga *vga)
{
    uint16_t *r = vga->s.vbe;
    uint64_t rows;

    if (!(r[VBE_ENABLE] & VBE_ENABLED))
        return;
    if (r[VBE_BPP] != 4 && r[VBE_BPP] != 15 && r[VBE_BPP] != 16 &&
        r[VBE_BPP] != 24 && r[VBE_BPP] != 32)
        r[VBE_BPP] = 8;
    r[VBE_XRES] = clamp16(r[VBE_XRES] & ~7u, 8, DISPLAY_MAX_W);
    r[VBE_VIRT_WIDTH] = clamp16(r[VBE_VIRT_WIDTH] & ~7u, r[VBE_XRES], 0xfff8);
    /* A row is at most 256 KiB, less than any video memory: rows > 0. */
    rows = vga->vram_bytes / vga_vbe_stride(vga);
    r[VBE_VIRT_HEIGHT] = clamp16(rows, 1, 0xffff);
    r[VBE_YRES] = clamp16(r[VBE_YRES], 1, rows);
    r[VBE_YRES] = clamp16(r[VBE_YRES], 1, DISPLAY_MAX_H);
    r[VBE_Y_OFFSET] = clamp16(r[VBE_Y_OFFSET], 0, rows - r[VBE_YRES]);
}

void vga_vbe_reset(struct vga *vga)
{
    vga->s.vbe[VBE_ID] = VBE_ID_LAST;
    vga->s.vbe[VBE_MEMORY_64K] = (uint16_t)(vga->vram_bytes / VBE_BANK_SIZE);
}

static void clear_screen(struct vga *vga)
{
    uint8_t *vram = vga_vram(vga);
    uint64_t len = vga_vbe_stride(vga) * vga->s.vbe[VBE_YRES];

    if (!vram)
        return;
    if (len > vga->vram_bytes)
        len = vga->vram_bytes;
    memset(vram, 0, len);
    vga_mark_range(vga, 0, len);
}

/* The picture stays the same when the DAC changes its width. */
static void dac_width(struct vga *vga, bool eight)
{
    for (unsigned i = 0; i < sizeof(vga->s.dac); i++) {
        uint32_t v = vga->s.dac[i];

        if (eight)
            v = (v & 0x3f) << 2 | (v & 0x3f) >> 4;
        else
            v >>= 2;
        vga->s.dac[i] = (uint8_t)v;
    }
    vga->lut_stale = true;
}

static void enable_write(struct vga *vga, uint16_t val)
{
    uint16_t *r = vga->s.vbe;
    uint16_t old = r[VBE_ENABLE];

    r[VBE_ENABLE] = val & VBE_ENABLE_MASK;
    if ((old ^ val) & VBE_8BIT_DAC)
        dac_width(vga, (val & VBE_8BIT_DAC) != 0);
    if (!(val & VBE_ENABLED)) {
        r[VBE_BANK] = 0;
        return;
    }
    if (old & VBE_ENABLED)
        return;
    r[VBE_VIRT_WIDTH] = 0;
    r[VBE_X_OFFSET] = 0;
    r[VBE_Y_OFFSET] = 0;
    r[VBE_BANK] = 0;
    vga_vbe_fix(vga);
    if (!(val & VBE_NOCLEAR))
        clear_screen(vga);
}

static uint16_t vbe_read(const struct vga *vga, unsigned index)
{
    const uint16_t *r = vga->s.vbe;

    if (index >= VBE_REGS)
        return 0;
    if (r[VBE_ENABLE] & VBE_GETCAPS) {
        if (index == VBE_XRES)
            return DISPLAY_MAX_W;
        if (index == VBE_YRES)
            return DISPLAY_MAX_H;
        if (index == VBE_BPP)
            return 32;
    }
    return r[index];
}

static void vbe_write(struct vga *vga, unsigned index, uint16_t val)
{
    uint16_t *r = vga->s.vbe;
    uint32_t banks = vga->vram_bytes / VBE_BANK_SIZE;

    switch (index) {
    case VBE_ID:
        if (val >= VBE_ID_FIRST && val <= VBE_ID_LAST)
            r[VBE_ID] = val;
        break;
    case VBE_ENABLE:
        enable_write(vga, val);
        break;
    case VBE_BANK:
        if (r[VBE_BPP] == 4)
            banks = banks / 4 ? banks / 4 : 1;
        r[VBE_BANK] = (uint16_t)(val & (banks - 1)); /* a power of two */
        break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        r[index] = val;
        vga_vbe_fix(vga);
        break;
    default: /* VIRT_HEIGHT and MEMORY_64K follow from the others */
        break;
    }
}

/* Offsets from 1ce: 0 index, 1 data, 2 data for who needs it aligned. */
static uint64_t vbe_rd(void *dev, uint32_t off, unsigned size)
{
    struct vga *vga = dev;
    uint16_t val;

    if (off > 2)
        return size == 1 ? 0xff : 0xffff;
    val = off ? vbe_read(vga, vga->s.vbe_index) : vga->s.vbe_index;
    return size == 1 ? val & 0xffu : val;
}

static void vbe_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct vga *vga = dev;

    if (off == 0)
        vga->s.vbe_index = (uint16_t)val;
    else if (off <= 2)
        vbe_write(vga, vga->s.vbe_index, (uint16_t)val);
}

const struct io_ops vga_vbe_ops = {
    .rd = vbe_rd, .wr = vbe_wr, .min = 1, .max = 2};

static uint8_t ext_byte(const struct vga *vga, uint32_t off)
{
    uint32_t val = BAR2_EXT_END - BAR2_EXT; /* bytes of this block */

    if (off >= BAR2_EXT_ENDIAN)
        val = vga->s.big_endian ? BAR2_EXT_BIG : BAR2_EXT_LITTLE;
    return (uint8_t)(val >> (8 * (off & 3u)));
}

static uint8_t bar2_byte(struct vga *vga, uint32_t off)
{
    if (off < BAR2_EDID_END)
        return off < VGA_EDID_BYTES ? vga->edid[off] : 0;
    if (off >= BAR2_PORTS && off < BAR2_PORTS_END)
        return vga_port_read(vga, off - BAR2_PORTS + 0x3c0);
    if (off >= BAR2_VBE && off < BAR2_VBE_END)
        return (uint8_t)(vbe_read(vga, (off - BAR2_VBE) / 2) >>
                         (8 * (off & 1u)));
    if (off >= BAR2_EXT && off < BAR2_EXT_END)
        return ext_byte(vga, off);
    return 0xff;
}

static uint64_t bar2_rd(void *dev, uint32_t off, unsigned size)
{
    uint64_t val = 0;

    for (unsigned i = 0; i < size; i++)
        val |= (uint64_t)bar2_byte(dev, off + i) << (8 * i);
    return val;
}

static void bar2_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct vga *vga = dev;
    unsigned n;

    for (unsigned i = 0; i < size; i += n, val >>= 8 * n) {
        uint32_t at = off + i;

        n = 1;
        if (at >= BAR2_PORTS && at < BAR2_PORTS_END) {
            vga_port_write(vga, at - BAR2_PORTS + 0x3c0, (uint8_t)val);
        } else if (at >= BAR2_VBE && at < BAR2_VBE_END) {
            /* Registers are words; a lone byte cannot address one. */
            if ((at & 1u) || size - i < 2)
                continue;
            n = 2;
            vbe_write(vga, (at - BAR2_VBE) / 2, (uint16_t)val);
        } else if (at == BAR2_EXT_ENDIAN && size - i >= 4) {
            n = 4;
            if ((uint32_t)val == BAR2_EXT_BIG)
                vga->s.big_endian = 1;
            else if ((uint32_t)val == BAR2_EXT_LITTLE)
                vga->s.big_endian = 0;
        }
    }
}

const struct io_ops vga_bar2_ops = {
    .rd = bar2_rd, .wr = bar2_wr, .min = 1, .max = 4};
