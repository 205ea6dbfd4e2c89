/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alphanumeric modes. A row of characters on the screen is a segment: a run of
 * scan lines with one memory address. What each cell was drawn from is kept,
 * and a cell is drawn again when that, its glyph or the palette changed.
 * Source: IBM VGA technical reference, "CRT controller" (cursor, underline),
 * "Attribute controller" (blink, line graphics), "Sequencer" (character maps).
 */
#include "vga_int.h"

#include <string.h>

/* IBM: the cursor blinks at 1/16 of the frame rate, characters at 1/32. */
#define FRAME_NS     14285714u /* 70 Hz */
#define CURSOR_HALF  (8u * FRAME_NS)
#define BLINK_HALF   (16u * FRAME_NS)
#define SEGMENT_ROWS 128u /* 63 row scans at most, doubled */

/* Key of a cell */
#define KEY_DRAWN             0x80000000u
#define KEY_HIDDEN            0x40000000u /* blinking, off */
#define KEY_CURSOR            0x20000000u
#define KEY_FRAME(start, end) ((start) << 16 | (end) << 21)

struct text {
    struct vga *vga;
    struct vga_paint *paint;
    const struct vga_view *v;
    const uint8_t *vram;
    bool blink_off;
    uint32_t cursor; /* memory address; UINT32_MAX: not to be seen */
    uint32_t cursor_start, cursor_end;
    uint8_t stale[2][256]; /* glyphs that changed */
    /* The segment */
    uint32_t y, n;
    uint8_t row[SEGMENT_ROWS];
};

/* Copies the glyphs that are in use and notes the ones that differ. */
static void fonts_update(struct text *t, unsigned map)
{
    uint8_t *glyph = t->vga->font[map];
    const uint8_t *p = t->vram + 4 * (uint64_t)t->v->font[map] + 2;
    /* A preset row beyond the last one counts on to 31. */
    uint32_t rows = t->v->preset > t->v->max_scan ? 32 : t->v->max_scan + 1;

    for (unsigned c = 0; c < 256; c++, glyph += 32, p += 4 * 32) {
        uint8_t differ = 0;

        for (uint32_t r = 0; r < rows; r++) {
            uint8_t b = p[4 * r];

            differ |= b ^ glyph[r];
            glyph[r] = b;
        }
        t->stale[map][c] = differ;
    }
}

static void cursor_get(struct text *t, uint64_t now_ns)
{
    const uint8_t *cr = t->vga->s.cr;

    t->cursor = UINT32_MAX;
    t->cursor_start = cr[CR_CURSOR_START] & 31u;
    t->cursor_end = cr[CR_CURSOR_END] & 31u;
    /* One that shows on no row must not blink either: that would be damage. */
    if ((cr[CR_CURSOR_START] & CR0A_CURSOR_OFF) ||
        t->cursor_start > t->cursor_end || (now_ns / CURSOR_HALF & 1u))
        return;
    /* The skew delays the cursor by characters. */
    t->cursor = (((uint32_t)cr[CR_CURSOR_HI] << 8 | cr[CR_CURSOR_LO]) +
                 (cr[CR_CURSOR_END] >> 5 & 3u)) &
                0xffffu;
}

static uint32_t *put_dots(uint32_t *p, uint32_t bits, unsigned n, uint32_t fg,
                          uint32_t bg)
{
    uint32_t turn = fg ^ bg;

    for (unsigned i = 0; i < n; i++, bits <<= 1)
        *p++ = bg ^ (turn & (0u - (bits >> 8 & 1u)));
    return p;
}

static uint32_t *put_wide(uint32_t *p, uint32_t bits, unsigned n, uint32_t fg,
                          uint32_t bg)
{
    for (unsigned i = 0; i < n; i++, bits <<= 1) {
        uint32_t px = bits & 0x100u ? fg : bg;

        *p++ = px;
        *p++ = px;
    }
    return p;
}

/* The nine dots of a cell's scan row: bit 8 is the leftmost. */
static uint32_t cell_bits(const struct text *t, uint32_t key, uint32_t row)
{
    uint8_t ch = (uint8_t)key, attr = (uint8_t)(key >> 8);
    uint32_t bits = (uint32_t)t->vga->font[attr >> 3 & 1u][ch * 32u + row] << 1;

    if ((t->v->amode & AMODE_LINE_GFX) && (ch & 0xe0u) == 0xc0u)
        bits |= bits >> 1 & 1u;
    if (row == t->v->underline && (attr & 7u) == 1)
        bits = 0x1ff;
    if (key & KEY_HIDDEN)
        bits = 0;
    if ((key & KEY_CURSOR) && row >= t->cursor_start && row <= t->cursor_end)
        bits = 0x1ff;
    return bits;
}

/* x: of the cell, may be left of the screen or end right of it. */
static void draw_cell(struct text *t, uint32_t key, int32_t x)
{
    const struct vga_view *v = t->v;
    uint32_t attr = key >> 8 & 0xffu;
    uint32_t fg = t->vga->lut16[attr & 15u & v->planes];
    uint32_t bg =
        t->vga->lut16[attr >> 4 & (v->amode & AMODE_BLINK ? 7u : 15u) &
                      v->planes];
    uint32_t width = v->cell * v->dot;
    uint32_t tmp[18], skip = x < 0 ? (uint32_t)-x : 0;
    uint32_t at = x < 0 ? 0 : (uint32_t)x;
    uint32_t take = vga_min32(width - skip, v->w - at);
    uint8_t *dst = t->paint->px + (size_t)t->y * t->paint->stride + at * 4ul;

    for (uint32_t i = 0; i < t->n; i++, dst += t->paint->stride) {
        uint32_t bits = cell_bits(t, key, t->row[i]);

        if (v->dot == 2)
            put_wide(tmp, bits, v->cell, fg, bg);
        else
            put_dots(tmp, bits, v->cell, fg, bg);
        memcpy(dst, tmp + skip, take * 4ul);
    }
}

static uint32_t cell_key(const struct text *t, uint32_t ma, bool *stale)
{
    uint64_t o = vga_fetch(t->v, ma, 0);
    uint8_t ch, attr;
    uint32_t key;

    ch = t->vram[4 * o];
    attr = t->vram[4 * o + 1];
    *stale = t->stale[attr >> 3 & 1u][ch] != 0;
    key = KEY_DRAWN | ch | (uint32_t)attr << 8;
    if ((t->v->amode & AMODE_BLINK) && (attr & 0x80u) && t->blink_off)
        key |= KEY_HIDDEN;
    if ((ma & 0xffffu) == t->cursor)
        key |= KEY_CURSOR | KEY_FRAME(t->cursor_start, t->cursor_end);
    return key;
}

static void draw_segment(struct text *t, const struct vga_scan *scan,
                         uint32_t *cells)
{
    const struct vga_view *v = t->v;
    uint32_t width = v->cell * v->dot;
    int32_t x = -(int32_t)(scan->pan * v->dot);
    uint32_t from = 0, to = 0; /* pixels changed */

    for (uint32_t c = 0; x < (int32_t)v->w && c < VGA_TEXT_COLS;
         c++, x += (int32_t)width) {
        bool stale;
        uint32_t key = cell_key(t, scan->ma + (c >> v->count_shift), &stale);

        if (key == cells[c] && !stale && !t->paint->redo)
            continue;
        cells[c] = key;
        draw_cell(t, key, x);
        if (!to)
            from = x < 0 ? 0 : (uint32_t)x;
        to = vga_min32((uint32_t)(x + (int32_t)width), v->w);
    }
    if (to > from)
        vga_paint_damage(t->paint, (struct rect){from, t->y, to - from, t->n});
}

void vga_draw_text(struct vga *vga, struct vga_paint *paint,
                   const struct vga_view *v, const uint8_t *vram,
                   uint64_t now_ns)
{
    struct text t = {.vga = vga, .paint = paint, .v = v, .vram = vram};
    struct vga_scan scan, next;
    uint32_t *cells = vga->cells;

    t.blink_off = (now_ns / BLINK_HALF & 1u) != 0;
    cursor_get(&t, now_ns);
    fonts_update(&t, 0);
    if (v->font[0] == v->font[1]) {
        memcpy(vga->font[1], vga->font[0], sizeof(vga->font[1]));
        memcpy(t.stale[1], t.stale[0], sizeof(t.stale[1]));
    } else {
        fonts_update(&t, 1);
    }
    vga_scan_start(v, &scan);
    while (scan.y < v->h) {
        next = scan;
        t.y = scan.y;
        t.n = 0;
        do {
            t.row[t.n++] = (uint8_t)next.row;
            vga_scan_next(v, &next);
        } while (next.y < v->h && next.ma == scan.ma && next.y != v->split &&
                 t.n < SEGMENT_ROWS);
        draw_segment(&t, &scan, cells);
        cells += VGA_TEXT_COLS;
        scan = next;
    }
}
