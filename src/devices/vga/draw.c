/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refreshing a viewer's screen: what to look at, and what of it changed. Rows
 * are compared with what the viewer has, so that only real changes travel; the
 * comparison stops at the first difference and costs little beside a copy.
 */
#include "vga_int.h"

#include <string.h>

#define PAGE_SHIFT 12

_Static_assert(sizeof(struct vga_view) == 4 * 8 + 26 * 4,
               "a view is compared as bytes: it has no holes");

void vga_mark_range(struct vga *vga, uint64_t off, uint64_t len)
{
    for (uint64_t page = off >> PAGE_SHIFT;
         len && page <= (off + len - 1) >> PAGE_SHIFT; page++)
        vga->marks[page >> 3] |= (uint8_t)(1u << (page & 7u));
    vga_wrote(vga, off, len);
}

/* Whether a page with bytes [first, last] was written; clamped. */
bool vga_dirty(const struct vga *vga, uint64_t first, uint64_t last)
{
    uint64_t end = (uint64_t)vga->mark_bytes * 8;

    last >>= PAGE_SHIFT;
    if (last >= end)
        last = end - 1;
    for (uint64_t p = first >> PAGE_SHIFT; p <= last; p++)
        if (vga->marks[p >> 3] >> (p & 7u) & 1u)
            return true;
    return false;
}

static void paint_flush(struct vga_paint *paint)
{
    if (paint->pend.h)
        paint->sink->ops->damage(paint->sink->ctx, paint->pend);
    paint->pend.h = 0;
}

/* Joins rectangles while that adds little that did not change. */
void vga_paint_damage(struct vga_paint *paint, struct rect r)
{
    struct rect *p = &paint->pend;
    uint32_t x0, x1, y1;

    if (paint->force)
        return;
    if (p->h && r.y <= p->y + p->h) {
        x0 = vga_min32(p->x, r.x);
        x1 = p->x + p->w > r.x + r.w ? p->x + p->w : r.x + r.w;
        y1 = p->y + p->h > r.y + r.h ? p->y + p->h : r.y + r.h;
        if ((uint64_t)(x1 - x0) * (y1 - p->y) <=
            ((uint64_t)p->w * p->h + (uint64_t)r.w * r.h) * 2 + 4096) {
            p->x = x0;
            p->w = x1 - x0;
            p->h = y1 - p->y;
            return;
        }
    }
    paint_flush(paint);
    *p = r;
}

/* First byte that differs, rounded down to a pixel; n: none. */
static size_t first_diff(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

    while (n - i >= 128 && !memcmp(a + i, b + i, 128))
        i += 128;
    while (n - i >= 4 && !memcmp(a + i, b + i, 4))
        i += 4;
    return i;
}

/* Just past the last pixel that differs; the first one is at from. */
static size_t last_diff(const uint8_t *a, const uint8_t *b, size_t from,
                        size_t n)
{
    while (n - from >= 128 && !memcmp(a + n - 128, b + n - 128, 128))
        n -= 128;
    while (n - from > 4 && !memcmp(a + n - 4, b + n - 4, 4))
        n -= 4;
    return n;
}

/* src: paint->w pixels; guest memory, so its bytes may change meanwhile. */
void vga_paint_row(struct vga_paint *paint, uint32_t y, const void *src)
{
    uint8_t *dst = paint->px + (size_t)y * paint->stride;
    const uint8_t *from = src;
    size_t n = (size_t)paint->w * 4, a, b;

    if (paint->force) {
        memcpy(dst, from, n);
        return;
    }
    a = first_diff(dst, from, n);
    if (a == n)
        return;
    b = last_diff(dst, from, a, n);
    if (b <= a)
        b = a + 4;
    memcpy(dst + a, from + a, b - a);
    vga_paint_damage(
        paint, (struct rect){(uint32_t)(a / 4), y, (uint32_t)((b - a) / 4), 1});
}

static void lut_update(struct vga *vga)
{
    const struct vga_state *s = &vga->s;
    bool eight = (s->vbe[VBE_ENABLE] & VBE_8BIT_DAC) != 0;

    for (unsigned i = 0; i < 256; i++) {
        const uint8_t *rgb = s->dac + 3 * (i & s->pel_mask);
        uint32_t px = 0;

        for (unsigned c = 0; c < 3; c++) {
            uint32_t v = rgb[c];

            if (!eight)
                v = (v & 0x3f) << 2 | (v & 0x3f) >> 4;
            px = px << 8 | v;
        }
        vga->lut256[i] = px;
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t v = s->ar[i] & 0x3fu;

        if (s->ar[AR_MODE] & AMODE_P54)
            v = (v & 0x0fu) | (s->ar[AR_COLOR_SELECT] & 3u) << 4;
        v |= (s->ar[AR_COLOR_SELECT] & 0x0cu) << 4;
        vga->lut16[i] = vga->lut256[v];
    }
    vga->lut_stale = false;
}

static void track_stop(struct vga *vga)
{
    struct hv *hv = vga->dev.env.hv;

    if (vga->track_pages)
        hv->ops->vram_dirty(hv, 0, NULL);
    vga->track_pages = 0;
}

/* Bytes of video memory that the view shows, clamped. */
static uint64_t view_end(const struct vga *vga, const struct vga_view *v)
{
    uint64_t end;

    if (v->kind == VIEW_LFB)
        end = v->start + v->stride * v->h;
    else if (v->addr_mask == VGA_PLANE_BYTES - 1)
        end = VGA_PLANE_BYTES * 4;
    else
        end = 4 * ((uint64_t)v->ma + (uint64_t)v->row_ma * v->h + v->chars);
    return end < vga->vram_bytes ? end : vga->vram_bytes;
}

/*
 * Adds to the marks what the guest wrote by itself. The tracked length only
 * grows, or flipping between two pages would begin anew at each flip.
 */
static void track_collect(struct vga *vga, const struct vga_view *v)
{
    struct hv *hv = vga->dev.env.hv;
    uint32_t pages =
        (uint32_t)((view_end(vga, v) + HV_PAGE_BYTES - 1) >> PAGE_SHIFT);
    uint32_t bytes;

    if (pages < vga->track_pages)
        pages = vga->track_pages;
    if (!pages)
        return;
    bytes = (pages + 7) / 8;
    vga->track_pages = pages;
    memset(vga->hv_bits, 0, bytes);
    if (hv->ops->vram_dirty(hv, pages, vga->hv_bits))
        memset(vga->hv_bits, 0xff, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        vga->marks[i] |= vga->hv_bits[i];
}

static void draw_blank(struct vga *vga, struct vga_paint *paint)
{
    memset(vga->line, 0, sizeof(vga->line));
    for (uint32_t y = 0; y < paint->h; y++)
        vga_paint_row(paint, y, vga->line);
}

/* A place to draw, of the view's size; false: none to be had now. */
static bool surface_get(struct vga *vga, struct sink *sink,
                        const struct vga_view *v, bool all,
                        struct vga_paint *paint)
{
    paint->force = all || !vga->px || sink->ctx != vga->sink_ctx ||
                   v->w != vga->shown.w || v->h != vga->shown.h;
    if (paint->force) {
        vga->px = sink->ops->resize(sink->ctx, v->w, v->h, &vga->px_stride);
        vga->sink_ctx = sink->ctx;
        if (!vga->px)
            return false;
    }
    paint->sink = sink;
    paint->px = vga->px;
    paint->stride = vga->px_stride;
    paint->w = v->w;
    paint->h = v->h;
    paint->pend = (struct rect){0};
    return true;
}

/* Text finds its own changes and scrolls by its start address. */
static bool view_changed(const struct vga *vga, const struct vga_view *v)
{
    struct vga_view a, b;

    memcpy(&a, v, sizeof(a));
    memcpy(&b, &vga->shown, sizeof(b));
    if (a.kind == VIEW_TEXT)
        a.ma = b.ma = 0;
    return memcmp(&a, &b, sizeof(a)) != 0;
}

static void display_refresh(void *dev, struct sink *sink, bool all)
{
    struct vga *vga = dev;
    const uint8_t *vram = vga_vram(vga);
    struct vga_paint paint;
    struct vga_view v;

    vga_view_get(vga, &v);
    if ((!vram && v.kind != VIEW_BLANK) ||
        !surface_get(vga, sink, &v, all, &paint)) {
        vga->px = NULL; /* begin anew when both are there */
        return;
    }
    paint.redo =
        paint.force || !vga->watched || vga->lut_stale || view_changed(vga, &v);
    if (vga->lut_stale)
        lut_update(vga);
    memcpy(&vga->shown, &v, sizeof(v));
    if (!vga->watched || v.kind == VIEW_TEXT || v.kind == VIEW_BLANK)
        track_stop(vga);
    else
        track_collect(vga, &v);

    if (v.kind == VIEW_TEXT)
        vga_draw_text(vga, &paint, &v, vram, clock_now(vga->dev.env.clock));
    else if (v.kind == VIEW_PLANAR)
        vga_draw_planar(vga, &paint, &v, vram);
    else if (v.kind == VIEW_LFB)
        vga_draw_lfb(vga, &paint, &v, vram);
    else if (paint.redo)
        draw_blank(vga, &paint);

    memset(vga->marks, 0, vga->mark_bytes);
    if (paint.force) {
        paint.pend = (struct rect){0, 0, v.w, v.h};
    }
    paint_flush(&paint);
}

static void display_watch(void *dev, bool on)
{
    struct vga *vga = dev;

    vga->watched = on;
    vga->px = NULL;
    if (!on)
        track_stop(vga);
}

const struct display_ops vga_display_ops = {.watch = display_watch,
                                            .refresh = display_refresh};
