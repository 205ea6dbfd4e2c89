/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hvmd-vnc sends. It is trusted less than hvmd: every value is checked
 * or clamped, and its rate is limited.
 */
#include "console_priv.h"

#include <string.h>

#define BUTTONS_ALL 0x1fu

static void key(struct console *c, uint32_t code, bool down)
{
    uint32_t bit = 1u << (code & 31);

    if (!down && !(c->held[code >> 5] & bit))
        return;
    if (down)
        c->held[code >> 5] |= bit;
    else
        c->held[code >> 5] &= ~bit;
    if (c->input)
        c->input->ops->key(c->input->dev, (uint8_t)code, down);
}

static void move(struct console *c, int32_t wheel)
{
    if (!c->input)
        return;
    c->input->ops->rel(c->input->dev, (int32_t)c->tx - (int32_t)c->px,
                       (int32_t)c->ty - (int32_t)c->py, wheel, c->buttons);
    c->px = c->tx;
    c->py = c->ty;
}

static void home_done(void *ctx)
{
    move(ctx, 0);
}

/*
 * The mouse is relative: it gets the difference to the viewers' last place.
 * Where the guest's pointer is cannot be known; the first event pushes it
 * into the upper left corner, where both agree, and time is given for that,
 * since a mouse adds up what it has not sent yet.
 */
static void pointer(struct console *c, const struct vnc_msg *m)
{
    const uint32_t mx = DISPLAY_MAX_W - 1, my = DISPLAY_MAX_H - 1;

    c->tx = m->pointer.x < mx ? m->pointer.x : mx;
    c->ty = m->pointer.y < my ? m->pointer.y : my;
    c->buttons = m->pointer.buttons & BUTTONS_ALL;
    if (!c->input)
        return;
    if (!c->homed) {
        c->homed = true;
        c->px = c->py = 0;
        c->input->ops->rel(c->input->dev, -(int32_t)DISPLAY_MAX_W,
                           -(int32_t)DISPLAY_MAX_H, m->pointer.wheel,
                           c->buttons);
        timer_set(&c->home, clock_now(loop_clock(c->loop)) + HOME_NS);
    } else if (timer_armed(&c->home)) {
        c->input->ops->rel(c->input->dev, 0, 0, m->pointer.wheel, c->buttons);
    } else {
        move(c, m->pointer.wheel);
    }
}

bool input_message(struct console *c, const struct vnc_msg *m)
{
    switch (m->type) {
    case VNC_KEY:
        if (m->key.code == 0 || m->key.code > 0xff || m->key.down > 1)
            return false;
        key(c, m->key.code, m->key.down);
        screen_hurry(c);
        return true;
    case VNC_POINTER:
        if (m->pointer.wheel < -1 || m->pointer.wheel > 1)
            return false;
        pointer(c, m);
        screen_hurry(c);
        return true;
    }
    return false;
}

bool input_allowed(struct console *c)
{
    uint64_t now = clock_now(loop_clock(c->loop));

    if (now - c->rx_start_ns >= RX_PERIOD_NS) {
        c->rx_start_ns = now;
        c->rx_count = 0;
    }
    if (c->rx_count < RX_PERIOD) {
        c->rx_count++;
        return true;
    }
    timer_set(&c->rx_again, c->rx_start_ns + RX_PERIOD_NS);
    return false;
}

static void rx_again(void *ctx)
{
    console_want(ctx);
}

void input_init(struct console *c)
{
    timer_init(&c->rx_again, loop_clock(c->loop), rx_again, c);
    timer_init(&c->home, loop_clock(c->loop), home_done, c);
}

void console_release(struct console *c)
{
    for (unsigned code = 1; code < 256; code++)
        if (c->held[code >> 5] & (1u << (code & 31)))
            key(c, code, false);
    if (c->buttons && c->input)
        c->input->ops->rel(c->input->dev, 0, 0, 0, 0);
    c->buttons = 0;
}

void input_release_all(struct console *c)
{
    console_release(c);
    timer_cancel(&c->home);
    c->homed = false;
}
