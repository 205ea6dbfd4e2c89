/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What is shown for a machine without a display. */
#define BLANK_W 720
#define BLANK_H 400

static uint8_t *sink_resize(void *ctx, uint32_t w, uint32_t h, uint32_t *stride)
{
    struct console *c = ctx;

    if (!w || !h || w > DISPLAY_MAX_W || h > DISPLAY_MAX_H)
        return NULL;
    c->w = w;
    c->h = h;
    c->screen_due = true;
    c->nrects = 0;
    *stride = w * 4;
    /* At once instead of by a fault per page; older kernels refuse. */
    madvise(c->pixels, (size_t)w * h * 4, MADV_POPULATE_WRITE);
    return c->pixels;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Makes a the smallest rectangle that holds both. */
static void rect_join(struct rect *a, const struct rect *b)
{
    uint32_t x = a->x < b->x ? a->x : b->x, y = a->y < b->y ? a->y : b->y;

    a->w = max32(a->x + a->w, b->x + b->w) - x;
    a->h = max32(a->y + a->h, b->y + b->h) - y;
    a->x = x;
    a->y = y;
}

static bool rects_touch(const struct rect *a, const struct rect *b)
{
    return a->x == b->x && a->w == b->w && a->y <= b->y + b->h &&
           b->y <= a->y + a->h;
}

static void sink_damage(void *ctx, struct rect r)
{
    struct console *c = ctx;

    if (c->screen_due || r.x >= c->w || r.y >= c->h || !r.w || !r.h)
        return;
    if (r.w > c->w - r.x)
        r.w = c->w - r.x;
    if (r.h > c->h - r.y)
        r.h = c->h - r.y;
    if (c->nrects && rects_touch(&c->rect[c->nrects - 1], &r)) {
        rect_join(&c->rect[c->nrects - 1], &r);
        return;
    }
    if (c->nrects == VNC_RECTS) {
        for (unsigned i = 1; i < VNC_RECTS; i++)
            rect_join(&c->rect[0], &c->rect[i]);
        c->nrects = 1;
    }
    c->rect[c->nrects++] = r;
}

static const struct sink_ops console_sink_ops = {sink_resize, sink_damage};

static void draw(struct console *c)
{
    uint32_t stride;

    if (c->display) {
        c->display->ops->refresh(c->display->dev, &c->sink, c->all);
    } else if (c->all) {
        sink_resize(c, BLANK_W, BLANK_H, &stride);
        memset(c->pixels, 0, (size_t)stride * BLANK_H);
    }
    c->all = false;
}

/* More than a blinking cursor or a turning bar. */
static bool busy(const struct console *c)
{
    uint64_t area = 0;

    for (unsigned i = 0; i < c->nrects; i++)
        area += (uint64_t)c->rect[i].w * c->rect[i].h;
    return c->screen_due || area > REFRESH_SMALL;
}

static void look(struct console *c)
{
    struct clock *clock = loop_clock(c->loop);

    c->looked_ns = clock_now(clock);
    draw(c);
    c->cost_ns = clock_now(clock) - c->looked_ns;
    if (busy(c)) {
        c->interval_ns /= 2;
        if (c->interval_ns < REFRESH_MIN_NS)
            c->interval_ns = REFRESH_MIN_NS;
    } else {
        c->interval_ns *= 2;
        if (c->interval_ns > REFRESH_IDLE_NS)
            c->interval_ns = REFRESH_IDLE_NS;
    }
    if (c->screen_due || c->nrects || c->answer)
        console_flush(c);
}

/* Arms the next look, if a viewer waits for one. */
static void plan(struct console *c)
{
    uint64_t wait = c->answer ? REFRESH_MIN_NS : c->interval_ns;

    if (!c->demand || !c->child) {
        timer_cancel(&c->tick);
        return;
    }
    if (wait < c->cost_ns * REFRESH_SHARE)
        wait = c->cost_ns * REFRESH_SHARE;
    timer_set(&c->tick, c->looked_ns + wait);
}

static void tick(void *ctx)
{
    struct console *c = ctx;

    if (!c->demand || !c->child)
        return;
    if (!c->stuck)
        look(c);
    plan(c);
}

void screen_demand(struct console *c, bool now)
{
    c->demand = true;
    c->answer |= now;
    /* Damage that could not be told earlier answers it at once. */
    if (c->screen_due || c->nrects)
        console_flush(c);
    plan(c);
}

void screen_hurry(struct console *c)
{
    if (c->interval_ns == REFRESH_MIN_NS)
        return;
    c->interval_ns = REFRESH_MIN_NS;
    plan(c);
}

int screen_tell(struct console *c)
{
    struct vnc_msg m;
    int rc;

    if (c->screen_due) {
        m.type = VNC_SCREEN;
        m.screen.w = c->w;
        m.screen.h = c->h;
        if ((rc = vnc_send(c->child->ctl, &m, -1)))
            return rc;
        c->screen_due = c->answer = false;
        c->demand = false;
    }
    if (c->nrects || c->answer) {
        memset(&m, 0, sizeof(m));
        m.type = VNC_DAMAGE;
        m.damage.n = c->nrects;
        memcpy(m.damage.r, c->rect, c->nrects * sizeof(c->rect[0]));
        if ((rc = vnc_send(c->child->ctl, &m, -1)))
            return rc;
        c->nrects = 0;
        c->demand = c->answer = false;
    }
    return 0;
}

void screen_init(struct console *c)
{
    c->sink.ops = &console_sink_ops;
    c->sink.ctx = c;
    timer_init(&c->tick, loop_clock(c->loop), tick, c);
}

void screen_start(struct console *c)
{
    c->demand = c->answer = false;
    c->nrects = 0;
    c->all = true;
    c->interval_ns = REFRESH_MIN_NS;
    if (c->display)
        c->display->ops->watch(c->display->dev, true);
    look(c);
}

void screen_stop(struct console *c)
{
    timer_cancel(&c->tick);
    c->demand = false;
    c->screen_due = false;
    c->nrects = 0;
    if (c->display)
        c->display->ops->watch(c->display->dev, false);
}
