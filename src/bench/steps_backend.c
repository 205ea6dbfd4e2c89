/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of the world around the devices: disks, the network, a byte stream. */
#include "steps_parts.h"

#include <errno.h>
#include <string.h>

static size_t chr_write(struct chr *c, const uint8_t *buf, size_t len)
{
    struct steps_chr *p = (struct steps_chr *)c;
    size_t n = len < p->accept ? len : p->accept;

    MUST(len && buf);
    p->accept -= n;
    fuzz_answer(buf, n);
    return n;
}

static void chr_room(struct chr *c, size_t n)
{
    ((struct steps_chr *)c)->room = n;
}

static void chr_line(struct chr *c, const struct chr_line *line)
{
    MUST(c && line);
}

static const struct chr_ops chr_ops = {
    .write = chr_write, .rx_room = chr_room, .line = chr_line};

void steps_chr_begin(struct steps *s)
{
    s->chr.chr.ops = &chr_ops;
}

static void one_blk(struct steps *s, unsigned a)
{
    static const int errs[] = {-EIO, -ENOSPC, -EOPNOTSUPP, -EROFS};
    uint8_t how = take8(&s->in);
    struct blk *b = s->blk[how & 3];

    if (!b)
        return;
    switch (a) {
    case BACK_HOLD:
    case BACK_THROUGH:
        blk_mem_hold(b, a == BACK_HOLD);
        break;
    case BACK_FAIL:
        blk_mem_fail(b, (enum blk_op)(how >> 2 & 3), take8(&s->in),
                     errs[how >> 4 & 3]);
        break;
    case BACK_RELEASE:
        blk_mem_release(b);
        break;
    default:
        b->ops->drain(b);
        break;
    }
}

static void one_frame(struct steps *s)
{
    uint8_t f[NET_FRAME_MAX];
    uint32_t len = (uint32_t)take(&s->in, 2), n = take8(&s->in) & 127;

    if (len < 1 || len > sizeof(f))
        len = sizeof(f);
    memset(f, 0, len > n ? len : n);
    for (uint32_t i = 0; i < n; i++)
        f[i] = take8(&s->in);
    net_mem_put(s->net, f, len);
}

static void one_input(struct steps *s)
{
    struct chr *c = &s->chr.chr;
    uint8_t buf[64];
    size_t n = take8(&s->in) & 63;

    if (n > s->chr.room)
        n = s->chr.room;
    for (size_t i = 0; i < n; i++)
        buf[i] = take8(&s->in);
    if (!n || !c->rx)
        return;
    s->chr.room -= n;
    c->rx(c->dev, buf, n);
}

void steps_backend(struct steps *s, unsigned a)
{
    if (a <= BACK_DRAIN) {
        one_blk(s, a);
    } else if (a == BACK_INPUT) {
        one_input(s);
    } else if (a == BACK_ACCEPT) {
        s->chr.accept = take8(&s->in);
        if (s->chr.chr.tx_ready)
            s->chr.chr.tx_ready(s->chr.chr.dev);
    } else if (!s->net) {
        return;
    } else if (a == BACK_FRAME) {
        one_frame(s);
    } else if (a == BACK_FULL) {
        net_mem_full(s->net, take8(&s->in) & 1);
    } else if (a == BACK_LINK) {
        net_mem_link(s->net, take8(&s->in) & 1);
    } else if (a == BACK_RX_END) {
        net_mem_rx_end(s->net);
    }
}
