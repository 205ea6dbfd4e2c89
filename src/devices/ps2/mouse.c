/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mouse. Motion that the guest has not fetched yet adds up; a packet
 * carries up to 255 counts a side and the rest follows in the next, so that
 * the guest's pointer arrives where the viewer's is. The overflow bits tell of
 * motion beyond AUX_COUNT_MAX, which is lost. One pixel of the viewer is one
 * count whatever the resolution: it only informs the guest. Button changes
 * are queued at once, motion alone waits for the sampling rate.
 * Source: IBM PS/2 Hardware Interface Technical Reference, Mouse.
 */
#include "regs.h"

#include <string.h>

static uint8_t button_mask(const struct ps2_aux *a)
{
    return a->id == 4 ? 0x1f : 0x07;
}

/* The buttons the next packet shows: a click between two of them counts. */
static uint8_t buttons_now(const struct ps2_aux *a)
{
    return (uint8_t)(a->buttons | (a->pressed & ~a->sent)) & button_mask(a);
}

static void forget_motion(struct ps2_aux *a)
{
    fifo_clear(&a->out);
    a->dx = a->dy = a->dz = 0;
    a->lost = a->pressed = 0;
    a->sent = a->buttons & button_mask(a);
}

static void set_default(struct ps2_aux *a)
{
    a->mode = AUX_STREAM;
    a->wrap = 0;
    a->reporting = 0;
    a->resolution = 2;
    a->scaling = 0;
    a->rate = 100;
    forget_motion(a);
}

void aux_reset(struct ps2 *p)
{
    struct ps2_aux *a = &p->r.aux;

    set_default(a);
    fifo_clear(&a->reply);
    a->cmd = 0;
    a->id = 0;
    a->knock[0] = a->knock[1] = 0;
    a->last[0] = DEV_BAT_OK;
    a->last_len = 1;
}

static unsigned packet_len(const struct ps2_aux *a)
{
    return a->id ? 4 : 3;
}

/* Takes up to most counts out of a counter. */
static int32_t count_take(uint32_t *counter, int32_t most)
{
    int32_t all = (int32_t)*counter;
    int32_t v = all > most ? most : all < -most ? -most : all;

    *counter = (uint32_t)(all - v);
    return v;
}

/* Scaling 2:1 of the counts of one packet. */
static int32_t scale(int32_t v)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    int32_t m = v < 0 ? -v : v;

    m = m < 6 ? small[m] : 2 * m;
    if (m > 255)
        m = 255;
    return v < 0 ? -m : m;
}

static unsigned packet(struct ps2_aux *a, uint8_t *out, bool scaled)
{
    uint8_t btn = buttons_now(a);
    int32_t x = count_take(&a->dx, 255);
    int32_t y = count_take(&a->dy, 255);
    int32_t z = count_take(&a->dz, 7);
    unsigned head = 0x08;

    if (scaled) {
        x = scale(x);
        y = scale(y);
    }
    head |= (btn & BTN_BIT_LEFT ? 1u : 0) | (btn & BTN_BIT_RIGHT ? 2u : 0) |
            (btn & BTN_BIT_MIDDLE ? 4u : 0);
    head |= (x < 0 ? 0x10u : 0) | (y < 0 ? 0x20u : 0);
    head |= (unsigned)a->lost << 6;
    out[0] = (uint8_t)head;
    out[1] = (uint8_t)x;
    out[2] = (uint8_t)y;
    out[3] = (uint8_t)z;
    if (a->id == 4)
        out[3] = (uint8_t)((z & 0x0f) | (btn & BTN_BIT_SIDE ? 0x10 : 0) |
                           (btn & BTN_BIT_EXTRA ? 0x20 : 0));
    a->sent = btn;
    a->pressed = 0;
    a->lost = 0;
    return packet_len(a);
}

static void remember(struct ps2_aux *a, const uint8_t *b, unsigned n)
{
    memcpy(a->last, b, n);
    a->last_len = (uint8_t)n;
}

void aux_produce(struct ps2 *p)
{
    struct ps2_aux *a = &p->r.aux;
    uint64_t now;
    uint8_t b[4];
    unsigned n;

    if (a->mode != AUX_STREAM || !a->reporting || a->wrap || a->cmd)
        return;
    if (!a->id)
        a->dz = 0;
    for (unsigned i = 0; i < AUX_QUEUE / 3; i++) {
        if (buttons_now(a) != a->sent) {
            if (a->out.len + packet_len(a) > AUX_QUEUE)
                return;
            now = clock_now(p->dev.env.clock);
        } else {
            if (!(a->dx | a->dy | a->dz) || a->out.len)
                return;
            now = clock_now(p->dev.env.clock);
            if (now < p->next_sample_ns) {
                timer_set(&p->sample, p->next_sample_ns);
                return;
            }
        }
        n = packet(a, b, a->scaling);
        for (unsigned j = 0; j < n; j++)
            fifo_put(&a->out, b[j], AUX_QUEUE);
        remember(a, b, n);
        p->next_sample_ns = now + NS_PER_S / a->rate;
    }
}

static void count_add(struct ps2_aux *a, uint32_t *counter, int64_t delta,
                      uint8_t lost)
{
    int64_t v = (int64_t)(int32_t)*counter + delta;

    if (v > AUX_COUNT_MAX || v < -AUX_COUNT_MAX) {
        v = v < 0 ? -AUX_COUNT_MAX : AUX_COUNT_MAX;
        a->lost |= lost;
    }
    *counter = (uint32_t)(int32_t)v;
}

void aux_rel(void *dev, int32_t dx, int32_t dy, int32_t dz, unsigned buttons)
{
    struct ps2 *p = dev;
    struct ps2_aux *a = &p->r.aux;

    /* The mouse counts up as positive, and the wheel towards the user. */
    count_add(a, &a->dx, dx, 1);
    count_add(a, &a->dy, -(int64_t)dy, 2);
    count_add(a, &a->dz, -(int64_t)dz, 0);
    buttons &= p->paused ? a->buttons : 0x1fu;
    a->pressed |= (uint8_t)(buttons & ~(unsigned)a->buttons);
    a->buttons = (uint8_t)buttons;
    ps2_kick(p);
}

static void answer(struct ps2_aux *a, const uint8_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fifo_put(&a->reply, b[i], REPLY_MAX);
    if (b[0] != DEV_RESEND)
        remember(a, b, n);
}

static void answer1(struct ps2_aux *a, uint8_t val)
{
    answer(a, &val, 1);
}

static void status(struct ps2_aux *a)
{
    uint8_t b[4] = {DEV_ACK, 0, a->resolution, a->rate};

    b[1] = (uint8_t)((a->mode == AUX_REMOTE ? 0x40 : 0) |
                     (a->reporting ? 0x20 : 0) | (a->scaling ? 0x10 : 0) |
                     (a->buttons & BTN_BIT_LEFT ? 4 : 0) |
                     (a->buttons & BTN_BIT_MIDDLE ? 2 : 0) |
                     (a->buttons & BTN_BIT_RIGHT ? 1 : 0));
    answer(a, b, sizeof(b));
}

static bool rate_ok(uint8_t v)
{
    return v == 10 || v == 20 || v == 40 || v == 60 || v == 80 || v == 100 ||
           v == 200;
}

/* The rates 200, 100, 80 ask for the wheel; 200, 200, 80 for five buttons. */
static void set_rate(struct ps2_aux *a, uint8_t v)
{
    uint8_t before = a->knock[1];

    if (v == 80 && a->knock[0] == 200) {
        if (before == 100)
            a->id = 3;
        else if (before == 200)
            a->id = 4;
    }
    a->knock[0] = before;
    a->knock[1] = v;
    a->rate = v;
}

static void aux_param(struct ps2_aux *a, uint8_t cmd, uint8_t val)
{
    if (cmd == 0xe8 && val <= 3) {
        a->resolution = val;
    } else if (cmd == 0xf3 && rate_ok(val)) {
        set_rate(a, val);
    } else {
        answer1(a, DEV_RESEND);
        return;
    }
    answer1(a, DEV_ACK);
}

static void read_data(struct ps2_aux *a)
{
    uint8_t b[5] = {DEV_ACK};

    answer(a, b, 1 + packet(a, b + 1, false));
}

static void resend(struct ps2_aux *a)
{
    uint8_t b[sizeof(a->last)];
    unsigned n = a->last_len <= sizeof(b) ? a->last_len : 0;

    memcpy(b, a->last, sizeof(b));
    for (unsigned i = 0; i < n; i++)
        fifo_put(&a->reply, b[i], REPLY_MAX);
}

/* False: no such command. */
static bool aux_mode(struct ps2 *p, uint8_t cmd)
{
    struct ps2_aux *a = &p->r.aux;

    switch (cmd) {
    case 0xe6:
    case 0xe7:
        a->scaling = cmd & 1;
        return true;
    case 0xea: /* stream mode */
    case 0xf0: /* remote mode */
        a->mode = cmd == 0xea ? AUX_STREAM : AUX_REMOTE;
        forget_motion(a);
        return true;
    case 0xec: /* out of wrap mode */
    case 0xee:
        a->wrap = cmd == 0xee;
        forget_motion(a);
        return true;
    case 0xf4:
    case 0xf5:
        a->reporting = cmd == 0xf4;
        forget_motion(a);
        return true;
    case 0xf6:
        set_default(a);
        return true;
    case 0xe8: /* resolution */
    case 0xf3: /* sampling rate */
        a->cmd = cmd;
        return true;
    }
    return false;
}

static void aux_command(struct ps2 *p, uint8_t cmd)
{
    static const uint8_t bat[] = {DEV_ACK, DEV_BAT_OK, 0x00};
    struct ps2_aux *a = &p->r.aux;
    uint8_t id[2] = {DEV_ACK, a->id};

    switch (cmd) {
    case 0xe9:
        status(a);
        break;
    case 0xeb:
        read_data(a);
        break;
    case 0xf2:
        answer(a, id, sizeof(id));
        break;
    case 0xfe:
        resend(a);
        break;
    case 0xff:
        aux_reset(p);
        answer(a, bat, sizeof(bat));
        break;
    default:
        if (aux_mode(p, cmd)) {
            answer1(a, DEV_ACK);
            break;
        }
        answer1(a, DEV_RESEND);
        guest_log(&p->dev, LOG_AUX, "no mouse command %02x", cmd);
    }
}

void aux_write(struct ps2 *p, uint8_t val)
{
    struct ps2_aux *a = &p->r.aux;
    uint8_t cmd = a->cmd;

    /*
     * A byte from the host ends what the mouse was sending. Buttons in a
     * packet that is dropped so are reported again.
     */
    fifo_clear(&a->reply);
    if (a->out.len) {
        fifo_clear(&a->out);
        a->sent = (uint8_t)((a->buttons ^ BTN_BIT_LEFT) & button_mask(a));
    }
    a->cmd = 0;
    if (a->wrap && val != 0xec && val != 0xff)
        answer1(a, val);
    else if (cmd)
        aux_param(a, cmd, val);
    else
        aux_command(p, val);
}
