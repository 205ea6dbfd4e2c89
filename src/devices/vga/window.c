/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window a0000..bffff: what the processor's bytes do to the four planes.
 * Source: IBM VGA technical reference, "Graphics controller" (write modes, read
 * modes, latches) and "Sequencer" (map mask, odd/even, chain 4). Addresses are
 * computed and checked per access (rule R3): registers may change between.
 */
#include "vga_int.h"

#include <string.h>

#define WINDOW_BYTES 0x20000u

/* Bit p of n in all bits of byte p. */
static const uint32_t plane_bits[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff,
    0x00ffff00, 0x00ffffff, 0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
    0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff};

enum window_kind { WIN_NONE, WIN_LINEAR, WIN_PLANES };

/* How the registers place the window now. */
struct window {
    enum window_kind kind;
    uint32_t first, len; /* part of the window that answers */
    uint64_t base;       /* linear: video memory; planes: plane offset */
    uint64_t limit;      /* of the same */
    uint32_t addr_mask;
    bool a16; /* 128 KiB odd/even: address bit 16 is plane offset bit 0 */
};

static void window_get(const struct vga *vga, struct window *w)
{
    static const uint32_t first[4] = {0, 0, 0x10000, 0x18000};
    static const uint32_t len[4] = {0x20000, 0x10000, 0x8000, 0x8000};
    const struct vga_state *s = &vga->s;
    unsigned map = GMISC_MAP(s->gr[GR_MISC]);
    bool vbe = vga_vbe_on(vga);
    uint64_t bank = (uint64_t)s->vbe[VBE_BANK] * VBE_BANK_SIZE;

    if (vbe && map > 1)
        map = 1; /* banks are seen at a0000 */
    w->first = first[map];
    w->len = len[map];
    w->a16 = map == 0 && !vbe;
    w->kind = s->misc & MISC_RAM ? WIN_PLANES : WIN_NONE;
    w->base = 0;
    w->limit = vga->vram_bytes / 4;
    w->addr_mask = VGA_PLANE_BYTES - 1;
    if (!vbe)
        return;
    w->base = bank;
    w->addr_mask = WINDOW_BYTES - 1;
    if (s->vbe[VBE_BPP] != 4) {
        w->kind = WIN_LINEAR;
        w->limit = vga->vram_bytes;
    }
}

/* Bytes from window address a that lie in video memory, at most len. */
static size_t linear_span(const struct window *w, uint32_t a, size_t len)
{
    uint64_t pos = w->base + a;

    if (len > w->len - a)
        len = w->len - a;
    if (pos >= w->limit)
        return 0;
    return len > w->limit - pos ? (size_t)(w->limit - pos) : len;
}

static uint32_t load4(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void store4(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* Plane offset of window address a; odd_even: bit 0 selects planes. */
static uint64_t plane_offset(const struct window *w, uint32_t a, bool chain4,
                             bool odd_even)
{
    uint32_t o = a & w->addr_mask;

    if (chain4) /* bits 14 and 15 come back as the CRTC's doublewords do */
        o = (o & ~3u) | (o >> 14 & 3u);
    else if (odd_even)
        o = (o & ~1u) | (w->a16 ? a >> 16 & 1u : 0);
    return w->base + o;
}

static uint8_t plane_read(struct vga *vga, const struct window *w,
                          const uint8_t *vram, uint32_t a)
{
    struct vga_state *s = &vga->s;
    bool chain4 = (s->sr[SR_MEMORY_MODE] & MEMORY_CHAIN4) != 0;
    bool odd_even = (s->gr[GR_MODE] & GMODE_ODD_EVEN) != 0;
    uint64_t o = plane_offset(w, a, chain4, odd_even);
    unsigned plane = s->gr[GR_READ_MAP] & 3u;
    uint32_t latch, differ;

    if (o >= w->limit)
        return 0xff;
    latch = load4(vram + 4 * o);
    store4(s->latch, latch);
    if (s->gr[GR_MODE] & GMODE_COMPARE) {
        differ = (latch ^ plane_bits[s->gr[GR_COMPARE] & 15u]) &
                 plane_bits[s->gr[GR_DONT_CARE] & 15u];
        differ |= differ >> 16;
        differ |= differ >> 8;
        return (uint8_t)~differ;
    }
    if (chain4)
        plane = a & 3u;
    else if (odd_even)
        plane = (plane & 2u) | (a & 1u);
    return (uint8_t)(latch >> (8 * plane));
}

/* The graphics controller: processor byte and latches to four bytes. */
static uint32_t alu(const struct vga_state *s, uint8_t val)
{
    uint32_t latch = load4(s->latch);
    uint32_t mask = s->gr[GR_BIT_MASK];
    uint32_t set = plane_bits[s->gr[GR_SET_RESET] & 15u];
    unsigned rot = s->gr[GR_ROTATE] & 7u;
    uint8_t turned = (uint8_t)(val >> rot | val << (8 - rot));
    uint32_t data, enable;

    switch (s->gr[GR_MODE] & GMODE_WRITE) {
    case 0:
        enable = plane_bits[s->gr[GR_ENABLE_SR] & 15u];
        data = (turned * 0x01010101u & ~enable) | (set & enable);
        break;
    case 1:
        return latch;
    case 2:
        data = plane_bits[val & 15u];
        break;
    default:
        mask &= turned;
        data = set;
        break;
    }
    switch (s->gr[GR_ROTATE] >> 3 & 3u) {
    case 1:
        data &= latch;
        break;
    case 2:
        data |= latch;
        break;
    case 3:
        data ^= latch;
        break;
    default:
        break;
    }
    mask *= 0x01010101u;
    return (data & mask) | (latch & ~mask);
}

static void plane_write(struct vga *vga, const struct window *w, uint8_t *vram,
                        uint32_t a, uint8_t val)
{
    struct vga_state *s = &vga->s;
    bool chain4 = (s->sr[SR_MEMORY_MODE] & MEMORY_CHAIN4) != 0;
    bool odd_even = !(s->sr[SR_MEMORY_MODE] & MEMORY_SEQUENTIAL);
    uint64_t o = plane_offset(w, a, chain4, odd_even);
    unsigned planes = s->sr[SR_MAP_MASK] & 15u;
    uint32_t keep;

    if (o >= w->limit)
        return;
    if (chain4)
        planes &= 1u << (a & 3u);
    else if (odd_even)
        planes &= a & 1u ? 0xau : 0x5u;
    if (!planes)
        return;
    keep = ~plane_bits[planes];
    store4(vram + 4 * o, (load4(vram + 4 * o) & keep) | (alu(s, val) & ~keep));
    vga_mark(vga, 4 * o);
}

static void window_read(struct vga *vga, uint32_t off, uint8_t *buf, size_t len)
{
    const uint8_t *vram = vga_vram(vga);
    struct window w;

    window_get(vga, &w);
    for (size_t i = 0; i < len; i++) {
        uint32_t a = off + (uint32_t)i - w.first;

        if (!vram || w.kind == WIN_NONE || a >= w.len) {
            buf[i] = 0xff;
        } else if (w.kind == WIN_LINEAR) {
            size_t n = linear_span(&w, a, len - i);

            if (!n) {
                buf[i] = 0xff;
                continue;
            }
            memcpy(buf + i, vram + w.base + a, n);
            i += n - 1;
        } else {
            buf[i] = plane_read(vga, &w, vram, a);
        }
    }
}

static void window_write(struct vga *vga, uint32_t off, const uint8_t *buf,
                         size_t len)
{
    uint8_t *vram = vga_vram(vga);
    struct window w;

    window_get(vga, &w);
    if (!vram || w.kind == WIN_NONE)
        return;
    for (size_t i = 0; i < len; i++) {
        uint32_t a = off + (uint32_t)i - w.first;

        if (a >= w.len)
            continue;
        if (w.kind == WIN_LINEAR) {
            size_t n = linear_span(&w, a, len - i);

            if (!n)
                continue;
            memcpy(vram + w.base + a, buf + i, n);
            vga_mark_range(vga, w.base + a, n);
            i += n - 1;
        } else {
            plane_write(vga, &w, vram, a, buf[i]);
        }
    }
}

static uint64_t window_rd(void *dev, uint32_t off, unsigned size)
{
    uint8_t b[8];
    uint64_t val = 0;

    window_read(dev, off, b, size);
    for (unsigned i = 0; i < size; i++)
        val |= (uint64_t)b[i] << (8 * i);
    return val;
}

static void window_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    uint8_t b[8];

    for (unsigned i = 0; i < size; i++)
        b[i] = (uint8_t)(val >> (8 * i));
    window_write(dev, off, b, size);
}

/* Each byte goes its own way through the planes: width never matters. */
static size_t window_mem(void *dev, uint32_t off, bool wr, void *buf,
                         size_t len)
{
    if (wr)
        window_write(dev, off, buf, len);
    else
        window_read(dev, off, buf, len);
    return len;
}

const struct io_ops vga_window_ops = {
    .rd = window_rd, .wr = window_wr, .mem = window_mem, .min = 1, .max = 8};
